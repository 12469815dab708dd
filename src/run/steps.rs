//! Steps: how what a step asks for is done to a live receiver, one file a kind.
//!
//! In: a step, and what is known of its scenario. Out: what was observed; judging is `judge`'s.

pub mod ask;
pub mod fault;
mod heard;
pub mod restart;
pub mod snapshot;
pub mod state;
pub mod stream;
pub mod told;
