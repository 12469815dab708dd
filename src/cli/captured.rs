//! Captured deliveries: header and body in files, a HAR, or a curl command, as a delivery.
//!
//! Takes text, gives what travelled and its whole address where that is known.
//! A curl command is taken apart as a shell would, and nothing of it is run.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::clock::{UnixMicros, iso};
use crate::delivery::{Answer, Delivery, HeaderLine};

/// A delivery as it was captured.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Captured {
    /// What travelled; the path is empty where the capture does not say it.
    pub(crate) delivery: Delivery,
    /// The address without the path, where it is known.
    pub(crate) origin: Option<String>,
    /// When it was sent, where that is known.
    pub(crate) at: Option<UnixMicros>,
    /// What was answered, where the capture tells.
    pub(crate) answer: Option<Answer>,
    /// What was answered when the same was sent once more, where the capture tells.
    pub(crate) again: Option<Answer>,
}

/// Reads header lines, with a request line in front or without one.
///
/// # Errors
/// The line that is none, as a sentence.
pub(crate) fn from_headers(text: &str, body: Vec<u8>) -> Result<Captured, String> {
    let mut captured = Captured { delivery: Delivery { body: body.into(), ..Delivery::default() }, ..Captured::default() };
    for (at, line) in text.lines().enumerate() {
        let line = line.strip_prefix("> ").unwrap_or(line).trim_end();
        if line.is_empty() {
            continue;
        }
        let words: Vec<&str> = line.split(' ').collect();
        if let [method, path, version] = words.as_slice()
            && version.starts_with("HTTP/")
        {
            captured.delivery.method = (*method).to_owned();
            set_address(&mut captured, path);
        } else {
            let pair = line.split_once(':').filter(|(name, _)| !name.is_empty() && !name.contains(' '));
            let (name, value) = pair.ok_or_else(|| format!("line {} is no header line (`Name: value`): {line}", at + 1))?;
            captured.delivery.headers.push(HeaderLine::new(name, value.trim().to_owned()));
        }
    }
    if let (None, Some(host)) = (&captured.origin, captured.delivery.header("host")) {
        captured.origin = Some(format!("https://{}", String::from_utf8_lossy(host)));
    }
    Ok(captured)
}

/// Keeps a whole address, or a path.
fn set_address(captured: &mut Captured, address: &str) {
    let address = address.split('#').next().unwrap_or(address);
    match address.split_once("://") {
        None => captured.delivery.path = address.to_owned(),
        Some((scheme, rest)) => {
            let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
            let slash = if path.starts_with('/') { "" } else { "/" };
            captured.delivery.path = format!("{slash}{path}");
            captured.origin = Some(format!("{scheme}://{authority}"));
        }
    }
}

/// Reads one request of a HAR.
///
/// * `entry`: which one, from 1; without it, the first that bears one of `names`, or else the first with a body.
///
/// # Errors
/// What is missing, as a sentence.
pub(crate) fn from_har(text: &str, entry: Option<usize>, names: &[String]) -> Result<Captured, String> {
    let har: Value = serde_json::from_str(text).map_err(|wrong| format!("this is no HAR, which is JSON: {wrong}"))?;
    let entries = har.pointer("/log/entries").and_then(Value::as_array).ok_or("this is no HAR: it has no log.entries")?;
    let header_named = |one: &Value, name: &String| {
        let lines = one.pointer("/request/headers").and_then(Value::as_array);
        lines.is_some_and(|lines| lines.iter().any(|line| line["name"].as_str().is_some_and(|own| own.eq_ignore_ascii_case(name))))
    };
    let chosen = match entry {
        Some(number) => {
            number.checked_sub(1).and_then(|at| entries.get(at)).ok_or_else(|| format!("the HAR has {} entries", entries.len()))?
        }
        None => {
            let signed = entries.iter().find(|one| names.iter().any(|name| header_named(one, name)));
            let with_body = || entries.iter().find(|one| one.pointer("/request/postData").is_some());
            signed.or_else(with_body).or_else(|| entries.first()).ok_or("the HAR has no entries")?
        }
    };
    let request = &chosen["request"];
    let text_of = |value: &Value| value.as_str().map(str::to_owned);
    let mut captured = Captured::default();
    captured.delivery.method = text_of(&request["method"]).unwrap_or_else(|| "POST".to_owned());
    set_address(&mut captured, &text_of(&request["url"]).unwrap_or_default());
    for line in request["headers"].as_array().into_iter().flatten() {
        if let (Some(name), Some(value)) = (line["name"].as_str(), line["value"].as_str())
            && !name.starts_with(':')
        {
            captured.delivery.headers.push(HeaderLine::new(name, value.to_owned()));
        }
    }
    let body = text_of(&request["postData"]["text"]).unwrap_or_default();
    captured.delivery.body = match request["postData"]["encoding"].as_str() {
        Some("base64") => {
            use base64::Engine as _;
            let decoded = base64::engine::general_purpose::STANDARD.decode(body.as_bytes());
            decoded.map_err(|_| "the HAR says that the body is base64, and it is not")?.into()
        }
        Some(_) | None => body.into(),
    };
    captured.answer = answer_of(chosen);
    let is_again =
        |one: &&Value| one["request"]["url"] == request["url"] && one["request"]["postData"]["text"] == request["postData"]["text"];
    let later = entries.iter().skip_while(|one| !std::ptr::eq(*one, chosen)).skip(1);
    captured.again = later.filter(is_again).find_map(answer_of);
    captured.at = chosen["startedDateTime"].as_str().and_then(iso::read).map(|(at, _)| at);
    Ok(captured)
}

/// The answer of a HAR's entry; none, where none came.
fn answer_of(entry: &Value) -> Option<Answer> {
    let response = &entry["response"];
    let status = response["status"].as_u64().and_then(|status| u16::try_from(status).ok()).filter(|status| *status >= 100)?;
    let line = |line: &Value| Some(HeaderLine::new(line["name"].as_str()?, line["value"].as_str()?.to_owned()));
    let headers = response["headers"].as_array().into_iter().flatten().filter_map(line).collect();
    Some(Answer { status, headers, body: response["content"]["text"].as_str().unwrap_or_default().to_owned().into() })
}

/// Reads a capture of any form: a HAR, a curl command, or header lines with a blank line and the body behind them.
///
/// * `entry`, `names`: as for [`from_har`]; * `read`: as for [`from_curl`].
///
/// # Errors
/// What cannot be understood, as a sentence.
pub(crate) fn from_any(
    bytes: &[u8],
    entry: Option<usize>,
    names: &[String],
    read: &dyn Fn(&Path) -> Result<Vec<u8>, String>,
) -> Result<Captured, String> {
    let text = std::str::from_utf8(bytes);
    let begin = text.map_or("", str::trim_start);
    let begin = begin.strip_prefix("$ ").unwrap_or(begin);
    if begin.starts_with('{') {
        return from_har(text.unwrap_or_default(), entry, names);
    }
    if begin.split_whitespace().next().is_some_and(|word| word == "curl" || word.ends_with("/curl")) {
        return from_curl(begin, read);
    }
    let ends = [&b"\r\n\r\n"[..], b"\n\n"];
    let end = ends.iter().filter_map(|end| Some((bytes.windows(end.len()).position(|window| window == *end)?, end.len()))).min();
    let (at, length) = end
        .ok_or("this is no capture: it is neither a curl command nor a HAR, nor header lines with a blank line and the body behind them")?;
    let headers = std::str::from_utf8(&bytes[..at]).map_err(|_| "its header lines are not UTF-8")?;
    from_headers(headers, bytes[at + length..].to_vec())
}

/// Reads a curl command, as browsers and tools write it.
///
/// * `read`: reads the file of `-d @FILE`.
///
/// # Errors
/// What cannot be understood, as a sentence.
pub(crate) fn from_curl(text: &str, read: &dyn Fn(&Path) -> Result<Vec<u8>, String>) -> Result<Captured, String> {
    let words = words_of(text)?;
    let mut words = words.into_iter().peekable();
    if words.next_if(|word| word == "curl" || word.ends_with("/curl")).is_none() {
        return Err("this is no curl command: it does not begin with `curl`".to_owned());
    }
    let (mut captured, mut data, mut method) = (Captured::default(), Vec::<Vec<u8>>::new(), None);
    while let Some(word) = words.next() {
        let (flag, joined) = match word.split_once('=') {
            Some((flag, value)) if flag.starts_with("--") => (flag.to_owned(), Some(value.to_owned())),
            _ if word.starts_with('-') && !word.starts_with("--") && word.len() > 2 && "XHdAbe".contains(&word[1..2]) => {
                (word[..2].to_owned(), Some(word[2..].to_owned()))
            }
            _ => (word.clone(), None),
        };
        let mut value = || joined.clone().or_else(|| words.next()).ok_or_else(|| format!("`{flag}` has no value"));
        match flag.as_str() {
            "-X" | "--request" => method = Some(value()?),
            "-H" | "--header" => {
                let line = value()?;
                if let Some((name, value)) = line.split_once(':').or_else(|| line.strip_suffix(';').map(|name| (name, ""))) {
                    captured.delivery.headers.push(HeaderLine::new(name.trim(), value.trim().to_owned()));
                }
            }
            "-d" | "--data" | "--data-ascii" => {
                let text = value()?;
                data.push(match text.strip_prefix('@') {
                    // As curl does with a file of --data.
                    Some(file) => read(&PathBuf::from(file))?.into_iter().filter(|byte| !matches!(byte, b'\r' | b'\n')).collect(),
                    None => text.into_bytes(),
                });
            }
            "--data-binary" | "--json" => {
                let text = value()?;
                if flag == "--json" {
                    captured.delivery.headers.push(HeaderLine::new("Content-Type", "application/json"));
                }
                data.push(text.strip_prefix('@').map_or_else(|| Ok(text.clone().into_bytes()), |file| read(&PathBuf::from(file)))?);
            }
            "--data-raw" => data.push(value()?.into_bytes()),
            "--url" => set_address(&mut captured, &value()?),
            "-A" | "--user-agent" | "-b" | "--cookie" | "-e" | "--referer" | "-o" | "--output" | "-m" | "--max-time" | "-u" | "--user"
            | "--cacert" => {
                value()?;
            }
            other if other.starts_with('-') => {}
            address => set_address(&mut captured, &with_scheme(address)),
        }
    }
    captured.delivery.method = method.unwrap_or_else(|| if data.is_empty() { "GET" } else { "POST" }.to_owned());
    captured.delivery.body = data.join(&b'&').into();
    Ok(captured)
}

/// curl takes an address without a scheme for one of http.
fn with_scheme(address: &str) -> String {
    if address.contains("://") { address.to_owned() } else { format!("http://{address}") }
}

/// The words of a command line, as a POSIX shell reads them, `$'…'` too.
fn words_of(text: &str) -> Result<Vec<String>, String> {
    let (mut words, mut word, mut is_word) = (Vec::new(), String::new(), false);
    let mut chars = text.trim().chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some('\n') => {}
                Some('\r') => drop(chars.next_if_eq(&'\n')),
                Some(other) => (is_word, word) = (true, word + &other.to_string()),
                None => return Err("the command ends with a backslash".to_owned()),
            },
            '^' if chars.peek() == Some(&'\n') => drop(chars.next()),
            '\'' => {
                is_word = true;
                quoted(&mut chars, &mut word, '\'')?;
            }
            '"' => {
                is_word = true;
                double_quoted(&mut chars, &mut word)?;
            }
            '$' if chars.peek() == Some(&'\'') => {
                chars.next();
                is_word = true;
                escaped(&mut chars, &mut word)?;
            }
            blank if blank.is_whitespace() => {
                if std::mem::take(&mut is_word) {
                    words.push(std::mem::take(&mut word));
                }
            }
            other => (is_word, word) = (true, word + &other.to_string()),
        }
    }
    if is_word {
        words.push(word);
    }
    Ok(words)
}

type Chars<'c> = std::iter::Peekable<std::str::Chars<'c>>;

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

    fn told(captured: &Captured) -> String {
        let lines: Vec<String> =
            captured.delivery.headers.iter().map(|line| format!("{}: {}", line.name, String::from_utf8_lossy(&line.value))).collect();
        let Captured { delivery, origin, .. } = captured;
        format!(
            "{} {}{} [{}] {:?}",
            delivery.method,
            origin.as_deref().unwrap_or("-"),
            delivery.path,
            lines.join("; "),
            String::from_utf8_lossy(&delivery.body)
        )
    }

    /// Commands as browsers, vendors' pages and people write them.
    #[test]
    fn curl_commands_are_read_as_a_shell_reads_them() {
        let read = |path: &Path| if path == Path::new("body.json") { Ok(b"{\n}\n".to_vec()) } else { Err("no such file".to_owned()) };
        for (command, wanted) in [
            ("curl http://h:1/p?q -H 'A: b' -d '{}'", r#"POST http://h:1/p?q [A: b] "{}""#),
            (
                "curl --request PUT \\\n  --url 'https://h' \\\n  --header \"A: \\\"x\\\"\" --data-raw $'a\\nb\\u00e9'",
                "PUT https://h/ [A: \"x\"] \"a\\nb\u{e9}\"",
            ),
            ("curl -XPOST h/p -HA:b -d a=1 -d b=2 --compressed -s", r#"POST http://h/p [A: b] "a=1&b=2""#),
            ("curl h -d @body.json", r#"POST http://h/ [] "{}""#),
            ("curl h --data-binary @body.json --max-time 5", r#"POST http://h/ [] "{\n}\n""#),
            ("curl h --json='[]'", r#"POST http://h/ [Content-Type: application/json] "[]""#),
            ("curl h", r#"GET http://h/ [] """#),
        ] {
            assert_eq!(from_curl(command, &read).map(|one| told(&one)).as_deref(), Ok(wanted), "{command}");
        }
        for command in ["wget h", "curl 'h", "curl h -H", "curl h -d @gone", "curl h \\"] {
            assert!(from_curl(command, &read).is_err(), "{command}");
        }
    }

    #[test]
    fn header_lines_may_have_a_request_line() {
        let text = "POST /p?q HTTP/1.1\r\nHost: h:8\r\nA: b: c\r\n\r\n";
        assert_eq!(told(&from_headers(text, b"x".to_vec()).expect("lines")), r#"POST https://h:8/p?q [Host: h:8; A: b: c] "x""#);
        assert!(from_headers("A: b\nno line\n", Vec::new()).expect_err("a line is none").contains("line 2"));
    }

    #[test]
    fn a_har_has_many_requests() {
        let har = r#"{"log":{"entries":[
            {"startedDateTime":"2025-10-05T20:05:03.000Z","request":{"method":"GET","url":"https://h/a","headers":[]}},
            {"startedDateTime":"2025-10-05T20:05:03.000Z","request":{"method":"POST","url":"https://h/b?c","headers":[{"name":"x-sig","value":"1"}],"postData":{"text":"e30=","encoding":"base64"}}}]}}"#;
        let signed = from_har(har, None, &["X-Sig".to_owned()]).expect("a HAR");
        assert_eq!(told(&signed), r#"POST https://h/b?c [x-sig: 1] "{}""#);
        assert_eq!(signed.at, Some(UnixMicros::from_secs(1_759_694_703)));
        assert_eq!(from_har(har, Some(1), &[]).expect("a HAR").delivery.method, "GET");
        assert!(from_har(har, Some(3), &[]).is_err() && from_har("{}", None, &[]).is_err() && from_har("x", None, &[]).is_err());
    }
}
