//! Wire of a contract: paths and header lines that could not travel as they are written.
//!
//! Takes a contract, gives mistakes with their places: paths that are none, and
//! header lines that would be there twice.

use super::Contract;
use super::signing::Told;

/// Every mistake in a contract's paths and header names.
pub(super) fn diagnostics(contract: &Contract) -> Vec<Told> {
    let mut all: Vec<Told> = paths(contract).into_iter().filter_map(|(place, path)| path_mistake(place, path)).collect();
    all.extend(headers_that_come_twice(contract));
    all.extend(contract.endpoint.query.as_ref().and_then(|query| query_mistake(query)));
    all
}

fn query_mistake(query: &str) -> Option<Told> {
    let place = || "endpoint.query".to_owned();
    let is_plain = !query.is_empty() && query.bytes().all(|byte| byte.is_ascii_graphic() && !b"?#".contains(&byte));
    let way_out = "write it as it stands behind the question mark, percent-encoded: tenant=7&kind=paid";
    (!is_plain).then(|| (place(), format!("`{query}` is no query"), Some(way_out.to_owned())))
}

fn paths(contract: &Contract) -> Vec<(String, &str)> {
    let endpoint = &contract.endpoint;
    let mut all = vec![("endpoint.path".to_owned(), endpoint.path.as_str())];
    all.extend(endpoint.others.iter().enumerate().map(|(at, path)| (format!("endpoint.others[{at}]"), path.as_str())));
    all.extend(contract.health.iter().map(|page| ("health.path".to_owned(), page.path.as_str())));
    all.extend(contract.audit_url.iter().map(|page| ("audit_url.path".to_owned(), page.path.as_str())));
    all.extend(contract.metrics.iter().map(|page| ("metrics.path".to_owned(), page.path.as_str())));
    all
}

fn path_mistake(place: String, path: &str) -> Option<Told> {
    if !path.starts_with('/') {
        Some((place, "a path begins with a slash".to_owned(), Some(format!("write /{path}"))))
    } else if path.contains(['?', '#', ' ']) {
        Some((
            place,
            "a path has no query, fragment or blank in it".to_owned(),
            Some("give the path alone; a query of deliveries stands under `endpoint.query`".to_owned()),
        ))
    } else {
        None
    }
}

/// Where a contract says the media type of every delivery.
pub(super) const MEDIA_TYPE: &str = "endpoint.content_type";

/// A header line that a contract says of a delivery, but for those of the signature.
pub(super) struct Named<'c> {
    /// The member that says it.
    pub(super) place: &'static str,
    /// The header's name.
    pub(super) name: &'c str,
    /// What it carries.
    pub(super) what: &'static str,
}

/// Every header line that a contract says of a delivery, but for those of the signature.
pub(super) fn named(contract: &Contract) -> Vec<Named<'_>> {
    let key = &contract.key;
    let provoke = contract.failures.as_ref().and_then(|failures| failures.provoke.as_ref());
    let own = [
        (MEDIA_TYPE, Some("Content-Type"), "the media type"),
        ("key.header", key.header.as_deref(), "the idempotency key"),
        ("key.caller", key.caller.as_deref(), "the caller"),
        ("ttl.header", contract.ttl.as_ref().and_then(|ttl| ttl.header.as_deref()), "the key's TTL"),
        ("failures.provoke.header", provoke.map(|provoke| provoke.header.as_str()), "a failure that is provoked"),
    ];
    own.into_iter().filter_map(|(place, name, what)| Some(Named { place, name: name?, what })).collect()
}

/// Header lines of one name, but for those of the signature, which look after themselves.
fn headers_that_come_twice(contract: &Contract) -> Vec<Told> {
    let own: Vec<(&str, &str)> = named(contract).into_iter().map(|one| (one.place, one.name)).collect();
    let mut all = Vec::new();
    for (at, (place, name)) in own.iter().enumerate() {
        if let Some((other, _)) = own[..at].iter().find(|(_, earlier)| earlier.eq_ignore_ascii_case(name)) {
            all.push((
                (*place).to_owned(),
                format!("the header line `{name}` is that of `{other}`, too"),
                Some("two things need two lines".to_owned()),
            ));
        }
    }
    for (at, header) in contract.signature.headers.iter().enumerate() {
        // The key's line may hold the id that is signed (`signing` looks at it).
        let others = own.iter().filter(|(place, _)| *place != "key.header");
        if let Some((other, _)) = others.into_iter().find(|(_, name)| name.eq_ignore_ascii_case(&header.name)) {
            let message = format!("the header line `{}` is that of `{other}`, too", header.name);
            all.push((format!("signature.headers[{at}].name"), message, Some("two things need two lines".to_owned())));
        }
    }
    all
}
