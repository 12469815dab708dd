//! Commands: effects that a command of the user counts, for everything that is no page, log or table.
//!
//! Only the command line names one, never a contract: a contract is data of
//! somebody else, and runs nothing here.

use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tokio::process::Command;

use super::{Asked, Can, EvidenceError, Question, Seen, Source, Told};

/// So many commands run side by side.
const SIDE_BY_SIDE: usize = 4;
/// A key that nobody has sent.
const NOBODYS: &str = "hookgate-asks-for-no-key";

/// A command that counts the effects of a key.
pub struct EffectsCommand {
    command: String,
    patience: Duration,
}

impl EffectsCommand {
    /// The command line, with `{key}` where the key stands: it is put there as one word, whatever is in it.
    #[must_use]
    pub fn new(command: &str, patience: Duration) -> Self {
        Self { command: command.to_owned(), patience }
    }

    async fn count_of(&self, key: &str) -> Result<u64, EvidenceError> {
        let name = || format!("the command `{}`", self.command);
        let line = self.command.replace("{key}", &quoted(key));
        let mut command = Command::new("sh");
        command.arg("-c").arg(&line).env("HOOKGATE_KEY", key).stdin(Stdio::null()).kill_on_drop(true);
        let output = match tokio::time::timeout(self.patience, command.output()).await {
            Err(_) => return Err(EvidenceError::Silent { name: name(), after: self.patience }),
            Ok(Err(cause)) => return Err(EvidenceError::CannotRead { name: name(), cause: cause.to_string() }),
            Ok(Ok(output)) => output,
        };
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            let last = said.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("it wrote nothing");
            return Err(EvidenceError::CannotRead { name: name(), cause: format!("it ended with {}: {}", output.status, last.trim()) });
        }
        let text = String::from_utf8_lossy(&output.stdout);
        count_in(&text).ok_or_else(|| EvidenceError::NotAsNamed {
            name: name(),
            what: format!("printed {:?}", text.trim().chars().take(80).collect::<String>()),
            way_out: "let it print a number, or rows as a JSON list".to_owned(),
        })
    }
}

/// A number, a JSON list (its length), or lines of JSON, a row each.
fn count_in(text: &str) -> Option<u64> {
    let text = text.trim();
    match serde_json::from_str::<Value>(text) {
        Ok(Value::Number(number)) => number.as_u64(),
        Ok(Value::Array(rows)) => Some(rows.len() as u64),
        Ok(Value::Object(_)) => Some(1),
        Ok(Value::Null) => Some(0),
        Ok(Value::Bool(_) | Value::String(_)) => None,
        Err(_) if text.is_empty() => Some(0),
        Err(_) => {
            let rows = text.lines().map(serde_json::from_str::<Value>).collect::<Result<Vec<Value>, _>>().ok()?;
            rows.iter().all(|row| row.is_object() || row.is_array()).then_some(rows.len() as u64)
        }
    }
}

/// A word for `sh`.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', "'\\''"))
}

impl Source for EffectsCommand {
    fn name(&self) -> String {
        format!("`{}`", self.command)
    }

    fn can(&self) -> Can {
        Can { effects: true, ..Can::default() }
    }

    fn check_available(&self) -> Asked<'_, ()> {
        Box::pin(async move { self.count_of(NOBODYS).await.map(drop) })
    }

    fn rows(&self, _question: Question) -> Asked<'_, Seen> {
        Box::pin(async move { Err(EvidenceError::CannotShow { name: self.name(), what: "rows" }) })
    }

    fn count<'a>(&'a self, _prefix: &'a str, _told: &'a mut Told<'_>) -> Asked<'a, ()> {
        Box::pin(async move { Err(EvidenceError::CannotShow { name: self.name(), what: "rows" }) })
    }

    fn effects<'a>(&'a self, keys: &'a [String]) -> Asked<'a, Vec<u64>> {
        Box::pin(async move {
            let mut counts = Vec::with_capacity(keys.len());
            for some in keys.chunks(SIDE_BY_SIDE) {
                for count in super::all(some.iter().map(|key| self.count_of(key))).await {
                    counts.push(count?);
                }
            }
            Ok(counts)
        })
    }

    fn rewind<'a>(&'a self, _keys: &'a [String], _by: Duration) -> Asked<'a, usize> {
        Box::pin(async move { Err(EvidenceError::NothingToMove { name: self.name() }) })
    }

    fn would_rewind(&self) -> Option<String> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What commands print, and the count that it is.
    #[test]
    fn numbers_and_rows_are_counted() {
        for (printed, count) in [
            ("3\n", Some(3)),
            ("[{\"id\": 1}, {\"id\": 2}]", Some(2)),
            ("{\"id\": 1}\n{\"id\": 2}\n", Some(2)),
            ("", Some(0)),
            ("two", None),
            ("-1", None),
            ("\"3\"", None),
        ] {
            assert_eq!(count_in(printed), count, "{printed:?}");
        }
    }

    /// A key is one word of the command, whatever stands in it; and why a command failed is told.
    #[tokio::test]
    async fn keys_are_words_of_the_command() {
        let command = EffectsCommand::new("test {key} = \"$HOOKGATE_KEY\" && printf %s {key} | wc -c", Duration::from_secs(20));
        let keys = ["a", "it's $HOME; `x`"].map(str::to_owned);
        assert_eq!(command.effects(&keys).await.expect("it counts"), [1, 15]);
        let failing = EffectsCommand::new("echo nobody is there >&2; exit 3", Duration::from_secs(20));
        let wrong = failing.effects(&keys).await.expect_err("it fails").to_string();
        assert_eq!(wrong, "cannot read the command `echo nobody is there >&2; exit 3`: it ended with exit status: 3: nobody is there");
    }
}
