//! The target of a load: somebody's, one that hookgate starts, or the reference in this process.

use std::sync::Arc;

use secrecy::SecretString;

use super::super::args::LoadArgs;
use super::super::load_suite::Suite;
use super::super::secrets::{OtherSecrets, signer};
use super::super::{Failure, launching};
use super::PATIENCE;
use crate::clock::SystemClock;
use crate::evidence::{Choice, Sources};
use crate::files::Scratch;
use crate::reference::{Receiver, pages};
use crate::run::ground::{Launched, origin};
use crate::serve::{Serving, serve};
use crate::sqlite::SqliteStore;
use crate::target::usage::Of;
use crate::transport;

/// A target, as long as it is loaded.
pub(super) struct LoadTarget {
    pub(super) url: transport::Target,
    pub(super) sources: Sources,
    /// Whose processor and memory are looked at.
    pub(super) beside: Option<Of>,
    /// What hookgate has started for it.
    pub(super) started: Started,
}

/// What hookgate has started for it.
pub(super) enum Started {
    Nothing,
    Reference(Serving, Scratch),
    Command(Box<Launched>),
}

impl LoadTarget {
    /// Finds or starts it.
    pub(super) async fn find(
        suite: &Suite,
        secret: &SecretString,
        others: &OtherSecrets,
        evidence: &Choice,
        args: &LoadArgs,
    ) -> Result<Self, Failure> {
        let process = args.target_pid.map(Of::Tree);
        if let Some(command) = &args.launch.exec {
            let choice =
                launching::choice(&args.launch, (args.target.as_deref(), &args.reach), suite, (command, args.secret_env.as_deref()))?;
            let mut launched = Launched::prepared(&choice, &suite.contract, secret).map_err(Failure::harness)?;
            see_that_it_is_ours(launched.url(), args)?;
            let sources = evidence.open(&suite.contract, &origin(launched.url()), &|text| launched.filled(text)).map_err(Failure::usage)?;
            launched.begin().await.map_err(Failure::harness)?;
            let (url, beside) = (launched.url().clone(), process.or(launched.guard_id().map(Of::Children)));
            return Ok(Self { url, sources, beside, started: Started::Command(Box::new(launched)) });
        }
        let Some(url) = &args.target else { return built_in(suite, secret, others, args).await };
        let url = own_target(url, args)?;
        let sources = evidence.open(&suite.contract, &origin(&url), &str::to_owned).map_err(Failure::usage)?;
        Ok(Self { url, sources, beside: process, started: Started::Nothing })
    }
}

impl Started {
    /// Ends what was started; gives what a command has written.
    pub(super) async fn end(self) -> Option<String> {
        match self {
            Self::Nothing => None,
            Self::Reference(serving, scratch) => {
                serving.kill().await;
                drop(scratch);
                None
            }
            Self::Command(mut launched) => {
                launched.end(true).await;
                Some(launched.output().text())
            }
        }
    }
}

pub(super) fn own_target(url: &str, args: &LoadArgs) -> Result<transport::Target, Failure> {
    let target = args.reach.target(url)?;
    see_that_it_is_ours(&target, args)?;
    Ok(target)
}

fn see_that_it_is_ours(target: &transport::Target, args: &LoadArgs) -> Result<(), Failure> {
    if !target.is_on_this_machine() && !args.i_own_this_target {
        return Err(Failure::usage(format!(
            "{target} is not on this machine, and a load can take a receiver down: give --i-own-this-target when it is yours"
        )));
    }
    Ok(())
}

async fn built_in(suite: &Suite, secret: &SecretString, others: &OtherSecrets, args: &LoadArgs) -> Result<LoadTarget, Failure> {
    let scratch = Scratch::new().map_err(Failure::harness)?;
    let database = scratch.path().join("reference.db");
    let signer = signer(&suite.contract, secret, others)?;
    let contract = Arc::clone(&suite.contract);
    let store = SqliteStore::open(Arc::clone(&contract), &database).map_err(Failure::harness)?;
    let receiver = Receiver::new(contract, Some(signer), store, args.ttl.map(|ttl| ttl.as_secs())).map_err(Failure::harness)?;
    let serving = serve(receiver, Arc::new(SystemClock), ([127, 0, 0, 1], 0).into()).await.map_err(Failure::harness)?;
    let url = transport::Target::parse(&format!("http://{}", serving.address)).map_err(Failure::harness)?;
    let db = suite.contract.state.is_some().then(|| database.display().to_string());
    let choice = Choice { db, patience: PATIENCE, ..Choice::default() };
    let sources = choice.open(&pages::as_served(&suite.contract), &origin(&url), &str::to_owned).map_err(Failure::harness)?;
    Ok(LoadTarget { url, sources, beside: None, started: Started::Reference(serving, scratch) })
}
