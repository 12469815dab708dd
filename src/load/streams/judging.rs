//! After a load: was every acceptance told once to every subscriber of its stream, and in order?
//!
//! In: how often each delivery was accepted, at least and at most, as its answers say, and what every subscriber has read. Out: the
//! streams' part of the report. What was not read is lost when its stream has told what came after it, or was open and told nothing
//! more, or was answered otherwise than with a stream; where events still came, or nobody was there, nothing is said of the rest: that
//! our own machine was busy is nobody's fault.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::reading::{MOST, Reading, Sent};
use super::report::{StreamsReport, WrongEvent};
use super::subscriber::QUIET;
use super::{Phase, Streams, lock};
use crate::clock::{Clock as _, Moment, SystemClock};
use crate::contract::own_headers;
use crate::delivery::Delivery;
use crate::history::consistency::parts::number_of;
use crate::history::consistency::{Law, NEVER, Operation, acceptances};
use crate::load::Plan;
use crate::load::judging::{Checked, Found, Judged, Violation};
use crate::load::report::Latency;
use crate::report::Verdict;

/// So often it is looked whether everything has come.
const LOOK_AGAIN: Duration = Duration::from_millis(50);
/// What comes once more comes soon behind the last that was due.
const GRACE: Duration = Duration::from_millis(250);
/// So many of each kind are told in full.
const TOLD: usize = 3;

/// How often each delivery was accepted, at least and at most, by the number of its key.
#[derive(Clone, Debug, Default)]
pub struct Bounds(Vec<(u8, u8)>);

impl Bounds {
    /// What a history says; it is sorted by key.
    ///
    /// * `law`: how long keys live; `None` where every delivery is accepted, whatever its key.
    #[must_use]
    pub fn of(history: &mut [Operation], law: Option<Law>) -> Self {
        history.sort_unstable_by_key(|one| (one.key, one.invoked, one.returned));
        let now = SystemClock.now().0;
        let mut all = Vec::new();
        for of_key in history.chunk_by(|one, next| one.key == next.key) {
            let place = number_of(of_key[0].key) as usize;
            let count = |is: fn(&Operation) -> bool| of_key.iter().filter(|one| is(one)).count();
            let (least, most) = match law {
                Some(law) => acceptances(of_key, law, now),
                None => (count(|one| one.outcome.is_taken()), count(|one| one.outcome.is_taken() || one.outcome.is_unknown())),
            };
            if all.len() <= place {
                all.resize(place + 1, (0, 0));
            }
            // With another body a key may be another delivery.
            let few = |count: usize| u8::try_from(count).unwrap_or(MOST).min(MOST);
            let (known_least, known_most): (u8, u8) = all[place];
            all[place] = ((known_least + few(least)).min(MOST), (known_most + few(most)).min(MOST));
        }
        Self(all)
    }

    fn get(&self, key: u32) -> (u8, u8) {
        self.0.get(key as usize).copied().unwrap_or((0, 0))
    }
}

/// What is said of an event that a subscriber has not read.
enum Missing {
    Evicted,
    Lost(String),
    Open,
}

impl Streams {
    /// Waits until everything that is due has come, and ends all subscribers.
    pub async fn settle(&self, bounds: Option<&Bounds>, limit: Duration) {
        self.phase.send_replace(Phase::Settling);
        if let Some(bounds) = bounds {
            let began = Moment::now();
            let mut waited_for: Vec<usize> = (0..self.readings.len()).collect();
            loop {
                waited_for.retain(|number| !self.is_complete(*number, bounds));
                let is_told = |number: &usize| {
                    let reading = lock(&self.readings[*number]);
                    reading.is_silent || reading.shut.is_some()
                };
                // The last ones are read until they are silent; on a busy machine that takes longer.
                let is_over = began.elapsed() >= limit && (waited_for.iter().all(is_told) || began.elapsed() >= limit + QUIET * 4);
                if waited_for.is_empty() || is_over {
                    break;
                }
                tokio::time::sleep(LOOK_AGAIN).await;
            }
            tokio::time::sleep(GRACE).await;
        }
        self.phase.send_replace(Phase::Over);
    }

    fn is_complete(&self, number: usize, bounds: &Bounds) -> bool {
        let reading = lock(&self.readings[number]);
        let sent = lock(&self.sent[reading.stream]);
        sent.iter().enumerate().all(|(place, sent)| {
            reading.count(place) >= bounds.get(self.key_of(reading.stream, place)).0 || sent.at <= reading.excused_before
        })
    }

    /// What the load's streams came to.
    ///
    /// * `bounds`: nothing where the load is not judged;
    /// * `is_whole`: whether everything that was due has been waited for;
    /// * `name`: the key with a number.
    #[must_use]
    pub fn report(&self, bounds: Option<&Bounds>, is_whole: bool, name: &dyn Fn(u32) -> String) -> StreamsReport {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let mut report = StreamsReport {
            subscribers: self.readings.len() as u64,
            streams: self.names.len() as u64,
            events: count(&self.tallies.events),
            judged: bounds.is_some(),
            opened: count(&self.tallies.opened),
            resumed: count(&self.tallies.resumed),
            cut: count(&self.tallies.cut),
            ended: count(&self.tallies.ended),
            refused: lock(&self.refused).clone(),
            latency_us: self.so_far().latency.map(Latency::of),
            series: self.seconds(),
            ..StreamsReport::default()
        };
        if let Some(bounds) = bounds {
            for number in 0..self.readings.len() {
                self.judge(number, bounds, is_whole, name, &mut report);
            }
        }
        report
    }

    fn judge(&self, number: usize, bounds: &Bounds, is_whole: bool, name: &dyn Fn(u32) -> String, report: &mut StreamsReport) {
        let reading = lock(&self.readings[number]);
        let path = self.path(reading.stream);
        let mut tell = |kind: &str, key: Option<u32>, why: String| {
            if report.wrong.iter().filter(|one| one.kind == kind).count() < TOLD {
                let (stream, subscriber) = (path.clone(), number as u64 + 1);
                report.wrong.push(WrongEvent { kind: kind.to_owned(), stream, subscriber, key: key.map(name), why });
            }
        };
        report.doubled += reading.doubled;
        report.out_of_order += reading.out_of_order;
        report.strange += reading.strange;
        report.forgotten += reading.forgotten;
        for (kind, example) in &reading.examples {
            tell(kind, example.place.map(|place| self.key_of(reading.stream, place)), example.why.clone());
        }
        for (place, sent) in lock(&self.sent[reading.stream]).iter().enumerate().filter(|(_, sent)| sent.at != NEVER) {
            let key = self.key_of(reading.stream, place);
            let ((least, most), seen) = (bounds.get(key), reading.count(place));
            report.due += u64::from(least);
            if seen > most && most == 0 {
                report.strange += u64::from(seen);
                tell("strange", Some(key), "an event tells of a delivery that was not accepted".to_owned());
            } else if seen > most {
                report.doubled += u64::from(seen - most);
                tell("doubled", Some(key), format!("{seen} events tell of a delivery that was accepted {most} times at the most"));
            }
            let lacking = u64::from(least.saturating_sub(seen));
            if lacking == 0 {
                continue;
            }
            match missing(&reading, *sent, is_whole) {
                Missing::Evicted => report.evicted += lacking,
                Missing::Open => report.open += lacking,
                Missing::Lost(why) => {
                    report.lost += lacking;
                    tell("lost", Some(key), why);
                }
            }
        }
    }
}

fn missing(reading: &Reading, sent: Sent, is_whole: bool) -> Missing {
    match &reading.shut {
        _ if sent.at <= reading.excused_before => Missing::Evicted,
        _ if reading.is_past(sent) => Missing::Lost("no event tells of it, and later ones were told".to_owned()),
        Some(why) if reading.is_refused && is_whole => {
            let what = if reading.was_open { "the stream was not opened again" } else { "the stream was never opened" };
            Missing::Lost(format!("{what}: {why}"))
        }
        None if reading.is_silent && is_whole => {
            Missing::Lost("no event tells of it: the stream was open, and told nothing more".to_owned())
        }
        Some(_) | None => Missing::Open,
    }
}

impl Found {
    /// Adds what the streams have shown.
    pub fn add_streams(&mut self, plan: &Plan, report: &StreamsReport) {
        let always = &plan.catalogue.always;
        let kinds: [(&Option<String>, u64, u64, &[&str]); 3] = [
            (&always.acceptances_are_streamed_once, report.due, report.not_once(), &["lost", "doubled", "forgotten"]),
            (&always.streams_tell_their_own, report.events, report.strange, &["strange"]),
            (&always.streams_keep_their_order, report.events, report.out_of_order, &["out of order"]),
        ];
        let as_curl = plan.target.curl().bearing(Vec::new(), plan.secret_headers.clone());
        let question = |path: &str| Delivery {
            method: "GET".to_owned(),
            path: path.to_owned(),
            headers: own_headers::joined(&plan.contract, &plan.headers),
            ..Delivery::default()
        };
        for (id, checked, violations, words) in kinds {
            let Some(id) = id.as_ref().filter(|id| plan.contract.promises(id)) else { continue };
            // Of clients that were told less, or more, this law says nothing: that they were is told under its own.
            let is_told_elsewhere = Some(id) == always.streams_keep_their_order.as_ref() && report.not_once() > 0;
            let verdict = match (violations, report.open, checked) {
                (1.., _, _) => Verdict::Fail,
                (0, _, _) if is_told_elsewhere => Verdict::NotApplicable,
                (0, 1.., _) => Verdict::Undecided,
                (0, 0, 0) => Verdict::NotApplicable,
                (0, 0, _) => Verdict::Pass,
            };
            self.requirements.push(Judged::of(&plan.catalogue, id, verdict, checked, violations).counting(Checked::Events));
            let shown = report.wrong.iter().filter(|one| words.contains(&one.kind.as_str()));
            self.violations.extend(shown.map(|one| Violation {
                requirement: id.clone(),
                key: one.key.clone().unwrap_or_default(),
                why: one.told(),
                operations: Vec::new(),
                rows: None,
                curl: as_curl.line(&question(&one.stream)),
            }));
        }
    }
}
