//! Streams of a load in words, for every form of its report.

use super::report::{StreamsReport, WrongEvent};
use crate::load::report::LoadReport;
use crate::report::language::Language;
use crate::report::words::duration;

/// What subscribers came to, a word and a value each.
#[must_use]
pub fn facts(report: &LoadReport, language: Language) -> Vec<(String, String)> {
    let Some(streams) = &report.streams else { return Vec::new() };
    let StreamsReport { subscribers, events, due, lost, doubled, out_of_order, resumed, judged, .. } = streams;
    let count = |key: &'static str, value: u64| (key, Some(value.to_string()));
    let judged_count = |key: &'static str, value: u64| (key, judged.then(|| value.to_string()));
    let some = |key: &'static str, value: u64| (key, (value > 0).then(|| value.to_string()));
    let latency = streams.latency_us;
    let refused: Vec<String> = streams.refused.iter().map(|(why, count)| format!("{why} ({count})")).collect();
    let all = [
        count("load-subscribers", *subscribers),
        count("load-streams-read", streams.streams),
        count("load-events", *events),
        judged_count("load-events-due", *due),
        judged_count("load-events-lost", *lost),
        judged_count("load-events-doubled", *doubled),
        judged_count("load-events-disordered", *out_of_order),
        some("load-events-strange", streams.strange),
        some("load-ids-forgotten", streams.forgotten),
        some("load-events-evicted", streams.evicted),
        some("load-events-open", streams.open),
        count("load-resumed", *resumed),
        ("load-not-opened", (!refused.is_empty()).then(|| refused.join(&language.say("between")))),
        ("load-to-event-p50", latency.map(|latency| duration(latency.p50))),
        ("load-to-event-p99", latency.map(|latency| duration(latency.p99))),
        ("load-to-event-max", latency.map(|latency| duration(latency.max))),
    ];
    all.into_iter().filter_map(|(key, value)| Some((language.say(key), value?))).collect()
}

/// What is wrong with events and is told by no requirement, a line each.
#[must_use]
pub fn wrong(report: &LoadReport, language: Language) -> Vec<String> {
    let is_told = |one: &WrongEvent| report.violations.iter().any(|violation| violation.why == one.told());
    let all = report.streams.iter().flat_map(|streams| &streams.wrong).filter(|one| !is_told(one));
    all.map(|one| format!("{} {}", one.key.as_deref().unwrap_or_default(), language.retold(&one.told())).trim_start().to_owned()).collect()
}

impl WrongEvent {
    /// What is wrong, and where.
    #[must_use]
    pub fn told(&self) -> String {
        format!("{} (subscriber {} of {})", self.why, self.subscriber, self.stream)
    }
}
