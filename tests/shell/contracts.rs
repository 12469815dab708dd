//! Changes of a shipped contract, one at a time and in pairs: whatever is promised, the reference keeps it under `run` and `load`, over real HTTP.

use std::process::Command;

use crate::command_line::{among_others, command};
use crate::surroundings::Folder;

/// One change of orch-phase3 each, as members that are laid over it.
const CHANGES: &[(&str, &str)] = &[
    ("other-body-refused", "other_body: refused\noutcomes: {refused: {other-body: {status: 422}}}\n"),
    ("other-body-new", "other_body: new\n"),
    (
        "like-first",
        "outcomes:\n  duplicate: {status: 202, same_body_as_first: true, headers: {Content-Type: application/json}, body: []}\n",
    ),
    (
        "marker-on-duplicates",
        "outcomes:\n  duplicate: {status: 202, same_body_as_first: true, headers: {Content-Type: application/json, Idempotent-Replayed: 'true'}, body: []}\n",
    ),
    (
        "marker-on-both",
        "outcomes:\n  accepted: {headers: {Content-Type: application/json, X-Cache: MISS}}\n  duplicate: {status: 202, same_body_as_first: true, headers: {Content-Type: application/json, X-Cache: HIT}, body: []}\n",
    ),
    (
        "all-are-200",
        "outcomes:\n  refused:\n    signature: {status: 200, also: [], body: [{member: ok, is: false}]}\n    missing-signature: {status: 200, also: [], body: [{member: ok, is: false}]}\n    malformed-signature: {status: 200, also: [], body: [{member: ok, is: false}]}\n    missing-key: {status: 200, also: [], body: [{member: ok, is: false}]}\n    empty-key: {status: 200, also: [], body: [{member: ok, is: false}]}\n    unusable-key: {status: 200, also: [], body: [{member: ok, is: false}]}\n    body: {status: 200, also: [], body: [{member: ok, is: false}]}\n    too-large: {status: 200, also: [], body: [{member: ok, is: false}]}\n",
    ),
    ("quoted-keys", "key: {form: quoted}\n"),
    ("key-in-the-body", "key: {header: null, body_member: data.id}\n"),
    ("keys-alone", "state: {audit: null}\n"),
    ("no-tables", "state: null\n"),
    ("in-flight", "outcomes: {in-flight: {status: 409}}\nin_flight: {lease: 2 s}\n"),
    ("no-idempotency", "idempotency: none\noutcomes: {duplicate: null}\n"),
    (
        "milliseconds",
        "signature:\n  message: '{t}.{body}'\n  headers:\n    - {name: X-Time, value: '{t}'}\n    - {name: X-Signature, value: '{sig}'}\n  time: {unit: ms, past: 2 m, future: 2 m}\n",
    ),
    ("base64url", "signature: {encoding: base64url}\n"),
    // In pairs.
    (
        "quoted-and-marked",
        "key: {form: quoted}\noutcomes:\n  duplicate: {status: 202, same_body_as_first: true, headers: {Content-Type: application/json, Idempotent-Replayed: 'true'}, body: []}\n",
    ),
    (
        "in-flight-and-refused",
        "other_body: refused\nfingerprint: json\noutcomes: {in-flight: {status: 409}, refused: {other-body: {status: 422}}}\nin_flight: {lease: 2 s}\n",
    ),
    ("nested-and-new", "other_body: new\nkey: {header: null, body_member: data.id}\n"),
];

/// The exit code of a command and what it said, for the message of a test that fails.
fn outcome(command: &mut Command) -> (Option<i32>, String) {
    let output = among_others(command);
    let told = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8_lossy(&told).into_owned())
}

#[test]
fn reference_keeps_changed_contracts_under_load() {
    let folder = Folder::new();
    let mix = "fresh=60,duplicate=25,conflicting-body=10,missing-key=2,bad-signature=3";
    for (name, changes) in CHANGES {
        let file = folder.write(&format!("{name}.yaml"), &format!("contract: {name}\nextends: orch-phase3\ntitle: {name}\n{changes}"));
        let (code, told) = outcome(command().args(["load", "--contract", &file, "--deliveries", "300", "--users", "6", "--mix", mix]));
        assert_eq!(code, Some(0), "{name}: {told}");
    }
}

/// A few of them over real sockets, for the rest a rehearsal in memory is enough (`hookgate check`).
#[test]
fn reference_keeps_changed_contracts_in_a_run() {
    let folder = Folder::new();
    for (name, changes) in CHANGES {
        let file = folder.write(&format!("{name}.yaml"), &format!("contract: {name}\nextends: orch-phase3\ntitle: {name}\n{changes}"));
        let (code, told) = outcome(command().args(["check", &file]));
        assert_eq!(code, Some(0), "{name}: {told}");
        if ["like-first", "all-are-200", "marker-on-both", "in-flight-and-refused", "nested-and-new", "no-idempotency"].contains(name) {
            let (code, told) = outcome(command().args(["run", "--contract", &file, "--timeout", "20s"]));
            assert_eq!(code, Some(0), "{name}: {told}");
        }
    }
}
