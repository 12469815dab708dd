//! Breaches: what was promised against what came.
//!
//! Takes a contract, what is known of earlier deliveries ([`Bindings`]) and one
//! observation; gives [`Mismatch`]es, the places where they differ. Nothing is
//! sent or read here, and no clock is asked: a judgement can be made again
//! later from the same values.
//!
//! Start at [`answer::judge`]. Bursts are in [`burst`],
//! literal demands in [`literal`], rows in [`rows`].

pub mod answer;
pub mod burst;
pub mod effects;
pub mod literal;
pub mod rows;
pub mod stream;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;

use crate::contract::Level;
use crate::delivery::{Answer, NoAnswer};
use crate::history::record::Record;
use crate::outcome::mismatch::MismatchCode;
use crate::scenario::expect::Expect;
use crate::state::{Counts, ReceiverState};

/// How far an instant that a receiver writes may lie from the moment it was asked (requirement AUD-7).
pub const INSTANT_TOLERANCE: Duration = Duration::from_secs(5);

/// One place where something is not as promised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// The requirement that the contract names for this place, when it does.
    pub shows: Option<String>,
    /// How much it weighs.
    pub level: Level,
    /// What kind of thing it is; of an outcome that is another, the judge knows more.
    pub code: MismatchCode,
    /// What was promised.
    pub expected: String,
    /// What came.
    pub observed: String,
}

impl Mismatch {
    /// A mismatch of a *must* that no requirement is named for.
    #[must_use]
    pub fn must(expected: impl Into<String>, observed: impl Into<String>) -> Self {
        Self { shows: None, level: Level::Must, code: MismatchCode::default(), expected: expected.into(), observed: observed.into() }
    }

    /// The same, of a kind.
    #[must_use]
    pub fn of(self, code: MismatchCode) -> Self {
        Self { code, ..self }
    }
}

/// Whether any of them breaks a *must*.
#[must_use]
pub fn is_broken(mismatches: &[Mismatch]) -> bool {
    mismatches.iter().any(|mismatch| mismatch.level == Level::Must)
}

/// What is known of a scenario so far: deliveries, looks and captures by name.
#[derive(Clone, Debug, Default)]
pub struct Bindings {
    /// Deliveries; a burst has many under one name.
    pub deliveries: BTreeMap<String, Vec<Record>>,
    /// Bodies of named deliveries before a key was put into them.
    pub plain_bodies: BTreeMap<String, Bytes>,
    /// Earlier looks at the database.
    pub looks: BTreeMap<String, ReceiverState>,
    /// How many rows each table had at those looks.
    pub counts: BTreeMap<String, Counts>,
    /// Captured text.
    pub captures: BTreeMap<String, String>,
    /// Whole answers, kept by name.
    pub answers: BTreeMap<String, Answer>,
    /// Event streams that were opened.
    pub streams: BTreeMap<String, stream::OpenStream>,
    /// What was read of those of which a snapshot is taken.
    pub shown: BTreeMap<String, crate::snapshot::stream::StreamSoFar>,
    /// Deliveries of which a stream may tell, in the order in which they were sent.
    pub told: Vec<stream::tellable::Tellable>,
}

impl Bindings {
    /// The one delivery called `name`; the latest, if it was sent several times.
    #[must_use]
    pub fn one(&self, name: &str) -> Option<&Record> {
        self.deliveries.get(name).and_then(|all| all.last())
    }

    /// Every delivery called `name`.
    #[must_use]
    pub fn all(&self, name: &str) -> &[Record] {
        self.deliveries.get(name).map_or(&[], Vec::as_slice)
    }

    /// Lets the first delivery learn how a duplicate refers to it: later ones must say the same.
    pub fn learn_reference(&mut self, record: &Record, expect: Option<&Expect>) {
        if let (Some(Expect::DuplicateOf(first) | Expect::ReuseOf(first)), Some(instant)) = (expect, &record.refers_to)
            && let Some(first) = self.deliveries.get_mut(first).and_then(|all| all.last_mut())
        {
            first.referred_as.get_or_insert_with(|| instant.clone());
        }
    }

    /// The different keys of the deliveries called `name`, in order of first use.
    #[must_use]
    pub fn keys_of(&self, name: &str) -> Vec<String> {
        let mut keys: Vec<String> = Vec::new();
        for record in self.all(name) {
            if !keys.contains(&record.key) {
                keys.push(record.key.clone());
            }
        }
        keys
    }

    /// Text with `{name}` replaced by captures and `{sha256:NAME}`, `{key:NAME}` by what is known of a delivery.
    #[must_use]
    pub fn fill(&self, text: &str) -> String {
        let Ok(template) = crate::template::Template::read(text) else { return text.to_owned() };
        let value = |name: &str| match name.split_once(':') {
            Some(("sha256", of)) => self.one(of).map(|record| record.sha256.clone()),
            Some(("key", of)) => self.one(of).map(|record| record.key.clone()),
            Some(_) | None => self.captures.get(name).cloned(),
        };
        template.fill(&value).unwrap_or_else(|| text.to_owned())
    }
}

/// An answer in one line: status and body, cut when long, as people read it.
#[must_use]
pub fn describe(result: &Result<Answer, NoAnswer>) -> String {
    match result {
        Ok(answer) => {
            // Where a redirect leads says what is wrong with the address.
            let location = answer.header("Location").filter(|_| (300..400).contains(&answer.status));
            let location = location.map_or_else(String::new, |location| format!(" Location: {location}"));
            format!("{}{location} {}", answer.status, describe_body(&answer.body)).trim_end().to_owned()
        }
        Err(none) => none.to_string(),
    }
}

fn describe_body(body: &Bytes) -> String {
    const LONGEST: usize = 400;
    match std::str::from_utf8(body) {
        Ok(text) if text.chars().count() <= LONGEST => text.trim_end().to_owned(),
        Ok(text) => format!("{}… ({} bytes)", text.chars().take(LONGEST).collect::<String>(), body.len()),
        Err(_) => format!("({} bytes that are not UTF-8)", body.len()),
    }
}
