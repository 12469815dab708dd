//! Steps: one file a kind; how what was observed is judged.

mod advance;
mod ask;
mod burst;
mod deliver;
mod effects;
mod restart;
mod state;
mod stream;

pub use advance::span_of;
