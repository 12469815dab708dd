//! What a delivery claims with its signature, for defects that let wrong ones pass.

use crate::delivery::Delivery;
use crate::reference::hooks::Around;
use crate::sign::spoiling::USUAL_NAMES;
use crate::sign::{Envelope, Scheme, Signer};
use crate::template::{Part, Template};

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
        let envelope = Envelope { time: time_of(signer.scheme(), around.delivery), id: around.key.as_bytes(), origin: around.origin };
        let found = found_in(signer.scheme(), around.delivery).into_iter().next();
        Self { signer, delivery: around.delivery, envelope, right: signer.signature(around.delivery, envelope), found }
    }

    /// A claim for each signature of a list; one where nothing is there.
    pub(super) fn each(self) -> Vec<Self> {
        let all = found_in(self.signer.scheme(), self.delivery);
        if all.len() < 2 {
            return vec![self];
        }
        let one = |found| Self { found: Some(found), right: self.right.clone(), ..self };
        all.into_iter().map(one).collect()
    }

    /// Whether the signature's header is there twice.
    pub(super) fn stands_twice(&self, around: Around<'_>) -> bool {
        let name = self.signer.scheme().headers.first().map_or("", |header| header.name.as_str());
        around.delivery.header_values(name).count() > 1
    }

    pub(super) fn holds_over(&self, body: &[u8]) -> bool {
        let other = Delivery { body: body.to_vec().into(), ..self.delivery.clone() };
        self.found.as_deref() == Some(self.signer.signature(&other, self.envelope).as_str())
    }

    pub(super) fn made(&self, how: impl Fn(&Signer, &Delivery, Envelope<'_>) -> Vec<u8>) -> String {
        self.signer.scheme().encoding.write(&how(self.signer, self.delivery, self.envelope))
    }

    /// The right signature in a header line that is not the scheme's.
    pub(super) fn stands_in_other_header(&self) -> bool {
        let is_ours = |name: &str| self.signer.scheme().headers.iter().any(|header| header.name.eq_ignore_ascii_case(name));
        self.delivery.headers.iter().any(|line| !is_ours(&line.name) && line.value.ends_with(self.right.as_bytes()))
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

/// The signed time as it stands there, in a line or an item of its own.
fn time_of<'d>(scheme: &Scheme, delivery: &'d Delivery) -> &'d str {
    let found = scheme.headers.iter().filter(|header| header.carries("t")).find_map(|header| {
        let value = delivery.header(&header.name)?.trim_ascii();
        let time = |template: &Template, text: &'d [u8]| {
            let said = template.matches(text)?.into_iter().find(|(name, _)| *name == "t")?.1;
            std::str::from_utf8(said).ok()
        };
        match scheme.separator_of(header) {
            None => time(&header.value, value),
            Some(separator) => {
                let text = std::str::from_utf8(value).ok()?;
                let templates = header.value.split(separator);
                text.split(separator).find_map(|item| templates.iter().find_map(|template| time(template, item.as_bytes())))
            }
        }
    });
    found.unwrap_or_default()
}

/// What stands where the signature should be, read as carelessly as can be, one for each signature of a list; nothing where nothing
/// is there at all.
fn found_in(scheme: &Scheme, delivery: &Delivery) -> Vec<String> {
    read_in(scheme, delivery).unwrap_or_default()
}

fn read_in(scheme: &Scheme, delivery: &Delivery) -> Option<Vec<String>> {
    let carrier = scheme.carrier()?;
    let whole = match carrier.member() {
        Some(path) => crate::message::member_text(&delivery.body, path)?,
        None => String::from_utf8_lossy(delivery.header(&carrier.name)?).into_owned(),
    };
    let items = scheme.separator_of(carrier).map_or_else(|| vec![carrier.value.clone()], |separator| carrier.value.split(separator));
    let own = items.into_iter().find(|item| item.placeholders().any(|name| name == "sig"))?;
    let stripped = |text: &str| match (own.parts().first(), own.parts().last()) {
        (Some(Part::Literal(before)), Some(Part::Literal(after))) => {
            text.strip_prefix(before.as_str())?.strip_suffix(after.as_str()).map(str::to_owned)
        }
        (Some(Part::Literal(before)), _) => text.strip_prefix(before.as_str()).map(str::to_owned),
        (_, _) => None,
    };
    let all: Vec<String> = match scheme.separator_of(carrier) {
        None => stripped(&whole).into_iter().collect(),
        Some(separator) => whole.split(separator).filter_map(stripped).collect(),
    };
    // A time before the signature in one line: what follows its mark.
    Some(if all.is_empty() || own.placeholders().count() != 1 { vec![whole] } else { all })
}
