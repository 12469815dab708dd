//! hookgate judges receivers of webhooks and other signed callbacks: whether they verify signatures, refuse replays, do the
//! work of a delivery once, and answer as their sender needs it.
//!
//! It is a command (`hookgate run`, `hookgate load`), and this library, for `cargo test`. The receiver is started in the test,
//! on a port of its own, and judged under a contract: one that is shipped (`standard-webhooks`, `stripe-webhook`,
//! `github-webhook`, …), or a file.
//!
//! ```
//! # async fn my_app(_secret: &str) -> String { SERVED.get_or_init(async || hookgate::reference("standard-webhooks").serve().await.unwrap()).await.url().to_owned() }
//! # static SERVED: tokio::sync::OnceCell<hookgate::Served> = tokio::sync::OnceCell::const_new();
//! # const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
//! # /*
//! #[tokio::test]
//! # */
//! async fn it_is_a_receiver_of_standard_webhooks() -> Result<(), hookgate::Error> {
//!     let url = my_app(SECRET).await; // bound to 127.0.0.1:0, and spawned
//!     hookgate::judge(url).contract("standard-webhooks").secret(SECRET).await?.assert_conforms();
//!     Ok(())
//! }
//! # #[tokio::main]
//! # async fn main() -> Result<(), hookgate::Error> { it_is_a_receiver_of_standard_webhooks().await }
//! ```
//!
//! A receiver that remembers is judged by what it has done, too, where the test can count that:
//!
//! ```
//! # #[tokio::main]
//! # async fn main() -> Result<(), hookgate::Error> {
//! # let receiver = hookgate::reference("standard-webhooks").serve().await?;
//! # let url = receiver.url();
//! let verdict = hookgate::judge(url)
//!     .contract("standard-webhooks")
//!     .effects(|_webhook_id| 1) // how often the work of this delivery was done
//!     .only(["ONCE-*", "DUP-*"])
//!     .await?;
//! for requirement in verdict.requirements() {
//!     println!("{} {:?}: {}", requirement.id(), requirement.judged(), requirement.sentence());
//! }
//! verdict.assert_conforms();
//! # Ok(())
//! # }
//! ```
//!
//! And a handler can be given single deliveries, signed by any contract, without a port:
//!
//! ```
//! let delivery = hookgate::sign("stripe-webhook").key("evt_1").at(1_700_000_000).body(r#"{"id":"evt_1"}"#)?;
//! assert!(delivery.header("Stripe-Signature").is_some_and(|value| value.starts_with("t=1700000000,v1=")));
//! # Ok::<(), hookgate::Error>(())
//! ```
//!
//! What fails is told by its cause, with one example and the command that sends it again: see [`Verdict`]. What is promised
//! of this crate is what stands on this page; its other modules are those of the command, and change with it.
//!
//! [`judge()`] begins a judgement, [`Judge::visit`] only looks, [`Judge::require`] says what must have been judged, `load` (with the
//! feature of that name) delivers by the thousand and asserts thresholds, [`sign()`] makes a delivery, [`reference()`] serves a
//! receiver that is right, or wrong on purpose.

// ARCHITECTURE.md has the plan of the house. Rooms by floor, from the ground: a room names only rooms on lower floors, or
// earlier on its own. They are hidden from readers of the library, and not from clippy, which sees that all of them is documented.

// words
#[cfg_attr(not(clippy), doc(hidden))]
pub mod clock;
#[cfg_attr(not(clippy), doc(hidden))]
pub mod delivery;
#[cfg_attr(not(clippy), doc(hidden))]
pub mod event_stream;
#[cfg_attr(not(clippy), doc(hidden))]
pub mod message;
#[cfg_attr(not(clippy), doc(hidden))]
pub mod number;
#[cfg_attr(not(clippy), doc(hidden))]
pub mod random;
#[cfg_attr(not(clippy), doc(hidden))]
pub mod secret;
#[cfg_attr(not(clippy), doc(hidden))]
pub mod state;
#[cfg_attr(not(clippy), doc(hidden))]
pub mod template;
// law
#[cfg_attr(not(clippy), doc(hidden))]
pub mod yaml;
#[cfg_attr(not(clippy), doc(hidden))]
pub mod project;
#[cfg_attr(not(clippy), doc(hidden))]
pub mod sign;
#[cfg_attr(not(clippy), doc(hidden))]
pub mod contract;
#[cfg_attr(not(clippy), doc(hidden))]
pub mod outcome;
#[cfg_attr(not(clippy), doc(hidden))]
pub mod reference;
#[cfg_attr(not(clippy), doc(hidden))]
pub mod scenario;
#[cfg_attr(not(clippy), doc(hidden))]
pub mod history;
#[cfg_attr(not(clippy), doc(hidden))]
pub mod snapshot;
#[cfg_attr(not(clippy), doc(hidden))]
pub mod visit;
#[cfg_attr(not(clippy), doc(hidden))]
pub mod report;
#[cfg_attr(not(clippy), doc(hidden))]
pub mod judge;
#[cfg_attr(not(clippy), doc(hidden))]
pub mod claims;
// hands
#[cfg_attr(not(clippy), doc(hidden))]
pub mod evidence;
#[cfg_attr(not(clippy), doc(hidden))]
pub mod files;
#[cfg_attr(not(clippy), doc(hidden))]
pub mod serve;
#[cfg_attr(not(clippy), doc(hidden))]
pub mod sqlite;
#[cfg_attr(not(clippy), doc(hidden))]
pub mod target;
#[cfg_attr(not(clippy), doc(hidden))]
pub mod transport;
// engines
#[cfg_attr(not(clippy), doc(hidden))]
pub mod suites;
#[cfg_attr(not(clippy), doc(hidden))]
pub mod session;
#[cfg_attr(not(clippy), doc(hidden))]
pub mod run;
#[cfg(feature = "load")]
#[cfg_attr(not(clippy), doc(hidden))]
pub mod load;
#[cfg_attr(not(clippy), doc(hidden))]
pub mod explore;
#[cfg_attr(not(clippy), doc(hidden))]
pub mod selftest;
#[cfg_attr(not(clippy), doc(hidden))]
pub mod init;
// façade
mod api;
// roof
#[cfg_attr(not(clippy), doc(hidden))]
pub mod cli;

pub use api::{Cause, Clock, Error, Judge, Judged, Reference, Requirement, Served, Sign, SignedDelivery, Verdict, Visit};
#[cfg(feature = "load")]
pub use api::{Load, LoadVerdict, Threshold, load};
pub use api::{judge, reference, sign};
