//! `compare.html`: two reports side by side on one page.

use std::collections::BTreeSet;

use minijinja::value::Serde;
use minijinja::{Error, Value, context};

use super::{Change, Comparison, RequirementChange};
use crate::report::page::page;

const BODY: &str = include_str!("../page/compare.html.j2");

impl Comparison {
    /// The page.
    ///
    /// # Errors
    /// When the template names what is not there.
    pub fn html(&self) -> Result<String, Error> {
        let changes: BTreeSet<Change> = self.requirements.iter().map(|one| one.change).collect();
        let topics: BTreeSet<&str> = self.requirements.iter().map(|one| topic(&one.id)).collect();
        let count = |change: &Change| self.requirements.iter().filter(|one| one.change == *change).count();
        let parts: Vec<(String, Vec<String>)> = [
            ("Why the second is worse", &self.worse),
            ("Tables", &self.tables),
            ("Answers and rows", &self.answers),
            ("Made differently", &self.environment),
        ]
        .into_iter()
        .filter(|(_, lines)| !lines.is_empty())
        .map(|(name, lines)| (name.to_owned(), lines.clone()))
        .collect();
        page(
            BODY,
            context! {
                before => Value::from(Serde(&self.before)),
                after => Value::from(Serde(&self.after)),
                worse => !self.worse.is_empty(),
                summary => self.summary(),
                counts => changes.iter().map(|change| (change.words(), count(change))).collect::<Vec<_>>(),
                parts => parts,
                changes => changes.iter().map(|change| context! { id => name(*change), words => change.words() }).collect::<Vec<_>>(),
                topics => topics.into_iter().map(str::to_owned).collect::<Vec<String>>(),
                numbers => self.numbers.iter().map(|one| context! {
                    name => one.name.clone(),
                    before => one.shown(one.before),
                    after => one.shown(one.after),
                    percent => format!("{:+.1}%", one.percent()),
                    noise => one.noise.map_or_else(|| "too few seconds".to_owned(), |noise| one.shown(noise)),
                    change => one.change.clone(),
                    badge => match one.change.as_str() { "better" => "pass", "worse" => "fail", _ => "same" },
                }).collect::<Vec<_>>(),
                requirements => self.requirements.iter().map(row).collect::<Vec<_>>(),
            },
        )
    }
}

fn row(one: &RequirementChange) -> Value {
    let verdict = |verdict: Option<crate::report::Verdict>| verdict.map_or("·", crate::report::Verdict::name);
    context! {
        id => one.id.clone(),
        topic => topic(&one.id).to_owned(),
        sentence => one.sentence.clone(),
        change => name(one.change),
        words => one.change.words(),
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

/// The change in one word, as the filter knows it.
fn name(change: Change) -> String {
    change.words().replace(' ', "-")
}
