//! Walks of a new user, each in a fresh folder: `hookgate init` with flags, `hookgate run` without, a receiver that fails, named by its
//! cause, mended, and green. No file is edited by hand but the receiver. How long each took, and how much was judged, is told.
#![expect(clippy::expect_used, clippy::print_stderr, reason = "a test ends where something is not as it should be, and tells what it took")]

use std::path::Path;

use serde_json::Value;

use crate::command_line::{among_others, command};
use crate::surroundings::{Folder, npm, project, python_with_vendors, tool};

/// A walk's folder, and what it takes to walk there.
struct Walk {
    folder: Folder,
    secret: (&'static str, &'static str),
}

impl Walk {
    fn run(&self, args: &[&str]) -> (Option<i32>, String) {
        let output = among_others(command().env(self.secret.0, self.secret.1).current_dir(self.folder.path("")).args(args));
        let told = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(!told.contains(self.secret.1), "the secret is told: {told}");
        (output.status.code(), told)
    }

    fn init(&self, args: &[&str]) -> String {
        let (exit, told) = self.run(&[&["init", "--yes"], args].concat());
        assert_eq!(exit, Some(0), "{told}");
        let (exit, checked) = self.run(&["check", "hookgate/contract.yaml"]);
        assert_eq!(exit, Some(0), "{checked}");
        told
    }

    /// `hookgate run`, without a flag: the exit code, what it told, and its report.
    fn judged(&self) -> (Option<i32>, String, Value) {
        let (exit, told) = self.run(&["run"]);
        let report = std::fs::read_to_string(self.folder.path("hookgate-report/report.json")).unwrap_or_default();
        (exit, told, serde_json::from_str(&report).unwrap_or_default())
    }
}

/// The titles of a report's causes.
fn causes(report: &Value) -> String {
    report["causes"].as_array().into_iter().flatten().map(|cause| format!("{cause}\n")).collect()
}

/// How many requirements were judged so.
fn judged(report: &Value, verdict: &str) -> usize {
    report["requirements"].as_array().into_iter().flatten().filter(|one| one["verdict"] == verdict).count()
}

/// Tells what a walk took, and sees that much was judged.
#[expect(clippy::disallowed_methods, reason = "how long a walk takes is told, and never judged")]
fn walked<T>(name: &str, walk: impl FnOnce() -> (Value, T)) {
    let begun = std::time::Instant::now();
    let (report, rest) = walk();
    let (pass, all) = (judged(&report, "pass"), report["requirements"].as_array().map_or(0, Vec::len));
    eprintln!("walk {name}: {:.1} s, {pass} of {all} requirements judged and passed", begun.elapsed().as_secs_f32());
    drop(rest);
    assert!(pass >= 25, "{name}: only {pass} requirements were judged");
    let once = |one: &&Value| one["verdict"] == "pass" && one["id"].as_str().is_some_and(|id| id.starts_with("EFF-"));
    assert!(report["requirements"].as_array().into_iter().flatten().any(|one| once(&one)), "{name}: effects were not judged");
}

/// A receiver of Stripe's events with Flask and Stripe's own library; `MEND` is where it is wrong.
const FLASK: &str = r#"import logging, os, sqlite3, sys
import stripe
from flask import Flask, request
from werkzeug.serving import WSGIRequestHandler

app = Flask(__name__)
WSGIRequestHandler.protocol_version = "HTTP/1.1"

def db():
    connection = sqlite3.connect("app.sqlite", timeout=10)
    connection.execute("PRAGMA synchronous = OFF")
    return connection

@app.post("/webhooks/stripe")
def webhook():
    try:
        header = request.headers.get("Stripe-Signature", "")
        event = stripe.Webhook.construct_event(request.get_data(), header, os.environ["STRIPE_WEBHOOK_SECRET"])
        known = event["id"]
        if not isinstance(known, str):
            raise ValueError("no id")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, stripe.SignatureVerificationError):
        return {"error": "not verified"}, 400
    connection = db()
    with connection:
        MEND
        connection.execute("INSERT INTO done VALUES (?)", (known,))
    connection.close()
    return {"received": True}

start = db()
start.executescript("""PRAGMA journal_mode = WAL;
    CREATE TABLE IF NOT EXISTS seen (event TEXT PRIMARY KEY);
    CREATE TABLE IF NOT EXISTS done (event TEXT NOT NULL);
    CREATE INDEX IF NOT EXISTS done_by_event ON done (event);""")
start.close()
logging.getLogger("werkzeug").setLevel(logging.ERROR)
app.run(port=int(sys.argv[1]), threaded=True)
"#;
const FLASK_WRONG: &str = r#"connection.execute("INSERT OR IGNORE INTO seen VALUES (?)", (known,))"#;
const FLASK_RIGHT: &str = r#"if connection.execute("INSERT OR IGNORE INTO seen VALUES (?)", (known,)).rowcount == 0:
            return {"received": True}"#;

#[test]
fn flask_and_stripe() {
    let Some(python) = python_with_vendors() else { return };
    walked("Flask + Stripe", || {
        let walk = Walk { folder: Folder::new(), secret: ("STRIPE_WEBHOOK_SECRET", "whsec_of_the_walk_with_flask") };
        walk.folder.write("app.py", &FLASK.replace("MEND", FLASK_WRONG));
        let exec = format!("exec {} app.py {{port}}", python.display());
        let effects = ["--db", "app.sqlite", "--effects", "table:done.event"];
        walk.init(&[&["--contract", "stripe-webhook", "--exec", &exec, "--visit", "full"], &effects[..]].concat());
        let (exit, told, report) = walk.judged();
        assert_eq!(exit, Some(1), "{told}");
        assert!(causes(&report).contains("EFF-1"), "{}\n{told}", causes(&report));
        walk.folder.write("app.py", &FLASK.replace("MEND", FLASK_RIGHT));
        let (exit, told, report) = walk.judged();
        assert_eq!((exit, &report["summary"]["verdict"]), (Some(0), &"conforms".into()), "{told}");
        (report, walk)
    });
}

/// A receiver of GitHub's webhooks with GitHub's own library, over node:http; `MEND` is where it is wrong.
const NODE: &str = r#"import { createServer } from "node:http";
import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { verify } from "LIBRARY";

const secret = process.env.GITHUB_WEBHOOK_SECRET;
const done = new Map(existsSync("done.log") ? readFileSync("done.log", "utf8").trim().split("\n").map((id) => [id, 1]) : []);
const answer = (response, status, value) => {
  response.writeHead(status, { "Content-Type": "application/json" });
  response.end(JSON.stringify(value));
};

async function deliver(request, response, body) {
  let text;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(body);
    MEND
  } catch {
    return answer(response, 400, { error: "no text" });
  }
  const signature = request.headers["x-hub-signature-256"];
  if (!signature || !text || !(await verify(secret, text, signature).catch(() => false))) return answer(response, 401, { error: "not verified" });
  const [id, another] = request.headersDistinct["x-github-delivery"] ?? [];
  if (!id || another !== undefined) return answer(response, 400, { error: "no id" });
  if (done.has(id)) return answer(response, 202, { duplicate: true });
  appendFileSync("done.log", id + "\n");
  done.set(id, 1);
  return answer(response, 202, { accepted: true });
}

createServer((request, response) => {
  const url = new URL(request.url, "http://here");
  if (request.method === "GET" && url.pathname === "/health") return answer(response, 200, {});
  if (request.method === "GET" && url.pathname === "/effects") return answer(response, 200, { count: done.get(url.searchParams.get("key")) ?? 0 });
  if (url.pathname !== "/webhooks/github") return answer(response, 404, {});
  if (request.method !== "POST") return answer(response, 405, {});
  const pieces = [];
  request.on("data", (piece) => pieces.push(piece));
  request.on("error", () => {});
  request.on("end", () => deliver(request, response, Buffer.concat(pieces)).catch(() => answer(response, 500, {})));
}).listen(Number(process.env.PORT), "127.0.0.1");
"#;

#[test]
fn node_and_github() {
    let (Some(node), Some(_)) = (tool("node"), npm("@octokit/webhooks-methods/package.json")) else { return };
    walked("Node + GitHub", || {
        let walk = Walk { folder: Folder::new(), secret: ("GITHUB_WEBHOOK_SECRET", "a secret of the walk with node") };
        let library = project("tests/npm/node_modules/@octokit/webhooks-methods/dist-node/index.js");
        let app = NODE.replace("LIBRARY", &library.display().to_string());
        walk.folder.write("app.mjs", &app.replace("MEND", "text = JSON.stringify(JSON.parse(text));"));
        let exec = format!("exec {} app.mjs", node.display());
        let flags = ["--effects", "/effects?key={key}", "--visit", "full", "--ci", "github"];
        walk.init(&[&["--contract", "github-webhook", "--exec", &exec], &flags[..]].concat());
        let contract = std::fs::read_to_string(walk.folder.path("hookgate/contract.yaml")).expect("a contract");
        assert!(
            contract.contains("health: {path: /health, status: 200}") && contract.contains("member: duplicate, is: true"),
            "{contract}"
        );
        let (exit, told, report) = walk.judged();
        assert_eq!(exit, Some(1), "{told}");
        assert!(causes(&report).contains("AUTH-4"), "{}\n{told}", causes(&report));
        walk.folder.write("app.mjs", &app.replace("MEND", ""));
        let (exit, told, report) = walk.judged();
        assert_eq!((exit, &report["summary"]["verdict"]), (Some(0), &"conforms".into()), "{told}");
        (report, walk)
    });
}

/// The receiver in axum of examples/axum-receiver, as a project of its own: what it is built with stands in this project's lock file.
fn axum_project(folder: &Folder) {
    let example = |name: &str| std::fs::read_to_string(project("examples/axum-receiver").join(name)).expect("a file of the example");
    // Its tests judge with the library; here it is the command that judges.
    let manifest = example("Cargo.toml");
    let (before, tests) = manifest.split_once("[dev-dependencies]").expect("what its tests need");
    let (_, after) = tests.split_once("[profile.dev]").expect("its profile");
    folder.write("Cargo.toml", &format!("{before}[profile.dev]{after}"));
    folder.write("Cargo.lock", &std::fs::read_to_string(project("Cargo.lock")).expect("a lock file"));
    folder.write("src/main.rs", &example("src/main.rs"));
    folder.write("src/lib.rs", &example("src/lib.rs").replace(AXUM_RIGHT, AXUM_WRONG));
}

/// Where the receiver in axum looks at the signed time, and where it does not.
const AXUM_RIGHT: &str = "time.is_some_and(|time| now.abs_diff(time) <= TOLERANCE.unsigned_abs())";
const AXUM_WRONG: &str = "time.is_some_and(|time| now.abs_diff(time) <= u64::MAX - TOLERANCE.unsigned_abs())";

#[test]
fn axum_and_standard_webhooks() {
    walked("axum + Standard Webhooks", || {
        let walk = Walk { folder: Folder::new(), secret: ("STANDARD_WEBHOOKS_SECRET", "whsec_YW4gYXh1bSByZWNlaXZlciBvZiBhIHdhbGs=") };
        axum_project(&walk.folder);
        // Where this test is built: what both need is there already.
        let this = std::env::current_exe().expect("this program");
        let built = this.ancestors().nth(3).expect("the folder of builds").display().to_string();
        let build = format!("{} build --quiet --offline --target-dir '{built}'", env!("CARGO"));
        let first = among_others(std::process::Command::new("sh").current_dir(walk.folder.path("")).args(["-c", &build]));
        assert!(first.status.success(), "{}", String::from_utf8_lossy(&first.stderr));
        let exec = format!("{build} && exec '{built}/debug/axum-receiver' {{dir}}/shop.db");
        let flags = ["--effects", "/orders?webhook_id={key}#/count", "--visit", "full", "--compose"];
        walk.init(&[&["--contract", "standard-webhooks", "--exec", &exec], &flags[..]].concat());
        let (exit, told, report) = walk.judged();
        assert_eq!(exit, Some(1), "{told}");
        assert!(causes(&report).contains("SIGT-"), "{}\n{told}", causes(&report));
        let source = std::fs::read_to_string(walk.folder.path("src/lib.rs")).expect("the receiver");
        assert!(source.contains(AXUM_WRONG), "the example is not wrong any more");
        walk.folder.write("src/lib.rs", &source.replace(AXUM_WRONG, AXUM_RIGHT));
        let (exit, told, report) = walk.judged();
        assert_eq!((exit, &report["summary"]["verdict"]), (Some(0), &"conforms".into()), "{told}");
        assert!(Path::new(&walk.folder.path("compose.yaml")).is_file());
        (report, walk)
    });
}
