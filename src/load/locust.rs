//! Locust: this process as a worker of Locust's master, beside others on other machines.
//!
//! The master says how many users there are, in its web page or `--headless`;
//! we deliver, and tell it what we measure in the form in which its own workers
//! do. `link` carries [`message`]s, [`stats`] are counted as Locust counts
//! them, [`standing`] judges keys while the load runs, and [`work`](worker::work) is the
//! worker itself. The protocol is that of Locust's `runners.py`, `stats.py` and `rpc/`; tried with 2.32.10 and 2.47.0.

mod board;
mod effort;
mod link;
mod locustfile;
pub mod message;
mod running;
pub mod standing;
pub mod stats;
pub mod worker;

pub use self::locustfile::locustfile;
pub use self::running::Store;
