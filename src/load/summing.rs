//! Summing up: from what was measured and judged to the report of a load.
//!
//! Values in, a [`LoadReport`] out; the verdict is decided here and nowhere else.

use std::sync::Arc;

use crate::clock::{Clock as _, SystemClock, UnixMicros, iso};
use crate::load::gate::GateResult;
use crate::load::judging::Found;
use crate::load::measure::{Measurement, NO_PORT};
use crate::load::pace::{Arrivals, Model};
use crate::load::report::{CurvePoint, KindReport, Latency, LoadReport, SCHEMA, Second};
use crate::load::{Cut, Plan, evidence};
use crate::outcome::reader::Reader;
use crate::report::manifest::MadeFrom;
use crate::report::{Overall, Tool, Verdict, tally};

/// With more deliveries sent late than this, in percent, the generator could not keep up.
const LATE_PERCENT: f64 = 1.0;
/// With more deliveries that waited for a user than this, in percent, a reader is told.
const CROWDED_PERCENT: f64 = 1.0;

/// So many points of the curve lie between one half and the next.
const CURVE_STEPS: u32 = 5;

/// What a load has come to, beside what was measured.
pub struct Facts {
    /// When it began.
    pub began_at: UnixMicros,
    /// How long was measured.
    pub seconds: f64,
    /// How many deliveries were sent late for the generator's own sake.
    pub late: u64,
    /// How many were due when every user was waiting.
    pub crowded: u64,
    /// Why it ended before its time.
    pub cut: Option<Cut>,
    /// How many deliveries there were, with those of the warm-up.
    pub operations: u64,
    /// How many of them were delivered again, because their answer was lost.
    pub again: u64,
}

/// The report.
#[must_use]
pub fn summed(plan: &Plan, measurement: &Measurement, found: Option<Found>, facts: &Facts) -> LoadReport {
    let (mut all, by_kind) = measurement.in_all(facts.seconds);
    let was_judged = found.is_some();
    let found = found.unwrap_or_default();
    all.violations = found.requirements.iter().filter(|one| one.verdict == Verdict::Fail).map(|one| one.violations).sum();
    let kinds = measurement.kinds.iter().map(|kind| {
        let statuses = kind.statuses.iter().map(|(status, count)| (status.to_string(), *count)).collect();
        let latency_us = by_kind.get(&kind.name).and_then(|measured| measured.latency).map(Latency::of);
        let (sent, expected) = (kind.sent, kind.expected);
        (kind.name.clone(), KindReport { sent, expected, unexpected: sent - expected, statuses, latency_us })
    });
    let kinds: std::collections::BTreeMap<_, _> = kinds.collect();
    let mut gates: Vec<GateResult> = plan.gates.iter().map(|gate| gate.judge(&all, &by_kind)).collect();
    for gate in gates.iter_mut().filter(|gate| gate.of_violations && !was_judged) {
        (gate.ok, gate.value) = (false, None);
    }
    let percent = |count: u64| if all.sent == 0 { 0.0 } else { count as f64 * 100.0 / all.sent as f64 };
    let kept_up = percent(facts.late) <= LATE_PERCENT;
    let notes = notes(plan, measurement, facts, percent(facts.late), percent(facts.crowded), kept_up);
    let is_cut_short = matches!(facts.cut, Some(Cut::Aborted(_)));
    let broken = is_cut_short
        || found.requirements.iter().any(|one| one.verdict == Verdict::Fail)
        || gates.iter().any(|gate| !gate.ok)
        || kinds.values().any(|kind| kind.statuses.values().sum::<u64>() > 0);
    let errors: std::collections::BTreeMap<String, u64> =
        measurement.errors.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect();
    let verdict = match (broken, &facts.cut) {
        (true, _) => Overall::DoesNotConform,
        (false, Some(Cut::Interrupted)) => Overall::Interrupted,
        (false, _) if measurement.answered() == 0 || found.undecided > 0 => Overall::Undecided,
        (false, Some(Cut::Dead)) => Overall::Undecided,
        (false, _) => Overall::Conforms,
    };
    LoadReport {
        schema: SCHEMA.to_owned(),
        tool: Tool { name: env!("CARGO_PKG_NAME").to_owned(), version: env!("CARGO_PKG_VERSION").to_owned() },
        target: plan.target.to_string(),
        contract: plan.contract.contract.clone(),
        made_from: MadeFrom::default(),
        model: match plan.model {
            Model::Closed => "closed",
            Model::Open => "open",
        }
        .to_owned(),
        arrivals: (plan.model == Model::Open).then(|| match plan.arrivals {
            Arrivals::Constant => "constant".to_owned(),
            Arrivals::Poisson => "poisson".to_owned(),
        }),
        started_at: iso::write(facts.began_at),
        users: plan.users,
        seed: plan.seed,
        mix: plan.mix.weights(),
        deliveries: all.sent,
        operations: facts.operations,
        seconds: facts.seconds,
        rate_per_s: all.rate,
        kinds,
        latency_us: all.latency.map(Latency::of),
        errors,
        curve: curve(measurement),
        series: measurement.series.iter().map(Second::of).collect(),
        judged: was_judged,
        undecided: found.undecided as u64,
        requirements: found.requirements,
        violations: found.violations,
        gates,
        kept_up,
        notes,
        verdict,
    }
}

/// The report of a load that could not begin, or not be judged: nothing was measured, and `why` is its note.
///
/// `None` when there is no room for histograms.
#[must_use]
pub fn nothing(plan: &Plan, why: &str) -> Option<LoadReport> {
    let measurement = Measurement::new(&plan.mix.names()).ok()?;
    let began_at = SystemClock.now();
    let facts = Facts { began_at, seconds: 0.0, late: 0, crowded: 0, cut: None, operations: 0, again: 0 };
    let report = summed(plan, &measurement, None, &facts);
    // A gate over nothing would be broken, and here it was not even tried.
    Some(LoadReport { gates: Vec::new(), notes: vec![why.to_owned()], verdict: Overall::Incomplete, ..report })
}

/// Points that come closer and closer to the slowest delivery.
fn curve(measurement: &Measurement) -> Vec<CurvePoint> {
    let Some(latency) = measurement.latency().filter(|latency| !latency.is_empty()) else { return Vec::new() };
    let steps = latency.iter_quantiles(CURVE_STEPS);
    steps.map(|step| CurvePoint { quantile: step.quantile(), us: step.value_iterated_to() }).collect()
}

fn notes(plan: &Plan, measurement: &Measurement, facts: &Facts, late: f64, crowded: f64, kept_up: bool) -> Vec<String> {
    let mut notes = Vec::new();
    match &facts.cut {
        Some(Cut::Aborted(why)) => notes.push(format!("Ended early: {why}.")),
        Some(Cut::Dead) => notes.push(format!("Ended early, after {:.0} s: the target did not answer any more.", facts.seconds)),
        Some(Cut::Interrupted) => notes.push(format!("Interrupted after {:.0} s.", facts.seconds)),
        None => {}
    }
    if !kept_up {
        notes.push(format!(
            "The generator itself could not keep up: {late:.1}% of the deliveries were sent more than 2 ms late. Latencies count from when they were due."
        ));
    }
    if crowded > CROWDED_PERCENT {
        notes.push(format!(
            "{crowded:.1}% of the deliveries were due while all {} users waited for answers; their latency counts from when they were due (more --users would send them in time).",
            plan.users
        ));
    }
    if let Some(count) = measurement.errors.get(NO_PORT) {
        notes.push(format!(
            "This machine had no port left for {count} connections: they say nothing of the receiver. Use fewer --users, or widen net.ipv4.ip_local_port_range."
        ));
    }
    if facts.again > 0 {
        notes.push(format!(
            "{} deliveries without an answer were delivered once more after the load, to see what became of them.",
            facts.again
        ));
    }
    if plan.verify && plan.sources.rows.is_some() {
        notes.extend(evidence::what_is_not_told(&plan.contract));
    }
    if plan.verify && !plan.contract.is_by_key() {
        notes.push(tally::NO_PROMISE.to_owned());
    } else if plan.verify && plan.sources.rows.is_none() && !Reader::new(Arc::clone(&plan.contract)).tells_duplicates() {
        notes.push(tally::ANSWERS_ALIKE.to_owned());
    } else if plan.verify && plan.sources.rows.is_none() {
        notes.push("No database was given: whether the work was done once was judged by answers alone (--db).".to_owned());
    }
    notes
}
