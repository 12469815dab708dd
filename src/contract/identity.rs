//! Identity: which deliveries are the same.
//!
//! The one answer to that question: the reference remembers by it, histories
//! and loads are divided by it.

use super::key::KeyScope;
use super::{Contract, Fingerprint, OtherBody};
use crate::delivery::{Delivery, path_in};
use crate::message::canonical_json;
use crate::sign::sha256_hex;

/// Stands between the parts of an identity; no key has it.
const BETWEEN: char = '\n';

impl Contract {
    /// What a body is compared by: two bodies with the same fingerprint are the same body.
    #[must_use]
    pub fn fingerprint_of(&self, body: &[u8]) -> String {
        self.fingerprint_with(body, || sha256_hex(body))
    }

    /// The same, for those who know the body's hash already.
    #[must_use]
    pub fn fingerprint_with(&self, body: &[u8], sha256: impl FnOnce() -> String) -> String {
        match self.fingerprint {
            Some(Fingerprint::Json) => canonical_json(body).map_or_else(sha256, |text| sha256_hex(text.as_bytes())),
            Some(Fingerprint::Raw) | None => sha256(),
        }
    }

    /// The scope in which a delivery's key counts; empty where keys count everywhere. By its letters: whether another spelling is
    /// another scope is asked of [`Contract::leaves_scope_open`].
    #[must_use]
    pub fn scope_of(&self, delivery: &Delivery) -> String {
        match self.key.scope {
            None | Some(KeyScope::Receiver) => String::new(),
            Some(KeyScope::Path) => delivery.path_and_query().split('?').next().unwrap_or_default().to_owned(),
            Some(KeyScope::PathAndQuery) => delivery.path_and_query().to_owned(),
            Some(KeyScope::Caller) => {
                let caller = self.key.caller.as_deref().and_then(|header| delivery.header(header));
                caller.map(|value| String::from_utf8_lossy(value).into_owned()).unwrap_or_default()
            }
        }
    }

    /// Whether it is left open in which scope the key of a delivery counts: it came by another spelling of a path, which a receiver may
    /// understand as that path, or as another one.
    ///
    /// * `target`: what stood on its request line.
    #[must_use]
    pub fn leaves_scope_open(&self, target: &str) -> bool {
        matches!(self.key.scope, Some(KeyScope::Path | KeyScope::PathAndQuery)) && !self.endpoint.is_at(path_in(target))
    }

    /// What a delivery is known by: two deliveries with the same identity are the same delivery.
    ///
    /// * `key`: as the receiver understands it.
    /// * `scope`: from [`Contract::scope_of`].
    /// * `fingerprint`: from [`Contract::fingerprint_of`].
    #[must_use]
    pub fn identity(&self, key: &str, scope: &str, fingerprint: &str) -> String {
        let mut identity = key.to_owned();
        for part in [Some(scope), (self.other_body == OtherBody::New).then_some(fingerprint)].into_iter().flatten() {
            if !part.is_empty() {
                identity.push(BETWEEN);
                identity.push_str(part);
            }
        }
        identity
    }

    /// Whether a delivery is known by its key alone.
    #[must_use]
    pub fn key_alone_identifies(&self) -> bool {
        self.other_body != OtherBody::New && matches!(self.key.scope, None | Some(KeyScope::Receiver))
    }
}
