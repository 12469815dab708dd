//! The contracts of families: each is told, explained, signed by hand, kept by the reference under `run` and `load`.
#![expect(clippy::expect_used, clippy::panic, reason = "a test ends where something is not as it should be")]

use std::process::Command;

use serde_json::Value;

use crate::command_line::{among_others, command};

/// Every contract of a family that is shipped.
const FAMILIES: [&str; 19] = [
    "adyen",
    "discord-interactions",
    "github-webhook",
    "gitlab-webhook",
    "ietf-idempotency-key",
    "orch-phase4",
    "paddle-billing",
    "rfc9421-hmac",
    "shopify-webhook",
    "slack-events",
    "square-webhook",
    "standard-webhooks",
    "standard-webhooks-ed25519",
    "stripe-api",
    "stripe-webhook",
    "svix",
    "twilio-webhook",
    "twilio-webhook-json",
    "zoom-webhook",
];
/// Those that only this project, or the seed, has.
const OURS: [&str; 2] = ["ietf-idempotency-key", "orch-phase4"];

fn outcome(command: &mut Command) -> (Option<i32>, String) {
    let output = among_others(command);
    (output.status.code(), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
}

fn text_of(contract: &str) -> String {
    std::fs::read_to_string(format!("{}/fixtures/contracts/{contract}.yaml", env!("CARGO_MANIFEST_DIR"))).expect("a contract")
}

#[test]
fn list_names_every_contract_with_its_source() {
    let (code, told) = outcome(command().args(["list", "--contracts"]));
    assert_eq!(code, Some(0), "{told}");
    for name in FAMILIES {
        let line = told.lines().find(|line| line.split_whitespace().next() == Some(name)).unwrap_or_else(|| panic!("{name}: {told}"));
        assert!(OURS.contains(&name) || line.contains("https://"), "{line}");
    }
    let (_, json) = outcome(command().args(["list", "--contracts", "--format", "json"]));
    let all: Vec<Value> = serde_json::from_str(&json).expect("JSON");
    assert!(all.iter().all(|one| one["contract"].is_string() && one["title"].is_string() && one["source"].is_string()), "{json}");
}

/// Sources have an address and a date; what repeats are known by, and where to name effects, is said.
#[test]
fn families_say_where_they_come_from_and_what_their_senders_advise() {
    for name in FAMILIES.into_iter().filter(|name| !OURS.contains(name)) {
        let text = text_of(name);
        assert!(text.contains("https://") && text.contains("2026"), "{name} has no dated source");
        assert!(text.contains("\nreceiver:\n") && text.contains("  repeats: "), "{name} does not say what the sender advises");
        assert!(name == "stripe-api" || text.contains(&format!("extends: {name}")), "{name} does not show where to name effects");
        shows_how_effects_are_named(name, &text);
        let (code, told) = outcome(command().args(["explain", name]));
        assert!(code == Some(0) && told.contains("The sender advises: answer "), "{told}");
        assert!(!told.contains("{t}\n") && told.lines().all(|line| line == line.trim_end()), "{told}");
    }
}

/// What a contract's comment shows to be written is a contract, under which effects are counted.
fn shows_how_effects_are_named(name: &str, text: &str) {
    let shown: String = text.lines().filter_map(|line| line.strip_prefix("#   ")).map(|line| format!("{line}\n")).collect();
    if shown.is_empty() {
        return;
    }
    let base = |name: &str| hookgate::files::shipped_contract(name).map(|file| file.text);
    let contract = hookgate::contract::reading::read_contract("mine", &shown, &base).unwrap_or_else(|wrong| panic!("{name}: {wrong}"));
    assert!(contract.effects.is_some(), "{name}: {shown}");
}

/// Nothing is not applicable but what the family does not promise, or what needs evidence that was not given.
#[test]
fn reference_conforms_to_every_family() {
    for name in FAMILIES {
        let (code, told) =
            outcome(command().args(["run", "--contract", name, "--timeout", "60s", "--format", "json", "--seed", "1", "--jobs", "4"]));
        let report: Value =
            serde_json::from_str(told.split("\nhint:").next().unwrap_or(&told)).unwrap_or_else(|_| panic!("{name}: {told}"));
        assert_eq!((code, &report["summary"]["verdict"]), (Some(0), &"conforms".into()), "{name}");
        let scenarios = report["scenarios"].as_array().expect("a list");
        let odd: Vec<&Value> = scenarios.iter().filter(|one| !matches!(one["verdict"].as_str(), Some("pass" | "not-applicable"))).collect();
        assert!(odd.is_empty(), "{name}: {odd:#?}");
        let without_reason =
            scenarios.iter().filter(|one| one["verdict"] == "not-applicable" && one["reason"].as_str().is_none_or(str::is_empty));
        assert_eq!(without_reason.count(), 0, "{name}");
        let requirement = |id: &str| {
            let all = report["requirements"].as_array().expect("a list");
            all.iter().find(|one| one["id"] == id).map(|one| one["verdict"].as_str().unwrap_or_default().to_owned()).unwrap_or_default()
        };
        for id in ["AUTH-1", "AUTH-2", "AUTH-3", "KEY-7", "HTTP-2", "HTTP-7"] {
            assert_eq!(requirement(id), "pass", "{name}: {id}");
        }
        let text = text_of(name);
        if text.contains("time: {past") {
            assert_eq!((requirement("SIGT-1").as_str(), requirement("SIGT-4").as_str()), ("pass", "pass"), "{name}");
        }
        if text.contains("several:") {
            assert_eq!((requirement("SIGL-1").as_str(), requirement("SIGL-2").as_str()), ("pass", "pass"), "{name}");
        }
        // Answers are alike, and nothing else is seen.
        if text.contains("# Repeats are answered like first deliveries") {
            for id in ["ONCE-1", "DUP-6"] {
                assert_eq!(requirement(id), "not-applicable", "{name}: {id}");
            }
        }
    }
}

#[test]
fn reference_keeps_every_family_under_load() {
    for name in FAMILIES {
        let (code, told) = outcome(command().args([
            "load",
            "--contract",
            name,
            "--deliveries",
            "300",
            "--users",
            "6",
            "--mix",
            "fresh=70,duplicate=25,bad-signature=5",
        ]));
        assert_eq!(code, Some(0), "{name}: {told}");
    }
}
