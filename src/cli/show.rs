//! `hookgate show`: a file that hookgate brings along, as it is, to be read or copied.

use super::args::ShowArgs;
use super::exit::Exit;
use super::load_suite::{self, nearest};
use super::{Console, Failure};
use crate::files;
use crate::suites::selection::fits_scenario;

/// What stands between two files.
const BETWEEN: &str = "---\n";

/// Runs the command.
pub(crate) fn show(args: &ShowArgs, console: &mut Console) -> Result<Exit, Failure> {
    let what = args.what.as_str();
    if let Some(file) = files::shipped_contract(what) {
        console.print(&file.text);
        return Ok(Exit::Conforms);
    }
    if let Some(text) = requirements(what) {
        console.print(&text);
        return Ok(Exit::Conforms);
    }
    let contract = load_suite::contract(&args.suite.contract.name)?;
    let texts = load_suite::texts(&args.suite, &contract)?;
    let (loaded, _) = load_suite::read_scenarios(&texts.scenarios);
    let meant: Vec<&str> = loaded.iter().filter(|one| fits_scenario(what, one)).map(|one| plain(&one.id)).collect();
    let files = texts.scenarios.iter().filter(|one| meant.contains(&one.id.as_str()));
    let shown: Vec<&str> = files.map(|one| one.file.text.as_str()).collect();
    if shown.is_empty() {
        let (contracts, suites) = (files::shipped_contracts(), files::shipped_suites());
        let catalogues: Vec<String> = suites.iter().map(|suite| format!("{suite}/requirements")).collect();
        let names = contracts.iter().chain(&catalogues).map(String::as_str).chain(loaded.iter().map(|one| one.id.as_str()));
        let names: Vec<&str> = names.chain(texts.scenarios.iter().map(|one| one.id.as_str())).collect();
        let hint = nearest(what, names.into_iter()).map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
        return Err(Failure::usage(format!(
            "`{what}` is no scenario of {}, no contract and no suite that hookgate brings along{hint} (`hookgate list` and `hookgate list --contracts` show them)",
            contract.contract
        )));
    }
    console.print(&shown.join(BETWEEN));
    Ok(Exit::Conforms)
}

/// A scenario's name without that of its variant.
fn plain(id: &str) -> &str {
    id.split('[').next().unwrap_or(id)
}

/// The requirements of a suite: `core/requirements`, `core/requirements.yaml`, or the suite's name alone.
fn requirements(what: &str) -> Option<String> {
    let suite = what.trim_end_matches(".yaml").trim_end_matches("/requirements").trim_start_matches("scenarios/");
    let known = files::shipped_suites().iter().any(|one| one == suite);
    known.then(|| files::shipped_suite(suite).catalogue).flatten().map(|file| file.text)
}
