//! What is asked of a receiver, whether it is judged or loaded: who it is, under which contract, with which secrets and evidence.
//!
//! In: what a builder ([`Judge`](super::Judge), [`Load`](super::Load)) was told. Out: the [`Options`] of a run or a load.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};

use super::error::Error;
use super::headers::Headers;
use super::hidden::OtherSecrets;
use super::options::Options;
use crate::contract::{Contract, OtherSecret};
use crate::evidence::counter::Counter;
use crate::evidence::place::Place;
use crate::evidence::{self, TlsSettings};
use crate::files::{FileError, ReportFolder, TextFile};
use crate::session::TargetChoice;
use crate::suites;
use crate::transport::{Target, Tls, TlsChoice};

/// What a builder was told.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) url: String,
    pub(super) contract: ContractChoice,
    pub(super) secret: Option<SecretString>,
    pub(super) previous_secret: Option<SecretString>,
    pub(super) retired_secret: Option<SecretString>,
    pub(super) database: Option<String>,
    pub(super) database_password: Option<SecretString>,
    pub(super) effects: Option<Counter>,
    pub(super) ttl: Option<Duration>,
    pub(super) timeout: Option<Duration>,
    pub(super) seed: Option<u64>,
    pub(super) headers: Vec<(String, String)>,
    pub(super) secret_headers: BTreeMap<String, SecretString>,
    pub(super) ca_cert: Option<PathBuf>,
    pub(super) baseline: Option<PathBuf>,
    pub(super) report: Option<PathBuf>,
}

/// Where a contract is.
#[derive(Clone, Debug)]
pub(super) enum ContractChoice {
    /// Under this name, or in this file.
    Named(String),
    /// Here.
    Text(TextFile),
}

impl Asked {
    pub(super) fn of(url: String) -> Self {
        Self {
            url,
            contract: ContractChoice::Named("standard-webhooks".to_owned()),
            secret: None,
            previous_secret: None,
            retired_secret: None,
            database: None,
            database_password: None,
            effects: None,
            ttl: None,
            timeout: None,
            seed: None,
            headers: Vec::new(),
            secret_headers: BTreeMap::new(),
            ca_cert: None,
            baseline: None,
            report: None,
        }
    }

    /// Who is meant, with what.
    ///
    /// * `patience`: how long a source of evidence is waited for that is busy.
    pub(super) fn options(&self, contract: &Contract, patience: Duration) -> Result<Options, Error> {
        let target = self.target()?;
        let evidence = self.evidence(&target, patience)?;
        Ok(Options {
            target: TargetChoice::Foreign { url: target },
            secret: self.secret.clone(),
            variable: None,
            others: self.other_secrets(contract),
            evidence,
            headers: self.own_headers(contract)?,
            timeout: self.timeout,
            ttl: self.ttl,
            seed: self.seed,
            baseline: self.baseline.clone(),
        })
    }

    /// Secrets of other times: the published ones, where the shared one is.
    fn other_secrets(&self, contract: &Contract) -> OtherSecrets {
        let one = |given: &Option<SecretString>, named: &Option<OtherSecret>| {
            let named = named.as_ref()?;
            given.clone().or_else(|| self.secret.is_none().then(|| named.for_tests.clone().into()))
        };
        let named = &contract.secret;
        (one(&self.previous_secret, &named.previous), one(&self.retired_secret, &named.retired))
    }

    fn tls(&self) -> TlsChoice {
        TlsChoice { ca_cert: self.ca_cert.clone(), ..TlsChoice::default() }
    }

    fn target(&self) -> Result<Target, Error> {
        let target = Target::parse(&self.url).map_err(Error::asked)?;
        match self.ca_cert {
            Some(_) if target.is_secured() => target.secured(Tls::new(self.tls()).map_err(Error::asked)?).map_err(Error::asked),
            Some(_) | None => Ok(target),
        }
    }

    /// Where evidence is read.
    fn evidence(&self, target: &Target, patience: Duration) -> Result<evidence::Choice, Error> {
        let place = self.database.as_deref().map(Place::read).transpose().map_err(|wrong| Error::Evidence(wrong.to_string()))?;
        let by_tls = target.is_secured() || place.as_ref().is_some_and(Place::is_secured);
        let settings = || {
            let config = Tls::new(self.tls()).map_err(Error::asked)?.config();
            Ok::<_, Error>(TlsSettings { config, ca_cert: self.ca_cert.clone(), client: None, insecure: false })
        };
        let tls = by_tls.then(settings).transpose()?;
        let (password, counter) = (self.database_password.clone(), self.effects.clone());
        Ok(evidence::Choice { db: self.database.clone(), password, command: None, counter, patience, tls })
    }

    /// Header lines of the user's own, those whose values are hidden behind the others.
    fn own_headers(&self, contract: &Contract) -> Result<Headers, Error> {
        let mut headers = Headers::default();
        let told = |name: &str, why: String| Error::Asked(format!("header `{name}`: {why}"));
        for (name, value) in &self.headers {
            headers.add(contract, name, value).map_err(|why| told(name, why))?;
        }
        for (name, value) in &self.secret_headers {
            let variable = name.to_uppercase().replace('-', "_");
            headers.add_secret(contract, (name, value.expose_secret()), &variable).map_err(|why| told(name, why))?;
        }
        Ok(headers)
    }

    /// The folder of the report, where one is wanted.
    pub(super) fn folder(&self) -> Result<Option<ReportFolder>, Error> {
        self.report.as_deref().map(ReportFolder::make).transpose().map_err(|cause: FileError| Error::Report(cause.to_string()))
    }
}

impl ContractChoice {
    /// The text of a file.
    pub(super) fn of_text(text: String) -> Self {
        Self::Text(TextFile { path: "contract.yaml".to_owned(), text })
    }

    /// Its text.
    pub(super) fn file(&self) -> Result<TextFile, Error> {
        match self {
            Self::Named(name) => Ok(suites::contract_file(name)?),
            Self::Text(text) => Ok(text.clone()),
        }
    }

    /// Its file, where it is one of the user's own.
    pub(super) fn own_file(&self) -> Option<String> {
        match self {
            Self::Named(name) => suites::own_file(name),
            Self::Text(TextFile { .. }) => None,
        }
    }
}
