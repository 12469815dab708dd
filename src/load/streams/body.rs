//! Bodies of a load with streams: each names the stream on which its delivery is told, and ends none.
//!
//! In: a contract and the body that would be sent otherwise. Out: the same with a place for the stream's name, or why there is none.

use serde_json::Value;

use super::Asked;
use crate::contract::Contract;
use crate::contract::stream::EventStream;
use crate::message::member_text;
use crate::message::spelling::with_member_at;

/// What stands in the body of a load where its stream's name is to stand.
pub const STREAM: &str = "{stream}";

/// The streams of a contract, as far as a load can subscribe to them.
pub(super) fn form(contract: &Contract) -> Result<&EventStream, String> {
    contract.stream.as_ref().ok_or_else(|| {
        format!(
            "the contract {} has no event streams: leave --streams out, or say in the contract what it offers (`stream`)",
            contract.contract
        )
    })
}

pub(super) fn key_member(form: &EventStream, contract: &Contract) -> Result<String, String> {
    let found = form.data.iter().find(|(_, template)| template.is_only("key")).map(|(name, _)| name.clone());
    found.ok_or_else(|| {
        format!(
            "the events of the contract {} do not tell of which delivery they are: --streams needs a member of `stream.data` that is \"{{key}}\"",
            contract.contract
        )
    })
}

/// The body of a load whose deliveries are told on streams: its stream's name has a place in it, and nothing ends that.
///
/// # Errors
/// Why there is no such body, as a sentence.
pub fn body(contract: &Contract, asked: Asked, mut body: Vec<u8>) -> Result<Vec<u8>, String> {
    let form = form(contract)?;
    key_member(form, contract)?;
    if asked.count > form.at_once {
        return Err(format!(
            "the contract {} promises {} streams at once (`stream.at_once`): give no more of them with --streams, or promise more",
            contract.contract, form.at_once
        ));
    }
    let put = |body: &[u8], member: &str, value: &str| {
        let text = Value::from(value).to_string();
        with_member_at(body, member, &text)
            .ok_or_else(|| format!("the body of the load is no JSON object with room for `{member}`, which --streams needs"))
    };
    if let Some(of) = &form.of {
        let members = form.member().ok_or_else(|| {
            format!("--streams needs streams that are named by a member of the body (`stream.of: \"{{body:job_id}}\"`), and these are named by `{of}`")
        })?;
        let there: Vec<&str> = members.iter().copied().filter(|member| member_text(&body, member).is_some()).collect();
        for member in if there.is_empty() { &members[..1] } else { &there } {
            body = put(&body, member, STREAM)?;
        }
    }
    if let Some(finished) = &form.finished {
        body = put(&body, &finished.member, &finished.going_on())?;
    }
    Ok(body)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Asked, body};
    use crate::contract::Contract;
    use crate::contract::reading::read_contract;
    use crate::files;

    fn contract(stream: &str) -> Contract {
        let base = |name: &str| files::shipped_contract(name).map(|file| file.text);
        let text = format!("contract: of-this-test\nextends: orch-phase4\ntitle: Phase 4 of a test\nstream: {stream}\n");
        read_contract("of-this-test", &text, &base).expect("a contract without mistakes")
    }

    fn made(stream: &str, count: usize, text: &str) -> Result<String, String> {
        let asked = Asked { count, life: Duration::from_secs(1) };
        body(&contract(stream), asked, text.as_bytes().to_vec()).map(|body| String::from_utf8(body).expect("text"))
    }

    /// Whichever member names the stream has its place, no stream ends, and nothing else changes.
    #[test]
    fn bodies_name_their_stream_and_end_none() {
        for (stream, text, expected) in [
            ("{}", r#"{"task_id":"a", "status":"done","n":1.0}"#, r#"{"task_id":"{stream}", "status":"running","n":1.0}"#),
            ("{}", r#"{"job_id":"a","status":"queued"}"#, r#"{"job_id":"{stream}","status":"running"}"#),
            ("{}", "{}", r#"{"status":"running","task_id":"{stream}"}"#),
            ("{finished: {is: [running, running-]}}", r#"{"job_id":"a"}"#, r#"{"status":"running--","job_id":"{stream}"}"#),
            ("{path: /events, of: ~, finished: ~}", r#"{"job_id":"a"}"#, r#"{"job_id":"a"}"#),
        ] {
            assert_eq!(made(stream, 2, text).as_deref(), Ok(expected), "{stream} {text}");
        }
    }

    /// What cannot be subscribed to is told before anything is sent.
    #[test]
    fn what_cannot_be_subscribed_to_is_told() {
        for (stream, count, text, told) in [
            ("~", 2, "{}", "has no event streams"),
            ("{data: {key: \"k-{key}\"}}", 2, "{}", "do not tell of which delivery"),
            ("{at_once: 9}", 10, "{}", "promises 9 streams at once"),
            ("{of: \"{key}\"}", 2, "{}", "named by a member of the body"),
            ("{}", 2, "[]", "no JSON object"),
        ] {
            let wrong = made(stream, count, text).err().unwrap_or_default();
            assert!(wrong.contains(told), "{stream}: {wrong}");
        }
    }
}
