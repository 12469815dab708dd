//! Feed: deliveries from a file, streamed, instead of made up.
//!
//! In: a file of JSON lines or CSV, surveyed ([`survey`]), and how it is gone through: once, again and again, or at random; or a
//! recording, at its own gaps. Out: what a plan and a report say of it; [`feeding`] gives its deliveries to a load.
//!
//! Keys travel as they are written, or each is given one of its own; either way lines of one key stay lines of one key, within a round.
//! In the second and every later round of a feed that is gone through again, keys are other ones, derived from what is written.

pub mod feeding;
pub mod line;
pub mod numbers;
pub mod ongoing;
pub mod past;
pub mod survey;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::line::{Read, read};
use self::ongoing::Ongoing;
use self::survey::Survey;
use super::mix::{Mix, kind};
use super::rate_profile::RateProfile;
use crate::files::FileError;
use crate::files::records::RecordReader;

/// How a feed is gone through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Order {
    /// From its first line to its last, and then the load is over.
    Once,
    /// From the first line again after the last.
    Loop,
    /// Any line, and any number of times.
    Random,
    /// Each line when its time has come.
    Recorded,
}

/// Which keys travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Keys {
    /// Those that are written.
    Written,
    /// One of its own for each that is written.
    Fresh,
}

/// Why there is no feed.
#[derive(Debug, thiserror::Error)]
pub enum FeedError {
    /// Its lines have mistakes, one a line of text, each with its place.
    #[error("{0}")]
    Mistakes(String),
    /// There is nothing in it.
    #[error("{0} has no deliveries: it needs a JSON object a line, or a row of CSV below the row of columns")]
    Empty(String),
    /// It cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
}

/// A feed, as a plan has it.
#[derive(Clone, Debug)]
pub struct Feed {
    /// The file.
    pub path: PathBuf,
    /// What is in it.
    pub survey: Survey,
    /// How it is gone through.
    pub order: Order,
    /// Which keys travel.
    pub keys: Keys,
    /// How many times as fast a recording is sent again; 1 for others.
    pub speed: f64,
    /// Of several workers, which this one is, from 1, and how many there are: each delivers the keys that fall to it.
    pub share: Option<(u64, u64)>,
    /// Which lines are delivered once more and which are spoiled, by weight; without it, lines alone say what they are.
    pub mixed: Option<Mix>,
    /// How far others are in it, where loads follow one another; without it, a load begins at its beginning.
    pub ongoing: Option<Ongoing>,
}

/// A feed in the report of a load.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FeedReport {
    /// The file.
    pub file: String,
    /// SHA-256 of it, lower-case hex.
    pub sha256: String,
    /// How it was gone through.
    pub order: Order,
    /// Which keys travelled.
    pub keys: Keys,
    /// How many deliveries are in it.
    pub lines: u64,
    /// How many lines of a recording could not be sent again.
    #[serde(default, skip_serializing_if = "is_none")]
    pub left_out: u64,
    /// How many times as fast a recording was sent again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub speed: Option<f64>,
    /// How many keys were delivered; a key of another round is another one.
    pub distinct_keys: u64,
    /// How many deliveries brought another body than their key had.
    pub other_bodies: u64,
}

impl FeedReport {
    /// The feeds of several workers as one: each has delivered the keys that fell to it.
    #[must_use]
    pub fn joined(feeds: &[&Self]) -> Option<Self> {
        feeds.iter().copied().cloned().reduce(|one, other| Self {
            distinct_keys: one.distinct_keys.saturating_add(other.distinct_keys),
            other_bodies: one.other_bodies.saturating_add(other.other_bodies),
            ..one
        })
    }
}

fn is_none(count: &u64) -> bool {
    *count == 0
}

impl Feed {
    /// The kinds of a load that is fed: what lines are to their keys, and how they are spoiled.
    ///
    /// # Errors
    /// As [`kind`]; the survey has read every name.
    pub fn mix(&self) -> Result<Mix, String> {
        let usual = ["fresh", "duplicate", "conflicting-body"];
        let of_mix: Vec<String> = self.mixed.iter().flat_map(Mix::kind_names).collect();
        let others: BTreeSet<&str> =
            self.survey.kinds.iter().chain(&of_mix).map(String::as_str).filter(|name| !usual.contains(name)).collect();
        let kinds = usual.into_iter().chain(others).map(|name| Ok((name.to_owned(), kind(name)?, 0)));
        Ok(Mix::fed(kinds.collect::<Result<_, String>>()?, self.mixed.as_ref()))
    }

    /// How long a recording takes.
    #[must_use]
    pub fn length(&self) -> Duration {
        let span = self.survey.span.map_or(0, |(first, last)| last.saturating_sub(first));
        Duration::from_micros((span.max(0) as f64 / self.speed) as u64)
    }

    /// How many of a recording are due at each moment.
    ///
    /// # Errors
    /// [`FeedError`] when it cannot be read any more.
    pub fn profile(&self) -> Result<RateProfile, FeedError> {
        let mut counts: Vec<u64> = Vec::new();
        let mut add = |at: i64| {
            let second = self.due(at).as_secs() as usize;
            if counts.len() <= second {
                counts.resize(second + 1, 0);
            }
            counts[second] += 1;
        };
        match &self.survey.by_time {
            Some(by_time) => by_time.iter().for_each(|(at, _)| add(*at)),
            None => {
                let mut reader = self.open()?;
                while let Some(record) = reader.next_record()? {
                    if let Ok(Read::Line(line)) = read(&self.survey.form, &record.bytes) {
                        line.at.into_iter().for_each(&mut add);
                    }
                }
            }
        }
        Ok(RateProfile::counted(&counts, self.length()))
    }

    fn due(&self, at: i64) -> Duration {
        let first = self.survey.span.map_or(at, |(first, _)| first);
        Duration::from_micros((at.saturating_sub(first).max(0) as f64 / self.speed) as u64)
    }

    fn open(&self) -> Result<RecordReader, FileError> {
        let mut reader = RecordReader::open(&self.path, self.survey.records)?;
        reader.go_to(self.survey.first)?;
        Ok(reader)
    }

    /// In the form of a report.
    #[must_use]
    pub fn report(&self, counts: (u64, u64)) -> FeedReport {
        FeedReport {
            file: self.path.display().to_string(),
            sha256: self.survey.sha256.clone(),
            order: self.order,
            keys: self.keys,
            lines: self.survey.lines,
            left_out: self.survey.left_out.iter().map(|(_, count)| count).sum(),
            speed: (self.order == Order::Recorded).then_some(self.speed),
            distinct_keys: counts.0,
            other_bodies: counts.1,
        }
    }

    /// How many deliveries of a feed that is gone through once are still to be sent; none where it has no end.
    #[must_use]
    pub fn left(&self) -> Option<u64> {
        let sent = self.ongoing.as_ref().map_or(0, Ongoing::sent);
        (self.order == Order::Once).then(|| self.survey.ours.saturating_sub(sent))
    }

    /// Whether keys are those that are written, which a receiver may have had before.
    #[must_use]
    pub fn is_as_written(&self) -> bool {
        self.keys == Keys::Written
    }
}
