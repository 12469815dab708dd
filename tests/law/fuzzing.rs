//! Fuzzing: whatever is read, nothing panics, and how bytes were cut changes nothing.
//!
//! `cargo test` gives each reader a few hundred inputs; `BOLERO_RANDOM_ITERATIONS=1000000 cargo test --profile fuzzing --test law fuzzing`
//! many. An input that made something panic is told with its seed, and is kept as a file under `tests/shared/readers/found/NAME/`, which
//! every run reads first. Inputs that take long are told, and fail nothing: how long is a matter of the machine.
#![expect(clippy::expect_used, clippy::print_stderr, reason = "a test says what it has seen")]

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use bolero::check;

use crate::mutation::{Mutation, altered, mutated};
use crate::readers::{READERS, Reader};

/// So many inputs a reader, where nobody asks for more.
const ITERATIONS: usize = 200;
/// An input that takes longer is told.
const LONG: u64 = 500_000; // microseconds

fn reader(name: &str) -> &'static Reader {
    READERS.iter().find(|one| one.name == name).expect("its name stands in the table")
}

/// What was found before, and what is right.
fn known(reader: &Reader) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/shared/readers/found").join(reader.name);
    let mut all = (reader.seeds)();
    let found = fs::read_dir(folder).into_iter().flatten().flatten();
    all.extend(found.map(|file| fs::read(file.path()).expect("a file that was found")));
    all
}

/// How long this thread has worked, in microseconds: what it had to wait for others is no matter of a reader.
fn worked() -> u64 {
    let told = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    told.split(' ').next().and_then(|nanos| nanos.parse::<u64>().ok()).map_or(0, |nanos| nanos / 1_000)
}

/// How long a reader worked on an input.
fn takes(reader: &Reader, bytes: &[u8]) -> u64 {
    let begun = worked();
    (reader.read)(bytes);
    worked().saturating_sub(begun)
}

fn fuzz(name: &str) {
    let reader = reader(name);
    let seeds = known(reader);
    for seed in &seeds {
        takes(reader, seed);
    }
    // What was written may be altered with care: every value of a document in turn.
    for altered in seeds.iter().flat_map(|seed| altered(seed)) {
        takes(reader, &altered);
    }
    let (longest, count) = (AtomicU64::new(0), AtomicU64::new(0));
    let target = check!(name = name).with_iterations(ITERATIONS).with_type::<(u16, Vec<Mutation>)>();
    target.for_each(|(seed, mutations)| {
        let input = mutated(&seeds, *seed, mutations);
        let took = takes(reader, &input);
        let number = count.fetch_add(1, Ordering::Relaxed);
        if longest.fetch_max(took, Ordering::Relaxed) < took && took > LONG {
            let path = std::env::temp_dir().join(format!("hookgate-slow-{name}-{number}"));
            let _ = fs::write(&path, &input);
            eprintln!("{name}: {took} µs for {} bytes ({})", input.len(), path.display());
        }
    });
    let peak = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = peak.lines().find(|line| line.starts_with("VmHWM")).unwrap_or_default().to_owned();
    eprintln!("{name}: {} inputs, the longest {} µs; {peak}", count.into_inner(), longest.into_inner());
}

macro_rules! fuzzed {
    ($($test:ident: $name:literal,)*) => {
        $(
            #[test]
            fn $test() {
                fuzz($name);
            }
        )*

        /// No reader is left out.
        #[test]
        fn every_reader_is_fuzzed() {
            assert_eq!([$($name),*].as_slice(), READERS.iter().map(|one| one.name).collect::<Vec<_>>());
        }
    };
}

fuzzed! {
    scenarios: "scenario",
    contracts: "contract",
    requirements: "requirements",
    baselines: "baseline",
    mixes: "mix",
    gates: "gates",
    settings: "settings",
    reports: "report",
    load_reports: "load-report",
    latency_logs: "latency-log",
    workers: "worker",
    operations: "operations",
    manifests: "manifest",
    histories: "history",
    snapshots: "snapshots",
    claims: "claims",
    claim_rules: "claim-rules",
    answers: "answer",
    event_streams: "event-stream",
    locust_messages: "locust",
    captures: "capture",
    bodies: "body",
}
