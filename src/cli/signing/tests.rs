//! Each mistake, under the scheme of each shipped contract, in each form of a capture: named by what explains it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::SecretString;
use serde_json::{Value, json};

use super::super::captured::{self, Captured};
use super::{diagnosed, load_suite, shipped_contracts};
use crate::clock::UnixMicros;
use crate::contract::Contract;
use crate::contract::own_headers;
use crate::delivery::{Delivery, HeaderLine};
use crate::files;
use crate::sign::Proof;
use crate::sign::SecretEncoding;
use crate::sign::diagnosis::Diagnosis;
use crate::sign::hex;

mod address;

const AT: i64 = 1_700_000_000;
const ORIGIN: &str = "https://h.test";

/// What becomes of a delivery on its way.
type Change = fn(&Contract, &mut Delivery);
/// The forms in which a delivery is captured.
type Captures = fn(&Delivery) -> Captured;
const FORMS: [(&str, Captures); 3] = [("files", in_files), ("HAR", in_a_har), ("curl", in_a_command)];

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("the test writes text")
}

fn in_files(delivery: &Delivery) -> Captured {
    let lines: Vec<String> = delivery.headers.iter().map(|line| format!("{}: {}\n", line.name, text(&line.value))).collect();
    let head = format!("{} {} HTTP/1.1\nHost: h.test\n{}", delivery.method, delivery.path, lines.concat());
    captured::from_headers(&head, delivery.body.to_vec()).expect("header lines")
}

fn in_a_har(delivery: &Delivery) -> Captured {
    let headers: Vec<Value> = delivery.headers.iter().map(|line| json!({"name": line.name, "value": text(&line.value)})).collect();
    let url = format!("{ORIGIN}{}", delivery.path);
    let request = json!({"method": delivery.method, "url": url, "headers": headers, "postData": {"text": text(&delivery.body)}});
    captured::from_har(&json!({"log": {"entries": [{"request": request}]}}).to_string(), None, &[]).expect("a HAR")
}

fn in_a_command(delivery: &Delivery) -> Captured {
    let quoted = |text: &str| format!("'{}'", text.replace('\'', r"'\''"));
    let lines: Vec<String> =
        delivery.headers.iter().map(|line| format!(" -H {}", quoted(&format!("{}: {}", line.name, text(&line.value))))).collect();
    let url = quoted(&format!("{ORIGIN}{}", delivery.path));
    let command = format!("curl -X {} {url}{} --data-binary {}", delivery.method, lines.concat(), quoted(&text(&delivery.body)));
    captured::from_curl(&command, &|_| Err("no file".to_owned())).expect("a command")
}

/// A mistake: what it is called, the sender's secret, what becomes of the delivery, the receiver's secrets, how much later it is looked at.
struct Mistake {
    name: &'static str,
    sender: String,
    signed: fn(&str) -> String,
    came: fn(&Contract, &mut Delivery),
    receiver: Vec<String>,
    later: i64,
    wanted: &'static str,
}

/// The body that is signed before anything is done to it.
fn body(contract: &Contract) -> &'static str {
    if is_form(contract) { "Digits=1234" } else { r#"{"n":1,"path":"a/b"}"# }
}

fn is_form(contract: &Contract) -> bool {
    contract.endpoint.content_type.contains("form")
}

/// Whether the signature says something of the very bytes of the body.
fn holds_bytes(contract: &Contract) -> bool {
    contract.signature.covers_body() || contract.signature.covers_form()
}

/// Another secret of the contract's form.
fn another(contract: &Contract) -> String {
    let bytes = [7_u8; 32];
    let written = match contract.signature.key.encoding {
        SecretEncoding::Utf8 => "another-secret-than-the-right-one".to_owned(),
        SecretEncoding::Base64 | SecretEncoding::Base64url => STANDARD.encode(bytes),
        SecretEncoding::Hex => hex(&bytes),
    };
    format!("{}{written}", contract.signature.key.strip_prefix)
}

fn sent(contract: &Contract, mistake: &Mistake) -> Delivery {
    let signer = contract.signature.keyed(mistake.sender.as_bytes()).unwrap_or_else(|bad| panic!("{}: {bad}", contract.contract));
    let key = contract.key.unique_key("hg", 7);
    let in_body = contract.key.header.is_none() && contract.key.is_somewhere();
    let body = contract.travelling_body(body(contract).as_bytes(), in_body.then_some(key.as_bytes())).expect("a body").into_owned();
    let body = (mistake.signed)(&text(&body)).into();
    let headers = own_headers::unsigned(contract, &key);
    let path = contract.endpoint.path.clone();
    let unsigned = Delivery { method: contract.endpoint.method.clone(), path, headers, body };
    let id = contract.key.travelling(&unsigned, &key).into_owned();
    let mut delivery = signer.signed(unsigned, &id, ORIGIN, UnixMicros::from_secs(AT));
    (mistake.came)(contract, &mut delivery);
    delivery
}

fn explained(contract: &Contract, mistake: &Mistake, captured: Captured, others: &[Contract]) -> Diagnosis {
    let secrets = mistake.receiver.iter().map(|secret| ("a secret".to_owned(), SecretString::from(secret.clone()))).collect();
    let at = UnixMicros::from_secs(AT + mistake.later);
    diagnosed(contract, &(secrets, false), captured, others, (None, Some(at))).unwrap_or_else(|wrong| panic!("{}", wrong.message))
}

/// The value of the signature's line, or of its member, written otherwise.
fn rewritten(contract: &Contract, delivery: &mut Delivery, change: impl Fn(&str) -> String) {
    let carrier = contract.signature.carrier().expect("a line carries the signature").name.clone();
    if let Some(member) = carrier.strip_prefix("body:") {
        let value = crate::message::member_text(&delivery.body, member).expect("it is there");
        delivery.body = text(&delivery.body).replace(&value, &change(&value)).into();
        return;
    }
    for line in delivery.headers.iter_mut().filter(|line| line.name.eq_ignore_ascii_case(&carrier)) {
        line.value = change(&text(&line.value)).into();
    }
}

/// Every mistake that can be made under a contract.
fn mistakes(contract: &Contract) -> Vec<Mistake> {
    let secret = contract.secret.for_tests.clone();
    let right = |name, wanted| Mistake {
        name,
        sender: secret.clone(),
        signed: |body| body.to_owned(),
        came: |_, _| {},
        receiver: vec![secret.clone()],
        later: 1,
        wanted,
    };
    let (scheme, bytes) = (&contract.signature, holds_bytes(contract));
    let by_bytes = |code| if bytes { code } else { "right" };
    let has_digest = scheme.headers.iter().any(|header| header.name == "Content-Digest") || !scheme.query.is_empty();
    let unknown = match scheme.by {
        Proof::Token => "wrong-secret",
        Proof::Hmac | Proof::Ed25519 | Proof::None if has_digest => "wrong-secret",
        Proof::Hmac | Proof::Ed25519 | Proof::None => "wrong-secret-or-body",
    };
    let altered = match scheme.by {
        Proof::Ed25519 => "wrong-secret-or-body",
        Proof::Hmac | Proof::Token | Proof::None => by_bytes("body-altered"),
    };
    let mut all = vec![
        right("nothing is wrong", "right"),
        Mistake { receiver: vec![another(contract)], ..right("an unknown secret", unknown) },
        Mistake { receiver: vec![another(contract), secret.clone()], ..right("another secret that is known", "wrong-secret") },
        Mistake { receiver: vec![format!("{secret}\n")], ..right("a line end behind the receiver's secret", "secret-line-end") },
        Mistake { receiver: vec![format!("\"{secret}\"")], ..right("quotation marks around it", "secret-quotes") },
        Mistake {
            came: |contract, delivery| {
                let (from, to) = if is_form(contract) { ("1234", "1235") } else { (r#""n":1"#, r#""n":2"#) };
                delivery.body = text(&delivery.body).replace(from, to).into();
            },
            ..right("a body that was altered", altered)
        },
        Mistake {
            signed: |body| format!("{body}\n"),
            came: without_line_end,
            ..right("a line end that was lost", by_bytes("trailing-newline"))
        },
        Mistake { came: with_line_end, ..right("a line end that came", by_bytes("trailing-newline")) },
        Mistake {
            came: |contract, delivery| {
                let first = contract.signature.carrier().is_some_and(|carrier| carrier.value.is_only("sig"));
                rewritten(contract, delivery, |value| if first { format!("sha256={value}") } else { without_mark(value) });
            },
            ..right("a prefix", "prefix")
        },
        Mistake { came: by_another_scheme, ..right("another scheme", "wrong-scheme") },
    ];
    if scheme.by == Proof::Hmac && scheme.key.encoding == SecretEncoding::Utf8 {
        all.push(Mistake { sender: format!("{secret}\n"), ..right("a line end behind the sender's secret", "secret-line-end") });
    }
    if let Some(time) = scheme.time {
        let past = i64::try_from(time.past.0.as_secs()).expect("a span") + 60;
        all.push(Mistake { later: past, ..right("a delivery that is old", "stale") });
        if time.future.is_some() {
            all.push(Mistake { later: -past, ..right("a delivery that comes before its time", "early") });
        }
    }
    if !is_form(contract) {
        let again = |_: &Contract, delivery: &mut Delivery| {
            let value: Value = serde_json::from_slice(&delivery.body).expect("JSON");
            delivery.body = serde_json::to_vec_pretty(&value).expect("JSON").into();
        };
        all.push(Mistake { came: again, ..right("JSON that was written anew", by_bytes("re-serialised")) });
        let escaped = |body: &str| body.replace('/', r"\/");
        let plain = |_: &Contract, delivery: &mut Delivery| delivery.body = text(&delivery.body).replace(r"\/", "/").into();
        all.push(Mistake { signed: escaped, came: plain, ..right("slashes that were escaped", by_bytes("re-serialised")) });
    }
    all
}

fn without_line_end(_: &Contract, delivery: &mut Delivery) {
    let body = text(&delivery.body);
    delivery.body = body.trim_end().to_owned().into();
}

fn with_line_end(_: &Contract, delivery: &mut Delivery) {
    delivery.body = format!("{}\n", text(&delivery.body)).into();
}

/// A value whose signature has lost the mark before it: `v1=`, `v1,`, `sig1=:`.
fn without_mark(value: &str) -> String {
    ["Bearer ", "v1=", "v2=", "v0=", "v1a,", "v1,", "h1=", "sha256=", "sig1=:"]
        .iter()
        .fold(value.to_owned(), |value, mark| value.replace(mark, ""))
}

/// The same body, signed with the same secret as another contract has it.
fn by_another_scheme(contract: &Contract, delivery: &mut Delivery) {
    let other = if contract.contract == "paddle-billing" { "github-webhook" } else { "paddle-billing" };
    let other = load_suite::contract(other).unwrap_or_else(|wrong| panic!("{}", wrong.message));
    let signer = other.signature.keyed(contract.secret.for_tests.as_bytes()).expect("any text is a key");
    let ours: Vec<String> = contract.signature.headers.iter().map(|header| header.name.clone()).collect();
    delivery.headers.retain(|line| !ours.contains(&line.name));
    *delivery = signer.signed(delivery.clone(), "", ORIGIN, UnixMicros::from_secs(AT));
    if let Some(member) = ours.iter().find_map(|name| name.strip_prefix("body:")) {
        let value = crate::message::member_text(&delivery.body, member).expect("it is there");
        let body = text(&delivery.body).replace(&value, "");
        delivery.headers.retain(|line| !line.name.contains("Signature"));
        *delivery = signer.signed(Delivery { body: body.into(), ..delivery.clone() }, "", ORIGIN, UnixMicros::from_secs(AT));
    }
}

#[test]
fn each_mistake_is_named_under_each_scheme_in_each_form() {
    let (mut wrong, mut tried, others) = (Vec::new(), 0, shipped_contracts());
    for name in files::shipped_contracts() {
        let contract = load_suite::contract(&name).unwrap_or_else(|wrong| panic!("{}", wrong.message));
        if contract.signature.by == Proof::None {
            continue;
        }
        for mistake in mistakes(&contract) {
            let delivery = sent(&contract, &mistake);
            // What nothing explains takes longest, and hangs on no form.
            let forms = if mistake.name == "an unknown secret" { 1 } else { FORMS.len() };
            for (form, capture) in FORMS.into_iter().take(forms) {
                tried += 1;
                let said = explained(&contract, &mistake, capture(&delivery), &others);
                if said.code != mistake.wanted {
                    wrong.push(format!(
                        "{name}, {}, {form}: {} where {} is due ({})",
                        mistake.name, said.code, mistake.wanted, said.sentence
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {tried}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(tried > 700, "{tried}");
}

fn without(delivery: &mut Delivery, name: &str) {
    delivery.headers.retain(|line| !line.name.eq_ignore_ascii_case(name));
}

/// What is signed and did not come is named, and a time that is none; the same delivery with another family's header lines is known as
/// that family's.
#[test]
fn what_is_signed_and_not_there_is_named() {
    let others = shipped_contracts();
    let said = |name: &str, came: fn(&Contract, &mut Delivery)| {
        let contract = load_suite::contract(name).unwrap_or_else(|wrong| panic!("{}", wrong.message));
        let mistake = Mistake { came, ..mistakes(&contract).remove(0) };
        let said = explained(&contract, &mistake, in_files(&sent(&contract, &mistake)), &others);
        format!("{}: {}", said.code, said.sentence)
    };
    let table: [(&str, Change, &str); 7] = [
        (
            "standard-webhooks",
            |_, delivery| without(delivery, "webhook-id"),
            "missing: the header webhook-id is not there, or empty, and it is signed",
        ),
        (
            "slack-events",
            |_, delivery| without(delivery, "X-Slack-Request-Timestamp"),
            "missing: the header X-Slack-Request-Timestamp is not there, or empty, and it is signed",
        ),
        (
            "slack-events",
            |_, delivery| {
                let time = delivery.headers.iter_mut().find(|line| line.name == "X-Slack-Request-Timestamp").expect("it is there");
                time.value = "1700000000.123".into();
            },
            "malformed: its time `1700000000.123` is written otherwise",
        ),
        (
            "standard-webhooks",
            |_, delivery| {
                for line in &mut delivery.headers {
                    line.name = line.name.replace("webhook-", "svix-");
                }
            },
            "wrong-scheme: it is signed by another scheme: as `svix` has it, it is right",
        ),
        // Constants are not signed: that they are not there explains nothing.
        (
            "github-webhook",
            |_, delivery| {
                ["X-GitHub-Event", "User-Agent"].into_iter().for_each(|name| without(delivery, name));
                delivery.body = "{\"another\": \"body\"}".into();
            },
            "wrong-secret-or-body: nothing that usually goes wrong explains it",
        ),
        (
            "gitlab-webhook",
            |_, delivery| {
                without(delivery, "X-Gitlab-Event");
                let token = delivery.headers.iter_mut().find(|line| line.name == "X-Gitlab-Token").expect("it is there");
                token.value = "the token of somebody else".into();
            },
            "wrong-secret: the token is another than the one given here",
        ),
        (
            "twilio-webhook-json",
            |contract, delivery| {
                let mut bare = contract.signature.clone();
                bare.query.clear();
                let signer = bare.keyed(contract.secret.for_tests.as_bytes()).expect("any text is a key");
                without(delivery, "X-Twilio-Signature");
                delivery.path = delivery.path_and_query().split('?').next().unwrap_or_default().to_owned();
                *delivery = signer.signed(delivery.clone(), "", ORIGIN, UnixMicros::from_secs(AT));
            },
            "missing: the signature is right, and the body's digest is not there that it is to sign: the parameter bodySHA256 of the address",
        ),
    ];
    for (name, came, wanted) in table {
        let said = said(name, came);
        assert!(said.starts_with(wanted), "{name}: {said}");
    }
}

/// However often a secret stands in a delivery, in whatever place, none of it is printed.
#[test]
fn secrets_that_came_with_a_delivery_are_not_told() {
    let others = shipped_contracts();
    let table: [(&str, Change, &str); 4] = [
        (
            "gitlab-webhook",
            |contract, delivery| {
                let twice = format!("{0}, {0}", contract.secret.for_tests);
                delivery.headers.iter_mut().filter(|line| line.name == "X-Gitlab-Token").for_each(|line| line.value = twice.clone().into());
            },
            "written as `{sig}, {sig}` where",
        ),
        (
            "gitlab-webhook",
            |contract, delivery| {
                without(delivery, "X-Gitlab-Token");
                let line = format!("a={0}; b={0}", contract.secret.for_tests);
                delivery.headers.push(HeaderLine::new("Cookie", line));
            },
            "as `Cookie: a={sig}; b={sig}`",
        ),
        (
            "github-webhook",
            |contract, delivery| {
                let line = delivery.headers.iter_mut().find(|line| line.name == "X-Hub-Signature-256").expect("it is there");
                line.value = format!("{} {}", contract.secret.for_tests, text(&line.value)).into();
            },
            "written as `*** sha256={sig}` where",
        ),
        (
            "slack-events",
            |contract, delivery| {
                let line = delivery.headers.iter_mut().find(|line| line.name == "X-Slack-Request-Timestamp").expect("it is there");
                line.value = contract.secret.for_tests.clone().into();
            },
            "its time `***` is written otherwise",
        ),
    ];
    for (name, came, wanted) in table {
        let contract = load_suite::contract(name).unwrap_or_else(|wrong| panic!("{}", wrong.message));
        let mistake = Mistake { came, ..mistakes(&contract).remove(0) };
        let said = explained(&contract, &mistake, in_files(&sent(&contract, &mistake)), &others);
        assert!(said.sentence.contains(wanted) && !said.sentence.contains(&contract.secret.for_tests), "{name}: {}", said.sentence);
    }
}
