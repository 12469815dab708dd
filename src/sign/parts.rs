//! Parts of what is signed, and what a scheme puts into a delivery before and after signing.
//!
//! Takes a delivery and its envelope, gives the bytes of each placeholder in
//! order, so that a long body is never copied. JSON and forms are read here
//! where a scheme signs what stands in them, and nowhere else.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::address::Address;
use super::mac::DigestName;
use super::{Bodies, Envelope, SignatureHeader, Signer, sha256, sha256_hex};
use crate::delivery::{Delivery, HeaderLine};
use crate::message::spelling::{is_form, quoted, with_member_at};
use crate::message::{form_pairs, member_at};
use crate::template::{Part, Template};

/// Gives the parts of a message in order.
///
/// * `whole`: the address that is signed, where the scheme names one.
pub(super) fn each_part(
    message: &Template,
    (delivery, whole): (&Delivery, Option<&str>),
    envelope: Envelope<'_>,
    take: &mut dyn FnMut(&[u8]),
) {
    let address = Address::of(whole, envelope.origin, &delivery.path);
    // Read once, however many members are signed.
    let mut json: Option<Value> = None;
    for part in message.parts() {
        match part {
            Part::Literal(text) => take(text.as_bytes()),
            Part::Placeholder(name) => match name.as_str() {
                "body" => take(&delivery.body),
                "t" => take(envelope.time.as_bytes()),
                "id" => take(envelope.id),
                "method" => take(delivery.method.as_bytes()),
                "path" => [address.prefix, address.path].into_iter().for_each(|part| take(part.as_bytes())),
                "path_only" => {
                    let plain = Address { path: delivery.path_and_query(), ..address };
                    let address = if whole.is_some() { address } else { plain };
                    address.path_only().into_iter().for_each(|part| take(part.as_bytes()));
                }
                "url" => {
                    let parts = [address.scheme, address.authority, address.prefix, address.path];
                    parts.into_iter().for_each(|part| take(part.as_bytes()));
                }
                "authority" => take(address.authority.as_bytes()),
                "form_sorted" => each_field(&delivery.body, take),
                other => {
                    if let Some(digest) = digest_of(other, &delivery.body) {
                        take(digest.as_bytes());
                    } else if let Some(value) = other.strip_prefix("header:").and_then(|header| delivery.header(header)) {
                        take(value);
                    } else if let Some(path) = other.strip_prefix("member:") {
                        let body = json.get_or_insert_with(|| serde_json::from_slice(&delivery.body).unwrap_or_default());
                        take(text_at(body, path).as_bytes());
                    }
                }
            },
        }
    }
}

/// Each name of a form and its value, sorted; what stands there twice counts once.
fn each_field(body: &[u8], take: &mut dyn FnMut(&[u8])) {
    let mut pairs: Vec<(Vec<u8>, Vec<u8>)> = form_pairs(body).collect();
    pairs.sort();
    pairs.dedup();
    for (name, value) in pairs {
        take(&name);
        take(&value);
    }
}

/// A member as text; what is not there, or is no single value, is nothing.
fn text_at(body: &Value, path: &str) -> String {
    match member_at(body, path) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        Some(Value::Bool(flag)) => flag.to_string(),
        Some(Value::Null | Value::Array(_) | Value::Object(_)) | None => String::new(),
    }
}

/// A digest of the body by its placeholder.
fn digest_of(placeholder: &str, body: &[u8]) -> Option<String> {
    match placeholder {
        "sha256hex(body)" => Some(sha256_hex(body)),
        "sha256base64(body)" => Some(STANDARD.encode(sha256(body))),
        "sha512base64(body)" => Some(STANDARD.encode(DigestName::Sha512.hash(body))),
        _ => None,
    }
}

/// A value that stands in a delivery before anything is signed.
pub(super) fn prepared(value: &Template, body: &[u8]) -> Vec<u8> {
    value.fill_bytes(&|name| digest_of(name, body).map(|text| Cow::Owned(text.into_bytes())))
}

/// The delivery with these lines: in its header, or in its body where they are members of it.
///
/// A body that has no room for a member stays without.
pub(super) fn placed(mut delivery: Delivery, lines: Vec<HeaderLine>) -> Delivery {
    for line in lines {
        match line.name.strip_prefix(super::IN_BODY) {
            None => delivery.headers.push(line),
            Some(path) => {
                let value = quoted(&String::from_utf8_lossy(&line.value));
                if let Some(body) = with_member_at(&delivery.body, path, &value) {
                    delivery.body = body.into();
                }
            }
        }
    }
    delivery
}

impl Signer {
    /// The address that is signed in place of the delivery's own, where the scheme names one: with what the scheme puts into a query.
    pub(super) fn whole_address(&self, body: &[u8]) -> Option<String> {
        let mut whole = self.scheme.address.clone()?;
        for one in &self.scheme.query {
            let name = format!("{}=", one.name);
            let query = whole.split_once('?').map(|(_, query)| query);
            if !query.is_some_and(|query| query.split('&').any(|pair| pair.starts_with(&name))) {
                let mark = if query.is_some() { '&' } else { '?' };
                whole = format!("{whole}{mark}{name}{}", String::from_utf8_lossy(&prepared(&one.value, body)));
            }
        }
        Some(whole)
    }

    /// The delivery before it is signed: with what the scheme puts into its query and its header whatever the signature.
    #[must_use]
    pub fn ready(&self, mut delivery: Delivery) -> Delivery {
        for one in &self.scheme.query {
            let mark = if delivery.path.contains('?') { '&' } else { '?' };
            let value = prepared(&one.value, &delivery.body);
            delivery.path = format!("{}{mark}{}={}", delivery.path, one.name, String::from_utf8_lossy(&value));
        }
        for header in self.scheme.headers.iter().filter(|header| header.is_prepared()) {
            let value = prepared(&header.value, &delivery.body);
            delivery.headers.push(HeaderLine::new(header.name.clone(), value));
        }
        delivery
    }

    /// Says why no honest sender could sign such a body, where none could.
    ///
    /// # Errors
    /// The reason, as a sentence.
    pub fn permits(&self, body: &[u8]) -> Result<(), &'static str> {
        if self.scheme.covers_form() {
            let is_text = || form_pairs(body).all(|(name, value)| [name, value].iter().all(|text| std::str::from_utf8(text).is_ok()));
            if !(body.is_empty() || is_form(body) && is_text()) {
                return Err("the contract's signature covers a form, and this body is none");
            }
        }
        if self.scheme.bodies == Bodies::Utf8 && std::str::from_utf8(body).is_err() {
            return Err("the contract's bodies are UTF-8 text (signature.bodies), and this one is not");
        }
        let mut members = self.scheme.headers.iter().filter_map(SignatureHeader::member);
        if members.any(|path| with_member_at(body, path, "\"\"").is_none()) {
            return Err("the contract's signature travels in a JSON body, and this one has no room for it");
        }
        Ok(())
    }

    /// The delivery with its members that carry a signature as lines, so that all are read alike.
    pub(super) fn expanded<'d>(&self, delivery: &'d Delivery) -> Cow<'d, Delivery> {
        let members: Vec<&SignatureHeader> = self.scheme.headers.iter().filter(|header| header.member().is_some()).collect();
        if members.is_empty() {
            return Cow::Borrowed(delivery);
        }
        let mut delivery = delivery.clone();
        let body: Value = serde_json::from_slice(&delivery.body).unwrap_or_default();
        for header in members {
            if let Some(text) = header.member().and_then(|path| member_at(&body, path)).and_then(Value::as_str) {
                delivery.headers.push(HeaderLine::new(header.name.clone(), text.to_owned()));
            }
        }
        Cow::Owned(delivery)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::UnixMicros;
    use crate::sign::Scheme;
    use crate::sign::verify::BadSignature;

    fn signer(yaml: &str) -> Signer {
        let mut scheme: Scheme = serde_saphyr::from_str(yaml).unwrap_or_else(|wrong| panic!("{wrong}: {yaml}"));
        scheme.settle(None);
        scheme.keyed(b"k").expect("any text is a key")
    }

    fn message(template: &str, delivery: &Delivery) -> String {
        let (mut all, envelope) = (Vec::new(), Envelope { time: "17", id: b"i", origin: "https://h:8" });
        each_part(&Template::read(template).expect("whole braces"), (delivery, None), envelope, &mut |bytes| all.extend_from_slice(bytes));
        String::from_utf8_lossy(&all).into_owned()
    }

    /// Digests: `printf %s '{}' | openssl dgst -sha256 -binary | base64`, and the same with -sha512.
    #[test]
    fn every_part_is_what_its_name_says() {
        let delivery = |body: &'static str| Delivery {
            method: "PUT".into(),
            path: "/a/b?c=d".into(),
            headers: vec![HeaderLine::new("Date", "now")],
            body: body.into(),
        };
        for (template, body, wanted) in [
            ("{method} {path} {path_only}", "", "PUT /a/b?c=d /a/b"),
            ("{url}|{authority}", "", "https://h:8/a/b?c=d|h:8"),
            ("{t}.{id}.{header:date}.{header:absent}", "", "17.i.now."),
            ("{sha256base64(body)}", "{}", "RBNvo1WzZ4oRRq0W9+hknpT7T8If536DEMBg9hyq/4o="),
            ("{sha512base64(body)}", "{}", "J8dGcK23UHX60FjVzq97IMTneGyDuuijL2Jvl4KvNMmjPCBG72D9Knh403jin+yFGAa72aZ4ePOp8c2kgwdj/Q=="),
            ("{form_sorted}", "To=%2B1&From=a+b&B&To=%2B1&A=2&A=1", "A1A2BFroma bTo+1"),
            ("{member:a.0.b}:{member:c}:{member:d}:{member:a}", r#"{"a":[{"b":"x"}],"c":10.50,"d":null}"#, "x:10.5::"),
        ] {
            assert_eq!(message(template, &delivery(body)), wanted, "{template} {body}");
        }
    }

    /// What stands in query, header and body is put there, covered, and missed where it is gone.
    #[test]
    fn what_is_prepared_is_covered() {
        let now = UnixMicros::from_secs(1_759_694_703);
        for (yaml, body) in [
            ("{message: '{url}', query: [{name: d, value: '{sha256hex(body)}'}], headers: [{name: S, value: '{sig}'}]}", "{}"),
            (
                "{message: '{header:content-digest}', headers: [{name: Content-Digest, value: 'sha-256=:{sha256base64(body)}:'}, {name: S, value: '{sig}'}, {name: Agent, value: me}]}",
                "{}",
            ),
            ("{message: '{member:a}', members: [{member: x.0.s, value: '{sig}'}]}", r#"{"a":1}"#),
        ] {
            let signer = signer(yaml);
            let bare = Delivery { method: "POST".into(), path: "/p?q".into(), body: body.into(), ..Delivery::default() };
            assert_eq!(signer.permits(&bare.body), Ok(()));
            let signed = signer.signed(bare.clone(), "", "http://h", now);
            assert_eq!(signer.verify(&signed, "", "http://h", now), Ok(()), "{yaml}");
            assert!(signer.verify(&bare, "", "http://h", now).is_err(), "{yaml}");
            let changed =
                Delivery { body: String::from_utf8_lossy(&signed.body).replace("{}", "[]").replace(":1", ":2").into(), ..signed.clone() };
            assert_eq!(signer.verify(&changed, "", "http://h", now), Err(BadSignature::Wrong), "{yaml}");
            let without = Delivery {
                path: "/p?q".into(),
                headers: signed.headers.iter().filter(|line| line.name != "Content-Digest").cloned().collect(),
                ..signed
            };
            assert_eq!(signer.verify(&without, "", "http://h", now).is_ok(), yaml.contains("members"), "{yaml}");
        }
        let members = signer("{message: '{member:a}', members: [{member: s, value: '{sig}'}]}");
        assert!(members.permits(b"[]").is_err() && members.permits(b"text").is_err());
        let form = signer("{message: '{form_sorted}', headers: [{name: S, value: '{sig}'}]}");
        assert!(
            form.permits(b"").is_ok() && form.permits(b"a=%ff").is_err() && form.permits(b"{}").is_err() && form.permits(b"a=%2B").is_ok()
        );
    }
}
