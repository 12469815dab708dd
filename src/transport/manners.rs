//! Manners: whether anything follows a receiver's answers on their connections.
//!
//! A request is answered once, and nothing comes behind the answer. What comes
//! at once is seen with it; what comes a moment later would be taken for the
//! beginning of the next answer, if the connection were used at once. So
//! answers of a kind (a status and a length) are given that moment until one
//! was seen that nothing followed: their connections rest, while others go on
//! over another one. A receiver that was seen to send more is given it always.
//!
//! In: answers and what came behind them. Out: [`Remark`]s about the
//! deliveries that were answered so. Nobody is judged here.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::codec::decode::Surplus;
use crate::delivery::{Answer, Delivery};

/// So long a connection rests whose answer is the first of its kind.
pub(super) const REST: Duration = Duration::from_millis(100);
/// So many kinds are told apart; a receiver whose answers are all unlike is not waited for without end.
const MOST_KINDS: usize = 16;
/// So many remarks are kept; the rest would say the same.
const MOST_REMARKS: usize = 200;

/// Something came after the answer to a delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    /// The delivery.
    pub delivery: Delivery,
    /// What came.
    pub surplus: Surplus,
}

/// A kind of answers: status, and length of the body.
pub(super) type Kind = (u16, usize);

/// The kind of an answer.
pub(super) fn kind_of(answer: &Answer) -> Kind {
    (answer.status, answer.body.len())
}

/// What is known of a receiver's manners; shared by all that speak with it.
#[derive(Debug, Default)]
pub(super) struct Manners {
    /// Kinds of answers, and whether one was seen that nothing followed.
    kinds: Mutex<BTreeMap<Kind, bool>>,
    are_bad: AtomicBool,
    remarks: Mutex<Vec<Remark>>,
}

impl Manners {
    /// Whether the connection of an answer of this kind rests before it is used again.
    pub(super) fn rests(&self, kind: Kind) -> bool {
        if self.are_bad() {
            return true;
        }
        let mut kinds = self.kinds.lock().unwrap_or_else(PoisonError::into_inner);
        match kinds.get(&kind) {
            Some(was_quiet) => !was_quiet,
            None if kinds.len() >= MOST_KINDS => false,
            None => {
                kinds.insert(kind, false);
                true
            }
        }
    }

    /// Remembers that nothing followed an answer of this kind.
    pub(super) fn was_quiet(&self, kind: Kind) {
        if let Some(was_quiet) = self.kinds.lock().unwrap_or_else(PoisonError::into_inner).get_mut(&kind) {
            *was_quiet = true;
        }
    }

    /// Whether anything has ever followed an answer.
    pub(super) fn are_bad(&self) -> bool {
        self.are_bad.load(Ordering::Relaxed)
    }

    /// Remembers what came after the answer to `delivery`.
    pub(super) fn remark(&self, delivery: &Delivery, surplus: Surplus) {
        self.are_bad.store(true, Ordering::Relaxed);
        let mut remarks = self.remarks.lock().unwrap_or_else(PoisonError::into_inner);
        if remarks.len() < MOST_REMARKS {
            remarks.push(Remark { delivery: delivery.clone(), surplus });
        }
    }

    /// All remarks so far.
    pub(super) fn take_remarks(&self) -> Vec<Remark> {
        std::mem::take(&mut *self.remarks.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
