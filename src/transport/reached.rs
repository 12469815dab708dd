//! Reached: what a report says of how its target was reached.

use super::url::{Target, Via};

impl Target {
    /// What a reader of a report must know of how it was reached; nothing when there is nothing.
    #[must_use]
    pub fn note(&self) -> Option<&'static str> {
        match self.via() {
            Via::Tls(Some(tls)) if tls.is_insecure() => {
                Some("The certificate of the target was not looked at (--insecure): it may have been anybody who answered.")
            }
            Via::Tls(_) | Via::Tcp | Via::Unix(_) => None,
        }
    }
}
