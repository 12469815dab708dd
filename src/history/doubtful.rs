//! Doubtful keys: those by which nobody can tell which deliveries are the same.
//!
//! In: operations, and the contract. Out: the identities that no history is
//! judged by. A delivery that bears several keys may count for any of them;
//! one that was taken by another spelling of a path, where keys count for a
//! path, may be of that path or of another one.

use std::collections::BTreeSet;

use super::Operation;
use crate::contract::Contract;

/// The identities of doubtful keys, and keys that several of one delivery may be joined to.
pub(super) fn identities(operations: &[Operation], contract: &Contract) -> BTreeSet<String> {
    let is_open = |one: &&Operation| one.is_delivery() && !one.outcome.is_refusal() && contract.leaves_scope_open(&one.path);
    let open: BTreeSet<&str> = operations.iter().filter(is_open).map(|one| one.key.as_str()).collect();
    let of_open = operations.iter().filter(|one| open.contains(one.key.as_str())).map(|one| one.identity().to_owned());
    operations.iter().flat_map(|one| unlike_keys(one, contract)).chain(of_open).collect()
}

/// The keys of a delivery that bears several, unlike ones, and what they may be joined to: which of them counts, nobody can tell.
fn unlike_keys(one: &Operation, contract: &Contract) -> Vec<String> {
    let header = contract.key.header.as_deref().unwrap_or_default();
    let lines = one.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case(header));
    let lines: Vec<&str> = lines.map(|(_, value)| value.trim_matches('"')).collect();
    if lines.iter().all(|line| *line == lines[0]) {
        return Vec::new();
    }
    lines.iter().map(|line| (*line).to_owned()).chain([",", ", "].map(|between| lines.join(between))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{UnixMicros, iso};
    use crate::contract::reading::read_contract;
    use crate::history::{BodyBytes, judge};
    use crate::outcome::{Outcome, OutcomeSet};

    fn accepted(keys: &[&str]) -> Operation {
        let (answer, no_answer, refers_to, name, identity) = Default::default();
        let instant = iso::write(UnixMicros(0));
        let headers = keys.iter().map(|key| ("idempotency-key".to_owned(), (*key).to_owned())).collect();
        let key = keys.first().copied().unwrap_or_default().to_owned();
        let (sent_at, answered_at, outcome, body) = (instant.clone(), instant, OutcomeSet::only(Outcome::Accepted), BodyBytes::of(b""));
        let (method, path, scenario, took_us, moved_us, own_ttl, step) = Default::default();
        Operation {
            scenario,
            step,
            name,
            key,
            identity,
            sent_at,
            answered_at,
            took_us,
            own_delay_us: 0,
            goes_again: false,
            outcome,
            refers_to,
            moved_us,
            own_ttl,
            method,
            path,
            headers,
            body,
            answer,
            no_answer,
            stream: None,
        }
    }

    /// A key on two lines counts as one; of two keys on two lines nobody can tell which counts, or whether both together do.
    #[test]
    fn unlike_keys_of_one_delivery_are_left_out() {
        let text = crate::files::shipped_contract("orch-phase3").unwrap().text;
        let contract = read_contract("c", &text, &|_| None).unwrap();
        for (deliveries, violations) in [
            ([vec!["k", "k"], vec!["k"]], 1),
            ([vec!["k", "l"], vec!["k"]], 0),
            ([vec!["l", "k"], vec!["k"]], 0),
            ([vec!["k", "l"], vec!["k,l"]], 0),
            ([vec!["k"], vec!["k"]], 1),
        ] {
            let mut all: Vec<Operation> = deliveries.iter().map(|keys| accepted(keys)).collect();
            all.push(all[1].clone());
            let (judgement, _) = judge(&all, &contract, None).unwrap();
            assert_eq!(judgement.witnesses.len(), violations, "{deliveries:?}");
        }
    }

    /// Where keys count for a path, what another spelling of it took may be of that path or of one of its own.
    #[test]
    fn keys_taken_by_another_spelling_of_a_path_are_left_out() {
        let base = crate::files::shipped_contract("orch-phase3").unwrap().text;
        let scope = "{header: Idempotency-Key, scope: path}, endpoint: {path: /a, others: [/b]}";
        let own = format!("{{extends: orch-phase3, contract: c, title: t, suite: core, key: {scope}}}");
        let contract = read_contract("c", &own, &|_| Some(base.clone())).unwrap();
        let judged = |deliveries: [(&str, Outcome); 3]| {
            let of = |(path, outcome): (&str, Outcome)| Operation {
                path: path.to_owned(),
                identity: Some(format!("k {path}")),
                outcome: OutcomeSet::only(outcome),
                ..accepted(&["k"])
            };
            judge(&deliveries.map(of), &contract, None).unwrap().0.witnesses.len()
        };
        let (new, again) = (Outcome::Accepted, Outcome::Duplicate);
        assert_eq!(judged([("/a", new), ("/a", new), ("/a", again)]), 1);
        assert_eq!(judged([("/a", new), ("/b", new), ("/b?x=1", again)]), 1, "identities are told by their letters");
        assert_eq!(judged([("//a", new), ("/a", again), ("/a", again)]), 0);
        assert_eq!(judged([("//a", new), ("/a", new), ("/a", again)]), 0);
        assert_eq!(judged([("http://h/a", new), ("/a", new), ("/a", new)]), 1);
    }
}
