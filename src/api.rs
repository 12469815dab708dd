//! The library as a test author sees it: a receiver is judged, visited, or sent something signed.
//!
//! Everything `pub` in here is what this crate promises (`tests/law/snapshots/public-surface.snap`
//! lists it); `lib.rs` gives it out at the root. The command line goes through
//! the same rooms: [`options`] makes plans, [`judging`] plays them, [`folder`] writes what came of them.
//!
//! Start at [`judge`].

mod asked;
mod background;
mod clock;
mod error;
pub(crate) mod folder;
pub(crate) mod headers;
pub(crate) mod hidden;
mod judge;
pub(crate) mod judging;
#[cfg(feature = "load")]
mod load;
#[cfg(feature = "load")]
pub(crate) mod load_folder;
#[cfg(feature = "load")]
pub(crate) mod load_options;
#[cfg(feature = "load")]
mod load_verdict;
pub(crate) mod options;
mod places;
mod plan;
mod reference;
mod repeat;
mod signing;
mod verdict;
mod visit;

pub use self::clock::Clock;
pub use self::error::Error;
pub use self::judge::Judge;
#[cfg(feature = "load")]
pub use self::load::Load;
#[cfg(feature = "load")]
pub use self::load_verdict::{LoadVerdict, Threshold};
pub use self::reference::{Reference, Served};
pub use self::signing::{Sign, SignedDelivery};
pub use self::verdict::{Cause, Judged, Requirement, Verdict};
pub use self::visit::Visit;

/// Judges the receiver at `url`: `http://127.0.0.1:8080`, `https://…` or `unix:/path/to.sock`.
///
/// Give it what it needs, and await it:
///
/// ```
/// # #[tokio::main]
/// # async fn main() -> Result<(), hookgate::Error> {
/// # let receiver = hookgate::reference("standard-webhooks").secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").serve().await?;
/// # let url = receiver.url();
/// let verdict = hookgate::judge(url)
///     .contract("standard-webhooks")
///     .secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
///     .await?;
/// verdict.assert_conforms();
/// # Ok(())
/// # }
/// ```
///
/// A receiver that is wrong makes no error, but a verdict that says what is wrong:
///
/// ```
/// # #[tokio::main]
/// # async fn main() -> Result<(), hookgate::Error> {
/// let receiver = hookgate::reference("standard-webhooks").defect("any-signature-passes").serve().await?;
/// let verdict = hookgate::judge(receiver.url()).only(["AUTH-*"]).await?;
/// assert!(!verdict.conforms());
/// assert_eq!(verdict.causes()[0].requirement(), "AUTH-2", "{verdict}");
/// # Ok(())
/// # }
/// ```
pub fn judge(url: impl Into<String>) -> Judge {
    Judge::of(url.into())
}

/// Loads the receiver at `url`, and judges it under load: whether it keeps to thresholds, answers every delivery as it may, and
/// still does the work of each key once.
///
/// ```
/// # #[tokio::main]
/// # async fn main() -> Result<(), hookgate::Error> {
/// # let receiver = hookgate::reference("standard-webhooks").serve().await?;
/// # let url = receiver.url();
/// let loaded = hookgate::load(url)
///     .contract("standard-webhooks")
///     .users(4)
///     .deliveries(200)
///     .mix("fresh=80,duplicate=20")
///     .effects(|_webhook_id| 1) // how often the work of this delivery was done
///     .thresholds(["p99<2s", "errors<1%", "violations==0"])
///     .await?;
/// loaded.assert_conforms();
/// assert!(loaded.latency(0.5) <= loaded.latency(0.99));
/// assert_eq!(loaded.requirement("EFF-1"), Some(hookgate::Judged::Pass));
/// # Ok(())
/// # }
/// ```
///
/// Needs the feature `load`, which is on by default.
#[cfg(feature = "load")]
pub fn load(url: impl Into<String>) -> Load {
    Load::of(url.into())
}

/// Signs a delivery as an honest sender of this contract does, for unit tests of a handler.
///
/// * `contract`: the name of a shipped contract, or the path of a file.
///
/// ```
/// let delivery = hookgate::sign("github-webhook").secret("It's a Secret to Everybody").body("Hello, World!")?;
/// // The example in GitHub's documentation.
/// let signature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
/// assert_eq!(delivery.header("X-Hub-Signature-256"), Some(signature));
/// assert_eq!(delivery.body(), b"Hello, World!");
/// # Ok::<(), hookgate::Error>(())
/// ```
pub fn sign(contract: impl Into<String>) -> Sign {
    Sign::of(contract.into())
}

/// The reference receiver of a contract, to be served in this process: right, or wrong on purpose.
///
/// * `contract`: the name of a shipped contract, or the path of a file.
pub fn reference(contract: impl Into<String>) -> Reference {
    Reference::of(contract.into())
}
