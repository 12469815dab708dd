//! Asked: which requirements a run is to judge.
//!
//! In: a contract, its catalogue, a level. Out: each requirement that a report must speak of, with what its verdict hangs on beside scenarios.

use crate::contract::{Contract, Level};
use crate::report::tally::Asked;
use crate::scenario::requirement::{Catalogue, Requirement};

/// What a run is asked to judge: every requirement of the catalogue that has the level.
#[must_use]
pub fn asked(contract: &Contract, catalogue: &Catalogue, level: Level) -> Vec<Asked> {
    let wanted = catalogue.requirements.iter().filter(|one| level == Level::Should || one.level == Level::Must);
    let one = |one: &Requirement| Asked {
        id: one.id.clone(),
        level: one.level,
        sentence: one.sentence.clone(),
        topic: catalogue.topic_of(&one.id),
        translations: catalogue.translations_of(&one.id),
        memory: one.memory,
        excluded: one.excluded.clone(),
        not_promised: contract.not_promised.get(&one.id).cloned(),
    };
    wanted.map(one).collect()
}
