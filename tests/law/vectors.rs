//! Signatures that were made elsewhere are made here to the byte, and pass.

use hookgate::clock::UnixMicros;
use hookgate::delivery::Delivery;
use hookgate::sign::{Scheme, unhex};
use serde_json::{Value, json};

/// Feeds every vector of `fixtures/vectors/` to the scheme that it describes.
#[test]
fn vectors_from_elsewhere_are_met() {
    let text = include_str!("../../fixtures/vectors/signatures.yaml");
    let vectors: Vec<Value> = serde_saphyr::from_str(text).expect("a list of vectors");
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
