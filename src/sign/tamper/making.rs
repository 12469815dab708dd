//! A signature in the making: what every tamper starts from.
//!
//! Takes a delivery and its sending, knows the right signature over it, and
//! adds header lines with another text in its place.

use super::{OTHER_SECRET, Sending};
use crate::clock::UnixMicros;
use crate::delivery::{Delivery, HeaderLine};
use crate::sign::signer::filled;
use crate::sign::spoiling::with_other_char;
use crate::sign::{Encoding, Envelope, SignatureHeader, Signer};

/// A delivery without a signature, and the right one for it.
pub(super) struct Making<'a> {
    pub(super) signer: &'a Signer,
    pub(super) delivery: Delivery,
    pub(super) sending: Sending<'a>,
    /// The time of sending, in the scheme's form.
    pub(super) time: String,
    /// The signature that would pass.
    pub(super) right: String,
}

impl<'a> Making<'a> {
    pub(super) fn new(signer: &'a Signer, delivery: Delivery, sending: Sending<'a>) -> Self {
        let time = signer.scheme().unit().write(sending.at);
        let right = signer.signature(&delivery, Envelope { time: &time, id: sending.id, origin: sending.origin });
        Self { signer, delivery, sending, time, right }
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
        let bytes = encoding.read(self.right.as_bytes()).map_or(self.right.len(), |bytes| bytes.len());
        encoding.write(&vec![0; bytes])
    }

    /// The place of the last character all of whose bits count: base64 ends in some that do not.
    pub(super) fn last_that_counts(&self) -> usize {
        self.right.trim_end_matches('=').len()
            - match self.signer.scheme().encoding {
                Encoding::Hex => 1,
                Encoding::Base64 | Encoding::Base64url => 2,
            }
    }

    pub(super) fn with_lines(mut self, lines: Vec<HeaderLine>) -> Delivery {
        self.delivery.headers.extend(lines);
        self.delivery
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
