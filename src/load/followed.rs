//! Followed: answers behind which something came that nobody had asked for.
//!
//! In: answered deliveries, and what came behind each. Out: how many there
//! were, and the first of them in full, as violations of the requirement that
//! speaks of it. It is about the answer that was followed, never about the
//! delivery that went over the connection next.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::judging::{About, Checked, Found, Violation, line};
use crate::history::consistency::Operation;
use crate::report::Verdict;
use crate::scenario::requirement::Catalogue;
use crate::transport::codec::decode::Surplus;

/// So many are told in full.
const TOLD: usize = 5;

/// How many answers were followed by something, and the first of them.
#[derive(Debug, Default)]
pub struct Followed(Mutex<(u64, Vec<(Operation, Surplus)>)>);

impl Followed {
    fn lock(&self) -> MutexGuard<'_, (u64, Vec<(Operation, Surplus)>)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Something came behind the answer of a delivery.
    pub fn note(&self, answered: Operation, surplus: &Surplus) {
        let mut all = self.lock();
        all.0 += 1;
        if all.1.len() < TOLD {
            all.1.push((answered, surplus.clone()));
        }
    }

    /// How many answers were followed.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.lock().0
    }
}

impl Found {
    /// Adds what came behind answers.
    ///
    /// * `answers`: how many there were; and beside it how many deliveries had left and got none, of which nobody knows whether they would
    ///   have been answered: that every request is answered is open then.
    pub fn add_followed(&mut self, catalogue: &Catalogue, (answers, none): (u64, u64), followed: &Followed, about: &About<'_>) {
        let Some(id) = catalogue.always.nothing_follows.as_ref().filter(|id| about.contract.promises(id)) else { return };
        self.add(catalogue, id, answers, Checked::Answers, followed.count());
        if none > 0 {
            self.requirements
                .iter_mut()
                .filter(|one| one.id == *id && one.violations == 0)
                .for_each(|one| one.verdict = Verdict::Undecided);
        }
        self.violations.extend(followed.lock().1.iter().map(|(one, surplus)| Violation {
            requirement: id.clone(),
            key: (about.key)(one.key),
            why: surplus.to_string(),
            operations: vec![line(one)],
            rows: None,
            curl: (about.curl)(one.key),
        }));
    }
}
