//! What one sees while a load runs: a line over itself on a terminal, a line now and then elsewhere.

use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use crate::load::OnSecond;
use crate::load::measure::Measurement;
use crate::report::words::duration;

/// How often a line is told where nobody looks at a terminal, in seconds.
const TOLD_EVERY: u64 = 5;

/// Tells what is measured, a second each.
///
/// * `show`: nothing is told otherwise.
/// * `live`: standard error is a terminal.
/// * `length`: how long the load takes.
pub(crate) fn teller(show: bool, live: bool, length: Duration) -> OnSecond {
    let bar = (show && live).then(|| {
        let bar = ProgressBar::new(length.as_secs().max(1));
        if let Ok(style) = ProgressStyle::with_template("{bar:20.cyan/blue} {pos}/{len} s  {msg}") {
            bar.set_style(style);
        }
        bar
    });
    let told = AtomicU64::new(0);
    Arc::new(move |measured: &Measurement, elapsed: Duration| {
        if !show {
            return;
        }
        let line = line(measured);
        match &bar {
            Some(bar) => {
                bar.set_position(elapsed.as_secs());
                bar.set_message(line);
            }
            None if told.fetch_add(1, Ordering::Relaxed) % TOLD_EVERY == TOLD_EVERY - 1 => {
                let left = length.saturating_sub(elapsed).as_secs();
                // Whoever does not read standard error any more is not told.
                drop(std::io::stderr().write_all(format!("{:>4} s, {left} s left  {line}\n", elapsed.as_secs()).as_bytes()));
            }
            None => {}
        }
    })
}

fn line(measured: &Measurement) -> String {
    // The last second is not over.
    let (rate, p99) = measured.series.iter().rev().nth(1).map_or((0, 0), |second| (second.count, second.quantile(0.99)));
    let kinds = measured.kinds.iter().map(|kind| format!("{} {}", kind.name, kind.sent)).collect::<Vec<_>>().join(", ");
    let lost: u64 = measured.errors.values().sum();
    let wrong = measured.kinds.iter().map(|kind| kind.sent - kind.expected).sum::<u64>().saturating_sub(lost);
    format!("{rate}/s, p99 {}; {kinds}; {lost} without an answer, {wrong} not as they should be", duration(p99))
}
