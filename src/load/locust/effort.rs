//! Effort: the processor time and memory of this worker, as its master shows them.
//!
//! What the system tells, look by look; nothing where it does not tell.

use crate::clock::Moment;
use crate::target::usage::{Of, Usage};

/// What was seen last.
#[derive(Debug, Default)]
pub(super) struct Effort(Option<(Moment, Usage)>);

impl Effort {
    /// Processor time in percent of a core since the last look, and memory in bytes.
    pub(super) fn look(&mut self) -> (f64, u64) {
        let Some(usage) = Of::Ourselves.now() else { return (0.0, 0) };
        let before = self.0.replace((Moment::now(), usage));
        let percent = before.map_or(0.0, |(at, before)| {
            let span = at.elapsed().as_secs_f64();
            let spent = usage.processor.saturating_sub(before.processor).as_secs_f64();
            if span > 0.0 { spent * 100.0 / span } else { 0.0 }
        });
        (percent, usage.resident)
    }
}
