//! Axis: the seconds of several loads on one axis of time, which begins when the first of them was warm.
//!
//! What was counted by whole seconds is moved by whole seconds; so each load lies where most of its first second does, and no second
//! has what came in two of one load.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{JoinError, Worker};
use crate::load::measure::Measurement;
use crate::load::report::Second;
use crate::load::window::{Told, Window};

/// What keeps a number that is nearly whole on the right side.
const NEARLY: f64 = 1e-6; // seconds
/// A last answer lies before the end of its second.
const BEFORE_THE_NEXT: f64 = 0.999_999; // seconds

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
    let seconds = |seconds: f64| Duration::try_from_secs_f64(seconds).unwrap_or_default();
    let warm_until = seconds(warm_until);
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
        let later = shift(behind, planned);
        carried.add_to(&mut all, later).map_err(|cause| JoinError::Unreadable(worker.folder.clone(), cause))?;
        shifts.push(later);
        window.planned_end = window.planned_end.max(warm_until + seconds(behind + planned));
        if let Some(last) = carried.last_second() {
            // It came in the last of the seconds that have answers, wherever those were moved to.
            let second = (last + later) as f64;
            let came = (behind + carried.last_answer().as_secs_f64()).clamp(second, second + BEFORE_THE_NEXT);
            window.last_answer = window.last_answer.max(warm_until + seconds(came));
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
                *wanted.entry(at + shift).or_default() += one;
            }
        }
    }
    let is_open = !wanted.is_empty();
    let seconds = measurement.series.iter().enumerate();
    seconds.map(|(at, second)| Second::of(second, is_open.then(|| wanted.get(&at).copied().unwrap_or(0)))).collect()
}

#[cfg(test)]
mod tests {
    use super::shift;

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
