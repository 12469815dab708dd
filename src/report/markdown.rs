//! Markdown: a run as `report.md`, in the order of a phase report.
//!
//! Overview, the database's structure as found, results one a line, what was
//! not as promised, and a verdict per requirement. Takes a [`Report`], gives
//! text; the layout is in `markdown.md.j2`.
//!
//! **Invariant:** text from outside passes through `inline`, `code` or
//! `fence`, so that no answer of a receiver can change the page.

use minijinja::syntax::SyntaxConfig;
use minijinja::{AutoEscape, Environment, Value, context};

use crate::contract::Level;
use crate::report::again::again;
use crate::report::causes::{Cause, sentences};
use crate::report::human::{describe_differing, describe_snapshots, is_said_first, one_line, took, visible};
use crate::report::language::Language;
use crate::report::{Finding, Overall, ProjectFacts, Report, RequirementReport, ScenarioReport, Verdict, visited};
use crate::state::TableShape;

const TEMPLATE: &str = include_str!("markdown.md.j2");
/// How much of an expectation or an answer a line of results shows.
const SHOWN_IN_LINE: usize = 80; // characters

/// `report` as Markdown.
///
/// # Errors
/// Only when the template is wrong, which a test would have shown.
pub fn write(report: &Report, language: Language) -> Result<String, minijinja::Error> {
    let mut page = Environment::new();
    language.teach(&mut page);
    page.set_auto_escape_callback(|_| AutoEscape::None);
    // Lines of the template that only decide leave no line behind.
    page.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).keep_trailing_newline(true).build()?);
    page.add_filter("inline", |text: String| inline(&text));
    page.add_filter("code", |text: String| code(&text));
    page.add_filter("fence", |text: String, language: Option<String>| fence(&text, language.as_deref().unwrap_or("text")));
    let Report {
        schema: _,
        made_from: _,
        project,
        tool,
        run,
        target,
        contract,
        summary,
        causes: _,
        visit: _,
        history,
        baseline,
        repeat,
        snapshots,
        required,
        scenarios,
        requirements: _,
    } = report;
    page.render_str(
        TEMPLATE,
        context! {
            contract => contract,
            tool => context! { name => tool.name.as_str(), version => tool.version.as_str() },
            run => context! {
                started_at => run.started_at.trim_end_matches('Z'),
                took => took(run.duration_ms),
                deliveries => run.deliveries,
                clock => run.clock.as_str(),
                seed => run.seed,
                ended_early => run.ended_early.as_deref().map(|why| language.retold(why)),
                first => run.notes.iter().filter(|note| is_said_first(note)).cloned().collect::<Vec<_>>(),
                notes => run.notes.iter().filter(|note| !is_said_first(note)).cloned().collect::<Vec<_>>(),
            },
            project => project.as_ref().map(ProjectFacts::told),
            state => state(summary.verdict, language),
            summary => context! {
                pass => summary.pass,
                warn => summary.warn,
                fail => summary.fail,
                undecided => summary.undecided,
                not_applicable => summary.not_applicable,
                known => summary.known,
            },
            target => context! {
                url => target.url.as_str(),
                built_in => target.built_in,
                database => target.database.as_deref(),
                tables => tables(&target.tables),
            },
            stale => baseline.as_ref().map(|one| one.stale.clone()).unwrap_or_default(),
            required => required.iter().flat_map(|one| &one.missing).map(|one| one.told(language)).collect::<Vec<_>>(),
            snapshots => snapshots.as_ref().map(|facts| describe_snapshots(facts, language)),
            differing => repeat.iter().flat_map(|one| &one.differing).map(|one| describe_differing(one, language)).collect::<Vec<_>>(),
            history => history.as_ref().map(|one| context! { keys => one.keys, broken => one.broken, undecided => one.undecided }),
            causes => causes(report, language),
            visit => visited::rows(report, language),
            inapplicable => inapplicable(scenarios, language),
            topics => topics(scenarios, language),
            findings => findings(report, language),
            requirements => requirements(report, language),
        },
    )
}

fn causes(report: &Report, language: Language) -> Vec<Value> {
    let one = |one: &Cause| {
        let example = &one.example;
        context! {
            sign => if one.level == Level::Must { "❌" } else { "⚠️" },
            requirement => one.requirement.as_str(),
            sentence => sentences::sentence(one, language),
            explains => sentences::explains(one, language),
            advice => sentences::advice(one, language),
            requires => report.sentence_of(&one.requirement, language),
            scenario => example.scenario.as_str(),
            step => example.step,
            expected => language.retold(&example.expected),
            reference => language.retold(&example.reference),
            observed => language.retold(&example.observed),
            curl => example.curl.as_str(),
            again => example.again.as_str(),
        }
    };
    report.causes.iter().map(one).collect()
}

/// Reasons why scenarios were not applicable, the most frequent first, each with how many it is of.
pub(super) fn inapplicable(scenarios: &[ScenarioReport], language: Language) -> Vec<Value> {
    let none = language.say("reason-none");
    let mut reasons: Vec<(&str, usize)> = Vec::new();
    for one in scenarios.iter().filter(|one| one.verdict == Verdict::NotApplicable) {
        let reason = one.reason.as_deref().unwrap_or(&none);
        match reasons.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, count)) => *count += 1,
            None => reasons.push((reason, 1)),
        }
    }
    reasons.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let told = |(reason, count): &(&str, usize)| {
        context! { reason => language.retold(reason), count => language.with("count-scenarios", &[("count", (*count).into())]) }
    };
    reasons.iter().map(told).collect()
}

fn tables(tables: &[TableShape]) -> Vec<Value> {
    let columns = |table: &TableShape| table.columns.iter().map(ToString::to_string).collect::<Vec<_>>();
    tables.iter().map(|table| context! { name => table.table.as_str(), columns => columns(table) }).collect()
}

fn requirements(report: &Report, language: Language) -> Vec<Value> {
    let one = |one: &RequirementReport| {
        context! {
            id => one.id.as_str(),
            level => language.level(one.level),
            sentence => one.sentence_in(language),
            sign => sign(one.verdict),
            verdict => language.verdict(one.verdict),
            reason => one.reason.as_deref(),
        }
    };
    report.requirements.iter().map(one).collect()
}

/// Results by the folder that a scenario lies in, folders in the order they come.
fn topics(scenarios: &[ScenarioReport], language: Language) -> Vec<Value> {
    let folder = |one: &&ScenarioReport| one.id.split_once('/').map_or("scenarios", |(folder, _)| folder).to_owned();
    scenarios
        .iter()
        .filter(|one| one.verdict != Verdict::NotApplicable)
        .collect::<Vec<_>>()
        .chunk_by(|a, b| folder(a) == folder(b))
        .map(|together| context! { name => together.first().map(folder), results => together.iter().map(|one| result(one, language)).collect::<Vec<_>>() })
        .collect()
}

fn result(scenario: &ScenarioReport, language: Language) -> Value {
    let reason = || scenario.reason.as_deref().map_or_else(|| language.say("reason-none"), |reason| inline(&language.retold(reason)));
    let worst = scenario.findings.iter().min_by_key(|finding| finding.level);
    let (got, want) = match (scenario.verdict, worst) {
        (Verdict::Pass, _) => (language.say("md-as-promised"), None),
        (Verdict::Undecided, _) => (language.with("md-undecided", &[("reason", reason().into())]), None),
        (Verdict::NotApplicable, _) => (language.with("md-not-applicable", &[("reason", reason().into())]), None),
        (Verdict::Warn | Verdict::Fail | Verdict::Known, Some(worst)) => {
            (code(&short(&language.retold(&worst.observed))), Some(code(&short(&language.retold(&worst.expected)))))
        }
        (Verdict::Warn | Verdict::Fail | Verdict::Known, None) => (language.verdict(scenario.verdict), None),
    };
    // A title that ends a sentence would put its full stop before the colon.
    context! { what => scenario.title_in(language).trim_end_matches(['.', '。']), got, want, sign => sign(scenario.verdict) }
}

fn findings(report: &Report, language: Language) -> Vec<Value> {
    let sentence = |id: &str| Some(report.sentence_of(id, language)).filter(|sentence| !sentence.is_empty());
    let one = |scenario: &ScenarioReport, finding: &Finding| {
        context! {
            id => scenario.id.as_str(),
            sign => sign(scenario.verdict),
            requirement => finding.requirement.as_str(),
            sentence => sentence(&finding.requirement).unwrap_or_else(|| scenario.title_in(language)),
            step => finding.step,
            step_name => finding.step_name.as_deref(),
            place => format!("{}:{}", scenario.file, finding.line),
            again => again(&report.run, scenario),
            expected => language.retold(&finding.expected),
            reference => language.retold(&finding.reference),
            observed => language.retold(&finding.observed),
            curl => finding.curl.as_str(),
            output => finding.output.join("\n"),
            output_shared => finding.output_shared,
        }
    };
    report.scenarios.iter().flat_map(|scenario| scenario.findings.iter().map(move |finding| one(scenario, finding))).collect()
}

fn state(verdict: Overall, language: Language) -> String {
    let sign = match verdict {
        Overall::Conforms => " ✅",
        Overall::DoesNotConform => " ❌",
        Overall::Undecided => " ❔",
        Overall::Interrupted | Overall::Incomplete => "",
    };
    format!("{}{sign}", language.overall(verdict).to_uppercase())
}

fn sign(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "✅",
        Verdict::Warn => "⚠️",
        Verdict::Fail => "❌",
        Verdict::Undecided => "❔",
        Verdict::NotApplicable => "➖",
        Verdict::Known => "☑️",
    }
}

fn short(text: &str) -> String {
    let line = one_line(text);
    if line.chars().count() <= SHOWN_IN_LINE { line } else { format!("{}…", line.chars().take(SHOWN_IN_LINE).collect::<String>()) }
}

/// Text inside a line or a table cell: what Markdown would read as its own is escaped.
fn inline(text: &str) -> String {
    let mut escaped = String::new();
    for character in one_line(text).chars() {
        if matches!(character, '\\' | '`' | '*' | '<' | '>' | '[' | ']' | '|' | '#' | '&') {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}

/// A code span of one line; not for table cells, where a bar would still divide.
fn code(text: &str) -> String {
    let text = one_line(text);
    let ticks = "`".repeat(longest_run_of_ticks(&text) + 1);
    let space = if text.is_empty() || text.starts_with(['`', ' ']) || text.ends_with(['`', ' ']) { " " } else { "" };
    format!("{ticks}{space}{text}{space}{ticks}")
}

/// A fenced block that no line of `text` can close.
fn fence(text: &str, language: &str) -> String {
    let ticks = "`".repeat(longest_run_of_ticks(text).max(2) + 1);
    format!("{ticks}{language}\n{}\n{ticks}", visible(text))
}

fn longest_run_of_ticks(text: &str) -> usize {
    text.split(|character| character != '`').map(str::len).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_keep_their_bars_and_backticks_to_themselves() {
        assert_eq!(inline("a|b `c` <d>\ne"), r"a\|b \`c\` \<d\> e");
    }

    #[test]
    fn code_and_fences_are_longer_than_any_run_inside() {
        assert_eq!(code("a`b"), "``a`b``");
        assert_eq!(code("`"), "`` ` ``");
        assert_eq!(fence("x\n```\ny", "text"), "````text\nx\n```\ny\n````");
    }
}
