//! The goal of a reading: how far a step wants a stream to be read, the same live and in memory.

use super::tellable::{Tellable, data_of};
use super::{is_telling, told_by};
use crate::contract::stream::EventStream;
use crate::event_stream::Block;
use crate::judge::AskedStream;
use crate::judge::check::Bindings;

/// What is still waited for.
pub struct Goal<'a> {
    form: &'a EventStream,
    deliveries: Vec<&'a Tellable>,
    events: usize,
    id: Option<&'a str>,
    told: Option<&'a Tellable>,
    anything: bool,
    end: bool,
}

impl<'a> Goal<'a> {
    /// What a step wants.
    #[must_use]
    pub fn of(asked: &'a AskedStream<'_>, form: &'a EventStream, bindings: &'a Bindings) -> Self {
        let until = asked.step.until.as_ref();
        Self {
            form,
            deliveries: bindings.told.iter().collect(),
            events: asked.events.unwrap_or(0),
            id: asked.until_id.as_deref(),
            told: until
                .and_then(|until| bindings.one(until.told.as_ref()?))
                .and_then(|record| bindings.told.iter().rfind(|one| one.is_of(record))),
            anything: until.is_some_and(|until| until.heartbeat),
            end: until.is_some_and(|until| until.closed),
        }
    }

    /// A block has come.
    pub fn took(&mut self, block: &Block) {
        self.anything = false;
        if self.is_event(block) {
            self.events = self.events.saturating_sub(1);
            let is_it = |id: &&str| block.event.as_ref().is_some_and(|event| event.last_event_id == *id);
            self.id = self.id.filter(|id| !is_it(id));
            if self.told.is_some() {
                let data = data_of(block);
                self.told = self.told.filter(|one| !one.is_told_by(self.form, block, data.as_ref()));
            }
        }
    }

    /// Whether a block is an event that counts.
    #[must_use]
    pub fn is_event(&self, block: &Block) -> bool {
        is_telling(self.form, block) && (self.form.of.is_some() || !told_by(self.form, block, &self.deliveries).is_empty())
    }

    /// Whether nothing more is waited for of a stream that is open.
    #[must_use]
    pub fn is_met(&self) -> bool {
        self.events == 0 && self.id.is_none() && self.told.is_none() && !self.anything && !self.end
    }
}
