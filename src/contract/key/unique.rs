//! Unique keys: for every number of a run another one, in the form that the contract's keys have.
//!
//! Deterministic: the same word of a run and the same number give the same key.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{KeyForm, KeyPlace};
use crate::sign::{hex, sha256};

/// The longest word of a run with a hyphen and a number: `hg`, 16 hex digits, 20 digits.
const LONGEST_WORD: usize = 40;
/// Deliveries of one run are counted up to here where keys are short.
const MOST_KEYS: u64 = 1 << 32;

/// In which way a key is none of the contract's: it lies outside their form or their alphabet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Outside {
    /// Its letters stand in the case that the alphabet does not have.
    Case,
    /// It has a character more, which the alphabet does not have.
    Character,
    /// It has another form: no UUID, or no quotation marks around it where they are due.
    Form,
}

/// How a key differs from another one that is a UUID.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum NearUuid {
    /// Its first hex digit is another one.
    FirstDigit,
    /// One in its middle is.
    MiddleDigit,
    /// Its last one is.
    LastDigit,
    /// Its letters are upper-case ones.
    UpperCase,
    /// It has no hyphens.
    NoHyphens,
    /// It stands in braces.
    InBraces,
    /// It is a URN (RFC 9562, section 4).
    AsUrn,
}

impl NearUuid {
    /// The key that is so near to `uuid`.
    #[must_use]
    pub fn of(self, uuid: &str) -> String {
        let place = match self {
            Self::UpperCase => return uuid.to_ascii_uppercase(),
            Self::NoHyphens => return uuid.replace('-', ""),
            Self::InBraces => return format!("{{{uuid}}}"),
            Self::AsUrn => return format!("urn:uuid:{uuid}"),
            Self::FirstDigit => 0,
            // The last digit of the second group: neither the version nor the variant.
            Self::MiddleDigit => 12,
            Self::LastDigit => uuid.len().saturating_sub(1),
        };
        let other = |digit: char| digit.to_digit(16).and_then(|value| char::from_digit(value ^ 1, 16)).unwrap_or(digit);
        uuid.chars().enumerate().map(|(at, digit)| if at == place { other(digit) } else { digit }).collect()
    }
}

/// Characters that keys of other senders may well have, the plainest first.
const ANY_OTHER: &[u8] = b"_-.:zZ9+=/@~!$&*aA0";

impl KeyPlace {
    /// A key that is outside in this way and unique all the same.
    ///
    /// * `unique`: a unique key of the contract's form.
    ///
    /// # Errors
    /// Why the contract's keys have no such outside, as a sentence.
    pub fn outside(&self, unique: &str, way: Outside) -> Result<String, &'static str> {
        match (way, self.form) {
            (Outside::Case | Outside::Character, _) if self.alphabet.is_none() => {
                Err("the contract's keys have no alphabet of their own (`key.alphabet`)")
            }
            (Outside::Case, _) => {
                let turned =
                    |letter: char| if letter.is_ascii_lowercase() { letter.to_ascii_uppercase() } else { letter.to_ascii_lowercase() };
                let is_outside =
                    |letter: char| letter.is_ascii_alphabetic() && u8::try_from(turned(letter)).is_ok_and(|byte| !self.allows(byte));
                let other: String = unique.chars().map(|letter| if is_outside(letter) { turned(letter) } else { letter }).collect();
                if other == unique { Err("the contract's keys may have their letters in either case (`key.alphabet`)") } else { Ok(other) }
            }
            (Outside::Character, _) => {
                let other = ANY_OTHER.iter().find(|byte| !self.allows(**byte));
                let other = other.ok_or("the alphabet of the contract's keys has every usual character (`key.alphabet`)")?;
                Ok(format!("{unique}{}", char::from(*other)))
            }
            (Outside::Form, KeyForm::Uuid) => Ok(format!("no-uuid-{}", unique.replace('-', ""))),
            (Outside::Form, KeyForm::Quoted) if self.header.is_some() => Ok(unique.to_owned()),
            (Outside::Form, KeyForm::Quoted) => Err("the contract's key does not travel in a header"),
            (Outside::Form, KeyForm::Bare | KeyForm::Either) => Err("the contract's keys have no form of their own (`key.form`)"),
        }
    }

    /// The key of this number; no other number and, as far as its length allows, no other run has it.
    ///
    /// * `run_word`: what tells this run from others: lower-case letters and digits.
    #[must_use]
    pub fn unique_key(&self, run_word: &str, number: u64) -> String {
        let word = format!("{run_word}-{number}");
        if self.form == KeyForm::Uuid {
            return uuid_of(&word);
        }
        if word.bytes().all(|byte| self.allows(byte)) && word.len() <= self.longest {
            return word;
        }
        self.in_alphabet(run_word, number).unwrap_or(word)
    }

    /// A UUID of this number, whatever form the contract's keys have.
    #[must_use]
    pub fn unique_uuid(run_word: &str, number: u64) -> String {
        uuid_of(&format!("{run_word}-{number}"))
    }

    /// The key of this number, made exactly so many bytes long: shorter than [`KeyPlace::unique_key`] it is not unique.
    ///
    /// `None` for UUIDs, which have one length.
    #[must_use]
    pub fn unique_key_of_length(&self, run_word: &str, number: u64, length: usize) -> Option<String> {
        let key = self.unique_key(run_word, number);
        // No digit: after the word's number it would make another number.
        let more = [b'k'].into_iter().chain(b'a'..=b'z').chain(b'A'..=b'Z').chain(0x21..=0x7e).find(|byte| self.allows(*byte))?;
        (self.form != KeyForm::Uuid).then(|| key.chars().chain(std::iter::repeat(char::from(more))).take(length).collect())
    }

    /// Whether all keys of a run begin with its word and a hyphen, so that they can be found by it.
    #[must_use]
    pub fn has_prefix(&self) -> bool {
        let allows_all = || (b'a'..=b'z').chain(b'0'..=b'9').chain([b'-']).all(|byte| self.allows(byte));
        self.form != KeyForm::Uuid && self.longest >= LONGEST_WORD && allows_all()
    }

    /// The digits of run and number in base *characters of the alphabet*, each at a width of its own, so that no two
    /// keys are the same, also when more characters follow; `None` with fewer than two characters.
    fn in_alphabet(&self, run_word: &str, number: u64) -> Option<String> {
        // Blanks may get lost around a key, and quotation marks may be its form's.
        let letters: Vec<u8> = (0x21..=0x7e).filter(|byte| self.allows(*byte) && !matches!(byte, b'"' | b'\\')).collect();
        let base = u64::try_from(letters.len()).ok().filter(|base| *base > 1)?;
        let width = |most: u64| usize::try_from(most.ilog(base)).map_or(usize::MAX, |digits| digits + 1);
        let of_number = width(MOST_KEYS).min(self.longest.max(1));
        let of_run = width(u64::MAX).min(self.longest.saturating_sub(of_number));
        let run = sha256(run_word.as_bytes()).iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte));
        let mut key = String::with_capacity(of_run + of_number);
        for (mut rest, digits) in [(run, of_run), (number, of_number)] {
            let mut turned = Vec::with_capacity(digits);
            for _ in 0..digits {
                turned.push(char::from(letters[usize::try_from(rest % base).unwrap_or_default()]));
                rest /= base;
            }
            key.extend(turned.into_iter().rev());
        }
        Some(key)
    }

    /// A number of 15 digits that no other delivery of any run bears, for keys that are numbers.
    #[must_use]
    pub fn unique_number(run_word: &str, number: u64) -> u64 {
        // As long as a number can be that every reader of floating-point numbers still reads exactly.
        const FIRST: u64 = 100_000_000_000_000;
        let hash = sha256(format!("{run_word} {number}").as_bytes());
        FIRST + hash.iter().take(8).fold(0, |number: u64, byte| number << 8 | u64::from(*byte)) % (9 * FIRST)
    }
}

/// A UUID of version 8 (RFC 9562, section 5.8) that is made of a word's hash.
fn uuid_of(word: &str) -> String {
    let hash = sha256(word.as_bytes());
    let mut bytes = [0; 16];
    bytes.iter_mut().zip(hash).for_each(|(byte, hashed)| *byte = hashed);
    bytes[6] = 0x80 | (bytes[6] & 0x0f);
    bytes[8] = 0x80 | (bytes[8] & 0x3f);
    let digits = hex(&bytes);
    [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]].join("-")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::contract::key::places;
    use crate::contract::outcome::Refusal;
    use crate::delivery::{Delivery, HeaderLine};

    /// Every unique key is one that its contract takes, and no two are the same, also when they are made longer.
    #[test]
    fn unique_keys_are_usable_and_unique() {
        for place in places() {
            let mut seen = BTreeSet::new();
            for run in ["hg64f1c2a3b4d5e", "hg64f1c2a3b4d5f"] {
                for number in [0, 1, 9, 10, 11, 99, 1_000, 4_294_967_295] {
                    let key = place.unique_key(run, number);
                    let body = place.put_into_body(b"{}", key.as_bytes()).unwrap().into_owned().into();
                    let headers = place.header.iter().map(|name| HeaderLine::new(name.clone(), place.write(key.as_bytes()).into_owned()));
                    let delivery = Delivery { headers: headers.collect(), body, ..Delivery::default() };
                    assert_eq!(place.read(&delivery).as_ref(), Ok(&key), "{place:?}");
                    assert!(!place.has_prefix() || key == format!("{run}-{number}"));
                    assert!(seen.insert(place.unique_key_of_length(run, number, 60).unwrap_or(key)), "{place:?} {run} {number}");
                }
            }
        }
    }

    /// What lies outside is no key of the contract; where nothing does, that is told.
    #[test]
    fn what_is_outside_is_none_of_the_contracts_keys() {
        for place in places() {
            let unique = place.unique_key("hg64f1c2a3b4d5e", 7);
            for way in [Outside::Case, Outside::Character, Outside::Form] {
                let has_one = match way {
                    Outside::Case => place.alphabet.as_deref().is_some_and(|set| set == "a-f"),
                    Outside::Character => place.alphabet.is_some(),
                    Outside::Form => place.form == KeyForm::Uuid || (place.form == KeyForm::Quoted && place.header.is_some()),
                };
                let made = place.outside(&unique, way);
                assert_eq!(made.is_ok(), has_one, "{place:?} {way:?} {made:?}");
                let Ok(key) = made else { continue };
                let body = place.put_into_body(b"{}", key.as_bytes()).unwrap().into_owned().into();
                let written = if way == Outside::Form { key.clone().into_bytes() } else { place.write(key.as_bytes()).into_owned() };
                let headers = place.header.iter().map(|name| HeaderLine::new(name.clone(), written.clone())).collect();
                let read = place.read(&Delivery { headers, body, ..Delivery::default() });
                assert!(matches!(read, Err(Refusal::UnusableKey | Refusal::MissingKey)), "{place:?} {way:?} {key} {read:?}");
            }
        }
    }

    /// The digits are those of the RFC: version 8, variant 10.
    #[test]
    fn uuids_say_that_they_are_made_of_anything() {
        let key = KeyPlace { form: KeyForm::Uuid, ..KeyPlace::default() }.unique_key("hg1", 7);
        // printf 'hg1-7' | sha256sum
        assert_eq!(key, "ecf06fdf-7f4c-84ce-8cde-c79c49a508a2");
    }

    /// Numbers have fifteen digits.
    #[test]
    fn unique_numbers_are_read_exactly() {
        for number in 0..100 {
            assert_eq!(KeyPlace::unique_number("hg1", number).to_string().len(), 15);
        }
    }
}
