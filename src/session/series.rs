//! Series of deliveries: key after key and body after body, as a load sends them.
//!
//! In: supplies, and what every delivery of the series is like. Out: requests
//! as they travel. All are the [`DeliveryBuilder`]'s; where a signature only
//! adds header lines, what the builder makes is taken apart once, and of the
//! honest deliveries key, signature and body alone are written anew, without
//! what building them would allocate.

use bytes::Bytes;

use super::bodies::travelling;
use super::deliveries::{DeliveryBuilder, PlainBodies, way};
use super::supplies::Supplies;
use crate::clock::UnixMicros;
use crate::delivery::Delivery;
use crate::judge::check::Bindings;
use crate::scenario::deliver::Deliver;
use crate::sign::tamper::Tamper;
use crate::transport::codec::encode::Template;
use crate::transport::{Target, Transmission};

/// Deliveries that differ in key, body, time and signature.
pub struct Series {
    supplies: Supplies,
    deliver: Deliver,
    /// A delivery without its header lines and its body.
    bare: Delivery,
    /// What is the same in all of them as it travels; none where a signature needs more than [`Series::bare`] and a body.
    template: Option<Template>,
    bindings: Bindings,
    plain_bodies: PlainBodies,
}

impl Series {
    /// A series of deliveries that are what `deliver` says, key, body and signature aside.
    ///
    /// * `body`: one of its bodies, before a key is put into it; where one has room for the key, all must.
    ///
    /// # Errors
    /// Why such deliveries cannot be made under the contract, as a sentence.
    pub fn new(supplies: Supplies, target: &Target, deliver: Deliver, body: &Bytes) -> Result<Self, String> {
        let (bindings, plain_bodies) = (Bindings::default(), PlainBodies::new());
        let mut series = Self { supplies, deliver, bare: Delivery::default(), template: None, bindings, plain_bodies };
        let key = series.supplies.contract.key.unique_key("hg", 0);
        let one = series.builder(UnixMicros(0)).unsigned(&series.deliver, Some(key.as_bytes()), body, "")?;
        series.bare = Delivery { method: one.method.clone(), path: one.path.clone(), ..Delivery::default() };
        let scheme = series.supplies.signer.scheme();
        let signs_lines = scheme.message.placeholders().any(|name| name.starts_with("header:"));
        if let (Some(header), true, None) =
            (&series.supplies.contract.key.header, scheme.only_adds_lines() && !signs_lines, series.deliver.door)
        {
            series.template = Template::new(target, &Transmission { delivery: one, ..way(&series.deliver) }, header);
        }
        Ok(series)
    }

    fn builder(&self, now: UnixMicros) -> DeliveryBuilder<'_> {
        DeliveryBuilder { supplies: &self.supplies, now, signs_at: now, bindings: &self.bindings, plain_bodies: &self.plain_bodies }
    }

    /// What deliveries are made from.
    #[must_use]
    pub fn supplies(&self) -> &Supplies {
        &self.supplies
    }

    /// A delivery without its header lines: what a signature covers, and what an answer is held against.
    #[must_use]
    pub fn bare(&self) -> Delivery {
        self.bare.clone()
    }

    /// Whether honest deliveries may go by [`Series::write`].
    #[must_use]
    pub fn is_quick(&self) -> bool {
        self.template.is_some()
    }

    /// The body that travels with a key, before it is signed.
    ///
    /// # Errors
    /// Why it has no room for the key, as a sentence.
    pub fn travelling_body(&self, plain_body: Bytes, key: &str) -> Result<Bytes, &'static str> {
        travelling(&self.supplies.contract, plain_body, Some(key.as_bytes()))
    }

    /// Writes an honest request behind what `outbox` holds: what [`Series::one`] makes, byte for byte. Nothing where the series is not quick.
    ///
    /// * `delivery`: [`Series::bare`] with the body that travels.
    pub fn write(&self, outbox: &mut Vec<u8>, delivery: &Delivery, key: &str, now: UnixMicros) {
        let Some(template) = &self.template else { return };
        let (supplies, place) = (&self.supplies, &self.supplies.contract.key);
        let lines = supplies.signer.header_lines(delivery, place.signed_id(key.as_bytes()), &supplies.origin, now);
        let lines = lines.iter().map(|line| (line.name.as_str(), line.value.as_ref()));
        template.write(outbox, &place.write(key.as_bytes()), lines, &delivery.body);
    }

    /// One signed delivery with header lines of its own, as [`Series::one`] makes it.
    ///
    /// * `headers`: names and values that the contract leaves free.
    ///
    /// # Errors
    /// As [`Series::one`].
    pub fn one_with(
        &self,
        key: Option<&str>,
        plain_body: &Bytes,
        tamper: Option<Tamper>,
        headers: &[(String, String)],
        now: UnixMicros,
    ) -> Result<Transmission, String> {
        if headers.is_empty() {
            return self.one(key, plain_body, tamper, now);
        }
        let mut other = Deliver { no_key: key.is_none(), signature: tamper, ..self.deliver.clone() };
        other.headers.extend(headers.iter().cloned());
        self.builder(now).given(&other, key, plain_body, "")
    }

    /// One signed delivery of the series, honest or spoiled, with a key or without.
    ///
    /// * `plain_body`: before a key is put into it.
    ///
    /// # Errors
    /// Why it cannot be made under the contract, as a sentence.
    pub fn one(&self, key: Option<&str>, plain_body: &Bytes, tamper: Option<Tamper>, now: UnixMicros) -> Result<Transmission, String> {
        let builder = self.builder(now);
        if key.is_some() && tamper.is_none() {
            return builder.given(&self.deliver, key, plain_body, "");
        }
        let other = Deliver { no_key: key.is_none(), signature: tamper, ..self.deliver.clone() };
        builder.given(&other, key, plain_body, "")
    }
}
