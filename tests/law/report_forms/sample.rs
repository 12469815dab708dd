//! A report with a bit of everything.

use std::collections::BTreeMap;

use hookgate::contract::Level;
use hookgate::outcome::mismatch::{Kind, MismatchCode, When};
use hookgate::report::causes::causes;
use hookgate::report::manifest::MadeFrom;
use hookgate::report::timeline::TimelineSpan;
use hookgate::report::{BurstFacts, Finding, Report, RunFacts, SCHEMA, ScenarioReport, Target, Tool, Verdict, tally};
use hookgate::state::{ColumnShape, TableShape};

fn scenario(id: &str, title: &str, verdict: Verdict, shows: &str) -> ScenarioReport {
    ScenarioReport {
        id: id.to_owned(),
        title: title.to_owned(),
        titles: BTreeMap::new(),
        verdict,
        reason: None,
        lack: None,
        shows: vec![shows.to_owned()],
        duration_ms: 3.1,
        file: format!("scenarios/orch/{}.yaml", id.split('[').next().unwrap_or(id)),
        own: true,
        without_force: false,
        no_force: None,
        shortened: None,
        rests_on: Default::default(),
        statuses: BTreeMap::from([("202".to_owned(), 2)]),
        findings: Vec::new(),
        bursts: Vec::new(),
        streams: None,
    }
}

fn finding(requirement: &str, level: Level, expected: &str, observed: &str) -> Finding {
    Finding {
        requirement: requirement.to_owned(),
        level,
        step: 2,
        step_name: Some("the same delivery again".to_owned()),
        line: 9,
        expected: expected.to_owned(),
        reference: r#"202 {"accepted":true,"reference":{"type":"duplicate"}}"#.to_owned(),
        observed: observed.to_owned(),
        curl: "curl -sS -X POST 'http://127.0.0.1:5001/callbacks/terminal' --data-binary '{\"a\":1}'".to_owned(),
        output: Vec::new(),
        output_shared: false,
        exception: None,
        mismatch: MismatchCode::named(Kind::Member, "reference.type"),
        filed: None,
    }
}

fn column(name: &str, kind: &str, default: Option<&str>, primary_key: u32) -> ColumnShape {
    ColumnShape { name: name.to_owned(), kind: kind.to_owned(), not_null: false, default: default.map(str::to_owned), primary_key }
}

fn lanes() -> Vec<TimelineSpan> {
    let lane =
        |start_us, took_us, got: &str| TimelineSpan { key: "hg1-7".to_owned(), start_us, took_us, got: got.to_owned(), stream: None };
    vec![lane(0, Some(900), "accepted"), lane(40, Some(1_300), "duplicate"), lane(90, None, "no answer")]
}

/// A report with a scenario of every verdict.
pub(crate) fn sample() -> Report {
    let mut broken = scenario("duplicate/refers-to-the-first", "A duplicate refers to the first delivery.", Verdict::Fail, "DUP-2");
    broken.findings.push(finding(
        "DUP-2",
        Level::Must,
        "reference.type = \"duplicate\"",
        r#"202 {"status":"duplicate","message":"Request already processed"}"#,
    ));
    let mut warned = scenario("key/long[300 bytes]", "A long key is kept whole", Verdict::Warn, "KEY-6");
    warned.findings.push(finding(
        "KEY-6",
        Level::Should,
        "status 202 or 400",
        &format!("500 {}\u{1b}[2J| `tail`", "Internal Server Error ".repeat(30)),
    ));
    warned.findings[0].mismatch = MismatchCode { status: Some(500), when: vec![When::OddKey], ..MismatchCode::of(Kind::OddFailed) };
    let mut burst = scenario("concurrency/one-of-many", "One of many is accepted", Verdict::Undecided, "ONCE-1");
    burst.reason = Some("step 1: 2 of 8 deliveries timed out".to_owned());
    burst.bursts.push(BurstFacts { step: 1, deliveries: 8, release_spread_us: 182, most_at_once: 8, lanes: lanes() });
    let mut later = scenario("ttl/expires", "A key expires", Verdict::NotApplicable, "TTL-3");
    later.reason = Some("time cannot be made to pass for the receiver (--clock)".to_owned());
    let mut known = scenario("http/methods", "Other methods are refused", Verdict::Known, "HTTP-2");
    known.findings.push(finding("HTTP-2", Level::Must, "status 405 or 404", "200 {}"));
    known.reason = Some("the proxy in front of it answers".to_owned());
    let first = scenario("seed/first-delivery", "1回目処理: the first delivery is answered 202", Verdict::Pass, "AUTH-1");
    let scenarios = vec![burst, broken, known, warned, first, later];
    let asked = [
        ("AUTH-1", Level::Must, "Signatures", "A rightly signed delivery is accepted."),
        ("KEY-6", Level::Should, "Keys", "A key over 255 bytes is accepted or refused with 400, never a 5xx, never cut off."),
        ("DUP-2", Level::Must, "Duplicates", "A duplicate's answer has `reference.type` = `duplicate`."),
        ("ONCE-1", Level::Must, "Concurrency", "Of N concurrent deliveries with one key, exactly one is accepted as new."),
        ("TTL-3", Level::Must, "Life of keys", "Past its TTL a key is accepted anew."),
        ("HTTP-2", Level::Must, "HTTP", "Other methods get 405 or 404."),
    ];
    let asked = asked.map(|(id, level, topic, sentence)| tally::Asked {
        id: id.to_owned(),
        level,
        sentence: sentence.to_owned(),
        topic: topic.to_owned(),
        translations: BTreeMap::new(),
        excluded: None,
        not_promised: None,
        memory: false,
    });
    let mut report = Report {
        schema: SCHEMA.to_owned(),
        tool: Tool { name: "hookgate".to_owned(), version: "0.1.0".to_owned() },
        run: RunFacts {
            hidden_answers: 0,
            shard: None,
            contract_file: None,
            ttl_secs: None,
            arguments: "--target http://127.0.0.1:5001".to_owned(),
            visiting: "--target http://127.0.0.1:5001".to_owned(),
            seed: 41,
            started_at: "2025-10-05T20:05:03.123456".to_owned(),
            duration_ms: 2310.0,
            clock: "none".to_owned(),
            jobs: 8,
            deliveries: 214,
            ended_early: None,
            notes: vec!["Time was not moved: whether keys expire was not judged (--clock).".to_owned()],
        },
        target: Target {
            command: None,
            output: Vec::new(),
            url: "http://127.0.0.1:5001".to_owned(),
            built_in: false,
            database: Some("data/orch.db".to_owned()),
            effects: None,
            tables: vec![TableShape {
                table: "idempotency_keys".to_owned(),
                columns: vec![column("key", "TEXT", None, 1), column("ttl", "INTEGER", Some("86400"), 0)],
            }],
        },
        contract: "orch-phase3".to_owned(),
        made_from: MadeFrom::default(),
        project: None,
        history: None,
        baseline: None,
        required: None,
        repeat: None,
        snapshots: None,
        causes: Vec::new(),
        visit: None,
        summary: tally::summary(&scenarios, None),
        requirements: tally::requirements(&asked, &scenarios),
        scenarios,
    };
    report.causes = causes(&report);
    report
}
