//! Usage: what is wrong with a command line, in sentences of ours.
//!
//! Takes what clap has found, gives one sentence with the way out; help and
//! version are no mistakes, and stay as clap writes them. What is suggested is
//! near, and may stand where it is suggested; else nothing is.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Command, Error};

use super::load_suite::nearest;
use crate::report::again::in_shell;

/// Words that people try, and what there is in their place.
const TRIED: [(&[&str], &str); 4] = [
    (
        &["-v", "-vv", "--verbose", "--debug"],
        "nothing more is to be told: --report DIR keeps every delivery and every answer (the version is -V)",
    ),
    (
        &["--no-color", "--no-colour", "--color", "--colour"],
        "colour is left out where standard output is no terminal, and with NO_COLOR=1 in the environment",
    ),
    (&["-q", "--quiet"], "--format json prints nothing else, and the exit code says the rest"),
    (
        &["--secret", "--token", "--password"],
        "a secret never goes on a command line: put it into the contract's variable, or name another with --secret-env",
    ),
];

/// The sentence for a mistake; `None` where clap's own is as good.
pub(super) fn sentence(wrong: &Error, command: &Command, words: &[OsString]) -> Option<String> {
    let found = |kind| match wrong.get(kind) {
        Some(ContextValue::String(text)) => Some(text.as_str()),
        _ => None,
    };
    let unknown = if wrong.kind() == ErrorKind::UnknownArgument { found(ContextKind::InvalidArg) } else { None };
    let (path, at) = deepest(command, words, unknown);
    match wrong.kind() {
        ErrorKind::InvalidSubcommand => {
            let word = found(ContextKind::InvalidSubcommand)?;
            Some(format!("there is no command `{word}`{} (`{path} --help` shows them)", meant(word, &commands(at))))
        }
        ErrorKind::UnknownArgument => {
            let word = found(ContextKind::InvalidArg)?;
            let plain = word.split('=').next().unwrap_or(word);
            if let Some((_, instead)) = TRIED.iter().find(|(words, _)| words.contains(&plain)) {
                return Some(format!("there is no `{plain}`: {instead}"));
            }
            let flags = flags(at);
            let hint = match meant(plain, &flags.iter().map(String::as_str).collect::<Vec<_>>()) {
                none if none.is_empty() => behind_a_command(at, plain),
                near => near,
            };
            Some(format!("there is no `{word}` here{hint} (`{path} --help` shows what there is)"))
        }
        ErrorKind::InvalidValue => {
            let flag = found(ContextKind::InvalidArg)?;
            let value = found(ContextKind::InvalidValue).unwrap_or_default();
            let known = match wrong.get(ContextKind::ValidValue) {
                Some(ContextValue::Strings(known)) => known.as_slice(),
                _ => &[],
            };
            let among = if known.is_empty() { String::new() } else { format!(": {}", known.join(", ")) };
            if value.is_empty() {
                return Some(format!("{flag} wants a value{among}"));
            }
            let name = flag.split(' ').next()?;
            let hint = meant(value, &known.iter().map(String::as_str).collect::<Vec<_>>());
            Some(format!("{name} {}: there is no such value; there are{among}{hint}", in_shell(value)))
        }
        ErrorKind::ValueValidation => {
            let flag = found(ContextKind::InvalidArg)?.split(' ').next()?;
            let value = found(ContextKind::InvalidValue).unwrap_or_default();
            let why = std::error::Error::source(wrong)?;
            Some(format!("{flag} {}: {why}", in_shell(value)))
        }
        _ => None,
    }
}

/// `; did you mean …?`, or nothing.
fn meant(word: &str, known: &[&str]) -> String {
    nearest(word, known.iter().copied()).map_or_else(String::new, |near| format!("; did you mean `{near}`?"))
}

/// The command that the words lead to, as far as the one that is unknown, and how it is called.
fn deepest<'c>(command: &'c Command, words: &[OsString], unknown: Option<&str>) -> (String, &'c Command) {
    let (mut path, mut at) = (command.get_name().to_owned(), command);
    let is_unknown = |word: &&str| unknown.is_some_and(|unknown| *word == unknown || word.starts_with(&format!("{unknown}=")));
    for word in words.iter().skip(1).filter_map(|word| word.to_str()).take_while(|word| !is_unknown(word)) {
        if let Some(inner) = at.find_subcommand(word).filter(|one| !one.is_hide_set()) {
            path = format!("{path} {word}");
            at = inner;
        }
    }
    (path, at)
}

fn commands(command: &Command) -> Vec<&str> {
    command.get_subcommands().filter(|one| !one.is_hide_set()).map(Command::get_name).collect()
}

fn flags(command: &Command) -> Vec<String> {
    let shown = command.get_arguments().filter(|one| !one.is_hide_set());
    shown.filter_map(|one| one.get_long().map(|long| format!("--{long}"))).collect()
}

/// Where a flag is known, when it stands before the command that it belongs to.
fn behind_a_command(command: &Command, flag: &str) -> String {
    let knows = |one: &&Command| !one.is_hide_set() && flags(one).iter().any(|known| known == flag);
    let first = command.get_subcommands().find(knows).map(Command::get_name);
    first.map_or_else(String::new, |name| format!(": it goes behind the command, as in `hookgate {name} {flag}`"))
}
