//! A load in words: for a terminal, and as `load.md`.
//!
//! Takes a [`LoadReport`] and a language, gives text. What was measured is told
//! as it stands in `load.json`; only the words around it are of the language.

use std::fmt::Write as _;

use super::effort::Effort;
use super::gate::GateResult;
use super::judging::Judged;
use super::knee::Step;
use super::report::{Latency, LoadReport};
use super::streams::telling as streams;
use crate::report::Verdict;
use crate::report::language::Language;
use crate::report::words::{columns, duration, padded};

/// A rate that is this share of what was wanted is not told as missed.
const NEARLY: f64 = 0.98;
/// So much farther in goes what did not fit in a line.
const INDENT: usize = 4; // columns
/// Narrower than this no line is broken.
const NARROWEST: usize = 40; // columns
/// So many violations are told on a terminal.
const TOLD: usize = 5;

/// So many a second; where they are few, with a decimal.
#[must_use]
pub fn per_second(rate: f64) -> String {
    if rate < 10.0 { format!("{rate:.1}/s") } else { format!("{rate:.0}/s") }
}

/// One step of a search in one line, for whoever looks on.
#[must_use]
pub fn knee_step(step: &Step) -> String {
    let what = if step.kept { "kept".to_owned() } else { format!("not kept: {}", step.why.join(", ")) };
    format!("{:>10} for {:.0} s, p99 {}  {what}", per_second(step.wanted_per_s), step.seconds, duration(step.p99_us))
}

/// The highest rate that was kept, and the first that was not, each with how often that was seen; nothing where none was looked for.
#[must_use]
pub fn knee(report: &LoadReport, language: Language) -> Option<String> {
    let knee = report.knee.as_ref()?;
    let end = |key: &str, rate: f64, [tries, seen]: [u32; 2]| {
        language.with(key, &[("rate", per_second(rate).into()), ("seen", seen.into()), ("tries", tries.into())])
    };
    let good = knee.last_good_per_s.map(|rate| end("knee-good", rate, knee.last_good_votes));
    let bad = knee.first_bad_per_s.map(|rate| end("knee-bad", rate, knee.first_bad_votes));
    let mut parts = vec![good.unwrap_or_else(|| language.say("knee-no-good")), bad.unwrap_or_else(|| language.say("knee-no-bad"))];
    parts.extend(knee.at_least_per_s.map(|least| language.with("knee-at-least", &[("rate", per_second(least).into())])));
    parts.extend(knee.generator_was_late.then(|| language.say("knee-late")));
    Some(parts.join(&language.say("between")))
}

/// The last line: all in one.
#[must_use]
pub fn summary(report: &LoadReport, language: Language) -> String {
    let broken = report.requirements.iter().filter(|one| one.verdict == Verdict::Fail);
    let violations: u64 = broken.map(|one| one.violations).sum();
    let lost: u64 = report.errors.values().sum();
    let keys = report.requirements.iter().map(|one| one.checked).max().unwrap_or(0);
    let seconds = format!("{:.1} s", report.seconds);
    let mut rate = per_second(report.rate_per_s);
    if let Some(wanted) = report.wanted_per_s {
        rate = language.with("load-of-wanted", &[("rate", rate.into()), ("wanted", per_second(wanted).into())]);
    }
    let mut parts =
        vec![language.with("load-amount", &[("deliveries", report.deliveries.into()), ("took", seconds.into()), ("rate", rate.into())])];
    parts.extend(report.latency_us.map(|latency| format!("p99 {}", duration(latency.p99))));
    if report.dropped > 0 {
        parts.push(language.with("load-dropped", &[("count", report.dropped.into())]));
    }
    if lost > 0 {
        parts.push(language.with("load-lost", &[("count", lost.into())]));
    }
    parts.push(if report.requirements.is_empty() {
        language.say("load-not-judged")
    } else {
        language.with("load-violations", &[("violations", violations.into()), ("keys", keys.into())])
    });
    format!("{}  {}\n", language.overall(report.verdict), parts.join(&language.say("between")))
}

/// The terminal's text, for so many columns: what is longer goes on in the next line, but for commands, which are there to be copied.
#[must_use]
pub fn human(report: &LoadReport, language: Language, width: usize) -> String {
    let text = unbroken(report, language);
    let again = format!("  {}  ", language.say("label-again"));
    let lines = text.lines().map(|line| if line.starts_with(&again) { line.to_owned() } else { folded(line, width) });
    lines.map(|line| line + "\n").collect()
}

/// A line broken at a width, further lines a little farther in than the first.
fn folded(line: &str, width: usize) -> String {
    if columns(line) <= width {
        return line.to_owned();
    }
    let indent = " ".repeat(line.len() - line.trim_start().len() + INDENT);
    let options = textwrap::Options::new(width.max(NARROWEST)).subsequent_indent(&indent);
    textwrap::wrap(line, options.word_splitter(textwrap::WordSplitter::NoHyphenation)).join("\n")
}

fn unbroken(report: &LoadReport, language: Language) -> String {
    let facts = [
        ("target", report.target.as_str().into()),
        ("contract", report.contract.as_str().into()),
        ("model", model(report, language).into()),
        ("users", report.users.into()),
        ("seed", report.seed.to_string().into()),
    ];
    let mut text = format!("\n{}\n\n", language.with("load-head", &facts));
    let right = |cell: &str, width: usize| format!("{}{cell}", " ".repeat(width.saturating_sub(columns(cell))));
    let rows = rows(report, language);
    let widest = |at: usize| rows.iter().map(|cells| columns(&cells[at])).max().unwrap_or(0);
    for cells in &rows {
        text.push_str(&padded(&cells[0], widest(0)));
        cells.iter().enumerate().skip(1).for_each(|(at, cell)| text.push_str(&format!("  {}", right(cell, widest(at)))));
        text.push('\n');
    }
    for line in unexpected(report, language) {
        let _ = writeln!(text, "  {line}");
    }
    text.push('\n');
    for one in &report.requirements {
        let (id, verdict, sentence) = (padded(&one.id, 10), padded(&language.verdict(one.verdict), 15), one.sentence_in(language));
        let line = format!("{id} {verdict} {}", padded(&judged(one, language), 32));
        let _ = writeln!(text, "{}", format!("{line} {sentence}").trim_end());
    }
    for one in report.violations.iter().take(TOLD) {
        let _ = writeln!(
            text,
            "\n{}\n  {}",
            language.with("load-violation-of", &[("requirement", one.requirement.as_str().into()), ("key", one.key.as_str().into())]),
            language.retold(&one.why)
        );
        for line in one.operations.iter().chain(&one.rows) {
            let _ = writeln!(text, "    {line}");
        }
        let _ = writeln!(text, "  {}  {}", language.say("label-again"), one.curl);
    }
    for gate in &report.gates {
        let holds = language.say(if gate.ok { "gate-holds" } else { "gate-broken" });
        let _ = writeln!(text, "{} {} {} {}", language.say("gate"), padded(&gate.gate, 24), padded(&holds, 7), measured(gate, language));
    }
    for note in notes(report, language) {
        let _ = writeln!(text, "{}  {note}", language.say("label-note"));
    }
    let of_streams: Vec<String> = streams::facts(report, language).into_iter().map(|(name, value)| format!("{name} {value}")).collect();
    if !of_streams.is_empty() {
        let _ = writeln!(text, "{}  {}", language.say("load-streams"), of_streams.join(&language.say("between")));
    }
    for line in streams::wrong(report, language) {
        let _ = writeln!(text, "  {line}");
    }
    let took: Vec<String> = effort(report, language).into_iter().map(|(name, value)| format!("{name} {value}")).collect();
    if !took.is_empty() {
        let _ = writeln!(text, "{}  {}", language.say("load-effort"), took.join(&language.say("between")));
    }
    if let Some(found) = knee(report, language) {
        for step in report.knee.iter().flat_map(|knee| &knee.steps) {
            let mark = language.say(if step.kept { "knee-kept" } else { "knee-broken" });
            let cells = [
                per_second(step.wanted_per_s),
                per_second(step.rate_per_s),
                duration(step.p50_us),
                duration(step.p99_us),
                step.dropped.to_string(),
            ];
            let cells: String = cells.iter().map(|cell| format!(" {}", right(cell, 10))).collect();
            let _ = writeln!(text, "{}{cells}  {}", padded(&mark, 9), step.why.join(", "));
        }
        let _ = writeln!(text, "\n{found}");
    }
    text + "\n" + &summary(report, language)
}

/// `load.md`.
#[must_use]
pub fn markdown(report: &LoadReport, language: Language) -> String {
    let title = language.with("load-title", &[("target", format!("`{}`", report.target).into())]);
    let mut text = format!("# {title}\n\n{}\n", summary(report, language));
    let users = language.with("load-users", &[("users", report.users.into())]);
    for (key, value) in [
        ("md-contract", report.contract.clone()),
        ("load-model", format!("{}{}{users}", model(report, language), language.say("between"))),
        ("page-started", report.started_at.clone()),
    ] {
        let _ = writeln!(text, "- {}: {value}", language.say(key));
    }
    if let Some(project) = &report.project {
        let _ = writeln!(text, "- {}: `{}`", language.say("md-project"), project.told());
    }
    if let Some(found) = knee(report, language) {
        let _ = writeln!(text, "\n{found}");
    }
    text.push('\n');
    let rows: String = rows(report, language).iter().map(|cells| format!("| {} |\n", cells.join(" | "))).collect();
    let (head, rest) = rows.split_at(rows.find('\n').map_or(rows.len(), |at| at + 1));
    let _ = write!(text, "{head}|---|---|---|---|---|---|---|\n{rest}\n");
    let heads = |keys: &[&str]| {
        format!("| {} |\n|{}\n", keys.iter().map(|key| language.say(key)).collect::<Vec<_>>().join(" | "), "---|".repeat(keys.len()))
    };
    if !report.requirements.is_empty() {
        text.push_str(&heads(&["label-requirement", "md-verdict", "load-keys", "load-broken", "page-sentence"]));
        for one in &report.requirements {
            let (verdict, sentence) = (language.verdict(one.verdict), one.sentence_in(language));
            let _ = writeln!(text, "| {} | {verdict} | {} | {} | {sentence} |", one.id, one.checked, one.violations);
        }
        text.push('\n');
    }
    for one in &report.violations {
        let lines: String = one.operations.iter().chain(&one.rows).map(|line| format!("  - {line}\n")).collect();
        let _ = writeln!(text, "- {} `{}`: {}\n{lines}", one.requirement, one.key, language.retold(&one.why));
    }
    if !report.gates.is_empty() {
        text.push_str(&heads(&["gate", "gate-measured", "md-verdict"]));
        for gate in &report.gates {
            let holds = language.say(if gate.ok { "gate-holds" } else { "gate-broken" });
            let _ = writeln!(text, "| `{}` | {} | {holds} |", gate.gate, measured(gate, language));
        }
    }
    let of_streams = streams::facts(report, language);
    if !of_streams.is_empty() {
        let _ = writeln!(text, "\n## {}\n", language.say("load-streams"));
        of_streams.iter().for_each(|(name, value)| text.push_str(&format!("- {name}: {value}\n")));
        streams::wrong(report, language).iter().for_each(|line| text.push_str(&format!("- {line}\n")));
    }
    for note in notes(report, language) {
        let _ = writeln!(text, "\n{note}");
    }
    text
}

/// What a reader should know.
#[must_use]
pub fn notes(report: &LoadReport, language: Language) -> Vec<String> {
    // Where only the generator was late, that is told by itself.
    let is_short = |wanted: &f64| report.dropped > 0 || report.rate_per_s < wanted * NEARLY;
    let not_kept = report.wanted_per_s.filter(|wanted| !report.kept_up && report.deliveries > 0 && is_short(wanted)).map(|wanted| {
        let (rate, wanted) = (per_second(report.rate_per_s), per_second(wanted));
        language.with("load-not-kept", &[("rate", rate.into()), ("wanted", wanted.into()), ("count", report.dropped.into())])
    });
    let contracts = report.contracts.iter().map(|one| {
        let facts = [
            ("name", one.name.as_str().into()),
            ("contract", one.contract.as_str().into()),
            ("path", one.path.as_str().into()),
            ("deliveries", one.deliveries.into()),
            ("rate", per_second(one.rate_per_s).into()),
            ("verdict", language.overall(one.verdict).into()),
        ];
        language.with("load-of-contract", &facts)
    });
    not_kept.into_iter().chain(contracts).chain(report.notes.iter().map(|note| language.retold(note))).collect()
}

/// What should not have come: answers that a kind does not allow, and deliveries without one.
#[must_use]
pub fn unexpected(report: &LoadReport, language: Language) -> Vec<String> {
    let answers = report.kinds.iter().flat_map(|(kind, one)| {
        one.statuses.iter().map(move |(status, count)| {
            language.with(
                "load-wrong-answer",
                &[("kind", kind.as_str().into()), ("status", status.as_str().into()), ("count", (*count).into())],
            )
        })
    });
    let lost =
        |(error, count): (&String, &u64)| language.with("load-no-answer", &[("error", error.as_str().into()), ("count", (*count).into())]);
    answers.chain(report.errors.iter().map(lost)).collect()
}

/// The model in words, and how its deliveries are spread.
#[must_use]
pub fn model(report: &LoadReport, language: Language) -> String {
    let model = language.say(&format!("model-{}", report.model));
    match &report.arrivals {
        Some(arrivals) => format!("{model}{}{}", language.say("between"), language.say(&format!("arrivals-{arrivals}"))),
        None => model,
    }
}

/// What a gate measured, in words.
#[must_use]
pub fn measured(gate: &GateResult, language: Language) -> String {
    gate.shown().unwrap_or_else(|| language.say("gate-nothing"))
}

/// What was taken, a word and a value each.
#[must_use]
pub fn effort(report: &LoadReport, language: Language) -> Vec<(String, String)> {
    let Effort { own_cpu_percent, own_peak_bytes, latest_us, receiver_cpu_percent, receiver_peak_bytes, .. } = report.effort;
    let percent = |value: Option<f64>| value.map(|value| format!("{value:.0}%"));
    let memory = |bytes: Option<u64>| bytes.map(|bytes| format!("{} MB", bytes >> 20));
    let late = report.wanted_per_s.is_some();
    let facts = [
        ("load-own-cpu", percent(own_cpu_percent)),
        ("load-own-memory", memory(own_peak_bytes)),
        ("load-late-label", late.then(|| report.late.to_string())),
        ("load-latest", late.then(|| duration(latest_us))),
        ("load-receiver-cpu", percent(receiver_cpu_percent)),
        ("load-receiver-memory", memory(receiver_peak_bytes)),
    ];
    facts.into_iter().filter_map(|(key, value)| Some((language.say(key), value?))).collect()
}

fn judged(one: &Judged, language: Language) -> String {
    if one.verdict == Verdict::NotApplicable {
        return language.say("load-not-judged");
    }
    language.with("load-violations", &[("violations", one.violations.into()), ("keys", one.checked.into())])
}

fn rows(report: &LoadReport, language: Language) -> Vec<[String; 7]> {
    let heads = ["load-kind", "load-sent", "load-unexpected"].map(|key| language.say(key));
    let [kind, sent, unexpected] = heads;
    let mut rows = vec![[kind, sent, unexpected, "p50".to_owned(), "p95".to_owned(), "p99".to_owned(), language.say("load-max")]];
    for (kind, one) in &report.kinds {
        let of = |pick: fn(&Latency) -> u64| one.latency_us.as_ref().map_or_else(|| "·".to_owned(), |latency| duration(pick(latency)));
        rows.push([
            kind.clone(),
            one.sent.to_string(),
            one.unexpected.to_string(),
            of(|l| l.p50),
            of(|l| l.p95),
            of(|l| l.p99),
            of(|l| l.max),
        ]);
    }
    rows
}
