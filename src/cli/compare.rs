//! `hookgate compare`: two reports side by side.

use std::collections::BTreeMap;
use std::path::Path;

use super::args::{CompareArgs, CompareFormat};
use super::exit::Exit;
use super::stored::StoredAll;
use super::{Console, Failure, stored};
use crate::files;
use crate::files::snapshots::SnapshotFolder;
use crate::report::compare::snapshots::changes;
use crate::report::compare::{Comparison, runs};
use crate::snapshot::contents;
use crate::snapshot::kept::{self, Kept};

/// Runs the command.
pub(crate) fn compare(args: &CompareArgs, console: &mut Console) -> Result<Exit, Failure> {
    let (before, after) = (args.before.display().to_string(), args.after.display().to_string());
    // What other programs read does not depend on who asks.
    let language = if args.format == CompareFormat::Json { args.language.language.unwrap_or_default() } else { args.language.chosen() };
    let mut comparison: Comparison = match (stored::read_all(&args.before)?, stored::read_all(&args.after)?) {
        (StoredAll::Run(one), StoredAll::Run(other)) => runs((&before, &one), (&after, &other), language),
        #[cfg(feature = "load")]
        (StoredAll::Loads(one), StoredAll::Loads(other)) => crate::load::compare::loads((&before, &one), (&after, &other), language),
        #[cfg(feature = "load")]
        (StoredAll::Run(_), StoredAll::Loads(_)) | (StoredAll::Loads(_), StoredAll::Run(_)) => {
            return Err(Failure::usage(format!("{before} and {after} are a run and a load: compare two of a kind")));
        }
    };
    let texts = match args.snapshots.as_slice() {
        [before, after] => Some((snapshots(before)?, snapshots(after)?)),
        _ => kept(&args.before)?.zip(kept(&args.after)?),
    };
    if let Some((before, after)) = texts {
        comparison.answers.extend(changes(&before, &after, language));
    }
    comparison.judge(&args.fail_on);
    let text = match args.format {
        CompareFormat::Human => comparison.human(),
        CompareFormat::Markdown => comparison.markdown(),
        CompareFormat::Html => comparison.html().map_err(Failure::harness)?,
        CompareFormat::Json => serde_json::to_string_pretty(&comparison).map_err(Failure::harness)? + "\n",
    };
    console.print(&text);
    Ok(if comparison.worse.is_empty() { Exit::Conforms } else { Exit::DoesNotConform })
}

/// The snapshots that a report has with it, when it has any.
fn kept(report: &Path) -> Result<Option<BTreeMap<String, String>>, Failure> {
    let path = report.join(kept::FILE);
    if !path.is_file() {
        return Ok(None);
    }
    let file = files::read_text("read the snapshots", &path).map_err(Failure::usage)?;
    stored::is_as_written(&path, &file.text)?;
    let kept: Kept =
        serde_json::from_str(&file.text).map_err(|cause| Failure::usage(format!("{} has no snapshots: {cause}", file.path)))?;
    // Of a run that took none nothing can be told.
    Ok(Some(kept.texts()).filter(|texts| !texts.is_empty()))
}

/// The reviewed snapshots of a folder by their names.
fn snapshots(path: &Path) -> Result<BTreeMap<String, String>, Failure> {
    let folder = SnapshotFolder::new(path);
    let (names, _) = folder.names().map_err(Failure::usage)?;
    if names.is_empty() {
        return Err(Failure::usage(format!("{} has no reviewed snapshots: `hookgate run --snapshots DIR` makes them", path.display())));
    }
    let mut all = BTreeMap::new();
    for name in names {
        let text = folder.reviewed(&name).map_err(Failure::usage)?.unwrap_or_default();
        all.insert(name, contents(&text).unwrap_or(&text).to_owned());
    }
    Ok(all)
}
