//! Examples: two command lines of every command, at the end of its help and of its manual page.
//!
//! In: the command as its arguments say it. Out: the same, with its examples
//! below. A test takes every one out of `--help` and runs it, so they are
//! written against what that test has in its folder: a receiver on
//! `127.0.0.1:5001` with its database, reports, a contract, a captured delivery.

use clap::Command;

/// What stands before them.
pub(super) const HEADING: &str = "Examples:";

/// An example: what it is for, and the line.
type Example = (&'static str, &'static str);

/// The two of every command, by its name; of a command of a command with a blank between.
const EXAMPLES: &[(&str, [Example; 2])] = &[
    (
        "",
        [
            ("Judge the built-in reference:", "hookgate run"),
            ("Judge a receiver, its database too:", "hookgate run --target http://127.0.0.1:5001 --db data/orch.db"),
        ],
    ),
    (
        "init",
        [
            ("For a receiver that runs already:", "hookgate init --contract orch-phase3 --target http://127.0.0.1:5001 --dir shop --yes"),
            (
                "From a delivery that was captured, with a pipeline:",
                "hookgate init --from captured.curl --target http://127.0.0.1:5001 \\\n      --secret-env ORCH_WEBHOOK_SECRET --ci github --dir shop --yes --force",
            ),
        ],
    ),
    (
        "config",
        [
            ("What is in force in this folder, and from where?", "hookgate config"),
            ("What would be, with these flags, for a program?", "hookgate config --clock wait --ttl 2s --format json"),
        ],
    ),
    (
        "run",
        [
            (
                "What is remembered for a day is judged at once, and kept:",
                "hookgate run --target http://127.0.0.1:5001 --db data/orch.db \\\n      --clock rewind --report out/",
            ),
            ("Duplicates alone, as JUnit XML:", "hookgate run --target http://127.0.0.1:5001 --select 'DUP-*' --format junit"),
        ],
    ),
    (
        "doctor",
        [
            ("Why are honest deliveries refused?", "hookgate doctor --target http://127.0.0.1:5001"),
            ("Which tables and columns hold what?", "hookgate doctor --target http://127.0.0.1:5001 --db data/orch.db"),
        ],
    ),
    (
        "serve",
        [
            ("A receiver to send to, which keeps what it is sent:", "hookgate serve --addr 127.0.0.1:5001 --db data/orch.db"),
            ("One that takes concurrent duplicates twice:", "hookgate serve --defect checks-then-marks"),
        ],
    ),
    (
        "explore",
        [
            (
                "What did nobody think of? Each finding becomes a scenario:",
                "hookgate explore --target http://127.0.0.1:5001 --db data/orch.db \\\n      --for 2s --keep scenarios/found",
            ),
            (
                "In a pipeline, with a report, and what was reached before played first:",
                "hookgate explore --for 2s --seed 7 --corpus .hookgate/corpus --report explored/",
            ),
        ],
    ),
    (
        "shrink",
        [
            (
                "Does one fail? Then make it shorter, and write it down:",
                "hookgate shrink duplicate/hundredth-is-answered-like-the-second --for 5s",
            ),
            (
                "Whatever failed in a run, on the same receiver:",
                "hookgate shrink out/history.jsonl --target http://127.0.0.1:5001 --for 5s --keep scenarios/found",
            ),
        ],
    ),
    (
        "selftest",
        [
            ("Who catches a token that is compared in part?", "hookgate selftest --defect token-need-only-begin-right --right 1"),
            ("A kind of mistake under another contract:", "hookgate selftest --contract gitlab-webhook --defect 'missing-*' --right 1"),
        ],
    ),
    (
        "load",
        [
            (
                "Eight users, each waiting for its answers (closed load):",
                "hookgate load --target http://127.0.0.1:5001 --users 8 --run-time 2s",
            ),
            (
                "A fixed rate, whether answers come or not (open load):",
                "hookgate load --target http://127.0.0.1:5001 --rate 50/s --run-time 2s \\\n      --gate 'violations==0'",
            ),
        ],
    ),
    (
        "load merge",
        [
            ("Join what several machines have measured:", "hookgate load merge w1/ w2/ --report joined/"),
            ("And hold all of them to a threshold:", "hookgate load merge w1/ w2/ --report joined/ --gate 'violations==0'"),
        ],
    ),
    (
        "locustfile",
        [
            ("For Locust's master:", "hookgate locustfile > locustfile.py"),
            ("With another mix:", "hookgate locustfile --mix fresh=80,duplicate=20 > locustfile.py"),
        ],
    ),
    (
        "list",
        [
            ("What is tried with concurrent duplicates?", "hookgate list --select 'ONCE-*'"),
            ("Which families of senders are there?", "hookgate list --contracts"),
        ],
    ),
    (
        "check",
        [
            ("A contract, and the whole suite against it, in memory:", "hookgate check contract.yaml"),
            ("A scenario:", "hookgate check checks/duplicate/mine.yaml"),
        ],
    ),
    (
        "explain",
        [
            ("A requirement, and what shows it:", "hookgate explain DUP-2"),
            ("What a contract promises, in sentences:", "hookgate explain stripe-webhook"),
        ],
    ),
    (
        "show",
        [
            ("A contract to begin with:", "hookgate show stripe-webhook > contract.yaml"),
            ("A scenario, to be read or copied:", "hookgate show duplicate/refers-to-the-first-whatever-its-body"),
        ],
    ),
    (
        "coverage",
        [
            ("Which scenarios show which requirement:", "hookgate coverage"),
            ("The same under another contract, for a program:", "hookgate coverage --contract stripe-webhook --format json"),
        ],
    ),
    (
        "schema",
        [
            ("For an editor that writes contracts:", "hookgate schema contract > contract.json"),
            ("For a program that reads reports:", "hookgate schema report > report.schema.json"),
        ],
    ),
    (
        "sign",
        [
            ("The header lines of one delivery:", "hookgate sign --contract github-webhook --body body.json"),
            (
                "The same, handed to curl:",
                "hookgate sign body.json | curl -H @- --data-binary @body.json \\\n      http://127.0.0.1:5001/callbacks/terminal",
            ),
        ],
    ),
    (
        "send",
        [
            ("One delivery, and what came of it:", "hookgate send --target http://127.0.0.1:5001 --body body.json"),
            ("The same key again: a duplicate?", "hookgate send --target http://127.0.0.1:5001 --body body.json --key one-1"),
        ],
    ),
    (
        "verify",
        [
            ("Is a captured delivery rightly signed?", "hookgate verify --headers headers.txt --body body.json"),
            ("For a program:", "hookgate verify --headers headers.txt --body body.json --format json"),
        ],
    ),
    (
        "completions",
        [
            ("For bash (put it into ~/.bashrc):", "source <(hookgate completions bash)"),
            ("For fish, once and for all:", "hookgate completions fish > ~/.config/fish/completions/hookgate.fish"),
        ],
    ),
    (
        "baseline",
        [
            ("Accept what fails today; the reasons are yours to write:", "hookgate baseline update known.yaml --from out/"),
            ("From then on only what is new fails:", "hookgate run --target http://127.0.0.1:5001 --baseline known.yaml"),
        ],
    ),
    (
        "baseline update",
        [
            ("Accept what fails today; the reasons are yours to write:", "hookgate baseline update known.yaml --from out/"),
            ("Another file, from a report alone:", "hookgate baseline update strict.yaml --from out/report.json"),
        ],
    ),
    (
        "snapshots",
        [
            ("Take over what waits:", "hookgate snapshots accept --dir mine"),
            ("What waits now, and what is reviewed?", "hookgate snapshots list --dir mine"),
        ],
    ),
    (
        "snapshots list",
        [("What waits in the folder snapshots:", "hookgate snapshots list"), ("In another one:", "hookgate snapshots list --dir mine")],
    ),
    (
        "snapshots review",
        [
            ("Look at what changed, and say what becomes of it:", "hookgate snapshots review --dir mine"),
            ("As text, for a merge request:", "hookgate snapshots review --dir mine > differences.txt"),
        ],
    ),
    (
        "snapshots accept",
        [
            ("All that waits:", "hookgate snapshots accept --dir mine"),
            ("Those of some scenarios:", "hookgate snapshots accept '*the-same-body' --dir mine"),
        ],
    ),
    (
        "snapshots reject",
        [
            ("All that waits:", "hookgate snapshots reject --dir mine"),
            ("Those of some scenarios:", "hookgate snapshots reject '*the-same-body' --dir mine"),
        ],
    ),
    (
        "snapshots prune",
        [
            ("Throw away what no scenario takes any more:", "hookgate snapshots prune --dir mine"),
            ("In the folder snapshots:", "hookgate snapshots prune"),
        ],
    ),
    (
        "compare",
        [
            ("What has changed between two reports?", "hookgate compare before/ after/"),
            (
                "For a merge request, and only broken promises count:",
                "hookgate compare before/ after/ --fail-on newly-broken --format markdown",
            ),
        ],
    ),
    (
        "trend",
        [
            ("One page over many reports:", "hookgate trend before/ after/ > trend.html"),
            ("The last ten, as Markdown:", "hookgate trend before/ after/ --last 10 --format markdown"),
        ],
    ),
    (
        "claims",
        [
            ("What does a phase report claim that a run has not shown?", "hookgate claims phase3.md --evidence out/"),
            ("The same, for a merge request:", "hookgate claims phase3.md --evidence out/ --format markdown"),
        ],
    ),
    (
        "report",
        [
            ("One page of a report that was kept:", "hookgate report out/ --format html > report.html"),
            ("For code scanning:", "hookgate report out/ --format sarif > report.sarif"),
        ],
    ),
    (
        "report verify",
        [
            ("Do the verdicts follow from what the folder holds?", "hookgate report verify out/"),
            ("Has anybody changed it since it was sealed?", "hookgate report verify sealed/ --seal-env REPORT_KEY"),
        ],
    ),
    (
        "report merge",
        [
            ("Join what two machines have judged:", "hookgate report merge shard1/ shard2/ --report whole/"),
            ("The same, sealed:", "hookgate report merge shard1/ shard2/ --report whole/ --seal-env REPORT_KEY"),
        ],
    ),
    (
        "history",
        [
            ("Does some order of events explain every answer?", "hookgate history check out/history.jsonl"),
            ("The same, for a program:", "hookgate history check out/history.jsonl --format json"),
        ],
    ),
    (
        "history check",
        [
            ("Does some order of events explain every answer?", "hookgate history check out/history.jsonl"),
            ("For a receiver whose keys live for a minute:", "hookgate history check before/history.jsonl --ttl 60s"),
        ],
    ),
    ("man", [("The page of one command:", "hookgate man run | man -l -"), ("A page for each command:", "hookgate man --dir man/")]),
];

/// A command with the examples of it and of all its commands below their help.
pub(super) fn with_examples(command: Command) -> Command {
    below(command, "")
}

fn below(mut command: Command, path: &str) -> Command {
    let names: Vec<String> = command.get_subcommands().filter(|one| !one.is_hide_set()).map(|one| one.get_name().to_owned()).collect();
    for name in names {
        let inner = if path.is_empty() { name.clone() } else { format!("{path} {name}") };
        command = command.mut_subcommand(&name, |one| below(one, &inner));
    }
    let Some(examples) = of(path) else { return command };
    let said = command.get_after_help().map(|text| format!("{text}\n\n")).unwrap_or_default();
    command.after_help(format!("{said}{}", written(examples)))
}

/// The examples of a command.
pub(super) fn of(path: &str) -> Option<&'static [Example; 2]> {
    EXAMPLES.iter().find(|(name, _)| *name == path).map(|(_, examples)| examples)
}

/// Examples as text: the heading, and of each what it is for and the line.
pub(super) fn written(examples: &[Example]) -> String {
    let each: Vec<String> = examples.iter().map(|(what, line)| format!("  {what}\n    {line}")).collect();
    format!("{HEADING}\n{}", each.join("\n"))
}
