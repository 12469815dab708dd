//! A contract as prose, for `hookgate explain`: what is promised, in sentences.

use std::fmt::Write as _;

use super::outcome::{MemberValue, Outcome};
use super::tables::Table;
use super::{Contract, KeyForm, Level, OtherBody};
use crate::clock::span;

/// The contract as text of at most 100 columns or so; ends with a line break.
#[must_use]
pub fn explain(contract: &Contract) -> String {
    let mut text = String::new();
    let written = write_prose(contract, &mut text);
    debug_assert!(written.is_ok(), "a String takes whatever is written");
    text
}

fn write_prose(contract: &Contract, out: &mut String) -> std::fmt::Result {
    writeln!(out, "{}: {}\n\n{}\nSource: {}\n", contract.contract, contract.title, contract.about.trim(), contract.source.trim())?;
    let endpoint = &contract.endpoint;
    writeln!(out, "A delivery is {} {} with a body of {}.", endpoint.method, endpoint.path, endpoint.content_type)?;
    writeln!(out, "{}", key_sentence(contract))?;
    writeln!(out, "{}", signature_sentence(contract))?;
    writeln!(out, "The shared secret is in the environment variable {}.", contract.secret.env)?;
    writeln!(out, "The receiver is well when GET {} answers {}.", contract.health.path, contract.health.status)?;
    writeln!(
        out,
        "Every answer comes within {}; a body may be up to {} bytes long.",
        span::write(contract.limits.answer.0),
        contract.limits.body_bytes
    )?;
    writeln!(out, "{}", ttl_sentence(contract))?;
    writeln!(out, "{}", other_body_sentence(contract.other_body))?;
    writeln!(out, "\nA first delivery gets {}", outcome_words(&contract.outcomes.accepted))?;
    writeln!(out, "A duplicate gets {}", outcome_words(&contract.outcomes.duplicate))?;
    for (why, outcome) in &contract.outcomes.refused {
        writeln!(out, "Refused for {}: {}", why.name().replace('-', " "), outcome_words(outcome))?;
    }
    match &contract.state {
        None => writeln!(out, "\nState cannot be seen in a database.")?,
        Some(tables) => {
            writeln!(out, "\nState can be seen in two tables of a SQLite database:")?;
            write_table(&tables.keys, out)?;
            write_table(&tables.audit, out)?;
        }
    }
    if let Some(url) = &contract.audit_url {
        writeln!(out, "The audit trail can be read with GET {}?{}=N&{}=EVENT, newest first.", url.path, url.limit, url.event)?;
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
    };
    match (&contract.key.header, &contract.key.body_member) {
        (Some(header), _) => format!("Its idempotency key is in the header {header}, {form}, up to {} bytes.", contract.key.longest),
        (None, Some(member)) => format!("Its idempotency key is the member `{member}` of the JSON body."),
        (None, None) => "It has no idempotency key.".to_owned(),
    }
}

fn signature_sentence(contract: &Contract) -> String {
    let scheme = &contract.signature;
    let word = |value: serde_json::Result<serde_json::Value>| value.ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default();
    let headers: Vec<String> = scheme.headers.iter().map(|header| format!("{}: {}", header.name, header.value)).collect();
    let time = scheme.time.map_or_else(String::new, |time| {
        let future = time.future.map_or_else(|| "any".to_owned(), |future| span::write(future.0));
        format!(" The signed time may lie {} in the past and {future} in the future.", span::write(time.past.0))
    });
    format!(
        "It is signed: HMAC with {} over `{}`, written in {}, sent as `{}`.{time}",
        word(serde_json::to_value(scheme.digest)),
        scheme.message,
        word(serde_json::to_value(scheme.encoding)),
        headers.join("` and `")
    )
}

fn ttl_sentence(contract: &Contract) -> String {
    match &contract.ttl {
        None => "Keys live for ever.".to_owned(),
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

fn outcome_words(outcome: &Outcome) -> String {
    let mut words = outcome.statuses();
    if outcome.same_body_as_first {
        words.push_str(" with the first answer's body, byte for byte");
    }
    let members: Vec<String> = outcome
        .body
        .iter()
        .map(|member| {
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
        })
        .collect();
    if !members.is_empty() {
        words.push_str(&format!(" with {}", members.join(", ")));
    }
    words
}

fn write_table(table: &Table, out: &mut String) -> std::fmt::Result {
    writeln!(out, "  {}", table.table)?;
    for (column, shape) in table.columns.iter().zip(table.shape().columns) {
        let holds = column.holds.as_ref().map_or_else(|| "NULL".to_owned(), ToString::to_string);
        writeln!(out, "    {:<40} {holds}", shape.to_string())?;
    }
    Ok(())
}
