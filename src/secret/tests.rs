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

/// Whatever a writer escapes, and however: any character may stand in any of its forms. Bytes may be told one by one as well.
#[test]
fn no_choice_of_escapes_shows_a_secret() {
    let redactor = Redactor::new(&["abcDEF123+/ghi \"J\"=é".as_bytes()]);
    for text in [
        // System.Text.Json, PHP with JSON_HEX_QUOT, Python, JavaScript's `escape`.
        r"abcDEF123\u002B/ghi \u0022J\u0022=\u00E9",
        r"abcDEF123+\/ghi \u0022J\u0022=\u00e9",
        r#"abcDEF123+/ghi \"J\"=\xe9"#,
        r#"abcDEF123+/ghi \"J\"=\xc3\xa9"#,
        r#"abcDEF123+/ghi \"J\"=\u{e9}"#,
        "abcDEF123+/ghi%20%22J%22%3D%E9",
        "abcDEF123%2B%2Fghi+%22J%22%3D%C3%A9",
        "abcDEF123&#43;/ghi &quot;J&quot;=&eacute;",
        "abcDEF123&plus;&sol;ghi&#32;&#34;J&#x22;&equals;&#xE9;",
        r"\u0061\u0062\u0063\u0044\u0045\u0046\u0031\u0032\u0033\u002b\u002f\u0067\u0068\u0069\u0020\u0022\u004a\u0022\u003d\u00e9",
        // Markup in JSON, JSON in markup, JSON in JSON, JSON in a URL.
        r"abcDEF123\u0026#43;/ghi \u0026quot;J\u0026quot;=\u00e9",
        r"abcDEF123&#92;u002B/ghi &#92;&quot;J&#92;&quot;=é",
        r#"abcDEF123\\u002B/ghi \\\"J\\\"=é"#,
        r"abcDEF123%5Cu002B/ghi%20%5C%22J%5C%22=%C3%A9",
        // Bytes: Go, Node, .NET, Java, `od`, Rust.
        "[97 98 99 68 69 70 49 50 51 43 47 103 104 105 32 34 74 34 61 195 169]",
        "[97,98,99,68,69,70,49,50,51,43,47,103,104,105,32,34,74,34,61,195,169]",
        "[97, 98, 99, 68, 69, 70, 49, 50, 51, 43, 47, 103, 104, 105, 32, 34, 74, 34, 61, -61, -87]",
        "61-62-63-44-45-46-31-32-33-2B-2F-67-68-69-20-22-4A-22-3D-C3-A9",
        "<Buffer 61 62 63 44 45 46 31 32 33 2b 2f 67 68 69 20 22 4a 22 3d c3 a9>",
        "0x61, 0x62, 0x63, 0x44, 0x45, 0x46, 0x31, 0x32, 0x33, 0x2b, 0x2f, 0x67, 0x68, 0x69, 0x20, 0x22, 0x4a, 0x22, 0x3d, 0xc3, 0xa9",
        "141 142 143 104 105 106 061 062 063 053 057 147 150 151 040 042 112 042 075 303 251",
        r#"{"0":97,"1":98,"2":99,"3":68,"4":69,"5":70,"6":49,"7":50,"8":51,"9":43,"10":47,"11":103,"12":104,"13":105,"14":32,"15":34,"16":74,"17":34,"18":61,"19":195,"20":169}"#,
        // UTF-16.
        "a\0b\0c\0D\0E\0F\x001\x002\x003\0+\0/\0g\0h\0i\0 \0\"\0J\0\"\0=\0\u{e9}\0",
    ] {
        let shown = redactor.text(&format!("a ({text}) b")).into_owned();
        assert!(redactor.finds(text.as_bytes()) && shown.contains(HIDDEN), "{text}");
        let left = shown.replace(['(', ')', '[', ']', '{', '}', '\0'], " ").split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        assert!(
            left.iter().all(|word| ["a", "b", HIDDEN, "<Buffer", ">", "***>", "\"0\":***"].contains(&word.as_str())),
            "{text} became {shown}"
        );
    }
}

/// Of a list that was cut what is left of it is hidden, with a number or an escape that lost a digit.
#[test]
fn pieces_of_lists_and_of_escapes_are_hidden() {
    let redactor = Redactor::new(&[b"correct+horse"]);
    for (text, shown) in [
        ("[99, 111, 114, 114, 101, 99, 1… (99 bytes)", "[***, 1… (99 bytes)"),
        ("…16, 43, 104, 111, 114, 115, 101]", "…16, ***]"),
        (r"correct\u00… (99 bytes)", r"***\u00… (99 bytes)"),
        (r"correct\u002Bho… (99 bytes)", "***… (99 bytes)"),
    ] {
        assert_eq!(redactor.text(text), shown);
    }
}

/// A short secret, or one that is a word of ours, is found where it is written as nobody writes by chance, and nowhere else.
#[test]
fn faint_secrets_are_found_as_escapes_and_numbers_only() {
    let redactor = Redactor::new(&[b"test", b"e+"]);
    for text in [r"\u0074\u0065\u0073\u0074", "%74%65%73%74", "[116,101,115,116]", "74-65-73-74", "&#116;&#101;&#115;&#116;"] {
        assert!(redactor.finds(text.as_bytes()), "{text}");
    }
    for text in
        ["a test%20test", r#"{"test":"a \"test\""}"#, "116.101.115.116", "e+ e%2B \\u0065\\u002b", "t%65st", "[101, 43]", "65:2b 65-2b"]
    {
        assert!(!redactor.finds(text.as_bytes()), "{text}");
    }
    // Its numbers stand by chance.
    assert!(!Redactor::new(&[b"\x01\x02\x03\x04\x05"]).finds(b"[1, 2, 3, 4, 5]"));
}

/// A random secret, each of whose characters is written in a way of its own.
fn mixture() -> impl proptest::strategy::Strategy<Value = (String, String)> {
    use proptest::prelude::*;
    let spelling = |character: char, way: usize| {
        let mut units = [0; 2];
        let unicode = |digits: &dyn Fn(u16) -> String, units: &[u16]| units.iter().map(|unit| digits(*unit)).collect::<String>();
        let units = &*character.encode_utf16(&mut units);
        let bytes = character.to_string().into_bytes();
        match way {
            0 => unicode(&|unit| format!("\\u{unit:04x}"), units),
            1 => unicode(&|unit| format!("\\u{unit:04X}"), units),
            2 => unicode(&|unit| format!("%u{unit:04X}"), units),
            3 => bytes.iter().map(|byte| format!("%{byte:02x}")).collect(),
            4 => bytes.iter().map(|byte| format!("\\x{byte:02X}")).collect(),
            5 => bytes.iter().map(|byte| format!("\\{byte:03o}")).collect(),
            6 => format!("&#{};", u32::from(character)),
            7 => format!("&#x{:X};", u32::from(character)),
            8 => format!("\\u{{{:x}}}", u32::from(character)),
            9 if character.is_ascii_punctuation() => format!("\\{character}"),
            // What escapes begin with is always escaped itself.
            _ if "\\%&'".contains(character) => format!("\\{character}"),
            _ => character.to_string(),
        }
    };
    let secret = prop_oneof!["[!-~]{8,40}", "[\"'&<>/%+\\\\|`é鍵🔑]{8,20}", "\\PC{8,20}"];
    (secret, any::<[u8; 40]>()).prop_map(move |(secret, ways)| {
        let written = secret.chars().zip(ways).map(|(character, way)| spelling(character, usize::from(way % 16))).collect();
        (secret, written)
    })
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig { failure_persistence: None, ..proptest::prelude::ProptestConfig::default() })]

    /// However each character of a secret is written, the secret is found, and nothing of it is left.
    #[test]
    fn no_mixture_of_escapes_shows_a_secret((secret, written) in mixture()) {
        let redactor = Redactor::new(&[secret.as_bytes()]);
        let json = serde_json::Value::String(written.clone()).to_string();
        for text in [written.as_str(), &json[1..json.len() - 1]] {
            let whole = format!("(before: {text} :behind)");
            let shown = redactor.text(&whole);
            // Blanks at its edges may be what indents a line.
            proptest::prop_assert!(redactor.finds(whole.as_bytes()) && shown.len() <= "(before: *** :behind)".len() + 2, "{secret:?} as {whole} became {shown}");
        }
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
