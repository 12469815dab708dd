//! `hookgate load --otlp`: a collector of the test's own takes what is told, and holds it to the report.
#![expect(clippy::expect_used, clippy::panic, reason = "a test ends where something is not as it should be")]

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use serde_json::{Value, json};

use crate::command_line::{Running, command, hookgate, hookgate_with, nobody};
use crate::dashboard::read_by;
use crate::surroundings::{Folder, python_with_vendors};

const SECRET: (&str, &str) = ("ORCH_WEBHOOK_SECRET", "a secret of the tests, shared with nobody");
const TOKEN: (&str, &str) = ("COLLECTOR_TOKEN", "Bearer tkn-0c4f81e2a97b");

/// A post: its head, and its body.
type Post = (String, Value);

/// Takes whatever is posted, and says the same each time.
struct Collector {
    url: String,
    posts: Arc<Mutex<Vec<Post>>>,
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Collector {
    fn saying(status: &'static str, body: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let (posts, is_over) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(false)));
        let (kept, ends) = (Arc::clone(&posts), Arc::clone(&is_over));
        let thread = std::thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                if ends.load(Ordering::Acquire) {
                    return;
                }
                let post = taken(stream, status, body).expect("a post");
                kept.lock().unwrap_or_else(PoisonError::into_inner).push(post);
            }
        });
        Self { url, posts, is_over, thread: Some(thread) }
    }

    fn posts(&self) -> Vec<Post> {
        self.posts.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Release);
        drop(TcpStream::connect(self.url.trim_start_matches("http://")));
        drop(self.thread.take().map(JoinHandle::join));
    }
}

/// Reads a post, and answers.
fn taken(mut stream: TcpStream, status: &str, said: &str) -> Option<Post> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        reader.read_line(&mut head).ok().filter(|read| *read > 0)?;
    }
    let length = head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length:")?.trim().parse().ok())?;
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let length = said.len();
    let answer =
        format!("HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{said}");
    stream.write_all(answer.as_bytes()).ok()?;
    Some((head, serde_json::from_slice(&body).ok()?))
}

/// The points of a metric of a post, in the form of the protocol.
fn points<'p>(post: &'p Value, name: &str) -> &'p [Value] {
    let metrics = post["resourceMetrics"][0]["scopeMetrics"][0]["metrics"].as_array().expect("metrics");
    let metric = metrics.iter().find(|metric| metric["name"] == name).unwrap_or_else(|| panic!("{name}: {post}"));
    let data = ["sum", "gauge", "histogram"].iter().find_map(|kind| metric.get(*kind)).expect("data");
    data["dataPoints"].as_array().expect("points")
}

/// The point with these attributes, all of them.
fn point<'p>(post: &'p Value, name: &str, attributes: &[(&str, &str)]) -> &'p Value {
    let wanted: Vec<Value> = attributes.iter().map(|(key, value)| json!({"key": key, "value": {"stringValue": value}})).collect();
    let found = points(post, name).iter().find(|point| point.get("attributes").is_none_or(|has| *has == json!(wanted)));
    found.unwrap_or_else(|| panic!("{name} {attributes:?}: {post}"))
}

/// Numbers of 64 bits are text.
fn whole(value: &Value) -> u64 {
    value.as_str().and_then(|text| text.parse().ok()).unwrap_or_else(|| panic!("{value} is no number"))
}

/// What a collector has taken is what the report says, to the last delivery; the token is in the header, and nowhere else.
#[test]
fn collector_is_told_what_the_report_says() {
    let folder = Folder::new();
    let out = folder.path("out").display().to_string();
    let (collector, receiver) = (Collector::saying("200 OK", "{}"), Running::serve(SECRET.1, &[]));
    let mix = "fresh=60,duplicate=30,bad-signature=10";
    let told = hookgate_with(
        &[SECRET, TOKEN],
        &[
            "load",
            "--target",
            &receiver.url,
            "--rate",
            "150/s",
            "--run-time",
            "2s",
            "--mix",
            mix,
            "--users",
            "4",
            "--report",
            &out,
            "--otlp",
            &collector.url,
            "--otlp-header-env",
            "Authorization=COLLECTOR_TOKEN",
            "--worker",
            "1/2",
            "--run-word",
            "job7",
        ],
    );
    assert!(told.starts_with("exit 0") && !told.contains("warning"), "{told}");
    let posts = collector.posts();
    assert!(posts.len() >= 2, "one after a second, and one at the end: {}", posts.len());
    for (head, body) in &posts {
        let head = head.to_lowercase();
        assert!(head.starts_with("post /v1/metrics http/1.1\r\n") && head.contains("\r\ncontent-type: application/json\r\n"), "{head}");
        assert!(head.contains("\r\nauthorization: bearer tkn-0c4f81e2a97b\r\n"), "{head}");
        let resource = body["resourceMetrics"][0]["resource"]["attributes"].to_string();
        for (key, value) in [
            ("service.name", "hookgate"),
            ("service.version", env!("CARGO_PKG_VERSION")),
            ("hookgate.contract", "orch-phase3"),
            ("hookgate.target", &receiver.url),
            ("hookgate.run_word", "job7"),
            ("hookgate.worker", "1"),
        ] {
            assert!(resource.contains(&json!({"key": key, "value": {"stringValue": value}}).to_string()), "{key}: {resource}");
        }
        assert!(resource.contains("service.instance.id"), "{resource}");
    }
    let report: Value = serde_json::from_str(&std::fs::read_to_string(Path::new(&out).join("load.json")).expect("a report")).expect("JSON");
    let last = &posts.last().expect("a post").1;
    for (kind, of) in report["kinds"].as_object().expect("kinds") {
        let count = |outcome: &str| whole(&point(last, "hookgate_load_deliveries_total", &[("kind", kind), ("outcome", outcome)])["asInt"]);
        let [sent, answered, expected] = ["sent", "answered", "expected"].map(|name| of[name].as_u64().expect("a count"));
        assert_eq!(
            [count("expected"), count("unexpected"), count("unanswered")],
            [expected, answered - expected, sent - answered],
            "{kind}"
        );
        let latency = point(last, "hookgate_load_latency_seconds", &[("kind", kind)]);
        let buckets: u64 = latency["bucketCounts"].as_array().expect("buckets").iter().map(whole).sum();
        assert_eq!((whole(&latency["count"]), buckets), (sent, sent), "{latency}");
        let bounds: Vec<f64> = latency["explicitBounds"].as_array().expect("bounds").iter().filter_map(Value::as_f64).collect();
        assert_eq!(latency["bucketCounts"].as_array().map(Vec::len), Some(bounds.len() + 1));
        let p50 = of["latency_us"]["p50"].as_f64().expect("a latency") / 1e6;
        let mut below = 0;
        let median = latency["bucketCounts"].as_array().expect("buckets").iter().zip(&bounds).find(|(count, _)| {
            below += whole(count);
            below * 2 >= sent
        });
        assert!(median.is_none_or(|(_, bound)| p50 <= *bound * 1.01), "{p50} {latency}");
    }
    let gauge = |name: &str| point(last, name, &[])["asDouble"].as_f64().expect("a number");
    assert_eq!((gauge("hookgate_load_users"), gauge("hookgate_load_dropped")), (0.0, report["dropped"].as_f64().expect("a count")));
    let rate = report["rate_per_s"].as_f64().expect("a rate");
    assert!((gauge("hookgate_load_achieved_per_second") - rate).abs() < 1e-6 * rate, "{rate}");
    assert_eq!(whole(&point(last, "hookgate_load_late_total", &[])["asInt"]), report["late"].as_u64().expect("a count"));
    let errors: u64 = points(last, "hookgate_load_errors_total").iter().map(|point| whole(&point["asInt"])).sum();
    assert_eq!(errors, report["errors"].as_object().expect("errors").values().filter_map(Value::as_u64).sum::<u64>());

    assert!(!told.contains("tkn-0c4f"), "{told}");
    for file in std::fs::read_dir(&out).expect("the folder").flatten().filter(|file| file.path().is_file()) {
        let text = std::fs::read(file.path()).expect("a file");
        assert!(!String::from_utf8_lossy(&text).contains("tkn-0c4f"), "{}", file.path().display());
    }

    // And by the protocol's own definitions: nothing in it is unknown there, counts begin with the load and only grow.
    let Some(python) = python_with_vendors() else { return };
    let bodies: Vec<&Value> = posts.iter().map(|(_, body)| body).collect();
    let read = read_by(&python, "tests/vendors/otlp.py", &serde_json::to_string(&bodies).expect("JSON"));
    let read: Vec<&Vec<Value>> = read.as_array().expect("a list").iter().filter_map(Value::as_array).collect();
    assert_eq!(read.len(), posts.len());
    let starts: BTreeSet<u64> =
        read.iter().flat_map(|points| points.iter().filter_map(|one| one["start"].as_u64())).filter(|at| *at > 0).collect();
    assert_eq!(starts.len(), 1, "{starts:?}");
    for pair in read.windows(2) {
        for (one, next) in pair[0].iter().zip(pair[1]) {
            assert_eq!((&one["name"], &one["attributes"]), (&next["name"], &next["attributes"]));
            assert!(one["at"].as_u64() < next["at"].as_u64(), "{one} {next}");
            assert!(one["kind"] == "gauge" || one["value"].as_f64() <= next["value"].as_f64(), "{one} {next}");
        }
    }
    let sent: u64 =
        read.last().expect("a post").iter().filter(|one| one["kind"] == "histogram").filter_map(|one| one["value"].as_u64()).sum();
    assert_eq!(Some(sent), report["deliveries"].as_u64());
}

/// Who does not take them is told of once, and the load is the same.
#[test]
fn collector_that_takes_nothing_is_told_once() {
    let receiver = Running::serve(SECRET.1, &[]);
    let refusing = Collector::saying("401 Unauthorized", "who are you?\nnobody");
    let choosy = Collector::saying("200 OK", r#"{"partialSuccess":{"rejectedDataPoints":"4","errorMessage":"too many labels"}}"#);
    let (gone, [refused, partly]) = (nobody(), [&refusing, &choosy].map(|one| one.url.clone()));
    for (url, told) in [
        (&gone, format!("warning: nobody takes metrics at {gone}/v1/metrics (")),
        (&refused, format!("warning: {refused}/v1/metrics does not take metrics: it answers 401: who are you?; the load goes on")),
        (&partly, "takes a part of the metrics only: 4 points were rejected, too many labels; the load goes on".to_owned()),
    ] {
        let output = hookgate_with(
            &[SECRET],
            &[
                "load",
                "--target",
                &receiver.url,
                "--rate",
                "100/s",
                "--run-time",
                "1500ms",
                "--users",
                "4",
                "--otlp",
                url,
                "--format",
                "json",
            ],
        );
        assert!(output.starts_with("exit 0") && output.contains("\"deliveries\": 150,"), "{output}");
        assert_eq!((output.matches("warning: ").count(), output.contains(&told)), (1, true), "{told}\n{output}");
    }
    assert!(refusing.posts().len() >= 2 && choosy.posts().len() >= 2, "it is tried again");
}

/// What cannot be meant is told before anything is sent, and no password is told again.
#[test]
fn addresses_and_headers_of_collectors_are_checked() {
    for (args, told) in [
        (vec!["--otlp", "127.0.0.1:4318"], "`127.0.0.1:4318` is no collector: write its address, as in `http://127.0.0.1:4318`"),
        (vec!["--otlp", "http://me:pssst@127.0.0.1:4318"], "give --otlp-header-env Authorization=VARIABLE"),
        (vec!["--otlp", "http://127.0.0.1:4318", "--otlp-header-env", "Authorization"], "names no variable"),
        (vec!["--otlp", "http://127.0.0.1:4318", "--otlp-header-env", "Authorization=NO_SUCH_VARIABLE"], "NO_SUCH_VARIABLE is not set"),
        (vec!["--otlp", "http://127.0.0.1:4318", "--otlp-header-env", "a b=COLLECTOR_TOKEN"], "`a b` cannot be a header of exports"),
        (vec!["--otlp", "http://127.0.0.1:4318", "--otlp-header-env", "Host=COLLECTOR_TOKEN"], "it is said by the export itself"),
        (vec!["--otlp-header-env", "Authorization=COLLECTOR_TOKEN"], "--otlp"),
    ] {
        let output = hookgate_with(&[TOKEN], &[&["load", "--run-time", "1s"], &args[..]].concat());
        assert!(output.starts_with("exit 2") && output.contains(told), "{told}\n{output}");
        assert!(!output.contains("pssst") && !output.contains("tkn-0c4f"), "{output}");
    }
}

/// The project file names it, too, and its mistakes are found by `check`.
#[test]
fn project_file_names_the_collector() {
    let folder = Folder::new();
    folder.write("hookgate.toml", "[load]\notlp = \"http://127.0.0.1:1\"\notlp_header_env = { Authorization = \"COLLECTOR_TOKEN\" }\n");
    let mut load = command();
    load.envs([TOKEN]).args(["load", "--deliveries", "20", "--users", "2"]).current_dir(folder.path(""));
    let output = crate::command_line::among_others(&mut load);
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && told.contains("nobody takes metrics at http://127.0.0.1:1/v1/metrics"), "{told}");
    let wrong = folder.write("wrong/hookgate.toml", "[load]\notlp = \"collector\"\n");
    let told = hookgate(&["check", &wrong]);
    assert!(told.starts_with("exit 2") && told.contains("`collector` is no collector"), "{told}");
}
