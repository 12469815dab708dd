//! Tests of every tamper against every kind of scheme.

use super::{Sending, Tamper};
use crate::clock::UnixMicros;
use crate::delivery::Delivery;
use crate::sign::spoiling::with_member;
use crate::sign::verify::BadSignature;
use crate::sign::{Envelope, Proof, Scheme, Signer};

const NOW: UnixMicros = UnixMicros(1_759_694_703_123_456);
const SECRET: &[u8] = b"test-webhook-secret-key-for-e2e";
const PRIVATE_KEY: &[u8] = b"thirty-two bytes of a private ke";

fn signer(yaml: &str) -> Signer {
    let mut scheme: Scheme = serde_saphyr::from_str(yaml).unwrap_or_else(|wrong| panic!("the test writes a whole scheme: {wrong}: {yaml}"));
    scheme.settle(None);
    let secret = if scheme.by == Proof::Ed25519 { PRIVATE_KEY } else { SECRET };
    scheme.keyed(secret).expect("any text is a key")
}

fn rotating(signer: &Signer) -> Signer {
    let others: [&[u8]; 2] =
        if signer.scheme().by == Proof::Ed25519 { [&[1; 32], &[2; 32]] } else { [b"the-secret-before", b"a-retired-secret"] };
    signer.with_previous(others[0]).and_then(|signer| signer.with_retired(others[1])).expect("any text is a key")
}

fn plain() -> Signer {
    signer("{digest: sha256, encoding: hex, message: '{body}', headers: [{name: X-Signature, value: '{sig}'}]}")
}

fn delivery() -> Delivery {
    Delivery { method: "POST".into(), path: "/callbacks".into(), body: "{\"job_id\":\"job-1\"}".into(), ..Delivery::default() }
}

fn sending() -> Sending<'static> {
    Sending { id: b"k1", origin: "http://127.0.0.1:1", at: NOW, which: 0 }
}

fn honest(signer: &Signer) -> Delivery {
    signer.signed(delivery(), "k1", sending().origin, NOW)
}

fn verdict(signer: &Signer, tamper: Tamper) -> Result<(), BadSignature> {
    signer.verify(&tamper.apply(signer, delivery(), sending()), "k1", sending().origin, NOW)
}

/// Every scheme of this product: encodings, digests, forms of headers, messages, forms and tolerances of the time.
fn schemes() -> Vec<String> {
    const SIG: &str = "name: X-Signature, value";
    let headers = [
        format!("headers: [{{{SIG}: '{{sig}}'}}]"),
        format!("headers: [{{{SIG}: 'sha256={{sig}}'}}]"),
        format!("headers: [{{{SIG}: 'hmac={{sig}}'}}]"),
        format!("headers: [{{{SIG}: 'sig=:{{sig}}:'}}]"),
        format!("headers: [{{name: X-Id, value: '{{id}}'}}, {{{SIG}: '{{sig}}'}}]"),
        format!("several: {{separator: ','}}, headers: [{{{SIG}: '{{sig}}'}}]"),
        format!("several: {{separator: ', '}}, headers: [{{{SIG}: 'v1={{sig}}'}}]"),
        format!("several: {{separator: ' '}}, headers: [{{{SIG}: 'kid=a v1,{{sig}}'}}]"),
    ];
    let timed_headers = [
        format!("headers: [{{name: X-Time, value: '{{t}}'}}, {{{SIG}: 'v0={{sig}}'}}]"),
        format!("headers: [{{{SIG}: '{{sig}}'}}, {{name: X-Time, value: '{{t}}'}}]"),
        format!("headers: [{{{SIG}: 't={{t}},v1={{sig}}'}}]"),
        format!("several: {{separator: ',', blanks: true, lines: refused}}, headers: [{{{SIG}: 't={{t}},v1={{sig}}'}}]"),
        format!("several: {{separator: ','}}, headers: [{{{SIG}: 'v1={{sig}},t={{t}}'}}]"),
        format!("several: {{separator: ',', lines: joined}}, headers: [{{{SIG}: 'v1={{sig}},t={{t}}'}}]"),
        format!("several: {{separator: ' ', lines: joined}}, headers: [{{name: X-Time, value: '{{t}}'}}, {{{SIG}: 'v1,{{sig}}'}}]"),
        format!("several: {{separator: ';'}}, headers: [{{{SIG}: 'v1.{{t}}.{{sig}}'}}]"),
        format!(
            "several: {{separator: ' '}}, headers: [{{name: X-Id, value: '{{id}}'}}, {{name: X-Time, value: '{{t}}'}}, {{{SIG}: 'v1,{{sig}}'}}]"
        ),
    ];
    let mut all = Vec::new();
    for (digest, encoding) in
        [("sha256", "hex"), ("sha256", "base64"), ("sha256", "base64url"), ("sha1", "base64url"), ("sha512", "base64")]
    {
        let start = format!("digest: {digest}, encoding: {encoding}");
        for (message, form) in ["{body}", "{id}.{body}", "{url}", "{method} {path} {sha256hex(body)}"].iter().zip([0, 4, 1, 2].iter()) {
            all.extend(headers.iter().skip(*form % 2).map(|headers| format!("{{{start}, message: '{message}', {headers}}}")));
        }
        for unit in ["s", "ms", "rfc3339"] {
            for tolerance in
                ["past: 5m, future: 5m", "past: 5m", "past: 0 s, future: 0 s", "past: 2d, future: 3 s", "past: 3650d, future: 3650d"]
            {
                for message in ["{t}.{body}", "{id}:{t}"] {
                    all.extend(
                        timed_headers
                            .iter()
                            .map(|headers| format!("{{{start}, message: '{message}', time: {{unit: {unit}, {tolerance}}}, {headers}}}")),
                    );
                }
            }
        }
        all.extend(timed_headers.iter().map(|headers| format!("{{{start}, message: '{{t}}{{body}}', {headers}}}")));
    }
    all.extend(
        headers.iter().chain(&timed_headers).map(|headers| format!("{{by: ed25519, encoding: base64, message: '{{body}}', {headers}}}")),
    );
    all.extend(headers.iter().map(|headers| format!("{{by: token, {headers}}}")));
    all.extend(
        [
            "message: '{url}{form_sorted}', headers: [{name: S, value: '{sig}'}]",
            "message: '{url}', query: [{name: d, value: '{sha256hex(body)}'}], headers: [{name: S, value: '{sig}'}]",
            "message: '{header:d}', headers: [{name: D, value: 'sha-256=:{sha256base64(body)}:'}, {name: S, value: '{sig}'}]",
            "message: '{member:x}:{member:job_id}', members: [{member: data.0.sig, value: '{sig}'}]",
            "digest: sha512, message: '{body}', headers: [{name: S, value: 'SHA-512={sig}'}]",
            "message: '{body};alg=hmac-sha256;{t}', headers: [{name: I, value: 'created={t};alg=hmac-sha256'}, {name: S, value: '{sig}'}]",
            "digest: sha1, message: '{header:a}{body}', headers: [{name: A, value: hmac-sha1}, {name: S, value: '{sig}'}]",
            "message: '{body}{path}', headers: [{name: S, value: 'all={sig}'}], narrower: [{message: '{path}', headers: [{name: S, value: 'path={sig}'}]}]",
            "by: none",
        ]
        .map(|scheme| format!("{{{scheme}}}")),
    );
    all
}

/// Whatever the scheme: an honest delivery passes, an honest tamper passes, and every other that applies is refused.
#[test]
fn every_tamper_does_what_it_says_under_every_scheme() {
    let (mut applied, mut tried) = (std::collections::BTreeSet::new(), 0);
    for yaml in schemes() {
        for signer in [signer(&yaml), rotating(&signer(&yaml))] {
            assert_eq!(signer.verify(&honest(&signer), "k1", sending().origin, NOW), Ok(()), "{yaml}");
            for tamper in Tamper::ALL.into_iter().filter(|tamper| tamper.applies_to(&signer).is_ok()) {
                let verdict = verdict(&signer, tamper);
                assert_eq!(verdict.is_ok(), tamper.passes(), "{tamper:?} ({}): {verdict:?} under {yaml}", tamper.sentence());
                applied.insert(tamper);
                tried += 1;
            }
        }
    }
    assert_eq!(applied.len(), Tamper::ALL.len(), "tampers that no scheme has room for: {applied:?}");
    assert!(tried > 10_000, "{tried}");
}

/// Why each tamper of a plain signature is refused.
#[test]
fn every_tamper_spoils_a_plain_signature() {
    for tamper in Tamper::ALL.into_iter().filter(|tamper| tamper.applies_to(&plain()).is_ok()) {
        let wanted = match tamper {
            Tamper::Absent | Tamper::Empty | Tamper::Blank | Tamper::InQuery | Tamper::InBody | Tamper::InOtherHeader => {
                BadSignature::Missing
            }
            Tamper::FirstCharacter
            | Tamper::Truncated
            | Tamper::Extended
            | Tamper::NotEncoded
            | Tamper::NonAscii
            | Tamper::Quoted
            | Tamper::Prefixed
            | Tamper::CommaJoined
            | Tamper::TwiceRightFirst
            | Tamper::TwiceRightLast => BadSignature::Malformed,
            _ => BadSignature::Wrong,
        };
        assert_eq!(verdict(&plain(), tamper), Err(wanted), "{tamper:?}: {}", tamper.sentence());
    }
}

/// A bad time is refused for itself: its signature is right.
#[test]
fn a_bad_time_is_rightly_signed() {
    for unit in ["s", "ms", "rfc3339"] {
        for headers in [
            "headers: [{name: X-Time, value: '{t}'}, {name: X-Mac, value: 'v1={sig}'}]",
            "several: {separator: ','}, headers: [{name: X-Mac, value: 't={t},v1={sig}'}]",
        ] {
            let signer = signer(&format!(
                "{{digest: sha256, encoding: hex, message: '{{t}}.{{body}}', time: {{unit: {unit}, past: 120 s, future: 120 s}}, {headers}}}"
            ));
            for tamper in Tamper::ALL.into_iter().filter(|tamper| tamper.needs_time() && tamper.applies_to(&signer).is_ok()) {
                let spoiled = tamper.apply(&signer, delivery(), sending());
                let text = spoiled
                    .headers
                    .iter()
                    .map(|line| format!("{}: {}\n", line.name, String::from_utf8_lossy(&line.value)))
                    .collect::<String>();
                let wanted = match tamper {
                    Tamper::StaleJustInside | Tamper::EarlyJustInside => Ok(()),
                    Tamper::Stale | Tamper::Early | Tamper::StaleJustOutside | Tamper::EarlyJustOutside => Err(BadSignature::Stale),
                    Tamper::TimeOtherUnit if unit == "ms" => Err(BadSignature::Stale),
                    Tamper::TimeChanged => Err(BadSignature::Wrong),
                    _ => Err(BadSignature::Malformed),
                };
                assert_eq!(verdict(&signer, tamper), wanted, "{tamper:?} {unit}\n{text}");
                if !matches!(tamper, Tamper::TimeChanged | Tamper::TimeTwice | Tamper::TimeTwiceRightLast) {
                    let claim = signer.claim(&spoiled);
                    let time = match &claim {
                        Ok(claim) => claim.time.unwrap_or_default(),
                        Err(_) => "",
                    };
                    let signature = signer.signature(&delivery(), Envelope { time, id: b"k1", origin: "" });
                    assert!(text.contains(&signature), "{tamper:?} {unit} signs another text than it sends\n{text}");
                }
            }
        }
    }
}

/// What travels, for the tampers that lay a list or a time out anew.
#[test]
fn lists_and_times_are_laid_out_as_they_say() {
    let list = signer(
        "{digest: sha256, encoding: hex, message: '{t}.{body}', time: {past: 5m, future: 5m}, several: {separator: ','}, headers: [{name: X-S, value: 't={t},v1={sig}'}]}",
    );
    let right = list.signature(&delivery(), Envelope { time: "1759694703", id: b"k1", origin: "" });
    let shown = |tamper: Tamper| {
        let spoiled = tamper.apply(&list, delivery(), sending());
        let text = spoiled.headers.iter().map(|line| String::from_utf8_lossy(&line.value).into_owned()).collect::<Vec<_>>().join(" | ");
        text.replace(&right, "RIGHT").replace(&right[4..], "REST")
    };
    let wrong = |at: usize| format!("v1={}REST", &crate::sign::spoiling::with_other_char(&right, at)[..4]);
    assert_eq!(shown(Tamper::TimeTwice), "t=1759694703,t=1759694702,v1=RIGHT");
    assert_eq!(shown(Tamper::TimeTwiceRightLast), "t=1759694702,t=1759694703,v1=RIGHT");
    assert_eq!(shown(Tamper::UnknownVersionOnly), "t=1759694703,v0=RIGHT,v9=RIGHT");
    assert_eq!(shown(Tamper::RightFirstOfMany), format!("t=1759694703,v1=RIGHT,{},{},{}", wrong(0), wrong(1), wrong(2)));
    assert_eq!(shown(Tamper::RightLastOfMany), format!("t=1759694703,{},{},{},v1=RIGHT", wrong(0), wrong(1), wrong(2)));
    assert_eq!(
        shown(Tamper::RightAmidUnknownVersions),
        format!("t=1759694703,{},v1=RIGHT,{}", wrong(0).replace("v1", "v0"), wrong(0).replace("v1", "v9"))
    );
    assert!(shown(Tamper::TimeMissing).starts_with("v1=") && !shown(Tamper::TimeMissing).contains("t="));
    let thousand = Tamper::ThousandWrong.apply(&list, delivery(), sending());
    assert_eq!(list.entries(&thousand).len(), 1_001);
    assert!(thousand.headers[0].value.len() < 8 << 10, "a header line that a server of the usual kind reads");
}

/// What makes no sense under a scheme is told so, with the reason.
#[test]
fn a_tamper_says_where_it_makes_no_sense() {
    let told = |signer: &Signer, tamper: Tamper| tamper.applies_to(signer).err().unwrap_or("it applies");
    let wide = |past: &str| {
        signer(&format!(
            "{{digest: sha256, encoding: hex, message: '{{t}}', time: {{past: {past}}}, headers: [{{name: T, value: '{{t}}'}}, {{name: S, value: '{{sig}}'}}]}}"
        ))
    };
    for (signer, tamper, wanted) in [
        (plain(), Tamper::Stale, "the contract's signatures do not carry a time"),
        (plain(), Tamper::RightFirstOfMany, "the contract's signature header holds one signature, not a list"),
        (plain(), Tamper::ByPreviousSecret, "no previous secret is known"),
        (plain().with_key(b"\0"), Tamper::EmptySecret, "the shared secret is empty, or zeros alone, which sign alike"),
        (wide("5m"), Tamper::Early, "the contract lets every time in the future pass"),
        (wide("5m"), Tamper::TimeTwentyDigits, "the contract lets every time in the future pass"),
        (wide("2 s"), Tamper::StaleJustInside, "the contract's tolerance is narrower than a delivery may be on its way"),
        (wide("5m"), Tamper::BodyChanged, "the contract's signatures do not cover the body"),
        (wide("5m"), Tamper::TimeTwice, "it applies"),
    ] {
        assert_eq!(told(&signer, tamper), wanted, "{tamper:?}");
    }
}

/// A right signature elsewhere: under every usual name, each once, and never in the scheme's own headers.
#[test]
fn a_misplaced_signature_stands_under_usual_names() {
    let signer =
        signer("{digest: sha256, encoding: base64, message: '{body}', headers: [{name: X-Hub-Signature-256, value: 'sha256={sig}'}]}");
    let right = signer.signature(&delivery(), Envelope { time: "", id: b"", origin: "" });
    let escaped = right.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
    let names = ["signature", "sig", "x-signature", "hmac", "hash", "digest", "token", "auth", "X-Hub-Signature-256"];
    let query = Tamper::InQuery.apply(&signer, delivery(), sending());
    assert_eq!(query.path, format!("/callbacks?{}", names.map(|name| format!("{name}={escaped}")).join("&")));
    let body = Tamper::InBody.apply(&signer, Delivery { body: "{\"hash\":1}".into(), ..delivery() }, sending());
    let hashed = signer.signature(&Delivery { body: "{\"hash\":1}".into(), ..delivery() }, Envelope { time: "", id: b"", origin: "" });
    let members: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(&body.body).expect("JSON stays JSON");
    let found: Vec<&str> = members.iter().filter(|(_, value)| **value == hashed.as_str()).map(|(name, _)| name.as_str()).collect();
    assert_eq!(found, names.iter().filter(|name| **name != "hash").copied().collect::<Vec<_>>());
    let elsewhere = Tamper::InOtherHeader.apply(&signer, delivery(), sending());
    let lines: Vec<String> =
        elsewhere.headers.iter().map(|line| format!("{}: {}", line.name, String::from_utf8_lossy(&line.value))).collect();
    let wanted = [
        "Authorization: sha256=",
        "X-Hub-Signature: sha1=",
        "Signature: sha256=",
        "X-Webhook-Signature: sha256=",
        "X-Signature-256: sha256=",
        "Digest: sha256=",
        "X-Hmac: sha256=",
        "X-Hub-Signature-256-256: sha256=",
    ];
    assert_eq!(lines, wanted.map(|start| format!("{start}{right}")));
}

/// Names are unique, in kebab case, and read back as they are written.
#[test]
fn every_tamper_has_a_name_and_a_sentence() {
    let mut sentences = std::collections::BTreeSet::new();
    for tamper in Tamper::ALL {
        let name = serde_json::to_string(&tamper).expect("a name");
        assert_eq!(serde_json::from_str::<Tamper>(&name).expect("read back"), tamper);
        assert!(sentences.insert(tamper.sentence()), "two tampers say: {}", tamper.sentence());
    }
}

/// A member is put in front of the others, and an empty object stays JSON.
#[test]
fn a_member_is_put_into_an_object() {
    for (body, wanted) in [("{}", r#"{"k":"v"}"#), (r#" {"a":1}"#, r#" {"k":"v","a":1}"#), ("[]", r#"{"k":"v","was":"5b5d"}"#)] {
        assert_eq!(String::from_utf8_lossy(&with_member(body.as_bytes(), "k", "v")), wanted);
    }
}
