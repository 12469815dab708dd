//! Sending under load: one connection a user, deliveries signed as they go.
//!
//! A [`Maker`] builds what travels; a [`Line`] carries it and gives the answer.
//! What is the same every time is made once, and what is different is written
//! behind it into one buffer, which leaves in one piece. Writing, carrying and
//! reading are [`transport`](crate::transport)'s, as in a run; of an answer's
//! header lines only those are kept that a load looks at.

mod own;

use std::borrow::Cow;
use std::io::ErrorKind;
use std::time::Duration;

use bytes::Bytes;

use crate::clock::{Moment, UnixMicros};
use crate::contract::key::KeyPlace;
use crate::contract::{Contract, own_headers};
use crate::delivery::{Answer, Delivery, HeaderLine, NoAnswer};
use crate::load::patience::Patience;
use crate::message::spelling::as_form;
use crate::sign::Signer;
use crate::sign::tamper::{Sending, Tamper};
use crate::transport::codec::decode::{Reading, Surplus};
use crate::transport::codec::encode::{EncodedRequest, Template};
use crate::transport::connection::{Connection, Exchanged, Outgoing};
use crate::transport::stream::Idle;
use crate::transport::{Shipment, Target};

/// What every delivery of a load has in common.
#[derive(Clone, Debug)]
pub struct Maker {
    signer: Signer,
    origin: String,
    path: String,
    method: String,
    /// Header lines that every delivery has.
    fixed: Vec<HeaderLine>,
    /// Those of them that questions have, too.
    own: Vec<HeaderLine>,
    key: KeyPlace,
    /// Whether bodies are forms.
    is_form: bool,
    /// The same as it travels, from the request line to the name of the key's header.
    template: Template,
    /// Whether a signature needs no more of a delivery than [`Maker::bare`] and a body.
    is_quick: bool,
    body: Vec<Part>,
    sizes: Vec<(usize, u32)>,
}

/// A part of a body.
#[derive(Clone, Debug)]
enum Part {
    Text(Bytes),
    Unique,
    Padding,
}

impl Maker {
    /// A maker of deliveries with this body, in which `{unique}` stands for the delivery's own word and
    /// `{padding}` for what fills it up to one of `sizes` (bytes, with their weights).
    ///
    /// # Errors
    /// Why the contract's key has no room in this body, as a sentence.
    pub fn new(contract: &Contract, signer: Signer, target: &Target, body: &[u8], sizes: &[(usize, u32)]) -> Result<Self, &'static str> {
        let content_type = &contract.endpoint.content_type;
        let content_type = (!content_type.is_empty()).then(|| HeaderLine::new("content-type", content_type.clone()));
        let of_the_contract = content_type.into_iter().chain(contract.key.caller_line(false));
        let fixed: Vec<HeaderLine> = of_the_contract.chain(own_headers::joined(contract, &[])).collect();
        let (method, path) = (contract.endpoint.method.clone(), contract.endpoint.path.clone());
        let same = Delivery { method, path, headers: fixed.clone(), body: Bytes::new() };
        let template = Template::new(target, &same, contract.key.header.as_deref());
        let maker = Self {
            signer,
            origin: target.url(""),
            path: same.path,
            method: same.method,
            fixed,
            own: own_headers::joined(contract, &[]),
            key: contract.key.clone(),
            template,
            is_form: contract.sends_forms(),
            is_quick: contract.key.header.is_some()
                && contract.signature.only_adds_lines()
                && !contract.signature.message.placeholders().any(|name| name.starts_with("header:")),
            body: parts(body),
            sizes: sizes.to_vec(),
        };
        // Bodies differ in their words and sizes: when one has room for the key, all have.
        let body = contract.travelling_body(&maker.body("word", None), Some(b"key"))?.into_owned();
        maker.signer.permits(&body)?;
        Ok(maker)
    }

    /// The size that a random number means; none where bodies are as long as their text.
    #[must_use]
    pub fn size(&self, random: u64) -> Option<usize> {
        let total: u64 = self.sizes.iter().map(|(_, weight)| u64::from(*weight)).sum();
        let mut left = random.checked_rem(total)?;
        self.sizes.iter().find_map(|(size, weight)| match left.checked_sub(u64::from(*weight)) {
            Some(rest) => {
                left = rest;
                None
            }
            None => Some(*size),
        })
    }

    /// The body of the delivery whose word is `word`; a text without a place for it is shared, not copied.
    #[must_use]
    pub fn body(&self, word: &str, size: Option<usize>) -> Bytes {
        if let [Part::Text(whole)] = self.body.as_slice() {
            return whole.clone();
        }
        let long = |part: &Part| match part {
            Part::Text(text) => text.len(),
            Part::Unique => word.len(),
            Part::Padding => 0,
        };
        let without = self.body.iter().map(long).sum::<usize>();
        let padding = size.unwrap_or(0).saturating_sub(without);
        let mut body = Vec::with_capacity(without + padding);
        for part in &self.body {
            match part {
                Part::Text(text) => body.extend_from_slice(text),
                Part::Unique => body.extend_from_slice(word.as_bytes()),
                Part::Padding => body.resize(body.len() + padding, b'x'),
            }
        }
        body.into()
    }

    /// The body that travels with a key: the same, unless keys travel in bodies.
    #[must_use]
    pub fn body_with_key(&self, body: Bytes, key: &str) -> Bytes {
        let body = if self.is_form { Bytes::from(as_form(&body).into_owned()) } else { body };
        match self.key.put_into_body(&body, key.as_bytes()) {
            Ok(Cow::Owned(changed)) => changed.into(),
            Ok(Cow::Borrowed(_)) | Err(_) => body,
        }
    }

    /// A delivery without its header lines: what a signature covers, and what an answer is held against.
    #[must_use]
    pub fn bare(&self) -> Delivery {
        Delivery { method: self.method.clone(), path: self.path.clone(), ..Delivery::default() }
    }

    /// Whether honest deliveries may go by [`Line::send`]: not where the signature covers header lines, or the key is in the body.
    #[must_use]
    pub fn is_quick(&self) -> bool {
        self.is_quick
    }

    /// Writes an honest request with the body of `delivery`, signed: the same as [`Maker::make`] makes, without what it allocates.
    fn write(&self, outbox: &mut Vec<u8>, delivery: &Delivery, key: &str, now: UnixMicros) {
        let lines = self.signer.header_lines(delivery, key, &self.origin, now);
        let lines = lines.iter().map(|line| (line.name.as_str(), line.value.as_ref()));
        self.template.write(outbox, &self.key.write(key.as_bytes()), lines, &delivery.body);
    }

    /// A signed delivery, honest or spoiled, in the form in which it can be written down.
    ///
    /// * `body`: as it travels, from [`Maker::body_with_key`].
    #[must_use]
    pub fn make(&self, key: Option<&str>, body: Bytes, tamper: Option<Tamper>, now: UnixMicros) -> Delivery {
        let mut headers = Vec::with_capacity(self.fixed.len() + 3);
        headers.extend_from_slice(&self.fixed);
        if let (Some(header), Some(key)) = (&self.key.header, key) {
            headers.push(HeaderLine::new(header.as_str(), self.key.write(key.as_bytes()).into_owned()));
        }
        let mut delivery = Delivery { method: self.method.clone(), path: self.path.clone(), headers, body };
        let id = key.unwrap_or_default();
        match tamper {
            None => delivery = self.signer.signed(delivery, id, &self.origin, now),
            Some(tamper) => delivery = tamper.apply(&self.signer, delivery, Sending { id: id.as_bytes(), origin: &self.origin, at: now }),
        }
        delivery
    }
}

fn parts(body: &[u8]) -> Vec<Part> {
    let Ok(text) = std::str::from_utf8(body) else { return vec![Part::Text(Bytes::copy_from_slice(body))] };
    let text_part = |text: &str| Part::Text(Bytes::copy_from_slice(text.as_bytes()));
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some((at, name)) = ["{unique}", "{padding}"].iter().filter_map(|name| Some((rest.find(name)?, *name))).min() {
        parts.push(text_part(&rest[..at]));
        parts.push(if name == "{unique}" { Part::Unique } else { Part::Padding });
        rest = &rest[at + name.len()..];
    }
    parts.push(text_part(rest));
    parts.retain(|part| !matches!(part, Part::Text(text) if text.is_empty()));
    parts
}

/// A user's connection; it is opened when it is needed, and again when it broke.
pub struct Line {
    target: Target,
    kept: Vec<String>,
    patience: Patience,
    open: Option<Connection>,
    /// The request that leaves next; its room is used again and again.
    outbox: Vec<u8>,
    /// Why the last connection could not be made.
    refused: Option<ErrorKind>,
    /// How many in a row could not be made.
    refusals: u32,
    last: Last,
}

/// What is known of the last delivery, beside its answer.
#[derive(Clone, Debug, Default)]
pub struct Last {
    /// From the first byte of the request to the last of its answer (`transport::Exchange::took`).
    pub took: Duration,
    /// Whether it went twice, because a connection that had been used before met its end.
    pub went_twice: bool,
    /// What came behind its answer at once.
    pub after: Option<Surplus>,
    /// What had come behind the answer before it, on the same connection.
    pub before: Option<Surplus>,
}

impl Line {
    /// A connection to `target` that is not open yet.
    ///
    /// * `kept`: the names of the header lines of answers that are looked at; no others are kept.
    #[must_use]
    pub fn new(target: &Target, timeout: Duration, kept: Vec<String>) -> Self {
        let (target, last) = (target.clone(), Last::default());
        let patience = Patience::new(timeout);
        Self { target, kept, patience, open: None, outbox: Vec::new(), refused: None, refusals: 0, last }
    }

    /// Sends an honest delivery and waits for its answer; `delivery` has the body, and the rest is the maker's.
    ///
    /// # Errors
    /// Why there is none; the connection is then opened anew for the next.
    pub async fn send(&mut self, maker: &Maker, delivery: &Delivery, key: &str, now: UnixMicros) -> Result<Answer, NoAnswer> {
        self.outbox.clear();
        maker.write(&mut self.outbox, delivery, key, now);
        self.answered().await
    }

    /// Sends any delivery, as it stands.
    ///
    /// # Errors
    /// As [`Line::send`].
    pub async fn send_as_it_is(&mut self, delivery: Delivery) -> Result<Answer, NoAnswer> {
        self.outbox.clear();
        let request = EncodedRequest::new(&self.target, &Shipment::plain(delivery), false);
        request.pieces.iter().for_each(|piece| self.outbox.extend_from_slice(piece));
        self.answered().await
    }

    async fn answered(&mut self) -> Result<Answer, NoAnswer> {
        let begun = Moment::now();
        self.last = Last::default();
        // One that the receiver has closed meanwhile is seen here, before anything is sent over it.
        let mut next = self.open.take();
        if let Some(connection) = &mut next {
            match connection.idle() {
                Idle::Quiet => {}
                Idle::Closed => next = None,
                Idle::Spoke(bytes) => (next, self.last.before) = (None, Surplus::of(&bytes)),
            }
        }
        let (target, outbox, kept) = (&self.target, self.outbox.as_slice(), self.kept.as_slice());
        let (refused, refusals, last) = (&mut self.refused, &mut self.refusals, &mut self.last);
        let limit = self.patience.limit();
        let exchange = async move {
            loop {
                let was_used = next.is_some();
                let mut connection = match next.take() {
                    Some(connection) => connection,
                    None => {
                        let opened = Connection::open(target, limit).await;
                        *refused = opened.as_ref().err().and_then(|none| none.kind);
                        *refusals = if opened.is_err() { refusals.saturating_add(1) } else { 0 };
                        opened?
                    }
                };
                let sent = Moment::now();
                let reading = Reading { only: Some(kept), ..Reading::default() };
                let Exchanged { result, was_heard, before, after } = connection.ask(Outgoing::borrowed(outbox), reading).await;
                last.took = sent.elapsed();
                last.before = last.before.take().or(before);
                last.after = after;
                match result {
                    Err(NoAnswer::Broken { .. }) if was_used && !was_heard => last.went_twice = true,
                    Err(none) => return Err(none),
                    Ok(answered) => return Ok((answered.answer, answered.keep.then_some(connection))),
                }
            }
        };
        let ended = self.patience.within(exchange).await.unwrap_or(Err(NoAnswer::TimedOut { after: limit }));
        if ended.is_err() {
            self.last.took = begun.elapsed();
        }
        let (answer, open) = ended?;
        self.open = open;
        Ok(answer)
    }

    /// What is known of the last delivery, beside its answer; it is told once.
    #[must_use]
    pub fn take_last(&mut self) -> Last {
        std::mem::take(&mut self.last)
    }

    /// What has come behind the last answer since; the connection is closed.
    #[must_use]
    pub fn said_since(&mut self) -> Option<Surplus> {
        match self.open.take()?.idle() {
            Idle::Spoke(bytes) => Surplus::of(&bytes),
            Idle::Quiet | Idle::Closed => None,
        }
    }

    /// Why no connection could be made, when that was the reason for no answer.
    #[must_use]
    pub fn refused(&self) -> Option<ErrorKind> {
        self.refused
    }

    /// How many connections in a row could not be made.
    #[must_use]
    pub fn refusals(&self) -> u32 {
        self.refusals
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::reading::read_contract;
    use crate::files;

    /// A contract of the shipped family with another key, and its signer.
    fn keyed(key: &str) -> (Contract, Signer) {
        let text = files::shipped_contract("orch-phase3").unwrap().text;
        let lines: Vec<String> =
            text.lines().map(|line| if line.starts_with("key: ") { format!("key: {key}") } else { line.to_owned() }).collect();
        let contract = read_contract("c", &lines.join("\n"), &|_| None).unwrap();
        let signer = contract.signature.keyed(b"a secret").unwrap();
        (contract, signer)
    }

    /// Wherever the key travels, it is read back and the signature covers what travels; without a key there is none.
    #[test]
    fn deliveries_are_made_with_keys_of_every_place() {
        let target = Target::parse("http://h:1").unwrap();
        for key in ["{header: K}", "{header: K, form: quoted}", "{header: K, form: uuid}", "{body_member: data.id}", "{form_field: id}"] {
            let (contract, signer) = keyed(key);
            let maker = Maker::new(&contract, signer.clone(), &target, b"{\"n\":\"{unique}\"}", &[]).unwrap();
            assert_eq!(maker.is_quick(), contract.key.header.is_some());
            let key = contract.key.unique_key("hg1", 7);
            let body = maker.body_with_key(maker.body("word", None), &key);
            let made = maker.make(Some(&key), body.clone(), None, UnixMicros(0));
            assert_eq!(contract.key.read(&made).as_ref(), Ok(&key));
            assert!(signer.verify(&made, &key, "", UnixMicros(0)).is_ok());
            let without = maker.make(None, maker.body("word", None), None, UnixMicros(0));
            assert_eq!(contract.key.read(&without), Err(crate::contract::outcome::Refusal::MissingKey));
            if maker.is_quick() {
                let mut quick = Vec::new();
                maker.write(&mut quick, &Delivery { body, ..maker.bare() }, &key, UnixMicros(0));
                let line = [b"K: ", &contract.key.write(key.as_bytes())[..], b"\r\n"].concat();
                assert!(quick.windows(line.len()).any(|window| window == line), "{}", String::from_utf8_lossy(&quick));
            }
        }
    }

    /// A body without room for the key is told before anything is sent.
    #[test]
    fn bodies_must_have_room_for_the_key() {
        let (contract, signer) = keyed("{body_member: id}");
        let made = Maker::new(&contract, signer, &Target::parse("http://h:1").unwrap(), b"text", &[]);
        assert!(made.unwrap_err().contains("JSON object"));
    }
}
