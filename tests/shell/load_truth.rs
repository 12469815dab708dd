//! `hookgate load` tells the truth: of a receiver that is too slow, to whoever looks on, and to whoever reads the report again.
#![expect(clippy::expect_used, reason = "a test ends where something is not as it should be")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use prometheus_parse::{Scrape, Value as Told};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::command_line::{Running, among_others, binary, command, hookgate, hookgate_with, until};
use crate::surroundings::{Folder, project};

const SECRET: (&str, &str) = ("ORCH_WEBHOOK_SECRET", "a secret of the tests, shared with nobody");
const ANSWER: &[u8] = b"HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\nContent-Length: 17\r\n\r\n{\"accepted\":true}";

/// A receiver that takes one delivery after the other, and so long for each.
struct Slow {
    url: String,
    _runtime: tokio::runtime::Runtime,
}

impl Slow {
    fn start(each: Duration) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("its address"));
        let free_at = Arc::new(Mutex::new(Instant::now()));
        runtime.spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let free_at = Arc::clone(&free_at);
                tokio::spawn(async move {
                    let (mut buffer, mut held) = (vec![0; 64 << 10], Vec::new());
                    while let Ok(more @ 1..) = stream.read(&mut buffer).await {
                        held.extend_from_slice(&buffer[..more]);
                        while let Some(length) = whole(&held) {
                            held.drain(..length);
                            // Its turn is so long after the turn of the one before, however busy the machine is.
                            let turn = {
                                let mut free_at = free_at.lock().await;
                                *free_at = (*free_at).max(Instant::now()) + each;
                                *free_at
                            };
                            tokio::time::sleep_until(turn).await;
                            if stream.write_all(ANSWER).await.is_err() {
                                return;
                            }
                        }
                    }
                });
            }
        });
        Self { url, _runtime: runtime }
    }
}

/// How long the first request is, when it is there whole.
fn whole(bytes: &[u8]) -> Option<usize> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let head = String::from_utf8_lossy(&bytes[..end]).to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok()).unwrap_or(0);
    (bytes.len() >= end + length).then_some(end + length)
}

fn constant() -> String {
    project("benches/constant.yaml").display().to_string()
}

fn json(path: &Path) -> Value {
    serde_json::from_str(&std::fs::read_to_string(path).expect("a file")).expect("JSON")
}

/// A hundred a second, asked for four times as many: every figure tells it, the gate breaks, and nobody waits for the rest.
#[test]
fn slow_receiver_is_told_everywhere() {
    let (slow, folder) = (Slow::start(Duration::from_millis(10)), Folder::new());
    let out = folder.path("out");
    let report = out.display().to_string();
    let args = ["load", "--contract", &constant(), "--target", &slow.url, "--rate", "400/s", "--run-time", "3s", "--users", "8"];
    let rest = ["--gate", "rate>=350/s", "--gate", "dropped==0", "--no-verify", "--report", &report];
    let told = hookgate_with(&[SECRET], &[&args[..], &rest[..]].concat());
    assert!(told.starts_with("exit 1"), "{told}");
    assert!(told.contains("of 400/s wanted") && told.contains("BROKEN") && told.contains("The wanted rate was not kept"), "{told}");
    let written = json(&out.join("load.json"));
    let rate = written["rate_per_s"].as_f64().expect("a rate");
    assert!((80.0..=101.0).contains(&rate), "{rate}");
    assert_eq!((&written["kept_up"], written["wanted_per_s"].as_f64()), (&Value::Bool(false), Some(400.0)));
    assert_eq!(written["deliveries"].as_u64().zip(written["dropped"].as_u64()).map(|(sent, dropped)| sent + dropped), Some(1_200));
    assert!(written["gates"].as_array().expect("gates").iter().all(|gate| gate["ok"] == false), "{}", written["gates"]);
    assert!((written["gates"][0]["value"].as_f64().expect("a value") - rate).abs() < 1e-6);
    let shown = format!("{rate:.0}/s");
    let read = |name: &str| std::fs::read_to_string(out.join(name)).expect("a file of the folder");
    for name in ["load.md", "load.html"] {
        let text = read(name).replace("&#x2f;", "/");
        assert!(text.contains(&shown), "{shown} is not in {name}");
    }
    assert!(read("junit.xml").contains(&format!("name=\"rate_per_s\" value=\"{rate:.2}\"")), "{}", read("junit.xml"));
    let answers: u64 = read("series.csv").lines().skip(1).filter_map(|line| line.split(',').nth(5)?.parse::<u64>().ok()).sum();
    assert_eq!(Some(answers), written["deliveries"].as_u64());
    // As it stands it agrees; with a better rate in it, it does not, and neither does any other file.
    let verify = |args: &[&str]| hookgate(&[&["report", "verify"], args].concat());
    assert!(verify(&[&report]).starts_with("exit 0"), "{}", verify(&[&report]));
    let text = read("load.json");
    let better = text.replace(&format!("\"rate_per_s\": {}", written["rate_per_s"]), "\"rate_per_s\": 399.5");
    assert_ne!(text, better);
    std::fs::write(out.join("load.json"), better).expect("it can be written");
    let told = verify(&[&report]);
    assert!(told.starts_with("exit 1") && told.contains("are not 399.5 a second") && told.contains("SHA-256 differs"), "{told}");
    std::fs::write(out.join("load.json"), text).expect("it can be written");
    // What was wanted, what was judged and of how many keys follows from the rest, too.
    let looks = |change: &dyn Fn(&mut Value), wanted: &str| {
        let text = read("load.json");
        let mut other = written.clone();
        change(&mut other);
        std::fs::write(out.join("load.json"), other.to_string()).expect("it can be written");
        assert!(verify(&[&report]).contains(wanted), "{wanted}: {}", verify(&[&report]));
        std::fs::write(out.join("load.json"), text).expect("it can be written");
    };
    looks(&|load| load["seconds"] = 1e308.into(), "is no span of time");
    looks(&|load| load["heat"]["to_us"] = serde_json::json!([]), "the heat map has 0 bounds");
    looks(&|load| load["wanted_per_s"] = 300.into(), "300 a second are said to be wanted for 3 s, and its seconds want 1200");
    looks(&|load| load["keys"] = 1_000_000.into(), "1000000 keys are told of");
    for name in ["load.md", "load.html"] {
        let text = read(name);
        let escaped = shown.replace('/', "&#x2f;");
        std::fs::write(out.join(name), text.replace(&shown, "399/s").replace(&escaped, "399&#x2f;s")).expect("it can be written");
        assert!(verify(&[&report]).contains(&format!("{name} is not as it was written")), "{name}");
        std::fs::write(out.join(name), text).expect("it can be written");
    }
}

/// Five searches of a receiver whose limit is known: each is right within five percent.
#[test]
fn highest_rate_is_found() {
    let searches: Vec<_> = (0..5)
        .map(|number| {
            let (slow, folder) = (Slow::start(Duration::from_millis(5)), Folder::new());
            let out = folder.path("out");
            let search = command()
                .env(SECRET.0, SECRET.1)
                .args(["load", "--contract", &constant(), "--target", &slow.url, "--find-max", "p99<400ms,errors<1%", "--step", "3s"])
                .args(["--at-least", if number == 0 { "1000/s" } else { "150/s" }, "--users", "16", "--no-verify"])
                .args(["--quiet", "--report", &out.display().to_string()])
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .expect("it starts");
            (number, slow, folder, out, search)
        })
        .collect();
    for (number, _slow, _folder, out, search) in searches {
        let output = search.wait_with_output().expect("it ends");
        let told = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        let report = json(&out.join("load.json"));
        let knee = &report["knee"];
        let good = knee["last_good_per_s"].as_f64().unwrap_or_else(|| panic!("{told} {knee:#}"));
        assert!((190.0..=210.0).contains(&good), "{good}: {knee:#}");
        assert!(knee["first_bad_per_s"].as_f64().is_some_and(|bad| bad > good && bad < good * 1.05), "{knee:#}");
        assert!(knee["first_bad_votes"][1].as_u64() >= Some(2) && knee["last_good_votes"][1].as_u64() >= Some(2), "{knee:#}");
        // What had to be kept at the least decides.
        let wanted = if number == 0 { (Some(1), Some(false)) } else { (Some(0), Some(true)) };
        assert_eq!((output.status.code(), knee["ok"].as_bool()), wanted, "{told}");
        let page = std::fs::read_to_string(out.join("load.html")).expect("the page");
        assert!(page.contains("Latency by rate") && page.contains("The highest rate"), "the page has its knee");
        let told = hookgate(&["report", "verify", &out.display().to_string()]);
        assert!(told.starts_with("exit 0"), "{told}");
    }
}

/// One question over a connection of its own.
pub(crate) fn asked(address: &str, path: &str) -> Option<String> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").as_bytes()).ok()?;
    let mut text = String::new();
    stream.read_to_string(&mut text).ok()?;
    text.split_once("\r\n\r\n").map(|(_, body)| body.to_owned())
}

/// What Prometheus reads while a load runs, read by somebody else's parser.
#[test]
fn metrics_are_read_back_while_the_load_runs() {
    let serving = Running::serve(SECRET.1, &[]);
    let mut load = command()
        .env(SECRET.0, SECRET.1)
        .args(["load", "--target", &serving.url, "--rate", "200/s", "--run-time", "60s", "--mix", "fresh=3,bad-signature=1"])
        .args(["--metrics", "0", "--users", "4"])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut lines = BufReader::new(load.stderr.take().expect("a pipe"));
    let mut line = String::new();
    lines.read_line(&mut line).expect("a line");
    let address =
        line.trim().strip_prefix("metrics: http://").and_then(|rest| rest.strip_suffix("/metrics")).expect("an address").to_owned();
    assert!(address.starts_with("127.0.0.1:"), "{address}");
    let mut scrape = None;
    until("a delivery is counted", || {
        let body = asked(&address, "/metrics").expect("an answer");
        let told = Scrape::parse(body.lines().map(|line| Ok(line.to_owned()))).expect("the format");
        let sent =
            |scrape: &Scrape| scrape.samples.iter().any(|one| one.metric.ends_with("deliveries_total") && one.value != Told::Counter(0.0));
        assert!(sent(&told) || load.try_wait().expect("it can be asked").is_none(), "the load ended before its time");
        let is_sent = sent(&told);
        scrape = Some(told);
        is_sent
    });
    let scrape = scrape.expect("it was asked");
    let of = |metric: &str, label: &[(&str, &str)]| {
        let fits = |one: &&prometheus_parse::Sample| {
            one.metric == format!("hookgate_load_{metric}") && label.iter().all(|(name, value)| one.labels.get(name) == Some(*value))
        };
        scrape.samples.iter().find(fits).map_or_else(|| panic!("{metric} {label:?}"), |one| one.value.clone())
    };
    let counter = |metric: &str, label: &[(&str, &str)]| match of(metric, label) {
        Told::Counter(value) | Told::Gauge(value) => value,
        other => panic!("{metric} is {other:?}"),
    };
    let sent: f64 = ["expected", "unexpected", "unanswered"]
        .iter()
        .map(|outcome| counter("deliveries_total", &[("kind", "fresh"), ("outcome", outcome)]))
        .sum();
    let Told::Histogram(buckets) = of("latency_seconds", &[("kind", "fresh")]) else { panic!("no histogram") };
    let in_all = buckets.last().map(|bucket| (bucket.less_than.is_infinite(), bucket.count));
    assert_eq!(in_all, Some((true, sent)), "{buckets:?}");
    assert!(buckets.windows(2).all(|pair| pair[0].count <= pair[1].count), "{buckets:?}");
    assert_eq!((counter("wanted_per_second", &[]), counter("users", &[])), (200.0, 4.0));
    for metric in ["achieved_per_second", "late_total", "dropped"] {
        assert!(counter(metric, &[]) >= 0.0, "{metric}");
    }
    assert!(asked(&address, "/other").is_some_and(|body| body.is_empty()), "nothing else is there");
    let asked = Command::new("/bin/sh").args(["-c", &format!("kill -INT {}", load.id())]).status().expect("a shell");
    assert!(asked.success() && load.wait().expect("it ends").code() == Some(130));
}

/// A receiver that hookgate starts itself is loaded, looked at, and gone afterwards; its output is in the folder.
#[test]
fn receiver_is_started_loaded_and_stopped() {
    let folder = Folder::new();
    let out = folder.path("out");
    let serve = format!("exec {} serve --addr 127.0.0.1:{{port}} --db {{dir}}/orch.db", binary());
    let args = ["load", "--exec", &serve, "--db", "{dir}/orch.db", "--rate", "100/s", "--run-time", "2s", "--users", "4"];
    let told = hookgate(&[&args[..], &["--report", &out.display().to_string()]].concat());
    assert!(told.starts_with("exit 0"), "{told}");
    let report = json(&out.join("load.json"));
    assert_eq!((&report["verdict"], report["deliveries"].as_u64()), (&"conforms".into(), Some(200)), "{report:#}");
    if Path::new("/proc/self/stat").exists() {
        assert!(report["effort"]["receiver_peak_bytes"].as_u64() > Some(1 << 20), "{:#}", report["effort"]);
        assert!(report["effort"]["own_cpu_percent"].as_f64() > Some(0.0), "{:#}", report["effort"]);
    }
    assert!(out.join("target.log").is_file());
    assert!(hookgate(&["report", "verify", &out.display().to_string()]).starts_with("exit 0"));
    let failed = hookgate(&["load", "--exec", "echo gone; exit 7", "--run-time", "1s"]);
    assert!(failed.starts_with("exit 3") && failed.contains("ended before it was ready") && failed.contains("gone"), "{failed}");
}

/// What cannot be read after a load is open, and all that was measured is in the report.
#[test]
fn evidence_that_is_lost_leaves_the_report() {
    let folder = Folder::new();
    let (out, db) = (folder.path("out").display().to_string(), folder.path("orch.db").display().to_string());
    let serving = Running::serve(SECRET.1, &["--db", &db]);
    // It counts before the load, and not any more afterwards.
    let counts = "test {key} = hookgate-asks-for-no-key && echo 0";
    let args = [
        "load",
        "--target",
        &serving.url,
        "--db",
        &db,
        "--evidence-cmd",
        counts,
        "--deliveries",
        "60",
        "--report",
        &out,
        "--mix",
        "fresh=60,duplicate=40",
    ];
    let told = hookgate_with(&[SECRET], &args);
    assert!(told.starts_with("exit 3") && told.contains("What it would have told is open: "), "{told}");
    let report = json(&folder.path("out/load.json"));
    assert_eq!((&report["verdict"], report["deliveries"].as_u64()), (&"incomplete".into(), Some(60)), "{report:#}");
    let verdict = |id: &str| {
        let all = report["requirements"].as_array().expect("a list").iter();
        all.filter(|one| one["id"] == id).map(|one| one["verdict"].as_str().expect("text")).collect::<Vec<_>>()
    };
    assert_eq!(
        [verdict("EFF-1"), verdict("EFF-2"), verdict("ONCE-3"), verdict("AUD-6")],
        [["undecided"], ["undecided"], ["pass"], ["pass"]]
    );
    let verified = hookgate(&["report", "verify", &out]);
    assert!(verified.starts_with("exit 0"), "{verified}");
    let own = hookgate(&["load", "--evidence-cmd", counts, "--deliveries", "60"]);
    assert!(own.starts_with("exit 2") && own.contains("give the target too"), "{own}");
}

/// A run and a load do not share a folder, whichever came first.
#[test]
fn run_and_load_keep_their_folders_apart() {
    let folder = Folder::new();
    let (run, load) = (folder.path("run").display().to_string(), folder.path("load").display().to_string());
    let one = ["run", "key/blank-key-is-refused*", "--report"];
    let other = ["load", "--deliveries", "20", "--users", "2", "--report"];
    assert!(hookgate(&[&one[..], &[&run]].concat()).starts_with("exit 0"));
    assert!(hookgate(&[&other[..], &[&load]].concat()).starts_with("exit 0"));
    for (args, path, whose) in
        [(&one[..], &load, "the report of a load (load.json)"), (&other[..], &run, "the report of a run (report.json)")]
    {
        let told = hookgate(&[args, &[path]].concat());
        assert!(told.starts_with("exit 2") && told.contains(whose) && told.contains("give another folder"), "{told}");
    }
    // A second load in the folder of the first leaves nothing of it.
    assert!(hookgate(&[&other[..], &[&load]].concat()).starts_with("exit 0"));
    for path in [&run, &load] {
        assert!(hookgate(&["report", "verify", path]).starts_with("exit 0"), "{path}");
    }
}

/// What is known to fail, with its reason, fails no load; and a warning is no failure in JUnit.
#[test]
fn baseline_and_warnings_fail_nothing() {
    let folder = Folder::new();
    let db = folder.path("receiver.db").display().to_string();
    let known = folder.write("known.yaml", "known:\n  - {requirement: AUD-3, reason: the hash is repaired in March}\n");
    let serving = Running::serve(SECRET.1, &["--db", &db, "--defect", "audit-hash-in-upper-case"]);
    let args = ["load", "--target", &serving.url, "--db", &db, "--deliveries", "100", "--users", "4"];
    let output = |more: &[&str]| among_others(command().env(SECRET.0, SECRET.1).args(args).args(["--format", "json"]).args(more));
    assert_eq!(output(&[]).status.code(), Some(1));
    let kept = output(&["--baseline", &known]);
    let report: Value = serde_json::from_slice(&kept.stdout).expect("JSON");
    let verdict = |id: &str| {
        report["requirements"].as_array().and_then(|all| all.iter().find(|one| one["id"] == id)).map(|one| one["verdict"].clone())
    };
    assert_eq!((kept.status.code(), verdict("AUD-3")), (Some(0), Some("known".into())), "{report:#}");
    assert!(report["notes"].to_string().contains("the hash is repaired in March"), "{report:#}");
    let junit = among_others(command().env(SECRET.0, SECRET.1).args(args).args(["--format", "junit", "--baseline", &known]));
    let text = String::from_utf8_lossy(&junit.stdout).into_owned();
    assert!(!text.contains("<failure"), "{text}");
}

/// Requirement: what is counted as a duplicate is one; a user that has no key of its own repeats another's.
#[test]
fn first_deliveries_are_no_duplicates() {
    let folder = Folder::new();
    let db = folder.path("receiver.db").display().to_string();
    let serving = Running::serve(SECRET.1, &["--db", &db]);
    let load = |args: &[&str]| {
        let usual = ["load", "--target", &serving.url, "--db", &db, "--format", "json", "--users", "64", "--seed", "7"];
        let output = among_others(command().env(SECRET.0, SECRET.1).args(usual).args(args));
        serde_json::from_slice::<Value>(&output.stdout).expect("a report")
    };
    let report = load(&["--rate", "100/s", "--deliveries", "60", "--mix", "fresh=50,duplicate=50"]);
    let sent = |kind: &str| report["kinds"][kind]["sent"].as_u64().expect("a count");
    let of_keys = report["requirements"].as_array().and_then(|all| all.iter().find(|one| one["id"] == "DB-2")).expect("DB-2");
    assert_eq!((&report["verdict"], of_keys["checked"].as_u64()), (&"conforms".into(), Some(sent("fresh"))), "{report:#}");
    assert!(sent("duplicate") >= 10, "{report:#}");
    // Nobody waited for an answer when the first was due.
    let few = load(&["--rate", "20/s", "--deliveries", "3", "--mix", "fresh=1"]);
    let is_crowded = |note: &Value| note.as_str().is_some_and(|note| note.contains("were due while all"));
    assert!(!few["notes"].as_array().expect("a list").iter().any(is_crowded), "{few:#}");
}
