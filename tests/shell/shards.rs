//! `run --shard K/N` and `hookgate report merge`: several runs judge one suite.
#![expect(clippy::expect_used, reason = "a test ends where something is not as it should be")]

use serde_json::Value;

use crate::command_line::{binary, changed, hookgate, hookgate_with};
use crate::surroundings::Folder;

fn report(folder: &str) -> Value {
    serde_json::from_str(&std::fs::read_to_string(format!("{folder}/report.json")).expect("a report")).expect("JSON")
}

/// Three shards of some topics, and the same in one run.
fn shards(folder: &Folder, target: &[&str]) -> Vec<String> {
    (1..=3)
        .map(|number| {
            let out = folder.path(&format!("shard{number}")).display().to_string();
            let part = format!("{number}/3");
            let told = hookgate(
                &[&["run", "key", "duplicate", "concurrency", "--shard", &part, "--report", &out, "--seed", "7"], target].concat(),
            );
            assert!(told.starts_with("exit 0") || told.starts_with("exit 1"), "{told}");
            out
        })
        .collect()
}

/// A part of a suite in which nothing hangs on memory does not say that answers are alike, where they are not.
#[test]
fn part_without_memory_says_so_and_no_more() {
    let told = hookgate(&["run", "duplicate/same-body-under-another-key-has-rows-of-its-own", "--format", "json"]);
    assert!(
        told.starts_with("exit 0")
            && told.contains("nothing of it hangs on memory")
            && !told.contains("Answers to first deliveries and to duplicates are alike"),
        "{told}"
    );
}

/// Joined, they say what one run says, and are evidence as one is.
#[test]
fn shards_together_are_one_run() {
    let folder = Folder::new();
    let [one, two, three] = <[String; 3]>::try_from(shards(&folder, &[])).expect("three");
    let (whole, all) = (folder.path("whole").display().to_string(), folder.path("all").display().to_string());
    assert!(hookgate(&["run", "key", "duplicate", "concurrency", "--report", &whole, "--seed", "7"]).starts_with("exit 0"));
    let told = hookgate(&["report", "merge", &one, &two, &three, "--report", &all]);
    assert!(told.starts_with("exit 0") && told.contains("Joined from 3 shards"), "{told}");
    let (whole, joined) = (report(&whole), report(&all));
    assert_eq!(joined["summary"], whole["summary"]);
    assert_eq!(joined["requirements"], whole["requirements"]);
    let ids = |report: &Value| report["scenarios"].as_array().expect("a list").iter().map(|one| one["id"].clone()).collect::<Vec<_>>();
    assert_eq!(ids(&joined), ids(&whole));
    assert_eq!((&joined["run"]["deliveries"], &joined["history"]["keys"]), (&whole["run"]["deliveries"], &whole["history"]["keys"]));
    let parts = [&one, &two, &three].map(|part| ids(&report(part)).len());
    assert!(parts.iter().all(|count| count.abs_diff(parts[0]) <= 1), "{parts:?}");
    let verified = hookgate(&["report", "verify", &all]);
    assert!(verified.starts_with("exit 0"), "{verified}");
}

#[test]
fn shards_that_do_not_belong_together_are_told() {
    let folder = Folder::new();
    let [one, two, three] = <[String; 3]>::try_from(shards(&folder, &[])).expect("three");
    let out = folder.path("out").display().to_string();
    let whole = folder.path("whole").display().to_string();
    assert!(hookgate(&["run", "key", "--report", &whole]).starts_with("exit 0"));
    for (given, told) in [
        (vec![&one, &two], "of 3 shards, number 3 is missing"),
        (vec![&one, &two, &two], "are the same shard, 2/3"),
        (vec![&one, &whole], "is no shard"),
    ] {
        let given: Vec<&str> = given.into_iter().map(String::as_str).collect();
        let output = hookgate(&[&["report", "merge"], &given[..], &["--report", &out]].concat());
        assert!(output.starts_with("exit 2") && output.contains(told), "{told}: {output}");
    }
    changed(&three, "manifest.json", |text| text.replacen("\"scenarios_sha256\": \"", "\"scenarios_sha256\": \"0", 1));
    let output = hookgate(&["report", "merge", &one, &two, &three, "--report", &out]);
    assert!(output.starts_with("exit 2") && output.contains("were not made from the same contract and scenarios"), "{output}");
    for (shard, told) in [("0/3", "write 2/3"), ("4/3", "write 2/3"), ("half", "write 2/3"), ("1/9999", "there are only")] {
        let output = hookgate(&["run", "key", "--shard", shard]);
        assert!(output.starts_with("exit 2") && output.contains(told), "{shard}: {output}");
    }
}

/// What one shard needs of a baseline is not stale because another does not; what none needs is.
#[test]
fn baseline_is_stale_when_no_shard_needs_it() {
    let folder = Folder::new();
    let serve = format!("{} serve --addr 127.0.0.1:{{port}} --defect key-hyphens-removed", binary());
    let entry = |requirement: &str| format!("  - {{requirement: {requirement}, reason: known to the tests}}\n");
    for (name, entries, exit) in [("needed", entry("KEY-3"), "exit 0"), ("not-needed", entry("KEY-3") + &entry("KEY-1"), "exit 1")] {
        let known = folder.write(&format!("{name}.yaml"), &format!("known:\n{entries}"));
        let parts = shards(&folder, &["--exec", &serve, "--baseline", &known]);
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        let out = folder.path(name).display().to_string();
        let told = hookgate(&[&["report", "merge"], &parts[..], &["--report", &out]].concat());
        assert!(told.starts_with(exit) && told.contains("KEY-1 no longer fails") == (exit == "exit 1"), "{name}: {told}");
        let verified = hookgate(&["report", "verify", &out]);
        assert!(verified.starts_with("exit 0"), "{verified}");
    }
}

/// What each shard says beside its scenarios is said of the whole: verdicts that differ fail it, what waits is summed up.
#[test]
fn facts_of_shards_are_joined() {
    use hookgate::report::{Differing, Overall, RepeatFacts, Report, SnapshotFacts};
    let folder = Folder::new();
    let parts = shards(&folder, &[]);
    let read = |folder: &String| {
        let text = std::fs::read_to_string(format!("{folder}/report.json")).expect("a report");
        (folder.clone(), serde_json::from_str::<Report>(&text).expect("a report"))
    };
    let mut shards: Vec<(String, Report)> = parts.iter().map(read).collect();
    let joined = |shards: &[(String, Report)]| hookgate::report::merge::joined(shards);
    assert_eq!(joined(&shards).expect("they belong together").summary.verdict, Overall::Conforms);
    let snapshots = |new: &[&str]| SnapshotFacts {
        new: new.iter().map(|name| (*name).to_owned()).collect(),
        pending: new.len(),
        ..SnapshotFacts::default()
    };
    for (at, new) in [&["b", "d"][..], &["a"], &["c"]].into_iter().enumerate() {
        shards[at].1.snapshots = Some(snapshots(new));
    }
    let whole = joined(&shards).expect("they belong together").snapshots.expect("they were compared");
    assert_eq!((whole.pending, whole.new.join(" ")), (4, "a b c d".to_owned()));
    let differing = Differing { scenario: "key/x".to_owned(), verdicts: [("pass".to_owned(), 2), ("warn".to_owned(), 1)].into() };
    shards[2].1.repeat = Some(RepeatFacts { runs: 3, differing: vec![differing] });
    let whole = joined(&shards).expect("they belong together");
    assert_eq!((whole.summary.verdict, whole.repeat.map(|repeat| repeat.differing.len())), (Overall::DoesNotConform, Some(1)));
    shards[0].1.snapshots = None;
    assert!(joined(&shards).expect_err("they do not").contains("some shards were compared with snapshots"));
}

/// A seal of the shards is looked at before the whole gets one.
#[test]
fn seals_of_shards_are_looked_at() {
    let folder = Folder::new();
    let (ours, other) = (("OURS", "a key of the tests"), ("OTHER", "another key of the tests"));
    let part = |number: usize, (name, key): (&str, &str)| {
        let out = folder.path(&format!("{name}{number}")).display().to_string();
        let shard = format!("{number}/2");
        let told = hookgate_with(&[(name, key)], &["run", "seed", "--shard", &shard, "--report", &out, "--seal-env", name]);
        assert!(told.starts_with("exit 0"), "{told}");
        out
    };
    let (one, two, strange) = (part(1, ours), part(2, ours), part(2, other));
    let out = folder.path("all").display().to_string();
    let merge = |second: &str| hookgate_with(&[ours], &["report", "merge", &one, second, "--report", &out, "--seal-env", ours.0]);
    let told = merge(&strange);
    assert!(told.starts_with("exit 2") && told.contains("its seal is not that of the key in OURS"), "{told}");
    assert!(merge(&two).starts_with("exit 0"), "{}", merge(&two));
    let verified = hookgate_with(&[ours], &["report", "verify", &out, "--seal-env", ours.0]);
    assert!(verified.starts_with("exit 0") && verified.contains("; sealed"), "{verified}");
}

/// A shard that was edited is not made good by being joined.
#[test]
fn edited_shard_is_not_joined() {
    let folder = Folder::new();
    let parts = shards(&folder, &[]);
    changed(&parts[1], "report.json", |text| text.replacen("\"verdict\": \"pass\"", "\"verdict\": \"warn\"", 1));
    let out = folder.path("out").display().to_string();
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    let told = hookgate(&[&["report", "merge"], &parts[..], &["--report", &out]].concat());
    assert!(told.starts_with("exit 2") && told.contains("report.json is not as it was written"), "{told}");
}

/// A failure in one shard fails the whole, whatever the others say.
#[test]
fn failure_of_a_shard_is_the_failure_of_all() {
    let folder = Folder::new();
    let parts = shards(&folder, &["--exec", &format!("{} serve --addr 127.0.0.1:{{port}} --defect duplicate-without-reference", binary())]);
    let out = folder.path("out").display().to_string();
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    let told = hookgate(&[&["report", "merge"], &parts[..], &["--report", &out]].concat());
    assert!(told.starts_with("exit 1") && told.contains("DUP-2"), "{told}");
}
