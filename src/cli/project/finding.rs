//! Finding the project file: upwards from the working folder, or where it was named; and everything that is wrong in it.

use std::path::{Path, PathBuf};

use clap::{ArgMatches, Command};

use super::super::Failure;
use super::super::args::alone;
use super::super::load_suite::nearest;
use super::variable;
use crate::files;
use crate::project::layers::{Origin, Setting};
use crate::project::members::{Form, Member, found_in};
use crate::project::{FILE_NAME, Project, read};
use crate::yaml::diagnostic::{Diagnostic, Diagnostics};

/// The project file, where there is one.
#[derive(Default)]
pub(super) struct Found {
    pub(super) project: Option<Project>,
    pub(super) file: Option<PathBuf>,
    /// Whether it was named, and not found.
    pub(super) named: bool,
    pub(super) profile: Option<String>,
}

/// The file and the profile that a command line, or the environment, means.
pub(super) fn found(matches: &ArgMatches) -> Result<Found, Failure> {
    if matches.get_flag("no_config") {
        return Ok(Found::default());
    }
    let set = |name: &str| variable(name).filter(|value| !value.is_empty());
    let profile = matches.get_one::<String>("profile").map(|name| (name.clone(), "--profile"));
    let profile = profile.or_else(|| set("HOOKGATE_PROFILE").map(|name| (name, "HOOKGATE_PROFILE")));
    let named = matches.get_one::<PathBuf>("config").cloned().or_else(|| set("HOOKGATE_CONFIG").map(PathBuf::from));
    let is_named = named.is_some();
    let Some(file) = named.or_else(upwards) else {
        return match profile {
            Some((name, from)) => Err(Failure::usage(format!(
                "{from} {name}: there is no {FILE_NAME} in this folder or above it that could have the profile (`hookgate init` writes one, --config names one)"
            ))),
            None => Ok(Found::default()),
        };
    };
    let project = read_project(&file)?;
    if let Some((name, from)) = &profile
        && project.section(Some(name)).is_none()
    {
        let known = project.profiles();
        let hint = nearest(name, known.iter().copied()).map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
        let there = if known.is_empty() { "it has none".to_owned() } else { format!("it has {}", known.join(", ")) };
        return Err(Failure::usage(format!("{from} {name}: {} has no such profile: {there}{hint}", file.display())));
    }
    Ok(Found { project: Some(project), file: Some(file), named: is_named, profile: profile.map(|(name, _)| name) })
}

/// The nearest project file, from the working folder upwards, as a path from here.
fn upwards() -> Option<PathBuf> {
    let here = std::env::current_dir().ok()?;
    let mut way = PathBuf::new();
    for folder in here.ancestors() {
        if folder.join(FILE_NAME).is_file() {
            return Some(way.join(FILE_NAME));
        }
        way.push("..");
    }
    None
}

/// The nearest project file, where it can be read, and its folder.
pub(crate) fn nearby() -> Option<(PathBuf, Project)> {
    let file = upwards()?;
    let project = read_project(&file).ok()?;
    Some((file.parent().map(Path::to_path_buf).unwrap_or_default(), project))
}

/// Reads a project file, and holds every value against the flag that it stands for.
pub(crate) fn read_project(path: &Path) -> Result<Project, Failure> {
    let file = files::read_text("read the project file", path).map_err(Failure::usage)?;
    let project = read(&file.path, &file.text).map_err(Failure::usage)?;
    let wrong = wrong_values(&project);
    if wrong.is_empty() { Ok(project) } else { Err(Failure::usage(Diagnostics::new(&file.path, &file.text, wrong))) }
}

/// Every value that the flag of its member would not take.
fn wrong_values(project: &Project) -> Vec<Diagnostic> {
    let command = super::relaxed(<super::Cli as clap::CommandFactory>::command());
    let profiles = project.profiles();
    let sections = std::iter::once(None).chain(profiles.iter().map(|name| Some(*name))).filter_map(|name| project.section(name));
    let mut diagnostics = Vec::new();
    for section in sections {
        for (member, node) in found_in(section) {
            let items = if node.items().is_empty() { vec![node] } else { node.items().iter().collect() };
            for item in items {
                let wrong = member.texts_of(item).iter().find_map(|text| refusal(member, text, &command));
                if let Some((why, known)) = wrong {
                    let span = if node.members().is_empty() { item.span.clone() } else { section.key_span_at(member.path) };
                    let diagnostic = Diagnostic::new(span, format!("`{}`: {why}", member.path));
                    diagnostics.push(Diagnostic { hint: known, ..diagnostic });
                }
            }
        }
    }
    diagnostics
}

/// What is wrong with the value of a variable, as a sentence.
pub(super) fn wrong_variable(setting: &Setting, command: &Command) -> Option<String> {
    let Origin::Variable(name) = &setting.origin else { return None };
    if setting.member.form == Form::Switch {
        let text = setting.texts.first()?;
        return (text != "true" && text != "false").then(|| format!("{name}: `{text}` is neither true nor false"));
    }
    let (why, known) = setting.texts.iter().find_map(|text| refusal(setting.member, text, command))?;
    Some(format!("{name}: {why}{}", known.map_or_else(String::new, |known| format!(" ({known})"))))
}

/// Why a flag does not take a value, and which it would take.
fn refusal(member: &Member, text: &str, command: &Command) -> Option<(String, Option<String>)> {
    if member.form == Form::Switch {
        return None;
    }
    let (flag, commands) = member.flags.first()?;
    let own = commands.first()?.split(' ').try_fold(command, |command, name| command.find_subcommand(name))?;
    let arg = own.get_arguments().find(|arg| arg.get_long() == Some(flag))?;
    let wrong = Command::new("value").arg(alone(arg.clone())).try_get_matches_from(["value", &format!("--{flag}={text}")]).err()?;
    let words: Vec<String> = arg.get_possible_values().iter().map(|value| format!("`{}`", value.get_name())).collect();
    if !words.is_empty() {
        return Some((format!("there is no `{text}`"), Some(format!("expected one of: {}", words.join(", ")))));
    }
    let why = std::error::Error::source(&wrong).map_or_else(|| format!("`{text}` is not taken"), ToString::to_string);
    Some((why, None))
}
