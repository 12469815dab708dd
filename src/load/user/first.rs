//! First deliveries: what a duplicate's answer should tell of the first one with its key.
//!
//! In: the duplicate as it was sent and answered. Out: whether the answer tells
//! of the first delivery, or of one that may have been it.

use super::User;
use crate::history::record::Record;
use crate::load::mix::Kind;
use crate::outcome::Outcome;
use crate::sign::sha256_hex;

impl User<'_> {
    /// Whether a duplicate's answer tells of the first delivery of its key, or of one that may have been.
    pub(super) fn tells_first(&self, kind: Kind, number: u32, is_own: bool) -> bool {
        let (firsts, values) = (&self.shared.firsts, self.record.values());
        let tells = |sha256: &str| firsts.tell(self.json.as_ref(), &values, sha256);
        let candidates = firsts.candidates(kind, is_own);
        (candidates.own && tells(&self.record.sha256)) || (candidates.other && tells(&self.other_hash(kind, number)))
    }

    /// The hash of the body of a key that was not sent: of the usual one and the other one.
    fn other_hash(&self, kind: Kind, number: u32) -> String {
        let key = &self.record.key;
        let word = if kind == Kind::ConflictingBody { key.clone() } else { format!("{key}-other") };
        sha256_hex(&self.shared.body(number, &word))
    }

    /// The delivery that a duplicate's answer should tell of, for the report; nothing where the answer is no duplicate's.
    pub(super) fn first_of(&self, kind: Kind, number: u32, is_own: bool) -> Option<Record> {
        if !self.outcome.is(Outcome::Duplicate) {
            return None;
        }
        let sha256 =
            if self.shared.firsts.candidates(kind, is_own).own { self.record.sha256.clone() } else { self.other_hash(kind, number) };
        Some(Record { sha256, ..self.record.clone() })
    }
}
