//! How long ten workers' histories take to judge together, in how much memory: `cargo bench --bench merge [-- 1 10 100]`, in millions.
//!
//! Ten files as workers leave them: four of five deliveries are the first of their key, the fifth is a duplicate of one of the last
//! thousand keys; a thousandth of a thousandth of the keys is accepted twice, and the judge must find just those. What lies on the disk
//! is 32 bytes a delivery, and is gone afterwards.
#![expect(clippy::print_stdout, reason = "a bench prints what it measured")]

use std::path::Path;

use hookgate::clock::Moment;
use hookgate::files::operations::{OperationsFile, OperationsWriter};
use hookgate::history::consistency::{Law, NEVER, Operation};
use hookgate::load::joining::{MOST_AT_ONCE, judge_files};
use hookgate::outcome::{Outcome, OutcomeSet};

const MILLION: u32 = 1_000_000;
const WORKERS: u32 = 10;
/// A duplicate comes so many keys after its first delivery at the most.
const REUSE: u32 = 1_000;
/// Every so many keys, the duplicate is accepted, too.
const BROKEN_EVERY: u32 = 1_000_000;
/// So many operations are written at a time.
const LOT: u32 = 100_000;

/// The operation at a place of a worker's history, and whether it breaks its key.
fn operation(at: u32) -> (Operation, bool) {
    let invoked = i64::from(at) * 10;
    let fresh = at / 5 * 4 + at % 5;
    if at % 5 < 4 {
        let one =
            Operation { key: fresh, outcome: OutcomeSet::only(Outcome::Accepted), invoked, returned: invoked + 100, refers_to: NEVER };
        return (one, false);
    }
    let last = at / 5 * 4 + 3;
    let back = (at / 5).wrapping_mul(2_654_435_761) % REUSE.min(last / 2 + 1) + 1;
    let key = last - back;
    let is_broken = (at / 5).is_multiple_of(BROKEN_EVERY / 5);
    let outcome = OutcomeSet::only(if is_broken { Outcome::Accepted } else { Outcome::Duplicate });
    (Operation { key, outcome, invoked: invoked + 1_000, returned: invoked + 1_100, refers_to: NEVER }, is_broken)
}

/// Writes a worker's file; how many of its keys are broken.
fn write(path: &Path, deliveries: u32) -> Result<usize, Box<dyn std::error::Error>> {
    let mut file = OperationsWriter::create(path)?;
    let mut broken = 0;
    for first in (0..deliveries).step_by(LOT as usize) {
        let lot: Vec<(Operation, bool)> = (first..deliveries.min(first + LOT)).map(operation).collect();
        broken += lot.iter().filter(|(_, is_broken)| *is_broken).count();
        file.append(&lot.into_iter().map(|(one, _)| one).collect::<Vec<_>>())?;
    }
    file.flush()?;
    Ok(broken)
}

/// The most memory that this process had so far, in megabytes.
fn peak_mb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").trim().parse::<u64>().ok()).unwrap_or(0) / 1_024
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let asked: Vec<u32> = std::env::args().filter_map(|text| text.parse().ok()).collect();
    let law = Law { life: Some(86_400_000_000), replays_failures: false };
    println!("| deliveries of {WORKERS} workers | keys | broken | seconds | µs a delivery | memory at the most, MB |");
    println!("|---|---|---|---|---|---|");
    for millions in if asked.is_empty() { vec![1, 10] } else { asked } {
        let folder = tempfile::tempdir_in(".")?;
        let paths: Vec<_> = (0..WORKERS).map(|number| folder.path().join(format!("{number}"))).collect();
        let mut broken = 0;
        for path in &paths {
            broken += write(path, millions * MILLION / WORKERS)?;
        }
        let begun = Moment::now();
        let files = paths.iter().map(|path| OperationsFile::open(path)).collect::<Result<Vec<_>, _>>()?;
        let judged = judge_files(&files.iter().map(|file| (file, law)).collect::<Vec<_>>(), MOST_AT_ONCE)?;
        let seconds = begun.elapsed().as_secs_f64();
        let (keys, found) = judged.iter().fold((0, 0), |(keys, found), one| (keys + one.keys, found + one.broken));
        if found != broken {
            println!("{found} keys are said to be broken, and {broken} are: the bench is wrong");
        }
        let count = f64::from(millions * MILLION);
        println!("| {} | {keys} | {found} | {seconds:.1} | {:.2} | {} |", millions * MILLION, seconds * 1e6 / count, peak_mb());
    }
    Ok(())
}
