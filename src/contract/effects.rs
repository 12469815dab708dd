//! Effects of a contract: where it can be counted how often the work of a key was done.
//!
//! A page of the receiver, lines of a log, or rows of a table; the command
//! line may name a command instead. How they are read is `evidence`'s business.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Contract;
use crate::clock::span::Span;
use crate::template::Template;

/// Where effects are counted: a page (`path`), a log (`log`), or a table of the database (`table`).
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct EffectsPlace {
    /// A page that is asked with GET: a path of the receiver, or an http URL; `{key}` is the key, percent-encoded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<Template>,
    /// With `path`: the JSON pointer of the count; a number, or an array, whose length counts. `{key}` is the key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<Template>,
    /// With `path`: the JSON pointer of a list of rows, one an effect; those count that name the key in their member `key`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rows: Option<String>,
    /// With `rows` and `table`: the member (a dotted path) or the column that names the key of an effect.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// With `path` and `{key}` in its query: so many keys may be asked for at once, the parameter repeated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keys_a_page: Option<usize>,
    /// A file that gets a line an effect; it may grow and be rotated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log: Option<String>,
    /// With `log`: a regular expression that a line of an effect fits, with `{key}` where the key stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pattern: Option<String>,
    /// A table of the database that gets a row an effect; with Redis, the template of a counter or a list (`done:{key}`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub table: Option<String>,
    /// How long after the answer the work may be done; without it, the time that an answer may take.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub within: Option<Span>,
}

/// A member's path, what is wrong there, and the way out.
type Wrong = (String, String, Option<String>);

/// Where nobody says how long work takes, it is looked for so long: a time in which an answer may come says little of the work behind it.
const LOOKED_FOR: Duration = Duration::from_secs(3);

impl Contract {
    /// How long after the last answer work that is done too often is looked for.
    #[must_use]
    pub fn looks_for_late_work(&self) -> Duration {
        let is_said = self.effects.as_ref().is_some_and(|effects| effects.within.is_some());
        if is_said { self.work_within() } else { self.work_within().min(LOOKED_FOR) }
    }

    /// How long after an answer its work may be done.
    #[must_use]
    pub fn work_within(&self) -> Duration {
        self.effects.as_ref().and_then(|effects| effects.within).map_or(self.limits.answer.0, |within| within.0)
    }
}

impl EffectsPlace {
    /// Whether the work of a delivery is counted at a page of the receiver itself.
    #[must_use]
    pub fn is_page(&self) -> bool {
        self.path.is_some()
    }

    /// What is wrong with the effects of a contract.
    #[must_use]
    pub fn diagnostics(&self, _contract: &Contract) -> Vec<Wrong> {
        let mut wrong = Vec::new();
        let mut say = |member: &str, message: &str, way_out: &str| {
            let path = if member.is_empty() { "effects".to_owned() } else { format!("effects.{member}") };
            wrong.push((path, message.to_owned(), Some(way_out.to_owned())));
        };
        let places = [("path", self.path.is_some()), ("log", self.log.is_some()), ("table", self.table.is_some())];
        let given: Vec<&str> = places.into_iter().filter(|(_, given)| *given).map(|(name, _)| name).collect();
        match given.as_slice() {
            [] => say(
                "",
                "this does not say where effects are counted",
                "give `path` with `count`, `log` with `pattern`, or `table` with `key`",
            ),
            [_] => {}
            [_, second, ..] => say(second, "effects are counted in one place", "leave one of `path`, `log` and `table` out"),
        }
        let names_key = |template: &Option<Template>| template.as_ref().is_some_and(|text| text.placeholders().any(|name| name == "key"));
        if let Some(path) = &self.path {
            let text = path.to_string();
            if !text.starts_with('/') && !text.starts_with("http://") {
                say("path", "a page is a path, which begins with a slash, or an http URL", "write /… or http://…");
            }
            match (&self.count, &self.rows) {
                (None, None) => {
                    say("", "this does not say where on the page the count stands", "give `count`, a JSON pointer, or `rows` with `key`");
                }
                (Some(_), Some(_)) => say("rows", "the page has one count", "leave `count` or `rows` out"),
                (Some(count), None) if !count.to_string().is_empty() && !count.to_string().starts_with('/') => {
                    say("count", "a JSON pointer begins with a slash, or is empty", "write /member, /list/0, /by_key/{key}");
                }
                (Some(_), None) if !names_key(&self.path) && !names_key(&self.count) => {
                    say("count", "neither the page nor the count is that of a key", "let `path` or `count` have {key}");
                }
                (None, Some(_)) if self.key.is_none() => say("rows", "this does not say which member of a row names its key", "give `key`"),
                (_, _) => {}
            }
            let in_query = text.split_once('?').is_some_and(|(_, query)| query.contains("{key}"));
            if self.keys_a_page.is_some_and(|keys| keys == 0 || (keys > 1 && !in_query)) {
                say("keys_a_page", "several keys are asked for in the query alone", "let the query of `path` have {key}");
            }
        }
        let stands_alone = [
            ("count", self.count.is_some(), "path", self.path.is_some()),
            ("rows", self.rows.is_some(), "path", self.path.is_some()),
            ("keys_a_page", self.keys_a_page.is_some(), "path", self.path.is_some()),
            ("pattern", self.pattern.is_some(), "log", self.log.is_some()),
        ];
        for (member, _, with, _) in stands_alone.into_iter().filter(|(_, given, _, there)| *given && !there) {
            say(member, &format!("this goes with `{with}`"), &format!("give `{with}`, or leave it out"));
        }
        match (&self.log, &self.pattern) {
            (Some(_), None) => say("log", "this does not say which lines are effects", "give `pattern`, with {key} in it"),
            (Some(_), Some(pattern)) if !pattern.contains("{key}") => {
                say("pattern", "a line of an effect names its key", "put {key} where the key stands");
            }
            (_, _) => {}
        }
        if self.table.is_some() && self.key.is_none() && !self.table.as_ref().is_some_and(|table| table.contains("{key}")) {
            say("table", "this does not say which column names the key of an effect", "give `key`");
        }
        wrong
    }

    /// In words, for people: where effects are counted.
    #[must_use]
    pub fn told(&self) -> String {
        if let Some(path) = &self.path {
            let place = self
                .count
                .as_ref()
                .map(|count| format!("at {count}"))
                .or_else(|| self.rows.as_ref().map(|rows| format!("as rows of {rows}")));
            return format!("on the page GET {}, {}", path_text(path), place.unwrap_or_default());
        }
        match (&self.log, &self.table) {
            (Some(log), _) => format!("in the lines of {log} that fit `{}`", self.pattern.as_deref().unwrap_or_default()),
            (None, Some(table)) => format!("in the rows of {table}"),
            (None, None) => "nowhere".to_owned(),
        }
    }
}

/// A template as it was written.
fn path_text(template: &Template) -> String {
    template.to_string()
}
