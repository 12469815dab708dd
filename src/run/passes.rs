//! Passes: one scenario's leave to deliver, to count, and to move its keys' lives.
//!
//! In: what the scenario is about to do. Out: the pass of the run's [`Gate`]
//! that it needs for it, or none where it has one already.
//!
//! **Invariant:** at most one pass is held, and it is given back before another is asked for.

use super::gate::{Gate, Pass, Passage};

/// What one scenario holds.
#[derive(Debug, Default)]
pub(super) struct Passes<'s> {
    /// While it counts: nobody else delivers.
    counting: Option<Pass<'s>>,
    has_counted: bool,
    /// While its keys are shortly before the end of their lives: nobody moves rows before it has delivered.
    at_once: Option<Pass<'s>>,
}

impl<'s> Passes<'s> {
    /// Leave to deliver; nobody needs it who has it, or counts and has the target to themselves.
    pub(super) async fn before_delivering(&mut self, gate: &'s Gate) -> Option<Pass<'s>> {
        if std::mem::take(&mut self.has_counted) {
            self.counting = None;
        }
        match (&self.counting, &self.at_once) {
            (Some(_), _) | (None, Some(_)) => None,
            (None, None) => Some(gate.pass(Passage::Delivery).await),
        }
    }

    /// Leave to move rows.
    pub(super) async fn before_moving(&mut self, gate: &'s Gate) -> Pass<'s> {
        *self = Self::default();
        gate.pass(Passage::Move).await
    }

    /// What follows a move is delivered without waiting for anybody: until time is moved again, or something else is done.
    pub(super) fn deliver_at_once(&mut self, moved: Pass<'s>) {
        self.at_once = Some(moved.turned_into(Passage::Delivery));
    }

    /// What was to be delivered at once was.
    pub(super) fn end_delivering_at_once(&mut self) {
        self.at_once = None;
    }

    /// Leave to look: what is counted must not be the doing of others.
    pub(super) async fn before_looking(&mut self, gate: &'s Gate, counts: bool) {
        self.at_once = None;
        if counts && self.counting.is_none() {
            self.counting = Some(gate.pass(Passage::Count).await);
        }
    }

    /// It has looked; a second count ends counting with the next delivery.
    pub(super) fn looked(&mut self, is_second_count: bool) {
        self.has_counted |= is_second_count;
    }
}
