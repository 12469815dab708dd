//! How long a history takes to judge, and how that grows: `cargo bench --bench history`.
//!
//! One, three and ten million deliveries, a fifth of them duplicates, and a row of
//! evidence for every key; unsorted, as a load leaves them. Judged as a load
//! judges: by the answers alone, and once more with the rows.
#![expect(clippy::print_stdout, reason = "a bench prints what it measured")]

use hookgate::clock::Moment;
use hookgate::history::consistency::{Evidence, Law, NEVER, Operation, judge};
use hookgate::outcome::{Outcome, OutcomeSet};

const MILLIONS: [u32; 3] = [1, 3, 10];
const MILLION: u32 = 1_000_000;
const ROUNDS: usize = 3;

fn made(deliveries: u32) -> (Vec<Operation>, Vec<Evidence>) {
    let keys = deliveries / 5 * 4;
    let operation = |at: u32| {
        let invoked = i64::from(at) * 10;
        let outcome = if at < keys { OutcomeSet::only(Outcome::Accepted) } else { OutcomeSet::only(Outcome::Duplicate) };
        let refers_to = if at < keys { NEVER } else { i64::from(at % keys) * 10 + 50 };
        let key = u32::try_from(u64::from(at % keys) * 7_919 % u64::from(keys)).unwrap_or(0);
        Operation { key, outcome, invoked, returned: invoked + 100, refers_to }
    };
    let rows = (0..keys).map(|key| Evidence { key, audit_rows: Some(1), key_rows: Some(1) }).collect();
    ((0..deliveries).map(operation).collect(), rows)
}

fn main() {
    let law = Law { life: Some(86_400_000_000), replays_failures: false };
    println!("| deliveries | keys | seconds (median of {ROUNDS}) | µs a delivery | bytes a delivery |");
    println!("|---|---|---|---|---|");
    for millions in MILLIONS {
        let (history, evidence) = made(millions * MILLION);
        let bytes = size_of_val(history.as_slice()) + size_of_val(evidence.as_slice());
        let mut seconds: Vec<f64> = Vec::new();
        let mut keys = 0;
        for _ in 0..ROUNDS {
            let (mut history, mut evidence) = (history.clone(), evidence.clone());
            let begun = Moment::now();
            let answers = judge(&mut history, &mut [], law);
            let rows = judge(&mut history, &mut evidence, law);
            seconds.push(begun.elapsed().as_secs_f64());
            keys = rows.keys;
            if answers.broken + rows.broken > 0 {
                println!("{} of {keys} keys are broken: the bench is wrong", rows.broken);
            }
        }
        seconds.sort_by(f64::total_cmp);
        let (median, count) = (seconds[ROUNDS / 2], f64::from(millions * MILLION));
        println!("| {} | {keys} | {median:.2} | {:.2} | {:.1} |", millions * MILLION, median * 1e6 / count, bytes as f64 / count);
    }
}
