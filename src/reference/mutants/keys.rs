//! What defects make of keys that can be read.

use super::Mutant;
use super::door::number_in;
use crate::contract::outcome::Refusal;
use crate::delivery::Delivery;

/// As many hex digits has a UUID.
const DIGITS_OF_A_UUID: usize = 32;
/// The longest key that is taken where a contract does not say another one.
const LONGEST: usize = 255;

impl Mutant {
    /// The key that is understood instead of the one that is there.
    pub(super) fn key_otherwise(&self, read: Result<String, Refusal>, delivery: &Delivery) -> Result<String, Refusal> {
        if self.is("key-is-found-anywhere") {
            return found_anywhere(&delivery.body).map_or(read, Ok);
        }
        let key = read?;
        Ok(match self.defect.name {
            "keys-are-numbers" => number_in(&key).unwrap_or(key),
            "key-case-folded" => key.to_lowercase(),
            "key-cut-at-64" => key.chars().take(64).collect(),
            "longest-key-is-cut" => key.chars().take(LONGEST - 1).collect(),
            "last-digit-of-a-uuid-is-ignored" => as_uuid(&key).map_or(key, |digits| digits.chars().take(DIGITS_OF_A_UUID - 1).collect()),
            "uuids-are-normalised" => as_uuid(&key).unwrap_or(key),
            "key-quotes-stripped" => key.replace(['"', '\''], ""),
            "key-blanks-removed" => key.replace(' ', ""),
            "key-hyphens-removed" => key.replace('-', ""),
            "key-wildcards-folded" => key.replace(['%', '_'], "*"),
            "sql-comment-ends-key" => key.split("--").next().unwrap_or_default().to_owned(),
            _ => key,
        })
    }
}

/// The text of the first member called `id`, as a pattern finds it that knows nothing of JSON.
fn found_anywhere(body: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(body);
    let (_, behind) = text.split_once("\"id\"")?;
    let value = behind.trim_start().strip_prefix(':')?.trim_start().strip_prefix('"')?;
    value.split_once('"').map(|(id, _)| id.to_owned())
}

/// The hex digits of what is a UUID in some spelling.
fn as_uuid(key: &str) -> Option<String> {
    let bare = key.strip_prefix("urn:uuid:").unwrap_or(key);
    let bare = bare.strip_prefix('{').and_then(|bare| bare.strip_suffix('}')).unwrap_or(bare);
    let digits: String = bare.chars().filter(|letter| *letter != '-').collect::<String>().to_lowercase();
    let is_uuid = digits.len() == DIGITS_OF_A_UUID && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_uuid.then_some(digits)
}
