//! Project files on a command line: what `hookgate.toml` and the environment say becomes flags that nobody has typed.
//!
//! In: the words of a command line. Out: the same with a flag for every member
//! that is in force and not given by hand; so a value from a file is judged by
//! the flag's own reader, as if it were typed. Which file is read, and what of
//! it is wrong, is in [`finding`]; where a value stands is told by [`InForce`].
//!
//! Start at [`prepare`].

mod finding;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::parser::ValueSource;
use clap::{ArgMatches, Command, CommandFactory as _};

use self::finding::Found;
pub(crate) use self::finding::{nearby, read_project};
use super::Failure;
use super::args::{Cli, alone};
use super::load_suite::looks_like_a_file;
use crate::files;
use crate::project::Project;
use crate::project::layers::{Origin, Setting, in_force};
use crate::project::members::{Form, MEMBERS, Member, member};
use crate::report::ProjectFacts;
use crate::report::again::in_shell;
use crate::sign::sha256_hex;

/// What is in force beside what was typed.
#[derive(Debug, Default)]
pub(crate) struct InForce {
    /// The file, as people see it.
    pub(crate) file: Option<PathBuf>,
    /// Whether the file was named, and not found.
    named: bool,
    /// The profile that was chosen.
    pub(crate) profile: Option<String>,
    /// Every member that has a value, those of flags included.
    pub(crate) settings: Vec<Setting>,
    /// The words that were added to the command line.
    added: Vec<Added>,
}

/// A flag that nobody has typed.
#[derive(Debug)]
struct Added {
    member: &'static Member,
    flag: &'static str,
    value: String,
    origin: Origin,
}

impl Added {
    /// As it is typed.
    fn word(&self) -> OsString {
        match self.member.form {
            Form::Switch => OsString::from(format!("--{}", self.flag)),
            Form::Text | Form::Path | Form::PathOrName | Form::Place | Form::Command | Form::Lines(_) => {
                OsString::from(format!("--{}={}", self.flag, self.value))
            }
        }
    }
}

impl InForce {
    /// What a file alone says to a command, and the words that it would be.
    pub(crate) fn alone(project: &Project, file: &Path, profile: Option<&str>, command: &str) -> (Self, Vec<OsString>) {
        let settings = in_force(&[], &|_| None, Some((project, profile)));
        let folder = file.parent().map(Path::to_path_buf).unwrap_or_default();
        let settings: Vec<Setting> = settings.into_iter().map(|one| from_folder(one, &folder)).collect();
        let added: Vec<Added> = settings.iter().flat_map(|one| added(one, command)).collect();
        let words = ["hookgate", command].into_iter().map(OsString::from).chain(added.iter().map(Added::word)).collect();
        let in_force = Self { file: Some(file.to_path_buf()), named: true, profile: profile.map(str::to_owned), settings, added };
        (in_force, words)
    }

    /// The file and the profile in one line: `hookgate.toml (profile ci)`.
    pub(crate) fn line(&self) -> Option<String> {
        self.facts().map(|facts| facts.told())
    }

    /// The same for a report, with the digest of the file.
    pub(crate) fn facts(&self) -> Option<ProjectFacts> {
        let file = self.file.as_ref()?;
        let text = files::read_text("read the project file", file).map(|file| file.text).unwrap_or_default();
        Some(ProjectFacts { file: file.display().to_string(), profile: self.profile.clone(), sha256: sha256_hex(text.as_bytes()) })
    }

    /// Whether a flag stands in the file, so that it need not be typed again: without dashes, with its value.
    pub(crate) fn has(&self, flag: &str, value: Option<&str>) -> bool {
        let flag = if flag == "-H" { "header" } else { flag.trim_start_matches('-') };
        let is = |one: &Added| {
            one.flag == flag && one.origin.span().is_some() && value.is_none_or(|value| value == one.value || !one.member.is_many())
        };
        self.added.iter().any(is)
    }

    /// What must be typed so that the same file is in force again.
    pub(crate) fn again(&self) -> Vec<(&'static str, Option<String>)> {
        let file = self.file.as_ref().filter(|_| self.named).map(|file| ("--config", Some(file.display().to_string())));
        let profile = self.profile.clone().map(|name| ("--profile", Some(name)));
        file.into_iter().chain(profile).collect()
    }

    /// Where a value stands: `hookgate.toml:4`, or the name of a variable.
    pub(crate) fn place(&self, origin: &Origin) -> String {
        let file = || self.file.as_ref().map_or_else(String::new, |file| file.display().to_string());
        match origin {
            Origin::Flag => "flag".to_owned(),
            Origin::Variable(name) => name.clone(),
            Origin::Profile { name, line, .. } => format!("{}:{line} (profile {name})", file()),
            Origin::File { line, .. } => format!("{}:{line}", file()),
            Origin::Default => "default".to_owned(),
        }
    }

    /// A message with a line for each flag in it that nobody has typed: where its value stands.
    pub(crate) fn explained(&self, message: &str) -> String {
        let mut told: Vec<String> = Vec::new();
        for one in &self.added {
            let flag = format!("--{}", one.flag);
            let named = message.match_indices(&flag).any(|(at, _)| {
                let ends = |c: char| c.is_alphanumeric() || c == '-';
                !message[at + flag.len()..].starts_with(ends) && !message[..at].ends_with(ends)
            });
            let is_file = matches!(one.member.form, Form::Path) || (one.member.form == Form::PathOrName && looks_like_a_file(&one.value));
            let quoted = if is_file { message.contains(&one.value) } else { message.contains(&format!("`{}`", one.value)) };
            let line = format!("  {flag} {} is `{}` of {}", in_shell(&one.value), one.member.path, self.place(&one.origin));
            if (named || quoted) && !told.contains(&line) && !message.contains(&line) {
                told.push(line);
            }
        }
        if told.is_empty() { message.to_owned() } else { format!("{}\n{}", message.trim_end(), told.join("\n")) }
    }
}

/// A command line with what is in force, and the command that it is for.
pub(crate) struct Prepared {
    pub(crate) words: Vec<OsString>,
    pub(crate) in_force: Option<Arc<InForce>>,
}

/// Adds to a command line what the project file and the environment say.
///
/// # Errors
/// A project file that cannot be read, or all that is wrong in it, and variables that hold no value of their member.
pub(crate) fn prepare(words: Vec<OsString>) -> Result<Prepared, Failure> {
    let command = relaxed(Cli::command());
    // What cannot be read at all is told when it is read for good.
    let Ok(matches) = command.clone().try_get_matches_from(&words) else { return Ok(Prepared { words, in_force: None }) };
    let (names, leaf) = leaf(&matches);
    let path = names.join(" ");
    if !MEMBERS.iter().any(|member| member.flag_of(&path).is_some()) && path != "config" {
        return Ok(Prepared { words, in_force: None });
    }
    let Found { project, file, named, profile } = finding::found(leaf)?;
    let flags = flags(&command, &names, leaf);
    let chosen = project.as_ref().map(|project| (project, profile.as_deref()));
    let settings = in_force(&flags, &variable, chosen);
    let wrong: Vec<String> = settings.iter().filter_map(|one| finding::wrong_variable(one, &command)).collect();
    if !wrong.is_empty() {
        return Err(Failure::usage(wrong.join("\nerror: ")));
    }
    let folder = file.as_deref().and_then(Path::parent).map(Path::to_path_buf).unwrap_or_default();
    let settings: Vec<Setting> = settings.into_iter().map(|one| from_folder(one, &folder)).collect();
    let added: Vec<Added> = if path == "config" { Vec::new() } else { settings.iter().flat_map(|one| added(one, &path)).collect() };
    let at = place_of_command(&words, names.len());
    let more = added.iter().map(Added::word);
    let words = words[..at].iter().cloned().chain(more).chain(words[at..].iter().cloned()).collect();
    Ok(Prepared { words, in_force: Some(Arc::new(InForce { file, named, profile, settings, added })) })
}

/// A command whose arguments ask for no other and exclude none: what was typed is seen also where a file has the rest.
fn relaxed(command: Command) -> Command {
    command.mut_args(alone).mut_subcommands(relaxed)
}

/// The command that was meant, by its names, and its arguments.
fn leaf(matches: &ArgMatches) -> (Vec<String>, &ArgMatches) {
    let (mut names, mut leaf) = (Vec::new(), matches);
    while let Some((name, inner)) = leaf.subcommand() {
        names.push(name.to_owned());
        leaf = inner;
    }
    // `snapshots list` takes its folder from `snapshots`.
    if names.first().is_some_and(|name| name == "snapshots") {
        names.truncate(1);
    }
    (names, leaf)
}

/// The members that flags of this command line give.
fn flags(command: &Command, names: &[String], leaf: &ArgMatches) -> Vec<Setting> {
    let Some(own) = names.iter().try_fold(command, |command, name| command.find_subcommand(name)) else { return Vec::new() };
    let path = names.join(" ");
    let value_of = |flag: &str| {
        let arg = own.get_arguments().find(|arg| arg.get_long() == Some(flag))?;
        let id = arg.get_id().as_str();
        let source = leaf.value_source(id)?;
        let raw = || leaf.get_raw(id).into_iter().flatten().map(|text| text.to_string_lossy().into_owned()).collect::<Vec<_>>();
        match source {
            ValueSource::DefaultValue => None,
            // Typed, or a variable that the flag itself reads.
            _ => Some(raw()),
        }
    };
    let starts = value_of("exec").is_some();
    let setting = |member: &'static Member| {
        let flag = if path == "config" { flag_of_config(member)? } else { member.flag_of(&path)? };
        // `--target` beside `--exec` says where it listens.
        let other = if starts { "target.url" } else { "target.address" };
        let texts = if member.path == other { None } else { value_of(flag) }?;
        Some(Setting { member, texts: if member.form == Form::Switch { vec!["true".to_owned()] } else { texts }, origin: Origin::Flag })
    };
    MEMBERS.iter().filter_map(setting).collect()
}

/// The flag that a member is of `run`, or of `load` where `run` has none of that name.
pub(crate) fn flag_of_config(member: &Member) -> Option<&'static str> {
    let taken = |flag: &str| flag == "format" || MEMBERS.iter().any(|one| one.flag_of("run") == Some(flag));
    member.flag_of("run").filter(|flag| *flag != "format").or_else(|| member.flag_of("load").filter(|flag| !taken(flag)))
}

/// A member as words of a command line.
fn added(setting: &Setting, command: &str) -> Vec<Added> {
    let Setting { member, texts, origin } = setting;
    let Some(flag) = member.flag_of(command).filter(|_| *origin != Origin::Flag) else { return Vec::new() };
    let on = member.form != Form::Switch || texts.iter().any(|text| text == "true");
    let added = |value: &String| Added { member, flag, value: value.clone(), origin: origin.clone() };
    texts.iter().filter(|_| on).map(added).collect()
}

/// A setting of the file as it is meant from here: paths begin at the file's folder.
fn from_folder(setting: Setting, folder: &Path) -> Setting {
    if setting.origin.span().is_none() || folder.as_os_str().is_empty() {
        return setting;
    }
    let moved = |text: &str| folder.join(text).display().to_string();
    let text = |text: String| match setting.member.form {
        Form::Text | Form::Switch | Form::Lines(_) => text,
        Form::Path => moved(&text),
        Form::PathOrName if looks_like_a_file(&text) && !text.contains('=') => moved(&text),
        Form::PathOrName => text,
        Form::Place => match text.strip_prefix("sqlite:") {
            Some(path) => format!("sqlite:{}", moved(path)),
            None if text.contains("://") || text.starts_with('{') => text,
            None => moved(&text),
        },
        Form::Command => format!("cd {} && {text}", in_shell(&folder.display().to_string())),
    };
    Setting { texts: setting.texts.into_iter().map(text).collect(), ..setting }
}

/// The place behind the names of a command, where its flags may stand.
fn place_of_command(words: &[OsString], names: usize) -> usize {
    let (mut at, mut seen) = (1, 0);
    while at < words.len() && seen < names {
        match words[at].to_str() {
            Some("--config" | "--profile") => at += 1,
            Some(word) if word.starts_with('-') => {}
            Some(_) | None => seen += 1,
        }
        at += 1;
    }
    at.min(words.len())
}

/// An environment variable that holds text.
#[expect(clippy::disallowed_methods, reason = "the roof is where the environment is read")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// The member that a flag with a place stands for, for whoever prints it.
pub(crate) fn report_flag(path: &str) -> Option<String> {
    member(path).and_then(flag_of_config).map(|flag| format!("--{flag}"))
}
