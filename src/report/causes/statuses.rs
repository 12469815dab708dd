//! Statuses that never came: new deliveries that are told as duplicates because acceptances are always answered so.
//!
//! In: all findings in their order, and the statuses of the scenarios. Out: for each finding the requirement that speaks of the
//! answers of acceptances, where no delivery of the run got a status of theirs. One such answer among all, and it is told new ones
//! from known ones: then a new one that is told as a duplicate is one that it has taken for another.
//!
//! Start at [`never_as_due`].

use crate::outcome::mismatch::{Kind, MismatchCode};
use crate::report::{Finding, ScenarioReport};

/// So many new deliveries are told as duplicates before it is no chance that none was told as new.
const ENOUGH: usize = 3;

/// The requirement that speaks of the answers of acceptances, for each finding that such answers explain; in the order of the findings.
pub(super) fn never_as_due(all: &[Finding], scenarios: &[ScenarioReport]) -> Vec<Option<String>> {
    let came = |status: &str| scenarios.iter().any(|one| one.statuses.contains_key(status));
    let counted = scenarios.iter().any(|one| !one.statuses.is_empty());
    let is_so = |about: &MismatchCode| {
        let (Some(due), Some(status)) = (about.due.as_deref(), about.status) else { return false };
        let mut wanted = due.split(|c: char| !c.is_ascii_digit()).filter(|text| !text.is_empty()).peekable();
        let status = status.to_string();
        about.kind == Kind::NewToldAsDuplicate && wanted.peek().is_some() && wanted.all(|one| one != status && !came(one))
    };
    let explained: Vec<Option<String>> =
        all.iter().map(|one| one.mismatch.by_form.clone().filter(|_| counted && is_so(&one.mismatch))).collect();
    let enough = explained.iter().flatten().count() >= ENOUGH;
    if enough { explained } else { vec![None; all.len()] }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::contract::Level;
    use crate::outcome::mismatch::When;
    use crate::report::causes::attribute;

    fn scenario(id: &str, when: &[When], statuses: &[&str]) -> ScenarioReport {
        let mismatch = MismatchCode {
            due: Some("201".to_owned()),
            status: Some(200),
            when: when.to_vec(),
            under: vec!["NEW".to_owned()],
            by_form: Some("FORM".to_owned()),
            ..MismatchCode::of(Kind::NewToldAsDuplicate)
        };
        let finding = Finding { requirement: id.to_owned(), level: Level::Must, mismatch, ..Finding::default() };
        let usual =
            serde_json::json!({"id": id, "title": id, "verdict": "fail", "shows": [id], "duration_ms": 0.0, "file": "", "findings": []});
        let usual: ScenarioReport = serde_json::from_value(usual).expect("a scenario");
        let statuses: BTreeMap<String, u64> = statuses.iter().map(|one| ((*one).to_owned(), 1)).collect();
        ScenarioReport { statuses, findings: vec![finding], ..usual }
    }

    /// Where no delivery at all got the status of an acceptance, it is the answer that is wrong; one that did tells them apart.
    #[test]
    fn an_answer_that_never_came_is_another_answer() {
        let told = |last: &[&str]| {
            let mut all =
                [scenario("A", &[], &["200"]), scenario("B", &[When::AfterRefusal], &["200", "401"]), scenario("C", &[When::Aged], last)];
            attribute(&mut all);
            let written = |all: &[ScenarioReport]| serde_json::to_string(all).expect("scenarios as JSON");
            let once = written(&all);
            attribute(&mut all);
            assert_eq!(once, written(&all), "filing twice comes to the same");
            all.map(|one| (one.findings[0].requirement.clone(), one.findings[0].mismatch.never_as_due))
        };
        assert_eq!(told(&["200"]), ["FORM"; 3].map(|id| (id.to_owned(), true)));
        assert!(told(&["200", "201"]).iter().all(|(id, never)| id != "FORM" && !never), "{:?}", told(&["200", "201"]));
    }
}
