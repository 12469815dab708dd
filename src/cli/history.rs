//! `hookgate history`: what a run has kept, judged again.

use super::args::{HistoryArgs, HistoryCheckArgs, HistoryCommand, ListFormat};
use super::exit::Exit;
use super::{Console, Failure, load_suite};
use crate::files;
use crate::history::Operation;
use crate::report::HistoryFacts;
use crate::run::explanation::explain;

/// Runs the command.
pub(crate) fn history(args: &HistoryArgs, console: &mut Console) -> Result<Exit, Failure> {
    match &args.command {
        HistoryCommand::Check(args) => check(args, console),
    }
}

fn check(args: &HistoryCheckArgs, console: &mut Console) -> Result<Exit, Failure> {
    let contract = load_suite::contract(&args.contract.name)?;
    let file = files::read_text("read the history", &args.file).map_err(Failure::usage)?;
    let operations = read(&file.path, &file.text)?;
    let ttl = contract.ttl_secs().map(|usual| args.life.ttl.map_or(usual, |ttl| ttl.as_secs()));
    let Some(facts) = explain(&operations, &contract, ttl) else {
        return Err(Failure::usage(format!(
            "under {} a duplicate is answered like a first delivery, so that a history of answers says nothing",
            contract.contract
        )));
    };
    match args.format {
        ListFormat::Human => console.print(&human(&facts)),
        ListFormat::Json => console.print(&(serde_json::to_string_pretty(&facts).map_err(Failure::harness)? + "\n")),
    }
    Ok(match (facts.broken, facts.undecided) {
        (0, 0) => Exit::Conforms,
        (0, _) => Exit::Undecided,
        (_, _) => Exit::DoesNotConform,
    })
}

/// One JSON object a line.
fn read(path: &str, text: &str) -> Result<Vec<Operation>, Failure> {
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let read = lines.map(|(at, line)| {
        let wrong = |cause: serde_json::Error| Failure::usage(format!("{path}:{}: this is no line of a history: {cause}", at + 1));
        serde_json::from_str(line).map_err(wrong)
    });
    let operations: Vec<Operation> = read.collect::<Result<_, _>>()?;
    if operations.is_empty() {
        return Err(Failure::usage(format!("{path} has no deliveries; give the history.jsonl of a report folder")));
    }
    Ok(operations)
}

fn human(facts: &HistoryFacts) -> String {
    let mut text = String::new();
    for witness in &facts.witnesses {
        text.push_str(&format!("BROKEN key {} ({})\n  {}\n", witness.key, witness.scenario, witness.why));
        for line in &witness.operations {
            text.push_str(&format!("    {line}\n"));
        }
    }
    let HistoryFacts { keys, consistent, broken, undecided, witnesses } = facts;
    if *broken > witnesses.len() {
        text.push_str(&format!("(and {} more)\n", broken - witnesses.len()));
    }
    text + &format!("{keys} keys: {consistent} explained, {broken} that no order of events explains, {undecided} undecided\n")
}
