//! Arguments: what of a command line judges the same receiver the same way again, for reports.

use crate::report::again::in_shell;
use clap::ValueEnum as _;

use super::args::{ClockArg, RunArgs};

/// What of the command line says who is judged and how: enough to judge one scenario of it again.
pub(super) fn arguments(args: &RunArgs) -> String {
    in_one_line(typed(args, words(args).into_iter().chain(args.reach.arguments()).collect()))
}

/// What need not be typed again stands in the project file; which that is may have to be.
fn typed(args: &RunArgs, words: Vec<Word>) -> impl Iterator<Item = Word> {
    let project = args.project.clone().unwrap_or_default();
    let again = project.again();
    words.into_iter().filter(move |(flag, value)| !project.has(flag, value.as_deref())).chain(again)
}

/// What of it a visit alone takes.
pub(super) fn visiting(args: &RunArgs) -> String {
    /// What only scenarios need.
    const OF_SCENARIOS: [&str; 4] = ["--scenarios", "--only-scenarios", "--snapshots", "--baseline"];
    let words = words(args).into_iter().filter(|(flag, _)| !OF_SCENARIOS.contains(flag));
    in_one_line(typed(args, words.chain(args.reach.arguments()).collect()))
}

type Word = (&'static str, Option<String>);

fn in_one_line(words: impl Iterator<Item = Word>) -> String {
    let word = |(flag, value): Word| match value {
        Some(value) => format!("{flag} {}", in_shell(&value)),
        None => flag.to_owned(),
    };
    words.map(word).collect::<Vec<_>>().join(" ")
}

fn words(args: &RunArgs) -> Vec<Word> {
    let mut words: Vec<(&'static str, String)> = Vec::new();
    if args.suite.contract.name != "orch-phase3" {
        words.push(("--contract", args.suite.contract.name.clone()));
    }
    let path = |path: &std::path::PathBuf| path.display().to_string();
    words.extend(args.suite.scenarios.iter().map(|dir| ("--scenarios", path(dir))));
    words.extend(args.suite.only_scenarios.as_ref().map(|dir| ("--only-scenarios", path(dir))));
    words.extend(args.target.as_ref().map(|url| ("--target", url.clone())));
    words.extend(args.launch.exec.as_ref().map(|command| ("--exec", command.clone())));
    words.extend(args.launch.ready.as_ref().map(|ready| ("--ready", ready.clone())));
    words.extend(args.launch.tz.as_ref().map(|zone| ("--tz", zone.clone())));
    words.extend(args.evidence.db.as_ref().map(|db| ("--db", db.clone())));
    words.extend(args.evidence.evidence_cmd.as_ref().map(|command| ("--evidence-cmd", command.clone())));
    words.extend(args.evidence.db_password_env.as_ref().map(|name| ("--db-password-env", name.clone())));
    let name = |clock: ClockArg| clock.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default();
    words.extend(args.clocks.clock.map(|clock| ("--clock", name(clock))));
    words.extend(args.clocks.control.as_ref().map(|url| ("--control", url.clone())));
    words.extend(args.clocks.life.ttl.map(|ttl| ("--ttl", format!("{}s", ttl.as_secs()))));
    words.extend(args.snapshots.as_ref().map(|dir| ("--snapshots", path(dir))));
    words.extend(args.baseline.as_ref().map(|file| ("--baseline", path(file))));
    words.extend(args.pace.headers.header.iter().map(|line| ("-H", line.clone())));
    words.extend(args.pace.headers.header_env.iter().map(|line| ("--header-env", line.clone())));
    words.extend(args.pace.max_rate.map(|rate| ("--max-rate", format!("{rate}/s"))));
    words.extend(args.secret.env.as_ref().map(|name| ("--secret-env", name.clone())));
    words.into_iter().map(|(flag, value)| (flag, Some(value))).collect()
}
