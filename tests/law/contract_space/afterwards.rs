//! What comes after the end of a life and after a restart, where answers alone do not say what it is.

use std::time::Duration;

use hookgate::clock::UnixMicros;
use hookgate::history::{AnswerBytes, BodyBytes, Operation};
use hookgate::judge::kept::Kept;
use hookgate::judge::verify::at_once;
use hookgate::judge::{Setting, scenario};
use hookgate::reference::defect::Defect;
use hookgate::reference::hooks::{Around, Hooks};
use hookgate::reference::store::First;
use hookgate::report::{ScenarioReport, Verdict};
use hookgate::run::rehearsal::{Rehearsed, rehearse};
use hookgate::scenario::expand::Loaded;
use hookgate::sqlite::mutants;

use super::Stage;
use super::axes::{AXES, Point, SUITE, contract};

/// The point with these values, and the usual ones beside them.
fn point(chosen: &[(&str, &str)]) -> Point {
    let of_axis = |(axis, values): &(&str, &[(&str, &str)])| {
        let wanted = chosen.iter().find(|(name, _)| name == axis).map(|(_, value)| *value);
        wanted.map_or(0, |wanted| values.iter().position(|(value, _)| *value == wanted).expect("a value of the axis"))
    };
    AXES.iter().map(of_axis).collect()
}

fn loaded(id: &str) -> &'static Loaded {
    SUITE.scenarios.iter().find(|one| one.id == id).unwrap_or_else(|| panic!("no scenario {id}"))
}

/// The requirements of a scenario's findings.
fn found(report: &ScenarioReport) -> Vec<&str> {
    report.findings.iter().map(|one| one.requirement.as_str()).collect()
}

/// Each duplicate gives its key a life of its own.
struct Prolongs {
    seen: std::collections::BTreeMap<String, (First, UnixMicros)>,
    life: Duration,
}

impl Hooks for Prolongs {
    fn found(&mut self, first: Option<First>, around: Around<'_>) -> Option<First> {
        let known = self.seen.get(around.key).filter(|(_, at)| around.now.since(*at) <= self.life).map(|(first, _)| first.clone());
        let first = first.or(known)?;
        self.seen.insert(around.key.to_owned(), (first.clone(), around.now));
        Some(first)
    }
}

/// Where duplicates are answered like first deliveries, effects show whether a key was accepted anew: who forgets none, and whose duplicates
/// prolong lives, is told so under the requirement that the step shows.
#[test]
fn end_of_a_life_is_judged_by_effects_where_answers_are_alike() {
    for other_body in ["duplicate", "new"] {
        let contract = contract(&point(&[("told", "like-first"), ("effects", "page"), ("other_body", other_body)])).expect("a contract");
        let stage = Stage::of(&contract);
        for (id, shown, by_a_prolonged_one) in [
            ("ttl/key-is-new-again-past-its-ttl", "TTL-3", None),
            ("ttl/duplicate-does-not-prolong-a-life", "TTL-4", Some("TTL-4")),
            ("ttl/late-duplicate-does-not-prolong-a-life", "TTL-4", Some("TTL-4")),
        ] {
            let loaded = loaded(id);
            let right = stage.play(loaded, None).report;
            assert_eq!((right.verdict, found(&right)), (Verdict::Pass, vec![]), "{id}: {:?}", right.findings);
            // Where another body is a delivery of its own, only a repetition meets a key that was not forgotten.
            let repeats = other_body == "duplicate" || !id.contains("late");
            let forever = Setting { ttl: Some(1_000_000_000), ..stage.setting.clone() };
            let receiver = scenario::reference(&forever, &stage.supplies.signer).expect("memory does not fail");
            let wrong = rehearse(&stage.setting, &stage.supplies, loaded, receiver, stage.means).expect("memory does not wait").report;
            let due = if repeats { vec![shown] } else { vec![] };
            assert_eq!(found(&wrong), due, "{id}, {other_body}: who forgets no key: {:?}", wrong.findings);
            let life = Duration::from_secs(contract.ttl_secs().expect("a life"));
            let wrong = stage.play(loaded, Some(Box::new(Prolongs { seen: std::collections::BTreeMap::new(), life }))).report;
            let due: Vec<&str> = by_a_prolonged_one.into_iter().collect();
            assert_eq!(found(&wrong), due, "{id}, {other_body}: who prolongs lives: {:?}", wrong.findings);
        }
    }
}

/// What a key is answered after a kill broke in: twice, and twice after the lease.
#[derive(Clone, Copy)]
enum Then {
    Duplicate,
    Accepted,
    InFlight,
}

/// A kill breaks requests off: their keys may be in flight until the lease ends, and no longer; one that was answered before is a duplicate.
#[test]
fn key_is_in_flight_after_a_kill_no_longer_than_its_lease() {
    use Then::{Accepted, Duplicate, InFlight};
    let contract = contract(&point(&[("in_flight", "conflict")])).expect("a contract");
    let stage = Stage::of(&contract);
    let loaded = loaded("restart/what-was-answered-before-a-kill-is-remembered[killed]");
    let Rehearsed { history, .. } = stage.play(loaded, None);
    let keys = history.len() / 3;
    let (firsts, again) = (&history[..keys], &history[keys..2 * keys]);
    let odd = |one: &Operation| one.key == firsts[5].key;
    let judged = |is_answered: bool, thens: &[Then]| {
        let lost = |one: &Operation| Operation { answer: None, no_answer: Some("connection reset".to_owned()), ..one.clone() };
        let mut all: Vec<Operation> = firsts.iter().map(|one| if odd(one) && !is_answered { lost(one) } else { one.clone() }).collect();
        for then in thens {
            all.extend(again.iter().map(|one| match then {
                Duplicate => one.clone(),
                _ if !odd(one) => one.clone(),
                Accepted => Operation { answer: firsts[5].answer.clone(), ..one.clone() },
                InFlight => {
                    let answer = AnswerBytes { status: 409, headers: Vec::new(), body: BodyBytes::of(b"") };
                    Operation { answer: Some(answer), ..one.clone() }
                }
            }));
        }
        let operations: Vec<&Operation> = all.iter().collect();
        let reference = scenario::reference(&stage.setting, &stage.supplies.signer).expect("memory does not fail");
        let mut kept = Kept::new(&contract, &operations);
        at_once(scenario::play(&stage.setting, &mut kept, loaded, reference)).expect("a history does not wait").0
    };
    for thens in [&[InFlight, InFlight, Accepted, Duplicate][..], &[InFlight, Accepted], &[InFlight, Duplicate], &[Accepted, Duplicate]] {
        let report = judged(false, thens);
        assert_eq!((report.verdict, found(&report)), (Verdict::Pass, vec![]), "{:?}", report.findings);
    }
    let stuck = judged(false, &[InFlight, InFlight, InFlight, InFlight]);
    assert_eq!(found(&stuck), ["FLY-2"], "{:?}", stuck.findings);
    assert_eq!(stuck.findings[0].expected, "deliveries that the restart broke off are accepted or duplicates after it");
    let forgotten = judged(true, &[InFlight, InFlight]);
    assert_eq!(found(&forgotten), ["FLY-2"], "{:?}", forgotten.findings);
    assert!(forgotten.findings[0].expected.ends_with("that were answered before the restart are duplicates after it"));
    assert!(forgotten.findings[0].observed.starts_with("1 of them are not"), "{}", forgotten.findings[0].observed);
}

/// What a kill broke off is looked at when it has come again: more rows of it than one are found, whatever its answers say.
#[test]
fn rows_are_counted_of_what_a_kill_broke_off() {
    let contract = contract(&point(&[])).expect("the usual contract");
    let stage = Stage::of(&contract);
    let loaded = loaded("restart/what-a-kill-broke-off-has-one-row");
    let right = stage.play(loaded, None).report;
    assert_eq!((right.verdict, found(&right)), (Verdict::Pass, vec![]), "{:?}", right.findings);
    let defect = Defect::named("duplicate-writes-audit-row").expect("a defect");
    let signer = Some(stage.supplies.signer.clone());
    let receiver = mutants::receiver(&contract, signer, None, stage.setting.ttl, defect).expect("a receiver in memory");
    let wrong = rehearse(&stage.setting, &stage.supplies, loaded, receiver, stage.means).expect("memory does not wait").report;
    assert!(found(&wrong).contains(&"AUD-1"), "{:?}", wrong.findings);
}
