//! Tests of the secrets: what is found, what is not, and what is left of the rest.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::{Foreign as _, HIDDEN, Redactor, Secrets, Vocabulary};

/// What a text looks like once `Jefe's <key>/ü` is hidden.
fn hidden(text: &str) -> String {
    Redactor::new(&["Jefe's <key>/ü".as_bytes()]).text(text).into_owned()
}

/// Most of these are what Python makes of the secret: `hex`, `base64`, `urllib.parse`, `json`, `html` and `shlex`.
#[test]
fn known_forms_are_hidden() {
    for text in [
        "Jefe's <key>/ü",
        "4a6566652773203c6b65793e2fc3bc",
        "4A6566652773203C6B65793E2FC3BC",
        "4a:65:66:65:27:73:20:3c:6b:65:79:3e:2f:c3:bc",
        "SmVmZSdzIDxrZXk+L8O8",
        "SmVmZSdzIDxrZXk-L8O8",
        "Jefe%27s%20%3Ckey%3E/%C3%BC",
        "Jefe%27s%20%3Ckey%3E%2F%C3%BC",
        "Jefe%27s%20%3ckey%3e%2f%c3%bc",
        "Jefe%27s+%3Ckey%3E%2F%C3%BC",
        "%4a%65%66%65%27%73%20%3c%6b%65%79%3e%2f%c3%bc",
        r"Jefe's <key>/\u00fc",
        r"Jefe's <key>\/\u00fc",
        r"Jefe's \u003ckey\u003e/\u00fc",
        "Jefe's &lt;key&gt;/ü",
        "Jefe&apos;s &lt;key&gt;/ü",
        "Jefe&#39;s &lt;key&gt;/ü",
        "Jefe&#x27;s &lt;key&gt;/ü",
        r"Jefe'\''s <key>/ü",
        r#"Jefe'"'"'s <key>/ü"#,
    ] {
        assert_eq!(hidden(&format!("a {text} b")), "a *** b", "{text}");
    }
}

/// Base64 is wrapped at 76 characters by many, hex at 32 digits by some, and a log's second line is often indented.
#[test]
fn line_breaks_are_passed_over() {
    for text in ["SmVmZSdz\nIDxrZXk+\r\nL8O8", r"SmVmZSdz\nIDxrZXk+\r\nL8O8", "4a6566652773203c\n    6b65793e2fc3bc", "Jefe's\n <key>/ü"] {
        let shown = hidden(&format!("a {text} b"));
        // A blank of the secret itself after a break is one that indents.
        assert_eq!(shown, if text.starts_with("Jefe's\n") { "a Jefe's\n <key>/ü b" } else { "a *** b" }, "{text}");
    }
    let redactor = Redactor::new(&[b"two \"quoted\"\r\nlines\n"]);
    let json = serde_json::json!({"why": "it is two \"quoted\"\r\nlines\n, no?"}).to_string();
    assert_eq!(redactor.text(&json), r#"{"why":"it is ***, no?"}"#);
}

/// `xx`, the secret, `yy` in base64: only what the secret does not decide alone is left.
#[test]
fn a_secret_inside_longer_base64_is_hidden_at_every_alignment() {
    for before in ["", "x", "xx", "xxx"] {
        let shown = hidden(&STANDARD.encode(format!("{before}Jefe's <key>/üyy")));
        assert!(shown.contains(HIDDEN) && shown.len() <= 3 + 2 + before.len() * 2 + 4, "{shown}");
    }
}

/// Of 4 KiB nothing is left, whichever end was cut off, and of a shorter one nothing beside a mark that says so.
#[test]
fn pieces_are_hidden_too() {
    let long: String = (0..1024).map(|at| format!("{:04x}", (at * 40_503_u32) & 0xffff)).collect();
    let redactor = Redactor::new(&[long.as_bytes()]);
    assert_eq!(redactor.text(&format!("<{long}>")), "<***>");
    for piece in [&long[..400], &long[400..], &long[..40], &long[4000..]] {
        assert_eq!(redactor.text(&format!("<{piece}>")), "<***>");
    }
    for (text, shown) in [
        ("401 {\"want\":\"correct ho… (900 bytes)", "401 {\"want\":\"***… (900 bytes)"),
        ("401 {\"want\":\"corre… (900 bytes)", "401 {\"want\":\"corre… (900 bytes)"),
        ("… horse battery\nstaple, and more", "…***, and more"),
    ] {
        assert_eq!(Redactor::new(&[b"correct horse battery\nstaple"]).text(text), shown);
    }
}

/// What is hidden is what an answer is accused of.
#[test]
fn what_is_found_is_what_is_hidden() {
    let redactor = Redactor::new(&[b"correct horse"]);
    for text in ["CORRECT HORSE", "Y29ycmVjdCBob3JzZQ==", "correct\nhorse", "correct hors", "battery staple"] {
        assert_eq!(redactor.finds(text.as_bytes()), redactor.text(text) != text, "{text}");
    }
}

#[test]
fn other_text_is_lent_back_untouched() {
    let redactor = Redactor::new(&[b"correct horse", b""]);
    assert!(matches!(redactor.text("battery\nstaple"), Cow::Borrowed("battery\nstaple")));
    assert_eq!(Redactor::new(&[b""]).text("anything"), "anything");
    assert_eq!(Redactor::none().text("anything"), "anything");
}

/// A short secret is hidden only in forms that no text has by chance, and a word of ours in forms that are none.
#[test]
fn what_cannot_be_told_from_other_text_is_left_and_told() {
    let mut vocabulary = Vocabulary::default();
    vocabulary.add("An Idempotency-Key\n  that is a duplicate of another");
    let of = |secret: &str| {
        let mut secrets = Secrets::beside(vocabulary.clone());
        secrets.push_shared("HOOK_SECRET", vec![secret.as_bytes().to_vec()]);
        (secrets.redactor(), secrets.warnings())
    };
    for (secret, kind, left, gone) in [
        ("test", Some("shorter than 8"), "test: a contest", "74657374 dGVzdA=="),
        ("e", Some("shorter than 8"), "everything", ""),
        ("duplicate", Some("part of a word"), "a Duplicate", "6475706c6963617465"),
        ("is a duplicate", Some("part of a word"), "that is a duplicate", "69732061206475706c6963617465"),
        ("duplicates", None, "a duplicate", "duplicates"),
    ] {
        let (redactor, warnings) = of(secret);
        assert_eq!(redactor.text(left), left, "{secret}");
        assert!(gone.split_whitespace().all(|form| form.len() < 15 || redactor.finds(form.as_bytes())), "{secret}");
        assert_eq!(warnings.len(), usize::from(kind.is_some()), "{warnings:?}");
        assert!(kind.is_none_or(|kind| warnings[0].contains(kind) && warnings[0].contains("HOOK_SECRET")), "{warnings:?}");
    }
    assert!(of("test").0.finds(b"key=dGVzdA==") && of("test").0.finds(b"74657374"));
}

/// Of a header's value the token alone is hidden as well, and the password that it stands for; no answer is accused of either.
#[test]
fn headers_of_the_way_are_hidden_by_their_parts() {
    let mut secrets = Secrets::default();
    secrets.push_header("GATEWAY", "Basic Z2F0ZXdheTpvcGVuIHNlc2FtZQ==");
    let redactor = secrets.redactor();
    assert_eq!(redactor.text("Z2F0ZXdheTpvcGVuIHNlc2FtZQ"), HIDDEN);
    assert_eq!(redactor.text("user gateway, password open sesame"), "user gateway, password ***");
    assert!(!secrets.forbidden().finds(b"open sesame") && secrets.warnings().is_empty());
}

#[test]
fn foreign_values_are_hidden_and_words_of_ours_stay() {
    let mut value = serde_json::json!({"correct horse": ["correct horse", 17, null, {"deep": "a correct horse!"}]});
    value.hide(&Redactor::new(&[b"correct horse"]));
    assert_eq!(value, serde_json::json!({"***": ["***", 17, null, {"deep": "a ***!"}]}));
    let map = BTreeMap::from([("correct horse", "correct horse".to_owned())]);
    let redacted = Redactor::new(&[b"correct horse"]).redacted(map);
    assert_eq!(*redacted, BTreeMap::from([("correct horse", HIDDEN.to_owned())]));
}

#[test]
fn debug_shows_no_secret() {
    assert_eq!(format!("{:?} {:?}", Redactor::new(&[b"correct horse"]), Secrets::default()), "Redactor(***) Secrets(***)");
}

#[test]
fn a_secret_of_stars_does_not_come_back() {
    assert!(!Redactor::new(&[b"********"]).text(&"*".repeat(61)).contains("********"));
}

#[test]
fn a_secret_of_odd_bytes_is_hidden_in_bytes_and_in_text() {
    let redactor = Redactor::new(&[b"\x81\xff\x00odd bytes"]);
    assert_eq!(redactor.bytes(b"a\x81\xff\x00odd bytesb").as_ref(), b"a***b");
    assert_eq!(redactor.text("a\u{fffd}\u{fffd}\0odd bytesb"), "a***b");
}

/// A backslash of a secret and the letter beside it are no line break, nor are one before it and its own first letter.
#[test]
fn backslash_at_a_secrets_edge_is_no_line_break() {
    for (secret, text) in [
        (r"ends-in-one\", r"it was ends-in-one\n, and so on"),
        (r"ends-in-one\", r"ends-in-one\right"),
        ("nine-letters", r"C:\nine-letters"),
        ("right-from-here", r"\right-from-here\r"),
        (r"a\name-of-nobody", r"x a\name-of-nobody y"),
    ] {
        let shown = Redactor::new(&[secret.as_bytes()]).text(text).into_owned();
        let left = secret.trim_matches('\\');
        assert!(shown.contains(HIDDEN) && !shown.contains(left), "{secret}: {text} became {shown}");
    }
}
