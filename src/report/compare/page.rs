//! `compare.html`: two reports side by side on one page.

use std::collections::BTreeSet;

use minijinja::{Error, Value, context};

use super::{Change, Comparison, RequirementChange, Side};
use crate::report::Verdict;
use crate::report::language::Language;
use crate::report::page::page;

const BODY: &str = include_str!("../page/compare.html.j2");

impl Comparison {
    /// The page.
    ///
    /// # Errors
    /// When the template names what is not there.
    pub fn html(&self) -> Result<String, Error> {
        let language = self.language;
        let side = |side: &Side| {
            let (kind, verdict) = self.words_of(side);
            context! { path => side.path.clone(), contract => side.contract.clone(), kind, verdict }
        };
        let changes: BTreeSet<Change> = self.requirements.iter().map(|one| one.change).collect();
        let topics: BTreeSet<&str> = self.requirements.iter().map(|one| topic(&one.id)).collect();
        let count = |change: &Change| self.requirements.iter().filter(|one| one.change == *change).count();
        let parts: Vec<(String, Vec<String>)> = [
            ("part-worse", &self.worse),
            ("part-tables", &self.tables),
            ("part-answers", &self.answers),
            ("part-environment", &self.environment),
        ]
        .into_iter()
        .filter(|(_, lines)| !lines.is_empty())
        .map(|(key, lines)| (language.say(key), lines.clone()))
        .collect();
        page(
            BODY,
            context! {
                before => side(&self.before),
                after => side(&self.after),
                worse => !self.worse.is_empty(),
                summary => self.summary(),
                counts => changes.iter().map(|change| (change.words(language), count(change))).collect::<Vec<_>>(),
                parts => parts,
                changes => changes.iter().map(|change| context! { id => change.name(), words => change.words(language) }).collect::<Vec<_>>(),
                topics => topics.into_iter().map(str::to_owned).collect::<Vec<String>>(),
                numbers => self.numbers.iter().map(|one| context! {
                    name => one.name.clone(),
                    before => one.spread(one.before, one.before_spread),
                    after => one.spread(one.after, one.after_spread),
                    percent => format!("{:+.1}%", one.percent()),
                    noise => one.noise_in(language),
                    change => language.say(&format!("number-{}", one.change)),
                    badge => match one.change.as_str() { "better" => "pass", "worse" => "fail", _ => "same" },
                }).collect::<Vec<_>>(),
                requirements => self.requirements.iter().map(|one| row(one, language)).collect::<Vec<_>>(),
            },
            language,
        )
    }
}

fn row(one: &RequirementChange, language: Language) -> Value {
    let verdict = |verdict: Option<Verdict>| verdict.map_or_else(|| "·".to_owned(), |verdict| language.verdict(verdict));
    context! {
        id => one.id.clone(),
        topic => topic(&one.id).to_owned(),
        sentence => one.sentence.clone(),
        change => one.change.name(),
        words => one.change.words(language),
        badge => match one.change {
            Change::NewlyBroken | Change::StillBroken => "fail",
            Change::NoLongerJudged => "warn",
            Change::NewlyKept | Change::NewlyShown => "pass",
            Change::StillKept | Change::NeverJudged => "same",
        },
        before => verdict(one.before),
        after => verdict(one.after),
        reason => one.reason.clone(),
    }
}

fn topic(id: &str) -> &str {
    id.split('-').next().unwrap_or(id)
}
