//! From names on the command line to a contract, a catalogue and scenarios.
//!
//! All mistakes of all files are told at once. What a suite and those that it
//! includes are made of is in [`layers`].

mod layers;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;

use super::Failure;
use super::args::SuiteArgs;
use crate::contract::Contract;
use crate::contract::reading::read_contract_among;
use crate::document::tree::{Kind, Tree};
use crate::files::{self, TextFile};
use crate::scenario::expand::{self, Loaded};
use crate::scenario::requirement::Catalogue;

pub(crate) use self::layers::{ScenarioText, SuiteTexts};

/// A contract with its suite, read and checked.
pub(crate) struct Suite {
    pub(crate) contract: Arc<Contract>,
    pub(crate) catalogue: Arc<Catalogue>,
    pub(crate) scenarios: Vec<Loaded>,
    pub(crate) bodies: Arc<BTreeMap<String, Bytes>>,
}

/// Reads a contract by name or file.
pub(crate) fn contract(named: &str) -> Result<Contract, Failure> {
    read_contract_file(&contract_file(named)?)
}

/// The text of a contract by name or file.
pub(crate) fn contract_file(named: &str) -> Result<TextFile, Failure> {
    if let Some(shipped) = files::shipped_contract(named) {
        return Ok(shipped);
    }
    if looks_like_a_file(named) {
        return files::read_text("read contract", Path::new(named)).map_err(Failure::usage);
    }
    let known = files::shipped_contracts();
    let hint = nearest(named, known.iter().map(String::as_str)).map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
    Err(Failure::usage(format!("there is no contract `{named}`: give a file (…/{named}.yaml), or one of {}{hint}", known.join(", "))))
}

/// Reads a contract's text.
pub(crate) fn read_contract_file(file: &TextFile) -> Result<Contract, Failure> {
    let base = |name: &str| files::shipped_contract(name).map(|file| file.text);
    read_contract_among(&file.path, &file.text, &base, &files::shipped_contracts()).map_err(Failure::usage)
}

/// The suite that a contract names, also one in which something else is wrong.
pub(crate) fn suite_named_in(file: &TextFile) -> Option<String> {
    let tree = Tree::read(&file.path, &file.text).ok()?;
    match &tree.root.member("suite")?.kind {
        Kind::Text(name) => Some(name.clone()),
        Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::List(_) | Kind::Map(_) => None,
    }
}

pub(crate) fn looks_like_a_file(named: &str) -> bool {
    named.ends_with(".yaml") || named.ends_with(".yml") || named.ends_with(".json") || named.contains(std::path::MAIN_SEPARATOR)
}

/// The nearest of `known` to a word, when one is near.
pub(crate) fn nearest<'k>(word: &str, known: impl Iterator<Item = &'k str>) -> Option<&'k str> {
    const NEAR: f64 = 0.7;
    /// A longer word is none that somebody mistyped.
    const LONGEST: usize = 100;
    if word.len() > LONGEST {
        return None;
    }
    let scored = known.map(|one| (strsim::jaro_winkler(word, one), one));
    scored.filter(|(score, _)| *score >= NEAR).max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, one)| one)
}

/// Reads the contract, its catalogue and every scenario of its suite.
pub(crate) fn suite(args: &SuiteArgs) -> Result<Suite, Failure> {
    suite_of(args, contract(&args.contract)?)
}

/// The same, for a contract that was read already.
pub(crate) fn suite_of(args: &SuiteArgs, contract: Contract) -> Result<Suite, Failure> {
    let texts = SuiteTexts::of(args, &contract)?;
    let (scenarios, mistakes) = read_scenarios(&texts.scenarios);
    if !mistakes.is_empty() {
        return Err(Failure::usage(mistakes.join("\n")));
    }
    let catalogue = Arc::new(texts.catalogue.said_of(&contract));
    Ok(Suite { contract: Arc::new(contract), catalogue, scenarios, bodies: Arc::new(texts.bodies) })
}

/// Reads scenario files; mistakes as text, a file each.
pub(crate) fn read_scenarios(texts: &[ScenarioText]) -> (Vec<Loaded>, Vec<String>) {
    let (mut scenarios, mut mistakes) = (Vec::new(), Vec::new());
    for one in texts {
        match expand::load(&one.id, &one.file.path, &one.file.text, &one.against) {
            Ok(loaded) => scenarios.extend(loaded),
            Err(wrong) => mistakes.push(wrong.to_string()),
        }
    }
    (scenarios, mistakes)
}
