//! `hookgate compare`: two reports side by side.

use std::collections::BTreeMap;
use std::path::Path;

use super::args::{CompareArgs, CompareFormat};
use super::exit::Exit;
use super::stored::Stored;
use super::{Console, Failure, stored};
use crate::files::snapshots::SnapshotFolder;
use crate::report::compare::snapshots::changes;
use crate::report::compare::{Comparison, runs};
use crate::snapshot::contents;

/// Runs the command.
pub(crate) fn compare(args: &CompareArgs, console: &mut Console) -> Result<Exit, Failure> {
    let (before, after) = (args.before.display().to_string(), args.after.display().to_string());
    let mut comparison: Comparison = match (stored::read(&args.before)?, stored::read(&args.after)?) {
        (Stored::Run(one), Stored::Run(other)) => runs((&before, &one), (&after, &other)),
        #[cfg(feature = "load")]
        (Stored::Load(one), Stored::Load(other)) => crate::load::compare::loads((&before, &one), (&after, &other)),
        #[cfg(feature = "load")]
        (Stored::Run(_), Stored::Load(_)) | (Stored::Load(_), Stored::Run(_)) => {
            return Err(Failure::usage(format!("{before} and {after} are a run and a load: compare two of a kind")));
        }
    };
    if let [before, after] = args.snapshots.as_slice() {
        comparison.answers.extend(changes(&snapshots(before)?, &snapshots(after)?));
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
