//! Report folders as evidence: an untouched one is accepted, an edited one is found out.

#![expect(clippy::expect_used, reason = "a folder that cannot be written or read fails the test")]

use std::path::Path;

use proptest::prelude::*;

use crate::command_line::{Running, changed, hookgate, hookgate_with, stdout};
use crate::surroundings::Folder;

const SECRET: (&str, &str) = ("ORCH_WEBHOOK_SECRET", "a secret of the tests of evidence");
const KEY: (&str, &str) = ("REPORT_KEY", "a key of the tests, shared with nobody");

/// A report of a few scenarios, sealed.
fn sealed() -> (Folder, String) {
    let folder = Folder::new();
    let out = folder.path("out").display().to_string();
    let told = hookgate_with(&[KEY], &["run", "duplicate", "key", "--report", &out, "--seal-env", KEY.0]);
    assert!(told.starts_with("exit 0"), "{told}");
    (folder, out)
}

fn verify(out: &str) -> String {
    hookgate_with(&[KEY], &["report", "verify", out, "--seal-env", KEY.0])
}

#[test]
fn untouched_folder_is_accepted() {
    let (_folder, out) = sealed();
    let told = verify(&out);
    assert!(told.starts_with("exit 0") && told.contains("deliveries judged again; ") && told.contains("; sealed"), "{told}");
    assert!(told.contains("the verdicts that rest on answers alone follow") && told.contains("taken as they are told"), "{told}");
    let unasked = hookgate(&["report", "verify", &out]);
    assert!(unasked.starts_with("exit 0") && unasked.contains("its seal was not looked at"), "{unasked}");
    // One seal has one text.
    let seal = changed(&out, "manifest.json", |text| {
        let (head, seal) = text.split_once("\"seal\": ").expect("a seal");
        format!("{head}\"seal\": {}", seal.to_uppercase())
    });
    assert!(verify(&out).contains("the seal is not that of the key"), "{}", verify(&out));
    std::fs::write(Path::new(&out).join("manifest.json"), seal).expect("written");
    let other = hookgate_with(&[("OTHER", "another key, of somebody else")], &["report", "verify", &out, "--seal-env", "OTHER"]);
    assert!(other.starts_with("exit 1") && other.contains("the seal is not that of the key in OTHER"), "{other}");
}

/// Any single byte of any file of the folder, the manifest included.
#[test]
fn changed_byte_is_found_out() {
    let (_folder, out) = sealed();
    const NAMES: [&str; 7] = ["report.json", "history.jsonl", "snapshots.json", "report.html", "report.md", "junit.xml", "manifest.json"];
    let config = ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() };
    proptest!(config, |(name in proptest::sample::select(&NAMES), at in any::<prop::sample::Index>(), bit in 0_u8..7)| {
        let path = Path::new(&out).join(name);
        let whole = std::fs::read(&path).expect("a file of the report");
        let mut changed = whole.clone();
        let at = at.index(changed.len());
        changed[at] ^= 1 << bit;
        // White space of the manifest is the one thing that means nothing.
        let means_nothing = name == "manifest.json" && whole[at].is_ascii_whitespace() && changed[at].is_ascii_whitespace();
        std::fs::write(&path, &changed).expect("written");
        let told = verify(&out);
        std::fs::write(&path, &whole).expect("written");
        prop_assert!(means_nothing || told.starts_with("exit 1"), "{} byte {}: {}", name, at, told);
    });
    assert!(verify(&out).starts_with("exit 0"));
}

/// Who writes the digests anew as well is found out by what the report itself says, or by the seal.
#[test]
fn verdict_that_does_not_follow_is_found_out_without_digests() {
    let (_folder, out) = sealed();
    let path = Path::new(&out).join("report.json");
    let whole = std::fs::read_to_string(&path).expect("the report");
    let mut report: serde_json::Value = serde_json::from_str(&whole).expect("JSON");
    report["scenarios"][0]["verdict"] = "fail".into();
    let changed = serde_json::to_string_pretty(&report).expect("JSON") + "\n";
    std::fs::write(&path, &changed).expect("written");
    let manifest = Path::new(&out).join("manifest.json");
    let text = std::fs::read_to_string(&manifest).expect("the manifest");
    std::fs::write(&manifest, text.replace(&digest(&whole), &digest(&changed))).expect("written");
    let unsealed = hookgate(&["report", "verify", &out]);
    assert!(unsealed.starts_with("exit 1") && unsealed.contains("is said to be `fail`, and its findings come to `pass`"), "{unsealed}");
    assert!(!unsealed.contains("SHA-256 differs"), "{unsealed}");
    assert!(verify(&out).contains("the seal is not that of the key"));
}

/// Changes a file of a folder and its digest in the manifest, looks, and puts both back.
pub(crate) fn with_digests_mended(out: &str, name: &str, change: impl Fn(&str) -> String) -> String {
    let whole = changed(out, name, change);
    let now = std::fs::read_to_string(Path::new(out).join(name)).expect("a file of the report");
    assert_ne!(whole, now, "nothing was changed in {name}");
    let manifest = changed(out, "manifest.json", |text| text.replace(&digest(&whole), &digest(&now)));
    let told = hookgate(&["report", "verify", out]);
    for (name, text) in [(name, whole), ("manifest.json", manifest)] {
        std::fs::write(Path::new(out).join(name), text).expect("written");
    }
    assert!(told.starts_with("exit 1") && !told.contains("SHA-256 differs"), "{told}");
    told
}

/// Who writes the digests anew as well is found out when the answers are judged again.
#[test]
fn altered_answers_and_snapshots_are_found_out_without_digests() {
    let folder = Folder::new();
    let out = folder.path("out").display().to_string();
    let told =
        hookgate(&["run", "seed", "duplicate/duplicate-is-told-as-one", "--snapshots", "snapshots", "--update", "no", "--report", &out]);
    assert!(told.starts_with("exit 0"), "{told}");
    let of = |scenario: &str, line: &str| line.contains(&format!("\"scenario\":\"{scenario}\""));
    let duplicate = "seed/duplicate-is-answered-202";
    let again = |line: &str| of(duplicate, line) && line.contains("\"outcome\":\"duplicate\"");
    let lines = |change: &dyn Fn(&str) -> String| with_digests_mended(&out, "history.jsonl", |text| text.lines().map(change).collect());
    let keep = |line: &str| format!("{line}\n");
    let told = lines(&|line| if again(line) { keep(&line.replace("\"status\":202", "\"status\":409")) } else { keep(line) });
    assert!(told.contains("the statuses of seed/duplicate-is-answered-202 are not those of the history"), "{told}");
    assert!(told.contains("in its step 2 the history has"), "{told}");
    let told =
        lines(&|line| if again(line) { keep(&line.replace("\"outcome\":\"duplicate\"", "\"outcome\":\"accepted\"")) } else { keep(line) });
    assert!(told.contains("seed/duplicate-is-answered-202 step 2: an answer is said to be `accepted`, and reads `duplicate`"), "{told}");
    let told = lines(&|line| if again(line) { String::new() } else { keep(line) });
    assert!(told.contains("seed/duplicate-is-answered-202 is said to be `pass`, and the history lacks a delivery of its step 2"), "{told}");
    let told =
        lines(&|line| if again(line) { keep(&line.replacen("\\\"accepted\\\":true", "\\\"accepted\\\":null", 1)) } else { keep(line) });
    assert!(told.contains("a body is not the one that its hash is of"), "{told}");
    // With its hash made anew too, the answer is another one than was due.
    let told = lines(&|line| {
        let mut value: serde_json::Value = serde_json::from_str(line).expect("JSON");
        if again(line) {
            let text =
                value["answer"]["body"]["text"].as_str().expect("a body").replace("\"type\":\"duplicate\"", "\"type\":\"dunnowhat\"");
            value["answer"]["body"]["sha256"] = digest(&text).into();
            value["answer"]["body"]["text"] = text.into();
        }
        keep(&value.to_string())
    });
    assert!(told.contains("seed/duplicate-is-answered-202 is said to be `pass`, and in its step 2 the history has"), "{told}");
    let told =
        with_digests_mended(&out, "snapshots.json", |text| text.replacen("\"taken\": \"202", "\"reviewed\": \"409\", \"taken\": \"202", 1));
    assert!(told.contains("the snapshots come to"), "{told}");
    let told = with_digests_mended(&out, "report.json", |text| text.replacen("\"scenarios_sha256\": \"", "\"scenarios_sha256\": \"0", 1));
    assert!(told.contains("digests of different contracts or scenarios"), "{told}");
    assert!(hookgate(&["report", "verify", &out]).starts_with("exit 0"));
}

/// A report whose verdicts were made better, with the digests mended, is found out by what it says elsewhere.
#[test]
fn verdicts_that_were_made_better_are_found_out_without_digests() {
    use serde_json::{Value, json};
    let folder = Folder::new();
    let out = folder.path("out").display().to_string();
    let receiver = Running::serve(SECRET.1, &["--defect", "every-hundredth-gives-503"]);
    let run = ["run", "http/one-connection-serves-a-hundred-deliveries", "seed", "--target", &receiver.url, "--report", &out];
    let told = hookgate_with(&[SECRET], &run);
    assert!(told.starts_with("exit 1"), "{told}");
    let untouched = hookgate(&["report", "verify", &out]);
    assert!(untouched.starts_with("exit 0"), "{untouched}");
    let text = std::fs::read_to_string(folder.path("out/report.json")).expect("the report");
    let report: Value = serde_json::from_str(&text).expect("JSON");
    let scenarios = report["scenarios"].as_array().expect("a list");
    let failing = scenarios.iter().position(|one| one["verdict"] == "fail").expect("one that fails");
    let requirements = report["requirements"].as_array().expect("a list");
    let broken = requirements.iter().position(|one| one["verdict"] == "fail").expect("one that is broken");
    let good = |report: &mut Value, verdict: &str| {
        report["scenarios"][failing]["verdict"] = verdict.into();
        report["scenarios"][failing]["findings"] = json!([]);
        report["requirements"][broken]["verdict"] = "pass".into();
        report["summary"]["fail"] = 0.into();
        report["summary"]["verdict"] = "conforms".into();
    };
    type Edit<'e> = &'e dyn Fn(&mut Value);
    let edits: [(Edit<'_>, &str); 11] = [
        (&|report| good(report, "pass"), "the history has 503"),
        (&|report| good(report, "not-applicable"), "the history has 503"),
        (&|report| report["scenarios"][failing]["verdict"] = "known".into(), "is said to be `known`"),
        (
            &|report| {
                report["summary"]["verdict"] = "conforms".into();
                report["repeat"] = json!({"runs": 1, "differing": []});
            },
            "the verdict is `conforms`, and its scenarios come to `does not conform`",
        ),
        (&|report| report["requirements"][broken]["verdict"] = "pass".into(), "is said to be `pass`, and its scenarios come to `fail`"),
        (&|report| drop(report.as_object_mut().expect("a map").remove("history")), "the report says nothing of it"),
        (&|report| report["run"]["deliveries"] = 7.into(), "7 deliveries are said to have been made"),
        (&|report| drop(report["requirements"].as_array_mut().expect("a list").remove(broken)), "and the report says nothing of it"),
        (&|report| report["requirements"][broken]["id"] = "NONE-1".into(), "NONE-1 is told, and no requirement of the contract"),
        (&|report| report["requirements"][broken]["sentence"] = "Nothing.".into(), "another sentence or level than it has"),
        (&|report| drop(report["scenarios"].as_array_mut().expect("a list").remove(failing)), "and the report has no such scenario"),
    ];
    for (edit, wanted) in edits {
        let told = with_digests_mended(&out, "report.json", |text| {
            let mut report = serde_json::from_str(text).expect("JSON");
            edit(&mut report);
            serde_json::to_string_pretty(&report).expect("JSON") + "\n"
        });
        assert!(told.contains(wanted), "{wanted}: {told}");
    }
    let told = with_digests_mended(&out, "manifest.json", |text| text.replace("hookgate.manifest/1", "hookgate.manifest/9"));
    assert!(told.contains("has another form"), "{told}");
    std::fs::remove_file(folder.path("out/history.jsonl")).expect("it was there");
    let told = hookgate(&["report", "verify", &out]);
    assert!(told.starts_with("exit 1") && told.contains("history.jsonl is not there any more"), "{told}");
}

/// A folder has one report, and nothing of an earlier one is taken for its own.
#[test]
fn folder_has_one_report() {
    let folder = Folder::new();
    let out = folder.path("out").display().to_string();
    folder.write("out/target.log", "what another target said");
    assert!(hookgate(&["run", "seed", "--report", &out]).starts_with("exit 0"));
    assert!(!folder.path("out/target.log").exists());
    assert!(hookgate(&["report", "verify", &out]).starts_with("exit 0"));
    let load = folder.path("load").display().to_string();
    assert!(hookgate(&["load", "--deliveries", "50", "--users", "2", "--report", &load]).starts_with("exit 0"));
    std::fs::copy(folder.path("load/load.json"), folder.path("out/load.json")).expect("copied");
    let told = hookgate(&["report", "verify", &out]);
    assert!(told.starts_with("exit 1") && told.contains("a folder has one report"), "{told}");
}

/// A burst is judged again as it was: an answer that was made an acceptance, and a delivery that was put in, are found out.
#[test]
fn altered_bursts_are_found_out_without_digests() {
    use serde_json::Value;
    let folder = Folder::new();
    let out = folder.path("out").display().to_string();
    let told = hookgate(&["run", "concurrency/exactly-one-is-accepted", "--report", &out]);
    assert!(told.starts_with("exit 0"), "{told}");
    let is_duplicate = |line: &&str| line.contains("\"outcome\":\"duplicate\"");
    let told = with_digests_mended(&out, "history.jsonl", |text| {
        let first = text.lines().find(is_duplicate).expect("a duplicate");
        let mut value: Value = serde_json::from_str(first).expect("JSON");
        let body: Value = serde_json::from_str(value["answer"]["body"]["text"].as_str().expect("a body")).expect("JSON");
        let accepted = serde_json::json!({"accepted": true, "payload_sha256": value["body"]["sha256"]}).to_string();
        assert!(body["reference"].is_object());
        value["answer"]["body"] = serde_json::json!({"bytes": accepted.len(), "sha256": digest(&accepted), "text": accepted});
        value["outcome"] = "accepted".into();
        text.replacen(first, &value.to_string(), 1)
    });
    assert!(told.contains("the history has 2 accepted as new"), "{told}");
    let told = with_digests_mended(&out, "history.jsonl", |text| {
        let first = text.lines().find(|line| is_duplicate(line) && line.contains("[eight-at-once]")).expect("a duplicate");
        text.replacen(first, &format!("{first}\n{first}"), 1)
    });
    // Put in between, it takes the place of the next.
    assert!(told.contains("[eight-at-once] is said to be `pass`, and in its step 1 the history has "), "{told}");
    let told = with_digests_mended(&out, "history.jsonl", |text| {
        let last = text.lines().last().expect("a delivery");
        format!("{text}{last}\n")
    });
    assert!(told.contains("has 1 delivery more than its step 1 makes"), "{told}");
    // Duplicates of a burst agree about the one that was accepted.
    let told = with_digests_mended(&out, "history.jsonl", |text| {
        let several = |line: &&str| is_duplicate(line) && line.contains("[eight-at-once]");
        let first = text.lines().find(several).expect("a duplicate");
        let mut value: Value = serde_json::from_str(first).expect("JSON");
        let mut body: Value = serde_json::from_str(value["answer"]["body"]["text"].as_str().expect("a body")).expect("JSON");
        let instant = body["reference"]["timestamp"].as_str().expect("an instant");
        body["reference"]["timestamp"] = one_digit_on(instant).into();
        let other = body.to_string();
        value["answer"]["body"] = serde_json::json!({"bytes": other.len(), "sha256": digest(&other), "text": other});
        text.replacen(first, &value.to_string(), 1)
    });
    assert!(told.contains("[eight-at-once] is said to be `pass`, and in its step 1 the history has 2 different instants: "), "{told}");
}

/// An instant whose last digit is another one.
fn one_digit_on(instant: &str) -> String {
    let at = instant.rfind(|c: char| c.is_ascii_digit()).expect("a digit");
    let other = if &instant[at..=at] == "7" { "3" } else { "7" };
    format!("{}{other}{}", &instant[..at], &instant[at + 1..])
}

/// The report says in how many answers something is hidden; hidden by somebody else, an answer is told.
#[test]
fn answers_that_were_hidden_are_found_out_without_digests() {
    use serde_json::Value;
    let folder = Folder::new();
    let out = folder.path("out").display().to_string();
    let told = hookgate(&["run", "seed", "--report", &out]);
    assert!(told.starts_with("exit 0"), "{told}");
    for (part, says_so) in [("\"timestamp\":\"", true), ("\"type\":\"", false)] {
        let told = with_digests_mended(&out, "history.jsonl", |text| {
            let of = |line: &&str| line.contains("\"seed/duplicate-is-answered-202\"") && line.contains("\"outcome\":\"duplicate\"");
            let line = text.lines().find(of).expect("a duplicate");
            let mut value: Value = serde_json::from_str(line).expect("JSON");
            // Hash and length are left as they were: they are those of the answer that came.
            let body = value["answer"]["body"]["text"].as_str().expect("a body");
            value["answer"]["body"]["text"] = body.replacen(part, &format!("{part}***"), 1).into();
            if says_so {
                value["answer"]["body"]["hidden"] = true.into();
            }
            text.replacen(line, &value.to_string(), 1)
        });
        let wanted = if says_so {
            "something is said to be hidden in 0 answers, and in the history it is in 1"
        } else {
            "seed/duplicate-is-answered-202 step 2: a body is not the one that its hash is of"
        };
        assert!(told.contains(wanted), "{told}");
    }
}

/// What a run leaves out on purpose, and a TTL that is not the contract's, raise no false alarm.
#[test]
fn honest_reports_of_unusual_runs_are_accepted() {
    let folder = Folder::new();
    let out = |name: &str| folder.path(name).display().to_string();
    let lax = Running::serve(SECRET.1, &["--defect", "first-signature-line-wins"]);
    let short = Running::serve(SECRET.1, &["--ttl", "1s"]);
    let runs: [(&str, &[&str]); 3] = [
        ("musts", &["signature/two-signatures-are-refused", "--target", &lax.url, "--level", "must"]),
        ("short", &["ttl/key-is-new-again-past-its-ttl", "--target", &short.url, "--clock", "wait", "--ttl", "1s"]),
        ("twice", &["seed", "duplicate/duplicate-is-told-as-one", "--repeat", "2"]),
    ];
    for (name, args) in runs {
        let told = hookgate_with(&[SECRET], &[&["run"], args, &["--report", &out(name)]].concat());
        assert!(told.starts_with("exit 0"), "{told}");
        let told = hookgate(&["report", "verify", &out(name)]);
        assert!(told.starts_with("exit 0"), "{name}: {told}");
    }
}

/// A report that was made with another contract, or other scenarios, is judged with those or not at all.
#[test]
fn report_of_another_contract_is_not_judged_with_this_one() {
    let folder = Folder::new();
    let out = folder.path("out").display().to_string();
    let contract = "tests/contracts/made-up.yaml";
    let told = hookgate(&["run", "duplicate/same-body-under-another-key-is-new", "--contract", contract, "--report", &out]);
    assert!(told.starts_with("exit 0"), "{told}");
    // The file that the run was given is still there, and is what it was.
    let told = hookgate(&["report", "verify", &out]);
    assert!(told.starts_with("exit 0"), "{told}");
    let told = hookgate(&["report", "verify", &out, "--contract", "orch-phase3"]);
    assert!(told.starts_with("exit 2") && told.contains("made with another contract than are here"), "{told}");
    let told = hookgate(&["report", "verify", &out, "--contract", contract]);
    assert!(told.starts_with("exit 0"), "{told}");
}

/// A report of a load is held against itself in the same way.
#[test]
fn report_of_a_load_is_evidence_too() {
    let folder = Folder::new();
    let out = folder.path("load").display().to_string();
    let load = ["load", "--deliveries", "300", "--users", "8", "--mix", "fresh=3,duplicate=1", "--gate", "errors<1%", "--gate", "max<60s"];
    let told = hookgate_with(&[KEY], &[&load[..], &["--report", &out, "--seal-env", KEY.0]].concat());
    assert!(told.starts_with("exit 0"), "{told}");
    assert!(verify(&out).starts_with("exit 0"), "{}", verify(&out));
    let whole = changed(&out, "series.csv", |text| text.replacen('0', "1", 1));
    assert!(verify(&out).contains("series.csv is not as it was written"));
    std::fs::write(Path::new(&out).join("series.csv"), whole).expect("written");
    // Who writes the digests anew is found out by the numbers.
    type Edit = fn(&mut serde_json::Value);
    let edits: [(Edit, &str); 8] = [
        (|report| report["deliveries"] = 301.into(), "its kinds have 300"),
        (|report| report["kinds"]["fresh"]["expected"] = 1.into(), "of kind fresh were sent"),
        (|report| report["series"] = serde_json::json!([]), "its seconds have 0"),
        (|report| report["errors"] = serde_json::json!({"time-out": 3}), "3 errors and statuses are told"),
        (|report| report["rate_per_s"] = 1e9.into(), "are not 1000000000 a second"),
        (|report| report["requirements"][0]["violations"] = 2.into(), "is said to be `pass` with 2 violations"),
        (|report| report["gates"][1]["value"] = 6e7.into(), "gate max<60s is said to hold"),
        (|report| report["verdict"] = "does-not-conform".into(), "say otherwise"),
    ];
    for (edit, wanted) in edits {
        let whole = changed(&out, "load.json", |text| {
            let mut report = serde_json::from_str(text).expect("JSON");
            edit(&mut report);
            serde_json::to_string_pretty(&report).expect("JSON") + "\n"
        });
        let manifest = changed(&out, "manifest.json", |text| {
            let now = std::fs::read_to_string(Path::new(&out).join("load.json")).expect("the report");
            text.replace(&digest(&whole), &digest(&now))
        });
        let told = hookgate(&["report", "verify", &out]);
        assert!(told.starts_with("exit 1") && told.contains(wanted) && !told.contains("SHA-256 differs"), "{wanted}: {told}");
        for (name, text) in [("load.json", whole), ("manifest.json", manifest)] {
            std::fs::write(Path::new(&out).join(name), text).expect("written");
        }
    }
    assert!(verify(&out).starts_with("exit 0"));
    for (format, begins) in [("human", "\nload of"), ("markdown", "# "), ("html", "<!doctype html>"), ("junit", "<?xml"), ("json", "{\n")] {
        let text = stdout(&["report", &out, "--format", format]);
        assert!(text.to_lowercase().starts_with(begins), "{format}: {text}");
    }
    let told = hookgate(&["report", &out, "--format", "sarif"]);
    assert!(told.starts_with("exit 2") && told.contains("a load has no form of that name"), "{told}");
    let told = hookgate(&["baseline", "update", &folder.path("known.yaml").display().to_string(), "--from", &out]);
    assert!(told.starts_with("exit 2") && told.contains("a baseline needs one of a run"), "{told}");
}

/// Who writes the digests anew is found out by the other forms of the report, and by the latencies themselves.
#[test]
fn altered_forms_and_latencies_are_found_out_without_digests() {
    let folder = Folder::new();
    let plain = |out: &str| hookgate(&["report", "verify", out]);
    let load = folder.path("load").display().to_string();
    let told = hookgate(&["load", "--deliveries", "300", "--users", "8", "--mix", "fresh=3,duplicate=1", "--report", &load]);
    assert!(told.starts_with("exit 0") && plain(&load).starts_with("exit 0"), "{told}{}", plain(&load));
    let run = folder.path("run").display().to_string();
    let told = hookgate(&["run", "--select", "DUP-*", "--report", &run]);
    assert!(told.starts_with("exit 0") && plain(&run).starts_with("exit 0"), "{told}{}", plain(&run));
    let last_line = |text: &str| text.trim_end().rfind('\n').map_or_else(String::new, |at| text[..=at].to_owned());
    let of_load = ["series.csv", "load.md", "load.html", "junit.xml", "latency.hlog"].map(|name| (&load, name));
    for (out, name) in of_load.into_iter().chain(["report.md", "report.html", "junit.xml"].map(|name| (&run, name))) {
        let told = with_digests_mended(out, name, last_line);
        let wanted = if name == "latency.hlog" {
            "it has no line for the kind `duplicate`".to_owned()
        } else {
            format!("{name} is not what its report makes of it")
        };
        assert!(told.contains(&wanted), "{name}: {told}");
    }
    let told = with_digests_mended(&load, "load.json", |text| {
        let mut report: serde_json::Value = serde_json::from_str(text).expect("JSON");
        report["latency_us"]["p99"] = 7.into();
        serde_json::to_string_pretty(&report).expect("JSON") + "\n"
    });
    assert!(told.contains("the load is said to have the latencies"), "{told}");
}

fn digest(text: &str) -> String {
    hookgate::sign::sha256_hex(text.as_bytes())
}

#[test]
fn what_is_no_report_folder_is_told() {
    let folder = Folder::new();
    let empty = folder.path("empty");
    std::fs::create_dir(&empty).expect("a folder");
    for (path, told) in
        [(empty.display().to_string(), "has no manifest.json"), ("absent".to_owned(), "cannot read the report folder absent")]
    {
        let output = hookgate(&["report", "verify", &path]);
        assert!(output.starts_with("exit 2") && output.contains(told), "{output}");
    }
    let told = hookgate(&["run", "key", "--report", &folder.path("out").display().to_string(), "--seal-env", "NOT_SET"]);
    assert!(told.starts_with("exit 2") && told.contains("NOT_SET is not set"), "{told}");
}
