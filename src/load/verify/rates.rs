//! Rates of a load: what was wanted, sent and answered a second follows from the seconds and the window.
//!
//! A report in, what does not follow out, a sentence each.

use super::ROUNDED;
use crate::load::report::LoadReport;
use crate::load::summing::LATE_PERCENT;
use crate::load::window::{ANSWERED_SHARE, Told};
use crate::number::total;

/// What of a report's rates does not follow.
pub(super) fn wrong(report: &LoadReport) -> Vec<String> {
    let mut wrong = Vec::new();
    if report.window == Told::default() && report.seconds > 0.0 {
        // It was written before windows were told: its rate is of all deliveries, answered or not.
        if (report.rate_per_s * report.seconds - report.deliveries as f64).abs() > 1.0 + report.deliveries as f64 * ROUNDED {
            wrong.push(format!("{} deliveries in {} s are not {} a second", report.deliveries, report.seconds, report.rate_per_s));
        }
        return wrong;
    }
    let answers = total(report.series.iter().map(|second| second.answers));
    let lost = total(report.errors.values().copied());
    if answers.saturating_add(lost) != report.deliveries {
        wrong.push(format!(
            "its seconds have {answers} answers, where {} deliveries and {lost} without an answer are told",
            report.deliveries
        ));
    }
    let is_near = |one: f64, other: f64| (one - other).abs() <= ROUNDED * one.abs().max(other.abs()).max(1.0);
    if !is_near(report.window.seconds(), report.seconds) {
        wrong.push(format!("{} s are said to be measured, and its window has {} s", report.seconds, report.window.seconds()));
    }
    if !is_near(report.rate_per_s * report.seconds, answers as f64) {
        wrong.push(format!("{answers} answers in {} s are not {} a second", report.seconds, report.rate_per_s));
    }
    let last = report.series.iter().rposition(|second| second.answers > 0);
    let of_window = (report.window.last_answer_s - report.window.warm_until_s).max(0.0);
    // The last answer came in the last second that has one; those of several workers lie where most of their first one does.
    let beside = usize::from(report.workers.len() > 1);
    if last.is_some_and(|last| last.abs_diff(of_window.floor() as usize) > beside) {
        wrong.push(format!("the last answer is said to have come after {of_window} s, and its seconds have it elsewhere"));
    }
    wrong.extend(wanted_wrong(report));
    if report.kept_up && report.dropped > 0 {
        wrong.push(format!("the wanted rate is said to be kept, and {} deliveries were dropped", report.dropped));
    }
    wrong.extend(kept_wrong(report, answers));
    wrong
}

/// How long was to be sent once it was warm, in seconds.
fn planned(report: &LoadReport) -> f64 {
    (report.window.planned_end_s - report.window.warm_until_s).max(0.0)
}

/// Each of several workers and contracts has counted its own from its own beginning.
fn parts(report: &LoadReport) -> usize {
    report.workers.len().max(report.contracts.len()).max(1)
}

/// What was wanted in the seconds is what was wanted a second: as much as in those that were whole by the planned end, and no more than
/// in those that had begun. A profile that was cut short, or ended after so many, asked for more behind that.
fn wanted_wrong(report: &LoadReport) -> Option<String> {
    let rate = report.wanted_per_s?;
    let each = report.series.iter().map(|second| second.wanted).collect::<Option<Vec<u64>>>()?;
    let (planned, parts) = (planned(report), parts(report));
    let of_first = |seconds: f64| total(each.iter().take(seconds as usize).copied()) as f64;
    // Of several each may have been cut short by itself, wherever its seconds lie.
    let (least, most) = if parts > 1 { (0.0, of_first(f64::MAX)) } else { (of_first(planned.floor()), of_first(planned.ceil())) };
    let (all, off_by) = (planned * rate, parts as f64);
    let is_between = least <= all + off_by && all <= most + off_by;
    (!is_between).then(|| {
        let seconds = if least < most { format!("{least} to {most}") } else { most.to_string() };
        format!("{rate} a second are said to be wanted for {planned} s, and its seconds want {seconds}")
    })
}

/// A rate that is said to be kept was answered, and the generator was in time.
fn kept_wrong(report: &LoadReport, answers: u64) -> Option<String> {
    if !report.kept_up {
        return None;
    }
    let due = report.wanted_per_s.unwrap_or(0.0) * planned(report) * ANSWERED_SHARE;
    if answers as f64 + (parts(report) as f64) < due {
        return Some(format!("the wanted rate is said to be kept, and there are {answers} answers"));
    }
    let late = report.late as f64 * 100.0;
    (late > report.deliveries as f64 * LATE_PERCENT * (1.0 + ROUNDED))
        .then(|| format!("the generator is said to have kept up, and {} of {} deliveries were sent late", report.late, report.deliveries))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::report::Second;

    /// A load of five seconds at 40 a second, all answered, of which the third told more than was sent.
    fn report() -> LoadReport {
        let second = Second { deliveries: 40, answers: 40, wanted: Some(40), ..Second::default() };
        LoadReport {
            model: "open".to_owned(),
            deliveries: 200,
            operations: 200,
            seconds: 5.0,
            rate_per_s: 40.0,
            wanted_per_s: Some(40.0),
            window: Told { warm_until_s: 1.0, planned_end_s: 6.0, last_answer_s: 5.99 },
            series: vec![second; 5],
            late: 2,
            ..crate::load::verify::tests::report()
        }
    }

    /// What was wanted is seen in the seconds, of a load that was cut short as well; and so is whether it was kept.
    #[test]
    fn what_was_wanted_follows_from_the_seconds() {
        assert_eq!(wrong(&report()), Vec::<String>::new());
        let told = |change: &dyn Fn(&mut LoadReport)| {
            let mut other = report();
            change(&mut other);
            wrong(&other).join("; ")
        };
        for rate in [39.0, 39.7, 40.3, 41.0] {
            assert!(told(&|one| one.wanted_per_s = Some(rate)).contains("its seconds want 200"), "{rate}");
        }
        // It was to go on for longer, and was cut short after half a second.
        let cut = |rate: f64| {
            told(&|one| {
                (one.seconds, one.rate_per_s, one.deliveries, one.kept_up) = (0.5, 80.0, 40, false);
                (one.window.planned_end_s, one.window.last_answer_s, one.wanted_per_s) = (1.5, 1.4, Some(rate));
                one.series.truncate(1);
            })
        };
        assert_eq!((cut(40.0), cut(0.0)), (String::new(), String::new()));
        assert!(cut(90.0).contains("its seconds want 0 to 40"), "{}", cut(90.0));
        assert!(told(&|one| one.late = 3).contains("3 of 200 deliveries were sent late"));
        assert!(told(&|one| one.wanted_per_s = Some(41.0)).contains("said to be kept, and there are 200 answers"));
    }
}
