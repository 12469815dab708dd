//! curl commands: what one would send, read from its flags; nothing of it is run.
//!
//! Takes the text of a command, gives a [`Captured`]. Flags that change nothing
//! about a delivery are passed over, with their values.

use std::path::{Path, PathBuf};

use super::shell::command_of;
use super::{Captured, set_address};
use crate::delivery::HeaderLine;

/// Flags of one letter that have a value (curl 8).
const SHORT_WITH_VALUE: &str = "AbcCdDeEFHKmoPQrtTuUwxXyYz";
/// Long flags that have a value and say nothing about the delivery (curl 8).
const LONG_WITH_VALUE: [&str; 86] = [
    "abstract-unix-socket",
    "alt-svc",
    "aws-sigv4",
    "cacert",
    "capath",
    "cert",
    "cert-type",
    "ciphers",
    "config",
    "connect-timeout",
    "connect-to",
    "continue-at",
    "cookie",
    "cookie-jar",
    "create-file-mode",
    "crlfile",
    "curves",
    "delegation",
    "dns-interface",
    "dns-ipv4-addr",
    "dns-ipv6-addr",
    "dns-servers",
    "doh-url",
    "dump-header",
    "ech",
    "egd-file",
    "engine",
    "etag-compare",
    "etag-save",
    "expect100-timeout",
    "happy-eyeballs-timeout-ms",
    "haproxy-clientip",
    "hostpubmd5",
    "hostpubsha256",
    "hsts",
    "interface",
    "ip-tos",
    "ipfs-gateway",
    "keepalive-cnt",
    "keepalive-time",
    "key",
    "key-type",
    "krb",
    "libcurl",
    "limit-rate",
    "local-port",
    "login-options",
    "max-filesize",
    "max-redirs",
    "max-time",
    "netrc-file",
    "noproxy",
    "oauth2-bearer",
    "output",
    "output-dir",
    "parallel-max",
    "pass",
    "pinnedpubkey",
    "proto",
    "proto-default",
    "proto-redir",
    "proxy",
    "proxy-header",
    "proxy-user",
    "random-file",
    "range",
    "rate",
    "referer",
    "request-target",
    "resolve",
    "retry",
    "retry-delay",
    "retry-max-time",
    "service-name",
    "socks5-hostname",
    "speed-limit",
    "speed-time",
    "stderr",
    "time-cond",
    "tls-max",
    "tls13-ciphers",
    "trace",
    "trace-ascii",
    "unix-socket",
    "user",
    "write-out",
];
/// What curl calls a body that nobody has named.
const FORM: &str = "application/x-www-form-urlencoded";

/// What a command has said so far.
struct Reading<'r> {
    captured: Captured,
    body: Option<Vec<u8>>,
    query: Vec<String>,
    method: Option<String>,
    media_type: &'static str,
    is_get: bool,
    /// Reads the file of `@FILE`.
    read: &'r dyn Fn(&Path) -> Result<Vec<u8>, String>,
    /// What stands behind `<<`, for `@-`.
    input: Option<String>,
}

/// Reads a curl command, as browsers, vendors' pages and people write it.
///
/// * `read`: reads the file of `-d @FILE`.
///
/// # Errors
/// What cannot be understood, as a sentence.
pub(crate) fn from_curl(text: &str, read: &dyn Fn(&Path) -> Result<Vec<u8>, String>) -> Result<Captured, String> {
    let command = command_of(text)?;
    let mut words = command.words.into_iter().peekable();
    if words.next_if(|word| is_curl(word)).is_none() {
        return Err("this is no curl command: it does not begin with `curl`".to_owned());
    }
    let mut reading = Reading {
        captured: Captured::default(),
        body: None,
        query: Vec::new(),
        method: None,
        media_type: FORM,
        is_get: false,
        read,
        input: command.input,
    };
    while let Some(word) = words.next() {
        if let Some(long) = word.strip_prefix("--") {
            if long == "next" {
                break;
            }
            let (flag, joined) = long.split_once('=').map_or((long, None), |(flag, value)| (flag, Some(value.to_owned())));
            let mut value = || joined.clone().or_else(|| words.next()).ok_or_else(|| format!("`--{flag}` has no value"));
            reading.long(flag, &mut value)?;
        } else if let Some(letters) = word.strip_prefix('-').filter(|letters| !letters.is_empty()) {
            reading.letters(letters, &mut || words.next())?;
        } else {
            reading.address(&word);
        }
    }
    Ok(reading.ended())
}

/// Whether a word calls curl.
pub(super) fn is_curl(word: &str) -> bool {
    let name = word.rsplit(['/', '\\']).next().unwrap_or(word);
    name == "curl" || name.eq_ignore_ascii_case("curl.exe")
}

impl Reading<'_> {
    /// Flags of one letter, several of which may stand together: `-sSXPOST`.
    fn letters(&mut self, letters: &str, next: &mut dyn FnMut() -> Option<String>) -> Result<(), String> {
        for (at, letter) in letters.char_indices() {
            let rest = &letters[at + letter.len_utf8()..];
            if !SHORT_WITH_VALUE.contains(letter) {
                self.plain(&letter.to_string());
                continue;
            }
            let value = if rest.is_empty() { next() } else { Some(rest.to_owned()) };
            let value = value.ok_or_else(|| format!("`-{letter}` has no value"))?;
            let long = match letter {
                'X' => "request",
                'H' => "header",
                'd' => "data",
                'F' => "form",
                'T' => "upload-file",
                // Passed over, with its value.
                _ => "output",
            };
            return self.long(long, &mut || Ok(value.clone()));
        }
        Ok(())
    }

    fn long(&mut self, flag: &str, value: &mut dyn FnMut() -> Result<String, String>) -> Result<(), String> {
        match flag {
            "request" => self.method = Some(value()?),
            "header" => {
                let line = value()?;
                self.header(&line)?;
            }
            "data" | "data-ascii" => {
                let text = value()?;
                let bytes = match text.strip_prefix('@') {
                    // As curl does with a file of --data.
                    Some(file) => self.file(file)?.into_iter().filter(|byte| !matches!(byte, b'\r' | b'\n')).collect(),
                    None => text.into_bytes(),
                };
                self.data(&bytes, b"&");
            }
            "data-binary" | "json" => {
                let text = value()?;
                let bytes = text.strip_prefix('@').map_or_else(|| Ok(text.clone().into_bytes()), |file| self.file(file))?;
                if flag == "json" {
                    self.media_type = "application/json";
                }
                self.data(&bytes, if flag == "json" { b"" } else { b"&" });
            }
            "data-raw" => self.data(value()?.as_bytes(), b"&"),
            "data-urlencode" => {
                let text = self.encoded(&value()?)?;
                self.data(text.as_bytes(), b"&");
            }
            "url-query" => {
                let text = value()?;
                let text = text.strip_prefix('+').map_or_else(|| self.encoded(&text), |plain| Ok(plain.to_owned()))?;
                self.query.push(text);
            }
            "upload-file" => {
                let body = self.file(&value()?)?;
                (self.media_type, self.body) = ("", Some(body));
                self.method.get_or_insert_with(|| "PUT".to_owned());
            }
            "form" | "form-string" => {
                return Err(
                    "its body is a form of several parts (-F), whose boundary curl makes up: give the delivery as it travelled, as a HAR or as \
                     header lines with a blank line and the body behind them"
                        .to_owned(),
                );
            }
            "user-agent" => {
                let value = value()?;
                self.captured.delivery.headers.push(HeaderLine::new("User-Agent", value));
            }
            "url" => {
                let address = value()?;
                self.address(&address);
            }
            other if LONG_WITH_VALUE.contains(&other) => drop(value()?),
            other => self.plain(other),
        }
        Ok(())
    }

    /// A flag without a value.
    fn plain(&mut self, flag: &str) {
        match flag {
            "G" | "get" => self.is_get = true,
            "I" | "head" => self.method = self.method.take().or_else(|| Some("HEAD".to_owned())),
            _ => {}
        }
    }

    fn header(&mut self, line: &str) -> Result<(), String> {
        if let Some(file) = line.strip_prefix('@') {
            let text = String::from_utf8_lossy(&self.file(file)?).into_owned();
            return text.lines().try_for_each(|line| self.header(line));
        }
        // `Name:` takes a line away that curl would send, `Name;` sends one that is empty.
        let pair = line.split_once(':').filter(|(_, value)| !value.trim().is_empty());
        if let Some((name, value)) = pair.or_else(|| line.strip_suffix(';').map(|name| (name, ""))) {
            self.captured.delivery.headers.push(HeaderLine::new(name.trim(), value.trim().to_owned()));
        }
        Ok(())
    }

    fn data(&mut self, bytes: &[u8], between: &[u8]) {
        match &mut self.body {
            Some(body) => {
                body.extend(between);
                body.extend(bytes);
            }
            None => self.body = Some(bytes.to_vec()),
        }
    }

    fn file(&self, name: &str) -> Result<Vec<u8>, String> {
        match (name, &self.input) {
            ("-", Some(input)) => Ok(input.clone().into_bytes()),
            ("-", None) => Err("its body comes from standard input (`@-`): put it into a file, and write `@FILE`".to_owned()),
            (name, _) => (self.read)(&PathBuf::from(name)),
        }
    }

    /// `content`, `=content`, `name=content`, `@file` and `name@file`, as `--data-urlencode` takes them.
    fn encoded(&self, text: &str) -> Result<String, String> {
        let (name, content) = match text.find(['=', '@']) {
            None => ("", text.as_bytes().to_vec()),
            Some(at) if text[at..].starts_with('@') => (&text[..at], self.file(&text[at + 1..])?),
            Some(at) => (&text[..at], text.as_bytes()[at + 1..].to_vec()),
        };
        let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~".contains(byte);
        let sign = |byte: &u8| if is_plain(byte) { char::from(*byte).to_string() } else { format!("%{byte:02X}") };
        let content: String = content.iter().map(sign).collect();
        Ok(if name.is_empty() { content } else { format!("{name}={content}") })
    }

    /// The first address; curl would ask the others, too.
    fn address(&mut self, address: &str) {
        if self.captured.delivery.path.is_empty() {
            // curl takes an address without a scheme for one of http.
            let scheme = if address.contains("://") { "" } else { "http://" };
            set_address(&mut self.captured, &format!("{scheme}{address}"));
        }
    }

    fn ended(self) -> Captured {
        let Self { mut captured, body, mut query, method, media_type, is_get, .. } = self;
        let has_body = body.is_some() && !is_get;
        if is_get {
            query.extend(body.as_ref().map(|body| String::from_utf8_lossy(body).into_owned()));
        }
        if !query.is_empty() {
            let sign = if captured.delivery.path.contains('?') { '&' } else { '?' };
            captured.delivery.path.push_str(&format!("{sign}{}", query.join("&")));
        }
        // JSON that bears no media type was shortened by hand: no sender calls it a form.
        let is_shortened = media_type == FORM && body.as_ref().is_some_and(|body| body.trim_ascii_start().starts_with(b"{"));
        if has_body && !media_type.is_empty() && !is_shortened && captured.delivery.header("content-type").is_none() {
            captured.delivery.headers.push(HeaderLine::new("Content-Type", media_type));
        }
        captured.delivery.method = method.unwrap_or_else(|| if has_body { "POST" } else { "GET" }.to_owned());
        captured.delivery.body = body.filter(|_| has_body).unwrap_or_default().into();
        captured
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::told;
    use super::*;

    fn read(path: &Path) -> Result<Vec<u8>, String> {
        match path.to_str() {
            Some("body.json") => Ok(b"{\n}\n".to_vec()),
            Some("lines") => Ok(b"A: b\nC: d\n".to_vec()),
            _ => Err("no such file".to_owned()),
        }
    }

    /// Commands as browsers, vendors' pages and people write them.
    #[test]
    fn curl_commands_are_read_as_curl_reads_them() {
        let form = "Content-Type: application/x-www-form-urlencoded";
        for (command, wanted) in [
            ("curl http://h:1/p?q -H 'A: b' -d '{}'", r#"POST http://h:1/p?q [A: b] "{}""#.to_owned()),
            (
                "curl --request PUT \\\n  --url 'https://h' \\\n  --header \"A: \\\"x\\\"\" --data-raw $'a\\nb\\u00e9'",
                format!("PUT https://h/ [A: \"x\"; {form}] \"a\\nb\u{e9}\""),
            ),
            ("curl -XPOST h/p -HA:b -d a=1 -d b=2 --compressed -s", format!(r#"POST http://h/p [A: b; {form}] "a=1&b=2""#)),
            ("curl -sSfLX PUT -kH 'A: b' h/p", r#"PUT http://h/p [A: b] """#.to_owned()),
            ("curl h -d @body.json", r#"POST http://h/ [] "{}""#.to_owned()),
            ("curl h --data-binary @body.json --max-time 5", r#"POST http://h/ [] "{\n}\n""#.to_owned()),
            ("curl h --json='[]'", r#"POST http://h/ [Content-Type: application/json] "[]""#.to_owned()),
            ("curl h --json '{\"a\":' --json 1}", r#"POST http://h/ [Content-Type: application/json] "{\"a\":1}""#.to_owned()),
            ("curl h", r#"GET http://h/ [] """#.to_owned()),
            (
                "curl --connect-timeout 5 --retry 3 -u me:it --cacert ca.pem -w '%{http_code}' -o /dev/null h/p -H 'content-type: text/x' -d x",
                r#"POST http://h/p [content-type: text/x] "x""#.to_owned(),
            ),
            ("curl h/p --data-urlencode 'a=b c&d' --data-urlencode x", format!(r#"POST http://h/p [{form}] "a=b%20c%26d&x""#)),
            ("curl -G h/p?z=0 -d a=1 --url-query 'b=2 3'", r#"GET http://h/p?z=0&b=2%203&a=1 [] """#.to_owned()),
            ("curl -H @lines -H 'Accept:' -H 'X-Empty;' h", r#"GET http://h/ [A: b; C: d; X-Empty: ] """#.to_owned()),
            ("curl h/one h/two", r#"GET http://h/one [] """#.to_owned()),
            (
                "curl.exe --unix-socket /run/app.sock http://localhost/p -d @- <<E\na=1\nE",
                format!(r#"POST http://localhost/p [{form}] "a=1""#),
            ),
        ] {
            assert_eq!(from_curl(command, &read).map(|one| told(&one)).as_deref(), Ok(wanted.as_str()), "{command}");
        }
        for command in ["wget h", "curl 'h", "curl h -H", "curl h -d @gone", "curl h \\", "curl h -F a=@body.json", "curl h -d @-"] {
            assert!(from_curl(command, &read).is_err(), "{command}");
        }
    }
}
