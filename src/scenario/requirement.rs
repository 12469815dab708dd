//! Requirements: the catalogue of what a suite's receivers promise, as data.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::contract::{Contract, Level, facts};
use crate::scenario::places;
use crate::yaml;
use crate::yaml::diagnostic::{Diagnostic, Diagnostics, listed};
use crate::yaml::tree::Tree;

/// `requirements.yaml` of a suite.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Catalogue {
    /// The suite: the name of the folder it stands in.
    pub suite: String,
    /// Suites that this one builds on: it has their requirements, words and scenarios, and its own on top.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub includes: Vec<String>,
    /// The body file of deliveries that do not say which.
    pub ordinary_body: String,
    /// Words that scenarios may name under `needs` beside those that follow from a contract, each with what it means.
    #[serde(default)]
    pub capabilities: BTreeMap<String, String>,
    /// Topics by the letters that requirement ids begin with.
    #[serde(default)]
    pub topics: BTreeMap<String, String>,
    /// Requirements that every delivery of every scenario is held to.
    #[serde(default)]
    pub always: Always,
    /// Which requirement speaks of what is wrong with an answer or a row, whatever a scenario is about, by the mismatch's code.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub speaks: BTreeMap<String, Vec<String>>,
    /// The same for what must hold before others can be judged: where the plainest delivery of its kind fails, nothing else is
    /// called broken for it. Of several requirements the first that the contract promises counts.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub underlies: BTreeMap<String, Vec<String>>,
    /// Every requirement, in the order of reports.
    pub requirements: Vec<Requirement>,
    /// Topics and sentences in other languages, by the two letters of each.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub translations: BTreeMap<String, Translation>,
}

/// A requirement in another language.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct InLanguage {
    /// The topic, in words.
    pub topic: String,
    /// The sentence.
    pub sentence: String,
}

/// What a catalogue says in another language.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Translation {
    /// Topics by the letters that requirement ids begin with.
    #[serde(default)]
    pub topics: BTreeMap<String, String>,
    /// Sentences by the ids of their requirements.
    #[serde(default)]
    pub sentences: BTreeMap<String, String>,
}

/// Requirements that are watched all the time, whatever a scenario is about.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Always {
    /// Every delivery is answered within the contract's limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answers_in_time: Option<String>,
    /// An honestly signed delivery is accepted: without it, nothing else can be judged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub honest_is_accepted: Option<String>,
    /// For every key, some order of events explains all that was answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub some_order_explains: Option<String>,
    /// Every acceptance that was answered has its audit row.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acceptances_are_audited: Option<String>,
    /// Every key row has its audit row, and every acceptance one of each.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keys_have_evidence: Option<String>,
    /// A delivery that was refused leaves nothing behind.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refusals_leave_no_trace: Option<String>,
    /// Every cell of an audit row is as the contract says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rows_are_as_promised: Option<String>,
    /// The hash in an audit row is that of the body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hashes_are_of_the_body: Option<String>,
    /// No audit row says that it came before one that was there already.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instants_never_go_back: Option<String>,
    /// A refusal writes no audit row.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refusals_are_not_audited: Option<String>,
    /// The audit trail over HTTP shows the rows that were written last; held against it after a load.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub page_shows_the_rows: Option<String>,
    /// Nothing follows an answer on its connection.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nothing_follows: Option<String>,
    /// Every acceptance is told once to every subscriber of its stream; judged under load.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acceptances_are_streamed_once: Option<String>,
    /// Every subscriber gets the events of its own stream, and no other; judged under load.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub streams_tell_their_own: Option<String>,
    /// Events come in the order of their acceptances, over whatever connections; judged under load.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub streams_keep_their_order: Option<String>,
    /// The work of every accepted key is done once; counted after every scenario, where it can be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub work_is_done_once: Option<String>,
    /// No work is done for a key that was never accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nothing_else_is_done: Option<String>,
    /// A key is remembered over a restart: what a scenario asks for behind one is judged where this is promised.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keys_outlive_restarts: Option<String>,
    /// Ids of events, and what followed them, are kept over a restart.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ids_outlive_restarts: Option<String>,
    /// The receiver answers its health check before and after every scenario.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lives: Option<String>,
}

/// One requirement.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Requirement {
    /// Its name: `DUP-2`.
    pub id: String,
    /// How much it weighs: `must` or `should`.
    pub level: Level,
    /// What is required, as a sentence; `{refused.signature}` and other places are filled from the contract.
    pub sentence: String,
    /// Where it comes from.
    pub source: String,
    /// It is about remembering: a receiver that forgets every delivery at once must never pass it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub memory: bool,
    /// Why no scenario shows it, when none does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub excluded: Option<String>,
}

impl Catalogue {
    /// Reads a catalogue.
    ///
    /// * `name`: the file's name, as people should see it.
    ///
    /// # Errors
    /// Every mistake of the file.
    pub fn read(name: &str, text: &str) -> Result<Self, Diagnostics> {
        let (catalogue, tree) = yaml::read::<Self>(name, text)?;
        let mut wrong = catalogue.translated_in_vain(&tree);
        wrong.extend(catalogue.unknown_places(&tree));
        if wrong.is_empty() { Ok(catalogue) } else { Err(Diagnostics::new(name, text, wrong)) }
    }

    /// The catalogue with every place of its sentences filled from a contract.
    #[must_use]
    pub fn said_of(mut self, contract: &Contract) -> Self {
        for one in &mut self.requirements {
            one.sentence = places::fill(&one.sentence, contract, "en");
        }
        for (language, words) in &mut self.translations {
            for sentence in words.sentences.values_mut() {
                *sentence = places::fill(sentence, contract, language);
            }
        }
        self
    }

    /// The requirement called `id`.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&Requirement> {
        self.requirements.iter().find(|one| one.id == id)
    }

    /// What a word under `needs` means, when the suite or the contracts know it.
    #[must_use]
    pub fn meaning_of(&self, need: &str) -> Option<&str> {
        self.capabilities.get(need).map(String::as_str).or_else(|| facts::meaning_of(need))
    }

    /// The topic of a requirement: the letters before its dash, in words.
    #[must_use]
    pub fn topic_of(&self, id: &str) -> String {
        let letters = letters(id);
        self.topics.get(letters).cloned().unwrap_or_else(|| letters.to_owned())
    }

    /// A requirement's topic and sentence in every language that has both, by the language's two letters.
    #[must_use]
    pub fn translations_of(&self, id: &str) -> BTreeMap<String, InLanguage> {
        let one = |(language, words): (&String, &Translation)| {
            let (topic, sentence) = (words.topics.get(letters(id))?.clone(), words.sentences.get(id)?.clone());
            Some((language.clone(), InLanguage { topic, sentence }))
        };
        self.translations.iter().filter_map(one).collect()
    }

    /// Places in sentences that no contract fills.
    fn unknown_places(&self, tree: &Tree) -> Vec<Diagnostic> {
        let own = self.requirements.iter().enumerate().map(|(at, one)| (format!("requirements[{at}].sentence"), &one.sentence));
        let of = |(language, words): (&String, &Translation)| {
            let paths = words.sentences.iter().map(|(id, sentence)| (format!("translations.{language}.sentences.{id}"), sentence.clone()));
            paths.collect::<Vec<_>>()
        };
        let translated: Vec<(String, String)> = self.translations.iter().flat_map(of).collect();
        let all = own.map(|(path, sentence)| (path, sentence.clone())).chain(translated);
        let wrong = all.filter_map(|(path, sentence)| Some((path, places::unknown_in(&sentence)?)));
        let known = places::known();
        let told = wrong
            .map(|(path, message)| Diagnostic::new(tree.root.span_at(&path), message).with_hint(format!("places: {}", listed(&known))));
        told.collect()
    }

    /// Translations of what is not in the catalogue.
    fn translated_in_vain(&self, tree: &Tree) -> Vec<Diagnostic> {
        let mut wrong = Vec::new();
        for (language, Translation { topics, sentences }) in &self.translations {
            let at = |part: &str, name: &str| tree.root.key_span_at(&format!("translations.{language}.{part}.{name}"));
            let unknown = topics.keys().filter(|letters| !self.topics.contains_key(*letters));
            wrong.extend(
                unknown.map(|letters| Diagnostic::new(at("topics", letters), format!("there is no topic `{letters}` to translate"))),
            );
            let unknown = sentences.keys().filter(|id| self.get(id).is_none());
            wrong.extend(unknown.map(|id| Diagnostic::new(at("sentences", id), format!("there is no requirement `{id}` to translate"))));
        }
        wrong
    }
}

/// The letters that an id begins with: its topic.
pub(super) fn letters(id: &str) -> &str {
    id.split('-').next().unwrap_or(id)
}
