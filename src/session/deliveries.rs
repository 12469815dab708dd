//! Deliveries: from what is wanted of one to the bytes that travel.

use std::time::Duration;

use bytes::Bytes;

use super::bodies::{filled, has_member, travelling};
use super::supplies::Supplies;
use crate::clock::UnixMicros;
use crate::contract::Contract;
use crate::contract::key::unique::Outside;
use crate::contract::key::{KeyForm, KeyPlace, KeyScope, odd};
use crate::delivery::{Answer, Delivery, HeaderLine, NoAnswer};
use crate::judge::Sent;
use crate::judge::check::Bindings;
use crate::message::spelling::{respelled, with_last_member_at};
use crate::scenario::deliver::{Burst, BurstBodies, Deliver, Door, MethodOverride};
use crate::sign::tamper::Sending;
use crate::sign::{Envelope, sha256_hex, unhex};
use crate::transport::{Exchange, Transmission};

/// A delivery that is ready to travel, and what the judge must know of it.
pub struct PreparedDelivery {
    /// What travels, and how.
    pub transmission: Transmission,
    /// The key as the receiver should understand it; empty when there is none.
    pub key: String,
    /// The body before the key was put into it (the same, where the key travels in a header).
    pub plain_body: Bytes,
    /// Text that no answer may reveal: the signature that would have passed.
    pub right_signature: Vec<Vec<u8>>,
}

impl PreparedDelivery {
    /// The same of what came over a connection, which may have been the second.
    pub(crate) fn exchanged(&self, sent_at: UnixMicros, exchange: Exchange) -> Sent {
        Sent { went_twice: exchange.went_twice, ..self.sent(sent_at, exchange.took, exchange.result) }
    }

    /// The delivery as it was sent, and what came of it; it arrived, alone, unless the caller knows better.
    pub(crate) fn sent(&self, sent_at: UnixMicros, took: Duration, result: Result<Answer, NoAnswer>) -> Sent {
        let delivery = self.transmission.delivery.clone();
        Sent {
            sha256: sha256_hex(&delivery.body),
            delivery,
            key: self.key.clone(),
            plain_body: self.plain_body.clone(),
            right_signature: self.right_signature.clone(),
            arrives: true,
            sent_at,
            took,
            own_delay: Duration::ZERO,
            went_twice: false,
            start_us: 0,
            result,
            beside: Vec::new(),
            when_told: None,
        }
    }
}

/// Bodies of named deliveries before a key was put into them.
pub type PlainBodies = std::collections::BTreeMap<String, Bytes>;

/// What a delivery is built from, beside its own description.
pub struct DeliveryBuilder<'a> {
    /// What it is made from.
    pub supplies: &'a Supplies,
    /// When it is sent, by the receiver's clock.
    pub now: UnixMicros,
    /// When it says that it was signed, where it is signed honestly.
    pub signs_at: UnixMicros,
    /// Earlier deliveries.
    pub bindings: &'a Bindings,
    /// Their bodies.
    pub plain_bodies: &'a PlainBodies,
}

impl DeliveryBuilder<'_> {
    /// Builds one delivery.
    ///
    /// * `key`: the key to use whatever the description says (bursts).
    /// * `body`: the body to use whatever the description says (bursts).
    ///
    /// # Errors
    /// Why this delivery cannot be made under this contract, as a sentence.
    pub fn build(&self, deliver: &Deliver, key: Option<&[u8]>, body: Option<&Bytes>) -> Result<PreparedDelivery, String> {
        let contract = &self.supplies.contract;
        let number = self.supplies.number();
        let unique = self.supplies.word(number);
        let plain_body = match body {
            Some(body) => body.clone(),
            None => self.body(deliver, &unique)?,
        };
        let plain_body = self.on_stream(deliver, plain_body, &unique)?;
        let key_bytes = match key {
            Some(key) => Some(key.to_vec()),
            None => self.key(deliver, number)?,
        };
        let unsigned = self.unsigned(deliver, key_bytes.as_deref(), &plain_body, &unique)?;
        let key_bytes = key_bytes.unwrap_or_default();
        let id = contract.key.signed_id(&key_bytes);
        let right_signature = self.right_signature(deliver, &unsigned, id);
        let transmission = self.transmitted(deliver, unsigned, id, &unique)?;
        let mut key = understood(&contract.key, &key_bytes);
        if deliver.key_as_number {
            key = odd::number(&key);
        }
        Ok(PreparedDelivery { transmission, key, plain_body, right_signature })
    }

    /// Builds one delivery of which all is given, for whoever counts answers and looks for nothing in them.
    ///
    /// * `key`: as the receiver should understand it; none without one.
    /// * `plain_body`: the body before a key is put into it.
    ///
    /// # Errors
    /// As [`DeliveryBuilder::build`].
    pub fn given(&self, deliver: &Deliver, key: Option<&str>, plain_body: &Bytes, unique: &str) -> Result<Transmission, String> {
        let key = key.map(str::as_bytes);
        let unsigned = self.unsigned(deliver, key, plain_body, unique)?;
        self.transmitted(deliver, unsigned, self.supplies.contract.key.signed_id(key.unwrap_or_default()), unique)
    }

    /// All of a delivery but its signature, and how it travels.
    pub(super) fn unsigned(&self, deliver: &Deliver, key: Option<&[u8]>, plain_body: &Bytes, unique: &str) -> Result<Delivery, String> {
        let contract = &self.supplies.contract;
        let body = match key {
            Some(key) if deliver.key_as_number => Bytes::from(contract.key.put_number_into_body(plain_body, key)?),
            None if deliver.no_key && contract.key.body_member.as_deref().is_some_and(|path| has_member(plain_body, path)) => {
                return Err("in this body the contract's key is where the scenario wants none".to_owned());
            }
            Some(key) if deliver.key_last => {
                let room = contract.key.body_member.as_deref().and_then(|path| with_last_member_at(plain_body, path, "\"\""));
                travelling(contract, room.map_or_else(|| plain_body.clone(), Bytes::from), Some(key))?
            }
            Some(_) | None => travelling(contract, plain_body.clone(), key)?,
        };
        self.supplies.signer.permits(&body)?;
        Ok(Delivery {
            method: deliver.method.clone().unwrap_or_else(|| contract.endpoint.method.clone()),
            path: self.path(deliver)?,
            headers: self.headers(deliver, key, unique)?,
            body,
        })
    }

    /// Signs a delivery, and says how it travels.
    fn transmitted(&self, deliver: &Deliver, unsigned: Delivery, id: &[u8], unique: &str) -> Result<Transmission, String> {
        let mut delivery = self.signed(deliver, unsigned, id, unique)?;
        if deliver.door == Some(Door::Absolute) {
            // Only now: what is signed of a path is the path.
            delivery.path = Door::Absolute.spell(&delivery.path, &self.supplies.origin).unwrap_or(delivery.path);
        }
        Ok(Transmission { delivery, ..way(deliver) })
    }

    /// The header lines before the signature's.
    fn headers(&self, deliver: &Deliver, key: Option<&[u8]>, unique: &str) -> Result<Vec<HeaderLine>, String> {
        let contract = &self.supplies.contract;
        let mut headers = Vec::new();
        let content_type = match deliver.method_override {
            Some(MethodOverride::Form) => "application/x-www-form-urlencoded",
            Some(MethodOverride::Header | MethodOverride::Query) | None => &contract.endpoint.content_type,
        };
        let content_type = deliver.content_type.as_deref().unwrap_or(content_type);
        if !content_type.is_empty() {
            headers.push(HeaderLine::new("Content-Type", content_type.to_owned()));
        }
        if let (Some(header), Some(key)) = (&contract.key.header, key) {
            let is_bare = deliver.key_outside == Some(Outside::Form);
            headers.push(HeaderLine::new(header.clone(), if is_bare { key.to_vec() } else { contract.key.write(key).into_owned() }));
        }
        if let Some(text) = &deliver.second_key_line {
            let header = contract.key.header.as_ref().ok_or("the contract's key does not travel in a header")?;
            let own = String::from_utf8_lossy(key.unwrap_or_default()).into_owned();
            let second = self.bindings.fill(&text.replace("{own}", &own).replace("{unique}", unique));
            contract.key.permits(second.as_bytes())?;
            headers.push(HeaderLine::new(header.clone(), contract.key.write(second.as_bytes()).into_owned()));
        }
        headers.extend(contract.key.caller_line(deliver.elsewhere));
        if let Some(ttl) = deliver.ttl {
            let header = contract.ttl.as_ref().and_then(|ttl| ttl.header.clone());
            let header = header.ok_or("the contract has no header that gives a delivery its own TTL")?;
            headers.push(HeaderLine::new(header, ttl.to_string()));
        }
        if deliver.provoke_failure {
            let provoke = contract.provoke().ok_or("the contract does not say how a failure is provoked (`failures.provoke`)")?;
            headers.push(HeaderLine::new(provoke.header.clone(), provoke.value.clone()));
        }
        let overriding = deliver.method_override.map_or(&[][..], MethodOverride::headers);
        headers.extend(overriding.iter().map(|name| HeaderLine::new(*name, contract.endpoint.method.clone())));
        headers.extend(deliver.headers.iter().map(|(name, value)| HeaderLine::new(name.clone(), value.replace("{unique}", unique))));
        // What a scenario says of a header is what it is about.
        let is_said = |line: &&HeaderLine| headers.iter().any(|said| said.name.eq_ignore_ascii_case(&line.name));
        let own: Vec<HeaderLine> = self.supplies.own_headers.iter().filter(|line| !is_said(line)).cloned().collect();
        headers.extend(own);
        Ok(headers)
    }

    /// The path as it is signed; a whole address takes its place afterwards.
    fn path(&self, deliver: &Deliver) -> Result<String, String> {
        let contract = &self.supplies.contract;
        let mut path =
            contract.endpoint.addressed(&if deliver.elsewhere { path_elsewhere(contract)? } else { contract.endpoint.path.clone() });
        if deliver.method_override == Some(MethodOverride::Query) {
            path.push_str(&format!("{}_method={}", if path.contains('?') { '&' } else { '?' }, contract.endpoint.method));
        }
        match deliver.door {
            None | Some(Door::Absolute) => Ok(path),
            Some(door) => door.spell(&path, "").ok_or_else(|| format!("the path {path} has no such other spelling")),
        }
    }

    /// When a delivery says that it was signed; whoever spoils it means the present.
    fn signed_at(&self, deliver: &Deliver) -> UnixMicros {
        let is_spoiled = deliver.signature.is_some() || deliver.signed_over.is_some() || deliver.signed_over_raw.is_some();
        if is_spoiled { self.now } else { self.signs_at }
    }

    /// The signature alone: an answer may name the id and the time that travel beside it.
    fn right_signature(&self, deliver: &Deliver, unsigned: &Delivery, id: &[u8]) -> Vec<Vec<u8>> {
        let signer = &self.supplies.signer;
        let time = signer.scheme().unit().write(self.signed_at(deliver));
        let right = signer.signature(&signer.ready(unsigned.clone()), Envelope { time: &time, id, origin: &self.supplies.origin });
        Some(right.into_bytes()).filter(|text| !text.is_empty()).into_iter().collect()
    }

    fn signed(&self, deliver: &Deliver, unsigned: Delivery, id: &[u8], unique: &str) -> Result<Delivery, String> {
        let supplies = self.supplies;
        let sending = Sending { id, origin: &supplies.origin, at: self.signed_at(deliver), which: deliver.which.unwrap_or(0) };
        let over = match (&deliver.signed_over, &deliver.signed_over_raw) {
            (Some(file), _) => Some(supplies.body_file(file, unique)?),
            (None, Some(text)) => Some(Bytes::from(text.replace("{unique}", unique))),
            (None, None) => None,
        };
        if let Some(over) = over {
            if !supplies.signer.scheme().covers_body() {
                return Err("the contract's signatures do not cover the body's bytes".to_owned());
            }
            let body = unsigned.body.clone();
            let signed = supplies.signer.signed(Delivery { body: over, ..unsigned }, sending.id, sending.origin, sending.at);
            return Ok(Delivery { body, ..signed });
        }
        match deliver.signature {
            None => Ok(supplies.signer.signed(unsigned, sending.id, sending.origin, sending.at)),
            Some(tamper) => {
                tamper.applies_to(&supplies.signer).map_err(|why| supplies.not_signed_so(tamper, why))?;
                Ok(tamper.apply(&supplies.signer, unsigned, sending))
            }
        }
    }

    /// The body of a delivery before a key is put into it.
    ///
    /// # Errors
    /// When a file that it names is not there, as a sentence.
    pub fn body(&self, deliver: &Deliver, unique: &str) -> Result<Bytes, String> {
        if let Some(file) = &deliver.body {
            return self.supplies.body_file(file, unique);
        }
        if let Some(raw) = deliver.raw.as_ref().or(deliver.json.as_ref()) {
            let path = self.supplies.contract.key.body_member.as_deref().unwrap_or_default();
            let key_name = path.rsplit('.').next().unwrap_or_default();
            return Ok(Bytes::from(raw.replace("{unique}", unique).replace("{key_name}", key_name)));
        }
        if let Some(digits) = &deliver.hex {
            return bytes_of("hex", digits).map(Bytes::from);
        }
        if let Some(fill) = &deliver.fill {
            return filled(self.supplies, fill).map(Bytes::from);
        }
        if let Some(bytes) = deliver.random_bytes {
            return Ok(self.supplies.random_bytes(bytes));
        }
        let earlier = |of: &str| self.plain_bodies.get(of).cloned().ok_or_else(|| format!("no delivery is called `{of}`"));
        if let Some(of) = &deliver.body_of {
            return earlier(of);
        }
        if let Some(of) = &deliver.respell_of {
            let other =
                respelled(&earlier(of)?).ok_or_else(|| format!("the body of `{of}` has no other spelling: it is no JSON object"))?;
            return Ok(other.into());
        }
        if deliver.method_override == Some(MethodOverride::Form) {
            return Ok(Bytes::from(format!("_method={}", self.supplies.contract.endpoint.method)));
        }
        self.supplies.body_file(&self.supplies.ordinary_body, unique)
    }

    fn key(&self, deliver: &Deliver, number: u64) -> Result<Option<Vec<u8>>, String> {
        let (place, run_word) = (&self.supplies.contract.key, self.supplies.run_word.as_str());
        if deliver.no_key {
            return Ok(None);
        }
        let unique = place.unique_key(run_word, number);
        if let Some(way) = deliver.key_outside {
            return Ok(Some(place.outside(&unique, way)?.into_bytes()));
        }
        let made = if let Some(text) = &deliver.key {
            let text = text.replace("{unique}", &unique).replace("{number}", &KeyPlace::unique_number(run_word, number).to_string());
            let text = text.replace("{uuid}", &KeyPlace::unique_uuid(run_word, number));
            self.bindings.fill(&text).into_bytes()
        } else if let Some(length) = deliver.key_length.or_else(|| deliver.key_up_to.map(|most| most.min(place.longest.saturating_sub(1))))
        {
            if length < unique.len() {
                return Err(format!("the contract's keys have up to {} bytes (`key.longest`): one more has no room", place.longest));
            }
            let key = place.unique_key_of_length(run_word, number, length);
            key.ok_or("the contract's keys are UUIDs (`key.form`), which have one length")?.into_bytes()
        } else {
            let begin = match &deliver.key_of {
                Some(of) => self.key_of(of)?,
                None => unique.into_bytes(),
            };
            if let Some(near) = deliver.near_uuid {
                let made = near.of(&String::from_utf8_lossy(&begin)).into_bytes();
                place.permits(&made)?;
                return Ok(Some(made));
            }
            let Some(digits) = &deliver.key_hex else { return Ok(Some(begin)) };
            [begin, bytes_of("key_hex", digits)?].concat()
        };
        place.permits(&made)?;
        if made.len() > place.longest && !deliver.over_longest {
            return Err(format!("the contract's keys have up to {} bytes (`key.longest`), and this one has {}", place.longest, made.len()));
        }
        Ok(Some(made))
    }

    /// The very bytes that travelled, quotes aside: a key may be more than text.
    fn key_of(&self, of: &str) -> Result<Vec<u8>, String> {
        let earlier = self.bindings.one(of).ok_or_else(|| format!("no delivery is called `{of}`"))?;
        let place = &self.supplies.contract.key;
        match (place.header.as_deref().and_then(|name| earlier.delivery.header(name)), place.form) {
            (Some(value), KeyForm::Bare | KeyForm::Uuid) => Ok(value.to_vec()),
            (Some(_), KeyForm::Quoted | KeyForm::Either) | (None, _) => Ok(odd::bytes_of(&earlier.key)),
        }
    }
}

/// Builds the deliveries of a burst.
///
/// # Errors
/// Why they cannot be made under this contract, as a sentence.
pub fn burst_of(builder: &DeliveryBuilder<'_>, burst: &Burst) -> Result<Vec<PreparedDelivery>, String> {
    let fresh = || (0..burst.keys).map(|_| builder.supplies.unique_key()).collect::<Vec<String>>();
    let keys = burst.keys_of.as_ref().map_or_else(fresh, |name| builder.bindings.keys_of(name));
    if keys.len() != burst.keys {
        return Err(format!("these are {} keys, and {} are wanted", keys.len(), burst.keys));
    }
    let body_for = |unique: &str| builder.body(&burst.deliver, unique);
    let shared: Vec<Bytes> = keys.iter().map(|key| body_for(key)).collect::<Result<_, _>>()?;
    let mut built = Vec::with_capacity(burst.keys * burst.each);
    for _ in 0..burst.each {
        // Keys in turn, so that the duplicates of one key lie among those of the others.
        for (key, body) in keys.iter().zip(&shared) {
            let body = match burst.bodies {
                BurstBodies::Alike => body.clone(),
                BurstBodies::Unlike => body_for(&builder.supplies.unique())?,
            };
            built.push(builder.build(&burst.deliver, Some(key.as_bytes()), Some(&body))?);
        }
    }
    Ok(built)
}

/// How a delivery travels that is still to be made.
pub(super) fn way(deliver: &Deliver) -> Transmission {
    let Deliver { framing, header_case, connection, .. } = *deliver;
    Transmission { delivery: Delivery::default(), framing, header_case, connection }
}

fn bytes_of(member: &str, digits: &str) -> Result<Vec<u8>, String> {
    let digits: String = digits.chars().filter(|c| !c.is_whitespace()).collect();
    unhex(digits.as_bytes()).ok_or_else(|| format!("`{member}` is not made of pairs of hex digits"))
}

/// A key as the receiver should understand it, as text: blanks around it get lost in a header, unless quotation marks keep them.
fn understood(place: &KeyPlace, key: &[u8]) -> String {
    odd::text_of(place.signed_id(key))
}

/// The endpoint's path in another scope; the same one where the path does not make the scope.
fn path_elsewhere(contract: &Contract) -> Result<String, String> {
    let path = &contract.endpoint.path;
    match contract.key.scope {
        None => Err("the contract does not say how far a key counts (`key.scope`)".to_owned()),
        Some(KeyScope::Path) => contract.endpoint.others.first().cloned().ok_or_else(|| "the contract names no other path".to_owned()),
        Some(KeyScope::PathAndQuery | KeyScope::Receiver) => Ok(format!("{path}?scope=other")),
        Some(KeyScope::Caller) => Ok(path.clone()),
    }
}
