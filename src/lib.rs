//! hookgate judges HTTP receivers of signed callbacks that promise idempotency
//! with a TTL and an audit trail.
//!
//! ARCHITECTURE.md has the plan of the house. Rooms by floor, from the ground:
//! a room names only rooms on lower floors, or earlier on its own.

// words
pub mod clock;
pub mod delivery;
pub mod message;
pub mod secret;
pub mod state;
pub mod template;
// law
pub mod document;
pub mod project;
pub mod sign;
pub mod contract;
pub mod outcome;
pub mod reference;
pub mod scenario;
pub mod history;
pub mod snapshot;
pub mod visit;
pub mod report;
pub mod judge;
pub mod claims;
// hands
pub mod evidence;
pub mod files;
pub mod serve;
pub mod sqlite;
pub mod target;
pub mod transport;
// engines
pub mod suites;
pub mod session;
pub mod run;
#[cfg(feature = "load")]
pub mod load;
pub mod selftest;
// roof
pub mod cli;
