//! What a delivery claims with its signature, for defects that let wrong ones pass.

use crate::delivery::Delivery;
use crate::reference::seams::Around;
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
        let envelope = Envelope { time: "", id: around.key, origin: "" };
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
        let without = [format!("\"signature\":\"{claimed}\","), format!("\"signature\":\"{claimed}\"")];
        without.iter().any(|member| {
            let other = Delivery { body: text.replacen(member.as_str(), "", 1).into(), ..self.delivery.clone() };
            self.signer.signature(&other, self.envelope) == claimed
        })
    }
}
