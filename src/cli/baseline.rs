//! `hookgate baseline`, and reading what `run --baseline` names.

use std::path::Path;

use super::args::{BaselineArgs, BaselineCommand, BaselineUpdateArgs};
use super::exit::Exit;
use super::load_suite::{self, Suite};
use super::{Console, Failure, stored};
use crate::files;
use crate::report::baseline::{Baseline, UNEXPLAINED};

/// Runs the command.
pub(crate) fn baseline(args: &BaselineArgs, console: &mut Console) -> Result<Exit, Failure> {
    match &args.command {
        BaselineCommand::Update(args) => update(args, console),
    }
}

/// Reads a baseline, and holds it against a suite.
pub(crate) fn read_baseline(path: &Path, suite: &Suite) -> Result<Baseline, Failure> {
    suite.baseline(path).map_err(Failure::usage)
}

fn update(args: &BaselineUpdateArgs, console: &mut Console) -> Result<Exit, Failure> {
    let suite = load_suite::suite(&args.suite)?;
    let report = stored::read_run(&args.from, "a baseline")?;
    if report.contract != suite.contract.contract {
        let (found, wanted) = (&report.contract, &suite.contract.contract);
        return Err(Failure::usage(format!("the report is of contract {found}, and the baseline of {wanted}: name it with --contract")));
    }
    let before = if args.file.exists() { read_baseline(&args.file, &suite)? } else { Baseline::default() };
    let (text, dropped, added) = before.updated(&report.scenarios);
    files::write_text(&args.file, &text).map_err(Failure::usage)?;
    for one in &dropped {
        console.print(&format!("dropped  {one}: it no longer fails\n"));
    }
    for one in &added {
        console.print(&format!("added    {one}\n"));
    }
    console.print(&format!("{}: {} added, {} dropped\n", args.file.display(), added.len(), dropped.len()));
    if !added.is_empty() {
        console.tell(&format!("write the reasons: every new entry says `{UNEXPLAINED}`\n"));
    }
    Ok(Exit::Conforms)
}
