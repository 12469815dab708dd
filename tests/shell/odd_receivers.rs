//! Odd receivers: senders that nobody ships a contract for. `hookgate init` from one captured delivery, with flags only, then `hookgate run`
//! without any; a receiver that is wrong is named by its cause.
#![expect(clippy::expect_used, reason = "a test ends where something is not as it should be")]

use std::process::Command;

use serde_json::Value;

use crate::command_line::{alone, among_others, command};
use crate::surroundings::{Folder, project, tool};

/// Base64 of `an odd secret of this test`, so that it is one in either form.
const SECRET: &str = "YW4gb2RkIHNlY3JldCBvZiB0aGlzIHRlc3Q=";

/// A sender's captured delivery in a folder, and how its receiver is started there.
struct Odd {
    folder: Folder,
    kind: &'static str,
    python: String,
}

impl Odd {
    /// None where the machine has no Python.
    fn new(kind: &'static str) -> Option<Self> {
        let python = tool("python3")?.display().to_string();
        let folder = Folder::new();
        let mut capture = Command::new(&python);
        let output =
            among_others(capture.env("KIND", kind).env("ODD_SECRET", SECRET).arg(project("tests/receivers/odd.py")).arg("capture"));
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        folder.write("captured.txt", &String::from_utf8_lossy(&output.stdout));
        Some(Self { folder, kind, python })
    }

    fn hookgate(&self, is_wrong: bool, args: &[&str]) -> (Option<i32>, String) {
        let mut command = command();
        command.env("KIND", self.kind).env("ODD_SECRET", SECRET).current_dir(self.folder.path("")).args(args);
        if is_wrong {
            command.env("WRONG", "1");
        }
        let output = alone(&mut command);
        let told = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(!told.contains(SECRET), "the secret is told: {told}");
        (output.status.code(), told)
    }

    /// `hookgate init` with flags, and what it wrote.
    fn init(&self, args: &[&str]) -> (String, String) {
        let exec = format!("exec {} {} {{port}}", self.python, project("tests/receivers/odd.py").display());
        let usual = ["init", "--yes", "--from", "captured.txt", "--secret-env", "ODD_SECRET", "--exec", &exec, "--visit", "full"];
        let (exit, told) = self.hookgate(false, &[&usual[..], args].concat());
        assert_eq!(exit, Some(0), "{told}");
        let contract = std::fs::read_to_string(self.folder.path("hookgate/contract.yaml")).expect("a contract");
        assert!(!contract.contains("tok-of-a-customer") && !contract.contains(SECRET), "a secret is written: {contract}");
        assert_eq!(self.hookgate(false, &["check", "hookgate/contract.yaml"]).0, Some(0), "{contract}");
        (told, contract)
    }

    /// `hookgate run`: the exit code, what was told, and the requirements of the first cause.
    fn judged(&self, is_wrong: bool) -> (Option<i32>, String, String) {
        let (exit, told) = self.hookgate(is_wrong, &["run"]);
        let report = std::fs::read_to_string(self.folder.path("hookgate-report/report.json")).unwrap_or_default();
        let report: Value = serde_json::from_str(&report).unwrap_or_default();
        (exit, told, report["causes"][0].to_string())
    }
}

/// A body that is not the sender's own is refused by this receiver; the contract has the captured one, without what is a secret in it.
#[test]
fn receiver_that_looks_into_bodies_gets_the_captured_one() {
    let Some(odd) = Odd::new("picky") else { return };
    let (told, contract) = odd.init(&["--effects", "/effects?key={key}"]);
    assert!(told.contains("order.customer.access_token"), "{told}");
    assert!(contract.contains("body: ") && contract.contains("order.paid") && contract.contains("{unique}"), "{contract}");
    let (exit, told, _) = odd.judged(false);
    assert_eq!(exit, Some(0), "{told}");
    let (exit, told, cause) = odd.judged(true);
    assert!(exit == Some(1) && cause.contains("EFF-1"), "{cause}\n{told}");
}

/// Signatures are all that is checked: nothing of repeats is judged, and a signature of which the beginning is enough is found.
#[test]
fn receiver_of_signatures_alone_is_judged_by_them() {
    let Some(odd) = Odd::new("signatures") else { return };
    let (_, contract) = odd.init(&["--signatures-only"]);
    assert!(contract.contains("idempotency: none"), "{contract}");
    let (exit, told, _) = odd.judged(false);
    assert_eq!(exit, Some(0), "{told}");
    let (exit, told, cause) = odd.judged(true);
    assert!(exit == Some(1) && cause.contains("AUTH-"), "{cause}\n{told}");
}

/// A path with a query, without which nothing is there: the capture has it, and all deliveries do.
#[test]
fn query_of_the_captured_address_is_borne_by_all_deliveries() {
    let Some(odd) = Odd::new("query") else { return };
    let (_, contract) = odd.init(&["--effects", "/effects?key={key}"]);
    assert!(contract.contains("query: \"tenant=7\""), "{contract}");
    let (exit, told, _) = odd.judged(false);
    assert_eq!(exit, Some(0), "{told}");
}

/// Header bytes are read as Latin-1 here, as PEP 3333 has it: keys outside ASCII stand in the evidence under another text, and the work is
/// done once all the same. Who does it again is found there, too.
#[test]
fn work_of_odd_keys_is_counted_as_the_receiver_spells_them() {
    let Some(odd) = Odd::new("latin") else { return };
    odd.init(&["--effects", "/effects?key={key}"]);
    let judge = |is_wrong| odd.hookgate(is_wrong, &["run", "key/odd-*"]);
    let (exit, told) = judge(false);
    assert_eq!(exit, Some(0), "{told}");
    let (exit, told) = judge(true);
    assert!(exit == Some(1) && told.contains("done more often than once") && told.contains("kept as"), "{told}");
}
