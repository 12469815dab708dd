//! Members: what `{placeholders}` of answers and rows stand for, in one place.
//!
//! The reference fills in what it knows, the judge what it has seen; a
//! placeholder that nobody can know yet has no value.

use crate::message::member_text;

/// What is known of a delivery and of the first one of its key.
#[derive(Clone, Copy, Debug, Default)]
pub struct Values<'a> {
    /// The delivery's body.
    pub body: &'a [u8],
    /// Its key.
    pub key: &'a str,
    /// SHA-256 of its body, lower-case hex.
    pub sha256: &'a str,
    /// When it was accepted, as text.
    pub ts: Option<&'a str>,
    /// The TTL of its key, in seconds.
    pub ttl: Option<u64>,
    /// When the first delivery of the key was accepted, as text.
    pub first_ts: Option<&'a str>,
    /// SHA-256 of the first delivery's body.
    pub first_sha256: Option<&'a str>,
}

/// The placeholders of answers and rows; `body:PATH|PATH` stands for the first member of the JSON body that is there.
pub const PLACEHOLDERS: [&str; 7] = ["key", "ts", "ttl", "sha256", "first.ts", "first.sha256", "body:NAME|NAME"];

impl Values<'_> {
    /// The text that a placeholder stands for, when it has one.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<String> {
        match name {
            "key" => Some(self.key.to_owned()),
            "sha256" => Some(self.sha256.to_owned()),
            "ts" => self.ts.map(str::to_owned),
            "ttl" => self.ttl.map(|ttl| ttl.to_string()),
            "first.ts" => self.first_ts.map(str::to_owned),
            "first.sha256" => self.first_sha256.map(str::to_owned),
            other => other.strip_prefix("body:").and_then(|paths| paths.split('|').find_map(|path| member_text(self.body, path))),
        }
    }
}
