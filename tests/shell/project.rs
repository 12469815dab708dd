//! Project files: `hookgate.toml` is found, overridden level by level, and told with its places; what must be judged fails a run.
#![expect(clippy::expect_used, reason = "a test ends where something is not as it should be")]

use std::path::Path;

use serde_json::Value;

use crate::command_line::{among_others, binary, command};
use crate::surroundings::Folder;

/// Exit code and both streams of a command in a folder.
fn in_folder(folder: &Path, env: &[(&str, &str)], args: &[&str]) -> String {
    let output = among_others(command().current_dir(folder).envs(env.iter().copied()).args(args));
    let code = output.status.code().expect("it ends by itself");
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    format!("exit {code}\n--- stdout\n{out}--- stderr\n{err}")
}

/// What `hookgate config` says of a member: its value, its level, its place.
fn told(folder: &Path, env: &[(&str, &str)], args: &[&str], member: &str) -> String {
    let output = among_others(command().current_dir(folder).envs(env.iter().copied()).args(["config", "--format", "json"]).args(args));
    let all: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let one = &all["members"][member];
    format!("{} ({}, {})", one["value"], one["from"].as_str().unwrap_or("nothing"), one["place"].as_str().unwrap_or("nowhere"))
}

const FILE: &str = r#"contract = "standard-webhooks"
timeout = "1 s"
jobs = 1
require = ["AUTH-*"]
[target]
url = "http://127.0.0.1:1"
[load]
users = 1
[profile.ci]
timeout = "2 s"
jobs = 2
require = ["DUP-*"]
target.url = "http://127.0.0.1:2"
load.users = 2
"#;

/// Five levels: a flag, a variable, a profile, the file, the default; each wins over those behind it.
#[test]
fn flags_win_over_variables_over_profiles_over_the_file_over_defaults() {
    let folder = Folder::new();
    folder.write("hookgate.toml", FILE);
    let inner = folder.path("a/b");
    std::fs::create_dir_all(&inner).expect("a folder");
    let members: [(&str, &str, &str, [&str; 4]); 5] = [
        ("timeout", "--timeout=4 s", "HOOKGATE_TIMEOUT=3 s", [r#""4 s""#, r#""3 s""#, r#""2 s""#, r#""1 s""#]),
        ("jobs", "--jobs=4", "HOOKGATE_JOBS=3", [r#""4""#, r#""3""#, r#""2""#, r#""1""#]),
        ("require", "--require=TTL-*", "HOOKGATE_REQUIRE=SIG-*", [r#"["TTL-*"]"#, r#"["SIG-*"]"#, r#"["DUP-*"]"#, r#"["AUTH-*"]"#]),
        (
            "target.url",
            "--target=http://127.0.0.1:4",
            "HOOKGATE_TARGET_URL=http://127.0.0.1:3",
            [r#""http://127.0.0.1:4""#, r#""http://127.0.0.1:3""#, r#""http://127.0.0.1:2""#, r#""http://127.0.0.1:1""#],
        ),
        ("load.users", "--users=4", "HOOKGATE_LOAD_USERS=3", [r#""4""#, r#""3""#, r#""2""#, r#""1""#]),
    ];
    for (member, flag, variable, [by_flag, by_variable, by_profile, by_file]) in members {
        let set = variable.split_once('=').expect("a pair");
        let ci = ("HOOKGATE_PROFILE", "ci");
        for folder in [folder.path(""), inner.clone()] {
            let with_flag = told(&folder, &[set, ci], &[flag], member);
            assert_eq!(with_flag, format!("{by_flag} (flag, flag)"), "{member}");
            let with_variable = told(&folder, &[set, ci], &[], member);
            assert_eq!(with_variable, format!("{by_variable} (variable, {})", set.0), "{member}");
            assert!(told(&folder, &[ci], &[], member).starts_with(&format!("{by_profile} (profile, ")), "{member}");
            assert!(told(&folder, &[], &["--profile", "ci"], member).contains("(profile ci)"), "{member}");
            assert!(told(&folder, &[], &[], member).starts_with(&format!("{by_file} (file, ")), "{member}");
        }
    }
    assert_eq!(told(&folder.path(""), &[], &["--no-config"], "max_wait"), r#""30 s" (default, default)"#);
    assert_eq!(told(&inner, &[], &[], "jobs"), r#""1" (file, ../../hookgate.toml:3)"#);
}

/// The file's paths begin at its folder, and its command runs there, wherever hookgate is started; no flag is needed.
#[test]
fn a_run_needs_no_flag_and_no_particular_folder() {
    let folder = Folder::new();
    let inner = folder.path("deep/er");
    std::fs::create_dir_all(&inner).expect("a folder");
    let binary = binary();
    folder.write("mine.yaml", "contract: mine\ntitle: Mine\nextends: standard-webhooks\n");
    let exec = format!("test -f mine.yaml && {binary} serve --no-config --contract mine.yaml --addr 127.0.0.1:{{port}}");
    let text =
        format!("contract = \"mine.yaml\"\nselect = \"AUTH-1\"\n[target]\nexec = \"{exec}\"\n[report]\ndir = \"out\"\n[profile.ci]\n");
    folder.write("hookgate.toml", &text);
    let run = in_folder(&inner, &[], &["run", "--profile", "ci"]);
    assert!(run.starts_with("exit 0\n--- stdout\n../../hookgate.toml (profile ci)\n"), "{run}");
    assert!(folder.path("out/report.json").is_file(), "{run}");
    assert!(in_folder(&folder.path(""), &[], &["run"]).starts_with("exit 0\n--- stdout\nhookgate.toml\n"));
    assert!(in_folder(&inner, &[], &["check", "../../hookgate.toml"]).starts_with("exit 0"));
}

/// What a flag would not take is told at its place in the file, with everything else that is wrong; so is what only another member rules out.
#[test]
fn mistakes_of_a_file_are_told_with_their_places() {
    let folder = Folder::new();
    let wrong = "contract = \"standard-webhooks\"\nclock = \"sundial\"\ntime_limit = \"5\"\njobs = 100\n[load]\nrate = \"50\"\n[profile.ci]\nlevel = \"may\"\n";
    folder.write("hookgate.toml", wrong);
    insta::assert_snapshot!(in_folder(&folder.path(""), &[], &["run"]));
    folder.write("hookgate.toml", "contract = \"standard-webhook\"\n[evidence]\ndb = \"a.sqlite\"\n");
    let unknown = in_folder(&folder.path(""), &[], &["run"]);
    assert!(unknown.starts_with("exit 2") && unknown.contains("`contract` of hookgate.toml:1"), "{unknown}");
    folder.write("hookgate.toml", "[evidence]\ndb = \"a.sqlite\"\n");
    let alone = in_folder(&folder.path(""), &[], &["run"]);
    assert!(alone.starts_with("exit 2") && alone.contains("--db a.sqlite is `evidence.db` of hookgate.toml:2"), "{alone}");
    let variable = in_folder(&folder.path(""), &[("HOOKGATE_JOBS", "many")], &["run"]);
    assert!(variable.starts_with("exit 2") && variable.contains("HOOKGATE_JOBS: "), "{variable}");
    let profile = in_folder(&folder.path(""), &[], &["run", "--profile", "ci"]);
    assert!(profile.starts_with("exit 2") && profile.contains("has no such profile"), "{profile}");
}

/// Neither a secret from the environment nor one that stands in the file is printed.
#[test]
fn config_prints_no_secret() {
    let folder = Folder::new();
    let text = "contract = \"standard-webhooks\"\nsecret_env = \"MINE\"\n[target]\nexec = \"API_KEY=in-the-file start sesame-in-env\"\nheaders = { Authorization = \"in-the-file\" }\n[evidence]\ndb = \"postgres://me:in-the-file@db/app\"\n";
    folder.write("hookgate.toml", text);
    for format in ["human", "json"] {
        let told = in_folder(&folder.path(""), &[("MINE", "sesame-in-env")], &["config", "--format", format]);
        assert!(told.starts_with("exit 0") && told.contains("MINE"), "{told}");
        assert!(!told.contains("in-the-file") && !told.contains("sesame-in-env"), "{told}");
    }
}

/// What must be judged and is not fails a run, with what to give, in every form; with the database it is judged.
#[test]
fn what_must_be_judged_and_is_not_fails_the_run() {
    let folder = Folder::new();
    let db = folder.path("state.sqlite").display().to_string();
    let serving = crate::command_line::Running::serve("a secret of the test", &["--db", &db]);
    let (out, env) = (folder.path("out").display().to_string(), [("ORCH_WEBHOOK_SECRET", "a secret of the test")]);
    let fixed = ["run", "--no-config", "--target", &serving.url, "--select", "DB-1,AUTH-1", "--require", "DB-1,AUTH-1", "--report", &out];
    let without = in_folder(&folder.path(""), &env, &fixed);
    assert!(without.starts_with("exit 1"), "{without}");
    assert!(without.contains("required  DB-1 was not judged") && without.contains("--db PATH or URL"), "{without}");
    assert!(!without.contains("AUTH-1 was not judged"), "{without}");
    let report: Value = serde_json::from_str(&std::fs::read_to_string(folder.path("out/report.json")).expect("a report")).expect("JSON");
    assert_eq!(report["required"]["missing"][0]["id"], "DB-1");
    for name in ["report.md", "report.html", "junit.xml"] {
        let text = std::fs::read_to_string(folder.path(&format!("out/{name}"))).expect("a report");
        assert!(text.contains("DB-1 was not judged"), "{name}");
    }
    assert!(in_folder(&folder.path(""), &env, &["report", "verify", &out]).starts_with("exit 0"));
    let with = in_folder(&folder.path(""), &env, &[&fixed[..], &["--db", &db]].concat());
    assert!(with.starts_with("exit 0"), "{with}");
    let unknown = in_folder(&folder.path(""), &env, &["run", "--require", "DUPP-1"]);
    assert!(unknown.starts_with("exit 2") && unknown.contains("no requirement fits"), "{unknown}");
}

/// A receiver that runs already is waited for by its page, too; what it writes cannot be seen.
#[test]
fn a_receiver_that_others_have_started_is_waited_for() {
    let folder = Folder::new();
    let serving = crate::command_line::Running::serve("a secret of the test", &[]);
    let env = [("ORCH_WEBHOOK_SECRET", "a secret of the test")];
    let run = |ready: &str| {
        let text = format!("select = \"AUTH-1\"\ntarget = {{ url = \"{}\", ready = \"{ready}\", ready_within = \"1 s\" }}\n", serving.url);
        folder.write("hookgate.toml", &text);
        in_folder(&folder.path(""), &env, &["run"])
    };
    let ready = run("/status");
    assert!(ready.starts_with("exit 0"), "{ready}");
    let never = run("/nowhere");
    assert!(never.starts_with("exit 3") && never.contains("was not ready within 1 s"), "{never}");
    let text = run("listening");
    assert!(text.starts_with("exit 2") && text.contains("`target.ready` of hookgate.toml:2"), "{text}");
}

/// Which file and which profile were in force stands in every report, of runs and loads; no value of theirs does. Without a file nothing is said.
#[test]
fn reports_name_the_file_that_was_in_force() {
    let folder = Folder::new();
    let header = "X-Gate = \"a-value-of-the-file\"";
    let file = format!(
        "contract = \"standard-webhooks\"\n[target.headers]\n{header}\n[load]\ndeliveries = 20\nusers = 1\n[profile.ci]\njobs = 1\n"
    );
    folder.write("hookgate.toml", &file);
    let inner = folder.path("deep");
    std::fs::create_dir_all(&inner).expect("a folder");
    let read = |name: &str| std::fs::read_to_string(inner.join(name)).expect("it was written");
    let json = |name: &str| serde_json::from_str::<Value>(&read(name)).expect("JSON");
    for (command, folder, page) in [("run", "out/report", "report"), ("load", "load/load", "load")] {
        let (dir, _) = folder.split_once('/').expect("a folder and a name");
        let selected: &[&str] = if command == "run" { &["signature/missing-signature*"] } else { &[] };
        let ran = in_folder(&inner, &[], &[&[command], selected, &["--profile", "ci", "--report", dir]].concat());
        assert!(ran.starts_with("exit 0") && ran.contains("hookgate.toml (profile ci)"), "{ran}");
        let project = &json(&format!("{folder}.json"))["project"];
        assert!(project["file"].as_str().is_some_and(|file| file.ends_with("hookgate.toml")), "{project}");
        assert_eq!((&project["profile"], project["sha256"].as_str().map(str::len)), (&"ci".into(), Some(64)));
        for form in ["html", "md"] {
            let told = read(&format!("{dir}/{page}.{form}"));
            assert!(told.contains("hookgate.toml (profile ci)") && !told.contains("a-value-of-the-file"), "{form}");
        }
        let bare = in_folder(&inner, &[], &[&[command], selected, &["--no-config", "--report", dir]].concat());
        assert!(bare.starts_with("exit") && json(&format!("{folder}.json"))["project"].is_null(), "{bare}");
    }
}
