//! Plans: from what a test author asks for to what is played, checked before anything is sent.

use std::sync::Arc;
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::watch;

use super::error::Error;
use super::folder::{Seal, write_folder};
use super::hidden::{OtherSecrets, secrets_of};
use super::judge::{ContractChoice, Judge};
use super::judging::{Afterwards, Judged, judge};
use super::places::as_seen;
use super::verdict::Verdict;
use super::visit::Visit;
use crate::clock::{Clock as _, SystemClock};
use crate::contract::{Level, OtherSecret, own_headers};
use crate::delivery::HeaderLine;
use crate::evidence::place::Place;
use crate::evidence::{self, TlsSettings};
use crate::files::{self, FileError, ReportFolder, TextFile};
use crate::report::again::in_shell;
use crate::report::language::Language;
use crate::report::manifest::MadeFrom;
use crate::run::Plan;
use crate::run::concurrency::Jobs;
use crate::scenario::expand::Loaded;
use crate::secret::{Redactor, Secrets};
use crate::session::TargetChoice;
use crate::sign::sha256_hex;
use crate::suites::layers::SuiteTexts;
use crate::suites::selection::Selection;
use crate::suites::{self, Suite, SuiteChoice, nearest};
use crate::transport::{Target, Tls, TlsChoice};

/// How long a busy source is waited for.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long one scenario waits for those who ask to be asked later.
const MAX_WAIT: Duration = Duration::from_secs(30);
/// Seeds that nobody has named are below this, so that they are short to read.
const SEEDS: u64 = 1_000_000;

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
        let contract = Arc::clone(&suite.contract);
        let secret = self.secret.clone().unwrap_or_else(|| contract.secret.for_tests.clone().into());
        let others = self.other_secrets(&suite);
        let scenarios = if visits { Vec::new() } else { self.selected(&suite)? };
        let target = self.target()?;
        let evidence = self.evidence(&target)?;
        let variable = contract.secret.env.clone();
        let ids = suite.scenarios.iter().map(|one| one.id.as_str());
        let mut secrets = secrets_of(&contract, &suite.catalogue, ids, (&variable, &secret), &others);
        if let Some(password) = &evidence.password {
            secrets.push_password("the database's password", password.expose_secret());
        }
        let (headers, secret_headers) = self.headers(&contract, &mut secrets)?;
        let baseline = self.baseline.as_deref().map(|path| suite.baseline(path).map(Arc::new)).transpose()?;
        let folder =
            self.report.as_deref().map(ReportFolder::make).transpose().map_err(|cause: FileError| Error::Report(cause.to_string()))?;
        let redactor = secrets.redactor();
        let folders: Vec<_> = [&self.scenarios, &self.only_scenarios].into_iter().flatten().cloned().collect();
        let after = Afterwards {
            redactor: redactor.clone(),
            warnings: secrets.warnings(),
            made_from,
            required: Vec::new(),
            snapshots: None,
            is_own: Box::new(move |file| {
                let file = std::path::Path::new(file);
                folders.iter().any(|folder| file.starts_with(folder)) && file.is_file()
            }),
        };
        let arguments = self.arguments(&suite);
        let plan = Plan {
            contract: as_seen(&contract, &evidence),
            catalogue: Arc::clone(&suite.catalogue),
            scenarios,
            bodies: Arc::clone(&suite.bodies),
            target: TargetChoice::Foreign { url: target },
            evidence,
            secret,
            secret_variable: variable,
            other_secrets: others,
            secrets,
            clock: self.clock.choice()?,
            jobs: self.jobs.map_or(Jobs::Adaptive, |jobs| Jobs::Fixed(jobs.get())),
            time_limit: self.time_limit,
            headers,
            secret_headers,
            max_rate: self.max_rate.map(rate).transpose()?,
            max_wait: MAX_WAIT,
            seed: self.seed.unwrap_or_else(|| SystemClock.now().0.unsigned_abs() % SEEDS),
            timeout: self.timeout,
            ttl: self.ttl.map(|ttl| ttl.as_secs()),
            level: if self.must_only { Level::Must } else { Level::Should },
            fail_fast: false,
            baseline,
            takes_snapshots: self.report.is_some(),
            shard: None,
            visiting: arguments.clone(),
            arguments,
            contract_file: self.contract_file(),
        };
        Ok(Ready { plan, redactor, after, folder })
    }

    /// The contract with its suite, and the digests of both.
    fn suite(&self) -> Result<(Suite, MadeFrom), Error> {
        let file = match &self.contract {
            ContractChoice::Named(name) => suites::contract_file(name)?,
            ContractChoice::Text(text) => text.clone(),
        };
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

    fn contract_file(&self) -> Option<String> {
        match &self.contract {
            ContractChoice::Named(name) => {
                (files::shipped_contract(name).is_none() && suites::looks_like_a_file(name)).then(|| name.clone())
            }
            ContractChoice::Text(TextFile { .. }) => None,
        }
    }

    fn other_secrets(&self, suite: &Suite) -> OtherSecrets {
        let published = self.secret.is_none();
        let one = |given: &Option<SecretString>, named: &Option<OtherSecret>| {
            let named = named.as_ref()?;
            given.clone().or_else(|| published.then(|| named.for_tests.clone().into()))
        };
        let named = &suite.contract.secret;
        (one(&self.previous_secret, &named.previous), one(&self.retired_secret, &named.retired))
    }

    fn selected(&self, suite: &Suite) -> Result<Vec<Loaded>, Error> {
        let mut scenarios = suite.scenarios.clone();
        let expression = self.only.join(",");
        let selection = Selection::read(&expression);
        scenarios.retain(|loaded| selection.takes(loaded));
        if scenarios.is_empty() {
            let requirements = suite.catalogue.requirements.iter().map(|one| one.id.as_str());
            let known = requirements.chain(suite.scenarios.iter().map(|one| one.id.as_str()));
            let hint = nearest(&expression, known).map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
            return Err(Error::Asked(format!(
                "no scenario of {} fits {:?}{hint} (`hookgate list` shows them)",
                suite.contract.contract, self.only
            )));
        }
        Ok(scenarios)
    }

    fn target(&self) -> Result<Target, Error> {
        let target = Target::parse(&self.url).map_err(Error::asked)?;
        match &self.ca_cert {
            Some(_) if target.is_secured() => target.secured(Tls::new(self.tls()).map_err(Error::asked)?).map_err(Error::asked),
            Some(_) | None => Ok(target),
        }
    }

    fn tls(&self) -> TlsChoice {
        TlsChoice { ca_cert: self.ca_cert.clone(), ..TlsChoice::default() }
    }

    fn evidence(&self, target: &Target) -> Result<evidence::Choice, Error> {
        let place = self.database.as_deref().map(Place::read).transpose().map_err(|wrong| Error::Evidence(wrong.to_string()))?;
        let by_tls = target.is_secured() || place.as_ref().is_some_and(Place::is_secured);
        let settings = || {
            let config = Tls::new(self.tls()).map_err(Error::asked)?.config();
            Ok::<_, Error>(TlsSettings { config, ca_cert: self.ca_cert.clone(), client: None, insecure: false })
        };
        Ok(evidence::Choice {
            db: self.database.clone(),
            password: self.database_password.clone(),
            command: None,
            counter: self.effects.clone(),
            patience: PATIENCE,
            tls: by_tls.then(settings).transpose()?,
        })
    }

    /// Header lines of the user's own, and those of them whose values are hidden.
    fn headers(&self, contract: &crate::contract::Contract, secrets: &mut Secrets) -> Result<HeadersOf, Error> {
        let mut headers = Vec::new();
        for (name, value) in &self.headers {
            headers.push(header_line(contract, name, value)?);
        }
        let mut secret = Vec::new();
        for (name, value) in &self.secret_headers {
            let line = header_line(contract, name, value.expose_secret())?;
            secrets.push_header(name, value.expose_secret());
            headers.push(line.clone());
            secret.push((line, name.to_uppercase().replace('-', "_")));
        }
        Ok((headers, secret))
    }

    /// What of it the command line would say, for reports.
    fn arguments(&self, suite: &Suite) -> String {
        let contract = self.contract_file().unwrap_or_else(|| suite.contract.contract.clone());
        let mut words = vec!["--contract".to_owned(), in_shell(&contract), "--target".to_owned(), in_shell(&self.url)];
        let path = |path: &std::path::PathBuf| in_shell(&path.display().to_string());
        for (flag, folder) in [("--scenarios", &self.scenarios), ("--only-scenarios", &self.only_scenarios)] {
            words.extend(folder.iter().flat_map(|folder| [flag.to_owned(), path(folder)]));
        }
        words.extend(self.database.iter().flat_map(|db| ["--db".to_owned(), in_shell(db)]));
        words.join(" ")
    }
}

/// All header lines, and those whose values are hidden with the variables that a command line would read them from.
type HeadersOf = (Vec<HeaderLine>, Vec<(HeaderLine, String)>);

fn header_line(contract: &crate::contract::Contract, name: &str, value: &str) -> Result<HeaderLine, Error> {
    match own_headers::refusal(contract, name, value) {
        Some(why) => Err(Error::Asked(format!("header `{name}`: {why}"))),
        None => Ok(HeaderLine::new(name, value.to_owned())),
    }
}

fn rate(per_second: f64) -> Result<f64, Error> {
    let is_one = per_second.is_finite() && per_second > 0.0;
    if is_one { Ok(per_second) } else { Err(Error::Asked(format!("`{per_second}` deliveries a second is no rate; give a number above 0"))) }
}
