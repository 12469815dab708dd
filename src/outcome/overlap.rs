//! Overlap: outcomes of a contract whose answers cannot be told from each other.
//!
//! In: a contract. Out: a sentence for each pair, which says what will not be
//! judged because of it. Nothing is wrong with such a contract: many receivers
//! answer everything alike.

use std::sync::Arc;

use super::reader::Reader;
use crate::contract::Contract;
use crate::contract::outcome::AnswerForm;

/// What an answer alone will not say under this contract.
#[must_use]
pub fn overlaps(contract: &Arc<Contract>) -> Vec<String> {
    let mut told = Vec::new();
    let reader = Reader::new(Arc::clone(contract));
    if contract.is_by_key() && !reader.tells_duplicates() {
        told.push(
            "`outcomes.accepted` and `outcomes.duplicate` look alike: whether a delivery was taken twice is not judged by answers; without rows or \
             effects to look at (--db), duplicates and concurrency are not applicable"
                .to_owned(),
        );
    }
    let all = contract.outcomes.all();
    let form = |form: &AnswerForm| {
        let mut value = serde_json::to_value(form).unwrap_or_default();
        if let Some(members) = value.as_object_mut() {
            members.remove("shows");
        }
        value
    };
    for (at, (name, one)) in all.iter().enumerate() {
        let others = all[at + 1..].iter().filter(|(other, _)| name == "accepted" || name == "duplicate" || other == "in-flight");
        for (other, _) in others.filter(|(_, another)| form(one) == form(another)) {
            if (name.as_str(), other.as_str()) != ("accepted", "duplicate") {
                told.push(format!(
                    "`outcomes.{name}` and `outcomes.{other}` look alike: where the one is promised, the other is not told from it"
                ));
            }
        }
    }
    told
}
