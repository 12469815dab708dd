//! Which wrong signatures defects let pass, and over which bytes they check right ones.

use super::claim::Claim;
use super::{HALF_A_MEBIBYTE, Mutant, reserialised};
use crate::reference::hooks::Around;
use crate::sign::spoiling::{by_public_key, in_query, naming, narrowed, other_hmac, plain_hash};
use crate::sign::tamper::{malleable, small_order};
use crate::sign::{DigestName, Envelope, Signer};

impl Mutant {
    /// The body that a defect checks the signature over.
    pub(super) fn signed_body(&self, around: Around<'_>) -> Vec<u8> {
        let body = &around.delivery.body;
        if self.is("signs-trimmed-body") {
            return body.trim_ascii().to_vec();
        }
        if self.is("signs-decoded-text") {
            return String::from_utf8_lossy(body).into_owned().into_bytes();
        }
        if self.is("signs-reserialised-json") { reserialised(body) } else { body[..body.len().min(64 << 10)].to_vec() }
    }

    /// Whether a defect checks signatures over other bytes than those that travelled.
    pub(super) fn signs_otherwise(&self) -> bool {
        ["signs-first-64-kib", "signs-trimmed-body", "signs-decoded-text", "signs-reserialised-json"].into_iter().any(|name| self.is(name))
    }

    /// Whether a defect lets a signature pass that does not hold.
    ///
    /// * `time_counts`: whether the time that is signed is one that a right receiver takes; who is careless with signatures alone
    ///   minds it.
    pub(super) fn lets_pass(&self, claim: &Claim<'_>, around: Around<'_>, time_counts: bool) -> bool {
        let (right, found) = (claim.right.as_str(), claim.found.as_deref());
        let is = |name| self.is(name);
        (is("any-signature-passes") && found.is_some_and(|text| !text.trim().is_empty()))
            || (is("missing-signature-passes") && found.is_none())
            || (is("empty-signature-passes") && found.is_some_and(|text| text.trim().is_empty()))
            || (is("empty-body-is-not-signed") && around.delivery.body.is_empty())
            || (is("long-body-is-not-signed") && around.delivery.body.len() > HALF_A_MEBIBYTE)
            || (is("signature-taken-from-query") && !right.is_empty() && around.delivery.path.contains(&in_query(right)))
            || (is("signature-taken-from-body") && claim.stands_in_body())
            || (is("signature-taken-from-other-header") && claim.stands_in_other_header())
            || (is("narrower-signature-passes") && narrower_forms(claim.signer).any(|form| holds(&form, around)))
            || (time_counts && self.reads_carelessly(claim, around))
    }

    /// Whether a defect takes a signature for the right one that is another, or the right one of something else.
    fn reads_carelessly(&self, claim: &Claim<'_>, around: Around<'_>) -> bool {
        let (right, found_text) = (claim.right.as_str(), claim.found.as_deref().unwrap_or_default());
        let is = |name| self.is(name);
        (is("signature-compared-as-far-as-it-goes") && !found_text.is_empty() && right.starts_with(found_text))
            || (is("signature-compared-in-part")
                && found_text.len() == right.len()
                && right.get(..8).is_some_and(|start| found_text.starts_with(start)))
            || (is("token-need-only-begin-right") && right.get(..right.len() / 2).is_some_and(|half| found_text.starts_with(half)))
            || (is("signature-in-body-need-only-be-there") && !found_text.trim().is_empty())
            || (is("unreduced-signature-passes") && found_text == claim.made(malleable))
            || (is("small-order-passes") && found_text == claim.made(|_, _, _| small_order()))
            || (is("public-key-passes-as-secret") && found_text == claim.made(by_public_key))
            || (is("extra-characters-ignored") && found_text.starts_with(right))
            || (is("quotes-stripped-from-signature") && found_text.trim_matches('"') == right)
            || (is("signature-prefix-stripped") && is_after_a_prefix(found_text, right))
            || (is("signature-list-read") && found_text.split(',').any(|one| one == right))
            || (is("other-digest-passes") && found_text == claim.made(other_hmac))
            || (is("header-chooses-the-digest") && holds_as_named(claim.signer, around))
            || (is("plain-hash-passes")
                && found_text == claim.made(|signer, delivery, envelope| plain_hash(signer, &[], delivery, envelope)))
            || (is("secret-then-message-passes")
                && found_text == claim.made(|signer, delivery, envelope| plain_hash(signer, signer.key_bytes(), delivery, envelope)))
            || (is("empty-secret-passes") && found_text == claim.signer.with_key(b"").signature(around.delivery, claim.envelope))
            || (self.signs_otherwise() && claim.holds_over(&self.signed_body(around)))
    }
}

/// Whether a delivery is signed with the hash function that it names itself.
fn holds_as_named(signer: &Signer, around: Around<'_>) -> bool {
    DigestName::ALL.into_iter().any(|digest| holds(&naming(signer, digest), around))
}

/// The same key under each form of its scheme that covers less.
fn narrower_forms(signer: &Signer) -> impl Iterator<Item = Signer> {
    signer.scheme().narrower.iter().map(|form| narrowed(signer, form))
}

/// Whether a delivery is signed as another signer does.
fn holds(other: &Signer, around: Around<'_>) -> bool {
    let Ok(claim) = other.claim(around.delivery) else { return false };
    let envelope = Envelope { time: claim.time.unwrap_or_default(), id: around.key.as_bytes(), origin: around.origin };
    other.mac_holds(around.delivery, envelope, &claim.signatures).is_ok()
}

/// Whether the right signature stands behind the name of another scheme and a sign of equality.
fn is_after_a_prefix(found: &str, right: &str) -> bool {
    let is_name = |name: &str| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    found.strip_suffix(right).and_then(|before| before.strip_suffix('=')).is_some_and(is_name)
}
