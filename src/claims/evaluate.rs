//! Sets what a report claims beside the evidence of a run.
//!
//! In: a reading, its form, a run's report with the answers of its history, and
//! perhaps the report of the phase before. Out: what each claim is worth, part
//! by part, and where the report does not agree with itself.

use std::collections::{BTreeMap, HashSet};

use super::claim::{Claim, ClaimKind, Column, Reading};
use super::encoding::holds;
use super::form::{Form, PartRule, Topic};
use super::{Inconsistency, Part, Weighed, Worth};
use crate::clock::iso;
use crate::report::language::Language;
use crate::report::{Report, Verdict};
use crate::state::TableShape;

const DAY_MICROS: i64 = 86_400_000_000;
/// Where a report is summed up, so many lines of it are named.
const LINES_NAMED: usize = 20;
/// From here on (CJK Radicals Supplement) words are not told apart by blanks.
const FIRST_BEYOND_LATIN: u32 = 0x2e80;

/// What a run has shown.
pub struct Evidence<'r> {
    /// Its report.
    pub report: &'r Report,
    /// The statuses of answers, by scenario and delivery.
    pub statuses: &'r BTreeMap<(String, String), u16>,
    /// The report of the phase before.
    pub before: Option<&'r Report>,
    /// What it is told in.
    pub language: Language,
}

/// What every claim is worth.
#[must_use]
pub fn evaluate(form: &Form, reading: &Reading, evidence: &Evidence<'_>) -> Vec<Weighed> {
    let language = evidence.language;
    let words: Vec<Words<'_>> = form.topics.iter().map(Words::of).collect();
    let topics: Vec<Option<&Topic>> = reading.claims.iter().map(|claim| topic(&words, claim)).collect();
    let is_answer = |claim: &Claim| matches!(claim.kind, ClaimKind::Answer { .. });
    let tested: HashSet<&str> = (reading.claims.iter().zip(&topics))
        .filter(|(claim, _)| is_answer(claim))
        .flat_map(|(_, topic)| topic.iter().flat_map(|topic| &topic.shown_by))
        .filter(|part| !part.beyond_one_answer)
        .flat_map(|part| &part.requirements)
        .map(String::as_str)
        .collect();
    let mut weighed: Vec<Weighed> = Vec::new();
    for (claim, topic) in reading.claims.iter().zip(&topics) {
        let parts = match (&claim.kind, topic) {
            (ClaimKind::Column(column), _) => column_parts(column, evidence),
            (_, None) => vec![not_shown(&language.say("claim-no-rule"))],
            (ClaimKind::Answer { got, want }, Some(topic)) => {
                let is_wrong = claim.kept == Some(false) && want.is_some_and(|want| want != *got);
                answer_parts(*got, is_wrong, form, topic, evidence)
            }
            (ClaimKind::Statement, Some(topic)) => as_said(form, topic, claim, language, statement_parts(form, topic, evidence)),
        };
        let denied = claim.kept == Some(false) && claim.kind == ClaimKind::Statement;
        let own = topic.map_or(&[][..], |topic| topic.shown_by.as_slice());
        let untested =
            !is_answer(claim) && !own.is_empty() && !own.iter().flat_map(|part| &part.requirements).any(|id| tested.contains(id.as_str()));
        weighed.push(Weighed {
            line: claim.line,
            listed_at: if let ClaimKind::Column(Column { listed: Some((line, _)), .. }) = &claim.kind { Some(*line) } else { None },
            section: claim.section.clone(),
            text: claim.text.clone(),
            worth: if denied { Worth::of(&parts).denied() } else { Worth::of(&parts) },
            denied,
            parts,
            untested,
        });
    }
    sum_up(&mut weighed, form, reading, &topics, language);
    weighed
}

/// What an answer is worth for itself, without what one answer does not touch.
fn for_itself(one: &Weighed, form: &Form, topic: Option<&Topic>, language: Language) -> Worth {
    let beyond: Vec<&str> = topic
        .iter()
        .flat_map(|topic| &topic.shown_by)
        .filter(|part| part.beyond_one_answer)
        .map(|part| form.say(&part.what, language))
        .collect();
    one.parts.iter().filter(|part| !beyond.contains(&part.what.as_str())).map(|part| part.worth).max().unwrap_or_default()
}

/// What says that all answers were right is worth what the answers are.
fn sum_up(weighed: &mut [Weighed], form: &Form, reading: &Reading, topics: &[Option<&Topic>], language: Language) {
    let answers: Vec<(usize, Worth)> = (weighed.iter().zip(topics).zip(&reading.claims))
        .filter(|(_, claim)| matches!(claim.kind, ClaimKind::Answer { .. }))
        .map(|((one, topic), _)| (one.line, for_itself(one, form, *topic, language)))
        .collect();
    let of = |worth: Worth| {
        let mut lines: Vec<String> = answers.iter().filter(|one| one.1 == worth).map(|one| one.0.to_string()).collect();
        if lines.len() > LINES_NAMED {
            lines.truncate(LINES_NAMED);
            lines.push("…".to_owned());
        }
        (!lines.is_empty()).then(|| language.with("claims-line", &[("lines", lines.join(", ").into())]))
    };
    let of_answers = |worth: Worth, why: String| Part { what: language.say("claim-its-answers"), worth, why, ..Part::default() };
    let told = |worth: Worth, lines: &str| of_answers(worth, format!("{}: {lines}", worth.words(language)));
    let (contradicted, not_shown) = (of(Worth::Contradicted), of(Worth::NotShown));
    let part = match (contradicted, not_shown, answers.is_empty()) {
        (Some(lines), _, _) => told(Worth::Contradicted, &lines),
        (None, None, false) => of_answers(Worth::Shown, language.say("claim-every-answer")),
        (None, Some(lines), _) => told(Worth::NotShown, &lines),
        (None, None, true) => of_answers(Worth::NotShown, language.say("claim-no-answers")),
    };
    for (one, topic) in weighed.iter_mut().zip(topics) {
        if topic.is_some_and(|topic| topic.sums_up_answers) {
            one.parts = vec![part.clone()];
            one.worth = if one.denied { part.worth.denied() } else { part.worth };
        }
    }
}

/// What shows a statement shows nothing of another one: one that denies it, or says more than a rule is for.
///
/// What is left out are words of the form's `fillers`. Where the text is not in Latin letters, words cannot be told apart, and only denials
/// are seen.
fn as_said(form: &Form, topic: &Topic, claim: &Claim, language: Language, parts: Vec<Part>) -> Vec<Part> {
    let marks = form.marks.kept.iter().chain(&form.marks.broken);
    let text = marks.fold(claim.text.to_lowercase(), |text, mark| text.replace(&mark.to_lowercase(), " "));
    let said = topic.says.iter().map(|word| word.to_lowercase()).filter(|word| text.contains(word.as_str()));
    let Some(said) = said.max_by_key(String::len) else { return parts };
    let rest = text.replacen(&said, " ", 1);
    let words: Vec<&str> = rest.split(|one: char| !one.is_alphanumeric() && one != '\'').filter(|word| !word.is_empty()).collect();
    let is_there = |word: &str| if word.is_ascii() { words.contains(&word) } else { rest.contains(word) };
    let (why, denies) = if let Some(denial) = form.denials.iter().find(|word| is_there(word)) {
        (language.with("claim-denies", &[("said", said.into()), ("word", denial.as_str().into())]), true)
    } else if !form.fillers.is_empty() && text.chars().all(|one| (one as u32) < FIRST_BEYOND_LATIN || !one.is_alphanumeric()) {
        let more: Vec<&str> = words.into_iter().filter(|word| !form.fillers.iter().any(|filler| filler == word)).collect();
        if more.is_empty() {
            return parts;
        }
        (language.with("claim-says-more", &[("said", said.into()), ("more", more.join(" ").into())]), false)
    } else {
        return parts;
    };
    let unsaid =
        |part: Part| if denies || part.worth == Worth::Shown { Part { worth: Worth::NotShown, why: why.clone(), ..part } } else { part };
    parts.into_iter().map(unsaid).collect()
}

/// A topic, and the words for it.
struct Words<'f> {
    topic: &'f Topic,
    says: Vec<Vec<char>>,
}

impl<'f> Words<'f> {
    fn of(topic: &'f Topic) -> Self {
        Self { topic, says: topic.says.iter().map(|word| word.chars().collect()).collect() }
    }
}

/// The topic with the longest word in the claim; one that no run can show goes before the others, of which it may speak.
fn topic<'f>(topics: &[Words<'f>], claim: &Claim) -> Option<&'f Topic> {
    let text: Vec<char> = claim.text.chars().collect();
    let longest = |one: &Words<'f>| one.says.iter().filter(|word| holds(&text, word)).map(Vec::len).max();
    let spoken_of = topics.iter().filter_map(|one| Some((one.topic, longest(one)?)));
    spoken_of.max_by_key(|(topic, longest)| (topic.beyond_a_run.is_some(), *longest)).map(|(topic, _)| topic)
}

fn not_shown(why: &str) -> Part {
    Part { why: why.to_owned(), ..Part::default() }
}

fn statement_parts(form: &Form, topic: &Topic, evidence: &Evidence<'_>) -> Vec<Part> {
    if let Some(why) = &topic.beyond_a_run {
        return vec![not_shown(form.say(why, evidence.language))];
    }
    topic.shown_by.iter().map(|rule| part(form, rule, evidence)).collect()
}

fn answer_parts(got: u16, is_wrong: bool, form: &Form, topic: &Topic, evidence: &Evidence<'_>) -> Vec<Part> {
    let language = evidence.language;
    let mut parts = Vec::new();
    if let Some(of) = &topic.answer_of {
        let seen = evidence.statuses.get(&(of.scenario.clone(), of.delivery.clone()));
        let (worth, why) = match seen {
            Some(seen) if *seen == got => (Worth::Shown, language.with("claim-answered", &[("status", seen.to_string().into())])),
            Some(seen) => {
                let facts = [("status", seen.to_string().into()), ("said", got.to_string().into())];
                (Worth::Contradicted, language.with("claim-answered-otherwise", &facts))
            }
            None if evidence.statuses.is_empty() => (Worth::NotShown, language.say("claim-no-history")),
            None => (Worth::NotShown, language.say("claim-no-such-answer")),
        };
        let scenarios = seen.map(|_| of.scenario.clone()).into_iter().collect();
        parts.push(Part {
            what: language.with("claim-status", &[("status", got.to_string().into())]),
            worth,
            requirements: Vec::new(),
            scenarios,
            why,
        });
    }
    // An answer that the report itself calls wrong claims that what it stands for does not hold.
    let deny = |part: Part| if is_wrong { Part { worth: part.worth.denied(), ..part } } else { part };
    parts.extend(statement_parts(form, topic, evidence).into_iter().map(deny));
    parts
}

/// What a run says of some requirements together.
fn part(form: &Form, rule: &PartRule, evidence: &Evidence<'_>) -> Part {
    let (report, language) = (evidence.report, evidence.language);
    let (mut broken, mut missing, mut scenarios) = (Vec::new(), Vec::new(), Vec::new());
    for id in &rule.requirements {
        let Some(requirement) = report.requirements.iter().find(|one| one.id == *id) else {
            missing.push(language.with("claim-not-in-run", &[("id", id.as_str().into())]));
            continue;
        };
        match requirement.verdict {
            Verdict::Pass => {
                let passed = |name: &&String| report.scenarios.iter().any(|one| one.id == **name && one.verdict == Verdict::Pass);
                scenarios.extend(requirement.scenarios.iter().filter(passed).cloned());
            }
            Verdict::Fail | Verdict::Warn | Verdict::Known => broken.push(finding(report, id, language)),
            Verdict::Undecided | Verdict::NotApplicable => {
                missing.push(format!(
                    "{id}: {}",
                    requirement.reason.as_deref().map_or_else(|| language.verdict(requirement.verdict), |reason| language.retold(reason))
                ));
            }
        }
    }
    scenarios.sort();
    scenarios.dedup();
    let (worth, why) = match (broken.is_empty(), missing.is_empty()) {
        (false, _) => (Worth::Contradicted, broken.join("; ")),
        (true, false) => (Worth::NotShown, missing.join("; ")),
        (true, true) => (Worth::Shown, String::new()),
    };
    Part { what: form.say(&rule.what, language).to_owned(), worth, requirements: rule.requirements.clone(), scenarios, why }
}

/// How a requirement is broken, by its first finding.
fn finding(report: &Report, id: &str, language: Language) -> String {
    let found = report.scenarios.iter().find_map(|one| Some((one, one.findings.iter().find(|finding| finding.requirement == id)?)));
    match found {
        Some((scenario, finding)) => {
            let line = |text: &str| text.lines().next().unwrap_or_default().to_owned();
            let facts = [
                ("id", id.into()),
                ("scenario", scenario.id.as_str().into()),
                ("expected", line(&finding.expected).into()),
                ("observed", line(&finding.observed).into()),
            ];
            language.with("claim-broken-by", &facts)
        }
        None => match report.history.as_ref().and_then(|history| history.witnesses.first()) {
            Some(witness) => format!("{id}: {}: {}", witness.scenario, language.retold(&witness.why)),
            None => language.with("claim-is-broken", &[("id", id.into())]),
        },
    }
}

fn column_parts(column: &Column, evidence: &Evidence<'_>) -> Vec<Part> {
    let language = evidence.language;
    let no_table = |key: &str| language.with(key, &[("table", column.table.as_str().into())]);
    let declared = |tables: &[TableShape]| {
        // SQL's names are the same in any case.
        let table = tables.iter().find(|table| table.table.eq_ignore_ascii_case(&column.table))?;
        Some(table.columns.iter().find(|one| one.name.eq_ignore_ascii_case(&column.name)).cloned())
    };
    let as_told = |worth, why: String| Part { what: language.say("claim-as-declared"), worth, why, ..Part::default() };
    let mut parts = vec![match declared(&evidence.report.target.tables) {
        None => as_told(Worth::NotShown, no_table("claim-no-table")),
        Some(None) => as_told(Worth::Contradicted, language.say("claim-no-column")),
        Some(Some(there)) => {
            let is_same = there.kind.eq_ignore_ascii_case(&column.kind)
                && (there.primary_key > 0) == column.primary_key
                && column.not_null.is_none_or(|wanted| wanted == there.not_null)
                && is_same_default(there.default.as_deref(), column.default.as_deref());
            let worth = if is_same { Worth::Shown } else { Worth::Contradicted };
            as_told(worth, there.to_string())
        }
    }];
    if let (true, Some(before)) = (column.is_new, evidence.before) {
        let (worth, why) = match declared(&before.target.tables) {
            None => (Worth::NotShown, no_table("claim-no-table-before")),
            Some(None) => (Worth::Shown, language.say("claim-new-column")),
            Some(Some(_)) => (Worth::Contradicted, language.say("claim-old-column")),
        };
        parts.push(Part { what: language.say("claim-new-in-phase"), worth, why, ..Part::default() });
    }
    parts
}

/// Whether two defaults are one: NULL is none, and only what stands in quotes is told apart by case.
fn is_same_default(one: Option<&str>, other: Option<&str>) -> bool {
    let given = |value: Option<&str>| value.filter(|value| !value.eq_ignore_ascii_case("NULL")).map(str::to_owned);
    match (given(one), given(other)) {
        (Some(one), Some(other)) if one.starts_with('\'') => one == other,
        (Some(one), Some(other)) => one.eq_ignore_ascii_case(&other),
        (one, other) => one == other,
    }
}

/// What a fact that a report tells of itself is called; a name of other rules stands as it is.
pub(super) fn fact_in(name: &str, language: Language) -> String {
    let key = format!("fact-{name}");
    let word = language.say(&key);
    if word == key { name.to_owned() } else { word }
}

/// Where a report does not agree with itself.
#[must_use]
pub fn inconsistencies(form: &Form, reading: &Reading, language: Language) -> Vec<Inconsistency> {
    let mut found = Vec::new();
    let day = |text: &str| iso::read(&format!("{}T00:00:00", text.get(..10)?)).map(|(at, _)| at.0 / DAY_MICROS);
    for order in &form.dates {
        let (Some((first, earlier)), Some((second, later))) = (reading.facts.get(&order.earlier), reading.facts.get(&order.later)) else {
            continue;
        };
        let (Some(from), Some(to)) = (day(earlier), day(later)) else { continue };
        if to < from || to - from > order.within_days {
            let key = if to < from { "claim-dates-before" } else { "claim-dates-after" };
            let facts = [
                ("first", fact_in(&order.earlier, language).into()),
                ("earlier", earlier.as_str().into()),
                ("second", fact_in(&order.later, language).into()),
                ("later", later.as_str().into()),
                ("days", (to - from).abs().into()),
            ];
            found.push(Inconsistency { lines: vec![*first, *second], what: language.with(key, &facts) });
        }
    }
    let expected: Vec<&Claim> = reading.claims.iter().filter(|one| matches!(one.kind, ClaimKind::Answer { want: Some(_), .. })).collect();
    for (line, count) in &reading.counts {
        if *count != expected.len() {
            let what = language.with("claim-counts", &[("said", (*count).into()), ("listed", expected.len().into())]);
            found.push(Inconsistency { lines: vec![*line], what });
        }
    }
    for claim in &reading.claims {
        let what = match &claim.kind {
            ClaimKind::Answer { got, want: Some(want) } if claim.kept == Some(got != want) => {
                let key = if got == want { "claim-marked-wrong" } else { "claim-marked-right" };
                Some(language.with(key, &[("claim", claim.text.as_str().into())]))
            }
            ClaimKind::Column(Column { listed: Some((_, Some(listed))), .. }) => {
                Some(language.with("claim-listed", &[("declared", claim.text.as_str().into()), ("listed", listed.as_str().into())]))
            }
            ClaimKind::Answer { .. } | ClaimKind::Column(_) | ClaimKind::Statement => None,
        };
        let listed = if let ClaimKind::Column(Column { listed: Some((line, _)), .. }) = &claim.kind { Some(*line) } else { None };
        found.extend(what.map(|what| Inconsistency { lines: std::iter::once(claim.line).chain(listed).collect(), what }));
    }
    found
}
