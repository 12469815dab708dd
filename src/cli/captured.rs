//! Captured deliveries: header and body in files, a HAR, or a curl command, as a delivery.
//!
//! Takes text, gives what travelled and its whole address where that is known.
//! A curl command is taken apart as a shell would (`shell`), and nothing of it is run.

mod curl;
mod shell;

use std::path::Path;

use serde_json::Value;

use crate::clock::{UnixMicros, iso};
use crate::delivery::{Answer, Delivery, HeaderLine};

pub(crate) use self::curl::from_curl;

/// A delivery as it was captured.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Captured {
    /// What travelled; the path is empty where the capture does not say it.
    pub delivery: Delivery,
    /// The address without the path, where it is known.
    pub origin: Option<String>,
    /// When it was sent, where that is known.
    pub at: Option<UnixMicros>,
    /// What was answered, where the capture tells.
    pub answer: Option<Answer>,
    /// What was answered when the same was sent once more, where the capture tells.
    pub again: Option<Answer>,
}

/// Reads header lines, with a request line in front or without one.
///
/// # Errors
/// The line that is none, as a sentence.
pub fn from_headers(text: &str, body: Vec<u8>) -> Result<Captured, String> {
    let mut captured = Captured { delivery: Delivery { body: body.into(), ..Delivery::default() }, ..Captured::default() };
    for (at, line) in text.lines().enumerate() {
        let line = line.strip_prefix("> ").unwrap_or(line).trim_end();
        if line.is_empty() {
            continue;
        }
        // HTTP/2 and 3 have lines of their own for what is a line of request in HTTP/1.1.
        if let Some((name, value)) = line.strip_prefix(':').and_then(|rest| rest.split_once(':')) {
            let value = value.trim();
            match name {
                "method" => captured.delivery.method = value.to_owned(),
                "path" => set_address(&mut captured, value),
                "authority" => captured.origin = Some(format!("https://{value}")),
                _ => {}
            }
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
pub fn from_har(text: &str, entry: Option<usize>, names: &[String]) -> Result<Captured, String> {
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
    let posted = &request["postData"];
    let body = text_of(&posted["text"]).unwrap_or_else(|| form_of(&posted["params"]));
    captured.delivery.body = decoded(&body, &posted["encoding"]).ok_or("the HAR says that the body is base64, and it is not")?.into();
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
    let content = &response["content"];
    let body = decoded(content["text"].as_str().unwrap_or_default(), &content["encoding"])?;
    Some(Answer { status, headers, body: body.into() })
}

/// Text of a HAR as the bytes that it stands for.
fn decoded(text: &str, encoding: &Value) -> Option<Vec<u8>> {
    use base64::Engine as _;
    match encoding.as_str() {
        Some("base64") => base64::engine::general_purpose::STANDARD.decode(text.as_bytes()).ok(),
        Some(_) | None => Some(text.as_bytes().to_vec()),
    }
}

/// A form whose text a HAR does not have: its fields, which stand there as they travelled.
fn form_of(params: &Value) -> String {
    let field = |one: &Value| Some(format!("{}={}", one["name"].as_str()?, one["value"].as_str().unwrap_or_default()));
    params.as_array().into_iter().flatten().filter_map(field).collect::<Vec<_>>().join("&")
}

/// Text in UTF-16, as PowerShell writes it, in UTF-8; nothing where it is none.
fn utf16(bytes: &[u8]) -> Option<Vec<u8>> {
    let (rest, is_little_endian) = match bytes {
        [0xff, 0xfe, rest @ ..] => (rest, true),
        [0xfe, 0xff, rest @ ..] => (rest, false),
        _ => return None,
    };
    let read = |pair| if is_little_endian { u16::from_le_bytes(pair) } else { u16::from_be_bytes(pair) };
    let units: Vec<u16> = rest.chunks_exact(2).map(|pair| read([pair[0], pair[1]])).collect();
    String::from_utf16(&units).ok().map(String::into_bytes)
}

/// Reads a capture of any form: a HAR, a curl command, or header lines with a blank line and the body behind them.
///
/// * `entry`, `names`: as for [`from_har`]; * `read`: as for `from_curl`.
///
/// # Errors
/// What cannot be understood, as a sentence.
pub fn from_any(
    bytes: &[u8],
    entry: Option<usize>,
    names: &[String],
    read: &dyn Fn(&Path) -> Result<Vec<u8>, String>,
) -> Result<Captured, String> {
    // Editors and shells of Windows begin a file with a mark of its encoding.
    let recoded = utf16(bytes);
    let bytes = recoded.as_deref().unwrap_or(bytes);
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let text = std::str::from_utf8(bytes).unwrap_or_default();
    let begin = text.trim_start();
    if begin.starts_with('{') {
        return from_har(begin, entry, names);
    }
    // In a script, comments come before the command; in a terminal, a prompt.
    let command = text.lines().position(|line| !line.trim().is_empty() && !line.trim_start().starts_with('#'));
    let command: String = text.split_inclusive('\n').skip(command.unwrap_or_default()).collect();
    let command = command.trim_start();
    let command = ["$ ", "> ", "% "].iter().find_map(|prompt| command.strip_prefix(prompt)).unwrap_or(command);
    if command.split_whitespace().next().is_some_and(curl::is_curl) {
        return from_curl(command, read);
    }
    if end_of_headers(bytes).is_none() {
        return Err(
            "this is no capture: it is neither a curl command nor a HAR, nor header lines with a blank line and the body behind them"
                .to_owned(),
        );
    }
    from_request(bytes)
}

/// Reads a request as it travels: header lines, and behind a blank line the body, where there is one.
///
/// # Errors
/// The line that is none, as a sentence.
pub fn from_request(bytes: &[u8]) -> Result<Captured, String> {
    let (at, length) = end_of_headers(bytes).unwrap_or((bytes.len(), 0));
    let headers = std::str::from_utf8(&bytes[..at]).map_err(|_| "its header lines are not UTF-8")?;
    from_headers(headers, bytes[at + length..].to_vec())
}

/// Where the header lines end, and how long the blank line is that ends them.
fn end_of_headers(bytes: &[u8]) -> Option<(usize, usize)> {
    let ends = [&b"\r\n\r\n"[..], b"\n\n"];
    ends.iter().filter_map(|end| Some((bytes.windows(end.len()).position(|window| window == *end)?, end.len()))).min()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(super) fn told(captured: &Captured) -> String {
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

    #[test]
    fn header_lines_may_have_a_request_line() {
        let text = "POST /p?q HTTP/1.1\r\nHost: h:8\r\nA: b: c\r\n\r\n";
        assert_eq!(told(&from_headers(text, b"x".to_vec()).expect("lines")), r#"POST https://h:8/p?q [Host: h:8; A: b: c] "x""#);
        let text = ":method: PUT\n:authority: h\n:scheme: https\n:path: /p\na: b\n";
        assert_eq!(told(&from_headers(text, Vec::new()).expect("lines")), r#"PUT https://h/p [a: b] """#);
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
    /// Browsers tell a form by its fields alone, and answers that are no text in base64.
    #[test]
    fn a_har_of_a_browser_is_read_to_the_byte() {
        let har = r#"{"log":{"entries":[{"request":{"method":"POST","url":"https://h/b","headers":[],"postData":{"mimeType":"application/x-www-form-urlencoded","params":[{"name":"a","value":"1+2"},{"name":"b","value":""}]}},
            "response":{"status":202,"headers":[],"content":{"text":"e30=","encoding":"base64"}}}]}}"#;
        let captured = from_har(har, None, &[]).expect("a HAR");
        assert_eq!(told(&captured), r#"POST https://h/b [] "a=1+2&b=""#);
        assert_eq!(captured.answer.expect("an answer").body, &b"{}"[..]);
    }

    /// Whatever a file begins with: a mark of its encoding, comments, a prompt.
    #[test]
    fn captures_are_read_as_editors_and_terminals_write_them() {
        let read = |_: &Path| Err("no file".to_owned());
        let any = |bytes: &[u8]| from_any(bytes, None, &[], &read).map(|one| told(&one));
        let wide: Vec<u8> = [0xff, 0xfe].into_iter().chain("curl h/p".encode_utf16().flat_map(u16::to_le_bytes)).collect();
        for bytes in [&b"\xef\xbb\xbfcurl h/p"[..], b"#!/bin/sh\n# ours\n\ncurl h/p\n", b"$ curl h/p\n", b"% /usr/bin/curl h/p", &wide] {
            assert_eq!(any(bytes).as_deref(), Ok(r#"GET http://h/p [] """#), "{}", String::from_utf8_lossy(bytes));
        }
        assert_eq!(any(b"POST /p HTTP/1.1\r\nA: b\r\n\r\n#x").as_deref(), Ok(r##"POST -/p [A: b] "#x""##));
        assert!(any(b"wget h").is_err() && any(b"").is_err());
    }
}
