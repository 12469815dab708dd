//! Sending under load: one connection a user, deliveries signed as they go.
//!
//! A [`Maker`] builds what travels; a [`Line`] carries it and gives the answer.
//! What is the same every time is made once.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::{CONTENT_TYPE, HOST, HeaderName, HeaderValue};
use hyper::{Method, Request};
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
    content_type: String,
    key_header: Option<String>,
    body: Vec<Bytes>,
}

/// Why a contract's deliveries cannot be made at speed.
pub const KEY_IN_BODY: &str = "the contract's key travels in the body, which a load does not make";

impl Maker {
    /// A maker of deliveries with this body, in which `{unique}` stands for the delivery's own word.
    ///
    /// # Errors
    /// [`KEY_IN_BODY`].
    pub fn new(contract: &Contract, signer: Signer, target: &Target, body: &str) -> Result<Self, &'static str> {
        let key_header = contract.key.header.clone();
        if key_header.is_none() {
            return Err(KEY_IN_BODY);
        }
        Ok(Self {
            signer,
            origin: target.url(""),
            path: contract.endpoint.path.clone(),
            method: contract.endpoint.method.clone(),
            content_type: contract.endpoint.content_type.clone(),
            key_header,
            body: body.split("{unique}").map(|part| Bytes::copy_from_slice(part.as_bytes())).collect(),
        })
    }

    /// The body of the delivery whose word is `word`.
    #[must_use]
    pub fn body(&self, word: &str) -> Bytes {
        let size = self.body.iter().map(Bytes::len).sum::<usize>() + word.len() * (self.body.len() - 1);
        let mut body = Vec::with_capacity(size);
        for (at, part) in self.body.iter().enumerate() {
            if at > 0 {
                body.extend_from_slice(word.as_bytes());
            }
            body.extend_from_slice(part);
        }
        body.into()
    }

    /// A signed delivery.
    #[must_use]
    pub fn make(&self, key: Option<&str>, body: Bytes, tamper: Option<Tamper>, now: UnixMicros) -> Delivery {
        let mut headers = Vec::with_capacity(4);
        if !self.content_type.is_empty() {
            headers.push(HeaderLine { name: self.content_type_name(), value: Bytes::copy_from_slice(self.content_type.as_bytes()) });
        }
        if let (Some(name), Some(key)) = (&self.key_header, key) {
            headers.push(HeaderLine { name: name.clone(), value: Bytes::copy_from_slice(key.as_bytes()) });
        }
        let mut delivery = Delivery { method: self.method.clone(), path: self.path.clone(), headers, body };
        let id = key.unwrap_or_default();
        match tamper {
            None => delivery.headers.extend(self.signer.header_lines(&delivery, id, &self.origin, now)),
            Some(tamper) => delivery = tamper.apply(&self.signer, delivery, Sending { id, origin: &self.origin, at: now }),
        }
        delivery
    }

    fn content_type_name(&self) -> String {
        CONTENT_TYPE.as_str().to_owned()
    }
}

/// A user's connection; it is opened when it is needed, and again when it broke.
pub struct Line {
    target: Target,
    host: HeaderValue,
    timeout: Duration,
    sender: Option<SendRequest<Full<Bytes>>>,
}

impl Line {
    /// A connection to `target` that is not open yet.
    #[must_use]
    pub fn new(target: &Target, timeout: Duration) -> Self {
        let host = HeaderValue::from_str(&target.authority()).unwrap_or_else(|_| HeaderValue::from_static("localhost"));
        Self { target: target.clone(), host, timeout, sender: None }
    }

    /// Sends a delivery and waits for its answer.
    ///
    /// # Errors
    /// Why there is none; the connection is then opened anew for the next.
    pub async fn send(&mut self, delivery: Delivery) -> Result<Answer, NoAnswer> {
        let timeout = self.timeout;
        let answer = match tokio::time::timeout(timeout, self.exchange(delivery)).await {
            Ok(answer) => answer,
            Err(_) => Err(NoAnswer::TimedOut { after: timeout }),
        };
        if answer.is_err() {
            self.sender = None;
        }
        answer
    }

    async fn exchange(&mut self, delivery: Delivery) -> Result<Answer, NoAnswer> {
        let request = self.request(delivery).map_err(|cause| NoAnswer::Unreachable { cause: cause.to_string() })?;
        // One that the receiver has closed meanwhile is seen here, before anything is sent over it.
        if let Some(sender) = &mut self.sender
            && sender.ready().await.is_err()
        {
            self.sender = None;
        }
        if self.sender.is_none() {
            self.sender = Some(self.connect().await?);
        }
        let Some(sender) = &mut self.sender else { return Err(NoAnswer::Unreachable { cause: "no connection".to_owned() }) };
        let broken = |cause: &hyper::Error| NoAnswer::Broken { cause: cause.to_string() };
        let response = sender.send_request(request).await.map_err(|cause| match cause.is_parse() {
            true => NoAnswer::Garbled { cause: cause.to_string() },
            false => broken(&cause),
        })?;
        let status = response.status().as_u16();
        let (parts, body) = response.into_parts();
        let kind = parts.headers.get(CONTENT_TYPE).map(|value| HeaderLine::new("content-type", Bytes::copy_from_slice(value.as_bytes())));
        let body = http_body_util::Limited::new(body, MOST_ANSWER_BYTES).collect().await;
        let body = body.map_err(|cause| NoAnswer::Broken { cause: cause.to_string() })?.to_bytes();
        Ok(Answer { status, headers: kind.into_iter().collect(), body })
    }

    async fn connect(&self) -> Result<SendRequest<Full<Bytes>>, NoAnswer> {
        let unreachable = |cause: &dyn std::fmt::Display| NoAnswer::Unreachable { cause: cause.to_string() };
        let stream = TcpStream::connect((self.target.host(), self.target.port())).await.map_err(|cause| unreachable(&cause))?;
        stream.set_nodelay(true).map_err(|cause| unreachable(&cause))?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await.map_err(|cause| unreachable(&cause))?;
        tokio::spawn(async move { drop(connection.await) });
        Ok(sender)
    }

    fn request(&self, delivery: Delivery) -> Result<Request<Full<Bytes>>, hyper::http::Error> {
        let method = Method::from_bytes(delivery.method.as_bytes())?;
        let mut request = Request::builder().method(method).uri(self.target.path(&delivery.path)).header(HOST, self.host.clone());
        for line in delivery.headers {
            request = request.header(HeaderName::from_bytes(line.name.as_bytes())?, HeaderValue::from_maybe_shared(line.value)?);
        }
        request.body(Full::new(delivery.body))
    }
}
