//! Collector: who takes metrics by OTLP/HTTP.
//!
//! A body of JSON out, whether it was taken in. Nothing of this is judged, so
//! the HTTP library does it.
//!
//! Source: <https://opentelemetry.io/docs/specs/otlp/> (`OTLP/HTTP`: path, response, which statuses may be tried again).

use std::time::Duration;

use reqwest::Url;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

use super::Tls;
use crate::delivery::HeaderLine;

/// What stands behind the address of a collector.
const PATH: &str = "/v1/metrics";
/// An answer is waited for so long.
const PATIENCE: Duration = Duration::from_secs(5);
/// Of what a collector says, so many characters are told.
const TOLD_CHARACTERS: usize = 200;

/// What is wrong with an address or a header.
#[derive(Debug, thiserror::Error)]
pub enum BadCollector {
    /// It is no address of HTTP.
    #[error("`{found}` is no collector: write its address, as in `http://127.0.0.1:4318`")]
    NoUrl {
        /// What was written.
        found: String,
    },
    /// A password would stand where everybody sees it.
    #[error(
        "the collector's address holds a user or a password, which everybody sees who lists processes: give --otlp-header-env Authorization=VARIABLE"
    )]
    HoldsPassword,
    /// A line that HTTP does not have.
    #[error("`{name}` cannot be a header of exports: {why}")]
    Header {
        /// Its name.
        name: String,
        /// What is wrong.
        why: &'static str,
    },
    /// TLS, or the client, cannot be set up.
    #[error("exports cannot be set up: {0}")]
    Setup(String),
}

/// Why metrics were not taken.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// Nobody answered.
    #[error("nobody takes metrics at {url} ({cause})")]
    Unreachable {
        /// The address.
        url: String,
        /// What went wrong.
        cause: String,
    },
    /// The answer was no.
    #[error("{url} does not take metrics: it answers {status}{said}")]
    Status {
        /// The address.
        url: String,
        /// The status.
        status: u16,
        /// What it says, behind a colon.
        said: String,
    },
}

impl Refused {
    /// Whether the same may be taken later, by the protocol's own list.
    #[must_use]
    pub fn may_be_taken_later(&self) -> bool {
        match self {
            Self::Unreachable { .. } => true,
            Self::Status { status, .. } => matches!(status, 429 | 502 | 503 | 504),
        }
    }
}

/// The address of metrics at a collector: `/v1/metrics` is put behind it, where it does not stand there yet.
///
/// # Errors
/// [`BadCollector::NoUrl`] and [`BadCollector::HoldsPassword`].
pub fn address(text: &str) -> Result<Url, BadCollector> {
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    // What is written may hold a password: only what certainly is none is told again.
    let mut url = url.ok_or_else(|| BadCollector::NoUrl { found: if text.contains('@') { "…".to_owned() } else { text.to_owned() } })?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(BadCollector::HoldsPassword);
    }
    url.set_fragment(None);
    let path = url.path().trim_end_matches('/').to_owned();
    url.set_path(&if path.ends_with(PATH) { path } else { path + PATH });
    Ok(url)
}

/// A collector.
#[derive(Clone)]
pub struct Collector {
    client: reqwest::Client,
    url: Url,
    headers: HeaderMap,
}

impl std::fmt::Debug for Collector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Collector").field("url", &self.url.as_str()).finish_non_exhaustive()
    }
}

impl Collector {
    /// The one at an address.
    ///
    /// * `url`: as [`address`] gives it.
    /// * `tls`: whom to believe, where it is reached by TLS; the platform's certificates otherwise.
    ///
    /// # Errors
    /// [`BadCollector`]: a header that cannot travel, or no TLS.
    pub fn new(url: Url, tls: Option<&Tls>, lines: &[HeaderLine]) -> Result<Self, BadCollector> {
        let mut client = reqwest::Client::builder().no_proxy().timeout(PATIENCE).redirect(reqwest::redirect::Policy::none());
        if url.scheme() == "https" {
            let tls = tls.map_or_else(Tls::usual, |tls| Ok(tls.clone())).map_err(BadCollector::Setup)?;
            client = client.tls_backend_preconfigured(rustls::ClientConfig::clone(&tls.config()));
        }
        let client = client.build().map_err(|cause| BadCollector::Setup(super::control::innermost(&cause)))?;
        let mut headers = HeaderMap::new();
        for line in lines {
            let wrong = |why| BadCollector::Header { name: line.name.clone(), why };
            let name = HeaderName::from_bytes(line.name.as_bytes()).map_err(|_| wrong("it is no name"))?;
            let mut value = HeaderValue::from_bytes(&line.value).map_err(|_| wrong("its value holds what no header may"))?;
            value.set_sensitive(true);
            if matches!(name.as_str(), "content-type" | "content-length" | "host" | "transfer-encoding" | "connection") {
                return Err(wrong("it is said by the export itself"));
            }
            headers.append(name, value);
        }
        Ok(Self { client, url, headers })
    }

    /// Posts a body of JSON: nothing when all of it was taken, what the collector says when only a part was.
    ///
    /// # Errors
    /// [`Refused`].
    pub async fn post(&self, body: String) -> Result<Option<String>, Refused> {
        let url = || self.url.to_string();
        let asked = self.client.post(self.url.clone()).headers(self.headers.clone());
        let asked = asked.header("Content-Type", "application/json").body(body).send().await;
        let unreachable = |cause: reqwest::Error| {
            let cause =
                if cause.is_timeout() { format!("no answer within {} s", PATIENCE.as_secs()) } else { super::control::innermost(&cause) };
            Refused::Unreachable { url: url(), cause }
        };
        let answer = asked.map_err(unreachable)?;
        let status = answer.status().as_u16();
        let said = answer.text().await.unwrap_or_default();
        if !(200..300).contains(&status) {
            let first = said.lines().next().unwrap_or_default().trim();
            let said: String = first.chars().filter(|c| !c.is_control()).take(TOLD_CHARACTERS).collect();
            return Err(Refused::Status { url: url(), status, said: if said.is_empty() { said } else { format!(": {said}") } });
        }
        Ok(partial(&said).map(|why| format!("{} takes a part of the metrics only: {why}", self.url)))
    }
}

/// What a collector says of a part that it did not take.
fn partial(said: &str) -> Option<String> {
    let answer: serde_json::Value = serde_json::from_str(said).ok()?;
    let partial = answer.get("partialSuccess")?;
    let of = |name: &str| partial.get(name).map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned));
    let rejected = of("rejectedDataPoints").filter(|count| count != "0");
    let message: String = of("errorMessage").unwrap_or_default().chars().filter(|c| !c.is_control()).take(TOLD_CHARACTERS).collect();
    match (rejected, message.is_empty()) {
        (Some(count), true) => Some(format!("{count} points were rejected")),
        (Some(count), false) => Some(format!("{count} points were rejected, {message}")),
        (None, false) => Some(message),
        (None, true) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_of_metrics_stands_behind_the_address_once() {
        for (text, told) in [
            ("http://127.0.0.1:4318", "http://127.0.0.1:4318/v1/metrics"),
            ("http://127.0.0.1:4318/", "http://127.0.0.1:4318/v1/metrics"),
            ("https://otlp.example.org/otlp", "https://otlp.example.org/otlp/v1/metrics"),
            ("http://prometheus:9090/api/v1/otlp/v1/metrics", "http://prometheus:9090/api/v1/otlp/v1/metrics"),
            ("http://prometheus:9090/api/v1/otlp/v1/metrics/", "http://prometheus:9090/api/v1/otlp/v1/metrics"),
        ] {
            assert_eq!(address(text).expect("an address").as_str(), told);
        }
        for text in ["127.0.0.1:4318", "collector", "grpc://127.0.0.1:4317", "http://", ""] {
            assert!(matches!(address(text), Err(BadCollector::NoUrl { .. })), "{text}");
        }
        for text in ["http://user:secret@127.0.0.1:4318", "http://token@collector", "ftp://user:secret@host"] {
            let told = address(text).expect_err("a password").to_string();
            assert!(!told.contains("secret") && !told.contains("token@"), "{told}");
        }
    }

    #[test]
    fn parts_that_were_not_taken_are_told() {
        assert_eq!(partial("{}"), None);
        assert_eq!(partial("not JSON"), None);
        assert_eq!(partial(r#"{"partialSuccess":{}}"#), None);
        assert_eq!(partial(r#"{"partialSuccess":{"rejectedDataPoints":"0","errorMessage":""}}"#), None);
        let told = partial(r#"{"partialSuccess":{"rejectedDataPoints":"7","errorMessage":"too old"}}"#);
        assert_eq!(told.as_deref(), Some("7 points were rejected, too old"));
    }
}
