//! Readers: everything that takes text or bytes from outside, and what each is given to begin with.
//!
//! In: bytes, of whatever kind. Out: nothing; a reader that panics, hangs or takes memory without a bound is what is looked for. The
//! law's tests give each of them mutated inputs (`tests/law/fuzzing.rs`), a bench gives them long ones (`benches/readers.rs`).
#![expect(clippy::expect_used, reason = "what is given to begin with is right")]

#[path = "stored.rs"]
mod stored;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, LazyLock};

use bytes::BytesMut;
use hookgate::claims::evaluate::Evidence;
use hookgate::claims::form::Form;
use hookgate::cli::captured;
use hookgate::contract::Contract;
use hookgate::contract::reading::read_contract;
use hookgate::delivery::{Answer, HeaderLine, NoAnswer};
use hookgate::event_stream;
use hookgate::history::Operation;
use hookgate::load::gate::Gate;
use hookgate::load::locust::message;
use hookgate::load::mix::Mix;
use hookgate::load::report::LoadReport;
use hookgate::report::Report;
use hookgate::report::baseline::Baseline;
use hookgate::report::compare::snapshots as folders;
use hookgate::report::language::Language;
use hookgate::report::replay::snapshots_again;
use hookgate::scenario::expand;
use hookgate::scenario::lint::Known;
use hookgate::scenario::requirement::Catalogue;
use hookgate::snapshot::kept::Kept;
use hookgate::suites::{self, Suite, SuiteChoice};
use hookgate::transport::codec::decode::{Decoder, Progress, Reading};
use hookgate::{claims, files, project, snapshot, yaml};

/// One reader.
pub(crate) struct Reader {
    /// What it reads.
    pub(crate) name: &'static str,
    /// Reads, and does with what it has read what a command would.
    pub(crate) read: fn(&[u8]),
    /// What is right, to be made wrong.
    pub(crate) seeds: fn() -> Vec<Vec<u8>>,
}

/// All of them.
pub(crate) const READERS: [Reader; 22] = [
    Reader { name: "scenario", read: scenario, seeds: scenarios },
    Reader { name: "contract", read: contract, seeds: contracts },
    Reader { name: "requirements", read: requirements, seeds: catalogues },
    Reader { name: "baseline", read: baseline, seeds: baselines },
    Reader { name: "mix", read: mix, seeds: mixes },
    Reader { name: "gates", read: gates, seeds: gate_files },
    Reader { name: "settings", read: settings, seeds: projects },
    Reader { name: "report", read: stored::report, seeds: || vec![REPORT.into()] },
    Reader { name: "load-report", read: stored::load_report, seeds: || vec![LOAD.into()] },
    Reader { name: "latency-log", read: stored::latency_log, seeds: || vec![LATENCY_LOG.into()] },
    Reader { name: "worker", read: stored::worker, seeds: || vec![include_bytes!("readers/worker.json").to_vec()] },
    Reader { name: "operations", read: stored::operations, seeds: stored::kept_operations },
    Reader { name: "manifest", read: stored::manifest, seeds: || vec![include_bytes!("readers/manifest.json").to_vec()] },
    Reader { name: "history", read: history, seeds: || vec![HISTORY.into()] },
    Reader { name: "snapshots", read: snapshots, seeds: kept_snapshots },
    Reader { name: "claims", read: claimed, seeds: phase_reports },
    Reader { name: "claim-rules", read: rules, seeds: || shipped(files::shipped_claim_rules().into_iter().map(|file| file.text)) },
    Reader { name: "answer", read: answer, seeds: answers },
    Reader { name: "event-stream", read: events, seeds: streams },
    Reader { name: "locust", read: locust, seeds: messages },
    Reader { name: "capture", read: capture, seeds: captures },
    Reader { name: "body", read: body, seeds: bodies },
];

const REPORT: &str = include_str!("readers/report.json");
const HISTORY: &str = include_str!("readers/history.jsonl");
const LOAD: &str = include_str!("readers/load.json");
const LATENCY_LOG: &str = include_str!("readers/latency.hlog");

static SUITE: LazyLock<Suite> = LazyLock::new(|| suites::suite(&SuiteChoice::of("orch-phase3")).expect("it is shipped"));
static KNOWN: LazyLock<Known> = LazyLock::new(|| Known::new(&SUITE.catalogue, SUITE.bodies.keys().cloned()));
static FORMS: LazyLock<Vec<Form>> = LazyLock::new(|| {
    let read = |file: &files::TextFile| yaml::read::<Form>(&file.path, &file.text).expect("it is shipped").0;
    files::shipped_claim_rules().iter().map(read).collect()
});
static LOADED: LazyLock<LoadReport> = LazyLock::new(|| serde_json::from_str(LOAD).expect("it was written by a load"));
static RUN: LazyLock<Report> = LazyLock::new(|| serde_json::from_str(REPORT).expect("it was written by a run"));

fn shipped(texts: impl IntoIterator<Item = String>) -> Vec<Vec<u8>> {
    texts.into_iter().map(String::into_bytes).collect()
}

/// Text is read where its bytes are text; others are refused before any reader.
fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Mistakes are told as a person reads them.
fn told<T, E: std::fmt::Display>(read: Result<T, E>) -> Option<T> {
    read.map_err(|mistakes| mistakes.to_string().len()).ok()
}

fn scenario(bytes: &[u8]) {
    told(expand::load("topic/name", "one.yaml", &text(bytes), &KNOWN));
}

fn scenarios() -> Vec<Vec<u8>> {
    let suites = ["core", "orch"].into_iter().flat_map(|suite| files::shipped_suite(suite).scenarios);
    shipped(suites.map(|(_, file)| file.text).filter(|text| text.len() < 2_000))
}

fn contract(bytes: &[u8]) {
    let base = |name: &str| files::shipped_contract(name).map(|file| file.text);
    if let Some(contract) = told(read_contract("one.yaml", &text(bytes), &base)) {
        let _ = (contract.ttl_secs(), contract.lease(), contract.templates().len());
    }
}

fn contracts() -> Vec<Vec<u8>> {
    shipped(files::shipped_contracts().iter().filter_map(|name| files::shipped_contract(name)).map(|file| file.text))
}

fn requirements(bytes: &[u8]) {
    told(Catalogue::read("requirements.yaml", &text(bytes)));
}

fn catalogues() -> Vec<Vec<u8>> {
    let whole = files::shipped_suite("core").catalogue.expect("it is shipped").text;
    let few: Vec<&str> = whole.lines().take(60).collect();
    let small = "suite: x\nordinary_body: b\ncapabilities: {c: means}\ntopics: {R: rows}\nrequirements:\n  - {id: R-1, level: must, sentence: s {refused.signature}, source: s}\n";
    shipped([few.join("\n"), small.to_owned()])
}

fn baseline(bytes: &[u8]) {
    let ids: Vec<&str> = SUITE.scenarios.iter().map(|one| one.id.as_str()).collect();
    let requirements: Vec<&str> = SUITE.catalogue.requirements.iter().map(|one| one.id.as_str()).collect();
    if let Some(baseline) = told(Baseline::read("known.yaml", &text(bytes), &ids, &requirements)) {
        let mut scenarios = RUN.scenarios.clone();
        baseline.apply(&mut scenarios, "2026-11-28");
        let _ = baseline.updated(&scenarios);
    }
}

fn baselines() -> Vec<Vec<u8>> {
    let one = "known:\n  - scenario: seed/*\n    reason: being mended\n    until: 2026-12-31\n  - requirement: DUP-1\n    reason: known\n";
    let other = "known: [{scenario: \"duplicate/*\", reason: 'x'}, {requirement: AUTH-2, reason: \"y\", until: 2020-01-01}]\n";
    shipped([one, other].map(str::to_owned))
}

fn mix(bytes: &[u8]) {
    if let Some(mix) = told(Mix::read_file("mix.yaml", &text(bytes))).or_else(|| told(Mix::read(&text(bytes)))) {
        let _ = (mix.names(), mix.weights(), mix.choose(7), mix.choose(u64::MAX));
    }
}

fn mixes() -> Vec<Vec<u8>> {
    let files = files::shipped_mixes().into_iter().filter_map(|name| files::shipped_mix(&name)).map(|file| file.text);
    shipped(files.chain(["fresh=8,duplicate=1,wrong-secret=1".to_owned(), "burst:4=1,fresh".to_owned()]))
}

fn gates(bytes: &[u8]) {
    let kinds = ["fresh".to_owned(), "duplicate".to_owned()];
    for line in text(bytes).lines() {
        told(Gate::read(line, &kinds));
        told(Gate::condition(line, &kinds));
    }
}

fn gate_files() -> Vec<Vec<u8>> {
    shipped(["p95<100ms\nrate>=200/s\nerrors<0.1%\nviolations==0\nfresh.p99.9<50ms\ndropped==0\nmax<=1.5 s\n".to_owned()])
}

fn settings(bytes: &[u8]) {
    if let Some(project) = told(project::read("hookgate.toml", &text(bytes))) {
        let profiles: Vec<Option<&str>> = std::iter::once(None).chain(project.profiles().into_iter().map(Some)).collect();
        for profile in profiles {
            let _ = project.section(profile).map(yaml::tree::Node::to_json);
        }
    }
}

fn projects() -> Vec<Vec<u8>> {
    let text = "contract = \"orch-phase3\"\nclock = \"wait\"\n[target]\nurl = \"http://127.0.0.1:5001\"\n[report]\ndir = \"out\"\n[load]\nrate = 200\nrun_time = \"10 s\"\n[profile.ci]\nclock = \"none\"\n[profile.ci.target]\nexec = \"./app\"\n";
    shipped([text.to_owned()])
}

fn history(bytes: &[u8]) {
    stored::verified(&RUN, &text(bytes));
    for line in text(bytes).lines() {
        let Some(one) = told(serde_json::from_str::<Operation>(line)) else { continue };
        let _ = one.record(&SUITE.contract).map(|record| format!("{record:?}"));
        if let Some(reading) = one.reading() {
            let _ = (reading.id_in_force(), Operation::of_stream(&one.scenario, one.step, None, &reading, one.moved_us));
        }
    }
}

fn snapshots(bytes: &[u8]) {
    let text = text(bytes);
    if let Some(kept) = told(serde_json::from_str::<Kept>(&text)) {
        let _ = (kept.compared(), kept.diagnostics(), kept.texts(), snapshots_again(&RUN, &kept));
    }
    // Two files one behind the other: what was, and what is.
    let (was, is) = text.split_once("\n===\n").unwrap_or((&text, ""));
    let (was, is) = (snapshot::contents(was).unwrap_or(was), snapshot::contents(is).unwrap_or(is));
    let _ = snapshot::difference(was, is);
    let folder = |text: &str| BTreeMap::from([("one".to_owned(), text.to_owned())]);
    let _ = folders::changes(&folder(was), &folder(is), Language::En);
}

fn kept_snapshots() -> Vec<Vec<u8>> {
    let pair = "---\nsource: a.yaml\nexpression: \"a/b, step 2\"\n---\n202\n{\n  \"task\": \"<k1>\",\n}\n===\n---\nsource: a.yaml\nexpression: \"a/b, step 2\"\n---\n409\n{\n  \"task\": \"<k2>\",\n  \"at\": \"<t0>\"\n}\n";
    vec![include_bytes!("readers/snapshots.json").to_vec(), pair.into()]
}

fn claimed(bytes: &[u8]) {
    let statuses = BTreeMap::from([(("seed/first-delivery-is-answered-202".to_owned(), "first".to_owned()), 202)]);
    let evidence = Evidence { report: &RUN, statuses: &statuses, before: Some(&RUN), language: Language::En };
    if let Some(claims) = told(claims::examine("phase.md", &text(bytes), &FORMS, "a run", &evidence)) {
        let _ = (claims.human(), claims.markdown());
    }
}

fn phase_reports() -> Vec<Vec<u8>> {
    let small = "# Phase 3 report\nPhase: 3\n## What was built\n#### variable TTL\n```diff\n CREATE TABLE t (\n+  ttl INTEGER DEFAULT 86400,\n   key TEXT PRIMARY KEY\n );\n```\nColumns of t:\n- ttl INTEGER (DEFAULT 86400)\n## Tests\n- duplicate detection: 202 (expected: 202) ✅\n- ✅ all tests passed\nall 4 checks\n";
    vec![
        small.into(),
        include_bytes!("../../fixtures/reports/phase3.md").to_vec(),
        include_bytes!("../../fixtures/reports/phase3-misread.md").to_vec(),
    ]
}

fn rules(bytes: &[u8]) {
    told(yaml::read::<Form>("rules.yaml", &text(bytes)));
}

/// Inputs up to this length are cut into pieces of a byte.
const CUT_SMALL: usize = 2 << 10;

/// Whole, byte by byte, and as a page: how the bytes were cut changes nothing.
fn answer(bytes: &[u8]) {
    let whole = decoded(bytes, bytes.len().max(1), Reading::default());
    // Of what is long a few cuts must do: each piece is a look of its own.
    let pieces: [usize; 2] = if bytes.len() <= CUT_SMALL { [1, 7] } else { [997, 4_099] };
    for piece in pieces {
        assert_eq!(decoded(bytes, piece, Reading::default()), whole, "cut into pieces of {piece}");
    }
    decoded(bytes, pieces[1], Reading { bodiless: true, follows_another: true, ..Reading::default() });
}

fn decoded(bytes: &[u8], piece: usize, reading: Reading<'_>) -> String {
    let (mut decoder, mut inbox) = (Decoder::new(reading), BytesMut::new());
    for piece in bytes.chunks(piece) {
        inbox.extend_from_slice(piece);
        loop {
            match decoder.decode(&mut inbox) {
                Ok(Progress::NeedsMore) => break,
                Ok(Progress::Continue) => {}
                Ok(Progress::Whole(answered)) => return format!("{answered:?}"),
                Err(wrong) => return told_of(&wrong),
            }
        }
    }
    decoder.end(&mut inbox).map_or_else(|wrong| told_of(&wrong), |answered| format!("{answered:?}"))
}

/// Why there is no answer; of what is garbled as much is shown as had come.
fn told_of(wrong: &NoAnswer) -> String {
    if matches!(wrong, NoAnswer::Garbled { .. }) { "garbled".to_owned() } else { format!("{wrong:?}") }
}

fn answers() -> Vec<Vec<u8>> {
    let whole = [
        "HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\nContent-Length: 17\r\n\r\n{\"accepted\":true}",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n5;x=y\r\nhello\r\n0\r\nX-T: 1\r\n\r\n",
        "HTTP/1.0 204 No Content\r\n\r\n",
        "HTTP/1.1 200 OK\r\nSet-Cookie: a=b\r\nset-cookie: c=d\r\n\r\nuntil it is closed",
    ];
    whole.map(Vec::from).to_vec()
}

fn events(bytes: &[u8]) {
    let read = |piece: usize| {
        let mut decoder = event_stream::Decoder::resumed("41");
        let mut blocks = Vec::new();
        for piece in bytes.chunks(piece) {
            match decoder.push(piece) {
                Ok(more) => blocks.extend(more),
                Err(_) => return format!("{blocks:?} too long"),
            }
        }
        format!("{blocks:?} {} {:?}", decoder.last_event_id().to_owned(), decoder.unfinished())
    };
    let piece = if bytes.len() <= CUT_SMALL { 1 } else { 997 };
    assert_eq!(read(piece), read(bytes.len().max(1)), "cut into pieces");
}

fn streams() -> Vec<Vec<u8>> {
    let whole = [
        "\u{feff}retry: 3000\nid: 7\nevent: accepted\ndata: {\"a\":1}\ndata: more\n\n: nothing\r\n\r\ndata\r\rid\n\n",
        "id: 1\n\nid: 2\ndata: x",
    ];
    whole.map(Vec::from).to_vec()
}

fn locust(bytes: &[u8]) {
    if let Some(message::Order::Spawn(spawn)) = message::order(bytes) {
        let _ = message::within(spawn.classes.clone(), spawn.users().min(1_000));
        let _ = message::counts(&spawn.classes);
    }
}

fn messages() -> Vec<Vec<u8>> {
    let mut spawn = vec![0x93, 0xa5];
    spawn.extend(b"spawn");
    spawn.extend([0x83, 0xa9]);
    spawn.extend(b"timestamp");
    spawn.extend([0xcb, 0x41, 0xda, 0, 0, 0, 0, 0, 0, 0xb2]);
    spawn.extend(b"user_classes_count");
    spawn.extend([0x81, 0xa8]);
    spawn.extend(b"Hookgate");
    spawn.extend([0x05, 0xae]);
    spawn.extend(b"parsed_options");
    spawn.extend([0x81, 0xa8]);
    spawn.extend(b"run_word");
    spawn.extend([0xa1, b'w', 0xc0]);
    let ack = b"\x93\xa3ack\x81\xa5index\x01\xa1w".to_vec();
    vec![spawn, ack, b"\x93\xa4quit\xc0\xa1w".to_vec()]
}

fn capture(bytes: &[u8]) {
    let file = |_: &Path| Ok(b"{}".to_vec());
    if let Some(captured) = told(captured::from_any(bytes, None, &["X-Signature".to_owned()], &file)) {
        let _ = format!("{captured:?}");
    }
}

fn captures() -> Vec<Vec<u8>> {
    let har = r#"{"log":{"entries":[{"startedDateTime":"2025-10-05T20:05:03.000Z","request":{"method":"POST","url":"https://h/b?c","headers":[{"name":"x-signature","value":"1"}],"postData":{"text":"e30=","encoding":"base64"}},"response":{"status":202,"headers":[{"name":"a","value":"b"}],"content":{"text":"{}"}}}]}}"#;
    let curl = "$ curl --request PUT \\\n  --url 'https://h' \\\n  --header \"A: \\\"x\\\"\" -HX-Signature:b --data-raw $'a\\nb\\u00e9' -d @body.json";
    let lines = "POST /p?q HTTP/1.1\r\nHost: h:8\r\nX-Signature: b: c\r\n\r\n{\"a\": 1}";
    [har, curl, lines].map(Vec::from).to_vec()
}

/// A body of an answer: what came of a delivery, as a contract's reader says.
fn body(bytes: &[u8]) {
    let contract: &Arc<Contract> = &SUITE.contract;
    let headers = vec![HeaderLine::new("Content-Type", "application/json")];
    let answer = Answer { status: 202, headers, body: bytes.to_vec().into() };
    let _ = hookgate::history::record::referred_instant(contract, &answer);
    let mut normaliser = snapshot::Normaliser::new("hg12");
    let _ = normaliser.answer(&answer);
}

fn bodies() -> Vec<Vec<u8>> {
    let whole = [
        r#"{"accepted":true,"reference":{"type":"duplicate","timestamp":"2025-10-05T20:05:03.123456"},"key":"hg12-7"}"#,
        r#"{"error":"bad signature","at":["2025-10-05T20:05:03Z","e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"]}"#,
    ];
    whole.map(Vec::from).to_vec()
}
