//! Evidence: what a receiver remembers and has done, read where it stands.
//!
//! In: a contract's tables and effects, and a place (`--db`, the contract's
//! `effects`, `--evidence-cmd`). Out: key rows, audit rows, counts of effects,
//! and the shape of tables, from sources that stand in a file of their own each,
//! behind one trait, [`Source`]. All of them read only, look at one moment,
//! and are bounded in time. What should be there is `check`'s business.
//!
//! Start at [`Choice::open`]. Places are read in [`place`], cells in [`cells`].
//!
//! **Invariant:** nothing here writes, but for [`Source::rewind`], which moves the
//! lives of keys that a scenario itself has made, on `--clock rewind`.

pub mod cells;
pub mod command;
pub mod counter;
pub mod error;
pub mod http;
pub mod log;
#[cfg(feature = "mysql")]
pub mod mysql;
pub mod place;
#[cfg(feature = "postgres")]
pub mod postgres;
pub mod reach;
#[cfg(feature = "redis")]
pub mod redis;
#[cfg(any(feature = "postgres", feature = "mysql"))]
mod sql;
pub mod sqlite;

use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use secrecy::SecretString;

use crate::clock::{Moment, UnixMicros};
use crate::contract::Contract;
use crate::contract::tables::StateTables;
use crate::evidence::command::EffectsCommand;
use crate::evidence::counter::Counter;
pub use crate::evidence::error::EvidenceError;
use crate::evidence::http::EffectsPage;
use crate::evidence::log::EffectsLog;
use crate::evidence::place::Place;
pub use crate::evidence::reach::{Named, Origin, TlsSettings};
use crate::state::{Counts, ReceiverState, TableShape};

/// What a source tells once it is asked.
pub type Asked<'a, T> = Pin<Box<dyn Future<Output = Result<T, EvidenceError>> + Send + 'a>>;
/// Hears of a table how many of its rows bear a key.
pub type Told<'a> = dyn FnMut(Role, &str, u32) + Send + 'a;

/// The column in which a source tells when a row expires, where no column of the contract says so.
pub const EXPIRES: &str = "(expires)";

/// How long a database is waited for that is made with the first delivery.
const BORN_WITHIN: Duration = Duration::from_secs(3);
/// A moment between two looks whether it is there.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// A table that gets a row an effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EffectsTable {
    /// Its name; with Redis, the template of counters.
    pub table: String,
    /// The column that names the key.
    pub key: String,
}

/// What a table is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The table of keys.
    Keys,
    /// The table of audit rows.
    Audit,
}

/// What a source can show, and do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Can {
    /// Rows of keys.
    pub keys: bool,
    /// Audit rows.
    pub audit: bool,
    /// How often the work of a key was done.
    pub effects: bool,
    /// How its tables are declared.
    pub shape: bool,
    /// Moving lives back.
    pub rewind: bool,
}

/// Which rows are asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Which {
    /// None.
    #[default]
    Nothing,
    /// Those that are found by these values: of the table of keys, of the audit table.
    Of(Vec<String>, Vec<String>),
    /// All that the contract's tables hold.
    All,
}

/// What is asked of a source at one moment.
#[derive(Clone, Debug, Default)]
pub struct Question {
    /// These rows.
    pub rows: Which,
    /// How many rows there are in all; the moment says which keys are live.
    pub counts_at: Option<UnixMicros>,
    /// How the tables are declared.
    pub shape: bool,
}

/// What was there at one moment.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// The rows that were asked for, oldest first; audit rows of other events left out.
    pub state: ReceiverState,
    /// How many rows there are.
    pub counts: Counts,
    /// The contract's tables as they are declared.
    pub tables: Vec<TableShape>,
}

/// Where evidence is read.
pub trait Source: Send + Sync {
    /// Its name in reports and errors; no password is in it.
    fn name(&self) -> String;

    /// What it can show.
    fn can(&self) -> Can;

    /// Opens it, and sees that the contract's tables and columns are there.
    fn check_available(&self) -> Asked<'_, ()>;

    /// Rows, counts and shapes, as they were at one moment.
    fn rows(&self, question: Question) -> Asked<'_, Seen>;

    /// Tells how many rows bear each key that begins with `prefix`, by a cursor; rows of a table that names no keys are not told.
    fn count<'a>(&'a self, prefix: &'a str, told: &'a mut Told<'_>) -> Asked<'a, ()>;

    /// How often the work of each key was done, in their order.
    fn effects<'a>(&'a self, keys: &'a [String]) -> Asked<'a, Vec<u64>>;

    /// The same of keys that are no text; `None` where nobody can be asked for such.
    fn effects_of_bytes<'a>(&'a self, _keys: &'a [Vec<u8>]) -> Asked<'a, Option<Vec<u64>>> {
        Box::pin(async { Ok(None) })
    }

    /// Whether it can tell the effects of this key from those of every other one.
    fn tells(&self, _key: &str) -> bool {
        true
    }

    /// Why there are no effects to be counted at all, as a sentence: what would tell of them has never been there.
    fn is_missing(&self) -> Option<String> {
        None
    }

    /// The contract's tables as they are declared.
    fn shape(&self) -> Asked<'_, Vec<TableShape>> {
        let seen = self.rows(Question { shape: true, ..Question::default() });
        Box::pin(async move { Ok(seen.await?.tables) })
    }

    /// Moves the lives of these keys by `by` into the past; says for how many rows that time has passed: those that
    /// were moved, and those that live for ever wherever time stands. Keys without a row are passed over.
    fn rewind<'a>(&'a self, keys: &'a [String], by: Duration) -> Asked<'a, usize>;

    /// Sees that [`Source::rewind`] could write now: a receiver may keep its database for itself.
    fn check_writable(&self) -> Asked<'_, ()> {
        Box::pin(async { Ok(()) })
    }

    /// What [`Source::rewind`] would write, as statements for people; `None` where it can write nothing.
    fn would_rewind(&self) -> Option<String>;
}

/// What a user says of evidence, beside the contract.
#[derive(Clone, Debug, Default)]
pub struct Choice {
    /// `--db`: a file or a URL.
    pub db: Option<String>,
    /// The database's password, from the environment.
    pub password: Option<SecretString>,
    /// `--evidence-cmd`: a command that counts the effects of a key.
    pub command: Option<String>,
    /// A function that counts the effects of a key, where the receiver is in this process.
    pub counter: Option<Counter>,
    /// How long a busy source is waited for.
    pub patience: Duration,
    /// Settings of TLS; needed where a source speaks it.
    pub tls: Option<TlsSettings>,
}

/// The sources of one target.
#[derive(Clone, Default)]
pub struct Sources {
    /// Where rows are read.
    pub rows: Option<Arc<dyn Source>>,
    /// Where effects are counted.
    pub effects: Option<Arc<dyn Source>>,
}

impl Sources {
    /// Opens all of them, and sees that what the contract names is there.
    ///
    /// # Errors
    /// [`EvidenceError`]: what is not.
    pub async fn check_available(&self) -> Result<(), EvidenceError> {
        for source in self.rows.iter().chain(&self.effects) {
            source.check_available().await?;
        }
        Ok(())
    }

    /// The same after a first delivery: some are made with it, and are waited for a while.
    ///
    /// # Errors
    /// As [`Sources::check_available`].
    pub async fn wait_to_be_there(&self) -> Result<(), EvidenceError> {
        let began = Moment::now();
        loop {
            match self.check_available().await {
                Err(wrong) if wrong.is_not_there_yet() && began.elapsed() < BORN_WITHIN => tokio::time::sleep(LOOK_AGAIN).await,
                seen => return seen,
            }
        }
    }
}

impl Choice {
    /// The file that stands for the database, where it is one that is there by that name.
    #[must_use]
    pub fn file(&self) -> Option<PathBuf> {
        match Place::read(self.db.as_deref()?).ok()? {
            Place::Sqlite(path) => Some(path),
            Place::Postgres(_) | Place::Mysql(_) | Place::Redis(_) => None,
        }
    }

    /// The sources that a user and a contract name; nothing is asked of them yet.
    ///
    /// * `origin`: how the target is reached, for pages of its own.
    /// * `fill`: what stands for `{dir}` and `{port}` in names of files.
    ///
    /// # Errors
    /// When a place cannot be meant, or its driver is not in this build.
    pub fn open(&self, contract: &Contract, origin: &Origin, fill: &dyn Fn(&str) -> String) -> Result<Sources, EvidenceError> {
        let place = self.db.as_deref().map(|text| Place::read(&fill(text))).transpose()?;
        let named = contract.effects.as_ref();
        let counted = named.and_then(|effects| {
            let key = effects.key.clone().unwrap_or_default();
            Some(EffectsTable { table: effects.table.clone()?, key })
        });
        let tables = contract.state.clone().or_else(|| counted.as_ref().map(|_| StateTables { keys: None, audit: None }));
        let rows = match (place, tables) {
            (Some(place), Some(tables)) => Some(place.open(tables, counted, self)?),
            (Some(_), None) => return Err(EvidenceError::NoTables { contract: contract.contract.clone() }),
            (None, _) => None,
        };
        let effects = self.effects(contract, origin, fill, rows.as_ref())?;
        Ok(Sources { rows, effects })
    }

    /// Where effects are counted: what the command line says goes before the contract.
    fn effects(
        &self,
        contract: &Contract,
        origin: &Origin,
        fill: &dyn Fn(&str) -> String,
        rows: Option<&Arc<dyn Source>>,
    ) -> Result<Option<Arc<dyn Source>>, EvidenceError> {
        if let Some(counter) = &self.counter {
            return Ok(Some(Arc::new(counter.clone())));
        }
        if let Some(command) = &self.command {
            return Ok(Some(Arc::new(EffectsCommand::new(&fill(command), self.patience))));
        }
        let Some(place) = &contract.effects else { return Ok(None) };
        if place.is_page() {
            return Ok(Some(Arc::new(EffectsPage::new(place, origin, self.tls.as_ref(), self.patience)?)));
        }
        if let (Some(log), Some(pattern)) = (&place.log, &place.pattern) {
            return Ok(Some(Arc::new(EffectsLog::new(PathBuf::from(fill(log)), pattern)?)));
        }
        // A table is in the database, where one is given.
        Ok(rows.filter(|source| source.can().effects).cloned())
    }
}

/// All futures side by side, in their order.
pub(crate) async fn all<F: Future>(futures: impl Iterator<Item = F>) -> Vec<F::Output> {
    type Running<F> = (Option<<F as Future>::Output>, Pin<Box<F>>);
    let mut running: Vec<Running<F>> = futures.map(|one| (None, Box::pin(one))).collect();
    std::future::poll_fn(|context| {
        let mut is_done = true;
        for (output, future) in running.iter_mut().filter(|(output, _)| output.is_none()) {
            match future.as_mut().poll(context) {
                Poll::Ready(value) => *output = Some(value),
                Poll::Pending => is_done = false,
            }
        }
        if is_done { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    running.into_iter().filter_map(|(output, _)| output).collect()
}

/// What a database with these tables can show.
#[cfg(any(feature = "postgres", feature = "mysql"))]
fn can_of(tables: &StateTables, effects: bool) -> Can {
    let (keys, audit) = (tables.keys.is_some(), tables.audit.is_some());
    Can { keys, audit, effects, shape: keys || audit, rewind: tables.can_be_rewound() }
}

/// The innermost cause of an error: what the system said.
fn innermost(wrong: &dyn std::error::Error) -> String {
    let mut cause = wrong;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}
