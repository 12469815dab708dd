//! Again: keys that are delivered honestly after a load, to see what has become of them.
//!
//! In: keys, and how long there is. Out: the operations, and which keys were answered.

use std::pin::pin;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::oneshot;

use super::User;
use super::choice::Choice;
use crate::history::consistency::Operation;
use crate::load::mix::Kind;
use crate::load::shared::Shared;

/// After so many in a row without an answer nobody is asked any more.
const MOST_UNANSWERED: u32 = 3;

/// What came of it.
#[derive(Debug, Default)]
pub(in crate::load) struct Again {
    /// What was sent and answered.
    pub operations: Vec<Operation>,
    /// For each key that was delivered, whether an answer came.
    pub answered: Vec<bool>,
}

/// Delivers keys once more, after the load, as long as there is time: what is answered tells what became of them.
pub(in crate::load) async fn deliver_again(shared: &Shared, keys: impl Iterator<Item = u32>, time: Duration) -> Again {
    if time.is_zero() {
        return Again::default();
    }
    let (give_up, given_up) = oneshot::channel();
    let mut user = User::new(shared, 0, given_up);
    let mut answered = Vec::new();
    {
        let all = async {
            let mut unanswered = 0;
            for key in keys {
                let name = shared.key(key);
                let (body, headers): (Bytes, _) = (shared.plain_body(key, &name), shared.headers(key));
                user.send(Choice { place: usize::MAX, kind: Kind::Fresh, key, is_own: false }, name, body, &headers).await;
                let is_answered = user.record.result.is_ok();
                answered.push(is_answered);
                unanswered = if is_answered { 0 } else { unanswered + 1 };
                if user.is_given_up || unanswered >= MOST_UNANSWERED || user.line.refusals() > 0 {
                    break;
                }
            }
        };
        let mut all = pin!(all);
        if tokio::time::timeout(time, all.as_mut()).await.is_err() {
            drop(give_up);
            all.await;
        }
    }
    Again { operations: user.history, answered }
}
