//! SARIF 2.1.0: findings for code scanning, each at the line of its scenario.
//!
//! A rule a requirement, a result a finding. Takes a [`Report`], gives a JSON
//! value. Source: OASIS, "Static Analysis Results Interchange Format 2.1.0".

use serde_json::{Value, json};

use crate::contract::Level;
use crate::report::causes::{Cause, Example, beside_scenarios};
use crate::report::human::one_line;
use crate::report::{Finding, Overall, Report, RequirementReport, ScenarioReport, Verdict};
use crate::sign::sha256_hex;

const VERSION: &str = "2.1.0";
/// Where the tool is told of.
const HOME: &str = "https://docs.rs/hookgate";
const SCHEMA: &str = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// `report` as SARIF.
#[must_use]
pub fn write(report: &Report) -> Value {
    let rules: Vec<Value> = report.requirements.iter().map(rule).collect();
    let results =
        report.scenarios.iter().flat_map(|scenario| scenario.findings.iter().map(move |finding| result(report, scenario, finding)));
    // The findings of the cause that explains most come first.
    let mut results: Vec<(usize, Value)> = results.collect();
    results.sort_by_key(|(cause, _)| *cause);
    let results = results.into_iter().map(|(_, result)| result);
    let worked = report.summary.verdict != Overall::Incomplete && report.summary.verdict != Overall::Interrupted;
    json!({
        "$schema": SCHEMA,
        "version": VERSION,
        "runs": [{
            "tool": {"driver": {
                "name": report.tool.name,
                "version": report.tool.version,
                "informationUri": HOME,
                "rules": rules,
            }},
            "invocations": [{"executionSuccessful": worked, "startTimeUtc": format!("{}Z", report.run.started_at.trim_end_matches('Z'))}],
            "results": beside_scenarios(report).map(|cause| of_visit(report, cause)).into_iter().chain(results).collect::<Vec<_>>(),
        }]
    })
}

fn level(level: Level) -> &'static str {
    match level {
        Level::Must => "error",
        Level::Should => "warning",
        Level::Free => "note",
    }
}

fn rule(requirement: &RequirementReport) -> Value {
    json!({
        "id": requirement.id,
        "shortDescription": {"text": requirement.sentence},
        "helpUri": format!("{HOME}#requirements"),
        "defaultConfiguration": {"level": level(requirement.level)},
        "properties": {"topic": requirement.topic},
    })
}

fn result(report: &Report, scenario: &ScenarioReport, finding: &Finding) -> (usize, Value) {
    let of = |cause: &Cause| cause.requirement == finding.requirement && cause.explains.scenarios.contains(&scenario.id);
    let at = report.causes.iter().position(of);
    let cause = at.and_then(|at| report.causes.get(at)).map_or_else(String::new, |cause| format!("{}. ", cause.sentence));
    let text = format!("{cause}{}: expected {}; observed {}", scenario.title, one_line(&finding.expected), one_line(&finding.observed));
    let mut result = json!({
        "ruleId": finding.requirement,
        "level": level(finding.level),
        "message": {"text": text},
        "locations": locations(report, scenario, finding),
        // The same finding of two runs has one fingerprint: nothing in it hangs on keys or times.
        "partialFingerprints": {
            "hookgate/v1": sha256_hex(format!("{} {} {} {}", report.contract, scenario.id, finding.requirement, finding.step).as_bytes()),
        },
    });
    name_rule(&mut result, report);
    if scenario.verdict == Verdict::Known {
        let reason = scenario.reason.as_deref().unwrap_or("listed in the baseline");
        result["suppressions"] = json!([{"kind": "external", "justification": reason}]);
    }
    (at.unwrap_or(usize::MAX), result)
}

/// What a visit has found, where no scenario tells it.
fn of_visit(report: &Report, cause: &Cause) -> Value {
    let Example { expected, observed, .. } = &cause.example;
    let mut result = json!({
        "ruleId": cause.requirement,
        "level": level(cause.level),
        "message": {"text": format!("{}: expected {}; observed {}", cause.sentence, one_line(expected), one_line(observed))},
        "locations": report.run.contract_file.as_ref().map_or_else(|| json!([]), |file| place(file, 1)),
        "partialFingerprints": {"hookgate/v1": sha256_hex(format!("{} visit {}", report.contract, cause.requirement).as_bytes())},
    });
    name_rule(&mut result, report);
    result
}

/// Says which of the rules it is that a result names.
fn name_rule(result: &mut Value, report: &Report) {
    if let Some(at) = report.requirements.iter().position(|one| result["ruleId"] == one.id.as_str()) {
        result["ruleIndex"] = json!(at);
    }
}

fn place(file: &str, line: u32) -> Value {
    json!([{"physicalLocation": {"artifactLocation": {"uri": file}, "region": {"startLine": line}}}])
}

/// The line of a scenario of the user's own, else the contract's file, else nothing.
fn locations(report: &Report, scenario: &ScenarioReport, finding: &Finding) -> Value {
    match &report.run.contract_file {
        _ if scenario.own => place(&scenario.file, finding.line.max(1)),
        Some(file) => place(file, 1),
        None => json!([]),
    }
}
