//! Layers of a suite: its own files, and those of the suites that it includes.
//!
//! Takes the name of a suite and where its files are, gives one catalogue,
//! every scenario's text once, and the bodies. A scenario is held against the
//! catalogue of the suite that it stands in, so that an included suite is
//! right by itself. Where two suites have a scenario of one id, the upper
//! one's is played.
//!
//! Start at [`SuiteTexts::of`].

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;

use super::{SuiteChoice, SuiteError};
use crate::contract::Contract;
use crate::files::{self, SuiteFiles, TextFile};
use crate::scenario::lint::Known;
use crate::scenario::requirement::Catalogue;
use crate::sign::sha256_hex;
use crate::yaml::diagnostic::{Diagnostic, Diagnostics, hint};
use crate::yaml::tree::Tree;

/// A suite with all that it includes, as text; only the catalogue is read.
pub struct SuiteTexts {
    /// The suite's catalogue on top of those that it includes.
    pub catalogue: Catalogue,
    /// Every scenario, in the order of the ids.
    pub scenarios: Vec<ScenarioText>,
    /// Body files by name.
    pub bodies: BTreeMap<String, Bytes>,
}

/// One scenario's text, and what it may refer to.
pub struct ScenarioText {
    /// `topic/name`.
    pub id: String,
    /// Its file.
    pub file: TextFile,
    /// What its own suite knows.
    pub against: Arc<Known>,
}

impl SuiteTexts {
    /// The suite of a contract: shipped, or in the folder that was named; its bodies as the contract's sender has them, its
    /// sentences with what the contract promises.
    ///
    /// # Errors
    /// [`SuiteError`]: what is missing or wrong.
    pub fn of(choice: &SuiteChoice, contract: &Contract) -> Result<Self, SuiteError> {
        let texts = Self::of_suite(choice, &contract.suite)?;
        let bodies = contract.with_own_body(&texts.catalogue.ordinary_body, texts.bodies);
        Ok(Self { bodies, catalogue: texts.catalogue.said_of(contract), ..texts })
    }

    /// The suite of a name.
    ///
    /// # Errors
    /// As [`SuiteTexts::of`].
    pub fn of_suite(choice: &SuiteChoice, suite: &str) -> Result<Self, SuiteError> {
        if !choice.scenarios.is_empty() && files::shipped_suite(suite).catalogue.is_some() {
            return Self::with_more(Self::on_its_base(files::shipped_suite(suite), None, &[suite])?, &choice.scenarios, suite);
        }
        let folder = choice.only_scenarios.as_ref().or(choice.scenarios.first());
        let files = match folder {
            Some(folder) => files::suite_in(folder, suite)?,
            None => files::shipped_suite(suite),
        };
        if files.catalogue.is_none() {
            return Err(SuiteError::NoCatalogue { suite: suite.to_owned() });
        }
        let own: BTreeSet<String> = files.scenarios.iter().map(|(id, _)| id.clone()).collect();
        let alone = files.catalogue_stands_in;
        let mut texts = Self::on_its_base(files, folder.map(PathBuf::as_path), &[suite])?;
        if alone {
            // A folder of scenarios without a catalogue is played as it is, and nothing beside it.
            texts.scenarios.retain(|one| own.contains(&one.id));
        }
        Self::with_more(texts, choice.scenarios.get(1..).unwrap_or_default(), suite)
    }

    /// A suite, and the scenarios of folders on top of it, one after the other.
    fn with_more(texts: Self, folders: &[PathBuf], suite: &str) -> Result<Self, SuiteError> {
        folders.iter().try_fold(texts, |texts, folder| texts.and(folder, suite))
    }

    /// The same with the scenarios of a folder on top: their own win, and so does what a catalogue there says.
    fn and(mut self, folder: &Path, suite: &str) -> Result<Self, SuiteError> {
        let texts = &mut self;
        let more = files::suite_in(folder, suite)?;
        if let Some(file) = more.catalogue.filter(|_| !more.catalogue_stands_in) {
            texts.catalogue = Catalogue::read(&file.path, &file.text)?.on(&texts.catalogue);
        }
        texts.bodies.extend(more.bodies);
        let against = Arc::new(texts.known());
        let own: BTreeSet<&String> = more.scenarios.iter().map(|(id, _)| id).collect();
        texts.scenarios.retain(|one| !own.contains(&one.id));
        let added =
            more.scenarios.iter().map(|(id, file)| ScenarioText { id: id.clone(), file: file.clone(), against: Arc::clone(&against) });
        texts.scenarios.extend(added);
        texts.scenarios.sort_by(|one, other| one.id.cmp(&other.id));
        Ok(self)
    }

    /// The digest of all scenarios.
    #[must_use]
    pub fn sha256(&self) -> String {
        let line = |one: &ScenarioText| format!("{} {}\n", sha256_hex(one.file.text.as_bytes()), one.id);
        sha256_hex(self.scenarios.iter().map(line).collect::<String>().as_bytes())
    }

    /// What scenarios of this suite may refer to.
    #[must_use]
    pub fn known(&self) -> Known {
        Known::new(&self.catalogue, self.bodies.keys().cloned())
    }

    /// A suite on top of those that it includes.
    ///
    /// * `way`: the names of the suites that led here, the contract's first and this one last.
    /// * `folder`: where suites that are included may stand, before the shipped ones.
    fn on_its_base(files: SuiteFiles, folder: Option<&Path>, way: &[&str]) -> Result<Self, SuiteError> {
        let file = files.catalogue.unwrap_or_default();
        let mut catalogue = Catalogue::read(&file.path, &file.text)?;
        let (mut scenarios, mut bodies) = (BTreeMap::new(), BTreeMap::new());
        for (at, name) in catalogue.includes.clone().iter().enumerate() {
            let included = match folder {
                Some(folder) => files::suite_beside(folder, way.first().unwrap_or(&""), name)?,
                None => files::shipped_suite(name),
            };
            if included.catalogue.is_none() || way.contains(&name.as_str()) {
                return Err(cannot_include(&file, at, name, way));
            }
            let base = Self::on_its_base(included, folder, &[way, &[name.as_str()]].concat())?;
            catalogue = catalogue.on(&base.catalogue);
            scenarios.extend(base.scenarios.into_iter().map(|one| (one.id.clone(), one)));
            bodies.extend(base.bodies);
        }
        bodies.extend(files.bodies);
        let against = Arc::new(Known::new(&catalogue, bodies.keys().cloned()));
        for (id, file) in files.scenarios {
            scenarios.insert(id.clone(), ScenarioText { id, file, against: Arc::clone(&against) });
        }
        Ok(Self { catalogue, scenarios: scenarios.into_values().collect(), bodies })
    }
}

/// The mistake at a name under `includes`.
fn cannot_include(file: &TextFile, at: usize, name: &str, way: &[&str]) -> SuiteError {
    let tree = match Tree::read(&file.path, &file.text) {
        Ok(tree) => tree,
        Err(diagnostics) => return diagnostics.into(),
    };
    let known = files::shipped_suites();
    let (message, hint) = if way.contains(&name) {
        (format!("the suite `{name}` would include itself"), None)
    } else {
        let known: Vec<&str> = known.iter().map(String::as_str).collect();
        (format!("there is no suite `{name}` to include"), hint(name, "there are", &known))
    };
    let diagnostic = Diagnostic { span: tree.root.span_at(&format!("includes[{at}]")), message, hint };
    Diagnostics::new(&file.path, &file.text, vec![diagnostic]).into()
}
