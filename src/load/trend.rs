//! Trend: what the trend of many reports tells of a load.

use super::report::LoadReport;
use crate::report::Verdict;
use crate::report::language::Language;
use crate::report::trend::{Asked, Entry, Of};

/// A load as an entry of a trend.
#[must_use]
pub fn entry(path: &str, report: &LoadReport, language: Language) -> Entry {
    let asked = report.requirements.iter().map(|one| Asked {
        id: one.id.clone(),
        level: one.level,
        sentence: one.translations.get(language.code()).unwrap_or(&one.sentence).clone(),
        verdict: one.verdict,
    });
    let requirements: Vec<Asked> = asked.collect();
    Entry {
        path: path.to_owned(),
        of: Of::Load,
        contract: report.contract.clone(),
        target: report.target.clone(),
        started_at: report.started_at.clone(),
        verdict: report.verdict,
        broken: requirements.iter().filter(|one| matches!(one.verdict, Verdict::Fail | Verdict::Warn | Verdict::Known)).count(),
        took_ms: report.seconds * 1000.0,
        rate_per_s: Some(report.rate_per_s),
        p50_us: report.latency_us.map(|latency| latency.p50),
        p99_us: report.latency_us.map(|latency| latency.p99),
        requirements,
    }
}
