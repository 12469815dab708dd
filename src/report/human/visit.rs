//! What a visit showed, as the terminal shows it: a line each.

use super::causes;
use super::{BOLD, NARROWEST, Voice, fitting, hanging, one_line, style_of, visible};
use crate::report::language::Language;
use crate::report::words::{columns, padded};
use crate::report::{Report, Verdict, visited};
use crate::visit::{Found, Line};

/// The lines, to stand beside the cause where there is one, or else behind what was judged.
pub(super) fn write(report: &Report, voice: Voice) -> (String, String) {
    let Some(visit) = &report.visit else { return Default::default() };
    let mut text = format!("{}\n", voice.with(BOLD, &voice.language.say("visit-heading")));
    text.push_str(&lines(&visit.lines, voice));
    text.push('\n');
    if visit.refused.is_some() { (text, String::new()) } else { (String::new(), text) }
}

/// What `hookgate doctor` prints: the lines, what was found of evidence, the cause where there is one, and the last word.
#[must_use]
pub fn alone(report: &Report, (colour, width): (bool, usize), language: Language) -> String {
    let voice = Voice { colour, language, width: width.max(NARROWEST) };
    let mut text = head(report, voice);
    let Some(visit) = &report.visit else { return text };
    text.push_str(&lines(&visit.lines, voice));
    text.push_str(&evidence(report, voice));
    text.push('\n');
    text.push_str(&causes::write(report, voice));
    let wrong = visit.lines.iter().filter(|line| line.found == Found::Wrong).count();
    let (key, verdict) = match (&visit.refused, wrong) {
        (Some(_), _) => ("doctor-refused", Verdict::Fail),
        (None, 0) => ("doctor-ready", Verdict::Pass),
        (None, 1..) => ("doctor-differs", Verdict::Warn),
    };
    text + &format!("{}\n", voice.with(style_of(verdict), &voice.say(key, &[("count", wrong.into())])))
}

/// What it prints where nothing could be visited.
///
/// * `reached`: whether somebody answered.
#[must_use]
pub fn unreached(report: &Report, why: &str, reached: bool, (colour, width): (bool, usize), language: Language) -> String {
    let voice = Voice { colour, language, width: width.max(NARROWEST) };
    let key = if reached { "doctor-not-well" } else { "doctor-not-reached" };
    let label = format!("  {}  ", voice.say("visit-found-wrong", &[]));
    let told = hanging(&label, &visible(why), usize::MAX, voice.width, |label| voice.with(style_of(Verdict::Fail), label));
    format!("{}{told}\n\n{}\n", head(report, voice), voice.with(style_of(Verdict::Fail), &voice.say(key, &[])))
}

fn head(report: &Report, voice: Voice) -> String {
    let (contract, url) = (one_line(&report.contract), one_line(&report.target.url));
    format!("\n{}\n\n", voice.with(BOLD, &voice.say("doctor-head", &[("contract", contract.into()), ("url", url.into())])))
}

/// What was found of evidence: a line for the database with its tables, one for effects, one for the clock.
fn evidence(report: &Report, voice: Voice) -> String {
    let target = &report.target;
    let mut found: Vec<(Found, String)> = Vec::new();
    if let Some(database) = &target.database {
        let table = |one: &crate::state::TableShape| {
            let columns: Vec<String> = one.columns.iter().map(|column| one_line(&column.name)).collect();
            format!("{} ({})", one_line(&one.table), columns.join(", "))
        };
        let tables: Vec<String> = target.tables.iter().map(table).collect();
        let between = voice.say("between", &[]);
        let told = [("database", one_line(database).into()), ("tables", tables.join(&between).into())];
        found.push((Found::Right, voice.say("doctor-database", &told)));
    }
    if let Some(effects) = &target.effects {
        found.push((Found::Right, voice.say("doctor-effects", &[("place", one_line(effects).into())])));
    }
    found.extend(report.run.notes.iter().map(|note| (Found::NotJudged, visible(&voice.language.retold(note)))));
    let line = |(found, told): (Found, String)| {
        let label = format!("  {}  ", voice.say(&format!("visit-found-{}", found.name()), &[]));
        let style = style_of(if found == Found::Right { Verdict::Pass } else { Verdict::NotApplicable });
        format!("{}\n", hanging(&label, &told, usize::MAX, voice.width, |label| voice.with(style, label)))
    };
    found.into_iter().map(line).collect()
}

/// A line each, its columns under one another.
pub(super) fn lines(lines: &[Line], voice: Voice) -> String {
    let widest = |of: &dyn Fn(&Line) -> String| lines.iter().map(|line| columns(&of(line))).max().unwrap_or(0);
    let probes = widest(&|line| visited::probe(line, voice.language));
    let founds = widest(&|line| visited::found(line, voice.language));
    let mut text = String::new();
    for line in lines {
        let found = padded(&visited::found(line, voice.language), founds);
        let probe = padded(&visited::probe(line, voice.language), probes);
        let style = style_of(match line.found {
            Found::Right => Verdict::Pass,
            Found::Wrong => Verdict::Fail,
            Found::NotJudged => Verdict::NotApplicable,
        });
        let label = format!("  {found}  {probe}  ");
        let styled = |label: &str| label.replacen(&found, &voice.with(style, &found), 1);
        let observed = cut(&visited::observed(line, voice.language), voice.width.saturating_sub(columns(&label)));
        text.push_str(&format!("{}{observed}\n", styled(&label)));
    }
    text
}

/// As much of a text as there is room for.
fn cut(text: &str, room: usize) -> String {
    let room = room.max(NARROWEST / 2);
    if columns(text) <= room { text.to_owned() } else { format!("{}…", &text[..fitting(text, room - 1)]) }
}
