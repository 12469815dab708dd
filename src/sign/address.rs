//! Addresses as they are signed: taken apart, and in the other spellings by which one receiver may know itself.
//!
//! A sender signs the address that it was given, and a receiver holds it against the
//! one that it believes to have: behind a proxy these are seldom the same. Takes
//! text, gives its parts and its other spellings, the likeliest first.

/// Ports that belong to a scheme.
const USUAL_PORTS: [(&str, &str); 2] = [("https", "443"), ("http", "80")];

/// An address, taken apart: the parts one after another are the whole again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Address<'a> {
    /// `https://`, or nothing.
    pub(super) scheme: &'a str,
    /// Host and port.
    pub(super) authority: &'a str,
    /// What stands before the path that is delivered to.
    pub(super) prefix: &'a str,
    /// That path with its query.
    pub(super) path: &'a str,
}

impl<'a> Address<'a> {
    /// The address that a message signs.
    ///
    /// * `whole`: the one that the scheme names, in place of `origin` and `path`.
    pub(super) fn of(whole: Option<&'a str>, origin: &'a str, path: &'a str) -> Self {
        let (whole, path) = whole.map_or((origin, path), |whole| (whole, ""));
        let begin = whole.find("://").map_or(0, |at| at + "://".len());
        let end = whole[begin..].find(['/', '?']).map_or(whole.len(), |at| begin + at);
        Self { scheme: &whole[..begin], authority: &whole[begin..end], prefix: &whole[end..], path }
    }

    /// The path without its query.
    pub(super) fn path_only(&self) -> [&'a str; 2] {
        match self.prefix.split_once('?') {
            Some((path, _)) => [path, ""],
            None => [self.prefix, self.path.split('?').next().unwrap_or(self.path)],
        }
    }
}

/// Whether text is a whole address: `http://host…` or `https://host…`, with nothing in it that could not travel.
#[must_use]
pub fn is_whole(text: &str) -> bool {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with(['/', '?']))
        && text.bytes().all(|byte| byte.is_ascii_graphic())
        && !text.contains('#')
}

/// The other spellings of a whole address, each with what is other; the fewest differences first.
#[must_use]
pub fn spellings(address: &str) -> Vec<(String, String)> {
    let Address { scheme, authority, prefix: path, .. } = Address::of(Some(address), "", "");
    let scheme = scheme.strip_suffix("://").unwrap_or("https");
    let origins = origins(scheme, authority);
    let own = format!("{scheme}://{authority}");
    let mut all: Vec<(String, String)> = origins.iter().map(|(words, origin)| (words.clone(), format!("{origin}{path}"))).collect();
    let paths = paths(path);
    all.extend(paths.iter().map(|(words, path)| ((*words).to_owned(), format!("{own}{path}"))));
    for (words, origin) in &origins {
        all.extend(paths.iter().map(|(more, path)| (format!("{words} and {more}"), format!("{origin}{path}"))));
    }
    let mut seen = vec![address.to_owned()];
    all.retain(|(_, one)| {
        let is_new = !seen.contains(one);
        seen.push(one.clone());
        is_new
    });
    all
}

/// Other schemes, hosts and ports.
fn origins(scheme: &str, authority: &str) -> Vec<(String, String)> {
    let other = if scheme == "https" { "http" } else { "https" };
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        Some(_) | None => authority,
    };
    let mut all = vec![
        ("another scheme".to_owned(), format!("{other}://{authority}")),
        ("no port".to_owned(), format!("{scheme}://{host}")),
        ("another scheme and no port".to_owned(), format!("{other}://{host}")),
    ];
    all.extend(USUAL_PORTS.map(|(scheme, port)| (format!("the port {port}"), format!("{scheme}://{host}:{port}"))));
    let port = &authority[host.len()..];
    let same_machine = [("127.0.0.1", "localhost"), ("localhost", "127.0.0.1")].into_iter().find(|(one, _)| *one == host);
    if let Some((_, name)) = same_machine {
        all.push((format!("the name {name}"), format!("{scheme}://{name}{port}")));
        all.push((format!("another scheme and the name {name}"), format!("{other}://{name}{port}")));
    }
    all
}

/// Other ends of a path.
fn paths(path: &str) -> Vec<(&'static str, String)> {
    let (bare, query) = path.split_once('?').map_or((path, None), |(bare, query)| (bare, Some(query)));
    let slash = bare.strip_suffix('/').map_or_else(|| format!("{bare}/"), str::to_owned);
    let mut all = vec![("a slash more or less at its end", query.map_or_else(|| slash.clone(), |query| format!("{slash}?{query}")))];
    if query.is_some() {
        all.push(("no query", bare.to_owned()));
        all.push(("a slash more or less at its end and no query", slash));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_taken_apart_and_whole_again() {
        let apart = |whole, origin, path| {
            let one = Address::of(whole, origin, path);
            (one.scheme, one.authority, one.prefix, one.path, one.path_only().concat())
        };
        assert_eq!(apart(None, "https://h:8", "/p?q"), ("https://", "h:8", "", "/p?q", "/p".to_owned()));
        assert_eq!(apart(None, "http://h/in", "/p"), ("http://", "h", "/in", "/p", "/in/p".to_owned()));
        assert_eq!(apart(Some("https://s/x?y"), "http://h", "/p"), ("https://", "s", "/x?y", "", "/x".to_owned()));
        assert_eq!(apart(None, "", "/p"), ("", "", "", "/p", "/p".to_owned()));
        for (text, whole) in [
            ("https://h", true),
            ("http://h:8/p?q", true),
            ("h/p", false),
            ("https:///p", false),
            ("ftp://h", false),
            ("http://h/ p", false),
        ] {
            assert_eq!(is_whole(text), whole, "{text}");
        }
    }

    /// Scheme, port, name, slash and query, one other at first, then two; none twice, and never the address itself.
    #[test]
    fn each_spelling_comes_once() {
        let all = spellings("http://127.0.0.1:5000/in?a=1");
        for (words, address) in [
            ("another scheme", "https://127.0.0.1:5000/in?a=1"),
            ("no port", "http://127.0.0.1/in?a=1"),
            ("another scheme and no port", "https://127.0.0.1/in?a=1"),
            ("the name localhost", "http://localhost:5000/in?a=1"),
            ("a slash more or less at its end", "http://127.0.0.1:5000/in/?a=1"),
            ("no query", "http://127.0.0.1:5000/in"),
            ("another scheme and no query", "https://127.0.0.1:5000/in"),
        ] {
            assert!(all.iter().any(|(one, at)| (one.as_str(), at.as_str()) == (words, address)), "{words}: {all:?}");
        }
        let mut addresses: Vec<&String> = all.iter().map(|(_, address)| address).collect();
        addresses.sort();
        addresses.dedup();
        assert!(addresses.len() == all.len() && all.len() < 40 && !addresses.iter().any(|one| *one == "http://127.0.0.1:5000/in?a=1"));
        assert!(spellings("https://h/in").iter().any(|(words, address)| words == "the port 443" && address == "https://h:443/in"));
        assert!(spellings("https://[::1]:8/in").iter().any(|(_, address)| address == "https://[::1]/in"));
    }
}
