//! Addresses of `hookgate init`: where a receiver is, which of its paths takes deliveries, and how it is reached.

use std::path::{Path, PathBuf};

use crate::cli::args::InitArgs;
use crate::init::{Whereabouts, toml};
use crate::transport::Target;

/// An address without the path that takes deliveries, and that path, where the address has it.
///
/// * `path`, `captured`: what a flag, or a capture, says of it; what stands before that in the address is in front of all paths.
pub(super) fn apart(at: Whereabouts, path: Option<&str>, captured: Option<&str>) -> (Whereabouts, Option<String>) {
    let Whereabouts::Url(url) = at else { return (at, None) };
    let (base, all) = Target::apart(&url);
    let all = all.trim_end_matches('/');
    if all.is_empty() {
        return (Whereabouts::Url(url), None);
    }
    let Some(known) = path.or(captured).filter(|known| known.len() > 1) else {
        return (Whereabouts::Url(base.to_owned()), Some(all.to_owned()));
    };
    match all.strip_suffix(known.trim_end_matches('/')) {
        Some("") => (Whereabouts::Url(base.to_owned()), Some(known.to_owned())),
        Some(prefix) if base.starts_with("unix:") => (Whereabouts::Url(format!("{base}:{prefix}")), Some(known.to_owned())),
        Some(prefix) => (Whereabouts::Url(format!("{base}{prefix}")), Some(known.to_owned())),
        None => (Whereabouts::Url(url), None),
    }
}

/// An address, or a path, without its query; and the query, where there is one.
pub(super) fn without_query(text: &str) -> (String, Option<String>) {
    let text = text.split('#').next().unwrap_or_default();
    let (before, query) = text.split_once('?').map_or((text, None), |(before, query)| (before, Some(query)));
    (before.to_owned(), query.filter(|query| !query.is_empty()).map(str::to_owned))
}

/// What of the flags says how a receiver is reached, as members of `[target]`; paths begin at the folder of the file.
pub(super) fn reached_by(args: &InitArgs) -> Vec<(&'static str, String)> {
    let is_here = args.dir == Path::new(".");
    let path = |path: &PathBuf| {
        let whole = if is_here { path.clone() } else { std::path::absolute(path).unwrap_or_else(|_| path.clone()) };
        toml(&whole.display().to_string())
    };
    let reach = &args.reach;
    let members = [
        ("ca_cert", reach.ca_cert.as_ref().map(path)),
        ("client_cert", reach.client_cert.as_ref().map(path)),
        ("client_key", reach.client_key.as_ref().map(path)),
        ("insecure", reach.insecure.then(|| "true".to_owned())),
        ("host", reach.host.as_deref().map(toml)),
        ("signed_url", reach.signed_url.as_deref().map(toml)),
    ];
    members.into_iter().filter_map(|(member, value)| Some((member, value?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whoever gives the whole address of deliveries means that, and not a prefix of the contract's path.
    #[test]
    fn address_of_deliveries_is_taken_apart() {
        for (url, path, captured, wanted) in [
            ("http://h:1", None, None, "http://h:1 -"),
            ("http://h:1/", None, None, "http://h:1/ -"),
            ("http://h:1/in/stripe", None, None, "http://h:1 /in/stripe"),
            ("http://h:1/in/stripe/", None, None, "http://h:1 /in/stripe"),
            ("http://h:1/in/stripe", Some("/in/stripe"), None, "http://h:1 /in/stripe"),
            ("http://h:1/v1/in", Some("/in"), None, "http://h:1/v1 /in"),
            ("http://h:1/v1", Some("/in"), None, "http://h:1/v1 -"),
            ("http://h:1/v1", Some("/"), None, "http://h:1 /v1"),
            ("https://h/hook", None, Some("/hook"), "https://h /hook"),
            ("https://h/v1/hook", None, Some("/hook"), "https://h/v1 /hook"),
            ("https://h/other", None, Some("/hook"), "https://h/other -"),
            ("unix:/run/a.sock", None, None, "unix:/run/a.sock -"),
            ("unix:/run/a.sock:/in", None, None, "unix:/run/a.sock /in"),
            ("unix:/run/a.sock:/v1/in", Some("/in"), None, "unix:/run/a.sock:/v1 /in"),
        ] {
            let (at, found) = apart(Whereabouts::Url(url.to_owned()), path, captured);
            let Whereabouts::Url(at) = at else { unreachable!("an address stays one") };
            assert_eq!(format!("{at} {}", found.as_deref().unwrap_or("-")), wanted, "{url} {path:?} {captured:?}");
        }
    }
}
