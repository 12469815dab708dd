//! Requirements that must have been judged: which were not, why, and what to give so that they are.
//!
//! In: what was asked for (`DUP-*`), and the requirements of a report. Out: the
//! facts for the report; a requirement counts as judged when it passed, failed
//! or is known to fail, and never when it is not applicable or undecided.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::report::human::one_line;
use crate::report::language::Language;
use crate::report::{RequirementReport, Verdict};
use crate::scenario::pattern::fits;

/// What must have been judged, and what was not.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RequiredFacts {
    /// What was asked for: names, `*` for any characters.
    pub asked: Vec<String>,
    /// Those that were not judged.
    pub missing: Vec<Missing>,
}

/// A requirement that had to be judged, and was not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Missing {
    /// Its name.
    pub id: String,
    /// `not-applicable` or `undecided`.
    pub verdict: Verdict,
    /// Why it was not judged.
    pub reason: String,
    /// What to give so that it is.
    pub give: String,
}

/// Whether a pattern means a requirement; `!` in front is no part of it.
#[must_use]
pub fn means(pattern: &str, id: &str) -> bool {
    let pattern = pattern.trim().trim_start_matches('!');
    fits(pattern, id) || fits(&pattern.to_uppercase(), id)
}

/// Whether patterns ask for a requirement: one means it, and none leaves it out (`!AUTH-10`); all are asked for where nothing but that is said.
#[must_use]
pub fn is_asked(patterns: &[String], id: &str) -> bool {
    let (left_out, wanted): (Vec<&String>, Vec<&String>) = patterns.iter().partition(|pattern| pattern.trim().starts_with('!'));
    let is = |pattern: &&String| means(pattern, id);
    (wanted.is_empty() || wanted.iter().any(is)) && !left_out.iter().any(is)
}

/// Which of the requirements that were asked for were not judged.
#[must_use]
pub fn required(asked: &[String], requirements: &[RequirementReport]) -> RequiredFacts {
    let wanted = requirements.iter().filter(|one| is_asked(asked, &one.id));
    let missing = wanted.filter_map(|one| missing(&one.id, one.verdict, one.reason.as_deref())).collect();
    RequiredFacts { asked: asked.iter().map(|pattern| pattern.trim().to_owned()).collect(), missing }
}

/// A requirement that was not judged; `None` for one that was.
#[must_use]
pub fn missing(id: &str, verdict: Verdict, reason: Option<&str>) -> Option<Missing> {
    match verdict {
        Verdict::Pass | Verdict::Warn | Verdict::Fail | Verdict::Known => None,
        Verdict::NotApplicable | Verdict::Undecided => {
            let reason = reason.unwrap_or("no reason was given").to_owned();
            Some(Missing { id: id.to_owned(), verdict, give: give(verdict, &reason), reason })
        }
    }
}

/// Words of a reason, and what to give where they stand; the first that fits.
const GIVE: [(&str, &str); 17] = [
    ("no --db was given", "the database: --db PATH or URL (`evidence.db` in hookgate.toml)"),
    ("where state can be seen", "the tables under `state` in the contract, and --db"),
    ("effects cannot be counted", "`effects` in the contract, or --evidence-cmd (`evidence.cmd` in hookgate.toml)"),
    ("no --clock was given", "a clock: --clock rewind with --db, --clock faketime with --exec, or --clock wait (`clock` in hookgate.toml)"),
    ("longer than --max-wait", "more time: a longer --max-wait, or a clock that need not wait (--clock rewind, faketime)"),
    ("hookgate has not started it", "the command that starts it: --exec CMD (`target.exec` in hookgate.toml)"),
    ("(--level must)", "the level: --level should"),
    ("give it a longer life (--ttl)", "a longer life of keys: --ttl"),
    ("not promised by the contract", "the promise: take it out of `not_promised` of the contract, or out of --require"),
    ("does not promise it", "the promise: take it out of `not_promised` of the contract, or out of --require"),
    ("promises no idempotency", "the promise: `key` and `outcomes.duplicate` in the contract, or take it out of --require"),
    ("does not offer", "the capability: what the contract says of it, if the receiver has it; else take it out of --require"),
    (
        "a receiver that remembers nothing",
        "what tells a duplicate: --db, or effects (--evidence-cmd), or an answer to duplicates that differs",
    ),
    ("a receiver without memory", "what tells a duplicate: --db, or effects (--evidence-cmd), or an answer to duplicates that differs"),
    ("was played", "its scenarios: play the whole suite (no --select, no names)"),
    ("honestly signed delivery is refused", "a receiver that accepts honest deliveries: `hookgate doctor` says why it does not"),
    ("the contract limits bodies", "a higher limit in the contract (`limits`), if the receiver has it"),
];

/// What to give so that a requirement is judged.
fn give(verdict: Verdict, reason: &str) -> String {
    if let Some((_, give)) = GIVE.iter().find(|(words, _)| reason.contains(words)) {
        return (*give).to_owned();
    }
    match verdict {
        Verdict::Undecided if reason.contains("failed at something else") => "a receiver without what failed first".to_owned(),
        Verdict::Undecided => {
            "another run: what stood in the way is in the reason (--time-limit, --max-wait, a receiver that answers)".to_owned()
        }
        Verdict::NotApplicable | Verdict::Pass | Verdict::Warn | Verdict::Fail | Verdict::Known => {
            "a contract or surroundings under which it applies, or take it out of --require".to_owned()
        }
    }
}

impl Missing {
    /// Everything in one line.
    #[must_use]
    pub fn told(&self, language: Language) -> String {
        let values = [
            ("id", self.id.as_str().into()),
            ("verdict", language.verdict(self.verdict).into()),
            ("reason", one_line(&language.retold(&self.reason)).into()),
            ("give", language.retold(&self.give).into()),
        ];
        language.with("required-told", &values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What to give is told in the reader's language, and in English as it stands.
    #[test]
    fn what_to_give_is_told_in_the_readers_language() {
        let others = ["failed at something else", "the machine was busy"].map(|reason| give(Verdict::Undecided, reason));
        let all = GIVE.iter().map(|(_, give)| (*give).to_owned()).chain(others).chain([give(Verdict::NotApplicable, "")]);
        for give in all {
            let missing = Missing { id: "DUP-1".to_owned(), verdict: Verdict::NotApplicable, reason: String::new(), give: give.clone() };
            assert!(missing.told(Language::En).ends_with(&give), "{give}");
            assert!(!missing.told(Language::Ja).contains(&give), "{give} has no Japanese");
        }
    }

    /// Patterns ask and leave out, as a selection does.
    #[test]
    fn patterns_ask_and_leave_out() {
        for (patterns, asked, not) in [
            (&["AUTH-*"][..], &["AUTH-1", "AUTH-10"][..], &["DUP-1"][..]),
            (&["AUTH-*", "!AUTH-10"], &["AUTH-1"], &["AUTH-10", "DUP-1"]),
            (&["auth-*", " !auth-1 "], &["AUTH-10"], &["AUTH-1"]),
            (&["!TTL-*"], &["AUTH-1"], &["TTL-1"]),
        ] {
            let patterns: Vec<String> = patterns.iter().map(|&pattern| pattern.to_owned()).collect();
            for (ids, wanted) in [(asked, true), (not, false)] {
                assert!(ids.iter().all(|id| is_asked(&patterns, id) == wanted), "{patterns:?} {ids:?}");
            }
        }
    }
}
