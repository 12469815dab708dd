//! The space of contracts: whatever a contract may promise, the reference keeps it, and a receiver without memory never passes.
//!
//! Contracts are made of one value of each axis; every value stands once beside
//! the usual ones, and pairs are drawn at random. Every scenario of the suite
//! is played in memory, by the judge that a run has. A right receiver that gets
//! a finding here is a mistake of the suite or the judge, and so is a wrong one
//! that gets none.
#![expect(clippy::expect_used, clippy::panic, reason = "a test ends where something is not as it should be")]

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use hookgate::clock::UnixMicros;
use hookgate::contract::Contract;
use hookgate::contract::outcome::Refusal;
use hookgate::contract::reading::read_contract;
use hookgate::delivery::{Answer, Delivery};
use hookgate::files;
use hookgate::history;
use hookgate::judge::kept::Kept;
use hookgate::judge::verify::at_once;
use hookgate::judge::{Setting, scenario};
use hookgate::reference::amnesiac::Amnesiac;
use hookgate::reference::seams::{Answering, Around, Seams};
use hookgate::reference::store::First;
use hookgate::report::{ScenarioReport, Verdict, tally};
use hookgate::run::rehearsal::{Means, Rehearsed, has_force, rehearse, surroundings};
use hookgate::run::suite::reason_not_under;
use hookgate::run::supplies::Supplies;
use hookgate::scenario::expand::{self, Loaded};
use hookgate::scenario::lint::Known;
use hookgate::scenario::requirement::Catalogue;

/// The axes of the space: a name, and its values, each a piece of YAML that is laid over the usual contract. The first is the usual one.
const AXES: &[(&str, &[(&str, &str)])] = &[
    ("other_body", &[("duplicate", ""), ("refused", "other_body: refused"), ("new", "other_body: new")]),
    ("fingerprint", &[("none", ""), ("raw", "fingerprint: raw"), ("json", "fingerprint: json")]),
    (
        "key",
        &[
            ("header", "key: {header: Idempotency-Key}"),
            ("quoted", "key: {header: Idempotency-Key, form: quoted}"),
            ("either", "key: {header: Idempotency-Key, form: either}"),
            ("uuid", "key: {header: Idempotency-Key, form: uuid}"),
            ("alphabet", "key: {header: Idempotency-Key, alphabet: A-Za-z0-9_-}"),
            ("member", "key: {body_member: delivery_id}"),
            ("nested", "key: {body_member: data.id}"),
            ("field", "key: {form_field: id}"),
            ("scope-receiver", "key: {header: Idempotency-Key, scope: receiver}"),
            ("scope-query", "key: {header: Idempotency-Key, scope: path-and-query}"),
            ("scope-caller", "key: {header: Idempotency-Key, scope: caller, caller: X-Account}"),
            ("scope-path", "key: {header: Idempotency-Key, scope: path}"),
        ],
    ),
    (
        "told",
        &[
            ("member", "duplicate: {status: 200, body: [{member: ok, is: true}, {member: seen, is: true}]}"),
            ("status", "duplicate: {status: 208, body: [{member: ok, is: true}]}"),
            (
                "reference",
                "duplicate: {status: 200, body: [{member: ok, is: true}, {member: at, is: '{first.ts}'}, {member: hash, is: '{first.sha256}'}]}",
            ),
            ("marker", "duplicate: {status: 200, same_body_as_first: true, headers: {Idempotent-Replayed: 'true'}}"),
            ("like-first", "duplicate: {status: 200, same_body_as_first: true}"),
            ("constant", "duplicate: {status: 200, body: [{member: ok, is: true}]}"),
        ],
    ),
    ("in_flight", &[("waits", ""), ("conflict", "in_flight: {lease: 2 s}")]),
    (
        "failures",
        &[
            ("none", ""),
            ("retried", "failures: {then: retried, provoke: {header: X-Fail, status: 503}}"),
            ("replayed", "failures: {then: replayed, provoke: {header: X-Fail, status: 503}}"),
        ],
    ),
    ("refusals", &[("forgotten", ""), ("kept", "refusals: kept")]),
    (
        "ttl",
        &[
            ("day", "ttl: {default: 86400 s}"),
            ("minute", "ttl: {default: 60 s}"),
            ("own", "ttl: {default: 1h, header: X-TTL}"),
            ("none", ""),
        ],
    ),
    ("limits", &[("usual", ""), ("small", "limits: {body_bytes: 102400}"), ("mebibyte", "limits: {body_bytes: 1048576}")]),
    (
        "state",
        &[
            ("both", "state: {keys: KEYS, audit: AUDIT}"),
            ("keys", "state: {keys: KEYS}"),
            ("audit", "state: {audit: AUDIT}"),
            ("none", ""),
            ("renamed", "state: {keys: RENAMED, audit: AUDIT}"),
        ],
    ),
    ("idempotency", &[("by-key", ""), ("none", "idempotency: none")]),
    (
        "signature",
        &[
            ("body", "signature: {digest: sha256, encoding: hex, message: '{body}', headers: [{name: X-Signature, value: '{sig}'}]}"),
            (
                "list",
                "signature: {digest: sha256, encoding: hex, message: '{t}.{body}', several: {separator: ','}, time: {past: 2 m, future: 2 m}, headers: [{name: X-Signature, value: 't={t},v1={sig}'}]}",
            ),
            (
                "ms",
                "signature: {digest: sha512, encoding: base64url, message: '{t}.{body}', time: {unit: ms, past: 2 m}, headers: [{name: X-Time, value: '{t}'}, {name: X-Mac, value: 'v1={sig}'}]}",
            ),
            (
                "id",
                "signature: {digest: sha256, encoding: base64, message: '{id}.{t}.{body}', several: {separator: ' '}, time: {unit: rfc3339, past: 2 m, future: 2 m}, headers: [{name: X-Time, value: '{t}'}, {name: X-Mac, value: 'v1,{sig}'}]}",
            ),
            ("token", "signature: {by: token, headers: [{name: X-Token, value: 'Bearer {sig}'}]}"),
            ("none", "signature: none"),
            (
                "digest",
                "signature: {encoding: base64, message: '{method} {header:digest}', headers: [{name: Digest, value: 'sha-256=:{sha256base64(body)}:'}, {name: X-Mac, value: '{sig}'}]}",
            ),
            (
                "query",
                "signature: {digest: sha1, encoding: base64, message: '{url}', query: [{name: d, value: '{sha256hex(body)}'}], headers: [{name: X-Mac, value: '{sig}'}]}",
            ),
            ("form", "signature: {message: '{url}{form_sorted}', headers: [{name: X-Mac, value: '{sig}'}]}"),
            (
                "members",
                "signature: {encoding: base64, message: '{member:status}', members: [{member: proof.sig, value: '{sig}'}], bodies: utf8}",
            ),
        ],
    ),
];

const KEYS: &str = "{table: keys, columns: [{name: key, type: TEXT, primary_key: 1, holds: '{key}'}, {name: ts, type: TEXT, not_null: true, holds: '{ts}'}, {name: ttl, type: INTEGER, holds: '{ttl}'}]}";
const RENAMED: &str = "{table: seen, columns: [{name: at, type: TEXT, not_null: true, holds: '{ts}'}, {name: life, type: INTEGER, holds: '{ttl}'}, {name: word, type: TEXT, primary_key: 1, holds: '{key}'}]}";
const AUDIT: &str = "{table: log, columns: [{name: at, type: TEXT, not_null: true, primary_key: 1, holds: '{ts}'}, {name: hash, type: TEXT, holds: '{sha256}'}, {name: word, type: TEXT, holds: '{key}'}]}";

/// A point of the space: the place of the chosen value on each axis.
type Point = Vec<usize>;

fn name(point: &Point) -> String {
    let told = AXES.iter().zip(point).filter(|(_, at)| **at > 0).map(|((axis, values), at)| format!("{axis}={}", values[*at].0));
    let told: Vec<String> = told.collect();
    if told.is_empty() { "usual".to_owned() } else { told.join(" ") }
}

fn at(point: &Point, axis: &str) -> &'static str {
    let place = AXES.iter().position(|(name, _)| *name == axis).expect("an axis");
    AXES[place].1[point[place]].0
}

/// The contract at a point; `None` where its values cannot stand together, as `check` says, too.
fn contract(point: &Point) -> Option<Arc<Contract>> {
    let by_key = at(point, "idempotency") == "by-key";
    let (mut members, mut outcomes) =
        (Vec::new(), vec!["accepted: {status: 200, body: [{member: ok, is: true}], without: [seen, at]}".to_owned()]);
    for ((axis, values), at) in AXES.iter().zip(point) {
        match *axis {
            "told" if by_key => outcomes.push(values[*at].1.to_owned()),
            "told" => {}
            _ => members.push(values[*at].1.replace("KEYS", KEYS).replace("RENAMED", RENAMED).replace("AUDIT", AUDIT)),
        }
    }
    if at(point, "in_flight") == "conflict" {
        outcomes.push("in-flight: {status: 409}".to_owned());
    }
    let form = at(point, "key") == "field";
    let form = form || at(point, "signature") == "form";
    let content_type = if form { "application/x-www-form-urlencoded" } else { "application/json" };
    let text = format!(
        "contract: space\ntitle: t\nabout: a\nsource: s\nsuite: core\n\
         endpoint: {{method: POST, path: /in, others: [/other], content_type: {content_type}}}\n\
         health: {{path: /alive, status: 204}}\nsecret: {{env: S, for_tests: a-secret-of-this-test, previous: {{env: P, for_tests: the-one-before}}, retired: {{env: R, for_tests: a-retired-one}}}}\n{}\n\
         outcomes: {{{}, refused: {{signature: {{status: 401}}, missing-signature: {{status: 403}}, malformed-signature: {{status: 400}}, \
         stale-signature: {{status: 401}}, missing-key: {{status: 400}}, empty-key: {{status: 400}}, unusable-key: {{status: 400}}, \
         other-body: {{status: 422}}, method: {{status: 405}}, body: {{status: 400}}, too-large: {{status: 413}}}}}}\n",
        members.join("\n"),
        outcomes.join(", ")
    );
    read_contract("space.yaml", &text, &|_| None).ok().map(Arc::new)
}

/// The suite `core`: its catalogue, its scenarios, its bodies.
struct Suite {
    catalogue: Arc<Catalogue>,
    scenarios: Vec<Loaded>,
    bodies: Arc<BTreeMap<String, Bytes>>,
}

/// What is slow in memory, and shows nothing that a smaller one does not.
const LEFT_OUT: [&str; 3] = ["duplicate/found-after-a-thousand-other-keys", "http/body-over-the-limit", "audit/no-row-is-lost-under-load"];

static SUITE: LazyLock<Suite> = LazyLock::new(|| {
    let files = files::shipped_suite("core");
    let file = files.catalogue.expect("a catalogue");
    let catalogue = Catalogue::read(&file.path, &file.text).unwrap_or_else(|wrong| panic!("{wrong}"));
    let known = Known::new(&catalogue, files.bodies.keys().cloned());
    let scenarios = files.scenarios.iter().filter(|(id, _)| !LEFT_OUT.iter().any(|out| id.starts_with(out)));
    let scenarios =
        scenarios.flat_map(|(id, file)| expand::load(id, &file.path, &file.text, &known).unwrap_or_else(|wrong| panic!("{wrong}")));
    Suite { scenarios: scenarios.collect(), catalogue: Arc::new(catalogue), bodies: Arc::new(files.bodies) }
});

/// Everything that is needed to rehearse under a contract.
struct Stage {
    setting: Setting,
    supplies: Supplies,
    means: Means,
}

impl Stage {
    fn of(contract: &Arc<Contract>) -> Self {
        let (setting, supplies) = surroundings(contract, &SUITE.catalogue, &SUITE.bodies).expect("the published secret is a key");
        Self { setting, supplies, means: Means { state: contract.state.is_some() } }
    }

    fn applicable(&self) -> impl Iterator<Item = &'static Loaded> {
        SUITE.scenarios.iter().filter(|one| reason_not_under(&self.setting, &self.supplies, one, self.means).is_none())
    }

    fn play(&self, loaded: &Loaded, seams: Option<Box<dyn Seams>>) -> Rehearsed {
        let mut receiver = scenario::reference(&self.setting, &self.supplies.signer).expect("memory does not fail");
        if let Some(seams) = seams {
            receiver.set_seams(seams);
        }
        rehearse(&self.setting, &self.supplies, loaded, receiver, self.means).expect("memory does not wait")
    }
}

/// Every value once beside the usual ones.
fn single_values() -> Vec<Point> {
    let usual: Point = vec![0; AXES.len()];
    let others = AXES.iter().enumerate().flat_map(|(axis, (_, values))| (1..values.len()).map(move |value| (axis, value)));
    let changed = others.map(|(axis, value)| {
        let mut point: Point = vec![0; AXES.len()];
        point[axis] = value;
        point
    });
    std::iter::once(usual).chain(changed).collect()
}

/// So many points with two or more unusual values, the same each time.
fn mixed(count: usize) -> Vec<Point> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % below as u64).expect("a small number")
    };
    (0..count).map(|_| AXES.iter().map(|(_, values)| if random(2) == 0 { 0 } else { random(values.len()) }).collect()).collect()
}

/// Values that were once wrong together.
fn corners() -> Vec<Point> {
    let corner = |chosen: &[(&str, &str)]| {
        let of_axis = |(axis, values): &(&str, &[(&str, &str)])| {
            let wanted = chosen.iter().find(|(name, _)| name == axis).map(|(_, value)| *value);
            wanted.map_or(0, |wanted| values.iter().position(|(value, _)| *value == wanted).expect("a value of the axis"))
        };
        AXES.iter().map(of_axis).collect()
    };
    vec![
        // A key in the body takes room there, and the limit is the longest body of the suite.
        corner(&[("key", "member"), ("limits", "mebibyte")]),
        corner(&[("key", "field"), ("limits", "mebibyte")]),
        // A failure that is a key's result is given again, not undecided.
        corner(&[("failures", "replayed"), ("other_body", "new")]),
    ]
}

fn points() -> Vec<Point> {
    [single_values(), corners(), mixed(10)].concat()
}

/// Whatever a contract says, what the reference does under it is no finding; neither live nor judged again from its history.
#[test]
fn reference_keeps_every_contract() {
    let (mut wrong, mut played) = (Vec::new(), 0);
    for point in points() {
        let Some(contract) = contract(&point) else { continue };
        let stage = Stage::of(&contract);
        let mut all = Vec::new();
        for loaded in stage.applicable() {
            let Rehearsed { report, history, .. } = stage.play(loaded, None);
            played += 1;
            for finding in report.findings.iter().take(1) {
                wrong.push(format!(
                    "{}: {} step {}: {} where {} was due",
                    name(&point),
                    loaded.id,
                    finding.step,
                    finding.observed,
                    finding.expected
                ));
            }
            if report.verdict == Verdict::Undecided {
                wrong.push(format!("{}: {} undecided: {:?}", name(&point), loaded.id, report.reason));
            }
            if report.findings.is_empty() {
                let operations: Vec<&history::Operation> = history.iter().collect();
                let mut kept = Kept::new(&contract, &operations);
                let reference = scenario::reference(&stage.setting, &stage.supplies.signer).expect("memory does not fail");
                let (again, _) = at_once(scenario::play(&stage.setting, &mut kept, loaded, reference)).expect("a history does not wait");
                if let Some(finding) = again.findings.first() {
                    wrong.push(format!(
                        "{}: {} judged again: {} where {} was due",
                        name(&point),
                        loaded.id,
                        finding.observed,
                        finding.expected
                    ));
                }
            }
            // Every rehearsal begins anew with the same words and the same moment.
            if let Some((judgement, _)) = history::judge(&history, &contract, contract.ttl_secs())
                && (judgement.broken > 0 || (judgement.undecided > 0 && stage.setting.reader.tells_duplicates()))
            {
                let witness = judgement.witnesses.first();
                wrong.push(format!("{}: {} history: {} undecided, {witness:?}", name(&point), loaded.id, judgement.undecided));
            }
            all.extend(history);
        }
    }
    assert!(played > 5_000, "only {played} scenarios were played");
    assert!(wrong.is_empty(), "{} of {played}:\n{}", wrong.len(), wrong.iter().take(30).cloned().collect::<Vec<_>>().join("\n"));
}

/// The verdicts of requirements over a receiver with these seams, as a run sums them up.
fn requirements(stage: &Stage, seams: &dyn Fn() -> Box<dyn Seams>) -> Vec<(String, Verdict)> {
    let reports: Vec<ScenarioReport> = stage
        .applicable()
        .filter(|loaded| loaded.scenario.shows.iter().any(|id| id.starts_with("DUP-") || id.starts_with("ONCE-")))
        .map(|loaded| {
            let mut report = stage.play(loaded, Some(seams())).report;
            report.without_force = !has_force(&stage.setting, &stage.supplies, loaded, stage.means);
            report
        })
        .collect();
    let asked: Vec<tally::Asked> = SUITE
        .catalogue
        .requirements
        .iter()
        .filter(|one| one.id.starts_with("DUP-") || one.id.starts_with("ONCE-"))
        .map(|one| tally::Asked { id: one.id.clone(), level: one.level, memory: one.memory, ..tally::Asked::default() })
        .collect();
    tally::requirements(&asked, &reports).into_iter().map(|one| (one.id, one.verdict)).collect()
}

/// A receiver without memory never passes what is about memory.
#[test]
fn amnesiac_never_passes_duplicates_or_concurrency() {
    let mut wrong = Vec::new();
    for point in points() {
        let Some(contract) = contract(&point) else { continue };
        let stage = Stage::of(&contract);
        let passed = requirements(&stage, &|| Box::new(Amnesiac))
            .into_iter()
            .filter(|(_, verdict)| matches!(verdict, Verdict::Pass | Verdict::Warn));
        wrong.extend(passed.map(|(id, _)| format!("{}: {id}", name(&point))));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Ways to be wrong that every contract has, and when they can be seen.
struct Class {
    name: &'static str,
    seams: fn() -> Box<dyn Seams>,
    can_be_seen: fn(&Contract, &Setting) -> bool,
}

/// Changes one thing.
struct One {
    key: fn(String) -> String,
    verified: fn(Result<(), Refusal>) -> Result<(), Refusal>,
    found: fn(Option<First>, UnixMicros) -> Option<First>,
    answer: fn(Answering, Answer) -> Answer,
    uses_up: bool,
}

impl Default for One {
    fn default() -> Self {
        Self { key: |key| key, verified: |honest| honest, found: |first, _| first, answer: |_, answer| answer, uses_up: false }
    }
}

impl Seams for One {
    fn key(&mut self, read: Result<String, Refusal>, _delivery: &Delivery) -> Result<String, Refusal> {
        read.map(self.key)
    }

    fn verified(&mut self, honest: Result<(), Refusal>, _around: Around<'_>) -> Result<(), Refusal> {
        (self.verified)(honest)
    }

    fn found(&mut self, first: Option<First>, around: Around<'_>) -> Option<First> {
        (self.found)(first, around.now)
    }

    fn answer(&mut self, what: Answering, answer: Answer, _around: Around<'_>) -> Answer {
        (self.answer)(what, answer)
    }

    fn writes_refused(&self, why: Refusal, key: &str) -> Option<String> {
        (self.uses_up && why == Refusal::Signature).then(|| key.to_owned())
    }
}

fn sees_memory(contract: &Contract, setting: &Setting) -> bool {
    let audit = contract.state.as_ref().is_some_and(|tables| tables.audit.is_some());
    contract.is_by_key() && (setting.reader.tells_duplicates() || audit)
}

const CLASSES: &[Class] = &[
    Class { name: "remembers nothing", seams: || Box::new(Amnesiac), can_be_seen: sees_memory },
    Class {
        name: "takes every signature",
        seams: || Box::new(One { verified: |_| Ok(()), ..One::default() }),
        can_be_seen: |contract, _| contract.can("signed"),
    },
    Class {
        name: "gives duplicates a 500",
        seams: || {
            Box::new(One {
                answer: |what, answer| if what == Answering::Duplicate { Answer { status: 500, ..answer } } else { answer },
                ..One::default()
            })
        },
        can_be_seen: |contract, _| contract.is_by_key(),
    },
    Class {
        name: "gives refusals a 500",
        seams: || {
            Box::new(One {
                answer: |what, answer| if matches!(what, Answering::Refused(_)) { Answer { status: 500, ..answer } } else { answer },
                ..One::default()
            })
        },
        can_be_seen: |_, _| true,
    },
    Class {
        name: "folds keys",
        seams: || Box::new(One { key: |key| key.to_lowercase(), ..One::default() }),
        can_be_seen: |contract, setting| contract.can("free-keys") && sees_memory(contract, setting) && !contract.repeats_first_answer(),
    },
    Class {
        name: "accepts again after a minute",
        seams: || Box::new(One { found: |first, now| first.filter(|first| now.since(first.ts).as_secs() < 30), ..One::default() }),
        can_be_seen: |contract, setting| contract.ttl.is_some() && contract.is_by_key() && setting.reader.tells_duplicates(),
    },
    Class {
        name: "uses keys up on refusals",
        seams: || Box::new(One { uses_up: true, ..One::default() }),
        can_be_seen: |contract, setting| {
            contract.can("signed") && contract.key.header.is_some() && contract.is_by_key() && setting.reader.tells_duplicates()
        },
    },
];

/// Every way to be wrong that can be seen under a contract is seen.
#[test]
fn wrong_receivers_are_found_under_every_contract() {
    let mut missed = Vec::new();
    for point in points() {
        let Some(contract) = contract(&point) else { continue };
        let stage = Stage::of(&contract);
        for class in CLASSES.iter().filter(|class| (class.can_be_seen)(&contract, &stage.setting)) {
            let found = stage.applicable().any(|loaded| !stage.play(loaded, Some((class.seams)())).report.findings.is_empty());
            if !found {
                missed.push(format!("{}: {}", name(&point), class.name));
            }
        }
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

/// Nearly every point is a contract; those that are none say why.
#[test]
fn points_are_contracts() {
    let all = points();
    let none: Vec<String> = all.iter().filter(|point| contract(point).is_none()).map(name).collect();
    assert!(none.len() * 5 < all.len(), "{} of {}: {none:#?}", none.len(), all.len());
}
