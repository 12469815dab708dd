//! Schemes that sign the address: a receiver that knows itself by another one is told apart from one with another secret, and can be judged.
#![expect(clippy::panic, reason = "a test ends where something is not as it should be")]

use std::process::Stdio;

use serde_json::Value;

use crate::command_line::{Running, among_others, command};
use crate::surroundings::Folder;

const SECRET: &str = "a-secret-of-signed-addresses";

/// The families whose signatures cover the address, with the variable of their secret.
const FAMILIES: [(&str, &str); 3] =
    [("square-webhook", "SQUARE_SIGNATURE_KEY"), ("twilio-webhook", "TWILIO_AUTH_TOKEN"), ("twilio-webhook-json", "TWILIO_AUTH_TOKEN")];

/// A receiver of a family that knows itself by `address`.
fn receiver((family, variable): (&str, &str), address: &str, folder: &Folder) -> Running {
    let contract = format!("contract: mine\nextends: {family}\ntitle: Mine\nsignature: {{address: \"{address}\"}}\n");
    let contract = folder.write("mine.yaml", &contract);
    let mut serve = command();
    Running::start(serve.env(variable, SECRET).args(["serve", "--contract", &contract]), 1)
}

/// Exit code, standard output, standard error.
fn told((_, variable): (&str, &str), secret: &str, args: &[&str]) -> (Option<i32>, String, String) {
    let output = among_others(command().env(variable, secret).args(args).stdin(Stdio::null()));
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

/// What a visit found: the code of the cause, its sentence, what to do.
fn visited(family: (&str, &str), secret: &str, args: &[&str]) -> (String, String, String) {
    let args = [&["doctor", "--contract", family.0, "--format", "json"], args].concat();
    let (_, out, why) = told(family, secret, &args);
    let json: Value = serde_json::from_str(&out).unwrap_or_else(|_| panic!("{out}{why}"));
    let refused = &json["visit"]["refused"];
    let text = |name: &str| refused[name].as_str().unwrap_or_default().to_owned();
    (text("code"), text("sentence"), text("advice"))
}

/// Another scheme, port, slash and name: each is found by what is accepted, and named.
#[test]
fn address_by_which_a_receiver_knows_itself_is_found() {
    for family in FAMILIES {
        let path = if family.0 == "square-webhook" { "/webhooks/square" } else { "/webhooks/twilio" };
        for (address, slash) in [("https://shop.example", "/"), ("http://shop.example:80", ""), ("https://shop.example:443", "")] {
            let (folder, address) = (Folder::new(), format!("{address}{path}{slash}"));
            let receiver = receiver(family, &address, &folder);
            let (code, sentence, advice) = visited(family, SECRET, &["--target", &receiver.url, "--host", "shop.example"]);
            assert_eq!(code, "wrong-address", "{address}: {sentence}");
            assert!(sentence.contains(&format!("signed for {address}, the same")), "{address}: {sentence}");
            assert!(advice.contains(&format!("--signed-url {address}")) && advice.contains("--host NAME"), "{advice}");
        }
    }
}

/// Where none that is tried is accepted, the address is named beside the secret; said by its flag, the receiver conforms under run and load.
#[test]
fn address_that_nobody_can_guess_is_said_by_a_flag() {
    for family in FAMILIES {
        let (folder, address) = (Folder::new(), "https://hooks.shop.example/incoming/7");
        let receiver = receiver(family, address, &folder);
        let (code, sentence, advice) = visited(family, SECRET, &["--target", &receiver.url]);
        assert_eq!(code, "wrong-address", "{sentence}");
        assert!(sentence.contains(&receiver.url) && sentence.contains(family.1) && advice.contains("--signed-url https://its.name/path"));
        let reached = ["--contract", family.0, "--target", &receiver.url, "--signed-url", address];
        let (code, out, why) = told(family, SECRET, &[&["run", "signature/*"], &reached[..]].concat());
        assert_eq!(code, Some(0), "{}: {out}{why}", family.0);
        let (code, out, why) = told(family, SECRET, &[&["load", "--deliveries", "40", "--users", "2"], &reached[..]].concat());
        assert_eq!(code, Some(0), "{}: {out}{why}", family.0);
        // With the address right, another secret is not hidden by it.
        let (code, sentence, _) = visited(family, "another", &["--target", &receiver.url, "--signed-url", address]);
        assert!(code == "wrong-address" && sentence.contains("or has another secret"), "{code}: {sentence}");
    }
}

/// What stands before the path in the address is a part of what is signed.
#[test]
fn prefix_of_the_target_is_signed() {
    let family = ("rfc9421-hmac", "HTTP_MESSAGE_SIGNATURES_SECRET");
    let secret = "AAECAwQFBgcICQoLDA0ODw==";
    let folder = Folder::new();
    let contract = folder.write("mine.yaml", "contract: mine\nextends: rfc9421-hmac\ntitle: Mine\nendpoint: {path: /tenant/webhooks}\n");
    let mut serve = command();
    let receiver = Running::start(serve.env(family.1, secret).args(["serve", "--contract", &contract]), 1);
    let (code, out, why) = told(family, secret, &["doctor", "--contract", family.0, "--target", &format!("{}/tenant", receiver.url)]);
    assert_eq!(code, Some(0), "{out}{why}");
}

#[test]
fn address_that_cannot_be_signed_is_a_usage_error() {
    let folder = Folder::new();
    for (contract, url, says) in [
        ("square-webhook", "shop.example/in", "is no whole address"),
        ("github-webhook", "https://shop.example/in", "signatures of github-webhook cover no address"),
    ] {
        let (code, _, why) = told(("", "UNUSED"), "", &["run", "--contract", contract, "--signed-url", url]);
        assert!(code == Some(2) && why.contains(says), "{why}");
    }
    for (family, address, says) in
        [("square-webhook", "shop.example", "is no whole address"), ("github-webhook", "https://shop.example", "no address is signed")]
    {
        let text = format!("contract: mine\nextends: {family}\ntitle: Mine\nsignature: {{address: \"{address}\"}}\n");
        let (code, out, why) = told(("", "UNUSED"), "", &["check", &folder.write("mine.yaml", &text)]);
        let told = format!("{out}{why}");
        assert!(code == Some(2) && told.contains(says) && told.contains("mine.yaml:4"), "{told}");
    }
}
