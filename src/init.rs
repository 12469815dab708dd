//! Init: the files by which a receiver is judged without a flag: `hookgate.toml`, a contract, and pipelines.
//!
//! In: what somebody says of a receiver ([`Known`]), a captured delivery
//! ([`recognition`], [`proof`], its body: [`example`]), and what a few deliveries showed
//! ([`sightings`], sent by [`visiting`]). Out: texts ([`contract_text`],
//! [`settings_text`], [`pipelines`]) with the paths that they are for.
//!
//! Vendors are known by the contracts that are shipped, and by nothing in here.
//!
//! **Invariant:** what a receiver does wrong never becomes its contract: only
//! what the extended contract leaves open is narrowed to what was seen.
//! **Invariant:** no secret stands in a text, only the names of variables.

pub mod contract_text;
pub mod example;
pub mod pipelines;
pub mod proof;
pub mod recognition;
pub mod settings_text;
pub mod sightings;
pub mod visiting;

use self::example::Example;
use crate::contract::effects::EffectsPlace;
use crate::contract::key::KeyPlace;
use crate::contract::{Contract, Health};
use crate::sign::Scheme;
use crate::template::Template;

/// Where the contract is written, from the folder of `hookgate.toml`.
pub const CONTRACT_FILE: &str = "hookgate/contract.yaml";
/// Where the settings are written.
pub const SETTINGS_FILE: &str = "hookgate.toml";
/// Where reports of runs go.
pub const REPORT_FOLDER: &str = "hookgate-report";

/// What a receiver's contract is built on.
#[derive(Clone, Debug)]
pub enum Base {
    /// A contract that is there.
    Extended {
        /// Its name, or its file as the written contract reaches it.
        extends: String,
        /// What it says.
        contract: Box<Contract>,
    },
    /// None: a signature scheme that was proven, and usual answers of webhook receivers.
    Own {
        /// How deliveries are signed.
        scheme: Box<Scheme>,
        /// Where the key travels; nowhere, where none was found.
        key: Box<KeyPlace>,
    },
}

/// Where a receiver is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whereabouts {
    /// At an address.
    Url(String),
    /// Behind a command that starts it.
    Exec(String),
}

/// What is known of a receiver.
#[derive(Clone, Debug)]
pub struct Known {
    /// What its contract is built on.
    pub base: Base,
    /// The name of its contract.
    pub name: String,
    /// The variable that holds the shared secret.
    pub secret_env: String,
    /// Where it is.
    pub at: Whereabouts,
    /// How that is reached, beside its address: members of `[target]`, each a name and a value of TOML.
    pub reached: Vec<(&'static str, String)>,
    /// When a command is ready: an address or a text.
    pub ready: Option<String>,
    /// The path that takes deliveries, where it is not the base's.
    pub path: Option<String>,
    /// The query behind it.
    pub query: Option<String>,
    /// Whether signatures are all that is checked.
    pub signatures_only: bool,
    /// The content type of deliveries, where it is not the base's.
    pub content_type: Option<String>,
    /// The body of a captured delivery.
    pub example: Example,
    /// How its health is asked, where the base does not say.
    pub health: Option<Health>,
    /// Where it remembers.
    pub db: Option<String>,
    /// The variable that holds the database's password.
    pub db_password_env: Option<String>,
    /// Where its effects are counted.
    pub effects: Option<EffectsPlace>,
    /// How time passes for it.
    pub clock: Option<String>,
    /// What a capture told of how it was recognised, for the contract's comments.
    pub told: Vec<String>,
}

impl Known {
    /// The contract that it extends.
    #[must_use]
    pub fn extended(&self) -> Option<&Contract> {
        match &self.base {
            Base::Extended { contract, .. } => Some(contract),
            Base::Own { .. } => None,
        }
    }
}

/// A file that is to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// Its path from the folder that was named.
    pub path: String,
    /// Its text.
    pub text: String,
}

/// Reads where effects are counted: `/page?key={key}#/pointer`, `table:NAME.COLUMN`, or `log:FILE:PATTERN`.
///
/// # Errors
/// What is missing, as a sentence.
pub fn effects(text: &str) -> Result<EffectsPlace, String> {
    let template = |text: &str| Template::read(text).map_err(|wrong| wrong.to_string());
    if let Some(rest) = text.strip_prefix("table:") {
        let (table, key) =
            rest.rsplit_once('.').ok_or_else(|| format!("`{text}` does not say which column names the key: write table:NAME.COLUMN"))?;
        return Ok(EffectsPlace { table: Some(table.to_owned()), key: Some(key.to_owned()), ..EffectsPlace::default() });
    }
    if let Some(rest) = text.strip_prefix("log:") {
        let (log, pattern) = rest.split_once(':').filter(|(_, pattern)| pattern.contains("{key}")).ok_or_else(|| {
            format!("`{text}` does not say which lines are effects: write log:FILE:PATTERN, with {{key}} where the key stands")
        })?;
        return Ok(EffectsPlace { log: Some(log.to_owned()), pattern: Some(pattern.to_owned()), ..EffectsPlace::default() });
    }
    if text.starts_with('/') || text.starts_with("http://") {
        let (path, count) = text.split_once('#').unwrap_or((text, "/count"));
        if !text.contains("{key}") {
            return Err(format!("`{text}` is the page of no key: put {{key}} where the key stands"));
        }
        return Ok(EffectsPlace { path: Some(template(path)?), count: Some(template(count)?), ..EffectsPlace::default() });
    }
    Err(format!(
        "`{text}` is no place of effects: write /page?key={{key}}#/count (a page of the receiver and the count's JSON pointer), \
         table:NAME.COLUMN (of --db), or log:FILE:PATTERN"
    ))
}

/// Text as a YAML scalar on one line, in which quotation marks need no backslash where that is possible.
pub(crate) fn yaml_text(text: &str) -> String {
    if text.chars().any(char::is_control) { toml(text) } else { format!("'{}'", text.replace('\'', "''")) }
}

/// Text as a YAML scalar.
pub(crate) fn yaml(text: &str) -> String {
    let is_plain = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '/' | '_' | '-' | '.'))
        && !["true", "false", "null", "yes", "no", "on", "off", "y", "n"].contains(&text.to_ascii_lowercase().as_str());
    if is_plain { text.to_owned() } else { toml(text) }
}

/// Text as a TOML string; YAML reads it, too.
pub(crate) fn toml(text: &str) -> String {
    serde_json::Value::from(text).to_string().replace('\u{7f}', "\\u007f")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Places of effects in their three short forms, and what each lacks.
    #[test]
    fn places_of_effects_are_read() {
        let page = effects("/effects?key={key}#/n").expect("a page");
        assert_eq!(
            (page.path.map(|path| path.to_string()), page.count.map(|count| count.to_string())),
            (Some("/effects?key={key}".to_owned()), Some("/n".to_owned()))
        );
        assert_eq!(effects("/e/{key}").expect("a page").count.map(|count| count.to_string()).as_deref(), Some("/count"));
        let table = effects("table:public.done.event").expect("a table");
        assert_eq!((table.table.as_deref(), table.key.as_deref()), (Some("public.done"), Some("event")));
        let log = effects("log:app.log:done: {key}$").expect("a log");
        assert_eq!((log.log.as_deref(), log.pattern.as_deref()), (Some("app.log"), Some("done: {key}$")));
        for wrong in ["table:done", "log:app.log", "log:app.log:done", "/effects", "done", ""] {
            assert!(effects(wrong).is_err(), "{wrong}");
        }
    }

    /// What YAML would read as something else stands in quotation marks.
    #[test]
    fn scalars_are_quoted_where_yaml_would_misread_them() {
        for (text, wanted) in [
            ("/webhooks/in", "/webhooks/in"),
            ("X-Key", "X-Key"),
            ("yes", "\"yes\""),
            ("1e3", "\"1e3\""),
            ("a: b", "\"a: b\""),
            ("{sig}", "\"{sig}\""),
            ("", "\"\""),
            ("a\"b", "\"a\\\"b\""),
        ] {
            assert_eq!(yaml(text), wanted);
        }
    }
}
