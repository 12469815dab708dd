//! Streams of deliveries: the body of one that is told on an event stream of the scenario's own.
//!
//! In: a body, and what a scenario says of the stream. Out: the body with the contract's member for it, one that ends the stream or
//! does not, and what its event tells of the body. Nothing else of the body changes.

use bytes::Bytes;

use super::deliveries::DeliveryBuilder;
use crate::contract::stream::{EventStream, Finished};
use crate::message::member_text;
use crate::message::spelling::{with_member_at, without_member_at};
use crate::outcome::members::Values;
use crate::scenario::deliver::Deliver;

impl DeliveryBuilder<'_> {
    /// A body that names its stream as the scenario wants it.
    ///
    /// # Errors
    /// Why there is no such delivery under this contract, as a sentence.
    pub(super) fn on_stream(&self, deliver: &Deliver, body: Bytes, unique: &str) -> Result<Bytes, String> {
        if deliver.stream.is_none() && deliver.stream_of.is_none() {
            return Ok(body);
        }
        let form = self.supplies.contract.stream.as_ref().ok_or("the contract has no event streams (`stream`)")?;
        let mut body = self.named(form, deliver, body, unique)?;
        if let Some(finished) = &form.finished {
            body = put(&body, &finished.member, &ending(finished, deliver.ends_stream))?;
        }
        let text = deliver.event_text.clone().or_else(|| deliver.event_bytes.map(|bytes| "x".repeat(bytes)));
        if text.is_none() && !deliver.event_lacks {
            return Ok(body);
        }
        let members = form.told_members();
        let member = members.first().ok_or("no member of a body stands in the data of the contract's events (`stream.data`)")?;
        match text {
            Some(text) => put(&body, member, &text),
            None => members.iter().try_fold(body, |body, member| {
                let without = without_member_at(&body, member).map(Bytes::from);
                without.ok_or_else(|| format!("this body cannot be without the member `{member}`"))
            }),
        }
    }

    fn named(&self, form: &EventStream, deliver: &Deliver, body: Bytes, unique: &str) -> Result<Bytes, String> {
        let Some(members) = form.member() else {
            // With one stream for all, every delivery is told there.
            let one = "the contract's streams are not named by one member of a JSON body (`stream.of`)".to_owned();
            return if form.of.is_none() { Ok(body) } else { Err(one) };
        };
        let name = match (&deliver.stream, &deliver.stream_of) {
            (Some(name), _) => name.replace("{unique}", unique),
            (None, Some(of)) => {
                let earlier = self.plain_bodies.get(of).ok_or_else(|| format!("no delivery is called `{of}`"))?;
                let values = Values { body: earlier, ..Values::default() };
                let name =
                    form.of.as_ref().and_then(|form| form.fill(&|name| values.get(name))).ok_or("the earlier delivery is on no stream")?;
                if deliver.in_other_case { in_other_case(&name) } else { name }
            }
            (None, None) => return Ok(body),
        };
        let there: Vec<&str> = members.iter().copied().filter(|member| member_text(&body, member).is_some()).collect();
        let wanted = if there.is_empty() { &members[..1] } else { &there };
        wanted.iter().try_fold(body, |body, member| put(&body, member, &name))
    }
}

/// A name with every ASCII letter in the other case.
fn in_other_case(name: &str) -> String {
    name.chars().map(|one| if one.is_ascii_lowercase() { one.to_ascii_uppercase() } else { one.to_ascii_lowercase() }).collect()
}

/// A value that ends a stream, or one that does not.
fn ending(finished: &Finished, ends: bool) -> String {
    finished.is.first().filter(|_| ends).cloned().unwrap_or_else(|| finished.going_on())
}

fn put(body: &[u8], member: &str, value: &str) -> Result<Bytes, String> {
    let text = serde_json::Value::from(value).to_string();
    with_member_at(body, member, &text).map(Bytes::from).ok_or_else(|| format!("this body has no room for the member `{member}`"))
}
