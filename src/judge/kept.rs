//! A history as a source: what was observed once is judged again.
//!
//! In: the deliveries of one scenario as `history.jsonl` keeps them. The
//! receiver is not asked; what a run learns elsewhere (rows, clocks, pages) is
//! not kept, and steps that look at it are passed over.
//!
//! **Invariant:** what cannot be judged again is counted ([`Kept::lost`]), never passed over in silence.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use super::{Ahead, AskedStream, At, Released, ScenarioEnd, Sent, Source, Told};
use crate::clock::{UnixMicros, iso};
use crate::contract::Contract;
use crate::delivery::{Answer, NoAnswer};
use crate::history::Operation;
use crate::history::stream::StreamReading;
use crate::judge::check::rows::Observation;
use crate::scenario::deliver::{Burst, Deliver, Get};
use crate::scenario::expect::StateCheck;
use crate::scenario::fault::Fault;
use crate::scenario::{Restart, Snap, UnderWay};

/// A delivery of a history, and whether a line before it is of its first attempt.
#[derive(Clone, Copy)]
struct Line<'h> {
    one: &'h Operation,
    went_twice: bool,
}

/// The deliveries of one scenario, step by step.
pub struct Kept<'h> {
    contract: &'h Contract,
    steps: BTreeMap<usize, VecDeque<Line<'h>>>,
    now: UnixMicros,
    moved_us: i64,
    again: Vec<VecDeque<Line<'h>>>,
    /// How many answers could not be made again: their bodies were long, or were altered.
    pub lost: usize,
}

impl<'h> Kept<'h> {
    /// The history of one scenario, in its order.
    #[must_use]
    pub fn new(contract: &'h Contract, operations: &[&'h Operation]) -> Self {
        let mut steps: BTreeMap<usize, VecDeque<Line<'h>>> = BTreeMap::new();
        let mut attempts: Vec<&Operation> = Vec::new();
        for one in operations {
            if one.goes_again {
                attempts.push(one);
                continue;
            }
            let attempt = attempts.iter().position(|attempt| attempt.is_attempt_at(one)).map(|at| attempts.remove(at));
            steps.entry(one.step).or_default().push_back(Line { one, went_twice: attempt.is_some() });
        }
        Self { contract, steps, now: UnixMicros(0), moved_us: 0, again: Vec::new(), lost: 0 }
    }

    /// How many deliveries of a step nobody has asked for.
    #[must_use]
    pub fn left(&self, step: usize) -> usize {
        self.steps.get(&step).map_or(0, VecDeque::len)
    }

    fn next(&mut self, step: usize) -> Result<Line<'h>, ScenarioEnd> {
        self.steps.get_mut(&step).and_then(VecDeque::pop_front).ok_or(ScenarioEnd::Lacks(step))
    }

    /// A delivery as it was observed.
    fn sent(&mut self, Line { one, went_twice }: Line<'h>, arrives: bool) -> Result<Sent, ScenarioEnd> {
        let Some(record) = one.record(self.contract) else {
            self.lost += 1;
            return Err(ScenarioEnd::NotKept);
        };
        self.now = iso::read(&one.sent_at).map_or(self.now, |(at, _)| at);
        self.moved_us = one.moved_us;
        Ok(Sent {
            plain_body: record.delivery.body.clone(),
            delivery: record.delivery,
            sha256: record.sha256,
            key: record.key,
            right_signature: Vec::new(),
            arrives,
            sent_at: record.sent_at,
            took: record.took,
            own_delay: record.own_delay,
            went_twice,
            start_us: 0,
            result: record.result,
            beside: Vec::new(),
            when_told: None,
        })
    }
}

impl Source for Kept<'_> {
    fn now(&self) -> UnixMicros {
        self.now
    }

    fn moved_us(&self) -> i64 {
        self.moved_us
    }

    async fn deliver(&mut self, at: At<'_>, deliver: &Deliver) -> Result<Sent, ScenarioEnd> {
        let arrives = deliver.fault.as_ref().is_none_or(Fault::lets_the_request_through);
        let mut beside = Vec::new();
        if let Some(Fault::Dribble(dribble)) = &deliver.fault {
            // Beside a slow sender others deliver, in any order: they bear no name.
            for _ in 0..dribble.meanwhile {
                let queue = self.steps.get_mut(&at.number).ok_or(ScenarioEnd::Lacks(at.number))?;
                let place =
                    queue.iter().position(|line| line.one.name.is_none() || deliver.name.is_none()).ok_or(ScenarioEnd::Lacks(at.number))?;
                let one = queue.remove(place).ok_or(ScenarioEnd::Lacks(at.number))?;
                beside.push(self.sent(one, true)?);
            }
        }
        let one = self.next(at.number)?;
        Ok(Sent { beside, ..self.sent(one, arrives)? })
    }

    async fn burst(&mut self, at: At<'_>, burst: &Burst) -> Result<Released, ScenarioEnd> {
        let mut sent = Vec::with_capacity(burst.keys * burst.each);
        for _ in 0..burst.keys * burst.each {
            let one = self.next(at.number)?;
            sent.push(self.sent(one, true)?);
        }
        Ok(Released { sent, ..Released::default() })
    }

    async fn advance(&mut self, _at: At<'_>, _by: Ahead) -> Result<(), ScenarioEnd> {
        Ok(())
    }

    async fn look(&mut self, _at: At<'_>, _check: &StateCheck) -> Result<Option<Observation>, ScenarioEnd> {
        Ok(None)
    }

    async fn effects(&mut self, _at: At<'_>, _keys: &[String]) -> Result<Option<Vec<u64>>, ScenarioEnd> {
        Ok(None)
    }

    async fn give_time(&mut self, _at: At<'_>, _patience: Duration, _tries: usize) -> Result<bool, ScenarioEnd> {
        Ok(false)
    }

    async fn ask(&mut self, _at: At<'_>, _get: &Get) -> Result<Option<Told>, ScenarioEnd> {
        Ok(None)
    }

    async fn stream(&mut self, at: At<'_>, asked: &AskedStream<'_>) -> Result<Vec<StreamReading>, ScenarioEnd> {
        let mut readings = Vec::new();
        for _ in 0..asked.step.clients.unwrap_or(1) {
            let Line { one, .. } = self.next(at.number)?;
            let Some(reading) = one.reading() else {
                self.lost += 1;
                return Err(ScenarioEnd::NotKept);
            };
            self.now = iso::read(&one.answered_at).map_or(self.now, |(at, _)| at);
            self.moved_us = one.moved_us;
            readings.push(reading);
        }
        Ok(readings)
    }

    async fn leave_stream(&mut self, _name: &str) {}

    async fn health(&mut self) -> Option<Result<Answer, NoAnswer>> {
        None
    }

    async fn restart(&mut self, _restart: &Restart) -> Result<(), ScenarioEnd> {
        Ok(())
    }

    async fn break_in(&mut self, at: At<'_>, _restart: &Restart, _under_way: &UnderWay) -> Result<Vec<Sent>, ScenarioEnd> {
        let all = self.steps.remove(&at.number).unwrap_or_default();
        // A key's first delivery was made before the restart, the others after it.
        let mut places: BTreeMap<&str, usize> = BTreeMap::new();
        let mut firsts = Vec::new();
        for one in all {
            match places.get(one.one.key.as_str()) {
                Some(place) => self.again[*place].push_back(one),
                None => {
                    places.insert(&one.one.key, self.again.len());
                    self.again.push(VecDeque::new());
                    firsts.push(one);
                }
            }
        }
        firsts.into_iter().map(|one| self.sent(one, true)).collect()
    }

    async fn once_more(&mut self, at: At<'_>) -> Result<Vec<Sent>, ScenarioEnd> {
        let next: Vec<Line<'_>> = self.again.iter_mut().filter_map(VecDeque::pop_front).collect();
        if next.len() < self.again.len() {
            return Err(ScenarioEnd::Lacks(at.number));
        }
        next.into_iter().map(|one| self.sent(one, true)).collect()
    }

    fn goes_on(&mut self, at: At<'_>, _round: u32) -> bool {
        self.left(at.number) > 0
    }

    async fn snapshot(&mut self, _at: At<'_>, _snap: &Snap, _answer: Option<&Answer>) -> Result<(), ScenarioEnd> {
        Ok(())
    }
}
