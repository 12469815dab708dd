//! Past: which of a feed's keys the receiver had before the load.
//!
//! Keys that travel as they are written may have travelled before. Where evidence tells of them, it is asked before anything is sent:
//! rows of such keys say nothing of this load, and an answer that calls one a duplicate may be right. Where nothing tells of them, what hangs
//! on it is left undecided.

use std::collections::HashSet;

use super::Feed;
use super::feeding::key_in;
use super::line::{Read, read};
use super::numbers::hash_of;
use crate::contract::Contract;
use crate::evidence::Sources;
use crate::files::records::RecordReader;
use crate::load::{LoadError, evidence};

/// So many keys are asked for in one question.
const ASKED_AT_ONCE: usize = 5_000;

/// The keys that were there.
#[derive(Clone, Debug, Default)]
pub struct Past(HashSet<u128>);

impl Past {
    /// Whether the receiver had a key.
    #[must_use]
    pub fn has(&self, key: &str) -> bool {
        self.0.contains(&hash_of(key))
    }
}

/// Asks the evidence for every key of a feed; `None` where nothing tells of keys.
///
/// # Errors
/// [`LoadError`] when the feed or the evidence cannot be read.
pub async fn ask(feed: &Feed, contract: &Contract, sources: &Sources) -> Result<Option<Past>, LoadError> {
    let tells_rows = sources.rows.is_some() && evidence::tells_keys(contract);
    if !feed.is_as_written() || (!tells_rows && sources.effects.is_none()) {
        return Ok(None);
    }
    let mut past = Past::default();
    let unreadable = |cause: crate::files::FileError| LoadError::Feed(cause.to_string());
    let mut reader = RecordReader::open(&feed.path, feed.survey.records).map_err(unreadable)?;
    reader.go_to(feed.survey.first).map_err(unreadable)?;
    let mut page: Vec<String> = Vec::new();
    loop {
        let record = reader.next_record().map_err(unreadable)?;
        if let Some(record) = &record
            && let Ok(Read::Line(line)) = read(&feed.survey.form, &record.bytes)
        {
            page.extend(line.key.or_else(|| key_in(contract, line.body.as_ref()?)));
        }
        if page.len() >= ASKED_AT_ONCE || (record.is_none() && !page.is_empty()) {
            if let Some(source) = sources.rows.as_ref().filter(|_| tells_rows) {
                past.0.extend(evidence::with_rows(source.as_ref(), contract, &page).await?.iter().map(|key| hash_of(key)));
            }
            if let Some(source) = &sources.effects {
                let counts = source.effects(&page).await?;
                past.0.extend(page.iter().zip(counts).filter(|(_, count)| *count > 0).map(|(key, _)| hash_of(key)));
            }
            page.clear();
        }
        if record.is_none() {
            return Ok(Some(past));
        }
    }
}
