//! Evidence: what a receiver remembers and has done, read where it stands.

pub mod sqlite;
