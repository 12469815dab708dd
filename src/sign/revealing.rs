//! Forms of a secret in which an answer could reveal it (requirement AUTH-11).
//!
//! Takes the secret's text and the scheme that makes key bytes of it, gives
//! every text and every bytes that tell the key to whoever reads them.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};

use super::{Scheme, hex, sha256_hex};

/// A shorter form stands in answers by chance, and would say nothing.
const SHORTEST_FORM: usize = 8;

/// Every form of a secret that no answer may reveal, each once, in the order of their bytes.
///
/// The text as it is given, the text without the prefix that the scheme strips, and the key
/// bytes that it stands for; each of them as it is, in hex, in base64 and base64url with and without
/// padding, and its SHA-256 in hex. Hex is lower case: compare without regard to case. Forms of fewer
/// than eight bytes are left out: they stand in answers by chance.
///
/// * `secret_text`: as it stands in the environment; where it is no text of the
///   scheme's encoding, there are no key bytes, and only its text is looked at.
#[must_use]
pub fn revealing_forms(secret_text: &[u8], scheme: &Scheme) -> Vec<Vec<u8>> {
    let mut forms = BTreeSet::new();
    for bytes in whole(secret_text, scheme) {
        let texts = [
            hex(&bytes),
            STANDARD.encode(&bytes),
            STANDARD_NO_PAD.encode(&bytes),
            URL_SAFE.encode(&bytes),
            URL_SAFE_NO_PAD.encode(&bytes),
            sha256_hex(&bytes),
        ];
        forms.extend(texts.map(String::into_bytes));
        forms.insert(bytes);
    }
    forms.into_iter().filter(|form| form.len() >= SHORTEST_FORM).collect()
}

/// What has to be hidden of a secret wherever it stands: its text, and what the scheme makes of it, where that is no word by chance.
///
/// Encodings of these are not among them: whoever hides them looks for those, too.
#[must_use]
pub fn hidden_forms(secret_text: &[u8], scheme: &Scheme) -> Vec<Vec<u8>> {
    let all = whole(secret_text, scheme);
    let digests: Vec<Vec<u8>> = all.iter().map(|bytes| sha256_hex(bytes).into_bytes()).collect();
    let is_worth_it = |bytes: &Vec<u8>| bytes.len() >= SHORTEST_FORM || bytes == secret_text;
    all.into_iter().chain(digests).filter(is_worth_it).collect()
}

/// A secret's text, the text without its prefix, and the key bytes that it stands for.
fn whole(secret_text: &[u8], scheme: &Scheme) -> BTreeSet<Vec<u8>> {
    let mut whole = BTreeSet::from([secret_text.to_vec(), scheme.key.without_prefix(secret_text).to_vec()]);
    whole.extend(scheme.key.key_bytes(secret_text));
    whole.retain(|bytes| !bytes.is_empty());
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    fn forms(key: &str, secret: &str) -> Vec<String> {
        let yaml =
            format!("{{key: {key}, digest: sha256, encoding: hex, message: '{{body}}', headers: [{{name: X-S, value: '{{sig}}'}}]}}");
        let scheme: Scheme = serde_saphyr::from_str(&yaml).expect("the test writes a whole scheme");
        revealing_forms(secret.as_bytes(), &scheme).into_iter().map(|form| String::from_utf8_lossy(&form).into_owned()).collect()
    }

    /// The key of Standard Webhooks is told by the text, by its base64 alone, and by the bytes it stands for.
    #[test]
    fn every_form_of_a_prefixed_secret_is_there() {
        let forms = forms("{encoding: base64, strip_prefix: whsec_}", "whsec_bWFkZSB1cCBmb3IgdGhlIHRlc3Rz");
        for wanted in [
            "whsec_bWFkZSB1cCBmb3IgdGhlIHRlc3Rz",
            "bWFkZSB1cCBmb3IgdGhlIHRlc3Rz",
            "made up for the tests",
            "6d61646520757020666f7220746865207465737473",
            "d2hzZWNfYldGa1pTQjFjQ0JtYjNJZ2RHaGxJSFJsYzNSeg==",
            "d2hzZWNfYldGa1pTQjFjQ0JtYjNJZ2RHaGxJSFJsYzNSeg",
            "77687365635f6257466b",
            "6257466b5a534231",
        ] {
            assert!(forms.iter().any(|form| form.starts_with(wanted)), "{wanted}");
        }
        let hashes = ["whsec_bWFkZSB1cCBmb3IgdGhlIHRlc3Rz", "bWFkZSB1cCBmb3IgdGhlIHRlc3Rz", "made up for the tests"];
        for hash in hashes.map(|text| sha256_hex(text.as_bytes())) {
            assert!(forms.contains(&hash), "{hash}");
        }
        // Three texts of 34, 28 and 21 bytes: only the first needs padding, and none has a byte that the alphabets write differently.
        assert_eq!(forms.len(), 13, "{forms:#?}");
    }

    /// A short secret is looked for only in forms that do not stand in answers by chance; a wrong text has no key bytes.
    #[test]
    fn short_forms_are_left_out() {
        assert_eq!(forms("{}", "x"), [sha256_hex(b"x")]);
        assert_eq!(forms("{}", ""), Vec::<String>::new());
        assert_eq!(forms("{}", "test"), ["74657374", &sha256_hex(b"test"), "dGVzdA=="]);
        assert!(forms("{encoding: hex}", "no hex digits").contains(&"no hex digits".to_owned()));
        assert_eq!(forms("{}", "\u{1}".repeat(8).as_str()).len(), 5);
    }

    /// What is hidden has the key in its own bytes, and no short word but the secret itself.
    #[test]
    fn what_is_hidden_is_the_secret_and_what_is_made_of_it() {
        let hidden = |secret: &str| {
            let scheme: Scheme = serde_saphyr::from_str(
                "{key: {encoding: base64, strip_prefix: whsec_}, digest: sha256, encoding: hex, message: '{body}', headers: [{name: X, value: '{sig}'}]}",
            )
            .expect("a scheme");
            let all = hidden_forms(secret.as_bytes(), &scheme);
            all.into_iter().map(|form| String::from_utf8_lossy(&form).into_owned()).filter(|form| form.len() != 64).collect::<Vec<_>>()
        };
        let secret = "whsec_bWFkZSB1cCBmb3IgdGhlIHRlc3Rz";
        assert_eq!(hidden(secret), ["bWFkZSB1cCBmb3IgdGhlIHRlc3Rz", "made up for the tests", secret]);
        assert_eq!(hidden("dGVzdA=="), ["dGVzdA=="], "`test` stands in texts by chance");
    }
}
