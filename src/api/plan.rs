//! Plans: from what a test author asks for to what is played, checked before anything is sent.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::watch;

use super::error::Error;
use super::folder::{Seal, write_folder};
use super::headers::Headers;
use super::hidden::OtherSecrets;
use super::judge::{ContractChoice, Judge};
use super::judging::{Afterwards, Judged, is_own, judge};
use super::options::{Options, RunOptions, check_names_are_known, selected};
use super::verdict::Verdict;
use super::visit::Visit;
use crate::contract::{Contract, Level, OtherSecret};
use crate::evidence::counter::Counter;
use crate::evidence::place::Place;
use crate::evidence::{self, TlsSettings};
use crate::files::{FileError, ReportFolder, TextFile};
use crate::report::again::in_shell;
use crate::report::language::Language;
use crate::report::manifest::MadeFrom;
use crate::run::Plan;
use crate::secret::Redactor;
use crate::session::TargetChoice;
use crate::sign::sha256_hex;
use crate::suites::layers::SuiteTexts;
use crate::suites::{self, Suite, SuiteChoice};
use crate::transport::{Target, Tls, TlsChoice};

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
            None => Ok(Verdict::of(judged.report, self.report)),
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
        let options = self.options(&suite)?;
        let secrets = options.secrets(&suite, suite.scenarios.iter().map(|one| one.id.as_str()));
        let asked = self.run_options(&suite)?;
        let (redactor, warnings) = (secrets.redactor(), secrets.warnings());
        let plan = asked.plan(&options, &suite, scenarios, secrets)?;
        let folder =
            self.report.as_deref().map(ReportFolder::make).transpose().map_err(|cause: FileError| Error::Report(cause.to_string()))?;
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

    /// Who is judged, with what.
    fn options(&self, suite: &Suite) -> Result<Options, Error> {
        let reached = Reached { ca_cert: self.ca_cert.as_deref() };
        let target = reached.target(&self.url)?;
        let evidence = reached.evidence(&target, self.database.as_deref(), self.database_password.clone(), self.effects.clone())?;
        Ok(Options {
            target: TargetChoice::Foreign { url: target },
            secret: self.secret.clone(),
            variable: None,
            others: self.other_secrets(&suite.contract),
            evidence,
            headers: headers(&suite.contract, &self.headers, &self.secret_headers)?,
            timeout: self.timeout,
            ttl: self.ttl,
            seed: self.seed,
            baseline: self.baseline.clone(),
        })
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
            takes_snapshots: self.report.is_some(),
            shard: None,
            visiting: arguments.clone(),
            arguments,
            contract_file: self.contract.own_file(),
        })
    }

    /// The contract with its suite, and the digests of both.
    fn suite(&self) -> Result<(Suite, MadeFrom), Error> {
        let file = self.contract.file()?;
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

    fn other_secrets(&self, contract: &Contract) -> OtherSecrets {
        let one = |given: &Option<SecretString>, named: &Option<OtherSecret>| {
            let named = named.as_ref()?;
            given.clone().or_else(|| self.secret.is_none().then(|| named.for_tests.clone().into()))
        };
        let named = &contract.secret;
        (one(&self.previous_secret, &named.previous), one(&self.retired_secret, &named.retired))
    }

    /// What of it the command line would say, for reports.
    fn arguments(&self, suite: &Suite) -> String {
        let contract = self.contract.own_file().unwrap_or_else(|| suite.contract.contract.clone());
        let mut words = vec!["--contract".to_owned(), in_shell(&contract), "--target".to_owned(), in_shell(&self.url)];
        let path = |path: &PathBuf| in_shell(&path.display().to_string());
        for (flag, folder) in [("--scenarios", &self.scenarios), ("--only-scenarios", &self.only_scenarios)] {
            words.extend(folder.iter().flat_map(|folder| [flag.to_owned(), path(folder)]));
        }
        words.extend(self.database.iter().flat_map(|db| ["--db".to_owned(), in_shell(db)]));
        words.join(" ")
    }
}

impl ContractChoice {
    /// Its text.
    pub(super) fn file(&self) -> Result<TextFile, Error> {
        match self {
            Self::Named(name) => Ok(suites::contract_file(name)?),
            Self::Text(text) => Ok(text.clone()),
        }
    }

    /// Its file, where it is one of the user's own.
    fn own_file(&self) -> Option<String> {
        match self {
            Self::Named(name) => suites::own_file(name),
            Self::Text(TextFile { .. }) => None,
        }
    }
}

/// How a receiver and its sources are reached.
pub(super) struct Reached<'a> {
    pub(super) ca_cert: Option<&'a Path>,
}

impl Reached<'_> {
    fn tls(&self) -> TlsChoice {
        TlsChoice { ca_cert: self.ca_cert.map(Path::to_path_buf), ..TlsChoice::default() }
    }

    pub(super) fn target(&self, url: &str) -> Result<Target, Error> {
        let target = Target::parse(url).map_err(Error::asked)?;
        match self.ca_cert {
            Some(_) if target.is_secured() => target.secured(Tls::new(self.tls()).map_err(Error::asked)?).map_err(Error::asked),
            Some(_) | None => Ok(target),
        }
    }

    pub(super) fn evidence(
        &self,
        target: &Target,
        db: Option<&str>,
        password: Option<SecretString>,
        counter: Option<Counter>,
    ) -> Result<evidence::Choice, Error> {
        let place = db.map(Place::read).transpose().map_err(|wrong| Error::Evidence(wrong.to_string()))?;
        let by_tls = target.is_secured() || place.as_ref().is_some_and(Place::is_secured);
        let settings = || {
            let config = Tls::new(self.tls()).map_err(Error::asked)?.config();
            Ok::<_, Error>(TlsSettings { config, ca_cert: self.ca_cert.map(Path::to_path_buf), client: None, insecure: false })
        };
        let tls = by_tls.then(settings).transpose()?;
        Ok(evidence::Choice { db: db.map(str::to_owned), password, command: None, counter, patience: PATIENCE, tls })
    }
}

/// Header lines of the user's own, those whose values are hidden behind the others.
pub(super) fn headers(contract: &Contract, plain: &[(String, String)], secret: &BTreeMap<String, SecretString>) -> Result<Headers, Error> {
    let mut headers = Headers::default();
    let told = |name: &str, why: String| Error::Asked(format!("header `{name}`: {why}"));
    for (name, value) in plain {
        headers.add(contract, name, value).map_err(|why| told(name, why))?;
    }
    for (name, value) in secret {
        let variable = name.to_uppercase().replace('-', "_");
        headers.add_secret(contract, (name, value.expose_secret()), &variable).map_err(|why| told(name, why))?;
    }
    Ok(headers)
}
