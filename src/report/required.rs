//! Requirements that must have been judged: which were not, why, and what to give so that they are.
//!
//! In: what was asked for (`DUP-*`), and the requirements of a report. Out: the
//! facts for the report; a requirement counts as judged when it passed, failed
//! or is known to fail, and never when it is not applicable or undecided.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::report::human::one_line;
use crate::report::lack::Lack;
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
    let missing = wanted.filter_map(missing).collect();
    RequiredFacts { asked: asked.iter().map(|pattern| pattern.trim().to_owned()).collect(), missing }
}

/// A requirement that was not judged; `None` for one that was.
fn missing(one: &RequirementReport) -> Option<Missing> {
    match one.verdict {
        Verdict::Pass | Verdict::Warn | Verdict::Fail | Verdict::Known => None,
        Verdict::NotApplicable | Verdict::Undecided => {
            let reason = one.reason.as_deref().unwrap_or("no reason was given").to_owned();
            Some(Missing { id: one.id.clone(), verdict: one.verdict, reason, give: give(one.verdict, one.lack).to_owned() })
        }
    }
}

/// What to give so that a requirement is judged.
fn give(verdict: Verdict, lack: Option<Lack>) -> &'static str {
    match (lack, verdict) {
        (Some(lack), _) => lack.give(),
        (None, Verdict::Undecided) => {
            "another run: what stood in the way is in the reason (--time-limit, --max-wait, a receiver that answers)"
        }
        (None, Verdict::NotApplicable | Verdict::Pass | Verdict::Warn | Verdict::Fail | Verdict::Known) => {
            "a contract or surroundings under which it applies, or take it out of --require"
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
        let unknown = [Verdict::Undecided, Verdict::NotApplicable].map(|verdict| give(verdict, None));
        for give in Lack::ALL.map(Lack::give).into_iter().chain(unknown) {
            let missing = Missing { id: "DUP-1".to_owned(), verdict: Verdict::NotApplicable, reason: String::new(), give: give.to_owned() };
            assert!(missing.told(Language::En).ends_with(give), "{give}");
            assert!(!missing.told(Language::Ja).contains(give), "{give} has no Japanese");
        }
    }

    /// What lacks says what to give, whatever the sentence says.
    #[test]
    fn what_to_give_follows_from_what_lacks() {
        let one = |lack: Option<Lack>| -> RequirementReport {
            let value = serde_json::json!({
                "id": "A-1", "level": "must", "sentence": "s", "topic": "t", "verdict": "not-applicable", "scenarios": [],
                "reason": "it moves time, and no --clock was given", "lack": lack,
            });
            serde_json::from_value(value).expect("it is a requirement")
        };
        let give = |lack| required(&["A-*".to_owned()], &[one(lack)]).missing.remove(0).give;
        assert_eq!(give(Some(Lack::Database)), Lack::Database.give());
        assert!(give(None).starts_with("a contract or surroundings"));
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
