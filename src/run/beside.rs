//! Beside: what a target has written while the delivery of a finding was under way.
//!
//! In: findings, and when the deliveries of each step were under way. Out: the
//! lines of those moments beside the finding, stacks of frames folded. An
//! exception is taken for its cause only where the delivery failed: others may
//! be under way at the same time.

use std::time::Duration;

use super::stage::Stage;
use crate::clock::UnixMicros;
use crate::outcome::mismatch::{Kind, Mismatch};
use crate::report::Finding;
use crate::report::traceback::{Folded, fold};

/// So much later a line may come that is about a delivery, in microseconds: it travels through a pipe.
const LATER: i64 = 50_000;

impl Stage {
    /// Puts the target's lines beside the findings of a scenario.
    pub(super) async fn stand_beside(&self, findings: &mut [Finding], under_way: &[(usize, UnixMicros, UnixMicros)]) {
        let Some(output) = self.output() else { return };
        if findings.is_empty() {
            return;
        }
        tokio::time::sleep(Duration::from_micros(LATER.unsigned_abs())).await;
        for finding in findings {
            // Where a step has many deliveries, the one at fault is not known.
            let of_step = || under_way.iter().filter(|(step, ..)| *step == finding.step);
            let Some(from) = of_step().map(|(_, from, _)| from.0).min() else { continue };
            let to = of_step().map(|(.., to)| to.0).max().unwrap_or(from);
            let Folded { lines, exception } = fold(&output.between(UnixMicros(from), UnixMicros(to.saturating_add(LATER))));
            finding.output = lines;
            finding.exception = exception.filter(|_| has_failed(&finding.mismatch));
        }
    }
}

/// Whether a delivery failed, or got no answer.
fn has_failed(about: &Mismatch) -> bool {
    let failure = about.status.is_some_and(|status| status >= 500);
    failure
        || matches!(
            about.kind,
            Kind::HonestFailed | Kind::RepeatFailed | Kind::RefusalFailed | Kind::OddFailed | Kind::Silent | Kind::Unwell
        )
}
