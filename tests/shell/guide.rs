//! The guide and the README: every command in them works as it stands there, and what they show as printed is printed.
//!
//! A page is run from its top to its end in a folder of its own, by bash:
//! - each line of an `sh` block is a command; `# exit N` behind it says that it ends so (else 0);
//! - `127.0.0.1:5001` is a receiver that the test has started, the reference, which the first such line begins;
//! - a file that is a contract is checked at the end, where the page does not check it itself;
//! - a comment before a block says what the block is:
//!   `<!-- file: NAME -->` it is that file; `<!-- printed -->` the last command prints these lines, numbers aside, and `…` stands
//!   for others; `<!-- receiver: ARGUMENTS -->` the receiver is served so; `<!-- not run: WHY -->` it is checked elsewhere, or cannot be.
#![expect(clippy::expect_used, clippy::disallowed_methods, reason = "a test ends where something is not as it should be")]

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use regex_lite::Regex;

use crate::command_line::{Running, among_others, binary};
use crate::surroundings::{Folder, project, say_skipped, tool};

const SECRET: &str = "the-secret-that-your-receiver-has";
/// Where the receiver stands in texts.
const WRITTEN: &str = "http://127.0.0.1:5001";
/// What a page may take from a checkout.
const CHECKOUT: [&str; 4] = ["fixtures", "reports", "scenarios", "tests"];
/// How many pages are run side by side.
const SIDE_BY_SIDE: usize = 4;
/// How bash ends when a command is not there.
const NOT_FOUND: i32 = 127;

/// What several may hold, one at a time.
fn held<T>(one: &Mutex<T>) -> MutexGuard<'_, T> {
    one.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Does something for each of many, some side by side.
pub(crate) fn side_by_side<T: Sync>(all: &[T], work: impl Fn(&T) + Sync) {
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..SIDE_BY_SIDE {
            scope.spawn(|| {
                while let Some(one) = all.get(next.fetch_add(1, Ordering::Relaxed)) {
                    work(one);
                }
            });
        }
    });
}

/// A folder in which commands are run, with a receiver once one is asked for.
pub(crate) struct Scratch {
    folder: Folder,
    receiver: Mutex<Option<Running>>,
    served: Mutex<Vec<String>>,
    exported: Mutex<Vec<(String, String)>>,
    /// What the last command has printed.
    printed: Mutex<String>,
    /// Held by the command that delivers to the receiver.
    alone: Mutex<()>,
}

impl Scratch {
    pub(crate) fn new() -> Self {
        let folder = Folder::new();
        let bin = folder.path("bin");
        for dir in [&bin, &folder.path("data"), &folder.path(".config/fish/completions")] {
            std::fs::create_dir_all(dir).expect("a folder");
        }
        std::os::unix::fs::symlink(binary(), bin.join("hookgate")).expect("a link");
        for name in CHECKOUT {
            std::os::unix::fs::symlink(project(name), folder.path(name)).expect("a link");
        }
        let served = Mutex::new(["--db", "data/orch.db"].map(str::to_owned).to_vec());
        Self { folder, receiver: Mutex::default(), served, exported: Mutex::default(), printed: Mutex::default(), alone: Mutex::default() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path(name)
    }

    /// What examples of the help find there: reports, snapshots, a contract, a captured delivery.
    pub(crate) fn furnish(&self) {
        self.folder.write("body.json", "{\"task_id\":\"t-1\",\"job_id\":\"j-1\",\"status\":\"done\",\"exit_code\":0}");
        self.folder.write("contract.yaml", "extends: orch-phase3\ncontract: mine\ntitle: Callbacks of ours\n");
        let scenario = std::fs::read_to_string(project("scenarios/core/duplicate/refers-to-the-first-whatever-its-body.yaml"));
        self.folder.write("checks/duplicate/mine.yaml", &scenario.expect("a scenario"));
        std::fs::copy(project("fixtures/reports/phase3.md"), self.path("phase3.md")).expect("copied");
        for line in [
            "hookgate sign body.json > headers.txt",
            "printf \"curl -X POST 'http://127.0.0.1:5001/callbacks/terminal' -H 'Idempotency-Key: one-2' -H '%s' --data-binary @body.json\" \"$(grep -i x-signature headers.txt)\" > captured.curl",
            "hookgate run 'duplicate/refers*' --report before/ --seed 1",
            "hookgate run 'duplicate/refers*' --report after/ --seed 2",
            "hookgate run 'duplicate/refers*' --report sealed/ --seal-env REPORT_KEY",
            "hookgate run duplicate --shard 1/2 --report shard1/",
            "hookgate run duplicate --shard 2/2 --report shard2/",
            "hookgate run duplicate --report out/",
            "hookgate load --target http://127.0.0.1:5001 --users 2 --worker 1/2 --run-word job7 --run-time 1s --report w1/",
            "hookgate load --target http://127.0.0.1:5001 --users 2 --worker 2/2 --run-word job7 --run-time 1s --report w2/",
            "mkdir -p snapshots",
        ] {
            self.run(line, 0).unwrap_or_else(|told| unreachable!("{told}"));
        }
        self.leave_snapshots_to_review();
    }

    /// Snapshots that wait, and nothing else, in `mine`.
    pub(crate) fn leave_snapshots_to_review(&self) {
        let line = "rm -rf mine && hookgate run 'duplicate/refers*' --snapshots mine --update new";
        self.run(line, 0).unwrap_or_else(|told| unreachable!("{told}"));
    }

    /// A line with this folder's receiver in the place of the written one.
    fn line(&self, line: &str) -> String {
        if !line.contains(WRITTEN) {
            return line.to_owned();
        }
        let mut receiver = held(&self.receiver);
        let served = held(&self.served);
        let arguments: Vec<&str> = served.iter().map(String::as_str).collect();
        let running = receiver.get_or_insert_with(|| self.started(&arguments));
        line.replace(WRITTEN, &running.url)
    }

    fn started(&self, arguments: &[&str]) -> Running {
        let mut serve = Command::new(self.path("bin/hookgate"));
        serve.current_dir(self.path("")).envs(self.variables()).arg("serve").args(arguments);
        Running::start(&mut serve, if arguments.contains(&"virtual") { 2 } else { 1 })
    }

    /// Starts what a line that begins `hookgate serve` says, on a free port.
    pub(crate) fn serve(&self, line: &str) -> Running {
        let arguments = line.replace("127.0.0.1:5001", "127.0.0.1:0");
        let arguments: Vec<&str> = arguments.split(' ').skip(2).filter(|word| !word.is_empty()).collect();
        self.started(&arguments)
    }

    fn variables(&self) -> Vec<(String, String)> {
        let path = std::env::var("PATH").unwrap_or_default();
        let mut variables = vec![
            ("PATH".to_owned(), format!("{}:{path}", self.path("bin").display())),
            ("HOME".to_owned(), self.path("").display().to_string()),
        ];
        let more = [
            ("ORCH_WEBHOOK_SECRET", SECRET),
            ("GITHUB_WEBHOOK_SECRET", SECRET),
            ("STRIPE_WEBHOOK_SECRET", "whsec_of_the_guide_test"),
            ("REPORT_KEY", "a key for reports"),
            ("NO_COLOR", "1"),
            ("COLUMNS", "100"),
        ];
        variables.extend(more.map(|(name, value)| (name.to_owned(), value.to_owned())));
        variables.extend(held(&self.exported).clone());
        variables
    }

    /// Runs a line as bash does; what was told, when it does not end as it should. One that needs a tool which is not here is skipped aloud.
    pub(crate) fn run(&self, line: &str, exit: i32) -> Result<(), String> {
        if let Some((name, value)) = line.strip_prefix("export ").and_then(|rest| rest.split_once('=')) {
            held(&self.exported).push((name.to_owned(), value.trim_matches(['\'', '"']).to_owned()));
            return Ok(());
        }
        // Rows are counted: nobody else delivers to the receiver meanwhile.
        let _alone = line.contains(WRITTEN).then(|| held(&self.alone));
        let line = self.line(line);
        let mut bash = Command::new("bash");
        bash.args(["-euo", "pipefail", "-c", &line]).current_dir(self.path("")).stdin(Stdio::null());
        for name in ["CI", "GITHUB_ACTIONS", "LC_ALL", "LC_MESSAGES", "LANG"] {
            bash.env_remove(name);
        }
        let output = among_others(bash.envs(self.variables()));
        let told = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        let ended = output.status.code();
        (*held(&self.printed)).clone_from(&told);
        if ended == Some(NOT_FOUND) && missing(&told).is_some_and(|name| tool(name).is_none()) {
            return Ok(());
        }
        if ended == Some(exit) { Ok(()) } else { Err(format!("{line}\nended with {ended:?}, not {exit}:\n{told}")) }
    }

    /// The lines that are shown and were not printed; numbers, times and what is unique aside.
    fn not_printed(&self, shown: &str) -> Vec<String> {
        let printed = plain(&held(&self.printed));
        let shown = shown.lines().map(plain).filter(|line| !line.is_empty() && line != "…");
        shown.filter(|line| !line.split('…').all(|part| printed.contains(part.trim()))).collect()
    }
}

/// Whether a line serves until it is stopped.
pub(crate) fn is_served(line: &str) -> bool {
    line.starts_with("hookgate serve") && !line.contains("--list-defects")
}

/// The command that bash has not found, by what it said; ours is always there.
fn missing(told: &str) -> Option<&str> {
    let line = told.lines().find_map(|line| line.strip_suffix(": command not found"))?;
    line.rsplit(": ").next().filter(|name| *name != "hookgate")
}

/// A text without what differs from run to run, and without the folds of its terminal.
fn plain(text: &str) -> String {
    let replace = |text: String, pattern: &str, by: &str| Regex::new(pattern).expect("a pattern").replace_all(&text, by).into_owned();
    let text = replace(text.to_owned(), r"hg[0-9a-f]+-\d+", "#");
    let text = replace(text, r"[0-9a-f]{32,}|\d+(\.\d+)?", "#");
    let text = replace(text, r"# (µs|ms|s|m)\b", "# t");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A block of a page: what stands before it, its language, its text.
struct Block<'p> {
    said: Option<(&'p str, &'p str)>,
    language: &'p str,
    text: String,
    line: usize,
}

fn blocks(page: &str) -> Vec<Block<'_>> {
    let (mut found, mut said, mut open): (Vec<Block<'_>>, _, Option<(Block<'_>, usize)>) = (Vec::new(), None, None);
    for (at, line) in page.lines().enumerate() {
        let inner = line.trim_start();
        if let Some((mut block, indent)) = open.take() {
            if inner.trim_end() == "```" {
                found.push(block);
                said = None;
            } else {
                block.text.push_str(line.get(indent.min(line.len() - inner.len())..).unwrap_or_default());
                block.text.push('\n');
                open = Some((block, indent));
            }
        } else if let Some(language) = inner.strip_prefix("```") {
            open =
                Some((Block { said: said.take(), language: language.trim(), text: String::new(), line: at + 1 }, line.len() - inner.len()));
        } else if let Some(comment) = inner.strip_prefix("<!-- ").and_then(|rest| rest.trim_end().strip_suffix(" -->")) {
            let (what, of) = comment.split_once(':').unwrap_or((comment, ""));
            let said_now = (what.trim(), of.trim());
            if said_now.0 == "receiver" {
                found.push(Block { said: Some(said_now), language: "", text: String::new(), line: at + 1 });
            } else {
                said = Some(said_now);
            }
        }
    }
    found
}

/// The commands of an `sh` block, each with the exit code that it says.
fn commands(text: &str) -> Vec<(String, i32)> {
    let joined = text.replace("\\\n", " ");
    let lines = joined.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let exit = |line: &str| {
        let (command, code) = line.rsplit_once("# exit ")?;
        Some((command.trim_end().to_owned(), code.trim().parse().ok()?))
    };
    lines.map(|line| exit(line).unwrap_or_else(|| (line.split("  # ").next().unwrap_or(line).trim_end().to_owned(), 0))).collect()
}

/// Runs a page; what is not as it says there.
fn wrong_in(name: &str, page: &str) -> Vec<String> {
    let scratch = Scratch::new();
    let (mut wrong, mut contracts) = (Vec::new(), Vec::new());
    for block in blocks(page) {
        let place = format!("{name}:{}", block.line);
        match (block.said, block.language) {
            (Some(("receiver", arguments)), _) => {
                *held(&scratch.receiver) = None;
                *held(&scratch.served) = arguments.split(' ').map(str::to_owned).collect();
            }
            (Some(("file", file)), _) => {
                scratch.folder.write(file, &block.text);
                contracts.extend(is_contract(&block.text).then(|| (format!("hookgate check {file}"), place)));
            }
            (Some(("printed", _)), _) => {
                let missing = scratch.not_printed(&block.text);
                if !missing.is_empty() {
                    wrong.push(format!("{place}: not printed: {missing:#?}\nof {}", held(&scratch.printed)));
                }
            }
            (Some(("not run", why)), _) if !why.is_empty() => {}
            (None, "sh") => {
                let tried: Vec<String> = commands(&block.text).into_iter().map(|(line, _)| line).collect();
                contracts.retain(|(check, _)| !tried.contains(check));
                wrong.extend(wrong_of(&scratch, &block).into_iter().map(|told| format!("{place}: {told}")));
            }
            (said, language) => wrong.push(format!("{place}: nobody tries this block ({language}, {said:?})")),
        }
    }
    // A contract is checked also where the page does not say so.
    wrong.extend(contracts.into_iter().filter_map(|(check, place)| Some(format!("{place}: {}", scratch.run(&check, 0).err()?))));
    wrong
}

/// Whether a file is a contract.
fn is_contract(text: &str) -> bool {
    text.lines().any(|line| line.starts_with("contract: "))
}

fn wrong_of(scratch: &Scratch, block: &Block<'_>) -> Vec<String> {
    let mut wrong = Vec::new();
    for (line, exit) in commands(&block.text) {
        if line.contains("faketime") && !faketime_is_there(scratch) {
            say_skipped("libfaketime is not here");
        } else if is_served(&line) {
            drop(scratch.serve(&line));
        } else {
            wrong.extend(scratch.run(&line, exit).err());
        }
    }
    wrong
}

fn faketime_is_there(scratch: &Scratch) -> bool {
    let tried = scratch.run("hookgate run key/blank-key-is-refused --exec true --clock faketime", 0);
    let missing = tried.err().is_some_and(|told| told.contains("needs libfaketime"));
    assert!(!missing || std::env::var_os("HOOKGATE_REQUIRE_TOOLS").is_none(), "libfaketime is not here, and HOOKGATE_REQUIRE_TOOLS is set");
    !missing
}

/// The README and every page of the guide that somebody has written; pages of the reference have no commands.
pub(crate) fn pages() -> Vec<(String, String)> {
    let read = |name: String| {
        let text = std::fs::read_to_string(project(&name)).expect("a page");
        (name, text)
    };
    let folder = std::fs::read_dir(project("docs/src")).expect("the guide");
    let mut names: Vec<String> = folder.flatten().map(|entry| format!("docs/src/{}", entry.file_name().display())).collect();
    names.retain(|name| name.ends_with(".md"));
    names.push("README.md".to_owned());
    names.sort();
    names.into_iter().map(read).collect()
}

#[test]
fn every_command_of_the_guide_and_the_readme_works() {
    if tool("bash").is_none() {
        return;
    }
    let pages = pages();
    assert!(pages.len() > 12, "{}", pages.len());
    let wrong: Mutex<Vec<String>> = Mutex::default();
    side_by_side(&pages, |(name, page)| {
        let found = wrong_in(name, page);
        held(&wrong).extend(found);
    });
    let wrong = held(&wrong);
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}
