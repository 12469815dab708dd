//! Shell words: values that are put into a command line for `sh`.
//!
//! In: a command with `{places}`, and what stands for each. Out: the command,
//! in which every value is one piece of a word, whatever is in it, and however
//! the place itself is quoted.

/// Puts values into a command.
///
/// * `values`: the name of a place without its braces, and what it stands for.
///
/// ```
/// # use hookgate::target::shell::filled;
/// let values = [("dir", "/tmp/o'neill")];
/// assert_eq!(filled("run --db {dir}/a.db", &values), r"run --db '/tmp/o'\''neill'/a.db");
/// assert_eq!(filled("run '{dir}/a.db'", &values), r"run '/tmp/o'\''neill/a.db'");
/// assert_eq!(filled("run \"{dir}/a.db\"", &values), "run \"/tmp/o'neill/a.db\"");
/// ```
#[must_use]
pub fn filled(command: &str, values: &[(&str, &str)]) -> String {
    let (mut text, mut rest, mut quoted) = (String::new(), command, Quoted::Not);
    while let Some(next) = rest.chars().next() {
        let place = values.iter().find_map(|(name, value)| {
            let after = rest.strip_prefix('{')?.strip_prefix(name)?.strip_prefix('}')?;
            Some((after, value))
        });
        if let Some((after, value)) = place {
            text.push_str(&quoted.written(value));
            rest = after;
            continue;
        }
        text.push(next);
        rest = &rest[next.len_utf8()..];
        match (quoted, next) {
            (Quoted::Not, '\'') => quoted = Quoted::Once,
            (Quoted::Not, '"') => quoted = Quoted::Twice,
            (Quoted::Once, '\'') | (Quoted::Twice, '"') => quoted = Quoted::Not,
            (Quoted::Not | Quoted::Twice, '\\') => {
                // The next character means nothing.
                if let Some(plain) = rest.chars().next() {
                    text.push(plain);
                    rest = &rest[plain.len_utf8()..];
                }
            }
            (Quoted::Not | Quoted::Once | Quoted::Twice, _) => {}
        }
    }
    text
}

#[derive(Clone, Copy)]
enum Quoted {
    Not,
    /// Between apostrophes.
    Once,
    /// Between quotation marks.
    Twice,
}

impl Quoted {
    fn written(self, value: &str) -> String {
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@%+=,".contains(c);
        match self {
            Self::Not if !value.is_empty() && value.chars().all(plain) => value.to_owned(),
            Self::Not => format!("'{}'", Self::Once.written(value)),
            Self::Once => value.replace('\'', r"'\''"),
            Self::Twice => value.chars().fold(String::new(), |mut text, c| {
                if matches!(c, '"' | '\\' | '$' | '`') {
                    text.push('\\');
                }
                text.push(c);
                text
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::filled;

    /// What a shell makes of it is what was put in, however the place is quoted.
    #[test]
    fn a_shell_reads_back_what_was_put_in() {
        for value in ["/tmp/plain", "/tmp/with a blank", "/tmp/o'neill", "/tmp/$HOME`id`\"\\", "/tmp/ü;echo no", ""] {
            for command in [
                "printf %s {dir}/x",
                "printf %s '{dir}/x'",
                "printf %s \"{dir}/x\"",
                "printf %s \\'{dir}\\'",
                "a={dir}/x; printf %s \"$a\"",
            ] {
                let output = Command::new("/bin/sh").arg("-c").arg(filled(command, &[("dir", value)])).output().expect("a shell");
                let wanted = if command.contains('\\') { format!("'{value}'") } else { format!("{value}/x") };
                assert_eq!(String::from_utf8_lossy(&output.stdout), wanted, "{command} with {value}");
            }
        }
    }
}
