//! Stream steps: an event stream is opened, read on, left; and what is expected of what it tells.
//!
//! A stream that was opened stays open until the scenario ends, its client leaves, or it is cut; what comes meanwhile is noted with
//! its instant. What every stream is held to (its type, ids that rise, only its own events) need not be expected by a step.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::clock::span::Span;
use crate::scenario::Step;

/// An event stream is opened, read on, or left: exactly one of `open`, `of`, `reconnect`, `close`.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct StreamStep {
    /// Opens the stream that tells of this earlier delivery.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub open: Option<String>,
    /// Reads on in a stream that was opened before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub of: Option<String>,
    /// Opens the stream of this name once more, as a client comes back: with the id in force there, if there is any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reconnect: Option<String>,
    /// Leaves a stream: its connection is closed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub close: Option<String>,
    /// With `open` and `reconnect`: a name by which later steps refer to it.
    #[serde(rename = "as", skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// With `open`: the value of `Last-Event-ID`. `{id:NAME}` is the id in force of an earlier stream, `{id:NAME.DELIVERY}` that of
    /// its event of a delivery.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_event_id: Option<String>,
    /// With `open` and `reconnect`: so many bytes of it are read, then it is cut.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cut_after: Option<usize>,
    /// With `open` and `reconnect`: nothing of it is read before a later step asks for it.
    pub unread: bool,
    /// With `open` and `reconnect`: the client takes gzip, too.
    pub gzip: bool,
    /// With `open`: so many clients at once, each held to the same; the name is the first one's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clients: Option<usize>,
    /// With `open`: so many clients come and go before it, one after the other; `at-once` is as many as the contract lets in at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after_leaving: Option<Leaving>,
    /// How far it is read; without it, no further than its head.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Until>,
    /// What is expected of it, each held against what came in this step.
    pub expect: Vec<StreamExpect>,
}

/// How many clients come and go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Leaving {
    /// As many as the contract lets in at once (`stream.at_once`).
    AtOnce,
    /// So many.
    #[serde(untagged)]
    Clients(usize),
}

/// How far a stream is read: until all that is said here has come about, or the time for it is over.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Until {
    /// So many events that tell of deliveries have come.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub events: Option<usize>,
    /// The event of this id has come; written as in `last_event_id`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The event that tells of this earlier delivery has come.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub told: Option<String>,
    /// And then no event has come for so long.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quiet: Option<Span>,
    /// Anything has come, a comment at least: within the contract's heartbeat, and some time more.
    pub heartbeat: bool,
    /// It has ended.
    pub closed: bool,
    /// How long the rest of it is waited for; ten seconds, unless it is said. What is late because of us is waited for longer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub within: Option<Span>,
}

/// One thing that is expected of a stream; exactly one member.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct StreamExpect {
    /// Its events tell of these earlier deliveries, in this order, and of nothing else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tells: Option<Vec<String>>,
    /// Its events tell of these earlier deliveries, each once, in any order: of those of a burst nobody knows which was first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tells_all: Option<Vec<String>>,
    /// Its events are those of this earlier stream behind the id that was sent: the same bytes, in the same order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub again: Option<String>,
    /// What is due to a client whose id is not kept (`stream.unknown`); what it is told behind that, `tells` says.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub unknown: bool,
    /// What is due to a client whose id may be kept no longer: all that followed it, as long as the contract keeps so much
    /// (`stream.keeps`); then that, or what the contract says of an id that is not kept.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub evicted: bool,
    /// What is due to a client that comes back to a finished stream with its last id (`stream.finished.then`).
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub finished: bool,
    /// No silence is longer than the contract's heartbeat.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub heartbeat: bool,
    /// The receiver ends it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub ends: bool,
    /// Its head comes within so long.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub opens_within: Option<Span>,
}

impl StreamExpect {
    /// The members that are there.
    #[must_use]
    pub fn members(&self) -> Vec<&'static str> {
        let there = [
            ("tells", self.tells.is_some()),
            ("tells_all", self.tells_all.is_some()),
            ("again", self.again.is_some()),
            ("unknown", self.unknown),
            ("evicted", self.evicted),
            ("finished", self.finished),
            ("heartbeat", self.heartbeat),
            ("ends", self.ends),
            ("opens_within", self.opens_within.is_some()),
        ];
        there.into_iter().filter(|(_, there)| *there).map(|(name, _)| name).collect()
    }

    /// Names of earlier deliveries that it speaks of.
    pub fn deliveries(&self) -> impl Iterator<Item = &String> {
        self.tells.iter().chain(&self.tells_all).flatten()
    }
}

impl StreamStep {
    /// Whether it opens a connection.
    #[must_use]
    pub fn opens(&self) -> bool {
        self.open.is_some() || self.reconnect.is_some()
    }

    /// Whether a client of an unknown id is expected.
    #[must_use]
    pub fn expects_unknown(&self) -> bool {
        self.expect.iter().any(|one| one.unknown)
    }

    /// Whether a client is expected whose id may be kept no longer.
    #[must_use]
    pub fn expects_evicted(&self) -> bool {
        self.expect.iter().any(|one| one.evicted)
    }

    /// Whether a client that comes back to a finished stream is expected.
    #[must_use]
    pub fn expects_finished(&self) -> bool {
        self.expect.iter().any(|one| one.finished)
    }
}

/// Which streams steps leave open, and how many are open at once at the most.
#[derive(Clone, Debug, Default)]
pub struct OpenStreams {
    names: BTreeSet<String>,
    most: usize,
}

impl OpenStreams {
    /// Those of steps, as far as they end as the steps expect it.
    #[must_use]
    pub fn of(steps: &[Step]) -> Self {
        let mut open = Self::default();
        open.play(steps);
        open
    }

    /// How many are open in the end.
    #[must_use]
    pub fn in_the_end(&self) -> usize {
        self.names.len()
    }

    /// How many are open at once at the most.
    #[must_use]
    pub fn at_most(&self) -> usize {
        self.most
    }

    fn play(&mut self, steps: &[Step]) {
        for step in steps {
            if step.restart.is_some() {
                self.names.clear();
            }
            self.take(step.stream.as_ref());
            if let Some(block) = &step.repeat {
                // What the first round leaves open is there in the second; in the third nothing is otherwise.
                self.play(&block.steps);
                self.play(&block.steps);
            }
        }
    }

    fn take(&mut self, step: Option<&StreamStep>) {
        let Some(step) = step else { return };
        let name = step.close.as_ref().or(step.of.as_ref()).or(step.name.as_ref()).or(step.reconnect.as_ref());
        if step.opens() {
            // Who comes under a name that is there leaves first.
            self.names.retain(|open| Some(open) != name);
            self.most = self.most.max(self.names.len() + step.clients.unwrap_or(1));
            self.names.extend(name.cloned());
        }
        let is_over = step.close.is_some() || step.until.as_ref().is_some_and(|until| until.closed);
        self.names.retain(|open| !is_over || Some(open) != name);
    }
}

#[cfg(test)]
mod tests {
    use super::OpenStreams;
    use crate::scenario::Step;

    /// So many are open at once at the most, and so many in the end.
    #[test]
    fn streams_that_are_open_are_counted() {
        let rows = [
            ("[]", (0, 0)),
            (r#"[{"stream": {"open": "a", "as": "s"}}, {"stream": {"open": "a", "as": "t"}}]"#, (2, 2)),
            (r#"[{"stream": {"open": "a", "as": "s"}}, {"stream": {"open": "a", "as": "s"}}]"#, (1, 1)),
            (r#"[{"stream": {"open": "a", "as": "s"}}, {"stream": {"reconnect": "s"}}, {"stream": {"of": "s"}}]"#, (1, 1)),
            (r#"[{"stream": {"open": "a", "as": "s"}}, {"stream": {"reconnect": "s", "as": "t"}}]"#, (2, 2)),
            (r#"[{"stream": {"open": "a", "as": "s"}}, {"stream": {"close": "s"}}, {"stream": {"open": "a", "as": "t"}}]"#, (1, 1)),
            (r#"[{"stream": {"open": "a", "as": "s", "until": {"closed": true}}}, {"stream": {"open": "a", "as": "t"}}]"#, (1, 1)),
            (r#"[{"stream": {"open": "a", "clients": 20, "as": "s"}}, {"stream": {"open": "a", "clients": 3}}]"#, (20, 1)),
            (r#"[{"stream": {"open": "a", "after_leaving": "at-once"}}]"#, (1, 0)),
            (r#"[{"stream": {"open": "a", "as": "s"}}, {"restart": {}}, {"stream": {"reconnect": "s", "as": "t"}}]"#, (1, 1)),
            (r#"[{"repeat": {"times": 9, "steps": [{"stream": {"open": "a"}}, {"stream": {"open": "a", "as": "s"}}]}}]"#, (2, 1)),
        ];
        for (steps, counts) in rows {
            let open = OpenStreams::of(&serde_json::from_str::<Vec<Step>>(steps).expect("steps"));
            assert_eq!((open.at_most(), open.in_the_end()), counts, "{steps}");
        }
    }
}
