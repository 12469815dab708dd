//! Histories that must be accepted, and histories that must be rejected, as tables.

use super::{Evidence, Explanation, Law, NEVER, Operation, SECOND, TOLD, Verdict, acceptances, judge, verdict, works};
use crate::outcome::{Outcome, OutcomeSet};

const MINUTE: i64 = 60 * SECOND;
const DAY: Law = Law { life: Some(86_400 * SECOND), replays_failures: false };

fn op(outcome: Outcome, invoked: i64, returned: i64) -> Operation {
    Operation { key: 0, outcome: OutcomeSet::only(outcome), invoked, returned, refers_to: NEVER }
}
fn accepted(invoked: i64, returned: i64) -> Operation {
    op(Outcome::Accepted, invoked, returned)
}
fn duplicate(invoked: i64, returned: i64) -> Operation {
    op(Outcome::Duplicate, invoked, returned)
}
fn duplicate_of(instant: i64, invoked: i64, returned: i64) -> Operation {
    Operation { refers_to: instant, ..duplicate(invoked, returned) }
}
fn refused(invoked: i64, returned: i64) -> Operation {
    op(Outcome::Rejected, invoked, returned)
}
fn lost(invoked: i64) -> Operation {
    op(Outcome::NoAnswer, invoked, NEVER)
}
/// A failure that was provoked: it has surely taken no effect.
fn failed(invoked: i64, returned: i64) -> Operation {
    op(Outcome::Failed, invoked, returned)
}
fn rows(audit_rows: u32, key_rows: u32) -> Option<Evidence> {
    Some(Evidence { key: 0, audit_rows: Some(audit_rows), key_rows: Some(key_rows) })
}

fn told(history: &[Operation], evidence: Option<Evidence>) -> Verdict {
    let mut sorted = history.to_vec();
    sorted.sort_by_key(|one| (one.invoked, one.returned));
    verdict(&sorted, evidence.as_ref(), DAY)
}

#[test]
fn accepts_what_some_order_explains() {
    let day = 86_400 * SECOND;
    let table: &[(&str, Vec<Operation>, Option<Evidence>)] = &[
        ("one accepted", vec![accepted(0, 10)], rows(1, 1)),
        ("a duplicate after it", vec![accepted(0, 10), duplicate(20, 30)], rows(1, 1)),
        ("a duplicate that overlaps it and returns first", vec![accepted(0, 100), duplicate(5, 6)], None),
        ("a duplicate that began before it", vec![duplicate(0, 100), accepted(50, 60)], None),
        ("refusals before it", vec![refused(0, 5), accepted(10, 20)], rows(1, 1)),
        ("refusals alone", vec![refused(0, 5)], rows(0, 0)),
        ("a lost one, and a duplicate of it", vec![lost(0), duplicate(10, 20)], rows(1, 1)),
        ("a lost one that was never taken", vec![lost(0), accepted(10, 20)], rows(1, 1)),
        ("a lost one that was taken a life later", vec![accepted(0, 10), lost(20)], rows(2, 1)),
        ("accepted again after its life", vec![accepted(0, 10), accepted(day, day + 10)], rows(2, 1)),
        ("either side of the boundary", vec![accepted(0, 10), duplicate(day + SECOND, day + SECOND + 5)], None),
        ("duplicates that agree", vec![accepted(0, 10), duplicate_of(5, 20, 30), duplicate_of(5, 40, 50)], None),
        (
            "references of two lives",
            vec![accepted(0, 10), duplicate_of(5, 20, 30), accepted(day, day + 9), duplicate_of(day + 3, day + 20, day + 30)],
            None,
        ),
        ("a key cleaned up after its life", vec![accepted(0, 10), refused(2 * day, 2 * day + 5)], rows(1, 0)),
    ];
    for (what, history, evidence) in table {
        assert_eq!(told(history, *evidence), Verdict::Consistent, "{what}");
    }
}

/// What no order explains: the history, the rows, why, and the operations that show it.
type Rejected = (&'static str, Vec<Operation>, Option<Evidence>, Explanation, &'static [usize]);

#[test]
fn rejects_what_no_order_explains() {
    let table: &[Rejected] = &[
        ("accepted twice at once", vec![accepted(0, 10), accepted(5, 15)], None, Explanation::AcceptedTwice, &[0, 1]),
        (
            "accepted twice in a row",
            vec![accepted(0, 10), duplicate(20, 30), accepted(MINUTE, MINUTE + 5)],
            None,
            Explanation::AcceptedTwice,
            &[0, 2],
        ),
        ("a duplicate of nothing", vec![duplicate(0, 10)], None, Explanation::DuplicateOfNothing, &[0]),
        ("a duplicate of a refusal", vec![refused(0, 5), duplicate(10, 20)], None, Explanation::DuplicateOfNothing, &[1]),
        (
            "a duplicate that returned before the first began",
            vec![duplicate(0, 10), accepted(20, 30)],
            None,
            Explanation::DuplicateOutsideLife,
            &[0, 1],
        ),
        ("a duplicate before what was lost", vec![duplicate(0, 10), lost(20)], None, Explanation::DuplicateOfNothing, &[0]),
        (
            "one lost cannot explain it beside one accepted",
            vec![lost(0), duplicate(5, 10), accepted(20, 30)],
            None,
            Explanation::DuplicateOutsideLife,
            &[1, 2],
        ),
        (
            "a duplicate of a key that has ended",
            vec![accepted(0, 10), duplicate(90_000 * SECOND, 90_000 * SECOND + 9)],
            None,
            Explanation::DuplicateOutsideLife,
            &[0, 1],
        ),
        (
            "two references, one acceptance",
            vec![accepted(0, 10), duplicate_of(5, 20, 30), duplicate_of(7, 40, 50)],
            None,
            Explanation::ReferencesDiffer,
            &[1, 2],
        ),
        (
            "a reference to another time",
            vec![accepted(0, 10), duplicate_of(MINUTE, 20, 30)],
            None,
            Explanation::ReferenceElsewhere,
            &[0, 1],
        ),
        ("no audit row", vec![accepted(0, 10)], rows(0, 1), Explanation::AuditRowsMissing { rows: 0 }, &[0]),
        ("two audit rows", vec![accepted(0, 10), duplicate(20, 30)], rows(2, 1), Explanation::AuditRowsTooMany { rows: 2 }, &[0, 1]),
        ("a refusal's audit row", vec![refused(0, 10)], rows(1, 0), Explanation::AuditRowsOfRefused { rows: 1 }, &[0]),
        ("a refusal's key row", vec![refused(0, 10)], rows(0, 1), Explanation::TraceOfRefused, &[0]),
        ("a live key without a row", vec![accepted(0, 10)], rows(1, 0), Explanation::KeyRows { rows: 0 }, &[0]),
        ("a key with two rows", vec![accepted(0, 10)], rows(1, 2), Explanation::KeyRows { rows: 2 }, &[0]),
    ];
    for (what, history, evidence, why, places) in table {
        assert_eq!(told(history, *evidence), Verdict::Broken(*why, places.to_vec()), "{what}");
    }
}

/// What says nothing is not guessed at; with evidence it is decided.
#[test]
fn undecided_is_what_nothing_speaks_of() {
    assert_eq!(told(&[lost(0), lost(5)], None), Verdict::Undecided);
    assert_eq!(told(&[lost(0)], rows(1, 1)), Verdict::Consistent);
    assert_eq!(told(&[lost(0)], rows(0, 0)), Verdict::Consistent);
    assert_eq!(told(&[lost(0)], rows(2, 1)), Verdict::Broken(Explanation::AuditRowsTooMany { rows: 2 }, vec![0]));
}

/// A failure that the contract describes is known; what follows it is as the contract has it.
#[test]
fn failures_that_are_described_are_explained() {
    let judged = |replays_failures, history: &[Operation]| verdict(history, None, Law { replays_failures, ..DAY });
    let day = 86_400 * SECOND;
    let alone = [failed(0, 10), failed(20, NEVER)];
    let retried = [failed(0, 10), accepted(20, 30), duplicate(40, 50)];
    let known = [failed(0, 10), duplicate(20, 30)];
    let in_flight = [failed(0, 10), op(Outcome::InFlight, 20, 30)];
    let later = [failed(0, 10), accepted(day, day + 10)];
    let unprovoked = [failed(0, NEVER), duplicate(20, 30)];
    let unlike = [failed(0, 10), lost(20)];
    for (history, when_retried, when_replayed) in [
        (&alone[..], Verdict::Consistent, Verdict::Consistent),
        (&retried, Verdict::Consistent, Verdict::Broken(Explanation::FailureForgotten, vec![0, 1])),
        (&known, Verdict::Broken(Explanation::DuplicateOfNothing, vec![1]), Verdict::Broken(Explanation::DuplicateOfNothing, vec![1])),
        (&in_flight, Verdict::Consistent, Verdict::Consistent),
        (&later, Verdict::Consistent, Verdict::Consistent),
        (&unprovoked, Verdict::Consistent, Verdict::Consistent),
        (&unlike, Verdict::Undecided, Verdict::Undecided),
    ] {
        assert_eq!((judged(false, history), judged(true, history)), (when_retried, when_replayed), "{history:?}");
    }
}

/// Keys are judged apart, and the first broken ones are told.
#[test]
fn keys_are_judged_apart() {
    let mut history: Vec<Operation> =
        (0..100).flat_map(|key| [accepted(0, 10), accepted(key, 20)].map(|one| Operation { key: key as u32, ..one })).collect();
    history.extend((100..150).map(|key| Operation { key, ..accepted(0, 10) }));
    history.push(Operation { key: 150, ..lost(0) });
    let judgement = judge(&mut history, &mut [], DAY);
    assert_eq!((judgement.keys, judgement.broken, judgement.consistent, judgement.undecided), (151, 100, 50, 1));
    assert_eq!(judgement.witnesses.len(), TOLD);
    assert_eq!(judgement.witnesses[3].operations.len(), 2);
    assert_eq!(size_of::<Operation>(), 32);
}

/// How often a key was accepted, at least and at most, as its answers have it; that bounds how often its work was done.
#[test]
fn answers_bound_acceptances() {
    let day = 86_400 * SECOND;
    let alike = |invoked: i64| Operation {
        outcome: OutcomeSet::only(Outcome::Accepted).or(Outcome::Duplicate),
        ..op(Outcome::Accepted, invoked, invoked + 10)
    };
    let table: &[(&str, Vec<Operation>, (usize, usize))] = &[
        ("one accepted, with duplicates", vec![accepted(0, 10), duplicate(20, 30), duplicate(40, 50)], (1, 1)),
        ("one lost, then a duplicate", vec![lost(0), duplicate(20, 30)], (1, 1)),
        ("one lost, then one accepted", vec![lost(0), accepted(20, 30)], (1, 1)),
        ("one that failed, then one accepted", vec![failed(0, 5), accepted(20, 30)], (1, 1)),
        ("nothing but lost", vec![lost(0), lost(5)], (0, 2)),
        ("refused", vec![refused(0, 5)], (0, 0)),
        ("twenty alike at once", (0..20).map(alike).collect(), (1, 1)),
        ("alike, a life apart", vec![alike(0), alike(day)], (1, 2)),
        ("accepted, a life apart", vec![accepted(0, 10), accepted(day, day + 10)], (2, 2)),
        ("accepted twice in a life", vec![accepted(0, 10), accepted(20, 30)], (2, 2)),
        ("one in flight beside one accepted", vec![accepted(0, 10), op(Outcome::InFlight, 1, 5)], (1, 1)),
    ];
    for (what, history, bounds) in table {
        let now = history.iter().map(|one| one.invoked).max().unwrap_or(0) + MINUTE;
        assert_eq!(acceptances(history, DAY, now), *bounds, "{what}");
    }
}

/// Whoever is told twice in one life that it was accepted is owed its work once: two works are one too many.
#[test]
fn work_is_due_once_a_life() {
    let day = 86_400 * SECOND;
    let table: &[(&str, Vec<Operation>, (usize, usize))] = &[
        ("one", vec![accepted(0, 10), duplicate(20, 30)], (1, 1)),
        ("two at once", vec![accepted(0, 10), accepted(0, 10)], (1, 1)),
        ("three in turn", vec![accepted(0, 10), accepted(20, 30), accepted(40, 50)], (1, 1)),
        ("two lives", vec![accepted(0, 10), accepted(day + MINUTE, day + MINUTE + 10)], (2, 2)),
        (
            "two lives, the second twice",
            vec![accepted(0, 10), accepted(day + MINUTE, day + MINUTE + 10), accepted(day + 2 * MINUTE, day + 2 * MINUTE + 10)],
            (2, 2),
        ),
        ("one lost, then two", vec![lost(0), accepted(20, 30), accepted(40, 50)], (1, 1)),
        ("nothing but lost", vec![lost(0), lost(5)], (0, 2)),
        ("refused", vec![refused(0, 5)], (0, 0)),
    ];
    for (what, history, bounds) in table {
        let now = history.iter().map(|one| one.invoked).max().unwrap_or(0) + MINUTE;
        assert_eq!(works(history, DAY, now), *bounds, "{what}");
    }
}
