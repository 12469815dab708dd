//! A command line as it was copied: its words, as a POSIX shell, cmd or PowerShell reads them, and what stands behind `<<`.
//!
//! Takes text, gives words; nothing of it is run, and nothing is put in place of a variable.

/// A command that was taken apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Command {
    /// Its words, without their quotation marks.
    pub(super) words: Vec<String>,
    /// The lines that it would read from its standard input.
    pub(super) input: Option<String>,
}

/// The first command of a text: pipes, redirections and further commands behind it are passed over.
///
/// # Errors
/// A quotation mark that is not closed, or a backslash at the end.
pub(super) fn command_of(text: &str) -> Result<Command, String> {
    // Browsers write `^"` for a quotation mark when they copy for cmd.
    let text = if text.contains("^\"") { without_carets(text) } else { text.to_owned() };
    let (mut command, mut word, mut is_word) = (Command::default(), String::new(), false);
    let (mut heredoc, mut skips, mut is_over) = (None, false, false);
    let mut chars = text.trim().chars().peekable();
    while let Some(c) = chars.next() {
        let ends_word = c.is_whitespace() || "|;&<>".contains(c);
        if ends_word && std::mem::take(&mut is_word) {
            let word = std::mem::take(&mut word);
            // `2>` names a stream, and is no word of the command.
            let names_a_stream = c == '>' && word.bytes().all(|byte| byte.is_ascii_digit());
            if !std::mem::take(&mut skips) && !names_a_stream && !is_over {
                command.words.push(word);
            }
        }
        match c {
            '\\' | '`' | '^' if matches!(chars.peek(), Some('\n' | '\r')) => {
                chars.next_if_eq(&'\r');
                chars.next_if_eq(&'\n');
            }
            '\\' => {
                let next = chars.next().ok_or("the command ends with a backslash")?;
                (is_word, word) = (true, word + &next.to_string());
            }
            '\'' => {
                is_word = true;
                quoted(&mut chars, &mut word, '\'')?;
            }
            '"' => {
                is_word = true;
                double_quoted(&mut chars, &mut word)?;
            }
            '$' if matches!(chars.peek(), Some('\'' | '"')) => {
                is_word = true;
                match chars.next() {
                    Some('"') => double_quoted(&mut chars, &mut word)?,
                    _ => escaped(&mut chars, &mut word)?,
                }
            }
            '#' if !is_word => while chars.next_if(|c| *c != '\n').is_some() {},
            '<' if chars.next_if_eq(&'<').is_some() => heredoc = Some(delimiter(&mut chars)?),
            '<' | '>' => {
                while chars.next_if(|c| matches!(c, '>' | '&' | ' ')).is_some() {}
                skips = true;
            }
            '\n' if heredoc.is_some() => {
                command.input = Some(lines_until(&mut chars, &heredoc.take().unwrap_or_default()));
                break;
            }
            '\n' if !command.words.is_empty() && !goes_on(chars.clone()) => break,
            // What stands behind `<<` comes with the next line.
            '|' | ';' | '&' if heredoc.is_some() => is_over = true,
            '|' | ';' | '&' => break,
            blank if ends_word || blank.is_whitespace() => {}
            other => (is_word, word) = (true, word + &other.to_string()),
        }
    }
    if is_word && !skips {
        command.words.push(word);
    }
    Ok(command)
}

type Chars<'c> = std::iter::Peekable<std::str::Chars<'c>>;

/// Whether the next line belongs to the command although nothing says so: it was copied without its backslashes.
fn goes_on(chars: Chars<'_>) -> bool {
    let rest: String = chars.skip_while(|c| c.is_whitespace()).take("http".len()).collect();
    rest.starts_with(['-', '\'', '"']) || rest == "http"
}

/// What cmd hands on: a caret takes its meaning from what follows it, and a line end behind one is none.
fn without_carets(text: &str) -> String {
    let (mut plain, mut chars) = (String::with_capacity(text.len()), text.chars().peekable());
    while let Some(c) = chars.next() {
        if c != '^' {
            plain.push(c);
            continue;
        }
        chars.next_if_eq(&'\r');
        match chars.next() {
            Some('\n') => {
                // A second line end is one of the text's own.
                chars.next_if_eq(&'\r');
                plain.extend(chars.next_if_eq(&'\n'));
            }
            other => plain.extend(other),
        }
    }
    plain
}

/// The word that ends the lines of `<<`.
fn delimiter(chars: &mut Chars<'_>) -> Result<String, String> {
    chars.next_if_eq(&'-');
    while chars.next_if_eq(&' ').is_some() {}
    let mut word = String::new();
    if let Some(mark) = chars.next_if(|c| matches!(c, '\'' | '"')) {
        quoted(chars, &mut word, mark)?;
        return Ok(word);
    }
    while let Some(c) = chars.next_if(|c| !c.is_whitespace()) {
        word.push(c);
    }
    Ok(word)
}

fn lines_until(chars: &mut Chars<'_>, end: &str) -> String {
    let rest: String = chars.collect();
    let lines = rest.lines().take_while(|line| line.trim_start_matches('\t') != end);
    lines.map(|line| format!("{line}\n")).collect()
}

fn unclosed(mark: char) -> String {
    format!("a quotation mark {mark} is not closed")
}

fn quoted(chars: &mut Chars<'_>, word: &mut String, mark: char) -> Result<(), String> {
    loop {
        match chars.next().ok_or_else(|| unclosed(mark))? {
            c if c == mark => return Ok(()),
            c => word.push(c),
        }
    }
}

fn double_quoted(chars: &mut Chars<'_>, word: &mut String) -> Result<(), String> {
    loop {
        match chars.next().ok_or_else(|| unclosed('"'))? {
            '"' => return Ok(()),
            '\\' => match chars.next().ok_or_else(|| unclosed('"'))? {
                '\n' => {}
                c @ ('"' | '\\' | '$' | '`') => word.push(c),
                c => word.extend(['\\', c]),
            },
            c => word.push(c),
        }
    }
}

/// Text in `$'…'`: the escapes of C.
fn escaped(chars: &mut Chars<'_>, word: &mut String) -> Result<(), String> {
    loop {
        match chars.next().ok_or_else(|| unclosed('\''))? {
            '\'' => return Ok(()),
            '\\' => match chars.next().ok_or_else(|| unclosed('\''))? {
                'n' => word.push('\n'),
                'r' => word.push('\r'),
                't' => word.push('\t'),
                mark @ ('u' | 'x') => {
                    let most = if mark == 'u' { 4 } else { 2 };
                    let mut digits = String::new();
                    while digits.len() < most
                        && let Some(digit) = chars.next_if(char::is_ascii_hexdigit)
                    {
                        digits.push(digit);
                    }
                    word.extend(u32::from_str_radix(&digits, 16).ok().and_then(char::from_u32));
                }
                c => word.push(c),
            },
            c => word.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What stands around a command in a terminal, a script or a page is no part of it.
    #[test]
    fn words_are_those_that_a_shell_would_hand_on() {
        for (text, wanted) in [
            ("curl 'a b'\"c\" d\\ e", &["curl", "a bc", "d e"][..]),
            ("curl h | jq .data", &["curl", "h"]),
            ("curl h&& echo done", &["curl", "h"]),
            ("curl h > out.json 2>&1", &["curl", "h"]),
            ("curl h 2>/dev/null -s", &["curl", "h", "-s"]),
            ("curl h # the first\ncurl other", &["curl", "h"]),
            ("curl h#part", &["curl", "h#part"]),
            ("curl \\\n  -H 'A: b' \\\r\n  h", &["curl", "-H", "A: b", "h"]),
            ("curl `\n  -H 'A: b' `\n  h", &["curl", "-H", "A: b", "h"]),
            ("curl h\n  -H 'A: b'\n  -s", &["curl", "h", "-H", "A: b", "-s"]),
            ("curl h\necho done", &["curl", "h"]),
            ("curl 'h?a=1&b=2'", &["curl", "h?a=1&b=2"]),
            ("curl ^\"h?a=1^&b=2^\" ^\r\n  --data-raw ^\"^{^\\^\"a^\\^\":1^}^\"", &["curl", "h?a=1&b=2", "--data-raw", "{\"a\":1}"]),
            ("curl h -d ''", &["curl", "h", "-d", ""]),
            ("curl h -d \"it's\"", &["curl", "h", "-d", "it's"]),
            ("curl h -d 'it'\\''s'", &["curl", "h", "-d", "it's"]),
            ("curl h -d $'it\\'s\\x21'", &["curl", "h", "-d", "it's!"]),
        ] {
            assert_eq!(command_of(text).expect("a command").words, wanted, "{text}");
        }
        let command = command_of("curl h -d @- <<'EOF' | jq\n{\"a\":1}\nEOF\ncurl other").expect("a command");
        assert_eq!((command.words.join(" "), command.input.as_deref()), ("curl h -d @-".to_owned(), Some("{\"a\":1}\n")));
        for open in ["curl 'h", "curl \"h", "curl $'h", "curl h \\"] {
            assert!(command_of(open).is_err(), "{open}");
        }
    }
}
