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

    /// Does the work that was put off until `now`.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn do_what_is_due(&mut self, now: UnixMicros) -> Result<(), StoreError> {
        self.effects.due(now).iter().try_for_each(|key| self.work(key))
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
        match self.hooks.works_again(what, around).filter(|_| !key.is_empty()) {
            Some(later) if later.is_zero() => self.work(key)?,
            Some(later) => self.effects.put_off(key, now.plus(later)),
            None => {}
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

    /// What is written behind an acceptance, and before its answer, is there: nothing is, unless the receiver is wrong on purpose.
    pub fn settle(&mut self, now: UnixMicros) {
        // What cannot be written now is written later.
        drop(self.store.remove_expired(now));
    }
}
