//! Readers of what lies in a report folder, altered or not: each goes on from reading to everything that a command makes of it, since what
//! was read is what a form, a comparison or a verification may stumble over.
#![expect(clippy::expect_used, reason = "what is given to begin with is right")]

use std::collections::BTreeMap;

use hookgate::files::operations::{OperationsFile, OperationsWriter};
use hookgate::history::Operation;
use hookgate::history::consistency::{self, Law};
use hookgate::judge::verify::answers_again;
use hookgate::load;
use hookgate::load::carried::Carried;
use hookgate::load::joining::{self, Worker};
use hookgate::load::report::LoadReport;
use hookgate::load::worker::Facts;
use hookgate::outcome::{Outcome, OutcomeSet};
use hookgate::report::compare::runs;
use hookgate::report::language::Language;
use hookgate::report::manifest::{MadeFrom, Manifest};
use hookgate::report::replay::judged_again;
use hookgate::report::trend::{Entry, Trend};
use hookgate::report::{Report, causes, github, html, human, junit, markdown, merge, sarif, tap};
use hookgate::run;

use super::{HISTORY, LATENCY_LOG, LOAD, LOADED, RUN, SUITE, text, told};

/// Everything that any command makes of a report: its forms, what it is verified, compared, merged and put in a row with.
pub(super) fn report(bytes: &[u8]) {
    let Some(report) = told(serde_json::from_slice::<Report>(bytes)) else { return };
    for language in [Language::En, Language::Ja] {
        let _ = human::write_in(&report, true, language, 60);
        told(markdown::write(&report, language));
    }
    told(html::write(&report, Language::En));
    told(junit::write(&report));
    let _ = (sarif::write(&report), tap::write(&report), github::write(&report));
    let comparison = runs(("before", &RUN), ("after", &report), Language::En);
    let _ = (comparison.human(), comparison.markdown(), causes::causes(&report));
    verified(&report, HISTORY);
    let trend = Trend::of([&*RUN, &report].map(|one| Entry::of_run("run", one, Language::En)).to_vec(), Vec::new(), Language::En);
    let _ = (told(trend.html()), trend.markdown());
    let shard = |number: usize| {
        let mut one = if number == 1 { report.clone() } else { RUN.clone() };
        one.run.shard = report.run.shard.clone().or_else(|| Some(format!("{number}/2")));
        one.scenarios.retain(|_| number == 1);
        (format!("shard {number}"), one)
    };
    told(merge::joined(&[shard(1), shard(2)]));
}

/// A report beside a history, as `report verify` has them.
pub(super) fn verified(report: &Report, lines: &str) {
    let operations: Vec<Operation> = lines.lines().filter_map(|line| told(serde_json::from_str(line))).collect();
    let facts = run::explanation::explain(&operations, &SUITE.contract, report.run.ttl_secs.or(SUITE.contract.ttl_secs()));
    let _ = judged_again(report, facts.as_ref());
    let Some(signer) = told(SUITE.contract.signature.keyed(SUITE.contract.secret.for_tests.as_bytes())) else { return };
    let _ = answers_again(report, &SUITE.scenarios, &operations, &SUITE.contract, &SUITE.catalogue, &signer);
}

/// The same of a load.
pub(super) fn load_report(bytes: &[u8]) {
    let Some(report) = told(serde_json::from_slice::<LoadReport>(bytes)) else { return };
    for language in [Language::En, Language::Ja] {
        let _ = (load::render::terminal::human(&report, language, 60), load::render::markdown::markdown(&report, language));
    }
    let _ =
        (load::report::series(&report), told(load::render::junit::junit(&report)), told(load::render::page::page(&report, Language::En)));
    let _ = (load::verify::judged_again(&report), load::verify::against_log(&report, LATENCY_LOG));
    let _ = load::verify::against_catalogue(&report, &SUITE.contract, &SUITE.catalogue);
    for [one, other] in [[&*LOADED, &report], [&report, &*LOADED]] {
        let comparison = load::compare::loads(("before", std::slice::from_ref(one)), ("after", std::slice::from_ref(other)), Language::En);
        let _ = (comparison.human(), comparison.markdown());
    }
    let several = [LOADED.clone(), report.clone()];
    let _ = load::compare::loads(("before", &several), ("after", &several), Language::En);
    let trend = Trend::of([&*LOADED, &report].map(|one| load::trend::entry("load", one, Language::En)).to_vec(), Vec::new(), Language::En);
    let _ = (told(trend.html()), trend.markdown());
}

pub(super) fn latency_log(bytes: &[u8]) {
    let _ = load::verify::against_log(&LOADED, &text(bytes));
}

/// What a worker has left, in one text; it is joined with one that is right.
#[derive(Clone, serde::Deserialize)]
struct Left {
    facts: Facts,
    measured: Option<Carried>,
    report: Option<LoadReport>,
}

pub(super) fn worker(bytes: &[u8]) {
    let Some(left) = told(serde_json::from_slice::<Left>(bytes)) else { return };
    let Some(mut right) = told(serde_json::from_slice::<Left>(include_bytes!("readers/worker.json"))) else { return };
    (right.facts.which.number, right.facts.which.keys) = (2, "w2-".to_owned());
    let worker =
        |Left { facts, measured: carried, report }: Left| Worker { folder: "w".to_owned(), facts, carried, report, operations: None };
    for workers in [vec![left.clone()], vec![left, right]] {
        let workers = workers.into_iter().map(worker).collect();
        if let Some(joined) = told(joining::joined(workers, &[], &SUITE.contract, &SUITE.catalogue, MadeFrom::default())) {
            let _ = (load::render::terminal::human(&joined.report, Language::En, 60), load::verify::judged_again(&joined.report));
        }
    }
}

/// A file of operations is read, and judged in parts.
pub(super) fn operations(bytes: &[u8]) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("operations");
    std::fs::write(&path, bytes).expect("it is written");
    let Some(file) = told(OperationsFile::open(&path)) else { return };
    for life in [Some(86_400_000_000), Some(i64::MIN)] {
        told(joining::judge_files(&[(&file, Law { life, replays_failures: true })], 4_096));
    }
}

pub(super) fn kept_operations() -> Vec<Vec<u8>> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("operations");
    let mut writer = OperationsWriter::create(&path).expect("a file");
    let operation = |key: u32, outcome: Outcome, invoked: i64| consistency::Operation {
        key,
        outcome: OutcomeSet::only(outcome),
        invoked,
        returned: invoked + 900,
        refers_to: consistency::NEVER,
    };
    let all =
        [(1, Outcome::Accepted, 1_000), (1, Outcome::Duplicate, 5_000), (5_000, Outcome::Accepted, 7_000), (5_000, Outcome::Failed, 9_000)];
    writer.append(&all.map(|(key, outcome, at)| operation(key, outcome, at))).expect("it is written");
    writer.flush().expect("it is written");
    vec![std::fs::read(&path).expect("it was written")]
}

pub(super) fn manifest(bytes: &[u8]) {
    let Some(manifest) = told(serde_json::from_slice::<Manifest>(bytes)) else { return };
    let files = BTreeMap::from([("load.json".to_owned(), LOAD.into()), ("latency.hlog".to_owned(), LATENCY_LOG.into())]);
    let _ = (manifest.disagreements(&files), manifest.made_from(), manifest.is_sealed_by(b"key"));
}
