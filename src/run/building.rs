//! From a scenario's `deliver` to the bytes that travel.

use std::borrow::Cow;

use bytes::Bytes;

use super::stage::Stage;
use crate::check::Records;
use crate::contract::key::KeyForm;
use crate::delivery::{Delivery, HeaderLine};
use crate::http::Shipment;
use crate::scenario::deliver::Deliver;
use crate::sign::spoiling::with_member;
use crate::sign::tamper::Sending;
use crate::sign::unhex;

/// A delivery that is ready to travel, and what the judge must know of it.
pub struct Built {
    /// What travels, and how.
    pub shipment: Shipment,
    /// The key as the receiver should understand it; empty when there is none.
    pub key: String,
    /// The body before the key was put into it (the same, where the key travels in a header).
    pub plain_body: Bytes,
    /// Text that no answer may reveal: the signature that would have passed.
    pub right_signature: Vec<String>,
}

/// Bodies of named deliveries before a key was put into them.
pub type PlainBodies = std::collections::BTreeMap<String, Bytes>;

/// What a delivery is built from, beside its own description.
pub struct Workshop<'a> {
    /// What all scenarios share.
    pub stage: &'a Stage,
    /// Earlier deliveries.
    pub records: &'a Records,
    /// Their bodies.
    pub plain_bodies: &'a PlainBodies,
}

impl Workshop<'_> {
    /// Builds one delivery.
    ///
    /// * `key`: the key to use whatever the description says (bursts).
    /// * `body`: the body to use whatever the description says (bursts).
    ///
    /// # Errors
    /// Why this delivery cannot be made under this contract, as a sentence.
    pub fn build(&self, deliver: &Deliver, key: Option<&[u8]>, body: Option<&Bytes>) -> Result<Built, String> {
        let contract = &self.stage.contract;
        let unique = self.stage.unique();
        let plain_body = match body {
            Some(body) => body.clone(),
            None => self.body(deliver, &unique)?,
        };
        let key_bytes = match key {
            Some(key) => Some(key.to_vec()),
            None => self.key(deliver, &unique)?,
        };
        let mut headers = Vec::new();
        let content_type = deliver.content_type.as_deref().unwrap_or(&contract.endpoint.content_type);
        if !content_type.is_empty() {
            headers.push(HeaderLine::new("Content-Type", content_type.to_owned()));
        }
        let mut travels = plain_body.clone();
        if let Some(key) = &key_bytes {
            match (&contract.key.header, &contract.key.body_member) {
                (Some(header), _) => headers.push(HeaderLine::new(header.clone(), written(key, contract.key.form).into_owned())),
                (None, Some(member)) => travels = body_with_key(&plain_body, member, key)?,
                (None, None) => {}
            }
        }
        if let Some(ttl) = deliver.ttl {
            let header = contract.ttl.as_ref().and_then(|ttl| ttl.header.clone());
            let header = header.ok_or("the contract has no header that gives a delivery its own TTL")?;
            headers.push(HeaderLine::new(header, ttl.to_string()));
        }
        headers.extend(deliver.headers.iter().map(|(name, value)| HeaderLine::new(name.clone(), value.replace("{unique}", &unique))));
        let unsigned = Delivery {
            method: deliver.method.clone().unwrap_or_else(|| contract.endpoint.method.clone()),
            path: contract.endpoint.path.clone(),
            headers,
            body: travels,
        };
        let key = key_bytes.map(|key| String::from_utf8_lossy(key.trim_ascii()).into_owned()).unwrap_or_default();
        let (delivery, right_signature) = self.signed(deliver, unsigned, &key, &unique)?;
        let shipment = Shipment { delivery, framing: deliver.framing, header_case: deliver.header_case, connection: deliver.connection };
        Ok(Built { shipment, key, plain_body, right_signature })
    }

    fn signed(&self, deliver: &Deliver, unsigned: Delivery, key: &str, unique: &str) -> Result<(Delivery, Vec<String>), String> {
        let stage = self.stage;
        let sending = Sending { id: key, origin: &stage.origin, at: stage.clock.now() };
        let lines = stage.signer.header_lines(&unsigned, sending.id, sending.origin, sending.at);
        let right = lines.iter().map(|line| String::from_utf8_lossy(&line.value).into_owned()).collect();
        let over = match (&deliver.signed_over, &deliver.signed_over_raw) {
            (Some(file), _) => Some(stage.body_file(file, unique)?),
            (None, Some(text)) => Some(Bytes::from(text.replace("{unique}", unique))),
            (None, None) => None,
        };
        if let Some(over) = over {
            let other = Delivery { body: over, ..unsigned.clone() };
            let mut delivery = unsigned;
            delivery.headers.extend(stage.signer.header_lines(&other, sending.id, sending.origin, sending.at));
            return Ok((delivery, right));
        }
        match deliver.signature {
            None => {
                let mut delivery = unsigned;
                delivery.headers.extend(lines);
                Ok((delivery, right))
            }
            Some(tamper) if tamper.needs_time() && stage.contract.signature.time.is_none() => {
                Err("the contract's signatures do not carry a time".to_owned())
            }
            Some(tamper) => Ok((tamper.apply(&stage.signer, unsigned, sending), right)),
        }
    }

    /// The body of a delivery before a key is put into it.
    ///
    /// # Errors
    /// When a file that it names is not there, as a sentence.
    pub fn body(&self, deliver: &Deliver, unique: &str) -> Result<Bytes, String> {
        if let Some(file) = &deliver.body {
            return self.stage.body_file(file, unique);
        }
        if let Some(raw) = deliver.raw.as_ref().or(deliver.json.as_ref()) {
            return Ok(Bytes::from(raw.replace("{unique}", unique)));
        }
        if let Some(digits) = &deliver.hex {
            return bytes_of("hex", digits).map(Bytes::from);
        }
        if let Some(fill) = &deliver.fill {
            let size = fill.size(self.stage.contract.limits.body_bytes);
            return Ok(Bytes::from(fill.text.bytes().cycle().take(size).collect::<Vec<u8>>()));
        }
        if let Some(bytes) = deliver.random_bytes {
            return Ok(self.stage.random_bytes(bytes));
        }
        if let Some(of) = &deliver.body_of {
            return self.plain_bodies.get(of).cloned().ok_or_else(|| format!("no delivery is called `{of}`"));
        }
        self.stage.body_file(&self.stage.catalogue.ordinary_body, unique)
    }

    fn key(&self, deliver: &Deliver, unique: &str) -> Result<Option<Vec<u8>>, String> {
        if deliver.no_key {
            return Ok(None);
        }
        if let Some(text) = &deliver.key {
            return Ok(Some(self.records.fill(&text.replace("{unique}", unique)).into_bytes()));
        }
        if let Some(of) = &deliver.key_of {
            let earlier = self.records.one(of).ok_or_else(|| format!("no delivery is called `{of}`"))?;
            let header = self.stage.contract.key.header.as_deref();
            // The very bytes that travelled, quotes aside: a key may be more than text.
            let bytes = match (header.and_then(|name| earlier.delivery.header(name)), self.stage.contract.key.form) {
                (Some(value), KeyForm::Bare | KeyForm::Uuid) => value.to_vec(),
                (Some(_), KeyForm::Quoted | KeyForm::Either) | (None, _) => earlier.key.clone().into_bytes(),
            };
            return Ok(Some(bytes));
        }
        if let Some(length) = deliver.key_length {
            return Ok(Some(unique.bytes().chain(std::iter::repeat(b'k')).take(length).collect()));
        }
        if let Some(digits) = &deliver.key_hex {
            return Ok(Some([unique.as_bytes(), &bytes_of("key_hex", digits)?].concat()));
        }
        Ok(Some(unique.as_bytes().to_vec()))
    }
}

fn bytes_of(member: &str, digits: &str) -> Result<Vec<u8>, String> {
    let digits: String = digits.chars().filter(|c| !c.is_whitespace()).collect();
    unhex(digits.as_bytes()).ok_or_else(|| format!("`{member}` is not made of pairs of hex digits"))
}

/// A key as its header writes it.
fn written(key: &[u8], form: KeyForm) -> Cow<'_, [u8]> {
    match form {
        KeyForm::Bare | KeyForm::Either | KeyForm::Uuid => Cow::Borrowed(key),
        KeyForm::Quoted => {
            let mut quoted = vec![b'"'];
            for byte in key {
                if matches!(byte, b'"' | b'\\') {
                    quoted.push(b'\\');
                }
                quoted.push(*byte);
            }
            quoted.push(b'"');
            Cow::Owned(quoted)
        }
    }
}

fn body_with_key(body: &Bytes, member: &str, key: &[u8]) -> Result<Bytes, String> {
    if body.trim_ascii_start().first() != Some(&b'{') {
        return Err("the contract's key travels in a JSON object, and this body is not one".to_owned());
    }
    let quoted = serde_json::Value::String(String::from_utf8_lossy(key).into_owned()).to_string();
    Ok(with_member(body, member, &quoted[1..quoted.len() - 1]).into())
}
