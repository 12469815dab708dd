//! Lacks: what was missing where something was not judged, as a code, and what to give so that it is judged.
//!
//! Whoever gives a reason for not judging knows what lacks, and says so beside
//! the sentence: nobody reads that out of the sentence again.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Why a scenario that a receiver without memory would pass, too, shows nothing of what is remembered; and the way out.
pub const WITHOUT_FORCE: &str = "answers alike, and no evidence of effects: a receiver that remembers nothing would pass, too; give --db with the tables that the contract names under `state`, or `effects` in the contract";

/// Why a scenario shows nothing of what is remembered, although answers can be told apart.
pub const WITHOUT_MEMORY: &str = "nothing of it hangs on memory under this contract: a receiver that remembers nothing passes it, too";

/// Why nothing of what is remembered is judged under a contract without idempotency.
pub const WITHOUT_IDEMPOTENCY: &str =
    "the contract promises no idempotency (`idempotency: none`): only signatures, HTTP and health are judged";

/// What was missing. Of several that stand in one reason the first of this list is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Lack {
    /// The database.
    Database,
    /// The contract's tables.
    Tables,
    /// A way to count effects.
    Effects,
    /// A clock that can be moved, or waited for.
    Clock,
    /// Time to wait.
    Time,
    /// The command that starts the receiver.
    Start,
    /// The level of the run.
    Level,
    /// A life of keys that is long enough.
    Life,
    /// The contract's promise.
    Promise,
    /// The contract's idempotency.
    Idempotency,
    /// Something that the contract does not offer.
    Capability,
    /// Evidence: answers to first deliveries and to duplicates are alike.
    AnswersAlike,
    /// Something that hangs on memory.
    Memory,
    /// Its scenarios, which were not played.
    Scenarios,
    /// A receiver that accepts honest deliveries.
    Honest,
    /// Room for longer bodies.
    BodyLimit,
    /// A receiver that does not fail at something else first.
    FailedFirst,
}

impl Lack {
    /// Every lack.
    pub const ALL: [Self; 17] = [
        Self::Database,
        Self::Tables,
        Self::Effects,
        Self::Clock,
        Self::Time,
        Self::Start,
        Self::Level,
        Self::Life,
        Self::Promise,
        Self::Idempotency,
        Self::Capability,
        Self::AnswersAlike,
        Self::Memory,
        Self::Scenarios,
        Self::Honest,
        Self::BodyLimit,
        Self::FailedFirst,
    ];

    /// What to give.
    #[must_use]
    pub const fn give(self) -> &'static str {
        match self {
            Self::Database => "the database: --db PATH or URL (`evidence.db` in hookgate.toml)",
            Self::Tables => "the tables under `state` in the contract, and --db",
            Self::Effects => "`effects` in the contract, or --evidence-cmd (`evidence.cmd` in hookgate.toml)",
            Self::Clock => "a clock: --clock rewind with --db, --clock faketime with --exec, or --clock wait (`clock` in hookgate.toml)",
            Self::Time => "more time: a longer --max-wait, or a clock that need not wait (--clock rewind, faketime)",
            Self::Start => "the command that starts it: --exec CMD (`target.exec` in hookgate.toml)",
            Self::Level => "the level: --level should",
            Self::Life => "a longer life of keys: --ttl",
            Self::Promise => "the promise: take it out of `not_promised` of the contract, or out of --require",
            Self::Idempotency => "the promise: `key` and `outcomes.duplicate` in the contract, or take it out of --require",
            Self::Capability => "the capability: what the contract says of it, if the receiver has it; else take it out of --require",
            Self::AnswersAlike | Self::Memory => {
                "what tells a duplicate: --db, or effects (--evidence-cmd), or an answer to duplicates that differs"
            }
            Self::Scenarios => "its scenarios: play the whole suite (no --select, no names)",
            Self::Honest => "a receiver that accepts honest deliveries: `hookgate doctor` says why it does not",
            Self::BodyLimit => "a higher limit in the contract (`limits`), if the receiver has it",
            Self::FailedFirst => "a receiver without what failed first",
        }
    }
}

/// Why a receiver without memory passes a scenario, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum NoForce {
    /// Answers to first deliveries and to duplicates are alike, and no effects were seen.
    AnswersAlike,
    /// Answers can be told apart, and nothing of the scenario hangs on memory.
    NothingRemembered,
    /// The contract promises no idempotency.
    NoIdempotency,
}

impl NoForce {
    /// As a reason.
    #[must_use]
    pub const fn told(self) -> &'static str {
        match self {
            Self::AnswersAlike => WITHOUT_FORCE,
            Self::NothingRemembered => WITHOUT_MEMORY,
            Self::NoIdempotency => WITHOUT_IDEMPOTENCY,
        }
    }

    /// The reason, with what lacks.
    #[must_use]
    pub fn reason(self) -> Reason {
        let lack = match self {
            Self::AnswersAlike => Lack::AnswersAlike,
            Self::NothingRemembered => Lack::Memory,
            Self::NoIdempotency => Lack::Idempotency,
        };
        Reason::of(lack, self.told())
    }
}

/// Why something was not judged: the sentence, and what lacks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// The sentence, in English.
    pub text: String,
    /// What lacks, where that is known.
    pub lack: Option<Lack>,
}

impl Reason {
    /// A sentence that says that something lacks.
    #[must_use]
    pub fn of(lack: Lack, text: impl Into<String>) -> Self {
        Self { text: text.into(), lack: Some(lack) }
    }
}

impl From<String> for Reason {
    fn from(text: String) -> Self {
        Self { text, lack: None }
    }
}
