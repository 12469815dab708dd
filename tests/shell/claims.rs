//! `hookgate claims`: what a phase report says, beside what a run has shown.
#![expect(clippy::expect_used, reason = "a test ends where something is not as it should be")]

use std::sync::LazyLock;

use serde_json::Value;

use crate::command_line::{Running, changed, hookgate, hookgate_with, stdout};
use crate::surroundings::{Folder, project};

const SECRET: (&str, &str) = ("ORCH_WEBHOOK_SECRET", "a secret of the tests of claims");

/// A run on the right reference, made once.
static RIGHT: LazyLock<(Folder, String)> = LazyLock::new(|| {
    let folder = Folder::new();
    let out = folder.path("out").display().to_string();
    let told = hookgate(&["run", "--seed", "1", "--report", &out]);
    assert!(told.starts_with("exit 0"), "{told}");
    (folder, out)
});

fn claims(report: &str, evidence: &str, more: &[&str]) -> Value {
    let text = stdout(&[&["claims", report, "--evidence", evidence, "--format", "json"], more].concat());
    serde_json::from_str(&text).unwrap_or_else(|cause| unreachable!("{cause}: {text}"))
}

/// The worth of every claim, by its line.
fn worths(claims: &Value) -> Vec<(u64, &str)> {
    let all = claims["claims"].as_array().expect("a list");
    all.iter().map(|one| (one["line"].as_u64().expect("a line"), one["worth"].as_str().expect("text"))).collect()
}

#[test]
fn every_claim_of_a_report_is_weighed() {
    let told = hookgate(&["claims", "fixtures/reports/phase3.md", "--evidence", &RIGHT.1, "--before", "reports/orch-phase2"]);
    let (begin, end) = (told.find("beside").expect("it is there"), told.find("reports/orch-phase2").unwrap_or(told.len()));
    assert!(begin < end);
    let stable: String = told.lines().filter(|line| !line.starts_with("beside")).map(|line| format!("{line}\n")).collect();
    insta::assert_snapshot!(stable);
}

/// The encoding that the original came in: recognised, named, and read all the same.
#[test]
fn report_in_a_broken_encoding_claims_the_same() {
    let whole = claims("fixtures/reports/phase3.md", &RIGHT.1, &[]);
    let broken = claims("fixtures/reports/phase3-misread.md", &RIGHT.1, &[]);
    assert_eq!(worths(&whole), worths(&broken));
    assert_eq!(worths(&whole).len(), 37);
    assert!(whole["damage"].is_null());
    let damage = broken["damage"].as_str().expect("it is told");
    assert!(damage.contains("its UTF-8 was read as Windows-1254"), "{damage}");
    assert_eq!(whole["inconsistencies"], broken["inconsistencies"]);
    let marked: Vec<usize> = std::fs::read_to_string(project("fixtures/reports/phase3.md"))
        .expect("the fixture")
        .lines()
        .enumerate()
        .filter(|(_, line)| line.contains('✅'))
        .map(|(at, _)| at + 1)
        .collect();
    let claimed: Vec<u64> = worths(&whole).into_iter().map(|(line, _)| line).collect();
    assert!(marked.iter().all(|line| claimed.contains(&(*line as u64))), "every mark is a claim: {marked:?} {claimed:?}");
}

/// One at a time duplicates are detected; together they are not: the code that the report describes.
#[test]
fn race_contradicts_what_one_answer_shows() {
    let folder = Folder::new();
    let database = folder.path("orch.db").display().to_string();
    let receiver = Running::serve(SECRET.1, &["--db", &database, "--defect", "checks-then-marks"]);
    let out = folder.path("out").display().to_string();
    let run = ["run", "--target", &receiver.url, "--db", &database, "--contract", "orch-phase3", "--clock", "rewind", "--report", &out];
    let told = hookgate_with(&[SECRET], &[&run[..], &["seed", "duplicate", "concurrency"]].concat());
    assert!(told.starts_with("exit 1"), "{told}");
    let told = hookgate(&["claims", "fixtures/reports/phase3.md", "--evidence", &out]);
    assert!(told.starts_with("exit 1"), "{told}");
    let claims = claims("fixtures/reports/phase3.md", &out, &[]);
    let contradicted: Vec<&Value> =
        claims["claims"].as_array().expect("a list").iter().filter(|one| one["worth"] == "contradicted").collect();
    let texts: Vec<&str> = contradicted.iter().filter_map(|one| one["text"].as_str()).collect();
    assert!(texts.contains(&"重複検出: 202 (期待: 202) ✅"), "{texts:?}");
    let duplicate = contradicted.iter().find(|one| one["text"] == "重複検出: 202 (期待: 202) ✅").expect("it is there");
    let parts: Vec<(&str, &str)> = duplicate["parts"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|part| (part["what"].as_str().expect("text"), part["worth"].as_str().expect("text")))
        .collect();
    assert_eq!(parts, [("the status 202", "shown"), ("one at a time", "shown"), ("under concurrency", "contradicted")]);
    // What was not run is not shown, and the report's own four answers were as it says.
    let of = |text: &str| {
        claims["claims"].as_array().and_then(|all| all.iter().find(|one| one["text"] == text)).expect("a claim")["worth"].clone()
    };
    assert_eq!((of("✅ 期限切れキーの自動削除"), of("✅ 全テスト完了")), ("not-shown".into(), "not-shown".into()));
}

/// What shows a statement does not show one that denies it, or says more.
#[test]
fn what_is_denied_or_said_beyond_a_rule_is_not_shown() {
    let folder = Folder::new();
    let said = [
        "A wrong signature is accepted",
        "Signature verification is switched off",
        "The health check was removed",
        "The first delivery is charged twice",
        "Duplicates are detected by nobody",
        "Audit trail is lost under load",
        "Expired keys are deleted never",
        "Duplicates refer to the first delivery's audit event",
        "期限切れキー削除はしない",
    ];
    let kept = ["Duplicates are detected", "Signature verification: ✅ implemented", "Expired keys are deleted"];
    let lines: String = said.iter().chain(&kept[..1]).chain(&kept[2..]).map(|one| format!("- ✅ {one}\n")).collect();
    let report = folder.write("phase.md", &format!("# Phase 3\n\n{lines}- {}\n", kept[1]));
    let claims = claims(&report, &RIGHT.1, &[]);
    let all = claims["claims"].as_array().expect("a list");
    let of = |text: &str| {
        all.iter().find(|one| one["text"].as_str().is_some_and(|told| told.trim_end().ends_with(text))).expect("a claim")["worth"].clone()
    };
    for one in said {
        assert_eq!(of(one), "not-shown", "{one}");
    }
    for one in kept {
        assert_eq!(of(one), "shown", "{one}");
    }
}

#[test]
fn report_that_is_not_right_is_found_out() {
    let claims = claims("fixtures/reports/phase4-en.md", &RIGHT.1, &[]);
    insta::assert_snapshot!(worths(&claims).iter().map(|(line, worth)| format!("{line} {worth}\n")).collect::<String>());
    let inconsistent: Vec<String> =
        claims["inconsistencies"].as_array().expect("a list").iter().map(|one| format!("{} {}", one["lines"], one["what"])).collect();
    insta::assert_snapshot!(inconsistent.join("\n"));
}

/// An answer that a report itself calls wrong is contradicted by a receiver that does it right.
#[test]
fn answer_that_is_called_wrong_claims_the_opposite() {
    let folder = Folder::new();
    let report = folder.write("phase.md", "# Phase 3\n\n- wrong signature: 200 (expected: 401) ❌\n");
    let parts = &claims(&report, &RIGHT.1, &[])["claims"][0]["parts"];
    let worths: Vec<&str> = parts.as_array().expect("a list").iter().filter_map(|part| part["worth"].as_str()).collect();
    assert_eq!(worths, ["contradicted", "contradicted"], "{parts:#}");
}

/// Declarations end where they end, whatever their form; constraints are no columns; prose declares nothing.
#[test]
fn declarations_of_every_form_are_read() {
    let folder = Folder::new();
    let report = folder.write(
        "phase.md",
        "# Phase 3\n\nCREATE TABLE was run once.\n\n```sql\nCREATE TABLE idempotency_keys (key TEXT PRIMARY KEY, ts TEXT NOT NULL, ttl INTEGER DEFAULT 86400);\n\
         CREATE TABLE audit_events (\n  actor TEXT NOT NULL,\n  UNIQUE (actor),\n  idem_key TEXT);\n```\n\n- duplicate detection: 202 (expected: 202) ✅\n",
    );
    let claims = claims(&report, &RIGHT.1, &[]);
    let texts: Vec<&str> = claims["claims"].as_array().expect("a list").iter().filter_map(|one| one["text"].as_str()).collect();
    assert_eq!(
        texts,
        [
            "idempotency_keys.key TEXT (PK)",
            "idempotency_keys.ts TEXT NOT NULL",
            "idempotency_keys.ttl INTEGER DEFAULT 86400",
            "audit_events.actor TEXT NOT NULL",
            "audit_events.idem_key TEXT",
            "duplicate detection: 202 (expected: 202) ✅"
        ]
    );
}

#[test]
fn exit_code_is_the_callers_to_choose() {
    let folder = Folder::new();
    let later = folder.path("later.md");
    let text = std::fs::read_to_string(project("fixtures/reports/phase3.md")).expect("the fixture");
    std::fs::write(&later, text.replace("202 (期待: 202) ✅", "409 (期待: 409) ✅")).expect("written");
    let report = later.display().to_string();
    for (report, rule, exit) in [
        ("fixtures/reports/phase3.md", "contradicted", "exit 0"),
        ("fixtures/reports/phase3.md", "inconsistent", "exit 1"),
        ("fixtures/reports/phase3.md", "contradicted,not-shown", "exit 1"),
        (report.as_str(), "contradicted", "exit 1"),
        (report.as_str(), "never", "exit 0"),
    ] {
        let told = hookgate(&["claims", report, "--evidence", &RIGHT.1, "--fail-on", rule]);
        assert!(told.starts_with(exit), "{report} {rule}: {told}");
    }
    let told = hookgate(&["claims", &report, "--evidence", &RIGHT.1]);
    assert!(told.contains("answered 202, where the report says 409"), "{told}");
}

#[test]
fn what_cannot_be_examined_is_told() {
    let folder = Folder::new();
    let prose = folder.write("prose.md", "# Notes\n\nNothing is claimed here.\n");
    let empty = folder.write("empty.md", "# Phase 9\n\nWords.\n");
    let rules = folder.write("rules.yaml", "form: ours\ntitle: ours\nrecognized_by: [Notes]\n");
    let out = folder.path("evidence").display().to_string();
    std::fs::create_dir(&out).expect("a folder");
    for name in ["report.json", "history.jsonl"] {
        std::fs::copy(format!("{}/{name}", RIGHT.1), format!("{out}/{name}")).expect("copied");
    }
    changed(&out, "history.jsonl", |text| text.replacen('{', "[", 1));
    let binary = folder.path("binary.md");
    std::fs::write(&binary, b"# Phase \x83e\x83X\x83g").expect("written");
    let right = RIGHT.1.as_str();
    for (args, told) in [
        (vec![prose.as_str(), "--evidence", right], "has none of the known forms (phase-report): add one with --rules"),
        (vec![&empty, "--evidence", right], "claims nothing that the form phase-report knows"),
        (vec![&prose, "--evidence", right, "--rules", &rules], "recognized_by"),
        (vec!["absent.md", "--evidence", right], "cannot read the report absent.md"),
        (vec![&binary.to_str().expect("text"), "--evidence", right], "binary.md"),
        (vec!["fixtures/reports/phase3.md", "--evidence", "absent"], "cannot read the report absent"),
        (vec!["fixtures/reports/phase3.md", "--evidence", out.as_str()], "history.jsonl line 1 is no operation of a history"),
    ] {
        let output = hookgate(&[&["claims"], &args[..]].concat());
        assert!(output.starts_with("exit 2") && output.contains(told), "{args:?}: {output}");
    }
}

/// Another team's form is a file.
#[test]
fn rules_of_another_form_are_a_file() {
    let folder = Folder::new();
    let rules = folder.write(
        "rules.yaml",
        "form: checklist\ntitle: Checklists\nrecognised_by: [Release]\nmarks: {kept: [\"[x]\"], broken: [\"[ ]\"]}\n\
         lines: [{line: \"- {mark} {what}\", is: statement}]\n\
         topics: [{says: [idempotent], shown_by: [{what: it is, requirements: [DUP-1, ONCE-1]}]}]\n",
    );
    let report = folder.write("release.md", "# Release 7\n\n- [x] Callbacks are idempotent\n- [ ] Coffee\n");
    let claims = claims(&report, &RIGHT.1, &["--rules", &rules]);
    assert_eq!((&claims["form"], worths(&claims)), (&"checklist".into(), vec![(3, "shown"), (4, "not-shown")]));
}

/// What looks like a claim and fits no rule is told, in every form, and may fail the command.
#[test]
fn what_is_not_read_is_told() {
    let folder = Folder::new();
    let text = "# Phase 3\n\n* [X] signatures are verified\n- first delivery : 202, as it should be ✅\n\n\
                ```sql\ncreate table idempotency_keys (\"key\" text primary key, ts text not null,\n  ttl integer default 86400);\n```\n";
    let report = folder.write("phase.md", text);
    let claims = claims(&report, &RIGHT.1, &[]);
    assert_eq!(worths(&claims), [(3, "shown"), (7, "shown"), (7, "shown"), (8, "shown")]);
    assert_eq!(claims["unread"], serde_json::json!([{"line": 4, "text": "- first delivery : 202, as it should be ✅"}]));
    for format in ["human", "markdown"] {
        let told = hookgate(&["claims", &report, "--evidence", &RIGHT.1, "--format", format]);
        assert!(told.starts_with("exit 0") && told.contains("1 line looks like a claim and was not read"), "{told}");
    }
    assert!(hookgate(&["claims", &report, "--evidence", &RIGHT.1, "--fail-on", "not-read"]).starts_with("exit 1"));
}
