//! Deliveries and answers: what travels, byte for byte.
//!
//! A [`Delivery`] is one signed callback as it stands on the wire, an
//! [`Answer`] is what a receiver (the reference or a target) said to it.
//! Plain values; no parsing of bodies, no network, no clock.

use std::time::Duration;

use bytes::Bytes;

use crate::clock::span;

/// What [`NoAnswer::TimedOut`] says before the span.
const WITHIN: &str = "no answer within ";

/// One header line, its name as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderLine {
    /// The name in the case it travels in.
    pub name: String,
    /// The value's bytes, without surrounding white space; not always UTF-8.
    pub value: Bytes,
}

impl HeaderLine {
    /// A header line of text.
    #[must_use]
    pub fn new(name: impl Into<String>, value: impl Into<Bytes>) -> Self {
        Self { name: name.into(), value: value.into() }
    }
}

/// One callback as it travels.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Delivery {
    /// The method, `POST` as a rule.
    pub method: String,
    /// Path and query, as on the request line; there it may be a whole address, `http://host/path` or `https://host/path`.
    pub path: String,
    /// Header lines in the order they travel; names may repeat.
    pub headers: Vec<HeaderLine>,
    /// The body's exact bytes.
    pub body: Bytes,
}

/// Path and query of what stands on a request line: all of it, or what follows the authority of a whole address.
#[must_use]
pub fn path_in(target: &str) -> &str {
    match target.strip_prefix("http://").or_else(|| target.strip_prefix("https://")) {
        Some(address) => address.find(['/', '?']).map_or("/", |at| &address[at..]),
        None => target,
    }
}

impl Delivery {
    /// The values of every line of the header `name`, in any case, in order.
    pub fn header_values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Bytes> {
        self.headers.iter().filter(move |line| line.name.eq_ignore_ascii_case(name)).map(|line| &line.value)
    }

    /// Path and query alone, also of a whole address.
    #[must_use]
    pub fn path_and_query(&self) -> &str {
        path_in(&self.path)
    }

    /// The first value of the header `name`, in any case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&Bytes> {
        first_value(&self.headers, name)
    }
}

/// What a receiver answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// Header lines in the order they came.
    pub headers: Vec<HeaderLine>,
    /// The body's exact bytes.
    pub body: Bytes,
}

impl Answer {
    /// The first value of the header `name`, in any case; bytes outside UTF-8 replaced.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<String> {
        first_value(&self.headers, name).map(|value| String::from_utf8_lossy(value).into_owned())
    }

    /// The body as JSON, when it is; a byte order mark before it is passed over, as RFC 8259 §8.1 allows.
    #[must_use]
    pub fn json(&self) -> Option<serde_json::Value> {
        let body = self.body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&self.body);
        serde_json::from_slice(body).ok()
    }
}

/// Why there is no answer. Never a verdict by itself: the receiver may or may
/// not have taken the delivery.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoAnswer {
    /// Nothing came in time.
    #[error("no answer within {}", span::write(*after))]
    TimedOut {
        /// How long was waited.
        after: Duration,
    },
    /// No connection could be made.
    #[error("no connection: {cause}")]
    Unreachable {
        /// What the operating system said.
        cause: String,
    },
    /// The connection ended before the answer was whole.
    #[error("the connection ended before the answer was whole: {cause}")]
    Broken {
        /// What was seen.
        cause: String,
    },
    /// Something came that is not HTTP/1.1.
    #[error("what came is not an HTTP answer: {cause}")]
    Garbled {
        /// What was seen.
        cause: String,
    },
}

impl NoAnswer {
    /// Whether it was given up before `limit` was over, within which answers are due: that says nothing of the receiver.
    #[must_use]
    pub fn is_premature(&self, limit: Duration) -> bool {
        matches!(self, Self::TimedOut { after } if *after < limit)
    }

    /// Reads what one told; what came in no time is known again, and of all others the words.
    #[must_use]
    pub fn read(told: &str) -> Self {
        match told.strip_prefix(WITHIN).and_then(|after| span::read(after).ok()) {
            Some(after) => Self::TimedOut { after },
            None => Self::Broken { cause: told.to_owned() },
        }
    }
}

fn first_value<'a>(lines: &'a [HeaderLine], name: &str) -> Option<&'a Bytes> {
    lines.iter().find(|line| line.name.eq_ignore_ascii_case(name)).map(|line| &line.value)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whoever gave up before the time was over has learned nothing; what one told is known again.
    #[test]
    fn what_was_given_up_too_early_is_known_by_its_words_too() {
        let (second, limit) = (Duration::from_secs(1), Duration::from_secs(2));
        for (none, is_premature) in [
            (NoAnswer::TimedOut { after: second }, true),
            (NoAnswer::TimedOut { after: limit - Duration::from_micros(1) }, true),
            (NoAnswer::TimedOut { after: limit }, false),
            (NoAnswer::Unreachable { cause: "connection refused".to_owned() }, false),
            (NoAnswer::Broken { cause: "it was closed".to_owned() }, false),
        ] {
            assert_eq!(none.is_premature(limit), is_premature, "{none}");
            assert_eq!(NoAnswer::read(&none.to_string()).is_premature(limit), is_premature, "{none}");
        }
        let odd = "no answer within reach".to_owned();
        assert_eq!(NoAnswer::read(&odd), NoAnswer::Broken { cause: odd });
    }

    /// A byte order mark before JSON is passed over, and nowhere else.
    #[test]
    fn json_may_begin_with_a_byte_order_mark() {
        let json = |body: &'static str| Answer { status: 200, headers: Vec::new(), body: body.into() }.json();
        assert_eq!(json("\u{feff}{\"a\":1}"), Some(serde_json::json!({"a": 1})));
        assert_eq!(json("\u{feff}"), None);
        assert_eq!(json("\u{feff}\u{feff}1"), None);
    }
}
