//! What stands in action.yml and in the guide's recipes is what hookgate and the pipelines understand.
#![expect(clippy::expect_used, reason = "a test ends where something is not as it should be")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use hookgate::yaml::tree::Tree;
use serde_json::Value;

use crate::command_line::{binary, hookgate};
use crate::surroundings::{Folder, project, tool};

fn text(name: &str) -> String {
    std::fs::read_to_string(project(name)).expect("a file of the project")
}

/// Any YAML, and where it is wrong.
fn yaml(name: &str, text: &str) -> Value {
    Tree::read(name, text).unwrap_or_else(|wrong| unreachable!("{}", wrong.render(false))).to_json()
}

/// The recipes' blocks of one language.
fn blocks(language: &str) -> Vec<String> {
    let page = text("docs/src/ci.md");
    let fenced = page.split("\n```").skip(1).step_by(2);
    fenced.filter_map(|block| block.strip_prefix(language)?.strip_prefix('\n').map(str::to_owned)).collect()
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
    let secrets: Vec<&String> = inputs.keys().filter(|name| name.contains("secret") && *name != "secret-env").collect();
    assert!(secrets.is_empty(), "secrets travel in the environment: {secrets:?}");
    assert!(inputs.values().all(|input| input["description"].is_string() && input["default"].is_string()));
    for step in action["runs"]["steps"].as_array().expect("steps") {
        // A composite action's `run` needs its shell, and another's action needs its version.
        match step["run"].as_str() {
            Some(run) => assert!(step["shell"] == "bash" && !run.contains("${{"), "an input in a script can be a script: {run}"),
            None => assert!(step["uses"].as_str().is_some_and(|uses| uses.contains('@')), "{step}"),
        }
    }
    let named: Vec<&str> = whole.split(" inputs.").skip(1).filter_map(|rest| rest.split([' ', '}']).next()).collect();
    assert!(named.iter().all(|name| inputs.contains_key(*name)), "{named:?}");
    assert!(inputs.keys().all(|name| named.contains(&name.as_str())), "an input that nobody reads: {named:?}");
}

/// The judging step of the action, as a runner runs it.
struct Action {
    bash: PathBuf,
    judge: Value,
    folder: Folder,
}

impl Action {
    /// With `hookgate` where the step before has put it; `None` where there is no bash.
    fn with(hookgate: &Path) -> Option<Self> {
        let bash = tool("bash")?;
        let folder = Folder::new();
        let bin = folder.path("hookgate/bin");
        std::fs::create_dir_all(&bin).expect("a folder");
        std::os::unix::fs::symlink(hookgate, bin.join("hookgate")).expect("a link");
        let action = yaml("action.yml", &text("action.yml"));
        let steps = action["runs"]["steps"].as_array().expect("steps");
        let judge = steps.iter().find(|step| step["name"] == "Judge the receiver").expect("the step").clone();
        Some(Self { bash, judge, folder })
    }

    /// Runs it; a variable of the step that is not among `variables` has its input's default.
    fn run(&self, variables: &[(&str, &str)]) -> Output {
        let inputs = yaml("action.yml", &text("action.yml"))["inputs"].clone();
        let mut command = Command::new(&self.bash);
        command.args(["--noprofile", "--norc", "-eo", "pipefail", "-c", self.judge["run"].as_str().expect("a script")]);
        for (name, given) in self.judge["env"].as_object().expect("variables") {
            let input = given.as_str().and_then(|given| given.strip_prefix("${{ inputs.")?.strip_suffix(" }}")).expect("an input");
            command.env(name, inputs[input]["default"].as_str().expect("a default"));
        }
        command.current_dir(self.folder.path("")).env_remove("GITHUB_ACTIONS").env_remove("ORCH_WEBHOOK_SECRET");
        for (name, file) in [("RUNNER_TEMP", ""), ("GITHUB_OUTPUT", "output.txt"), ("GITHUB_PATH", "path.txt")] {
            command.env(name, self.folder.path(file));
        }
        command.envs(variables.iter().copied()).output().expect("bash starts")
    }
}

/// The script of the action, with the variables that the runner would set.
#[test]
fn action_judges_and_leaves_a_report() {
    let Some(action) = Action::with(Path::new(binary())) else { return };
    let right = action.run(&[("ARGS", "duplicate key --level must"), ("REPORT", "out")]);
    assert!(right.status.success(), "{}", String::from_utf8_lossy(&right.stderr));
    assert!(action.folder.path("out/report.html").is_file() && action.folder.path("out/manifest.json").is_file());
    let serve = format!("{} serve --addr 127.0.0.1:{{port}} --db a.db --defect any-signature-passes", binary());
    let wrong =
        action.run(&[("EXEC", &serve), ("DB", "a.db"), ("CLOCK", "rewind"), ("CONTRACT", "orch-phase3"), ("ARGUMENTS", "signature")]);
    assert_eq!(wrong.status.code(), Some(1), "{}", String::from_utf8_lossy(&wrong.stderr));
    let output = std::fs::read_to_string(action.folder.path("output.txt")).expect("outputs");
    let lines: Vec<&str> = output.lines().collect();
    let [first, "exit-code=0", second, "exit-code=1"] = lines[..] else { unreachable!("{lines:?}") };
    assert_eq!(first, format!("report={}", action.folder.path("out").display()));
    assert!(second.ends_with("/hookgate-report"), "{second}");
}

/// A command in hookgate's place that prints the words it was given, each with its end.
fn parrot(folder: &Folder) -> PathBuf {
    use std::os::unix::fs::PermissionsExt as _;
    let path = folder.path("parrot");
    std::fs::write(&path, "#!/bin/sh\nprintf '%s\\0' \"$@\"\n").expect("written");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("it may run");
    path
}

fn words(output: &Output) -> Vec<String> {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.split_terminator('\0').map(str::to_owned).collect()
}

/// `args` are the words that a shell makes of the same text, but nothing in them is expanded or run.
#[test]
fn action_reads_arguments_as_a_shell_does() {
    let folder = Folder::new();
    let parrot = parrot(&folder);
    let Some(action) = Action::with(&parrot) else { return };
    let given = |args: &str| words(&action.run(&[("ARGS", args)]))[3..].to_vec();
    for args in [
        "",
        "  \n",
        "duplicate key --level must",
        "-H 'X-Env: a  b'   --header-env=\"Authorization=TOKEN\" ",
        r#""a \"quoted\" word" b\ c '' "" d"#,
        r#"it"'"s 'it'\''s' a'b c'd"e f""#,
        r#""back\\slash" "a\b" "\$HOME" "\`x\`" '$HOME `x` \n' \$HOME \\ \'"#,
        "one\\\ntwo \"three\\\nfour\" 'five\nsix'",
        "größer 'é ü' \u{1F600}",
    ] {
        let shell = Command::new("sh").args(["-c", &format!("{} {args}", parrot.display())]).output().expect("sh starts");
        // A command without words still prints one end.
        let expected = if args.trim().is_empty() { Vec::new() } else { words(&shell) };
        assert_eq!(given(args), expected, "{args}");
    }
    assert_eq!(given("a 'b\nc'\n\td\n"), ["a", "b\nc", "d"], "lines are blanks, as in a block of YAML");
    assert_eq!(
        given("$(touch ran) `touch ran` $HOME * ~ a;b # c"),
        ["$(touch", "ran)", "`touch", "ran`", "$HOME", "*", "~", "a;b", "#", "c"]
    );
    assert!(!action.folder.path("ran").exists());
    let open = action.run(&[("ARGS", "a 'b")]);
    assert_eq!(open.status.code(), Some(2));
    assert_eq!(String::from_utf8_lossy(&open.stderr), "error: the input `args` has a quotation mark (') that is not closed\n");
}

/// Every input that says something reaches the command as one word, behind a flag that `hookgate run` has.
#[test]
fn action_hands_every_input_on() {
    let folder = Folder::new();
    let Some(action) = Action::with(&parrot(&folder)) else { return };
    assert_eq!(words(&action.run(&[])), ["run", "--report", "hookgate-report"], "what nobody gave is not passed on");
    let variables = action.judge["env"].as_object().expect("variables");
    let all: Vec<(&str, &str)> = variables.keys().map(|name| (name.as_str(), "a 'b' $c")).collect();
    let given = words(&action.run(&all));
    let help = hookgate(&["run", "--help"]);
    let flags: Vec<&String> = given.iter().filter(|word| word.starts_with("--")).collect();
    assert_eq!(flags.len() + 2, variables.len(), "`args` and `arguments` are no flags: {given:?}");
    for flag in flags {
        assert!(help.contains(&format!("{flag} <")), "{flag}");
        let at = given.iter().position(|word| word == flag).expect("it is there");
        assert_eq!(given[at + 1], "a 'b' $c", "{flag}");
    }
    assert_eq!(given[given.len() - 6..], ["a", "b", "$c", "a", "'b'", "$c"]);
}

/// A build is kept under its version, its sources and its system; another source is another build.
#[test]
fn action_keeps_builds_apart() {
    let Some(bash) = tool("bash") else { return };
    let action = yaml("action.yml", &text("action.yml"));
    let steps = action["runs"]["steps"].as_array().expect("steps");
    let script = steps[0]["run"].as_str().expect("a script");
    let folder = Folder::new();
    for (file, text) in
        [("Cargo.toml", "[package]\nversion = \"1.2.3\"\n[x]\nversion = \"9\"\n"), ("Cargo.lock", ""), ("build.rs", ""), ("src/a b.rs", "")]
    {
        let path = folder.path(file);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(path, text).expect("written");
    }
    for name in ["fixtures", "scenarios"] {
        std::fs::create_dir(folder.path(name)).expect("a folder");
    }
    let named = || {
        let output = folder.path("output.txt");
        drop(std::fs::remove_file(&output));
        let mut command = Command::new(&bash);
        command.args(["--noprofile", "--norc", "-eo", "pipefail", "-c", script]);
        let ran = command.env("GITHUB_ACTION_PATH", folder.path("")).env("GITHUB_OUTPUT", &output).output().expect("bash starts");
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
        std::fs::read_to_string(output).expect("outputs")
    };
    let first = named();
    let (version, sources) = first.trim_end().split_once('\n').expect("two lines");
    assert_eq!(version, "version=1.2.3");
    assert_eq!(sources.strip_prefix("sources=").map(str::len), Some(16), "{sources}");
    assert_eq!(named(), first);
    std::fs::write(folder.path("src/a b.rs"), "fn other() {}").expect("written");
    assert_ne!(named(), first);
    let key = steps.iter().find_map(|step| step["with"]["key"].as_str()).expect("a key");
    for part in ["steps.build.outputs.version", "steps.build.outputs.sources", "runner.os", "runner.arch"] {
        assert!(key.contains(part), "{part} in {key}");
    }
}

#[test]
fn recipes_are_what_pipelines_read() {
    let recipes = blocks("yaml");
    let read: Vec<Value> = recipes.iter().filter(|one| !one.contains("$schema")).map(|one| yaml("a recipe of the guide", one)).collect();
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
