//! `hookgate load` as a command: what it measures, what it finds, what it refuses, what it leaves.
#![expect(clippy::expect_used, clippy::panic, reason = "a test ends where something is not as it should be")]

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Stdio};

use regex_lite::Regex;
use serde_json::Value;

use crate::command_line::{Running, among_others, command, hookgate, hookgate_with, nobody, until};
use crate::latin::{latin, seen};
use crate::surroundings::{Folder, project, tool};

const SECRET: (&str, &str) = ("ORCH_WEBHOOK_SECRET", "a secret of the tests, shared with nobody");
/// Every kind, that every promise is looked at.
const ALL_KINDS: &str = "fresh=60,duplicate=20,burst=10,bad-signature=4,missing-key=2,conflicting-body=4";

/// Loads the reference, right or wrong, on a file; gives the exit code and load.json.
fn load(serve: &[&str], args: &[&str]) -> (Option<i32>, Value) {
    let folder = Folder::new();
    let db = folder.path("receiver.db").display().to_string();
    let serving = Running::serve(SECRET.1, &[&["--db", &db], serve].concat());
    let usual = ["load", "--target", &serving.url, "--db", &db, "--format", "json", "--seed", "7"];
    let output = among_others(command().env(SECRET.0, SECRET.1).args(usual).args(args));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let report = serde_json::from_str(&text).unwrap_or_else(|_| panic!("{text}{}", String::from_utf8_lossy(&output.stderr)));
    (output.status.code(), report)
}

fn violated(report: &Value) -> Vec<&str> {
    let all = report["requirements"].as_array().expect("a list").iter();
    all.filter(|one| one["violations"].as_u64() > Some(0)).filter_map(|one| one["id"].as_str()).collect()
}

#[test]
fn right_receiver_keeps_its_promises_under_every_kind() {
    let (code, report) = load(&[], &["--deliveries", "3000", "--users", "16", "--mix", ALL_KINDS]);
    assert_eq!((code, &report["verdict"]), (Some(0), &Value::from("conforms")), "{report:#}");
    assert_eq!(report["deliveries"], 3_000);
    let judged: Vec<(&str, &str)> = report["requirements"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|one| (one["id"].as_str().expect("text"), one["verdict"].as_str().expect("text")))
        .collect();
    let wanted = ["ONCE-3", "AUD-6", "DB-2", "KEY-7", "AUD-2", "AUD-3", "AUD-7", "AUD-5", "AUD-8", "KEY-1", "AUTH-2", "HTTP-8"];
    let wanted = wanted.map(|id| (id, "pass"));
    assert_eq!(judged, wanted);
    let kinds = report["kinds"].as_object().expect("a map");
    assert_eq!(kinds.len(), 6);
    for (name, kind) in kinds {
        assert!(
            kind["sent"].as_u64() > Some(0) && kind["unexpected"] == 0 && kind["latency_us"]["p999"].as_u64() > Some(0),
            "{name}: {kind}"
        );
    }
}

/// A load finds what goes wrong when deliveries meet, and what goes wrong in the audit trail.
#[test]
fn defects_are_found_under_load() {
    let found_by = |defect: &str| {
        let (code, report) = load(&["--defect", defect], &["--deliveries", "600", "--users", "16", "--mix", ALL_KINDS]);
        assert_eq!(code, Some(1), "{defect}: {report:#}");
        let statuses = report["kinds"].as_object().expect("a map").values().any(|kind| kind["statuses"].is_object());
        format!("{defect}: {}{}\n", violated(&report).join(" "), if statuses { " and answers" } else { "" })
    };
    let ordinary = load(&["--defect", "audit-hash-of-reserialised-json"], &["--deliveries", "600", "--mix", "ordinary"]);
    assert_eq!((ordinary.0, violated(&ordinary.1)), (Some(1), vec!["AUD-3"]));
    // What only should be so is told, and breaks nothing.
    let (code, page) = load(&["--defect", "audit-page-lacks-newest"], &["--deliveries", "600", "--mix", ALL_KINDS]);
    let told = page["requirements"].as_array().and_then(|all| all.iter().find(|one| one["id"] == "AUD-8"));
    assert_eq!((code, told.map(|one| (&one["verdict"], &one["violations"]))), (Some(0), Some((&"warn".into(), &1.into()))), "{page:#}");
    // Which kinds met whom differs from run to run; what is found does not.
    for (defect, wanted) in [
        ("checks-then-marks", "ONCE-3"),
        ("every-racer-audits", "AUD-6"),
        ("racer-refers-to-itself", "ONCE-3"),
        ("loser-gets-500", "answers"),
        ("loser-gets-409", "answers"),
        ("no-audit-row", "AUD-6"),
        ("audit-row-late", "AUD-6"),
        ("audit-rows-twice", "AUD-6"),
        ("whole-second-instants", "AUD-6"),
        ("audit-with-approval", "AUD-2"),
        ("audit-names-other-actor", "AUD-2"),
        ("audit-names-other-role", "AUD-2"),
        ("audit-without-task", "AUD-2"),
        ("audit-hash-in-upper-case", "AUD-3"),
        ("audit-hash-of-nothing", "AUD-3"),
        ("clock-goes-back", "AUD-7"),
        ("rows-for-refusals", "AUD-5"),
        ("refused-signature-uses-key-up", "KEY-7"),
        ("refusal-is-repeated", "KEY-7"),
    ] {
        let told = found_by(defect);
        assert!(told.contains(wanted), "{wanted} is not in: {told}");
    }
}

#[test]
fn violation_is_told_in_full() {
    let (_, report) = load(&["--defect", "checks-then-marks"], &["--deliveries", "400", "--users", "16", "--mix", "fresh=1,burst=1"]);
    let first = &report["violations"][0];
    let key = first["key"].as_str().expect("a key");
    assert!(key.starts_with("hg") && first["why"].as_str().is_some_and(|why| why.contains("accepted")), "{first:#}");
    assert!(first["operations"].as_array().is_some_and(|all| all.len() >= 2), "{first:#}");
    assert!(first["rows"].as_str().is_some_and(|rows| rows.contains("key rows")), "{first:#}");
    let curl = first["curl"].as_str().expect("a line");
    assert!(curl.starts_with("curl ") && curl.contains(key) && !curl.contains(SECRET.1), "{curl}");
}

#[test]
fn open_model_keeps_its_rate_and_stages_their_area() {
    let (code, even) = load(&[], &["--rate", "400/s", "--run-time", "1 s"]);
    assert_eq!(
        (code, &even["model"], &even["arrivals"], even["deliveries"].as_u64()),
        (Some(0), &"open".into(), &"constant".into(), Some(400))
    );
    // From 0 to 400 a second in one second: 200 deliveries.
    let (code, stages) = load(&[], &["--stages", "1s:400/s", "--no-verify"]);
    assert_eq!((code, stages["deliveries"].as_u64(), &stages["judged"]), (Some(0), Some(200), &false.into()), "{stages:#}");
    let (code, random) = load(&[], &["--rate", "400/s", "--run-time", "1 s", "--arrivals", "poisson"]);
    let count = random["deliveries"].as_f64().expect("a number");
    // The count of a Poisson process with mean 400 lies within five deviations (20 each) of it.
    assert!(code == Some(0) && (count - 400.0).abs() < 100.0, "{count}");
    let (code, users) = load(&[], &["--stages", "500ms:4,500ms:0"]);
    assert_eq!((code, &users["users"], &users["model"]), (Some(0), &4.into(), &"closed".into()));
}

#[test]
fn gates_decide_the_exit_code() {
    let folder = Folder::new();
    let out = folder.path("out").display().to_string();
    let args = ["--deliveries", "200", "--report", &out, "--gates", "orch", "--gate", "fresh.p50<1s", "--gate", "rate>=100000000/s"];
    let (code, report) = load(&[], &args);
    assert_eq!(code, Some(1));
    let gates: Vec<(&str, bool)> =
        report["gates"].as_array().expect("a list").iter().map(|gate| (gate["gate"].as_str().expect("text"), gate["ok"] == true)).collect();
    assert_eq!(gates.len(), 6);
    assert_eq!(gates[5], ("rate>=100000000/s", false));
    assert!(gates[2..5].iter().all(|(_, ok)| *ok), "{gates:?}");
    let junit = std::fs::read_to_string(folder.path("out/junit.xml")).expect("junit.xml");
    assert!(junit.contains("<testcase name=\"gate rate&gt;=100000000/s\"") && junit.contains("<failure"), "{junit}");
    // Without a judgement nothing is known of violations.
    let (code, _) = load(&[], &["--deliveries", "50", "--no-verify", "--gate", "violations==0"]);
    assert_eq!(code, Some(1));
}

/// Every file of a report folder is there, and says the same.
#[test]
fn report_folder_is_whole() {
    let folder = Folder::new();
    let out = folder.path("out").display().to_string();
    let (code, report) =
        load(&["--defect", "checks-then-marks"], &["--deliveries", "400", "--users", "16", "--mix", "fresh=1,burst=1", "--report", &out]);
    assert_eq!(code, Some(1));
    let read = |name: &str| std::fs::read_to_string(folder.path("out").join(name)).unwrap_or_else(|cause| panic!("{name}: {cause}"));
    let written: Value = serde_json::from_str(&read("load.json")).expect("JSON");
    assert_eq!(written, report);
    let schema: Value = serde_json::from_str(&std::fs::read_to_string(project("schema/load.json")).expect("the schema")).expect("JSON");
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    let wrong: Vec<String> = validator.iter_errors(&written).map(|wrong| wrong.to_string()).collect();
    assert!(wrong.is_empty(), "{wrong:?}");
    let counted: u64 = read("series.csv").lines().skip(1).filter_map(|line| line.split(',').nth(1)?.parse::<u64>().ok()).sum();
    assert_eq!(counted, 400);
    let page = read("load.html");
    assert!(page.contains("does not conform") && page.contains("<svg") && page.contains("violation-1"), "{page}");
    assert!(!page.contains("http://www") && !page.contains("https://") && !page.contains(SECRET.1), "a page names no other address");
    assert!(read("load.md").contains("| ONCE-3 | fail |"));
    assert_eq!(latencies_in(&read("latency.hlog")), (400, 400));
}

#[test]
fn histogram_log_has_a_line_a_second() {
    let folder = Folder::new();
    let out = folder.path("out").display().to_string();
    let (code, report) = load(&[], &["--rate", "100/s", "--run-time", "2500ms", "--users", "4", "--report", &out]);
    assert_eq!(code, Some(0), "{report:#}");
    let log = std::fs::read_to_string(folder.path("out/latency.hlog")).expect("the log");
    let deliveries = report["deliveries"].as_u64().expect("a count");
    assert!(deliveries > 200 && report["series"].as_array().map(Vec::len) > Some(1), "{report:#}");
    assert_eq!(latencies_in(&log), (deliveries, deliveries));
}

/// Every user has a connection: where the system allows too few, it is said before anything is sent; where it allows them, it is asked.
#[test]
fn limit_of_open_files_is_raised_or_told() {
    let Some(shell) = tool("sh") else { return };
    let with_limits = |soft: u32, hard: u32| {
        let limited = format!("ulimit -Sn {soft} && ulimit -Hn {hard} && exec \"$0\" load --users 64 --deliveries 64 --quiet");
        let output = command().get_program().to_owned();
        let output = Command::new(&shell).args(["-c", &limited]).arg(output).env("LANG", "C").output().expect("it starts");
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    assert_eq!(with_limits(100, 512), (Some(0), String::new()));
    let (code, told) = with_limits(100, 128);
    assert!(code == Some(2) && told.contains("64 users need 192 open files, and this process may have 128"), "{told}");
}

/// How many values the lines without a tag, and those with one, hold: read by the format's own reader.
fn latencies_in(log: &str) -> (u64, u64) {
    use hdrhistogram::serialization::Deserializer;
    use hdrhistogram::serialization::interval_log::{IntervalLogIterator, LogEntry};
    let (mut whole, mut tagged, mut seconds) = (0, 0, 0);
    for entry in IntervalLogIterator::new(log.as_bytes()) {
        if let LogEntry::Interval(interval) = entry.expect("a line of the log") {
            let bytes = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, interval.encoded_histogram()).expect("base64");
            let histogram: hdrhistogram::Histogram<u64> = Deserializer::new().deserialize(&mut bytes.as_slice()).expect("a histogram");
            if interval.tag().is_some() {
                tagged += histogram.len();
            } else {
                // A line a second, one behind the other.
                assert_eq!((interval.start_timestamp().as_secs(), interval.duration().as_secs()), (seconds, 1), "{log}");
                seconds += 1;
                whole += histogram.len();
            }
        }
    }
    (whole, tagged)
}

#[test]
fn built_in_reference_can_be_loaded() {
    let told = hookgate(&["load", "--deliveries", "500", "--mix", "impatient", "--quiet", "--seed", "3"]);
    assert!(told.starts_with("exit 0\n--- stdout\nconforms  500 deliveries in "), "{told}");
    assert!(told.ends_with("0 violations in 500 keys\n--- stderr\n") || told.contains(" keys\n--- stderr\n"), "{told}");
}

/// goose's own lines do not reach standard output.
#[test]
fn standard_output_is_the_report_and_nothing_else() {
    let output = among_others(command().args(["load", "--deliveries", "100", "--format", "json"]));
    assert!(serde_json::from_slice::<Value>(&output.stdout).is_ok(), "{}", String::from_utf8_lossy(&output.stdout));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

#[test]
fn mistakes_are_told_before_anything_is_sent() {
    let target = "http://127.0.0.1:9";
    for (args, wanted) in [
        (vec!["--target", "http://192.0.2.1:80"], "give --i-own-this-target when it is yours"),
        (vec!["--target", target, "--gate", "p95<100"], "the bound has no unit"),
        (vec!["--target", target, "--gates", "orhc"], "cannot read the gates orhc"),
        (vec!["--target", target, "--mix", "impatiant"], "did you mean `impatient`?"),
        (vec!["--target", target, "--mix", "fresh"], "`fresh=80,duplicate=20`"),
        (vec!["--target", target, "--mix", "fresh=1,dupe=1"], "there is no kind `dupe`"),
        (vec!["--target", target, "--mix", "absent.yaml"], "cannot read the mix absent.yaml"),
        (vec!["--target", target, "--stages", "30s"], "there is no `:`"),
        (vec!["--target", target, "--stages", "30s:10/s,30s:20"], "write all of them alike"),
        (vec!["--target", target, "--stages", "30s:10", "--rate", "5/s"], "cannot be used with"),
        (vec!["--target", target, "--rate", "200"], "write `200/s`"),
        (vec!["--target", target, "--arrivals", "poisson"], "needs --rate"),
        (vec!["--target", target, "--stages", "2s:10", "--warm-up", "2 s"], "is as long as the load"),
        (vec!["--target", target, "--abort-on", "violations>0"], "violations are found after the load"),
        (vec!["--db", "x.db"], "--target <URL>"),
        (vec!["--target", target], "ORCH_WEBHOOK_SECRET is not set"),
    ] {
        let told = hookgate(&[vec!["load"], args.clone()].concat());
        assert!(told.starts_with("exit 2") && told.contains(wanted), "{args:?}: {told}");
    }
    let told = hookgate_with(&[SECRET], &["load", "--target", &nobody()]);
    assert!(told.starts_with("exit 3") && told.contains("does not answer its health check"), "{told}");
    let serving = Running::serve(SECRET.1, &[]);
    let told = hookgate_with(&[SECRET], &["load", "--target", &serving.url, "--db", "absent.db"]);
    assert!(told.starts_with("exit 3") && told.contains("absent.db"), "{told}");
}

/// Nothing was loaded, and the folder says why; it can be looked at and printed like any other.
#[test]
fn load_that_cannot_begin_leaves_its_report() {
    let folder = Folder::new();
    let out = folder.path("out").display().to_string();
    let told = hookgate_with(&[SECRET], &["load", "--target", &nobody(), "--gate", "p99<1s", "--report", &out]);
    assert!(told.starts_with("exit 3"), "{told}");
    let text = std::fs::read_to_string(folder.path("out/load.json")).expect("the report");
    let report: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!((&report["verdict"], &report["deliveries"]), (&"incomplete".into(), &0.into()), "{report:#}");
    assert!(report["notes"][0].as_str().is_some_and(|note| note.contains("does not answer its health check")), "{report:#}");
    let told = hookgate(&["report", "verify", &out]);
    assert!(told.starts_with("exit 0"), "{told}");
    assert!(hookgate(&["report", &out]).contains("incomplete  0 deliveries"));
}

#[test]
fn condition_ends_a_load_early() {
    let (code, report) = load(
        &["--defect", "loser-gets-500"],
        &["--run-time", "60 s", "--mix", "fresh=1,burst=1", "--users", "8", "--abort-on", "errors>1%"],
    );
    assert_eq!(code, Some(1));
    assert!(report["notes"].to_string().contains("Ended early: errors>1% was true after"), "{report:#}");
}

#[test]
fn ctrl_c_ends_a_load_gently_and_leaves_a_report() {
    let folder = Folder::new();
    let out = folder.path("out");
    let mut child = command()
        .args(["load", "--run-time", "60 s", "--users", "4", "--report", &out.display().to_string()])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    // Its first line on standard error says that deliveries are under way.
    let mut line = String::new();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(child.stderr.as_mut().expect("a pipe")), &mut line).expect("a line");
    let asked = Command::new("/bin/sh").args(["-c", &format!("kill -INT {}", child.id())]).status().expect("a shell");
    assert!(asked.success());
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(130), "{}", String::from_utf8_lossy(&output.stdout));
    let report: Value = serde_json::from_str(&std::fs::read_to_string(out.join("load.json")).expect("load.json")).expect("JSON");
    assert_eq!(report["verdict"], "interrupted");
    assert!(report["deliveries"].as_u64() > Some(0) && violated(&report).is_empty());
}

/// A target that dies is reported, and asked no longer than it makes sense.
#[test]
fn dead_target_is_reported() {
    let folder = Folder::new();
    let db = folder.path("receiver.db").display().to_string();
    let mut serving = Running::serve(SECRET.1, &["--db", &db]);
    let mut child = command()
        .env(SECRET.0, SECRET.1)
        .args([
            "load",
            "--target",
            &serving.url,
            "--db",
            &db,
            "--run-time",
            "60 s",
            "--users",
            "4",
            "--format",
            "json",
            "--timeout",
            "200ms",
        ])
        .args(["--abort-on", "errors>0.1%"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    // Its database tells when it has taken a delivery.
    let taken = || {
        rusqlite::Connection::open(folder.path("receiver.db"))
            .and_then(|db| db.query_row("SELECT count(*) FROM idempotency_keys", [], |row| row.get::<_, i64>(0)))
    };
    until("a delivery is taken", || {
        assert!(child.try_wait().expect("it can be asked").is_none(), "the load ended before its time");
        taken().is_ok_and(|count| count > 0)
    });
    let asked = Command::new("/bin/sh").args(["-c", &format!("kill -KILL {}", serving.id())]).status().expect("a shell");
    assert!(asked.success());
    serving.ended();
    let output = child.wait_with_output().expect("it ends");
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(output.status.code(), Some(1), "{report:#}");
    assert!(report["errors"]["connection refused"].as_u64() > Some(0), "{report:#}");
}

/// Under the contract of phase 2 a key's audit rows cannot be found: nothing is held against the receiver.
#[test]
fn what_cannot_be_judged_is_not() {
    let (code, report) = load(
        &["--contract", "orch-phase2"],
        &["--contract", "orch-phase2", "--deliveries", "200", "--mix", "fresh=60,duplicate=30,bad-signature=10"],
    );
    assert_eq!(code, Some(0), "{report:#}");
    assert!(report["notes"].to_string().contains("rows cannot be found by their key"), "{report:#}");
}

/// Shipped mixes are read, and each of their kinds is sent.
#[test]
fn shipped_mixes_and_files_are_played() {
    for mix in ["ordinary", "impatient", "sizes", "scenarios/load/sizes.yaml"] {
        let (code, report) = load(&[], &["--mix", mix, "--deliveries", "300", "--users", "8"]);
        assert_eq!(code, Some(0), "{mix}: {report:#}");
    }
}

#[test]
fn load_is_told_in_japanese() {
    let folder = Folder::new();
    let out = folder.path("out");
    let out = out.to_str().expect("a path");
    let gates = ["--gate", "errors<50%", "--mix", "fresh=3,duplicate=1"];
    let args = ["load", "--deliveries", "300", "--users", "4", "--seed", "3", "--lang", "ja", "--report", out];
    let told = hookgate(&[&args[..], &gates[..]].concat());
    let kinds = Regex::new("fresh|duplicate|errors").expect("a pattern");
    let stdout = told.split("--- stdout").nth(1).and_then(|rest| rest.split("--- stderr").next()).unwrap_or_default();
    assert!(stdout.contains("適合") && stdout.contains("個のキーで違反"), "{told}");
    let read = |name: &str| std::fs::read_to_string(Path::new(out).join(name)).expect("a file of the folder");
    for text in [stdout.to_owned(), read("load.md"), seen(&read("load.html"))] {
        assert_eq!(latin(&kinds.replace_all(&text, " ")), BTreeSet::new(), "{text}");
    }
    // The page of an old report, in whatever language it is wanted.
    let again = hookgate(&["report", out, "--format", "markdown", "--lang", "en"]);
    assert!(again.contains("# Load of") && again.contains("| requirement | verdict |"), "{again}");
}

/// What the audit trail cannot be asked is not said to be as it should, and what the keys tell is judged all the same.
#[test]
fn what_one_table_tells_is_judged_alone() {
    let (code, report) = load(
        &["--contract", "orch-phase2"],
        &["--contract", "orch-phase2", "--deliveries", "200", "--mix", "fresh=60,duplicate=30,bad-signature=10"],
    );
    assert_eq!(code, Some(0), "{report:#}");
    let verdict = |id: &str| {
        let all = report["requirements"].as_array().into_iter().flatten();
        all.filter(|one| one["id"] == id).filter_map(|one| one["verdict"].as_str()).next().unwrap_or("absent").to_owned()
    };
    let told = ["AUD-6", "AUD-2", "AUD-3", "AUD-7", "AUD-5", "KEY-7", "ONCE-3"].map(verdict);
    assert_eq!(told, ["not-applicable", "absent", "absent", "absent", "absent", "pass", "pass"], "{report:#}");
}
