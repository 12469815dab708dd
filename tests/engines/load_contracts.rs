//! The reference under load, under every contract of the space: over sockets, on a database, with every kind of delivery.
#![expect(clippy::expect_used, clippy::panic, reason = "a test ends where something is not as it should be")]

use std::sync::Arc;
use std::time::Duration;

use hookgate::clock::SystemClock;
use hookgate::contract::Contract;
use hookgate::evidence::{Choice, Origin};
use hookgate::load::mix::Mix;
use hookgate::load::rate_profile::{Arrivals, Model, RateProfile};
use hookgate::load::report::LoadReport;
use hookgate::load::{self, Plan, verify};
use hookgate::reference::{Receiver, pages};
use hookgate::report::{Overall, Verdict};
use hookgate::serve::serve;
use hookgate::sign::tamper::Tamper;
use hookgate::sqlite::SqliteStore;
use hookgate::transport::Target;
use tokio::sync::watch;

use crate::contract_axes::{SUITE, contract, name, points};

const MIX: &str = "fresh=60,duplicate=25,burst=8,conflicting-body=10,missing-key=3";
const USERS: usize = 6;
const DELIVERIES: u64 = 150;
/// Longer than any of these loads takes.
const LONG: Duration = Duration::from_secs(60);

async fn loaded(contract: &Arc<Contract>) -> LoadReport {
    let folder = tempfile::tempdir().expect("a folder");
    let database = folder.path().join("reference.db");
    let secret = |other: &Option<hookgate::contract::OtherSecret>| other.as_ref().map(|other| other.for_tests.clone());
    let (previous, retired) = (secret(&contract.secret.previous), secret(&contract.secret.retired));
    let signer = contract.signer(contract.secret.for_tests.as_bytes(), previous.as_deref(), retired.as_deref()).expect("secrets");
    // Not every contract has a secret that could be the wrong one.
    let spoiled = if Tamper::WrongSecret.applies_to(&signer).is_ok() { ",bad-signature=4" } else { "" };
    let store = SqliteStore::open(Arc::clone(contract), &database).expect("a store");
    let receiver = Receiver::new(Arc::clone(contract), Some(signer.clone()), store, None).expect("a receiver");
    let serving = serve(receiver, Arc::new(SystemClock), ([127, 0, 0, 1], 0).into()).await.expect("a port");
    let db = contract.state.is_some().then(|| database.display().to_string());
    let choice = Choice { db, patience: LONG, ..Choice::default() };
    let body = SUITE.bodies.get(&SUITE.catalogue.ordinary_body).expect("the ordinary body").to_vec();
    let plan = Plan {
        headers: Vec::new(),
        secret_headers: Vec::new(),
        contract: Arc::clone(contract),
        catalogue: Arc::clone(&SUITE.catalogue),
        target: Target::parse(&format!("http://{}", serving.address)).expect("an address"),
        sources: choice
            .open(&pages::as_served(contract), &Origin { url: format!("http://{}", serving.address), ..Origin::default() }, &str::to_owned)
            .unwrap_or_else(|wrong| panic!("{wrong}")),
        signer: signer.clone(),
        body,
        mix: Mix::read(&format!("{MIX}{spoiled}")).expect("a mix"),
        feed: None,
        users: USERS,
        hatch_rate: USERS as f64 * 50.0,
        model: Model::Closed,
        profile: RateProfile::level(USERS as f64, LONG),
        arrivals: Arrivals::Constant,
        most: DELIVERIES,
        warm_up: Duration::ZERO,
        timeout: LONG,
        drain: LONG,
        gates: Vec::new(),
        abort_on: Vec::new(),
        verify: true,
        ttl: None,
        seed: 5,
        beside: None,
        baseline: None,
        part: load::part::Part::default(),
        engine: load::engine::goose::Engine::Goose,
        streams: None,
    };
    let (_interrupt, interrupted) = watch::channel(false);
    let loaded = load::run(&plan, Arc::new(|_| {}), interrupted).await.unwrap_or_else(|wrong| panic!("{wrong}"));
    serving.kill().await;
    loaded.report
}

/// What the reference does under load is no violation, whatever the contract says; and its report is of one piece.
#[test]
fn reference_keeps_every_contract_under_load() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    let (mut wrong, mut judged) = (Vec::new(), 0);
    for point in points() {
        let Some(contract) = contract(&point) else { continue };
        let report = runtime.block_on(loaded(&contract));
        judged += report.requirements.iter().filter(|one| one.verdict == Verdict::Pass).count();
        let unexpected: u64 = report.kinds.values().map(|kind| kind.unexpected).sum();
        // Where answers are alike and no table tells, nothing can be said of lost ones; but nothing is wrong.
        let is_right = matches!(report.verdict, Overall::Conforms | Overall::Undecided);
        if !is_right || unexpected > 0 || !report.violations.is_empty() || !verify::judged_again(&report).is_empty() {
            wrong.push(format!(
                "{}: {} {unexpected} unexpected {:?} {:?} {:?}",
                name(&point),
                report.verdict.words(),
                report.kinds.iter().map(|(kind, one)| (kind, &one.statuses)).collect::<Vec<_>>(),
                report.violations.first(),
                verify::judged_again(&report),
            ));
        }
    }
    assert!(wrong.is_empty(), "{} contracts:\n{}", wrong.len(), wrong.join("\n"));
    assert!(judged > 100, "{judged} requirements were judged");
}
