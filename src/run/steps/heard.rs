//! Heard: who reads an event stream that is open, and what was heard of it.
//!
//! A stream that is open is read by a task of its own, so that every block has the instant in which it came, whatever the scenario does
//! meanwhile. One that is to stay unread is read by nobody. What waits to be looked at is bounded; who sends more is made to wait.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::JoinHandle;

use crate::clock::Moment;
use crate::delivery::Answer;
use crate::event_stream::Block;
use crate::history::stream::StreamEnd;
use crate::transport::event_stream::{Ended, EventStreamConnection, Next};

/// How long the body of an answer that is no stream is read.
const A_PAGE: Duration = Duration::from_secs(2);
/// So many blocks wait to be looked at.
const MOST_WAITING: usize = 512;
/// And so many bytes of them: a slow reader may be cut off, so that whoever is not slow must have room for what a scenario sends.
const MOST_WAITING_BYTES: usize = 32 << 20;
/// A task that reads looks so often whether anybody listens.
const LISTENS: Duration = Duration::from_secs(60);

/// What a stream's task has heard.
pub(super) enum Heard {
    Block(Moment, Box<Block>, OwnedSemaphorePermit),
    Ended(Moment, Ended),
}

/// Who reads a stream.
pub(super) enum Reader {
    /// Its task.
    Task(mpsc::Receiver<Heard>, JoinHandle<()>),
    /// Nobody, yet.
    Nobody(Box<EventStreamConnection>),
    /// Nobody any more.
    Over(StreamEnd),
}

/// The head of a connection, and who reads it on.
pub(super) async fn of_connection(mut connection: EventStreamConnection, unread: bool) -> (Answer, Reader) {
    let head = connection.head().clone();
    if head.status != 200 {
        let page = connection.page(A_PAGE).await;
        return (page, Reader::Over(StreamEnd::Receiver));
    }
    (head, if unread { Reader::Nobody(Box::new(connection)) } else { task_of(connection) })
}

/// A task that reads a connection to its end.
pub(super) fn task_of(mut connection: EventStreamConnection) -> Reader {
    let (tell, heard) = mpsc::channel(MOST_WAITING);
    let room = Arc::new(Semaphore::new(MOST_WAITING_BYTES));
    let task = tokio::spawn(async move {
        loop {
            let next = match connection.next(LISTENS).await {
                Next::Block(came) => {
                    let weight = u32::try_from(came.block.weight().min(MOST_WAITING_BYTES)).unwrap_or(u32::MAX);
                    let place = tokio::select! {
                        place = Arc::clone(&room).acquire_many_owned(weight) => place,
                        () = tell.closed() => return,
                    };
                    let Ok(place) = place else { return };
                    Heard::Block(came.at, Box::new(came.block), place)
                }
                Next::Ended(ended) => Heard::Ended(Moment::now(), ended),
                Next::Nothing if tell.is_closed() => return,
                Next::Nothing => continue,
            };
            let is_over = matches!(next, Heard::Ended(..));
            if is_over {
                drop(connection);
                drop(tell.send(next).await);
                return;
            }
            if tell.send(next).await.is_err() {
                return;
            }
        }
    });
    Reader::Task(heard, task)
}
