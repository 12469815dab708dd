//! How a report of some form is read: rules as data, from `fixtures/claims/*.yaml`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::report::language::Language;

/// The rules for one form of reports.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Form {
    /// The form's name.
    pub form: String,
    /// Which reports have it, in one line.
    pub title: String,
    /// A report has this form when a label or a heading of it holds one of these words.
    pub recognised_by: Vec<String>,
    /// Signs behind or before a claim.
    pub marks: Marks,
    /// What a report says of itself: `label: value`.
    #[serde(default)]
    pub labels: Vec<Label>,
    /// Dates that cannot lie just anyhow.
    #[serde(default)]
    pub dates: Vec<DateOrder>,
    /// Lines that claim something, the first that fits counts.
    pub lines: Vec<LineRule>,
    /// What the columns of a Markdown table are called, by the place of a line that they fill.
    #[serde(default)]
    pub heads: Vec<Label>,
    /// Headings that claim something.
    #[serde(default)]
    pub headings: Vec<HeadingRule>,
    /// How a report says how many checks it has made: `all {count} checks`.
    #[serde(default)]
    pub counts: Vec<String>,
    /// Words that turn a statement into another one, or take from it: what bears one is shown by nothing that a rule is for.
    #[serde(default)]
    pub denials: Vec<String>,
    /// Words that say nothing more beside those of a topic, in lower case. With any other word a statement in Latin letters says more than
    /// its rule is for; in a form without such words none does.
    #[serde(default)]
    pub fillers: Vec<String>,
    /// What claims speak of.
    pub topics: Vec<Topic>,
    /// What the topics say, in other languages: by the two letters of each, text by text.
    #[serde(default)]
    pub translations: BTreeMap<String, BTreeMap<String, String>>,
}

impl Form {
    /// A text of a topic in a language; as it was written where that lacks it.
    #[must_use]
    pub fn say<'f>(&'f self, text: &'f str, language: Language) -> &'f str {
        self.translations.get(language.code()).and_then(|words| words.get(text)).map_or(text, String::as_str)
    }
}

/// Signs for what is said to hold and what is said not to.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Marks {
    /// It holds.
    pub kept: Vec<String>,
    /// It does not.
    pub broken: Vec<String>,
}

/// A label and what it is for.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Label {
    /// The label, in every language.
    pub says: Vec<String>,
    /// The name under which it is told.
    pub is: String,
}

/// Two dates, by the names of their labels.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DateOrder {
    /// The earlier one.
    pub earlier: String,
    /// The later one.
    pub later: String,
    /// So many days may lie between them.
    pub within_days: i64,
}

/// A line with places in it: `{what}: {got} (expected: {want}) {mark}`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LineRule {
    /// The line, from its first character that is no blank; whatever bullet an item has, and however a box is ticked, here they are `- ` and `[x]`. `{what}`, `{detail}`, `{table}`, `{extra}`: any text; `{got}`, `{want}`,
    /// `{number}`: digits; `{column}`, `{type}`: a word; `{mark}`: one of the marks.
    pub line: String,
    /// What it is.
    pub is: LineKind,
}

/// What a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LineKind {
    /// An answer that was seen: `{what}`, `{got}` and perhaps `{want}`.
    Answer,
    /// Anything else that is said to hold: `{what}`.
    Statement,
    /// The beginning of a table's columns: `{table}`.
    Table,
    /// A column: `{column}`, `{type}` and perhaps `{extra}`.
    Column,
}

/// Headings under another heading.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HeadingRule {
    /// A heading above holds one of these words.
    pub under: Vec<String>,
    /// How many `#` they have.
    pub level: usize,
}

/// What a claim speaks of. The topic with the longest word in a claim is its own; one that is beyond a run goes first.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Topic {
    /// Words for it, in every language.
    pub says: Vec<String>,
    /// What must be shown, part by part.
    #[serde(default)]
    pub shown_by: Vec<PartRule>,
    /// The delivery of a scenario that such an answer was given to.
    #[serde(default)]
    pub answer_of: Option<AnswerOf>,
    /// It says that all of the report's own answers were right.
    #[serde(default)]
    pub sums_up_answers: bool,
    /// Why no run can show it.
    #[serde(default)]
    pub beyond_a_run: Option<String>,
}

/// A part of what is claimed.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PartRule {
    /// In a few words.
    pub what: String,
    /// The requirements that show it, all of them.
    pub requirements: Vec<String>,
    /// Of an answer: one answer does not touch it.
    #[serde(default)]
    pub beyond_one_answer: bool,
}

/// A delivery of a scenario.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AnswerOf {
    /// The scenario's id.
    pub scenario: String,
    /// The delivery's name there.
    pub delivery: String,
}
