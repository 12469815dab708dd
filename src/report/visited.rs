//! Visited: what a visit showed, in words.
//!
//! In: a [`Visit`] as a report keeps it, in codes and facts. Out: a line each,
//! the most likely cause as a sentence, and what to try, in the reader's language.

use fluent_bundle::FluentValue;
use minijinja::{Value, context};

use crate::report::Report;
use crate::report::human::one_line;
use crate::report::language::Language;
use crate::visit::{Found, Line, Refused, Visit};

/// The cause as a sentence without a full stop.
#[must_use]
pub fn sentence(refused: &Refused, language: Language) -> String {
    told("visit-cause", refused, language)
}

/// What to try.
#[must_use]
pub fn advice(refused: &Refused, language: Language) -> String {
    told("visit-try", refused, language)
}

fn told(of: &str, refused: &Refused, language: Language) -> String {
    let facts: Vec<(&str, FluentValue<'_>)> = refused.facts.iter().map(|(name, value)| (name.as_str(), one_line(value).into())).collect();
    language.with(&format!("{of}-{}", refused.code.name()), &facts)
}

/// What was sent.
#[must_use]
pub fn probe(line: &Line, language: Language) -> String {
    language.say(&format!("visit-probe-{}", line.probe.name()))
}

/// How it went, with a sign.
#[must_use]
pub fn found(line: &Line, language: Language) -> String {
    language.say(&format!("visit-found-{}", line.found.name()))
}

/// What came, and what was due where that is not it.
#[must_use]
pub fn observed(line: &Line, language: Language) -> String {
    let observed = one_line(&line.observed);
    match line.found {
        Found::Wrong => language.with("visit-due", &[("observed", observed.into()), ("due", line.due.as_str().into())]),
        Found::Right | Found::NotJudged => observed,
    }
}

/// What the visit showed, a row each, for templates.
#[must_use]
pub fn rows(report: &Report, language: Language) -> Vec<Value> {
    let row = |line: &Line| {
        context! {
            verdict => match line.found {
                Found::Right => "pass",
                Found::Wrong => "fail",
                Found::NotJudged => "not-applicable",
            },
            probe => probe(line, language),
            found => found(line, language),
            observed => observed(line, language),
        }
    };
    report.visit.iter().flat_map(|visit| &visit.lines).map(row).collect()
}

/// Makes the sentences of a refusal anew from its code and its facts.
pub fn retell(visit: &mut Visit) {
    if let Some(refused) = &mut visit.refused {
        (refused.sentence, refused.advice) = (sentence(refused, Language::En), advice(refused, Language::En));
    }
}
