//! Completion: what may stand where the cursor is: contracts, scenarios, requirements and defects as much as flags.
//!
//! In: the command line as far as it is written, from the script that
//! `hookgate completions` prints. Out: candidates in the shell's form. What is
//! read is what is inside the binary, and the contract that the line names;
//! nobody is asked over a network, and nothing is written.

use std::ffi::{OsStr, OsString};
use std::sync::Arc;

use clap::{Arg, Command};
use clap_complete::engine::{self, ArgValueCompleter, CompletionCandidate, PathCompleter, ValueCompleter as _};
use clap_complete::env::Shells;

use super::project::nearby;
use crate::files;
use crate::reference::defect::CATALOGUE;
use crate::suites::{self, Suite, SuiteChoice};

/// The variable by which a script asks; it holds the name of the shell.
const ASKED: &str = "_HOOKGATE_COMPLETE";
/// The word of the command line that the cursor is in, as scripts tell it.
const CURSOR: &str = "_CLAP_COMPLETE_INDEX";
/// What stands between bash's candidates.
const BETWEEN: &str = "_CLAP_IFS";
/// The contract of a line that names none.
const USUAL: &str = "orch-phase3";

/// The script that makes a shell ask; `program` is what it runs to do so.
pub(super) fn script(shell: &str, program: &str) -> std::io::Result<String> {
    let mut text = Vec::new();
    if let Some(shell) = Shells::builtins().completer(shell) {
        shell.write_registration(ASKED, "hookgate", "hookgate", program, &mut text)?;
    }
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// What a script is to be told, when it is one that asks.
#[expect(clippy::disallowed_methods, reason = "the roof is where the environment is read")]
pub(super) fn answer(command: Command, words: &[OsString]) -> Option<String> {
    let shell = std::env::var(ASKED).ok()?;
    let from = words.iter().position(|word| word == "--")? + 1;
    let line = words.get(from..)?.to_vec();
    let here = std::env::current_dir().ok();
    let mut command = knowing(command, &contract_of(&line));
    let mut text = Vec::new();
    if shell == "bash" {
        let cursor = std::env::var(CURSOR).ok().and_then(|at| at.parse().ok()).unwrap_or(line.len().saturating_sub(1));
        let between = std::env::var(BETWEEN).unwrap_or_else(|_| "\n".to_owned());
        let Joined { words, cursor, before } = Joined::of(line, cursor);
        let found = engine::complete(&mut command, words, cursor, here.as_deref()).ok()?;
        let values = found.iter().map(|one| one.get_value().to_string_lossy().into_owned());
        return Some(values.map(|one| one.strip_prefix(&before).unwrap_or(&one).to_owned()).collect::<Vec<_>>().join(&between));
    }
    Shells::builtins().completer(&shell)?.write_complete(&mut command, line, here.as_deref(), &mut text).ok()?;
    Some(String::from_utf8_lossy(&text).into_owned())
}

/// A line of bash's, which takes `--flag=value` for three words.
struct Joined {
    words: Vec<OsString>,
    cursor: usize,
    /// What stands before the cursor in the same word, and is not bash's to complete.
    before: String,
}

impl Joined {
    fn of(line: Vec<OsString>, cursor: usize) -> Self {
        let mut joined = Self { words: Vec::new(), cursor, before: String::new() };
        let mut line = line.into_iter().enumerate().peekable();
        while let Some((at, word)) = line.next() {
            let flag = joined.words.last().and_then(|word| word.to_str()).filter(|word| word.starts_with("--") && !word.contains('='));
            match (flag.map(|flag| format!("{flag}=")), word == "=", line.peek().is_some()) {
                (Some(flag), true, true) => {
                    let (value_at, value) = line.next().unwrap_or_default();
                    let whole = OsString::from(format!("{flag}{}", value.to_string_lossy()));
                    joined.words.pop();
                    joined.words.push(whole);
                    if value_at == cursor || at == cursor {
                        joined.cursor = joined.words.len() - 1;
                        joined.before = flag;
                    }
                }
                _ => {
                    joined.words.push(word);
                    if at == cursor {
                        joined.cursor = joined.words.len() - 1;
                    }
                }
            }
        }
        joined
    }
}

/// The contract that a line names.
fn contract_of(line: &[OsString]) -> String {
    let words: Vec<&str> = line.iter().filter_map(|word| word.to_str()).collect();
    let behind =
        |at: usize| words.get(at + 1).copied().map(|word| if word == "=" { words.get(at + 2).copied().unwrap_or("") } else { word });
    let named = words.iter().enumerate().find_map(|(at, word)| match word.strip_prefix("--contract") {
        Some("") => behind(at),
        Some(more) => more.strip_prefix('='),
        None => None,
    });
    // What cannot be read yet (it is being written) leaves the usual one.
    named.filter(|name| suites::contract(name).is_ok()).map_or_else(of_the_project, str::to_owned)
}

/// The contract of the nearest project file, or the usual one.
fn of_the_project() -> String {
    let named = nearby().and_then(|(folder, project)| {
        let name = project.settings.contract?;
        Some(if suites::looks_like_a_file(&name) { folder.join(name).display().to_string() } else { name })
    });
    named.filter(|name| suites::contract(name).is_ok()).unwrap_or_else(|| USUAL.to_owned())
}

/// The profiles of the nearest project file.
fn profiles() -> Vec<Known> {
    let profiles = nearby().map(|(_, project)| project.profiles().into_iter().map(str::to_owned).collect::<Vec<_>>());
    profiles.unwrap_or_default().into_iter().map(|name| (name, None)).collect()
}

/// A command whose arguments know what may stand in them.
fn knowing(mut command: Command, contract: &str) -> Command {
    let suite = Arc::new(suites::suite(&SuiteChoice::of(contract)).ok());
    let names: Vec<String> = command.get_subcommands().map(|one| one.get_name().to_owned()).collect();
    let own = names.clone();
    let at_the_root = Arc::clone(&suite);
    command = command.mut_args(move |arg| told(arg, "", &at_the_root));
    for name in names {
        let suite = Arc::clone(&suite);
        command = command.mut_subcommand(&name, |one| all_knowing(one, &name, &suite));
    }
    command.mut_subcommand("man", |man| {
        man.mut_arg("of", |arg| arg.add(one_of(move || own.iter().map(|name| (name.clone(), None)).collect())))
    })
}

fn all_knowing(command: Command, name: &str, suite: &Arc<Option<Suite>>) -> Command {
    let inner: Vec<String> = command.get_subcommands().map(|one| one.get_name().to_owned()).collect();
    let command = inner.iter().fold(command, |command, one| command.mut_subcommand(one, |one| all_knowing(one, name, suite)));
    command.mut_args(|arg| told(arg, name, suite))
}

/// An argument with what may stand in it, by its name.
fn told(arg: Arg, command: &str, suite: &Arc<Option<Suite>>) -> Arg {
    let suite = Arc::clone(suite);
    match (arg.get_id().as_str(), command) {
        ("contract", _) => arg.add(one_of_or_a_file(|_| contracts())),
        ("defect", _) => arg.add(one_of(|| CATALOGUE.iter().map(|one| (one.name.to_owned(), Some(one.sentence.to_owned()))).collect())),
        ("profile", _) => arg.add(one_of(profiles)),
        ("mix", _) => arg.add(one_of_or_a_file(|_| files::shipped_mixes().into_iter().map(|name| (name, None)).collect())),
        ("only", "run") => arg.add(one_of_or_a_file(move |current| scenarios(&suite, current))),
        ("select" | "require", _) => arg.add(ArgValueCompleter::new(move |current: &OsStr| selected(&suite, current))),
        ("what", _) => arg.add(one_of_or_a_file(move |current| {
            let mut all = requirements(&suite);
            all.extend(contracts());
            all.extend(scenarios(&suite, current));
            all
        })),
        _ => arg,
    }
}

/// A candidate and what it is.
type Known = (String, Option<String>);

fn one_of(all: impl Fn() -> Vec<Known> + Send + Sync + 'static) -> ArgValueCompleter {
    ArgValueCompleter::new(move |current: &OsStr| fitting(all(), &current.to_string_lossy()))
}

/// What is known; where nothing of it fits, and where a path is begun, files.
fn one_of_or_a_file(all: impl Fn(&str) -> Vec<Known> + Send + Sync + 'static) -> ArgValueCompleter {
    ArgValueCompleter::new(move |current: &OsStr| {
        let text = current.to_string_lossy();
        let mut found = fitting(all(&text), &text);
        if found.is_empty() || text.is_empty() {
            let yaml = |path: &std::path::Path| path.is_dir() || path.extension().is_some_and(|end| end == "yaml" || end == "yml");
            found.extend(PathCompleter::any().filter(yaml).complete(current));
        }
        found
    })
}

fn fitting(all: Vec<Known>, current: &str) -> Vec<CompletionCandidate> {
    let begins = |name: &str| name.get(..current.len()).is_some_and(|start| start.eq_ignore_ascii_case(current));
    all.into_iter().filter(|(name, _)| begins(name)).map(|(name, what)| CompletionCandidate::new(name).help(what.map(Into::into))).collect()
}

fn contracts() -> Vec<Known> {
    let title = |name: &str| {
        let text = files::shipped_contract(name)?.text;
        text.lines().find_map(|line| line.strip_prefix("title:")).map(|title| title.trim().to_owned())
    };
    files::shipped_contracts().into_iter().map(|name| (name.clone(), title(&name))).collect()
}

fn requirements(suite: &Option<Suite>) -> Vec<Known> {
    let all = suite.iter().flat_map(|suite| &suite.catalogue.requirements);
    all.map(|one| (one.id.clone(), Some(one.sentence.clone()))).collect()
}

/// Scenarios by file, and the variants of one whose bracket is open, or whose name is whole.
fn scenarios(suite: &Option<Suite>, current: &str) -> Vec<Known> {
    let plain = |id: &str| id.split('[').next().unwrap_or(id).to_owned();
    let mut all: Vec<Known> = Vec::new();
    for one in suite.iter().flat_map(|suite| &suite.scenarios) {
        let name = plain(&one.id);
        if current.contains('[') || (name == current && one.id != name) {
            all.push((one.id.clone(), Some(one.scenario.title.clone())));
        }
        if !current.contains('[') && all.last().is_none_or(|(last, _)| *last != name) && !all.iter().any(|(there, _)| *there == name) {
            all.push((name, Some(one.scenario.title.clone())));
        }
    }
    all
}

/// The last piece of an expression: `DUP-*,!TT` asks for what begins with `TT`.
fn selected(suite: &Option<Suite>, current: &OsStr) -> Vec<CompletionCandidate> {
    let text = current.to_string_lossy();
    let piece = text.rfind([',', '!']).map_or(0, |at| at + 1);
    let (before, piece) = text.split_at(piece);
    let mut all = requirements(suite);
    let mut topics: Vec<Known> = Vec::new();
    for (id, _) in &all {
        let topic = id.rsplit_once('-').map_or_else(|| id.clone(), |(topic, _)| format!("{topic}-*"));
        if !topics.iter().any(|(there, _)| *there == topic) {
            topics.push((topic, None));
        }
    }
    topics.append(&mut all);
    topics.extend(scenarios(suite, piece));
    fitting(topics, piece).into_iter().map(|one| one.add_prefix(before.to_owned())).collect()
}
