//! The suite against every defect of the reference: what it catches.
//!
//! Suites and defects go in, a [`Matrix`] comes out: who caught what, on which
//! requirement; which scenarios catch nothing that few others catch; and
//! whether the right reference was left in peace. Every trial is an ordinary
//! run over real HTTP.
//!
//! A defect counts as caught only when a scenario fails, or warns, on a
//! requirement that the defect names: a suite that falls over for another
//! reason has caught nothing.

pub mod exploring;
pub mod reach;
pub mod report;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::Serialize;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::reference::defect::Defect;
use crate::report::{Report, Verdict};
use crate::run::{self, Outcome, Plan};
use crate::selftest::reach::Counted;

/// A scenario earns its place by a defect that no more than so many scenario files catch.
pub const FEW: usize = 10;

/// A scenario's file that says why it stands although it may catch nothing alone.
pub type Standing = BTreeMap<String, String>;

/// What one defect came to.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// The defect.
    pub defect: &'static str,
    /// The sentence.
    pub sentence: &'static str,
    /// The contract it was measured under.
    pub contract: &'static str,
    /// The requirements that it breaks.
    pub breaks: Vec<&'static str>,
    /// Whether a scenario failed on one of them.
    pub caught: bool,
    /// The scenarios that did, and on what.
    pub caught_by: Vec<Catch>,
    /// Scenarios that failed on other requirements.
    pub also: Vec<Catch>,
    /// The cause that explains most of what was found.
    pub first_cause: Option<FirstCause>,
    /// Requirements that are called broken, and that the defect does not break.
    pub called_broken: Vec<String>,
    /// Whether no more was played than it takes to catch it: then nothing is known of its causes.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub until_caught: bool,
}

/// The cause that explains most of what a run has found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FirstCause {
    /// The requirement that it names.
    pub requirement: String,
    /// It as a sentence.
    pub sentence: String,
    /// Whether that is one that the defect breaks.
    pub is_of_the_defect: bool,
}

/// A scenario that found something.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Catch {
    /// The scenario, a variant with its name in brackets.
    pub scenario: String,
    /// The requirement.
    pub requirement: String,
}

/// The kill matrix.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Matrix {
    /// A row a defect, in the catalogue's order.
    pub defects: Vec<Row>,
    /// How many defects come to what, under contracts that were asked for by name.
    pub under: Vec<Counted>,
    /// How often the right reference was judged.
    pub right_runs: usize,
    /// What was found in the right reference, or left undecided: always a mistake of the suite.
    pub false_alarms: Vec<Catch>,
    /// Scenario files that catch no defect that few others catch, and do not say why they stand.
    pub idle: Vec<String>,
    /// Those that do say so, and what they say.
    pub standing: Standing,
}

impl Matrix {
    /// Whether all is as it should be: every defect caught, and no false alarm. Idle scenarios are told, and are no failure.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.defects.iter().all(|row| row.caught) && self.false_alarms.is_empty()
    }

    /// How many defects are named by the cause that explains most.
    #[must_use]
    pub fn named(&self) -> usize {
        self.defects.iter().filter(|row| row.first_cause.as_ref().is_some_and(|cause| cause.is_of_the_defect)).count()
    }

    /// The defects under which the whole suite was played, so that their causes are known.
    pub fn judged_whole(&self) -> impl Iterator<Item = &Row> {
        self.defects.iter().filter(|row| !row.until_caught)
    }

    /// How many requirements are called broken that the defect does not break, over all defects.
    #[must_use]
    pub fn wrongly_called(&self) -> usize {
        self.defects.iter().map(|row| row.called_broken.len()).sum()
    }

    /// How many scenario files catch a defect.
    fn files_that_catch(row: &Row) -> BTreeSet<&str> {
        row.caught_by.iter().map(|one| file_of(&one.scenario)).collect()
    }

    /// Finds the scenario files, of all that were played, that earn no place.
    fn find_idle(&mut self, played: &BTreeSet<String>, standing: &Standing) {
        let mut earns: BTreeSet<&str> = BTreeSet::new();
        for row in &self.defects {
            let files = Self::files_that_catch(row);
            if files.len() <= FEW {
                earns.extend(files);
            }
        }
        let without: Vec<String> = played.iter().filter(|file| !earns.contains(file.as_str())).cloned().collect();
        for file in without {
            match standing.get(&file) {
                Some(why) => drop(self.standing.insert(file, why.clone())),
                None => self.idle.push(file),
            }
        }
    }
}

/// A scenario's id without its variant.
fn file_of(scenario: &str) -> &str {
    scenario.split('[').next().unwrap_or(scenario).trim_end()
}

/// How much of a suite is played.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Share {
    /// All of it.
    Whole,
    /// One scenario, by its id.
    One(String),
    /// Those that show what the defect breaks, until one fails.
    Showing,
}

impl Share {
    /// What is played when this has caught nothing.
    fn next(&self) -> Option<Self> {
        match self {
            Self::One(_) => Some(Self::Showing),
            Self::Showing => Some(Self::Whole),
            Self::Whole => None,
        }
    }
}

/// A defect, and what is played to catch it.
#[derive(Clone, Debug)]
pub struct Trial {
    /// The defect, under the contract that it is tried with.
    pub defect: Defect,
    /// How much is played at first; where that catches nothing, more is.
    pub share: Share,
}

/// Makes the plan of one run: under a contract, with a defect or none.
pub type MakePlan = Box<dyn Fn(&str, Option<&Trial>) -> Plan + Send>;

/// What to try.
pub struct Trials {
    /// How a run is planned.
    pub plan: MakePlan,
    /// The defects, in order.
    pub defects: Vec<Trial>,
    /// Whether these are all there are: only then is a scenario that catches none of them idle.
    pub whole: bool,
    /// The contracts under which the right reference is judged.
    pub contracts: Vec<&'static str>,
    /// How often it is judged under each.
    pub right: usize,
    /// How many runs go side by side.
    pub jobs: usize,
    /// Why scenario files stand.
    pub standing: Standing,
    /// How many defects come to what, under contracts that were asked for by name.
    pub under: Vec<Counted>,
}

/// Runs everything; `on_done` hears how many runs of how many are done.
///
/// An interrupted selftest gives `None`: half a matrix proves nothing.
pub async fn selftest(trials: Trials, on_done: impl Fn(usize, usize), interrupted: watch::Receiver<bool>) -> Option<Matrix> {
    let right = trials.contracts.iter().flat_map(|contract| std::iter::repeat_n((None, *contract), trials.right));
    let wrong = trials.defects.iter().enumerate().map(|(at, trial)| (Some((at, trial.clone())), trial.defect.under));
    let mut trying = right.chain(wrong);
    // What was not caught by a part of the suite is tried with more of it.
    let mut more: Vec<(usize, Trial)> = Vec::new();
    let total = trials.right * trials.contracts.len() + trials.defects.len();
    // What was not caught by all of it is tried once more, alone: what came late beside others is no miss.
    let mut missed: Vec<(usize, Trial)> = Vec::new();
    let mut runs = JoinSet::new();
    let mut matrix = Matrix { right_runs: trials.right * trials.contracts.len(), under: trials.under.clone(), ..Matrix::default() };
    let mut rows: BTreeMap<usize, Row> = BTreeMap::new();
    let mut played = BTreeSet::new();
    let mut done = 0;
    loop {
        // A plan holds a whole suite, so that each is made when its turn comes.
        while runs.len() < trials.jobs.max(1) {
            let again = more.pop().map(|(at, trial)| (trial.defect.under, Some((at, trial))));
            let Some((contract, of)) = again.or_else(|| trying.next().map(|(of, contract)| (contract, of))) else { break };
            let (plan, interrupted) = ((trials.plan)(contract, of.as_ref().map(|(_, trial)| trial)), interrupted.clone());
            runs.spawn(async move { (of, Box::pin(run::run(plan, Arc::new(|_| {}), interrupted)).await) });
        }
        let Some(joined) = runs.join_next().await else { break };
        // A run that panicked is a mistake of the harness: half a matrix would look like a good one.
        let (of, outcome) = match joined.map_err(tokio::task::JoinError::try_into_panic) {
            Ok(run) => run,
            Err(Ok(panic)) => std::panic::resume_unwind(panic),
            Err(Err(_)) => return None,
        };
        match of {
            Some((at, trial)) => {
                let row = row_of(&trial, &outcome.report);
                if let Some(share) = trial.share.next().filter(|_| !row.caught && !*interrupted.borrow()) {
                    more.push((at, Trial { share, ..trial }));
                    continue;
                }
                if !row.caught {
                    missed.push((at, trial));
                }
                rows.insert(at, row);
            }
            None => {
                let ours = |one: &&crate::report::ScenarioReport| one.verdict != Verdict::NotApplicable;
                played.extend(outcome.report.scenarios.iter().filter(ours).map(|one| file_of(&one.id).to_owned()));
                matrix.false_alarms.extend(alarms(&outcome));
            }
        }
        done += 1;
        on_done(done, total);
    }
    for (at, trial) in missed {
        if *interrupted.borrow() {
            break;
        }
        let plan = (trials.plan)(trial.defect.under, Some(&trial));
        let outcome = Box::pin(run::run(plan, Arc::new(|_| {}), interrupted.clone())).await;
        let row = row_of(&trial, &outcome.report);
        if row.caught {
            rows.insert(at, row);
        }
    }
    if *interrupted.borrow() {
        return None;
    }
    matrix.defects = rows.into_values().collect();
    if trials.whole {
        matrix.find_idle(&played, &trials.standing);
    }
    Some(matrix)
}

/// What a run has found, as pairs of scenario and requirement.
fn catches(report: &Report) -> BTreeSet<Catch> {
    let found = report.scenarios.iter().filter(|one| matches!(one.verdict, Verdict::Fail | Verdict::Warn));
    found
        .flat_map(|one| {
            // What a scenario itself shows counts, too, where a cause explains its finding.
            let each = one.findings.iter().flat_map(|finding| finding.filed.iter().chain([&finding.requirement]));
            each.map(|requirement| Catch { scenario: one.id.clone(), requirement: requirement.clone() })
        })
        .collect()
}

fn row_of(Trial { defect, share }: &Trial, report: &Report) -> Row {
    let whole = *share == Share::Whole;
    let is_its_own = |id: &str| defect.breaks.contains(&id);
    // Under another contract than its own it may let nothing in that is honest: more than it breaks, and told at the visit.
    let own = Defect::named(defect.name).is_none_or(|one| one.under == defect.under);
    let visited = report.visit.as_ref().and_then(|visit| visit.refused.as_ref()).filter(|_| !own);
    let turned_away = visited.map(|refused| Catch { scenario: "visit".to_owned(), requirement: refused.requirement.clone() });
    let (mut caught_by, also): (Vec<Catch>, Vec<Catch>) =
        catches(report).into_iter().partition(|one| turned_away.is_some() || is_its_own(&one.requirement));
    caught_by.extend(turned_away.clone());
    let is_of_the_defect = |id: &str| is_its_own(id) || turned_away.as_ref().is_some_and(|one| one.requirement == id);
    Row {
        defect: defect.name,
        sentence: defect.sentence,
        contract: defect.under,
        breaks: defect.breaks.to_vec(),
        caught: !caught_by.is_empty(),
        caught_by,
        also,
        first_cause: report.causes.first().filter(|_| whole).map(|cause| FirstCause {
            requirement: cause.requirement.clone(),
            sentence: cause.sentence.clone(),
            is_of_the_defect: is_of_the_defect(&cause.requirement),
        }),
        called_broken: report
            .requirements
            .iter()
            .filter(|_| whole)
            .filter(|one| matches!(one.verdict, Verdict::Fail | Verdict::Warn) && !is_of_the_defect(&one.id))
            .map(|one| one.id.clone())
            .collect(),
        until_caught: !whole,
    }
}

/// What must not be: findings and undecided scenarios of the right reference.
fn alarms(outcome: &Outcome) -> Vec<Catch> {
    let undecided = outcome.report.scenarios.iter().filter(|one| one.verdict == Verdict::Undecided);
    let told = |reason: &Option<String>| format!("undecided: {}", reason.as_deref().unwrap_or_default());
    let undecided = undecided.map(|one| Catch { scenario: one.id.clone(), requirement: told(&one.reason) });
    catches(&outcome.report).into_iter().chain(undecided).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(defect: &'static str, by: &[&str]) -> Row {
        let catch = |id: &&str| Catch { scenario: (*id).to_owned(), requirement: "DUP-1".to_owned() };
        let caught_by: Vec<Catch> = by.iter().map(catch).collect();
        Row {
            defect,
            sentence: "",
            contract: "orch-phase3",
            breaks: vec!["DUP-1"],
            caught: !by.is_empty(),
            caught_by,
            also: Vec::new(),
            first_cause: None,
            called_broken: Vec::new(),
            until_caught: false,
        }
    }

    /// A scenario that only catches what everyone catches is idle, unless it says why it stands.
    #[test]
    fn scenario_that_catches_only_the_obvious_is_idle() {
        let everyone: Vec<String> = (0..=FEW).map(|at| format!("t/s{at} [v]")).collect();
        let everyone: Vec<&str> = everyone.iter().map(String::as_str).collect();
        let mut matrix = Matrix { defects: vec![row("obvious", &everyone), row("subtle", &["t/s0 [w]"])], ..Matrix::default() };
        let played = ["t/s0", "t/s1", "t/s2"].map(str::to_owned).into();
        matrix.find_idle(&played, &Standing::from([("t/s2".to_owned(), "it is the example of the documentation".to_owned())]));
        assert_eq!(matrix.idle, ["t/s1"]);
        assert_eq!(matrix.standing.len(), 1);
    }

    /// A defect that nobody caught, and a false alarm, are never good.
    #[test]
    fn missed_defect_and_false_alarm_are_told() {
        let missed = Matrix { defects: vec![row("quiet", &[])], ..Matrix::default() };
        assert!(!missed.is_good() && report::human(&missed).contains("MISSED quiet"));
        let alarm = Catch { scenario: "t/s".to_owned(), requirement: "DUP-1".to_owned() };
        let alarmed = Matrix { false_alarms: vec![alarm], ..Matrix::default() };
        assert!(!alarmed.is_good() && report::human(&alarmed).contains("FALSE ALARM"));
    }
}
