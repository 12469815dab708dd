//! The probe reads what others write, and moves times back in the form they were found in.
#![expect(clippy::expect_used, reason = "a test ends where something is not as it should be")]

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use hookgate::clock::UnixMicros;
use hookgate::contract::Contract;
use hookgate::contract::reading::read_contract;
use hookgate::evidence::sqlite::rewind::rewind;
use hookgate::evidence::sqlite::{Probe, ProbeError};
use hookgate::files;
use rusqlite::Connection;

use crate::surroundings::Folder;

/// Long enough to be waited for, short enough for a test of what is never released.
const BRIEF: Duration = Duration::from_millis(50);
/// Long enough for anything that is waited for, and not for ever.
const PATIENCE: Duration = Duration::from_secs(20);

fn contract() -> Contract {
    let base = |name: &str| files::shipped_contract(name).map(|file| file.text);
    let text = files::shipped_contract("orch-phase3").expect("a shipped contract").text;
    read_contract("orch-phase3", &text, &base).expect("a contract without mistakes")
}

/// A database with the contract's tables and the rows of a script: `key ts ttl`, a line each.
fn database(folder: &Folder, mode: &str, rows: &str) -> (PathBuf, Connection) {
    let path = folder.path("orch.db");
    let writer = Connection::open(&path).expect("a database");
    writer.pragma_update(None, "journal_mode", mode).expect("a mode");
    let tables = "CREATE TABLE idempotency_keys (key TEXT PRIMARY KEY, ts TEXT NOT NULL, ttl INTEGER DEFAULT 86400);
        CREATE TABLE audit_events (ts TEXT NOT NULL, actor TEXT NOT NULL, role TEXT NOT NULL, event TEXT NOT NULL,
        task_id TEXT, appr_id TEXT, payload_sha256 TEXT, idem_key TEXT, extra TEXT, PRIMARY KEY (ts, event))";
    writer.execute_batch(tables).expect("tables");
    for row in rows.lines().map(str::trim).filter(|row| !row.is_empty()) {
        let (key, rest) = row.split_once(' ').expect("a key");
        let (ts, ttl) = rest.rsplit_once(' ').expect("a time and a TTL");
        let ts = ts.parse::<i64>().map_or_else(|_| rusqlite::types::Value::from(ts.to_owned()), rusqlite::types::Value::from);
        writer
            .execute("INSERT INTO idempotency_keys VALUES (?1, ?2, ?3)", rusqlite::params![key, ts, ttl.parse::<i64>().ok()])
            .expect("a row");
    }
    (path, writer)
}

fn open(path: &Path) -> Result<Probe, ProbeError> {
    Probe::open(path, contract().state.as_ref().expect("tables"), BRIEF)
}

/// In both journal modes a transaction of a writer is neither waited for nor seen before it is committed.
#[test]
fn database_is_read_while_it_is_written() {
    for mode in ["WAL", "DELETE"] {
        let folder = Folder::new();
        let (path, writer) = database(&folder, mode, "k1 2025-10-05T20:05:03.123456 86400");
        writer
            .execute_batch("BEGIN IMMEDIATE; INSERT INTO idempotency_keys VALUES ('k2', '2025-10-05T20:05:04.000000', 60)")
            .expect("a write");
        let probe = open(&path).expect("readable");
        assert_eq!(probe.state().expect("a state").keys.len(), 1, "{mode}");
        writer.execute_batch("COMMIT").expect("committed");
        let state = probe.state().expect("a state");
        assert_eq!(
            state.keys.iter().map(ToString::to_string).collect::<Vec<_>>(),
            [r#"key="k1" ts="2025-10-05T20:05:03.123456" ttl=86400"#, r#"key="k2" ts="2025-10-05T20:05:04.000000" ttl=60"#,]
        );
    }
}

/// Keys are told apart by their bytes, also where a column's own collation takes them for one.
#[test]
fn keys_are_told_apart_whatever_the_columns_collation() {
    let folder = Folder::new();
    let path = folder.path("orch.db");
    let writer = Connection::open(&path).expect("a database");
    let script = "CREATE TABLE idempotency_keys (key TEXT COLLATE NOCASE, ts TEXT NOT NULL, ttl INTEGER DEFAULT 86400);
        CREATE TABLE audit_events (ts TEXT NOT NULL, actor TEXT NOT NULL, role TEXT NOT NULL, event TEXT NOT NULL,
        task_id TEXT, appr_id TEXT, payload_sha256 TEXT, idem_key TEXT, extra TEXT, PRIMARY KEY (ts, event));
        INSERT INTO idempotency_keys VALUES ('key-a', '2025-10-05T20:05:03.123456', 60), ('key-A', '2025-10-05T20:05:04.123456', 60);
        CREATE TABLE done (event TEXT COLLATE RTRIM); INSERT INTO done VALUES ('key-a'), ('key-b ')";
    writer.execute_batch(script).expect("rows");
    let probe = open(&path).expect("readable");
    assert_eq!(probe.effects("idempotency_keys", "key", &["key-a", "key-A", "KEY-A"]).expect("counts"), [1, 1, 0]);
    assert_eq!(probe.effects("done", "event", &["key-a", "key-a ", "key-b"]).expect("counts"), [1, 0, 0]);
    let mut by_key = Vec::new();
    probe.rows_by_key("key-", |key, rows| by_key.push((key.to_owned(), rows)), |_, _| ()).expect("rows");
    by_key.sort();
    assert_eq!(by_key, [("key-A".to_owned(), 1), ("key-a".to_owned(), 1)]);
}

/// Rows of other events are other people's, and columns that the contract does not name are left out.
#[test]
fn only_what_the_contract_names_is_read() {
    let folder = Folder::new();
    let (path, writer) = database(&folder, "WAL", "");
    let rows = "INSERT INTO audit_events VALUES ('2025-10-05T20:05:03.000001', 'webhook', 'EXTERNAL', 'terminal_callback', 't', NULL, 'h', 'k1', 'x');
        INSERT INTO audit_events VALUES ('2025-10-05T20:05:03.000001', 'ui', 'USER', 'login', NULL, NULL, NULL, NULL, 'x')";
    writer.execute_batch(rows).expect("rows");
    let probe = open(&path).expect("readable");
    let state = probe.rows_of(&[], &["k1".to_owned(), "k2".to_owned()]).expect("rows");
    assert_eq!((state.keys.len(), state.audit.len()), (0, 1));
    assert_eq!(state.audit[0].columns.len(), 8);
    assert_eq!(probe.counts(UnixMicros::from_secs(1_759_694_704)).expect("counts").audit, 1);
}

/// Expired keys are not counted; keys whose life cannot be told are.
#[test]
fn keys_that_are_live_are_counted() {
    let folder = Folder::new();
    let rows = "old 2025-10-04T20:05:00.000000 86400\n edge 2025-10-05T20:05:00.000000 10\n new 2025-10-05T20:05:09.000000 86400\n odd 2025-10-05T20:05:09.000000 none";
    let (path, _writer) = database(&folder, "WAL", rows);
    let at = hookgate::clock::iso::read("2025-10-05T20:05:10.900000").expect("a time").0;
    let counts = open(&path).expect("readable").counts(at).expect("counts");
    assert_eq!((counts.keys, counts.ends), (3, vec![UnixMicros::from_secs(at.secs() + 1)]));
}

#[test]
fn lock_that_is_never_released_is_told_with_the_time_that_was_waited() {
    let folder = Folder::new();
    let (path, writer) = database(&folder, "WAL", "");
    writer.execute_batch("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE").expect("a lock");
    let told = open(&path).and_then(|probe| probe.state().map(drop)).expect_err("it is locked").to_string();
    assert_eq!(
        told.replace(&path.display().to_string(), "orch.db"),
        "the database orch.db was busy for 50 ms: another connection holds it locked"
    );
}

#[test]
fn column_that_is_missing_is_named() {
    let folder = Folder::new();
    let (path, writer) = database(&folder, "WAL", "");
    writer.execute_batch("ALTER TABLE audit_events DROP COLUMN idem_key").expect("one column fewer");
    let told = open(&path).map(drop).expect_err("a column is missing").to_string();
    assert!(told.contains("`audit_events`") && told.contains("no column idem_key") && told.contains("payload_sha256"), "{told}");
}

/// Every form of time is moved and kept: with and without microseconds, `T` or a space, `Z`, seconds since the epoch.
#[test]
fn times_are_moved_back_in_the_form_they_were_found_in() {
    let folder = Folder::new();
    let rows = "a 2025-10-05T20:05:03.123456 60\n b 2025-10-05 20:05:03 60\n c 2025-10-05T20:05:03Z 60\n d 1759694703 60\n other 2025-10-05T20:05:03 60";
    let (path, _writer) = database(&folder, "WAL", rows);
    let keys: Vec<String> = ["a", "b", "c", "d", "absent"].map(str::to_owned).to_vec();
    let tables = contract().state.expect("tables");
    assert_eq!(rewind(&path, tables.keys.as_ref().expect("a table of keys"), &keys, Duration::from_secs(86_402), BRIEF).expect("moved"), 4);
    let reader = Connection::open(&path).expect("readable");
    let mut query = reader.prepare("SELECT key || ' ' || ts FROM idempotency_keys ORDER BY key").expect("a query");
    let found: Vec<String> = query.query_map([], |row| row.get(0)).expect("rows").collect::<Result<_, _>>().expect("text");
    let wanted =
        ["a 2025-10-04T20:05:01.123456", "b 2025-10-04 20:05:01", "c 2025-10-04T20:05:01Z", "d 1759608301", "other 2025-10-05T20:05:03"];
    assert_eq!(found, wanted);
}

/// A time that cannot be read moves nothing at all.
#[test]
fn time_that_cannot_be_read_moves_no_row() {
    let folder = Folder::new();
    let (path, writer) = database(&folder, "WAL", "a 2025-10-05T20:05:03 60\n b yesterday 60");
    let tables = contract().state.expect("tables");
    let told =
        rewind(&path, tables.keys.as_ref().expect("a table of keys"), &["a".to_owned(), "b".to_owned()], Duration::from_secs(60), BRIEF)
            .expect_err("no time")
            .to_string();
    assert!(told.contains("key \"b\"") && told.contains("yesterday"), "{told}");
    let ts: String = writer.query_row("SELECT ts FROM idempotency_keys WHERE key = 'a'", [], |row| row.get(0)).expect("a row");
    assert_eq!(ts, "2025-10-05T20:05:03");
}

/// A database that is only to be looked at cannot be written through the probe's connection.
#[test]
fn absent_database_is_not_made() {
    let folder = Folder::new();
    let path = folder.path("absent.db");
    assert!(matches!(open(&path).map(drop), Err(ProbeError::Absent { .. })));
    assert!(!path.exists());
}

/// Who does not wait for locks can write all the same: a probe never holds one that a writer could meet.
#[test]
fn writer_without_patience_is_never_held_up_by_a_probe() {
    for mode in ["WAL", "DELETE", "TRUNCATE"] {
        let folder = Folder::new();
        let (path, writer) = database(&folder, mode, "");
        writer.busy_timeout(Duration::ZERO).expect("no patience");
        writer.pragma_update(None, "synchronous", "OFF").expect("faster");
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let reading = scope.spawn(|| {
                let mut most = 0;
                while !done.load(Ordering::SeqCst) {
                    let seen = Probe::open(&path, contract().state.as_ref().expect("tables"), PATIENCE).and_then(|probe| probe.state());
                    most = most.max(seen.expect("rows").keys.len());
                }
                most
            });
            for at in 0..300 {
                let put = format!("BEGIN IMMEDIATE; INSERT INTO idempotency_keys VALUES ('k{at}', '2025-10-05T20:05:03', 60); COMMIT");
                let written = writer.execute_batch(&put);
                if written.is_err() {
                    done.store(true, Ordering::SeqCst);
                }
                written.expect("nobody holds it up");
            }
            done.store(true, Ordering::SeqCst);
            assert!(reading.join().expect("it ends") <= 300, "{mode}");
        });
    }
}
