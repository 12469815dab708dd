//! Sending under load: one connection a user, deliveries signed as they go.
//!
//! A [`Maker`] builds what travels; a [`Line`] carries it and gives the answer.
//! What is the same every time is made once.

use std::future::{Future, poll_fn};
use std::io::ErrorKind;
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{Builder, Connection, SendRequest};
use hyper::header::{CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue};
use hyper::{Method, Request, Uri};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::clock::UnixMicros;
use crate::contract::Contract;
use crate::delivery::{Answer, Delivery, HeaderLine, NoAnswer};
use crate::http::{MOST_ANSWER_BYTES, Target};
use crate::sign::Signer;
use crate::sign::tamper::{Sending, Tamper};

/// What every delivery of a load has in common.
#[derive(Clone, Debug)]
pub struct Maker {
    signer: Signer,
    origin: String,
    path: String,
    method: String,
    /// Header lines that every delivery has.
    fixed: Vec<HeaderLine>,
    key_header: String,
    /// The same for deliveries that are made at speed; none where a signature covers header lines.
    quick: Option<Quick>,
    body: Vec<Part>,
    sizes: Vec<(usize, u32)>,
}

/// What an honest request is made of, with every name and address looked at once.
#[derive(Clone, Debug)]
struct Quick {
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    key: HeaderName,
    signature: Vec<HeaderName>,
}

impl Quick {
    fn new(contract: &Contract, target: &Target, key: &str) -> Option<Self> {
        let scheme = &contract.signature;
        if scheme.message.placeholders().any(|name| name.starts_with("header:")) {
            return None;
        }
        let mut headers = HeaderMap::new();
        headers.insert(HOST, HeaderValue::from_str(&target.authority()).ok()?);
        if !contract.endpoint.content_type.is_empty() {
            headers.insert(CONTENT_TYPE, HeaderValue::from_str(&contract.endpoint.content_type).ok()?);
        }
        Some(Self {
            method: Method::from_bytes(contract.endpoint.method.as_bytes()).ok()?,
            uri: target.path(&contract.endpoint.path).parse().ok()?,
            headers,
            key: HeaderName::from_bytes(key.as_bytes()).ok()?,
            signature: scheme.headers.iter().map(|header| HeaderName::from_bytes(header.name.as_bytes()).ok()).collect::<Option<_>>()?,
        })
    }
}

/// A part of a body.
#[derive(Clone, Debug)]
enum Part {
    Text(Bytes),
    Unique,
    Padding,
}

/// Why a contract's deliveries cannot be made at speed.
pub const KEY_IN_BODY: &str = "the contract's key travels in the body, which a load does not make: judge it with `run`";

impl Maker {
    /// A maker of deliveries with this body, in which `{unique}` stands for the delivery's own word and
    /// `{padding}` for what fills it up to one of `sizes` (bytes, with their weights).
    ///
    /// # Errors
    /// [`KEY_IN_BODY`].
    pub fn new(contract: &Contract, signer: Signer, target: &Target, body: &[u8], sizes: &[(usize, u32)]) -> Result<Self, &'static str> {
        let Some(key_header) = contract.key.header.clone() else { return Err(KEY_IN_BODY) };
        let content_type = &contract.endpoint.content_type;
        let fixed = (!content_type.is_empty()).then(|| HeaderLine::new(CONTENT_TYPE.as_str(), content_type.clone()));
        Ok(Self {
            signer,
            origin: target.url(""),
            path: contract.endpoint.path.clone(),
            method: contract.endpoint.method.clone(),
            fixed: fixed.into_iter().collect(),
            quick: Quick::new(contract, target, &key_header),
            key_header,
            body: parts(body),
            sizes: sizes.to_vec(),
        })
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

    /// A delivery without its header lines: what a signature covers, and what an answer is held against.
    #[must_use]
    pub fn bare(&self) -> Delivery {
        Delivery { method: self.method.clone(), path: self.path.clone(), ..Delivery::default() }
    }

    /// An honest request with the body of `delivery`; none where it must be made by [`Maker::make`].
    #[must_use]
    pub fn request(&self, delivery: &Delivery, key: &str, now: UnixMicros) -> Option<Request<Full<Bytes>>> {
        let quick = self.quick.as_ref()?;
        let mut request = Request::new(Full::new(delivery.body.clone()));
        *request.method_mut() = quick.method.clone();
        *request.uri_mut() = quick.uri.clone();
        let mut headers = quick.headers.clone();
        headers.append(quick.key.clone(), HeaderValue::from_str(key).ok()?);
        for (name, line) in quick.signature.iter().zip(self.signer.header_lines(delivery, key, &self.origin, now)) {
            headers.append(name.clone(), HeaderValue::from_maybe_shared(line.value).ok()?);
        }
        *request.headers_mut() = headers;
        Some(request)
    }

    /// A signed delivery, honest or spoiled, in the form in which it can be written down.
    #[must_use]
    pub fn make(&self, key: Option<&str>, body: Bytes, tamper: Option<Tamper>, now: UnixMicros) -> Delivery {
        let mut headers = Vec::with_capacity(self.fixed.len() + 3);
        headers.extend_from_slice(&self.fixed);
        if let Some(key) = key {
            headers.push(HeaderLine::new(self.key_header.as_str(), Bytes::copy_from_slice(key.as_bytes())));
        }
        let mut delivery = Delivery { method: self.method.clone(), path: self.path.clone(), headers, body };
        let id = key.unwrap_or_default();
        match tamper {
            None => delivery.headers.extend(self.signer.header_lines(&delivery, id, &self.origin, now)),
            Some(tamper) => delivery = tamper.apply(&self.signer, delivery, Sending { id, origin: &self.origin, at: now }),
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
    host: HeaderValue,
    timeout: Duration,
    open: Option<Open>,
    /// Why the last connection could not be made.
    refused: Option<ErrorKind>,
    /// How many in a row could not be made.
    refusals: u32,
}

impl Line {
    /// A connection to `target` that is not open yet.
    #[must_use]
    pub fn new(target: &Target, timeout: Duration) -> Self {
        let host = HeaderValue::from_str(&target.authority()).unwrap_or_else(|_| HeaderValue::from_static("localhost"));
        Self { target: target.clone(), host, timeout, open: None, refused: None, refusals: 0 }
    }

    /// Sends a delivery and waits for its answer.
    ///
    /// # Errors
    /// Why there is none; the connection is then opened anew for the next.
    pub async fn send(&mut self, request: Request<Full<Bytes>>) -> Result<Answer, NoAnswer> {
        let timeout = self.timeout;
        let answer = match tokio::time::timeout(timeout, self.exchange(request)).await {
            Ok(answer) => answer,
            Err(_) => Err(NoAnswer::TimedOut { after: timeout }),
        };
        if answer.is_err() {
            self.open = None;
        }
        answer
    }

    async fn exchange(&mut self, request: Request<Full<Bytes>>) -> Result<Answer, NoAnswer> {
        // One that the receiver has closed meanwhile is seen here, before anything is sent over it.
        if let Some(open) = &mut self.open
            && !open.is_ready().await
        {
            self.open = None;
        }
        if self.open.is_none() {
            self.open = Some(self.connect().await?);
        }
        match &mut self.open {
            Some(open) => open.exchange(request).await,
            None => Err(NoAnswer::Unreachable { cause: "no connection".to_owned() }),
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

    async fn connect(&mut self) -> Result<Open, NoAnswer> {
        let unreachable = |cause: &dyn std::fmt::Display| NoAnswer::Unreachable { cause: cause.to_string() };
        let connected = TcpStream::connect((self.target.host(), self.target.port())).await;
        self.refused = connected.as_ref().err().map(std::io::Error::kind);
        self.refusals = if connected.is_err() { self.refusals.saturating_add(1) } else { 0 };
        let stream = connected.map_err(|cause| unreachable(&cause))?;
        stream.set_nodelay(true).map_err(|cause| unreachable(&cause))?;
        // A delivery is small: one buffer costs the system less than a list of two.
        let (sender, connection) =
            Builder::new().writev(false).handshake(TokioIo::new(stream)).await.map_err(|cause| unreachable(&cause))?;
        Ok(Open { sender, connection: Box::pin(connection) })
    }

    /// Any delivery as a request.
    ///
    /// # Errors
    /// When a header line cannot travel.
    pub fn request(&self, delivery: Delivery) -> Result<Request<Full<Bytes>>, NoAnswer> {
        self.as_request(delivery).map_err(|cause| NoAnswer::Unreachable { cause: cause.to_string() })
    }

    fn as_request(&self, delivery: Delivery) -> Result<Request<Full<Bytes>>, hyper::http::Error> {
        let method = Method::from_bytes(delivery.method.as_bytes())?;
        let mut request = Request::builder().method(method).uri(self.target.path(&delivery.path)).header(HOST, self.host.clone());
        for line in delivery.headers {
            request = request.header(HeaderName::from_bytes(line.name.as_bytes())?, HeaderValue::from_maybe_shared(line.value)?);
        }
        request.body(Full::new(delivery.body))
    }
}

/// An open connection. It moves only while somebody waits for its answer, in the same task: between two
/// tasks every delivery would wake each of them twice.
struct Open {
    sender: SendRequest<Full<Bytes>>,
    connection: Pin<Box<Connection<TokioIo<TcpStream>, Full<Bytes>>>>,
}

impl Open {
    /// Whether it still takes a request.
    async fn is_ready(&mut self) -> bool {
        // What came while nobody waited, an end too, is seen first.
        let has_ended = poll_fn(|context| Poll::Ready(Pin::new(&mut self.connection).poll(context).is_ready())).await;
        !has_ended && drive(&mut self.connection, self.sender.ready()).await.is_some_and(|ready| ready.is_ok())
    }

    async fn exchange(&mut self, request: Request<Full<Bytes>>) -> Result<Answer, NoAnswer> {
        let broken = |cause: &dyn std::fmt::Display| NoAnswer::Broken { cause: cause.to_string() };
        let answered = async {
            let response = self.sender.send_request(request).await.map_err(|cause| match cause.is_parse() {
                true => NoAnswer::Garbled { cause: cause.to_string() },
                false => broken(&cause),
            })?;
            let status = response.status().as_u16();
            let (parts, body) = response.into_parts();
            let kind =
                parts.headers.get(CONTENT_TYPE).map(|value| HeaderLine::new("content-type", Bytes::copy_from_slice(value.as_bytes())));
            let body = http_body_util::Limited::new(body, MOST_ANSWER_BYTES).collect().await.map_err(|cause| broken(&cause))?.to_bytes();
            Ok(Answer { status, headers: kind.into_iter().collect(), body })
        };
        drive(&mut self.connection, answered).await.unwrap_or_else(|| Err(broken(&"it was closed")))
    }
}

/// Waits for `wanted` while the connection moves; nothing when the connection has ended without it.
async fn drive<C: Future + Unpin, T>(connection: &mut C, wanted: impl Future<Output = T>) -> Option<T> {
    let mut wanted = pin!(wanted);
    poll_fn(|context| {
        // Asked first, it puts the request where the connection finds it; asked again, it takes what has come.
        if let Poll::Ready(done) = wanted.as_mut().poll(context) {
            return Poll::Ready(Some(done));
        }
        let has_ended = Pin::new(&mut *connection).poll(context).is_ready();
        match wanted.as_mut().poll(context) {
            Poll::Ready(done) => Poll::Ready(Some(done)),
            Poll::Pending if has_ended => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}
