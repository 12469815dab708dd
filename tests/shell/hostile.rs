//! Hostile targets: whatever a receiver does, a run ends within its bound, with the right verdict, sentence and exit code, in bounded
//! memory, with a report, and leaves nobody behind.
//!
//! Each row is a receiver of `hostile::receiver`, or a command that hookgate starts (`hostile::commands`). Rows are run side by side.
#![expect(clippy::expect_used, reason = "a test ends where something is not as it should be")]

mod commands;
mod receiver;
mod rows;

use std::io::Read as _;
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::Mutex;
use std::time::Duration;

use hookgate::clock::Moment;
use serde_json::Value;

use crate::command_line::{command, hookgate, until};
use crate::surroundings::{Folder, tool};

/// How long a run may take, where a row does not say otherwise.
const TIME_LIMIT: &str = "8s";
/// A run that is over has ended by then: its limit, five seconds for a target that will not go, and a machine that is busy.
const BOUND: Duration = Duration::from_secs(18);
/// The most that a run may have had in memory.
const MOST_MEMORY_KIB: u64 = 256 << 10;
/// So many rows at once.
const SIDE_BY_SIDE: usize = 6;

/// How a run ended.
#[derive(Clone, Debug)]
struct Ended {
    code: Option<i32>,
    /// The report's verdict.
    verdict: String,
    /// Both streams, and the report.
    told: String,
    /// What the first finding observed, or why nothing could be judged.
    said: String,
    took: Duration,
    /// The most memory that it had.
    memory_kib: u64,
    /// Processes that were left.
    left: Vec<String>,
    /// What was left in the folder for what passes.
    files: Vec<String>,
    /// Why the report does not agree with itself.
    disagrees: Option<String>,
}

/// What a row wants.
#[derive(Clone, Copy)]
struct Wanted {
    code: i32,
    verdict: &'static str,
    /// What stands in the report or on the terminal.
    says: &'static str,
}

/// Runs `hookgate run` with these arguments to its end.
fn ended(folder: &Folder, time_limit: &str, args: &[&str]) -> Ended {
    let (out, temp) = (folder.path("out"), folder.path("temp"));
    std::fs::create_dir_all(&temp).expect("a folder");
    let mut run = command();
    run.env("ORCH_WEBHOOK_SECRET", "a secret of the tests, shared with nobody").env("TMPDIR", &temp);
    run.args(["run", "--timeout", "2s", "--time-limit", time_limit, "--report"]).arg(&out).args(args);
    let begun = Moment::now();
    let mut child = run.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    let mut streams = [child.stdout.take().map(heard), child.stderr.take().map(heard)];
    let mut memory_kib = 0;
    let mut status = None;
    // A busy machine is given time; whether the bound is kept is asked below.
    until("the run has ended", || {
        memory_kib = memory_kib.max(peak(&child));
        status = child.try_wait().expect("it can be waited for");
        status.is_some() || begun.elapsed() > BOUND
    });
    let took = begun.elapsed();
    if status.is_none() {
        child.kill().expect("it lives");
        status = child.wait().ok();
    }
    let told = streams.iter_mut().filter_map(|one| one.take()?.join().ok()).collect::<Vec<_>>().join("--- stderr\n");
    let report = std::fs::read_to_string(out.join("report.json")).ok().and_then(|text| serde_json::from_str::<Value>(&text).ok());
    let verified = hookgate(&["report", "verify", &out.display().to_string()]);
    let finding = report.as_ref().and_then(|report| {
        Some(report["scenarios"].as_array()?.iter().find_map(|one| one["findings"][0]["observed"].as_str())?.to_owned())
    });
    let error = told.lines().find_map(|line| line.strip_prefix("error: ")).map(str::to_owned);
    Ended {
        said: error.or(finding).unwrap_or_default().lines().next().unwrap_or_default().to_owned(),
        code: status.and_then(|status| status.code()),
        verdict: report.as_ref().and_then(|report| report["summary"]["verdict"].as_str()).unwrap_or("no report").to_owned(),
        told: format!("{told}\n--- report\n{}", report.map(|report| report.to_string()).unwrap_or_default()),
        took,
        memory_kib,
        left: left(&temp),
        files: std::fs::read_dir(&temp)
            .expect("a folder")
            .flatten()
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .collect(),
        disagrees: (!verified.starts_with("exit 0")).then_some(verified),
    }
}

fn heard(mut stream: impl std::io::Read + Send + 'static) -> std::thread::JoinHandle<String> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = stream.by_ref().take(4 << 20).read_to_end(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// The most memory that a process has had, as the system tells; nothing where it does not.
fn peak(child: &Child) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    line.trim().trim_end_matches("kB").trim().parse().unwrap_or(0)
}

/// Processes that have this folder as theirs for what passes: those that the run has started, and theirs.
fn left(temp: &Path) -> Vec<String> {
    let mark = format!("TMPDIR={}", temp.display());
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let of_the_run =
        |path: &Path| std::fs::read(path.join("environ")).is_ok_and(|all| all.split(|byte| *byte == 0).any(|one| one == mark.as_bytes()));
    let paths = processes.map(|entry| entry.path()).filter(|path| of_the_run(path));
    paths
        .map(|path| std::fs::read_to_string(path.join("cmdline")).unwrap_or_default().replace('\0', " "))
        .filter(|line| !line.is_empty())
        .collect()
}

/// What is not as a row wants it.
fn complaints(name: &str, ended: &Ended, wanted: Wanted) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut say = |what: String| wrong.push(format!("{name}: {what}"));
    if ended.code != Some(wanted.code) {
        say(format!("exit {:?}, wanted {}", ended.code, wanted.code));
    }
    if ended.verdict != wanted.verdict {
        say(format!("verdict {}, wanted {}", ended.verdict, wanted.verdict));
    }
    if !ended.told.contains(wanted.says) {
        say(format!("does not say `{}`", wanted.says));
    }
    if ended.took > BOUND {
        say(format!("took {:?}, and its bound is {BOUND:?}", ended.took));
    }
    if ended.memory_kib > MOST_MEMORY_KIB {
        say(format!("had {} KiB in memory", ended.memory_kib));
    }
    if !ended.left.is_empty() {
        say(format!("left {:?}", ended.left));
    }
    if !ended.files.is_empty() {
        say(format!("left files {:?}", ended.files));
    }
    if let Some(why) = &ended.disagrees {
        say(format!("its report does not agree: {why}"));
    }
    if !wrong.is_empty() {
        wrong.push(ended.told.chars().take(2_500).collect());
    }
    wrong
}

/// Every row of a table, some side by side; what was measured is told.
#[expect(clippy::print_stdout, reason = "the table of the guide is made from what is measured here")]
fn table<R: Sync>(rows: &[R], run: impl Fn(&R) -> (&'static str, Ended, Wanted) + Sync) {
    let (left, wrong) = (Mutex::new(rows.iter()), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..SIDE_BY_SIDE {
            scope.spawn(|| {
                loop {
                    let Some(row) = left.lock().expect("nobody panics with it").next() else { break };
                    let (name, ended, wanted) = run(row);
                    println!(
                        "| {name} | {} | {} | {:.1} | {} | {} |",
                        ended.code.unwrap_or(-1),
                        ended.verdict,
                        ended.took.as_secs_f64(),
                        ended.memory_kib >> 10,
                        ended.said
                    );
                    wrong.lock().expect("nobody panics with it").extend(complaints(name, &ended, wanted));
                }
            });
        }
    });
    let wrong = wrong.into_inner().expect("nobody panics with it");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Receivers that are there: at a socket of the test's own.
#[test]
fn runs_end_well_whatever_a_socket_does() {
    table(rows::ROWS, |row| {
        let receiver = receiver::Receiver::start(row.behaviour);
        let folder = Folder::new();
        let url = format!("{}://{}", row.scheme, receiver.address);
        let over_tls: &[&str] = if row.scheme == "https" { &["--insecure"] } else { &[] };
        let ended = ended(&folder, TIME_LIMIT, &[&["seed", "--target", &url], over_tls].concat());
        (row.name, ended, row.wanted)
    });
}

/// Commands that hookgate starts.
#[test]
fn runs_end_well_whatever_a_command_does() {
    if tool("python3").is_none() {
        return;
    }
    table(commands::ROWS, |row| {
        let folder = Folder::new();
        let ended = ended(&folder, row.time_limit, &["seed", "--ready-within", row.ready_within, "--exec", &commands::script(row)]);
        (row.name, ended, row.wanted)
    });
}

/// A stream of ids and comments as long as any may be, without end, costs no more than what a reading may have.
#[test]
fn floods_of_events_are_bounded() {
    if tool("python3").is_none() {
        return;
    }
    let folder = Folder::new();
    let exec = "KNOB=flood exec python3 tests/receivers/orch_phase4.py --port {port} --db {dir}/orch.db";
    let ended = ended(&folder, "15s", &["--contract", "orch-phase4", "--exec", exec, "--select", "stream/resume-goes-on*"]);
    assert_eq!((ended.code, ended.verdict.as_str()), (Some(1), "does-not-conform"), "{}", ended.told);
    assert!((1..MOST_MEMORY_KIB).contains(&ended.memory_kib), "{} KiB", ended.memory_kib);
    assert!(ended.told.contains("SSE-12") && ended.disagrees.is_none() && ended.left.is_empty(), "{ended:?}");
}
