//! Vendors' own verifiers over what hookgate signs, and their own signatures against ours: the best proof that we send what real
//! senders send. The libraries are those of tests/vendors/requirements.txt and tests/npm.
#![expect(clippy::expect_used, clippy::panic, reason = "a test ends where something is not as it should be")]

use std::io::Write as _;
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::command_line::{among_others, command};
use crate::surroundings::{Folder, npm, project, python_with_vendors, tool};

/// A family, and what it takes to sign one delivery of it.
struct Family {
    contract: &'static str,
    /// The variable of the secret, and a secret.
    secret: (&'static str, &'static str),
    /// The public key, where there is one.
    public: &'static str,
    body: &'static str,
}

const JSON: &str = r#"{"id":"evt_1","event_id":"evt_1","type":"paid","amount":12.50,"name":"Zoë ✓","path":"a/b"}"#;
const FORM: &str = "CallSid=CA1234567890ABCDE&Digits=1234&From=%2B14158675309&To=%2B18005551212&Name=Zo%C3%AB+x&Empty=";
const ADYEN: &str = r#"{"live":"false","notificationItems":[{"NotificationRequestItem":{"amount":{"currency":"EUR","value":1130},"pspReference":"7914073381342284","eventCode":"AUTHORISATION","merchantAccountCode":"TestMerchant","merchantReference":"Test: 1","success":"true"}}]}"#;
const URL: &str = "https://hooks.example.com/in?a=1&b=2";

const fn family(contract: &'static str, variable: &'static str, secret: &'static str) -> Family {
    Family { contract, secret: (variable, secret), public: "", body: JSON }
}

const FAMILIES: &[Family] = &[
    family("stripe-webhook", "STRIPE_WEBHOOK_SECRET", "whsec_of_this_test"),
    family("github-webhook", "GITHUB_WEBHOOK_SECRET", "It's a Secret to Everybody"),
    family("gitlab-webhook", "GITLAB_WEBHOOK_TOKEN", "a-token-of-this-test"),
    family("slack-events", "SLACK_SIGNING_SECRET", "8f742231b10e8888abcd99yyyzzz85a5"),
    family("standard-webhooks", "STANDARD_WEBHOOKS_SECRET", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
    Family {
        public: "whpk_11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=",
        ..family("standard-webhooks-ed25519", "STANDARD_WEBHOOKS_PRIVATE_KEY", "whsk_nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=")
    },
    family("svix", "SVIX_WEBHOOK_SECRET", "whsec_plJ3nmyCDGBKInavdOK15jsl"),
    family("shopify-webhook", "SHOPIFY_CLIENT_SECRET", "shpss_of_this_test"),
    family("square-webhook", "SQUARE_SIGNATURE_KEY", "asdf1234"),
    Family { body: FORM, ..family("twilio-webhook", "TWILIO_AUTH_TOKEN", "12345") },
    family("twilio-webhook-json", "TWILIO_AUTH_TOKEN", "12345"),
    Family {
        public: "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        ..family("discord-interactions", "DISCORD_PRIVATE_KEY", "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb")
    },
    family("paddle-billing", "PADDLE_WEBHOOK_SECRET", "pdl_ntfset_of_this_test"),
    family("zoom-webhook", "ZOOM_WEBHOOK_SECRET_TOKEN", "a-zoom-token"),
    Family { body: ADYEN, ..family("adyen", "ADYEN_HMAC_KEY", "44782DEF547AAA06C910C43932B1EB0C71FC68D9D0C057550C48EC2ACF6BA056") },
    family(
        "rfc9421-hmac",
        "HTTP_MESSAGE_SIGNATURES_SECRET",
        "uzvJfB4u3N0Jy4T7NZ75MDVcr8zSTInedJtkgcu46YW4XByzNJjxBdtjUkdJPBtbmHhIDi6pcl8jsasjlTMtDQ==",
    ),
    family("orch-phase3", "ORCH_WEBHOOK_SECRET", "a secret"),
    family("orch-phase4", "ORCH_WEBHOOK_SECRET", "a secret"),
    family("ietf-idempotency-key", "HOOKGATE_IETF_SECRET", "a secret"),
    Family { body: FORM, ..family("stripe-api", "STRIPE_API_KEY", "sk_test_of_this_test") },
];

/// What `hookgate sign` gives for a body, as the verifiers take it.
fn signed(family: &Family, folder: &Folder, more: &[&str]) -> Value {
    let body = folder.write(&format!("{}.body", family.contract), family.body);
    let out = folder.path(&format!("{}.out", family.contract));
    let mut sign = command();
    sign.env(family.secret.0, family.secret.1).args(["sign", "--contract", family.contract, "--body", &body, "--url", URL]);
    let output = among_others(sign.arg("--body-out").arg(&out).args(more));
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{}: {told}", family.contract);
    let lines = String::from_utf8(output.stdout).expect("header lines");
    let headers: serde_json::Map<String, Value> =
        lines.lines().filter_map(|line| line.split_once(": ")).map(|(name, value)| (name.to_owned(), value.into())).collect();
    // What goes into the query is told beside the lines.
    let url = told.lines().find_map(|line| line.strip_prefix("note: deliver it to ")).unwrap_or(URL);
    let body = std::fs::read(&out).expect("the body as it travels");
    json!({"family": family.contract, "secret": family.secret.1, "public": family.public, "url": url, "headers": headers,
           "body": STANDARD.encode(body)})
}

/// The same delivery with something wrong: its body, its signature, the secret.
fn spoiled(honest: &Value) -> Vec<(&'static str, Value)> {
    let mut all = Vec::new();
    let body = STANDARD.decode(honest["body"].as_str().expect("base64")).expect("base64");
    let text = String::from_utf8(body).expect("text");
    let covers_body = !["gitlab-webhook", "stripe-api"].contains(&honest["family"].as_str().unwrap_or_default());
    if covers_body {
        let mut other = honest.clone();
        let changed = text.replace("paid", "pald").replace("1234567890", "1234567891").replace("1130", "9130");
        assert_ne!(changed, text);
        other["body"] = STANDARD.encode(changed).into();
        all.push(("its body changed", other));
    }
    let mut other = honest.clone();
    let secret = honest["secret"].as_str().expect("text");
    let last = if secret.ends_with('A') { "B" } else { "A" };
    // In the middle, so that base64 stays base64 and every bit counts.
    let at = secret.len() / 2;
    other["secret"] = format!("{}{}{}", &secret[..at], if secret[at..].starts_with('A') { "B" } else { last }, &secret[at + 1..]).into();
    if honest["public"].as_str().is_some_and(str::is_empty) {
        all.push(("another secret", other));
    } else {
        let mut other = honest.clone();
        let public = honest["public"].as_str().expect("text").replace("whpk_11", "whpk_21").replace("3d4017", "4d4017");
        other["public"] = public.into();
        all.push(("another key", other));
    }
    all
}

fn asked(mut program: Command, cases: &[Value]) -> Vec<Value> {
    let mut child = program.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");
    let text = serde_json::to_string(cases).expect("JSON");
    child.stdin.take().expect("a pipe").write_all(text.as_bytes()).expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)))
}

/// The verifier of each family, by what it needs.
fn verifiers() -> Option<(Command, Command)> {
    let python = python_with_vendors()?;
    let (node, _) = (tool("node")?, npm("@octokit/webhooks-methods/package.json")?);
    let (mut vendors, mut octokit) = (Command::new(python), Command::new(node));
    vendors.arg(project("tests/vendors/verify.py"));
    octokit.arg(project("tests/npm/octokit.mjs"));
    Some((vendors, octokit))
}

#[test]
fn vendors_verifiers_take_what_hookgate_signs_and_refuse_what_is_spoiled() {
    let Some((vendors, octokit)) = verifiers() else { return };
    let folder = Folder::new();
    let mut cases: Vec<(String, bool, Value)> = Vec::new();
    for family in FAMILIES {
        let honest = signed(family, &folder, &[]);
        cases.push((format!("{}: honest", family.contract), true, honest.clone()));
        cases.extend(spoiled(&honest).into_iter().map(|(what, one)| (format!("{}: {what}", family.contract), false, one)));
    }
    let (of_github, others): (Vec<_>, Vec<_>) = cases.into_iter().partition(|(_, _, one)| one["family"] == "github-webhook");
    for (program, cases) in [(vendors, others), (octokit, of_github)] {
        let said = asked(program, &cases.iter().map(|(_, _, one)| one.clone()).collect::<Vec<_>>());
        let wrong: Vec<&str> =
            cases.iter().zip(&said).filter(|((_, wanted, _), said)| **said != *wanted).map(|((name, _, _), _)| name.as_str()).collect();
        assert!(wrong.is_empty() && said.len() == cases.len(), "said otherwise of {wrong:#?}");
    }
}

/// Where a library signs as well, its signature is ours to the byte.
#[test]
fn vendors_libraries_sign_as_hookgate_signs() {
    let Some((vendors, octokit)) = verifiers() else { return };
    let folder = Folder::new();
    let signing = [
        ("stripe-webhook", "Stripe-Signature"),
        ("standard-webhooks", "webhook-signature"),
        ("svix", "svix-signature"),
        ("slack-events", "X-Slack-Signature"),
        ("twilio-webhook", "X-Twilio-Signature"),
        ("discord-interactions", "X-Signature-Ed25519"),
        ("adyen", ""),
        ("github-webhook", "X-Hub-Signature-256"),
    ];
    let (mut ours, mut of_python, mut of_node) = (Vec::new(), Vec::new(), Vec::new());
    for (name, header) in signing {
        let family = FAMILIES.iter().find(|family| family.contract == name).expect("a family of this file");
        let made = signed(family, &folder, &["--at", "1614265330", "--id", "msg_1"]);
        let own = made["headers"][header].as_str().map_or_else(
            || {
                let body: Value =
                    serde_json::from_slice(&STANDARD.decode(made["body"].as_str().expect("base64")).expect("base64")).expect("JSON");
                body["notificationItems"][0]["NotificationRequestItem"]["additionalData"]["hmacSignature"]
                    .as_str()
                    .expect("a signature")
                    .to_owned()
            },
            str::to_owned,
        );
        let case = json!({"family": name, "secret": family.secret.1, "url": URL, "id": "msg_1", "at": 1_614_265_330, "sign": true,
                          "body": STANDARD.encode(family.body)});
        if name == "github-webhook" {
            of_node.push(case);
        } else {
            of_python.push(case);
        }
        ours.push((name, own));
    }
    let said = [asked(vendors, &of_python), asked(octokit, &of_node)].concat();
    for ((name, own), said) in ours.iter().zip(&said) {
        let theirs = said["signature"].as_str().expect("a signature");
        assert!(own.ends_with(theirs), "{name}: we say {own}, the library {theirs}");
    }
    assert_eq!(said.len(), signing.len());
}
