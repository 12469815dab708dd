//! Link: a `ZeroMQ` socket to Locust's master, which may go away and come back.
//!
//! Bytes in, bytes out. Nothing is kept of what could not be sent: a worker's
//! numbers wait with it, and everything else is said again.

use std::time::Duration;

use zeromq::util::PeerIdentity;
use zeromq::{DealerSocket, Socket as _, SocketOptions, SocketRecv as _, SocketSend as _, ZmqMessage};

/// A master that does not take a connection within this time is not there.
const CONNECT_WITHIN: Duration = Duration::from_secs(3);
/// What was said last has so long to leave before the socket is closed.
const LINGER: Duration = Duration::from_millis(200);

/// A socket, or none at this moment.
pub(super) struct Link {
    address: String,
    name: String,
    socket: Option<DealerSocket>,
}

impl Link {
    /// A link that is not open yet.
    ///
    /// * `master`: `host:port`; * `name`: ours, by which the master knows us.
    pub(super) fn new(master: &str, name: &str) -> Self {
        Self { address: format!("tcp://{master}"), name: name.to_owned(), socket: None }
    }

    pub(super) fn is_open(&self) -> bool {
        self.socket.is_some()
    }

    /// Opens it anew.
    pub(super) async fn open(&mut self) -> Result<(), String> {
        self.socket = None;
        let mut options = SocketOptions::default();
        options.peer_identity(PeerIdentity::try_from(self.name.as_bytes()).map_err(|cause| cause.to_string())?);
        let mut socket = DealerSocket::with_options(options);
        match tokio::time::timeout(CONNECT_WITHIN, socket.connect(&self.address)).await {
            Ok(Ok(())) => {
                self.socket = Some(socket);
                Ok(())
            }
            Ok(Err(cause)) => Err(cause.to_string()),
            Err(_) => Err(format!("no connection within {} s", CONNECT_WITHIN.as_secs())),
        }
    }

    pub(super) fn close(&mut self) {
        self.socket = None;
    }

    /// Sends; false when there is nobody, and then it is closed.
    pub(super) async fn send(&mut self, bytes: Vec<u8>) -> bool {
        let Some(socket) = &mut self.socket else { return false };
        let sent = socket.send(ZmqMessage::from(bytes)).await.is_ok();
        if !sent {
            self.socket = None;
        }
        sent
    }

    /// What comes next; waits for ever while it is closed, and closes it when it breaks.
    pub(super) async fn next(&mut self) -> Option<Vec<u8>> {
        let Some(socket) = &mut self.socket else { return std::future::pending().await };
        match socket.recv().await {
            Ok(message) => Some(message.into_vec().concat()),
            Err(_) => {
                self.socket = None;
                None
            }
        }
    }

    /// Lets what was said last leave.
    pub(super) async fn linger(&mut self) {
        if self.is_open() {
            tokio::time::sleep(LINGER).await;
        }
        self.close();
    }
}
