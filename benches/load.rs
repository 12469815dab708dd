//! How fast `hookgate load` is, beside others, and whether it tells the truth.
//!
//! `cargo bench --bench load` prints the tables of `benches/RESULTS.md`. Rates
//! of other tools are measured in the same run, when they are installed; the
//! receiver runs in a process of its own, so that only the client's CPU is
//! counted (Linux, from `/proc/self/stat`).
#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::exit,
    reason = "a bench prints, and ends where it cannot work"
)]

use std::io::BufRead as _;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use hookgate::clock::{Clock as _, SystemClock};
use hookgate::contract::reading::read_contract;
use hookgate::scenario::deliver::Deliver;
use hookgate::session::series::Series;
use hookgate::session::supplies::Supplies;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

const ANSWER: &[u8] = b"HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\nContent-Length: 17\r\n\r\n{\"accepted\":true}";
const SECRET: (&str, &str) = ("ORCH_WEBHOOK_SECRET", "a secret of the benches");
/// The server of the second bar stands still so long …
const STALL: Duration = Duration::from_millis(200);
/// … so often.
const EVERY: Duration = Duration::from_secs(2);
const CLOCK_TICKS: f64 = 100.0; // a second, `getconf CLK_TCK` on Linux

fn main() {
    let mut args = std::env::args().skip(1);
    let runtime = || tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    match args.next().as_deref() {
        Some("serve") => runtime().block_on(serve(args.next().as_deref() == Some("stalling"))),
        Some("goose") => runtime().block_on(goose_path(args.next().expect("an address"), args.next().as_deref() == Some("signed"))),
        Some("--bench") | None => all(args.next().as_deref()),
        Some(only) => all(Some(only)),
    }
}

fn all(only: Option<&str>) {
    let wanted = |name: &str| only.is_none_or(|only| only == name);
    if wanted("rate") {
        rate();
    }
    if wanted("nginx") {
        nginx();
    }
    if wanted("stall") {
        stall();
    }
    if wanted("users") {
        users();
    }
    if wanted("million") {
        million();
    }
}

/// Answers everything on a free port; with `stalling`, nothing for 200 ms every 2 s.
async fn serve(stalling: bool) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    println!("http://{}", listener.local_addr().expect("its address"));
    let began = Instant::now();
    while let Ok((stream, _)) = listener.accept().await {
        drop(stream.set_nodelay(true));
        tokio::spawn(answer(stream, stalling.then_some(began)));
    }
}

async fn answer(mut stream: TcpStream, stalls_since: Option<Instant>) {
    let (mut buffer, mut held) = (vec![0; 64 << 10], 0);
    loop {
        match stream.read(&mut buffer[held..]).await {
            Ok(0) | Err(_) => return,
            Ok(more) => held += more,
        }
        while let Some(length) = request_length(&buffer[..held]) {
            buffer.copy_within(length..held, 0);
            held -= length;
            if let Some(began) = stalls_since {
                let within = Duration::from_nanos((began.elapsed().as_nanos() % EVERY.as_nanos()) as u64);
                if within < STALL {
                    tokio::time::sleep(STALL - within).await;
                }
            }
            if stream.write_all(ANSWER).await.is_err() {
                return;
            }
        }
    }
}

/// How long the first request is, when it is there whole.
fn request_length(bytes: &[u8]) -> Option<usize> {
    // Nothing is copied or kept: what a server costs is taken from both cores alike, but not the same from all clients.
    let (mut head, mut length) = (0, 0);
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        head += line.len();
        match line {
            b"\r\n" => return (bytes.len() >= head + length).then_some(head + length),
            _ if line.len() > 15 && line[..15].eq_ignore_ascii_case(b"content-length:") => {
                length = std::str::from_utf8(&line[15..]).ok()?.trim().parse().ok()?;
            }
            _ => {}
        }
    }
    None
}

/// goose as it comes, with its own client: a fixed request, or deliveries like ours, signed and with a key of their own.
async fn goose_path(url: String, signed: bool) {
    use goose::prelude::*;
    let file = hookgate::files::shipped_contract("orch-phase3").expect("it is shipped");
    let contract = read_contract(&file.path, &file.text, &|_| None).expect("it is right");
    let signer = contract.signature.keyed(SECRET.1.as_bytes()).expect("a secret");
    let target = hookgate::transport::Target::parse(&url).expect("an address");
    let (body, origin) = (bytes::Bytes::from_static(BODY), target.url(""));
    let supplies = Supplies::without_bodies(std::sync::Arc::new(contract), signer, Vec::new(), origin);
    let series = std::sync::Arc::new(Series::new(supplies, &target, Deliver::default(), &body).expect("deliveries"));
    let number = std::sync::Arc::new(std::sync::atomic::AtomicU64::new(0));
    let mut configuration = goose::config::GooseConfiguration::default();
    configuration.host = Some(url);
    configuration.users = Some(64);
    configuration.increase_rate = Some("640".to_owned());
    configuration.run_time = Some("5".to_owned());
    configuration.quiet = 3;
    configuration.no_print_metrics = true;
    let function: TransactionFunction = std::sync::Arc::new(move |user| {
        let (series, body, number) = (std::sync::Arc::clone(&series), body.clone(), std::sync::Arc::clone(&number));
        Box::pin(async move {
            let answer = if signed {
                let key = format!("bench-{}", number.fetch_add(1, std::sync::atomic::Ordering::Relaxed));
                let body = bytes::Bytes::from(String::from_utf8_lossy(&body).replace("{unique}", &key));
                let delivery = series.one(Some(&key), &body, None, SystemClock.now()).expect("a delivery").delivery;
                let mut request = user.get_request_builder(&GooseMethod::Post, &delivery.path)?.body(delivery.body);
                for line in delivery.headers {
                    request = request.header(line.name, line.value.to_vec());
                }
                user.request(GooseRequest::builder().set_request_builder(request).build()).await?
            } else {
                user.post("/callbacks/terminal", "x".repeat(200)).await?
            };
            if let Ok(answer) = answer.response {
                drop(answer.bytes().await);
            }
            Ok(())
        })
    });
    let scenario = Scenario::new("post").register_transaction(Transaction::new(function));
    let attack = GooseAttack::initialize_with_config(configuration).expect("a load").register_scenario(scenario);
    let metrics = Box::pin(attack.execute()).await.expect("a load");
    let count: usize = metrics.requests.values().map(|one| one.success_count + one.fail_count).sum();
    println!("{count} {}", metrics.duration);
}

/// A process that serves, ended with the value.
struct Server(Child, String);

impl Server {
    fn start(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("it starts");
        let mut line = String::new();
        std::io::BufReader::new(child.stdout.as_mut().expect("a pipe")).read_line(&mut line).expect("a line");
        let url = line.split_whitespace().find(|word| word.starts_with("http://")).expect("an address").to_owned();
        Self(child, url)
    }

    fn of_this_bench(kind: &str) -> Self {
        Self::start(Command::new(std::env::current_exe().expect("this program")).args(["serve", kind]))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// Seconds of CPU that ended children have used.
fn children_cpu() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|field| field.parse::<f64>().ok()).unwrap_or(0.0);
    (ticks(13) + ticks(14)) / CLOCK_TICKS
}

fn load(url: &str, args: &[&str]) -> (Value, f64) {
    let before = children_cpu();
    let output = Command::new(env!("CARGO_BIN_EXE_hookgate"))
        .env(SECRET.0, SECRET.1)
        .args(["load", "--target", url, "--format", "json"])
        .args(args)
        .output()
        .expect("it starts");
    let report = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| {
        println!("{}", String::from_utf8_lossy(&output.stderr));
        std::process::exit(1)
    });
    (report, children_cpu() - before)
}

/// The body of `hookgate load`'s own deliveries has a word of its own, as this one.
const BODY: &[u8] = br#"{"task_id":"task-{unique}","job_id":"task-{unique}","status":"done","exit_code":0}"#;
const CONSTANT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/constant.yaml");

fn told(name: &str, count: f64, seconds: f64, cpu: Option<f64>) {
    let cpu = cpu.map_or_else(|| "·".to_owned(), |cpu| format!("{:.1} µs", cpu * 1e6 / count));
    println!("| {name} | {:.0} | {cpu} |", count / seconds);
}

/// What a load makes of a receiver: signed, unique, judged deliveries.
fn ours(url: &str, turn: usize, args: &[&str]) {
    let (report, cpu) = load(url, &[&["--contract", CONSTANT], args].concat());
    let (count, seconds) = (report["deliveries"].as_f64().expect("a count"), report["seconds"].as_f64().expect("a time"));
    told(&format!("hookgate load, signed, unique, judged ({})", turn + 1), count, seconds, Some(cpu));
}

/// Bar 1: signed, unique, judged deliveries, beside a fixed request of other tools.
fn rate() {
    let server = Server::of_this_bench("constant");
    println!("\n64 connections, closed model, a constant 202:\n\n| client | deliveries/s | client CPU a delivery |\n|---|---|---|");
    for turn in 0..3 {
        ours(&server.1, turn, &["--run-time", "5 s"]);
        peers(&server.1, turn, "5s");
        for what in ["signed, unique", "fixed"] {
            let before = children_cpu();
            let this = std::env::current_exe().expect("this program");
            let kind = what.split(',').next().unwrap_or_default();
            let output = Command::new(this).args(["goose", &server.1, kind]).output().expect("it starts");
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            let last: Vec<f64> = text.lines().last().unwrap_or_default().split(' ').filter_map(|word| word.parse().ok()).collect();
            if let [count, seconds] = last[..] {
                told(&format!("goose's own path, {what} ({})", turn + 1), count, seconds, Some(children_cpu() - before));
            }
        }
    }
}

/// What other tools make of the same receiver with one fixed request, where they are installed.
fn peers(url: &str, turn: usize, time: &str) {
    for (name, measured) in [("oha", oha(url, time)), ("wrk", wrk(url, time))] {
        match measured {
            Some((rate, cpu, seconds)) => told(&format!("{name}, fixed ({})", turn + 1), rate * seconds, seconds, Some(cpu)),
            None if turn == 0 => println!("| {name} | not installed | · |"),
            None => {}
        }
    }
}

/// oha's rate, its CPU, and how long it ran; none where it is not installed.
fn oha(url: &str, time: &str) -> Option<(f64, f64, f64)> {
    let before = children_cpu();
    let body = "x".repeat(200);
    let fixed = ["-z", time, "-c", "64", "-m", "POST", "-d", &body, "--no-tui", "--insecure", "--output-format", "json"];
    let output = Command::new("oha").args(fixed).arg(format!("{url}/callbacks/terminal")).output().ok()?;
    let report: Value = serde_json::from_slice(&output.stdout).ok()?;
    let (rate, seconds) = (report["summary"]["requestsPerSec"].as_f64()?, report["summary"]["total"].as_f64()?);
    Some((rate, children_cpu() - before, seconds))
}

/// wrk's rate, its CPU, and how long it ran; none where it is not installed.
fn wrk(url: &str, time: &str) -> Option<(f64, f64, f64)> {
    let script = tempfile::Builder::new().suffix(".lua").tempfile().ok()?;
    // Its own last lines are rounded, and written in units.
    let lua = "wrk.method = \"POST\"\nwrk.body = string.rep(\"x\", 200)\nfunction done(sum) io.write(string.format(\"\\n%d %d\\n\", sum.requests, sum.duration)) end\n";
    std::fs::write(script.path(), lua).ok()?;
    let before = children_cpu();
    let args = ["-t", "2", "-c", "64", "-d", time, "-s"];
    let output = Command::new("wrk").args(args).arg(script.path()).arg(format!("{url}/callbacks/terminal")).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let last: Vec<f64> = text.lines().last()?.split(' ').filter_map(|word| word.parse().ok()).collect();
    let [count, us] = last[..] else { return None };
    Some((count * 1e6 / us, children_cpu() - before, us / 1e6))
}

/// Bar 1, against nginx with one worker, in the clear and over TLS 1.3 on kept connections.
fn nginx() {
    let scratch = tempfile::tempdir().expect("a folder");
    let path = |name: &str| scratch.path().join(name).display().to_string();
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned(), "127.0.0.1".to_owned()]).expect("a certificate");
    std::fs::write(path("cert.pem"), made.cert.pem()).expect("it is written");
    std::fs::write(path("key.pem"), made.signing_key.serialize_pem()).expect("it is written");
    let free = || std::net::TcpListener::bind("127.0.0.1:0").and_then(|one| one.local_addr()).expect("a port").port();
    let (clear, tls) = (free(), free());
    let folder = scratch.path().display();
    let answer = "keepalive_requests 1000000000; location / { default_type application/json; return 202 '{\"accepted\":true}'; }";
    let configuration = format!(
        "master_process off; daemon off; pid {folder}/pid; error_log {folder}/error.log;\nevents {{ worker_connections 512; }}\n\
         http {{ access_log off; client_body_temp_path {folder}/a; proxy_temp_path {folder}/b; fastcgi_temp_path {folder}/c; uwsgi_temp_path {folder}/d; \
         scgi_temp_path {folder}/e;\nserver {{ listen 127.0.0.1:{clear}; {answer} }}\n\
         server {{ listen 127.0.0.1:{tls} ssl; ssl_protocols TLSv1.3; ssl_certificate {folder}/cert.pem; ssl_certificate_key {folder}/key.pem; {answer} }} }}"
    );
    std::fs::write(path("nginx.conf"), configuration).expect("it is written");
    let program = ["/usr/sbin/nginx", "nginx"].into_iter().find(|one| Command::new(one).arg("-v").output().is_ok());
    let Some(program) = program else { return println!("\nnginx is not installed: section 1 lacks it") };
    let mut child = Command::new(program).args(["-c", &path("nginx.conf"), "-e", &path("error.log")]).spawn().expect("nginx");
    while std::net::TcpStream::connect(("127.0.0.1", tls)).is_err() {
        assert!(
            child.try_wait().expect("its state").is_none(),
            "nginx ended: {}",
            std::fs::read_to_string(path("error.log")).unwrap_or_default()
        );
        std::thread::sleep(Duration::from_millis(20));
    }
    for (url, how) in [(format!("http://127.0.0.1:{clear}"), "in the clear"), (format!("https://127.0.0.1:{tls}"), "over TLS 1.3")] {
        println!("\nnginx with one worker, {how}:\n\n| client | deliveries/s | client CPU a delivery |\n|---|---|---|");
        for turn in 0..5 {
            let args = if url.starts_with("https") { &["--run-time", "4 s", "--insecure"][..] } else { &["--run-time", "4 s"] };
            ours(&url, turn, args);
            peers(&url, turn, "4s");
        }
    }
    drop(child.kill());
    drop(child.wait());
}

/// Bar 2: 5,000 a second against a server that stands still for 200 ms every 2 s. Of 20 deliveries two fall
/// into a stall, and wait evenly between 0 and 200 ms: the slowest one in a hundred waits 180 ms or longer.
fn stall() {
    println!(
        "\na server that stalls 200 ms every 2 s; by its schedule p99 is 180 ms:\n\n| model | deliveries/s | p50 | p99 | p99 against the truth |\n|---|---|---|---|---|"
    );
    for (name, args) in [("open, 5000/s", vec!["--rate", "5000/s"]), ("closed, 256 users", vec![])] {
        // A server of its own, so that its schedule begins with the load.
        let server = Server::of_this_bench("stalling");
        let (report, _) = load(&server.1, &[vec!["--contract", CONSTANT, "--run-time", "20 s", "--users", "256"], args].concat());
        let us = |name: &str| report["latency_us"][name].as_f64().expect("a number");
        let off = (us("p99") / 180_000.0 - 1.0) * 100.0;
        println!(
            "| {name} | {:.0} | {:.2} ms | {:.1} ms | {off:+.1}% |",
            report["rate_per_s"].as_f64().expect("a rate"),
            us("p50") / 1e3,
            us("p99") / 1e3
        );
    }
}

/// Bar 3: a thousand users.
fn users() {
    let server = Server::of_this_bench("constant");
    let out = Command::new("/usr/bin/env")
        .args(["sh", "-c", "\"$0\" \"$@\" & pid=$!; while kill -0 $pid 2>/dev/null; do grep VmHWM /proc/$pid/status 2>/dev/null; sleep 0.5; done; wait $pid"])
        .arg(env!("CARGO_BIN_EXE_hookgate"))
        .args(["load", "--target", &server.1, "--contract", CONSTANT, "--users", "1000", "--run-time", "10 s", "--quiet"])
        .env(SECRET.0, SECRET.1)
        .output()
        .expect("a shell");
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    let high = text.lines().rfind(|line| line.starts_with("VmHWM")).unwrap_or("VmHWM unknown");
    println!(
        "\n1,000 users: {}  ({})",
        text.lines().last().unwrap_or_default(),
        high.split_whitespace().skip(1).collect::<Vec<_>>().join(" ")
    );
}

/// Bar 4: a million deliveries to the reference, judged.
fn million() {
    for (name, extra) in [("in memory", vec![]), ("on a file", vec!["--db", "FILE"])] {
        let scratch = tempfile::tempdir().expect("a folder");
        let file = scratch.path().join("reference.db").display().to_string();
        let extra: Vec<&str> = extra.into_iter().map(|arg| if arg == "FILE" { &file } else { arg }).collect();
        let count = if extra.is_empty() { "1000000" } else { "200000" };
        let server = Server::start(Command::new(env!("CARGO_BIN_EXE_hookgate")).env(SECRET.0, SECRET.1).args(["serve"]).args(&extra));
        let (report, cpu) = load(&server.1, &[vec!["--deliveries", count, "--run-time", "10m", "--mix", "ordinary"], extra].concat());
        let violations: u64 = report["requirements"].as_array().expect("a list").iter().filter_map(|one| one["violations"].as_u64()).sum();
        println!(
            "\n`hookgate serve` {name}: {} deliveries, {:.0}/s, p99 {:.1} ms, {violations} violations, client CPU {:.1} µs a delivery",
            report["deliveries"],
            report["rate_per_s"].as_f64().expect("a rate"),
            report["latency_us"]["p99"].as_f64().expect("a number") / 1e3,
            cpu * 1e6 / report["deliveries"].as_f64().expect("a count")
        );
    }
}
