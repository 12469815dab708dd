//! Signatures that were made elsewhere are made here to the byte, and pass.

use hookgate::clock::UnixMicros;
use hookgate::contract::reading::read_contract;
use hookgate::delivery::{Delivery, HeaderLine};
use hookgate::files;
use hookgate::message::member_text;
use hookgate::sign::tamper::Tamper;
use hookgate::sign::{Scheme, unhex};
use serde_json::{Value, json};

/// Feeds every vector of `fixtures/vectors/signatures.json` to the scheme that it describes.
///
/// `secret` is text in the encoding that `secret_encoding` names, after `strip_prefix` was taken off it. `message` says what is signed: `{body}`
/// the bytes of `body` (or of `body_hex`), `{t}` and `{id}` the members of that name. `expect` is the whole value of the signature's header,
/// made from `header`.
#[test]
fn vectors_from_elsewhere_are_met() {
    let text = include_str!("../../fixtures/vectors/signatures.json");
    let vectors: Vec<Value> = serde_json::from_str(text).expect("a list of vectors");
    assert!(vectors.len() >= 15, "{} vectors", vectors.len());
    for vector in &vectors {
        let get = |name: &str| vector.get(name).and_then(Value::as_str);
        let scheme = json!({
            "key": {"encoding": get("secret_encoding"), "strip_prefix": get("strip_prefix").unwrap_or("")},
            "digest": get("digest"),
            "encoding": get("encoding"),
            "message": get("message"),
            "headers": [{"name": "X-Signature", "value": get("header")}],
        });
        let scheme: Scheme = serde_json::from_value(scheme).expect("a scheme");
        let signer = scheme.keyed(get("secret").expect("a secret").as_bytes()).expect("a key");
        let body = match get("body_hex") {
            Some(digits) => unhex(digits.as_bytes()).expect("hex digits"),
            None => get("body").unwrap_or_default().as_bytes().to_vec(),
        };
        let number = |value: &Value| value.as_i64().or_else(|| value.as_str().and_then(|text| text.parse().ok()));
        let at = UnixMicros::from_secs(vector.get("t").and_then(number).unwrap_or(0));
        let id = get("id").unwrap_or_default();
        let mut delivery = Delivery { method: "POST".into(), path: "/".into(), body: body.into(), ..Delivery::default() };
        let lines = signer.header_lines(&delivery, id, "", at);
        let name = get("name").unwrap_or_default();
        assert!(get("source").is_some_and(|source| source.len() > 10), "{name} does not say who computed it");
        assert_eq!(String::from_utf8_lossy(&lines[0].value), get("expect").unwrap_or_default(), "{name}");
        if !get("header").unwrap_or_default().contains("{t}") && get("message").unwrap_or_default().contains("{t}") {
            continue; // time travels in another header, which this vector does not show
        }
        delivery.headers = lines;
        assert_eq!(signer.verify(&delivery, id, "", at), Ok(()), "{name}");
        let mut changed = delivery.body.to_vec();
        changed.push(b' ');
        delivery.body = changed.into();
        assert!(signer.verify(&delivery, id, "", at).is_err(), "{name}: another body passed");
    }
}

/// Every vector of a family is made to the byte by its shipped contract, and passes there.
#[test]
fn vectors_of_families_are_met_by_their_contracts() {
    let vectors: Vec<Value> = serde_json::from_str(include_str!("../../fixtures/vectors/families.json")).expect("a list of vectors");
    for vector in &vectors {
        let get = |name: &str| vector.get(name).and_then(Value::as_str);
        let name = get("name").expect("a name");
        assert!(get("source").is_some_and(|source| source.len() > 10), "{name}");
        let base = |name: &str| files::shipped_contract(name).map(|file| file.text);
        let mut scheme = match get("contract") {
            Some(id) => {
                read_contract(id, &base(id).expect("a shipped contract"), &base).unwrap_or_else(|wrong| panic!("{wrong}")).signature
            }
            None => serde_json::from_value(vector["scheme"].clone()).expect("a scheme"),
        };
        scheme.settle(None);
        let signer = scheme.keyed(get("secret").expect("a secret").as_bytes()).expect("a key");
        let url = get("url").unwrap_or("https://receiver.test/in");
        let host = url.find("://").map_or(0, |at| at + 3);
        let (origin, path) = url.split_at(url[host..].find('/').map_or(url.len(), |at| host + at));
        let lines = vector["lines"].as_object().into_iter().flatten();
        let headers = lines.map(|(name, value)| HeaderLine::new(name, value.as_str().expect("text").to_owned())).collect();
        let body = get("body").expect("a body").to_owned().into();
        let delivery = Delivery { method: "POST".into(), path: path.into(), headers, body };
        let at = UnixMicros::from_secs(vector["at"].as_i64().unwrap_or(0));
        let id = get("id").unwrap_or_default();
        let mut signed = signer.signed(delivery, id, origin, at);
        let made = match (get("header"), get("member")) {
            (Some(header), _) => signed.header(header).map(|value| String::from_utf8_lossy(value).into_owned()),
            (None, Some(member)) => member_text(&signed.body, member),
            (None, None) => None,
        };
        assert_eq!(made.as_deref(), get("expect"), "{name}");
        // The key's own line is the caller's to write.
        for header in scheme.headers.iter().filter(|header| header.is_the_keys) {
            signed.headers.push(HeaderLine::new(header.name.clone(), id.to_owned()));
        }
        assert_eq!(signer.verify(&signed, id, origin, at), Ok(()), "{name}");
    }
}

/// Whichever of two times, one of them signed, a vendor's own library reads: nobody is held to another reading.
#[test]
fn nobody_is_held_to_another_reading_of_two_times_than_the_vendors_own() {
    use Tamper::{TimeTwice, TimeTwiceRightLast};
    // stripe-python and stripe-node, Paddle's libraries; standard-webhooks and svix for JavaScript, by `parseInt`.
    for (contract, open) in [
        ("stripe-webhook", &[TimeTwice, TimeTwiceRightLast][..]),
        ("paddle-billing", &[TimeTwice, TimeTwiceRightLast]),
        ("standard-webhooks", &[TimeTwice]),
        ("standard-webhooks-ed25519", &[TimeTwice]),
        ("svix", &[TimeTwice]),
    ] {
        let base = |name: &str| files::shipped_contract(name).map(|file| file.text);
        let scheme = read_contract(contract, &base(contract).expect("a shipped contract"), &base).expect("a contract").signature;
        let judged: Vec<Tamper> = [TimeTwice, TimeTwiceRightLast].into_iter().filter(|one| one.fits(&scheme).is_ok()).collect();
        assert!(judged.iter().all(|one| !open.contains(one)), "{contract}: {judged:?}");
    }
}
