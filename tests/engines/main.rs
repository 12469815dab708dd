//! Tests of hands and engines in the test's own process: sockets, servers and databases. No command is run.

mod databases;
mod fault;
mod probe;
mod raw_driver;
mod serving;
#[expect(dead_code, reason = "nothing but folders is needed here")]
#[path = "../shared/surroundings.rs"]
mod surroundings;
