//! `hookgate trend`: the reports of many runs and loads on one page, over time.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::args::{TrendArgs, TrendFormat};
use super::exit::Exit;
use super::stored::{self, Stored};
use super::{Console, Failure};
use crate::files;
use crate::report::trend::{Entry, Trend};

/// Runs the command.
pub(crate) fn trend(args: &TrendArgs, console: &mut Console) -> Result<Exit, Failure> {
    // What other programs read does not depend on who asks.
    let language = if args.format == TrendFormat::Json { args.language.language.unwrap_or_default() } else { args.language.chosen() };
    let (mut entries, mut passed_over) = (Vec::new(), Vec::new());
    let mut seen = BTreeSet::new();
    for path in args.reports.iter().flat_map(|path| reports_in(path)) {
        if !seen.insert(path.canonicalize().unwrap_or_else(|_| path.clone())) {
            continue;
        }
        match stored::read(&path) {
            Ok(Stored::Run(report)) => entries.push(Entry::of_run(&path.display().to_string(), &report, language)),
            #[cfg(feature = "load")]
            Ok(Stored::Load(report)) => entries.push(crate::load::trend::entry(&path.display().to_string(), &report, language)),
            Err(failure) => passed_over.push(failure.message),
        }
    }
    for why in &passed_over {
        console.tell(&format!("passed over: {why}\n"));
    }
    if entries.is_empty() {
        return Err(Failure::usage(
            "there is no report to tell of: name folders that `run --report` or `load --report` has written, or a folder of such folders",
        ));
    }
    let mut trend = Trend::of(entries, passed_over, language);
    if let Some(last) = args.last {
        trend.keep_last(last.get().into());
    }
    let text = match args.format {
        TrendFormat::Html => trend.html().map_err(Failure::harness)?,
        TrendFormat::Markdown => trend.markdown(),
        TrendFormat::Json => serde_json::to_string_pretty(&trend).map_err(Failure::harness)? + "\n",
    };
    console.print(&text);
    Ok(Exit::Conforms)
}

/// A report folder or file itself, or the folders in a folder that has no report of its own.
fn reports_in(path: &Path) -> Vec<PathBuf> {
    let has_report = ["report.json", "load.json"].iter().any(|name| path.join(name).is_file());
    if !path.is_dir() || has_report {
        return vec![path.to_owned()];
    }
    // One in which nothing is, or that cannot be read, is told as it is.
    files::folders_in(path).ok().filter(|inside| !inside.is_empty()).unwrap_or_else(|| vec![path.to_owned()])
}
