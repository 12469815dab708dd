//! The terminal's text after a run: a table by topic, what was not as
//! promised, what was not judged, and the verdict as the last line.
//!
//! Takes a [`Report`], gives text for 100 columns; printing is done elsewhere.
//! Long answers are cut: `report.json` has them whole.
//!
//! **Invariant:** nothing that a receiver said can steer the terminal.

mod findings;

use anstyle::{AnsiColor, Style};

use crate::report::{Differing, Overall, Report, ScenarioReport, SnapshotFacts, Verdict};

/// The columns that the text is made for.
pub(super) const WIDTH: usize = 100;
/// How many reasons for not judging are told; the rest is counted.
const MOST_REASONS: usize = 8;

pub(super) const BOLD: Style = Style::new().bold();
pub(super) const DIM: Style = Style::new().dimmed();

/// `report` as text for people; ends with a line break.
///
/// * `colour`: whether ANSI styles are put in.
#[must_use]
pub fn write(report: &Report, colour: bool) -> String {
    let paint = Paint { colour };
    let mut text = head(report, paint);
    text.push_str(&table(report, paint));
    text.push_str(&findings::write(report, paint));
    text.push_str(&not_judged(report, paint));
    for note in &report.run.notes {
        text.push_str(&format!("{}\n", hanging("note  ", &visible(note), usize::MAX, |label| paint.with(DIM, label))));
    }
    if !report.run.notes.is_empty() {
        text.push('\n');
    }
    for one in report.baseline.iter().flat_map(|one| &one.stale) {
        text.push_str(&format!("{}\n", hanging("stale  ", &visible(one), usize::MAX, |label| paint.with(style_of(Verdict::Fail), label))));
    }
    for one in report.repeat.iter().flat_map(|one| &one.differing) {
        text.push_str(&format!(
            "{}\n",
            hanging("differs  ", &describe_differing(one), usize::MAX, |label| paint.with(style_of(Verdict::Fail), label))
        ));
    }
    if let Some(snapshots) = &report.snapshots {
        for one in &snapshots.changed {
            text.push_str(&format!("changed snapshot {}\n", visible(one)));
        }
        for (what, names) in [("new", &snapshots.new), ("unreferenced", &snapshots.unreferenced)] {
            text.push_str(&names.iter().map(|name| format!("{what} snapshot {}\n", one_line(name))).collect::<String>());
        }
        text.push_str(&format!("snapshots  {}\n\n", describe_snapshots(snapshots)));
    }
    text.push_str(&last_line(report, paint));
    text
}

/// How snapshots compare, in a line.
pub(super) fn describe_snapshots(facts: &SnapshotFacts) -> String {
    let SnapshotFacts { folder, matched, new, changed, unreferenced, pending, fails } = facts;
    let way_out =
        if *pending > 0 || (*fails && unreferenced.is_empty()) { "; `hookgate snapshots review` shows and takes them" } else { "" };
    let folder = one_line(folder);
    format!("{matched} as reviewed in {folder}, {} changed, {} new, {} unreferenced{way_out}", changed.len(), new.len(), unreferenced.len())
}

/// A scenario whose verdict differed, in words.
pub(super) fn describe_differing(one: &Differing) -> String {
    let counts: Vec<String> = one.verdicts.iter().map(|(verdict, count)| format!("{count} times {verdict}")).collect();
    format!("{}: {}", one_line(&one.scenario), counts.join(", "))
}

/// How to run one scenario of `report` again.
pub(super) fn again(report: &Report, scenario: &ScenarioReport) -> String {
    // A variant is named in brackets, which a shell would take for a pattern.
    let plain = |c: char| c.is_ascii_alphanumeric() || "/-_.".contains(c);
    let id = if scenario.id.chars().all(plain) { scenario.id.clone() } else { format!("'{}'", scenario.id.replace('\'', "'\\''")) };
    let arguments = if report.run.arguments.is_empty() { String::new() } else { format!(" {}", one_line(&report.run.arguments)) };
    format!("hookgate run {}{arguments} --seed {}", one_line(&id), report.run.seed)
}

/// `text` with everything that could steer a terminal or is not allowed in XML written out; lines stay lines.
pub(super) fn visible(text: &str) -> String {
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
pub(super) fn copyable(text: &str) -> String {
    text.split('\t').map(visible).collect::<Vec<_>>().join("\t")
}

/// As [`visible`], in one line.
pub(super) fn one_line(text: &str) -> String {
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

/// Puts styles around text, or does not.
#[derive(Clone, Copy)]
pub(super) struct Paint {
    colour: bool,
}

impl Paint {
    pub(super) fn with(self, style: Style, text: &str) -> String {
        if self.colour && !text.is_empty() { format!("{style}{text}{style:#}") } else { text.to_owned() }
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

/// `label`, then `text` broken at [`WIDTH`] with its lines under each other, at most `most` of them.
///
/// Words stay whole where they fit; the label is styled after it was measured.
pub(super) fn hanging(label: &str, text: &str, most: usize, style: impl Fn(&str) -> String) -> String {
    let indent = label.chars().count();
    let mut lines = text.lines().flat_map(|line| wrapped(line, WIDTH - indent)).collect::<Vec<String>>();
    if lines.len() > most {
        lines.truncate(most);
        if let Some(last) = lines.last_mut() {
            let room: String = last.chars().take(WIDTH - indent - 1).collect();
            *last = format!("{room}…");
        }
    }
    let between = format!("\n{}", " ".repeat(indent));
    format!("{}{}", style(label), lines.join(&between))
}

fn wrapped(line: &str, width: usize) -> Vec<String> {
    let (mut lines, mut rest) = (Vec::new(), line.trim_end());
    while let Some((end, _)) = rest.char_indices().nth(width) {
        // A word longer than a third of the line is cut rather than leave the line empty.
        let at = rest[..end].rfind(' ').filter(|at| rest[..*at].chars().count() * 3 > width * 2);
        let (head, tail) = rest.split_at(at.unwrap_or(end));
        lines.push(head.trim_end().to_owned());
        rest = tail.trim_start();
    }
    lines.push(rest.to_owned());
    lines
}

fn head(report: &Report, paint: Paint) -> String {
    let run = &report.run;
    let own = if report.target.built_in { " (the built-in reference)" } else { "" };
    let deliveries = counted(run.deliveries as usize, "delivery", "deliveries");
    let first = format!("{} against {}", one_line(&report.contract), one_line(&report.target.url));
    let mut text = format!("\n{}{own}\n", paint.with(BOLD, &first));
    text.push_str(&paint.with(DIM, &format!("clock {}, seed {}, {deliveries}", one_line(&run.clock), run.seed)));
    if let Some(database) = &report.target.database {
        text.push_str(&paint.with(DIM, &format!(", database {}", one_line(database))));
    }
    if let Some(history) = &report.history {
        let told = match (history.broken, history.undecided) {
            (0, 0) => format!("history of {} keys, every answer explained", history.keys),
            (broken, undecided) => format!("history of {} keys, {broken} that no order explains, {undecided} undecided", history.keys),
        };
        text.push_str(&paint.with(DIM, &format!("\n{told}")));
    }
    text + "\n\n"
}

const COLUMNS: [(Verdict, &str); 6] = [
    (Verdict::Pass, "pass"),
    (Verdict::Warn, "warn"),
    (Verdict::Fail, "fail"),
    (Verdict::Undecided, "undecided"),
    (Verdict::NotApplicable, "n/a"),
    (Verdict::Known, "known"),
];

/// Requirements by topic and verdict; a topic with a failure has its name in the failure's colour.
fn table(report: &Report, paint: Paint) -> String {
    let mut topics: Vec<&str> = Vec::new();
    for one in &report.requirements {
        if !topics.contains(&one.topic.as_str()) {
            topics.push(&one.topic);
        }
    }
    let count = |topic: Option<&str>, verdict: Verdict| {
        report.requirements.iter().filter(|one| one.verdict == verdict && topic.is_none_or(|topic| one.topic == topic)).count()
    };
    // The baseline's column stands only where there is a baseline.
    let columns: Vec<(Verdict, &str)> =
        COLUMNS.into_iter().filter(|(verdict, _)| *verdict != Verdict::Known || count(None, Verdict::Known) > 0).collect();
    let names = topics.iter().map(|topic| one_line(topic)).collect::<Vec<_>>();
    let widest = names.iter().map(|name| name.chars().count()).chain(["requirements".len()]).max().unwrap_or(0);
    let row = |name: &str, topic: Option<&str>, style: Style| {
        let mut line = paint.with(style, &format!("{name:<widest$}"));
        for (verdict, title) in &columns {
            let (number, width) = (count(topic, *verdict), title.len().max(4) + 3);
            let shown = if number == 0 { "·".to_owned() } else { number.to_string() };
            let style = if number == 0 { DIM } else { style_of(*verdict) };
            line.push_str(&" ".repeat(width - shown.chars().count()));
            line.push_str(&paint.with(style, &shown));
        }
        line + "\n"
    };
    let titles: String = columns.iter().map(|(_, title)| format!("{title:>width$}", width = title.len().max(4) + 3)).collect();
    let mut text = paint.with(DIM, &format!("{:<widest$}{titles}", "requirements")) + "\n";
    for (topic, name) in topics.iter().zip(&names) {
        let style = if count(Some(topic), Verdict::Fail) > 0 { style_of(Verdict::Fail) } else { Style::new() };
        text.push_str(&row(name, Some(topic), style));
    }
    if topics.len() > 1 {
        text.push_str(&row("all", None, BOLD));
    }
    text + "\n"
}

/// Scenarios that were not applicable, by reason.
fn not_judged(report: &Report, paint: Paint) -> String {
    let mut reasons: Vec<(&str, Vec<&str>)> = Vec::new();
    for one in report.scenarios.iter().filter(|one| one.verdict == Verdict::NotApplicable) {
        let reason = one.reason.as_deref().unwrap_or("no reason was given");
        match reasons.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, ids)) => ids.push(&one.id),
            None => reasons.push((reason, vec![&one.id])),
        }
    }
    if reasons.is_empty() {
        return String::new();
    }
    reasons.sort_by_key(|(_, ids)| std::cmp::Reverse(ids.len()));
    let mut text = format!("{}\n", paint.with(BOLD, "Not applicable"));
    for (reason, ids) in reasons.iter().take(MOST_REASONS) {
        // One scenario is named; of many, the number is what matters.
        let which = if let [only] = ids.as_slice() { one_line(only) } else { format!("{} scenarios", ids.len()) };
        text.push_str(&format!("{}\n", hanging("  ", &format!("{which}: {}", one_line(reason)), 2, str::to_owned)));
    }
    if reasons.len() > MOST_REASONS {
        text.push_str(&format!("  and {} more reasons, in report.json\n", reasons.len() - MOST_REASONS));
    }
    text + "\n"
}

fn last_line(report: &Report, paint: Paint) -> String {
    let summary = &report.summary;
    let (word, style) = match summary.verdict {
        Overall::Conforms => ("conforms", style_of(Verdict::Pass)),
        Overall::DoesNotConform => ("does not conform", style_of(Verdict::Fail)),
        Overall::Undecided => ("undecided", style_of(Verdict::Undecided)),
        Overall::Interrupted => ("interrupted", style_of(Verdict::Warn)),
        Overall::Incomplete => ("incomplete", style_of(Verdict::Warn)),
    };
    let counts = [
        (summary.pass, "passed"),
        (summary.warn, "warned"),
        (summary.fail, "failed"),
        (summary.known, "known"),
        (summary.undecided, "undecided"),
        (summary.not_applicable, "not applicable"),
    ];
    let counts: Vec<String> = counts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")).collect();
    let all = counted(report.scenarios.len(), "scenario", "scenarios");
    let counts = if counts.is_empty() { all } else { format!("{all}: {}", counts.join(", ")) };
    let spreads = report.scenarios.iter().flat_map(|one| &one.bursts).map(|burst| burst.release_spread_us);
    let bursts = spreads.max().map_or_else(String::new, |most| format!(", bursts released within {}", took(most as f64 / 1000.0)));
    let told = format!("{counts}, in {}{bursts}", took(report.run.duration_ms));
    let early = report.run.ended_early.as_deref().filter(|why| *why != word);
    let early = early.map_or_else(String::new, |why| format!("{}\n", hanging("ended early  ", &one_line(why), usize::MAX, str::to_owned)));
    format!("{early}{}\n", hanging(&format!("{word}  "), &told, usize::MAX, |label| paint.with(style, label)))
}

pub(super) fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}
