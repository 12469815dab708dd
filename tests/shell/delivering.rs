//! One delivery by hand: `sign`, `send` and `verify`.
#![expect(clippy::expect_used, clippy::panic, reason = "a test ends where something is not as it should be")]

use serde_json::Value;

use crate::command_line::{Running, among_others, command};
use crate::surroundings::Folder;

const SECRET: &str = "a secret of this test";
const STANDARD: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// Exit code, standard output, standard error.
fn told(env: &[(&str, &str)], args: &[&str]) -> (Option<i32>, String, String) {
    let output = among_others(command().envs(env.iter().copied()).args(args));
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

/// Every header line, the key's and the constant ones too, as `curl -H @-` takes them.
#[test]
fn sign_prints_every_header_line() {
    let folder = Folder::new();
    let body = folder.write("body", "Hello, World!");
    let (code, lines, _) = told(
        &[("GITHUB_WEBHOOK_SECRET", "It's a Secret to Everybody")],
        &["sign", "--contract", "github-webhook", "--body", &body, "--key", "72d3162e-cc78-11e3-81ab-4c9367dc0958"],
    );
    assert_eq!(code, Some(0));
    insta::assert_snapshot!(lines, @r"
    Content-Type: application/json
    X-GitHub-Delivery: 72d3162e-cc78-11e3-81ab-4c9367dc0958
    X-GitHub-Event: push
    User-Agent: GitHub-Hookshot/hookgate
    X-Hub-Signature-256: sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17
    ");
    let body = folder.write("body", "{\"test\": 2432232314}");
    let standard =
        ["sign", "--contract", "standard-webhooks", "--body", &body, "--at", "1614265330", "--id", "msg_p5jXN8AQM9LWM0D4loKWxJek"];
    let (_, lines, _) = told(&[("STANDARD_WEBHOOKS_SECRET", STANDARD)], &standard);
    insta::assert_snapshot!(lines, @r"
    Content-Type: application/json
    webhook-id: msg_p5jXN8AQM9LWM0D4loKWxJek
    webhook-timestamp: 1614265330
    webhook-signature: v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=
    ");
}

/// What cannot be signed by header lines alone is told.
#[test]
fn sign_tells_what_header_lines_do_not_say() {
    let folder = Folder::new();
    let body = folder.write("body", "{}");
    let (code, _, why) = told(&[("SQUARE_SIGNATURE_KEY", SECRET)], &["sign", "--contract", "square-webhook", "--body", &body]);
    assert!(code == Some(2) && why.contains("give it with --url"), "{why}");
    let (code, _, why) = told(&[], &["sign", "--contract", "stripe-webhook", "--body", &body]);
    assert!(code == Some(2) && why.contains("STRIPE_WEBHOOK_SECRET is not set"), "{why}");
    let twilio = ["sign", "--contract", "twilio-webhook-json", "--body", &body, "--url", "https://h.test/in"];
    let (_, _, note) = told(&[("TWILIO_AUTH_TOKEN", SECRET)], &twilio);
    assert!(
        note.contains("deliver it to https://h.test/in?bodySHA256=44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"),
        "{note}"
    );
    let (_, _, note) = told(&[("ADYEN_HMAC_KEY", "00ff")], &["sign", "--contract", "adyen", "--body", &body]);
    assert!(note.contains("the body has no key") && note.contains("--body-out"), "{note}");
}

/// A delivery by hand to a reference that is served: accepted, a duplicate, refused.
#[test]
fn send_says_what_came_of_a_delivery() {
    let folder = Folder::new();
    let body = folder.write("body", "{\"status\":\"done\"}");
    let running = Running::serve(SECRET, &[]);
    let send =
        |secret: &str| told(&[("ORCH_WEBHOOK_SECRET", secret)], &["send", "--target", &running.url, "--body", &body, "--key", "by-hand-1"]);
    for (secret, exit, outcome) in [(SECRET, 0, "accepted"), (SECRET, 0, "duplicate"), ("another", 1, "refused")] {
        let (code, said, why) = send(secret);
        assert!(code == Some(exit) && said.lines().next().is_some_and(|line| line.contains(outcome)), "{outcome}: {said}{why}");
    }
    let (code, _, _) = told(&[("ORCH_WEBHOOK_SECRET", SECRET)], &["send", "--target", "http://127.0.0.1:1", "--body", &body]);
    assert_eq!(code, Some(3));
}

/// A captured delivery of a contract, and what may have gone wrong with it.
struct Captured {
    contract: &'static str,
    variable: &'static str,
    /// The sender's secret.
    signed_with: &'static str,
    /// The body that was signed, and the one that came.
    bodies: (&'static str, &'static str),
    /// What becomes of the header lines on their way.
    lines: fn(String) -> String,
    /// The receiver's secret.
    secret: &'static str,
    /// So many seconds later it is looked at.
    later: i64,
}

const fn captured(contract: &'static str, variable: &'static str, secret: &'static str) -> Captured {
    let body = r#"{"id":"evt_1","n":1}"#;
    Captured { contract, variable, signed_with: secret, bodies: (body, body), lines: |lines| lines, secret, later: 1 }
}

impl Captured {
    /// The exit code and the code of what explains the header.
    fn explained(&self) -> (Option<i32>, String, String) {
        let folder = Folder::new();
        let (signed, came) = (folder.write("signed", self.bodies.0), folder.write("came", self.bodies.1));
        let at = ["--at", "1700000000", "--url", "https://h.test/in"];
        let sign = ["sign", "--contract", self.contract, "--body", &signed, "--key", "72d3162e-cc78-11e3-81ab-4c9367dc0958"];
        let (code, lines, why) = told(&[(self.variable, self.signed_with)], &[&sign[..], &at].concat());
        assert_eq!(code, Some(0), "{why}");
        // What goes into the query is told beside the lines.
        let url = why.lines().find_map(|line| line.strip_prefix("note: deliver it to ")).unwrap_or("https://h.test/in");
        let headers = folder.write("headers", &(self.lines)(lines));
        let now = (1_700_000_000 + self.later).to_string();
        let verify = ["verify", "--contract", self.contract, "--headers", &headers, "--body", &came, "--url", url, "--at", &now];
        let (code, said, why) = told(&[(self.variable, self.secret)], &[&verify[..], &["--format", "json"]].concat());
        let said: Value = serde_json::from_str(&said).unwrap_or_else(|_| panic!("{said}{why}"));
        let text = |name: &str| said[name].as_str().expect("text").to_owned();
        (code, text("code"), text("sentence"))
    }
}

/// Each thing that usually goes wrong is named by itself.
#[test]
fn verify_names_what_explains_a_wrong_signature() {
    let stripe = || captured("stripe-webhook", "STRIPE_WEBHOOK_SECRET", "whsec_abc");
    let github = || captured("github-webhook", "GITHUB_WEBHOOK_SECRET", SECRET);
    let standard = || captured("standard-webhooks", "STANDARD_WEBHOOKS_SECRET", STANDARD);
    let discord =
        || captured("discord-interactions", "DISCORD_PRIVATE_KEY", "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb");
    let json = r#"{"id":"evt_1","n":1}"#;
    for (case, code) in [
        (stripe(), "right"),
        (standard(), "right"),
        (discord(), "right"),
        (captured("gitlab-webhook", "GITLAB_WEBHOOK_TOKEN", "a-token"), "right"),
        (captured("square-webhook", "SQUARE_SIGNATURE_KEY", SECRET), "right"),
        (Captured { later: 400, ..stripe() }, "stale"),
        (Captured { later: -400, ..standard() }, "early"),
        (Captured { signed_with: "whsec_abc\n", ..stripe() }, "secret-line-end"),
        (Captured { secret: "a secret of this test\n", ..github() }, "secret-line-end"),
        (Captured { secret: "\"a secret of this test\"", ..github() }, "secret-quotes"),
        (Captured { signed_with: "hookgate-github-webhook-for-tests", ..github() }, "wrong-secret"),
        (Captured { signed_with: "abc", ..stripe() }, "secret-prefix"),
        (Captured { signed_with: "another", ..github() }, "wrong-secret-or-body"),
        (Captured { signed_with: "another", secret: "one", ..captured("gitlab-webhook", "GITLAB_WEBHOOK_TOKEN", "one") }, "wrong-secret"),
        (Captured { bodies: (json, r#"{"id":"evt_1","n":2}"#), ..github() }, "body-altered"),
        (Captured { bodies: (json, r#"{"id":"evt_2","n":2}"#), ..github() }, "wrong-secret-or-body"),
        (Captured { bodies: (json, "{\"id\":\"evt_1\",\"n\":1}\n"), ..github() }, "trailing-newline"),
        (Captured { bodies: ("{\"id\":\"evt_1\",\"n\":1}\n", json), ..stripe() }, "trailing-newline"),
        (Captured { bodies: (json, r#"{ "id": "evt_1", "n": 1 }"#), ..standard() }, "re-serialised"),
        (Captured { bodies: (r#"{"id": "evt_1", "n": 1}"#, json), ..stripe() }, "re-serialised"),
        (Captured { bodies: ("{\n  \"id\": \"evt_1\",\n  \"n\": 1\n}", json), ..github() }, "re-serialised"),
        (Captured { bodies: (r#"{"id":"Zo\u00eb"}"#, r#"{"id":"Zoë"}"#), ..github() }, "re-serialised"),
        (Captured { bodies: ("{\"id\":1,\n\"n\":2}", "{\"id\":1,\r\n\"n\":2}"), ..github() }, "line-ends"),
        (Captured { lines: |lines| lines.replace("sha256=", ""), ..github() }, "prefix"),
        (Captured { lines: |lines| lines.replace("v1,", "v2,"), ..standard() }, "prefix"),
        (Captured { lines: |lines| lines.replace("Hub-Signature-256", "Forwarded-Signature"), ..github() }, "header"),
        (Captured { lines: |lines| lines.replace("Stripe-Signature", "X-Signature"), ..stripe() }, "wrong-scheme"),
        (Captured { lines: |_| "Content-Type: application/json\n".to_owned(), ..stripe() }, "missing"),
        (Captured { bodies: (json, "{}"), lines: |lines| lines + "Content-Length: 20\n", ..github() }, "body-altered"),
        (Captured { bodies: (json, "{}"), ..captured("twilio-webhook-json", "TWILIO_AUTH_TOKEN", SECRET) }, "body-altered"),
        (
            Captured { bodies: (json, "{}"), ..captured("rfc9421-hmac", "HTTP_MESSAGE_SIGNATURES_SECRET", "AAECAwQFBgcICQoLDA0ODw==") },
            "body-altered",
        ),
    ] {
        let (exit, found, sentence) = case.explained();
        assert_eq!((found.as_str(), exit), (code, Some(i32::from(code != "right"))), "{}: {sentence}", case.contract);
    }
}

/// A HAR and a curl command are as good as files.
#[test]
fn verify_reads_a_har_and_a_curl_command() {
    let folder = Folder::new();
    let github = [("GITHUB_WEBHOOK_SECRET", "It's a Secret to Everybody")];
    let signature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
    let curl = folder
        .write("curl", &format!("curl -X POST 'https://h.test/in' \\\n  -H 'X-Hub-Signature-256: {signature}' --data-raw 'Hello, World!'"));
    let har = folder.write(
        "har",
        &serde_json::json!({"log": {"entries": [
            {"request": {"method": "GET", "url": "https://h.test/", "headers": []}},
            {"request": {"method": "POST", "url": "https://h.test/in", "headers": [{"name": "x-hub-signature-256", "value": signature}],
                         "postData": {"text": "Hello, World!"}}},
        ]}})
        .to_string(),
    );
    for (flag, file) in [("--curl", &curl), ("--har", &har)] {
        let (code, said, why) = told(&github, &["verify", "--contract", "github-webhook", flag, file]);
        assert_eq!((code, said.as_str()), (Some(0), "right: the signature holds\n"), "{flag}: {why}");
        let (code, said, _) =
            told(&[("GITHUB_WEBHOOK_SECRET", "It's a Secret to Everybody\n")], &["verify", "--contract", "github-webhook", flag, file]);
        assert!(code == Some(1) && said.starts_with("wrong (secret-line-end): "), "{said}");
    }
    let (code, _, why) = told(&github, &["verify", "--contract", "github-webhook"]);
    assert!(code == Some(2) && why.contains("--headers FILE"), "{why}");
}

/// Whoever has the public key alone can verify.
#[test]
fn verify_takes_a_public_key() {
    let folder = Folder::new();
    let body = folder.write("body", "{\"id\":\"1\"}");
    let private = [("DISCORD_PRIVATE_KEY", "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb")];
    let (_, lines, _) = told(&private, &["sign", "--contract", "discord-interactions", "--body", &body]);
    let headers = folder.write("headers", &lines);
    let verify = ["verify", "--contract", "discord-interactions", "--headers", &headers, "--body", &body];
    for (public, exit, said) in [
        ("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", 0, "right"),
        ("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", 1, "wrong (wrong-secret-or-body)"),
        ("no key", 1, "wrong (secret-form)"),
    ] {
        let (code, out, why) = told(&[("DISCORD_PUBLIC_KEY", public)], &verify);
        assert!(code == Some(exit) && out.starts_with(said), "{public}: {out}{why}");
    }
}
