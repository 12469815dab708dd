//! A faulty network: a proxy between hookgate and the receiver.
//!
//! In: the receiver's address and [`Rule`]s. Out: an address that behaves like
//! the receiver's until a rule fits, and afterwards what happened on every
//! connection. Each connection carries one request; the first rule that fits
//! it is applied, and where a rule has a chance, the seed decides.
//!
//! Start at [`Proxy::start`].
//!
//! **Invariant:** bytes are cut, held back or sent twice; none is changed.

mod message;

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use self::message::{Kind, read_message};
use crate::scenario::fault::{CutAt, Fault, Part};

/// How long one connection may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long a second answer is waited for.
const SECOND_ANSWER: Duration = Duration::from_millis(500);

/// When a fault happens.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Only on these connections, counted from 0; on all without it.
    pub connections: Option<std::ops::Range<u64>>,
    /// How often out of a hundred.
    pub percent: u8,
    /// What happens.
    pub fault: Fault,
}

impl Rule {
    /// A fault that always happens.
    #[must_use]
    pub fn always(fault: Fault) -> Self {
        Self { connections: None, percent: 100, fault }
    }

    fn fits(&self, connection: u64, seed: u64) -> bool {
        let counted = self.connections.as_ref().is_none_or(|range| range.contains(&connection));
        counted && mixed(seed ^ connection.wrapping_mul(0x9e37_79b9_7f4a_7c15)) % 100 < u64::from(self.percent)
    }
}

/// `SplitMix64`'s last step: neighbours give unlike numbers.
fn mixed(word: u64) -> u64 {
    let word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}

/// What happened on one connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Happened {
    /// The connection, counted from 0.
    pub connection: u64,
    /// The fault, when a rule fitted.
    pub fault: Option<Fault>,
    /// How many bytes of the request reached the receiver.
    pub request_bytes: usize,
    /// The receiver's whole answer, whoever saw it.
    pub answer: Option<Vec<u8>>,
}

/// A proxy at work; it ends when it is dropped.
pub struct Proxy {
    /// Where it listens.
    pub address: SocketAddr,
    happened: Arc<Mutex<Vec<Happened>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Proxy {
    /// Listens on a free port of the loopback, and passes on to `host` and `port`.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn start(host: String, port: u16, rules: Vec<Rule>, seed: u64) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let happened: Arc<Mutex<Vec<Happened>>> = Arc::default();
        let told = Arc::clone(&happened);
        let task = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            let mut count = 0;
            while let Ok((client, _)) = listener.accept().await {
                let fault = rules.iter().find(|rule| rule.fits(count, seed)).map(|rule| rule.fault.clone());
                let (host, told) = (host.clone(), Arc::clone(&told));
                let connection = count;
                connections.spawn(async move {
                    let mut line = Line { client, fault: fault.clone(), request_bytes: 0, answer: None };
                    // What a cut connection does to us is what it was cut for.
                    drop(tokio::time::timeout(PATIENCE, line.carry(&host, port)).await);
                    let one = Happened { connection, fault, request_bytes: line.request_bytes, answer: line.answer.take() };
                    // Told before the client sees the end of its connection.
                    told.lock().unwrap_or_else(PoisonError::into_inner).push(one);
                    drop(line);
                });
                count += 1;
                while connections.try_join_next().is_some() {}
            }
        });
        Ok(Self { address, happened, task })
    }

    /// What has happened so far, in the order in which connections ended.
    #[must_use]
    pub fn happened(&self) -> Vec<Happened> {
        self.happened.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// One connection through the proxy.
struct Line {
    client: TcpStream,
    fault: Option<Fault>,
    request_bytes: usize,
    answer: Option<Vec<u8>>,
}

impl Line {
    async fn carry(&mut self, host: &str, port: u16) -> io::Result<()> {
        self.client.set_nodelay(true)?;
        let (request, head) = read_message(&mut self.client, Kind::Request).await?;
        let answering = Kind::answering(&request);
        if let Some(Fault::Delay(span)) = &self.fault {
            // Before a connection is made: many receivers give up one that stays silent.
            tokio::time::sleep(span.0).await;
        }
        let mut target = TcpStream::connect((host, port)).await?;
        target.set_nodelay(true)?;
        match self.fault.clone() {
            Some(Fault::CutRequest(at)) => {
                let end = match at {
                    CutAt::Headers => head / 2,
                    CutAt::Body => head + (request.len() - head) / 2,
                    CutAt::Bytes(bytes) => bytes.min(request.len().saturating_sub(1)),
                };
                self.send(&mut target, &request[..end]).await?;
                // A receiver that answers half a request may do so; it then has to close.
                target.shutdown().await?;
                let answer = read_message(&mut target, answering).await?.0;
                self.client.write_all(&answer).await?;
                self.answer = Some(answer);
                return Ok(());
            }
            Some(Fault::Dribble(dribble)) => {
                let (slow_from, slow_to) = match dribble.part {
                    None => (0, request.len()),
                    Some(Part::Headers) => (0, head),
                    Some(Part::Body) => (head, request.len()),
                };
                self.send(&mut target, &request[..slow_from]).await?;
                for byte in &request[slow_from..slow_to] {
                    self.send(&mut target, &[*byte]).await?;
                    tokio::time::sleep(dribble.pause.0).await;
                }
                self.send(&mut target, &request[slow_to..]).await?;
            }
            Some(Fault::Twice) => self.send(&mut target, &[request.as_slice(), request.as_slice()].concat()).await?,
            Some(Fault::HalfClose) => {
                self.send(&mut target, &request).await?;
                target.shutdown().await?;
            }
            Some(Fault::LoseAnswer | Fault::CutAnswer | Fault::Delay(_)) | None => self.send(&mut target, &request).await?,
        }
        let answer = read_message(&mut target, answering).await?.0;
        match self.fault {
            Some(Fault::LoseAnswer) => {}
            Some(Fault::CutAnswer) => self.client.write_all(&answer[..answer.len() / 2]).await?,
            _ => self.client.write_all(&answer).await?,
        }
        if self.fault == Some(Fault::Twice) {
            // A receiver may also close after the first.
            drop(tokio::time::timeout(SECOND_ANSWER, read_message(&mut target, answering)).await);
        }
        self.answer = Some(answer);
        Ok(())
    }

    async fn send(&mut self, target: &mut TcpStream, bytes: &[u8]) -> io::Result<()> {
        target.write_all(bytes).await?;
        self.request_bytes += bytes.len();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A chance is a chance, and the same for the same seed.
    #[test]
    fn chance_is_kept_and_repeats() {
        let rule = Rule { percent: 30, ..Rule::always(Fault::LoseAnswer) };
        let hits = |seed| (0..1_000).filter(|connection| rule.fits(*connection, seed)).collect::<Vec<u64>>();
        assert!((200..400).contains(&hits(1).len()), "{}", hits(1).len());
        assert_eq!(hits(1), hits(1));
        assert_ne!(hits(1), hits(2));
        assert!(!Rule { connections: Some(1..2), ..Rule::always(Fault::Twice) }.fits(2, 0));
    }
}
