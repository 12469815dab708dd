//! `hookgate load --locust-master`: workers of Locust's own master, steered and looked at through its web API; and `load merge`.
#![expect(clippy::expect_used, reason = "a test ends where something is not as it should be")]

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Stdio};

use serde_json::Value;

use crate::command_line::{Running, command, hookgate, nobody, until};
use crate::surroundings::{Folder, python_with_vendors};

const SECRET: &str = "a secret of the tests, shared with nobody";
const MIX: &str = "fresh=60,duplicate=20,burst=20";

/// A process that is gone when the test is.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

fn json(folder: &Path) -> Value {
    serde_json::from_str(&std::fs::read_to_string(folder.join("load.json")).expect("a report")).expect("JSON")
}

/// Locust's master with its web API.
struct Master {
    process: Process,
    web: String,
    /// `host:port` for workers.
    address: String,
}

impl Master {
    fn start(python: &Path, folder: &Folder) -> Self {
        let file = folder.write("locustfile.py", &crate::command_line::stdout(&["locustfile", "--mix", MIX]));
        let [web, bind] = [nobody(), nobody()].map(|url| url.trim_start_matches("http://127.0.0.1:").to_owned());
        let log = std::fs::File::create(folder.path("master.log")).expect("a file");
        let started = std::process::Command::new(python)
            .args(["-m", "locust", "-f", &file, "--master", "--master-bind-host", "127.0.0.1", "--master-bind-port", &bind])
            .args(["--web-host", "127.0.0.1", "--web-port", &web])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn();
        let process = Process(started.expect("the master starts"));
        Self { process, web: format!("127.0.0.1:{web}"), address: format!("127.0.0.1:{bind}") }
    }

    /// One question to the web API; null while nobody answers, or not in JSON.
    fn ask(&self, method: &str, path: &str, form: &str) -> Value {
        let answer = || -> std::io::Result<String> {
            let mut stream = TcpStream::connect(&self.web)?;
            let head = format!(
                "{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
                self.web,
                form.len()
            );
            stream.write_all(head.as_bytes())?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer)?;
            Ok(answer)
        };
        let answer = answer().unwrap_or_default();
        answer.split_once("\r\n\r\n").and_then(|(_, body)| serde_json::from_str(body).ok()).unwrap_or_default()
    }

    fn stats(&self) -> Value {
        self.ask("GET", "/stats/requests", "")
    }

    fn call(&self, users: u64) {
        let told = self.ask("POST", "/swarm", &format!("user_count={users}&spawn_rate=100"));
        assert_eq!(told["success"], true, "{told}");
    }

    /// Waits until its page shows so many users, and more requests than before.
    fn until_users(&self, users: u64) {
        let before = self.requests();
        until(&format!("{users} users"), || self.stats()["user_count"] == users && (users == 0 || self.requests() > before));
    }

    fn requests(&self) -> u64 {
        self.of("Aggregated")["num_requests"].as_u64().unwrap_or(0)
    }

    /// The line of its table with this name.
    fn of(&self, name: &str) -> Value {
        let stats = self.stats();
        stats["stats"].as_array().and_then(|lines| lines.iter().find(|line| line["name"] == name).cloned()).unwrap_or_default()
    }

    fn workers_in(&self, state: &str) -> usize {
        self.stats()["workers"].as_array().map_or(0, |workers| workers.iter().filter(|worker| worker["state"] == state).count())
    }
}

fn worker(master: &Master, target: &str, report: &str) -> Process {
    let started = command()
        .env("ORCH_WEBHOOK_SECRET", SECRET)
        .args(["load", "--target", target, "--locust-master", &master.address, "--mix", MIX, "--report", report, "--quiet", "--seed", "7"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    Process(started.expect("the worker starts"))
}

/// Two workers of a master, under a receiver that checks a key before it marks it: what the master shows is what the workers have
/// measured; users go up and down; broken keys are failures while the load runs, and named when the reports are joined; a worker that
/// is killed is seen to be gone, and the joined report says so.
#[test]
fn workers_of_locust_are_one_load() {
    let Some(python) = python_with_vendors() else { return };
    let folder = Folder::new();
    let database = folder.path("a.db").display().to_string();
    let receiver = Running::serve(SECRET, &["--defect", "checks-then-marks", "--db", &database]);
    let master = Master::start(&python, &folder);
    let [one, two, all, cut] = ["one", "two", "all", "cut"].map(|name| folder.path(name).display().to_string());
    let mut first = worker(&master, &receiver.url, &one);
    let mut second = worker(&master, &receiver.url, &two);
    until("two workers are ready", || master.workers_in("ready") == 2);
    for users in [8, 2, 6] {
        master.call(users);
        master.until_users(users);
    }
    until("broken keys are failures", || {
        let errors = master.stats()["errors"].clone();
        errors.as_array().is_some_and(|errors| errors.iter().any(|one| one["method"] == "HISTORY" && one.to_string().contains(": key hg")))
    });
    master.ask("POST", "/stop", "");
    until("both are ready again", || master.workers_in("ready") == 2 && Path::new(&two).join("manifest.json").exists());
    let reports = [&one, &two].map(|folder| json(Path::new(folder)));
    for kind in ["fresh", "duplicate", "burst"] {
        let sent: u64 = reports.iter().map(|report| report["kinds"][kind]["sent"].as_u64().expect("a count")).sum();
        let told = master.of(kind)["num_requests"].as_u64().expect("a count");
        assert!(sent > 0 && sent.abs_diff(told) * 100 <= sent, "{kind}: {sent} sent, {told} told");
    }
    let most = |report: &Value| report["users"].as_u64().expect("a count");
    assert_eq!(reports.iter().map(most).sum::<u64>(), 8);
    let broken: u64 = reports.iter().map(|report| report["requirements"][0]["violations"].as_u64().expect("a count")).sum();
    let id = reports[0]["requirements"][0]["id"].as_str().expect("an id").to_owned();
    assert_eq!(master.of(&id)["num_failures"], broken, "{id}");

    let told = hookgate(&["load", "merge", &one, &two, "--report", &all]);
    assert!(told.starts_with("exit 1"), "{told}");
    let joined = json(Path::new(&all));
    assert_eq!(joined["requirements"][0]["violations"], broken);
    let key = joined["violations"][0]["key"].as_str().expect("a key");
    let word = reports[0]["workers"][0]["run_word"].as_str().expect("a word");
    assert!(key.starts_with(&format!("{word}w")), "{key} {word}");
    let deliveries = |report: &Value| report["deliveries"].as_u64().expect("a count");
    assert_eq!(deliveries(&joined), reports.iter().map(deliveries).sum::<u64>());
    let verified = hookgate(&["report", "verify", &all]);
    assert!(verified.starts_with("exit 0"), "{verified}");

    master.call(4);
    master.until_users(4);
    second.0.kill().expect("it can be killed");
    until("the master sees it", || master.workers_in("missing") == 1);
    let asked = std::process::Command::new("/bin/sh").args(["-c", &format!("kill -TERM {}", master.process.0.id())]).status();
    assert!(asked.expect("a shell").success());
    assert_eq!(first.0.wait().expect("it ends").code(), Some(1));
    let told = hookgate(&["load", "merge", &format!("{one}-2"), &format!("{two}-2"), "--report", &cut]);
    let joined = json(Path::new(&cut));
    let states: Vec<&str> =
        joined["workers"].as_array().expect("a list").iter().map(|one| one["state"].as_str().expect("a state")).collect();
    assert!(states.contains(&"complete") && states.contains(&"cut-short"), "{told}");
    assert!(told.contains("was cut short"), "{told}");
    let verified = hookgate(&["report", "verify", &cut]);
    assert!(verified.starts_with("exit 0"), "{verified}");
}

/// Loads side by side without a master: their keys are their own, their reports are one; and what is missing is told.
#[test]
fn workers_of_a_matrix_are_joined() {
    let folder = Folder::new();
    let database = folder.path("a.db").display().to_string();
    let receiver = Running::serve(SECRET, &["--db", &database]);
    let [one, two, all] = ["one", "two", "all"].map(|name| folder.path(name).display().to_string());
    for (part, report) in [("1/2", &one), ("2/2", &two)] {
        let output = command()
            .env("ORCH_WEBHOOK_SECRET", SECRET)
            .args(["load", "--target", &receiver.url, "--db", &database, "--worker", part, "--run-word", "job7", "--report", report])
            .args(["--deliveries", "300", "--users", "4", "--mix", MIX, "--gate", "p99<60s", "--gate", "violations==0"])
            .output()
            .expect("it starts");
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stdout));
    }
    let told = hookgate(&["load", "merge", &one, &two, "--report", &all]);
    assert!(told.starts_with("exit 0") && told.contains("Joined from 2 workers of 2"), "{told}");
    let (joined, parts) = (json(Path::new(&all)), [&one, &two].map(|folder| json(Path::new(folder))));
    assert_eq!((&joined["deliveries"], &joined["operations"], &joined["verdict"]), (&600.into(), &600.into(), &"conforms".into()));
    let checked = |report: &Value| {
        report["requirements"].as_array().expect("a list").iter().map(|one| one["checked"].as_u64().expect("a count")).collect::<Vec<_>>()
    };
    let both: Vec<u64> = checked(&parts[0]).iter().zip(checked(&parts[1])).map(|(one, other)| one + other).collect();
    assert_eq!(checked(&joined), both);
    assert_eq!(joined["gates"].as_array().map(Vec::len), Some(2));
    for name in ["load.html", "load.md", "series.csv", "latency.hlog", "junit.xml"] {
        assert!(Path::new(&all).join(name).is_file(), "{name}");
    }
    let verified = hookgate(&["report", "verify", &all]);
    assert!(verified.starts_with("exit 0"), "{verified}");
    histories_that_are_not_whole_leave_the_verdict_open(&folder, &one, &two);
    for (given, expected, told) in [
        (vec![&two], "exit 4", "Worker 1 is missing"),
        (vec![&one, &one], "exit 2", "are the same worker"),
        (vec![&all], "exit 2", "is no worker's folder"),
    ] {
        let given: Vec<&str> = given.into_iter().map(String::as_str).collect();
        let out = folder.path("out").display().to_string();
        let output = hookgate(&[&["load", "merge"], &given[..], &["--report", &out]].concat());
        assert!(output.starts_with(expected) && output.contains(told), "{told}: {output}");
    }
}

/// A right receiver is at most undecided, and never conforms, where a part of a worker's history is gone; the part is named.
fn histories_that_are_not_whole_leave_the_verdict_open(folder: &Folder, one: &str, two: &str) {
    /// Bytes of an operation, and of what stands before the first.
    const BYTES: usize = 32;
    let kept = Path::new(two).join("worker/operations");
    let (whole, report) = (std::fs::read(&kept).expect("operations"), Path::new(two).join("load.json"));
    let text = std::fs::read(&report).expect("a report");
    let without_first = || [&whole[..BYTES], &whole[BYTES * (whole.len() / BYTES / 2)..]].concat();
    let mut flipped = whole.clone();
    flipped[BYTES * 9 + 12] ^= 1;
    for (name, operations, has_report, told) in [
        ("lost", None, true, "The operations of worker 2 are not there any more"),
        ("flipped", Some(flipped), true, "are not as they were written"),
        ("cut", Some(whole[..whole.len() - 1_000].to_vec()), true, "lacks deliveries that its report counts"),
        // Duplicates are there, and what they are duplicates of is not.
        ("begun", Some(without_first()), true, "lacks deliveries that its report counts"),
        ("killed", Some(without_first()), false, "Worker 2 was cut short"),
    ] {
        operations.map_or_else(|| std::fs::remove_file(&kept), |bytes| std::fs::write(&kept, bytes)).expect("it is altered");
        if !has_report {
            std::fs::remove_file(&report).expect("it is taken away");
        }
        let out = folder.path(name).display().to_string();
        let output = hookgate(&["load", "merge", one, two, "--report", &out]);
        assert!(output.starts_with("exit 4") && output.contains(told), "{name}: {output}");
        let once = json(Path::new(&out))["requirements"].as_array().and_then(|all| all.iter().find(|one| one["id"] == "ONCE-3").cloned());
        assert_eq!(once.expect("ONCE-3")["verdict"], "undecided", "{name}");
        std::fs::write(&report, &text).expect("it is put back");
        std::fs::write(&kept, &whole).expect("it is put back");
    }
    let measured = Path::new(two).join("worker/measured.json");
    let text = std::fs::read_to_string(&measured).expect("what it has measured");
    std::fs::write(&measured, text.replacen("\"answered\":", "\"answered\":1", 1)).expect("it is altered");
    let output = hookgate(&["load", "merge", one, two, "--report", &folder.path("out").display().to_string()]);
    assert!(output.starts_with("exit 2") && output.contains("measured.json is not as it was written"), "{output}");
    std::fs::write(&measured, text).expect("it is put back");
}
