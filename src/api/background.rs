//! Background work: judging on a thread and a runtime of its own, so that the receiver has the caller's for itself.
//!
//! In: work, which hears when nobody waits for it any more. Out: a future of its
//! result, for any executor. Dropping that ends the work early.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::sync::{oneshot, watch};

use super::error::Error;

/// Work that is under way; dropped, it is told to end.
pub(super) struct Background<T> {
    result: oneshot::Receiver<Result<T, Error>>,
    stop: watch::Sender<bool>,
}

/// Begins work on a thread of its own.
pub(super) fn begin<T, W, F>(work: W) -> Background<T>
where
    T: Send + 'static,
    W: FnOnce(watch::Receiver<bool>) -> F + Send + 'static,
    F: Future<Output = Result<T, Error>>,
{
    let (stop, stopped) = watch::channel(false);
    let (told, result) = oneshot::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().thread_name("hookgate").build();
        let done = runtime.map_err(Error::machine).and_then(|runtime| {
            let done = runtime.block_on(work(stopped));
            runtime.shutdown_background();
            done
        });
        // Whoever asked may be gone.
        drop(told.send(done));
    });
    Background { result, stop }
}

impl<T: Send> Background<T> {
    /// Waits for it on this thread, in or outside of any runtime.
    pub(super) fn wait(mut self) -> Result<T, Error> {
        let me = &mut self;
        // A runtime refuses to wait inside another one; a thread of its own has none.
        let waiting = move || tokio::runtime::Builder::new_current_thread().build().map_err(Error::machine)?.block_on(me);
        std::thread::scope(|scope| scope.spawn(waiting).join()).unwrap_or_else(|_| Err(panicked()))
    }
}

impl<T> Future for Background<T> {
    type Output = Result<T, Error>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.result).poll(context).map(|result| result.unwrap_or_else(|_| Err(panicked())))
    }
}

impl<T> Drop for Background<T> {
    fn drop(&mut self) {
        self.stop.send_replace(true);
    }
}

fn panicked() -> Error {
    Error::machine("judging has panicked; what it wrote to standard error says where")
}
