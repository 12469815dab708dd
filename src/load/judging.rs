//! After a load: did the receiver keep its promises meanwhile?
//!
//! Answers and rows of every key go to the history's judge; what it finds is
//! told by requirement, the first violations in full.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::clock::{UnixMicros, iso};
use crate::contract::tables::Table;
use crate::contract::{Contract, Level};
use crate::evidence::EvidenceError;
use crate::history::consistency::{Evidence, Explanation, Judgement, Law, NEVER, Operation, judge};
use crate::load::paging::Page;
use crate::load::sampling;
use crate::report::Verdict;
use crate::report::language::Language;
use crate::scenario::requirement::Catalogue;

/// So many rows of a kind are told in full.
const TOLD: usize = 5;

/// What was judged of one requirement.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Judged {
    /// The requirement.
    pub id: String,
    /// How much it weighs.
    #[serde(default)]
    pub level: Level,
    /// Its sentence; empty where a report has none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub sentence: String,
    /// The same in other languages, by the two letters of each.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub translations: BTreeMap<String, String>,
    /// The verdict.
    pub verdict: Verdict,
    /// How many were checked of what it speaks of.
    pub checked: u64,
    /// What was counted: keys, where nothing else is said.
    #[serde(default, skip_serializing_if = "Checked::is_keys")]
    pub of: Checked,
    /// How many broke it.
    pub violations: u64,
}

/// What is counted of a requirement.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Checked {
    /// Keys of which it speaks: delivered more than once, accepted, refused.
    #[default]
    Keys,
    /// Answers.
    Answers,
    /// Rows that were looked at one by one.
    Rows,
    /// Events on streams.
    Events,
    /// Looks at whether it lives.
    Looks,
}

impl Checked {
    fn is_keys(&self) -> bool {
        *self == Self::Keys
    }
}

impl Judged {
    /// The same, where something else than keys was counted.
    #[must_use]
    pub fn counting(self, of: Checked) -> Self {
        Self { of, ..self }
    }

    /// A requirement as its catalogue has it.
    #[must_use]
    pub fn of(catalogue: &Catalogue, id: &str, verdict: Verdict, checked: u64, violations: u64) -> Self {
        let known = catalogue.get(id);
        let words = catalogue.translations.iter();
        let translations = words.filter_map(|(language, words)| Some((language.clone(), words.sentences.get(id)?.clone()))).collect();
        let (level, sentence) = known.map(|one| (one.level, one.sentence.clone())).unwrap_or_default();
        Self { id: id.to_owned(), level, sentence, translations, verdict, checked, of: Checked::Keys, violations }
    }

    /// The sentence in a language; as it was written where that lacks it.
    #[must_use]
    pub fn sentence_in(&self, language: Language) -> &str {
        self.translations.get(language.code()).unwrap_or(&self.sentence)
    }
}

/// A key whose history breaks a promise.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Violation {
    /// The requirement.
    pub requirement: String,
    /// The key.
    pub key: String,
    /// What is wrong.
    pub why: String,
    /// The operations that show it: when, and what came.
    pub operations: Vec<String>,
    /// What the database has of the key; absent when it was not read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<String>,
    /// A shell line that sends the delivery again.
    pub curl: String,
}

/// What a load's history came to.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// By requirement.
    pub requirements: Vec<Judged>,
    /// The first ones in full.
    pub violations: Vec<Violation>,
    /// How many keys nothing can be said of.
    pub undecided: usize,
    /// How many keys there are.
    pub keys: u64,
    /// How many were refused every time; and how many of those have audit rows all the same.
    pub refused: [u64; 2],
    /// Why evidence could not be read after the load, a sentence a source.
    pub unread: Vec<String>,
}

/// How a key's number is told.
pub struct About<'a> {
    /// The key itself.
    pub key: &'a (dyn Fn(u32) -> String + Sync),
    /// The shell line that sends its delivery.
    pub curl: &'a (dyn Fn(u32) -> String + Sync),
    /// Whether a duplicate's answer can be told from a first one's.
    pub tells_duplicates: bool,
    /// What the receiver promises: nothing else is judged.
    pub contract: &'a Contract,
    /// Whether the receiver may have had keys before the load, and nobody knows which: then a duplicate of nothing is none of its mistakes.
    pub past_is_open: bool,
}

/// The requirements that a judged load tells, whatever it has seen.
pub(super) fn of_every_history<'c>(catalogue: &'c Catalogue, contract: &'c Contract) -> impl Iterator<Item = &'c String> {
    let always = &catalogue.always;
    let of_keys =
        [&always.some_order_explains, &always.acceptances_are_audited, &always.keys_have_evidence, &always.refusals_leave_no_trace];
    // Where keys make nothing idempotent, there is no history to explain.
    let of_keys = of_keys.into_iter().filter(|_| contract.is_by_key());
    of_keys.chain([&always.nothing_follows]).filter_map(|id| id.as_ref().filter(|id| contract.promises(id)))
}

/// Judges the whole history of a load: of each requirement of `of_every_history` that speaks of keys.
#[must_use]
pub fn judge_all(
    history: &mut [Operation],
    evidence: Option<&mut [Evidence]>,
    law: Law,
    catalogue: &Catalogue,
    about: &About<'_>,
) -> Found {
    let mut answers = judge(history, &mut [], law);
    let mut evidence = evidence;
    let mut rows = evidence.as_deref_mut().map(|evidence| judge(history, evidence, law));
    if about.past_is_open {
        answers.leave_open(is_of_the_past);
        rows.iter_mut().for_each(|rows| rows.leave_open(is_of_the_past));
    }
    // The judge has left it in the order of the keys.
    let evidence = evidence.map_or(&[][..], |evidence| &*evidence);
    let rows_of = |key: u32| {
        let at = evidence.binary_search_by_key(&key, |one| one.key).ok()?;
        let told = |count: Option<u32>, rows: &str| Some(format!("{} {rows}", count?));
        let all = [told(evidence[at].key_rows, "key rows"), told(evidence[at].audit_rows, "audit rows")];
        Some(all.into_iter().flatten().collect::<Vec<_>>().join(", "))
    };
    let mut by_requirement: BTreeMap<String, u64> = BTreeMap::new();
    let mut violations = Vec::new();
    let always = &catalogue.always;
    let id_of = |why: Explanation| match why {
        // There are as many rows as acceptances.
        Explanation::AuditRowsMissing { .. } | Explanation::AuditRowsTooMany { .. } => always.acceptances_are_audited.clone(),
        Explanation::KeyRows { .. } => always.keys_have_evidence.clone(),
        Explanation::AuditRowsOfRefused { .. } => always.refusals_are_not_audited.clone(),
        Explanation::TraceOfRefused => always.refusals_leave_no_trace.clone(),
        Explanation::AcceptedTwice
        | Explanation::DuplicateOfNothing
        | Explanation::DuplicateOutsideLife
        | Explanation::FailureForgotten
        | Explanation::InFlightAlone
        | Explanation::ReferenceElsewhere
        | Explanation::ReferencesDiffer => always.some_order_explains.clone(),
    };
    let mut tell = |judgement: &Judgement, of_rows: bool| {
        for (why, count) in &judgement.reasons {
            if why.is_of_rows() == of_rows {
                *by_requirement.entry(id_of(*why).unwrap_or_default()).or_default() += *count as u64;
            }
        }
        for witness in judgement.witnesses.iter().filter(|witness| witness.why.is_of_rows() == of_rows) {
            violations.push(Violation {
                requirement: id_of(witness.why).unwrap_or_default(),
                key: (about.key)(witness.key),
                why: witness.why.to_string(),
                operations: witness.operations.iter().map(line).collect(),
                rows: rows_of(witness.key),
                curl: (about.curl)(witness.key),
            });
        }
    };
    tell(&answers, false);
    // What no table tells is not judged.
    let told = |of: fn(&Evidence) -> Option<u32>| rows.is_some() && evidence.first().is_none_or(|one| of(one).is_some());
    let (key_rows, audit_rows) = (told(|one| one.key_rows), told(|one| one.audit_rows));
    if let Some(rows) = &rows {
        tell(rows, true);
    }
    let counts = rows.as_ref().unwrap_or(&answers);
    let asked = [
        // Answers that are alike tell nothing of what was remembered.
        (&always.some_order_explains, about.tells_duplicates || audit_rows, answers.repeated),
        (&always.acceptances_are_audited, audit_rows, counts.accepted),
        (&always.keys_have_evidence, key_rows || audit_rows, counts.evidenced),
        (&always.refusals_leave_no_trace, key_rows, counts.refused[0]),
    ];
    let requirements = asked.into_iter().filter_map(|(id, judged, keys)| {
        let id = id.clone().filter(|id| about.contract.promises(id))?;
        let count = by_requirement.get(&id).copied().unwrap_or(0);
        // One that breaks it was checked, whatever it is that it was counted by.
        let checked = if judged { (keys as u64).max(count) } else { 0 };
        Some(Judged::of(catalogue, &id, verdict_of(checked, count), checked, count))
    });
    // What answers that are alike leave open is not judged, and told so: nothing that was judged is open.
    let open = if about.tells_duplicates || about.past_is_open { answers.undecided } else { 0 };
    let undecided = rows.as_ref().map_or(open, |rows| rows.undecided);
    let refused = counts.refused.map(|count| count as u64);
    Found { requirements: requirements.collect(), violations, undecided, keys: answers.keys as u64, refused, unread: Vec::new() }
}

/// What broke nothing in nothing is not applicable.
pub(super) fn verdict_of(checked: u64, violations: u64) -> Verdict {
    match (checked, violations) {
        (_, 1..) => Verdict::Fail,
        (0, 0) => Verdict::NotApplicable,
        (_, 0) => Verdict::Pass,
    }
}

/// What an acceptance before the load would explain.
fn is_of_the_past(why: &Explanation) -> bool {
    match why {
        Explanation::DuplicateOfNothing
        | Explanation::DuplicateOutsideLife
        | Explanation::ReferenceElsewhere
        | Explanation::ReferencesDiffer => true,
        Explanation::AcceptedTwice
        | Explanation::FailureForgotten
        | Explanation::InFlightAlone
        | Explanation::AuditRowsMissing { .. }
        | Explanation::KeyRows { .. }
        | Explanation::AuditRowsTooMany { .. }
        | Explanation::AuditRowsOfRefused { .. }
        | Explanation::TraceOfRefused => false,
    }
}

impl Found {
    /// Adds what the rows themselves show.
    ///
    /// * `table`: that of the rows; * `sampled`: what looking at some of them one by one has shown.
    /// * `strays`: audit rows under words that are no keys: the first, and how many; `None` where they cannot be told.
    pub fn add_rows(
        &mut self,
        catalogue: &Catalogue,
        table: &Table,
        sampled: &sampling::Sampled,
        strays: Option<&Option<(String, u64)>>,
        about: &About<'_>,
    ) {
        let always = &catalogue.always;
        let hash_is_known = table.column_holding("sha256").is_some() && !about.contract.signature.stands_in_body();
        let kinds = [
            (sampling::Wrong::Cell, &always.rows_are_as_promised, sampled.rows),
            (sampling::Wrong::Hash, &always.hashes_are_of_the_body, if hash_is_known { sampled.rows } else { 0 }),
            (sampling::Wrong::Order, &always.instants_never_go_back, sampled.ordered),
        ];
        for (kind, id, checked) in kinds {
            let Some(id) = id.as_ref().filter(|id| about.contract.promises(id)) else { continue };
            let of_kind = || sampled.found.iter().filter(|one| one.wrong == kind);
            self.add(catalogue, id, checked, Checked::Rows, of_kind().count() as u64);
            self.violations.extend(of_kind().take(TOLD).map(|one| Violation {
                requirement: id.clone(),
                key: (about.key)(one.operation.key),
                why: one.why.clone(),
                operations: vec![line(&one.operation)],
                rows: None,
                curl: (about.curl)(one.operation.key),
            }));
        }
        if let Some(id) = always.refusals_are_not_audited.as_ref().filter(|id| about.contract.promises(id)) {
            // Rows under words that are no keys, and those of keys that were refused every time.
            let (found, [refused, audited]) = (strays.and_then(Option::as_ref), self.refused);
            self.add(catalogue, id, refused, Checked::Keys, found.map_or(0, |(_, count)| *count) + audited);
            self.violations.extend(found.map(|(word, count)| Violation {
                requirement: id.clone(),
                key: word.clone(),
                why: format!("{count} audit rows name what is no key of an accepted delivery"),
                operations: Vec::new(),
                rows: None,
                curl: String::new(),
            }));
        }
    }

    /// What rows or effects would have told is open, where they could not be read.
    ///
    /// * `ids`: the requirements that they tell of; * `why`: what kept them from being read.
    pub(super) fn leave_open(&mut self, catalogue: &Catalogue, ids: &[&String], why: &EvidenceError) {
        for &id in ids {
            match self.requirements.iter_mut().find(|one| one.id == *id) {
                Some(one) if one.verdict == Verdict::Fail => {}
                Some(one) => (one.verdict, one.checked) = (Verdict::Undecided, 0),
                None => self.requirements.push(Judged::of(catalogue, id, Verdict::Undecided, 0, 0)),
            }
        }
        self.unread.push(why.to_string());
    }

    /// Adds what the audit trail over HTTP shows.
    pub fn add_page(&mut self, catalogue: &Catalogue, page: &Page, about: &About<'_>) {
        let Some(id) = catalogue.always.page_shows_the_rows.as_ref().filter(|id| about.contract.promises(id)) else { return };
        self.add(catalogue, id, page.looked_for, Checked::Keys, page.missing.len() as u64);
        if catalogue.get(id).is_some_and(|one| one.level == Level::Should) {
            // What should be so and is not is told, and breaks nothing: as in a run.
            self.requirements
                .iter_mut()
                .filter(|one| one.id == *id && one.verdict == Verdict::Fail)
                .for_each(|one| one.verdict = Verdict::Warn);
        }
        self.violations.extend(page.missing.iter().take(TOLD).map(|one| Violation {
            requirement: id.clone(),
            key: (about.key)(one.key),
            why: format!("it was accepted among the last, and the audit trail over HTTP does not show it ({})", page.said),
            operations: vec![line(one)],
            rows: None,
            curl: (about.curl)(one.key),
        }));
    }

    pub(super) fn add(&mut self, catalogue: &Catalogue, id: &str, checked: u64, of: Checked, violations: u64) {
        let verdict = verdict_of(checked, violations);
        self.requirements.push(Judged::of(catalogue, id, verdict, checked, violations).counting(of));
    }
}

pub(super) fn line(one: &Operation) -> String {
    let at = |instant: i64| iso::write(UnixMicros(instant));
    let until = if one.returned == NEVER { "no answer".to_owned() } else { at(one.returned) };
    let refers = if one.refers_to == NEVER { String::new() } else { format!(", refers to {}", at(one.refers_to)) };
    format!("{} to {until}: {}{refers}", at(one.invoked), one.outcome)
}
