//! Signature schemes of contracts: what a schema cannot say of them.
//!
//! Takes a contract, gives mistakes with their places: header lines that
//! would travel twice, values that could not be read back, times that are not signed.

use super::Contract;
use super::key::KeyForm;
use crate::sign::address;
use crate::sign::{NarrowerForm, Proof, Scheme, SignatureHeader};
use crate::template::Part;

/// A mistake in a scheme: the path of the value, what is wrong, and the way out.
pub(super) type Told = (String, String, Option<String>);

/// Every mistake in a contract's signature scheme.
pub(super) fn diagnostics(contract: &Contract) -> Vec<Told> {
    let scheme = &contract.signature;
    let mut all = Vec::new();
    if scheme.by == Proof::None {
        return all;
    }
    all.extend(secret_mistake(contract));
    let in_body = scheme.members.iter().filter(|member| member.value.placeholders().any(|name| name == "sig")).count();
    if scheme.headers.is_empty() && scheme.members.is_empty() {
        all.push(("signature.headers".to_owned(), "a signature travels in at least one header".to_owned(), None));
    } else if scheme.carrier().is_none() && in_body == 0 {
        let way_out = Some("write {sig} into a value".to_owned());
        all.push(("signature.headers".to_owned(), "no header carries the signature".to_owned(), way_out));
    } else if scheme.carrier().is_some() && in_body > 0 {
        let message = "the signature travels in one place, and a header carries it, too".to_owned();
        all.push(("signature.members".to_owned(), message, Some("write headers: [] if this is the place".to_owned())));
    }
    for (at, member) in scheme.members.iter().enumerate() {
        if member.value.parts().len() != 1 || !member.value.is_only("sig") {
            let message = "a member of the body carries the signature and nothing else".to_owned();
            all.push((format!("signature.members[{at}].value"), message, Some("value: \"{sig}\"".to_owned())));
        }
    }
    if in_body > 0 && scheme.covers_body() {
        let message = "the signature stands in the body, and covers the body that it stands in".to_owned();
        all.push(("signature.message".to_owned(), message, Some("sign members of the body: {member:PATH}".to_owned())));
    }
    match scheme.by {
        Proof::Hmac | Proof::Ed25519 if scheme.message.parts().is_empty() => {
            let path = if scheme.headers.is_empty() { "signature" } else { "signature.message" };
            all.push((path.to_owned(), "this does not say what is signed".to_owned(), Some("add message: \"{body}\"".to_owned())));
        }
        Proof::Token if !scheme.message.parts().is_empty() => {
            let way_out = Some("leave it out".to_owned());
            all.push(("signature.message".to_owned(), "a token is the secret itself, and covers no message".to_owned(), way_out));
        }
        Proof::Hmac | Proof::Ed25519 | Proof::Token | Proof::None => {}
    }
    for (at, header) in scheme.headers.iter().enumerate() {
        all.extend(name_mistake(contract, at, header));
        all.extend(value_mistake(scheme, header).map(|(message, way_out)| (format!("signature.headers[{at}].value"), message, way_out)));
    }
    all.extend(scheme.narrower.iter().enumerate().flat_map(|(at, form)| narrower_mistakes(scheme, at, form)));
    all.extend(address_mistake(scheme));
    all.extend(separator_mistake(scheme));
    all.extend(time_mistake(scheme));
    all
}

/// A secret that is not named, or a public key where there is no pair.
fn secret_mistake(contract: &Contract) -> Option<Told> {
    let has_pair = contract.signature.by == Proof::Ed25519;
    if contract.secret.env.is_empty() || contract.secret.for_tests.is_empty() {
        let way_out = Some("add secret: {env: …, for_tests: …}, or say `signature: none`".to_owned());
        return Some(("secret".to_owned(), "this does not say where the secret comes from".to_owned(), way_out));
    }
    (contract.secret.public.is_some() && !has_pair).then(|| {
        let way_out = Some("say `signature.by: ed25519`, or leave it out".to_owned());
        ("secret.public".to_owned(), "only a key pair has a public key".to_owned(), way_out)
    })
}

/// Two header lines of one name: receivers disagree on which of them counts.
fn name_mistake(contract: &Contract, at: usize, header: &SignatureHeader) -> Option<Told> {
    let path = format!("signature.headers[{at}].name");
    let is_named = |name: &str| header.name.eq_ignore_ascii_case(name);
    if contract.signature.headers[..at].iter().any(|earlier| is_named(&earlier.name)) {
        return Some((path, format!("two header lines of the signature are called `{}`", header.name), None));
    }
    if !contract.key.header.as_deref().is_some_and(is_named) {
        return None;
    }
    if !header.value.is_only("id") {
        let way_out = Some("the key's line may only hold the id: value: \"{id}\"".to_owned());
        return Some((path, format!("`{}` carries the key, and this value is another", header.name), way_out));
    }
    match contract.key.form {
        KeyForm::Bare | KeyForm::Uuid => None,
        KeyForm::Quoted | KeyForm::Either => {
            let message = format!("`{}` carries the key in quotation marks, and the signed id bears none", header.name);
            Some((path, message, Some("leave this line out, or write the key bare".to_owned())))
        }
    }
}

/// Values that could not be read back to what was filled in.
fn value_mistake(scheme: &Scheme, header: &SignatureHeader) -> Option<(String, Option<String>)> {
    let parts = header.value.parts();
    for (at, pair) in parts.windows(2).enumerate() {
        match pair {
            [Part::Placeholder(first), Part::Placeholder(second)] => {
                return Some((format!("nothing stands between {{{first}}} and {{{second}}}: nobody can tell them apart"), None));
            }
            [Part::Placeholder(id), Part::Literal(next)] if id == "id" && at + 2 < parts.len() => {
                let way_out = Some("put {id} last, or into a header of its own".to_owned());
                return Some((format!("an id may hold `{next}`, and then nobody can tell where it ends"), way_out));
            }
            _ => {}
        }
    }
    let separator = scheme.separator_of(header)?;
    let items = header.value.split(separator);
    if header.carries("id") {
        let way_out = Some("give {id} a header of its own".to_owned());
        return Some((format!("an id may hold `{separator}`, which separates the items of this list"), way_out));
    }
    let is_bare = |item: &crate::template::Template| matches!(item.parts().first(), Some(Part::Placeholder(_)));
    if items.len() > 1 && items.iter().any(is_bare) {
        let way_out = Some("give each item a mark: t={t},v1={sig}".to_owned());
        return Some(("an item of this list begins with what is filled in, so that every other item looks like it".to_owned(), way_out));
    }
    None
}

/// A narrower form that cannot be made, or that covers all that the contract's message covers: right receivers may take it then.
fn narrower_mistakes(scheme: &Scheme, at: usize, form: &NarrowerForm) -> Vec<Told> {
    let path = |member: &str| format!("signature.narrower[{at}].{member}");
    let narrower = form.of(scheme);
    let mut all = Vec::new();
    if narrower.carrier().is_none() {
        let way_out = Some("write {sig} into a value".to_owned());
        all.push((path("headers"), "no header carries the signature".to_owned(), way_out));
    }
    if scheme.message.placeholders().all(|name| form.message.placeholders().any(|one| one == name)) {
        let way_out = Some("leave out a part that the contract's message has".to_owned());
        all.push((path("message"), "this covers all that is signed".to_owned(), way_out));
    }
    if form.message.placeholders().any(|name| name == "t") && !narrower.carries_time() {
        let way_out = Some("write {t} into a header's value".to_owned());
        all.push((path("message"), "the time is signed, and no header carries it".to_owned(), way_out));
    }
    let values = form.headers.iter().enumerate();
    all.extend(values.filter_map(|(line, header)| {
        value_mistake(&narrower, header).map(|(message, way_out)| (path(&format!("headers[{line}].value")), message, way_out))
    }));
    all
}

/// An address that is none, or that nothing signs.
fn address_mistake(scheme: &Scheme) -> Option<Told> {
    let address = scheme.address.as_deref()?;
    let (message, way_out) = if !address::is_whole(address) {
        (format!("`{address}` is no whole address"), "write the one that the sender knows: https://shop.example/hooks")
    } else if !scheme.signs_the_address() {
        ("no address is signed".to_owned(), "write {url} into `message`, or leave `address` out")
    } else {
        return None;
    };
    Some(("signature.address".to_owned(), message, Some(way_out.to_owned())))
}

/// A separator that may stand in what it separates.
fn separator_mistake(scheme: &Scheme) -> Option<Told> {
    let separator = &scheme.several.as_ref()?.separator;
    let path = "signature.several.separator".to_owned();
    if separator.is_empty() {
        return Some((path, "nothing separates nothing".to_owned(), Some("a comma, or a space".to_owned())));
    }
    let in_time = |c: char| scheme.carries_time() && scheme.unit().may_hold(c);
    let filled = separator.chars().all(|c| scheme.encoding.may_hold(c) || in_time(c));
    filled.then(|| (path, format!("`{separator}` may stand in a signature or a time as well"), Some("a comma, or a space".to_owned())))
}

/// A time that is signed and not sent, or bounded and not signed.
fn time_mistake(scheme: &Scheme) -> Option<Told> {
    scheme.carrier()?;
    if scheme.signs("t") && !scheme.carries_time() {
        let way_out = Some("write {t} into a header's value".to_owned());
        return Some(("signature.message".to_owned(), "the time is signed, and no header carries it".to_owned(), way_out));
    }
    if scheme.time.is_some() && !(scheme.signs("t") && scheme.carries_time()) {
        let way_out = Some("write {t} into `message`, or leave `time` out".to_owned());
        return Some(("signature.time".to_owned(), "the time has a tolerance, and is not signed".to_owned(), way_out));
    }
    None
}
