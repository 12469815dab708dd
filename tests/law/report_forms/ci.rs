//! Forms that other systems read: JUnit, TAP, annotations and SARIF, by their own readers where there are any.

use std::time::Duration;

use hookgate::report::language::Language;
use hookgate::report::{Verdict, causes, github, human, junit, markdown, sarif, tap};
use hookgate::visit::Visit;
use quick_junit::{NonSuccessKind, TestCaseStatus};

use super::sample::sample;
use crate::surroundings::npm;

/// Read back by the crate's own reader: what the attributes count is what is there.
#[test]
fn junit_counts_what_it_holds() {
    let xml = junit::write(&sample()).expect("written in memory");
    let read = quick_junit::Report::deserialize_from_str(&xml).expect("it is JUnit");
    let cases: Vec<_> = read.test_suites.iter().flat_map(|suite| &suite.test_cases).collect();
    let failures =
        cases.iter().filter(|case| matches!(case.status, TestCaseStatus::NonSuccess { kind: NonSuccessKind::Failure, .. })).count();
    let skipped = cases.iter().filter(|case| matches!(case.status, TestCaseStatus::Skipped { .. })).count();
    assert_eq!((read.tests, read.failures, read.errors), (cases.len(), failures, 0));
    assert_eq!((cases.len(), failures, skipped), (6, 1, 3));
    for suite in &read.test_suites {
        assert_eq!(suite.tests, suite.test_cases.len(), "{}", suite.name.as_str());
    }
    let failed = xml.matches("<failure ").count();
    assert_eq!((xml.matches("<testcase ").count(), failed, xml.matches("<skipped").count()), (6, 1, 3));
    assert_eq!(read.time, Some(Duration::from_millis(2310)));
}

#[test]
fn junit_says_what_was_not_as_promised() {
    let xml = junit::write(&sample()).expect("written in memory");
    let start = xml.find("<testsuite name=\"duplicate\"").expect("a suite of its topic");
    let end = xml[start..].find("</testsuite>").expect("it ends");
    insta::assert_snapshot!(&xml[start..start + end], @r##"
    <testsuite name="duplicate" tests="1" skipped="0" errors="0" failures="1" time="0.003">
            <testcase name="duplicate/refers-to-the-first" classname="orch-phase3.duplicate" time="0.003" file="scenarios/orch/duplicate/refers-to-the-first.yaml" line="9">
                <properties>
                    <property name="title" value="A duplicate refers to the first delivery."/>
                    <property name="shows" value="DUP-2"/>
                    <property name="verdict" value="fail"/>
                </properties>
                <failure message="DUP-2: expected reference.type = &quot;duplicate&quot;, observed 202 {&quot;status&quot;:&quot;duplicate&quot;,&quot;message&quot;:&quot;Request already processed&quot;}" type="DUP-2">DUP-2  step 2 &quot;the same delivery again&quot;, line 9
    expected   reference.type = &quot;duplicate&quot;
    reference  202 {&quot;accepted&quot;:true,&quot;reference&quot;:{&quot;type&quot;:&quot;duplicate&quot;}}
    observed   202 {&quot;status&quot;:&quot;duplicate&quot;,&quot;message&quot;:&quot;Request already processed&quot;}
    curl -sS -X POST &apos;http://127.0.0.1:5001/callbacks/terminal&apos; --data-binary &apos;{&quot;a&quot;:1}&apos;</failure>
            </testcase>
    "##);
}

/// Forbidden in XML, steering a terminal, or closing what encloses it: all of it is shown, none of it works.
#[test]
fn control_characters_are_made_visible_in_every_form() {
    let mut report = sample();
    let nasty = "a\0b\u{1b}]0;title\u{7}\tc\r\n]]></failure>\u{ffff}\u{202e}```\n````\nend";
    report.scenarios[1].findings[0].observed = nasty.to_owned();
    let xml = junit::write(&report).expect("written in memory");
    quick_junit::Report::deserialize_from_str(&xml).expect("it is JUnit");
    assert!(xml.contains(r"a\u{0}b\u{1b}]0;title\u{7}\tc\r") && xml.contains(r"]]&gt;&lt;/failure&gt;\u{ffff}\u{202e}"), "{xml}");
    for text in [human::write(&report, false, Language::En), markdown::write(&report, Language::En).expect("the template is right"), xml] {
        assert!(text.chars().all(|c| c == '\n' || !c.is_control()) && !text.contains(['\u{ffff}', '\u{202e}']), "{text}");
    }
}

/// `#` begins a directive: one in a title must not.
#[test]
fn tap_titles_give_no_directive() {
    let mut report = sample();
    report.scenarios[0].title = "the key #TODO \\ is kept".to_owned();
    let text = tap::write(&report);
    assert!(text.contains("the key \\#TODO \\\\ is kept"), "{text}");
}

#[test]
fn tap_has_a_test_point_for_every_scenario() {
    insta::assert_snapshot!(tap::write(&sample()), @r#"
    TAP version 14
    1..6
    ok 1 - concurrency/one-of-many One of many is accepted # SKIP undecided: step 1: 2 of 8 deliveries timed out
    not ok 2 - duplicate/refers-to-the-first A duplicate refers to the first delivery.
      ---
      - requirement: DUP-2
        expected: "reference.type = \"duplicate\""
        reference: "202 {\"accepted\":true,\"reference\":{\"type\":\"duplicate\"}}"
        observed: "202 {\"status\":\"duplicate\",\"message\":\"Request already processed\"}"
        at: "scenarios/orch/duplicate/refers-to-the-first.yaml:9"
      ...
    not ok 3 - http/methods Other methods are refused # TODO the proxy in front of it answers
      ---
      - requirement: HTTP-2
        expected: "status 405 or 404"
        reference: "202 {\"accepted\":true,\"reference\":{\"type\":\"duplicate\"}}"
        observed: "200 {}"
        at: "scenarios/orch/http/methods.yaml:9"
      ...
    ok 4 - key/long[300 bytes] A long key is kept whole
      ---
      - requirement: KEY-6
        expected: "status 202 or 400"
        reference: "202 {\"accepted\":true,\"reference\":{\"type\":\"duplicate\"}}"
        observed: "500 Internal Server Error Internal Server Error Internal Server Error Internal Server Error Internal Server Error Internal Server Error Internal Server Error Internal Server Error Internal Server Error Internal Server Error Internal Server Error Internal Server Error Internal Server Error Internal Server Error Internal Server Error Internal Server Error Internal Server Error Internal Server Error Internal Server Error Internal Server Error Internal Server Error Internal Server Error Internal Server Error Internal Server Error Internal Server Error Internal Server Error Internal Server Error Internal Server Error Internal Server Error Internal Server Error \\u{1b}[2J| `tail`"
        at: "scenarios/orch/key/long.yaml:9"
      ...
    ok 5 - seed/first-delivery 1回目処理: the first delivery is answered 202
    ok 6 - ttl/expires A key expires # SKIP not applicable: time cannot be made to pass for the receiver (--clock)
    "#);
}

#[test]
fn annotations_stand_at_the_line_of_the_scenario() {
    insta::assert_snapshot!(github::write(&sample()), @r#"
    ::error title=DUP-2%3A `reference.type` in answers is not as the contract says::explains 1 of 2 failures (1 requirement)%0Aexpected  reference.type = "duplicate"%0Areference 202 {"accepted":true,"reference":{"type":"duplicate"}}%0Aobserved  202 {"status":"duplicate","message":"Request already processed"}%0Acurl -sS -X POST 'http://127.0.0.1:5001/callbacks/terminal' --data-binary '{"a":1}'%0Aagain     hookgate run scenarios/orch/duplicate/refers-to-the-first.yaml --target http://127.0.0.1:5001 --seed 41
    ::warning title=KEY-6%3A Deliveries with an unusual key get a failure (500)::explains 1 of 2 failures (1 requirement)%0Aexpected  status 202 or 400%0Areference 202 {"accepted":true,"reference":{"type":"duplicate"}}%0Aobserved  500 Internal Server Error Internal Server Error Internal Server Error Internal Server Error Internal Server Error Internal Server Error Internal Server Error Internal Server Error Internal Server Error Internal Server Error Internal Server Error Internal Server Error Internal Server Error Internal Server Error Internal Server Error Internal Server Error Internal Server Error Internal Server Error Internal Server Error Internal Server Error Internal Server Error Internal Server Error Internal Server Error Internal Server Error Internal Server Error Internal Server Error Internal Server Error Internal Server Error Internal Server Error Internal Server Error [2J| `tail`%0Acurl -sS -X POST 'http://127.0.0.1:5001/callbacks/terminal' --data-binary '{"a":1}'%0Aagain     hookgate run scenarios/orch/key/long.yaml --target http://127.0.0.1:5001 --seed 41
    ::error file=scenarios/orch/duplicate/refers-to-the-first.yaml,line=9,title=DUP-2 duplicate/refers-to-the-first::A duplicate refers to the first delivery.%0Aexpected  reference.type = "duplicate"%0Areference 202 {"accepted":true,"reference":{"type":"duplicate"}}%0Aobserved  202 {"status":"duplicate","message":"Request already processed"}
    ::notice file=scenarios/orch/http/methods.yaml,line=9,title=HTTP-2 http/methods::Other methods are refused%0Aexpected  status 405 or 404%0Areference 202 {"accepted":true,"reference":{"type":"duplicate"}}%0Aobserved  200 {}
    ::warning file=scenarios/orch/key/long.yaml,line=9,title=KEY-6 key/long[300 bytes]::A long key is kept whole%0Aexpected  status 202 or 400%0Areference 202 {"accepted":true,"reference":{"type":"duplicate"}}%0Aobserved  500 Internal Server Error Internal Server Error Internal Server Error Internal Server Error Internal Server Error Internal Server Error Internal Server Error Internal Server Error Internal Server Error Internal Server Error Internal Server Error Internal Server Error Internal Server Error Internal Server Error Internal Server Error Internal Server Error Internal Server Error Internal Server Error Internal Server Error Internal Server Error Internal Server Error Internal Server Error Internal Server Error Internal Server Error Internal Server Error Internal Server Error Internal Server Error Internal Server Error Internal Server Error Internal Server Error [2J| `tail`
    "#);
}

/// Text from outside cannot begin a command of its own, nor end the one it stands in.
#[test]
fn annotations_are_one_line_each_whatever_a_target_answers() {
    let mut report = sample();
    let with_findings = report.scenarios.iter_mut().find(|one| !one.findings.is_empty()).expect("a finding");
    with_findings.findings[0].observed = "one%\n::error::two\r\n".to_owned();
    with_findings.file = "a,b:c\n.yaml".to_owned();
    let text = github::write(&report);
    assert!(text.lines().all(|line| line.starts_with("::")), "{text}");
    let findings = report.scenarios.iter().map(|one| one.findings.len()).sum::<usize>();
    assert_eq!(text.lines().count(), findings + report.causes.len());
    assert!(text.contains("file=a%2Cb%3Ac%0A.yaml,") && text.contains("one%25%0A::error::two%0D%0A"), "{text}");
}

#[test]
fn sarif_has_a_rule_a_requirement_and_a_result_a_finding() {
    let report = sample();
    let sarif = sarif::write(&report);
    let run = &sarif["runs"][0];
    assert_eq!(sarif["version"], "2.1.0");
    assert_eq!(run["tool"]["driver"]["rules"].as_array().map(Vec::len), Some(report.requirements.len()));
    let results = run["results"].as_array().expect("a list");
    assert_eq!(results.len(), report.scenarios.iter().map(|one| one.findings.len()).sum::<usize>());
    for result in results {
        let rule = &run["tool"]["driver"]["rules"][usize::try_from(result["ruleIndex"].as_u64().expect("a place")).expect("small")];
        assert_eq!(rule["id"], result["ruleId"]);
        let place = &result["locations"][0]["physicalLocation"];
        assert!(place["artifactLocation"]["uri"].as_str().is_some_and(|uri| uri.starts_with("scenarios/")));
        assert!(place["region"]["startLine"].as_u64() >= Some(1));
        let is_should = result["ruleId"] == "KEY-6";
        assert_eq!(result["level"], if is_should { "warning" } else { "error" }, "{result}");
    }
}

/// The schema that OASIS publishes, as Microsoft's own validator for SARIF brings it.
#[test]
fn sarif_is_valid_by_its_published_schema() {
    let Some(schema) = npm("@microsoft/sarif-multitool-linux/sarif-2.1.0.json") else { return };
    let schema: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(schema).expect("a file")).expect("JSON");
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    let valid = sarif::write(&sample());
    let wrong: Vec<String> = validator.iter_errors(&valid).map(|wrong| format!("{}: {wrong}", wrong.instance_path())).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    // It looks at what matters.
    for (at, value) in [("/runs/0/results/0/level", "must"), ("/runs/0/results/0/locations/0/physicalLocation/region/startLine", "nine")] {
        let mut broken = valid.clone();
        *broken.pointer_mut(at).expect("a member") = value.into();
        assert!(!validator.is_valid(&broken), "{at}");
    }
}

/// A receiver that lets nothing in is told by every form, also where no scenario that was chosen tells of it: none is green.
#[test]
fn refused_visit_is_told_where_no_scenario_tells_it() {
    let mut report = sample();
    for scenario in &mut report.scenarios {
        scenario.findings.clear();
        scenario.verdict = Verdict::Undecided;
    }
    let refused = serde_json::json!({
        "code": "wrong-secret", "facts": {}, "sentence": "Honest deliveries are refused", "advice": "compare", "expected": "202",
        "observed": "401 # no", "status": 401, "requirement": "AUTH-1", "curl": "curl http://h/"
    });
    report.visit = Some(Visit { lines: Vec::new(), refused: Some(serde_json::from_value(refused).expect("a refusal")) });
    report.causes = causes::causes(&report);
    let read = quick_junit::Report::deserialize_from_str(&junit::write(&report).expect("written in memory")).expect("it is JUnit");
    assert_eq!((read.failures, read.test_suites.last().map(|one| one.name.as_str().to_owned())), (1, Some("visit".to_owned())));
    let sarif = sarif::write(&report);
    let results = sarif["runs"][0]["results"].as_array().expect("a list");
    assert_eq!((results.len(), &results[0]["ruleId"], &results[0]["level"]), (1, &"AUTH-1".into(), &"error".into()));
    let tap = tap::write(&report);
    assert!(tap.contains(&format!("\n1..{}\n", report.scenarios.len() + 1)), "{tap}");
    assert_eq!(tap.lines().filter(|line| line.starts_with("not ok")).count(), 1, "{tap}");
    // Where a scenario tells it, nothing is told twice.
    let found = sample();
    report.scenarios[1] = found.scenarios[1].clone();
    report.causes = causes::causes(&report);
    assert!(!tap::write(&report).contains("visit") && !sarif::write(&report).to_string().contains(" visit "));
}
