//! Header lines of one's own, rates, and gateways that ask to come again later.
#![expect(clippy::expect_used, reason = "a test ends where something is not as it should be")]

use serde_json::Value;

use crate::command_line::{among_others, binary, command, hookgate, hookgate_with};
use crate::surroundings::{Folder, tool};

const TOKEN: &str = "Bearer a-token-of-the-tests";
const EXEC: &str = "exec python3 tests/receivers/troubled.py --port {port} --db {dir}/orch.db";

/// What a run behind something of this kind came to: the exit code, what was printed, and its report folder.
fn behind(trouble: &str, args: &[&str], folder: &Folder) -> (i32, String, Value) {
    let out = folder.path("out").display().to_string();
    let mut run = command();
    run.env("TROUBLE", trouble).env("GATEWAY_TOKEN", TOKEN).arg("run").args(args);
    run.args(["--exec", EXEC, "--ready", "listening", "--report", &out, "--jobs", "1", "--db", "{dir}/orch.db"]);
    let output = among_others(&mut run);
    let told = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    let report = std::fs::read_to_string(folder.path("out/report.json")).expect("a report");
    (output.status.code().expect("it ends by itself"), told, serde_json::from_str(&report).expect("JSON"))
}

/// With its lines a gateway lets everything through, questions too; the secret one is in no file, and curl takes it from its variable.
#[test]
fn a_gateway_gets_the_lines_that_it_wants() {
    if tool("python3").is_none() {
        return;
    }
    let own = ["-H", "X-Tenant: seven", "--header-env", "Authorization=GATEWAY_TOKEN"];
    let folder = Folder::new();
    let (exit, told, _) = behind("gateway", &[&["duplicate", "health", "audit", "http"], &own[..]].concat(), &folder);
    assert_eq!(exit, 0, "{told}");
    for file in std::fs::read_dir(folder.path("out")).expect("a folder").flatten() {
        let text = std::fs::read_to_string(file.path()).unwrap_or_default();
        assert!(!text.contains("a-token-of-the-tests"), "{}", file.path().display());
    }
    let folder = Folder::new();
    let (exit, told, _) =
        behind("gateway", &["duplicate", "-H", "X-Tenant: eight", "--header-env", "Authorization=GATEWAY_TOKEN"], &folder);
    assert_eq!(exit, 3, "{told}");
    assert!(told.contains("status 403"), "{told}");
}

/// In a finding the secret line is the shell's to fill in.
#[test]
fn a_secret_line_is_a_variable_in_curl_lines() {
    let told = hookgate_with(
        &[("GATEWAY_TOKEN", TOKEN), ("ORCH_WEBHOOK_SECRET", "one-secret-of-the-tests")],
        &[
            "run",
            "signature",
            "--exec",
            &format!("{} serve --addr 127.0.0.1:{{port}} --defect bad-signature-answered-403", binary()),
            "--header-env",
            "Authorization=GATEWAY_TOKEN",
        ],
    );
    assert!(told.starts_with("exit 1\n") && told.contains("-H \"Authorization: ${GATEWAY_TOKEN}\""), "{told}");
    assert!(!told.contains("a-token-of-the-tests"), "{told}");
}

/// What would make another delivery of it is refused before anything is sent.
#[test]
fn lines_that_cannot_be_sent_are_refused() {
    for (args, why) in [
        (["-H", "Host: elsewhere"], "belongs to the message itself"),
        (["-H", "X-Signature: forged"], "belongs to the signature"),
        (["-H", "Idempotency-Key: k"], "carries the idempotency key"),
        (["-H", "no colon"], "has no colon"),
        (["--header-env", "X-A=HOOKGATE_NOT_SET"], "is not set"),
        (["--max-rate", "50"], "write `50/s`"),
    ] {
        let told = hookgate(&[&["run", "key/missing-key-is-refused"], &args[..]].concat());
        assert!(told.starts_with("exit 2\n") && told.contains(why), "{told}");
    }
}

/// A date is waited for as seconds are, and told once.
#[test]
fn a_gateway_that_names_a_date_is_waited_for() {
    if tool("python3").is_none() {
        return;
    }
    let folder = Folder::new();
    let (exit, told, report) = behind("impatient", &["duplicate/duplicate-is-told-as-one"], &folder);
    assert_eq!(exit, 0, "{told}");
    let notes = report["run"]["notes"].to_string();
    assert_eq!(notes.matches("Retry-After").count(), 1, "{notes}");
}
