//! Loads under several contracts at once: one host takes the deliveries of all of them, on a path each; each is judged by its own law.
#![expect(clippy::expect_used, reason = "a test ends where something is not as it should be")]

use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::Path;
use std::process::Output;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::Value;

use crate::command_line::{Running, among_others, command, hookgate};
use crate::surroundings::Folder;

const ORCH: (&str, &str) = ("ORCH_WEBHOOK_SECRET", "a secret of the tests, shared with nobody");
const STRIPE: (&str, &str) = ("STRIPE_WEBHOOK_SECRET", "whsec_of_the_tests_shared_with_nobody");
const MIX: &str = "title: two kinds at one host
mix: {fresh: 60, duplicate: 20, burst: 20}
contracts:
  - {name: orch, contract: orch-phase3, weight: 3}
  - {name: stripe, contract: stripe-webhook, weight: 1, mix: {fresh: 9, bad-signature: 1}}
";

/// One host before two receivers: whoever asks for a path of Stripe's is led to the second.
struct Host {
    url: String,
    address: String,
    is_over: Arc<AtomicBool>,
}

impl Host {
    fn before(first: &Running, second: &Running) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address").to_string();
        let [first, second] = [first, second].map(|one| one.url.trim_start_matches("http://").to_owned());
        let is_over = Arc::new(AtomicBool::new(false));
        let ends = Arc::clone(&is_over);
        std::thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                if ends.load(Ordering::Acquire) {
                    return;
                }
                let (first, second) = (first.clone(), second.clone());
                std::thread::spawn(move || led(stream, &first, &second));
            }
        });
        Self { url: format!("http://{address}"), address, is_over }
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Release);
        drop(TcpStream::connect(&self.address));
    }
}

/// A connection is that of one sender, whose first line says where it goes.
fn led(mut from: TcpStream, first: &str, second: &str) -> io::Result<()> {
    let mut begin = Vec::new();
    let mut byte = [0];
    while !begin.ends_with(b"\r\n") && from.read(&mut byte)? > 0 {
        begin.push(byte[0]);
    }
    let is_stripe = String::from_utf8_lossy(&begin).contains("/webhooks/stripe");
    let mut to = TcpStream::connect(if is_stripe { second } else { first })?;
    to.set_nodelay(true)?;
    from.set_nodelay(true)?;
    to.write_all(&begin)?;
    let (mut back, mut answers) = (from.try_clone()?, to.try_clone()?);
    let answering = std::thread::spawn(move || {
        drop(io::copy(&mut answers, &mut back));
        drop(back.shutdown(Shutdown::Both));
    });
    drop(io::copy(&mut from, &mut to));
    drop(to.shutdown(Shutdown::Both));
    drop(answering.join());
    Ok(())
}

fn json(folder: &Path) -> Value {
    serde_json::from_str(&std::fs::read_to_string(folder.join("load.json")).expect("a report")).expect("JSON")
}

/// A load of both, with a report.
fn loaded(folder: &Folder, orch: &[&str], args: &[&str]) -> (Output, Value) {
    let first = Running::serve(ORCH.1, orch);
    let mut serve = command();
    let second = Running::start(serve.env(STRIPE.0, STRIPE.1).args(["serve", "--contract", "stripe-webhook"]), 1);
    let host = Host::before(&first, &second);
    let (mix, out) = (folder.write("mix.yaml", MIX), folder.path("out").display().to_string());
    let mut load = command();
    load.envs([ORCH, STRIPE]).args(["load", "--target", &host.url, "--mix", &mix, "--report", &out, "--seed", "7"]).args(args);
    let output = among_others(&mut load);
    let report = json(&folder.path("out"));
    (output, report)
}

fn sent(report: &Value, kind: &str) -> u64 {
    report["kinds"][kind]["sent"].as_u64().expect(kind)
}

/// Requirement: several contracts in one mix, by weight. Each has its own secret, path and keys, and its own report; all of them are one load.
#[test]
fn contracts_of_a_mix_are_loaded_at_once() {
    let folder = Folder::new();
    let gates = ["--gate", "fresh@stripe.p99<60s", "--gate", "violations==0", "--gate", "errors<50%"];
    let (output, report) = loaded(&folder, &[], &[&["--deliveries", "400", "--users", "8"], &gates[..]].concat());
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!((output.status.code(), &report["verdict"]), (Some(0), &"conforms".into()), "{told}");
    let of = |name: &str| {
        report["kinds"].as_object().expect("kinds").keys().filter(|kind| kind.ends_with(name)).map(|kind| sent(&report, kind)).sum::<u64>()
    };
    assert_eq!((of("@orch"), of("@stripe"), report["operations"].as_u64()), (300, 100, Some(400)), "{report:#}");
    assert!(sent(&report, "bad-signature@stripe") > 0 && report["kinds"].get("bad-signature@orch").is_none());
    assert_eq!((&report["contract"], &report["users"]), (&"orch-phase3, stripe-webhook".into(), &8.into()));
    assert_eq!(report["gates"].as_array().map(Vec::len), Some(3));
    let contracts = report["contracts"].as_array().expect("contracts");
    assert_eq!(
        (&contracts[1]["name"], &contracts[1]["path"], &contracts[1]["weight"]),
        (&"stripe".into(), &"/webhooks/stripe".into(), &1.into())
    );
    let ids: Vec<&str> = report["requirements"].as_array().expect("requirements").iter().filter_map(|one| one["id"].as_str()).collect();
    assert!(ids.contains(&"ONCE-3@orch") && ids.iter().all(|id| id.ends_with("@orch") || id.ends_with("@stripe")), "{ids:?}");
    assert!(told.contains("ONCE-3@orch"), "{told}");
    for (name, deliveries) in [("orch", 300), ("stripe", 100)] {
        let own = json(&folder.path("out").join(name));
        assert_eq!((own["operations"].as_u64(), &own["verdict"]), (Some(deliveries), &"conforms".into()));
    }
    for name in ["out", "out/orch", "out/stripe"] {
        let verified = hookgate(&["report", "verify", &folder.path(name).display().to_string()]);
        assert!(verified.starts_with("exit 0"), "{verified}");
    }
}

/// Requirement: each contract has its own judgement. A receiver that is wrong under one of them is named there, with its keys, and nowhere else.
#[test]
fn what_is_wrong_under_one_contract_is_told_of_it() {
    let folder = Folder::new();
    let (output, report) =
        loaded(&folder, &["--defect", "checks-then-marks"], &["--rate", "400/s", "--run-time", "1500ms", "--users", "32"]);
    assert_eq!((output.status.code(), &report["verdict"]), (Some(1), &"does-not-conform".into()), "{report:#}");
    let verdicts: Vec<&str> = report["contracts"].as_array().expect("contracts").iter().filter_map(|one| one["verdict"].as_str()).collect();
    assert_eq!(verdicts, ["does-not-conform", "conforms"], "{report:#}");
    let first = &report["violations"][0];
    assert_eq!(first["requirement"], "ONCE-3@orch", "{first:#}");
    assert!(first["curl"].as_str().is_some_and(|curl| curl.contains("/callbacks/terminal")), "{first:#}");
    let (wanted, orch, stripe) = (
        report["wanted_per_s"].as_f64().expect("a rate"),
        report["contracts"][0]["operations"].as_u64().expect("a count"),
        report["contracts"][1]["operations"].as_u64().expect("a count"),
    );
    // A busy machine may drop some of what was due: then fewer were delivered, and all are accounted for.
    assert!(
        (wanted - 400.0).abs() < 0.1 && orch + stripe + report["dropped"].as_u64().expect("a count") == 600,
        "{wanted} {orch} {stripe}"
    );
    assert!(orch <= 450 && stripe <= 150, "{orch} {stripe}");
}

/// What cannot be meant under several contracts is told with the reason, before anything is sent; and without a target each contract has
/// a reference of its own.
#[test]
fn what_several_contracts_cannot_have_is_told() {
    let folder = Folder::new();
    let mix = folder.write("mix.yaml", MIX);
    let out = folder.path("out").display().to_string();
    for (args, told) in [
        (vec!["--find-max", "p99<1s"], "one contract at a time"),
        (vec!["--rotate", "1s", "--report", &out], "soak each"),
        (vec!["--secret-env", "X"], "`secret_env`"),
        (vec!["--signed-url", "https://shop.example/hooks"], "say it there"),
        (vec!["--users", "1"], "fewer than the 2 contracts"),
        (vec!["--gate", "fresh.p99<1s"], "fresh@orch"),
        (vec!["--exec", "true"], "start the receiver yourself"),
    ] {
        let output = hookgate(&[&["load", "--mix", &mix], &args[..]].concat());
        assert!(output.starts_with("exit 2") && output.contains(told), "{args:?}: {output}");
    }
    let same = folder.write("same.yaml", &MIX.replace("weight: 1,", "weight: 1, path: /callbacks/terminal,"));
    let output = hookgate(&["load", "--mix", &same]);
    assert!(output.starts_with("exit 2") && output.contains("have one path, /callbacks/terminal"), "{output}");
    let output = hookgate(&["load", "--mix", &mix, "--deliveries", "40", "--users", "2", "--quiet"]);
    assert!(output.starts_with("exit 0") && output.contains("40 deliveries"), "{output}");
}
