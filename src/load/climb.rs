//! Climb: a receiver is loaded step by step, until it is known which rate it keeps and which it does not.
//!
//! A [`Plan`] and conditions in, a [`Knee`] with every step out. Each step is a
//! load of its own, at an even rate: warmed up, long enough for the percentiles
//! that are asked for, judged like any other load; between two of them the
//! receiver settles. Which rate comes next is [`highest`](super::highest)'s affair.
//!
//! Start at [`find`].

use std::time::Duration;

use tokio::sync::watch;

use super::gate::{Gate, GateResult, Metric, OfStream};
use super::highest::{Next, Search, Votes};
use super::knee::{Knee, Step};
use super::measure::Measurement;
use super::noise::quantiles_about;
use super::rate_profile::{Arrivals, Model, RateProfile};
use super::report::{LoadReport, Second};
use super::{LoadError, Loaded, OnSecond, Plan, run};
use crate::report::{Overall, Verdict};

/// A step is measured so long at the least, when nobody says.
pub const USUAL_STEP: Duration = Duration::from_secs(5);
/// No step is longer, however few deliveries it has.
const LONGEST_STEP: Duration = Duration::from_secs(20);
/// A quantile is told by so many deliveries beyond it.
const BEYOND: f64 = 10.0;
/// How long each step warms up.
const WARM_UP: Duration = Duration::from_secs(1);
/// Between two steps nothing is sent for so long.
const SETTLE: Duration = Duration::from_millis(500);
/// After a step that was not kept, so long.
const SETTLE_LONGER: Duration = Duration::from_secs(2);
/// With more of its deliveries sent late than this, the generator itself may be what did not keep a rate.
const LATE_SHARE: f64 = 0.2;
/// A receiver that does not answer its health check so often is down.
const MOST_UNANSWERED: u32 = 3;
/// How long every user delivers as fast as it is answered, to know where to begin.
const PROBE: Duration = Duration::from_millis(1_500);
/// A queue that makes answers later by so much a second grows: one part in a hundred of the time.
const GROWTH: f64 = 0.01;
/// And by so much from end to end; what moves less is noise.
const GROWTH_AT_LEAST_US: f64 = 30_000.0;
/// Nobody is asked for more deliveries a second.
const MOST_RATE: f64 = 1_000_000.0;
/// So many users at the most, and so many times those that were busy at once.
const MOST_USERS: usize = 1_024;
const SPARE_USERS: f64 = 4.0;

/// What is looked for.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// What must hold at a rate that counts as kept.
    pub conditions: Vec<Gate>,
    /// The rate that must be kept at the least, a second.
    pub at_least: Option<f64>,
    /// How long a step is measured at the least.
    pub step: Duration,
}

/// What a search has come to.
pub struct Found {
    /// The report of the highest rate that was kept, or of the lowest that was tried; the knee is in it.
    pub report: LoadReport,
    /// What was measured there.
    pub measurement: Measurement,
}

/// Looks for the highest rate.
///
/// * `told`: what every step came to, for whoever looks on.
///
/// # Errors
/// As [`run`].
pub async fn find(
    mut plan: Plan,
    wanted: &Wanted,
    on_second: OnSecond,
    interrupted: watch::Receiver<bool>,
    told: &(dyn Fn(&Step) + Send + Sync),
) -> Result<Found, LoadError> {
    let (least_users, verify) = (plan.users, plan.verify);
    let probe = probed(&mut plan, &on_second, interrupted.clone()).await?;
    plan.verify = verify;
    let mut search = Search::new(probe / 2.0, MOST_RATE);
    let (mut steps, mut kept, mut worst): (Vec<Step>, Vec<Loaded>, Option<Loaded>) = (Vec::new(), Vec::new(), None);
    let (mut is_interrupted, mut unanswered) = (false, 0);
    // Of rates that were not kept: whether that may be the generator's own doing.
    let mut blamed: Vec<(f64, bool)> = Vec::new();
    while let Next::Try(rate) = search.next() {
        prepare(&mut plan, wanted, rate, users(least_users, rate, &steps));
        let loaded = match run(&plan, on_second.clone(), interrupted.clone()).await {
            Ok(loaded) => loaded,
            // It was loaded a moment ago: now it is down, or still busy with what was sent.
            Err(LoadError::Session(gone)) if !steps.is_empty() => {
                let why = vec![gone.to_string()];
                let step = Step { wanted_per_s: rate, why, users: plan.users, ..Step::default() };
                search.saw(rate, false);
                told(&step);
                steps.push(step);
                unanswered += 1;
                if unanswered >= MOST_UNANSWERED {
                    break;
                }
                tokio::time::sleep(SETTLE_LONGER).await;
                continue;
            }
            Err(other) => return Err(other),
        };
        if loaded.report.verdict == Overall::Interrupted || *interrupted.borrow() {
            is_interrupted = true;
            worst = worst.or(Some(loaded));
            break;
        }
        let step = step(&loaded, rate, plan.users);
        if !step.kept {
            blamed.push((rate, generator_was_late(&step, loaded.report.effort.latest_us)));
        }
        search.saw(rate, step.kept);
        told(&step);
        let settle = if step.kept { SETTLE } else { SETTLE_LONGER };
        let lowest = worst.as_ref().and_then(|known| known.report.wanted_per_s);
        if step.kept {
            kept.push(loaded);
        } else if lowest.is_none_or(|lowest| rate < lowest) {
            worst = Some(loaded);
        }
        steps.push(step);
        tokio::time::sleep(settle).await;
    }
    // Where it came to no end, what is known is no more than that.
    let (good, bad) = search.ends();
    let tries: Vec<bool> =
        blamed.iter().filter(|(rate, _)| bad.is_some_and(|bad| (rate - bad).abs() < 1e-6)).map(|(_, late)| *late).collect();
    let late = !tries.is_empty() && tries.iter().all(|late| *late);
    let knee = knee(wanted, &search, (good, bad), steps, late);
    // The last step of the highest rate is the one to be shown; without any, the lowest that was tried.
    let is_best = |loaded: &Loaded| good.zip(loaded.report.wanted_per_s).is_some_and(|(good, rate)| (good - rate).abs() < 1e-6);
    let best = kept.into_iter().rfind(is_best);
    let Some(Loaded { mut report, measurement, .. }) = best.or(worst) else {
        return Err(LoadError::Engine("no rate was tried".to_owned()));
    };
    report.verdict = match (is_interrupted, knee.ok) {
        (true, _) => Overall::Interrupted,
        (false, true) if report.requirements.iter().any(|one| one.verdict == Verdict::Fail) => Overall::DoesNotConform,
        // As many unexpected answers as the conditions allow are allowed.
        (false, true) if report.verdict == Overall::DoesNotConform => Overall::Conforms,
        (false, true) => report.verdict,
        // The receiver may take more than this machine can ask of it.
        (false, false) if knee.generator_was_late && knee.last_good_per_s.is_some() => Overall::Undecided,
        (false, false) => Overall::DoesNotConform,
    };
    report.knee = Some(knee);
    Ok(Found { report, measurement })
}

/// What is answered rightly when every user delivers as fast as it is answered: somewhere to begin.
async fn probed(plan: &mut Plan, on_second: &OnSecond, interrupted: watch::Receiver<bool>) -> Result<f64, LoadError> {
    (plan.model, plan.arrivals, plan.most, plan.warm_up) = (Model::Closed, Arrivals::Constant, u64::MAX, Duration::ZERO);
    plan.profile = RateProfile::level(plan.users as f64, PROBE);
    (plan.gates, plan.abort_on, plan.verify) = (Vec::new(), Vec::new(), false);
    let report = run(plan, on_second.clone(), interrupted).await?.report;
    let right: u64 = report.kinds.values().map(|kind| kind.expected).sum();
    tokio::time::sleep(SETTLE_LONGER).await;
    Ok(right as f64 / report.seconds.max(PROBE.as_secs_f64()))
}

fn prepare(plan: &mut Plan, wanted: &Wanted, rate: f64, users: usize) {
    let length = wanted.conditions.iter().map(|gate| needed(gate) / rate).fold(wanted.step.as_secs_f64(), f64::max);
    let length = Duration::from_secs_f64(length).min(LONGEST_STEP.max(wanted.step));
    let warm_up = WARM_UP.min(length / 2);
    plan.model = Model::Open;
    plan.warm_up = warm_up;
    plan.profile = RateProfile::level(rate, warm_up + length);
    plan.gates.clone_from(&wanted.conditions);
    (plan.users, plan.hatch_rate) = (users, users as f64 * 10.0);
    plan.seed = plan.seed.wrapping_add(1);
}

/// How many deliveries a condition needs to be told.
fn needed(gate: &Gate) -> f64 {
    match gate.metric {
        Metric::Latency(quantile) | Metric::Stream(OfStream::Latency(quantile)) if quantile < 1_000 => {
            BEYOND / (1.0 - f64::from(quantile) / 1_000.0)
        }
        Metric::Errors if gate.bound > 0.0 => 100.0 / gate.bound,
        Metric::Latency(_) | Metric::Errors | Metric::Resent | Metric::Rate | Metric::Violations | Metric::Dropped | Metric::Stream(_) => {
            100.0
        }
    }
}

/// Enough users for those that were busy at once in the last step that was kept, with some to spare.
fn users(least: usize, rate: f64, steps: &[Step]) -> usize {
    let latency =
        steps.iter().filter(|step| step.kept).max_by(|a, b| a.wanted_per_s.total_cmp(&b.wanted_per_s)).map_or(0, |step| step.p99_us);
    let busy = rate * latency as f64 / 1e6 * SPARE_USERS;
    (busy.ceil() as usize).min(MOST_USERS).max(least)
}

fn step(loaded: &Loaded, rate: f64, users: usize) -> Step {
    let Loaded { report, measurement, .. } = loaded;
    let mut why: Vec<String> = report.gates.iter().filter(|gate| !gate.ok).map(broken).collect();
    if report.dropped > 0 {
        why.push(format!("{} dropped", report.dropped));
    } else if report.rate_per_s < rate * (1.0 - super::highest::PRECISION) - 1.0 {
        why.push(format!("{:.0}/s achieved", report.rate_per_s));
    }
    if let Some(growth) = growth(&report.series, report.seconds) {
        why.push(format!("answers came {growth:.0} ms later with every second"));
    }
    let latency = measurement.latency();
    let at =
        |quantile: f64| latency.as_ref().filter(|latency| !latency.is_empty()).map_or(0, |latency| latency.value_at_quantile(quantile));
    let [low, high] = quantiles_about(0.99, report.deliveries);
    Step {
        wanted_per_s: rate,
        rate_per_s: report.rate_per_s,
        kept: why.is_empty(),
        why,
        seconds: report.seconds,
        deliveries: report.deliveries,
        errors: report.kinds.values().map(|kind| kind.unexpected).sum(),
        dropped: report.dropped,
        late: report.late,
        users,
        p50_us: at(0.5),
        p99_us: at(0.99),
        p99_between_us: [at(low), at(high)],
    }
}

/// Whether a rate may have been missed by the generator's own doing: many were sent late, and not by a little of what they took.
fn generator_was_late(step: &Step, latest_us: u64) -> bool {
    step.late as f64 > step.deliveries as f64 * LATE_SHARE && latest_us.saturating_mul(2) >= step.p99_us
}

fn broken(gate: &GateResult) -> String {
    format!("{} ({})", gate.gate, gate.shown().unwrap_or_else(|| "nothing measured".to_owned()))
}

/// By how many milliseconds a second answers became later, when they did: the middle of all slopes between two seconds
/// (Theil and Sen), which one unlucky second does not move.
fn growth(series: &[Second], seconds: f64) -> Option<f64> {
    let whole = (seconds.floor() as usize).min(series.len());
    let medians: Vec<(f64, f64)> = series[..whole]
        .iter()
        .enumerate()
        .filter(|(_, one)| one.answers > 0 && one.p50_us > 0)
        .map(|(at, one)| (at as f64, one.p50_us as f64))
        .collect();
    let mut slopes = Vec::new();
    for (at, (time, median)) in medians.iter().enumerate() {
        slopes.extend(medians[at + 1..].iter().map(|(later, other)| (other - median) / (later - time)));
    }
    slopes.sort_by(f64::total_cmp);
    let middle = *slopes.get(slopes.len() / 2)?;
    let span = medians.last()?.0 - medians.first()?.0;
    (middle >= GROWTH * 1e6 && middle * span >= GROWTH_AT_LEAST_US).then_some(middle / 1e3)
}

fn knee(wanted: &Wanted, search: &Search, (good, bad): (Option<f64>, Option<f64>), steps: Vec<Step>, generator_was_late: bool) -> Knee {
    let votes = |rate: Option<f64>, of: fn(Votes) -> u32| {
        rate.map_or([0, 0], |rate| {
            let votes = search.votes(rate);
            [votes.kept + votes.broken, of(votes)]
        })
    };
    Knee {
        conditions: wanted.conditions.iter().map(|gate| gate.text.clone()).collect(),
        last_good_per_s: good,
        last_good_votes: votes(good, |votes| votes.kept),
        first_bad_per_s: bad,
        first_bad_votes: votes(bad, |votes| votes.broken),
        at_least_per_s: wanted.at_least,
        ok: good.is_some_and(|good| wanted.at_least.is_none_or(|least| good >= least)),
        generator_was_late,
        steps,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(medians_ms: &[u64]) -> Vec<Second> {
        medians_ms.iter().map(|ms| Second { answers: 100, deliveries: 100, p50_us: ms * 1_000, ..Second::default() }).collect()
    }

    /// A queue that grows by two parts in a hundred is seen; one bad second, and a receiver that is only slow, are not.
    #[test]
    fn growing_queue_is_told_from_a_bad_second() {
        let grows = growth(&seconds(&[10, 30, 50, 70, 90]), 5.0);
        assert_eq!(grows.map(f64::round), Some(20.0));
        assert_eq!(growth(&seconds(&[10, 11, 400, 12, 10]), 5.0), None);
        assert_eq!(growth(&seconds(&[200; 5]), 5.0), None);
        assert_eq!(growth(&seconds(&[10, 15, 20, 25, 30]), 5.0), None, "less than 30 ms from end to end");
        assert_eq!(growth(&[], 0.0), None);
    }

    /// A few milliseconds are not what made answers take a second.
    #[test]
    fn lateness_is_blamed_only_for_what_it_may_have_done() {
        let step = |late, p99_us| Step { deliveries: 1_000, late, p99_us, ..Step::default() };
        assert!(generator_was_late(&step(900, 100_000), 80_000));
        assert!(!generator_was_late(&step(900, 1_000_000), 80_000), "late by little");
        assert!(!generator_was_late(&step(100, 100_000), 80_000), "few were late");
    }

    #[test]
    fn steps_are_long_enough_for_what_is_asked() {
        let of = |text: &str| needed(&Gate::read(text, &[]).unwrap_or_else(|wrong| unreachable!("{wrong}"))).round() as u64;
        assert_eq!(["p99<1s", "p99.9<1s", "p50<1s", "errors<0.1%", "violations==0"].map(of), [1_000, 10_000, 20, 1_000, 100]);
    }

    #[test]
    fn users_follow_the_latency_of_the_last_step() {
        let step = |rate: f64, p99_us: u64| Step { wanted_per_s: rate, kept: true, p99_us, ..Step::default() };
        assert_eq!(users(64, 100.0, &[]), 64);
        assert_eq!(users(64, 1_000.0, &[step(500.0, 100_000), step(400.0, 9)]), 400);
        assert_eq!(users(64, 1e6, &[step(500.0, 100_000)]), MOST_USERS);
    }
}
