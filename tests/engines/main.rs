//! Tests of hands and engines in the test's own process: sockets, servers and databases. No command is run.

mod databases;
mod fault;
#[cfg(feature = "load")]
#[expect(dead_code, reason = "loads play no scenarios")]
#[path = "../law/contract_space/axes.rs"]
#[expect(clippy::expect_used, clippy::panic, reason = "a test ends where something is not as it should be")]
mod contract_axes;
#[cfg(feature = "load")]
mod load_contracts;
#[cfg(feature = "load")]
mod load_losses;
#[cfg(feature = "load")]
mod load_streams;
#[cfg(feature = "load")]
mod loads;
#[cfg(feature = "load")]
mod followed;
mod library;
#[cfg(feature = "load")]
mod library_loads;
mod probe;
mod raw_driver;
mod serving;
mod streaming;
mod streaming_in_browser;
#[expect(dead_code, reason = "nothing but folders is needed here")]
#[path = "../shared/surroundings.rs"]
mod surroundings;
mod wire;
