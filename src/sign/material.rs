//! Material of a secret: what a signature scheme makes of the text that is shared.
//!
//! In: the secret as it stands in the environment, and the scheme. Out: every
//! text and every bytes that are the key to whoever has them (requirement
//! AUTH-11). In which forms they travel is known to [`crate::secret`].

use std::collections::BTreeSet;

use super::{Proof, Scheme, sha256};

/// All that tells a secret: its text as it is given (that first), trimmed, and without the prefix that the scheme strips; the key bytes
/// that it stands for; the SHA-256 of each.
///
/// * `secret_text`: where it is no text of the scheme's encoding, there are no key bytes.
#[must_use]
pub fn material(secret_text: &[u8], scheme: &Scheme) -> Vec<Vec<u8>> {
    let mut whole = BTreeSet::from([secret_text.trim_ascii().to_vec(), scheme.key.without_prefix(secret_text).to_vec()]);
    let key = scheme.key.key_bytes(secret_text);
    // Of a private key that has the public one behind it, the first half alone is the secret.
    whole.extend(key.iter().filter(|key| scheme.by == Proof::Ed25519 && key.len() == 64).map(|key| key[..32].to_vec()));
    whole.extend(key);
    whole.remove(secret_text);
    let whole: Vec<Vec<u8>> = std::iter::once(secret_text.to_vec()).chain(whole).filter(|bytes| !bytes.is_empty()).collect();
    let digests: Vec<Vec<u8>> = whole.iter().map(|bytes| sha256(bytes).to_vec()).collect();
    whole.into_iter().chain(digests).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sign::sha256_hex;

    fn of(key: &str, secret: &str) -> Vec<String> {
        let yaml =
            format!("{{key: {key}, digest: sha256, encoding: hex, message: '{{body}}', headers: [{{name: X-S, value: '{{sig}}'}}]}}");
        let scheme: Scheme = serde_saphyr::from_str(&yaml).expect("the test writes a whole scheme");
        material(secret.as_bytes(), &scheme)
            .into_iter()
            .map(|bytes| String::from_utf8(bytes).unwrap_or_else(|odd| crate::sign::hex(odd.as_bytes())))
            .collect()
    }

    /// The key of Standard Webhooks is told by the text, by its base64 alone, and by the bytes it stands for; and by the digest of each.
    #[test]
    fn secret_with_a_prefix_is_told_by_three_texts() {
        let secret = "whsec_bWFkZSB1cCBmb3IgdGhlIHRlc3Rz";
        let texts = [secret, "bWFkZSB1cCBmb3IgdGhlIHRlc3Rz", "made up for the tests"];
        let all = of("{encoding: base64, strip_prefix: whsec_}", secret);
        assert_eq!(all[..3], texts);
        assert_eq!(all[3..], texts.map(|text| sha256_hex(text.as_bytes())));
    }

    #[test]
    fn plain_secret_is_told_by_itself_and_without_its_white_space() {
        assert_eq!(of("{}", "x"), ["x".to_owned(), sha256_hex(b"x")]);
        assert_eq!(of("{}", ""), Vec::<String>::new());
        assert_eq!(of("{}", "spaced out \n")[..2], ["spaced out \n", "spaced out"]);
        assert_eq!(of("{encoding: hex}", "no hex digits")[0], "no hex digits");
    }
}
