//! Loads that a file feeds: what is in it is delivered, key by key, and judged as any other delivery is.
#![expect(clippy::expect_used, clippy::panic, reason = "a test ends where something is not as it should be")]

mod beside;

use std::fmt::Write as _;

use serde_json::Value;

use crate::command_line::{Running, among_others, command, hookgate};
use crate::surroundings::Folder;

const SECRET: (&str, &str) = ("ORCH_WEBHOOK_SECRET", "a secret of the tests, shared with nobody");

/// A receiver on a file.
struct Fed {
    folder: Folder,
    serving: Running,
    db: String,
}

impl Fed {
    fn start(serve: &[&str]) -> Self {
        let folder = Folder::new();
        let db = folder.path("receiver.db").display().to_string();
        let serving = Running::serve(SECRET.1, &[&["--db", &db], serve].concat());
        Self { folder, serving, db }
    }

    /// Loads it; the exit code and load.json.
    fn load(&self, args: &[&str]) -> (Option<i32>, Value) {
        let usual = ["load", "--target", &self.serving.url, "--format", "json", "--seed", "7"];
        let output = among_others(command().env(SECRET.0, SECRET.1).args(usual).args(args));
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let report = serde_json::from_str(&text).unwrap_or_else(|_| panic!("{text}{}", String::from_utf8_lossy(&output.stderr)));
        (output.status.code(), report)
    }

    /// The keys of the receiver's audit trail, in order.
    fn audited(&self) -> Vec<String> {
        let database = rusqlite::Connection::open(&self.db).expect("a database");
        let sql = "SELECT idem_key FROM audit_events WHERE event = 'terminal_callback' ORDER BY idem_key";
        let mut rows = database.prepare(sql).expect("a question");
        rows.query_map([], |row| row.get(0)).expect("rows").collect::<Result<_, _>>().expect("keys")
    }
}

fn sent(report: &Value) -> [u64; 3] {
    ["fresh", "duplicate", "conflicting-body"].map(|kind| report["kinds"][kind]["sent"].as_u64().expect("a kind"))
}

fn notes(report: &Value) -> String {
    report["notes"].as_array().expect("notes").iter().filter_map(Value::as_str).collect::<Vec<_>>().join("\n")
}

/// Requirement: bodies and keys are the feed's; a key that comes again is a duplicate, with another body a reuse; and whoever had the
/// keys before the load is not blamed for it.
#[test]
fn a_feed_is_delivered_as_it_is_written() {
    let fed = Fed::start(&[]);
    let lines = r#"{"key":"pay-1","body":{"amount": 1.50 }}
{"key":"pay-1","body":{"amount": 1.50 },"id":"evt_1"}

{"key":"pay-2","body":"{\"amount\":2}","headers":{"X-Trace":"t1"}}
{"key":"pay-1","body_base64":"eyJhbW91bnQiOjN9"}
{"body":{"amount":4}}
{"key":"pay-5","body":{"amount":5},"kind":"bad-signature"}
{"key":"pay-5","body":{"amount":5}}
{"key":"pay-6"}
"#;
    let feed = fed.folder.write("deliveries.jsonl", lines);
    let args = ["--feed", &feed, "--users", "1", "--db", &fed.db];
    let (code, report) = fed.load(&args);
    assert_eq!((code, &report["verdict"]), (Some(0), &"conforms".into()), "{report:#}");
    assert_eq!(
        (report["operations"].as_u64(), sent(&report), report["kinds"]["bad-signature"]["expected"].as_u64()),
        (Some(8), [5, 1, 1], Some(1))
    );
    let told = &report["feed"];
    assert_eq!(
        (&told["order"], &told["keys"], &told["lines"], &told["other_bodies"]),
        (&"once".into(), &"written".into(), &8.into(), &1.into())
    );
    let keys = fed.audited();
    assert_eq!((keys.len(), &keys[1..]), (5, &["pay-1", "pay-2", "pay-5", "pay-6"].map(str::to_owned)[..]), "{keys:?}");
    // A second time, the keys are there already: the database tells, and without it nobody knows.
    let (code, again) = fed.load(&args);
    assert_eq!((code, &again["verdict"]), (Some(0), &"conforms".into()), "{again:#}");
    let (code, blind) = fed.load(&["--feed", &feed, "--users", "1"]);
    assert_eq!((code, &blind["undecided"]), (Some(4), &4.into()), "{blind:#}");
    assert!(notes(&blind).contains("may have had these keys before"), "{blind:#}");
    // Keys of their own were never there.
    let (code, fresh) = fed.load(&["--feed", &feed, "--users", "1", "--feed-keys", "fresh"]);
    assert_eq!((code, sent(&fresh)), (Some(0), [5, 1, 1]), "{fresh:#}");
}

/// Requirement: the judgement stays whole. A receiver that takes concurrent duplicates twice, or answers what it never had, is found.
#[test]
fn wrong_receivers_are_found_by_a_feed() {
    let mut lines = String::from("key,body\n");
    for at in 0..400 {
        let _ = writeln!(lines, "k{},\"{{\"\"n\"\":{}}}\"", at / 8, at / 8);
    }
    for (defect, wanted) in [("checks-then-marks", "ONCE-3"), ("audit-rows-twice", "AUD-6"), ("audit-hash-in-upper-case", "AUD-3")] {
        let fed = Fed::start(&["--defect", defect]);
        let feed = fed.folder.write("deliveries.csv", &lines);
        let (code, report) = fed.load(&["--feed", &feed, "--users", "16", "--db", &fed.db]);
        let first = &report["violations"].as_array().and_then(|all| all.iter().find(|one| one["requirement"] == wanted)).expect(wanted);
        assert_eq!(code, Some(1), "{defect}");
        let key = first["key"].as_str().expect("a key");
        assert!(key.starts_with('k') && first["curl"].as_str().is_some_and(|curl| curl.contains(key)), "{first:#}");
    }
}

/// Requirement: once through, again and again, or at random.
#[test]
fn a_feed_goes_on_as_it_is_told_to() {
    let fed = Fed::start(&[]);
    let lines: String = (0..10).fold(String::new(), |text, at| format!("{text}{{\"key\":\"l{at}\",\"body\":{{\"n\":{at}}}}}\n"));
    let feed = fed.folder.write("deliveries.jsonl", &lines);
    let all = ["--feed", &feed, "--users", "4", "--db", &fed.db, "--feed-order"];
    let (code, once) = fed.load(&[&all[..6], &["--rate", "200/s"]].concat());
    assert_eq!((code, once["operations"].as_u64(), &once["dropped"]), (Some(0), Some(10), &0.into()), "{once:#}");
    let (code, looped) = fed.load(&[&all[..], &["loop", "--deliveries", "35"]].concat());
    // Each round has keys of its own: nothing is a duplicate, but of what was there before.
    assert_eq!((code, looped["operations"].as_u64(), &looped["feed"]["distinct_keys"]), (Some(0), Some(35), &35.into()), "{looped:#}");
    let (code, random) = fed.load(&[&all[..], &["random", "--deliveries", "60", "--feed-keys", "fresh"]].concat());
    assert_eq!((code, &random["feed"]["order"], random["operations"].as_u64()), (Some(0), &"random".into(), Some(60)), "{random:#}");
    let [fresh, repeated, _] = sent(&random);
    assert!(fresh <= 10 && repeated >= 50 && notes(&random).contains("seed 7"), "{random:#}");
}

/// Requirement: mistakes are named with file and line, all at once, before anything is sent; `check` finds the same.
#[test]
fn mistakes_of_a_feed_are_told_with_their_lines() {
    let folder = Folder::new();
    let feed = folder
        .write("deliveries.jsonl", "{\"key\":\"a\"}\n{\"kee\":\"b\"}\n\n{\"key\":\"\u{e9}\"}\n{\"headers\":{\"X-Signature\":\"0\"}}\n");
    let told = hookgate(&["load", "--feed", &feed]);
    assert!(told.starts_with("exit 2"), "{told}");
    for (line, what) in [(2, "unknown field `kee`"), (4, "its key `é` is none that"), (5, "belongs to the signature")] {
        assert!(told.lines().any(|one| one.contains(&format!("deliveries.jsonl:{line}: ")) && one.contains(what)), "{line}: {told}");
    }
    let checked = hookgate(&["check", &feed]);
    assert!(checked.starts_with("exit 2") && checked.contains("deliveries.jsonl:5: "), "{checked}");
    let right = folder.write("right.csv", "key,body,at\na,{},1\n");
    assert!(hookgate(&["check", &right]).starts_with("exit 0"));
    for (args, what) in [
        (vec!["--feed", &right, "--mix", "ordinary"], "--mix"),
        (vec!["--feed", "absent.jsonl"], "cannot read absent.jsonl"),
        (vec!["--think", "2s..1s"], "the shorter time comes first"),
        (vec!["--think", "1s", "--stages", "1s:5/s"], "--think is how long users wait"),
        (vec!["--replay", &right, "--speed", "0"], "is no speed"),
        (vec!["--replay", &feed], "deliveries.jsonl:1: it has no time"),
        (vec!["--feed", &right, "--worker", "1/2", "--run-word", "w", "--report", "out"], "--feed-keys fresh"),
    ] {
        let told = hookgate(&[&["load"], &args[..]].concat());
        assert!(told.starts_with("exit 2") && told.contains(what), "{args:?}: {told}");
    }
}

/// Requirement: recorded traffic is sent again at its own times, or faster; keys are other ones, and what was one key stays one key.
#[test]
fn a_recording_is_sent_again() {
    let fed = Fed::start(&[]);
    // Not in the order of their times: 40 deliveries in 800 ms, every second key twice.
    let lines: String = (0..40).rev().fold(String::new(), |text, at| {
        format!("{text}{{\"key\":\"r{}\",\"body\":{{\"n\":{}}},\"at\":{}}}\n", at / 4 * 4 + at % 2, at / 4, f64::from(at) / 50.0)
    });
    let recording = fed.folder.write("recording.jsonl", &lines);
    let (code, report) = fed.load(&["--replay", &recording, "--speed", "2", "--users", "8", "--db", &fed.db]);
    assert_eq!((code, report["operations"].as_u64(), sent(&report)), (Some(0), Some(40), [20, 20, 0]), "{report:#}");
    assert_eq!((&report["model"], &report["feed"]["speed"], &report["dropped"]), (&"open".into(), &2.0.into(), &0.into()));
    assert!((report["window"]["planned_end_s"].as_f64().expect("a number") - 0.39).abs() < 1e-9, "{report:#}");
    assert_eq!(fed.audited().iter().filter(|key| key.starts_with('r')).count(), 0);
    // What a run has kept is a recording, too.
    let out = fed.folder.path("out").display().to_string();
    let run = hookgate(&["run", "duplicate/duplicate-is-told-as-one", "--report", &out]);
    assert!(run.starts_with("exit 0"), "{run}");
    let history = format!("{out}/history.jsonl");
    let (code, again) = fed.load(&["--replay", &history, "--speed", "1000000", "--db", &fed.db]);
    assert_eq!((code, again["kinds"]["fresh"]["unexpected"].as_u64()), (Some(0), Some(0)), "{again:#}");
    assert!(again["operations"].as_u64() >= Some(2) && again["feed"]["order"] == "recorded", "{again:#}");
}

/// Requirement: several workers share a feed; a key and its duplicates belong to one of them.
#[test]
fn workers_share_a_feed_by_its_keys() {
    let fed = Fed::start(&[]);
    let lines: String = (0..60).fold(String::new(), |text, at| format!("{text}{{\"key\":\"w{}\",\"body\":{{}}}}\n", at / 3));
    let feed = fed.folder.write("deliveries.jsonl", &lines);
    let settings = fed.folder.write("hookgate.toml", "[load]\nusers = 2\n");
    let mut both = Vec::new();
    for worker in ["1/2", "2/2"] {
        let out = fed.folder.path(&worker.replace('/', "-")).display().to_string();
        let args = ["--feed", &feed, "--feed-keys", "fresh", "--worker", worker, "--run-word", "w", "--report", &out, "--db", &fed.db];
        let (code, report) = fed.load(&[&args[..], &["--config", &settings]].concat());
        assert_eq!(code, Some(0), "{report:#}");
        both.push((report, out));
    }
    let joined = fed.folder.path("joined").display().to_string();
    let told = hookgate(&["load", "merge", &both[0].1, &both[1].1, "--report", &joined, "--format", "json"]);
    assert!(told.starts_with("exit 0"), "{told}");
    let report: Value = serde_json::from_str(&std::fs::read_to_string(format!("{joined}/load.json")).expect("a report")).expect("JSON");
    assert_eq!(
        (report["operations"].as_u64(), &report["feed"]["distinct_keys"], sent(&report)[0]),
        (Some(60), &20.into(), 20),
        "{report:#}"
    );
    // The project file that was in force for all of them is that of the joined report.
    assert!(report["project"]["sha256"].is_string() && report["project"] == both[0].0["project"], "{report:#}");
    assert!(both.iter().all(|(one, _)| one["operations"].as_u64().is_some_and(|count| count.is_multiple_of(3) && count > 0)));
}
