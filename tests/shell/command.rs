//! The command from outside, as a shell sees it: both streams and the exit code in one text.

use crate::command_line::{hookgate, hookgate_with, nobody};
use crate::surroundings::Folder;

/// A wrong argument is a usage error: exit 2, one message, nothing on standard output.
#[test]
fn unreadable_scenario_is_a_usage_error_not_a_verdict() {
    insta::assert_snapshot!(hookgate(&["run", "scenarios/absent.yaml"]), @"
    exit 2
    --- stdout
    --- stderr
    error: cannot read scenario scenarios/absent.yaml: No such file or directory (os error 2)
    ");
}

#[test]
fn unknown_scenario_gets_a_did_you_mean() {
    insta::assert_snapshot!(hookgate(&["run", "duplicate/duplicate-is-told-as-on"]), @"
    exit 2
    --- stdout
    --- stderr
    error: no scenario fits `duplicate/duplicate-is-told-as-on`; did you mean `duplicate/duplicate-is-told-as-one`? (`hookgate list` shows them)
    ");
}

#[test]
fn selection_that_fits_nothing_is_a_usage_error() {
    insta::assert_snapshot!(hookgate(&["run", "--select", "TLT-*"]), @"
    exit 2
    --- stdout
    --- stderr
    error: --select TLT-* selects no scenario; did you mean `TTL-*`? (`hookgate list` shows them)
    ");
}

#[test]
fn unreachable_target_is_told_with_its_address_and_cause() {
    let url = nobody();
    let told = hookgate_with(&[("ORCH_WEBHOOK_SECRET", "long enough a secret")], &["run", "--target", &url]);
    insta::assert_snapshot!(told.replace(&url, "http://127.0.0.1:PORT"), @"
    exit 3
    --- stdout
    --- stderr
    error: the target http://127.0.0.1:PORT does not answer its health check /status: no connection: connection refused; start it, or give another --target
    ");
}

#[test]
fn target_without_a_secret_is_a_usage_error() {
    insta::assert_snapshot!(hookgate(&["run", "--target", "http://127.0.0.1:9"]), @"
    exit 2
    --- stdout
    --- stderr
    error: the environment variable ORCH_WEBHOOK_SECRET is not set: it holds the secret that the target shares (or name another variable with --secret-env)
    ");
}

#[test]
fn target_without_a_scheme_is_a_usage_error() {
    insta::assert_snapshot!(hookgate_with(&[("ORCH_WEBHOOK_SECRET", "long enough a secret")], &["run", "--target", "127.0.0.1:9"]), @"
    exit 2
    --- stdout
    --- stderr
    error: `127.0.0.1:9` has no scheme; write `http://127.0.0.1:9`
    ");
}

#[test]
fn unknown_contract_names_the_known_ones() {
    insta::assert_snapshot!(hookgate(&["run", "--contract", "orch-phase9"]), @"
    exit 2
    --- stdout
    --- stderr
    error: there is no contract `orch-phase9`: give a file (…/orch-phase9.yaml), or one of adyen, discord-interactions, every-other-policy, every-policy, github-webhook, gitlab-webhook, ietf-idempotency-key, orch-phase2, orch-phase3, orch-phase3-ttl, orch-phase4, paddle-billing, rfc9421-hmac, shopify-webhook, slack-events, square-webhook, standard-webhooks, standard-webhooks-ed25519, stripe-api, stripe-webhook, svix, twilio-webhook, twilio-webhook-json, zoom-webhook
    ");
}

#[test]
fn rewind_without_a_database_is_a_usage_error() {
    let secret = [("ORCH_WEBHOOK_SECRET", "long enough a secret")];
    insta::assert_snapshot!(hookgate_with(&secret, &["run", "--target", "http://127.0.0.1:9", "--clock", "rewind"]), @"
    exit 2
    --- stdout
    --- stderr
    error: --clock rewind moves times in the target's database: give it with --db PATH
    ");
}

#[test]
fn duration_without_a_unit_is_a_usage_error() {
    insta::assert_snapshot!(hookgate(&["run", "--timeout", "5"]), @"
    exit 2
    --- stdout
    --- stderr
    error: --timeout 5: `5` is not a span of time; write a number and a unit: us, ms, s, m, h or d (`250ms`, `86402 s`)
    ");
}

#[test]
fn contract_with_an_unknown_member_points_at_it() {
    let folder = Folder::new();
    let text = include_str!("../../fixtures/contracts/orch-phase3.yaml").replace("\nhealth:", "\nhelth:");
    let path = folder.write("mine.yaml", &text);
    insta::assert_snapshot!(hookgate(&["check", &path]).replace(&path, "mine.yaml"), @"
    exit 2
    --- stdout
    --- stderr
    error: unknown member `helth` of the contract
      --> mine.yaml:13:1
       |
    13 | helth: {path: /status, status: 200, body: {status: ok}}
       | ^^^^^ did you mean `health`?
    ");
}

#[test]
fn scenario_with_three_mistakes_tells_all_three() {
    let folder = Folder::new();
    let text = "title: Three mistakes\nshows: [DUP-22]\nsteps:\n  - deliver: {as: first, signature: wrong-sercet}\n    expct: accepted\n";
    let path = folder.write("three.yaml", text);
    insta::assert_snapshot!(hookgate(&["run", &path]).replace(&path, "three.yaml"), @"
    exit 2
    --- stdout
    --- stderr
    error: unknown requirement `DUP-22`
     --> three.yaml:2:9
      |
    2 | shows: [DUP-22]
      |         ^^^^^^ there are: DUP-1, DUP-2, DUP-3, DUP-4, DUP-5, DUP-6, DUP-7, DUP-8

    error: unknown word `wrong-sercet` for `signature`
     --> three.yaml:4:37
      |
    4 |   - deliver: {as: first, signature: wrong-sercet}
      |                                     ^^^^^^^^^^^^ did you mean `wrong-secret`?

    error: unknown member `expct` of a step
     --> three.yaml:5:5
      |
    5 |     expct: accepted
      |     ^^^^^ did you mean `expect`?

    3 mistakes in three.yaml
    ");
}

#[test]
fn every_requirement_is_covered() {
    let text = hookgate(&["coverage"]);
    assert!(text.starts_with("exit 0\n"), "{text}");
}

#[test]
fn everything_that_is_shipped_is_without_mistake() {
    let text = hookgate(&["check"]);
    assert!(text.starts_with("exit 0\n"), "{text}");
}

/// A copy of a shipped contract is without mistake as well as the contract itself.
#[test]
fn copies_of_what_is_shipped_are_without_mistake() {
    for contract in ["standard-webhooks", "gitlab-webhook"] {
        let text = hookgate(&["check", &format!("fixtures/contracts/{contract}.yaml")]);
        assert!(text.starts_with("exit 0\n"), "{text}");
    }
}

#[test]
fn contract_is_explained_as_prose() {
    insta::assert_snapshot!(hookgate(&["explain", "orch-phase3"]), @"
    exit 0
    --- stdout
    orch-phase3: Orchestrator callbacks, phase 3 (reliability)

    Signed callbacks about finished jobs. A key makes a delivery idempotent for as long as its TTL; duplicates are answered with a reference to the audit event of the first delivery.
    Source: The phase 3 report of the orchestrator (schema, SQL, answers), the system it patches as observed (endpoint, headers, audit URL, metrics), and this project's decisions where both are silent.

    A delivery is POST /callbacks/terminal with a body of application/json.
    Its idempotency key is in the header Idempotency-Key, as it is, up to 255 bytes.
    It is signed: HMAC with sha256 over `{body}`, written in hex, sent as `X-Signature: {sig}`.
    The shared secret is in the environment variable ORCH_WEBHOOK_SECRET.
    The receiver is well when GET /status answers 200.
    Every answer comes within 2 s; a body may be up to 16777216 bytes long.
    Keys live for 86400 s from their acceptance.
    A live key with another body is a duplicate: the key alone identifies.

    A first delivery gets 202 with header Content-Type: application/json, accepted = true, payload_sha256 = {sha256} without reference
    A duplicate gets 202 with header Content-Type: application/json, accepted = true, payload_sha256 = {first.sha256}, reference.timestamp = {first.ts}, reference.type = duplicate
    Refused for signature: 401 with error = invalid signature (free)
    Refused for missing signature: 401 or 400 with error = invalid signature (free)
    Refused for malformed signature: 401 or 400 with error = invalid signature (free)
    Refused for missing key: 400 with error = Idempotency-Key header required (free)
    Refused for empty key: 400 with error = Idempotency-Key header required (free)
    Refused for unusable key: 400 with error = Idempotency-Key cannot be used (free)
    Refused for method: 405 or 404 with error = method not allowed (free)
    Refused for body: 400 with error = body cannot be used (free)
    Refused for too large: 413 with error = body too large (free)

    State can be seen in two tables of a database:
      idempotency_keys
        key TEXT (PK)                            {key}
        ts TEXT NOT NULL                         {ts}
        ttl INTEGER (DEFAULT 86400)              {ttl}
      audit_events
        ts TEXT (PK) NOT NULL                    {ts}
        actor TEXT NOT NULL                      webhook
        role TEXT NOT NULL                       EXTERNAL
        event TEXT (PK) NOT NULL                 terminal_callback
        task_id TEXT                             {body:task_id|job_id}
        appr_id TEXT                             NULL
        payload_sha256 TEXT                      {sha256}
        idem_key TEXT                            {key}
    The audit trail can be read with GET /audit/events?limit=N&type=EVENT, newest first.
    Counters can be read with GET /metrics.
    It offers: orch-wire, reference, ttl, audit-key, audit-url.
    --- stderr
    ");
}

#[test]
fn requirement_is_explained_with_its_scenarios() {
    insta::assert_snapshot!(hookgate(&["explain", "dup-6"]), @"
    exit 0
    --- stdout
    DUP-6 (must): The same body under another key is a new delivery.
    topic: Duplicates
    source: the phase 3 report
    shown by:
      duplicate/same-body-under-another-key-has-rows-of-its-own  The same body under another key has rows of its own
      duplicate/same-body-under-another-key-is-new  The same body under another key is a new delivery
    --- stderr
    ");
}

#[test]
fn schemas_in_the_project_are_those_of_the_code() {
    for name in
        ["scenario", "contract", "requirements", "baseline", "report", "load", "mix", "gates", "compare", "claims", "claim-rules", "config"]
    {
        let file = std::fs::read_to_string(format!("{}/schema/{name}.json", env!("CARGO_MANIFEST_DIR"))).expect("a committed schema");
        let text = hookgate(&["schema", name]);
        assert!(text == format!("exit 0\n--- stdout\n{file}--- stderr\n"), "schema/{name}.json is stale");
    }
}
