//! Stores that are made with the first delivery, and stores that go away in the middle.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use serde_json::Value;

use super::{Judged, POSTGRES, SQLITE, list, sqlite, verdict};
use crate::command_line::{Running, alone, command, until};
use crate::load_truth::asked;
use crate::servers::postgres;
use crate::surroundings::{Folder, project, tool};

/// A database that is made with the first delivery is waited for, by runs and loads; one that never comes is told before a load.
#[test]
fn database_that_comes_with_the_first_delivery_is_waited_for() {
    if tool("python3").is_none() {
        return;
    }
    let late = [("LATE", "yes".to_owned())];
    let (exit, report, told) = Judged { env: &late, ..sqlite() }.run("right", &["duplicate/*"]);
    assert_eq!(exit, Some(0), "{told}{report:#}");
    let folder = Folder::new();
    let contract = std::fs::read_to_string(project("tests/contracts/over-any-store.yaml")).expect("the contract");
    let contract = folder.write("contract.yaml", &format!("{contract}{SQLITE}"));
    let receiver = "exec python3 tests/receivers/over_any_store.py --port {port} --store sqlite:{dir}/jobs.db";
    for (db, exit, why) in [("{dir}/jobs.db", 0, "conforms"), ("{dir}/another.db", 3, "another.db")] {
        let mut load = command();
        load.env("JOBS_SECRET", "jobs-secret-for-tests").env("LATE", "yes").arg("load");
        load.args(["--contract", &contract, "--exec", receiver, "--db", db, "--deliveries", "40", "--users", "2"]);
        let output = alone(&mut load);
        let told = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert_eq!(output.status.code(), Some(exit), "{told}");
        assert!(told.contains(why), "{told}");
    }
}

/// A database that goes away during a load leaves open what its rows would have told, and everything else in the report.
#[test]
fn database_that_goes_away_during_a_load_leaves_the_report() {
    let Some(server) = postgres() else { return };
    let (exit, _, told) = Judged::over(&server, POSTGRES).run("right", &["duplicate/duplicate-is-told*"]);
    assert_eq!(exit, Some(0), "{told}");
    let folder = Folder::new();
    let contract = std::fs::read_to_string(project("tests/contracts/over-any-store.yaml")).expect("the contract");
    let contract = folder.write("contract.yaml", &format!("{contract}{POSTGRES}"));
    let secret = ("JOBS_SECRET", "jobs-secret-for-tests");
    let serving = Running::start(command().env(secret.0, secret.1).args(["serve", "--contract", &contract]), 1);
    let mut load = command();
    load.env(secret.0, secret.1).envs(server.env.iter().cloned()).args(["load", "--contract", &contract, "--target", &serving.url]);
    load.args(["--db", &server.db, "--rate", "100/s", "--run-time", "3s", "--users", "4", "--metrics", "0", "--format", "json"]);
    let mut load = load.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    let mut lines = BufReader::new(load.stderr.take().expect("a pipe"));
    let mut line = String::new();
    lines.read_line(&mut line).expect("a line");
    let address = line.trim().strip_prefix("metrics: http://").and_then(|rest| rest.strip_suffix("/metrics")).expect("an address");
    // Its database was looked at before the first second was told.
    until("it delivers", || {
        assert!(load.try_wait().expect("it can be asked").is_none(), "the load ended before its time");
        asked(address, "/metrics").is_some_and(|text| text.contains("deliveries_total{"))
    });
    drop(server);
    let output = load.wait_with_output().expect("it ends");
    let report: Value = serde_json::from_slice(&output.stdout).expect("a report");
    assert_eq!((output.status.code(), &report["verdict"]), (Some(3), &"incomplete".into()), "{report:#}");
    assert_eq!(report["deliveries"], 300);
    let notes = report["notes"].to_string();
    assert!(notes.contains("What it would have told is open: ") && notes.contains("postgres://"), "{notes}");
    let verdicts: Vec<_> = ["AUD-6", "DB-2", "EFF-1", "HTTP-8"]
        .into_iter()
        .flat_map(|id| list(&report, "requirements").iter().filter(move |one| one["id"] == id).map(verdict))
        .collect();
    assert!(verdicts.contains(&"undecided") && !verdicts.contains(&"fail") && verdicts.contains(&"pass"), "{report:#}");
}
