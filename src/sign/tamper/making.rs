//! A signature in the making: what every tamper starts from.
//!
//! Takes a delivery and its sending, knows the right signature over it, and
//! adds header lines with another text in its place.

use serde_json::Value;

use super::{OTHER_SECRET, Sending};
use crate::clock::UnixMicros;
use crate::delivery::{Delivery, HeaderLine};
use crate::message::member_in;
use crate::message::spelling::{quoted, with_member_at};
use crate::sign::parts::placed;
use crate::sign::signer::filled;
use crate::sign::spoiling::{naming, narrowed, with_other_char};
use crate::sign::{DigestName, Encoding, Envelope, SignatureHeader, Signer};

/// A body that nobody sends; a form, too.
const ANOTHER_BODY: &[u8] = b"hookgate=another+delivery";

/// A delivery without a signature, and the right one for it.
pub(super) struct Making<'a> {
    pub(super) signer: &'a Signer,
    /// With what stands in it before anything is signed.
    pub(super) delivery: Delivery,
    /// Without that.
    bare: Delivery,
    pub(super) sending: Sending<'a>,
    /// The time of sending, in the scheme's form.
    pub(super) time: String,
    /// The signature that would pass.
    pub(super) right: String,
}

impl<'a> Making<'a> {
    pub(super) fn new(signer: &'a Signer, delivery: Delivery, sending: Sending<'a>) -> Self {
        let time = signer.scheme().unit().write(sending.at);
        let (bare, delivery) = (delivery.clone(), signer.ready(delivery));
        let right = signer.signature(&delivery, Envelope { time: &time, id: sending.id, origin: sending.origin });
        Self { signer, delivery, bare, sending, time, right }
    }

    /// The header that carries the signature; every contract has one.
    pub(super) fn carrier(&self) -> Option<&'a SignatureHeader> {
        self.signer.scheme.carrier()
    }

    pub(super) fn is_carrier(&self, line: &HeaderLine) -> bool {
        self.carrier().is_some_and(|carrier| line.name.eq_ignore_ascii_case(&carrier.name))
    }

    /// The header lines with `signature` in place of the right one.
    pub(super) fn lines(&self, signature: &str) -> Vec<HeaderLine> {
        self.signer.lines_with(signature, &self.time, self.sending.id)
    }

    /// The whole value of the carrier's line with this signature.
    pub(super) fn carrier_value(&self, signature: &str) -> Vec<u8> {
        self.carrier().map(|carrier| filled(&carrier.value, signature, &self.time, self.sending.id)).unwrap_or_default()
    }

    /// The right signature with another character at byte `at`.
    pub(super) fn flipped(&self, at: usize) -> String {
        with_other_char(&self.right, at)
    }

    /// A signature of zeros alone: as long as the right one, and well written.
    pub(super) fn zeros(&self) -> String {
        let encoding = self.signer.scheme().encoding;
        if encoding == Encoding::Text {
            return "0".repeat(self.right.len());
        }
        let bytes = encoding.read(self.right.as_bytes()).map_or(self.right.len(), |bytes| bytes.len());
        encoding.write(&vec![0; bytes])
    }

    /// The right signature without the padding that its encoding ends in.
    pub(super) fn bare_signature(&self) -> &str {
        match self.signer.scheme().encoding {
            Encoding::Base64 | Encoding::Base64url => self.right.trim_end_matches('='),
            Encoding::Hex | Encoding::HexUpper | Encoding::Text => &self.right,
        }
    }

    /// The place of the last character all of whose bits count: base64 ends in some that do not.
    pub(super) fn last_that_counts(&self) -> usize {
        self.bare_signature().len()
            - match self.signer.scheme().encoding {
                Encoding::Hex | Encoding::HexUpper | Encoding::Text => 1,
                Encoding::Base64 | Encoding::Base64url => 2,
            }
    }

    pub(super) fn with_lines(self, lines: Vec<HeaderLine>) -> Delivery {
        placed(self.delivery, lines)
    }

    /// Signed honestly, but over another body.
    pub(super) fn signed_for_other_bytes(self) -> Delivery {
        let other = self.signer.ready(Delivery { body: ANOTHER_BODY.into(), ..self.bare.clone() });
        let envelope = Envelope { time: &self.time, id: self.sending.id, origin: self.sending.origin };
        let signature = self.signer.signature(&other, envelope);
        self.with_signature(&signature)
    }

    /// Signed with another hash function, which is named where the scheme names its own.
    pub(super) fn naming(self, digest: DigestName) -> Delivery {
        let other = naming(self.signer, digest);
        let delivery = other.ready(self.bare);
        let lines = other.header_lines(&delivery, self.sending.id, self.sending.origin, self.sending.at);
        placed(delivery, lines)
    }

    /// Signed with a form of the scheme that covers less, and says so.
    pub(super) fn in_a_narrower_form(self) -> Delivery {
        let forms = &self.signer.scheme().narrower;
        let form = self.sending.which.checked_rem(forms.len()).map(|at| &forms[at]);
        let other = form.map_or_else(|| self.signer.clone(), |form| narrowed(self.signer, form));
        let delivery = other.ready(self.bare);
        let lines = other.header_lines(&delivery, self.sending.id, self.sending.origin, self.sending.at);
        placed(delivery, lines)
    }

    /// Over the body alone, and nothing but the signature in its line.
    pub(super) fn in_old_form(self) -> Delivery {
        let signature = self.signer.over_body_alone(&self.delivery);
        self.with_carrier_value(signature.as_bytes())
    }

    /// Signed honestly, with another value in a signed member afterwards; one that was not there is put in.
    pub(super) fn with_a_member_changed(self) -> Delivery {
        let message = &self.signer.scheme().message;
        let mut paths: Vec<&str> = message.placeholders().filter_map(|name| name.strip_prefix("member:")).collect();
        // From the last: the first is the key, as a rule.
        paths.reverse();
        let path = self.sending.which.checked_rem(paths.len()).map(|at| paths[at]);
        let right = self.right.clone();
        let signed = self.with_signature(&right);
        let changed = path.and_then(|path| with_member_at(&signed.body, path, &another(member_in(&signed.body, path))));
        Delivery { body: changed.map_or_else(|| signed.body.clone(), Into::into), ..signed }
    }

    pub(super) fn with_signature(self, signature: &str) -> Delivery {
        let lines = self.lines(signature);
        self.with_lines(lines)
    }

    pub(super) fn with_mac(self, mac: impl Fn(&Signer, &Delivery, Envelope<'_>) -> Vec<u8>) -> Delivery {
        let envelope = Envelope { time: &self.time, id: self.sending.id, origin: self.sending.origin };
        let signature = self.signer.scheme.encoding.write(&mac(self.signer, &self.delivery, envelope));
        self.with_signature(&signature)
    }

    pub(super) fn with_carrier_value(self, value: &[u8]) -> Delivery {
        let mut lines = self.lines(&self.right);
        lines.iter_mut().filter(|line| self.is_carrier(line)).for_each(|line| line.value = value.to_vec().into());
        self.with_lines(lines)
    }

    /// The header lines but for the signature's own.
    pub(super) fn lines_without_carrier(&self) -> Vec<HeaderLine> {
        self.lines(&self.right).into_iter().filter(|line| !self.is_carrier(line)).collect()
    }

    pub(super) fn without_carrier(self) -> Delivery {
        let lines = self.lines_without_carrier();
        self.with_lines(lines)
    }

    /// Several lines of the carrier, each with one signature.
    pub(super) fn twice(self, signatures: &[&str]) -> Delivery {
        let mut lines = self.lines_without_carrier();
        for signature in signatures {
            lines.extend(self.lines(signature).into_iter().filter(|line| self.is_carrier(line)));
        }
        self.with_lines(lines)
    }

    /// Signed by somebody else; by nobody's secret where there is none.
    pub(super) fn signed_by(self, other: Option<Signer>) -> Delivery {
        let other = other.unwrap_or_else(|| self.signer.with_key(OTHER_SECRET));
        let lines = other.header_lines(&self.delivery, self.sending.id, self.sending.origin, self.sending.at);
        self.with_lines(lines)
    }

    /// Signed honestly, as if it were sent at another instant.
    pub(super) fn signed_at(self, at: UnixMicros) -> Delivery {
        let lines = self.signer.header_lines(&self.delivery, self.sending.id, self.sending.origin, at);
        self.with_lines(lines)
    }
}

/// Another value of the same kind, as JSON.
fn another(value: Option<Value>) -> String {
    match value {
        Some(Value::Bool(flag)) => (!flag).to_string(),
        Some(Value::Number(number)) => if number.as_u64() == Some(7) { "8" } else { "7" }.to_owned(),
        Some(Value::String(text)) => quoted(&format!("{text}0")),
        Some(Value::Null | Value::Array(_) | Value::Object(_)) | None => quoted("0"),
    }
}
