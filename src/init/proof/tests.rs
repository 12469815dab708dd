//! Proof: signatures made by somebody else's HMAC over forms that no contract has.

use super::{key_place, proven};
use crate::clock::UnixMicros;
use crate::contract::key::KeyForm;
use crate::delivery::Delivery;
use crate::delivery::HeaderLine;
use crate::init::recognition::Capture;
use crate::sign::SecretEncoding;

const SECRET: &[u8] = b"a secret of acme";
const BODY: &str = r#"{"id":"evt_77","n":1}"#;

/// The scheme that is found for a delivery with these header lines, as one line.
fn found(secret: &[u8], headers: &[(&str, &str)], body: &str) -> String {
    let headers = headers.iter().map(|(name, value)| HeaderLine::new(*name, (*value).to_owned())).collect();
    let delivery = Delivery { method: "POST".into(), path: "/in".into(), headers, body: body.to_owned().into() };
    let key = key_place(&delivery).unwrap_or_default();
    let capture = Capture { delivery: &delivery, origin: "https://h", at: UnixMicros::from_secs(1_759_694_703), secret: Some(secret) };
    let Some(scheme) = proven(capture, &key) else { return "none".to_owned() };
    let lines: Vec<String> = scheme.headers.iter().map(|line| format!("{}: {}", line.name, line.value)).collect();
    format!(
        "{:?} {:?} {:?}{} `{}` [{}] {}",
        scheme.by,
        scheme.digest,
        scheme.encoding,
        if scheme.key.encoding == SecretEncoding::Utf8 {
            String::new()
        } else {
            format!(" key {:?} {}", scheme.key.encoding, scheme.key.strip_prefix)
        },
        scheme.message,
        lines.join("; "),
        scheme.several.map(|several| format!("list by `{}`", several.separator)).unwrap_or_default()
    )
    .trim_end()
    .to_owned()
}

/// Signatures by Python's hmac: `hmac.new(key, message, sha).hexdigest()` and `base64.b64encode(….digest())`.
#[test]
fn forms_that_no_contract_has_are_proven() {
    for (headers, wanted) in [
        (vec![("X-Acme-Sig", "sha256=BODY_HEX256")], "Hmac Sha256 Hex `{body}` [X-Acme-Sig: sha256={sig}]"),
        (vec![("X-Acme-Sig", "BODY_B64_1")], "Hmac Sha1 Base64 `{body}` [X-Acme-Sig: {sig}]"),
        (vec![("X-Acme-Sig", "BODY_HEX512")], "Hmac Sha512 Hex `{body}` [X-Acme-Sig: {sig}]"),
        (
            vec![("X-Acme-Time", "1759694703"), ("X-Acme-Sig", "T_HEX256")],
            "Hmac Sha256 Hex `{t}.{body}` [X-Acme-Time: {t}; X-Acme-Sig: {sig}]",
        ),
        (vec![("X-Acme-Sig", "t=1759694703,v9=T_HEX256")], "Hmac Sha256 Hex `{t}.{body}` [X-Acme-Sig: t={t},v9={sig}]"),
        (
            vec![("X-Acme-Sig", "t=1759694703,v9=T_HEX256,v0=00ff00ff")],
            "Hmac Sha256 Hex `{t}.{body}` [X-Acme-Sig: t={t},v9={sig}] list by `,`",
        ),
        (
            vec![("X-Acme-Event-Id", "evt_9"), ("X-Acme-Time", "1759694703123"), ("X-Acme-Sig", "v1,ID_B64")],
            "Hmac Sha256 Base64 `{id}.{t}.{body}` [X-Acme-Time: {t}; X-Acme-Sig: v1,{sig}]",
        ),
        (vec![("X-Acme-Sig", "sha256=0000")], "none"),
    ] {
        let filled: Vec<(&str, String)> = headers.iter().map(|(name, value)| (*name, fill(value))).collect();
        let lines: Vec<(&str, &str)> = filled.iter().map(|(name, value)| (*name, value.as_str())).collect();
        assert_eq!(found(SECRET, &lines, BODY), wanted, "{headers:?}");
    }
    // A token is visible ASCII: one with blanks cannot be told from what stands around it.
    let token = |secret: &str| found(secret.as_bytes(), &[("X-Acme-Token", &format!("Token {secret}"))], BODY);
    assert_eq!(token("a-secret-of-acme"), "Token Sha256 Text `` [X-Acme-Token: Token {sig}]");
    assert_eq!(token("a secret of acme"), "none");
}

/// The words of the table above, as Python has computed them.
fn fill(value: &str) -> String {
    [
        ("BODY_HEX256", "bebfd27ac3694528e68f6aa1c66ee61b54e3af9fcf2df7d1e4fc509b6872aad4"),
        ("BODY_HEX512", "f19d7ab21c55a1ee5dc7e71ea9355017d7a44ba7b772bf071cbe3a53c2a8eff11c68cf25d33002b6eca59e43abd89db351ef9a9ffdf172a7882a4a763bc53a8c"),
        ("BODY_B64_1", "VxjUduo+F/Mq4d42GP+7oDr9m18="),
        ("T_HEX256", "c9b9b3fb01d745cc4519c04c85b2779a1e416aa329b5e07b66003c3d4600f3a2"),
        ("ID_B64", "3FpjzfphFdSE5SCkPXOEcM64m05bnGE8tMpMvlyVb0A="),
    ]
    .into_iter()
    .fold(value.to_owned(), |text, (name, computed)| text.replace(name, computed))
}

/// A secret that stands for bytes: `hmac.new(base64.b64decode("c2VjcmV0"), …)`, and the same text with a prefix.
#[test]
fn secrets_that_stand_for_bytes_are_tried() {
    let headers = [("X-Acme-Sig", "3959dc6934931a0c8c618bc26b94f08e87c916bd8e4c7840d9237ec7555b2de4")];
    assert_eq!(found(b"c2VjcmV0", &headers, BODY), "Hmac Sha256 Hex key Base64  `{body}` [X-Acme-Sig: {sig}]");
    assert_eq!(found(b"acme_c2VjcmV0", &headers, BODY), "Hmac Sha256 Hex key Base64 acme_ `{body}` [X-Acme-Sig: {sig}]");
}

/// The key is found where its name or its place says so, and never in what names a caller or a try.
#[test]
fn the_key_is_where_its_name_says() {
    let place = |headers: &[(&str, &str)], body: &'static str| {
        let headers = headers.iter().map(|(name, value)| HeaderLine::new(*name, (*value).to_owned())).collect();
        let place = key_place(&Delivery { headers, body: body.into(), ..Delivery::default() })?;
        Some((place.header.or(place.body_member)?, place.form))
    };
    let uuid = "0192b1c4-98f1-7a64-8c1d-0123456789ab";
    for (headers, body, wanted) in [
        (vec![("X-Request-Id", "1"), ("X-Acme-Event-Id", "e1")], "{}", Some(("X-Acme-Event-Id", KeyForm::Bare))),
        (vec![("Idempotency-Key", "\"k1\""), ("X-Delivery", "2")], "{}", Some(("Idempotency-Key", KeyForm::Quoted))),
        (vec![("X-Acme-Delivery", uuid)], "{}", Some(("X-Acme-Delivery", KeyForm::Uuid))),
        (vec![("X-Client-Id", "me")], r#"{"id":"e1","event_id":"e2"}"#, Some(("event_id", KeyForm::Bare))),
        (vec![], r#"{"id":7,"data":{"id":"e1"}}"#, Some(("data.id", KeyForm::Bare))),
        (vec![("X-Account-Id", "me")], "a=1", None),
    ] {
        assert_eq!(place(&headers, body), wanted.map(|(name, form)| (name.to_owned(), form)), "{headers:?} {body}");
    }
}
