//! Project files: `hookgate.toml`, which says what of a command line is the same each time.
//!
//! In: the file's text; out: its members, each with its place, or every mistake
//! with a caret. A member stands for a flag of a command ([`members`]) and is
//! named as the flag is; which of several values is in force is decided in
//! [`layers`]. Nothing is read from files or the environment here, and nothing
//! that a file says is run here.
//!
//! Start at [`read`]. The form, as [`Settings`] has it:
//!
//! ```toml
//! contract = "hookgate/mine.yaml"   # one that is shipped, or a file; paths begin at this file's folder
//! secret_env = "MY_SECRET"          # the variable that holds the secret, never the secret
//! clock = "wait"
//! scenarios = ["hookgate/scenarios"]
//! baseline = "hookgate-baseline.yaml"
//! require = ["DUP-*", "AUTH-*"]
//!
//! [target]
//! exec = "python3 app.py --port {port}"   # or: url = "http://127.0.0.1:8080"
//! headers = { X-Env = "ci" }
//!
//! [evidence]
//! db = "app.sqlite"
//!
//! [report]
//! dir = "hookgate-report"
//!
//! [gates]
//! rules = ["p99<250ms"]
//!
//! [load]
//! rate = "200/s"
//!
//! [profile.ci]                      # any of the above again: it overrides member by member
//! require = ["*"]
//! target.url = "http://127.0.0.1:8080"
//! ```

pub mod layers;
pub mod members;
mod settings;

use crate::yaml::diagnostic::{Diagnostic, Diagnostics};
use crate::yaml::tree::{Kind, Node, Tree};
use crate::yaml::{self, toml};

pub use self::settings::{EvidenceSettings, GateSettings, LoadSettings, ReportSettings, Settings, TargetSettings, TextOrWhole};

/// The name under which a project file is found.
pub const FILE_NAME: &str = "hookgate.toml";
/// The member under which profiles stand.
const PROFILE: &str = "profile";

/// A project file that was read.
#[derive(Clone, Debug)]
pub struct Project {
    /// Its members, typed.
    pub settings: Settings,
    /// The same with their places.
    pub tree: Tree,
}

impl Project {
    /// The names of its profiles, in the order of the file.
    #[must_use]
    pub fn profiles(&self) -> Vec<&str> {
        self.tree.root.member(PROFILE).map(Node::members).unwrap_or_default().iter().map(|(key, _)| key.text.as_str()).collect()
    }

    /// The members of a profile; without a name, those that stand outside of profiles.
    #[must_use]
    pub fn section(&self, profile: Option<&str>) -> Option<&Node> {
        match profile {
            None => Some(&self.tree.root),
            Some(name) => self.tree.root.member(PROFILE)?.member(name),
        }
    }
}

/// Reads a project file.
///
/// * `name`: the file's name, as people should see it.
///
/// # Errors
/// Every mistake of syntax; or every one of form: unknown members, values of another kind, members that contradict each other.
pub fn read(name: &str, text: &str) -> Result<Project, Diagnostics> {
    let tree = toml::read(name, text)?;
    let decoded = yaml::decode::<Settings>(&schema(), &tree);
    let mut diagnostics: Vec<Diagnostic> = decoded.diagnostics.into_iter().map(|diagnostic| with_way_out(&tree, diagnostic)).collect();
    let profiles = tree.root.member(PROFILE).map(Node::members).unwrap_or_default();
    let in_profiles = |path: &str| profiles.iter().any(|(_, section)| section.find(path).is_some());
    yaml::add_diagnostics(&mut diagnostics, members::contradictions(&tree.root, &in_profiles));
    for (_, section) in profiles {
        yaml::add_diagnostics(&mut diagnostics, members::contradictions(section, &|path| tree.root.find(path).is_some()));
    }
    match decoded.value {
        Some(settings) if diagnostics.is_empty() => Ok(Project { settings, tree }),
        Some(_) | None => Err(Diagnostics::new(name, text, diagnostics)),
    }
}

/// The JSON Schema of project files.
#[must_use]
pub fn schema() -> serde_json::Value {
    let mut schema = yaml::schema_of::<Settings>();
    // A profile has every member but profiles.
    let mut profile = schema.clone();
    let Some(own) = profile.as_object_mut() else { return schema };
    for member in ["$schema", "$defs"] {
        own.remove(member);
    }
    own.insert("title".to_owned(), "Profile".into());
    own.insert("description".to_owned(), "Members that hold where this profile is chosen.".into());
    if let Some(properties) = own.get_mut("properties").and_then(serde_json::Value::as_object_mut) {
        properties.remove(PROFILE);
    }
    if let Some(of) = schema.pointer_mut("/properties/profile/additionalProperties") {
        *of = serde_json::json!({"$ref": "#/$defs/Profile"});
    }
    schema["$defs"]["Profile"] = profile;
    schema
}

/// Members that people try, and what there is in their place.
const TRIED: [(&[&str], &str); 3] = [
    (&[PROFILE], "a profile has no profiles: put it beside this one, as [profile.NAME]"),
    (
        &["secret", "token", "password", "secret_value", "for_tests"],
        "a secret never stands in a file: put it into an environment variable, and name that: secret_env = \"NAME\"",
    ),
    (&["previous_secret_env", "retired_secret_env"], "the contract names the variables of other secrets, under `secret`"),
];

/// A mistake with a better way out, where one is known.
fn with_way_out(tree: &Tree, diagnostic: Diagnostic) -> Diagnostic {
    let word = tree.text.get(diagnostic.span.clone()).unwrap_or_default();
    match TRIED.iter().find(|(words, _)| diagnostic.message.starts_with("unknown member") && words.contains(&word)) {
        Some((_, instead)) => diagnostic.with_hint(*instead),
        // TOML has its text in quotes.
        None if word.starts_with(['"', '\'']) && diagnostic.hint.as_ref().is_some_and(|hint| hint.starts_with("write [")) => {
            let hint = format!("write [{word}]");
            diagnostic.with_hint(hint)
        }
        None => diagnostic,
    }
}

/// A scalar as text, or the items of a list; a map's members as `name SEPARATOR value`.
fn texts(node: &Node, separator: &str) -> Vec<String> {
    match &node.kind {
        Kind::Null => Vec::new(),
        Kind::Bool(value) => vec![value.to_string()],
        Kind::Number(number) => vec![number.to_string()],
        Kind::Text(text) => vec![text.clone()],
        Kind::List(items) => items.iter().flat_map(|item| texts(item, separator)).collect(),
        Kind::Map(members) => members
            .iter()
            .flat_map(|(key, value)| texts(value, separator).into_iter().map(move |text| format!("{}{separator}{text}", key.text)))
            .collect(),
    }
}

#[cfg(test)]
mod tests;
