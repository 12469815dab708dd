//! Sentences of a load that every form of its report has: rates, notes, what should not have come.
//!
//! Takes a [`LoadReport`] and a language, gives text. What was measured is told
//! as it stands in `load.json`; only the words around it are of the language.

use crate::load::effort::Effort;
use crate::load::gate::GateResult;
use crate::load::judging::{Checked, Judged};
use crate::load::knee::Step;
use crate::load::report::{Latency, LoadReport};
use crate::load::unexpected::Unexpected;
use crate::number::total;
use crate::report::Verdict;
use crate::report::language::Language;
use crate::report::words::duration;

/// A rate that is this share of what was wanted is not told as missed.
const NEARLY: f64 = 0.98;
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
    let of = |verdict: Verdict| total(report.requirements.iter().filter(|one| one.verdict == verdict).map(|one| one.violations));
    let (violations, warned) = (of(Verdict::Fail), of(Verdict::Warn));
    let lost = total(report.errors.values().copied());
    let wrong = total(report.kinds.values().flat_map(|kind| kind.statuses.values().copied()));
    // Where keys make nothing idempotent, and in older reports, what was checked most tells how much was.
    let most = report.requirements.iter().max_by_key(|one| one.checked).map_or((0, Checked::Keys), |one| (one.checked, one.of));
    let (count, of) = if report.keys > 0 { (report.keys, Checked::Keys) } else { most };
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
    if report.resent > 0 {
        parts.push(language.with("load-resent", &[("count", report.resent.into())]));
    }
    if wrong > 0 {
        parts.push(language.with("load-wrong", &[("count", wrong.into())]));
    }
    parts.push(if report.requirements.is_empty() {
        language.say("load-not-judged")
    } else {
        language.with("load-violations", &[("violations", violations.into()), ("checked", amount(count, of, language).into())])
    });
    if warned > 0 {
        parts.push(language.with("load-warned", &[("violations", warned.into())]));
    }
    format!("{}  {}\n", language.overall(report.verdict), parts.join(&language.say("between")))
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
    answers.chain(report.errors.iter().map(lost)).chain(report.unexpected.iter().map(|one| example(one, language))).collect()
}

/// One answer that should not have come, with what was due.
pub(in crate::load) fn example(one: &Unexpected, language: Language) -> String {
    let facts = [
        ("kind", one.kind.as_str().into()),
        ("key", one.key.as_str().into()),
        ("sent", one.sent_at.as_str().into()),
        ("expected", language.retold(&one.expected).into()),
        ("observed", language.retold(&one.observed).into()),
    ];
    let told = language.with("load-example", &facts);
    one.requirement.as_ref().map_or_else(|| told.clone(), |id| format!("{id}  {told}"))
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

/// What came of a requirement, in numbers.
pub(in crate::load) fn judged(one: &Judged, language: Language) -> String {
    if one.verdict == Verdict::NotApplicable {
        return language.say("load-not-judged");
    }
    language.with("load-violations", &[("violations", one.violations.into()), ("checked", amount(one.checked, one.of, language).into())])
}

/// So many of what was checked, in words.
pub(super) fn amount(count: u64, of: Checked, language: Language) -> String {
    let key = match of {
        Checked::Keys => "load-checked-keys",
        Checked::Answers => "load-checked-answers",
        Checked::Rows => "load-checked-rows",
        Checked::Events => "load-checked-events",
        Checked::Looks => "load-checked-looks",
    };
    language.with(key, &[("count", count.into())])
}

/// The table of kinds, its heads first.
pub(super) fn rows(report: &LoadReport, language: Language) -> Vec<[String; 7]> {
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
