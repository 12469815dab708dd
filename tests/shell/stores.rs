//! One receiver over every store: right ones conform, wrong ones are caught, and what keeps hookgate out is told in one sentence.
#![expect(clippy::expect_used, reason = "a test ends where something is not as it should be")]

#[cfg(feature = "load")]
mod coming_and_going;
mod reviewed;

use serde_json::Value;

use crate::command_line::{alone, command, patiently};
use crate::servers::{Server, mysql, postgres, redis};
use crate::surroundings::{Folder, project, tool};

/// The contract, with where rows and effects stand in one kind of store.
const SQLITE: &str = r#"
state:
  keys: {table: remembered, columns: [{name: life, type: INTEGER, holds: "{ttl}"}, {name: digest, type: TEXT, holds: "{sha256}"},
    {name: token, type: TEXT, primary_key: 1, holds: "{key}"}, {name: seen_at, type: INTEGER, holds: "{ts}"}]}
  audit: {table: trail, columns: [{name: n, type: INTEGER, primary_key: 1, free: true}, {name: body_hash, type: TEXT, holds: "{sha256}"},
    {name: happened, type: TEXT, holds: "{ts}"}, {name: who, type: TEXT, holds: "{key}"}]}
effects: {table: done, key: token}
"#;
const POSTGRES: &str = r#"
state:
  keys: {table: remembered, columns: [{name: token, type: varchar, primary_key: 1, holds: "{key}"},
    {name: seen_at, type: timestamptz, holds: "{ts}"}, {name: life, type: bigint, holds: "{ttl}"},
    {name: digest, type: bytea, holds: "{sha256}"}]}
  audit: {table: app.trail, columns: [{name: who, type: text, holds: "{key}"}, {name: happened, type: timestamp, holds: "{ts}"},
    {name: n, type: bigint, primary_key: 1, free: true}, {name: body_hash, type: text, holds: "{sha256}"}]}
effects: {table: done, key: token}
"#;
const MYSQL: &str = r#"
state:
  keys: {table: remembered, columns: [{name: seen_at, type: datetime, holds: "{ts}"}, {name: life, type: bigint, holds: "{ttl}"},
    {name: digest, type: varchar, holds: "{sha256}"}, {name: token, type: varbinary, primary_key: 1, holds: "{key}"}]}
  audit: {table: trail, columns: [{name: who, type: varchar, holds: "{key}"}, {name: happened, type: double, holds: "{ts}"},
    {name: n, type: bigint, primary_key: 1, free: true}, {name: body_hash, type: char, holds: "{sha256}"}]}
effects: {table: done, key: token}
"#;
const REDIS: &str = r#"
state:
  keys: {table: "idem:{key}", columns: [{name: token, type: string, primary_key: 1, holds: "{key}"},
    {name: expiry, type: expiry, holds: "{ttl}"}, {name: digest, type: string, holds: "{sha256}"}]}
effects: {table: "done:{key}"}
"#;
const PAGE: &str = "\neffects: {path: \"/__effects?key={key}\", count: \"/by_key/{key}\", keys_a_page: 100}\n";
const LOG: &str = "\neffects: {log: \"{dir}/jobs.log\", pattern: \"did {key}$\"}\n";

/// What tells of memory, under this contract.
const OF_MEMORY: [&str; 8] = ["DUP-1", "DUP-5", "DUP-6", "ONCE-1", "ONCE-3", "EFF-1", "EFF-2", "OTHER-1"];

/// A receiver over a store, and what it takes to judge it.
#[derive(Clone)]
struct Judged<'a> {
    state: &'a str,
    store: String,
    python: String,
    env: &'a [(&'static str, String)],
    more: Vec<String>,
}

impl Judged<'_> {
    fn over<'a>(server: &'a Server, state: &'a str) -> Judged<'a> {
        let more = vec!["--db".to_owned(), server.db.clone(), "--clock".to_owned(), "rewind".to_owned()];
        let python = server.python.display().to_string();
        Judged { state, store: server.store.clone(), python, env: &server.env, more }
    }

    /// The exit code, the report, and what was said beside it.
    fn run(&self, knob: &str, scenarios: &[&str]) -> (Option<i32>, Value, String) {
        let folder = Folder::new();
        let contract = std::fs::read_to_string(project("tests/contracts/over-any-store.yaml")).expect("the contract");
        let contract = folder.write("contract.yaml", &format!("{contract}{}", self.state));
        let receiver = format!(
            "exec {} tests/receivers/over_any_store.py --port {{port}} --effects {{dir}}/jobs.log --store '{}'",
            self.python, self.store
        );
        let mut run = command();
        run.env("JOBS_SECRET", "jobs-secret-for-tests").env("KNOB", knob).envs(self.env.iter().cloned());
        run.arg("run").args(scenarios).args(["--exec", &receiver, "--seed", "1", "--format", "json"]);
        let output = patiently(run.args(&self.more), &contract);
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        let report = serde_json::from_slice(&output.stdout).map_err(|_| format!("{knob}: {told}"));
        (output.status.code(), report.expect("a report"), told)
    }

    /// Sees that the right receiver conforms; gives what was not applicable.
    fn is_right(&self) -> Vec<String> {
        let (exit, report, told) = self.run("right", &[]);
        let off: Vec<&Value> =
            list(&report, "scenarios").iter().filter(|one| !["pass", "not-applicable"].contains(&verdict(one))).collect();
        assert!(off.is_empty(), "{} {off:#?} {told}", self.store);
        assert_eq!((exit, &report["summary"]["verdict"]), (Some(0), &"conforms".into()), "{told}");
        let requirements = list(&report, "requirements");
        for id in OF_MEMORY {
            let one = requirements.iter().find(|one| one["id"] == id).expect("a requirement");
            assert_eq!(verdict(one), "pass", "{} {one}", self.store);
        }
        let effects = requirements.iter().find(|one| one["id"] == "EFF-1").expect("a requirement");
        assert!(effects["rests_on"].as_array().is_some_and(|all| all.contains(&"effects".into())), "{effects}");
        let passed_over = list(&report, "scenarios").iter().filter(|one| verdict(one) == "not-applicable");
        passed_over.filter_map(|one| one["id"].as_str().map(str::to_owned)).collect()
    }

    fn is_caught(&self, knob: &str, scenarios: &str, requirement: &str) {
        let (exit, report, told) = self.run(knob, &[scenarios]);
        assert_eq!((exit, broken(&report).contains(&requirement)), (Some(1), true), "{} {knob}: {:?} {told}", self.store, broken(&report));
    }

    /// The wrong receivers that every store can show.
    fn are_caught(&self) {
        self.is_caught("looks-up-then-inserts", "concurrency/exactly*", "ONCE-1");
        self.is_caught("never-expires", "ttl/key-is-new-again-past*", "TTL-3");
        self.is_caught("effect-twice", "effect/duplicates*", "EFF-1");
        self.is_caught("effect-for-duplicates", "effect/duplicates*", "EFF-2");
        self.is_caught("races-like-first", "effect/one-effect*", "EFF-1");
    }
}

fn list<'r>(report: &'r Value, what: &str) -> &'r [Value] {
    report[what].as_array().expect("a list")
}

fn verdict(one: &Value) -> &str {
    one["verdict"].as_str().expect("a verdict")
}

fn broken(report: &Value) -> Vec<&str> {
    list(report, "requirements").iter().filter(|one| verdict(one) == "fail").filter_map(|one| one["id"].as_str()).collect()
}

fn sqlite() -> Judged<'static> {
    let more = ["--db", "sqlite:{dir}/jobs.db", "--clock", "rewind"].map(str::to_owned).to_vec();
    Judged { state: SQLITE, store: "sqlite:{dir}/jobs.db".to_owned(), python: "python3".to_owned(), env: &[], more }
}

#[test]
fn right_receiver_conforms_over_sqlite_and_wrong_ones_are_caught() {
    if tool("python3").is_some() {
        sqlite().is_right();
        sqlite().are_caught();
    }
}

/// Whatever SQLite can show, PostgreSQL and MySQL can.
#[test]
fn right_receiver_conforms_over_postgres_and_wrong_ones_are_caught() {
    let Some(server) = postgres() else { return };
    let judged = Judged::over(&server, POSTGRES);
    assert_eq!(judged.is_right(), sqlite().is_right());
    judged.are_caught();
}

#[test]
fn right_receiver_conforms_over_mysql_and_wrong_ones_are_caught() {
    let Some(server) = mysql() else { return };
    let judged = Judged::over(&server, MYSQL);
    assert_eq!(judged.is_right(), sqlite().is_right());
    judged.are_caught();
}

/// Redis keeps no audit rows: what looks at them is passed over, and nothing else.
#[test]
fn right_receiver_conforms_over_redis_and_wrong_ones_are_caught() {
    let Some(server) = redis() else { return };
    for kind in ["hash", "string", "json"] {
        let mut judged = Judged::over(&server, REDIS);
        judged.store = format!("{}?as={kind}", server.store);
        let passed_over = judged.is_right();
        let whole = sqlite().is_right();
        let more: Vec<&String> = passed_over.iter().filter(|id| !whole.contains(id)).collect();
        let of_rows = |id: &&&String| {
            !["audit/", "database/", "concurrency/", "duplicate/", "fault/", "http/", "key/", "reuse/", "ttl/", "signature/", "restart/"]
                .iter()
                .any(|topic| id.starts_with(topic))
        };
        assert!(more.iter().filter(of_rows).count() == 0, "{kind}: {more:?}");
        if kind == "hash" {
            judged.are_caught();
        }
    }
}

/// A page, a log and a command count effects where there is no database at all.
#[test]
fn effects_are_counted_without_a_database() {
    if tool("python3").is_none() || tool("curl").is_none() {
        return;
    }
    let count = "curl -sS 'http://127.0.0.1:{port}/__effects?key='{key} | python3 -c 'import json, sys; print(sum(json.load(sys.stdin)[\"by_key\"].values()))'";
    for (state, more) in [(PAGE, Vec::new()), (LOG, Vec::new()), ("", vec!["--evidence-cmd".to_owned(), count.to_owned()])] {
        let judged = Judged { state, store: "sqlite:{dir}/jobs.db".to_owned(), python: "python3".to_owned(), env: &[], more };
        if state == PAGE {
            judged.is_right();
        } else {
            let (exit, report, told) = judged.run("right", &["effect/*"]);
            assert_eq!(exit, Some(0), "{told} {report}");
        }
        judged.is_caught("effect-twice", "effect/duplicates*", "EFF-1");
        judged.is_caught("effect-for-duplicates", "effect/duplicates*", "EFF-2");
        judged.is_caught("races-like-first", "effect/one-effect*", "EFF-1");
    }
}

/// What keeps hookgate out is one sentence, and the report is there.
#[test]
fn what_keeps_a_database_closed_is_one_sentence() {
    if let Some(server) = postgres() {
        let with = |db: &str, state: &str, env: &[(&'static str, String)]| {
            let more = vec!["--db".to_owned(), db.to_owned()];
            let judged = Judged { state, store: server.store.clone(), python: server.python.display().to_string(), env, more };
            let (exit, report, told) = judged.run("right", &["duplicate/duplicate-is-told*"]);
            assert!(list(&report, "scenarios").iter().all(|one| verdict(one) == "undecided"), "{report}");
            assert_eq!(exit, Some(3), "{told}");
            told
        };
        assert!(with(&server.db.replace("/postgres", "/shop"), POSTGRES, &server.env).contains("has no such database"));
        assert!(with(&server.db, &POSTGRES.replace("remembered", "forgotten"), &server.env).contains("has no table `forgotten`"));
        assert!(
            with(&server.db, &POSTGRES.replace("token, type: varchar", "tokens, type: varchar"), &server.env)
                .contains("has no column tokens")
        );
        let port = server.db.split(':').nth(2).and_then(|rest| rest.split('/').next()).expect("a port");
        assert!(with(&server.db.replace(port, "1"), POSTGRES, &server.env).contains("cannot reach postgres://"));
        assert!(server.denied(|db| with(db, POSTGRES, &server.env)).contains("denies it: permission denied"));
        assert!(server.locked(|| with(&server.db, POSTGRES, &server.env)).contains("another session may hold a lock"));
        assert!(server.with_another_password(|env| with_env(&server, env)).contains("does not let owner in"));
    }
}

fn with_env(server: &Server, name: &str) -> String {
    let more = ["--db", &server.db, "--db-password-env", name].map(str::to_owned).to_vec();
    let env: Vec<(&'static str, String)> = server.env.iter().cloned().chain([("ANOTHER_PASSWORD", "guessed".to_owned())]).collect();
    let judged = Judged { state: POSTGRES, store: server.store.clone(), python: server.python.display().to_string(), env: &env, more };
    let (exit, report, told) = judged.run("right", &["duplicate/duplicate-is-told*"]);
    assert_eq!((exit, list(&report, "scenarios").len()), (Some(3), 1), "{told}");
    told
}

/// Twenty deliveries at once, all answered alike and all worked on: told by their effects, and not at all without them.
#[test]
fn effects_tell_what_alike_answers_do_not() {
    if tool("python3").is_none() {
        return;
    }
    let contract = std::fs::read_to_string(project("tests/contracts/draft-like-first.yaml")).expect("the contract");
    let without = format!("{}\ncapabilities: [ttl]\n", contract.split("\nstate:").next().expect("what comes before"));
    for (more, counted) in [(PAGE, true), ("", false)] {
        let folder = Folder::new();
        let contract = folder.write("contract.yaml", &format!("{without}{more}"));
        let judge = |knob: &str, scenarios: &[&str]| {
            let mut run = command();
            run.env("PAYMENTS_SECRET", "payments-secret-for-tests").env("KNOB", knob).arg("run").args(scenarios);
            let receiver = "exec python3 tests/receivers/draft_like_first.py --port {port} --db {dir}/payments.db";
            run.args(["--exec", receiver, "--seed", "1", "--format", "json"]);
            let output = patiently(&mut run, &contract);
            let report: Value = serde_json::from_slice(&output.stdout).expect("a report");
            (output.status.code(), report)
        };
        let verdicts = |report: &Value| {
            let of = |id: &str| list(report, "requirements").iter().find(|one| one["id"] == id).map(|one| verdict(one).to_owned());
            ["EFF-1", "DUP-1", "DUP-5", "ONCE-1"].map(|id| of(id).expect("a requirement"))
        };
        let (exit, right) = judge("right", &["effect/*", "duplicate/*", "concurrency/*"]);
        assert_eq!(exit, Some(0), "{right:#}");
        assert_eq!(verdicts(&right), if counted { ["pass"; 4] } else { ["not-applicable"; 4] });
        let (exit, wrong) = judge("races", &["effect/one-effect*", "concurrency/exactly*"]);
        if counted {
            assert_eq!(exit, Some(1));
            assert!(broken(&wrong).contains(&"EFF-1") && broken(&wrong).contains(&"ONCE-1"), "{:?}", broken(&wrong));
            let twenty = list(&wrong, "scenarios").iter().find(|one| one["id"] == "effect/one-effect-of-many-at-once[twenty-at-once]");
            let observed = twenty.and_then(|one| one["findings"][0]["observed"].as_str()).expect("a finding");
            assert!(observed.starts_with("20 effects of it"), "{observed}");
        } else {
            assert!(broken(&wrong).is_empty(), "{:?}", broken(&wrong));
        }
    }
}

/// Sources are read by TLS with the receiver's own flags; a certificate that is not believed is one sentence.
#[test]
fn sources_are_read_by_tls() {
    let sources = [("postgres", postgres(), POSTGRES), ("mysql", mysql(), MYSQL), ("redis", redis(), REDIS)];
    for (name, server, state) in sources.iter().filter_map(|(name, server, state)| Some((name, server.as_ref()?, state))) {
        let with = |more: &[&str]| {
            let more = [&["--db", &server.secured, "--clock", "rewind"][..], more].concat().into_iter().map(str::to_owned).collect();
            let judged = Judged { more, ..Judged::over(server, state) };
            judged.run("right", &["duplicate/*", "ttl/key-stays*"])
        };
        let (exit, report, told) = with(&["--ca-cert", &server.files.ca]);
        assert_eq!(exit, Some(0), "{name}: {told}{report:#}");
        let (exit, report, told) = with(&["--insecure"]);
        assert_eq!(exit, Some(0), "{name}: {told}{report:#}");
        let (exit, _, told) = with(&[]);
        assert_eq!(exit, Some(3), "{name}: {told}");
        assert!(told.contains("believe its CA with --ca-cert FILE"), "{name}: {told}");
    }
}

/// Every line of the guide's table of sources works, with a server of the test in its place.
#[test]
fn every_line_of_the_table_of_sources_works() {
    let page = std::fs::read_to_string(project("docs/src/evidence.md")).expect("the page");
    let line = |source: &str| {
        let row = page.lines().find(|line| line.starts_with(&format!("| {source} |"))).expect("a row of the table");
        row.split('`').nth(1).expect("a command").to_owned()
    };
    let folder = Folder::new();
    let script = folder
        .write("count-effects", "curl -sS \"http://127.0.0.1:$1/__effects?key=$2\" | grep -o '[0-9]*}' | tr -d '}' | grep . || echo 0\n");
    let (postgres, mysql, redis) = (postgres(), mysql(), redis());
    let server = |server: &Option<Server>| {
        server.as_ref().map(|one| (one.db.clone(), one.store.clone(), one.python.display().to_string(), one.env.clone()))
    };
    let own = || Some(("sqlite:{dir}/jobs.db".to_owned(), "sqlite:{dir}/jobs.db".to_owned(), "python3".to_owned(), Vec::new()));
    for (source, state, place, said) in [
        ("SQLite", SQLITE, own(), "sqlite:jobs.db"),
        ("PostgreSQL", POSTGRES, server(&postgres), "'postgres://owner@localhost/jobs?schema=app,public'"),
        ("MySQL, MariaDB", MYSQL, server(&mysql), "mysql://owner@localhost/jobs"),
        ("Redis, Valkey", REDIS, server(&redis), "redis://localhost/0"),
        ("a page", PAGE, own(), ""),
        ("a log", LOG, own(), ""),
        ("a command", "", own(), "'./count-effects {key}'"),
    ] {
        let Some((db, store, python, env)) = place else { continue };
        let line = line(source);
        assert!(line.contains(said), "{line}");
        let contract = std::fs::read_to_string(project("tests/contracts/over-any-store.yaml")).expect("the contract");
        let contract = folder.write("jobs.yaml", &format!("{contract}{state}"));
        let mut words: Vec<String> = line.split(' ').skip(1).map(str::to_owned).collect();
        let mut put = |flag: &str, value: &str| {
            let at = words.iter().position(|word| word == flag);
            if let Some(at) = at {
                let end = words[at + 1..].iter().position(|word| word.starts_with("--")).map_or(words.len(), |more| at + 1 + more);
                words.splice(at + 1..end, [value.to_owned()]);
            }
        };
        put("--contract", &contract);
        put("--target", "http://127.0.0.1:{port}");
        put("--db", &db);
        put("--evidence-cmd", &format!("sh {script} {{port}} {{key}}"));
        let receiver =
            format!("exec {python} tests/receivers/over_any_store.py --port {{port}} --effects {{dir}}/jobs.log --store '{store}'");
        let mut run = command();
        run.env("JOBS_SECRET", "jobs-secret-for-tests").envs(env).args(&words).args(["effect/duplicates*", "ttl/key-is-new-again-past*"]);
        let output = alone(run.args(["--exec", &receiver]));
        let told = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert_eq!(output.status.code(), Some(0), "{source}: {words:?}\n{told}");
    }
}
