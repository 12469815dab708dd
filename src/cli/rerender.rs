//! `hookgate report`: a report of a run again, in another form.

use super::args::{ReportArgs, ReportCommand};
use super::exit::Exit;
use super::run::in_format;
use super::{Console, Failure, evidence};
use crate::files;
use crate::report::{Report, SCHEMA};

/// Runs the command. The exit code says that the report could be read; its verdict is the run's affair.
pub(crate) fn rerender(args: &ReportArgs, console: &mut Console) -> Result<Exit, Failure> {
    if let Some(ReportCommand::Verify(args)) = &args.command {
        return evidence::verify(args, console);
    }
    let Some(from) = &args.report else { return Err(Failure::usage("name a report folder, or a report.json")) };
    let path = if from.is_dir() { from.join("report.json") } else { from.clone() };
    let file = files::read_text("read the report", &path).map_err(Failure::usage)?;
    let report: Report =
        serde_json::from_str(&file.text).map_err(|cause| Failure::usage(format!("{} is no report of a run: {cause}", file.path)))?;
    if report.schema != SCHEMA {
        return Err(Failure::usage(format!("{} has the schema `{}`, and this hookgate reads {SCHEMA}", file.path, report.schema)));
    }
    console.print(&in_format(&report, args.format, console.colour)?);
    Ok(Exit::Conforms)
}
