//! Questions: one at a time, each with its usual answer; `q` leaves.
//!
//! Takes a question and the flag that would have answered it, gives the
//! answer: the flag's, what was typed, or the usual one. With `--yes` nothing
//! is asked; what has no usual answer is named then.

use std::io::BufRead as _;
use std::path::Path;

use crate::cli::{Console, Failure, load_suite};
use crate::contract::Contract;
use crate::files;

/// Who asks.
pub(super) struct Questions {
    /// Whether nothing is asked.
    silent: bool,
    /// Whether anything was.
    asked: bool,
}

impl Questions {
    pub(super) fn new(silent: bool) -> Self {
        Self { silent, asked: false }
    }

    /// The answer to a question; nothing, when the user leaves.
    ///
    /// * `flag`: what answers it on the command line; * `given`: what did; * `usual`: what an empty line stands for.
    pub(super) fn text(
        &mut self,
        question: &str,
        flag: &str,
        given: Option<&str>,
        usual: Option<&str>,
        console: &mut Console,
    ) -> Result<Option<String>, Failure> {
        if let Some(given) = given {
            return Ok(Some(given.to_owned()));
        }
        if self.silent {
            let missing = || Failure::usage(format!("--yes asks nothing, and this has no usual answer: {question}; give {flag}"));
            return usual.map(|usual| Some(usual.to_owned())).ok_or_else(missing);
        }
        let usual_told = usual.map_or_else(String::new, |usual| format!(" [{usual}]"));
        loop {
            match self.line(&format!("{question}{usual_told}: "), flag, console)?.as_str() {
                "q" | "Q" => return Ok(None),
                "" => match usual {
                    Some(usual) => return Ok(Some(usual.to_owned())),
                    None => console.print("This has no usual answer; `q` leaves.\n"),
                },
                answer => return Ok(Some(answer.to_owned())),
            }
        }
    }

    /// The contract that the receiver keeps, of those that are shipped or in a file; nothing, when the user leaves.
    pub(super) fn family(&mut self, console: &mut Console) -> Result<Option<String>, Failure> {
        let families = families();
        if self.silent {
            let names: Vec<&str> = families.iter().map(|one| one.contract.as_str()).collect();
            return Err(Failure::usage(format!(
                "--yes asks nothing, and it is not known what the receiver promises: give --contract ID ({}) or a file, or a captured delivery with \
                 --from FILE",
                names.join(", ")
            )));
        }
        let mut text = String::from("What kind of receiver is it?\n");
        for (at, one) in families.iter().enumerate() {
            text.push_str(&format!("  {:>2}  {}  ({})\n", at + 1, one.title, one.contract));
        }
        text.push_str("A captured delivery tells it, too: leave with q, and give it with --from FILE.\n");
        console.print(&text);
        loop {
            let Some(answer) = self.text("Its number or name, or the file of a contract", "--contract", None, None, console)? else {
                return Ok(None);
            };
            let by_number = answer.parse::<usize>().ok().and_then(|number| families.get(number.checked_sub(1)?));
            let named = by_number.map_or(answer, |one| one.contract.clone());
            match load_suite::contract(&named) {
                Ok(_) => return Ok(Some(named)),
                Err(failure) => console.print(&format!("{}\n", failure.message)),
            }
        }
    }

    /// Whether the files may be written; asked only where something was asked before.
    pub(super) fn may_write(&mut self, dir: &Path, paths: &[&str], console: &mut Console) -> Result<bool, Failure> {
        if self.silent || !self.asked {
            return Ok(true);
        }
        let paths: Vec<String> = paths.iter().map(|path| dir.join(path).display().to_string()).collect();
        let answer = self.line(&format!("Write {}? [Y/n]: ", paths.join(", ")), "--yes", console)?;
        Ok(matches!(answer.as_str(), "" | "y" | "Y" | "yes"))
    }

    /// One line that was typed, without the white space around it.
    fn line(&mut self, prompt: &str, flag: &str, console: &mut Console) -> Result<String, Failure> {
        self.asked = true;
        console.print(prompt);
        let mut line = String::new();
        let read = std::io::stdin().lock().read_line(&mut line);
        match read.map_err(|cause| Failure::usage(format!("cannot read an answer: {cause}")))? {
            0 => {
                console.print("\n");
                let give = if flag == "--yes" { flag.to_owned() } else { format!("{flag}, or --yes for what is usual") };
                Err(Failure::usage(format!("standard input ended, and nothing was written: give {give}")))
            }
            _ => Ok(line.trim().to_owned()),
        }
    }
}

/// The contracts that are shipped, those of real senders first, in the order of their titles.
fn families() -> Vec<Contract> {
    let mut all: Vec<Contract> = files::shipped_contracts().iter().filter_map(|name| load_suite::contract(name).ok()).collect();
    // Those that were made to try policies are nobody's.
    all.retain(|one| !one.title.contains("this project's own"));
    all.sort_by_key(|one| (one.receiver.is_none(), one.title.to_lowercase()));
    all
}
