//! Streams: what a stream that tells nothing, or turns clients away, comes to beside all other streams of a run.
//!
//! A scenario in which nothing comes on a stream cannot tell whether that one event was lost, or everything is held back; one whose
//! client is turned away cannot tell whether the places are taken, or there is no stream at all. Beside the others it can be told.

use crate::outcome::mismatch::Kind;
use crate::report::{Finding, ScenarioReport, Verdict};

/// Under which requirement each finding about a stream is to be filed, where that is another than it is filed under.
///
/// * `all`: the findings of the scenarios, one scenario after the other.
pub(super) fn beside_others(all: &[Finding], scenarios: &[ScenarioReport]) -> Vec<Option<String>> {
    let of = |parts: &[&str]| all.iter().filter(|one| part_of(one).is_some_and(|part| parts.contains(&part))).count();
    let passed = scenarios.iter().filter(|one| one.verdict == Verdict::Pass && one.rests_on.contains("streams")).count();
    let found = all.iter().filter(|one| part_of(one).is_some()).count();
    let (silent, astray) = (of(&["stuck"]), found - of(&["stuck", "held-back", "place", "answer"]));
    let tells = passed + astray;
    let is_sure = |part: &str| all.iter().any(|one| part_of(one) == Some(part) && one.mismatch.role.is_none());
    let lost = is_sure("lost") && !is_sure("missed");
    let shows = scenarios.iter().flat_map(|one| one.findings.iter().map(|_| one.shows.as_slice()));
    let filed = |(finding, shows): (&Finding, &[String])| {
        let under = &finding.mismatch.under;
        let to = match (part_of(finding)?, finding.mismatch.role.as_deref()) {
            // Others tell what they are to tell: this is no stream on which everything is held back, unless the scenario is about that.
            ("stuck", _) if tells >= silent => under.first().filter(|_| !shows.contains(&finding.requirement)),
            ("stuck", _) => under.last(),
            ("place", _) if tells + silent == 0 => under.first(),
            ("missed", Some("maybe")) if lost => under.first(),
            (_, _) => None,
        };
        to.filter(|id| **id != finding.requirement).cloned()
    };
    all.iter().zip(shows).map(filed).collect()
}

/// The part of a stream that a finding is about.
fn part_of(finding: &Finding) -> Option<&str> {
    finding.mismatch.table.as_deref().filter(|_| finding.mismatch.kind == Kind::Stream)
}

#[cfg(test)]
mod tests {
    use super::super::attribute;
    use super::*;
    use crate::contract::Level;
    use crate::outcome::mismatch::MismatchCode;

    /// Scenarios with streams: `PART[.ROLE] [UNDER,…] OWN` failed so, `pass` passed.
    fn scenarios(lines: &str) -> Vec<ScenarioReport> {
        let one = |line: &str| {
            let usual = serde_json::json!({
                "id": "t/s", "title": "t", "file": "t/s.yaml", "verdict": "pass", "shows": [], "duration_ms": 0, "deliveries": 0,
                "findings": [], "rests_on": ["streams"]
            });
            let usual: ScenarioReport = serde_json::from_value(usual).unwrap();
            let [what, under, own] = line.split_whitespace().collect::<Vec<_>>()[..] else { return usual };
            let (part, role) = what.split_once('.').map_or((what, None), |(part, role)| (part, Some(role.to_owned())));
            let under = under.trim_matches(['[', ']']).split(',').map(str::to_owned).collect();
            let mismatch = MismatchCode { role, under, ..MismatchCode::of_table(Kind::Stream, part) };
            let (requirement, shown) = own.split_once('<').unwrap_or((own, own));
            let finding = Finding { requirement: requirement.to_owned(), level: Level::Must, mismatch, ..Finding::default() };
            ScenarioReport { verdict: Verdict::Fail, shows: vec![shown.to_owned()], findings: vec![finding], ..usual }
        };
        lines.lines().map(one).collect()
    }

    /// Under which requirement each finding is filed; filed once more, it stays there.
    fn filed(lines: &str) -> Vec<String> {
        let mut all = scenarios(lines);
        attribute(&mut all);
        attribute(&mut all);
        all.iter().flat_map(|one| one.findings.iter().map(|one| one.requirement.clone())).collect()
    }

    #[test]
    fn what_a_silent_stream_means_is_told_by_the_others() {
        let silent = "stuck.lost [SSE-7,SSE-13] SSE-13<SSE-1\nstuck.gap [SSE-5,SSE-13] SSE-13<SSE-9\nstuck.missed [SSE-15,SSE-13] SSE-14";
        // Where no stream tells anything, or only those that end, all is held back.
        assert_eq!(filed(silent), ["SSE-13"; 3]);
        assert_eq!(filed(&format!("{silent}\npass\npass")), ["SSE-13"; 3]);
        // Where others tell, each is what it looks like, and what a scenario is about stays with it.
        assert_eq!(filed(&format!("{silent}\npass\npass\npass")), ["SSE-7", "SSE-5", "SSE-14"]);
        assert_eq!(filed(&format!("{silent}\npass\npass\nlost [] SSE-7")), ["SSE-7", "SSE-5", "SSE-14", "SSE-7"]);
    }

    #[test]
    fn clients_that_are_turned_away_everywhere_find_no_stream() {
        let away = "place [SSE-1] SSE-14<SSE-6\nplace [SSE-1] SSE-14";
        assert_eq!(filed(away), ["SSE-1"; 2]);
        assert_eq!(filed(&format!("{away}\npass")), ["SSE-14"; 2]);
        assert_eq!(filed(&format!("{away}\nstuck.lost [SSE-7,SSE-13] SSE-13")), ["SSE-14", "SSE-14", "SSE-13"]);
    }

    #[test]
    fn what_others_may_have_been_told_is_lost_where_events_are_lost() {
        let maybe = "missed.maybe [SSE-7] SSE-15";
        assert_eq!(filed(maybe), ["SSE-15"]);
        assert_eq!(filed(&format!("{maybe}\nlost [] SSE-7")), ["SSE-7"; 2]);
        assert_eq!(filed(&format!("{maybe}\nlost [] SSE-7\nmissed [] SSE-15")), ["SSE-15", "SSE-7", "SSE-15"]);
    }
}
