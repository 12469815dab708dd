//! `hookgate report`: a report again, in another form.

#[cfg(feature = "load")]
use super::args::FormatArg;
use super::args::{ReportArgs, ReportCommand};
use super::exit::Exit;
use super::forms::in_format;
use super::stored::{self, Stored};
use super::{Console, Failure, evidence, merging};
#[cfg(feature = "load")]
use crate::report::language::Language;
use crate::secret::Redacted;

/// Runs the command. The exit code says that the report could be read; its verdict is the run's affair.
pub(crate) fn rerender(args: &ReportArgs, console: &mut Console) -> Result<Exit, Failure> {
    if let Some(ReportCommand::Verify(args)) = &args.command {
        return evidence::verify(args, console);
    }
    if let Some(ReportCommand::Merge(args)) = &args.command {
        return merging::merge(args, console);
    }
    let Some(from) = &args.report else { return Err(Failure::usage("name a report folder, or a report.json")) };
    let text = match stored::read(from)? {
        Stored::Run(report) => in_format(&Redacted::as_stored(*report), args.format, console.text_style(), args.language.chosen())?,
        #[cfg(feature = "load")]
        Stored::Load(report) => load_in_format(&report, args.format, args.language.chosen(), console.width)?,
    };
    console.print(&text);
    Ok(Exit::Conforms)
}

#[cfg(feature = "load")]
fn load_in_format(
    report: &crate::load::report::LoadReport,
    format: FormatArg,
    language: Language,
    width: usize,
) -> Result<String, Failure> {
    use crate::load::render::junit::junit;
    use crate::load::render::markdown::markdown;
    use crate::load::render::page::page;
    use crate::load::render::terminal::human;
    match format {
        FormatArg::Human => Ok(human(report, language, width)),
        FormatArg::Json => serde_json::to_string_pretty(report).map(|text| text + "\n").map_err(Failure::harness),
        FormatArg::Markdown => Ok(markdown(report, language)),
        FormatArg::Html => page(report, language).map_err(Failure::harness),
        FormatArg::Junit => junit(report).map_err(Failure::harness),
        FormatArg::Tap | FormatArg::Sarif | FormatArg::Github => {
            Err(Failure::usage("a load has no form of that name: human, json, markdown, html or junit"))
        }
    }
}
