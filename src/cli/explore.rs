//! `hookgate explore` and `hookgate shrink`: sequences on a receiver and its model, and a scenario file for whatever they part over.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::args::{ExploreArgs, FormatArg, JudgedArgs, ShrinkArgs};
use super::evidence::Sealing;
use super::exit::Exit;
use super::forms::{for_github, print_judged};
use super::launching::{self, folder_of_its_own};
use super::load_suite::{self, Suite};
use super::progress::Progress;
use super::project::InForce;
use super::run::{Asked, all_of, asked, exit_of, exit_of_failure, say_in_force, wrong_flags};
use super::secrets::warn;
use super::selecting::select;
use super::signals::Ends;
use super::{Console, Failure};
use crate::api::folder::write_folder;
use crate::api::judging::{Afterwards, Judged, conclude};
use crate::clock::span;
use crate::explore::findings::Found;
use crate::explore::{self, Choice, Explored};
use crate::files;
use crate::files::folder::files_under;
use crate::report::ScenarioReport;
use crate::scenario::expand::{self, Loaded};
use crate::scenario::lint::Known;
use crate::secret::Redactor;

/// Runs `explore`.
pub(crate) fn explore(args: &ExploreArgs, console: &mut Console) -> Result<Exit, Failure> {
    let suite = load_suite::suite_for(&args.judged.suite, &args.judged.reach)?;
    let corpus = corpus(&args.corpus, &suite)?;
    let tried = Tried {
        steps: usize::from(args.steps.get()),
        sequences: args.sequences.map(|most| usize::try_from(most).unwrap_or(usize::MAX)),
        first: corpus,
        corpus: Some(args.corpus.clone()),
        origin: None,
    };
    judge(&args.judged, &suite, tried, console)
}

/// Runs `shrink`.
pub(crate) fn shrink(args: &ShrinkArgs, console: &mut Console) -> Result<Exit, Failure> {
    let suite = load_suite::suite_for(&args.judged.suite, &args.judged.reach)?;
    let first = if Path::new(&args.of).is_file() && args.of.ends_with(".jsonl") {
        let ids = scenarios_in(&files::read_text("read the history", Path::new(&args.of)).map_err(Failure::usage)?.text);
        let known: Vec<Loaded> = suite.scenarios.iter().filter(|one| ids.contains(&one.id)).cloned().collect();
        if known.is_empty() {
            let message = format!(
                "{}: no delivery in it is of a scenario of this suite; name the suite that was played with --contract and --scenarios",
                args.of
            );
            return Err(Failure::usage(message));
        }
        known
    } else {
        select(&args.judged.as_run(std::slice::from_ref(&args.of)), &suite)?
    };
    let origin = Some(format!("shortening {}", args.of));
    judge(&args.judged, &suite, Tried { steps: 0, sequences: Some(0), first, corpus: None, origin }, console)
}

/// What is tried.
struct Tried {
    steps: usize,
    sequences: Option<usize>,
    /// What is played first.
    first: Vec<Loaded>,
    /// Where sequences go that reached something new.
    corpus: Option<PathBuf>,
    /// Where findings come from, when that is no seed.
    origin: Option<String>,
}

fn judge(args: &JudgedArgs, suite: &Suite, tried: Tried, console: &mut Console) -> Result<Exit, Failure> {
    // What stands in a folder afterwards is worth its time, also where nobody reads on.
    let ends = if args.report.is_none() { Ends::listen_while_read()?.0 } else { Ends::listen()? };
    let run = args.as_run(&[]);
    let Asked { options, how, secrets } = asked(&run, suite, &[])?;
    let sealing = Sealing::new(&run.suite, &suite.contract, None)?;
    let language = args.language.chosen();
    let redactor = secrets.redactor();
    let warnings = warn(&secrets, console);
    let planned = how.plan(&options, suite, suite.scenarios.clone(), secrets).map_err(|wrong| wrong_flags(&wrong))?;
    let seed = planned.seed;
    let folder = args.report.as_deref().map(|path| folder_of_its_own(path, "load.json", "load")).transpose()?;
    let origin = tried.origin.unwrap_or_else(|| format!("exploring with seed {seed}"));
    if args.format == FormatArg::Human {
        say_in_force(args.project.as_deref(), console);
        console.print(&format!("{origin}, for {} at the most\n", span::write(args.time)));
    }
    let choice = Choice {
        time: args.time,
        steps: tried.steps,
        sequences: tried.sequences,
        corpus: tried.first,
        stops_at_first: args.fail_fast,
        folder: args.keep.display().to_string(),
        origin,
    };
    ends.runtime.block_on(launching::wait_until_ready(&run.launch, run.target.as_deref(), &run.reach))?;
    let progress = Progress::new(0, console.live && args.format == FormatArg::Human);
    let seen = progress.clone();
    let on_done = Arc::new(move |report: &ScenarioReport| seen.tried(report));
    let explored = ends.runtime.block_on(Box::pin(explore::explore(planned, choice, on_done, ends.wanted)));
    ends.runtime.shutdown_background();
    progress.finish();
    let Explored { outcome, found, reached, .. } = explored;
    if let Some(failed) = outcome.failed.as_ref().filter(|failed| exit_of_failure(failed) == Exit::Usage) {
        return Err(Failure::usage(redactor.text(&failed.to_string())));
    }
    let keep = args.keep.clone();
    let after = Afterwards {
        redactor: redactor.clone(),
        warnings,
        made_from: sealing.made_from(),
        project: args.project.as_deref().and_then(InForce::facts),
        required: Vec::new(),
        snapshots: None,
        is_own: Box::new(move |file| Path::new(file).starts_with(&keep)),
    };
    let judged = conclude(outcome, after);
    // What goes wrong from here on is told when the report has been: nothing of it may be lost.
    let mut trouble: Vec<Failure> = Vec::new();
    for one in &found {
        let beside = one.beside.iter().map(|(name, text)| (name, text));
        for (name, text) in std::iter::once((&one.name, &one.text)).chain(beside) {
            trouble.extend(write(&args.keep.join(name), text, &redactor).err());
        }
    }
    for (corpus, (name, text)) in tried.corpus.iter().flat_map(|corpus| reached.iter().map(move |one| (corpus, one))) {
        trouble.extend(write(&corpus.join(name), text, &redactor).err());
    }
    if let Some(folder) = &folder {
        trouble.extend(write_folder(folder, &judged, sealing.seal(), language).err().map(Failure::harness));
    }
    let Judged { report, failed, .. } = judged;
    print_judged(&report, failed.is_some(), args.format, language, console)?;
    if failed.is_none() && args.format == FormatArg::Human {
        console.print(&told(&found, &args.keep, &redactor));
        trouble.extend(for_github(&report, console, language).err());
    }
    trouble
        .extend(failed.map(|failed| Failure { exit: exit_of_failure(&failed), message: redactor.text(&failed.to_string()).into_owned() }));
    all_of(trouble).map_or_else(|| Ok(exit_of(&report)), Err)
}

/// What was found, and how to play it again.
fn told(found: &[Found], keep: &Path, redactor: &Redactor) -> String {
    let mut text = String::new();
    for one in found {
        let (steps, s) = (one.steps, if one.steps == 1 { "" } else { "s" });
        let line = format!(
            "found  {}\n       {}: {steps} step{s}, failed {} of {} times, found after {}\n",
            one.title,
            keep.join(&one.name).display(),
            one.failed,
            one.played,
            span::write(std::time::Duration::from_secs(one.after.as_secs().max(1)))
        );
        text.push_str(&line);
    }
    if !found.is_empty() {
        text.push_str(&format!("again  hookgate run --only-scenarios {}, with the flags of this exploration\n", keep.display()));
    }
    redactor.text(&text).into_owned()
}

/// Writes a scenario; what it holds that is secret is hidden.
fn write(path: &Path, text: &str, redactor: &Redactor) -> Result<(), Failure> {
    let failed = |cause: files::FileError| Failure::harness(cause);
    files::make_folder_of(path).map_err(failed)?;
    files::write_text(path, &redactor.text(text)).map_err(failed)
}

/// The ids of the scenarios whose deliveries a history has.
fn scenarios_in(history: &str) -> BTreeSet<String> {
    let id = |line: &str| serde_json::from_str::<serde_json::Value>(line).ok()?.get("scenario")?.as_str().map(str::to_owned);
    history.lines().filter_map(id).collect()
}

/// The sequences of a folder, as far as they can be read under this suite; those of another contract are left alone.
fn corpus(folder: &Path, suite: &Suite) -> Result<Vec<Loaded>, Failure> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let known = Known::new(&suite.catalogue, suite.bodies.keys().cloned());
    let mut paths: Vec<PathBuf> = files_under(folder).map_err(Failure::usage)?;
    paths.sort();
    let mut all = Vec::new();
    for path in paths.iter().filter(|path| path.extension().is_some_and(|ending| ending == "yaml")) {
        let Ok(file) = files::read_text("read the sequence", path) else { continue };
        let name = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or("sequence");
        all.extend(expand::load(&format!("explore/kept-{name}"), &file.path, &file.text, &known).into_iter().flatten());
    }
    Ok(all)
}
