//! Plans: from what a test author asks for to what is played, checked before anything is sent.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::error::Error;
use super::folder::{Seal, write_folder};
use super::judge::Judge;
use super::judging::{Afterwards, Judged, is_own, judge};
use super::options::{RunOptions, check_names_are_known, selected};
use super::verdict::Verdict;
use super::visit::Visit;
use crate::contract::Level;
use crate::files::ReportFolder;
use crate::report::again::in_shell;
use crate::report::language::Language;
use crate::report::manifest::MadeFrom;
use crate::run::Plan;
use crate::secret::Redactor;
use crate::sign::sha256_hex;
use crate::suites::layers::SuiteTexts;
use crate::suites::{self, Suite, SuiteChoice};

/// How long a busy source is waited for.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long one scenario waits for those who ask to be asked later.
const MAX_WAIT: Duration = Duration::from_secs(30);

/// All that judging needs, checked.
struct Ready {
    plan: Plan,
    redactor: Redactor,
    after: Afterwards,
    folder: Option<ReportFolder>,
}

impl Judge {
    /// Judges, and writes the report where one is wanted.
    pub(super) async fn judged(self, stop: watch::Receiver<bool>) -> Result<Verdict, Error> {
        let Ready { plan, redactor, after, folder } = self.ready(false)?;
        let made_from = after.made_from.clone();
        let judged = judge(vec![plan], Arc::new(|_| {}), stop, after).await.ok_or_else(|| Error::machine("nothing was judged"))?;
        if let Some(folder) = &folder {
            write_folder(folder, &judged, &Seal { made_from, key: None }, Language::default())?;
        }
        match &judged.failed {
            Some(failed) => Err(Error::of_session(failed, |text| redactor.text(text).into_owned())),
            None => Ok(Verdict::of(judged.report, self.asked.report)),
        }
    }

    /// Visits, and judges nothing.
    pub(super) async fn visited(self, stop: watch::Receiver<bool>) -> Result<Visit, Error> {
        let Ready { plan, redactor, after, .. } = self.ready(true)?;
        let Judged { report, failed, .. } =
            judge(vec![plan], Arc::new(|_| {}), stop, after).await.ok_or_else(|| Error::machine("nothing was visited"))?;
        match failed {
            Some(failed) => Err(Error::of_session(&failed, |text| redactor.text(text).into_owned())),
            None => Ok(Visit::of(report)),
        }
    }

    /// Checks everything.
    ///
    /// * `visits`: whether nothing is to be judged.
    fn ready(&self, visits: bool) -> Result<Ready, Error> {
        let (suite, made_from) = self.suite()?;
        let scenarios = if visits { Vec::new() } else { selected(suite.scenarios.clone(), &self.only.join(","), &suite)? };
        check_names_are_known(&self.require, &suite)?;
        let options = self.asked.options(&suite.contract, PATIENCE)?;
        let secrets = options.secrets(&suite, suite.scenarios.iter().map(|one| one.id.as_str()));
        let asked = self.run_options(&suite)?;
        let (redactor, warnings) = (secrets.redactor(), secrets.warnings());
        let plan = asked.plan(&options, &suite, scenarios, secrets)?;
        let folder = self.asked.folder()?;
        let folders = [&self.scenarios, &self.only_scenarios].into_iter().flatten().cloned().collect();
        let after = Afterwards {
            redactor: redactor.clone(),
            warnings,
            made_from,
            project: None,
            required: if visits { Vec::new() } else { self.require.clone() },
            snapshots: None,
            is_own: is_own(Vec::new(), folders),
        };
        Ok(Ready { plan, redactor, after, folder })
    }

    /// How it is judged.
    fn run_options(&self, suite: &Suite) -> Result<RunOptions, Error> {
        let arguments = self.arguments(suite);
        Ok(RunOptions {
            clock: self.clock.choice()?,
            jobs: self.jobs.map(NonZeroUsize::get),
            time_limit: self.time_limit,
            max_rate: self.max_rate,
            max_wait: MAX_WAIT,
            level: if self.must_only { Level::Must } else { Level::Should },
            fail_fast: false,
            takes_snapshots: self.asked.report.is_some(),
            shard: None,
            visiting: arguments.clone(),
            arguments,
            contract_file: self.asked.contract.own_file(),
        })
    }

    /// The contract with its suite, and the digests of both.
    fn suite(&self) -> Result<(Suite, MadeFrom), Error> {
        let file = self.asked.contract.file()?;
        let contract = suites::read_contract_file(&file)?;
        let choice = SuiteChoice {
            contract: contract.contract.clone(),
            scenarios: self.scenarios.clone().into_iter().collect(),
            only_scenarios: self.only_scenarios.clone(),
        };
        let texts = SuiteTexts::of(&choice, &contract)?;
        let made_from = MadeFrom { contract_sha256: sha256_hex(file.text.as_bytes()), scenarios_sha256: texts.sha256() };
        Ok((suites::suite_of(&choice, contract)?, made_from))
    }

    /// What of it the command line would say, for reports.
    fn arguments(&self, suite: &Suite) -> String {
        let contract = self.asked.contract.own_file().unwrap_or_else(|| suite.contract.contract.clone());
        let mut words = vec!["--contract".to_owned(), in_shell(&contract), "--target".to_owned(), in_shell(&self.asked.url)];
        let path = |path: &PathBuf| in_shell(&path.display().to_string());
        for (flag, folder) in [("--scenarios", &self.scenarios), ("--only-scenarios", &self.only_scenarios)] {
            words.extend(folder.iter().flat_map(|folder| [flag.to_owned(), path(folder)]));
        }
        words.extend(self.asked.database.iter().flat_map(|db| ["--db".to_owned(), in_shell(db)]));
        words.join(" ")
    }
}
