//! `hookgate snapshots`: reviewing what `run --snapshots` has found new or changed.

use std::io::{BufRead as _, IsTerminal as _};

use super::args::{SnapshotsArgs, SnapshotsCommand, SuiteArgs};
use super::exit::Exit;
use super::{Console, Failure, load_suite};
use crate::files;
use crate::files::snapshots::SnapshotFolder;
use crate::run::steps::snapshot::expected;
use crate::snapshot::{contents, difference};
use crate::suites::selection::fits;

/// Runs the command.
pub(crate) fn snapshots(args: &SnapshotsArgs, console: &mut Console) -> Result<Exit, Failure> {
    let folder = SnapshotFolder::new(&args.dir);
    if !args.dir.is_dir() {
        return Err(Failure::usage(format!("there is no folder {}: `hookgate run --snapshots DIR` makes one", args.dir.display())));
    }
    let (reviewed, pending) = folder.names().map_err(Failure::usage)?;
    match &args.command {
        SnapshotsCommand::List => {
            for name in &pending {
                console.print(&format!("pending  {name}\n"));
            }
            console.print(&format!("{} reviewed, {} pending\n", reviewed.len(), pending.len()));
            Ok(if pending.is_empty() { Exit::Conforms } else { Exit::DoesNotConform })
        }
        SnapshotsCommand::Review => review(&folder, &pending, console),
        SnapshotsCommand::Accept(chosen) => each(&pending, &chosen.names, "accepted", console, |name| folder.accept(name)),
        SnapshotsCommand::Reject(chosen) => each(&pending, &chosen.names, "rejected", console, |name| folder.reject(name)),
        SnapshotsCommand::Prune => {
            let mut taken = Vec::new();
            for contract in files::shipped_contracts() {
                let suite = load_suite::suite(&SuiteArgs::of(contract.clone()))?;
                taken.extend(expected(&contract, &suite.scenarios));
            }
            let left: Vec<String> = reviewed.into_iter().filter(|name| !taken.contains(name)).collect();
            each(&left, &[], "removed", console, |name| folder.remove(name))
        }
    }
}

/// Does the same with every one that is meant.
fn each(
    names: &[String],
    chosen: &[String],
    done: &str,
    console: &mut Console,
    act: impl Fn(&str) -> Result<(), files::FileError>,
) -> Result<Exit, Failure> {
    if let Some(unknown) = chosen.iter().find(|pattern| !names.iter().any(|name| fits(pattern, name))) {
        return Err(Failure::usage(format!("no snapshot that waits is called `{unknown}` (`hookgate snapshots list` shows them)")));
    }
    let meant = |name: &&String| chosen.is_empty() || chosen.iter().any(|pattern| fits(pattern, name));
    let meant: Vec<&String> = names.iter().filter(meant).collect();
    for name in &meant {
        act(name).map_err(Failure::harness)?;
        console.print(&format!("{done} {name}\n"));
    }
    console.print(&format!("{} {done}\n", meant.len()));
    Ok(Exit::Conforms)
}

fn review(folder: &SnapshotFolder, pending: &[String], console: &mut Console) -> Result<Exit, Failure> {
    let asks = std::io::stdin().is_terminal();
    let mut all = false;
    for name in pending {
        let read = |file: Option<String>| file.as_deref().and_then(contents).unwrap_or_default().to_owned();
        let was = read(folder.reviewed(name).map_err(Failure::usage)?);
        let is = read(folder.pending(name).map_err(Failure::usage)?);
        console.print(&format!("{name}\n{}\n", difference(&was, &is)));
        if !asks {
            continue;
        }
        let answer = if all { Answer::Accept } else { ask(console) };
        all |= answer == Answer::AcceptAll;
        match answer {
            Answer::Accept | Answer::AcceptAll => folder.accept(name).map_err(Failure::harness)?,
            Answer::Reject => folder.reject(name).map_err(Failure::harness)?,
            Answer::Skip => {}
            Answer::Quit => break,
        }
    }
    let left = folder.names().map_err(Failure::usage)?.1.len();
    let way_out = if left == 0 { "" } else { ": `hookgate snapshots accept` or `reject`, with names or without" };
    console.print(&format!("{left} pending{way_out}\n"));
    Ok(if left == 0 { Exit::Conforms } else { Exit::DoesNotConform })
}

/// What a person wants done with a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    Accept,
    AcceptAll,
    Reject,
    Skip,
    Quit,
}

const HELP: &str = "a  accept it: it is the reviewed one from now on\n\
                    A  accept it and all that follow\n\
                    r  reject it: it is thrown away\n\
                    s  skip it: it waits on (also an empty line)\n\
                    q  quit: it and all that follow wait on\n\
                    ?  this\n";

/// What a word means; `None` where it means nothing.
fn meaning(word: &str) -> Option<Answer> {
    match word.trim() {
        "a" | "accept" => Some(Answer::Accept),
        "A" | "all" => Some(Answer::AcceptAll),
        "r" | "reject" => Some(Answer::Reject),
        "s" | "skip" | "" => Some(Answer::Skip),
        "q" | "quit" => Some(Answer::Quit),
        _ => None,
    }
}

/// Asks until it is understood; when there is nobody left to ask, it is left as it is.
fn ask(console: &mut Console) -> Answer {
    loop {
        console.print("[a]ccept, [A]ccept all, [r]eject, [s]kip, [q]uit, [?]? ");
        let mut line = String::new();
        match std::io::stdin().lock().read_line(&mut line) {
            Ok(1..) => {}
            Ok(0) | Err(_) => return Answer::Quit,
        }
        match meaning(&line) {
            Some(answer) => return answer,
            None => console.print(HELP),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_letter_of_the_question_has_a_meaning() {
        let all = ["a\n", "A\n", "r\n", "s\n", "\n", "q\n"].map(meaning);
        let wanted = [Answer::Accept, Answer::AcceptAll, Answer::Reject, Answer::Skip, Answer::Skip, Answer::Quit];
        assert_eq!(all, wanted.map(Some));
        assert_eq!(["?\n", "y\n", "accept all\n"].map(meaning), [None; 3]);
    }
}
