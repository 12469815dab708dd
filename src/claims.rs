//! Claims: what a phase report says, set beside what a run has shown.
//!
//! In: a report in Markdown, the rules of its form, and the evidence of a run.
//! Out: [`Claims`]: every claim *shown*, *contradicted* or *not shown*, and where
//! the report does not agree with itself. Nothing is read or written here.
//!
//! Start at [`examine`].

pub mod claim;
pub mod encoding;
pub mod form;
mod markdown;
pub mod reading;
mod sql;
mod text;
pub mod template;
pub mod evaluate;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::claims::encoding::mend;
use crate::claims::evaluate::Evidence;
use crate::claims::form::Form;
use crate::report::language::Language;

/// The version of the form in which claims are told.
pub const SCHEMA: &str = "hookgate.claims/1";

/// What a report's claims are worth.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Claims {
    /// Always [`SCHEMA`].
    pub schema: String,
    /// The report's file.
    pub report: String,
    /// The form by which it was read.
    pub form: String,
    /// The evidence: its folder, what was judged and when.
    pub evidence: String,
    /// What had become of the text; absent when it was as it should be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub damage: Option<String>,
    /// What the report says of itself.
    pub facts: BTreeMap<String, String>,
    /// Every claim, in the order of the lines.
    pub claims: Vec<Weighed>,
    /// Where the report does not agree with itself.
    pub inconsistencies: Vec<Inconsistency>,
    /// What looks like a claim, and cannot be read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unread: Vec<Unread>,
    /// How many claims are shown.
    pub shown: usize,
    /// How many are contradicted.
    pub contradicted: usize,
    /// Of how many the evidence does not speak, or not of all of it.
    pub not_shown: usize,
    /// What it is told in.
    #[serde(skip)]
    pub language: Language,
}

/// What a claim is worth.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Worth {
    /// The run shows it.
    Shown,
    /// The run does not speak of it, or not of all of it.
    #[default]
    NotShown,
    /// The run shows that it is not so.
    Contradicted,
}

impl Worth {
    /// The worst of the parts.
    fn of(parts: &[Part]) -> Self {
        parts.iter().map(|part| part.worth).max().unwrap_or_default()
    }

    /// What it is worth to say that it does not hold.
    fn denied(self) -> Self {
        match self {
            Self::Shown => Self::Contradicted,
            Self::Contradicted => Self::Shown,
            Self::NotShown => Self::NotShown,
        }
    }

    /// In words.
    #[must_use]
    pub fn words(self, language: Language) -> String {
        language.say(match self {
            Self::Shown => "worth-shown",
            Self::NotShown => "worth-not-shown",
            Self::Contradicted => "worth-contradicted",
        })
    }
}

/// A claim, and what it is worth.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Weighed {
    /// The line of the report, from 1.
    pub line: usize,
    /// The line of a listing that says the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub listed_at: Option<usize>,
    /// The heading that it stands under.
    pub section: String,
    /// What is claimed, in the report's words.
    pub text: String,
    /// What it is worth.
    pub worth: Worth,
    /// Part by part.
    pub parts: Vec<Part>,
    /// Whether the report says that it does not hold.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub denied: bool,
    /// Whether none of the report's own tests touches it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub untested: bool,
}

/// A part of a claim.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Part {
    /// What.
    pub what: String,
    /// What it is worth.
    pub worth: Worth,
    /// The requirements that were asked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub requirements: Vec<String>,
    /// The scenarios that show it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scenarios: Vec<String>,
    /// Why, or what was seen.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub why: String,
}

/// Two things that a report says, and that cannot both be so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Inconsistency {
    /// The lines.
    pub lines: Vec<usize>,
    /// What they say.
    pub what: String,
}

/// A line that looks like a claim, and fits no rule of the form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Unread {
    /// The line of the report, from 1.
    pub line: usize,
    /// What stands there.
    pub text: String,
}

/// Why a report cannot be examined.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CannotRead {
    /// No form fits.
    #[error("{path} has none of the known forms ({known}): add one with --rules")]
    NoForm {
        /// The report.
        path: String,
        /// The forms.
        known: String,
    },
    /// Nothing is claimed.
    #[error("{path} claims nothing that the form {form} knows how to read: add lines to its rules (--rules)")]
    NoClaim {
        /// The report.
        path: String,
        /// The form.
        form: String,
    },
}

/// Examines a report.
///
/// * `path`: its name, as people should see it.
/// * `forms`: the rules; the first that recognises the report is taken.
///
/// # Errors
/// [`CannotRead`].
pub fn examine(path: &str, text: &str, forms: &[Form], told: &str, evidence: &Evidence<'_>) -> Result<Claims, CannotRead> {
    let language = evidence.language;
    let (text, damage) = mend(text);
    let form = forms.iter().find(|form| reading::is_of(form, &text)).ok_or_else(|| CannotRead::NoForm {
        path: path.to_owned(),
        known: forms.iter().map(|form| form.form.as_str()).collect::<Vec<_>>().join(", "),
    })?;
    let reading = reading::read(form, &text);
    if reading.claims.is_empty() && reading.unread.is_empty() {
        return Err(CannotRead::NoClaim { path: path.to_owned(), form: form.form.clone() });
    }
    let claims = evaluate::evaluate(form, &reading, evidence);
    let count = |worth: Worth| claims.iter().filter(|one| one.worth == worth).count();
    Ok(Claims {
        schema: SCHEMA.to_owned(),
        report: path.to_owned(),
        form: form.form.clone(),
        evidence: told.to_owned(),
        damage: damage.map(|damage| {
            let facts = [
                ("encoding", damage.read_as.to_string().into()),
                ("mended", damage.mended.into()),
                ("lost", damage.lost.into()),
                ("sign", encoding::LOST.to_string().into()),
            ];
            language.with("claims-damage-told", &facts)
        }),
        facts: reading.facts.iter().map(|(name, (_, value))| (name.clone(), value.clone())).collect(),
        shown: count(Worth::Shown),
        contradicted: count(Worth::Contradicted),
        not_shown: count(Worth::NotShown),
        claims,
        inconsistencies: evaluate::inconsistencies(form, &reading, language),
        unread: reading.unread.iter().map(|(line, text)| Unread { line: *line, text: text.clone() }).collect(),
        language,
    })
}
