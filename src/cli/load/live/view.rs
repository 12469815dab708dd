//! View: a load that runs, drawn for a terminal of any width; nothing in it ever wraps.
//!
//! A [`Progress`] in, a frame out. What does not fit a narrow terminal is left
//! out whole, the least wanted first; nothing is cut in the middle of a number.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{LineGauge, Paragraph, Sparkline};
use unicode_width::UnicodeWidthStr as _;

use crate::load::measure::{OfKind, quantiles};
use crate::load::progress::{Phase, Progress};
use crate::load::render::sentences::per_second;
use crate::report::words::{duration, padded};

/// The rate over time is so many lines high.
const SPARK_LINES: u16 = 4;
/// A name of a kind is told in so many columns.
const NAME: usize = 18;
/// And each of its numbers.
const NUMBER: usize = 11;
/// Between two facts of a line.
const BETWEEN: &str = "  ";

/// A load in one line, 80 columns at the most: for those who look at no terminal.
pub(super) fn line(progress: &Progress<'_>) -> String {
    let rate = progress.lately_per_s.map_or_else(|| "–".to_owned(), |rate| format!("{rate:.0}/s"));
    let latency = progress.last_second();
    let all = progress.all();
    let seconds = progress.elapsed.as_secs();
    // Nothing more is wanted of a load that drains.
    let of_wanted = progress
        .wanted_per_s
        .filter(|_| !is_draining(progress.phase))
        .map_or_else(String::new, |wanted| format!(" of {}", per_second(wanted)));
    let lost: u64 = progress.measured.errors.values().sum();
    let mut facts = vec![
        format!("{seconds:>4} s {}", phase(progress.phase)),
        format!("{rate}{of_wanted}"),
        match (latency, progress.lately_per_s) {
            (Some([_, p99]), _) => format!("p99 {}", duration(p99)),
            (None, Some(rate)) if rate <= 0.0 => "no answer".to_owned(),
            (None, Some(_) | None) => "p99 –".to_owned(),
        },
        format!("wrong {}", all.errors.saturating_sub(lost)),
        format!("lost {lost}"),
    ];
    if let Some(streams) = &progress.streams {
        facts.push(format!("events {}", streams.events));
    }
    if progress.behind > 0 {
        facts.push(format!("behind {}", progress.behind));
    }
    fitting(facts, 80)
}

/// As many facts of a line as it has room for.
fn fitting(facts: Vec<String>, columns: usize) -> String {
    let mut line = String::new();
    for fact in facts {
        let wanted = if line.is_empty() { fact } else { format!("{BETWEEN}{fact}") };
        if line.width() + wanted.width() > columns {
            break;
        }
        line.push_str(&wanted);
    }
    line
}

fn phase(phase: Phase) -> &'static str {
    match phase {
        Phase::WarmingUp => "warming up",
        Phase::Measuring => "measuring",
        Phase::Draining | Phase::Over => "draining",
    }
}

/// Whether nothing more is wanted.
fn is_draining(phase: Phase) -> bool {
    match phase {
        Phase::WarmingUp | Phase::Measuring => false,
        Phase::Draining | Phase::Over => true,
    }
}

/// Draws the whole of it.
pub(super) fn draw(frame: &mut Frame<'_>, title: &str, progress: &Progress<'_>) {
    let area = frame.area();
    let width = usize::from(area.width);
    let (kinds, gates, rest) = (kinds(progress, width), gates(progress, width), rest(progress, width));
    let tall = |lines: &[Line<'_>]| Constraint::Length(u16::try_from(lines.len()).unwrap_or(u16::MAX));
    let head = head(title, progress, width);
    let [top, gauge, spark, of_kinds, of_gates, of_rest, _] = Layout::vertical([
        tall(&head),
        Constraint::Length(1),
        Constraint::Length(SPARK_LINES + 1),
        tall(&kinds),
        tall(&gates),
        tall(&rest),
        Constraint::Fill(1),
    ])
    .areas(area);
    frame.render_widget(Paragraph::new(head), top);
    draw_time(frame, gauge, progress);
    draw_rate(frame, spark, progress);
    frame.render_widget(Paragraph::new(kinds), of_kinds);
    frame.render_widget(Paragraph::new(gates), of_gates);
    frame.render_widget(Paragraph::new(rest), of_rest);
}

fn bold(text: String) -> Line<'static> {
    Line::styled(text, Style::new().add_modifier(Modifier::BOLD))
}

fn dim(text: String) -> Line<'static> {
    Line::styled(text, Style::new().add_modifier(Modifier::DIM))
}

fn head(title: &str, progress: &Progress<'_>, width: usize) -> Vec<Line<'static>> {
    let all = progress.all();
    let last = progress.lately_per_s.map_or_else(|| "–".to_owned(), |rate| format!("{rate:.0}/s"));
    let mut rates = vec![format!("achieved {}", per_second(all.rate)), format!("last second {last}")];
    if let Some(wanted) = progress.wanted_per_s.filter(|_| !is_draining(progress.phase)) {
        rates.insert(0, format!("wanted {}", per_second(wanted)));
    }
    rates.push(format!("users {}", progress.users));
    rates.push(format!("behind {}", progress.behind));
    rates.push(format!("late {}", progress.late));
    let names = ["p50", "p90", "p95", "p99", "p99.9", "max"];
    let latency = all.latency.map_or_else(
        || vec!["no answer yet".to_owned()],
        |latency| names.iter().zip(latency).map(|(name, us)| format!("{name} {}", duration(us))).collect(),
    );
    // A title that is too long loses its end, and says so.
    let title = if title.width() <= width { title.to_owned() } else { shortened(title, width) };
    vec![bold(title), Line::raw(fitting(rates, width)), Line::raw(fitting(latency, width))]
}

fn shortened(text: &str, columns: usize) -> String {
    let mut short = String::new();
    for c in text.chars() {
        if short.width() + 2 > columns {
            break;
        }
        short.push(c);
    }
    short + "…"
}

/// How much of the time is over; after it, how much of the drain.
fn draw_time(frame: &mut Frame<'_>, area: Rect, progress: &Progress<'_>) {
    let (done, whole) = match progress.phase {
        Phase::Draining | Phase::Over => (progress.elapsed.saturating_sub(progress.length), progress.drain),
        Phase::WarmingUp | Phase::Measuring => (progress.elapsed, progress.length),
    };
    let share = if whole.is_zero() { 1.0 } else { (done.as_secs_f64() / whole.as_secs_f64()).clamp(0.0, 1.0) };
    let label = format!("{:>10} {:>4} s of {} s", phase(progress.phase), done.as_secs(), whole.as_secs());
    let colour = match progress.phase {
        Phase::WarmingUp => Color::Blue,
        Phase::Measuring => Color::Cyan,
        Phase::Draining | Phase::Over => Color::Yellow,
    };
    frame.render_widget(
        LineGauge::default().filled_symbol("━").unfilled_symbol(" ").ratio(share).label(label).filled_style(Style::new().fg(colour)),
        area,
    );
}

/// The answers of each second, the last ones at the right.
fn draw_rate(frame: &mut Frame<'_>, area: Rect, progress: &Progress<'_>) {
    let each: Vec<u64> = progress.measured.series.iter().map(|second| second.answered).collect();
    let from = each.len().saturating_sub(usize::from(area.width));
    let most = each[from..].iter().copied().max().unwrap_or(0);
    let [top, bars] = Layout::vertical([Constraint::Length(1), Constraint::Fill(1)]).areas(area);
    frame.render_widget(Paragraph::new(dim(format!("answers a second, up to {most}"))), top);
    frame.render_widget(Sparkline::default().data(&each[from..]).max(most.max(1)).style(Style::new().fg(Color::Cyan)), bars);
}

/// A line a kind; columns that have no room are left out from the right.
fn kinds(progress: &Progress<'_>, width: usize) -> Vec<Line<'static>> {
    let room = (width.saturating_sub(NAME) / NUMBER).min(7);
    let row = |name: &str, cells: [String; 7]| {
        let cells: String = cells.iter().take(room).map(|cell| format!("{cell:>NUMBER$}")).collect();
        format!("{}{cells}", padded(&shortened_to(name, NAME - 1), NAME))
    };
    let heads = ["sent", "unexpected", "no answer", "p50", "p99", "p99.9", "max"].map(str::to_owned);
    let of = |kind: &OfKind| {
        let latency = quantiles(&kind.latency);
        let at = |place: usize| latency.map_or_else(|| "·".to_owned(), |latency| duration(latency[place]));
        let unexpected = kind.answered.saturating_sub(kind.expected);
        let cells = [kind.sent, unexpected, kind.sent.saturating_sub(kind.answered)].map(|count| count.to_string());
        let [sent, wrong, none] = cells;
        let line = row(&kind.name, [sent, wrong, none, at(0), at(3), at(4), at(5)]);
        if unexpected > 0 { Line::styled(line, Style::new().fg(Color::Red)) } else { Line::raw(line) }
    };
    std::iter::once(dim(row("kind", heads))).chain(progress.measured.kinds.iter().map(of)).collect()
}

fn shortened_to(text: &str, columns: usize) -> String {
    if text.width() <= columns { text.to_owned() } else { shortened(text, columns) }
}

fn gates(progress: &Progress<'_>, width: usize) -> Vec<Line<'static>> {
    let line = |gate: &crate::load::gate::GateResult| {
        let (word, colour) = match (gate.ok, &gate.value) {
            (_, None) => ("·", Color::DarkGray),
            (true, _) => ("holds", Color::Green),
            (false, _) => ("BROKEN", Color::Red),
        };
        let measured = gate.shown().unwrap_or_else(|| "·".to_owned());
        let facts = vec![shortened_to(&gate.gate, width.saturating_sub(24)), measured];
        Line::from(vec![Span::styled(padded(word, 7), Style::new().fg(colour)), Span::raw(fitting(facts, width.saturating_sub(7)))])
    };
    progress.gates().iter().map(line).collect()
}

/// Why there was no answer, and what it takes.
fn rest(progress: &Progress<'_>, width: usize) -> Vec<Line<'static>> {
    let errors: Vec<String> = progress.measured.errors.iter().map(|(name, count)| format!("{name} {count}")).collect();
    let mut lines = Vec::new();
    if !errors.is_empty() {
        lines.push(Line::styled(fitting(errors, width), Style::new().fg(Color::Red)));
    }
    if let Some(streams) = &progress.streams {
        let mut facts =
            vec![format!("streams {}", streams.open), format!("events {}", streams.events), format!("resumed {}", streams.resumed)];
        facts.extend(streams.latency.map(|latency| format!("p99 to event {}", duration(latency[3]))));
        lines.push(Line::raw(fitting(facts, width)));
        if streams.doubled + streams.out_of_order > 0 {
            let wrong = vec![format!("events twice {}", streams.doubled), format!("out of order {}", streams.out_of_order)];
            lines.push(Line::styled(fitting(wrong, width), Style::new().fg(Color::Red)));
        }
    }
    if let Some(look) = &progress.effort {
        let percent = |name: &str, value: Option<f64>| value.map(|value| format!("{name} {value:.0}% of a core"));
        let memory = look.receiver_bytes.map(|bytes| format!("{} MB", bytes >> 20));
        let facts = [percent("generator", look.own_cpu_percent), percent("receiver", look.receiver_cpu_percent), memory];
        lines.push(dim(fitting(facts.into_iter().flatten().collect(), width)));
    }
    lines
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use ratatui::Terminal;
    use ratatui::backend::TestBackend;

    use super::*;
    use crate::load::effort::Reading;
    use crate::load::gate::Gate;
    use crate::load::measure::{Measurement, NO_ERROR, Sample};

    fn measured() -> Measurement {
        let names = ["fresh", "duplicate", "conflicting-body"].map(str::to_owned);
        let mut measured = Measurement::new(&names, Duration::from_secs(1)).unwrap();
        for at in 0..900u32 {
            let error = if at % 300 == 299 { 0 } else { NO_ERROR };
            let (expected, status) = if at % 100 == 50 { (false, 500) } else { (error == NO_ERROR, 202) };
            let ended = Duration::from_millis(1_000 + u64::from(at) * 10);
            measured.take(&[Sample {
                kind: (at % 3) as u8,
                expected,
                error,
                status,
                ended,
                latency_us: 1_000 + at * 37,
                answer_bytes: 0,
                went_twice: false,
            }]);
        }
        measured
    }

    fn gates() -> Vec<Gate> {
        ["p99<20ms", "rate>=90/s", "duplicate.p99.9<50ms"].map(|text| Gate::read(text, &["duplicate".to_owned()]).unwrap()).to_vec()
    }

    fn progress<'a>(measured: &'a Measurement, gates: &'a [Gate], phase: Phase) -> Progress<'a> {
        let own = Reading { at_s: 9.0, own_cpu_percent: Some(31.0), receiver_cpu_percent: Some(98.0), receiver_bytes: Some(64 << 20) };
        Progress {
            measured,
            answered: measured.answered(),
            lately_per_s: Some(100.0),
            elapsed: Duration::from_secs(10),
            length: Duration::from_secs(60),
            drain: Duration::from_secs(10),
            phase,
            wanted_per_s: Some(400.0),
            users: 64,
            behind: 1_234,
            late: 3,
            gates,
            effort: Some(own),
            streams: None,
        }
    }

    fn drawn(width: u16, height: u16, phase: Phase) -> String {
        let (measured, gates) = (measured(), gates());
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        terminal
            .draw(|frame| draw(frame, "load of http://127.0.0.1:5001 (orch-phase3), open model", &progress(&measured, &gates, phase)))
            .unwrap();
        terminal.backend().to_string()
    }

    #[test]
    fn view_of_80_columns() {
        insta::assert_snapshot!(drawn(80, 20, Phase::Measuring));
    }

    #[test]
    fn view_of_110_columns() {
        insta::assert_snapshot!(drawn(110, 20, Phase::Measuring));
    }

    #[test]
    fn view_of_200_columns_that_drains() {
        insta::assert_snapshot!(drawn(200, 20, Phase::Draining));
    }

    /// Whatever the width, no number is cut: what is shown of it is shown whole.
    #[test]
    fn nothing_is_cut_in_the_middle() {
        let whole = drawn(200, 24, Phase::Measuring);
        let words: Vec<&str> = whole.split(['"', ' ', '\n', '─', '█', '▁', '▂', '▃', '▄', '▅', '▆', '▇']).collect();
        for width in 30..=200 {
            for line in drawn(width, 24, Phase::Measuring).lines().skip(1) {
                let told = line.split(['"', ' ', '─', '█', '▁', '▂', '▃', '▄', '▅', '▆', '▇']);
                for word in told.filter(|word| word.chars().any(|c| c.is_ascii_digit()) && !word.contains('…')) {
                    assert!(words.contains(&word), "{word} at {width} columns: {line}");
                }
            }
        }
    }

    #[test]
    fn line_has_80_columns_at_the_most() {
        let (measured, gates) = (measured(), gates());
        let told = line(&progress(&measured, &gates, Phase::Measuring));
        assert_eq!(told, "  10 s measuring  100/s of 400/s  p99 34.3 ms  wrong 9  lost 3  behind 1234");
        let long = Progress { elapsed: Duration::from_secs(86_399), behind: u64::MAX, ..progress(&measured, &gates, Phase::WarmingUp) };
        assert!(line(&long).width() <= 80);
    }
}
