//! Listener: connections to the reference, plain or over TLS.
//!
//! In: a TCP listener, and a certificate where TLS is spoken. Out: streams that
//! axum serves. Handshakes run beside each other, so that whoever stalls in one
//! keeps nobody waiting; who fails is dropped.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::serve::Listener;
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// So long a client may take to shake hands.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// So many that have shaken hands wait to be served.
const WAITING: usize = 64;
/// What a receiver says behind an answer that says more than it is asked.
const TOO_MUCH: &[u8] = b"\n";

/// Where connections come from.
#[derive(Debug)]
pub(super) struct Door {
    address: SocketAddr,
    kind: Kind,
    says_too_much: bool,
}

#[derive(Debug)]
enum Kind {
    Plain(TcpListener),
    Tls { shaken: mpsc::Receiver<(TlsStream<TcpStream>, SocketAddr)>, task: JoinHandle<()> },
}

impl Drop for Door {
    fn drop(&mut self) {
        if let Kind::Tls { task, .. } = &self.kind {
            task.abort();
        }
    }
}

impl Door {
    /// Listens on `listen`, with TLS where there is a certificate.
    ///
    /// # Errors
    /// When the address cannot be listened on.
    pub(super) async fn open(listen: SocketAddr, tls: Option<Arc<ServerConfig>>, says_too_much: bool) -> io::Result<Self> {
        let listener = TcpListener::bind(listen).await?;
        let address = listener.local_addr()?;
        let kind = match tls {
            None => Kind::Plain(listener),
            Some(config) => {
                let (tell, shaken) = mpsc::channel(WAITING);
                Kind::Tls { shaken, task: tokio::spawn(shake_hands(listener, TlsAcceptor::from(config), tell)) }
            }
        };
        Ok(Self { address, kind, says_too_much })
    }

    /// Where it listens.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }
}

async fn shake_hands(mut listener: TcpListener, acceptor: TlsAcceptor, tell: mpsc::Sender<(TlsStream<TcpStream>, SocketAddr)>) {
    loop {
        let (stream, from) = Listener::accept(&mut listener).await;
        drop(stream.set_nodelay(true));
        let (acceptor, tell) = (acceptor.clone(), tell.clone());
        tokio::spawn(async move {
            if let Ok(Ok(stream)) = tokio::time::timeout(HANDSHAKE, acceptor.accept(stream)).await {
                drop(tell.send((stream, from)).await);
            }
        });
    }
}

impl Listener for Door {
    type Io = Socket;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Socket, SocketAddr) {
        let (stream, from) = match &mut self.kind {
            Kind::Plain(listener) => {
                let (stream, from) = Listener::accept(listener).await;
                // Answers are small and whole: waiting to fill a segment only delays them.
                drop(stream.set_nodelay(true));
                (Bytes::Plain(stream), from)
            }
            Kind::Tls { shaken, .. } => match shaken.recv().await {
                Some((stream, from)) => (Bytes::Tls(Box::new(stream)), from),
                None => std::future::pending().await,
            },
        };
        (Socket { stream, says_too_much: self.says_too_much, has_spoken: false }, from)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.address)
    }
}

/// One connection.
#[derive(Debug)]
pub(super) struct Socket {
    stream: Bytes,
    says_too_much: bool,
    has_spoken: bool,
}

#[derive(Debug)]
enum Bytes {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl AsyncRead for Socket {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().stream {
            Bytes::Plain(stream) => Pin::new(stream).poll_read(context, buffer),
            Bytes::Tls(stream) => Pin::new(stream.as_mut()).poll_read(context, buffer),
        }
    }
}

impl Socket {
    fn poll_put(&mut self, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match &mut self.stream {
            Bytes::Plain(stream) => Pin::new(stream).poll_write(context, bytes),
            Bytes::Tls(stream) => Pin::new(stream.as_mut()).poll_write(context, bytes),
        }
    }
}

impl AsyncWrite for Socket {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let socket = self.get_mut();
        socket.has_spoken = true;
        socket.poll_put(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let socket = self.get_mut();
        if socket.says_too_much && socket.has_spoken {
            ready!(socket.poll_put(context, TOO_MUCH))?;
        }
        socket.has_spoken = false;
        match &mut socket.stream {
            Bytes::Plain(stream) => Pin::new(stream).poll_flush(context),
            Bytes::Tls(stream) => Pin::new(stream.as_mut()).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().stream {
            Bytes::Plain(stream) => Pin::new(stream).poll_shutdown(context),
            Bytes::Tls(stream) => Pin::new(stream.as_mut()).poll_shutdown(context),
        }
    }
}
