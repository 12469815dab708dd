//! A client of event streams: what it sends, when it stops for good, and when it comes back. No socket, no clock.
//!
//! The rules are those of the WHATWG's HTML standard, sections 9.2.2 to 9.2.4 (the processing model of `EventSource`): an answer that
//! is not 200 or of another type ends it for good, 204 by the receiver's wish; a stream that ends or breaks is opened again after the
//! reconnection time, from the id in force.

use std::time::Duration;

use super::{Block, Decoder, Retry, TooLong};

/// How long a client waits before it comes back, until a stream says otherwise; the standard leaves it to the browser ("a few seconds").
pub const RECONNECTION_TIME: Duration = Duration::from_secs(3);
/// No stream makes a client wait longer than this.
const LONGEST_WAIT: Duration = Duration::from_secs(3600);

/// Why a client stops for good.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Stop {
    /// 204: the receiver wants no more of it.
    #[error("204: the stream is over for good")]
    NoContent,
    /// Another status than 200.
    #[error("the stream was answered {0}, not 200")]
    Status(u16),
    /// Another type than `text/event-stream`.
    #[error("the stream's type is `{0}`, not `text/event-stream`")]
    Type(String),
}

/// One client over all of its connections.
#[derive(Clone, Debug)]
pub struct Client {
    decoder: Decoder,
    reconnection_time: Duration,
}

impl Default for Client {
    fn default() -> Self {
        Self { decoder: Decoder::default(), reconnection_time: RECONNECTION_TIME }
    }
}

impl Client {
    /// A client that has read up to an id before.
    #[must_use]
    pub fn from(last_event_id: &str) -> Self {
        Self { decoder: Decoder::resumed(last_event_id), ..Self::default() }
    }

    /// The value of `Last-Event-ID` for the next request; none while there is no id.
    #[must_use]
    pub fn last_event_id(&self) -> Option<&str> {
        Some(self.decoder.last_event_id()).filter(|id| !id.is_empty())
    }

    /// How long to wait before the stream is opened again.
    #[must_use]
    pub fn reconnection_time(&self) -> Duration {
        self.reconnection_time
    }

    /// The head of an answer: whether its body is a stream to be read.
    ///
    /// # Errors
    /// [`Stop`] when the client must not come back.
    pub fn opened(&mut self, status: u16, content_type: Option<&str>) -> Result<(), Stop> {
        if status == 204 {
            return Err(Stop::NoContent);
        }
        if status != 200 {
            return Err(Stop::Status(status));
        }
        let kind = content_type.unwrap_or_default();
        let essence = kind.split(';').next().unwrap_or_default().trim();
        if !essence.eq_ignore_ascii_case("text/event-stream") {
            return Err(Stop::Type(kind.to_owned()));
        }
        self.decoder = Decoder::resumed(self.decoder.last_event_id());
        Ok(())
    }

    /// Bytes of the body.
    ///
    /// # Errors
    /// [`TooLong`] when an event does not end.
    pub fn read(&mut self, bytes: &[u8]) -> Result<Vec<Block>, TooLong> {
        let blocks = self.decoder.push(bytes)?;
        // A time counts from its line on, also where its block does not end.
        for retry in blocks.iter().map(|block| &block.retry).chain([&self.decoder.block.retry]) {
            if let Some(Retry::Millis(millis)) = retry {
                self.reconnection_time = Duration::from_millis(*millis).min(LONGEST_WAIT);
            }
        }
        Ok(blocks)
    }

    /// The body ended, or its connection broke: what was left of an event, which is dropped. The id in force stays.
    pub fn ended(&mut self) -> Option<Vec<u8>> {
        let next = Decoder::resumed(self.decoder.last_event_id());
        std::mem::replace(&mut self.decoder, next).unfinished()
    }
}

#[cfg(test)]
mod tests {
    use super::{Client, RECONNECTION_TIME, Stop};
    use std::time::Duration;

    /// It sends an id only when there is one, and keeps it over a break in the middle of an event.
    #[test]
    fn id_is_sent_when_there_is_one() {
        let mut client = Client::default();
        assert_eq!(client.last_event_id(), None);
        assert_eq!(client.opened(200, Some("text/event-stream;charset=utf-8")), Ok(()));
        assert_eq!(client.read(b"id: 7\ndata: a\n\nid: 8\ndata: b\n").map(|blocks| blocks.len()), Ok(1));
        assert_eq!(client.last_event_id(), Some("7"));
        assert_eq!(client.ended().as_deref(), Some(&b"id: 8\ndata: b"[..]));
        assert_eq!(client.last_event_id(), Some("7"));
        assert_eq!(client.ended(), None, "what was not finished is dropped");
        // Nobody need tell it that a stream has ended before the next one is opened.
        assert_eq!(client.opened(200, Some("text/event-stream")), Ok(()));
        assert_eq!(client.read(b"data: cut").map(|blocks| blocks.len()), Ok(0));
        assert_eq!(client.opened(200, Some("Text/Event-Stream")), Ok(()));
        // A byte order mark may begin every stream, and an empty id takes the id away.
        assert_eq!(
            client.read(b"\xEF\xBB\xBFdata: c\n\n").map(|blocks| blocks[0].event.clone().map(|event| (event.data, event.last_event_id))),
            Ok(Some(("c".to_owned(), "7".to_owned())))
        );
        assert_eq!(client.read(b"id\n\n").map(|blocks| blocks.len()), Ok(1));
        assert_eq!(client.last_event_id(), None);
        assert_eq!(client.ended(), None);
        assert_eq!(Client::from("9").last_event_id(), Some("9"));
    }

    /// What ends it for good.
    #[test]
    fn it_stops_for_good() {
        let stop = |status, kind| Client::default().opened(status, kind).err();
        assert_eq!(stop(204, None), Some(Stop::NoContent));
        assert_eq!(stop(503, Some("text/event-stream")), Some(Stop::Status(503)));
        assert_eq!(stop(301, Some("text/event-stream")), Some(Stop::Status(301)));
        assert_eq!(stop(200, Some("text/html")), Some(Stop::Type("text/html".to_owned())));
        assert_eq!(stop(200, None), Some(Stop::Type(String::new())));
        assert_eq!(stop(200, Some("text/event-stream")), None);
    }

    /// `retry` sets the time, digits only, and not for ever.
    #[test]
    fn retry_sets_the_reconnection_time() {
        let after = |stream: &[u8]| {
            let mut client = Client::default();
            assert!(client.read(stream).is_ok());
            client.reconnection_time()
        };
        assert_eq!(after(b"retry: 250\n\n"), Duration::from_millis(250));
        assert_eq!(after(b"retry: 250\n\ndata: a\nretry: 40\n"), Duration::from_millis(40), "its block has not ended");
        for ignored in ["retry: 1.5\n\n", "retry: -1\n\n", "retry:\n\n", "retry:  5\n\n", "Retry: 5\n\n", "retry: 5"] {
            assert_eq!(after(ignored.as_bytes()), RECONNECTION_TIME, "{ignored:?}");
        }
        assert_eq!(after(b"retry: 99999999999999999999999\n\n"), Duration::from_secs(3600));
    }
}
