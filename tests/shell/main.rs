//! Tests of the built command as a shell runs it: arguments, environment and signals in; streams, files and exit codes out.

mod bad_input;
mod baseline;
#[cfg(feature = "load")]
mod beyond;
mod browser;
mod changed;
mod claims;
mod command;
mod command_line;
mod contracts;
mod compare;
#[cfg(feature = "load")]
mod dashboard;
mod delivering;
mod ends;
mod evidence;
mod examples;
mod exploring;
mod families;
#[cfg(feature = "load")]
mod feeding;
mod forms;
mod guide;
mod help;
mod histories;
mod hostile;
mod http_two;
mod init;
mod judging;
mod languages;
#[cfg(feature = "load")]
#[path = "../shared/latin.rs"]
mod latin;
mod launching;
mod liveness;
#[cfg(feature = "locust")]
mod locust;
#[cfg(feature = "load")]
mod load;
#[cfg(feature = "load")]
mod load_truth;
#[cfg(feature = "load")]
mod otlp;
mod odd_receivers;
mod own_headers;
mod packaging;
mod pasted;
mod project;
mod receivers;
mod recipes;
mod secrets;
mod selftest;
mod servers;
#[cfg(feature = "load")]
mod several_contracts;
mod serve_command;
mod signed_addresses;
mod signing_vectors;
mod shards;
#[cfg(feature = "load")]
mod soak;
mod snapshots;
mod stores;
mod stream_receivers;
mod suites;
#[path = "../shared/surroundings.rs"]
mod surroundings;
mod tables;
mod tls;
mod trends;
mod trouble;
mod vendors;
mod visits;
mod walks;
