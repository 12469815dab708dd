//! Tests of how often the work of a key may be done.

use super::OfKey;
use crate::history::consistency::{Law, NEVER, Operation};
use crate::outcome::{Outcome, OutcomeSet};

/// What is taken although it is no message need not be worked on; what comes behind a message is its duplicate.
#[test]
fn what_is_no_message_need_not_be_worked_on() {
    let bounds = |bodies: &[bool]| {
        let mut of_key = OfKey::default();
        for (at, is_message) in (0_i64..).zip(bodies) {
            let outcome = OutcomeSet::only(Outcome::Accepted).or(Outcome::Duplicate);
            let operation = Operation { key: 0, outcome, invoked: at * 10, returned: at * 10 + 5, refers_to: NEVER };
            of_key.learn("k", operation, *is_message, None);
        }
        of_key.bounds(Law::default(), 1_000)
    };
    assert_eq!(bounds(&[false]), (0, 1));
    assert_eq!(bounds(&[true]), (1, 1));
    assert_eq!(bounds(&[true, false]), (1, 1));
    assert_eq!(bounds(&[false, true]).0, 0);
}
