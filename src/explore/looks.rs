//! Looks of a sequence: rows, tables and pages, as a right receiver has them by then.

use std::collections::BTreeMap;
use std::time::Duration;

use super::generator::Sequence;
use super::keys::{Since, Standing};
use super::letters::{Form, Look};
use crate::clock::span::Span;
use crate::scenario::Step;
use crate::scenario::deliver::{Asked, Deliver, Get};
use crate::scenario::expect::{AnswerCheck, Grown, HeldCells, RowCheck, StateCheck, TableName, Unchanged};
use crate::sign::tamper::Tamper;

impl Sequence<'_> {
    /// Whether there is something to look at.
    pub(super) fn can_look(&self, form: &Form, key: Option<usize>, standing: Standing) -> bool {
        let Form::Look(look) = form else { return false };
        let contract = self.generator.contract;
        let known = key.and_then(|at| self.keys.get(at)).filter(|key| key.is_plain && contract.can("one-per-key"));
        let is_live = standing == Standing::Live && known.is_some_and(|key| key.since == Since::Delivered);
        match look {
            Look::Rows => known.is_some() && matches!(standing, Standing::Live | Standing::Refused),
            Look::Held | Look::Promised | Look::Unchanged => is_live,
            Look::Referred => is_live && known.is_some_and(|key| key.duplicate.is_some()),
            Look::Page => is_live,
            Look::Order => self.accepted.len() > 2,
            Look::Gone => known.is_some() && standing == Standing::Expired,
            Look::Schema => true,
            Look::Whole => !self.keys.is_empty(),
        }
    }

    /// The step of a look.
    pub(super) fn look(&mut self, shows: &[String], look: Look, key: Option<usize>, standing: Standing) {
        let contract = self.generator.contract;
        let (has_keys, has_audit) = (contract.can("keys"), contract.can("audit"));
        let known = key.and_then(|at| self.keys.get(at)).cloned();
        let name = known.as_ref().map_or_else(String::new, |key| key.brought_by.clone());
        let row = |count: usize| RowCheck { rows_for: name.clone(), count: Some(count), ..RowCheck::default() };
        let only = |there: bool, row: RowCheck| if there { vec![row] } else { Vec::new() };
        let acceptances = known.as_ref().map_or(0, |key| key.acceptances);
        let check = match (look, &known) {
            (Look::Rows, Some(_)) => {
                let live = usize::from(standing == Standing::Live);
                StateCheck { keys: only(has_keys, row(live)), audit: only(has_audit, row(acceptances)), ..StateCheck::default() }
            }
            (Look::Held, Some(key)) => {
                let own = key.life != self.generator.ttl;
                let life = if own { key.life.map(serde_json::Value::from) } else { Some(serde_json::Value::from("ttl")) };
                let ttl = life.filter(|_| contract.can("key-ttl") && contract.can("ttl"));
                let held = HeldCells { ttl, ..HeldCells::default() };
                // Where lives are moved back, the instants of key rows are.
                let written_at = Some(key.last.clone()).filter(|_| key.born == self.now.at);
                let keys = RowCheck { holds: Some(held), written_at, ..row(1) };
                let sha256 = Some(key.last.clone()).filter(|_| contract.can("audit-hash") && acceptances == 1);
                let held = HeldCells { sha256, key: Some(name.clone()).filter(|_| contract.can("audit-key")), ttl: None };
                let audit = RowCheck { holds: Some(held), written_at: Some(key.last.clone()), ..row(acceptances) };
                StateCheck { keys: only(has_keys && contract.can("key-ttl"), keys), audit: only(has_audit, audit), ..StateCheck::default() }
            }
            (Look::Promised, Some(_)) => {
                let promised = |count| RowCheck { as_promised: true, ..row(count) };
                let known = |feature: &str| self.generator.promises.know(feature);
                StateCheck {
                    keys: only(has_keys && known("keys:as_promised") && acceptances == 1, promised(1)),
                    audit: only(has_audit && known("audit:as_promised") && acceptances == 1, promised(1)),
                    ..StateCheck::default()
                }
            }
            (Look::Referred, Some(key)) => {
                let (referred_to_by, written_at) = (key.duplicate.clone(), Some(key.last.clone()));
                let audit = RowCheck { referred_to_by, written_at, ..row(acceptances) };
                StateCheck { audit: only(has_audit, audit), ..StateCheck::default() }
            }
            (Look::Order, _) => {
                let last = self.accepted.iter().skip(self.accepted.len().saturating_sub(4)).cloned().collect();
                StateCheck { instants_never_go_back: last, ..StateCheck::default() }
            }
            (Look::Gone, Some(_)) => {
                let plain = self.generator.promises.shows(&["accepted"]);
                self.honest(&plain, &Deliver::default(), None, Standing::Unknown);
                let within = Some(Span(Duration::from_secs(61)));
                // Where nothing is cleaned up at once, time is given: how old the others are by then nobody knows.
                self.keys.clear();
                StateCheck { keys: only(has_keys, row(0)), audit: only(has_audit, row(acceptances)), within, ..StateCheck::default() }
            }
            (Look::Schema, _) => {
                let tables = [(has_keys, TableName::Keys), (has_audit, TableName::Audit)];
                StateCheck {
                    schema: tables.into_iter().filter(|(there, _)| *there).map(|(_, table)| table).collect(),
                    ..StateCheck::default()
                }
            }
            (Look::Whole, _) => {
                let known = |feature: &str| self.generator.promises.know(feature);
                StateCheck {
                    every_key_has_evidence: has_keys && has_audit && known("state:every_key_has_evidence"),
                    every_life_can_be_told: has_keys && known("state:every_life_can_be_told"),
                    ..StateCheck::default()
                }
            }
            (Look::Page, Some(key)) => {
                let answer = AnswerCheck { status: vec![200], json: true, shows_rows_of: vec![key.last.clone()], ..AnswerCheck::default() };
                let get = Get { what: Asked::Audit, method: None, within: None };
                return self.push(shows, Step { get: Some(get), answer: Some(answer), ..Step::default() });
            }
            (Look::Unchanged, Some(_)) => return self.unchanged(shows, key),
            (Look::Rows | Look::Held | Look::Promised | Look::Referred | Look::Page | Look::Unchanged | Look::Gone, None) => return,
        };
        if serde_json::to_value(&check).ok() != serde_json::to_value(StateCheck::default()).ok() {
            self.push(shows, Step { state: Some(check), ..Step::default() });
        }
    }

    /// A look, a repetition or a forgery, and a look that shows no change.
    fn unchanged(&mut self, shows: &[String], key: Option<usize>) {
        let Some(known) = key.and_then(|at| self.keys.get(at)).cloned() else { return };
        let before = self.look_name();
        self.push(shows, Step { state: Some(StateCheck { name: Some(before.clone()), ..StateCheck::default() }), ..Step::default() });
        let signed = self.generator.promises.get("signature:wrong-secret").and_then(|promise| promise.expect.clone());
        match (self.rng.below(3), signed) {
            (0, Some(expect)) => {
                let forged = Deliver { signature: Some(Tamper::WrongSecret), ..Deliver::default() };
                self.refused(shows, &forged, &expect, key, Standing::Live);
            }
            (1, _) if self.generator.promises.know("reuse_of") && known.since == Since::Delivered => {
                let other = Deliver { raw: Some(super::spellings::OTHER.to_owned()), ..Deliver::default() };
                self.other_body(shows, &other, key);
            }
            (_, _) => self.honest(shows, &Deliver::default(), key, Standing::Live),
        }
        let contract = self.generator.contract;
        let grown = Grown { since: before.clone(), keys: contract.can("keys").then_some(0), audit: contract.can("audit").then_some(0) };
        let unchanged = Unchanged { since: before, rows_for: vec![known.brought_by] };
        let state = StateCheck { grown: Some(grown), unchanged: Some(unchanged), ..StateCheck::default() };
        self.push(shows, Step { state: Some(state), ..Step::default() });
    }

    /// One row of each kind for every key of a burst.
    pub(super) fn rows_of_burst(&mut self, name: &str) {
        let contract = self.generator.contract;
        let shows = self.generator.promises.shows(&["audit:count", "keys:count"]);
        if shows.is_empty() || !contract.can("one-per-key") || !(contract.can("keys") || contract.can("audit")) {
            return;
        }
        let rows = |there: bool| {
            let row = RowCheck { rows_for: name.to_owned(), count: Some(1), columns: BTreeMap::new(), ..RowCheck::default() };
            if there { vec![row] } else { Vec::new() }
        };
        let check = StateCheck { keys: rows(contract.can("keys")), audit: rows(contract.can("audit")), ..StateCheck::default() };
        self.push(&shows, Step { state: Some(check), ..Step::default() });
    }
}
