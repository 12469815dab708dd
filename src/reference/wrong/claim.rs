//! What a delivery claims with its signature, for defects that let wrong ones pass.

use crate::delivery::Delivery;
use crate::reference::seams::Around;
use crate::sign::spoiling::USUAL_NAMES;
use crate::sign::{Envelope, Signer, hex};

/// What a delivery says of its signature, and what would have been right.
pub(super) struct Claim<'a> {
    pub(super) signer: &'a Signer,
    delivery: &'a Delivery,
    pub(super) envelope: Envelope<'a>,
    pub(super) right: String,
    pub(super) found: Option<String>,
}

impl<'a> Claim<'a> {
    pub(super) fn of(around: Around<'a>, signer: &'a Signer) -> Self {
        let envelope = Envelope { time: "", id: around.key.as_bytes(), origin: "" };
        let name = signer.scheme().headers.first().map_or("", |header| header.name.as_str());
        let found = around.delivery.header(name).map(|value| String::from_utf8_lossy(value).into_owned());
        Self { signer, delivery: around.delivery, envelope, right: signer.signature(around.delivery, envelope), found }
    }

    pub(super) fn holds_over(&self, body: &[u8]) -> bool {
        let other = Delivery { body: body.to_vec().into(), ..self.delivery.clone() };
        self.found.as_deref() == Some(self.signer.signature(&other, self.envelope).as_str())
    }

    pub(super) fn made(&self, how: impl Fn(&Signer, &Delivery, Envelope<'_>) -> Vec<u8>) -> String {
        hex(&how(self.signer, self.delivery, self.envelope))
    }

    /// A member `signature` that is right over the rest of the body.
    pub(super) fn stands_in_body(&self) -> bool {
        let text = String::from_utf8_lossy(&self.delivery.body).into_owned();
        let Some(claimed) = crate::message::member_text(&self.delivery.body, "signature") else { return false };
        // The same signature may stand under several names: none of them is signed.
        let own_name = self.signer.scheme().carrier().map_or("", |carrier| carrier.name.as_str());
        let without = USUAL_NAMES.into_iter().chain([own_name]).fold(text, |text, name| {
            let member = format!("\"{name}\":\"{claimed}\"");
            text.replacen(&format!("{member},"), "", 1).replacen(&member, "", 1)
        });
        let other = Delivery { body: without.into(), ..self.delivery.clone() };
        self.signer.signature(&other, self.envelope) == claimed
    }
}
