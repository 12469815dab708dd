//! Exploring measured: which defects of the reference an exploration finds without the suite, and how long what it leaves is.
//!
//! In: defects, how many random numbers each is explored with, and for how
//! long. Out: a [`Measured`]: a row a defect, and what was found in the right
//! reference, which is always a mistake of ours. The first finding ends the
//! exploration of a defect: of a wrong receiver nothing more is asked here.

use std::sync::Arc;

use serde::Serialize;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::{MakePlan, Share, Trial};
use crate::explore::findings::Found;
use crate::explore::{Choice, Explored, explore};
use crate::reference::defect::Defect;

/// What one defect came to.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// The defects, as a rule one.
    pub defect: String,
    /// The contract it was explored under.
    pub contract: &'static str,
    /// Whether anything was found.
    pub found: bool,
    /// The requirement of what was found.
    pub requirement: Option<String>,
    /// Whether that is one that the defect breaks.
    pub is_of_the_defect: bool,
    /// What the scenario that was left says.
    pub title: Option<String>,
    /// How many steps it has.
    pub steps: Option<usize>,
    /// How often it failed, of how many times.
    pub failed: Option<(usize, usize)>,
    /// After how many milliseconds it was found.
    pub after_ms: Option<u64>,
    /// How many sequences were played.
    pub sequences: usize,
}

/// What exploring finds.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Measured {
    /// For how long each was explored, in seconds.
    pub seconds: f64,
    /// A row a defect, in the catalogue's order.
    pub defects: Vec<Row>,
    /// The contracts under which the right reference was explored.
    pub right: Vec<&'static str>,
    /// What was found in it: contract and title.
    pub false_alarms: Vec<(&'static str, String)>,
    /// How many explorations are not in here, where somebody interrupted them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub left: Option<usize>,
}

impl Measured {
    /// How many defects were found.
    #[must_use]
    pub fn found(&self) -> usize {
        self.defects.iter().filter(|row| row.found).count()
    }

    /// The middle of how many steps the scenarios have.
    #[must_use]
    pub fn median_steps(&self) -> Option<usize> {
        let mut steps: Vec<usize> = self.defects.iter().filter_map(|row| row.steps).collect();
        steps.sort_unstable();
        steps.get(steps.len().checked_sub(1)? / 2).copied()
    }

    /// How many steps the longest scenario has, and how many have at most four.
    fn longest(&self) -> (usize, usize) {
        /// What fits on one screen.
        const SHORT: usize = 4;
        let steps = || self.defects.iter().filter_map(|row| row.steps);
        (steps().max().unwrap_or(0), steps().filter(|steps| *steps <= SHORT).count())
    }

    /// It for people.
    #[must_use]
    pub fn human(&self) -> String {
        let width = self.defects.iter().map(|row| row.defect.len()).max().unwrap_or(0);
        let mut text = String::new();
        for row in &self.defects {
            let told = match (&row.title, row.steps, row.after_ms) {
                (Some(title), Some(steps), Some(after)) => {
                    let requirement = row.requirement.as_deref().unwrap_or_default();
                    format!("{steps} steps after {after} ms: {requirement} {title}")
                }
                _ => format!("nothing in {} sequences", row.sequences),
            };
            text.push_str(&format!("{} {:width$}  {told}\n", if row.found { "found " } else { "MISSED" }, row.defect));
        }
        text.push_str(&self.alarms());
        text.push_str(&self.figures());
        text
    }

    fn alarms(&self) -> String {
        let told = |(contract, title): &(&str, String)| format!("FALSE ALARM on the right reference under {contract}: {title}\n");
        self.false_alarms.iter().map(told).collect()
    }

    /// It as a table, for the guide.
    #[must_use]
    pub fn markdown(&self) -> String {
        let mut text = "| defect | found | steps | failed | after | what it shows |\n|---|---|---|---|---|---|\n".to_owned();
        for row in &self.defects {
            let number = |value: Option<usize>| value.map_or_else(String::new, |value| value.to_string());
            let failed = row.failed.map_or_else(String::new, |(failed, played)| format!("{failed} of {played}"));
            let after = row.after_ms.map_or_else(String::new, |after| format!("{:.1} s", after as f64 / 1000.0));
            let told = match (&row.requirement, &row.title) {
                (Some(requirement), Some(title)) => format!("{requirement}: {}", title.replace('|', "\\|")),
                _ => String::new(),
            };
            let found = if row.found { "yes" } else { "**no**" };
            text.push_str(&format!("| `{}` | {found} | {} | {failed} | {after} | {told} |\n", row.defect, number(row.steps)));
        }
        text.push('\n');
        text.push_str(&self.alarms());
        text.push_str(&self.figures());
        text
    }

    fn figures(&self) -> String {
        let (found, all) = (self.found(), self.defects.len());
        let own = self.defects.iter().filter(|row| row.is_of_the_defect).count();
        let median = self.median_steps().map_or_else(|| "-".to_owned(), |steps| steps.to_string());
        let ((longest, short), with) = (self.longest(), self.defects.iter().filter(|row| row.steps.is_some()).count());
        let left = self.left.map_or_else(String::new, |left| format!(" · interrupted, with {left} explorations left"));
        let share = if all == 0 { 0.0 } else { found as f64 * 100.0 / all as f64 };
        format!(
            "\n{found} of {all} defects found ({share:.0} %) in {} s each · {own} by a requirement of their own · median of {median} steps, {short} of {with} \
             with at most four, the longest with {longest} · right reference explored {} times, {} false alarms{left}\n",
            self.seconds,
            self.right.len(),
            self.false_alarms.len()
        )
    }
}

/// What to explore.
pub struct Explorations {
    /// How a run is planned: the suite is what says which promises there are.
    pub plan: MakePlan,
    /// The defects, in order.
    pub defects: Vec<Defect>,
    /// The contracts under which the right reference is explored.
    pub right: Vec<&'static str>,
    /// How each is explored.
    pub choice: Choice,
    /// How many go side by side.
    pub jobs: usize,
}

/// Explores everything; `on_done` hears how many of how many are done. An interrupted one has what is known by then.
pub async fn measure(all: Explorations, on_done: impl Fn(usize, usize), interrupted: watch::Receiver<bool>) -> Option<Measured> {
    let right = all.right.iter().enumerate().map(|(at, contract)| (*contract, at, None));
    let wrong = all.defects.iter().enumerate().map(|(at, defect)| (defect.under, at, Some(*defect)));
    let mut left = right.chain(wrong);
    let total = all.right.len() + all.defects.len();
    let mut measured = Measured { seconds: all.choice.time.as_secs_f64(), ..Measured::default() };
    let (mut rows, mut runs, mut done) = (std::collections::BTreeMap::new(), JoinSet::new(), 0);
    loop {
        while runs.len() < all.jobs.max(1) {
            let Some((contract, at, of)) = left.next().filter(|_| !*interrupted.borrow()) else { break };
            let trial = of.map(|defect| Trial { defect, share: Share::Whole });
            let (mut plan, choice, interrupted) = ((all.plan)(contract, trial.as_ref()), all.choice.clone(), interrupted.clone());
            if of.is_none() {
                // The same once more would show nothing more.
                plan.seed = plan.seed.wrapping_add(at as u64);
            }
            runs.spawn(async move { (contract, at, of, Box::pin(explore(plan, choice, Arc::new(|_| {}), interrupted)).await) });
        }
        let Some(joined) = runs.join_next().await else { break };
        let (contract, at, of, explored) = match joined.map_err(tokio::task::JoinError::try_into_panic) {
            Ok(run) => run,
            Err(Ok(panic)) => std::panic::resume_unwind(panic),
            Err(Err(_)) => return None,
        };
        let is_whole = !*interrupted.borrow();
        match of {
            Some(defect) => {
                let row = row(&defect, &explored);
                // What was not found by then may have been found a moment later.
                if row.found || is_whole {
                    rows.insert(at, row);
                }
            }
            None => {
                measured.false_alarms.extend(explored.found.iter().map(|one| (contract, one.title.clone())));
                measured.right.extend(is_whole.then_some(contract));
            }
        }
        done += 1;
        on_done(done, total);
    }
    measured.defects = rows.into_values().collect();
    let known = measured.defects.len() + measured.right.len();
    measured.left = (*interrupted.borrow()).then(|| total.saturating_sub(known));
    Some(measured)
}

fn row(defect: &Defect, Explored { outcome, found, done, .. }: &Explored) -> Row {
    // What turns every honest delivery away is told when the receiver is visited.
    let visited = outcome.report.visit.as_ref().and_then(|visit| visit.refused.as_ref()).map(|refused| refused.requirement.clone());
    let first: Option<&Found> = found.first();
    let requirement = first.map(|one| one.requirement.clone()).or(visited);
    let filed = |id: &str| defect.breaks.contains(&id);
    let causes = outcome.report.causes.iter().any(|cause| filed(&cause.requirement));
    Row {
        defect: defect.name.to_owned(),
        contract: defect.under,
        found: requirement.is_some(),
        is_of_the_defect: causes || requirement.as_deref().is_some_and(filed),
        requirement,
        title: first.map(|one| one.title.clone()),
        steps: first.map(|one| one.steps),
        failed: first.map(|one| (one.failed, one.played)),
        after_ms: first.map(|one| u64::try_from(one.after.as_millis()).unwrap_or(u64::MAX)),
        sequences: done.sequences,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(defect: &str, steps: Option<usize>) -> Row {
        Row {
            defect: defect.to_owned(),
            contract: "orch-phase3",
            found: steps.is_some(),
            requirement: steps.map(|_| "DUP-1".to_owned()),
            is_of_the_defect: steps.is_some(),
            title: steps.map(|_| "A | B".to_owned()),
            steps,
            failed: steps.map(|_| (17, 20)),
            after_ms: steps.map(|_| 1_250),
            sequences: 4,
        }
    }

    /// A false alarm, and what was left, are told in every form.
    #[test]
    fn alarms_and_what_was_left_are_told() {
        let false_alarms = vec![("orch-phase3", "Something".to_owned())];
        let measured = Measured { seconds: 60.0, defects: vec![row("a", Some(1))], false_alarms, left: Some(7), ..Measured::default() };
        for text in [measured.human(), measured.markdown()] {
            assert!(text.contains("FALSE ALARM on the right reference under orch-phase3: Something"), "{text}");
            assert!(text.contains("interrupted, with 7 explorations left"), "{text}");
        }
    }

    /// What was missed is told as missed, and the middle is that of what was found.
    #[test]
    fn figures_are_of_what_was_found() {
        let defects = vec![row("a", Some(1)), row("b", None), row("c", Some(2)), row("d", Some(5))];
        let measured = Measured { seconds: 60.0, defects, right: vec!["orch-phase3"], ..Measured::default() };
        assert_eq!((measured.found(), measured.median_steps()), (3, Some(2)));
        let (human, table) = (measured.human(), measured.markdown());
        assert!(human.contains("MISSED b") && human.contains("3 of 4 defects found (75 %)"), "{human}");
        assert!(table.contains("| `a` | yes | 1 | 17 of 20 | 1.2 s | DUP-1: A \\| B |") && table.contains("| `b` | **no** |"), "{table}");
        assert!(
            human.contains("2 of 3 with at most four, the longest with 5 · right reference explored 1 times, 0 false alarms\n"),
            "{human}"
        );
        assert_eq!(Measured::default().median_steps(), None);
    }
}
