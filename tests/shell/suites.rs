//! Suites: what serves every contract, what one family promises beside it, and how one is put on the other.
#![expect(clippy::expect_used, reason = "a test ends where something is not as it should be")]

use crate::command_line::{hookgate, stdout};
use crate::surroundings::{Folder, project};
use hookgate::contract::reading::read_contract;
use hookgate::files;
use hookgate::scenario::requirement::Catalogue;

const ALONE: &str = "tests/suites/alone.yaml";

fn catalogue(suite: &str) -> Catalogue {
    let file = files::shipped_suite(suite).catalogue.expect("a shipped suite has requirements");
    Catalogue::read(&file.path, &file.text).expect("it has no mistake")
}

fn read(path: &str) -> String {
    std::fs::read_to_string(project(path)).expect("a file of the project")
}

/// Sentences, topics and translations of the orch family read as ever, in the order of ever.
#[test]
fn orch_reads_as_ever() {
    let contract = read_contract("orch-phase3.yaml", &read("fixtures/contracts/orch-phase3.yaml"), &|_| None).expect("it has no mistake");
    let today = catalogue("orch").on(&catalogue("core")).said_of(&contract);
    let ever = Catalogue::read("ever", &read("tests/suites/orch-sentences.yaml")).expect("it has no mistake");
    let told = |all: &Catalogue| -> Vec<String> {
        let one = |id: &str| format!("{id}: {:?} {} {:?}", all.get(id), all.topic_of(id), all.translations_of(id));
        let without_memory = |text: String| text.replace("memory: true", "memory: false");
        all.requirements.iter().filter(|known| ever.get(&known.id).is_some()).map(|known| without_memory(one(&known.id))).collect()
    };
    assert_eq!(told(&today), told(&ever));
    assert_eq!(serde_json::to_value(&today.always).expect("JSON"), serde_json::to_value(&ever.always).expect("JSON"));
}

/// What serves every contract names no status, member, header, table or column of one family.
#[test]
fn core_names_nothing_of_one_family() {
    let files = files::shipped_suite("core");
    let own = [
        "orch",
        "idempotency_keys",
        "audit_events",
        "payload_sha256",
        "idem_key",
        "terminal_callback",
        "appr_id",
        "Idempotency-",
        "X-Signature",
        "reference.",
    ];
    for (id, file) in &files.scenarios {
        // Body files are called by their names, and a body may say what it likes.
        let text = file.text.replace("schema=../../../schema", "");
        for word in own {
            assert!(!text.contains(word), "{id} says {word}");
        }
        for member in ["status: [", "columns:", "schema:", "as_promised:", "without: [", "orch-wire"] {
            assert!(!text.contains(member), "{id} has {member}");
        }
    }
    // What a standard says of every stream is no family's.
    for one in catalogue("core").requirements.into_iter().filter(|one| !one.source.starts_with("WHATWG")) {
        let statuses = regex_lite::Regex::new(r"\b(20[0-8]|4[0-3]\d)\b").expect("a pattern");
        let sentence = one.sentence.replace("200 characters", "");
        assert!(!statuses.is_match(&sentence) && own.iter().all(|word| !sentence.contains(word)), "{}: {sentence}", one.id);
    }
}

/// A contract of the suite core is judged without any other suite, in its own words.
#[test]
fn core_serves_a_contract_alone() {
    let told = hookgate(&["check", "--contract", ALONE]);
    assert!(told.starts_with("exit 0"), "{told}");
    let told = hookgate(&["explain", "KEY-1", "--contract", ALONE]);
    assert!(told.contains("A missing key is answered 428 or 422."), "{told}");
    let list = stdout(&["list", "--contract", ALONE]);
    assert!(list.contains("duplicate/duplicate-is-told-as-one") && !list.contains("seed/"), "{list}");
    let told = hookgate(&["run", "--contract", ALONE]);
    assert!(told.starts_with("exit 0"), "{told}");
    let json = stdout(&[
        "run",
        "--contract",
        ALONE,
        "--format",
        "json",
        "http/body-over-the-limit-does-no-harm",
        "signature/body-of-one-mebibyte*",
    ]);
    let report: serde_json::Value = serde_json::from_str(&json).expect("a report");
    let sentence = |id: &str| {
        report["requirements"].as_array().and_then(|all| all.iter().find(|one| one["id"] == id)).map(|one| one["sentence"].clone())
    };
    assert_eq!(sentence("HTTP-6"), Some("A body over 64 KiB is refused or accepted, never a crash; the next delivery works.".into()));
    let verdict = |at: usize| (&report["scenarios"][at]["verdict"], &report["scenarios"][at]["reason"]);
    assert_eq!(verdict(0).0, "pass");
    assert_eq!(
        verdict(1),
        (&"not-applicable".into(), &"its bodies have up to 1048576 bytes, and the contract limits bodies to 65536".into())
    );
}

const OWN: &str = "suite: core-and-more\nincludes: [core]\nordinary_body: terminal-done.json\ntopics: {MORE: More}\nrequirements:\n  - {id: MORE-1, level: must, sentence: 'More than {accepted}', source: here}\n  - {id: AUTH-2, level: must, sentence: Own words, source: here}\n";
const SCENARIO: &str = "title: Own\nshows: [MORE-1]\nsteps:\n  - deliver: {}\n    expect: accepted\n";

/// A folder's own suite on top of core: own scenarios and sentences win, mistakes are told in the file that has them.
#[test]
fn folder_builds_on_core() {
    let folder = Folder::new();
    let contract = folder.write("mine.yaml", &read(ALONE).replace("suite: core", "suite: core-and-more"));
    folder.write("suites/core-and-more/requirements.yaml", OWN);
    folder.write("suites/core-and-more/more/own.yaml", SCENARIO);
    folder.write("suites/core-and-more/duplicate/duplicate-is-told-as-one.yaml", &SCENARIO.replace("Own", "Own instead"));
    let dir = folder.path("suites").display().to_string();
    let at = |args: &[&str]| hookgate(&[args, &["--contract", &contract, "--only-scenarios", &dir]].concat());
    let list = at(&["list"]);
    assert!(
        list.contains("  Own  (MORE-1)") && list.contains("Own instead  (MORE-1)") && list.contains("The signature of an empty body"),
        "{list}"
    );
    assert!(!list.contains("comes twice is accepted once"), "{list}");
    let told = at(&["explain", "MORE-1"]) + &at(&["explain", "AUTH-2"]);
    assert!(told.contains("More than 201") && told.contains("Own words"), "{told}");
    let out = folder.path("report").display().to_string();
    let told = at(&["run", "more/own", "duplicate/duplicate-is-told-as-one", "reuse/*", "--report", &out]);
    assert!(told.starts_with("exit 0"), "{told}");
    let verified = hookgate(&["report", "verify", &out, "--contract", &contract, "--only-scenarios", &dir]);
    assert!(verified.starts_with("exit 0"), "{verified}");
    folder.write("suites/core-and-more/more/own.yaml", &SCENARIO.replace("Own", "Changed"));
    let verified = hookgate(&["report", "verify", &out, "--contract", &contract, "--only-scenarios", &dir]);
    assert!(verified.contains("the report was made with other scenarios than are here"), "{verified}");

    folder.write(
        "suites/core/requirements.yaml",
        "suite: core\nordinary_body: b\nrequirements:\n  - {id: A-1, level: must, sentence: '{nothing}', source: s}\n",
    );
    let told = at(&["list"]);
    assert!(told.contains("unknown place `{nothing}`") && told.contains("core/requirements.yaml:4:38"), "{told}");
    folder.write("suites/core/requirements.yaml", "suite: core\nincludes: [core-and-more]\nordinary_body: b\nrequirements: []\n");
    let told = at(&["list"]);
    assert!(told.contains("the suite `core-and-more` would include itself") && told.contains("core/requirements.yaml:2:12"), "{told}");
    folder.write("suites/core-and-more/requirements.yaml", &OWN.replace("[core]", "[corr]"));
    let told = at(&["list"]);
    assert!(
        told.contains("there is no suite `corr` to include")
            && told.contains("core-and-more/requirements.yaml:2:12")
            && told.contains("did you mean `core`?"),
        "{told}"
    );
}

/// A folder of scenarios without requirements is played alone, on the shipped requirements.
#[test]
fn folder_without_requirements_is_played_alone() {
    let folder = Folder::new();
    folder.write("topic/mine.yaml", "title: Mine\nshows: [DUP-1, HTTP-1]\nsteps:\n  - deliver: {}\n    expect: accepted\n");
    let dir = folder.path(".").display().to_string();
    let list = hookgate(&["list", "--only-scenarios", &dir]);
    assert!(list.starts_with("exit 0") && list.contains("\n1 scenario\n") && list.contains("topic/mine"), "{list}");
}
