//! Header lines of one's own: what a gateway before a receiver wants to see, beside what the contract says.
//!
//! In: a contract, a name and a value. Out: why such a line cannot be sent, as
//! a sentence. What frames a message is written by what sends it, and what a
//! contract says of a delivery is said there: neither is ever sent twice.

use super::wire::{MEDIA_TYPE, Named, named};
use crate::contract::Contract;
use crate::delivery::HeaderLine;

/// Lines that belong to the message or its connection: a second one would make another message of it.
const OF_THE_WIRE: [&str; 11] = [
    "host",
    "content-length",
    "transfer-encoding",
    "connection",
    "keep-alive",
    "proxy-connection",
    "expect",
    "te",
    "trailer",
    "upgrade",
    "content-encoding",
];

/// Why a line of this name and value cannot be sent with every delivery under a contract, when it cannot.
#[must_use]
pub fn refusal(contract: &Contract, name: &str, value: &str) -> Option<String> {
    if name.is_empty() || !name.bytes().all(is_of_a_token) {
        return Some(format!("`{name}` is not the name of a header: letters, digits and hyphens"));
    }
    let is = |other: &str| other.eq_ignore_ascii_case(name);
    if OF_THE_WIRE.into_iter().any(is) {
        return Some(format!("`{name}` belongs to the message itself, and is written by what sends it"));
    }
    if let Some(Named { place, what, .. }) = named(contract).into_iter().find(|one| is(one.name)) {
        return Some(match place {
            MEDIA_TYPE => format!("`{name}` is in every delivery already: the contract says it under `{MEDIA_TYPE}`"),
            _ => format!("`{name}` carries {what} under the contract `{}`: a second line would be another delivery", contract.contract),
        });
    }
    if contract.signature.headers.iter().any(|header| is(&header.name)) {
        return Some(format!("`{name}` belongs to the signature under the contract `{}`", contract.contract));
    }
    if value.bytes().any(|byte| byte < b' ' && byte != b'\t' || byte == 0x7f) || value.trim() != value {
        return Some(format!("the value of `{name}` has a control character in it, or a blank at its end"));
    }
    None
}

/// Whether a byte may stand in a header's name (RFC 9110 §5.6.2).
fn is_of_a_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// The lines that a delivery with this key bears before it is signed: media type, key, caller, and the contract's own; no key's where it is
/// empty.
#[must_use]
pub fn unsigned(contract: &Contract, key: &str) -> Vec<HeaderLine> {
    let kind = contract.endpoint.content_type.clone();
    let kind = (!kind.is_empty()).then(|| HeaderLine::new("Content-Type", kind));
    let header = contract.key.header.as_ref().filter(|_| !key.is_empty());
    let key = header.map(|name| HeaderLine::new(name.clone(), contract.key.write(key.as_bytes()).into_owned()));
    kind.into_iter().chain(key).chain(contract.key.caller_line(false)).chain(joined(contract, &[])).collect()
}

/// The lines of a contract, and a user's, which stand in place of the contract's where both have a name.
#[must_use]
pub fn joined(contract: &Contract, users: &[HeaderLine]) -> Vec<HeaderLine> {
    let of_the_user = |name: &str| users.iter().any(|line| line.name.eq_ignore_ascii_case(name));
    let own = contract.endpoint.headers.iter().filter(|(name, _)| !of_the_user(name));
    own.map(|(name, value)| HeaderLine::new(name.clone(), value.clone())).chain(users.iter().cloned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::reading::read_contract;

    fn contract(headers: &str) -> Result<Contract, String> {
        let text = format!(
            "{{contract: c, title: t, about: a, source: s, suite: x, endpoint: {{method: POST, path: /, content_type: a/b{headers}}},
              secret: {{env: S, for_tests: s}}, key: {{header: K}},
              signature: {{digest: sha256, encoding: hex, message: '{{body}}', headers: [{{name: X-Sig, value: '{{sig}}'}}]}},
              outcomes: {{accepted: {{status: 200}}, duplicate: {{status: 208}},
                refused: {{signature: {{status: 401}}, missing-key: {{status: 400}}}}}}}}"
        );
        read_contract("c.yaml", &text, &|_| None).map_err(|wrong| wrong.to_string())
    }

    /// Whatever would change the message, or what the contract says of a delivery, is refused; all else is sent.
    #[test]
    fn lines_that_would_make_another_delivery_are_refused() {
        let contract = contract("").unwrap();
        for (name, value, refused) in [
            ("X-Tenant", "seven", false),
            ("Authorization", "Bearer a.b-c", false),
            ("x_y", "", false),
            ("k", "v", true),
            ("x-sig", "v", true),
            ("CONTENT-type", "text/plain", true),
            ("Host", "elsewhere", true),
            ("content-length", "0", true),
            ("Transfer-Encoding", "chunked", true),
            ("X Tenant", "v", true),
            ("", "v", true),
            ("Ünlike", "v", true),
            ("X-A", "a\r\nHost: b", true),
            ("X-A", "a ", true),
        ] {
            assert_eq!(refusal(&contract, name, value).is_some(), refused, "{name}: {value:?}");
        }
    }

    /// A contract's own lines are held to the same, and no name stands twice.
    #[test]
    fn lines_of_a_contract_are_checked_with_it() {
        for (headers, told) in [
            (", headers: {X-Tenant: seven}", None),
            (", headers: {Host: h}", Some("belongs to the message itself")),
            (", headers: {X-SIG: h}", Some("belongs to the signature")),
            (", headers: {X-A: a, x-a: b}", Some("named twice")),
        ] {
            let read = contract(headers);
            match (read, told) {
                (Ok(contract), None) => {
                    let user = HeaderLine::new("x-TENANT", "eight");
                    assert_eq!(joined(&contract, &[]), [HeaderLine::new("X-Tenant", "seven")]);
                    assert_eq!(joined(&contract, std::slice::from_ref(&user)), [user]);
                }
                (Err(wrong), Some(told)) => assert!(wrong.contains(told), "{wrong}"),
                (read, told) => panic!("{headers}: {told:?}, {:?}", read.err()),
            }
        }
    }
}
