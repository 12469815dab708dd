//! A contract as prose, for `hookgate explain`: what is promised, in sentences.

use std::fmt::Write as _;

use super::key::{KeyForm, KeyScope};
use super::outcome::{AnswerForm, MemberValue};
use super::stream::EventStream;
use super::tables::Table;
use super::{AfterFailure, Contract, Fingerprint, Level, OtherBody, Refusals};
use crate::clock::span;
use crate::sign::{Proof, SignatureHeader};

/// The contract as text of at most 100 columns or so; ends with a line break.
#[must_use]
pub fn explain(contract: &Contract) -> String {
    let mut text = String::new();
    let written = write_prose(contract, &mut text);
    debug_assert!(written.is_ok(), "a String takes whatever is written");
    text
}

fn write_prose(contract: &Contract, out: &mut String) -> std::fmt::Result {
    let about = if contract.about.trim().is_empty() { String::new() } else { format!("{}\n", contract.about.trim()) };
    writeln!(out, "{}: {}\n\n{about}Source: {}\n", contract.contract, contract.title, contract.source.trim())?;
    let endpoint = &contract.endpoint;
    writeln!(out, "A delivery is {} {} with a body of {}.", endpoint.method, endpoint.addressed(&endpoint.path), endpoint.content_type)?;
    if !endpoint.headers.is_empty() {
        let lines: Vec<String> = endpoint.headers.iter().map(|(name, value)| format!("`{name}: {value}`")).collect();
        writeln!(out, "Every delivery bears {}.", lines.join(", "))?;
    }
    if let Some(body) = &endpoint.body {
        writeln!(out, "An ordinary body is `{body}`; the suite's others bear its members, too.")?;
    }
    if !endpoint.members.is_empty() {
        let members: Vec<String> = endpoint.members.iter().map(|one| format!("`{}`: {}", one.member, one.value)).collect();
        let bodies = if endpoint.content_type.contains("x-www-form-urlencoded") { "Forms" } else { "Bodies that are objects" };
        writeln!(out, "{bodies} bear {}.", members.join(", "))?;
    }
    writeln!(out, "{}", key_sentence(contract))?;
    writeln!(out, "{}", signature_sentence(contract))?;
    for sentence in secret_sentences(contract) {
        writeln!(out, "{sentence}")?;
    }
    match &contract.health {
        Some(health) => writeln!(out, "The receiver is well when GET {} answers {}.", health.path, health.status)?,
        None => writeln!(out, "No page tells that the receiver is well: an honest delivery shows it.")?,
    }
    writeln!(
        out,
        "Every answer comes within {}; a body may be up to {} bytes long.",
        span::write(contract.limits.answer.0),
        contract.limits.body_bytes()
    )?;
    if contract.is_by_key() {
        writeln!(out, "{}", ttl_sentence(contract))?;
        writeln!(out, "{}", other_body_sentence(contract.other_body))?;
        for sentence in policy_sentences(contract) {
            writeln!(out, "{sentence}")?;
        }
    } else {
        writeln!(out, "It promises no idempotency: every rightly signed delivery is accepted, each time.")?;
    }
    for sentence in advice_sentences(contract) {
        writeln!(out, "{sentence}")?;
    }
    writeln!(out, "\nA first delivery gets {}", outcome_words(&contract.outcomes.accepted))?;
    if let Some(duplicate) = contract.duplicate() {
        writeln!(out, "A duplicate gets {}", outcome_words(duplicate))?;
    }
    if let Some(in_flight) = &contract.outcomes.in_flight {
        writeln!(out, "A rival of a delivery under way gets {}", outcome_words(in_flight))?;
    }
    for (why, outcome) in &contract.outcomes.refused {
        writeln!(out, "Refused for {}: {}", why.name().replace('-', " "), outcome_words(outcome))?;
    }
    match &contract.state {
        None => writeln!(out, "\nState cannot be seen in a database.")?,
        Some(tables) => {
            let how_many = if tables.all().count() == 1 { "one table" } else { "two tables" };
            writeln!(out, "\nState can be seen in {how_many} of a database:")?;
            for table in tables.all() {
                write_table(table, out)?;
            }
        }
    }
    if let Some(effects) = &contract.effects {
        writeln!(out, "How often the work of a key was done can be counted {}.", effects.told())?;
    }
    if let Some(url) = &contract.audit_url {
        writeln!(out, "The audit trail can be read with GET {}?{}=N&{}=EVENT, newest first.", url.path, url.limit, url.event)?;
    }
    for sentence in contract.stream.iter().flat_map(EventStream::told) {
        writeln!(out, "{sentence}")?;
    }
    if let Some(metrics) = &contract.metrics {
        writeln!(out, "Counters can be read with GET {}.", metrics.path)?;
    }
    if !contract.capabilities.is_empty() {
        writeln!(out, "It offers: {}.", contract.capabilities.join(", "))?;
    }
    if !contract.not_promised.is_empty() {
        writeln!(out, "\nNot promised:")?;
        for (id, why) in &contract.not_promised {
            writeln!(out, "  {id:<8} {why}")?;
        }
    }
    Ok(())
}

fn key_sentence(contract: &Contract) -> String {
    let form = match contract.key.form {
        KeyForm::Bare => "as it is",
        KeyForm::Quoted => "in quotation marks (RFC 8941)",
        KeyForm::Either => "as it is or in quotation marks (RFC 8941)",
        KeyForm::Uuid => "a UUID",
    };
    let place = &contract.key;
    let alphabet = place.alphabet.as_ref().map_or_else(String::new, |set| format!(", of the characters {set}"));
    match (&place.header, &place.body_member, &place.form_field) {
        (Some(header), _, _) => format!("Its idempotency key is in the header {header}, {form}, up to {} bytes{alphabet}.", place.longest),
        (None, Some(member), _) => format!("Its idempotency key is the member `{member}` of the JSON body{alphabet}."),
        (None, None, Some(field)) => format!("Its idempotency key is the field `{field}` of the form in the body{alphabet}."),
        (None, None, None) => "It has no idempotency key.".to_owned(),
    }
}

/// What the contract says of scopes, spellings, rivals, failures and refusals; what it does not say is left out.
fn policy_sentences(contract: &Contract) -> Vec<String> {
    let scope = contract.key.scope.map(|scope| match scope {
        KeyScope::Receiver => "A key counts everywhere in the receiver.".to_owned(),
        KeyScope::Path => "A key counts on its path.".to_owned(),
        KeyScope::PathAndQuery => "A key counts on its path with its query.".to_owned(),
        KeyScope::Caller => {
            format!("A key counts for its caller, whom the header {} names.", contract.key.caller.as_deref().unwrap_or("?"))
        }
    });
    let fingerprint = contract.fingerprint.map(|fingerprint| match fingerprint {
        Fingerprint::Raw => "Two bodies are the same when their bytes are.".to_owned(),
        Fingerprint::Json => "Two bodies are the same when they are the same JSON.".to_owned(),
    });
    let lease = contract.in_flight.as_ref().and_then(|in_flight| in_flight.lease);
    let lease = lease.map(|lease| format!("After a cut request or a failure a key is free again within {}.", span::write(lease.0)));
    let failures = contract.failures.as_ref().map(|failures| match failures.then {
        AfterFailure::Retried => "After a failure the delivery can be tried again.".to_owned(),
        AfterFailure::Replayed => "After a failure the delivery gets the same failure again.".to_owned(),
    });
    let refusals = match contract.refusals {
        Refusals::Forgotten => None,
        Refusals::Kept => Some("A refusal that comes after a right signature is kept, and given again.".to_owned()),
    };
    [scope, fingerprint, lease, failures, refusals].into_iter().flatten().collect()
}

/// Where the secret, or the pair of keys, is.
fn secret_sentences(contract: &Contract) -> Vec<String> {
    let secret = &contract.secret;
    let mut all = match contract.signature.by {
        Proof::None => return Vec::new(),
        Proof::Hmac | Proof::Token => vec![format!("The shared secret is in the environment variable {}.", secret.env)],
        Proof::Ed25519 => vec![format!("The sender's private key is in the environment variable {}.", secret.env)],
    };
    all.extend(secret.public.as_ref().map(|public| format!("Whoever only verifies has the public key in {}.", public.env)));
    all.extend(secret.previous.as_ref().map(|previous| format!("The secret before it, still good, is in {}.", previous.env)));
    all.extend(secret.retired.as_ref().map(|retired| format!("One that is good no more is in {}.", retired.env)));
    all
}

/// What the sender's pages advise.
fn advice_sentences(contract: &Contract) -> Vec<String> {
    let Some(advice) = &contract.receiver else { return Vec::new() };
    let within = advice.within.map_or_else(String::new, |within| format!(", within {}", span::write(within.0)));
    let mut all = vec![format!("\nThe sender advises: answer {}{within}.", advice.answer)];
    all.extend(advice.retries.as_ref().map(|retries| format!("It sends again: {retries}.")));
    all.extend(advice.repeats.as_ref().map(|repeats| format!("Repeats are known by: {repeats}.")));
    all
}

fn signature_sentence(contract: &Contract) -> String {
    let scheme = &contract.signature;
    let word = |value: serde_json::Result<serde_json::Value>| value.ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default();
    let place = |header: &SignatureHeader| match header.member() {
        Some(path) => format!("{} in the body's member {path}", header.value),
        None => format!("{}: {}", header.name, header.value),
    };
    let query = scheme.query.iter().map(|one| format!("?{}={}", one.name, one.value));
    let headers: Vec<String> = scheme.headers.iter().map(place).chain(query).collect();
    let time = scheme.time.map_or_else(String::new, |time| {
        let future = time.future.map_or_else(|| "any".to_owned(), |future| span::write(future.0));
        format!(" The signed time may lie {} in the past and {future} in the future.", span::write(time.past.0))
    });
    let how = match scheme.by {
        Proof::None => return "It bears no signature: whoever comes is let in.".to_owned(),
        Proof::Token => return format!("It bears the shared secret itself, sent as `{}`.", headers.join("` and `")),
        Proof::Hmac => format!("HMAC with {}", word(serde_json::to_value(scheme.digest))),
        Proof::Ed25519 => "Ed25519".to_owned(),
    };
    let message = scheme.message.to_string().replace('\n', "\\n");
    let address = scheme.address.as_ref().map_or_else(String::new, |address| format!(" The address that is signed is {address}."));
    format!(
        "It is signed: {how} over `{message}`, written in {}, sent as `{}`.{time}{address}",
        word(serde_json::to_value(scheme.encoding)),
        headers.join("` and `")
    )
}

fn ttl_sentence(contract: &Contract) -> String {
    match &contract.ttl {
        None => "How long a key lives is not said; none ends while the receiver is judged.".to_owned(),
        Some(ttl) => {
            let own =
                ttl.header.as_ref().map_or_else(String::new, |header| format!(", unless the header {header} gives a delivery its own"));
            format!("Keys live for {} from their acceptance{own}.", span::write(ttl.default.0))
        }
    }
}

fn other_body_sentence(other: OtherBody) -> &'static str {
    match other {
        OtherBody::Duplicate => "A live key with another body is a duplicate: the key alone identifies.",
        OtherBody::Refused => "A live key with another body is refused.",
        OtherBody::New => "A live key with another body is a new delivery: key and body together identify.",
    }
}

fn outcome_words(outcome: &AnswerForm) -> String {
    let mut words = outcome.statuses();
    let body = outcome.same_body_as_first.then(|| "the first answer's body, byte for byte".to_owned());
    let headers = outcome.headers.iter().map(|(name, value)| format!("header {name}: {value}"));
    let members = outcome.body.iter().map(|member| {
        let value = match &member.is {
            MemberValue::Text(text) => text.to_string(),
            MemberValue::Constant(constant) => constant.to_string(),
        };
        let level = match member.level {
            Level::Must => "",
            Level::Should => " (should)",
            Level::Free => " (free)",
        };
        format!("{} = {value}{level}", member.member)
    });
    let with: Vec<String> = body.into_iter().chain(headers).chain(members).collect();
    let without_headers = outcome.without_headers.iter().map(|name| format!("header {name}"));
    let without: Vec<String> = without_headers.chain(outcome.without.iter().cloned()).collect();
    for (word, told) in [("with", with), ("without", without)].into_iter().filter(|(_, told)| !told.is_empty()) {
        words.push_str(&format!(" {word} {}", told.join(", ")));
    }
    words
}

fn write_table(table: &Table, out: &mut String) -> std::fmt::Result {
    writeln!(out, "  {}", table.table)?;
    for (column, shape) in table.columns.iter().zip(table.shape().columns) {
        let holds = match &column.holds {
            _ if column.free => "(free)".to_owned(),
            None => "NULL".to_owned(),
            Some(holds) => holds.to_string(),
        };
        writeln!(out, "    {:<40} {holds}", shape.to_string())?;
    }
    if table.instant().is_none() {
        writeln!(out, "    (no column tells when a row was written: no order of rows is judged, and no time can be moved in it)")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What tells one outcome from another is told: also a header, and what is not there.
    #[test]
    fn headers_of_outcomes_are_told() {
        let words = |form: &str| {
            let form: AnswerForm = serde_json::from_str(form).expect("a form");
            outcome_words(&form)
        };
        assert_eq!(words(r#"{"status": 200}"#), "200");
        assert_eq!(
            words(r#"{"status": 200, "headers": {"X-Cache": "HIT"}, "body": [{"member": "ok", "is": true}]}"#),
            "200 with header X-Cache: HIT, ok = true"
        );
        assert_eq!(
            words(r#"{"status": 200, "also": [202], "without_headers": ["X-Cache"], "without": ["reference"]}"#),
            "200 or 202 without header X-Cache, reference"
        );
        assert_eq!(
            words(r#"{"status": 200, "same_body_as_first": true, "headers": {"X-Cache": "HIT"}}"#),
            "200 with the first answer's body, byte for byte, header X-Cache: HIT"
        );
    }
}
