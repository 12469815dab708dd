//! Ends of every kind: signals, full disks, closed pipes, folders in use; each leaves a report that agrees, and nothing else.
#![expect(clippy::expect_used, reason = "a test ends where something is not as it should be")]

use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::command_line::{Running, among_others, binary, command, hookgate, hookgate_with, until};
use crate::surroundings::{Folder, project, tool};
use crate::tls::SECRET;

fn report_in(out: &Path) -> Value {
    let text = std::fs::read_to_string(out.join("report.json")).expect("a report was written");
    serde_json::from_str(&text).expect("the report is JSON")
}

/// The names in a folder.
fn names(folder: &Path) -> Vec<String> {
    std::fs::read_dir(folder).expect("a folder").flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

fn kill(child: &Child, signal: &str) {
    let sent = Command::new("sh").args(["-c", &format!("kill -{signal} {}", child.id())]).status().expect("a shell");
    assert!(sent.success());
}

#[test]
fn what_cannot_be_printed_is_told_with_exit_3() {
    if !Path::new("/dev/full").exists() {
        return;
    }
    let folder = Folder::new();
    let out = folder.path("out").display().to_string();
    assert!(hookgate(&["run", "key/missing*", "--report", &out]).starts_with("exit 0"));
    let commands: [&[&str]; 12] = [
        &["run", "key/missing*"],
        &["run", "key/missing*", "--format", "junit"],
        &["run", "key/missing*", "--format", "json"],
        &["load", "--deliveries", "20", "--users", "1", "--quiet"],
        &["list"],
        &["check", "scenarios/orch/seed/duplicate-is-answered-202.yaml"],
        &["explain", "DUP-1"],
        &["schema", "report"],
        &["report", &out, "--format", "html"],
        &["report", "verify", &out],
        &["man"],
        &["--help"],
    ];
    for args in commands {
        let full = File::options().write(true).open("/dev/full").expect("a full device");
        let output = among_others(command().args(args).stdout(full).stdin(Stdio::null()));
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(3), "{args:?}: {told}");
        assert!(told.contains("cannot write to standard output: No space left on device"), "{args:?}: {told}");
    }
}

#[test]
fn reader_that_went_away_is_no_error() {
    let exe = binary();
    let ran =
        Command::new("sh").args(["-c", &format!("{exe} schema report | head -c 10")]).current_dir(project("")).output().expect("a shell");
    assert!(ran.stderr.is_empty(), "{}", String::from_utf8_lossy(&ran.stderr));
}

/// Signals that end a run end it alike: a report of what was judged, in which the rest is undecided, and nothing left behind.
#[test]
fn every_signal_leaves_a_report_that_agrees_and_no_folder() {
    for (signal, marked) in [("HUP", true), ("QUIT", true), ("TERM", true), ("INT", true), ("HUP", false), ("QUIT", false)] {
        let folder = Folder::new();
        let (out, temp) = (folder.path("out"), folder.path("temp"));
        std::fs::create_dir(&temp).expect("a folder");
        let mut run = command();
        run.env("TMPDIR", &temp).args(["run", "--jobs", "2", "--report"]).arg(&out);
        let child = run.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
        if marked {
            until("a scratch folder", || names(&temp).iter().any(|name| name.starts_with("hookgate-")));
        } else {
            // As soon as it listens at all: what it was about to do is not begun.
            until("it listens", || {
                std::fs::read_to_string(format!("/proc/{}/status", child.id())).is_ok_and(|status| catches(&status, signal))
            });
        }
        kill(&child, signal);
        let output = child.wait_with_output().expect("it ends");
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(130), "{signal} {marked}: {told}");
        assert_eq!(names(&temp), Vec::<String>::new(), "{signal} {marked}");
        let report = report_in(&out);
        assert_eq!(report["summary"]["verdict"], "interrupted");
        let scenarios = report["scenarios"].as_array().expect("a list");
        assert!(scenarios.len() > 200, "{signal}: those that were not played are there, too: {}", scenarios.len());
        let verified = hookgate(&["report", "verify", &out.display().to_string()]);
        assert!(verified.starts_with("exit 0"), "{signal} {marked}: {verified}");
    }
}

/// Whether a process has a handler for a signal, as the system tells.
fn catches(status: &str, signal: &str) -> bool {
    let number = if signal == "HUP" { 1 } else { 3 };
    let mask = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask >> (number - 1) & 1 == 1)
}

/// Selftest and load hear them, too.
#[test]
fn selftest_and_load_end_by_signals() {
    for (signal, args) in [("HUP", vec!["selftest", "--defect", "dup*"]), ("QUIT", vec!["load", "--run-time", "60 s", "--users", "2"])] {
        let folder = Folder::new();
        let child =
            command().env("TMPDIR", folder.path("")).args(&args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
        until("a scratch folder", || names(&folder.path("")).iter().any(|name| name.starts_with("hookgate-")));
        kill(&child, signal);
        let output = child.wait_with_output().expect("it ends");
        assert_eq!(output.status.code(), Some(130), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(names(&folder.path("")), Vec::<String>::new(), "{args:?}");
    }
}

/// How many bytes are in the files of a folder, and of those in it.
fn size_of(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let size = |entry: std::fs::DirEntry| match entry.metadata() {
        Ok(of) if of.is_dir() => size_of(&entry.path()),
        Ok(of) => of.len(),
        Err(_) => 0,
    };
    entries.map(size).sum()
}

/// An exploration that is interrupted leaves a whole report, which agrees with its folder.
#[test]
fn interrupted_exploration_leaves_a_report_that_agrees() {
    for (signal, defect) in [("INT", None), ("TERM", Some("duplicate-answered-409"))] {
        let folder = Folder::new();
        let (out, temp) = (folder.path("out"), folder.path("temp"));
        std::fs::create_dir(&temp).expect("a folder");
        let mut explore = command();
        explore.env("TMPDIR", &temp).env("ORCH_WEBHOOK_SECRET", "a secret of the tests of ends").args(["explore", "--for", "10m"]);
        if let Some(defect) = defect {
            let exec = format!("{} serve --addr 127.0.0.1:{{port}} --db {{dir}}/o.db --defect {defect}", binary());
            explore.args(["--exec", &exec, "--db", "{dir}/o.db"]);
        }
        explore.arg("--keep").arg(folder.path("keep")).arg("--corpus").arg(folder.path("corpus")).arg("--report").arg(&out);
        let child = explore.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
        // Where a receiver was started: in the midst of sequences, or of making one shorter.
        let least = if defect.is_some() { 60_000 } else { 0 };
        until("it is under way", || names(&temp).iter().any(|name| name.starts_with("hookgate-")) && size_of(&temp) >= least);
        kill(&child, signal);
        let output = child.wait_with_output().expect("it ends");
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(130), "{signal}: {told}");
        assert_eq!(names(&temp), Vec::<String>::new(), "{signal}");
        assert_eq!(report_in(&out)["summary"]["verdict"], "interrupted");
        let verified = hookgate(&["report", "verify", &out.display().to_string()]);
        assert!(verified.starts_with("exit 0"), "{signal}: {verified}");
    }
}

/// What only prints ends, quietly and soon, when nobody reads it any more.
#[test]
fn selftest_ends_when_nobody_reads_it() {
    for args in [&["selftest", "--defect", "dup*"][..], &["selftest", "--explore", "--for", "10m", "--defect", "dup*"]] {
        let folder = Folder::new();
        let mut child =
            command().env("TMPDIR", folder.path("")).args(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
        until("a scratch folder", || names(&folder.path("")).iter().any(|name| name.starts_with("hookgate-")));
        drop(child.stdout.take());
        let output = child.wait_with_output().expect("it ends");
        assert_eq!((output.status.code(), String::from_utf8_lossy(&output.stderr).as_ref()), (Some(130), ""), "{args:?}");
        assert_eq!(names(&folder.path("")), Vec::<String>::new(), "{args:?}");
    }
}

/// A table that is interrupted tells what is known by then, and how much is not.
#[test]
fn interrupted_exploration_of_defects_prints_its_table_so_far() {
    let folder = Folder::new();
    let selftest = ["selftest", "--explore", "--for", "10m", "--defect", "any-signature-passes", "--right", "1", "--format", "json"];
    let child =
        command().env("TMPDIR", folder.path("")).args(selftest).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    let scratch = || names(&folder.path("")).iter().filter(|name| name.starts_with("hookgate-")).count();
    until("both are explored", || scratch() == 2);
    until("the defect was found", || scratch() == 1);
    kill(&child, "INT");
    let output = child.wait_with_output().expect("it ends");
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(130), "{told}");
    assert!(told.contains("interrupted: 1 explorations were not carried to their end"), "{told}");
    let table: Value = serde_json::from_slice(&output.stdout).expect("the table is JSON");
    assert_eq!((&table["left"], &table["defects"][0]["found"], &table["right"]), (&1.into(), &true.into(), &Value::Array(Vec::new())));
}

/// What `kill -9` leaves is taken away by the next start, and nobody else's.
#[test]
fn what_a_killed_run_left_is_taken_away_by_the_next() {
    let folder = Folder::new();
    let temp = folder.path("");
    std::fs::create_dir(folder.path("hookgate-of-somebody")).expect("a folder");
    let mut killed = command();
    let mut child = killed.env("TMPDIR", &temp).args(["run"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts");
    until("a scratch folder", || {
        names(&temp).len() > 1 && names(&temp).iter().all(|name| name.ends_with("somebody") || temp.join(name).join(".owner").exists())
    });
    kill(&child, "KILL");
    child.wait().expect("it ends");
    assert_eq!(names(&temp).len(), 2);
    let told = among_others(command().env("TMPDIR", &temp).args(["run", "key/missing*"]));
    assert_eq!(told.status.code(), Some(0));
    assert_eq!(names(&temp), ["hookgate-of-somebody"]);
}

/// Snapshots that cannot be written, and a disk that is full, cost neither report nor verdict.
#[test]
fn trouble_with_files_is_told_after_the_verdict() {
    let folder = Folder::new();
    let out = folder.path("out");
    let (out_text, nowhere) = (out.display().to_string(), "/proc/nope");
    let told = hookgate(&["run", "seed", "--snapshots", nowhere, "--report", &out_text]);
    assert!(told.starts_with("exit 3") && told.contains("snapshots were not compared: cannot make the folder"), "{told}");
    assert_eq!(report_in(&out)["summary"]["verdict"], "incomplete");
    assert!(hookgate(&["report", "verify", &out_text]).starts_with("exit 0"), "{}", hookgate(&["report", "verify", &out_text]));
    // A folder stands where a file of the report should: it cannot be written, as on a full disk.
    let blocked = folder.path("blocked");
    std::fs::create_dir_all(blocked.join("report.html/inside")).expect("a folder");
    let told = hookgate(&["run", "seed", "--report", &blocked.display().to_string()]);
    assert!(told.starts_with("exit 3") && told.contains("conforms") && told.contains("cannot write"), "{told}");
    assert!(names(&blocked).iter().all(|name| !name.ends_with(".part")), "{:?}", names(&blocked));
    assert!(!blocked.join("manifest.json").exists(), "what is not whole has no manifest");
}

/// A limit of a file's size is told as a full disk is, after the verdict; nothing of what could not be written stays.
#[test]
fn limit_of_a_files_size_is_told_after_the_verdict() {
    let (folder, server) = (Folder::new(), Running::serve(SECRET.1, &[]));
    let out = folder.path("out");
    let mut limited = Command::new("sh");
    limited.args(["-c", "ulimit -f 20 && exec \"$0\" \"$@\""]).arg(binary()).args(["run", "seed", "--target", &server.url, "--report"]);
    let ended = among_others(limited.arg(&out).env(SECRET.0, SECRET.1).stdin(Stdio::null()));
    let told = format!("{}{}", String::from_utf8_lossy(&ended.stdout), String::from_utf8_lossy(&ended.stderr));
    assert!(ended.status.code() == Some(3) && told.contains("conforms") && told.contains("cannot write"), "{:?} {told}", ended.status);
    assert!(names(&out).iter().all(|name| !name.ends_with(".part")), "{:?}", names(&out));
}

#[test]
fn second_run_into_a_folder_is_refused() {
    let folder = Folder::new();
    let (out, temp) = (folder.path("out").display().to_string(), folder.path("temp"));
    std::fs::create_dir(&temp).expect("a folder");
    let mut first = command();
    let child =
        first.env("TMPDIR", &temp).args(["run", "--report", &out]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts");
    until("the first one is under way", || !names(&temp).is_empty());
    let told = hookgate(&["run", "seed", "--report", &out]);
    kill(&child, "INT");
    assert_eq!(child.wait_with_output().expect("it ends").status.code(), Some(130));
    assert!(told.starts_with("exit 2") && told.contains("another run writes its report there"), "{told}");
}

/// A stop is gentle for whoever the shell has started, whatever the shell does: it is given its time.
#[test]
fn gentle_stop_is_gentle_for_the_whole_group() {
    if tool("python3").is_none() {
        return;
    }
    let receiver = project("tests/receivers/orch_phase3.py");
    for exec in ["python3 {R} --port {port} --db {dir}/o.db", "true; python3 {R} --port {port} --db {dir}/o.db"] {
        let folder = Folder::new();
        let log = folder.path("a log").display().to_string();
        let run = format!(
            "import runpy, signal, sys, time\nreal = signal.signal\ndef note(text): open({log:?}, 'a').write(text + '\\n')\ndef watched(number, handler):\n    if number != signal.SIGTERM: return real(number, handler)\n    def slowly(*rest): note('heard'); time.sleep(1.0); note('ended'); handler(*rest)\n    return real(number, slowly)\nsignal.signal = watched\nsys.argv = sys.argv[1:]\nsys.path.insert(0, {:?})\nrunpy.run_path(sys.argv[0], run_name='__main__')\n",
            project("tests/receivers").display().to_string()
        );
        let slow = folder.write("slow.py", &run);
        let exec = exec.replace("{R}", &format!("{slow} {}", receiver.display()));
        let told = hookgate_with(
            &[("ORCH_WEBHOOK_SECRET", "a secret of the tests of ends")],
            &["run", "restart/keys-are-remembered-after-a-restart[stopped]", "--exec", &exec, "--db", "{dir}/o.db"],
        );
        assert!(told.starts_with("exit 0"), "{told}");
        let log = std::fs::read_to_string(&log).expect("it wrote");
        let count = |word: &str| log.lines().filter(|line| *line == word).count();
        assert!(count("heard") >= 2 && count("heard") == count("ended"), "{exec}: {log}");
    }
}

/// The folder of a receiver may have a name that a shell would take apart.
#[test]
fn folder_with_a_blank_is_one_word() {
    let folder = Folder::new();
    let temp = folder.path("with a blank; and $HOME");
    std::fs::create_dir(&temp).expect("a folder");
    let exec = &format!("{} serve --addr 127.0.0.1:{{port}} --db {{dir}}/orch.db", binary());
    let output = among_others(command().env("TMPDIR", &temp).args(["run", "key/missing*", "--exec", exec, "--db", "{dir}/orch.db"]));
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
}
