//! Receivers that hold other promises than the seed's, right ones and ones that are wrong in one way, judged from outside.
#![expect(clippy::expect_used, reason = "a test ends where something is not as it should be")]

use serde_json::Value;

use crate::command_line::{command, patiently};
use crate::surroundings::{npm, python_with_vendors, tool};

/// A receiver of tests/receivers, and what it takes to judge it.
struct Receiver {
    contract: &'static str,
    secret: (&'static str, &'static str),
    exec: &'static str,
    more: &'static [&'static str],
}

const DRAFT: Receiver = Receiver {
    contract: "tests/contracts/draft-like-first.yaml",
    secret: ("PAYMENTS_SECRET", "payments-secret-for-tests"),
    exec: "exec python3 tests/receivers/draft_like_first.py --port {port} --db {dir}/payments.db",
    more: &["--db", "{dir}/payments.db", "--clock", "rewind"],
};
const DRAFT_UNSEEN: Receiver = Receiver { more: &[], ..DRAFT };
const STANDARD: Receiver = Receiver {
    contract: "tests/contracts/standard-webhooks-only.yaml",
    secret: ("WEBHOOK_SECRET", "whsec_c3RhbmRhcmQgd2ViaG9va3MsIGZvciB0ZXN0cw=="),
    exec: "exec python3 tests/receivers/standard_webhooks.py --port {port}",
    more: &[],
};
const MARKER: Receiver = Receiver {
    contract: "tests/contracts/body-key-marker.yaml",
    secret: ("EVENTS_SECRET", "events-secret-for-tests"),
    exec: "exec python3 tests/receivers/body_key_marker.py --port {port} --keys {dir}/keys",
    more: &[],
};

impl Receiver {
    /// The exit code and the report of a run on the receiver with a knob, over scenarios of these names; over all without any.
    fn judged(&self, knob: &str, scenarios: &[&str]) -> (Option<i32>, Value) {
        let mut run = command();
        run.env(self.secret.0, self.secret.1).env("KNOB", knob).arg("run").args(scenarios);
        run.args(["--exec", self.exec, "--jobs", "4", "--seed", "1", "--format", "json"]).args(self.more);
        let output = patiently(&mut run, self.contract);
        let told = || format!("{knob}: {}", String::from_utf8_lossy(&output.stderr));
        let report = serde_json::from_slice(&output.stdout).map_err(|_| told());
        (output.status.code(), report.expect("a report"))
    }

    /// Sees that the right form conforms, and that not one finding is made of it.
    fn is_right(&self) {
        if tool("python3").is_none() {
            return;
        }
        let (exit, report) = self.judged("right", &[]);
        let off: Vec<&Value> = all(&report, "scenarios").iter().filter(|one| !["pass", "not-applicable"].contains(&verdict(one))).collect();
        assert!(off.is_empty(), "{off:#?}");
        assert_eq!((exit, &report["summary"]["verdict"]), (Some(0), &"conforms".into()));
    }

    /// Sees that each wrong form is found, by a scenario that shows a requirement it breaks.
    fn are_wrong(&self, knobs: &[(&str, &str, &str)]) {
        if tool("python3").is_none() {
            return;
        }
        for (knob, scenarios, requirement) in knobs {
            let (exit, report) = self.judged(knob, &[scenarios]);
            // What a scenario shows of it counts, too, where a cause files the finding under what underlies it.
            let shown = all(&report, "scenarios").iter().flat_map(|one| all(one, "findings")).any(|one| one["filed"] == **requirement);
            assert_eq!((exit, shown || broken(&report).contains(requirement)), (Some(1), true), "{knob}: {:?}", broken(&report));
        }
    }
}

fn all<'r>(report: &'r Value, what: &str) -> &'r [Value] {
    report[what].as_array().expect("a list")
}

fn verdict(one: &Value) -> &str {
    one["verdict"].as_str().expect("a verdict")
}

/// The requirements that are broken.
fn broken(report: &Value) -> Vec<&str> {
    all(report, "requirements").iter().filter(|one| verdict(one) == "fail").filter_map(|one| one["id"].as_str()).collect()
}

#[test]
fn right_receivers_of_other_families_conform_without_a_finding() {
    for receiver in [DRAFT, DRAFT_UNSEEN, STANDARD, MARKER] {
        receiver.is_right();
    }
}

#[test]
fn wrong_receivers_after_the_draft_are_found() {
    DRAFT.are_wrong(&[
        ("no-memory", "duplicate/leaves*", "DUP-4"),
        ("no-conflict-check", "reuse/*", "OTHER-1"),
        ("key-folded", "key/keys-that-are-nearly*", "KEY-3"),
        ("in-flight-gives-500", "flight/*", "FLY-1"),
        ("looks-up-before-signature", "signature/signature-is-checked-before*", "AUTH-7"),
        ("poisoned-by-refusal", "key/refused*", "KEY-7"),
        ("key-cut", "key/key-of-200*", "KEY-3"),
        ("prolongs", "ttl/late*", "TTL-4"),
    ]);
}

#[test]
fn wrong_verifiers_are_found() {
    STANDARD.are_wrong(&[
        ("no-time-check", "signed-time/stale*", "SIGT-1"),
        ("future-unbounded", "signed-time/early*", "SIGT-2"),
        ("lenient-time", "signed-time/odd*", "SIGT-4"),
        ("only-first-signature", "signature-list/*", "SIGL-1"),
        ("unknown-version-passes", "signature-list/*", "SIGL-2"),
        ("verdict-cached", "signature/signature-is-checked*", "AUTH-7"),
        ("missing-id-passes", "key/missing*", "KEY-1"),
    ]);
}

#[test]
fn wrong_receivers_of_keys_in_bodies_are_found() {
    MARKER.are_wrong(&[
        ("no-memory", "duplicate/*", "DUP-1"),
        ("checks-then-marks", "concurrency/*", "ONCE-1"),
        ("key-trimmed", "key/white-space*", "KEY-3"),
        ("key-normalised", "key/unicode*", "KEY-10"),
        ("numbers-as-text", "key/number-in*", "KEY-10"),
        ("other-member-counts", "key/member-beside*", "KEY-1"),
        ("empty-key-passes", "key/empty*", "KEY-2"),
        ("time-not-signed", "signed-time/changed*", "SIGT-3"),
        ("non-utf8-gives-500", "http/body-that-bears*", "HTTP-4"),
    ]);
}

/// What a receiver should do is warned of: two spellings of one JSON are two bodies to the byte.
#[test]
fn fingerprint_of_another_kind_is_warned_of() {
    if tool("python3").is_none() {
        return;
    }
    let (exit, report) = DRAFT.judged("fingerprint-of-json", &["reuse/same-json*"]);
    let warned: Vec<&str> =
        all(&report, "requirements").iter().filter(|one| verdict(one) == "warn").filter_map(|one| one["id"].as_str()).collect();
    assert_eq!((exit, warned), (Some(0), vec!["OTHER-3"]));
}

/// A gateway that lets twelve requests a second through is waited for, whatever was asked: deliveries, those beside a slow one, health.
#[test]
fn gateway_is_waited_for_wherever_it_stands() {
    if tool("python3").is_none() {
        return;
    }
    let gated = Receiver { exec: "GATEWAY=12 exec python3 tests/receivers/body_key_marker.py --port {port} --keys {dir}/keys", ..MARKER };
    let (exit, report) = gated.judged("right", &["fault/slow-sender*", "duplicate/duplicate-is-told*"]);
    let off: Vec<&Value> = all(&report, "scenarios").iter().filter(|one| verdict(one) != "pass").collect();
    assert!(off.is_empty(), "{off:#?}");
    let notes = report["run"]["notes"].to_string();
    assert_eq!((exit, notes.contains("Retry-After")), (Some(0), true), "{notes}");
}

/// Answers are alike, and nothing else is seen: whether anything is done twice stays open, and why is told.
#[test]
fn without_evidence_nothing_of_memory_passes() {
    if tool("python3").is_none() {
        return;
    }
    for knob in ["right", "races", "works-each-time"] {
        let (exit, report) = DRAFT_UNSEEN.judged(knob, &["duplicate/*", "concurrency/*"]);
        assert_eq!(exit, Some(0), "{knob}");
        let of_memory = |id: &str| id.starts_with("DUP-") || id.starts_with("ONCE-");
        for one in all(&report, "requirements").iter().filter(|one| one["id"].as_str().is_some_and(of_memory)) {
            assert_eq!(verdict(one), "not-applicable", "{knob}: {one}");
        }
        let reasons = all(&report, "scenarios").iter().filter_map(|one| one["reason"].as_str());
        assert!(reasons.into_iter().any(|why| why.contains("no evidence of effects")), "{knob}");
    }
}

const STRIPE: Receiver = Receiver {
    contract: "stripe-webhook",
    secret: ("STRIPE_WEBHOOK_SECRET", "whsec_of_this_test"),
    exec: "exec target/vendors/bin/python tests/receivers/stripe_library.py --port {port}",
    more: &[],
};
const STANDARD_LIBRARY: Receiver = Receiver {
    contract: "standard-webhooks",
    secret: ("STANDARD_WEBHOOKS_SECRET", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
    exec: "exec target/vendors/bin/python tests/receivers/standard_webhooks_library.py --port {port}",
    more: &[],
};
const GITHUB: Receiver = Receiver {
    contract: "github-webhook",
    secret: ("GITHUB_WEBHOOK_SECRET", "a secret of this test"),
    exec: "exec node tests/receivers/github_library.mjs {port}",
    more: &[],
};

fn has_libraries() -> bool {
    python_with_vendors().is_some() && tool("node").is_some() && npm("@octokit/webhooks-methods/package.json").is_some()
}

/// Written with the vendor's own library, as its pages say: nothing is found.
#[test]
fn right_receivers_with_the_vendors_own_library_conform_without_a_finding() {
    if has_libraries() {
        [STRIPE, STANDARD_LIBRARY, GITHUB].iter().for_each(Receiver::is_right);
    }
}

#[test]
fn wrong_uses_of_the_vendors_own_library_are_found() {
    if has_libraries() {
        STRIPE.are_wrong(&[("no-tolerance", "signed-time/stale*", "SIGT-1"), ("body-written-anew", "signature/json*", "AUTH-4")]);
        STANDARD_LIBRARY
            .are_wrong(&[("malformed-gives-500", "signature/malformed*", "AUTH-5"), ("body-written-anew", "signature/json*", "AUTH-4")]);
        GITHUB.are_wrong(&[
            ("body-written-anew", "signature/json*", "AUTH-4"),
            ("looks-up-first", "signature/signature-is-checked-before*", "AUTH-7"),
        ]);
    }
}

const SLACK: Receiver = Receiver {
    contract: "slack-events",
    secret: ("SLACK_SIGNING_SECRET", "a slack secret of this test"),
    exec: "FAMILY=slack exec python3 tests/receivers/vendors_pages.py --port {port}",
    more: &[],
};
const SHOPIFY: Receiver = Receiver {
    contract: "shopify-webhook",
    secret: ("SHOPIFY_CLIENT_SECRET", "shpss_of_this_test"),
    exec: "FAMILY=shopify exec python3 tests/receivers/vendors_pages.py --port {port}",
    more: &[],
};
const TWILIO: Receiver = Receiver {
    contract: "twilio-webhook",
    secret: ("TWILIO_AUTH_TOKEN", "a-token-of-this-test"),
    exec: "FAMILY=twilio exec python3 tests/receivers/vendors_pages.py --port {port}",
    more: &[],
};
/// The same behind a proxy: it is configured with the address that senders know.
const TWILIO_BEHIND_A_PROXY: Receiver = Receiver {
    exec: "FAMILY=twilio PUBLIC_URL=https://shop.example/sms exec python3 tests/receivers/vendors_pages.py --port {port}",
    more: &["--signed-url", "https://shop.example/sms"],
    ..TWILIO
};

/// Written as the vendors' pages say, without their libraries: nothing is found.
#[test]
fn right_receivers_after_their_vendors_pages_conform_without_a_finding() {
    [SLACK, SHOPIFY, TWILIO, TWILIO_BEHIND_A_PROXY].iter().for_each(Receiver::is_right);
}

#[test]
fn wrong_receivers_after_their_vendors_pages_are_found() {
    SLACK.are_wrong(&[("no-tolerance", "signed-time/stale*", "SIGT-1")]);
    SHOPIFY.are_wrong(&[("hash-in-hex", "signature/honest*", "AUTH-1"), ("body-written-anew", "signature/json*", "AUTH-4")]);
    TWILIO.are_wrong(&[("form-not-signed", "signature/honest*", "AUTH-1"), ("fields-as-they-came", "signature/honest*", "AUTH-1")]);
}
