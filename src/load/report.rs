//! The report of a load: `load.json`, and texts made of it.
//!
//! **Invariant:** members are read by other tools; one is added, never renamed.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use quick_junit::{NonSuccessKind, Report as Junit, TestCase, TestCaseStatus, TestSuite};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::gate::GateResult;
use super::judging::{Judged, Violation};
use super::measure;
use crate::report::words::duration as shown;
use crate::report::{Overall, Tool, Verdict};

/// The version of the report's form.
pub const SCHEMA: &str = "hookgate.load/1";
/// So many violations are told on a terminal.
const TOLD: usize = 5;

/// Everything that a load has learned.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct LoadReport {
    /// Always [`SCHEMA`].
    pub schema: String,
    /// What made the report.
    pub tool: Tool,
    /// The receiver.
    pub target: String,
    /// The contract.
    pub contract: String,
    /// `closed`: the next delivery follows the last answer; `open`: it follows the clock.
    pub model: String,
    /// How deliveries of the open model are spread: `constant` or `poisson`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arrivals: Option<String>,
    /// When it began, UTC, ISO 8601.
    pub started_at: String,
    /// How many users there were, each with a connection.
    pub users: usize,
    /// The seed of what is random.
    pub seed: u64,
    /// The weights of the kinds.
    #[serde(default)]
    pub mix: BTreeMap<String, u32>,
    /// How many deliveries were measured, warm-up left out.
    pub deliveries: u64,
    /// How many were sent in all.
    pub operations: u64,
    /// How long was measured.
    pub seconds: f64,
    /// Deliveries a second.
    pub rate_per_s: f64,
    /// By kind.
    pub kinds: BTreeMap<String, KindReport>,
    /// Over all kinds; absent without samples.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency_us: Option<Latency>,
    /// Why there was no answer, and how often.
    pub errors: BTreeMap<String, u64>,
    /// Latency by share of deliveries, from the fastest to the slowest.
    #[serde(default)]
    pub curve: Vec<CurvePoint>,
    /// Second by second.
    pub series: Vec<Second>,
    /// Whether the history was judged.
    #[serde(default)]
    pub judged: bool,
    /// Of how many keys nothing can be said: no answer came, and no row is to be seen.
    #[serde(default)]
    pub undecided: u64,
    /// What was judged.
    pub requirements: Vec<Judged>,
    /// The first broken promises in full.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub violations: Vec<Violation>,
    /// The gates.
    pub gates: Vec<GateResult>,
    /// Whether the generator itself could keep up.
    pub kept_up: bool,
    /// What a reader should know.
    #[serde(default)]
    pub notes: Vec<String>,
    /// The verdict.
    pub verdict: Overall,
}

/// One kind of delivery.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct KindReport {
    /// How many were sent.
    pub sent: u64,
    /// How many got an answer that the kind allows.
    pub expected: u64,
    /// How many did not.
    pub unexpected: u64,
    /// Statuses that the kind does not allow, and how often each came.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub statuses: BTreeMap<String, u64>,
    /// The latency; absent without samples.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency_us: Option<Latency>,
}

/// Quantiles in microseconds.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Latency {
    /// Half are as fast.
    pub p50: u64,
    /// Nine in ten.
    pub p90: u64,
    /// 95 in a hundred.
    pub p95: u64,
    /// 99 in a hundred.
    pub p99: u64,
    /// 999 in a thousand.
    pub p999: u64,
    /// The longest.
    pub max: u64,
}

impl Latency {
    pub(super) fn of([p50, p90, p95, p99, p999, max]: [u64; 6]) -> Self {
        Self { p50, p90, p95, p99, p999, max }
    }
}

/// So many deliveries, as a share of all, took no longer.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
pub struct CurvePoint {
    /// The share, from 0 to 1.
    pub quantile: f64,
    /// Microseconds.
    pub us: u64,
}

/// One second.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Second {
    /// How many were answered or given up.
    pub deliveries: u64,
    /// How many did not get what they should have.
    pub errors: u64,
    /// Microseconds.
    pub p50_us: u64,
    /// Microseconds.
    pub p99_us: u64,
}

impl Second {
    pub(super) fn of(second: &measure::Second) -> Self {
        Self { deliveries: second.count, errors: second.errors, p50_us: second.quantile(0.5), p99_us: second.quantile(0.99) }
    }
}

/// The last line: all in one.
#[must_use]
pub fn summary(report: &LoadReport) -> String {
    let p99 = report.latency_us.map_or_else(String::new, |latency| format!(", p99 {}", shown(latency.p99)));
    let broken = report.requirements.iter().filter(|one| one.verdict == Verdict::Fail);
    let violations: u64 = broken.map(|one| one.violations).sum();
    let lost: u64 = report.errors.values().sum();
    let lost = if lost == 0 { String::new() } else { format!(", {lost} without an answer") };
    let keys = report.requirements.iter().map(|one| one.checked).max().unwrap_or(0);
    let judged = if report.requirements.is_empty() { "not judged".to_owned() } else { format!("{violations} violations in {keys} keys") };
    format!(
        "{}  {} deliveries in {:.1} s, {:.0}/s{p99}{lost}, {judged}\n",
        report.verdict.words(),
        report.deliveries,
        report.seconds,
        report.rate_per_s
    )
}

/// The terminal's text.
#[must_use]
pub fn human(report: &LoadReport) -> String {
    let mut text = format!(
        "\nload of {} ({}), {} model, {} users, seed {}\n\n",
        report.target, report.contract, report.model, report.users, report.seed
    );
    text.push_str(&table(report, |columns| {
        let [kind, sent, unexpected, p50, p95, p99, max] = columns;
        format!("{kind:<20} {sent:>10} {unexpected:>11} {p50:>9} {p95:>9} {p99:>9} {max:>9}\n")
    }));
    for line in unexpected(report) {
        let _ = writeln!(text, "  {line}");
    }
    text.push('\n');
    for one in &report.requirements {
        let told = match one.verdict {
            Verdict::NotApplicable => "not judged".to_owned(),
            _ => format!("{} violations in {} keys", one.violations, one.checked),
        };
        let _ = writeln!(text, "{:<10} {:<15} {told}", one.id, one.verdict.name());
    }
    for one in report.violations.iter().take(TOLD) {
        let _ = writeln!(text, "\n{} key {}\n  {}", one.requirement, one.key, one.why);
        for line in one.operations.iter().chain(&one.rows) {
            let _ = writeln!(text, "    {line}");
        }
        let _ = writeln!(text, "  again  {}", one.curl);
    }
    for gate in &report.gates {
        let _ = writeln!(text, "gate {:<24} {:<7} {}", gate.gate, if gate.ok { "holds" } else { "BROKEN" }, gate.shown());
    }
    for note in &report.notes {
        let _ = writeln!(text, "note  {note}");
    }
    text + "\n" + &summary(report)
}

/// What should not have come: answers that a kind does not allow, and deliveries without one.
#[must_use]
pub fn unexpected(report: &LoadReport) -> Vec<String> {
    let answers = report.kinds.iter().flat_map(|(kind, one)| {
        one.statuses.iter().map(move |(status, count)| format!("{kind}: {count} times an answer (status {status}) that it should not get"))
    });
    answers.chain(report.errors.iter().map(|(error, count)| format!("no answer: {count} times {error}"))).collect()
}

fn table(report: &LoadReport, row: impl Fn([String; 7]) -> String) -> String {
    let mut text = row(["kind", "sent", "unexpected", "p50", "p95", "p99", "max"].map(str::to_owned));
    for (kind, one) in &report.kinds {
        let of = |pick: fn(&Latency) -> u64| one.latency_us.as_ref().map_or_else(|| "·".to_owned(), |latency| shown(pick(latency)));
        text.push_str(&row([
            kind.clone(),
            one.sent.to_string(),
            one.unexpected.to_string(),
            of(|l| l.p50),
            of(|l| l.p95),
            of(|l| l.p99),
            of(|l| l.max),
        ]));
    }
    text
}

/// `load.md`.
#[must_use]
pub fn markdown(report: &LoadReport) -> String {
    let mut text = format!(
        "# Load of `{}`\n\n{}\n- Contract: {}\n- Model: {}, {} users\n- Started at: {} UTC\n\n",
        report.target,
        summary(report),
        report.contract,
        report.model,
        report.users,
        report.started_at
    );
    let cells = |columns: [String; 7]| format!("| {} |\n", columns.join(" | "));
    let rows = table(report, cells);
    let (head, rest) = rows.split_at(rows.find('\n').map_or(rows.len(), |at| at + 1));
    let _ = write!(text, "{head}|---|---|---|---|---|---|---|\n{rest}\n");
    if !report.requirements.is_empty() {
        text.push_str("| requirement | verdict | keys | violations |\n|---|---|---|---|\n");
        for one in &report.requirements {
            let _ = writeln!(text, "| {} | {} | {} | {} |", one.id, one.verdict.name(), one.checked, one.violations);
        }
        text.push('\n');
    }
    for one in &report.violations {
        let _ = writeln!(
            text,
            "- {} `{}`: {}\n{}",
            one.requirement,
            one.key,
            one.why,
            one.operations.iter().chain(&one.rows).map(|line| format!("  - {line}\n")).collect::<String>()
        );
    }
    if !report.gates.is_empty() {
        text.push_str("| gate | value | holds |\n|---|---|---|\n");
        for gate in &report.gates {
            let _ = writeln!(text, "| `{}` | {} | {} |", gate.gate, gate.shown(), if gate.ok { "yes" } else { "no" });
        }
    }
    for note in &report.notes {
        let _ = writeln!(text, "\n{note}");
    }
    text
}

/// `series.csv`.
#[must_use]
pub fn series(report: &LoadReport) -> String {
    let lines = report.series.iter().enumerate();
    lines.fold("second,deliveries,errors,p50_us,p99_us\n".to_owned(), |mut text, (at, one)| {
        let _ = writeln!(text, "{at},{},{},{},{}", one.deliveries, one.errors, one.p50_us, one.p99_us);
        text
    })
}

/// `junit.xml`: a test case a gate and a requirement.
///
/// # Errors
/// When the XML cannot be written.
pub fn junit(report: &LoadReport) -> Result<String, quick_junit::SerializeError> {
    let failed = |message: String| {
        let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
        status.set_message(message);
        status
    };
    let mut suite = TestSuite::new(format!("load of {}", report.contract));
    for gate in &report.gates {
        let status = if gate.ok { TestCaseStatus::success() } else { failed(format!("measured: {}", gate.shown())) };
        suite.add_test_case(TestCase::new(format!("gate {}", gate.gate), status));
    }
    for one in &report.requirements {
        let status = match one.verdict {
            Verdict::Pass => TestCaseStatus::success(),
            Verdict::NotApplicable => TestCaseStatus::skipped(),
            _ => failed(format!("{} violations in {} keys", one.violations, one.checked)),
        };
        suite.add_test_case(TestCase::new(one.id.clone(), status));
    }
    let mut junit = Junit::new("hookgate");
    junit.add_test_suite(suite);
    junit.to_string()
}
