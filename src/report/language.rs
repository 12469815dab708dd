//! Languages: what reports say around the facts, in English and Japanese.
//!
//! A key and its values in, a sentence out, from `language/*.ftl` (Fluent).
//! Facts themselves (names, answers, what a scenario expected) are told as they
//! were written down; sentences of requirements come translated with the
//! catalogue. Where a translation is missing the key stands, and a test fails.

pub mod phrases;

use std::sync::LazyLock;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};
use minijinja::value::{Kwargs, Value};
use minijinja::{Environment, Error, ErrorKind};

use crate::contract::Level;
use crate::report::{Overall, Report, RequirementReport, ScenarioReport, Verdict};

/// A language that reports are written in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Language {
    /// English.
    #[default]
    En,
    /// Japanese, in the words of the report that the project began with.
    Ja,
}

static EN: LazyLock<FluentBundle<FluentResource>> = LazyLock::new(|| bundle("en", include_str!("language/en.ftl")));
static JA: LazyLock<FluentBundle<FluentResource>> = LazyLock::new(|| bundle("ja", include_str!("language/ja.ftl")));

/// The sentences that reports hold in English, by their keys.
static TOLD: LazyLock<Vec<(&str, &str)>> = LazyLock::new(|| {
    let lines = include_str!("language/en.ftl").lines();
    lines.filter(|line| line.starts_with("told-")).filter_map(|line| line.split_once(" = ")).collect()
});

fn bundle(name: &str, text: &str) -> FluentBundle<FluentResource> {
    // What does not parse is left out, and found missing by the tests.
    let resource = FluentResource::try_new(text.to_owned()).unwrap_or_else(|(resource, _)| resource);
    let mut bundle = FluentBundle::new_concurrent(name.parse().into_iter().collect());
    bundle.set_use_isolating(false);
    // A key that is there twice: the first counts.
    drop(bundle.add_resource(resource));
    bundle
}

impl Language {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::En, Self::Ja];

    /// Every sentence of every language, as its file has it.
    #[must_use]
    pub fn texts() -> [&'static str; 2] {
        [include_str!("language/en.ftl"), include_str!("language/ja.ftl")]
    }

    /// The two letters that stand for it.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Ja => "ja",
        }
    }

    /// Reads a language as it is named on a command line: `en` or `ja`.
    ///
    /// # Errors
    /// A sentence that names those there are.
    pub fn read(text: &str) -> Result<Self, String> {
        let known = || Self::ALL.map(Self::code).join(", ");
        Self::ALL.into_iter().find(|one| one.code() == text).ok_or_else(|| format!("there is no language `{text}`: {}", known()))
    }

    /// The language of a locale as the environment names it: `ja_JP.UTF-8`.
    #[must_use]
    pub fn of_locale(locale: &str) -> Option<Self> {
        let code = locale.split(['_', '.', '-', '@']).next()?;
        Self::ALL.into_iter().find(|one| one.code() == code)
    }

    fn bundle(self) -> &'static FluentBundle<FluentResource> {
        match self {
            Self::En => &EN,
            Self::Ja => &JA,
        }
    }

    /// What stands under a key.
    #[must_use]
    pub fn say(self, key: &str) -> String {
        self.with(key, &[])
    }

    /// The same, with values for its places.
    #[must_use]
    pub fn with(self, key: &str, values: &[(&str, FluentValue<'_>)]) -> String {
        let bundle = self.bundle();
        let Some(pattern) = bundle.get_message(key).and_then(|message| message.value()) else { return key.to_owned() };
        let mut args = FluentArgs::new();
        for (name, value) in values {
            args.set(*name, value.clone());
        }
        bundle.format_pattern(pattern, Some(&args), &mut Vec::new()).into_owned()
    }

    /// A text that stands in a report as it was written down, in this language where it is ours: a phrase, a sentence, or one up to
    /// its colon; line by line.
    #[must_use]
    pub fn retold(self, text: &str) -> String {
        match self {
            Self::En => text.to_owned(),
            Self::Ja => phrases::in_japanese(text, &|sentence| self.told(sentence)),
        }
    }

    /// A sentence that has a key of its own, whole or up to its colon.
    fn told(self, sentence: &str) -> Option<String> {
        let key = |text: &str| TOLD.iter().find(|(_, told)| *told == text).map(|(key, _)| *key);
        if let Some(key) = key(sentence) {
            return Some(self.say(key));
        }
        let (head, rest) = sentence.split_once(": ")?;
        key(head).map(|key| format!("{}: {rest}", self.say(key)))
    }

    /// A verdict.
    #[must_use]
    pub fn verdict(self, verdict: Verdict) -> String {
        self.say(&format!("verdict-{}", verdict.name()))
    }

    /// The verdict of a whole run or load.
    #[must_use]
    pub fn overall(self, overall: Overall) -> String {
        self.say(&format!("overall-{}", overall.words().replace(' ', "-")))
    }

    /// How much a requirement weighs.
    #[must_use]
    pub fn level(self, level: Level) -> String {
        self.say(match level {
            Level::Must => "level-must",
            Level::Should => "level-should",
            Level::Free => "level-free",
        })
    }

    /// Gives templates `t("key", name=value)`, `sentence|retold`, and the language's code as `lang`.
    pub fn teach(self, pages: &mut Environment<'_>) {
        pages.add_global("lang", self.code());
        pages.add_filter("retold", move |sentence: String| self.retold(&sentence));
        pages.add_function("t", move |key: String, values: Kwargs| -> Result<String, Error> {
            let mut args: Vec<(String, FluentValue<'static>)> = Vec::new();
            for name in values.args() {
                let value: Value = values.get(name)?;
                let value = if value.is_number() {
                    FluentValue::from(f64::try_from(value).map_err(|wrong| Error::new(ErrorKind::InvalidOperation, wrong.to_string()))?)
                } else {
                    FluentValue::from(value.to_string())
                };
                args.push((name.to_owned(), value));
            }
            let args: Vec<(&str, FluentValue<'_>)> = args.iter().map(|(name, value)| (name.as_str(), value.clone())).collect();
            Ok(self.with(&key, &args))
        });
    }
}

impl ScenarioReport {
    /// The title in a language; as it was written where that lacks it.
    #[must_use]
    pub fn title_in(&self, language: Language) -> &str {
        self.titles.get(language.code()).unwrap_or(&self.title)
    }
}

impl RequirementReport {
    /// The sentence in a language; as it was written where that lacks it.
    #[must_use]
    pub fn sentence_in(&self, language: Language) -> &str {
        self.translations.get(language.code()).map_or(&self.sentence, |words| &words.sentence)
    }

    /// The topic in a language; as it was written where that lacks it.
    #[must_use]
    pub fn topic_in(&self, language: Language) -> &str {
        self.translations.get(language.code()).map_or(&self.topic, |words| &words.topic)
    }
}

impl Report {
    /// The sentence of a requirement in a language; empty where the report does not have it.
    #[must_use]
    pub fn sentence_of(&self, id: &str, language: Language) -> &str {
        self.requirements.iter().find(|one| one.id == id).map_or("", |one| one.sentence_in(language))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// The keys of a file, with the places that each has.
    fn keys(text: &str) -> BTreeSet<(String, BTreeSet<String>)> {
        let mut keys: Vec<(String, BTreeSet<String>)> = Vec::new();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let place = |word: &str| word.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-' || c == '_')).next().map(str::to_owned);
            let rest = match line.split_once(" = ").filter(|_| !line.starts_with(' ')) {
                Some((key, rest)) => {
                    keys.push((key.to_owned(), BTreeSet::new()));
                    rest
                }
                None => line,
            };
            if let Some((_, places)) = keys.last_mut() {
                places.extend(rest.split('$').skip(1).filter_map(place));
            }
        }
        keys.into_iter().collect()
    }

    /// Every language has the same keys with the same places, and every one of them is read.
    #[test]
    fn nothing_lacks_a_translation() {
        let (en, ja) = (include_str!("language/en.ftl"), include_str!("language/ja.ftl"));
        assert_eq!(keys(en), keys(ja));
        for (key, places) in keys(en) {
            for language in Language::ALL {
                let values: Vec<(&str, FluentValue<'_>)> = places.iter().map(|name| (name.as_str(), FluentValue::from(7))).collect();
                let said = language.with(&key, &values);
                assert!(language.bundle().has_message(&key) && !said.contains('{'), "{key}: {said}");
            }
        }
    }

    /// One thing is told as one, and a language that makes no difference makes none.
    #[test]
    fn counts_are_told_as_people_count() {
        let told = |language: Language, count: usize| language.with("count-scenarios", &[("count", count.into())]);
        assert_eq!((told(Language::En, 1), told(Language::En, 1_000)), ("1 scenario".to_owned(), "1000 scenarios".to_owned()));
        assert_eq!((told(Language::Ja, 1), told(Language::Ja, 2)), ("シナリオ 1 件".to_owned(), "シナリオ 2 件".to_owned()));
    }

    #[test]
    fn sentences_of_reports_are_retold_whole_or_up_to_their_colon() {
        let retold = |text: &str| Language::Ja.retold(text);
        assert_eq!(retold("it moves time, and no --clock was given"), "時間を進めるシナリオだが --clock の指定がない");
        assert_eq!(retold("excluded: needs a restart"), "除外: needs a restart");
        assert_eq!(retold("somebody's own words: here"), "somebody's own words: here");
        assert_eq!(Language::En.retold("excluded: needs a restart"), "excluded: needs a restart");
    }

    #[test]
    fn locales_of_the_environment_are_understood() {
        assert_eq!(Language::of_locale("ja_JP.UTF-8"), Some(Language::Ja));
        assert_eq!(Language::of_locale("en"), Some(Language::En));
        assert_eq!((Language::of_locale("C.UTF-8"), Language::of_locale("jam"), Language::of_locale("")), (None, None, None));
    }
}
