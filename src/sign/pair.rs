//! Key pairs: Ed25519 (RFC 8032), and signatures that no receiver may take although they look right.
//!
//! The harness holds the private key, a receiver the public one. Verifying is
//! strict: a number that is not reduced, and points of small order, are refused.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};

use super::encoding::{hex, unhex};
use super::mac::sha256;

/// Half of a signature, and either key.
const HALF: usize = 32;
/// The order of the group, least byte first (RFC 8032, section 5.1): a number in a signature is below it.
const ORDER: [u8; HALF] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0, 0, 0x10,
];

/// A key pair, or its public half alone.
pub(super) struct Pair {
    private: Option<SigningKey>,
    public: VerifyingKey,
}

impl Pair {
    /// The pair of a private key: 32 bytes, or 64 of which the last are the public one. Other bytes are hashed to one, for tampers.
    pub(super) fn of_private(bytes: &[u8]) -> Self {
        let seed = match bytes.len() {
            0 => [0; HALF],
            HALF => bytes.try_into().unwrap_or_default(),
            64 => bytes[..HALF].try_into().unwrap_or_default(),
            _ => sha256(bytes),
        };
        let private = SigningKey::from_bytes(&seed);
        Self { public: private.verifying_key(), private: Some(private) }
    }

    /// The public half alone, from its text: hex digits or base64, after a prefix with an underscore or not.
    pub(super) fn of_public_text(text: &[u8]) -> Option<Self> {
        let text = text.trim_ascii();
        let bare = text.iter().position(|byte| *byte == b'_').map_or(text, |at| &text[at + 1..]);
        let read = |text: &[u8]| unhex(text).or_else(|| STANDARD.decode(text).ok());
        let bytes: [u8; HALF] = read(text).or_else(|| read(bare))?.try_into().ok()?;
        Some(Self { private: None, public: VerifyingKey::from_bytes(&bytes).ok()? })
    }

    /// The public key.
    pub(super) fn public(&self) -> [u8; HALF] {
        self.public.to_bytes()
    }

    /// The public key as text, in the form of another one: after its prefix, in hex digits or in base64.
    pub(super) fn public_like(&self, like: &str) -> String {
        let (prefix, bare) = like.split_at(like.find('_').map_or(0, |at| at + 1));
        let is_hex = bare.len() == 2 * HALF && unhex(bare.as_bytes()).is_some();
        format!("{prefix}{}", if is_hex { hex(&self.public()) } else { STANDARD.encode(self.public()) })
    }

    /// The signature of a message; empty for who has no private key.
    pub(super) fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.private.as_ref().map(|key| key.sign(message).to_bytes().to_vec()).unwrap_or_default()
    }

    pub(super) fn holds(&self, message: &[u8], claimed: &[u8]) -> bool {
        let signature = Signature::from_slice(claimed);
        signature.is_ok_and(|signature| self.public.verify_strict(message, &signature).is_ok())
    }
}

/// The same signature with the group's order added to its number: whoever does not look for that takes two signatures for one.
pub(super) fn malleable(signature: &[u8]) -> Vec<u8> {
    let mut other = signature.to_vec();
    let mut carry = 0_u16;
    for (byte, more) in other.iter_mut().skip(HALF).zip(ORDER) {
        let sum = u16::from(*byte) + u16::from(more) + carry;
        *byte = sum.to_le_bytes()[0];
        carry = sum >> 8;
    }
    other
}

/// The neutral point and the number nothing: right over every message for whoever has a key of small order, or none.
pub(super) fn small_order() -> Vec<u8> {
    let mut signature = vec![0; 2 * HALF];
    signature[0] = 1;
    signature
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sign::hex;

    /// A public key is written as its neighbour is, and reads back.
    #[test]
    fn public_key_has_the_form_of_another() {
        let pair = Pair::of_private(&unhex(RFC_8032[0].0.as_bytes()).expect("hex digits"));
        for (like, wanted) in [
            (RFC_8032[1].1, RFC_8032[0].1),
            ("whpk_AAAA", "whpk_11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="),
            (
                "key_3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
                "key_d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
            ),
        ] {
            assert_eq!(pair.public_like(like), wanted);
            assert_eq!(Pair::of_public_text(wanted.as_bytes()).map(|read| read.public()), Some(pair.public()), "{like}");
        }
    }

    /// RFC 8032, section 7.1, tests 1 to 3: key, public key, message, signature.
    const RFC_8032: [(&str, &str, &str, &str); 3] = [
        (
            "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
            "",
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
        ),
        (
            "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
            "72",
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
        ),
        (
            "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
            "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
            "af82",
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
        ),
    ];

    #[test]
    fn the_standards_vectors_are_met() {
        for (private, public, message, signature) in RFC_8032 {
            let bytes = |digits: &str| unhex(digits.as_bytes()).expect("hex digits");
            let pair = Pair::of_private(&bytes(private));
            assert_eq!((hex(&pair.public()).as_str(), hex(&pair.sign(&bytes(message))).as_str()), (public, signature));
            let alone = Pair::of_public_text(format!("whpk_{}", STANDARD.encode(bytes(public))).as_bytes()).expect("a public key");
            assert!(alone.holds(&bytes(message), &bytes(signature)) && alone.sign(b"x").is_empty());
        }
    }

    /// S + L is no signature, although it satisfies the equation; nor is the neutral point, whatever the key.
    #[test]
    fn what_only_looks_right_is_refused() {
        let pair = Pair::of_private(&[7; 32]);
        let right = pair.sign(b"message");
        assert!(pair.holds(b"message", &right));
        let other = malleable(&right);
        assert!(other[..HALF] == right[..HALF] && other != right && !pair.holds(b"message", &other));
        for public in [pair.public(), [0; HALF], {
            let mut one = [0; HALF];
            one[0] = 1;
            one
        }] {
            let receiver = Pair::of_public_text(hex(&public).as_bytes()).expect("a point");
            assert!(!receiver.holds(b"message", &small_order()));
        }
        assert!(!pair.holds(b"message", &right[..63]) && !pair.holds(b"message", b""));
    }
}
