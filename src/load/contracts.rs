//! Contracts: loads of one receiver at one time, each under a contract of its own, as one load.
//!
//! In: a [`Plan`] for each, whose kinds bear its name (`fresh@stripe`), and what all of them together must keep to. Out: what each has come
//! to, judged by its own law with its own keys, and all of them as one: rates and latencies over all, requirements by contract (`ONCE-1@stripe`).
//! They begin at one moment and keep to their weights ([`together`](super::together)).

mod looking_on;

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, watch};

use self::looking_on::LookingOn;
use super::gate::Gate;
use super::heat::HeatMap;
use super::judging::{Judged, Violation};
use super::measure::Measurement;
use super::part::Part;
use super::report::{Latency, LoadReport, Second};
use super::together::{Member, members};
use super::window::Window;
use super::{Cut, LoadError, Loaded, OnSecond, Plan, run, summing, unexpected};
use crate::number;
use crate::report::{Overall, Verdict};

/// A contract in the report of a load of several.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ContractReport {
    /// What it is called: `fresh@NAME`, `ONCE-1@NAME`.
    pub name: String,
    /// The contract.
    pub contract: String,
    /// The digest of its file.
    #[serde(default)]
    pub contract_sha256: String,
    /// The path of its deliveries.
    pub path: String,
    /// How often, compared with the others.
    pub weight: u32,
    /// How many deliveries were measured.
    pub deliveries: u64,
    /// How many were sent in all.
    pub operations: u64,
    /// Answers a second.
    #[serde(deserialize_with = "number::rate")]
    pub rate_per_s: f64,
    /// Its own verdict.
    pub verdict: Overall,
}

/// One of the loads.
pub struct Share {
    /// What it is called.
    pub name: String,
    /// How often, compared with the others.
    pub weight: u32,
    /// The digest of its contract's file.
    pub contract_sha256: String,
    /// What it sends.
    pub plan: Plan,
}

/// What all together must keep to.
pub struct Conditions {
    /// What has to hold.
    pub gates: Vec<Gate>,
    /// What ends all of them as soon as it is true.
    pub abort_on: Vec<Gate>,
}

/// What they have come to.
pub struct Several {
    /// All of them as one.
    pub whole: Loaded,
    /// Each.
    pub each: Vec<Loaded>,
}

/// Runs all of them.
///
/// # Errors
/// What the first says that could not begin; then none does.
pub async fn run_all(
    shares: &[Share],
    conditions: &Conditions,
    on_second: OnSecond,
    interrupted: watch::Receiver<bool>,
) -> Result<Several, LoadError> {
    let weights: Vec<u32> = shares.iter().map(|share| share.weight).collect();
    let (stop, stopped) = watch::channel(false);
    let looking_on = Arc::new(LookingOn::new(shares.len(), conditions, on_second, stop.clone()));
    let (tell, mut done) = mpsc::unbounded_channel::<(usize, Result<Loaded, LoadError>)>();
    let together = members(&weights);
    for (at, (share, member)) in shares.iter().zip(&together).enumerate() {
        let plan = Plan { part: Part { together: Some(member.clone()), ..share.plan.part.clone() }, ..share.plan.clone() };
        let (tell, stopped, on_second) = (tell.clone(), stopped.clone(), LookingOn::seen_by(&looking_on, at));
        let (handle, member) = (tokio::runtime::Handle::current(), member.clone());
        let body = move || {
            let ended = handle.block_on(run(&plan, on_second, stopped));
            end(&member, ended.is_err());
            drop(tell.send((at, ended)));
        };
        let thread = std::thread::Builder::new().name("contract".to_owned()).spawn(body);
        if let Err(cause) = thread {
            end(&together[at], true);
            return Err(LoadError::Engine(format!("no thread for a load: {cause}")));
        }
    }
    drop(tell);
    let forwards = tokio::spawn(forwarded(interrupted, stop));
    let mut each: Vec<Option<Loaded>> = shares.iter().map(|_| None).collect();
    let mut failed = None;
    while let Some((at, ended)) = done.recv().await {
        match ended {
            Ok(loaded) => each[at] = Some(loaded),
            // The first says why; the others were called off.
            Err(why) => failed = failed.or(Some(why)),
        }
    }
    forwards.abort();
    let each: Vec<Loaded> = each.into_iter().flatten().collect();
    match failed {
        None if each.len() == shares.len() => {
            let whole = whole(shares, &each, conditions, looking_on.aborted())?;
            Ok(Several { whole, each })
        }
        None => Err(LoadError::Engine("the thread of a load has ended without a word".to_owned())),
        Some(why) => Err(why),
    }
}

fn end(member: &Member, failed: bool) {
    member.end();
    if failed {
        member.call_off();
    }
}

/// Who interrupts the command interrupts all of them.
async fn forwarded(mut interrupted: watch::Receiver<bool>, stop: watch::Sender<bool>) {
    if interrupted.wait_for(|stop| *stop).await.is_ok() {
        stop.send_replace(true);
    }
}

/// All of them as one.
fn whole(shares: &[Share], each: &[Loaded], conditions: &Conditions, aborted: Option<String>) -> Result<Loaded, LoadError> {
    let reports = || each.iter().map(|one| &one.report);
    let Some(first) = each.first() else { return Err(LoadError::Engine("there is no contract".to_owned())) };
    let measured: Vec<&Measurement> = each.iter().map(|one| &one.measurement).collect();
    let mut measurement = Measurement::beside(&measured).map_err(|cause| LoadError::Engine(cause.to_string()))?;
    let planned_end = reports().map(|report| report.window.planned_end_s).fold(0.0, f64::max);
    let window = Window {
        warm_until: measurement.warm_up,
        planned_end: std::time::Duration::try_from_secs_f64(planned_end).unwrap_or_default(),
        last_answer: measurement.last_answer,
        last_sent: std::time::Duration::ZERO,
    };
    measurement.fill(window.seconds());
    let requirements: Vec<Judged> = shares.iter().zip(reports()).flat_map(|(share, report)| named(share, report)).collect();
    let violations: Vec<Violation> = shares.iter().zip(reports()).flat_map(|(share, report)| of_keys(share, report)).collect();
    let was_judged = reports().all(|report| report.judged);
    let (mut all, by_kind) = measurement.in_all(&window);
    all.dropped = reports().map(|report| report.dropped).sum();
    all.violations = requirements.iter().filter(|one| one.verdict == Verdict::Fail).map(|one| one.violations).sum();
    let mut gates: Vec<_> = conditions.gates.iter().map(|gate| gate.judge(&all, &by_kind)).collect();
    for gate in gates.iter_mut().filter(|gate| gate.of_violations && !was_judged) {
        (gate.ok, gate.value) = (false, None);
    }
    let kinds = summing::kinds(&measurement, &by_kind);
    let any = |verdict: Overall| reports().any(|report| report.verdict == verdict);
    let verdict = if aborted.is_some() || gates.iter().any(|gate| !gate.ok) || any(Overall::DoesNotConform) {
        Overall::DoesNotConform
    } else {
        let worst = [Overall::Interrupted, Overall::Incomplete, Overall::Undecided].into_iter().find(|verdict| any(*verdict));
        worst.unwrap_or(Overall::Conforms)
    };
    let warm = window.warm_until.as_secs_f64();
    let planned = |until: f64| (until - warm).max(0.0);
    let wanted: Option<f64> = reports().map(|report| Some(report.wanted_per_s? * planned(report.window.planned_end_s))).sum();
    let report = LoadReport {
        target: distinct(reports().map(|report| report.target.clone())),
        contract: distinct(reports().map(|report| report.contract.clone())),
        users: reports().map(|report| report.users).sum(),
        mix: reports().flat_map(|report| report.mix.clone()).collect(),
        deliveries: all.sent,
        operations: reports().map(|report| report.operations).sum(),
        seconds: window.seconds(),
        window: window.told(),
        rate_per_s: all.rate,
        wanted_per_s: wanted.filter(|_| planned(planned_end) > 0.0).map(|wanted| wanted / planned(planned_end)),
        dropped: all.dropped,
        resent: measurement.resent,
        late: reports().map(|report| report.late).sum(),
        // The process is one, and each has looked at all of it.
        effort: reports().max_by_key(|report| report.effort.latest_us).map(|report| report.effort.clone()).unwrap_or_default(),
        kinds,
        latency_us: all.latency.map(Latency::of),
        errors: measurement.errors.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect(),
        curve: summing::curve(&measurement),
        series: series(&measurement, each),
        heat: HeatMap::of(&measurement),
        judged: was_judged,
        undecided: reports().map(|report| report.undecided).sum(),
        keys: reports().map(|report| report.keys).sum(),
        unexpected: shares.iter().zip(reports()).flat_map(|(share, report)| unexpected::of_share(&share.name, report)).collect(),
        requirements,
        violations,
        gates,
        kept_up: reports().all(|report| report.kept_up),
        notes: notes(shares, each, aborted.as_deref()),
        contracts: shares.iter().zip(reports()).map(|(share, report)| told(share, report)).collect(),
        verdict,
        ..first.report.clone()
    };
    let cut = match aborted {
        Some(why) => Some(Cut::Aborted(why)),
        None => each.iter().find_map(|one| one.cut.clone()),
    };
    Ok(Loaded { report, measurement, cut })
}

fn told(share: &Share, report: &LoadReport) -> ContractReport {
    ContractReport {
        name: share.name.clone(),
        contract: report.contract.clone(),
        contract_sha256: share.contract_sha256.clone(),
        path: share.plan.contract.endpoint.path.clone(),
        weight: share.weight,
        deliveries: report.deliveries,
        operations: report.operations,
        rate_per_s: report.rate_per_s,
        verdict: report.verdict,
    }
}

/// What was judged, by the contract's name behind the requirement's.
fn named(share: &Share, report: &LoadReport) -> Vec<Judged> {
    report.requirements.iter().map(|one| Judged { id: format!("{}@{}", one.id, share.name), ..one.clone() }).collect()
}

fn of_keys(share: &Share, report: &LoadReport) -> Vec<Violation> {
    let of = |one: &Violation| Violation { requirement: format!("{}@{}", one.requirement, share.name), ..one.clone() };
    report.violations.iter().map(of).collect()
}

fn distinct(texts: impl Iterator<Item = String>) -> String {
    let mut all: Vec<String> = Vec::new();
    for text in texts {
        if !all.contains(&text) {
            all.push(text);
        }
    }
    all.join(", ")
}

/// Second by second, with what all together were asked for.
fn series(measurement: &Measurement, each: &[Loaded]) -> Vec<Second> {
    let wanted = |at: usize| {
        let of_each = each.iter().map(|one| one.report.series.get(at).and_then(|second| second.wanted));
        of_each.flatten().reduce(|one, other| one + other)
    };
    measurement.series.iter().enumerate().map(|(at, second)| Second::of(second, wanted(at))).collect()
}

/// What a reader should know: what all of them say, once; and what one says, by its name.
fn notes(shares: &[Share], each: &[Loaded], aborted: Option<&str>) -> Vec<String> {
    let mut notes: Vec<String> = aborted.map(|why| format!("Ended early: {why}.")).into_iter().collect();
    let names: Vec<String> = shares.iter().zip(each).map(|(share, one)| format!("{} ({})", share.name, one.report.contract)).collect();
    notes.push(format!(
        "{} contracts in one load, {}: each has its own keys, secret and law, and what was judged bears its name.",
        shares.len(),
        names.join(", ")
    ));
    let is_of_all = |note: &String| each.iter().all(|one| one.report.notes.contains(note));
    for (share, one) in shares.iter().zip(each) {
        // Where a condition has ended all of them, each was interrupted by it.
        let of_one = one.report.notes.iter().filter(|note| aborted.is_none() || !note.starts_with("Interrupted after"));
        for note in of_one {
            let text = if is_of_all(note) { note.clone() } else { format!("{}: {note}", share.name) };
            if !notes.contains(&text) {
                notes.push(text);
            }
        }
    }
    notes
}
