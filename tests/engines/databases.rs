//! Databases as they are found: of an earlier phase, written by others, locked, in use.
#![expect(clippy::expect_used, reason = "a test ends where something is not as it should be")]

use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use hookgate::clock::UnixMicros;
use hookgate::contract::Contract;
use hookgate::contract::reading::read_contract;
use hookgate::contract::tables::{StateTables, Table};
use hookgate::delivery::{Answer, Delivery, HeaderLine};
use hookgate::evidence::sqlite::{Probe, rewind};
use hookgate::files;
use hookgate::reference::Receiver;
use hookgate::reference::memory::MemoryStore;
use hookgate::reference::store::Store;
use hookgate::sqlite::SqliteStore;
use rusqlite::Connection;

const START: UnixMicros = UnixMicros::from_secs(1_759_694_703);
/// Long enough for anything that is waited for, and not for ever.
const PATIENCE: Duration = Duration::from_secs(20);
const PHASE_3: &str = "CREATE TABLE idempotency_keys (key TEXT PRIMARY KEY, ts TEXT NOT NULL, ttl INTEGER DEFAULT 86400);
    CREATE TABLE audit_events (ts TEXT NOT NULL, actor TEXT NOT NULL, role TEXT NOT NULL, event TEXT NOT NULL,
    task_id TEXT, appr_id TEXT, payload_sha256 TEXT, idem_key TEXT, PRIMARY KEY (ts, event))";

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// A database after `sql`, and a connection that stays.
    fn database(&self, name: &str, sql: &str) -> (PathBuf, Connection) {
        let path = self.file(name);
        let connection = Connection::open(&path).expect("a database");
        connection.execute_batch(sql).expect("the SQL is right");
        (path, connection)
    }
}

fn contract(name: &str) -> Arc<Contract> {
    let base = |name: &str| files::shipped_contract(name).map(|file| file.text);
    Arc::new(read_contract(name, &base(name).expect("a shipped contract"), &base).expect("a contract without mistakes"))
}

fn tables() -> StateTables {
    contract("orch-phase3").state.clone().expect("phase 3 has tables")
}

fn key_table() -> Table {
    tables().keys.expect("phase 3 has a table of keys")
}

fn receiver<S: Store>(contract: &Arc<Contract>, store: S, ttl: Option<u64>) -> Receiver<S> {
    let signer = contract.signature.keyed(contract.secret.for_tests.as_bytes()).expect("a key");
    Receiver::new(Arc::clone(contract), Some(signer), store, ttl).expect("a receiver")
}

fn delivery(contract: &Contract, key: &str) -> Delivery {
    let signer = contract.signature.keyed(contract.secret.for_tests.as_bytes()).expect("a key");
    let headers = vec![HeaderLine::new("Idempotency-Key", key.to_owned())];
    let mut delivery = Delivery { method: "POST".into(), path: contract.endpoint.path.clone(), headers, body: "{}".into() };
    let lines = signer.header_lines(&delivery, key, "", START);
    delivery.headers.extend(lines);
    delivery
}

fn deliver<S: Store>(receiver: &mut Receiver<S>, key: &str, at: UnixMicros) -> Answer {
    let delivery = delivery(&Arc::clone(receiver.contract()), key);
    receiver.deliver(&delivery, at).expect("the store works")
}

fn is_duplicate(answer: &Answer) -> bool {
    assert_eq!(answer.status, 202, "{answer:?}");
    answer.json().is_some_and(|body| body["reference"]["type"] == "duplicate")
}

fn seconds(count: i64) -> UnixMicros {
    UnixMicros(START.0 + count * 1_000_000)
}

/// Requirement DB-3: keys of phase 2 live for the default TTL, its audit rows stay.
#[test]
fn database_of_phase_2_is_migrated_when_phase_3_opens_it() {
    let (folder, phase_2, phase_3) = (Folder::new(), contract("orch-phase2"), contract("orch-phase3"));
    let path = folder.file("orch.db");
    let mut before = receiver(&phase_2, SqliteStore::open(Arc::clone(&phase_2), &path).expect("a store"), None);
    assert_eq!(deliver(&mut before, "old", START).status, 202);
    drop(before);
    let mut after = receiver(&phase_3, SqliteStore::open(Arc::clone(&phase_3), &path).expect("it opens again"), None);
    assert!(is_duplicate(&deliver(&mut after, "old", seconds(86_398))));
    assert!(!is_duplicate(&deliver(&mut after, "old", seconds(86_402))));
    let state = after.store().state().expect("rows");
    let told: Vec<String> = state.keys.iter().chain(&state.audit).map(ToString::to_string).collect();
    let sha256 = "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";
    insta::assert_snapshot!(told.join("\n").replace(sha256, "<sha256 of {}>"), @r#"
    key="old" ts="2025-10-06T20:05:05.000000" ttl=86400
    ts="2025-10-05T20:05:03.000000" actor="webhook" role="EXTERNAL" event="terminal_callback" task_id=NULL appr_id=NULL payload_sha256="<sha256 of {}>" idem_key=NULL
    ts="2025-10-06T20:05:05.000000" actor="webhook" role="EXTERNAL" event="terminal_callback" task_id=NULL appr_id=NULL payload_sha256="<sha256 of {}>" idem_key="old"
    "#);
}

/// Rows that others wrote are kept for ever when their life cannot be told, and never end a delivery in an error.
#[test]
fn rows_of_others_do_no_harm() {
    let (folder, contract) = (Folder::new(), contract("orch-phase3"));
    let rows = "INSERT INTO idempotency_keys VALUES ('no-ttl', '2025-10-05T20:05:03', NULL), ('negative', '2025-10-05T20:05:03', -5),
        ('word', '2025-10-05T20:05:03', 'soon'), ('no-time', 'yesterday', 60), ('number', 1759694703, 60), ('blob', x'00ff', 60),
        ('now', 'now', 60), ('huge', '2025-10-05T20:05:03', 9223372036854775807), ('no-hash', '2025-10-05T20:05:03', 86400);
        INSERT INTO audit_events (ts, actor, role, event, idem_key) VALUES ('2025-10-05T20:05:03', 'a', 'r', 'terminal_callback', 'no-hash')";
    let (path, connection) = folder.database("orch.db", &format!("{PHASE_3}; {rows}"));
    drop(connection);
    let mut receiver = receiver(&contract, SqliteStore::open(Arc::clone(&contract), &path).expect("it opens"), None);
    for key in ["no-ttl", "negative", "word", "no-time", "number", "blob", "now", "huge", "no-hash"] {
        assert!(is_duplicate(&deliver(&mut receiver, key, seconds(10))), "{key}");
    }
    assert!(!is_duplicate(&deliver(&mut receiver, "fresh", seconds(86_402))));
    let state = receiver.store().state().expect("rows");
    let left: Vec<&str> = state.keys.iter().filter_map(|row| row.text("key")).collect();
    assert!(!left.contains(&"no-ttl") && !left.contains(&"no-hash"), "these ended: {left:?}");
    assert!(["negative", "word", "no-time", "number", "huge"].iter().all(|key| left.contains(key)), "these never end: {left:?}");
}

/// Around the boundary second both stores go by the same clock, also in the last half of its last millisecond.
#[test]
fn stores_agree_on_the_end_of_a_key_to_the_microsecond() {
    let contract = contract("orch-phase3");
    for micros in [0, 1, 499_499, 499_500, 500_000, 999_499, 999_500, 999_501, 999_999] {
        for (after, more) in [(59, 0), (60, 0), (60, 999_400), (60, 999_700), (61, 0), (61, 600), (61, 999_999), (62, 0)] {
            let sqlite = SqliteStore::in_memory(Arc::clone(&contract)).expect("a database");
            let mut in_memory = receiver(&contract, MemoryStore::new(Arc::clone(&contract)), Some(60));
            let mut in_sqlite = receiver(&contract, sqlite, Some(60));
            let (first, then) = (UnixMicros(START.0 + micros), UnixMicros(START.0 + after * 1_000_000 + more));
            let answers =
                [(first, "k"), (then, "other")].map(|(at, key)| (deliver(&mut in_memory, key, at), deliver(&mut in_sqlite, key, at)));
            assert!(answers.iter().all(|(memory, sqlite)| memory == sqlite));
            let states = (in_memory.store().state().expect("rows"), in_sqlite.store().state().expect("rows"));
            assert_eq!(states.0, states.1, "accepted at .{micros:06}, looked at {after} s {more} us later");
        }
    }
}

#[test]
fn store_that_cannot_be_opened_says_which_file_and_why() {
    let (folder, contract) = (Folder::new(), contract("orch-phase3"));
    let absent = folder.file("no/such/folder.db");
    let broken = folder.file("notes.db");
    std::fs::write(&broken, "not a database, but long enough to be taken for one. ".repeat(20)).expect("a file");
    let view = folder.database("view.db", "CREATE VIEW idempotency_keys AS SELECT 1 AS key, 2 AS ts, 3 AS ttl").0;
    let told: Vec<String> = [absent, broken, view]
        .iter()
        .map(|path| SqliteStore::open(Arc::clone(&contract), path).err().map_or_else(String::new, |wrong| wrong.to_string()))
        .map(|told| told.replace(&folder.0.path().display().to_string(), "FOLDER"))
        .collect();
    insta::assert_snapshot!(told.join("\n"), @"
    the store could not open its database: FOLDER/no/such/folder.db: unable to open database file: FOLDER/no/such/folder.db
    the store could not open its database: FOLDER/notes.db: file is not a database
    the store could not make its tables: views may not be indexed
    ");
}

/// Rows are read while another connection is in the middle of writing, with a write-ahead log and with a rollback journal.
#[test]
fn probe_reads_what_is_committed_while_others_write() {
    for mode in ["WAL", "DELETE"] {
        let folder = Folder::new();
        let (path, writer) = folder.database("orch.db", &format!("PRAGMA journal_mode={mode}; {PHASE_3}"));
        writer.execute_batch("INSERT INTO idempotency_keys VALUES ('a', '2025-10-05T20:05:03', 60); BEGIN IMMEDIATE").expect("a row");
        writer.execute_batch("INSERT INTO idempotency_keys VALUES ('b', '2025-10-05T20:05:04', 60)").expect("a row");
        let probe = Probe::open(&path, &tables(), PATIENCE).expect("it can be read");
        let keys = || probe.state().expect("rows").keys.iter().map(|row| row.text("key").unwrap_or("").to_owned()).collect::<Vec<_>>();
        assert_eq!(keys(), ["a"], "{mode}");
        writer.execute_batch("COMMIT").expect("committed");
        assert_eq!(keys(), ["a", "b"], "{mode}");
    }
}

/// A lock that is given up is waited for; one that is not is told, with how long was waited.
#[test]
fn probe_waits_for_a_lock_so_long_and_no_longer() {
    let folder = Folder::new();
    let (path, holder) = folder.database("orch.db", PHASE_3);
    let probe = Probe::open(&path, &tables(), PATIENCE).expect("it can be read");
    let many = "INSERT INTO idempotency_keys SELECT hex(randomblob(500)), '2025-10-05T20:05:03', 60
        FROM (WITH RECURSIVE n(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n LIMIT 2000) SELECT * FROM n)";
    // So many that some are in the file already.
    holder.execute_batch(&format!("PRAGMA cache_size = 1; BEGIN EXCLUSIVE; {many}")).expect("a lock");
    let impatient = Probe::open(&path, &tables(), Duration::from_millis(50)).err().expect("it is locked").to_string();
    assert_eq!(
        impatient.replace(&path.display().to_string(), "orch.db"),
        "the database orch.db was busy for 50 ms: another connection holds it locked"
    );
    let (about_to_read, reads) = mpsc::channel();
    std::thread::scope(|scope| {
        let reading = scope.spawn(move || {
            about_to_read.send(()).expect("somebody listens");
            probe.state()
        });
        reads.recv().expect("it is about to read");
        holder.execute_batch("COMMIT").expect("unlocked");
        assert_eq!(reading.join().expect("it ends").expect("rows").keys.len(), 2000);
    });
}

#[test]
fn probe_names_what_is_missing() {
    let folder = Folder::new();
    let told = |name: &str, sql: &str| {
        let path = folder.database(name, sql).0;
        Probe::open(&path, &tables(), PATIENCE).err().map_or_else(|| "nothing".to_owned(), |wrong| wrong.to_string())
    };
    let notes = folder.file("notes.db");
    std::fs::write(&notes, "not a database, but long enough to be taken for one. ".repeat(20)).expect("a file");
    let opened = |path: &Path| Probe::open(path, &tables(), PATIENCE).err().map_or_else(String::new, |wrong| wrong.to_string());
    let all = [
        opened(&folder.file("absent.db")),
        opened(folder.0.path()),
        opened(&notes),
        told("empty.db", ""),
        told("one.db", "CREATE TABLE idempotency_keys (key TEXT, ts TEXT); CREATE TABLE jobs (id TEXT)"),
        told("columns.db", "CREATE TABLE idempotency_keys (id TEXT, at TEXT); CREATE TABLE audit_events (ts TEXT)"),
        told("old.db", "CREATE TABLE idempotency_keys (key TEXT, ts TEXT); CREATE TABLE audit_events (ts TEXT, event TEXT, idem_key TEXT)"),
    ];
    insta::assert_snapshot!(all.join("\n").replace(&folder.0.path().display().to_string(), "FOLDER"), @"
    there is no database FOLDER/absent.db: give the path of the receiver's SQLite file with --db
    there is no database FOLDER: give the path of the receiver's SQLite file with --db
    FOLDER/notes.db is not a SQLite database
    the database FOLDER/empty.db has no table `idempotency_keys`, which the contract names; it has no table at all
    the database FOLDER/one.db has no table `audit_events`, which the contract names; it has idempotency_keys, jobs
    the table `idempotency_keys` of FOLDER/columns.db has no column key, ts, which the contract names; it has id, at
    nothing
    ");
}

/// However many values are looked for, rows come oldest first and each once.
#[test]
fn probe_finds_rows_of_many_keys_oldest_first() {
    let folder = Folder::new();
    let (path, writer) = folder.database("orch.db", PHASE_3);
    writer.execute_batch("BEGIN").expect("one transaction");
    let mut keys: Vec<String> = (0..1_200).map(|at| format!("key-{at} '\"%_")).collect();
    for (at, key) in (0_u32..).zip(&keys) {
        let put = "INSERT INTO idempotency_keys VALUES (?1, '2025-10-05T20:' || printf('%02d:%02d', ?2 / 60, ?2 % 60), 60)";
        writer.execute(put, rusqlite::params![key, at]).expect("a row");
    }
    writer.execute_batch("COMMIT").expect("committed");
    let oldest_first = keys.clone();
    keys.reverse();
    let probe = Probe::open(&path, &tables(), PATIENCE).expect("it can be read");
    let rows = probe.rows_of(&[keys.as_slice(), &keys[..3]].concat(), &[]).expect("rows").keys;
    assert!(rows.iter().filter_map(|row| row.text("key")).eq(oldest_first.iter().map(String::as_str)));
    assert_eq!(probe.rows_of(&["no such key".to_owned()], &[]).expect("rows").keys.len(), 0);
}

/// Only the named keys, each in its own form.
#[test]
fn times_are_moved_back_in_the_form_they_were_found_in() {
    let folder = Folder::new();
    let times = [
        ("contract", "'2025-10-05T20:05:03.123456'"),
        ("space", "'2025-10-05 20:05:03'"),
        ("zone", "'2025-10-05T20:05:03.5+02:00'"),
        ("text-number", "1759694703"),
        ("text-fraction", "1759694703.25"),
        ("untouched", "'2025-10-05T20:05:03Z'"),
    ];
    let rows: Vec<String> = times.iter().map(|(key, ts)| format!("('{key}', {ts}, 60)")).collect();
    let (path, connection) =
        folder.database("orch.db", &format!("PRAGMA journal_mode=WAL; {PHASE_3}; INSERT INTO idempotency_keys VALUES {}", rows.join(",")));
    let mut keys: Vec<String> = times[..5].iter().map(|(key, _)| (*key).to_owned()).collect();
    keys.push("never delivered".to_owned());
    let by = Duration::from_secs(86_402);
    assert_eq!(rewind::rewind(&path, &key_table(), &keys, by, PATIENCE).expect("it moves"), 5);
    let told = |connection: &Connection| {
        let mut query =
            connection.prepare("SELECT key || '  ' || ts || '  ' || typeof(ts) FROM idempotency_keys ORDER BY rowid").expect("SQL");
        let rows = query.query_map([], |row| row.get::<_, String>(0)).expect("rows").collect::<Result<Vec<_>, _>>();
        rows.expect("rows").join("\n")
    };
    insta::assert_snapshot!(told(&connection), @"
    contract  2025-10-04T20:05:01.123456  text
    space  2025-10-04 20:05:01  text
    zone  2025-10-04T20:05:01.5+02:00  text
    text-number  1759608301  text
    text-fraction  1759608301.25  text
    untouched  2025-10-05T20:05:03Z  text
    ");
    // One row that cannot be moved, and nothing is.
    connection.execute_batch("UPDATE idempotency_keys SET ts = 'yesterday' WHERE key = 'space'").expect("a row");
    let before = told(&connection);
    let wrong = rewind::rewind(&path, &key_table(), &keys, by, PATIENCE).expect_err("it is no time");
    insta::assert_snapshot!(wrong.to_string(), @r#"cannot move the time of key "space": "yesterday" is not a time that is known here"#);
    assert_eq!(told(&connection), before);
}

/// A name that SQLite would read as a URI is the name of a file here.
#[test]
fn path_is_never_taken_for_a_uri() {
    let folder = Folder::new();
    let (path, _connection) = folder.database("a b?mode=memory#x%41.db", PHASE_3);
    assert!(Probe::open(&path, &tables(), PATIENCE).is_ok());
    assert!(path.is_file());
}
