//! HTTP: deliveries and questions go out, answers come back.
//!
//! In: a [`Target`] and a [`Shipment`] (a delivery, and how it is to travel).
//! Out: an [`Exchange`] with its times and the answer, or why there is none.
//! Ordinary shipments go through reqwest and its pool; what reqwest cannot
//! send to the byte goes through the raw driver in [`raw`]. Both leave the
//! delivery's header lines as they are and add `Host`, `Accept` and the
//! framing. Many deliveries at the same moment are [`burst()`].
//!
//! Start at [`Sender`].
//!
//! **Invariant:** nothing here judges. A status of 500 is an answer.
//! **Invariant:** nothing is sent twice, but for what met the closing of a
//! connection that had been used before: it goes once more, over a new one.
//! **Invariant:** no wait outlasts the time-out.

pub mod burst;
mod pool;
pub mod raw;
mod reading;
mod wire;

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use reqwest::header::{CONNECTION, CONTENT_LENGTH, EXPECT, HOST, HeaderName, HeaderValue, TRANSFER_ENCODING};

use crate::clock::UnixMicros;
use crate::delivery::{Answer, Delivery, HeaderLine, NoAnswer};
use crate::scenario::deliver::{ConnectionUse, Framing, HeaderCase};

use self::pool::Pool;
pub use burst::{Release, burst};
pub use raw::KeptConnection;

/// The largest answer body that is read: 64 MiB.
pub const MOST_ANSWER_BYTES: usize = 64 << 20;
/// Above this the raw driver carries the body, for it still hears an answer
/// (413) that comes while it is writing.
const POOLED_BODY_BYTES: usize = 256 << 10;
/// Where a receiver listens: `http://host:port/prefix`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    host: String,
    port: u16,
    prefix: String,
}

/// Text that is not the address of a receiver.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadTarget {
    /// Nothing says how to speak.
    #[error("`{found}` has no scheme; write `http://{found}`")]
    NoScheme {
        /// The text.
        found: String,
    },
    /// TLS is not spoken here.
    #[error("https is not spoken here; give the receiver's plain http port, or that of a local proxy that speaks TLS to it")]
    Https,
    /// Neither http nor https.
    #[error("unknown scheme `{scheme}`; only `http://` is spoken")]
    OtherScheme {
        /// The scheme.
        scheme: String,
    },
    /// A user name or password before the host; not repeated here, it may be a secret.
    #[error("the address has a user name or password before `@`; leave it out, deliveries prove themselves by their signature")]
    UserInfo,
    /// A query or a fragment.
    #[error("`{found}` cannot be part of an address; end it with the path")]
    Query {
        /// From the mark on.
        found: String,
    },
    /// No host, or something that cannot be one.
    #[error("`{found}` is not a host; write a name, an IPv4 address or an IPv6 address in brackets (`http://[::1]:5001`)")]
    Host {
        /// What stands in its place.
        found: String,
    },
    /// The port is not a number from 1 to 65535.
    #[error("`{found}` is not a port; write a number from 1 to 65535")]
    Port {
        /// What stands in its place.
        found: String,
    },
    /// A blank or a control character in the path.
    #[error("the path `{found}` holds a blank or a character outside ASCII; write it percent-encoded")]
    Path {
        /// The path.
        found: String,
    },
}

impl Target {
    /// Reads `http://host[:port][/prefix]`; the port is 80 unless it is given.
    ///
    /// ```
    /// # use hookgate::transport::Target;
    /// let target = Target::parse("http://[::1]:5001/hooks/")?;
    /// assert_eq!(target.url("/status"), "http://[::1]:5001/hooks/status");
    /// # Ok::<(), hookgate::transport::BadTarget>(())
    /// ```
    ///
    /// # Errors
    /// [`BadTarget`], which names what is wrong and the way out.
    pub fn parse(text: &str) -> Result<Self, BadTarget> {
        let text = text.trim();
        let (scheme, rest) = text.split_once("://").ok_or_else(|| BadTarget::NoScheme { found: text.to_owned() })?;
        match scheme.to_ascii_lowercase().as_str() {
            "http" => {}
            "https" => return Err(BadTarget::Https),
            other => return Err(BadTarget::OtherScheme { scheme: other.to_owned() }),
        }
        let authority_len = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(authority_len);
        if authority.contains('@') {
            return Err(BadTarget::UserInfo);
        }
        if let Some(mark) = path.find(['?', '#']) {
            return Err(BadTarget::Query { found: path[mark..].to_owned() });
        }
        if !path.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(BadTarget::Path { found: path.to_owned() });
        }
        let (host, port) = host_and_port(authority)?;
        Ok(Self { host, port, prefix: path.trim_end_matches('/').to_owned() })
    }

    /// The host, an IPv6 address without brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The value of `Host`: the port is left out when it is 80.
    #[must_use]
    pub fn authority(&self) -> String {
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        if self.port == 80 { host } else { format!("{host}:{}", self.port) }
    }

    /// The path and query that travel for `path`: behind this target's own prefix; a whole address travels as it is.
    #[must_use]
    pub fn path(&self, path: &str) -> String {
        if path.starts_with("http://") {
            return path.to_owned();
        }
        format!("{}{path}", self.prefix)
    }

    /// The whole address of `path`.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{}", self.authority(), self.path(path))
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.url(""))
    }
}

fn host_and_port(authority: &str) -> Result<(String, u16), BadTarget> {
    let refuse = || BadTarget::Host { found: authority.to_owned() };
    let (host, port) = match authority.strip_prefix('[') {
        Some(bracketed) => {
            let (inside, after) = bracketed.split_once(']').ok_or_else(refuse)?;
            let address: Ipv6Addr = inside.parse().map_err(|_| refuse())?;
            let port = if after.is_empty() { None } else { Some(after.strip_prefix(':').ok_or_else(refuse)?) };
            (IpAddr::V6(address).to_string(), port)
        }
        None => {
            let (host, port) = authority.split_once(':').map_or((authority, None), |(host, port)| (host, Some(port)));
            if host.is_empty() || !host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte)) {
                return Err(refuse());
            }
            (host.to_owned(), port)
        }
    };
    let Some(port) = port else { return Ok((host, 80)) };
    match port.parse() {
        Ok(number @ 1..) if !port.starts_with('+') => Ok((host, number)),
        Ok(_) | Err(_) => Err(BadTarget::Port { found: port.to_owned() }),
    }
}

/// A delivery, and how it is to travel.
#[derive(Clone, Debug, Default)]
pub struct Shipment {
    /// What travels. `Host` and the framing are added; a line of such a name
    /// that is already there stands in place of the added one.
    pub delivery: Delivery,
    /// How the body is framed.
    pub framing: Framing,
    /// The case of header names.
    pub header_case: HeaderCase,
    /// Which connection it goes over.
    pub connection: ConnectionUse,
}

impl Shipment {
    /// A delivery that travels as the HTTP library sends it.
    #[must_use]
    pub fn plain(delivery: Delivery) -> Self {
        Self { delivery, ..Self::default() }
    }
}

/// Moves the clock of a reference that is served elsewhere, through its control address.
///
/// # Errors
/// One sentence: what the control address answered, or why it did not.
pub async fn move_clock(control: &Target, by: Duration, timeout: Duration) -> Result<(), String> {
    let body = format!("{{\"seconds\": {}}}", by.as_secs_f64());
    let headers = vec![HeaderLine::new("Content-Type", "application/json")];
    let delivery = Delivery { method: "POST".to_owned(), path: "/advance".to_owned(), headers, body: body.into() };
    match Sender::new(control.clone(), timeout).send(Shipment::plain(delivery)).await.result {
        Ok(answer) if answer.status == 200 => Ok(()),
        Ok(answer) => Err(format!("{control} answered {} {}", answer.status, String::from_utf8_lossy(&answer.body))),
        Err(none) => Err(format!("{control}: {none}")),
    }
}

/// A shipment's fate.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// Before the first byte went out; in a burst, the moment of its release.
    pub sent_at: UnixMicros,
    /// When the answer was whole, or given up.
    pub answered_at: UnixMicros,
    /// The time between, by a clock that never goes back.
    pub took: Duration,
    /// The answer, or why there is none.
    pub result: Result<Answer, NoAnswer>,
}

impl Exchange {
    fn ended(sent_at: UnixMicros, took: Duration, result: Result<Answer, NoAnswer>) -> Self {
        Self { sent_at, answered_at: sent_at.plus(took), took, result }
    }
}

/// Sends to one receiver; clones share a pool of connections.
#[derive(Clone, Debug)]
pub struct Sender {
    base: Target,
    timeout: Duration,
    pool: Pool,
}

impl Sender {
    /// A sender to `base` that waits at most `timeout` for each answer, connecting included.
    #[must_use]
    pub fn new(base: Target, timeout: Duration) -> Self {
        let pool = Pool::new(base.host().to_owned(), timeout);
        Self { base, timeout, pool }
    }

    /// The receiver that is sent to.
    #[must_use]
    pub fn target(&self) -> &Target {
        &self.base
    }

    /// Sends `shipment` over a pooled connection, or over one of its own where
    /// it asks for that or for anything that the pool cannot send to the byte.
    ///
    /// [`ConnectionUse::Kept`] needs [`Sender::send_kept`]; here it is a new connection.
    pub async fn send(&self, shipment: Shipment) -> Exchange {
        let Some(request) = self.pooled(&shipment) else {
            return raw::send_alone(&self.base, &shipment, self.timeout).await;
        };
        self.pool.send(request).await
    }

    /// Sends `shipment` over `kept`, which is opened when it is not, or no longer is.
    pub async fn send_kept(&self, kept: &mut KeptConnection, shipment: Shipment) -> Exchange {
        raw::send_kept(&self.base, kept, &shipment, self.timeout).await
    }

    /// The shipment in reqwest's form, if that travels exactly as the shipment says.
    fn pooled(&self, shipment: &Shipment) -> Option<reqwest::Request> {
        let ordinary = shipment.framing == Framing::ContentLength
            && shipment.connection == ConnectionUse::Any
            && matches!(shipment.header_case, HeaderCase::Any | HeaderCase::Lower)
            && shipment.delivery.body.len() <= POOLED_BODY_BYTES;
        if !ordinary {
            return None;
        }
        let delivery = &shipment.delivery;
        let method = reqwest::Method::from_bytes(delivery.method.as_bytes()).ok()?;
        let mut request = reqwest::Request::new(method, reqwest::Url::parse(&self.base.url(&delivery.path)).ok()?);
        // `Url` resolves `..` and escapes some characters: then it is another path.
        let url = request.url();
        let travels = url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()));
        if travels != self.base.path(&delivery.path) {
            return None;
        }
        for line in &delivery.headers {
            let name = HeaderName::from_bytes(line.name.as_bytes()).ok()?;
            let ours = [HOST, CONTENT_LENGTH, TRANSFER_ENCODING, EXPECT, CONNECTION].contains(&name);
            let padded = line.value.trim_ascii().len() != line.value.len();
            if ours || padded {
                return None;
            }
            request.headers_mut().append(name, HeaderValue::from_maybe_shared(line.value.clone()).ok()?);
        }
        if !delivery.body.is_empty() {
            *request.body_mut() = Some(delivery.body.clone().into());
        } else if wire::has_body(delivery) {
            request.headers_mut().append(CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
        Some(request)
    }
}
