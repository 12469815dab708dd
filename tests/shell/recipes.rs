//! What stands in action.yml and in the README's recipes is what hookgate and the pipelines understand.
#![expect(clippy::expect_used, reason = "a test ends where something is not as it should be")]

use std::process::Command;

use hookgate::document::tree::Tree;
use serde_json::Value;

use crate::command_line::hookgate;
use crate::surroundings::{Folder, project, tool};

fn text(name: &str) -> String {
    std::fs::read_to_string(project(name)).expect("a file of the project")
}

/// Any YAML, and where it is wrong.
fn yaml(name: &str, text: &str) -> Value {
    Tree::read(name, text).unwrap_or_else(|wrong| unreachable!("{}", wrong.render(false))).to_json()
}

/// The README's blocks of one language.
fn blocks(language: &str) -> Vec<String> {
    let readme = text("README.md");
    let fenced = readme.split("\n```").skip(1).step_by(2);
    fenced.filter_map(|block| block.strip_prefix(language)?.strip_prefix('\n').map(str::to_owned)).collect()
}

/// What a step of the action runs.
fn script(action: &Value, name: &str) -> String {
    let steps = action["runs"]["steps"].as_array().expect("steps");
    let step = steps.iter().find(|step| step["name"] == name).expect("the step");
    step["run"].as_str().expect("a script").to_owned()
}

#[test]
fn action_is_a_composite_action() {
    let whole = text("action.yml");
    let action = yaml("action.yml", &whole);
    assert_eq!(action["runs"]["using"], "composite");
    for name in ["name", "description"] {
        assert!(action[name].as_str().is_some_and(|told| !told.is_empty()), "{name}");
    }
    let inputs = action["inputs"].as_object().expect("inputs");
    assert!(inputs.values().all(|input| input["description"].is_string() && input["default"].is_string()));
    for step in action["runs"]["steps"].as_array().expect("steps") {
        // A composite action's `run` needs its shell, and another's action needs its version.
        match step["run"].as_str() {
            Some(run) => assert!(step["shell"] == "bash" && !run.contains("${{"), "an input in a script can be a script: {run}"),
            None => assert!(step["uses"].as_str().is_some_and(|uses| uses.contains('@')), "{step}"),
        }
    }
    let named: Vec<&str> = whole.split("${{ inputs.").skip(1).filter_map(|rest| rest.split(' ').next()).collect();
    assert!(named.iter().all(|name| inputs.contains_key(*name)), "{named:?}");
    assert!(inputs.keys().all(|name| named.contains(&name.as_str())), "an input that nobody reads: {named:?}");
}

/// The script of the action, with the variables that the runner would set.
#[test]
fn action_judges_and_leaves_a_report() {
    let Some(bash) = tool("bash") else { return };
    let folder = Folder::new();
    let bin = folder.path("hookgate/bin");
    std::fs::create_dir_all(&bin).expect("a folder");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_hookgate"), bin.join("hookgate")).expect("a link");
    let judge = script(&yaml("action.yml", &text("action.yml")), "Judge the receiver");
    let run = |variables: &[(&str, &str)]| {
        let mut command = Command::new(&bash);
        command.args(["-e", "-o", "pipefail", "-c", &judge]).current_dir(folder.path("")).env("RUNNER_TEMP", folder.path(""));
        for name in ["TARGET", "EXEC", "DB", "CLOCK", "ARGUMENTS"] {
            command.env(name, "");
        }
        command.env("CONTRACT", "orch-phase3").env("REPORT", "out").env_remove("GITHUB_ACTIONS").env_remove("ORCH_WEBHOOK_SECRET");
        command.envs(variables.iter().copied()).output().expect("bash starts")
    };
    let right = run(&[("ARGUMENTS", "duplicate key --level must")]);
    assert!(right.status.success(), "{}", String::from_utf8_lossy(&right.stderr));
    assert!(folder.path("out/report.html").is_file() && folder.path("out/manifest.json").is_file());
    let serve = format!("{} serve --addr 127.0.0.1:{{port}} --db a.db --defect any-signature-passes", env!("CARGO_BIN_EXE_hookgate"));
    let wrong = run(&[("EXEC", &serve), ("DB", "a.db"), ("CLOCK", "rewind"), ("ARGUMENTS", "signature")]);
    assert_eq!(wrong.status.code(), Some(1), "{}", String::from_utf8_lossy(&wrong.stderr));
}

#[test]
fn recipes_are_what_pipelines_read() {
    let recipes = blocks("yaml");
    let read: Vec<Value> = recipes.iter().filter(|one| !one.contains("$schema")).map(|one| yaml("a recipe of the README", one)).collect();
    let github = read.iter().find(|one| one["jobs"].is_object()).expect("a workflow");
    let step = &github["jobs"]["conformance"]["steps"][1];
    let inputs = yaml("action.yml", &text("action.yml"))["inputs"].clone();
    assert!(step["with"].as_object().expect("inputs").keys().all(|name| inputs[name].is_object()), "{step}");
    let gitlab = read.iter().find(|one| one["conformance"].is_object()).expect("a job");
    assert!(gitlab["conformance"]["script"].is_array() && gitlab["conformance"]["artifacts"]["reports"]["junit"] == "out/junit.xml");
    let jenkins = blocks("groovy");
    assert_eq!(jenkins.len(), 1);
    for pair in ["{}", "()", "[]"] {
        let count = |at: usize| jenkins[0].matches(&pair[at..=at]).count();
        assert_eq!(count(0), count(1), "{pair}");
    }
    // Every flag of every command in them is one of hookgate's.
    let help = hookgate(&["run", "--help"]);
    let lines: Vec<&str> =
        recipes.iter().chain(&jenkins).flat_map(|one| one.lines()).filter(|line| line.contains("hookgate run")).collect();
    assert!(lines.len() >= 2, "{lines:?}");
    for line in lines {
        let own = line.split('\'').step_by(2).collect::<String>();
        for flag in own.split_whitespace().filter(|word| word.starts_with("--")) {
            assert!(help.contains(&format!("{flag} ")), "{flag} in {line}");
        }
    }
}
