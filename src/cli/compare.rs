//! `hookgate compare`: two reports side by side.

use super::args::{CompareArgs, CompareFormat};
use super::exit::Exit;
use super::stored::Stored;
use super::{Console, Failure, stored};
use crate::report::compare::{Comparison, runs};

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
    comparison.judge(&args.fail_on);
    let text = match args.format {
        CompareFormat::Human => comparison.human(),
        CompareFormat::Markdown => comparison.markdown(),
        CompareFormat::Json => serde_json::to_string_pretty(&comparison).map_err(Failure::harness)? + "\n",
    };
    console.print(&text);
    Ok(if comparison.worse.is_empty() { Exit::Conforms } else { Exit::DoesNotConform })
}
