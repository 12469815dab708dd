//! The pool of connections that ordinary deliveries share: reqwest's.
//!
//! In: a request in reqwest's form. Out: its [`Exchange`].
//!
//! A receiver may close a connection between two answers, and need not say so.
//! A delivery that meets the closing is lost before anybody has read it, which
//! is nobody's fault; one that dies on a new connection is the receiver's.

use std::cell::Cell;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tower::{Layer, Service};

use super::{Exchange, MOST_ANSWER_BYTES, raw};
use crate::clock::{Clock, Moment, SystemClock};
use crate::delivery::{Answer, HeaderLine, NoAnswer};

/// Shorter than the keep-alive of common servers (2 s and more), so that the
/// pool seldom writes to a connection that is being closed.
const POOL_IDLE: Duration = Duration::from_secs(1);

tokio::task_local! {
    /// Whether a connection was opened for what this task sends.
    static OPENED: Cell<bool>;
}

/// What a future gives that sends one delivery, and whether it opened a connection for it.
async fn watched<T>(sending: impl Future<Output = T>) -> (T, bool) {
    OPENED.scope(Cell::new(false), async { (sending.await, OPENED.with(Cell::get)) }).await
}

/// Tells of every connection that is opened.
#[derive(Clone, Copy, Debug)]
struct TellsOfOpening;

impl<S> Layer<S> for TellsOfOpening {
    type Service = Opening<S>;

    fn layer(&self, inner: S) -> Opening<S> {
        Opening { inner }
    }
}

/// What opens connections, and tells so.
#[derive(Clone, Debug)]
struct Opening<S> {
    inner: S,
}

impl<S: Service<R>, R> Service<R> for Opening<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: R) -> S::Future {
        // Outside a task that watches nobody asks.
        OPENED.try_with(|opened| opened.set(true)).ok();
        self.inner.call(request)
    }
}

/// How far a delivery came that has no answer.
enum Lost {
    /// Its connection ended before the answer's head was whole.
    BeforeAnswer(NoAnswer),
    /// Anything else.
    Otherwise(NoAnswer),
}

/// Connections to one receiver; clones share them.
#[derive(Clone, Debug)]
pub(super) struct Pool {
    client: reqwest::Client,
    host: String,
    timeout: Duration,
}

impl Pool {
    /// A pool without a connection yet; `host` is named where it cannot be found.
    #[expect(clippy::expect_used, reason = "only TLS, a resolver or default headers can keep a client from being built")]
    pub(super) fn new(host: String, timeout: Duration) -> Self {
        let client = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .connector_layer(TellsOfOpening)
            .referer(false)
            // Bytes are sent and read as they are: goose turns these on for every crate of the tree.
            .no_gzip()
            .no_brotli()
            .no_deflate()
            .no_zstd()
            .http1_only()
            .tcp_nodelay(true)
            .pool_idle_timeout(POOL_IDLE)
            .connect_timeout(timeout.mul_f64(0.9)) // before the whole time is up, so that "no connection" is told from "no answer"
            .build()
            .expect("a client without TLS and proxies needs nothing from outside");
        Self { client, host, timeout }
    }

    /// Sends a request; what met the closing of a connection that had been used before goes once more, over a new one.
    pub(super) async fn send(&self, request: reqwest::Request) -> Exchange {
        let (mut sent_at, mut begun) = (SystemClock.now(), Moment::now());
        let again = request.try_clone();
        let (mut tried, opened) = watched(self.within_time(request)).await;
        if let (Err(Lost::BeforeAnswer(_)), false, Some(again)) = (&tried, opened, again) {
            (sent_at, begun) = (SystemClock.now(), Moment::now());
            tried = self.within_time(again).await;
        }
        let result = tried.map_err(|(Lost::BeforeAnswer(cause) | Lost::Otherwise(cause))| cause);
        Exchange::ended(sent_at, begun.elapsed(), result)
    }

    async fn within_time(&self, request: reqwest::Request) -> Result<Answer, Lost> {
        match tokio::time::timeout(self.timeout, self.execute(request)).await {
            Ok(result) => result,
            Err(_) => Err(Lost::Otherwise(NoAnswer::TimedOut { after: self.timeout })),
        }
    }

    async fn execute(&self, request: reqwest::Request) -> Result<Answer, Lost> {
        let mut response = self.client.execute(request).await.map_err(|error| match self.no_answer(&error) {
            cause @ NoAnswer::Broken { .. } => Lost::BeforeAnswer(cause),
            cause @ (NoAnswer::TimedOut { .. } | NoAnswer::Unreachable { .. } | NoAnswer::Garbled { .. }) => Lost::Otherwise(cause),
        })?;
        let status = response.status().as_u16();
        let headers = response
            .headers()
            .iter()
            .map(|(name, value)| HeaderLine::new(name.as_str(), Bytes::copy_from_slice(value.as_bytes())))
            .collect();
        let mut body = BytesMut::new();
        while let Some(piece) = response.chunk().await.map_err(|error| Lost::Otherwise(self.no_answer(&error)))? {
            if body.len() + piece.len() > MOST_ANSWER_BYTES {
                return Err(Lost::Otherwise(raw::too_long()));
            }
            body.extend_from_slice(&piece);
        }
        Ok(Answer { status, headers, body: body.freeze() })
    }

    fn no_answer(&self, error: &reqwest::Error) -> NoAnswer {
        let chain: Vec<&(dyn std::error::Error + 'static)> =
            std::iter::successors(std::error::Error::source(error), |cause| cause.source()).collect();
        let io = chain.iter().find_map(|cause| cause.downcast_ref::<std::io::Error>());
        let innermost = chain.last().map_or_else(|| error.to_string(), ToString::to_string);
        if error.is_connect() {
            if error.is_timeout() {
                return raw::not_within(self.timeout);
            }
            let cause = if error.is_dns() { raw::unknown_host(&self.host) } else { io.map_or(innermost, raw::plain) };
            return NoAnswer::Unreachable { cause };
        }
        // hyper's parse errors have no type that can be asked; their sentences all have one of these words.
        let garbled = |text: &str| {
            ["invalid", "parsed", "too large", "unexpected message"].iter().any(|word| text.to_ascii_lowercase().contains(word))
        };
        if let Some(cause) = chain.iter().map(ToString::to_string).find(|text| garbled(text)) {
            return NoAnswer::Garbled { cause };
        }
        NoAnswer::Broken { cause: io.map_or(innermost, raw::plain) }
    }
}
