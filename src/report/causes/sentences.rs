//! Sentences of causes, in the reader's language, from codes.

use fluent_bundle::FluentValue;

use super::Cause;
use crate::contract::outcome::Refusal;
use crate::outcome::mismatch::{Kind, When};
use crate::report::human::one_line;
use crate::report::language::Language;
use crate::report::visited;

/// A cause as a sentence without a full stop.
#[must_use]
pub fn sentence(cause: &Cause, language: Language) -> String {
    if let Some(refused) = &cause.refused {
        return visited::sentence(refused, language);
    }
    let about = &cause.mismatch;
    let none = || language.say("cause-none");
    let word = |word: &Option<String>| word.as_deref().map_or_else(none, one_line);
    let status = about.status.map_or_else(none, |status| status.to_string());
    let table = about
        .table
        .as_ref()
        .filter(|_| about.kind != Kind::Stream)
        .map_or_else(none, |table| language.say(&format!("cause-table-{table}")));
    let when = language.say(about.special().first().map_or("when-plain", |when| when_key(*when)));
    let facts: [(&str, FluentValue<'_>); 7] = [
        ("status", status.into()),
        ("due", word(&about.due).into()),
        ("name", word(&about.name).into()),
        ("table", table.into()),
        ("when", when.into()),
        ("what", language.say(&what_key(about.kind, about.why.unwrap_or(Refusal::Signature))).into()),
        ("id", cause.requirement.as_str().into()),
    ];
    let plain = format!("cause-{}", about.kind.name());
    let as_due = about.due.is_some() && about.due == about.status.map(|status| status.to_string());
    // Without the statuses that were due, or where it is not the status that is wrong, only what came can be told.
    let key = match (about.kind, &about.due, about.status) {
        (Kind::DuplicateOtherwise | Kind::AcceptedOtherwise, _, _) if as_due || about.due.is_none() => format!("{plain}-bare"),
        (Kind::RefusedOtherwise, None, _) | (Kind::HonestRefused | Kind::RepeatRefused, _, None) => format!("{plain}-bare"),
        (Kind::Stream, _, _) => format!("cause-stream-{}", about.table.as_deref().unwrap_or("order")),
        (_, Some(_), Some(_)) if about.never_as_due => format!("cause-{}", Kind::AcceptedOtherwise.name()),
        (Kind::RefusalTaken, _, _) if about.name.as_deref() == Some("duplicate") => format!("{plain}-duplicate"),
        (Kind::RefusalTaken, _, _) if about.name.is_some() => format!("{plain}-either"),
        (Kind::NoFailure, _, Some(_)) if about.name.is_some() => format!("{plain}-again"),
        (_, _, _) if about.now_and_then => "cause-now-and-then".to_owned(),
        (_, _, _) => plain,
    };
    let plain = language.with(&key, &facts);
    match &cause.exception {
        Some(exception) => {
            let exception = one_line(exception);
            language.with("cause-exception", &[("sentence", plain.into()), ("exception", exception.into())])
        }
        None => plain,
    }
}

/// What to try against a cause, where that is known.
#[must_use]
pub fn advice(cause: &Cause, language: Language) -> Option<String> {
    cause.refused.as_ref().map(|refused| visited::advice(refused, language))
}

/// How much a cause explains.
#[must_use]
pub fn explains(cause: &Cause, language: Language) -> String {
    if cause.refused.is_some() {
        return language.say("visit-nothing-else");
    }
    let explained = &cause.explains;
    language.with(
        "cause-explains",
        &[("findings", explained.findings.into()), ("of", explained.of.into()), ("requirements", explained.requirements.len().into())],
    )
}

fn when_key(when: When) -> &'static str {
    match when {
        When::Later => "when-plain",
        When::Restarted => "when-restarted",
        When::AtOnce => "when-at-once",
        When::UnderWay => "when-under-way",
        When::Resigned => "when-resigned",
        When::Aged | When::Prolonged => "when-aged",
        When::OtherBody => "when-other-body",
        When::AfterRefusal => "when-after-refusal",
        When::OddKey => "when-odd-key",
        When::OddBody => "when-odd-body",
        When::OddWay => "when-odd-way",
        When::SlowReader => "when-slow-reader",
    }
}

fn what_key(kind: Kind, why: Refusal) -> String {
    let family = if kind == Kind::RefusedOtherwise { "refused" } else { "wrong" };
    format!("{family}-{}", why.name())
}
