//! Streams of a contract: where accepted deliveries are told as events, and what a client that comes back may rely on.
//!
//! `text/event-stream` as the WHATWG's HTML standard has it (9.2). How bytes are read is `event_stream`'s business, what the reference
//! tells is `reference::streaming`'s.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Contract;
use super::signing::Told;
use crate::clock::span::{self, Span};
use crate::message::{percent_decoded, percent_encoded};
use crate::template::{Part, Template};

/// The placeholder of a stream's name in its path.
const NAME: &str = "stream";

/// Accepted deliveries are told on event streams.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EventStream {
    /// The path that is asked with GET; `{stream}` is the stream's name, percent-encoded. Without it, there is one stream for all.
    pub path: Template,
    /// With `{stream}`: the stream that tells of a delivery (`{body:job_id}`); a delivery without it is told on none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<Template>,
    /// The name of the event that tells of an accepted delivery.
    pub event: String,
    /// The members of the JSON object that is its data; what a delivery does not have is null.
    pub data: BTreeMap<String, Template>,
    /// What ids are made of.
    #[serde(default)]
    pub ids: Ids,
    /// Where a client without an id begins.
    #[serde(default)]
    pub begins: Begins,
    /// So many events of a stream, the newest, can be resumed from at least.
    #[serde(default = "usual_keeps")]
    pub keeps: usize,
    /// What a client gets whose id was evicted, or is unknown.
    #[serde(default)]
    pub unknown: Unknown,
    /// When a stream is over, and what who comes back then gets; without it, streams go on for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished: Option<Finished>,
    /// No silence is longer than this: comments are sent meanwhile. Without it, nothing is promised.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heartbeat: Option<Span>,
    /// After what time a client is to come back (`retry:`); without it, that is the client's to say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry: Option<Span>,
    /// So many streams can be open at once, at least; the reference answers 503 to more.
    #[serde(default = "usual_at_once")]
    pub at_once: usize,
}

fn usual_keeps() -> usize {
    256
}

fn usual_at_once() -> usize {
    500
}

/// What ids are made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Ids {
    /// Decimal numbers that rise, also over a restart.
    #[default]
    Rising,
    /// Anything without NUL, CR and LF.
    Opaque,
}

/// Where a client without an id begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Begins {
    /// With the oldest event that is kept.
    #[default]
    Oldest,
    /// With what is published from now on.
    Now,
}

/// What a client gets whose id was evicted, or is unknown: never a gap that nobody tells it of.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Unknown {
    /// What it gets.
    pub then: Then,
    /// With `then: reset`: the name of the event, `reset` unless it is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event: Option<String>,
    /// With `then: refused`: the status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
}

/// Ways to answer an id that is not kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Then {
    /// An event without an id that says which is the oldest (`{"oldest": …}`), and then everything that is kept.
    #[default]
    Reset,
    /// Everything that is kept.
    Replay,
    /// 204: do not come back.
    NoContent,
    /// Another status.
    Refused,
}

/// When a stream is over.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Finished {
    /// The member of a delivery's body that says it, a dotted path.
    pub member: String,
    /// The values that end a stream.
    pub is: Vec<String>,
    /// What a client gets that comes back with the last id.
    #[serde(default)]
    pub then: AfterEnd,
}

/// What a client gets that comes back to a finished stream with its last id.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AfterEnd {
    /// 204: do not come back.
    #[default]
    NoContent,
    /// The last event once more.
    RepeatsLast,
}

/// What stands in the member that would end a stream, where it is not to end.
const GOES_ON: &str = "running";

impl Finished {
    /// A value that does not end a stream.
    #[must_use]
    pub fn going_on(&self) -> String {
        let mut value = GOES_ON.to_owned();
        while self.is.contains(&value) {
            value.push('-');
        }
        value
    }
}

impl EventStream {
    /// The name of the stream at a path; `None` where no stream is.
    #[must_use]
    pub fn stream_at(&self, path: &str) -> Option<String> {
        let found = self.path.matches(path.as_bytes())?;
        let Some((_, encoded)) = found.first() else { return Some(String::new()) };
        if encoded.is_empty() || encoded.contains(&b'/') {
            return None;
        }
        String::from_utf8(percent_decoded(encoded)).ok()
    }

    /// The path of the stream of this name.
    #[must_use]
    pub fn path_of(&self, stream: &str) -> String {
        let encoded = percent_encoded(stream.as_bytes());
        self.path.fill(&|_| Some(encoded.clone())).unwrap_or_default()
    }

    /// The members of a delivery's body of which the first that is there names its stream; none where something else does.
    #[must_use]
    pub fn member(&self) -> Option<Vec<&str>> {
        match self.of.as_ref()?.parts() {
            [Part::Placeholder(name)] => Some(name.strip_prefix("body:")?.split('|').collect()),
            _ => None,
        }
    }

    /// The members of a delivery's body of which the first that is there stands in the data of its event; none of them names its stream.
    #[must_use]
    pub fn told_members(&self) -> Vec<&str> {
        let named = self.member().unwrap_or_default();
        let paths = self.data.values().flat_map(Template::placeholders).filter_map(|name| name.strip_prefix("body:"));
        let mut all = paths.map(|paths| paths.split('|').collect::<Vec<_>>());
        all.find(|all| !all.iter().any(|path| named.contains(path))).unwrap_or_default()
    }

    /// The name of the event that tells of a gap.
    #[must_use]
    pub fn reset_event(&self) -> &str {
        self.unknown.event.as_deref().unwrap_or("reset")
    }

    /// What is wrong with the stream of a contract.
    #[must_use]
    pub(super) fn diagnostics(&self, contract: &Contract) -> Vec<Told> {
        let mut wrong = Vec::new();
        let mut say = |member: &str, message: &str, way_out: &str| {
            wrong.push((format!("stream.{member}"), message.to_owned(), Some(way_out.to_owned())));
        };
        let text = self.path.to_string();
        let literal = |part: &Part| match part {
            Part::Literal(text) => text.starts_with('/') && !text.contains(['?', '#', ' ']),
            Part::Placeholder(_) => true,
        };
        let names = self.path.placeholders().filter(|name| *name == NAME).count();
        if !self.path.parts().first().is_some_and(|part| matches!(part, Part::Literal(_)) && literal(part))
            || text.contains(['?', '#', ' '])
        {
            say("path", "a path begins with a slash, and has no query, fragment or blank in it", "write /…/{stream}");
        } else if names > 1 {
            say("path", "a path names its stream once", "leave one {stream} out");
        } else if names == 0 && contract.endpoint.is_at(&text) && contract.endpoint.method.eq_ignore_ascii_case("GET") {
            say("path", "deliveries go there, with GET", "give another path");
        }
        match (&self.of, names) {
            (None, 1) => say("path", "this does not say which stream tells of a delivery", "give `of` (\"{body:job_id}\")"),
            (Some(_), 0) => {
                say("of", "with one stream for all, every delivery is told on it", "put {stream} into `path`, or leave `of` out");
            }
            (_, _) => {}
        }
        let has_line = |text: &str| text.is_empty() || text.contains(['\r', '\n', '\0']);
        if has_line(&self.event) {
            say("event", "an event has a name, in one line", "write a word");
        }
        if self.data.is_empty() {
            say("data", "an event without data is never told", "name its members (key: \"{key}\")");
        }
        if self.keeps == 0 {
            say("keeps", "at least the last event can be resumed from", "give a number from 1 on");
        }
        if self.at_once == 0 {
            say("at_once", "at least one stream can be open", "give a number from 1 on");
        }
        if self.heartbeat.is_some_and(|beat| beat.0.is_zero()) {
            say("heartbeat", "no silence is that short", "give a span of time");
        }
        match (self.unknown.then, &self.unknown.event, self.unknown.status) {
            (Then::Reset, Some(event), _) if has_line(event) || *event == self.event => {
                say("unknown.event", "this event must be told from others", "write another word than `event`");
            }
            (Then::Reset, None, _) if self.event == self.reset_event() => {
                say("unknown", "`reset` is the name of every event", "give `event` of its own");
            }
            (Then::Replay | Then::NoContent | Then::Refused, Some(_), _) => {
                say("unknown.event", "this goes with `then: reset`", "leave it out");
            }
            (Then::Refused, None, None) => say("unknown", "this does not say with which status", "give `status`"),
            (Then::Refused, None, Some(status)) if !(400..=599).contains(&status) => {
                say("unknown.status", "a refusal is a status from 400 to 599", "write 410");
            }
            (Then::Reset | Then::Replay | Then::NoContent, _, Some(_)) => {
                say("unknown.status", "this goes with `then: refused`", "leave it out");
            }
            (Then::Reset | Then::Replay | Then::NoContent | Then::Refused, _, _) => {}
        }
        if self.finished.as_ref().is_some_and(|finished| finished.is.is_empty()) {
            say("finished.is", "no value ends a stream", "name the values, or leave `finished` out");
        }
        wrong
    }

    /// Its templates with their places.
    pub(super) fn templates(&self) -> Vec<(String, &Template)> {
        let mut all = vec![("stream.path".to_owned(), &self.path)];
        all.extend(self.of.iter().map(|of| ("stream.of".to_owned(), of)));
        all.extend(self.data.iter().map(|(name, value)| (format!("stream.data.{name}"), value)));
        all
    }

    /// In sentences, for people.
    pub(super) fn told(&self) -> Vec<String> {
        let of = self.of.as_ref().map_or_else(|| "one stream".to_owned(), |of| format!("the stream {of}"));
        let members: Vec<&str> = self.data.keys().map(String::as_str).collect();
        let mut all = vec![
            format!("Accepted deliveries are told on {of}, GET {}: events `{}` with {}.", self.path, self.event, members.join(", ")),
            format!(
                "Whoever comes back with `Last-Event-ID` gets what followed it; the newest {} events of a stream are kept. {}",
                self.keeps,
                match self.unknown.then {
                    Then::Reset => format!("Another id gets an event `{}`, and all that is kept.", self.reset_event()),
                    Then::Replay => "Another id gets all that is kept.".to_owned(),
                    Then::NoContent => "Another id gets 204.".to_owned(),
                    Then::Refused => format!("Another id gets {}.", self.unknown.status.unwrap_or_default()),
                }
            ),
        ];
        all.extend(self.finished.as_ref().map(|finished| {
            let then = match finished.then {
                AfterEnd::NoContent => "204",
                AfterEnd::RepeatsLast => "the last event again",
            };
            format!("A stream ends with `{}` {}; who comes back then gets {then}.", finished.member, finished.is.join(", "))
        }));
        all.extend(self.heartbeat.map(|beat| format!("It is never silent for longer than {}.", span::write(beat.0))));
        all.extend(self.retry.map(|retry| format!("Clients are asked to come back after {}.", span::write(retry.0))));
        all
    }
}

#[cfg(test)]
mod tests {
    use super::{EventStream, Finished};
    use crate::contract::Contract;
    use crate::contract::reading::read_contract;

    const PHASE_3: &str = include_str!("../../fixtures/contracts/orch-phase3.yaml");
    const PHASE_4: &str = include_str!("../../fixtures/contracts/orch-phase4.yaml");

    fn read(stream: &str) -> Result<Contract, String> {
        let base = |name: &str| Some(if name == "orch-phase3" { PHASE_3 } else { PHASE_4 }.to_owned());
        let text = format!("contract: of-this-test\nextends: orch-phase4\ntitle: Of a test\nstream: {stream}\n");
        read_contract("of-this-test", &text, &base).map_err(|diagnostics| diagnostics.to_string())
    }

    /// A stream's name is one part of its path, percent-encoded.
    #[test]
    fn streams_are_found_by_their_path() {
        let form = read("{}").ok().and_then(|contract| contract.stream);
        let at = |path: &str| form.as_ref().and_then(|form| form.stream_at(path));
        assert_eq!(at("/jobs/7/events").as_deref(), Some("7"));
        assert_eq!(at("/jobs/a%2Fb+c%20d/events").as_deref(), Some("a/b+c d"));
        for none in ["/jobs//events", "/jobs/a/b/events", "/jobs/7/events/", "/jobs/7", "/jobs/%FF/events"] {
            assert_eq!(at(none), None, "{none}");
        }
        let one = read("{path: /events, of: ~}").ok().and_then(|contract| contract.stream);
        assert_eq!(one.as_ref().and_then(|form| form.stream_at("/events")).as_deref(), Some(""));
        assert!(form.and_then(|form: EventStream| form.finished).is_some_and(|finished: Finished| finished.member == "status"));
    }

    /// Whatever cannot be kept is told at its place.
    #[test]
    fn what_cannot_be_kept_is_a_mistake() {
        for (stream, expected) in [
            ("{path: jobs}", "a path begins with a slash"),
            ("{path: \"/{stream}/{stream}\"}", "names its stream once"),
            ("{path: /events}", "every delivery is told on it"),
            ("{of: ~}", "which stream tells of a delivery"),
            ("{path: \"/{job}\"}", "unknown placeholder `{job}`"),
            ("{of: \"{first.ts}\"}", "unknown placeholder `{first.ts}`"),
            ("{event: \"a\\nb\"}", "an event has a name, in one line"),
            ("{keeps: 0}", "at least the last event"),
            ("{at_once: 0}", "at least one stream"),
            ("{heartbeat: 0 s}", "no silence is that short"),
            ("{unknown: {event: status}}", "must be told from others"),
            ("{unknown: {then: replay}}", "goes with `then: reset`"),
            ("{unknown: {then: refused, event: ~}}", "with which status"),
            ("{unknown: {then: refused, event: ~, status: 200}}", "from 400 to 599"),
            ("{unknown: {status: 410}}", "goes with `then: refused`"),
            ("{finished: {is: []}}", "no value ends a stream"),
        ] {
            let told = read(stream).err().unwrap_or_default();
            assert!(told.contains(expected), "{stream}: {told}");
        }
    }
}
