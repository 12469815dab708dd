//! Stream: bytes to a receiver and back, over TCP, TLS or a Unix socket.
//!
//! In: a target. Out: a [`Stream`] that stands, or why none could be made. The
//! codec above it does not know which one it has.
//!
//! A receiver whose answers leave in two segments waits with the second until
//! the first is acknowledged, and Linux acknowledges late (40 ms). Whoever has
//! read a part of an answer says so with [`Wire::hurry`].

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::{Buf as _, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
#[cfg(unix)]
use tokio::net::UnixStream;
use tokio::time::timeout;
use tokio_rustls::client::TlsStream;

use super::tls::{Tls, explained};
use super::url::{Target, Via};
use crate::clock::span;
use crate::delivery::NoAnswer;

/// So many bytes are read at once where nobody asked for any.
const UNASKED_BYTES: usize = 64;

/// A connection's bytes; faults are wrappers of it.
#[derive(Debug)]
pub enum Stream {
    /// TCP.
    Tcp(TcpStream),
    /// TLS over TCP.
    Tls(Box<TlsStream<TcpStream>>),
    /// A Unix socket.
    #[cfg(unix)]
    Unix(UnixStream),
}

/// What carries a request and its answer.
pub trait Wire: AsyncRead + AsyncWrite + Unpin + Send {
    /// Part of an answer is here, and the rest is waited for: nothing is to hold it up.
    fn hurry(&self) {}

    /// Writes bytes that were sealed before ([`Stream::seal`]); without TLS there is no difference.
    fn poll_write_sealed(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write(context, bytes)
    }
}

/// Why no connection could be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreachable {
    /// The reason, in plain words.
    pub cause: String,
    /// What the operating system called it, when it was its word.
    pub kind: Option<io::ErrorKind>,
}

impl From<Unreachable> for NoAnswer {
    fn from(unreachable: Unreachable) -> Self {
        Self::Unreachable { cause: unreachable.cause }
    }
}

/// What an idle stream has to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Idle {
    /// It stands, and nothing has come.
    Quiet,
    /// It was closed.
    Closed,
    /// Bytes came that nobody asked for; the first of them.
    Spoke(Vec<u8>),
}

impl Stream {
    /// Opens a stream within `limit`, the TLS handshake included: every address that the host has is tried in turn.
    ///
    /// # Errors
    /// [`Unreachable`].
    pub async fn open(target: &Target, limit: Duration) -> Result<Self, Unreachable> {
        let opening = async {
            match target.via() {
                Via::Tcp => connect(target).await.map(Self::Tcp),
                Via::Tls(tls) => {
                    let by_word = |cause: String| Unreachable { cause, kind: None };
                    let tls = match tls {
                        Some(tls) => tls.clone(),
                        None => Tls::usual().map_err(by_word)?,
                    };
                    let stream = connect(target).await?;
                    let shaken = tls.handshake(stream, &target.server_name()).await.map_err(by_word)?;
                    Ok(Self::Tls(Box::new(shaken)))
                }
                #[cfg(unix)]
                Via::Unix(path) => match UnixStream::connect(path).await {
                    Ok(stream) => Ok(Self::Unix(stream)),
                    Err(error) => Err(Unreachable { cause: format!("{}: {}", path.display(), plain(&error)), kind: Some(error.kind()) }),
                },
                // No address says so there: see `Target::parse`.
                #[cfg(not(unix))]
                Via::Unix(path) => Err(Unreachable {
                    cause: format!("{}: a Unix socket needs a Unix system", path.display()),
                    kind: Some(io::ErrorKind::Unsupported),
                }),
            }
        };
        timeout(limit, opening).await.unwrap_or_else(|_| Err(not_within(target, limit)))
    }

    /// What has come while nobody waited for anything.
    pub fn idle(&mut self) -> Idle {
        let mut bytes = [0; UNASKED_BYTES];
        let mut read = ReadBuf::new(&mut bytes);
        // Nobody is to be woken: it is only looked at.
        match Pin::new(self).poll_read(&mut Context::from_waker(Waker::noop()), &mut read) {
            Poll::Pending => Idle::Quiet,
            Poll::Ready(Ok(())) if !read.filled().is_empty() => Idle::Spoke(read.filled().to_vec()),
            Poll::Ready(Ok(()) | Err(_)) => Idle::Closed,
        }
    }

    /// The bytes that travel for `plain`: sealed where the stream seals, so that writing them costs nothing more.
    ///
    /// # Errors
    /// When TLS cannot seal them.
    pub fn seal(&mut self, plain: Bytes) -> io::Result<Bytes> {
        let Self::Tls(tls) = self else { return Ok(plain) };
        let session = tls.get_mut().1;
        let mut sealed = Vec::with_capacity(plain.len() + plain.len() / 64 + 256);
        let mut rest = plain;
        while !rest.is_empty() {
            // It takes so much at a time as its buffer holds.
            let taken = io::Write::write(&mut session.writer(), &rest)?;
            rest.advance(taken);
            let mut moved = 0;
            while session.wants_write() {
                moved += session.write_tls(&mut sealed)?;
            }
            if taken == 0 && moved == 0 {
                return Err(io::Error::other("TLS takes no bytes"));
            }
        }
        Ok(sealed.into())
    }

    /// Writes sealed bytes without waiting; how many were taken.
    ///
    /// # Errors
    /// As the socket says; it shows again when the rest is written.
    pub fn try_write_sealed(&self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.try_write(bytes),
            Self::Tls(tls) => tls.get_ref().0.try_write(bytes),
            #[cfg(unix)]
            Self::Unix(stream) => stream.try_write(bytes),
        }
    }
}

impl Wire for Stream {
    fn hurry(&self) {
        match self {
            Self::Tcp(stream) => acknowledge(stream),
            Self::Tls(tls) => acknowledge(tls.get_ref().0),
            #[cfg(unix)]
            Self::Unix(_) => {}
        }
    }

    fn poll_write_sealed(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tls(tls) => Pin::new(tls.get_mut().0).poll_write(context, bytes),
            plain @ Self::Tcp(_) => Pin::new(plain).poll_write(context, bytes),
            #[cfg(unix)]
            plain @ Self::Unix(_) => Pin::new(plain).poll_write(context, bytes),
        }
    }
}

/// Acknowledges at once what has come.
#[cfg(target_os = "linux")]
fn acknowledge(stream: &TcpStream) {
    // Where it cannot be had, the answer comes 40 ms later.
    let _ = rustix::net::sockopt::set_tcp_quickack(stream, true);
}

#[cfg(not(target_os = "linux"))]
fn acknowledge(_stream: &TcpStream) {}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_read(context, buffer),
            Self::Tls(stream) => Pin::new(stream.as_mut()).poll_read(context, buffer),
            #[cfg(unix)]
            Self::Unix(stream) => Pin::new(stream).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_write(context, bytes),
            Self::Tls(stream) => Pin::new(stream.as_mut()).poll_write(context, bytes),
            #[cfg(unix)]
            Self::Unix(stream) => Pin::new(stream).poll_write(context, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_flush(context),
            Self::Tls(stream) => Pin::new(stream.as_mut()).poll_flush(context),
            #[cfg(unix)]
            Self::Unix(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Tls(stream) => Pin::new(stream.as_mut()).poll_shutdown(context),
            #[cfg(unix)]
            Self::Unix(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}

async fn connect(target: &Target) -> Result<TcpStream, Unreachable> {
    let unknown = || Unreachable { cause: format!("no address is known for host `{}`", target.host()), kind: None };
    let addresses = tokio::net::lookup_host((target.host(), target.port())).await.map_err(|_| unknown())?;
    let mut wrong = unknown();
    for address in addresses {
        let connected = TcpStream::connect(address).await.and_then(|stream| stream.set_nodelay(true).map(|()| stream));
        match connected {
            Ok(stream) => return Ok(stream),
            Err(error) => wrong = Unreachable { cause: plain(&error), kind: Some(error.kind()) },
        }
    }
    Err(wrong)
}

fn not_within(target: &Target, limit: Duration) -> Unreachable {
    let within = span::write(limit);
    let cause = match target.via() {
        Via::Tls(_) => format!("none was made within {within}, the TLS handshake included"),
        Via::Tcp | Via::Unix(_) => format!("none was made within {within}"),
    };
    Unreachable { cause, kind: Some(io::ErrorKind::TimedOut) }
}

/// What an error of a stream means, in plain words.
#[must_use]
pub fn plain(error: &io::Error) -> String {
    if let Some(told) = explained(error) {
        return told;
    }
    match error.kind() {
        io::ErrorKind::ConnectionRefused => "connection refused".to_owned(),
        io::ErrorKind::ConnectionReset => "connection reset".to_owned(),
        io::ErrorKind::ConnectionAborted => "connection aborted".to_owned(),
        io::ErrorKind::BrokenPipe => "closed by the receiver while it was being written to".to_owned(),
        io::ErrorKind::UnexpectedEof => "closed too early".to_owned(),
        io::ErrorKind::HostUnreachable => "the host cannot be reached".to_owned(),
        io::ErrorKind::NetworkUnreachable => "the network cannot be reached".to_owned(),
        io::ErrorKind::AddrNotAvailable => "no local address or port is left to connect from".to_owned(),
        io::ErrorKind::NotFound => "there is no such socket".to_owned(),
        _ => {
            let text = error.to_string();
            text.split(" (os error").next().unwrap_or(&text).to_lowercase()
        }
    }
}
