//! Usage: what is wrong with a command line, in sentences of ours.
//!
//! Takes what clap has found, gives one sentence with the way out; help and
//! version are no mistakes, and stay as clap writes them.

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
pub(super) fn sentence(wrong: &Error, command: &Command) -> Option<String> {
    let found = |kind| match wrong.get(kind) {
        Some(ContextValue::String(text)) => Some(text.as_str()),
        _ => None,
    };
    match wrong.kind() {
        ErrorKind::InvalidSubcommand => {
            let word = found(ContextKind::InvalidSubcommand)?;
            let known = || command.get_subcommands().filter(|one| !one.is_hide_set()).map(Command::get_name);
            // A slip of the fingers first: two letters that changed places.
            let slip = known().find(|name| strsim::damerau_levenshtein(word, name) <= 1);
            let hint = slip.or_else(|| nearest(word, known())).map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
            Some(format!("there is no command `{word}`{hint} (`hookgate --help` shows them)"))
        }
        ErrorKind::UnknownArgument => {
            let word = found(ContextKind::InvalidArg)?;
            let plain = word.split('=').next().unwrap_or(word);
            if let Some((_, instead)) = TRIED.iter().find(|(words, _)| words.contains(&plain)) {
                return Some(format!("there is no `{plain}`: {instead}"));
            }
            let hint = found(ContextKind::SuggestedArg).map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
            Some(format!("there is no `{word}` here{hint} (--help shows what there is)"))
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
