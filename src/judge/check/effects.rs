//! Effects of keys against their bounds: how often the work of each was done, and how often it may have been.
//!
//! Takes counts by the text that stands in the evidence; keys that stand there under one text are held together against the
//! sum of what they allow, for nobody can tell their effects apart. Which texts are asked for is the step's.

use std::collections::BTreeMap;

use super::Mismatch;
use crate::contract::key::odd::{self, Spelling};
use crate::outcome::mismatch::{Kind, MismatchCode, When};

/// A key, and how often its work must and may have been done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bounded {
    /// Its name.
    pub key: String,
    /// The least, and the most.
    pub bounds: (u64, u64),
}

/// Keys whose work was not done as often as their answers say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// The keys; one, unless several stand under one text.
    pub keys: Vec<String>,
    /// Under which text they were counted.
    pub text: String,
    /// How often the work must and may have been done, of all of them.
    pub bounds: (u64, u64),
    /// How often it was.
    pub count: u64,
}

/// The text under which the work of a key is counted: that of a number by its digits, since nobody can tell them from their text there.
#[must_use]
pub fn counted_as(spelling: Spelling, key: &str) -> String {
    spelling.of(odd::digits_of(key).unwrap_or(key))
}

/// Holds counts against bounds.
///
/// * `text_of`: under which text a key was counted; `counts`: how often each text was found.
#[must_use]
pub fn wrong(keys: &[Bounded], text_of: &dyn Fn(&str) -> String, counts: &BTreeMap<String, u64>) -> Vec<Wrong> {
    let mut groups: Vec<Wrong> = Vec::new();
    for one in keys {
        let (least, most) = one.bounds;
        // A number may be refused, be a key of its own, or mean the key that its digits are: none of that is a lost effect.
        let least = if odd::digits_of(&one.key).is_some() { 0 } else { least };
        let text = text_of(&one.key);
        match groups.iter_mut().find(|group| group.text == text) {
            Some(group) => {
                group.keys.push(one.key.clone());
                group.bounds = (group.bounds.0 + least, group.bounds.1 + most);
            }
            None => {
                let count = counts.get(&text).copied().unwrap_or(0);
                groups.push(Wrong { keys: vec![one.key.clone()], text, bounds: (least, most), count });
            }
        }
    }
    groups.retain(|group| !(group.bounds.0..=group.bounds.1).contains(&group.count));
    groups
}

impl Wrong {
    /// Whether less was done than had to be.
    #[must_use]
    pub fn is_too_few(&self) -> bool {
        self.count < self.bounds.0
    }

    /// Whether nothing was found of keys that are no text, which nobody could be asked for.
    #[must_use]
    pub fn cannot_be_told(&self) -> bool {
        self.count == 0 && self.keys.iter().any(|key| !odd::is_text(key))
    }

    /// It as a mismatch.
    #[must_use]
    pub fn mismatch(&self) -> Mismatch {
        let (least, most) = self.bounds;
        let wanted = if least == most { effects(least) } else { format!("from {least} to {}", effects(most)) };
        let names = self.keys.iter().map(|key| format!("{key:?}")).collect::<Vec<_>>().join(", ");
        let expected = if self.keys.len() == 1 { format!("{wanted} of key {names}") } else { format!("{wanted} of the keys {names}") };
        let of_them = if self.keys.len() == 1 { "it" } else { "them" };
        let is_own = self.count == 0 || self.keys.iter().all(|key| *key == self.text);
        let kept_as = if is_own { String::new() } else { format!(", kept as {:?}", self.text) };
        let observed = format!("{} of {of_them}{kept_as}", effects(self.count));
        let kind = match (self.is_too_few(), most) {
            (true, _) => Kind::EffectMissing,
            (false, 0) => Kind::EffectUndue,
            (false, _) => Kind::EffectSurplus,
        };
        let is_odd = self.keys.iter().any(|key| odd::is_odd(key) || odd::digits_of(key).is_some());
        let when = is_odd.then_some(When::OddKey).into_iter().collect();
        Mismatch::must(expected, observed).of(MismatchCode { when, ..MismatchCode::of(kind) })
    }
}

fn effects(count: u64) -> String {
    format!("{count} effect{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(spelling: Spelling, keys: &[(&str, (u64, u64))], counts: &[(&str, u64)]) -> Vec<(String, u64)> {
        let keys: Vec<Bounded> = keys.iter().map(|(key, bounds)| Bounded { key: (*key).to_owned(), bounds: *bounds }).collect();
        let counts = counts.iter().map(|(text, count)| ((*text).to_owned(), *count)).collect();
        wrong(&keys, &|key| counted_as(spelling, key), &counts).into_iter().map(|one| (one.keys.join("+"), one.count)).collect()
    }

    /// Who reads header bytes as Latin-1 keeps both keys apart, and works once for each.
    #[test]
    fn latin_1_is_as_right_as_utf_8() {
        let keys = [("k\\xe9", (1, 1)), ("ké", (1, 1))];
        let counts = [("ké", 1), ("kÃ©", 1)];
        assert_eq!(found(Spelling::Latin1, &keys, &counts), []);
        assert_eq!(found(Spelling::Text, &keys, &counts), [("k\\xe9".to_owned(), 0)]);
        assert_eq!(found(Spelling::Latin1, &keys, &[("ké", 1), ("kÃ©", 2)]), [("ké".to_owned(), 2)]);
    }

    /// Keys that stand under one text have their effects together: two keys that were made one have one too few.
    #[test]
    fn keys_under_one_text_are_counted_together() {
        let keys = [("k\\xff\\xfe", (1, 1)), ("k\\xfe\\xff", (1, 1))];
        let text = "k\u{fffd}\u{fffd}";
        assert_eq!(found(Spelling::Lossy, &keys, &[(text, 2)]), []);
        assert_eq!(found(Spelling::Lossy, &keys, &[(text, 1)]), [("k\\xff\\xfe+k\\xfe\\xff".to_owned(), 1)]);
    }

    /// A number that means its digits has no effect of its own, and one that is a key of its own has one under the same text.
    #[test]
    fn number_may_mean_its_digits() {
        let keys = [("17", (1, 1)), ("17 as a number", (1, 1))];
        assert_eq!(found(Spelling::Text, &keys, &[("17", 1)]), []);
        assert_eq!(found(Spelling::Text, &keys, &[("17", 2)]), []);
        assert_eq!(found(Spelling::Text, &keys, &[("17", 3)]), [("17+17 as a number".to_owned(), 3)]);
        assert_eq!(found(Spelling::Text, &keys, &[]), [("17+17 as a number".to_owned(), 0)]);
    }
}
