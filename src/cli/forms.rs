//! Forms of a report, on standard output and in a workflow.

use std::path::Path;

use super::args::FormatArg;
use super::{Console, Failure, TextStyle};
use crate::api::folder::json;
use crate::files;
use crate::report::language::Language;
use crate::report::{Report, github, html, human, junit, markdown, sarif, tap};
use crate::secret::Redacted;

/// In a GitHub workflow: annotations beside the code, and the report as the step's summary.
#[expect(clippy::disallowed_methods, reason = "the roof is where the environment is read")]
pub(crate) fn for_github(report: &Redacted<Report>, console: &mut Console, language: Language) -> Result<(), Failure> {
    if std::env::var_os("GITHUB_ACTIONS").is_none_or(|value| value != "true") {
        return Ok(());
    }
    console.print(&github::write(report));
    if let Some(path) = std::env::var_os("GITHUB_STEP_SUMMARY").filter(|path| !path.is_empty()) {
        let text = markdown::write(report, language).map_err(Failure::harness)?;
        files::append_text(Path::new(&path), &text).map_err(Failure::harness)?;
    }
    Ok(())
}

/// Prints what was judged in the form that was asked for. Where the harness failed, people are told the failure and no report;
/// programs get the report all the same.
pub(crate) fn print_judged(
    report: &Redacted<Report>,
    has_failed: bool,
    format: FormatArg,
    language: Language,
    console: &mut Console,
) -> Result<(), Failure> {
    if has_failed && format == FormatArg::Human {
        return Ok(());
    }
    let text_style = TextStyle { colour: console.colour && !has_failed, width: console.width };
    console.print(&in_format(report, format, text_style, language)?);
    Ok(())
}

/// A report in the form that was asked for.
pub(crate) fn in_format(
    report: &Redacted<Report>,
    format: FormatArg,
    text_style: TextStyle,
    language: Language,
) -> Result<String, Failure> {
    match format {
        FormatArg::Human => Ok(human::write_in(report, text_style.colour, language, text_style.width)),
        FormatArg::Json => json(report).map_err(Failure::harness),
        FormatArg::Junit => junit::write(report).map_err(Failure::harness),
        FormatArg::Markdown => markdown::write(report, language).map_err(Failure::harness),
        FormatArg::Html => html::write(report, language).map_err(Failure::harness),
        FormatArg::Tap => Ok(tap::write(report)),
        FormatArg::Sarif => serde_json::to_string_pretty(&sarif::write(report)).map(|text| text + "\n").map_err(Failure::harness),
        FormatArg::Github => Ok(github::write(report)),
    }
}
