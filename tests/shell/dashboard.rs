//! The Grafana dashboard: every query asks for what a load that runs exposes, under the labels that it has there.
#![expect(clippy::expect_used, clippy::panic, reason = "a test ends where something is not as it should be")]

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

use prometheus_parse::{Scrape, Value as Told};
use serde_json::Value;

use crate::command_line::{Running, command, until};
use crate::load_truth::asked;
use crate::surroundings::{project, python_with_vendors};

const SECRET: (&str, &str) = ("ORCH_WEBHOOK_SECRET", "a secret of the tests, shared with nobody");
/// Labels that Prometheus itself gives to whatever it reads.
const OF_PROMETHEUS: [&str; 2] = ["job", "instance"];
/// What stands for it in a query while nobody looks at it in Grafana.
const OF_GRAFANA: [(&str, &str); 3] = [("$__rate_interval", "15s"), ("$job", ".*"), ("$instance", ".*")];

fn dashboard() -> Value {
    serde_json::from_str(&std::fs::read_to_string(project("dashboards/hookgate-load.json")).expect("the dashboard")).expect("JSON")
}

/// Every query of its panels, and of its variables.
fn queries(dashboard: &Value) -> (Vec<String>, Vec<String>) {
    let of = |value: &Value, name: &str| value[name].as_str().unwrap_or_else(|| panic!("{name} of {value}")).to_owned();
    let panels = dashboard["panels"].as_array().expect("panels");
    let targets = panels.iter().flat_map(|panel| panel["targets"].as_array().expect("targets"));
    let variables = dashboard["templating"]["list"].as_array().expect("variables").iter().filter(|one| one["type"] == "query");
    (targets.map(|target| of(target, "expr")).collect(), variables.map(|one| of(&one["query"], "query")).collect())
}

/// Names with their labels, and the values that each has.
type Series = BTreeMap<String, BTreeMap<String, BTreeSet<String>>>;

/// What a load shows under `/metrics`, as somebody else's parser reads it.
fn exposed() -> Series {
    let serving = Running::serve(SECRET.1, &[]);
    let mut load = command()
        .env(SECRET.0, SECRET.1)
        .args(["load", "--target", &serving.url, "--rate", "200/s", "--run-time", "60s", "--mix", "fresh=3,bad-signature=1"])
        .args(["--metrics", "0", "--users", "4", "--drain", "0s", "--no-verify"])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut lines = BufReader::new(load.stderr.take().expect("a pipe"));
    let mut line = String::new();
    lines.read_line(&mut line).expect("a line");
    let address = line.trim().strip_prefix("metrics: http://").and_then(|rest| rest.strip_suffix("/metrics")).expect("an address");
    let mut scrape = None;
    until("something is shown", || {
        let body = asked(address, "/metrics").unwrap_or_default();
        scrape = Scrape::parse(body.lines().map(|line| Ok(line.to_owned()))).ok().filter(|scrape| !scrape.samples.is_empty());
        scrape.is_some()
    });
    drop(load.kill());
    drop(load.wait());
    let mut series = Series::new();
    for sample in scrape.expect("it was asked").samples {
        let mut labels: Vec<(String, String)> = sample.labels.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
        let mut name = sample.metric.clone();
        if let Told::Histogram(buckets) = &sample.value {
            // This parser gives a histogram as one; a query asks for its parts. A sum and a count are samples of their own.
            name += "_bucket";
            labels.extend(buckets.iter().map(|bucket| ("le".to_owned(), bucket.less_than.to_string())));
        }
        let of = series.entry(name).or_default();
        for (label, value) in labels {
            of.entry(label).or_default().insert(value);
        }
    }
    series
}

/// What a selector asks of a label: its name, how they are compared, and with what.
type Asked = (String, String, String);

/// The selectors of a query: a name, and what is asked of each label. Strings hold no quotes in a dashboard of ours.
fn selectors(query: &str) -> Vec<(String, Vec<Asked>)> {
    let name_at = |rest: &str| rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
    query
        .match_indices("hookgate_")
        .map(|(at, _)| {
            let rest = &query[at..];
            let (name, rest) = rest.split_at(name_at(rest));
            let inside = rest.strip_prefix('{').and_then(|rest| rest.split_once('}')).map_or("", |(inside, _)| inside);
            let matchers = inside.split("\",").filter(|one| !one.is_empty()).map(|one| {
                let (label, rest) = one.split_at(name_at(one));
                let (op, value) = rest.split_once('"').expect("a value in quotes");
                (label.trim().to_owned(), op.to_owned(), value.trim_end_matches('"').to_owned())
            });
            (name.to_owned(), matchers.collect())
        })
        .collect()
}

/// The labels that a query is grouped by.
fn groups(query: &str) -> Vec<String> {
    let lists = query.split("by (").skip(1).filter_map(|rest| rest.split_once(')'));
    lists.flat_map(|(list, _)| list.split(',').map(|label| label.trim().to_owned())).collect()
}

/// What a query asks for and a load does not show.
fn missing(query: &str, series: &Series) -> Vec<String> {
    let asked = selectors(query);
    let mut wrong = Vec::new();
    let has = |name: &str, label: &str| OF_PROMETHEUS.contains(&label) || series.get(name).is_some_and(|of| of.contains_key(label));
    for (name, matchers) in &asked {
        let Some(labels) = series.get(name) else {
            wrong.push(format!("{query}: nothing is called {name}"));
            continue;
        };
        for (label, op, value) in matchers.iter().filter(|(label, ..)| !OF_PROMETHEUS.contains(&label.as_str())) {
            let values = labels.get(label);
            let all_there = value.split('|').all(|one| values.is_some_and(|values| values.contains(one)));
            if !["=", "!=", "=~"].contains(&op.as_str()) || !all_there {
                wrong.push(format!("{query}: {name} has no {label} {op} {value}: {values:?}"));
            }
        }
        let lacking = groups(query).into_iter().filter(|label| !has(name, label));
        wrong.extend(lacking.map(|label| format!("{query}: {name} has no label {label}")));
    }
    if asked.is_empty() {
        wrong.push(format!("{query}: asks for nothing of ours"));
    }
    wrong
}

#[test]
fn every_query_of_the_dashboard_asks_for_what_a_load_shows() {
    let dashboard = dashboard();
    let (panels, variables) = queries(&dashboard);
    assert!(panels.len() >= 20 && variables.len() == 2, "{} {}", panels.len(), variables.len());
    let series = exposed();
    let wrong: Vec<String> = panels.iter().chain(&variables).flat_map(|query| missing(query, &series)).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    // It sees what is not there: a name, a label, a value, a label to group by.
    for query in [
        "sum(rate(hookgate_load_deliveries{job=~\".*\"}[5s]))",
        "hookgate_load_users{kind=\"fresh\"}",
        "hookgate_load_deliveries_total{outcome=\"wrong\"}",
        "sum by (outcome) (hookgate_load_errors_total)",
        "up",
    ] {
        assert_eq!(missing(query, &series).len(), 1, "{query}");
    }
    // And everything that is shown is looked at somewhere.
    let all = panels.concat();
    let unseen: Vec<&String> = series.keys().filter(|name| !all.contains(name.as_str())).collect();
    assert!(unseen.is_empty(), "{unseen:?}");
}

/// What this test reads of a query, a parser of `PromQL` reads of it, too.
#[test]
fn queries_of_the_dashboard_are_promql() {
    let Some(python) = python_with_vendors() else { return };
    let (panels, _) = queries(&dashboard());
    let filled: Vec<String> =
        panels.iter().map(|query| OF_GRAFANA.iter().fold(query.clone(), |query, (name, by)| query.replace(name, by))).collect();
    assert!(filled.iter().all(|query| !query.contains('$')), "{filled:#?}");
    let read = read_by(&python, "tests/vendors/promql.py", &serde_json::to_string(&filled).expect("JSON"));
    for (query, read) in filled.iter().zip(read.as_array().expect("a list")) {
        let theirs: Vec<&str> = read["selectors"].as_array().expect("a list").iter().filter_map(|one| one["name"].as_str()).collect();
        let ours = selectors(query);
        assert_eq!(theirs, ours.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), "{query}");
        let labels = |one: &Value| one["labels"].as_array().map_or(0, Vec::len);
        let theirs: Vec<usize> = read["selectors"].as_array().expect("a list").iter().map(labels).collect();
        assert_eq!(theirs, ours.iter().map(|(_, matchers)| matchers.len()).collect::<Vec<_>>(), "{query}");
        assert_eq!(read["by"].as_array().map_or(0, Vec::len), groups(query).len(), "{query}");
    }
}

/// What one of the vendors' scripts says of something.
pub(crate) fn read_by(python: &Path, script: &str, given: &str) -> Value {
    let started = Command::new(python).arg(project(script)).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut reader = started.expect("Python starts");
    reader.stdin.take().expect("a pipe").write_all(given.as_bytes()).expect("it is read");
    let output = reader.wait_with_output().expect("it ends");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

/// Panels have places of their own, and name the source of data that a reader chooses.
#[test]
fn panels_of_the_dashboard_have_room() {
    let dashboard = dashboard();
    let panels = dashboard["panels"].as_array().expect("panels");
    let mut taken = BTreeSet::new();
    let mut ids = BTreeSet::new();
    for panel in panels {
        let [x, y, w, h] = ["x", "y", "w", "h"].map(|side| panel["gridPos"][side].as_u64().expect("a place"));
        assert!(x + w <= 24, "{panel}");
        let mut cells = (x..x + w).flat_map(|x| (y..y + h).map(move |y| (x, y)));
        assert!(cells.all(|cell| taken.insert(cell)), "{} lies over another", panel["title"]);
        assert!(ids.insert(panel["id"].as_u64()), "{} has the id of another", panel["title"]);
        let sources = panel["targets"].as_array().expect("targets").iter().chain([panel]);
        assert!(sources.map(|one| &one["datasource"]["uid"]).all(|uid| uid == "${datasource}"), "{panel}");
        assert!(panel["description"].as_str().is_some_and(|told| told.ends_with('.')), "{panel}");
    }
}
