//! Evidence: writing the manifest of a report folder, and `hookgate report verify`.

use std::sync::Arc;

use secrecy::ExposeSecret as _;

use super::args::{SuiteArgs, VerifyArgs};
use super::exit::Exit;
use super::load_suite;
use super::secrets::secret_from;
use super::stored::{self, Stored};
use super::{Console, Failure};
use crate::api::folder::{Seal, forms, forms_again};
use crate::contract::Contract;
use crate::files::ReportFolder;
use crate::history::Operation;
use crate::judge::verify::{answers_again, level_of};
use crate::report::asked::asked;
use crate::report::manifest::{FILE, MadeFrom, Manifest};
use crate::report::replay::{judged_again, requirements_again, snapshots_again};
use crate::report::{Report, Tool};
use crate::run::explanation::explain;
use crate::scenario::expand::Loaded;
use crate::scenario::requirement::Catalogue;
use crate::sign::sha256_hex;
use crate::snapshot::kept::{self, Kept};
use crate::suites::SuiteTexts;

/// What a manifest is made with.
pub(crate) struct Sealing(Seal);

impl Sealing {
    /// Looks at contract and scenarios, and takes the key from the environment.
    pub(crate) fn new(args: &SuiteArgs, contract: &Contract, seal_env: Option<&str>) -> Result<Self, Failure> {
        let scenarios_sha256 = load_suite::texts(args, contract)?.sha256();
        Self::of_digest(&args.contract.name, scenarios_sha256, seal_env)
    }

    /// The same for what was not made from scenarios: a load has a mix, as text.
    pub(crate) fn of(contract: &str, played: &str, seal_env: Option<&str>) -> Result<Self, Failure> {
        Self::of_digest(contract, sha256_hex(played.as_bytes()), seal_env)
    }

    /// The same under several contracts: the digest is that of their digests, a line each.
    #[cfg(feature = "load")]
    pub(crate) fn of_several(contracts: &[String], played: &str, seal_env: Option<&str>) -> Result<Self, Failure> {
        let lines = contracts.iter().map(|one| Ok(sha256_hex(load_suite::contract_file(one)?.text.as_bytes()) + "\n"));
        let contract_sha256 = sha256_hex(lines.collect::<Result<String, Failure>>()?.as_bytes());
        let made_from = MadeFrom { contract_sha256, scenarios_sha256: sha256_hex(played.as_bytes()) };
        Ok(Self(Seal { made_from, key: seal_env.map(key).transpose()? }))
    }

    fn of_digest(contract: &str, scenarios_sha256: String, seal_env: Option<&str>) -> Result<Self, Failure> {
        let contract_sha256 = sha256_hex(load_suite::contract_file(contract)?.text.as_bytes());
        let made_from = MadeFrom { contract_sha256, scenarios_sha256 };
        Ok(Self(Seal { made_from, key: seal_env.map(key).transpose()? }))
    }

    /// The same for what was made of reports: their manifest says from what.
    pub(crate) fn from(manifest: &Manifest, seal_env: Option<&str>) -> Result<Self, Failure> {
        let (contract_sha256, scenarios_sha256) = (manifest.contract_sha256.clone(), manifest.scenarios_sha256.clone());
        Ok(Self(Seal { made_from: MadeFrom { contract_sha256, scenarios_sha256 }, key: seal_env.map(key).transpose()? }))
    }

    /// What a report is made from, for the report.
    pub(crate) fn made_from(&self) -> MadeFrom {
        self.0.made_from.clone()
    }

    /// Writes the manifest of what is in the folder.
    pub(crate) fn write(&self, folder: &ReportFolder, names: &[&str], tool: &Tool) -> Result<(), Failure> {
        self.0.write(folder, names, tool).map_err(Failure::harness)
    }

    /// What it is made with.
    pub(crate) fn seal(&self) -> &Seal {
        &self.0
    }
}

pub(crate) fn key(variable: &str) -> Result<secrecy::SecretString, Failure> {
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
    if all.contains_key("load.json") && all.contains_key("report.json") {
        wrong.push("there is a load.json beside the report.json: a folder has one report".to_owned());
    }
    // What is not there any more was told with the digests.
    let text_or_none = |name: &str| all.get(name).map(|bytes| String::from_utf8_lossy(bytes).into_owned()).unwrap_or_default();
    let report = stored::of_text(&path(name), &text(name)?).map_err(|cause| wrong.push(cause)).ok();
    if let (Some(manifest), Some(report)) = (&manifest, &report)
        && *report.made_from() != manifest.made_from()
    {
        wrong.push(format!("{} and {} name the digests of different contracts or scenarios", path(FILE), path(name)));
    }
    #[cfg(feature = "load")]
    let mut of_load = None;
    #[cfg(feature = "load")]
    if let Some(Stored::Load(report)) = &report {
        wrong.extend(crate::load::verify::judged_again(report));
        let of_catalogue = against_catalogue(args, report)?;
        of_load = Some(of_catalogue.is_some());
        wrong.extend(of_catalogue.unwrap_or_default());
        wrong.extend(forms_again(&all, &report.tool.version, &|language| crate::api::load_folder::forms(report, language)));
        if all.contains_key("latency.hlog") {
            wrong.extend(crate::load::verify::against_log(report, &text_or_none("latency.hlog")));
        }
    }
    let (mut judged, mut is_explored) = (None, false);
    if let Some(Stored::Run(report)) = report {
        wrong.extend(forms_again(&all, &report.tool.version, &|language| forms(&report, language)));
        is_explored = report.scenarios.iter().any(|one| one.id.starts_with("explore/"));
        match with_suite(args, &report) {
            Ok((contract, catalogue, scenarios)) => {
                let lines = text_or_none("history.jsonl");
                let operations = lines.lines().map(serde_json::from_str).collect::<Result<Vec<Operation>, _>>();
                let operations = operations.map_err(|cause| wrong.push(format!("{} is no history: {cause}", path("history.jsonl")))).ok();
                let life = contract.ttl_secs().map(|usual| args.life.ttl.map(|ttl| ttl.as_secs()).or(report.run.ttl_secs).unwrap_or(usual));
                let facts = operations.as_ref().and_then(|operations| explain(operations, &contract, life));
                wrong.extend(judged_again(&report, facts.as_ref()));
                wrong.extend(requirements_again(&report, &asked(&contract, &catalogue, level_of(&report))));
                if let Some(operations) = &operations {
                    let signer = contract.signature.keyed(contract.secret.for_tests.as_bytes()).map_err(Failure::usage)?;
                    let again = answers_again(&report, &scenarios, operations, &contract, &catalogue, &signer);
                    wrong.extend(again.wrong);
                    judged = Some((again.deliveries, again.lost, [again.trusted, report.scenarios.len()]));
                }
                match serde_json::from_str::<Kept>(&text_or_none(kept::FILE)) {
                    Ok(kept) => wrong.extend(snapshots_again(&report, &kept)),
                    Err(cause) => wrong.push(format!("{} has no snapshots: {cause}", path(kept::FILE))),
                }
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
            let trusted = judged.map_or(0, |(_, _, [trusted, _])| trusted);
            let judged = judged.map_or_else(String::new, |(deliveries, lost, [trusted, scenarios])| {
                let lost = if lost == 0 {
                    String::new()
                } else {
                    format!(
                        ", {} could not be: not kept whole, or something in it is hidden",
                        if lost == 1 { "1 answer".to_owned() } else { format!("{lost} answers") }
                    )
                };
                let trust = match trusted {
                    0 => String::new(),
                    _ => format!(
                        "; {trusted} of {scenarios} scenarios rest on more than answers (rows, effects, pages, clocks, why one was not judged), \
                         which the folder does not hold: they are taken as they are told"
                    ),
                };
                format!(" ({deliveries} deliveries judged again{lost}{trust})")
            });
            #[cfg(feature = "load")]
            let judged = of_load.map_or(judged, not_counted_again);
            let what = if is_explored {
                "but sequences of an exploration are in no suite, so that their deliveries were not judged again (play the scenarios that it kept)"
                    .to_owned()
            } else {
                let which = if trusted == 0 { "the verdicts follow" } else { "the verdicts that rest on answers alone follow" };
                format!("and {which} from them{judged}")
            };
            console.print(&format!("{}: {} files are as they were written, {what}; {sealed}\n", args.report.display(), all.len()));
            Ok(Exit::Conforms)
        }
        count => {
            let what = if count == 1 { "thing does" } else { "things do" };
            console.print(&format!("{}: {count} {what} not agree\n", args.report.display()));
            Ok(Exit::DoesNotConform)
        }
    }
}

/// What of a load nothing in its folder tells a second time.
///
/// * `has_catalogue`: whether its requirements were held against the contract's catalogue.
#[cfg(feature = "load")]
fn not_counted_again(has_catalogue: bool) -> String {
    let requirements =
        if has_catalogue { "" } else { "; its contract is not here (--contract), so that no requirement that lacks was missed" };
    format!(" (what a load judged of keys and rows, dropped and sent late stands nowhere else, and was not counted again{requirements})")
}

/// Where the requirements of a load are not those of its contract's catalogue; nothing where the contract is not here.
///
/// # Errors
/// When one was given, and is not that which the load was made with.
#[cfg(feature = "load")]
fn against_catalogue(args: &VerifyArgs, report: &crate::load::report::LoadReport) -> Result<Option<Vec<String>>, Failure> {
    if !report.contracts.is_empty() {
        return Ok(None);
    }
    let suite_args = SuiteArgs::of(args.contract.clone().unwrap_or_else(|| report.contract.clone()));
    let name = &suite_args.contract.name;
    let is_of_it = |text: &str| sha256_hex(text.as_bytes()) == report.made_from.contract_sha256;
    match load_suite::contract_file(name) {
        Ok(file) if is_of_it(&file.text) => {
            let contract = load_suite::contract(name)?;
            let SuiteTexts { catalogue, .. } = load_suite::texts(&suite_args, &contract)?;
            Ok(Some(crate::load::verify::against_catalogue(report, &contract, &catalogue)))
        }
        Ok(_) if args.contract.is_some() => {
            Err(Failure::usage("the load was made with another contract: give the one that it was made with (--contract FILE)"))
        }
        Err(unknown) if args.contract.is_some() => Err(unknown),
        Ok(_) | Err(_) => Ok(None),
    }
}

/// What a report was made with.
type MadeWith = (Arc<Contract>, Arc<Catalogue>, Vec<Loaded>);

/// The contract and the scenarios that a report was made with; others than those are refused.
fn with_suite(args: &VerifyArgs, report: &Report) -> Result<MadeWith, Failure> {
    // A contract of the user's own is found where the run found it; that it is the same one is seen by its digest.
    let own = || report.run.contract_file.clone().filter(|file| std::path::Path::new(file).is_file());
    let named = args.contract.clone().or_else(own).unwrap_or_else(|| report.contract.clone());
    let scenarios = args.scenarios.clone().into_iter().collect();
    let suite_args = SuiteArgs { scenarios, only_scenarios: args.only_scenarios.clone(), ..SuiteArgs::of(named) };
    let contract = load_suite::contract(&suite_args.contract.name)?;
    let here = Sealing::new(&suite_args, &contract, None)?.made_from();
    let other = |what: &str, way_out: &str| {
        Err(Failure::usage(format!("the report was made with {what} than are here: give those that it was made with ({way_out})")))
    };
    if here.contract_sha256 != report.made_from.contract_sha256 {
        return other("another contract", "--contract FILE");
    }
    if here.scenarios_sha256 != report.made_from.scenarios_sha256 {
        return other("other scenarios", "--scenarios DIR or --only-scenarios DIR");
    }
    let SuiteTexts { catalogue, mut scenarios, .. } = load_suite::texts(&suite_args, &contract)?;
    // Only what was played is read; a variant is called as its file, with its own name in brackets.
    let was_played = |id: &str| report.scenarios.iter().any(|one| one.id.split('[').next() == Some(id));
    scenarios.retain(|one| was_played(&one.id));
    let (scenarios, diagnostics) = load_suite::read_scenarios(&scenarios);
    if diagnostics.is_empty() {
        Ok((Arc::new(contract), Arc::new(catalogue), scenarios))
    } else {
        Err(Failure::usage(diagnostics.join("\n")))
    }
}
