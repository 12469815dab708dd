//! Shrinking: from a long sequence that fails to the shortest one that shows the same.
//!
//! In: steps, what is wrong with them, and a context to play them on. Out: fewer
//! and simpler steps, how often they fail, and a scenario that was read again
//! from its own text. A race fails now and then only: each try is played as
//! often as the rate of what it began with demands, and what is left is made
//! to fail reliably where more senders or rounds do that.
//!
//! Shrinking is ours and not a library's: those of property tests shrink the
//! value that their own generator has made, and call once, while here a try
//! costs a delivery, fails at a rate, and must stay within the contract.

use std::time::Duration;

use super::amplified::{ROUNDS, amplified, has_burst, rounds_for, unwrapped};
use super::edits;
use super::retold::{longest_look, read_later, retold, with_haste};
use super::sign::Sign;
use super::simpler::simpler;
use super::vetting::{Vetting, loaded, scenario_of};
use crate::clock::Moment;
use crate::history::Operation;
use crate::report::ScenarioReport;
use crate::run::batches::{Batches, Played};
use crate::scenario::Step;
use crate::scenario::deliver::ConnectionUse;
use crate::scenario::expand::Loaded;

/// So often what is left is played to say how often it fails.
pub const MEASURED: usize = 20;
/// So often a sequence is played at the most until it fails again.
const TRIED: usize = 10;
/// So often a race is to fail of so many times in one try: it fails now and then, also where it failed every time before.
const RACES: (usize, usize) = (4, 6);
/// A race that fails as often as this is looked at in [`RACES`].
const RACES_OFTEN: f64 = 0.6;
/// So often what is left is played at the least to say how often it fails.
const LEAST: usize = 3;
/// No try is played more often.
const MOST: usize = 12;
/// So much longer those plays may take that say how often what is left fails, where no time is left for them.
const LAST: Duration = Duration::from_secs(12);

/// Plays tries.
pub struct Shrinker<'b> {
    /// Where they are played.
    pub batches: &'b mut Batches,
    /// Who says which of them may be.
    pub vetting: &'b Vetting,
    /// What is to stay wrong.
    pub sign: Sign,
    /// What is played beside every try.
    pub beside: Vec<Loaded>,
    /// When it began.
    pub began: Moment,
    /// How long there is to shorten it.
    pub time: Duration,
    /// How long there is in all: to make a race sure, and to say how often it fails, too.
    pub whole: Duration,
    /// How many tries were played.
    pub tries: usize,
    /// The report and the deliveries of the last one that failed.
    pub seen: Option<(ScenarioReport, Vec<Operation>)>,
}

impl Shrinker<'_> {
    fn is_over(&self) -> bool {
        self.began.elapsed() >= self.time || self.batches.end().is_some()
    }

    /// No time is left for anything.
    fn is_all_over(&self) -> bool {
        self.left().is_zero() || self.batches.end().is_some()
    }

    /// How long there is for everything that is left to do.
    fn left(&self) -> Duration {
        self.whole.saturating_sub(self.began.elapsed())
    }

    /// How often of so many times it fails as before.
    async fn failures(&mut self, steps: &[Step], times: usize, until: impl Fn(usize, usize) -> bool) -> (usize, usize) {
        let (mut failed, mut played) = (0, 0);
        while played < times && !until(failed, played) && self.batches.end().is_none() {
            let one = loaded(&format!("explore/try-{}", self.tries), scenario_of(steps));
            let Some(fails) = self.fails(&one, self.left()).await else { break };
            failed += usize::from(fails);
            played += 1;
        }
        (failed, played)
    }

    /// Whether a try fails as often as it must; one that the contract does not allow is none.
    async fn still_fails(&mut self, steps: &[Step], rate: f64) -> bool {
        if steps.is_empty() || !self.vetting.agrees(steps) {
            return false;
        }
        if has_burst(steps) && rate >= RACES_OFTEN {
            let (enough, times) = RACES;
            let is_known = move |failed: usize, played: usize| failed >= enough || played - failed > times - enough;
            return self.failures(steps, times, is_known).await.0 >= enough;
        }
        if rate >= 1.0 {
            return self.failures(steps, 2, |failed, played| failed < played).await == (2, 2);
        }
        let times = ((2.3 / rate.max(0.05)).ceil() as usize).clamp(2, MOST);
        let enough = ((times as f64) * rate * 0.7).floor().max(1.0) as usize;
        let (failed, _) = self.failures(steps, times, |failed, _| failed >= enough).await;
        failed >= enough
    }

    /// Shrinks steps of which the one of this number failed; nothing where they do not fail again.
    ///
    /// * `step`: from 1; 0 where the finding is of no step.
    pub async fn shrink(&mut self, steps: &[Step], step: usize) -> Option<Vec<Step>> {
        let mut steps = steps.to_vec();
        if step > 0 {
            steps.truncate(step);
            edits::cut_what_expects_nothing(&mut steps);
        }
        let mut steps = with_haste(&steps, true);
        let rate = self.rate(&steps).await?;
        self.fewer_beside(&steps, rate).await;
        self.slice(&mut steps, rate).await;
        loop {
            let before = steps.len();
            let shorter = self.fewer_steps(&mut steps, rate).await;
            let plainer = self.plainer_steps(&mut steps, rate).await;
            if self.is_over() || !(shorter || plainer || steps.len() < before) {
                break;
            }
        }
        let steps = self.reliable(unwrapped(&steps)).await;
        Some(named(&with_haste(&steps, false)))
    }

    /// How often steps fail, of one; nothing where they do not. Where they do not at all, time is left for other ways.
    async fn rate(&mut self, steps: &[Step]) -> Option<f64> {
        let (since, began, whole) = (Moment::now(), self.began, self.whole);
        let is_known = move |failed: usize, played: usize| {
            let is_enough = if failed == 0 { since.elapsed() >= whole / 3 } else { failed == played || began.elapsed() >= whole };
            played >= LEAST && is_enough
        };
        let (failed, played) = self.failures(steps, TRIED, is_known).await;
        (failed > 0).then(|| failed as f64 / played.max(1) as f64)
    }

    /// Plays a scenario as a run does that begins with it, as often as it takes to say how often it fails: so often of so many times.
    pub async fn measure(&mut self, one: &Loaded) -> (usize, usize) {
        let (mut failed, mut played) = (0, 0);
        let (began, last) = (Moment::now(), LAST + longest_look(&one.scenario.steps));
        while played < MEASURED && (played < LEAST || !self.is_all_over()) && self.batches.end().is_none() {
            let time = if played < LEAST { self.left().max(last.saturating_sub(began.elapsed())) } else { self.left() };
            self.batches.context().meet_anew();
            let Some(fails) = self.fails(one, time).await else { break };
            failed += usize::from(fails);
            played += 1;
            if failed == 0 && played >= TRIED {
                break;
            }
        }
        (failed, played)
    }

    /// Whether a scenario fails as before, this time; nothing where so much time was not enough to say.
    async fn fails(&mut self, one: &Loaded, time: Duration) -> Option<bool> {
        self.tries += 1;
        let all = std::iter::once(one).chain(&self.beside).cloned().collect();
        let Played { scenarios, mut history, broken_off, .. } = self.batches.play_within(all, time).await;
        let is_it = |report: &ScenarioReport| report.id == one.id && report.findings.iter().any(|finding| self.sign.is_of(finding));
        let Some(report) = scenarios.into_iter().find(is_it) else {
            return (!broken_off.iter().any(|other| other.id == one.id)).then_some(false);
        };
        history.retain(|sent| sent.scenario == one.id);
        self.seen = Some((report, history));
        Some(true)
    }

    /// Takes away what need not be played beside, many at once at first.
    async fn fewer_beside(&mut self, steps: &[Step], rate: f64) {
        let mut size = self.beside.len().div_ceil(2);
        while size > 0 {
            let mut at = 0;
            while at < self.beside.len() && !self.is_over() {
                let mut fewer = self.beside.clone();
                fewer.drain(at..(at + size).min(fewer.len()));
                let all = std::mem::replace(&mut self.beside, fewer);
                if !self.still_fails(steps, rate).await {
                    self.beside = all;
                    at += size;
                }
            }
            size = if size == 1 { 0 } else { size.div_ceil(2) };
        }
    }

    /// First of all only what the last step hangs on, with the time that passes, and what else is no delivery, where it must be.
    async fn slice(&mut self, steps: &mut Vec<Step>, rate: f64) {
        for with_time in [false, true] {
            let fewer = sliced(steps, with_time);
            if fewer.len() < steps.len() && self.still_fails(&fewer, rate).await {
                *steps = fewer;
                return;
            }
        }
    }

    /// Takes steps out, many at once at first, then one by one; whether any went.
    async fn fewer_steps(&mut self, steps: &mut Vec<Step>, rate: f64) -> bool {
        let mut any = false;
        let mut size = (steps.len() / 2).max(1);
        loop {
            let mut at = steps.len().saturating_sub(size);
            loop {
                if self.is_over() {
                    return any;
                }
                let gone: Vec<usize> = (at..(at + size).min(steps.len())).collect();
                if gone.len() < steps.len() {
                    let mut fewer = steps.clone();
                    edits::remove(&mut fewer, &edits::with_dependents(steps, &gone));
                    retold(steps, &mut fewer);
                    edits::cut_what_expects_nothing(&mut fewer);
                    let lifted = if size == 1 { edits::promoted(steps, at).or_else(|| read_later(steps, at)) } else { None };
                    if self.still_fails(&fewer, rate).await {
                        (*steps, any) = (fewer, true);
                    } else if let Some(lifted) = lifted
                        && self.still_fails(&lifted, rate).await
                    {
                        (*steps, any) = (lifted, true);
                    }
                }
                if at == 0 {
                    break;
                }
                at = at.saturating_sub(size).min(steps.len().saturating_sub(1));
            }
            if size == 1 {
                return any;
            }
            size = (size / 2).max(1);
        }
    }

    /// Makes steps simpler, one by one; whether any is.
    async fn plainer_steps(&mut self, steps: &mut Vec<Step>, rate: f64) -> bool {
        let mut any = false;
        let mut at = 0;
        while at < steps.len() {
            let mut changed = false;
            for one in simpler(&steps[at]) {
                if self.is_over() {
                    return any;
                }
                let mut plainer = steps.clone();
                plainer[at] = one;
                retold(steps, &mut plainer);
                if self.still_fails(&plainer, rate).await {
                    (*steps, any, changed) = (plainer, true, true);
                    break;
                }
            }
            if !changed {
                at += 1;
            }
        }
        any
    }

    /// The same, with more senders and rounds until it fails every time, where it races.
    async fn reliable(&mut self, steps: Vec<Step>) -> Vec<Step> {
        if !has_burst(&steps) {
            return steps;
        }
        // Where no time is left to look how often it fails, rounds are the safer guess.
        let guess: Vec<Step> = steps.iter().map(|step| amplified(step, 4, ROUNDS / 4)).collect();
        let mut best = (0.0, if self.is_all_over() && self.vetting.agrees(&guess) { guess } else { steps.clone() });
        let text = |steps: &[Step]| format!("{steps:?}");
        for each in [1, 2, 4, 16] {
            let more: Vec<Step> = steps.iter().map(|step| amplified(step, each, 1)).collect();
            if self.is_all_over() || (each > 1 && text(&more) == text(&steps)) || !self.vetting.agrees(&more) {
                continue;
            }
            let (began, whole) = (self.began, self.whole);
            let is_known = move |failed: usize, played: usize| played >= LEAST && (failed + 1 < played || began.elapsed() >= whole);
            let (failed, played) = self.failures(&more, MEASURED, is_known).await;
            if failed == MEASURED {
                return more;
            }
            let rate = failed as f64 / played.max(1) as f64;
            best = std::cmp::max_by((rate, more), best, |a, b| a.0.total_cmp(&b.0));
            let rounds = rounds_for(rate);
            let sure: Vec<Step> = steps.iter().map(|step| amplified(step, 4 * each, rounds)).collect();
            if failed == 0 || rounds < 2 || !self.vetting.agrees(&sure) {
                continue;
            }
            let is_known = move |failed: usize, played: usize| failed < played || (played >= LEAST && began.elapsed() >= whole);
            let (failed, played) = self.failures(&sure, TRIED, is_known).await;
            if failed == played && played > 0 {
                return sure;
            }
            best = std::cmp::max_by(best, (failed as f64 / played.max(1) as f64, sure), |a, b| a.0.total_cmp(&b.0));
        }
        // What fails now and then fails more often in more rounds, also where no time is left to see that.
        let (rate, best) = best;
        let more: Vec<Step> = best.iter().map(|step| amplified(step, 1, rounds_for(rate))).collect();
        if rate < 1.0 && self.vetting.agrees(&more) { more } else { best }
    }
}

/// The last step, and what it hangs on.
///
/// * `with_time`: also whatever moves time, restarts, and crowds of others.
fn sliced(steps: &[Step], with_time: bool) -> Vec<Step> {
    let Some((last, before)) = steps.split_last() else { return Vec::new() };
    let mut needed = edits::names_spoken_of(last);
    let mut kept = vec![last.clone()];
    for step in before.iter().rev() {
        let is_time = with_time && (step.advance.is_some() || step.restart.is_some() || step.repeat.is_some());
        // What was read of a stream before is not told by it once more.
        let reads = step.stream.iter().flat_map(|stream| stream.of.iter().chain(&stream.close)).any(|name| needed.contains(name));
        if is_time || reads || edits::names_given(step).iter().any(|name| needed.contains(name)) {
            needed.extend(edits::names_spoken_of(step));
            kept.push(step.clone());
        }
    }
    kept.reverse();
    kept
}

/// The steps with names that people give, and without those that nobody speaks of.
#[must_use]
pub fn named(steps: &[Step]) -> Vec<Step> {
    const NAMES: [&str; 8] = ["first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth"];
    let spoken: std::collections::BTreeSet<String> = steps.iter().flat_map(edits::names_spoken_of).collect();
    let given: Vec<String> = steps.iter().flat_map(edits::names_given).collect();
    let mut new = steps.to_vec();
    new.iter_mut().for_each(|step| nameless(step, &spoken));
    let kept: Vec<String> = given.into_iter().filter(|name| spoken.contains(name) && is_ours(name)).collect();
    let taken = |name: &str| spoken.contains(name);
    for (from, to) in kept.iter().zip(NAMES.into_iter().filter(|name| !taken(name))) {
        new = edits::renamed(&new, from, to);
    }
    new
}

/// Takes off the names that nobody speaks of, and what a sequence calls its steps: that is for coverage.
fn nameless(step: &mut Step, spoken: &std::collections::BTreeSet<String>) {
    step.name = None;
    let of_stream = step.stream.as_mut().map(|one| &mut one.name);
    let of_others = [step.deliver.as_mut().map(|one| &mut one.name), step.burst.as_mut().map(|one| &mut one.name)];
    for name in of_others.into_iter().chain([of_stream]).flatten() {
        if name.as_ref().is_some_and(|name| !spoken.contains(name)) {
            *name = None;
        }
    }
    if let Some(block) = &mut step.repeat {
        block.steps.iter_mut().for_each(|step| nameless(step, spoken));
    }
}

/// The steps over one connection, as far as they go over any.
#[must_use]
pub fn over_one_connection(steps: &[Step]) -> Vec<Step> {
    let mut all = steps.to_vec();
    for step in &mut all {
        let plain = step.deliver.as_mut().filter(|one| one.fault.is_none() && one.connection == ConnectionUse::Any);
        if let Some(deliver) = plain {
            deliver.connection = ConnectionUse::Kept;
        }
        if let Some(block) = &mut step.repeat {
            block.steps = over_one_connection(&block.steps);
        }
    }
    all
}

/// Whether a name is one of those that sequences give.
fn is_ours(name: &str) -> bool {
    name.strip_prefix('d')
        .or_else(|| name.strip_prefix("before"))
        .is_some_and(|number| !number.is_empty() && number.bytes().all(|digit| digit.is_ascii_digit()))
}
