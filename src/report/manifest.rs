//! Evidence: what a report folder holds, so that a change of it is found out.
//!
//! In: the files of a folder, and what they were made from. Out: a
//! [`Manifest`] with their digests, sealed with a key where there is one. Later
//! the same files in, what does not agree out. Without a seal a manifest shows
//! accidents and careless hands; whoever writes a new manifest too is found
//! only by the seal. Nothing is read or written here.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::report::Tool;
use crate::sign::{hmac_sha256_hex, is_hmac_sha256_hex, sha256_hex};

/// The version of a manifest's form.
pub const SCHEMA: &str = "hookgate.manifest/1";
/// The name of its file.
pub const FILE: &str = "manifest.json";

/// What a report folder holds, and what it was made from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Always [`SCHEMA`].
    pub schema: String,
    /// What made the report.
    pub tool: Tool,
    /// SHA-256 of the contract's file, lower-case hex.
    pub contract_sha256: String,
    /// SHA-256 over the scenario files that were there to be played: ids and texts in their order.
    pub scenarios_sha256: String,
    /// SHA-256 of every file of the folder by its name.
    pub files: BTreeMap<String, String>,
    /// HMAC-SHA256 over all of the above, lower-case hex; absent where there was no key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seal: Option<String>,
}

impl Manifest {
    /// The manifest of these files.
    ///
    /// * `key`: what seals it, of any length.
    #[must_use]
    pub fn of(tool: Tool, made_from: MadeFrom, files: &BTreeMap<String, Vec<u8>>, key: Option<&[u8]>) -> Self {
        let files = files.iter().filter(|(name, _)| *name != FILE).map(|(name, bytes)| (name.clone(), sha256_hex(bytes))).collect();
        let MadeFrom { contract_sha256, scenarios_sha256 } = made_from;
        let mut manifest = Self { schema: SCHEMA.to_owned(), tool, contract_sha256, scenarios_sha256, files, seal: None };
        manifest.seal = key.map(|key| hmac_sha256_hex(key, manifest.sealed_text().as_bytes()));
        manifest
    }

    /// What the report was made from.
    #[must_use]
    pub fn made_from(&self) -> MadeFrom {
        MadeFrom { contract_sha256: self.contract_sha256.clone(), scenarios_sha256: self.scenarios_sha256.clone() }
    }

    /// What is sealed: every member in one line, in a fixed order. Names of files have no line ends.
    fn sealed_text(&self) -> String {
        let mut text =
            format!("{}\n{} {}\n{}\n{}\n", self.schema, self.tool.name, self.tool.version, self.contract_sha256, self.scenarios_sha256);
        for (name, digest) in &self.files {
            let _ = writeln!(text, "{digest} {name}");
        }
        text
    }

    /// What does not agree with the files of the folder, a sentence each.
    #[must_use]
    pub fn disagreements(&self, files: &BTreeMap<String, Vec<u8>>) -> Vec<String> {
        let mut wrong = Vec::new();
        if self.schema != SCHEMA {
            wrong.push(format!("{FILE} has another form, `{}`", self.schema));
        }
        for (name, digest) in &self.files {
            match files.get(name) {
                None => wrong.push(format!("{name} is not there any more")),
                Some(bytes) if sha256_hex(bytes) != *digest => wrong.push(format!("{name} is not as it was written: its SHA-256 differs")),
                Some(_) => {}
            }
        }
        for name in files.keys().filter(|name| *name != FILE && !self.files.contains_key(*name)) {
            wrong.push(format!("{name} was not there when the report was written"));
        }
        wrong
    }

    /// Whether the seal is that of this key.
    #[must_use]
    pub fn is_sealed_by(&self, key: &[u8]) -> bool {
        self.seal.as_ref().is_some_and(|seal| is_hmac_sha256_hex(key, self.sealed_text().as_bytes(), seal))
    }
}

/// What a report was made from, as digests: SHA-256, lower-case hex.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MadeFrom {
    /// Of the contract's file.
    pub contract_sha256: String,
    /// Of the scenario files that were there to be played, or of a load's mix.
    pub scenarios_sha256: String,
}
