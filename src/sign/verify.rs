//! Reading a signature back: why a delivery's signature does not hold.
//!
//! Works for every scheme that [`super::Scheme`] can describe: the header
//! templates that the sender fills in are the ones that are matched here.

use super::{Envelope, SignatureHeader, Signer};
use crate::clock::UnixMicros;
use crate::delivery::Delivery;

/// Why a signature does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadSignature {
    /// No header, or an empty one.
    Missing,
    /// A header that stands twice, or cannot be read.
    Malformed,
    /// The signed time lies too far from now.
    Stale,
    /// Another signature than the secret gives.
    Wrong,
}

/// What the scheme's header lines of one delivery say.
#[derive(Default)]
struct Claim {
    signatures: Vec<String>,
    time: Option<String>,
    id: Option<String>,
}

impl Signer {
    /// Whether `delivery` bears a signature that holds at `now`.
    ///
    /// * `key`: the delivery's idempotency key, which `{id}` stands for where
    ///   no header carries an id of its own.
    /// * `origin`: `http://host:port` as the sender knows it, for schemes that sign the URL.
    ///
    /// # Errors
    /// [`BadSignature`], the first reason that was found.
    pub fn verify(&self, delivery: &Delivery, key: &str, origin: &str, now: UnixMicros) -> Result<(), BadSignature> {
        let mut claim = Claim::default();
        for header in &self.scheme.headers {
            self.read_header(header, delivery, &mut claim)?;
        }
        if claim.signatures.is_empty() {
            return Err(BadSignature::Malformed);
        }
        let time = claim.time.unwrap_or_default();
        self.within_tolerance(&time, now)?;
        let envelope = Envelope { time: &time, id: claim.id.as_deref().unwrap_or(key), origin };
        let decoded: Vec<Vec<u8>> = claim.signatures.iter().filter_map(|text| self.decode(text)).collect();
        if decoded.is_empty() {
            return Err(BadSignature::Malformed);
        }
        let mac = self.fed(delivery, envelope);
        if decoded.iter().any(|bytes| mac.clone().holds(bytes)) { Ok(()) } else { Err(BadSignature::Wrong) }
    }

    fn read_header(&self, header: &SignatureHeader, delivery: &Delivery, claim: &mut Claim) -> Result<(), BadSignature> {
        let mut lines = delivery.header_values(&header.name);
        let line = lines.next().ok_or(BadSignature::Missing)?;
        if lines.next().is_some() {
            return Err(BadSignature::Malformed); // requirement AUTH-10
        }
        let text = std::str::from_utf8(line).map_err(|_| BadSignature::Malformed)?;
        if text.trim().is_empty() {
            return Err(BadSignature::Missing);
        }
        match &self.scheme.several {
            None => take(header.value.matches(text).ok_or(BadSignature::Malformed)?, claim),
            Some(several) => {
                let templates = header.value.split(&several.separator);
                for item in text.split(several.separator.as_str()) {
                    // An item that no template fits is another version's: not ours to judge.
                    if let Some(found) = templates.iter().find_map(|template| template.matches(item)) {
                        take(found, claim);
                    }
                }
            }
        }
        Ok(())
    }

    fn within_tolerance(&self, time: &str, now: UnixMicros) -> Result<(), BadSignature> {
        let Some(tolerance) = self.scheme.time else { return Ok(()) };
        let signed_at: i64 = time.parse().map_err(|_| BadSignature::Malformed)?;
        let signed_at = UnixMicros::from_secs(signed_at);
        let now = UnixMicros::from_secs(now.secs());
        let too_old = now.since(signed_at) > tolerance.past.0;
        let too_early = tolerance.future.is_some_and(|future| signed_at.since(now) > future.0);
        if too_old || too_early { Err(BadSignature::Stale) } else { Ok(()) }
    }
}

fn take(found: Vec<(&str, &str)>, claim: &mut Claim) {
    for (name, value) in found {
        match name {
            "sig" => claim.signatures.push(value.to_owned()),
            "t" => claim.time = Some(value.to_owned()),
            "id" => claim.id = Some(value.to_owned()),
            _ => {}
        }
    }
}
