//! Liveness: whether the receiver lives, and what is done where it does not.
//!
//! A connection that was closed is no dead receiver: its health is asked over
//! a new connection before anybody is called dead. One that hookgate has
//! started is started again, and the run goes on; anyone else's is waited for
//! a little, and then the run ends. In: the context. Out: the answer to the
//! health check, or what is behind its absence.
//!
//! **Invariant:** a receiver that dies again and again is not started for ever.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::context::RunContext;
use crate::clock::{Moment, span};
use crate::contract::Level;
use crate::delivery::{Answer, NoAnswer};
use crate::outcome::mismatch::{Kind, MismatchCode};
use crate::report::{Finding, ScenarioReport, Verdict};
use crate::scenario::deliver::ConnectionUse;
use crate::session::target_under_test::ManagedTarget;

/// So long a receiver that no longer answers is waited for.
const A_WHILE: Duration = Duration::from_secs(3);
/// A moment between two questions meanwhile.
const ASK_AGAIN: Duration = Duration::from_millis(50);
/// So often in a run a receiver may die before the run ends.
const MOST_DEATHS: u32 = 40;
/// So often one after the other, with no scenario between that it survived.
const MOST_IN_A_ROW: u32 = 8;
/// So often while several scenarios were under way; after that each is played alone, so that the one to blame is known at once.
const MOST_IN_COMPANY: u32 = 3;

/// What is known of a receiver's life.
#[derive(Debug, Default)]
pub struct Liveness {
    deaths: AtomicU32,
    in_a_row: AtomicU32,
    gone: Mutex<Option<String>>,
    last_death: Mutex<String>,
}

impl Liveness {
    /// How often it died.
    #[must_use]
    pub fn deaths(&self) -> u32 {
        self.deaths.load(Ordering::SeqCst)
    }

    /// Whether it died so often in company that every scenario is better played alone.
    #[must_use]
    pub fn wants_company(&self) -> bool {
        self.deaths() < MOST_IN_COMPANY
    }

    /// It survived a scenario.
    pub fn survived(&self) {
        self.in_a_row.store(0, Ordering::SeqCst);
    }

    /// Remembers that it no longer answers, and why nothing more is tried.
    pub fn mark_gone(&self, why: impl Into<String>) {
        self.gone.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(why.into());
    }

    /// Why it is gone, when it is.
    #[must_use]
    pub fn gone(&self) -> Option<String> {
        self.gone.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Counts a death: why it is not started again, when it died too often.
    fn died(&self, how: &str) -> Result<(), String> {
        let deaths = self.deaths.fetch_add(1, Ordering::SeqCst) + 1;
        let in_a_row = self.in_a_row.fetch_add(1, Ordering::SeqCst) + 1;
        how.clone_into(&mut self.last_death.lock().unwrap_or_else(PoisonError::into_inner));
        if in_a_row >= MOST_IN_A_ROW {
            return Err(format!("the receiver died {in_a_row} times in a row, whichever scenario was played; it is not started again"));
        }
        if deaths >= MOST_DEATHS {
            return Err(format!("the receiver died {deaths} times in this run; it is not started again"));
        }
        Ok(())
    }
}

impl RunContext {
    /// The health before a scenario: a receiver that died between two scenarios is nobody's finding, as long as it comes back.
    pub(super) async fn health_before(&self) -> Result<Answer, NoAnswer> {
        let deaths = self.liveness.deaths();
        match self.health().await {
            Ok(answer) => Ok(answer),
            Err(none) => match self.find_out(none, deaths).await {
                Ok(answer) => Ok(answer),
                Err(none) if self.liveness.gone().is_some() => Err(none),
                Err(_) => self.health().await,
            },
        }
    }

    /// What is behind a health check without an answer. A receiver that is only slow answers after all; one that died is
    /// started again where that can be done, and how it died stands in the cause.
    ///
    /// * `deaths`: how often it had died when it was last seen alive.
    pub(super) async fn find_out(&self, none: NoAnswer, deaths: u32) -> Result<Answer, NoAnswer> {
        let mut managed = self.managed.lock().await;
        if self.liveness.deaths() != deaths {
            return Err(none); // somebody else has found it dead meanwhile, and has done what can be done
        }
        let (back, ended) = self.comes_back(&mut managed, &none).await;
        if let Some((answer, after)) = back {
            // One that nobody listened for was away; one that was slow was there.
            if !matches!(none, NoAnswer::Unreachable { .. }) {
                return Ok(answer);
            }
            let how = format!("it was back {} later", span::write(after));
            if let Err(why) = self.liveness.died(&how) {
                self.liveness.mark_gone(why);
            }
            return Err(and(none, &how));
        }
        if ended.is_none() && none.is_premature(self.contract.limits.answer.0) {
            return Err(none); // it may be slow, and nobody has waited long enough to call it dead
        }
        let how = ended.map_or_else(
            || format!("it answered no health check for {}", span::write(A_WHILE)),
            |how| format!("the receiver has ended ({how})"),
        );
        let counted = self.liveness.died(&how);
        if !self.can_restart() {
            self.liveness.mark_gone("the target stopped answering its health check");
            return Err(none);
        }
        if let Err(why) = counted {
            self.liveness.mark_gone(why);
            return Err(and(none, &how));
        }
        self.hang_up();
        match managed.restart(false).await {
            Ok(()) => Err(and(none, &format!("{how}, and was started again"))),
            Err(failed) => {
                self.liveness.mark_gone(format!("{how}, and could not be started again: {failed}"));
                Err(and(none, &how))
            }
        }
    }

    /// Waits a little for a receiver that no longer answers: its answer and how long that took, or how its process ended.
    ///
    /// * `none`: what was seen before. A question that gets through to one that was away may take as long as any other does; one that
    ///   was waited for so long already is not waited for so long again.
    async fn comes_back(&self, managed: &mut ManagedTarget, none: &NoAnswer) -> (Option<(Answer, Duration)>, Option<String>) {
        let began = Moment::now();
        while began.elapsed() < A_WHILE {
            if let Some(how) = managed.ended().await {
                return (None, Some(how));
            }
            let left = match none {
                NoAnswer::TimedOut { .. } => A_WHILE.saturating_sub(began.elapsed()),
                NoAnswer::Unreachable { .. } | NoAnswer::Broken { .. } | NoAnswer::Garbled { .. } => self.timeout,
            };
            if let Ok(Ok(answer)) = tokio::time::timeout(left, self.ask_health(ConnectionUse::New)).await {
                return (Some((answer, began.elapsed())), None);
            }
            tokio::time::sleep(ASK_AGAIN).await;
        }
        (None, managed.ended().await)
    }

    /// Files a death that happened in company, and for which no scenario alone was to blame: the receiver died all the same.
    ///
    /// * `suspects`: the scenarios that were under way.
    pub(super) fn blame(&self, suspects: &[String], scenarios: &mut [ScenarioReport]) {
        let Some(requirement) = self.catalogue.always.lives.clone().filter(|id| self.contract.promises(id)) else { return };
        let told = scenarios.iter().any(|one| one.findings.iter().any(|finding| finding.requirement == requirement));
        let first = scenarios.iter_mut().filter(|one| suspects.contains(&one.id)).min_by(|a, b| a.id.cmp(&b.id));
        let (false, Some(scenario)) = (told, first) else { return };
        let how = self.liveness.last_death.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let expected = "the receiver lives while scenarios are played side by side".to_owned();
        let observed = format!("it died ({how}) while these were under way, and none of them kills it alone: {}", suspects.join(", "));
        scenario.verdict = Verdict::Fail;
        scenario.findings.push(Finding {
            requirement,
            level: Level::Must,
            expected,
            observed,
            mismatch: MismatchCode::of(Kind::Unwell),
            ..Finding::default()
        });
    }
}

/// The same, and what is known beside it.
fn and(none: NoAnswer, more: &str) -> NoAnswer {
    let cause = match none {
        NoAnswer::Unreachable { cause } => format!("{cause}; {more}"),
        other @ (NoAnswer::TimedOut { .. } | NoAnswer::Broken { .. } | NoAnswer::Garbled { .. }) => format!("{other}; {more}"),
    };
    NoAnswer::Unreachable { cause }
}
