//! Streams: one is opened, read on, or left, and what came of it is held against what was due.

use std::sync::Arc;

use super::burst::lane;
use crate::clock::UnixMicros;
use crate::contract::stream::{Begins, EventStream};
use crate::event_stream::Id;
use crate::history::Operation;
use crate::history::record::Record;
use crate::history::stream::{StreamEnd, StreamReading};
use crate::judge::check::stream::tellable::Tellable;
use crate::judge::check::stream::{self as check, Known, OpenStream, Told};
use crate::judge::check::{Bindings, is_broken};
use crate::judge::findings::StepContext;
use crate::judge::scenario::Play;
use crate::judge::{AskedStream, At, ScenarioEnd, Source};
use crate::outcome::Outcome;
use crate::outcome::members::Values;
use crate::reference::streaming;
use crate::report::streams::{MOST_MARKS, StreamLane, StreamMark};
use crate::report::timeline::TimelineSpan;
use crate::scenario::stream::StreamStep;
use crate::sign::sha256_hex;
use crate::snapshot::stream::StreamSoFar;

impl<S: Source> Play<'_, S> {
    /// Plays one step with a stream.
    pub(in crate::judge) async fn stream(&mut self, place: StepContext<'_>, step: &StreamStep) -> Result<(), ScenarioEnd> {
        let contract = Arc::clone(self.setting.contract());
        let Some(form) = &contract.stream else {
            return Err(ScenarioEnd::NotApplicable("the contract has no event streams (`stream`)".to_owned().into()));
        };
        self.before.streamed(step);
        if let Some(name) = &step.close {
            self.source.leave_stream(name).await;
            return Ok(());
        }
        let asked = self.asked(form, step)?;
        let at = At { number: place.number, bindings: &self.bindings, keys: &self.keys };
        let readings = self.source.stream(at, &asked).await?;
        self.report.rests_on.insert("streams".to_owned());
        let reference = self.reference_tells_stream(form, &asked);
        let mut mismatches = Vec::new();
        let mut line = String::new();
        let mut own_delay = None;
        for (client, reading) in readings.iter().enumerate() {
            let bound = asked.name().filter(|_| client == 0);
            self.source.keep(Operation::of_stream(&self.loaded.id, place.number, bound, reading, self.source.moved_us()));
            self.draw_stream(form, place.number, bound, &asked, reading);
            self.show_stream(step, bound, reading);
            let (open, found) = self.held_against(form, step, &asked, reading);
            if is_broken(&found) && (reading.end == StreamEnd::Waited || reading.head.is_err()) && reading.times.too_late {
                own_delay = Some(reading.times.own_delay);
            }
            if mismatches.is_empty() {
                line = self.setting.curl.stream_line(&reading.question);
                mismatches = found;
            }
            if let Some(name) = bound {
                self.bindings.streams.insert(name.to_owned(), open);
            }
        }
        if let Some(micros) = own_delay {
            return Err(ScenarioEnd::Undecided(format!(
                "step {}: what was waited for did not come, and we were late ourselves by {} ms meanwhile",
                place.number,
                micros / 1_000
            )));
        }
        self.file(place, mismatches, &reference, &line)
    }

    /// What is asked of a source.
    fn asked<'s>(&self, form: &EventStream, step: &'s StreamStep) -> Result<AskedStream<'s>, ScenarioEnd> {
        let known = step.of.as_ref().or(step.reconnect.as_ref()).and_then(|name| self.bindings.streams.get(name));
        let (path, last_event_id) = match (&step.open, known) {
            (Some(name), _) => {
                let record = self.bindings.one(name).ok_or_else(|| lacks(name))?;
                if !record.outcome(&self.setting.reader).may_be(Outcome::Accepted) {
                    let was = crate::judge::check::describe(&record.result);
                    let told = format!("the delivery `{name}` was not accepted, so that no stream tells of it: {was}");
                    return Err(ScenarioEnd::NotApplicable(told.into()));
                }
                let untold = || format!("the delivery `{name}` is told on no stream under this contract");
                let stream = stream_of(form, record)?.ok_or_else(|| ScenarioEnd::NotApplicable(untold().into()))?;
                (form.path_of(&stream), step.last_event_id.as_ref().map(|text| fill(&self.bindings, text)))
            }
            (None, Some(known)) if step.reconnect.is_some() => {
                (known.path.clone(), Some(known.last_event_id.clone()).filter(|id| !id.is_empty()))
            }
            (None, Some(known)) => (known.path.clone(), known.sent_id.clone()),
            (None, None) => return Err(lacks(step.of.as_deref().or(step.reconnect.as_deref()).unwrap_or_default())),
        };
        let in_force = match (&step.of, known) {
            (Some(_), Some(known)) => known.last_event_id.clone(),
            (_, _) => last_event_id.clone().unwrap_or_default(),
        };
        let until_id = step.until.as_ref().and_then(|until| until.id.as_ref()).map(|text| fill(&self.bindings, text));
        let most = step.until.as_ref().and_then(|until| until.events);
        // Before somebody who begins with what comes from now on, nothing is due of what was.
        let begins_now = step.reconnect.is_none() && form.begins == Begins::Now && last_event_id.is_none();
        let asked_at = known.and_then(|known| known.asked_at);
        let is_over = |record: &&Record| asked_at.is_none_or(|asked_at| record.answered_at <= asked_at);
        let expected =
            step.expect.iter().flat_map(crate::scenario::stream::StreamExpect::deliveries).flat_map(|name| self.bindings.all(name));
        let before = expected.filter(is_over).count();
        let events = most.map(|most| if begins_now { most.saturating_sub(before) } else { most });
        Ok(AskedStream { step, path, last_event_id, in_force, until_id, events })
    }

    /// What is not as promised in a reading; and what is known of its connection then.
    fn held_against(
        &self,
        form: &EventStream,
        step: &StreamStep,
        asked: &AskedStream<'_>,
        reading: &StreamReading,
    ) -> (OpenStream, Vec<crate::judge::check::Mismatch>) {
        // Who comes back without a name of its own is the client that went away.
        let same = step.of.as_ref().or(step.reconnect.as_ref().filter(|_| step.name.is_none()));
        let mut open = match same.and_then(|name| self.bindings.streams.get(name)) {
            Some(open) => OpenStream { sent_id: asked.last_event_id.clone(), ..open.clone() },
            None => {
                let (path, sent_id) = (asked.path.clone(), asked.last_event_id.clone());
                OpenStream { path, sent_id, asked_at: Some(reading.sent_at), ..OpenStream::default() }
            }
        };
        let deliveries: Vec<&Tellable> = self.bindings.told.iter().filter(|one| one.path.as_ref() == Some(&asked.path)).collect();
        let before: Vec<Told> =
            self.bindings.streams.values().filter(|stream| stream.path == asked.path).flat_map(|stream| stream.told.clone()).collect();
        let is_other = |(name, stream): (&String, &OpenStream)| stream.path == asked.path && asked.name() != Some(name);
        open.has_others |= step.clients.is_some() || step.after_leaving.is_some() || self.bindings.streams.iter().any(is_other);
        let known = Known { form, deliveries: &deliveries, before: &before, open: &open, bindings: &self.bindings };
        let found = check::judge(step, reading, known);
        let told: Vec<Told> = reading
            .blocks
            .iter()
            .filter(|(_, block)| check::is_telling(form, block))
            .map(|(_, block)| {
                let of = check::told_by(form, block, &deliveries);
                let id = block.event.as_ref().map(|event| event.last_event_id.clone()).unwrap_or_default();
                Told { id, lines: block.event_lines(), of: of.first().copied().filter(|_| of.len() == 1) }
            })
            .collect();
        open.retried = (open.retried && !reading.opened) || reading.blocks.iter().any(|(_, block)| block.retry.is_some());
        open.has_told = (open.has_told && !reading.opened) || !told.is_empty();
        open.told.extend(told);
        open.last_event_id = reading.id_in_force();
        (open, found)
    }

    /// Notes a delivery that a stream may tell of.
    pub(in crate::judge) fn note_for_streams(&mut self, record: &Record) {
        let may_be_told = record.outcome(&self.setting.reader).may_be(Outcome::Accepted) || record.result.is_err();
        if let Some(form) = self.setting.contract().stream.as_ref().filter(|_| self.reads_streams && may_be_told) {
            self.bindings.told.push(Tellable::new(form, record));
        }
    }

    /// Keeps what was read of a stream of which a snapshot is taken.
    fn show_stream(&mut self, step: &StreamStep, name: Option<&str>, reading: &StreamReading) {
        let is_shown = |name: &&str| {
            let mut shown = self.loaded.scenario.steps.iter().filter_map(|step| step.snapshot.as_ref()?.stream.as_deref());
            shown.any(|shown| shown == *name)
        };
        let Some(name) = name.filter(is_shown) else { return };
        let shown = self.bindings.shown.entry(name.to_owned()).or_default();
        if reading.opened {
            *shown = StreamSoFar::opened(reading.head.as_ref().ok().cloned());
        }
        let waits = step.until.as_ref().is_some_and(|until| until.heartbeat);
        shown.read(&reading.blocks, waits, reading.end == StreamEnd::Receiver);
    }

    /// Draws a delivery beside the streams of its scenario.
    pub(in crate::judge) fn draw_delivery(&mut self, record: &Record) {
        if !self.reads_streams {
            return;
        }
        let from = *self.timeline_from.get_or_insert(record.sent_at);
        let lane = lane(&self.setting.reader, record, after(from, record.sent_at));
        self.report.streams.get_or_insert_default().delivered(lane);
    }

    /// Draws what a step has read of a stream.
    fn draw_stream(&mut self, form: &EventStream, step: usize, name: Option<&str>, asked: &AskedStream<'_>, reading: &StreamReading) {
        let from = *self.timeline_from.get_or_insert(reading.sent_at);
        let start_us = after(from, reading.sent_at);
        let deliveries: Vec<&Tellable> = self.bindings.told.iter().filter(|one| one.path.as_ref() == Some(&asked.path)).collect();
        let marks = reading.blocks.iter().take(MOST_MARKS).map(|(at, block)| StreamMark {
            at_us: start_us.saturating_add(*at),
            event: block.event.as_ref().map(|event| short(&event.name)),
            id: match &block.id {
                Some(Id::Given(id) | Id::WithNul(id)) => Some(short(id)),
                None => None,
            },
            key: check::told_by(form, block, &deliveries).first().map(|at| deliveries[*at].record.key.clone()),
        });
        let stream = StreamLane {
            step,
            name: name.map(str::to_owned),
            last_event_id: asked.last_event_id.as_deref().map(short).filter(|_| reading.opened),
            marks: marks.collect(),
        };
        let got = match (&reading.head, &reading.end) {
            (Err(_), _) => "no answer".to_owned(),
            (Ok(answer), _) if answer.status != 200 => answer.status.to_string(),
            (Ok(_), StreamEnd::Open | StreamEnd::Waited) => "open".to_owned(),
            (Ok(_), StreamEnd::Receiver) => "ended".to_owned(),
            (Ok(_), StreamEnd::Cut) => "cut".to_owned(),
            (Ok(_), StreamEnd::Broken(_)) => "broken".to_owned(),
        };
        let took_us = reading.head.is_ok().then_some(reading.times.over);
        let lane = TimelineSpan { key: asked.path.clone(), start_us, took_us, got, stream: Some(stream) };
        let events = reading.blocks.iter().filter(|(_, block)| block.event.is_some()).count();
        self.report.streams.get_or_insert_default().read(lane, events, reading.opened);
    }

    /// What the reference says to the same question, in words.
    fn reference_tells_stream(&mut self, form: &EventStream, asked: &AskedStream<'_>) -> String {
        let Some(stream) = form.stream_at(&asked.path) else { return String::new() };
        // Its ids are its own: the id of the same event is meant.
        let known = self.bindings.streams.values().filter(|one| one.path == asked.path);
        let of = known.flat_map(|one| &one.told).find(|told| Some(&told.id) == asked.last_event_id.as_ref()).and_then(|told| told.of);
        let key = of
            .and_then(|at| self.bindings.told.iter().filter(|one| one.path.as_ref() == Some(&asked.path)).nth(at))
            .map(|one| one.record.key.clone());
        streaming::described(&mut self.reference, &stream, asked.last_event_id.as_deref(), key.as_deref())
    }
}

/// The stream that tells of a delivery.
///
/// # Errors
/// [`ScenarioEnd::NotKept`] where its body was not kept.
fn stream_of(form: &EventStream, record: &Record) -> Result<Option<String>, ScenarioEnd> {
    let Some(of) = &form.of else { return Ok(Some(String::new())) };
    if sha256_hex(&record.delivery.body) != record.sha256 {
        return Err(ScenarioEnd::NotKept);
    }
    let values = Values { body: &record.delivery.body, key: &record.key, sha256: &record.sha256, ..Values::default() };
    Ok(of.fill(&|name| values.get(name)))
}

/// How long after another instant one was, in microseconds.
fn after(from: UnixMicros, at: UnixMicros) -> u64 {
    at.0.saturating_sub(from.0).max(0).unsigned_abs()
}

/// A name or an id as far as a drawing needs it.
fn short(text: &str) -> String {
    const LONGEST: usize = 80;
    let mut short: String = text.chars().take(LONGEST).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

fn lacks(name: &str) -> ScenarioEnd {
    ScenarioEnd::Undecided(format!("nothing is called `{name}`"))
}

/// The id of the event that told of a delivery.
fn id_of<'r>(bindings: &'r Bindings, stream: &'r OpenStream, delivery: &str) -> Option<&'r str> {
    let record = bindings.one(delivery)?;
    let of_stream = bindings.told.iter().filter(|one| one.path.as_ref() == Some(&stream.path));
    let at = of_stream.map(|one| &one.record).position(|one| one.key == record.key && one.sha256 == record.sha256);
    stream.told.iter().find(|told| at.is_some() && told.of == at).map(|told| told.id.as_str())
}

/// Text with `{id:NAME}` and `{id:NAME.DELIVERY}` replaced by ids of earlier streams.
fn fill(bindings: &Bindings, text: &str) -> String {
    let mut filled = String::new();
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once("{id:") {
        filled.push_str(before);
        let Some((place, after)) = behind.split_once('}') else { break };
        let (name, delivery) = place.split_once('.').map_or((place, None), |(name, delivery)| (name, Some(delivery)));
        if let Some(stream) = bindings.streams.get(name) {
            filled.push_str(delivery.map_or(Some(stream.last_event_id.as_str()), |name| id_of(bindings, stream, name)).unwrap_or_default());
        }
        rest = after;
    }
    filled.push_str(rest);
    filled
}
