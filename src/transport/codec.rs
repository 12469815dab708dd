//! Codec of HTTP/1.1: requests to bytes, bytes to answers; no sockets and no clock in here.
//!
//! [`encode`] writes every request that leaves, [`decode`] reads every answer
//! that comes, whatever carries them and whoever asks.

pub mod decode;
pub mod encode;
pub mod gunzip;
mod oddity;
#[cfg(test)]
mod tests;
