//! Every vector that is kept is made by `hookgate sign` to the byte, and holds by `hookgate verify`.
#![expect(clippy::expect_used, clippy::panic, reason = "a test ends where something is not as it should be")]

use serde_json::{Map, Value, json};

use crate::command_line::{among_others, command};
use crate::surroundings::Folder;

/// The variable that holds the secret of a vector.
const VARIABLE: &str = "SECRET_OF_A_VECTOR";

fn vectors(text: &str) -> Vec<Value> {
    serde_json::from_str(text).expect("a list of vectors")
}

fn text<'v>(vector: &'v Value, name: &str) -> Option<&'v str> {
    vector[name].as_str()
}

/// Exit code, standard output, standard error.
fn told(secret: &str, args: &[String]) -> (Option<i32>, String, String) {
    let output = among_others(command().env(VARIABLE, secret).args(args).args(["--secret-env", VARIABLE]));
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

/// A contract of a vector that names none: the scheme that it describes, under a name of its own.
fn own_contract(folder: &Folder, scheme: &Value, headers: &Map<String, Value>) -> String {
    let mut headers = headers.clone();
    let kind = headers.remove("Content-Type").unwrap_or_else(|| "application/json".into());
    let contract = json!({
        "contract": "vector", "title": "A vector's own", "idempotency": "none", "signature": scheme,
        "endpoint": {"method": "POST", "path": "/in", "content_type": kind, "headers": headers},
        "secret": {"env": VARIABLE, "for_tests": "c2VjcmV0"},
        "outcomes": {"accepted": {"status": 200}, "refused": {"signature": {"status": 401}}},
    });
    folder.write("contract.yaml", &contract.to_string())
}

/// The scheme of a vector of `signatures.json`; what is signed beside the body travels in lines of its own where the header has no place for it.
fn scheme_of(vector: &Value) -> Value {
    let get = |name: &str| text(vector, name).unwrap_or_default();
    let mut headers = vec![json!({"name": "X-Signature", "value": get("header")})];
    for (place, name) in [("{t}", "X-Time"), ("{id}", "X-Id")] {
        if get("message").contains(place) && !get("header").contains(place) {
            headers.push(json!({"name": name, "value": place}));
        }
    }
    json!({
        "key": {"encoding": get("secret_encoding"), "strip_prefix": get("strip_prefix")},
        "digest": get("digest"), "encoding": get("encoding"), "message": get("message"), "headers": headers,
    })
}

/// Signs the vector's body by the command line, holds the result against what it expects, and has it verified.
fn made_by_the_command(vector: &Value, contract: &str, header: Option<&str>, folder: &Folder) {
    let name = text(vector, "name").expect("a name");
    let secret = text(vector, "secret").expect("a secret");
    let body = folder.path("body");
    let bytes = match text(vector, "body_hex") {
        Some(digits) => hookgate::sign::unhex(digits.as_bytes()).expect("hex digits"),
        None => text(vector, "body").unwrap_or_default().as_bytes().to_vec(),
    };
    std::fs::write(&body, bytes).expect("the folder is writable");
    let (body, out) = (body.display().to_string(), folder.path("signed").display().to_string());
    let url = text(vector, "url").map(str::to_owned);
    let at = vector["at"].as_i64().or(vector["t"].as_i64()).or_else(|| text(vector, "t")?.parse().ok());
    let mut args: Vec<String> = ["sign", "--contract", contract, "--body", &body, "--body-out", &out].map(str::to_owned).to_vec();
    let mut more = |flag: &str, value: Option<String>| args.extend(value.into_iter().flat_map(|value| [flag.to_owned(), value]));
    more("--at", at.map(|at| at.to_string()));
    more("--id", text(vector, "id").map(str::to_owned));
    more("--url", url.clone());
    let (code, lines, notes) = told(secret, &args);
    assert_eq!(code, Some(0), "{name}: {notes}");
    let signed = std::fs::read(&out).expect("it was written");
    let made = match (header, text(vector, "member")) {
        (Some(header), _) => lines.lines().find_map(|line| line.strip_prefix(&format!("{header}: "))).map(str::to_owned),
        (None, Some(member)) => hookgate::message::member_text(&signed, member),
        (None, None) => panic!("{name} names neither header nor member"),
    };
    assert_eq!(made.as_deref(), text(vector, "expect"), "{name}: {lines}");
    let headers = folder.write("headers", &lines);
    let address = notes.lines().find_map(|line| line.strip_prefix("note: deliver it to ")).map(str::to_owned).or(url);
    let mut args: Vec<String> = ["verify", "--contract", contract, "--headers", &headers, "--body", &out].map(str::to_owned).to_vec();
    for (flag, value) in [("--at", at.map(|at| at.to_string())), ("--url", address)] {
        args.extend(value.into_iter().flat_map(|value| [flag.to_owned(), value]));
    }
    let (code, said, why) = told(secret, &args);
    assert!(code == Some(0) && said.starts_with("right: "), "{name}: {said}{why}");
}

#[test]
fn vectors_of_families_are_made_by_the_command() {
    for vector in vectors(include_str!("../../fixtures/vectors/families.json")) {
        let folder = Folder::new();
        let contract = match text(&vector, "contract") {
            Some(name) => name.to_owned(),
            None => own_contract(&folder, &vector["scheme"], vector["lines"].as_object().unwrap_or(&Map::new())),
        };
        made_by_the_command(&vector, &contract, text(&vector, "header"), &folder);
    }
}

#[test]
fn vectors_of_schemes_are_made_by_the_command() {
    for vector in vectors(include_str!("../../fixtures/vectors/signatures.json")) {
        let folder = Folder::new();
        let contract = own_contract(&folder, &scheme_of(&vector), &Map::new());
        made_by_the_command(&vector, &contract, Some("X-Signature"), &folder);
    }
}

/// Everything that the specification lists is among the vectors that are kept, by what it comes to.
#[test]
fn every_published_value_is_kept() {
    let kept = [include_str!("../../fixtures/vectors/families.json"), include_str!("../../fixtures/vectors/signatures.json")].concat();
    for (name, value) in [
        ("RFC 4231, case 1", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
        ("RFC 4231, case 2", "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
        ("GitHub", "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"),
        ("Standard Webhooks, Svix", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="),
        ("Twilio, a form", "RSOYDt4T1cUTdK1PDd93/VVr8B8="),
        ("RFC 9421, B.2.5", "pxcQw6G3AjtMBQjwo8XzkZf/bws5LelbaMk5rGIGtE8="),
        ("the seed's phase 3", "a2ea78192be0057a7bf787310b76d939cedd3cfbaff0c6f869bb647d25a99c73"),
    ] {
        assert!(kept.contains(value), "{name}");
    }
}
