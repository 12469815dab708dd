//! The command line: arguments, environment, terminal and exit code.
//!
//! The roof of the house: everything that a user types ends here and is handed
//! down as values; everything that is printed is printed here. Exit codes are
//! in [`exit`].

mod args;
mod arguments;
mod baseline;
pub mod captured;
mod claims;
mod compare;
mod completion;
mod config;
mod evidence;
mod examples;
mod explore;
mod doctor;
mod dry_run;
pub mod exit;
mod forms;
mod given;
mod headers;
mod history;
mod init;
mod inspect;
mod launching;
#[cfg(feature = "load")]
mod load;
mod load_suite;
mod merging;
mod progress;
mod project;
mod required;
mod rerender;
mod run;
mod secrets;
mod selecting;
mod selftest;
mod serve;
mod show;
mod signals;
mod signing;
mod snapshots;
mod sources;
mod stored;
mod tools;
mod trend;
mod usage;
mod version;

use std::ffi::OsString;
use std::io::{self, Write};
use std::sync::Arc;

use clap::{CommandFactory as _, FromArgMatches as _};

use crate::cli::args::{Cli, Command};
use crate::cli::exit::Exit;
use crate::cli::project::InForce;
use crate::report::human::WIDTH;

/// Why a command ended without a verdict.
pub(crate) struct Failure {
    /// The exit code.
    pub(crate) exit: Exit,
    /// The sentence, without `error: `; a mistake in a file brings its own form.
    pub(crate) message: String,
}

impl Failure {
    /// A mistake in what the user gave: exit 2.
    pub(crate) fn usage(message: impl std::fmt::Display) -> Self {
        Self { exit: Exit::Usage, message: message.to_string() }
    }

    /// The harness could not work: exit 3.
    pub(crate) fn harness(message: impl std::fmt::Display) -> Self {
        Self { exit: Exit::Harness, message: message.to_string() }
    }
}

/// How text for people looks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TextStyle {
    /// Whether it has colours.
    pub(crate) colour: bool,
    /// How many columns it may take.
    pub(crate) width: usize,
}

/// Where a command prints.
pub(crate) struct Console {
    out: Box<dyn Write>,
    err: Box<dyn Write>,
    /// Why standard output takes nothing more, when it does not.
    failed: Option<io::Error>,
    /// Whether standard output takes colour.
    pub(crate) colour: bool,
    /// The columns of standard output, where it is a terminal; else what texts are made for.
    pub(crate) width: usize,
    /// Whether standard error is a terminal that a person looks at.
    pub(crate) live: bool,
}

impl Console {
    fn of_process() -> Self {
        use std::io::IsTerminal as _;
        let choice = anstream::AutoStream::choice(&io::stdout());
        Self {
            colour: !matches!(choice, anstream::ColorChoice::Never),
            width: terminal_size::terminal_size_of(io::stdout()).map_or(WIDTH, |(width, _)| usize::from(width.0)),
            live: io::stderr().is_terminal(),
            out: Box::new(anstream::AutoStream::new(io::stdout(), choice)),
            err: Box::new(anstream::stderr()),
            failed: None,
        }
    }

    /// How text for people is to look.
    pub(crate) fn text_style(&self) -> TextStyle {
        TextStyle { colour: self.colour, width: self.width }
    }

    /// Prints to standard output; what cannot be written is told at the command's end, or by [`Console::was_printed`].
    pub(crate) fn print(&mut self, text: &str) {
        if self.failed.is_none() {
            self.failed = self.out.write_all(text.as_bytes()).and_then(|()| self.out.flush()).err();
        }
    }

    /// Whether all that was printed was taken; a reader that went away has what it wanted.
    pub(crate) fn was_printed(&self) -> Result<(), Failure> {
        match &self.failed {
            Some(cause) if cause.kind() != io::ErrorKind::BrokenPipe => {
                Err(Failure::harness(format!("cannot write to standard output: {cause}")))
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Prints to standard error.
    pub(crate) fn tell(&mut self, text: &str) {
        drop(self.err.write_all(text.as_bytes()).and_then(|()| self.err.flush()));
    }
}

/// Runs a command line; `args` begins with the program's own name.
#[must_use]
pub fn main(args: impl IntoIterator<Item = OsString>) -> Exit {
    let mut console = Console::of_process();
    let words: Vec<OsString> = args.into_iter().collect();
    if let Some(answer) = completion::answer(Cli::command(), &words) {
        // As it is: shells keep candidates apart by signs that a terminal would be spared.
        return io::stdout().write_all(answer.as_bytes()).map_or(Exit::Harness, |()| Exit::Conforms);
    }
    let prepared = match project::prepare(words) {
        Ok(prepared) => prepared,
        Err(failure) => {
            tell(&failure, &mut console);
            return failure.exit;
        }
    };
    let in_force = prepared.in_force.unwrap_or_default();
    let cli = match parsed(&prepared.words) {
        Ok(cli) => cli,
        Err(wrong) => return tell_usage(&wrong, &prepared.words, &in_force, &mut console),
    };
    let ended = dispatch(cli, &in_force, &mut console).map_err(|failure| match failure.exit {
        Exit::Usage => Failure { message: in_force.explained(&failure.message), ..failure },
        Exit::Conforms | Exit::DoesNotConform | Exit::Harness | Exit::Undecided | Exit::Interrupted | Exit::Guarded(_) => failure,
    });
    let ended = match (ended, console.was_printed()) {
        (Err(failure), Err(unwritten)) => {
            tell(&failure, &mut console);
            Err(unwritten)
        }
        (Ok(_), Err(unwritten)) => Err(unwritten),
        (ended, Ok(())) => ended,
    };
    ended.unwrap_or_else(|failure| {
        tell(&failure, &mut console);
        failure.exit
    })
}

/// All commands, with the examples of each.
fn command_line() -> clap::Command {
    examples::with_examples(Cli::command())
}

/// A command line, read.
fn parsed(words: &[OsString]) -> Result<Cli, clap::Error> {
    let mut command = command_line();
    let mut matches = command.try_get_matches_from_mut(words)?;
    Cli::from_arg_matches_mut(&mut matches).map_err(|wrong| wrong.format(&mut command))
}

/// Tells why a command has failed.
fn tell(failure: &Failure, console: &mut Console) {
    let message = failure.message.trim_end();
    let prefix = if message.starts_with("error") { "" } else { "error: " };
    console.tell(&format!("{prefix}{message}\n"));
}

/// What clap says of a command line: help and version are no mistakes.
fn tell_usage(wrong: &clap::Error, words: &[OsString], in_force: &InForce, console: &mut Console) -> Exit {
    let text = wrong.render();
    if wrong.use_stderr() {
        match usage::sentence(wrong, &Cli::command(), words) {
            Some(sentence) => tell(&Failure::usage(in_force.explained(&sentence)), console),
            None => console.tell(&in_force.explained(&text.ansi().to_string())),
        }
        Exit::Usage
    } else {
        console.print(&text.ansi().to_string());
        console.was_printed().map_or_else(
            |failure| {
                tell(&failure, console);
                failure.exit
            },
            |()| Exit::Conforms,
        )
    }
}

fn dispatch(cli: Cli, in_force: &Arc<InForce>, console: &mut Console) -> Result<Exit, Failure> {
    match cli.command {
        Command::Run(mut args) => {
            args.project = Some(Arc::clone(in_force));
            run::run(&args, console)
        }
        Command::Doctor(mut args) => {
            args.project = Some(Arc::clone(in_force));
            doctor::doctor(&args, console)
        }
        Command::Init(args) => init::init(&args, console),
        Command::Config(args) => config::config(&args, in_force, console),
        Command::Serve(args) => serve::serve(&args, console),
        Command::Explore(mut args) => {
            args.judged.project = Some(Arc::clone(in_force));
            explore::explore(&args, console)
        }
        Command::Shrink(mut args) => {
            args.judged.project = Some(Arc::clone(in_force));
            explore::shrink(&args, console)
        }
        Command::Selftest(args) => selftest::selftest(&args, console),
        #[cfg(feature = "load")]
        Command::Load(mut args) => {
            args.project = Some(Arc::clone(in_force));
            load::load(&args, console)
        }
        #[cfg(feature = "locust")]
        Command::Locustfile(args) => load::locustfile(&args, console),
        Command::List(args) => inspect::list(&args, console),
        Command::Check(mut args) => {
            args.project = Some(Arc::clone(in_force));
            inspect::check(&args, console)
        }
        Command::Explain(args) => inspect::explain(&args, console),
        Command::Show(args) => show::show(&args, console),
        Command::Coverage(args) => inspect::coverage(&args, console),
        Command::Schema(args) => tools::schema(&args, console),
        Command::Sign(args) => signing::sign(&args, console),
        Command::Send(args) => signing::send(&args, console),
        Command::Verify(args) => signing::verify(&args, console),
        Command::Completions(args) => tools::completions(&args, console),
        Command::Report(args) => rerender::rerender(&args, console),
        Command::Compare(args) => compare::compare(&args, console),
        Command::Trend(args) => trend::trend(&args, console),
        Command::Claims(args) => claims::claims(&args, console),
        Command::Baseline(args) => baseline::baseline(&args, console),
        Command::Snapshots(args) => snapshots::snapshots(&args, console),
        Command::History(args) => history::history(&args, console),
        Command::Man(args) => tools::man(&args, command_line(), console),
        #[cfg(unix)]
        Command::Guard(args) => Ok(Exit::Guarded(crate::target::guard::guard(&args.command, args.stop_signal, &args.set))),
    }
}
