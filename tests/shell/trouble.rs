//! Runs in trouble: databases that are locked, empty or absent, targets that
//! hang, a user who interrupts. Each gives its one message, its exit code, and
//! a report of what was judged.
#![expect(clippy::expect_used, reason = "a test ends where something is not as it should be")]

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::sync::mpsc;

use rusqlite::Connection;
use serde_json::Value;

use crate::command_line::{Running, command, hookgate_with, nobody, until};
use crate::surroundings::Folder;

const SECRET: &str = "a secret of the tests, shared with nobody";

/// Whether a process has a file open.
fn has_open(process: u32, file: &std::path::Path) -> bool {
    let open = std::fs::read_dir(format!("/proc/{process}/fd")).into_iter().flatten().flatten();
    open.filter_map(|one| std::fs::read_link(one.path()).ok()).any(|link| link == file)
}

fn report_in(folder: &Folder) -> Value {
    let text = std::fs::read_to_string(folder.path("out/report.json")).expect("a report was written");
    serde_json::from_str(&text).expect("the report is JSON")
}

/// What a report claims to be is what its schema says, by somebody else's validator.
#[test]
fn report_is_valid_by_its_schema() {
    let folder = Folder::new();
    let out = folder.path("out").display().to_string();
    let wrong = Running::serve("another secret than the one in use", &[]);
    for args in [vec!["run", "--report", &out], vec!["run", "--report", &out, "--target", &wrong.url]] {
        hookgate_with(&[("ORCH_WEBHOOK_SECRET", SECRET)], &args);
        let schema: Value = serde_json::from_str(include_str!("../../schema/report.json")).expect("the schema is JSON");
        let validator = jsonschema::validator_for(&schema).expect("the schema is a schema");
        let report = report_in(&folder);
        let wrong: Vec<String> = validator.iter_errors(&report).map(|error| error.to_string()).collect();
        assert!(wrong.is_empty(), "{wrong:?}");
        let mut broken = report.clone();
        broken["summary"]["pass"] = "many".into();
        assert!(!validator.is_valid(&broken), "the schema says nothing");
    }
}

#[test]
fn database_without_the_tables_names_what_is_missing() {
    let folder = Folder::new();
    let database = folder.path("other.db");
    Connection::open(&database).expect("a database").execute_batch("CREATE TABLE things (a TEXT)").expect("a table");
    let serving = Running::serve(SECRET, &[]);
    let path = database.display().to_string();
    let told = hookgate_with(&[("ORCH_WEBHOOK_SECRET", SECRET)], &["run", "--target", &serving.url, "--db", &path]);
    insta::assert_snapshot!(told.replace(&path, "other.db"), @"
    exit 3
    --- stdout
    --- stderr
    error: the database other.db has no table `idempotency_keys`, which the contract names; it has things
    ");
}

#[test]
fn absent_database_is_told() {
    let serving = Running::serve(SECRET, &[]);
    let told = hookgate_with(&[("ORCH_WEBHOOK_SECRET", SECRET)], &["run", "--target", &serving.url, "--db", "absent.db"]);
    insta::assert_snapshot!(told, @"
    exit 3
    --- stdout
    --- stderr
    error: there is no database absent.db: give the path of the receiver's SQLite file with --db
    ");
}

#[test]
fn file_that_is_no_database_is_told() {
    let folder = Folder::new();
    let path = folder.write("notes.db", &"not a database, but long enough to be taken for one. ".repeat(20));
    let serving = Running::serve(SECRET, &[]);
    let told = hookgate_with(&[("ORCH_WEBHOOK_SECRET", SECRET)], &["run", "--target", &serving.url, "--db", &path]);
    insta::assert_snapshot!(told.replace(&path, "notes.db"), @"
    exit 3
    --- stdout
    --- stderr
    error: notes.db is not a SQLite database
    ");
}

/// Another connection holds the database while the run begins, and lets go when the probe has waited for it.
#[test]
fn database_that_is_locked_for_a_while_is_waited_for() {
    let folder = Folder::new();
    let serving = Running::serve(SECRET, &[]);
    let database = folder.path("empty.db");
    // An exclusive lock only stops readers where there is no write-ahead log.
    let holder = Connection::open(&database).expect("a connection");
    let tables = "CREATE TABLE idempotency_keys (key TEXT PRIMARY KEY, ts TEXT NOT NULL, ttl INTEGER DEFAULT 86400);
                  CREATE TABLE audit_events (ts TEXT NOT NULL, actor TEXT NOT NULL, role TEXT NOT NULL, event TEXT NOT NULL,
                  task_id TEXT, appr_id TEXT, payload_sha256 TEXT, idem_key TEXT, PRIMARY KEY (ts, event))";
    holder.execute_batch(tables).expect("tables");
    holder.execute_batch("BEGIN EXCLUSIVE").expect("a lock");
    let path = database.display().to_string();
    let mut run = command();
    run.env("ORCH_WEBHOOK_SECRET", SECRET).args([
        "run",
        "--target",
        &serving.url,
        "--db",
        &path,
        "seed/idempotency-keys-table",
        "--format",
        "json",
    ]);
    let child = run.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    // Whoever has the file open has come to the lock.
    until("the run has opened the database", || has_open(child.id(), &database));
    holder.execute_batch("ROLLBACK").expect("unlocked");
    let output = child.wait_with_output().expect("it ends");
    let report: Value = serde_json::from_slice(&output.stdout).expect("a report");
    // The database was read: that it has no rows is a verdict about the receiver, and no error of the harness.
    assert_eq!(output.status.code(), Some(1), "{report:#}");
    assert_eq!(report["scenarios"][0]["findings"][0]["requirement"], "TTL-1", "{report:#}");
}

#[test]
fn unreachable_target_still_leaves_a_report() {
    let folder = Folder::new();
    let (out, url) = (folder.path("out").display().to_string(), nobody());
    let told = hookgate_with(&[("ORCH_WEBHOOK_SECRET", SECRET)], &["run", "--target", &url, "--report", &out]);
    assert!(told.starts_with("exit 3\n"), "{told}");
    let report = report_in(&folder);
    assert_eq!(report["summary"]["verdict"], "incomplete");
    assert_eq!(report["summary"]["pass"], 0);
}

/// A target that answers its health check and then hangs: the user interrupts, and what was judged is in the report.
#[test]
fn interrupted_run_ends_at_once_and_leaves_a_report() {
    let folder = Folder::new();
    let out = folder.path("out").display().to_string();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let (seen, deliveries) = mpsc::channel();
    std::thread::spawn(move || {
        let mut kept = Vec::new();
        for stream in listener.incoming() {
            let stream = stream.expect("a connection");
            let (seen, mut writer) = (seen.clone(), stream.try_clone().expect("a second handle"));
            kept.push(stream.try_clone().expect("a third handle"));
            std::thread::spawn(move || {
                let mut first_line = None;
                for line in BufReader::new(stream).lines().map_while(Result::ok) {
                    first_line.get_or_insert_with(|| line.clone());
                    if line.is_empty() {
                        match first_line.take() {
                            Some(first) if first.starts_with("GET") => {
                                drop(writer.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"));
                            }
                            _ => drop(seen.send(())),
                        }
                    }
                }
            });
        }
    });
    let mut run = command();
    run.env("ORCH_WEBHOOK_SECRET", SECRET).args(["run", "--target", &url, "--timeout", "60 s", "--report", &out]);
    let child = run.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    deliveries.recv().expect("a delivery came");
    let sent = Command::new("sh").args(["-c", &format!("kill -INT {}", child.id())]).status().expect("a shell");
    assert!(sent.success());
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(130), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(report_in(&folder)["summary"]["verdict"], "interrupted");
}

/// The secret stands in no output, also when the target hands it back.
#[test]
fn secret_that_a_target_gives_away_is_in_no_output() {
    let folder = Folder::new();
    let out = folder.path("out").display().to_string();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a connection");
            let mut reader = BufReader::new(stream.try_clone().expect("a second handle"));
            std::thread::spawn(move || {
                let (mut line, mut length) = (String::new(), 0);
                while reader.read_line(&mut line).is_ok_and(|read| read > 0) {
                    if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
                        length = value.trim().parse().unwrap_or(0);
                    }
                    if line == "\r\n" {
                        let mut body = vec![0; length];
                        if std::io::Read::read_exact(&mut reader, &mut body).is_err() {
                            return;
                        }
                        let page = format!("{{\"accepted\":true,\"debug\":\"{SECRET}\"}}");
                        let answer = format!("HTTP/1.1 200 {SECRET}\r\nX-Debug: {SECRET}\r\nContent-Length: {}\r\n\r\n{page}", page.len());
                        if stream.write_all(answer.as_bytes()).is_err() {
                            return;
                        }
                        length = 0;
                    }
                    line.clear();
                }
            });
        }
    });
    for format in ["human", "json", "junit", "markdown"] {
        let args = ["run", "--target", &url, "--report", &out, "--format", format, "signature", "duplicate", "key"];
        let told = hookgate_with(&[("ORCH_WEBHOOK_SECRET", SECRET)], &args);
        assert!(told.starts_with("exit 1\n"), "{told}");
        assert!(told.contains("***") && !told.contains(SECRET), "{format}: {told}");
    }
    for file in ["report.json", "junit.xml", "report.md", "history.jsonl"] {
        let text = std::fs::read_to_string(folder.path("out").join(file)).expect("a file of the report");
        assert!(text.contains("***") && !text.contains(SECRET), "{file}");
    }
}
