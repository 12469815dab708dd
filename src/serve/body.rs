//! Reading a delivery's body: whole, up to a limit, and no further.
//!
//! What is too long is refused as soon as that is known, by the length that was
//! announced if there is one. What still comes is read and thrown away for a
//! while: a client that is cut off while it writes never sees its answer. Of
//! longer bodies only so many are held at a time, for none is signed yet.

use std::future::poll_fn;
use std::pin::Pin;
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody as _};
use axum::http::{HeaderMap, header};
use bytes::BytesMut;
use tokio::sync::{Semaphore, SemaphorePermit};

/// How many bytes of a refused body are thrown away before the connection is cut.
const MOST_THROWN_AWAY: usize = 256 * 1024 * 1024;
/// How long a client that has its refusal is listened to.
const LISTENED_FOR: Duration = Duration::from_secs(2);

/// So much of a body costs nothing: most are shorter.
const FREE: usize = 64 * 1024; // bytes
/// So much of longer bodies is held at a time, whoever sends them: nobody has proved yet that he may.
const MOST_HELD: usize = 128 * 1024 * 1024; // bytes
/// How long a sender of a longer body may fall silent.
const SILENCE: Duration = Duration::from_secs(10);

/// Room for longer bodies; who finds none waits for his turn.
pub(super) struct Room(Semaphore);

impl Default for Room {
    fn default() -> Self {
        Self(Semaphore::new(MOST_HELD))
    }
}

impl Room {
    /// Room for a body of at most so many bytes, all of it at once: whoever had a part only would wait for those that do the same.
    async fn for_bytes(&self, bytes: usize) -> Option<SemaphorePermit<'_>> {
        let wanted = u32::try_from(bytes.min(MOST_HELD)).ok()?;
        self.0.acquire_many(wanted).await.ok()
    }
}

/// Why there is no body to take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NotTaken {
    /// It is longer than the limit.
    TooLarge,
    /// It ended too early, or its framing cannot be read.
    Broken,
}

/// Reads a body of at most `limit` bytes.
///
/// # Errors
/// [`NotTaken`]; the rest of a body that is too large is read in the background.
pub(super) async fn read_to_the_end<'r>(
    headers: &HeaderMap,
    mut body: Body,
    limit: usize,
    room: &'r Room,
) -> Result<(Bytes, Option<SemaphorePermit<'r>>), NotTaken> {
    // Who waits for `100 Continue` has sent nothing yet, and is told to stay silent.
    let waits = headers.contains_key(header::EXPECT);
    if usize::try_from(body.size_hint().lower()).map_or(true, |announced| announced > limit) {
        if !waits {
            throw_away(body);
        }
        return Err(NotTaken::TooLarge);
    }
    let mut whole = BytesMut::new();
    let mut held = None;
    loop {
        let Ok(next) = tokio::time::timeout(if held.is_some() { SILENCE } else { Duration::MAX }, next_chunk(&mut body)).await else {
            return Err(NotTaken::Broken);
        };
        let Some(chunk) = next else { break };
        let chunk = chunk.map_err(|_| NotTaken::Broken)?;
        if whole.len().saturating_add(chunk.len()) > limit {
            throw_away(body);
            return Err(NotTaken::TooLarge);
        }
        if whole.is_empty() && body.is_end_stream() {
            // Most bodies come in one piece, and then are not copied.
            return Ok((chunk, held));
        }
        if held.is_none() && whole.len() + chunk.len() > FREE {
            let announced =
                body.size_hint().upper().and_then(|left| usize::try_from(left).ok()).map(|left| whole.len() + chunk.len() + left);
            held = room.for_bytes(announced.unwrap_or(limit).min(limit)).await;
        }
        whole.extend_from_slice(&chunk);
    }
    Ok((whole.freeze(), held))
}

/// The next piece of data; trailers are passed over.
async fn next_chunk(body: &mut Body) -> Option<Result<Bytes, axum::Error>> {
    loop {
        match poll_fn(|context| Pin::new(&mut *body).poll_frame(context)).await? {
            Err(broken) => return Some(Err(broken)),
            Ok(frame) => {
                if let Ok(chunk) = frame.into_data() {
                    return Some(Ok(chunk));
                }
            }
        }
    }
}

/// Reads on without keeping anything, while the refusal travels; ends after bytes and after time.
fn throw_away(mut body: Body) {
    let read = async move {
        let mut left = MOST_THROWN_AWAY;
        while let Some(Ok(chunk)) = next_chunk(&mut body).await {
            match left.checked_sub(chunk.len()) {
                Some(less) => left = less,
                None => return,
            }
        }
    };
    tokio::spawn(async move { drop(tokio::time::timeout(LISTENED_FOR, read).await) });
}
