//! Reading a delivery's body: whole, up to a limit, and no further.
//!
//! What is too long is refused as soon as that is known, by the length that was
//! announced if there is one. What still comes is read and thrown away for a
//! while: a client that is cut off while it writes never sees its answer.

use std::future::poll_fn;
use std::pin::Pin;
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody as _};
use axum::http::{HeaderMap, header};
use bytes::BytesMut;

/// How many bytes of a refused body are thrown away before the connection is cut.
const MOST_THROWN_AWAY: usize = 256 * 1024 * 1024;
/// How long a client that has its refusal is listened to.
const LISTENED_FOR: Duration = Duration::from_secs(2);

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
pub(super) async fn read_to_the_end(headers: &HeaderMap, mut body: Body, limit: usize) -> Result<Bytes, NotTaken> {
    // Who waits for `100 Continue` has sent nothing yet, and is told to stay silent.
    let waits = headers.contains_key(header::EXPECT);
    if usize::try_from(body.size_hint().lower()).map_or(true, |announced| announced > limit) {
        if !waits {
            throw_away(body);
        }
        return Err(NotTaken::TooLarge);
    }
    let mut whole = BytesMut::new();
    while let Some(chunk) = next_chunk(&mut body).await {
        let chunk = chunk.map_err(|_| NotTaken::Broken)?;
        if whole.len().saturating_add(chunk.len()) > limit {
            throw_away(body);
            return Err(NotTaken::TooLarge);
        }
        if whole.is_empty() && body.is_end_stream() {
            // Most bodies come in one piece, and then are not copied.
            return Ok(chunk);
        }
        whole.extend_from_slice(&chunk);
    }
    Ok(whole.freeze())
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
