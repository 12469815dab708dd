//! Working: the effect of a delivery, and how often it was made.
//!
//! A right receiver works once for a key that it accepts. The store keeps the
//! count where it can, in the transaction of the acceptance, so that it outlives
//! a restart; else it is kept here.

use super::Receiver;
use super::hooks::{Answering, Around};
use super::store::{Store, StoreError};
use crate::clock::UnixMicros;
use crate::delivery::{Answer, Delivery};

impl<S: Store> Receiver<S> {
    /// Does the work of a key.
    pub(super) fn work(&mut self, key: &str) -> Result<(), StoreError> {
        self.effects.add(key);
        self.store.note_effect(key)
    }

    /// Gives an answer; who is wrong on purpose works for it, too.
    pub(super) fn reply(
        &mut self,
        what: Answering,
        reply: Answer,
        delivery: &Delivery,
        key: &str,
        now: UnixMicros,
    ) -> Result<Answer, StoreError> {
        let around = Around { delivery, key, signer: self.signer.as_ref(), origin: &self.origin, now };
        if self.hooks.works_again(what, around) && !key.is_empty() {
            self.work(key)?;
        }
        let around = Around { delivery, key, signer: self.signer.as_ref(), origin: &self.origin, now };
        Ok(self.hooks.answer(what, reply, around))
    }

    /// How often the work of `key` was done: what was accepted with it, whatever the scope and the body.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn effects(&mut self, key: &str) -> Result<u64, StoreError> {
        let kept = self.store.effects_of(key)?;
        Ok(kept.unwrap_or_else(|| self.effects.of(key)))
    }
}
