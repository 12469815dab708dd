//! Axis: the seconds of several loads on one axis of time, which begins when the first of them was warm.
//!
//! What was counted by whole seconds is moved by whole seconds; so each load lies where most of its first second does, and no second
//! has what came in two of one load. Instants are moved by what it is: the time in which all was measured, and with it every rate, is true,
//! and a load's seconds lie up to half a second beside it.

use std::collections::BTreeMap;

use super::{JoinError, Worker};
use crate::load::measure::Measurement;
use crate::load::report::Second;
use crate::load::window::{Told, Window};
use crate::number::span;

/// What keeps a number that is nearly whole on the right side.
const NEARLY: f64 = 1e-6; // seconds

/// So long a load may be that is joined, in seconds: each of them is kept.
const LONGEST: f64 = 31.0 * 86_400.0;

/// How far behind the first each was warm, in seconds. A rotation knows its place: what it took to start it moves nothing.
fn places(workers: &[Worker]) -> Vec<f64> {
    let warm = |worker: &Worker| worker.carried.as_ref().map_or(0.0, |carried| carried.window.warm_until_s);
    let all_know = workers.iter().all(|worker| worker.facts.from_s.is_some());
    let at = |worker: &Worker| match worker.facts.from_s.filter(|_| all_know) {
        Some(from) => from + warm(worker),
        None => worker.facts.began_at.unwrap_or(0) as f64 / 1e6 + warm(worker),
    };
    let first = workers.iter().filter(|worker| worker.carried.is_some()).map(at).fold(f64::INFINITY, f64::min);
    workers.iter().map(|worker| if worker.carried.is_some() { (at(worker) - first).max(0.0) } else { 0.0 }).collect()
}

/// By how many whole seconds a load is moved that begins so far behind and was to take so long: to where most of its first second lies.
fn shift(behind: f64, planned: f64) -> usize {
    (behind + planned.min(1.0) / 2.0 + NEARLY).floor() as usize
}

/// The measurements of all on one axis of time; and by how many seconds each lies behind its beginning.
pub(super) fn measured(workers: &[Worker], names: &[String]) -> Result<(Measurement, Window, Vec<usize>), JoinError> {
    let warm_until = workers.iter().filter_map(|worker| worker.carried.as_ref()).map(|one| one.window.warm_until_s).next().unwrap_or(0.0);
    let warm_until = span(warm_until);
    let mut all = Measurement::new(names, warm_until).map_err(|cause| JoinError::Apart(cause.to_string()))?;
    let mut window = Window { warm_until, planned_end: warm_until, ..Window::default() };
    let mut shifts = Vec::new();
    for (worker, behind) in workers.iter().zip(places(workers)) {
        let Some(carried) = &worker.carried else {
            shifts.push(0);
            continue;
        };
        let Told { warm_until_s, planned_end_s, .. } = carried.window;
        let planned = (planned_end_s - warm_until_s).max(0.0);
        let ends = behind + planned.max(carried.last_answer().as_secs_f64()).max(carried.length() as f64);
        if ends > LONGEST {
            return Err(JoinError::Apart(format!(
                "{} ends {ends:.0} s after the first load began to be measured: what is joined lasts {LONGEST} s at the most",
                worker.folder
            )));
        }
        let later = shift(behind, planned);
        carried.add_to(&mut all, later).map_err(|cause| JoinError::Unreadable(worker.folder.clone(), cause))?;
        shifts.push(later);
        window.planned_end = window.planned_end.max(warm_until + span(behind + planned));
        if carried.last_second().is_some() {
            window.last_answer = window.last_answer.max(warm_until + span(behind) + carried.last_answer());
        }
    }
    all.last_answer = window.last_answer;
    all.fill(window.seconds());
    Ok((all, window, shifts))
}

/// Second by second; what was wanted is what all of them were asked for.
pub(super) fn series(measurement: &Measurement, workers: &[Worker], shifts: &[usize]) -> Vec<Second> {
    let mut wanted: BTreeMap<usize, u64> = BTreeMap::new();
    for (worker, shift) in workers.iter().zip(shifts) {
        for (at, second) in worker.report.iter().flat_map(|report| report.series.iter().enumerate()) {
            if let Some(one) = second.wanted {
                let sum = wanted.entry(at + shift).or_default();
                *sum = sum.saturating_add(one);
            }
        }
    }
    let is_open = !wanted.is_empty();
    let seconds = measurement.series.iter().enumerate();
    seconds.map(|(at, second)| Second::of(second, is_open.then(|| wanted.get(&at).copied().unwrap_or(0)))).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{measured, shift};
    use crate::load::carried::Carried;
    use crate::load::joining::Worker;
    use crate::load::measure::{Measurement, NO_ERROR, Sample};
    use crate::load::window::Told;

    /// A worker that began so many microseconds after the epoch, was warm at once, and whose answers came so many milliseconds later.
    fn worker(began_at: i64, from_s: Option<f64>, planned_s: f64, answers: &[u64]) -> Worker {
        let names = ["fresh".to_owned()];
        let sample = |ended: &u64| Sample {
            kind: 0,
            expected: true,
            error: NO_ERROR,
            status: 202,
            ended: Duration::from_millis(*ended),
            latency_us: 1,
            answer_bytes: 0,
            went_twice: false,
        };
        let mut all = Measurement::new(&names, Duration::ZERO).expect("histograms");
        all.take(&answers.iter().map(sample).collect::<Vec<_>>());
        let last_answer_s = answers.iter().max().map_or(0.0, |last| *last as f64 / 1e3);
        let window = Told { warm_until_s: 0.0, planned_end_s: planned_s, last_answer_s };
        let facts = serde_json::json!({
            "schema": "hookgate.worker/1", "which": {"run_word": "w", "number": 1, "keys": "w1"}, "contract": "c", "contract_sha256": "",
            "target": "http://h", "model": "closed", "began_at": began_at, "life_us": null, "gates": [], "mix": [["fresh", 1]], "users": 1,
            "seed": 1, "from_s": from_s
        });
        let carried = Some(Carried::of(&all, window, true).expect("it can be written"));
        Worker { folder: "w".to_owned(), facts: serde_json::from_value(facts).expect("facts"), carried, report: None, operations: None }
    }

    /// Two workers that began 0.81 s apart, and rotations of two and a half seconds: the last answer is where it came, whichever second it
    /// is counted in.
    #[test]
    fn the_last_answer_of_all_is_when_it_came() {
        let last = |workers: &[Worker]| measured(workers, &["fresh".to_owned()]).expect("they belong together").1.last_answer;
        let apart = [worker(0, None, 6.0, &[100, 6_000]), worker(810_000, None, 6.0, &[100, 6_003])];
        assert_eq!(last(&apart), Duration::from_millis(6_813));
        let side_by_side = [worker(0, None, 6.0, &[5_900]), worker(300_000, None, 6.0, &[5_900])];
        assert_eq!(last(&side_by_side), Duration::from_millis(6_200));
        let rotations = [worker(0, Some(0.0), 2.5, &[2_499]), worker(2_520_000, Some(2.5), 2.5, &[2_480])];
        assert_eq!(last(&rotations), Duration::from_millis(4_980));
        // What never answered moves nothing.
        assert_eq!(last(&[worker(0, None, 6.0, &[100]), worker(900_000, None, 6.0, &[])]), Duration::from_millis(100));
    }

    /// Rotations of a second lie one behind the other, whatever their start took; workers that began some milliseconds apart lie side by side.
    #[test]
    fn a_load_lies_where_most_of_its_first_second_does() {
        for (behind, planned, at) in [
            (0.0, 5.0, 0),
            (1.0, 1.0, 1),
            (2.999_999_9, 1.0, 3),
            (3.004, 10.0, 3),
            (0.997, 10.0, 1),
            (0.003, 10.0, 0),
            (0.7, 1.0, 1),
            (0.5, 0.5, 0),
            (1.0, 0.5, 1),
            (1.5, 0.5, 1),
        ] {
            assert_eq!(shift(behind, planned), at, "{behind} {planned}");
        }
    }
}
