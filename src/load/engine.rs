//! Engines: what starts the users of a load, and the threads that they run on.
//!
//! In: what all users share, and how many there are. Out: nothing, when the last has come to its end.

pub mod goose;
pub mod runtime;
