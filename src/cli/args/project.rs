//! Arguments of project files: which is read, which profile of it holds, and `hookgate config`, which prints what is in force.

use std::path::PathBuf;

use clap::builder::Resettable;
use clap::{Arg, ArgMatches, Args, Command, FromArgMatches, Id};

use super::{ListFormat, RunArgs};
use crate::project::members::MEMBERS;

/// Which project file, and which profile.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Project file")]
pub(crate) struct ProjectArgs {
    /// The project file; without it, the nearest hookgate.toml from this folder upwards [env: `HOOKGATE_CONFIG`].
    #[arg(long, global = true, value_name = "FILE", conflicts_with = "no_config")]
    pub(crate) config: Option<PathBuf>,
    /// Read no project file.
    #[arg(long, global = true)]
    pub(crate) no_config: bool,
    /// The profile of the project file that holds [env: `HOOKGATE_PROFILE`].
    #[arg(long, global = true, value_name = "NAME", conflicts_with = "no_config")]
    pub(crate) profile: Option<String>,
}

/// Arguments of `hookgate config`: its own, and every flag that a member stands for.
pub(crate) struct ConfigArgs {
    pub(crate) format: ListFormat,
}

#[derive(Args)]
struct OwnArgs {
    /// For people, or as JSON.
    #[arg(long, value_enum, default_value_t = ListFormat::Human)]
    format: ListFormat,
}

impl Args for ConfigArgs {
    fn augment_args(command: Command) -> Command {
        let command = OwnArgs::augment_args(command);
        flags().into_iter().fold(command, |command, arg| command.arg(arg.help_heading("Flags of run and load, as they would hold")))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for ConfigArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        Ok(Self { format: OwnArgs::from_arg_matches(matches)?.format })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

/// Every flag that a member stands for, of `run` where it has it, else of `load`; each alone, without a default.
fn flags() -> Vec<Arg> {
    let mut found: Vec<Arg> = Vec::new();
    for (name, command) in [("run", RunArgs::augment_args(Command::new("run"))), load()] {
        for arg in command.get_arguments() {
            let stands = |flag: &str| MEMBERS.iter().any(|member| member.flag_of(name) == Some(flag));
            let Some(long) = arg.get_long().filter(|long| *long != "format" && stands(long)) else { continue };
            if !found.iter().any(|one| one.get_long() == Some(long)) {
                found.push(alone(arg.clone()).default_value(Resettable::Reset));
            }
        }
    }
    found
}

#[cfg(feature = "load")]
fn load() -> (&'static str, Command) {
    ("load", super::LoadArgs::augment_args(Command::new("load")))
}

#[cfg(not(feature = "load"))]
fn load() -> (&'static str, Command) {
    ("load", Command::new("load"))
}

/// An argument that asks for no other, and excludes none.
pub(crate) fn alone(arg: Arg) -> Arg {
    arg.required(false).requires(Resettable::<Id>::Reset).conflicts_with(Resettable::<Id>::Reset)
}
