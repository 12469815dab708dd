//! Evidence: writing the manifest of a report folder, and `hookgate report verify`.

use std::collections::BTreeMap;

use secrecy::ExposeSecret as _;

use super::args::{SuiteArgs, VerifyArgs};
use super::exit::Exit;
use super::load_suite::{self, secret_from};
use super::stored::{self, Stored};
use super::{Console, Failure};
use crate::contract::Contract;
use crate::files::ReportFolder;
use crate::history::Operation;
use crate::report::manifest::{FILE, MadeFrom, Manifest, judged_again};
use crate::report::{HistoryFacts, Tool};
use crate::run::explaining::explain;
use crate::sign::sha256_hex;

/// What a manifest is made with.
pub(crate) struct Sealing {
    made_from: MadeFrom,
    key: Option<secrecy::SecretString>,
}

impl Sealing {
    /// Looks at contract and scenarios, and takes the key from the environment.
    pub(crate) fn new(args: &SuiteArgs, contract: &Contract, seal_env: Option<&str>) -> Result<Self, Failure> {
        let suite = load_suite::suite_files(args, contract)?;
        let mut text = String::new();
        for (id, file) in &suite.scenarios {
            text.push_str(&format!("{} {id}\n", sha256_hex(file.text.as_bytes())));
        }
        Self::of(&args.contract, &text, seal_env)
    }

    /// The same for what was not made from scenarios: a load has a mix, as text.
    pub(crate) fn of(contract: &str, played: &str, seal_env: Option<&str>) -> Result<Self, Failure> {
        let contract_sha256 = sha256_hex(load_suite::contract_file(contract)?.text.as_bytes());
        let made_from = MadeFrom { contract_sha256, scenarios_sha256: sha256_hex(played.as_bytes()) };
        Ok(Self { made_from, key: seal_env.map(key).transpose()? })
    }

    /// The same for what was made of reports: their manifest says from what.
    pub(crate) fn from(manifest: &Manifest, seal_env: Option<&str>) -> Result<Self, Failure> {
        let (contract_sha256, scenarios_sha256) = (manifest.contract_sha256.clone(), manifest.scenarios_sha256.clone());
        Ok(Self { made_from: MadeFrom { contract_sha256, scenarios_sha256 }, key: seal_env.map(key).transpose()? })
    }

    /// What a report is made from, for the report.
    pub(crate) fn made_from(&self) -> MadeFrom {
        self.made_from.clone()
    }

    /// Writes the manifest of what is in the folder.
    pub(crate) fn write(&self, folder: &ReportFolder, names: &[&str], tool: &Tool) -> Result<(), Failure> {
        let all = folder.read_all().map_err(Failure::harness)?;
        let ours: BTreeMap<String, Vec<u8>> = all.into_iter().filter(|(name, _)| names.contains(&name.as_str())).collect();
        let key = self.key.as_ref().map(|key| key.expose_secret().as_bytes());
        let manifest = Manifest::of(tool.clone(), self.made_from.clone(), &ours, key);
        let text = serde_json::to_string_pretty(&manifest).map_err(Failure::harness)? + "\n";
        folder.write(FILE, &text).map_err(Failure::harness)
    }
}

fn key(variable: &str) -> Result<secrecy::SecretString, Failure> {
    secret_from(variable)?
        .ok_or_else(|| Failure::usage(format!("the environment variable {variable} is not set: it holds the key of the seal")))
}

/// `hookgate report verify`
pub(crate) fn verify(args: &VerifyArgs, console: &mut Console) -> Result<Exit, Failure> {
    let folder = ReportFolder::at(&args.report).map_err(Failure::usage)?;
    let all = folder.read_all().map_err(Failure::usage)?;
    let text = |name: &str| {
        let bytes = all
            .get(name)
            .ok_or_else(|| Failure::usage(format!("{} has no {name}: give the folder that `run --report` wrote", args.report.display())))?;
        Ok(String::from_utf8_lossy(bytes).into_owned())
    };
    let path = |name: &str| args.report.join(name).display().to_string();
    let mut wrong = Vec::new();
    // A file that cannot be read any more was changed: that is what is looked for, not a mistake of the user.
    let manifest = serde_json::from_str::<Manifest>(&text(FILE)?);
    let manifest = manifest.map_err(|cause| wrong.push(format!("{} is no manifest: {cause}", path(FILE)))).ok();
    if let Some(manifest) = &manifest {
        wrong.extend(manifest.disagreements(&all));
        if let Some(variable) = &args.seal_env
            && !manifest.is_sealed_by(key(variable)?.expose_secret().as_bytes())
        {
            let what = if manifest.seal.is_some() { "the seal is not that of the key" } else { "the manifest has no seal" };
            wrong.push(format!("{what} in {variable}"));
        }
    }
    let name = if all.contains_key("load.json") { "load.json" } else { "report.json" };
    let report = stored::of_text(&path(name), &text(name)?).map_err(|cause| wrong.push(cause)).ok();
    #[cfg(feature = "load")]
    if let Some(Stored::Load(report)) = &report {
        wrong.extend(crate::load::recheck::judged_again(report));
    }
    if let Some(Stored::Run(report)) = report {
        match load_suite::contract(args.contract.as_deref().unwrap_or(&report.contract)) {
            Ok(contract) => {
                let (facts, cannot) = history_again(&text("history.jsonl")?, &contract, args.ttl.map(|ttl| ttl.as_secs()));
                wrong.extend(cannot.map(|cause| format!("{} is no history: {cause}", path("history.jsonl"))));
                wrong.extend(judged_again(&report, facts.as_ref()));
            }
            // Of a folder that was changed the name of the contract may be what was changed.
            Err(unknown) if wrong.is_empty() => return Err(unknown),
            Err(unknown) => wrong.push(unknown.message),
        }
    }
    for line in &wrong {
        console.print(&format!("WRONG  {line}\n"));
    }
    let sealed = match (&args.seal_env, manifest.as_ref().is_some_and(|one| one.seal.is_some())) {
        (Some(_), _) => "sealed",
        (None, true) => "its seal was not looked at (--seal-env)",
        (None, false) => "not sealed: whoever can write the manifest anew can change it",
    };
    match wrong.len() {
        0 => {
            console.print(&format!(
                "{}: {} files are as they were written, and the verdicts follow from them; {sealed}\n",
                args.report.display(),
                all.len()
            ));
            Ok(Exit::Conforms)
        }
        count => {
            console.print(&format!("{}: {count} things do not agree\n", args.report.display()));
            Ok(Exit::DoesNotConform)
        }
    }
}

/// What a history comes to when it is judged again, or why it cannot be read.
fn history_again(text: &str, contract: &Contract, ttl: Option<u64>) -> (Option<HistoryFacts>, Option<serde_json::Error>) {
    let life = contract.ttl_secs().map(|usual| ttl.unwrap_or(usual));
    match text.lines().map(serde_json::from_str).collect::<Result<Vec<Operation>, _>>() {
        Ok(operations) => (explain(&operations, contract, life), None),
        Err(cause) => (None, Some(cause)),
    }
}
