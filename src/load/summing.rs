//! Summing up: from what was measured and judged to the report of a load.
//!
//! Values in, a [`LoadReport`] out; the verdict is decided here and nowhere else.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::clock::{Clock as _, SystemClock, UnixMicros, iso};
use crate::load::afterwards::Afterwards;
use crate::load::effort::Effort;
use crate::load::feed::{FeedReport, Keys, Order};
use crate::load::gate::{GateResult, Measured};
use crate::load::heat::HeatMap;
use crate::load::judging::Found;
use crate::load::measure::{Measurement, NO_PORT, OfKind};
use crate::load::rate_profile::{Arrivals, Model};
use crate::load::report::{CurvePoint, KindReport, Latency, LoadReport, SCHEMA, Second};
use crate::load::streams::report::StreamsReport;
use crate::load::unexpected::Unexpected;
use crate::load::window::Window;
use crate::load::{Cut, Plan, evidence};
use crate::outcome::reader::Reader;
use crate::report::manifest::MadeFrom;
use crate::report::{Overall, Tool, Verdict, tally};

/// With more deliveries sent late than this, in percent, the generator could not keep up.
pub(super) const LATE_PERCENT: f64 = 1.0;
/// With more deliveries that waited for a user than this, in percent, a reader is told.
const CROWDED_PERCENT: f64 = 1.0;

/// So many points of the curve lie between one half and the next.
const CURVE_STEPS: u32 = 5;

/// What a load has come to, beside what was measured.
pub struct Facts {
    /// When it began.
    pub began_at: UnixMicros,
    /// The time in which it was measured.
    pub window: Window,
    /// How many deliveries were sent late for the generator's own sake.
    pub late: u64,
    /// How many were due when every user was waiting.
    pub crowded: u64,
    /// How many were due and never sent.
    pub dropped: u64,
    /// What the generator and the receiver took.
    pub effort: Effort,
    /// Why it ended before its time.
    pub cut: Option<Cut>,
    /// How many deliveries there were, with those of the warm-up.
    pub operations: u64,
    /// The first answers that should not have come.
    pub unexpected: Vec<Unexpected>,
    /// What was asked when it was over.
    pub after: Afterwards,
    /// How many answers were followed by something on their connection.
    pub followed: u64,
    /// The feed, and why it ended before its end.
    pub feed: Option<(FeedReport, Option<String>)>,
    /// What subscribers of event streams have read.
    pub streams: Option<StreamsReport>,
}

/// The report.
#[must_use]
pub fn summed(plan: &Plan, measurement: &Measurement, found: Option<Found>, facts: &Facts) -> LoadReport {
    let window = &facts.window;
    let (mut all, by_kind) = measurement.in_all(window);
    all.dropped = facts.dropped;
    all.streams = facts.streams.as_ref().map(StreamsReport::measured);
    let was_judged = found.is_some();
    let mut found = found.unwrap_or_default();
    let known = known(plan, &mut found, &iso::write(facts.began_at));
    all.violations = found.requirements.iter().filter(|one| one.verdict == Verdict::Fail).map(|one| one.violations).sum();
    let kinds = kinds(measurement, &by_kind);
    let mut gates: Vec<GateResult> = plan.gates.iter().map(|gate| gate.judge(&all, &by_kind)).collect();
    for gate in gates.iter_mut().filter(|gate| gate.of_violations && !was_judged) {
        (gate.ok, gate.value) = (false, None);
    }
    let percent = |count: u64| if all.sent == 0 { 0.0 } else { count as f64 * 100.0 / all.sent as f64 };
    let wanted = (plan.model == Model::Open).then(|| window.wanted(&plan.profile));
    let was_on_time = percent(facts.late) <= LATE_PERCENT;
    let kept_up = was_on_time && wanted.is_none_or(|wanted| window.kept(wanted, measurement.answered(), facts.dropped));
    let mut notes = notes(plan, measurement, facts, percent(facts.late), percent(facts.crowded), was_on_time);
    notes.extend(known);
    notes.extend(found.unread.iter().map(|why| format!("What it would have told is open: {why}.")));
    let is_cut_short = matches!(facts.cut, Some(Cut::Aborted(_)));
    let broken = is_cut_short
        || facts.streams.as_ref().is_some_and(|streams| streams.is_broken_beside_requirements(plan))
        || found.requirements.iter().any(|one| one.verdict == Verdict::Fail)
        || gates.iter().any(|gate| !gate.ok)
        || kinds.values().any(|kind| kind.statuses.values().sum::<u64>() > 0);
    let errors: BTreeMap<String, u64> = measurement.errors.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect();
    let is_open = facts.streams.as_ref().is_some_and(|streams| streams.open > 0);
    let feed_failed = facts.feed.as_ref().is_some_and(|(_, failed)| failed.is_some());
    let verdict = match (broken, &facts.cut) {
        (true, _) => Overall::DoesNotConform,
        (false, Some(Cut::Interrupted)) => Overall::Interrupted,
        (false, _) if !found.unread.is_empty() || feed_failed => Overall::Incomplete,
        (false, _) if measurement.answered() == 0 || found.undecided > 0 || is_open => Overall::Undecided,
        (false, _) if facts.after.gone.is_some() || found.requirements.iter().any(|one| one.verdict == Verdict::Undecided) => {
            Overall::Undecided
        }
        (false, Some(Cut::Dead)) => Overall::Undecided,
        (false, _) => Overall::Conforms,
    };
    LoadReport {
        schema: SCHEMA.to_owned(),
        tool: Tool { name: env!("CARGO_PKG_NAME").to_owned(), version: env!("CARGO_PKG_VERSION").to_owned() },
        target: plan.target.to_string(),
        contract: plan.contract.contract.clone(),
        made_from: MadeFrom::default(),
        project: None,
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
        feed: facts.feed.as_ref().map(|(feed, _)| feed.clone()),
        deliveries: all.sent,
        operations: facts.operations,
        seconds: window.seconds(),
        window: window.told(),
        rate_per_s: all.rate,
        wanted_per_s: wanted,
        dropped: facts.dropped,
        resent: measurement.resent,
        late: facts.late,
        effort: facts.effort.clone(),
        kinds,
        latency_us: all.latency.map(Latency::of),
        errors,
        curve: curve(measurement),
        series: series(plan, measurement),
        heat: HeatMap::of(measurement),
        knee: None,
        judged: was_judged,
        undecided: found.undecided as u64,
        keys: found.keys,
        unexpected: facts.unexpected.clone(),
        requirements: found.requirements,
        violations: found.violations,
        gates,
        kept_up,
        notes,
        workers: Vec::new(),
        contracts: Vec::new(),
        streams: facts.streams.clone(),
        verdict,
    }
}

/// The report of a load that could not begin, or not be judged: nothing was measured, and `why` is its note.
///
/// `None` when there is no room for histograms.
#[must_use]
pub fn nothing(plan: &Plan, why: &str) -> Option<LoadReport> {
    let measurement = Measurement::new(&plan.mix.names(), plan.warm_up).ok()?;
    let began_at = SystemClock.now();
    let window = Window { warm_until: plan.warm_up, planned_end: plan.warm_up, ..Window::default() };
    let facts = Facts {
        began_at,
        window,
        late: 0,
        crowded: 0,
        dropped: 0,
        effort: Effort::default(),
        cut: None,
        operations: 0,
        unexpected: Vec::new(),
        after: Afterwards::default(),
        followed: 0,
        feed: None,
        streams: None,
    };
    let report = summed(plan, &measurement, None, &facts);
    // A gate over nothing would be broken, and here it was not even tried.
    Some(LoadReport { gates: Vec::new(), kept_up: false, notes: vec![why.to_owned()], verdict: Overall::Incomplete, ..report })
}

/// Failures that somebody has written down are known, until the day that is named; a sentence for each, and for what no longer holds.
fn known(plan: &Plan, found: &mut Found, today: &str) -> Vec<String> {
    let Some(baseline) = &plan.baseline else { return Vec::new() };
    let mut told = Vec::new();
    for one in &mut found.requirements {
        match (one.verdict, baseline.reason_for(&one.id, today)) {
            (Verdict::Fail | Verdict::Warn, Some(reason)) => {
                one.verdict = Verdict::Known;
                told.push(format!("{} is broken, and known: {reason}", one.id));
            }
            (Verdict::Pass, Some(_)) => {
                told.push(format!("{} is known to fail, and did not: see whether it can leave the baseline", one.id));
            }
            (Verdict::Fail | Verdict::Warn | Verdict::Pass, None) | (Verdict::Undecided | Verdict::NotApplicable | Verdict::Known, _) => {}
        }
    }
    told
}

/// Second by second, with what the profile of an open model asked for in each.
fn series(plan: &Plan, measurement: &Measurement) -> Vec<Second> {
    let warm = plan.warm_up.as_secs_f64();
    let wanted = |at: usize| {
        let due = |at: usize| plan.profile.area(warm + at as f64).ceil();
        (plan.model == Model::Open).then(|| (due(at + 1) - due(at)) as u64)
    };
    measurement.series.iter().enumerate().map(|(at, second)| Second::of(second, wanted(at))).collect()
}

/// Kind by kind.
pub(super) fn kinds(measurement: &Measurement, by_kind: &BTreeMap<String, Measured>) -> BTreeMap<String, KindReport> {
    let of = |kind: &OfKind| {
        let statuses = kind.statuses.iter().map(|(status, count)| (status.to_string(), *count)).collect();
        let latency_us = by_kind.get(&kind.name).and_then(|measured| measured.latency).map(Latency::of);
        let (sent, answered, expected) = (kind.sent, kind.answered, kind.expected);
        (kind.name.clone(), KindReport { sent, answered, expected, unexpected: sent - expected, statuses, latency_us })
    };
    measurement.kinds.iter().map(of).collect()
}

/// Points that come closer and closer to the slowest delivery.
pub(super) fn curve(measurement: &Measurement) -> Vec<CurvePoint> {
    let Some(latency) = measurement.latency().filter(|latency| !latency.is_empty()) else { return Vec::new() };
    let steps = latency.iter_quantiles(CURVE_STEPS);
    steps.map(|step| CurvePoint { quantile: step.quantile(), us: step.value_iterated_to() }).collect()
}

fn notes(plan: &Plan, measurement: &Measurement, facts: &Facts, late: f64, crowded: f64, was_on_time: bool) -> Vec<String> {
    let mut notes: Vec<String> = plan.target.note().map(str::to_owned).into_iter().collect();
    match &facts.cut {
        Some(Cut::Aborted(why)) => notes.push(format!("Ended early: {why}.")),
        Some(Cut::Dead) => {
            notes.push(format!("Ended early, after {:.0} s: the target did not answer any more.", facts.window.planned_end.as_secs_f64()));
        }
        Some(Cut::Interrupted) => notes.push(format!("Interrupted after {:.0} s.", facts.window.planned_end.as_secs_f64())),
        None => {}
    }
    notes.extend(facts.feed.iter().flat_map(|(feed, failed)| of_feed(feed, failed.as_ref(), plan)));
    if !was_on_time {
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
    if let Some(why) = &facts.after.gone {
        notes.push(format!("The receiver was gone when the load was over, and took no connections any more: {why}."));
    }
    if measurement.resent > 0 {
        notes.push(format!(
            "{} deliveries went twice: their connection had been kept, and was closed under them before a byte of an answer. A receiver that closes idle connections does so now and then; one that drops requests, too.",
            measurement.resent
        ));
    }
    if facts.after.unanswered > 0 {
        notes.push(format!(
            "{} deliveries without an answer were delivered once more after the load, to see what became of them.",
            facts.after.unanswered
        ));
    }
    if facts.after.probed > 0 {
        notes.push(format!(
            "{} keys that were refused in the load were delivered honestly afterwards, to see whether their refusal had used them up.",
            facts.after.probed
        ));
    }
    if facts.after.open > 0 {
        notes.push(format!(
            "{} deliveries whose answer does not tell what became of them were delivered once more after the load.",
            facts.after.open
        ));
    }
    if facts.followed > 0 && !plan.verify {
        notes.push(format!(
            "{} answers were followed by bytes on their connection that nobody had asked for; without --no-verify that is judged.",
            facts.followed
        ));
    }
    if plan.verify && plan.sources.rows.is_some() {
        notes.extend(evidence::what_is_not_told(&plan.contract));
    }
    if plan.verify && !plan.contract.is_by_key() {
        notes.push(tally::NO_PROMISE.to_owned());
    } else if plan.verify
        && plan.sources.rows.is_none()
        && plan.sources.effects.is_none()
        && !Reader::new(Arc::clone(&plan.contract)).tells_duplicates()
    {
        notes.push(tally::ANSWERS_ALIKE.to_owned());
    } else if plan.verify && plan.sources.rows.is_none() && plan.sources.effects.is_none() {
        notes.push("No database was given: whether the work was done once was judged by answers alone (--db).".to_owned());
    }
    notes
}

/// What a reader should know of the feed.
fn of_feed(feed: &FeedReport, failed: Option<&String>, plan: &Plan) -> Vec<String> {
    let how = match feed.order {
        Order::Once => "once through".to_owned(),
        Order::Loop => "again and again, with other keys in each round after the first".to_owned(),
        Order::Random => format!("at random (seed {})", plan.seed),
        Order::Recorded => format!("at its own times, {} times as fast", feed.speed.unwrap_or(1.0)),
    };
    let keys = match feed.keys {
        Keys::Written => "keys as they are written",
        Keys::Fresh => "keys made fresh",
    };
    let mut notes = vec![format!(
        "Fed from {} ({} deliveries), {how}; {keys}: {} of them, {} deliveries with another body than their key had.",
        feed.file, feed.lines, feed.distinct_keys, feed.other_bodies
    )];
    if feed.left_out > 0 {
        notes.push(format!(
            "{} recorded lines were left out: their bodies were not kept whole, or they were first attempts of a delivery that went twice.",
            feed.left_out
        ));
    }
    let knows_rows = plan.sources.rows.is_some() || plan.sources.effects.is_some();
    if feed.keys == Keys::Written && plan.verify && !knows_rows {
        notes.push(
            "The receiver may have had these keys before: one that was answered as a duplicate at first is left undecided (--db tells, and --feed-keys fresh makes keys that nobody has had).".to_owned(),
        );
    }
    notes.extend(failed.map(|why| format!("The feed ended early: {why}.")));
    notes
}
