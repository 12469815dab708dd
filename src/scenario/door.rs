//! Doors: other ways to a receiver's endpoint than the one that its contract names.
//!
//! Paths in, paths out: what is sent there is `run`'s business.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Another spelling of the endpoint's path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Door {
    /// A slash at its end.
    Slash,
    /// Its first slash twice.
    Doubled,
    /// Its letters in the other case.
    Upper,
    /// Its last letter percent-encoded.
    Percent,
    /// A query behind it, `?x=1`.
    Query,
    /// A parameter behind it, `;x=1`.
    Params,
    /// A whole address on the request line, `POST http://host:port/path`.
    Absolute,
    /// A segment `.` in front of it.
    Dot,
}

/// What says that another method is meant than the one that travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum MethodOverride {
    /// Header lines: `X-HTTP-Method-Override`, `X-HTTP-Method`, `X-Method-Override`.
    Header,
    /// The query: `_method`.
    Query,
    /// A form in the body: `_method`.
    Form,
}

impl Door {
    /// Every door.
    pub const ALL: [Self; 8] =
        [Self::Slash, Self::Doubled, Self::Upper, Self::Percent, Self::Query, Self::Params, Self::Absolute, Self::Dot];

    /// The path in this spelling, as it stands on the request line.
    ///
    /// * `path`: the endpoint's, a query may follow.
    /// * `origin`: `http://host:port` and the target's own prefix.
    ///
    /// `None` where the path has no such spelling: it has no letters.
    #[must_use]
    pub fn spell(self, path: &str, origin: &str) -> Option<String> {
        let end = path.find('?').unwrap_or(path.len());
        let (plain, query) = path.split_at(end);
        let other = match self {
            Self::Slash => format!("{plain}/{query}"),
            Self::Doubled => format!("/{path}"),
            Self::Upper => {
                let upper = plain.to_ascii_uppercase();
                let other = if upper == plain { plain.to_ascii_lowercase() } else { upper };
                format!("{other}{query}")
            }
            Self::Percent => {
                let at = plain.rfind(|letter: char| letter.is_ascii_alphabetic())?;
                format!("{}%{:02X}{}{query}", &plain[..at], plain.as_bytes()[at], &plain[at + 1..])
            }
            Self::Query => format!("{path}{}x=1", if query.is_empty() { '?' } else { '&' }),
            Self::Params => format!("{plain};x=1{query}"),
            Self::Absolute => format!("{origin}{path}"),
            Self::Dot => format!("/.{path}"),
        };
        (other != path).then_some(other)
    }
}

impl MethodOverride {
    /// The header lines that say it; empty where it is said otherwise.
    #[must_use]
    pub fn headers(self) -> &'static [&'static str] {
        match self {
            Self::Header => &["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"],
            Self::Query | Self::Form => &[],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each door is the path in one other spelling.
    #[test]
    fn doors_are_spelled_otherwise() {
        let of = |path: &str| Door::ALL.map(|door| door.spell(path, "http://h:1/p").unwrap_or_else(|| "-".to_owned()));
        let wanted = ["/a/B1/", "//a/B1", "/A/B1", "/a/%421", "/a/B1?x=1", "/a/B1;x=1", "http://h:1/p/a/B1", "/./a/B1"];
        assert_eq!(of("/a/B1"), wanted);
        assert_eq!(of("/?q")[..5], ["//?q", "//?q", "-", "-", "/?q&x=1"]);
        assert_eq!(Door::Upper.spell("/A?q=a", ""), Some("/a?q=a".to_owned()));
    }
}
