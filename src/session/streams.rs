//! Streams of deliveries: the body of one that is told on an event stream of the scenario's own.
//!
//! In: a body, and what a scenario says of the stream. Out: the body with the contract's member for it, one that ends the stream or
//! does not, and one that makes its event long. Nothing else of the body changes.

use bytes::Bytes;

use super::deliveries::DeliveryBuilder;
use crate::contract::stream::{EventStream, Finished};
use crate::message::member_text;
use crate::message::spelling::with_member_at;
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
        if let Some(bytes) = deliver.event_bytes {
            let member = form.told_member().ok_or("no member of a body stands in the data of the contract's events (`stream.data`)")?;
            body = put(&body, member, &"x".repeat(bytes))?;
        }
        Ok(body)
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
                form.of.as_ref().and_then(|form| form.fill(&|name| values.get(name))).ok_or("the earlier delivery is on no stream")?
            }
            (None, None) => return Ok(body),
        };
        let there: Vec<&str> = members.iter().copied().filter(|member| member_text(&body, member).is_some()).collect();
        let wanted = if there.is_empty() { &members[..1] } else { &there };
        wanted.iter().try_fold(body, |body, member| put(&body, member, &name))
    }
}

/// A value that ends a stream, or one that does not.
fn ending(finished: &Finished, ends: bool) -> String {
    finished.is.first().filter(|_| ends).cloned().unwrap_or_else(|| finished.going_on())
}

fn put(body: &[u8], member: &str, value: &str) -> Result<Bytes, String> {
    let text = serde_json::Value::from(value).to_string();
    with_member_at(body, member, &text).map(Bytes::from).ok_or_else(|| format!("this body has no room for the member `{member}`"))
}
