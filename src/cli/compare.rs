//! `hookgate compare`: two reports side by side.

use std::path::Path;

use super::args::{CompareArgs, CompareFormat};
use super::exit::Exit;
use super::{Console, Failure};
use crate::files;
use crate::report::Report;
use crate::report::compare::{Comparison, runs};

/// A report of either kind.
enum Either {
    Run(Box<Report>),
    #[cfg(feature = "load")]
    Load(Box<crate::load::report::LoadReport>),
}

/// Runs the command.
pub(crate) fn compare(args: &CompareArgs, console: &mut Console) -> Result<Exit, Failure> {
    let (before, after) = (args.before.display().to_string(), args.after.display().to_string());
    let mut comparison: Comparison = match (read(&args.before)?, read(&args.after)?) {
        (Either::Run(one), Either::Run(other)) => runs((&before, &one), (&after, &other)),
        #[cfg(feature = "load")]
        (Either::Load(one), Either::Load(other)) => crate::load::compare::loads((&before, &one), (&after, &other)),
        #[cfg(feature = "load")]
        (Either::Run(_), Either::Load(_)) | (Either::Load(_), Either::Run(_)) => {
            return Err(Failure::usage(format!("{before} and {after} are a run and a load: compare two of a kind")));
        }
    };
    comparison.judge(&args.fail_on);
    let text = match args.format {
        CompareFormat::Human => comparison.human(),
        CompareFormat::Markdown => comparison.markdown(),
        CompareFormat::Json => serde_json::to_string_pretty(&comparison).map_err(Failure::harness)? + "\n",
    };
    console.print(&text);
    Ok(if comparison.worse.is_empty() { Exit::Conforms } else { Exit::DoesNotConform })
}

/// The report in a folder, or the file itself.
fn read(path: &Path) -> Result<Either, Failure> {
    let inside = ["report.json", "load.json"].map(|name| path.join(name)).into_iter().find(|file| file.is_file());
    if path.is_dir() && inside.is_none() {
        return Err(Failure::usage(format!("{} has no report.json and no load.json: name a report folder", path.display())));
    }
    let file = files::read_text("read the report", &inside.unwrap_or_else(|| path.to_owned())).map_err(Failure::usage)?;
    let value: serde_json::Value =
        serde_json::from_str(&file.text).map_err(|cause| Failure::usage(format!("{} is no JSON: {cause}", file.path)))?;
    let wrong = |cause: serde_json::Error| Failure::usage(format!("{} is no report: {cause}", file.path));
    match value["schema"].as_str() {
        Some(crate::report::SCHEMA) => serde_json::from_value(value).map(|report| Either::Run(Box::new(report))).map_err(wrong),
        #[cfg(feature = "load")]
        Some(crate::load::report::SCHEMA) => serde_json::from_value(value).map(|report| Either::Load(Box::new(report))).map_err(wrong),
        other => Err(Failure::usage(format!(
            "{} is no report that this hookgate reads: its schema is {}, not {} or hookgate.load/1",
            file.path,
            other.map_or_else(|| "not told".to_owned(), |name| format!("`{name}`")),
            crate::report::SCHEMA
        ))),
    }
}
