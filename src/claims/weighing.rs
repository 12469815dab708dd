//! Sets what a report claims beside the evidence of a run.
//!
//! In: a reading, its form, a run's report with the answers of its history, and
//! perhaps the report of the phase before. Out: what each claim is worth, part
//! by part, and where the report does not agree with itself.

use std::collections::BTreeMap;

use super::encoding::contains;
use super::form::{Form, PartRule, Topic};
use super::reading::{Claim, ClaimKind, Column, Reading};
use super::{Inconsistency, Part, Weighed, Worth};
use crate::clock::iso;
use crate::report::{Report, Verdict};
use crate::state::TableShape;

const DAY_MICROS: i64 = 86_400_000_000;

/// What a run has shown.
pub struct Evidence<'r> {
    /// Its report.
    pub report: &'r Report,
    /// The statuses of answers, by scenario and delivery.
    pub statuses: &'r BTreeMap<(String, String), u16>,
    /// The report of the phase before.
    pub before: Option<&'r Report>,
}

/// What every claim is worth.
#[must_use]
pub fn weigh(form: &Form, reading: &Reading, evidence: &Evidence<'_>) -> Vec<Weighed> {
    let topics: Vec<Option<&Topic>> = reading.claims.iter().map(|claim| topic(form, claim)).collect();
    let is_answer = |claim: &Claim| matches!(claim.kind, ClaimKind::Answer { .. });
    let tested: Vec<&str> = (reading.claims.iter().zip(&topics))
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
            (_, None) => vec![not_shown("no rule of the form says what would show it")],
            (ClaimKind::Answer { got, .. }, Some(topic)) => answer_parts(*got, topic, evidence),
            (ClaimKind::Statement, Some(topic)) => statement_parts(topic, evidence),
        };
        let denied = claim.kept == Some(false) && claim.kind == ClaimKind::Statement;
        let own = topic.map_or(&[][..], |topic| topic.shown_by.as_slice());
        let untested =
            !is_answer(claim) && !own.is_empty() && !own.iter().flat_map(|part| &part.requirements).any(|id| tested.contains(&id.as_str()));
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
    sum_up(&mut weighed, reading, &topics);
    weighed
}

/// What an answer is worth for itself, without what one answer does not touch.
fn for_itself(one: &Weighed, topic: Option<&Topic>) -> Worth {
    let beyond: Vec<&str> =
        topic.iter().flat_map(|topic| &topic.shown_by).filter(|part| part.beyond_one_answer).map(|part| part.what.as_str()).collect();
    one.parts.iter().filter(|part| !beyond.contains(&part.what.as_str())).map(|part| part.worth).max().unwrap_or_default()
}

/// What says that all answers were right is worth what the answers are.
fn sum_up(weighed: &mut [Weighed], reading: &Reading, topics: &[Option<&Topic>]) {
    let answers: Vec<(usize, Worth)> = (weighed.iter().zip(topics).zip(&reading.claims))
        .filter(|(_, claim)| matches!(claim.kind, ClaimKind::Answer { .. }))
        .map(|((one, topic), _)| (one.line, for_itself(one, *topic)))
        .collect();
    let of = |worth: Worth| {
        let lines: Vec<String> = answers.iter().filter(|one| one.1 == worth).map(|one| one.0.to_string()).collect();
        (!lines.is_empty()).then(|| format!("line {}", lines.join(", ")))
    };
    let (contradicted, not_shown) = (of(Worth::Contradicted), of(Worth::NotShown));
    let part = match (contradicted, not_shown, answers.is_empty()) {
        (Some(lines), _, _) => Part { worth: Worth::Contradicted, why: format!("contradicted: {lines}"), ..Part::default() },
        (None, None, false) => Part { worth: Worth::Shown, why: "every answer above is shown".to_owned(), ..Part::default() },
        (None, Some(lines), _) => Part { why: format!("not shown: {lines}"), ..Part::default() },
        (None, None, true) => Part { why: "the report lists no answers".to_owned(), ..Part::default() },
    };
    let part = Part { what: "the answers that it lists".to_owned(), ..part };
    for (one, topic) in weighed.iter_mut().zip(topics) {
        if topic.is_some_and(|topic| topic.sums_up_answers) {
            one.parts = vec![part.clone()];
            one.worth = part.worth;
        }
    }
}

/// The topic with the longest word in the claim; one that no run can show goes before the others, of which it may speak.
fn topic<'f>(form: &'f Form, claim: &Claim) -> Option<&'f Topic> {
    let longest =
        |topic: &&Topic| topic.says.iter().filter(|word| contains(&claim.text, word)).map(|word| word.chars().count()).max().unwrap_or(0);
    form.topics.iter().filter(|topic| longest(topic) > 0).max_by_key(|topic| (topic.beyond_a_run.is_some(), longest(topic)))
}

fn not_shown(why: &str) -> Part {
    Part { why: why.to_owned(), ..Part::default() }
}

fn statement_parts(topic: &Topic, evidence: &Evidence<'_>) -> Vec<Part> {
    if let Some(why) = &topic.beyond_a_run {
        return vec![not_shown(why)];
    }
    topic.shown_by.iter().map(|rule| part(rule, evidence.report)).collect()
}

fn answer_parts(got: u16, topic: &Topic, evidence: &Evidence<'_>) -> Vec<Part> {
    let mut parts = Vec::new();
    if let Some(of) = &topic.answer_of {
        let seen = evidence.statuses.get(&(of.scenario.clone(), of.delivery.clone()));
        let (worth, why) = match seen {
            Some(seen) if *seen == got => (Worth::Shown, format!("answered {seen}")),
            Some(seen) => (Worth::Contradicted, format!("answered {seen}, where the report says {got}")),
            None => (Worth::NotShown, "the run has no such answer".to_owned()),
        };
        let scenarios = seen.map(|_| of.scenario.clone()).into_iter().collect();
        parts.push(Part { what: format!("the status {got}"), worth, requirements: Vec::new(), scenarios, why });
    }
    parts.extend(statement_parts(topic, evidence));
    parts
}

/// What a run says of some requirements together.
fn part(rule: &PartRule, report: &Report) -> Part {
    let (mut broken, mut missing, mut scenarios) = (Vec::new(), Vec::new(), Vec::new());
    for id in &rule.requirements {
        let Some(requirement) = report.requirements.iter().find(|one| one.id == *id) else {
            missing.push(format!("{id} is not in the run"));
            continue;
        };
        match requirement.verdict {
            Verdict::Pass => {
                let passed = |name: &&String| report.scenarios.iter().any(|one| one.id == **name && one.verdict == Verdict::Pass);
                scenarios.extend(requirement.scenarios.iter().filter(passed).cloned());
            }
            Verdict::Fail | Verdict::Warn | Verdict::Known => broken.push(finding(report, id)),
            Verdict::Undecided | Verdict::NotApplicable => {
                missing.push(format!("{id}: {}", requirement.reason.as_deref().unwrap_or(requirement.verdict.name())));
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
    Part { what: rule.what.clone(), worth, requirements: rule.requirements.clone(), scenarios, why }
}

/// How a requirement is broken, by its first finding.
fn finding(report: &Report, id: &str) -> String {
    let found = report.scenarios.iter().find_map(|one| Some((one, one.findings.iter().find(|finding| finding.requirement == id)?)));
    match found {
        Some((scenario, finding)) => {
            let line = |text: &str| text.lines().next().unwrap_or_default().to_owned();
            format!("{id} in {}: expected {}, got {}", scenario.id, line(&finding.expected), line(&finding.observed))
        }
        None => match report.history.as_ref().and_then(|history| history.witnesses.first()) {
            Some(witness) => format!("{id} in {}: {}", witness.scenario, witness.why),
            None => format!("{id} is broken"),
        },
    }
}

fn column_parts(column: &Column, evidence: &Evidence<'_>) -> Vec<Part> {
    let declared = |tables: &[TableShape]| {
        let table = tables.iter().find(|table| table.table == column.table)?;
        Some(table.columns.iter().find(|one| one.name == column.name).cloned())
    };
    let as_told = |worth, why: String| Part { what: "as the database declares it".to_owned(), worth, why, ..Part::default() };
    let mut parts = vec![match declared(&evidence.report.target.tables) {
        None => as_told(Worth::NotShown, format!("the run has read no table {}", column.table)),
        Some(None) => as_told(Worth::Contradicted, "there is no such column".to_owned()),
        Some(Some(there)) => {
            let is_same = there.kind.eq_ignore_ascii_case(&column.kind)
                && (there.primary_key > 0) == column.primary_key
                && column.not_null.is_none_or(|wanted| wanted == there.not_null)
                && there.default == column.default;
            let worth = if is_same { Worth::Shown } else { Worth::Contradicted };
            as_told(worth, there.to_string())
        }
    }];
    if let (true, Some(before)) = (column.is_new, evidence.before) {
        let (worth, why) = match declared(&before.target.tables) {
            None => (Worth::NotShown, format!("the run before has read no table {}", column.table)),
            Some(None) => (Worth::Shown, "the phase before has no such column".to_owned()),
            Some(Some(_)) => (Worth::Contradicted, "the phase before has it already".to_owned()),
        };
        parts.push(Part { what: "new in this phase".to_owned(), worth, why, ..Part::default() });
    }
    parts
}

/// Where a report does not agree with itself.
#[must_use]
pub fn inconsistencies(form: &Form, reading: &Reading) -> Vec<Inconsistency> {
    let mut found = Vec::new();
    let day = |text: &str| iso::read(&format!("{}T00:00:00", text.get(..10)?)).map(|(at, _)| at.0 / DAY_MICROS);
    for order in &form.dates {
        let (Some((first, earlier)), Some((second, later))) = (reading.facts.get(&order.earlier), reading.facts.get(&order.later)) else {
            continue;
        };
        let (Some(from), Some(to)) = (day(earlier), day(later)) else { continue };
        if to < from || to - from > order.within_days {
            let lie = if to < from { format!("{} days before it", from - to) } else { format!("{} days after it", to - from) };
            found.push(Inconsistency {
                lines: vec![*first, *second],
                what: format!("{} on {earlier}, and {} on {later}: {lie}", order.earlier, order.later),
            });
        }
    }
    let expected: Vec<&Claim> = reading.claims.iter().filter(|one| matches!(one.kind, ClaimKind::Answer { want: Some(_), .. })).collect();
    for (line, count) in &reading.counts {
        if *count != expected.len() {
            let what = format!("{count} checks are said to have been made, and {} are listed", expected.len());
            found.push(Inconsistency { lines: vec![*line], what });
        }
    }
    for claim in &reading.claims {
        let what = match &claim.kind {
            ClaimKind::Answer { got, want: Some(want) } if claim.kept == Some(got != want) => Some(format!(
                "`{}` is marked as {}",
                claim.text,
                if got == want { "wrong, and is as expected" } else { "right, and is not" }
            )),
            ClaimKind::Column(Column { listed: Some((_, Some(listed))), .. }) => {
                Some(format!("declared as `{}`, and listed as `{listed}`", claim.text))
            }
            ClaimKind::Answer { .. } | ClaimKind::Column(_) | ClaimKind::Statement => None,
        };
        let listed = if let ClaimKind::Column(Column { listed: Some((line, _)), .. }) = &claim.kind { Some(*line) } else { None };
        found.extend(what.map(|what| Inconsistency { lines: std::iter::once(claim.line).chain(listed).collect(), what }));
    }
    found
}
