//! One delivery as a shell line: what a finding hands to its reader.
//!
//! In: how the receiver is reached ([`Curl`]) and a delivery. Out: a line for
//! `sh` that sends the same bytes with curl. Nothing is run here. Signatures
//! are header lines already; lines whose values are secret are taken from the
//! environment variables that they came from.

use std::fmt::Write as _;

use crate::delivery::{Delivery, HeaderLine};
use crate::sign::sha256_hex;

/// Longer bodies are named by size and hash instead of being written out.
const MOST_BODY_BYTES: usize = 2 << 10;

/// The line that sends `delivery` to `base_url` again.
///
/// * `base_url`: as `--target` takes it, with or without a slash at its end.
///
/// The body stands in the line when it is short text; other short bodies come
/// from `printf`; one over 2 KiB must be put into a file, whose size and
/// SHA-256 stand in a comment.
///
/// ```
/// # use hookgate::{delivery::{Delivery, HeaderLine}, report::curl::curl};
/// let delivery = Delivery {
///     method: "POST".into(),
///     path: "/hooks".into(),
///     headers: vec![HeaderLine::new("Content-Type", "text/plain"), HeaderLine::new("Idempotency-Key", "")],
///     body: "it's done".into(),
/// };
/// assert_eq!(
///     curl("http://127.0.0.1:5001", &delivery),
///     r"curl -sS -X POST 'http://127.0.0.1:5001/hooks' -H 'Content-Type: text/plain' -H 'Idempotency-Key;' --data-binary 'it'\''s done'"
/// );
/// ```
#[must_use]
pub fn curl(base_url: &str, delivery: &Delivery) -> String {
    Curl::at(base_url).line(delivery)
}

/// How curl reaches a receiver, and what stands in its lines in place of secrets.
#[derive(Clone, Debug, Default)]
pub struct Curl {
    origin: String,
    /// Words behind the URL: how the receiver is reached.
    options: String,
    /// Header lines that questions bear, too.
    own: Vec<HeaderLine>,
    /// Those whose values are secret, and the environment variables that hold them.
    secret: Vec<(HeaderLine, String)>,
}

impl Curl {
    /// Lines to a receiver at this address, with or without a slash at its end.
    #[must_use]
    pub fn at(origin: &str) -> Self {
        Self { origin: origin.trim_end_matches('/').to_owned(), ..Self::default() }
    }

    /// The same with another option of curl's.
    #[must_use]
    pub fn with(mut self, option: &str, value: Option<&[u8]>) -> Self {
        let value = value.map_or_else(String::new, |value| format!(" {}", quoted(value)));
        let _ = write!(self.options, " {option}{value}");
        self
    }

    /// The same, where questions bear these header lines, too, and some hold what an environment variable does.
    #[must_use]
    pub fn bearing(self, own: Vec<HeaderLine>, secret: Vec<(HeaderLine, String)>) -> Self {
        Self { own, secret, ..self }
    }

    /// The line that asks for a page.
    #[must_use]
    pub fn question(&self, path: &str) -> String {
        let headers = self.own.clone();
        self.line(&Delivery { method: "GET".to_owned(), path: path.to_owned(), headers, ..Delivery::default() })
    }

    /// The line that opens an event stream again, and shows what comes as it comes.
    #[must_use]
    pub fn stream_line(&self, question: &Delivery) -> String {
        self.line(question).replacen("curl -sS", "curl -sS -N", 1)
    }

    /// The line that sends `delivery` again.
    #[must_use]
    pub fn line(&self, delivery: &Delivery) -> String {
        let is_address = delivery.path != delivery.path_and_query();
        let url = if is_address { delivery.path.clone() } else { format!("{}{}", self.origin, delivery.path) };
        // With -X HEAD curl would wait for a body.
        let mut line =
            if delivery.method == "HEAD" { "curl -sS -I".to_owned() } else { format!("curl -sS -X {}", word(delivery.method.as_bytes())) };
        line.push_str(&self.options);
        if url.contains(['[', ']', '{', '}']) {
            line.push_str(" --globoff");
        }
        if url.contains("/.") {
            line.push_str(" --path-as-is");
        }
        if is_address {
            let _ = write!(line, " --request-target {}", quoted(url.as_bytes()));
        }
        let _ = write!(line, " {}", quoted(url.as_bytes()));
        for header in &delivery.headers {
            let _ = write!(line, " -H {}", self.header(header));
        }
        let body = &delivery.body;
        if body.is_empty() && matches!(delivery.method.as_str(), "GET" | "HEAD" | "DELETE" | "OPTIONS") {
            return line;
        }
        if delivery.header("Content-Type").is_none() {
            line.push_str(" -H 'Content-Type:'"); // else curl would add one for forms
        }
        if body.len() > MOST_BODY_BYTES {
            let _ = write!(line, " --data-binary @body.bin  # body: {} bytes, sha256 {}", body.len(), sha256_hex(body));
            return line;
        }
        match std::str::from_utf8(body) {
            // Behind --data-binary a leading @ would name a file.
            Ok(text) if is_printable(text) && text.starts_with('@') => format!("{line} --data-raw {}", quoted(body)),
            Ok(text) if is_printable(text) => format!("{line} --data-binary {}", quoted(body)),
            Ok(_) | Err(_) => format!("{} | {line} --data-binary @-", printf(body)),
        }
    }

    /// A header line as one word for the shell, a secret value as the variable that holds it.
    fn header(&self, header: &HeaderLine) -> String {
        let Some((_, variable)) = self.secret.iter().find(|(secret, _)| secret == header) else {
            return quoted(&as_curl_takes_it(header));
        };
        // Names may have characters in them that double quotation marks do not keep.
        if header.name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte)) {
            format!("\"{}: ${{{variable}}}\"", header.name)
        } else {
            format!("{}\"${{{variable}}}\"", quoted(format!("{}: ", header.name).as_bytes()))
        }
    }
}

/// `Name: value`, or `Name;`, by which curl sends a line without a value.
fn as_curl_takes_it(header: &HeaderLine) -> Vec<u8> {
    let value = header.value.trim_ascii();
    if value.is_empty() {
        return format!("{};", header.name).into_bytes();
    }
    [header.name.as_bytes(), b": ", value].concat()
}

/// Bytes as one word for the shell; what cannot be shown is made by `printf`.
fn quoted(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) if is_printable(text) => format!("'{}'", text.replace('\'', r"'\''")),
        Ok(_) | Err(_) => format!("\"$({})\"", printf(bytes)),
    }
}

/// Bytes as a word without quotes where that is safe.
fn word(bytes: &[u8]) -> String {
    if !bytes.is_empty() && bytes.iter().all(u8::is_ascii_alphanumeric) {
        String::from_utf8_lossy(bytes).into_owned()
    } else {
        quoted(bytes)
    }
}

/// A command that writes these bytes. Escapes are octal: POSIX `printf` knows no `\x`.
fn printf(bytes: &[u8]) -> String {
    let mut command = "printf '".to_owned();
    for byte in bytes {
        match byte {
            b'%' => command.push_str("%%"),
            b'\n' => command.push_str("\\n"),
            b'\'' | b'\\' | 0..=0x1f | 0x7f.. => {
                let _ = write!(command, "\\{byte:03o}");
            }
            b' '..=b'~' => command.push(char::from(*byte)),
        }
    }
    command.push('\'');
    command
}

/// Whether a terminal shows the text as it is: no control characters, and none that turn the direction of writing.
fn is_printable(text: &str) -> bool {
    !text
        .chars()
        .any(|c| c.is_control() || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}'))
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;
    use std::process::Command;

    use super::*;

    /// Runs the line for a delivery in `sh` against a listener, and gives the head and body that arrived.
    fn sent_by_shell(headers: Vec<HeaderLine>, body: &[u8]) -> (Vec<u8>, Vec<u8>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}/", listener.local_addr().unwrap());
        let delivery = Delivery { method: "POST".into(), path: "/a?b={c}".into(), headers, body: body.to_vec().into() };
        let line = curl(&base, &delivery);
        let length = body.len();
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut seen = Vec::new();
            let end = loop {
                let mut some = [0; 4096];
                let count = stream.read(&mut some).unwrap();
                seen.extend_from_slice(&some[..count]);
                let end = seen.windows(4).position(|four| four == b"\r\n\r\n").map(|at| at + 4);
                match end {
                    Some(end) if seen.len() >= end + length => break end,
                    _ => assert!(count > 0, "curl left early"),
                }
            };
            stream.write_all(b"HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok").unwrap();
            let body = seen.split_off(end);
            (seen, body)
        });
        let output = Command::new("sh").args(["-c", &line]).env("no_proxy", "*").output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stdout), "ok", "{line}\n{}", String::from_utf8_lossy(&output.stderr));
        server.join().unwrap()
    }

    #[expect(clippy::disallowed_methods, reason = "whether a missing tool is a failure is said by the environment")]
    fn curl_is_here() -> bool {
        let here = Command::new("curl").arg("--version").output().is_ok_and(|output| output.status.success());
        let required = std::env::var_os("HOOKGATE_REQUIRE_TOOLS").is_some_and(|value| value == "1");
        assert!(here || !required, "HOOKGATE_REQUIRE_TOOLS=1, but curl is not here");
        if !here {
            eprintln!("skipped: curl is not here");
        }
        here
    }

    /// Quotes, percent signs, backslashes, line ends, bytes outside UTF-8 and a leading `@` all arrive as they are.
    #[test]
    fn body_arrives_byte_for_byte() {
        if !curl_is_here() {
            return;
        }
        let every_byte: Vec<u8> = (0..=255).collect();
        let bodies: [&[u8]; 8] = [
            b"{\"a\": 1}",
            b"it's $HOME `id` \\n %s !",
            b"@/etc/passwd",
            b"",
            b"line\nline\n\n",
            "größer ✓".as_bytes(),
            &every_byte,
            b"\xff'%\\",
        ];
        for body in bodies {
            let (head, arrived) = sent_by_shell(vec![HeaderLine::new("Content-Type", "application/json")], body);
            assert_eq!(arrived, body);
            assert!(head.starts_with(b"POST /a?b={c} HTTP/1.1\r\n"), "{}", head.escape_ascii());
        }
    }

    /// A line without a value, two of one name, odd bytes, and no content type where there was none.
    #[test]
    fn header_lines_arrive_as_they_were() {
        if !curl_is_here() {
            return;
        }
        let lines = vec![
            HeaderLine::new("Idempotency-Key", ""),
            HeaderLine::new("X-Signature", "it's 100% \\ok"),
            HeaderLine::new("X-Signature", &b"\xc3\x28"[..]),
        ];
        let (head, _) = sent_by_shell(lines, b"x");
        let has = |line: &[u8]| head.windows(line.len()).any(|part| part == line);
        assert!(has(b"\r\nIdempotency-Key:\r\n"), "{}", head.escape_ascii());
        assert!(has(b"\r\nX-Signature: it's 100% \\ok\r\n") && has(b"\r\nX-Signature: \xc3\x28\r\n"), "{}", head.escape_ascii());
        assert!(!head.to_ascii_lowercase().windows(13).any(|part| part == b"content-type:"), "{}", head.escape_ascii());
    }

    /// The value of a secret line is the shell's to fill in.
    #[test]
    fn secret_lines_are_taken_from_the_environment() {
        let secret = [("Authorization", "GATEWAY_TOKEN"), ("X-`id`", "OTHER")];
        let secret = secret.map(|(name, variable)| (HeaderLine::new(name, "it's secret"), variable.to_owned()));
        let own: Vec<HeaderLine> = secret.iter().map(|(line, _)| line.clone()).chain([HeaderLine::new("X-Tenant", "seven")]).collect();
        let line = Curl::at("http://h").bearing(own, secret.to_vec()).question("/");
        assert_eq!(
            line,
            r#"curl -sS -X GET 'http://h/' -H "Authorization: ${GATEWAY_TOKEN}" -H 'X-`id`: '"${OTHER}" -H 'X-Tenant: seven'"#
        );
    }

    /// A long body is named by its size and hash: 2 KiB are written out, one byte more is not.
    #[test]
    fn long_body_is_named_not_written() {
        let line = |size: usize| {
            curl("http://h", &Delivery { method: "POST".into(), path: "/".into(), headers: Vec::new(), body: vec![b'a'; size].into() })
        };
        assert!(line(2048).ends_with("aaa'"));
        let long = line(2049);
        assert!(long.ends_with(&format!("--data-binary @body.bin  # body: 2049 bytes, sha256 {}", sha256_hex(&[b'a'; 2049]))), "{long}");
    }
}
