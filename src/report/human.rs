//! The terminal's text after a run: the verdict, what explains the findings, a
//! table by topic, the findings, what was not judged, and the verdict again.
//!
//! Takes a [`Report`] and a width, gives text; printing is done elsewhere.
//! Long answers are cut: `report.json` has them whole.
//!
//! **Invariant:** nothing that a receiver said can steer the terminal.

mod causes;
mod findings;
pub mod visit;

use anstyle::{AnsiColor, Style};
use fluent_bundle::FluentValue;
use unicode_width::UnicodeWidthChar as _;

use crate::report::language::Language;
use crate::report::tally;
use crate::report::words::{columns, padded};
use crate::report::{Differing, Overall, Report, SnapshotFacts, Verdict};

/// The columns that the text is made for where nobody says how many there are.
pub const WIDTH: usize = 100;
/// Narrower than this no text can be told.
const NARROWEST: usize = 40;
/// How many reasons for not judging are told; the rest is counted.
const MOST_REASONS: usize = 8;

pub(super) const BOLD: Style = Style::new().bold();
pub(super) const DIM: Style = Style::new().dimmed();

/// `report` as text for people; ends with a line break.
///
/// * `colour`: whether ANSI styles are put in.
#[must_use]
pub fn write(report: &Report, colour: bool, language: Language) -> String {
    write_in(report, colour, language, WIDTH)
}

/// The same, for so many columns.
#[must_use]
pub fn write_in(report: &Report, colour: bool, language: Language, width: usize) -> String {
    let voice = Voice { colour, language, width: width.max(NARROWEST) };
    let mut text = head(report, voice);
    if !report.causes.is_empty() {
        text.push_str(&format!("{}\n", last_line(report, voice)));
        text.push_str(&causes::write(report, voice));
    }
    // What it was concluded from stands beside a cause, and else behind what was judged.
    let (early, late) = visit::write(report, voice);
    text.push_str(&early);
    text.push_str(&table(report, voice));
    text.push_str(&findings::write(report, voice));
    text.push_str(&not_judged(report, voice));
    text.push_str(&late);
    let notes = || report.run.notes.iter().filter(|note| !is_said_first(note));
    for note in notes() {
        text.push_str(&voice.labelled("label-note", DIM, &visible(&language.retold(note))));
    }
    if notes().next().is_some() {
        text.push('\n');
    }
    for one in report.baseline.iter().flat_map(|one| &one.stale) {
        text.push_str(&voice.labelled("label-stale", style_of(Verdict::Fail), &visible(one)));
    }
    for one in report.required.iter().flat_map(|one| &one.missing) {
        text.push_str(&voice.labelled("label-required", style_of(Verdict::Fail), &visible(&one.told(language))));
    }
    for one in report.repeat.iter().flat_map(|one| &one.differing) {
        text.push_str(&voice.labelled("label-differs", style_of(Verdict::Fail), &describe_differing(one, language)));
    }
    if let Some(snapshots) = &report.snapshots {
        let mut push = |key: &str, name: String| text.push_str(&format!("{}\n", language.with(key, &[("name", name.into())])));
        snapshots.changed.iter().for_each(|name| push("snapshot-changed", visible(name)));
        snapshots.new.iter().for_each(|name| push("snapshot-new", one_line(name)));
        snapshots.unreferenced.iter().for_each(|name| push("snapshot-unreferenced", one_line(name)));
        text.push_str(&format!("{}  {}\n\n", language.say("snapshots-label"), describe_snapshots(snapshots, language)));
    }
    text.push_str(&last_line(report, voice));
    text
}

/// How snapshots compare, in a line.
pub(super) fn describe_snapshots(facts: &SnapshotFacts, language: Language) -> String {
    let SnapshotFacts { folder, matched, new, changed, unreferenced, pending, fails } = facts;
    let told = language.with(
        "snapshots-told",
        &[
            ("matched", (*matched).into()),
            ("folder", one_line(folder).into()),
            ("changed", changed.len().into()),
            ("new", new.len().into()),
            ("unreferenced", unreferenced.len().into()),
        ],
    );
    if *pending > 0 || (*fails && unreferenced.is_empty()) {
        format!("{told}{}{}", language.say("between"), language.say("snapshots-review"))
    } else {
        told
    }
}

/// A scenario whose verdict differed, in words.
pub(super) fn describe_differing(one: &Differing, language: Language) -> String {
    let told = |(verdict, count): (&String, &usize)| {
        let verdict = language.say(&format!("verdict-{verdict}"));
        language.with("differs-times", &[("count", (*count).into()), ("verdict", verdict.into())])
    };
    let counts: Vec<String> = one.verdicts.iter().map(told).collect();
    format!("{}: {}", one_line(&one.scenario), counts.join(&language.say("between")))
}

/// `text` with everything that could steer a terminal or is not allowed in XML written out; lines stay lines.
#[must_use]
pub fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        // The ranges turn the direction of writing, and hide what they turn.
        let turns = matches!(character, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        let strange = character.is_control() || turns || matches!(character, '\u{2028}' | '\u{2029}' | '\u{fffe}' | '\u{ffff}');
        if character == '\n' || !strange {
            shown.push(character);
        } else {
            shown.extend(character.escape_default());
        }
    }
    shown
}

/// As [`visible`], with its tabs: for what is there to be copied.
pub(crate) fn copyable(text: &str) -> String {
    text.split('\t').map(visible).collect::<Vec<_>>().join("\t")
}

/// As `visible`, in one line.
#[must_use]
pub fn one_line(text: &str) -> String {
    visible(text).split('\n').map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ")
}

/// A time in words: `820 µs`, `3.1 ms`, `2.31 s`.
pub(super) fn took(millis: f64) -> String {
    if millis < 1.0 {
        format!("{:.0} µs", millis * 1000.0)
    } else if millis < 1000.0 {
        format!("{millis:.1} ms")
    } else {
        format!("{:.2} s", millis / 1000.0)
    }
}

/// In which language, and whether with styles.
#[derive(Clone, Copy)]
pub(super) struct Voice {
    colour: bool,
    pub(super) language: Language,
    /// The columns that there are.
    pub(super) width: usize,
}

impl Voice {
    pub(super) fn with(self, style: Style, text: &str) -> String {
        if self.colour && !text.is_empty() { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }

    /// What stands under a key, with its values.
    pub(super) fn say(self, key: &str, values: &[(&str, FluentValue<'_>)]) -> String {
        self.language.with(key, values)
    }

    /// A line that begins with the label of a key.
    fn labelled(self, key: &str, style: Style, text: &str) -> String {
        format!("{}\n", hanging(&format!("{}  ", self.language.say(key)), text, usize::MAX, self.width, |label| self.with(style, label)))
    }
}

pub(super) fn style_of(verdict: Verdict) -> Style {
    let colour = match verdict {
        Verdict::Pass => AnsiColor::Green,
        Verdict::Warn => AnsiColor::Yellow,
        Verdict::Fail => AnsiColor::Red,
        Verdict::Undecided => AnsiColor::Magenta,
        Verdict::NotApplicable => return DIM,
        Verdict::Known => AnsiColor::Cyan,
    };
    Style::new().fg_color(Some(colour.into())).bold()
}

/// `label`, then `text` broken at `width` with its lines under each other, at most `most` of them.
///
/// Words stay whole where they fit; the label is styled after it was measured.
pub(super) fn hanging(label: &str, text: &str, most: usize, width: usize, style: impl Fn(&str) -> String) -> String {
    let indent = columns(label);
    let room = width.saturating_sub(indent).max(NARROWEST / 2);
    let mut lines = text.lines().flat_map(|line| wrapped(line, room)).collect::<Vec<String>>();
    if lines.len() > most {
        lines.truncate(most);
        if let Some(last) = lines.last_mut() {
            *last = format!("{}…", &last[..fitting(last, room - 1)]);
        }
    }
    let between = format!("\n{}", " ".repeat(indent));
    format!("{}{}", style(label), lines.join(&between))
}

fn wrapped(line: &str, width: usize) -> Vec<String> {
    let options = textwrap::Options::new(width).word_splitter(textwrap::WordSplitter::NoHyphenation);
    textwrap::wrap(line.trim_end(), options).into_iter().map(std::borrow::Cow::into_owned).collect()
}

/// The length of the beginning of `text` that takes no more than `width` columns, in bytes.
fn fitting(text: &str, width: usize) -> usize {
    let mut taken = 0;
    let too_much = |character: char| {
        taken += character.width().unwrap_or(0);
        taken > width
    };
    text.find(too_much).unwrap_or(text.len())
}

/// Whether a note stands above everything else.
pub(super) fn is_said_first(note: &str) -> bool {
    [tally::ANSWERS_ALIKE, tally::NO_PROMISE].contains(&note)
}

fn head(report: &Report, voice: Voice) -> String {
    let run = &report.run;
    let first = voice.say("head-against", &[("contract", one_line(&report.contract).into()), ("url", one_line(&report.target.url).into())]);
    let own = if report.target.built_in { format!(" {}", voice.say("head-built-in", &[])) } else { String::new() };
    let mut text = format!("\n{}{own}\n", voice.with(BOLD, &first));
    for note in report.run.notes.iter().filter(|note| is_said_first(note)) {
        text.push_str(&format!("{}\n", visible(&voice.language.retold(note))));
    }
    let made = [("clock", one_line(&run.clock).into()), ("seed", run.seed.to_string().into()), ("deliveries", run.deliveries.into())];
    text.push_str(&voice.with(DIM, &voice.say("head-made", &made)));
    if let Some(database) = &report.target.database {
        let told = voice.say("head-database", &[("path", one_line(database).into())]);
        text.push_str(&voice.with(DIM, &format!("{}{told}", voice.say("between", &[]))));
    }
    if let Some(effects) = &report.target.effects {
        let told = voice.say("head-effects", &[("place", one_line(effects).into())]);
        text.push_str(&voice.with(DIM, &format!("{}{told}", voice.say("between", &[]))));
    }
    let rests_on = |kind: &str| report.requirements.iter().any(|one| one.rests_on.contains(kind));
    if rests_on("effects") {
        let kinds = [
            ("answers", "rests-on-answers"),
            ("rows", "rests-on-rows"),
            ("effects", "rests-on-effects"),
            ("pages", "rests-on-pages"),
            ("streams", "rests-on-streams"),
        ];
        let kinds: Vec<String> = kinds.into_iter().filter(|(kind, _)| rests_on(kind)).map(|(_, key)| voice.say(key, &[])).collect();
        let told = voice.say("head-rests-on", &[("kinds", kinds.join(&voice.say("between", &[])).into())]);
        text.push_str(&voice.with(DIM, &format!("\n{told}")));
    }
    if let Some(history) = &report.history {
        let key = if history.broken + history.undecided == 0 { "history-explained" } else { "history-broken" };
        let facts = [("keys", history.keys.into()), ("broken", history.broken.into()), ("undecided", history.undecided.into())];
        text.push_str(&voice.with(DIM, &format!("\n{}", voice.say(key, &facts))));
    }
    text + "\n\n"
}

const VERDICTS: [Verdict; 6] = [Verdict::Pass, Verdict::Warn, Verdict::Fail, Verdict::Undecided, Verdict::NotApplicable, Verdict::Known];

/// Requirements by topic and verdict; a topic with a failure has its name in the failure's colour.
fn table(report: &Report, voice: Voice) -> String {
    let language = voice.language;
    let mut topics: Vec<&str> = Vec::new();
    for one in &report.requirements {
        if !topics.contains(&one.topic_in(language)) {
            topics.push(one.topic_in(language));
        }
    }
    let count = |topic: Option<&str>, verdict: Verdict| {
        let of = |topic: &str| report.requirements.iter().filter(|one| one.topic_in(language) == topic && one.verdict == verdict).count();
        topic.map_or_else(|| topics.iter().map(|topic| of(topic)).sum::<usize>(), of)
    };
    // The baseline's column stands only where there is a baseline.
    let shown = VERDICTS.into_iter().filter(|verdict| *verdict != Verdict::Known || count(None, Verdict::Known) > 0);
    let titles: Vec<(Verdict, String)> = shown.map(|verdict| (verdict, language.say(&format!("column-{}", verdict.name())))).collect();
    let width = |title: &str| columns(title).max(4) + 3;
    let names = topics.iter().map(|topic| one_line(topic)).collect::<Vec<_>>();
    let corner = language.say("table-requirements");
    let widest = names.iter().chain([&corner]).map(|name| columns(name)).max().unwrap_or(0);
    let row = |name: &str, topic: Option<&str>, style: Style| {
        let mut line = voice.with(style, &padded(name, widest));
        for (verdict, title) in &titles {
            let number = count(topic, *verdict);
            let shown = if number == 0 { "·".to_owned() } else { number.to_string() };
            let style = if number == 0 { DIM } else { style_of(*verdict) };
            line.push_str(&" ".repeat(width(title) - columns(&shown)));
            line.push_str(&voice.with(style, &shown));
        }
        line + "\n"
    };
    let heads: String = titles.iter().map(|(_, title)| format!("{}{title}", " ".repeat(width(title) - columns(title)))).collect();
    let mut text = voice.with(DIM, &format!("{}{heads}", padded(&corner, widest))) + "\n";
    for (topic, name) in topics.iter().zip(&names) {
        let style = if count(Some(topic), Verdict::Fail) > 0 { style_of(Verdict::Fail) } else { Style::new() };
        text.push_str(&row(name, Some(topic), style));
    }
    if topics.len() > 1 {
        text.push_str(&row(&language.say("table-all"), None, BOLD));
    }
    text + "\n"
}

/// Scenarios that were not applicable, by reason.
fn not_judged(report: &Report, voice: Voice) -> String {
    let none = voice.say("reason-none", &[]);
    let mut reasons: Vec<(&str, Vec<&str>)> = Vec::new();
    for one in report.scenarios.iter().filter(|one| one.verdict == Verdict::NotApplicable) {
        let reason = one.reason.as_deref().unwrap_or(&none);
        match reasons.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, ids)) => ids.push(&one.id),
            None => reasons.push((reason, vec![&one.id])),
        }
    }
    if reasons.is_empty() {
        return String::new();
    }
    reasons.sort_by_key(|(_, ids)| std::cmp::Reverse(ids.len()));
    let mut text = format!("{}\n", voice.with(BOLD, &voice.say("not-applicable-heading", &[])));
    for (reason, ids) in reasons.iter().take(MOST_REASONS) {
        // One scenario is named; of many, the number is what matters.
        let many = || voice.say("count-scenarios", &[("count", ids.len().into())]);
        let which = if let [only] = ids.as_slice() { one_line(only) } else { many() };
        text.push_str(&format!(
            "{}\n",
            hanging("  ", &format!("{which}: {}", one_line(&voice.language.retold(reason))), 2, voice.width, str::to_owned)
        ));
    }
    if reasons.len() > MOST_REASONS {
        let more = voice.say("reasons-more", &[("count", (reasons.len() - MOST_REASONS).into())]);
        text.push_str(&format!("  {more}\n"));
    }
    text + "\n"
}

fn last_line(report: &Report, voice: Voice) -> String {
    let summary = &report.summary;
    let style = match summary.verdict {
        Overall::Conforms => style_of(Verdict::Pass),
        Overall::DoesNotConform => style_of(Verdict::Fail),
        Overall::Undecided => style_of(Verdict::Undecided),
        Overall::Interrupted | Overall::Incomplete => style_of(Verdict::Warn),
    };
    let counts = [
        (summary.pass, "count-pass"),
        (summary.warn, "count-warn"),
        (summary.fail, "count-fail"),
        (summary.known, "count-known"),
        (summary.undecided, "count-undecided"),
        (summary.not_applicable, "count-not-applicable"),
    ];
    let counts: Vec<String> =
        counts.into_iter().filter(|(count, _)| *count > 0).map(|(count, key)| voice.say(key, &[("count", count.into())])).collect();
    let all = voice.say("count-scenarios", &[("count", report.scenarios.len().into())]);
    let counts = if counts.is_empty() { all } else { format!("{all}: {}", counts.join(&voice.say("between", &[]))) };
    let spreads = report.scenarios.iter().flat_map(|one| &one.bursts).map(|burst| burst.release_spread_us);
    let bursts = spreads.max().map_or_else(String::new, |most| voice.say("last-bursts", &[("took", took(most as f64 / 1000.0).into())]));
    let told =
        voice.say("last-line", &[("counts", counts.into()), ("took", took(report.run.duration_ms).into()), ("bursts", bursts.into())]);
    let early = report.run.ended_early.as_deref().filter(|why| *why != summary.verdict.words());
    let early = early.map_or_else(String::new, |why| voice.labelled("label-early", Style::new(), &one_line(&voice.language.retold(why))));
    let word = voice.language.overall(summary.verdict);
    format!("{early}{}\n", hanging(&format!("{word}  "), &told, usize::MAX, voice.width, |label| voice.with(style, label)))
}
