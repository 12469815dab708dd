//! `hookgate baseline`: from a report to what is known to fail.
//!
//! The contract need not be named: the report says which it was made with, and what it does not find
//! here any more it has the names of.

use std::path::Path;

use super::args::{BaselineArgs, BaselineCommand, BaselineUpdateArgs, SuiteArgs};
use super::exit::Exit;
use super::load_suite::{self, Suite};
use super::{Console, Failure, stored};
use crate::files;
use crate::report::Report;
use crate::report::baseline::{Baseline, UNEXPLAINED};

/// Runs the command.
pub(crate) fn baseline(args: &BaselineArgs, console: &mut Console) -> Result<Exit, Failure> {
    match &args.command {
        BaselineCommand::Update(args) => update(args, console),
    }
}

fn update(args: &BaselineUpdateArgs, console: &mut Console) -> Result<Exit, Failure> {
    let report = stored::read_run(&args.from, "a baseline")?;
    let suite = suite(args, &report)?;
    if let Some(suite) = suite.as_ref().filter(|suite| suite.contract.contract != report.contract) {
        let (found, wanted) = (&report.contract, &suite.contract.contract);
        return Err(Failure::usage(format!("the report is of contract {found}, and the baseline of {wanted}: name it with --contract")));
    }
    let before = if args.file.exists() { read(&args.file, suite.as_ref(), &report)? } else { Baseline::default() };
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

/// The suite that the report was made with, as far as it is known here: what was named, the file that the report names, or a shipped contract.
fn suite(args: &BaselineUpdateArgs, report: &Report) -> Result<Option<Suite>, Failure> {
    let is_file = |file: &String| Path::new(file).is_file();
    let is_shipped = |name: &String| files::shipped_contract(name).is_some();
    let of_the_report = || report.run.contract_file.clone().filter(is_file).or_else(|| Some(report.contract.clone()).filter(is_shipped));
    let Some(contract) = args.contract.clone().or_else(of_the_report) else { return Ok(None) };
    let suite = SuiteArgs { scenarios: args.scenarios.clone(), only_scenarios: args.only_scenarios.clone(), ..SuiteArgs::of(contract) };
    load_suite::suite(&suite).map(Some)
}

/// Reads a baseline, and holds it against what the suite has, and what the report tells of it.
fn read(path: &Path, suite: Option<&Suite>, report: &Report) -> Result<Baseline, Failure> {
    let file = files::read_text("read the baseline", path).map_err(Failure::usage)?;
    let known = suite.iter().flat_map(|suite| &suite.scenarios).map(|one| one.id.as_str());
    let scenarios: Vec<&str> = known.chain(report.scenarios.iter().map(|one| one.id.as_str())).collect();
    let known = suite.iter().flat_map(|suite| &suite.catalogue.requirements).map(|one| one.id.as_str());
    let requirements: Vec<&str> = known.chain(report.requirements.iter().map(|one| one.id.as_str())).collect();
    Baseline::read(&file.path, &file.text, &scenarios, &requirements).map_err(Failure::usage)
}
