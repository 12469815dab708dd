//! Recipes for more than one machine: what stands in them is what Compose, Kubernetes and the pipelines understand, and their
//! commands are run here, as far as that goes without the programs themselves.
#![expect(clippy::expect_used, clippy::panic, reason = "a test ends where something is not as it should be")]

use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::command_line::{Running, binary, command, nobody};
use crate::surroundings::{Folder, project, python_with_vendors, tool};

const SECRET: &str = "a secret of the tests, shared with nobody";
const COMPOSE: &str = "examples/load/compose.yaml";
/// So often a busy machine may cut a worker's last words short.
#[cfg(feature = "locust")]
const TRIES: usize = 2;
const KUBERNETES: &str = "examples/load/kubernetes.yaml";

/// What a schema says of a file; its documents, when it holds.
fn held(python: &Path, kind: &str, file: &Path) -> Result<Vec<Value>, String> {
    let output = Command::new(python).arg(project("tests/vendors/schemas.py")).arg(kind).arg(file).output().expect("Python starts");
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    serde_json::from_slice(&output.stdout).map_err(|wrong| wrong.to_string())
}

/// The guide's blocks of YAML that stand under a heading.
fn block(heading: &str) -> String {
    let page = std::fs::read_to_string(project("docs/src/beyond.md")).expect("the page");
    let (_, rest) = page.split_once(&format!("\n## {heading}\n")).unwrap_or_else(|| panic!("no heading {heading}"));
    let (_, rest) = rest.split_once("\n```yaml\n").expect("a block");
    rest.split_once("\n```").expect("its end").0.to_owned() + "\n"
}

fn words(value: &Value) -> Vec<String> {
    value.as_array().expect("words").iter().map(|word| word.as_str().expect("a word").to_owned()).collect()
}

fn report(folder: &Path, name: &str) -> Value {
    serde_json::from_str(&std::fs::read_to_string(folder.join(name)).expect("a report")).expect("JSON")
}

/// Processes that are gone when the test is.
struct Processes(Vec<Child>);

impl Drop for Processes {
    fn drop(&mut self) {
        for one in &mut self.0 {
            drop(one.kill());
            drop(one.wait());
        }
    }
}

#[test]
fn recipes_are_what_their_schemas_allow() {
    let Some(python) = python_with_vendors() else { return };
    let folder = Folder::new();
    for (kind, text) in [
        ("compose", std::fs::read_to_string(project(COMPOSE)).expect("a file")),
        ("kubernetes", std::fs::read_to_string(project(KUBERNETES)).expect("a file")),
        ("github", block("GitHub: a matrix")),
        ("gitlab", block("GitLab: parallel")),
    ] {
        let file = folder.write(&format!("{kind}.yaml"), &text);
        held(&python, kind, Path::new(&file)).unwrap_or_else(|wrong| panic!("{kind}: {wrong}"));
        // And a word that is none there is found.
        for (word, other) in [
            ("restartPolicy:", "restartPolice:"),
            ("depends_on:", "depend_on:"),
            ("runs-on:", "run-on:"),
            ("parallel: 4", "parallel: four"),
        ] {
            if text.contains(word) {
                let file = folder.write(&format!("{kind}-wrong.yaml"), &text.replace(word, other));
                assert!(held(&python, kind, Path::new(&file)).is_err(), "{kind}: {other}");
            }
        }
    }
}

/// The services of the compose file, without their containers: the receiver, Locust's master (headless, for once), four workers, and
/// their reports as one. What the master has counted, and writes as CSV, is what the workers have delivered; a headless master that
/// quits is there for half a second more, so that on a busy machine a worker's last words may come too late: then it is tried again.
#[test]
#[cfg(feature = "locust")]
fn services_of_compose_are_one_load() {
    let Some(python) = python_with_vendors() else { return };
    let services = held(&python, "compose", &project(COMPOSE)).expect("it is right")[0]["services"].clone();
    let file = std::fs::read_to_string(project("examples/load/locustfile.py")).expect("a file");
    let mix = words(&services["w1"]["command"]).into_iter().skip_while(|word| word != "--mix").nth(1).expect("a mix");
    assert_eq!(file, crate::command_line::stdout(&["locustfile", "--mix", &mix]), "the file is that of the mix");
    let mut tries = (0..TRIES).map(|_| served(&python, &services));
    assert!(tries.any(|[counted, delivered]| counted > 0 && counted.abs_diff(delivered) * 100 <= delivered), "the master counts others");
}

/// What the master has counted, and what its workers have delivered.
#[cfg(feature = "locust")]
fn served(python: &Path, services: &Value) -> [u64; 2] {
    let folder = Folder::new();
    let serve = words(&services["receiver"]["command"]);
    let serve: Vec<&str> = serve.iter().map(|word| if word == "0.0.0.0:8080" { "127.0.0.1:0" } else { word }).skip(1).collect();
    let receiver = Running::serve(SECRET, &serve);
    let master = nobody().replace("http://127.0.0.1:", "");
    let placed = |word: &String| match word.as_str() {
        "http://receiver:8080" => receiver.url.clone(),
        "master:5557" => format!("127.0.0.1:{master}"),
        "/mnt/locustfile.py" => project("examples/load/locustfile.py").display().to_string(),
        other => other.to_owned(),
    };
    let of = |name: &str| words(&services[name]["command"]).iter().map(placed).collect::<Vec<_>>();
    let mut locust = Command::new(python);
    locust.args(["-m", "locust"]).args(of("master")).current_dir(folder.path(""));
    locust.args(["--master-bind-host", "127.0.0.1", "--master-bind-port", &master, "--headless", "--expect-workers", "4"]);
    locust.args(["-u", "8", "-r", "8", "-t", "2s", "--csv", "told", "--only-summary", "--exit-code-on-error", "1"]);
    let quiet =
        |command: &mut Command| command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts");
    let mut running = Processes(vec![quiet(&mut locust)]);
    let names = ["w1", "w2", "w3", "w4"];
    for name in names {
        running.0.push(quiet(command().env("ORCH_WEBHOOK_SECRET", SECRET).args(of(name)).current_dir(folder.path(""))));
    }
    for one in &mut running.0 {
        assert_eq!(one.wait().expect("it ends").code(), Some(0));
    }
    let joined = command().args(of("joined")).current_dir(folder.path("")).output().expect("it starts");
    let told = String::from_utf8_lossy(&joined.stdout).into_owned();
    assert!(joined.status.success() && told.contains("Joined from 4 workers"), "{told}{}", String::from_utf8_lossy(&joined.stderr));
    let whole = report(&folder.path("joined"), "load.json");
    let delivered: u64 = names.iter().map(|name| report(&folder.path(name), "load.json")["deliveries"].as_u64().expect("a count")).sum();
    assert_eq!(whole["deliveries"].as_u64(), Some(delivered));
    let csv = std::fs::read_to_string(folder.path("told_stats.csv")).expect("the master's file");
    let counted = csv.lines().find_map(|line| line.split_once("Aggregated,")?.1.split(',').next()?.parse().ok()).expect("a count");
    [counted, delivered]
}

/// The scripts of the two jobs, as their pods run them: each with its index.
#[test]
fn jobs_of_kubernetes_leave_a_joined_report() {
    let (Some(python), Some(shell)) = (python_with_vendors(), tool("sh")) else { return };
    let folder = Folder::new();
    let receiver = Running::serve(SECRET, &[]);
    let documents = held(&python, "kubernetes", &project(KUBERNETES)).expect("it is right");
    let [_, workers, joined] = &documents[..] else { panic!("a claim and two jobs") };
    assert_eq!(workers["spec"]["completionMode"], "Indexed");
    let path = format!("{}:/usr/bin:/bin", Path::new(binary()).parent().expect("a folder").display());
    let reports = folder.path("run1").display().to_string();
    let pod = |job: &Value, index: u64| {
        let container = &job["spec"]["template"]["spec"]["containers"][0];
        let (start, script) = (words(&container["command"]), words(&container["args"]));
        assert_eq!(start, ["/bin/sh", "-ec"]);
        let script = script[0].replace("--run-time 5m", "--deliveries 200").replace("--users 64", "--users 2");
        let mut pod = Command::new(&shell);
        pod.args(["-ec", &script])
            .current_dir(folder.path(""))
            .env_clear()
            .env("PATH", &path)
            .env("JOB_COMPLETION_INDEX", index.to_string());
        for one in container["env"].as_array().expect("variables") {
            let value = match one["name"].as_str().expect("a name") {
                "ORCH_WEBHOOK_SECRET" => SECRET,
                "TARGET" => &receiver.url,
                "REPORTS" => &reports,
                _ => one["value"].as_str().expect("a value"),
            };
            pod.env(one["name"].as_str().expect("a name"), value);
        }
        pod.output().expect("a shell")
    };
    let completions = workers["spec"]["completions"].as_u64().expect("a count");
    for index in 0..completions {
        let output = pod(workers, index);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    let output = pod(joined, 0);
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success() && told.contains("Joined from 4 workers of 4"), "{told}{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(report(&folder.path("run1/joined"), "load.json")["deliveries"].as_u64(), Some(200 * completions));
}

/// The scripts of the matrix and of GitLab's parallel jobs: each its part, and the reports as one.
#[test]
fn parts_of_pipelines_are_joined() {
    let (Some(python), Some(shell)) = (python_with_vendors(), tool("bash")) else { return };
    let folder = Folder::new();
    let read = |kind: &str, text: &str| {
        held(&python, kind, Path::new(&folder.write(&format!("{kind}.yaml"), text))).expect("it is right")[0].clone()
    };
    let path = format!("{}:/usr/bin:/bin", Path::new(binary()).parent().expect("a folder").display());
    let run = |at: &str, script: &str, variables: &[(&str, String)]| {
        std::fs::create_dir_all(folder.path(at)).expect("a folder");
        // One topic, and the built-in reference: here it is about the parts.
        let script = script.replace("hookgate run ", "hookgate run duplicate ").replace("--target http://127.0.0.1:5001 ", "");
        let mut shell = Command::new(&shell);
        shell
            .args(["-eo", "pipefail", "-c", &script])
            .current_dir(folder.path(at))
            .env_clear()
            .env("PATH", &path)
            .envs(variables.iter().cloned());
        let output = shell.output().expect("a shell");
        assert!(
            output.status.success(),
            "{script}: {}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let github = read("github", &block("GitHub: a matrix"));
    let jobs = &github["jobs"];
    let script = |job: &str| {
        let steps = jobs[job]["steps"].as_array().expect("steps");
        steps.iter().find_map(|step| step["run"].as_str().filter(|run| run.contains("hookgate "))).expect("a script").to_owned()
    };
    let parts: Vec<u64> = jobs["part"]["strategy"]["matrix"]["part"].as_array().expect("parts").iter().filter_map(Value::as_u64).collect();
    assert_eq!(parts, [1, 2, 3, 4]);
    for part in &parts {
        run("github", &script("part").replace("${{ matrix.part }}", &part.to_string()).replace("${{ strategy.job-total }}", "4"), &[]);
    }
    assert!(run("github", &script("joined"), &[]).contains("Joined from 4 shards"));

    let gitlab = read("gitlab", &block("GitLab: parallel"));
    let script = |job: &str| words(&gitlab[job]["script"]).join("\n");
    for part in 1..=gitlab["part"]["parallel"].as_u64().expect("a count") {
        run("gitlab", &script("part"), &[("CI_NODE_INDEX", part.to_string()), ("CI_NODE_TOTAL", "4".to_owned())]);
    }
    assert!(run("gitlab", &script("joined"), &[]).contains("Joined from 4 shards"));
}
