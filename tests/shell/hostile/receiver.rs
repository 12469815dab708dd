//! A receiver that is hostile: a socket of the test's own, which answers as a row of the table says.
//!
//! It reads requests as any receiver would, and does with each connection what the row's function does. Whatever it waits for ends
//! when the receiver is dropped.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

const HEALTHY: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 15\r\n\r\n{\"status\":\"ok\"}";

const UNHEALTHY: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n";

/// Connections that are open, by number.
type Open = Mutex<BTreeMap<usize, TcpStream>>;

/// What a connection is.
pub(crate) struct Connection {
    stream: TcpStream,
    /// A byte at a time: what was not asked for stays unread.
    reader: BufReader<TcpStream>,
    /// Which delivery this is, of all connections; from 0.
    pub(crate) number: usize,
}

/// What comes of a delivery that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum After {
    /// Another may come over this connection.
    Keep,
    /// The connection is closed.
    Close,
    /// It stays open, and nothing more is said.
    Silence,
}

/// How a receiver behaves.
#[derive(Clone, Copy)]
pub(crate) enum Behaviour {
    /// Connections wait in the queue of the system.
    NeverAccepts,
    /// From the first byte on, whatever is asked.
    Connection(fn(&mut Connection) -> After),
    /// Its health page is right; this comes of each delivery that was read.
    Delivery(fn(&mut Connection) -> After),
    /// Its health page is right; this comes of each delivery, of which the head was read.
    Head(fn(&mut Connection) -> After),
    /// Its health page is right; each delivery is answered so.
    Says(&'static [u8], After),
    /// Its health page is right every other time; each delivery is answered so.
    Flaps(&'static [u8]),
    /// Its health page is right; each answer begins so, and goes on without an end.
    GoesOn(&'static [u8], &'static [u8]),
}

impl Connection {
    /// Sends bytes; `false` when nobody takes them any more.
    pub(crate) fn send(&mut self, bytes: &[u8]) -> bool {
        self.stream.write_all(bytes).and_then(|()| self.stream.flush()).is_ok()
    }

    /// Sends bytes, and what comes then.
    pub(crate) fn says(&mut self, bytes: &[u8], after: After) -> After {
        if self.send(bytes) { after } else { After::Close }
    }

    /// Sends the same until nobody takes it any more.
    pub(crate) fn send_for_ever(&mut self, bytes: &[u8]) -> After {
        let many = bytes.repeat((64 << 10) / bytes.len() + 1);
        while self.send(&many) {}
        After::Close
    }

    /// Sends a byte now and then, until nobody takes it any more.
    #[expect(clippy::disallowed_methods, reason = "slowness is what is tested")]
    pub(crate) fn drip(&mut self, bytes: &[u8]) -> After {
        for byte in bytes {
            if !self.send(&[*byte]) {
                break;
            }
            std::thread::sleep(std::time::Duration::from_secs(1));
        }
        After::Close
    }

    /// Closes while something is unread, which resets the connection.
    pub(crate) fn reset(&mut self) -> After {
        let _ = self.stream.peek(&mut [0]);
        After::Close
    }

    /// Waits until the other side closes.
    fn wait(&mut self) {
        let _ = std::io::copy(&mut self.reader, &mut std::io::sink());
    }

    /// Reads the head of a request: its method and how long its body is.
    fn head(&mut self) -> Option<(String, usize)> {
        let (mut method, mut length) = (String::new(), 0);
        loop {
            let mut line = String::new();
            if self.reader.read_line(&mut line).ok()? == 0 {
                return None;
            }
            let line = line.trim_end();
            if method.is_empty() {
                method = line.split(' ').next().unwrap_or_default().to_owned();
            } else if line.is_empty() {
                return Some((method, length));
            } else if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap_or(0);
            }
        }
    }

    fn body(&mut self, length: usize) -> Option<()> {
        let mut body = vec![0; length];
        self.reader.read_exact(&mut body).ok()
    }

    fn serve(&mut self, behaviour: Behaviour, count: &AtomicUsize) -> After {
        if let Behaviour::Connection(answer) = behaviour {
            return answer(self);
        }
        loop {
            let Some((method, length)) = self.head() else { return After::Close };
            if method == "GET" || method == "HEAD" {
                let is_up = !matches!(behaviour, Behaviour::Flaps(_)) || count.fetch_add(1, Ordering::SeqCst) % 2 == 1;
                if !self.send(if is_up { HEALTHY } else { UNHEALTHY }) {
                    return After::Close;
                }
                continue;
            }
            self.number = count.fetch_add(1, Ordering::SeqCst);
            let after = match behaviour {
                Behaviour::Head(answer) => answer(self),
                _ if self.body(length).is_none() => After::Close,
                Behaviour::Delivery(answer) => answer(self),
                Behaviour::Says(answer, after) => self.says(answer, after),
                Behaviour::Flaps(answer) => self.says(answer, After::Keep),
                Behaviour::GoesOn(begin, more) => {
                    self.send(begin);
                    self.send_for_ever(more)
                }
                Behaviour::NeverAccepts | Behaviour::Connection(_) => After::Close,
            };
            if after != After::Keep {
                return after;
            }
        }
    }
}

/// A hostile receiver, until it is dropped.
pub(crate) struct Receiver {
    /// Where it listens.
    pub(crate) address: String,
    open: Arc<Open>,
    ended: Arc<AtomicBool>,
    accepting: Option<JoinHandle<()>>,
    /// Kept, so that its queue takes connections.
    _silent: Option<TcpListener>,
}

impl Receiver {
    pub(crate) fn start(behaviour: Behaviour) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address").to_string();
        let (open, ended) = (Arc::new(Open::default()), Arc::new(AtomicBool::new(false)));
        let receiver = |accepting, silent| Self { address, open: Arc::clone(&open), ended: Arc::clone(&ended), accepting, _silent: silent };
        if matches!(behaviour, Behaviour::NeverAccepts) {
            return receiver(None, Some(listener));
        }
        let (streams, over) = (Arc::clone(&open), Arc::clone(&ended));
        let accepting = std::thread::spawn(move || accept(&listener, behaviour, &streams, &over));
        receiver(Some(accepting), None)
    }
}

fn accept(listener: &TcpListener, behaviour: Behaviour, open: &Open, ended: &AtomicBool) {
    let count = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for (number, stream) in listener.incoming().flatten().enumerate() {
            if ended.load(Ordering::SeqCst) {
                break;
            }
            let (Ok(for_reading), Ok(for_closing)) = (stream.try_clone(), stream.try_clone()) else { continue };
            open.lock().unwrap_or_else(PoisonError::into_inner).insert(number, for_closing);
            let count = &count;
            scope.spawn(move || {
                let mut connection = Connection { stream, reader: BufReader::with_capacity(1, for_reading), number: 0 };
                if connection.serve(behaviour, count) == After::Silence {
                    connection.wait();
                }
                open.lock().unwrap_or_else(PoisonError::into_inner).remove(&number);
            });
        }
    });
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::SeqCst);
        // Whoever waits in `accept` wakes up, and whoever reads or writes ends.
        drop(TcpStream::connect(&self.address));
        for stream in self.open.lock().unwrap_or_else(PoisonError::into_inner).values() {
            let _ = stream.shutdown(Shutdown::Both);
        }
        if let Some(accepting) = self.accepting.take() {
            let _ = accepting.join();
        }
    }
}
