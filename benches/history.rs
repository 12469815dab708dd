//! How long a history takes to judge: `cargo bench --bench history`.
//!
//! A million deliveries of 800,000 keys, a fifth of them duplicates, and as
//! many rows of evidence; unsorted, as a run leaves them.
#![expect(clippy::print_stdout, reason = "a bench prints what it measured")]

use hookgate::check::consistency::{Evidence, Law, NEVER, Operation, judge};
use hookgate::clock::Moment;
use hookgate::outcome::{Outcome, OutcomeSet};

const KEYS: u32 = 800_000;
const ROUNDS: usize = 5;

fn main() {
    let made: Vec<Operation> = (0..1_000_000u32)
        .map(|at| {
            let invoked = i64::from(at) * 10;
            let outcome = if at < KEYS { OutcomeSet::only(Outcome::Accepted) } else { OutcomeSet::only(Outcome::Duplicate) };
            let refers_to = if at < KEYS { NEVER } else { i64::from(at % KEYS) * 10 + 50 };
            Operation {
                key: u32::try_from(u64::from(at % KEYS) * 7_919 % u64::from(KEYS)).unwrap_or(0),
                outcome,
                invoked,
                returned: invoked + 100,
                refers_to,
            }
        })
        .collect();
    let rows: Vec<Evidence> = (0..KEYS).map(|key| Evidence { key, audit_rows: Some(1), key_rows: Some(1) }).collect();
    let mut seconds: Vec<f64> = Vec::new();
    for _ in 0..ROUNDS {
        let (mut history, mut evidence) = (made.clone(), rows.clone());
        let begun = Moment::now();
        let judgement = judge(&mut history, &mut evidence, Law { life: Some(86_400_000_000), replays_failures: false });
        seconds.push(begun.elapsed().as_secs_f64());
        println!(
            "{} keys, {} explained, {} broken: {:.3} s",
            judgement.keys,
            judgement.consistent,
            judgement.broken,
            seconds[seconds.len() - 1]
        );
    }
    seconds.sort_by(f64::total_cmp);
    println!(
        "median {:.3} s for {} deliveries; {} bytes a delivery, {} a row",
        seconds[ROUNDS / 2],
        made.len(),
        size_of::<Operation>(),
        size_of::<Evidence>()
    );
}
