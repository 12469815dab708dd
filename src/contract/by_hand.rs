//! Deliveries by hand: a body and a key as somebody gives them, before they are signed.
//!
//! In: a path, a body and a key. Out: the method, the header lines and the body
//! that an honest sender of the contract signs. What a run and a load send is
//! built elsewhere, from scenarios; here every byte travels as it was given, but for the key.

use bytes::Bytes;

use super::own_headers;
use crate::contract::Contract;
use crate::delivery::Delivery;
use crate::sign::Signer;

impl Contract {
    /// Whether the key travels in the body.
    #[must_use]
    pub fn has_key_in_body(&self) -> bool {
        self.key.header.is_none() && self.key.is_somewhere()
    }

    /// The body that travels: with the key in it, where it travels there.
    ///
    /// # Errors
    /// Why it has no room for the key, as a sentence.
    pub fn body_by_hand(&self, body: &[u8], key: &str) -> Result<Bytes, &'static str> {
        let key = self.has_key_in_body().then_some(key.as_bytes());
        Ok(self.travelling_body(body, key)?.into_owned().into())
    }

    /// All of a delivery but its signature.
    ///
    /// * `body`: as it travels.
    ///
    /// # Errors
    /// Why such a body cannot be signed, as a sentence.
    pub fn unsigned_by_hand(&self, signer: &Signer, path: String, body: Bytes, key: &str) -> Result<Delivery, String> {
        signer.permits(&body).map_err(|why| format!("cannot sign this body: {why}"))?;
        Ok(Delivery { method: self.endpoint.method.clone(), path, headers: own_headers::unsigned(self, key), body })
    }
}
