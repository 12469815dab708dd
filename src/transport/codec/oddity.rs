//! Oddities: what comes that is no answer, or more than one, as people read of it.

use std::fmt;

use crate::delivery::NoAnswer;

/// So much of what should not be there is told.
const TOLD_BYTES: usize = 24;

/// Bytes that follow an answer on its connection, which nobody asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Surplus {
    /// How many were seen.
    pub bytes: usize,
    /// The first of them.
    pub beginning: Vec<u8>,
}

impl Surplus {
    /// What stands in `bytes`; nothing when there is nothing.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Option<Self> {
        let beginning = bytes.iter().copied().take(TOLD_BYTES + 1).collect();
        (!bytes.is_empty()).then_some(Self { bytes: bytes.len(), beginning })
    }

    /// Whether it begins as an answer does: then an earlier one may have been taken for that of another request.
    #[must_use]
    pub fn is_an_answer(&self) -> bool {
        self.beginning.starts_with(b"HTTP/")
    }
}

impl fmt::Display for Surplus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = if self.bytes == 1 { "byte" } else { "bytes" };
        write!(f, "{} {unit} after the answer, {}", self.bytes, beginning(&self.beginning))
    }
}

/// Another protocol that is known by its first bytes, as a sentence.
pub(super) fn other_protocol(bytes: &[u8]) -> Option<String> {
    let is_settings_frame = bytes.first() == Some(&0) && bytes.get(3).is_none_or(|kind| matches!(kind, 4 | 7));
    let told = match bytes {
        [0x15 | 0x16, 3, ..] | [0x15 | 0x16] => "it speaks TLS; give its address as https://",
        _ if is_settings_frame || [&b"HTTP/2"[..], b"HTTP/3", b"PRI * HTTP"].iter().any(|mark| bytes.starts_with(mark)) => {
            "it speaks HTTP/2, and hookgate only HTTP/1.1; let the receiver speak that, too, at this address"
        }
        _ => return None,
    };
    Some(told.to_owned())
}

pub(super) fn broken(cause: &str) -> NoAnswer {
    NoAnswer::Broken { cause: cause.to_owned() }
}

pub(super) fn garbled(cause: &str) -> NoAnswer {
    NoAnswer::Garbled { cause: cause.to_owned() }
}

/// The first bytes of something odd, fit for a message.
pub(super) fn beginning(bytes: &[u8]) -> String {
    let first: String = bytes.iter().take(TOLD_BYTES).flat_map(|byte| byte.escape_ascii()).map(char::from).collect();
    if bytes.len() > TOLD_BYTES { format!("`{first}…`") } else { format!("`{first}`") }
}
