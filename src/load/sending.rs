//! Sending under load: one connection a user, deliveries signed as they go.
//!
//! A [`Maker`] builds what travels; a [`Line`] carries it and gives the answer.
//! What is the same every time is made once, and what is different is written
//! behind it into one buffer, which leaves in one piece. Answers are read by the
//! [raw driver](crate::transport), which keeps of their header lines only what a load looks at.

use std::borrow::Cow;
use std::future::{Future, poll_fn};
use std::io::{ErrorKind, Write as _};
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep};

use crate::clock::UnixMicros;
use crate::contract::Contract;
use crate::contract::key::KeyPlace;
use crate::delivery::{Answer, Delivery, HeaderLine, NoAnswer};
use crate::message::spelling::as_form;
use crate::sign::Signer;
use crate::sign::tamper::{Sending, Tamper};
use crate::transport::{Target, raw};

/// What every delivery of a load has in common.
#[derive(Clone, Debug)]
pub struct Maker {
    signer: Signer,
    origin: String,
    path: String,
    method: String,
    /// Header lines that every delivery has.
    fixed: Vec<HeaderLine>,
    key: KeyPlace,
    /// Whether bodies are forms.
    is_form: bool,
    /// The same as it travels, from the request line to the name of the key's header.
    head: Vec<u8>,
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
        let fixed: Vec<HeaderLine> = content_type.into_iter().chain(contract.key.caller_line(false)).collect();
        let mut head = Vec::new();
        let (method, path) = (&contract.endpoint.method, target.path(&contract.endpoint.path));
        put(&mut head, &[method.as_bytes(), b" ", path.as_bytes(), b" HTTP/1.1\r\nhost: ", target.authority().as_bytes(), b"\r\n"]);
        fixed.iter().for_each(|line| put_line(&mut head, line));
        if let Some(header) = &contract.key.header {
            put(&mut head, &[header.as_bytes(), b": "]);
        }
        let maker = Self {
            signer,
            origin: target.url(""),
            path: contract.endpoint.path.clone(),
            method: contract.endpoint.method.clone(),
            fixed,
            key: contract.key.clone(),
            head,
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
        put(outbox, &[&self.head, &self.key.write(key.as_bytes()), b"\r\n"]);
        for line in self.signer.header_lines(delivery, key, &self.origin, now) {
            put_line(outbox, &line);
        }
        // Writing to memory does not fail.
        drop(write!(outbox, "content-length: {}\r\n\r\n", delivery.body.len()));
        outbox.extend_from_slice(&delivery.body);
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

fn put(outbox: &mut Vec<u8>, pieces: &[&[u8]]) {
    pieces.iter().for_each(|piece| outbox.extend_from_slice(piece));
}

fn put_line(outbox: &mut Vec<u8>, line: &HeaderLine) {
    put(outbox, &[line.name.as_bytes(), b": ", &line.value, b"\r\n"]);
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
    open: Option<TcpStream>,
    /// The request that leaves next; its room is used again and again.
    outbox: Vec<u8>,
    inbox: BytesMut,
    /// Why the last connection could not be made.
    refused: Option<ErrorKind>,
    /// How many in a row could not be made.
    refusals: u32,
}

impl Line {
    /// A connection to `target` that is not open yet.
    ///
    /// * `kept`: the names of the header lines of answers that are looked at; no others are kept.
    #[must_use]
    pub fn new(target: &Target, timeout: Duration, kept: Vec<String>) -> Self {
        let target = target.clone();
        let patience = Patience { limit: timeout, timer: None };
        Self { target, kept, patience, open: None, outbox: Vec::new(), inbox: BytesMut::new(), refused: None, refusals: 0 }
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
        raw::write_plain(&mut self.outbox, &self.target, delivery);
        self.answered().await
    }

    async fn answered(&mut self) -> Result<Answer, NoAnswer> {
        // One that the receiver has closed meanwhile is seen here, before anything is sent over it.
        let reusable = self.open.take().filter(raw::is_quiet);
        let (target, outbox, inbox) = (&self.target, self.outbox.as_slice(), &mut self.inbox);
        let kept = self.kept.as_slice();
        let (refused, refusals) = (&mut self.refused, &mut self.refusals);
        let exchange = async move {
            let mut stream = match reusable {
                Some(stream) => stream,
                None => {
                    inbox.clear();
                    connect(target, refused, refusals).await?
                }
            };
            let (answer, is_reusable) = raw::ask(&mut stream, inbox, outbox, kept).await?;
            Ok((answer, is_reusable.then_some(stream)))
        };
        let limit = self.patience.limit;
        let (answer, stream) = self.patience.within(exchange).await.unwrap_or(Err(NoAnswer::TimedOut { after: limit }))?;
        self.open = stream;
        Ok(answer)
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

async fn connect(target: &Target, refused: &mut Option<ErrorKind>, refusals: &mut u32) -> Result<TcpStream, NoAnswer> {
    let unreachable = |cause: std::io::Error| NoAnswer::Unreachable { cause: raw::plain(&cause) };
    let connected = TcpStream::connect((target.host(), target.port())).await;
    *refused = connected.as_ref().err().map(std::io::Error::kind);
    *refusals = if connected.is_err() { refusals.saturating_add(1) } else { 0 };
    let stream = connected.map_err(unreachable)?;
    stream.set_nodelay(true).map_err(unreachable)?;
    Ok(stream)
}

/// One timer for all deliveries of a connection, moved on when it rings too early: one for each would
/// be put into the scheduler's wheel, and taken out again, with every delivery.
struct Patience {
    limit: Duration,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Patience {
    /// Waits for `wanted` as long as the limit allows; nothing when it took longer.
    async fn within<T>(&mut self, wanted: impl Future<Output = T>) -> Option<T> {
        // Never waited for, it is not put into the wheel: it only tells when it would ring.
        let until = sleep(self.limit).deadline();
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep(self.limit)));
        let mut wanted = pin!(wanted);
        poll_fn(|context| {
            if let Poll::Ready(done) = wanted.as_mut().poll(context) {
                return Poll::Ready(Some(done));
            }
            while timer.as_mut().poll(context).is_ready() {
                if timer.deadline() >= until {
                    return Poll::Ready(None);
                }
                timer.as_mut().reset(until);
            }
            Poll::Pending
        })
        .await
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

    /// The timer of an earlier delivery neither ends a later one too early, nor lets it wait for ever.
    #[tokio::test(start_paused = true)]
    async fn every_delivery_has_the_whole_limit() {
        let mut patience = Patience { limit: Duration::from_secs(10), timer: None };
        for _ in 0..3 {
            assert_eq!(patience.within(sleep(Duration::from_secs(9))).await, Some(()));
        }
        let (due, late) = (sleep(Duration::from_secs(10)).deadline(), sleep(Duration::from_secs(11)).deadline());
        assert_eq!(patience.within(std::future::pending::<()>()).await, None);
        let ended = sleep(Duration::ZERO).deadline();
        assert!((due..late).contains(&ended), "{:?} too late", ended.saturating_duration_since(due));
    }
}
