//! Suites: from the name of a contract to the contract, its catalogue and its scenarios, read and checked.
//!
//! In: names, and folders of the user's own ([`SuiteChoice`]). Out: a [`Suite`], or
//! a [`SuiteError`] with the way out: all mistakes of all files at once. What a
//! suite and those that it includes are made of is in [`layers`]; which of its
//! scenarios are meant by a pattern, in [`selection`].
//!
//! Start at [`suite`].

pub mod layers;
pub mod selection;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;

use crate::contract::Contract;
use crate::contract::reading::read_contract_among;
use crate::files::{self, FileError, TextFile};
use crate::report::baseline::Baseline;
use crate::scenario::expand::{self, Loaded};
use crate::scenario::requirement::Catalogue;
use crate::yaml::diagnostic::Diagnostics;
use crate::yaml::tree::{Kind, Tree};

pub use self::layers::{ScenarioText, SuiteTexts};

/// Which suite: a contract, and folders of the user's own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SuiteChoice {
    /// The contract: the name of a shipped one, or a file.
    pub contract: String,
    /// Folders of scenarios that are played beside those of the suite, and those before them.
    pub scenarios: Vec<PathBuf>,
    /// Scenarios that are played instead of those of the suite.
    pub only_scenarios: Option<PathBuf>,
}

impl SuiteChoice {
    /// The shipped suite of a contract.
    #[must_use]
    pub fn of(contract: &str) -> Self {
        Self { contract: contract.to_owned(), ..Self::default() }
    }
}

/// Why there is no suite.
#[derive(Debug, thiserror::Error)]
pub enum SuiteError {
    /// No contract bears the name.
    #[error("there is no contract `{found}`: give a file (…/{found}.yaml), or one of {known}{hint}")]
    UnknownContract {
        /// The name that was given.
        found: String,
        /// Those that there are.
        known: String,
        /// The nearest of them.
        hint: String,
    },
    /// No catalogue stands where the suite should be.
    #[error("the suite `{suite}` has no requirements.yaml: name a shipped suite in the contract, or a folder with --only-scenarios")]
    NoCatalogue {
        /// The suite that a contract names.
        suite: String,
    },
    /// A file or a folder cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// What is wrong in a file, each with a caret.
    #[error(transparent)]
    Diagnostics(#[from] Diagnostics),
    /// What is wrong in several files.
    #[error("{0}")]
    MistakesOfFiles(String),
}

/// A contract with its suite, read and checked.
#[derive(Clone)]
pub struct Suite {
    /// The promise.
    pub contract: Arc<Contract>,
    /// What is required, in words.
    pub catalogue: Arc<Catalogue>,
    /// Every scenario, variants expanded.
    pub scenarios: Vec<Loaded>,
    /// Body files by name.
    pub bodies: Arc<BTreeMap<String, Bytes>>,
}

impl Suite {
    /// Reads a baseline, and holds it against the suite.
    ///
    /// # Errors
    /// When it cannot be read, or something in it is wrong.
    pub fn baseline(&self, path: &Path) -> Result<Baseline, SuiteError> {
        let file = files::read_text("read the baseline", path)?;
        let scenarios: Vec<&str> = self.scenarios.iter().map(|one| one.id.as_str()).collect();
        let requirements: Vec<&str> = self.catalogue.requirements.iter().map(|one| one.id.as_str()).collect();
        Ok(Baseline::read(&file.path, &file.text, &scenarios, &requirements)?)
    }
}

/// Reads a contract by name or file.
///
/// # Errors
/// When there is none, or something in it is wrong.
pub fn contract(named: &str) -> Result<Contract, SuiteError> {
    read_contract_file(&contract_file(named)?)
}

/// The text of a contract by name or file.
///
/// # Errors
/// When there is none.
pub fn contract_file(named: &str) -> Result<TextFile, SuiteError> {
    if let Some(shipped) = files::shipped_contract(named) {
        return Ok(shipped);
    }
    if looks_like_a_file(named) {
        return Ok(files::read_text("read contract", Path::new(named))?);
    }
    let known = files::shipped_contracts();
    let hint = nearest(named, known.iter().map(String::as_str)).map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
    Err(SuiteError::UnknownContract { found: named.to_owned(), known: known.join(", "), hint })
}

/// Reads a contract's text.
///
/// # Errors
/// All that is wrong in it.
pub fn read_contract_file(file: &TextFile) -> Result<Contract, SuiteError> {
    let own = |name: &str| looks_like_a_file(name).then(|| files::read_text("read contract", Path::new(name)).ok()).flatten();
    let base = |name: &str| files::shipped_contract(name).or_else(|| own(name)).map(|file| file.text);
    Ok(read_contract_among(&file.path, &file.text, &base, &files::shipped_contracts())?)
}

/// The suite that a contract names, also one in which something else is wrong.
#[must_use]
pub fn suite_named_in(file: &TextFile) -> Option<String> {
    let tree = Tree::read(&file.path, &file.text).ok()?;
    match &tree.root.member("suite")?.kind {
        Kind::Text(name) => Some(name.clone()),
        Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::List(_) | Kind::Map(_) => None,
    }
}

/// Whether a name is meant as that of a file.
#[must_use]
pub fn looks_like_a_file(named: &str) -> bool {
    named.ends_with(".yaml") || named.ends_with(".yml") || named.ends_with(".json") || named.contains(std::path::MAIN_SEPARATOR)
}

/// A contract's file, where it is one that was named as a file.
#[must_use]
pub fn own_file(contract: &str) -> Option<String> {
    (files::shipped_contract(contract).is_none() && looks_like_a_file(contract)).then(|| contract.to_owned())
}

/// The one of `known` that is meant by a word, where a slip of the fingers explains it.
pub fn nearest<'k>(word: &str, known: impl Iterator<Item = &'k str>) -> Option<&'k str> {
    crate::yaml::diagnostic::nearest(word, known)
}

/// Reads the contract, its catalogue and every scenario of its suite.
///
/// # Errors
/// [`SuiteError`]: all that is wrong in them.
pub fn suite(choice: &SuiteChoice) -> Result<Suite, SuiteError> {
    suite_of(choice, contract(&choice.contract)?)
}

/// The same, for a contract that was read already.
///
/// # Errors
/// As [`suite`].
pub fn suite_of(choice: &SuiteChoice, contract: Contract) -> Result<Suite, SuiteError> {
    let texts = SuiteTexts::of(choice, &contract)?;
    let (scenarios, diagnostics) = read_scenarios(&texts.scenarios);
    if !diagnostics.is_empty() {
        return Err(SuiteError::MistakesOfFiles(diagnostics.join("\n")));
    }
    let catalogue = Arc::new(texts.catalogue);
    Ok(Suite { contract: Arc::new(contract), catalogue, scenarios, bodies: Arc::new(texts.bodies) })
}

/// Reads scenario files; mistakes as text, a file each.
#[must_use]
pub fn read_scenarios(texts: &[ScenarioText]) -> (Vec<Loaded>, Vec<String>) {
    let (mut scenarios, mut diagnostics) = (Vec::new(), Vec::new());
    for one in texts {
        match expand::load(&one.id, &one.file.path, &one.file.text, &one.against) {
            Ok(loaded) => scenarios.extend(loaded),
            Err(wrong) => diagnostics.push(wrong.to_string()),
        }
    }
    (scenarios, diagnostics)
}
