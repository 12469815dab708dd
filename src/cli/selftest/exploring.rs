//! `hookgate selftest --explore`: what exploring finds of every defect, and how long the scenarios are that it leaves.

use std::collections::BTreeMap;

use tokio::sync::watch;

use super::{plan, suite};
use crate::cli::args::{MatrixFormat, SelftestArgs};
use crate::cli::exit::Exit;
use crate::cli::signals::Ends;
use crate::cli::{Console, Failure};
use crate::explore::Choice;
use crate::reference::defect::Defect;
use crate::run::Plan;
use crate::selftest::exploring::{Explorations, measure};

/// How many steps a sequence has, as `explore` has it without `--steps`.
const STEPS: usize = 30;

/// Explores the defects, and the right reference under the contracts that they were made for.
pub(super) fn explored(
    args: &SelftestArgs,
    defects: Vec<Defect>,
    (ends, unread): (Ends, &watch::Receiver<bool>),
    console: &mut Console,
) -> Result<Exit, Failure> {
    let mut contracts: Vec<&'static str> = defects.iter().map(|defect| defect.under).collect();
    contracts.sort_unstable();
    contracts.dedup();
    let suites = contracts.iter().map(|name| Ok((*name, suite(name)?))).collect::<Result<BTreeMap<_, _>, Failure>>()?;
    let seed = args.seed;
    let all = Explorations {
        plan: Box::new(move |contract, trial| Plan { seed, fail_fast: false, ..plan(&suites[contract], trial) }),
        defects,
        right: contracts.iter().flat_map(|contract| std::iter::repeat_n(*contract, usize::from(args.right.get()))).collect(),
        choice: Choice {
            time: args.time,
            steps: STEPS,
            sequences: None,
            corpus: Vec::new(),
            stops_at_first: true,
            folder: String::new(),
            origin: format!("exploring with seed {seed}"),
        },
        jobs: usize::from(args.jobs.get()),
    };
    let live = console.live;
    let Ends { runtime, wanted } = ends;
    let bar = if live { indicatif::ProgressBar::new(0) } else { indicatif::ProgressBar::hidden() };
    let seen = bar.clone();
    let on_done = move |done: usize, total: usize| {
        seen.set_length(total as u64);
        seen.set_position(done as u64);
    };
    let measured = runtime.block_on(measure(all, on_done, wanted));
    bar.finish_and_clear();
    let Some(measured) = measured else { return Err(Failure::harness("an exploration was not carried to its end")) };
    let text = match args.format {
        MatrixFormat::Human => measured.human(),
        MatrixFormat::Markdown => measured.markdown(),
        MatrixFormat::Json => serde_json::to_string_pretty(&measured).map_err(Failure::harness)? + "\n",
    };
    console.print(&text);
    if *unread.borrow() {
        return Ok(Exit::Interrupted);
    }
    if let Some(left) = measured.left {
        let message = format!("interrupted: {left} explorations were not carried to their end, and are not in the table");
        return Err(Failure { exit: Exit::Interrupted, message });
    }
    let is_good = measured.false_alarms.is_empty() && measured.found() == measured.defects.len();
    Ok(if is_good { Exit::Conforms } else { Exit::DoesNotConform })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;
    use crate::clock::Moment;
    use crate::run::batches::Batches;

    /// What has no time left is broken off: nothing is said of it, nothing else ends with it, and the next is played.
    #[tokio::test]
    async fn what_has_no_time_left_is_broken_off() {
        let suite = suite("orch-phase3").ok().expect("it is shipped");
        let plan = plan(&suite, None);
        let (_wants, interrupted) = watch::channel(false);
        let began = (Moment::now(), String::new());
        let batches = Batches::begin(&plan, Arc::new(|_| {}), interrupted, began).await;
        let mut batches = batches.expect("the reference is served");
        let two: Vec<_> = plan.scenarios.iter().filter(|one| one.id.starts_with("duplicate/")).take(2).cloned().collect();
        let none = batches.play_within(two.clone(), Duration::ZERO).await;
        assert_eq!((none.scenarios.len(), none.history.len(), none.broken_off.len()), (0, 0, 2));
        assert!(batches.end().is_none());
        let both = batches.play_within(two, Duration::from_secs(600)).await;
        assert_eq!((both.scenarios.len(), both.broken_off.len()), (2, 0));
        assert!(both.scenarios.iter().all(|one| one.verdict == crate::report::Verdict::Pass), "{:?}", both.scenarios);
        batches.context().shutdown().await;
    }
}
