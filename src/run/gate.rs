//! The gate: what may be under way at the target at the same time.
//!
//! Deliveries pass together. While one scenario counts whole tables, only
//! others that count may deliver beside it, and while rows are moved back,
//! which holds the target's database locked for a moment, nobody is inside.
//! In: who wants to pass. Out: a [`Pass`], which ends when it is dropped.
//!
//! **Invariant:** whoever holds a pass asks for no other one.

use std::sync::{Mutex, PoisonError};

use tokio::sync::Notify;

/// Why somebody passes; later ones go before earlier ones, so that those of a kind pass together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Passage {
    /// A delivery, with others beside it.
    Delivery,
    /// All of a scenario between two counts that must be the same, with others of its kind beside it.
    Count,
    /// Rows are moved: alone.
    Move,
}

const KINDS: usize = 3;

/// Who is inside, and who waits.
#[derive(Debug, Default)]
struct Crowd {
    inside: [usize; KINDS],
    waiting: [usize; KINDS],
}

impl Crowd {
    fn lets_in(&self, kind: Passage) -> bool {
        let own = kind as usize;
        let others_inside = self.inside.iter().enumerate().any(|(other, count)| other != own && *count > 0);
        let before_it = self.waiting.iter().skip(own + 1).any(|count| *count > 0);
        let is_alone = kind != Passage::Move || self.inside[own] == 0;
        !others_inside && !before_it && is_alone
    }
}

/// The gate of one run.
#[derive(Debug, Default)]
pub struct Gate {
    crowd: Mutex<Crowd>,
    changed: Notify,
}

/// Somebody inside; outside again when it is dropped.
#[derive(Debug)]
pub struct Pass<'g> {
    gate: &'g Gate,
    kind: Passage,
}

/// Somebody who waits, and no longer does when it is dropped.
struct Waiting<'g> {
    gate: &'g Gate,
    kind: Passage,
}

impl Gate {
    /// Waits until it may pass.
    pub async fn pass(&self, kind: Passage) -> Pass<'_> {
        if let Some(pass) = self.try_pass(kind) {
            return pass;
        }
        self.change(|crowd| crowd.waiting[kind as usize] += 1);
        let waiting = Waiting { gate: self, kind };
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            // From here on no change is missed.
            changed.as_mut().enable();
            if let Some(pass) = self.try_pass(kind) {
                drop(waiting);
                return pass;
            }
            changed.await;
        }
    }

    fn try_pass(&self, kind: Passage) -> Option<Pass<'_>> {
        let mut crowd = self.crowd.lock().unwrap_or_else(PoisonError::into_inner);
        crowd.lets_in(kind).then(|| {
            crowd.inside[kind as usize] += 1;
            Pass { gate: self, kind }
        })
    }

    fn change(&self, how: impl FnOnce(&mut Crowd)) {
        how(&mut self.crowd.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl Pass<'_> {
    /// The same pass for another reason, with nobody in between.
    #[must_use]
    pub fn turned_into(mut self, kind: Passage) -> Self {
        self.gate.change(|crowd| {
            crowd.inside[self.kind as usize] -= 1;
            crowd.inside[kind as usize] += 1;
        });
        self.kind = kind;
        self.gate.changed.notify_waiters();
        self
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        self.gate.change(|crowd| crowd.inside[self.kind as usize] -= 1);
        self.gate.changed.notify_waiters();
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.gate.change(|crowd| crowd.waiting[self.kind as usize] -= 1);
        self.gate.changed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether somebody is let in at once.
    fn is_open(gate: &Gate, kind: Passage) -> bool {
        gate.try_pass(kind).is_some()
    }

    /// Those of a kind pass together, unlike ones do not, and rows are moved alone.
    #[tokio::test]
    async fn only_those_of_a_kind_are_inside_together() {
        use Passage::{Count, Delivery, Move};
        let gate = Gate::default();
        for (inside, open) in [(Delivery, [true, false, false]), (Count, [false, true, false]), (Move, [false, false, false])] {
            let pass = gate.pass(inside).await;
            assert_eq!([Delivery, Count, Move].map(|kind| is_open(&gate, kind)), open, "{inside:?}");
            drop(pass);
        }
        assert!(is_open(&gate, Move));
    }

    /// Whoever moves rows is not kept out by deliveries that come after it, and one that gave up waiting keeps nobody out.
    #[tokio::test]
    async fn a_move_goes_before_later_deliveries() {
        let gate = Gate::default();
        let first = gate.pass(Passage::Delivery).await;
        let mut moving = Box::pin(gate.pass(Passage::Move));
        assert!(futures_poll(&mut moving).await.is_none());
        assert!(!is_open(&gate, Passage::Delivery), "a delivery overtakes");
        drop(first);
        let moved = futures_poll(&mut moving).await.expect("nobody is inside any more");
        assert!(!is_open(&gate, Passage::Delivery));
        drop(moved);
        let again = gate.pass(Passage::Delivery).await;
        let mut gives_up = Box::pin(gate.pass(Passage::Move));
        assert!(futures_poll(&mut gives_up).await.is_none());
        drop(gives_up);
        assert!(is_open(&gate, Passage::Delivery));
        drop(again);
    }

    /// Who has moved rows delivers at once: another move that waits comes after that.
    #[tokio::test]
    async fn a_move_that_turns_into_a_delivery_lets_no_other_move_between() {
        let gate = Gate::default();
        let moving = gate.pass(Passage::Move).await;
        let mut next = Box::pin(gate.pass(Passage::Move));
        assert!(futures_poll(&mut next).await.is_none());
        let delivers = moving.turned_into(Passage::Delivery);
        assert!(futures_poll(&mut next).await.is_none(), "it moves while another delivers");
        drop(delivers);
        assert!(futures_poll(&mut next).await.is_some());
    }

    /// What a future gives when it is asked once.
    async fn futures_poll<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
        std::future::poll_fn(|context| {
            std::task::Poll::Ready(match std::pin::Pin::new(&mut *future).poll(context) {
                std::task::Poll::Ready(value) => Some(value),
                std::task::Poll::Pending => None,
            })
        })
        .await
    }
}
