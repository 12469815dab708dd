//! `hookgate report`: a report of a run again, in another form.

use super::args::ReportArgs;
use super::exit::Exit;
use super::run::in_format;
use super::{Console, Failure};
use crate::files;
use crate::report::{Report, SCHEMA};

/// Runs the command. The exit code says that the report could be read; its verdict is the run's affair.
pub(crate) fn rerender(args: &ReportArgs, console: &mut Console) -> Result<Exit, Failure> {
    let path = if args.report.is_dir() { args.report.join("report.json") } else { args.report.clone() };
    let file = files::read_text("read the report", &path).map_err(Failure::usage)?;
    let report: Report =
        serde_json::from_str(&file.text).map_err(|cause| Failure::usage(format!("{} is no report of a run: {cause}", file.path)))?;
    if report.schema != SCHEMA {
        return Err(Failure::usage(format!("{} has the schema `{}`, and this hookgate reads {SCHEMA}", file.path, report.schema)));
    }
    console.print(&in_format(&report, args.format, console.colour)?);
    Ok(Exit::Conforms)
}
