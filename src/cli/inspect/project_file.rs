//! A project file that is checked: by itself, and everything that it names, under each of its profiles.
//!
//! Each profile becomes the command line that it would be, so that what is
//! wrong is what `hookgate run --profile NAME` would say; nothing is run.

use std::path::Path;

use clap::Parser as _;

use super::super::args::{Cli, Command, RunArgs};
use super::super::load_suite::{self, contract_file};
use super::super::project::{InForce, read_project};
use super::super::{Failure, required, usage};
use super::check_contract;
use crate::files;

/// The commands that a project file is for.
#[cfg(feature = "load")]
const COMMANDS: [&str; 2] = ["run", "load"];
#[cfg(not(feature = "load"))]
const COMMANDS: [&str; 1] = ["run"];

/// Checks a project file, and what it names.
///
/// # Errors
/// Everything that is wrong, each once.
pub(super) fn check(path: &Path, warnings: &mut Vec<String>) -> Result<(), Failure> {
    let project = read_project(path)?;
    let mut wrong: Vec<String> = Vec::new();
    for profile in std::iter::once(None).chain(project.profiles().into_iter().map(Some)) {
        for command in COMMANDS {
            let (in_force, words) = InForce::alone(&project, path, profile, command);
            let told = match Cli::try_parse_from(&words) {
                Ok(cli) => checked(&cli, warnings),
                Err(error) => {
                    let sentence = usage::sentence(&error, &<Cli as clap::CommandFactory>::command(), &words);
                    Err(Failure::usage(sentence.unwrap_or_else(|| error.to_string())))
                }
            };
            if let Err(failure) = told {
                let message = in_force.explained(&failure.message);
                if !wrong.contains(&message) {
                    wrong.push(message);
                }
            }
        }
    }
    warnings.dedup();
    if wrong.is_empty() { Ok(()) } else { Err(Failure::usage(wrong.join("\n"))) }
}

/// Checks what a command line names.
fn checked(cli: &Cli, warnings: &mut Vec<String>) -> Result<(), Failure> {
    if let Command::Run(args) = &cli.command {
        return of_run(args, warnings);
    }
    #[cfg(feature = "load")]
    if let Command::Load(args) = &cli.command {
        return super::super::load::check(args);
    }
    Ok(())
}

fn of_run(args: &RunArgs, warnings: &mut Vec<String>) -> Result<(), Failure> {
    if files::shipped_contract(&args.suite.contract.name).is_none() {
        check_contract(&contract_file(&args.suite.contract.name)?, &args.suite, warnings)?;
    }
    let suite = load_suite::suite(&args.suite)?;
    if let Some(baseline) = &args.baseline {
        suite.baseline(baseline).map_err(Failure::usage)?;
    }
    required::known(&args.require, &suite)
}
