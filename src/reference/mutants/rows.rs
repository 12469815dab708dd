//! What defects write otherwise: the rows of an acceptance.

use super::{FEW_KEYS, Mutant, reserialised};
use crate::clock::iso;
use crate::contract::tables::Table;
use crate::reference::hooks::Around;
use crate::reference::store::{Acceptance, First};
use crate::sign::sha256_hex;
use crate::state::Cell;

impl Mutant {
    /// Changes the rows that are about to be written.
    pub(super) fn writes_otherwise(&mut self, acceptance: &mut Acceptance, around: Around<'_>) {
        self.accepted_beside(around);
        self.recent.push_back(around.key.to_owned());
        if self.recent.len() > FEW_KEYS {
            self.recent.pop_front();
        }
        let (sha256, fingerprint) = (acceptance.sha256.clone(), acceptance.fingerprint.clone());
        let first = First { ts: acceptance.key.ts, sha256, fingerprint, answer: None };
        let renewed = self.oldest.contains_key(around.key);
        let oldest = self.oldest.entry(around.key.to_owned()).or_insert(first).clone();
        let tables = self.tables.clone();
        let (keys, audit) = tables.as_ref().map_or((None, None), |tables| (tables.keys.as_ref(), tables.audit.as_ref()));
        let held = |table: Option<&Table>, what: &str| table?.column_holding(what).map(|column| column.name.clone());
        if renewed && self.is("renewed-key-keeps-old-time") {
            put(&mut acceptance.key_row.columns, keys.and_then(Table::instant), Cell::Text(iso::write(oldest.ts)));
        }
        if self.is("ttl-not-stored") || self.odd_ttl {
            put(&mut acceptance.key_row.columns, held(keys, "ttl").as_deref(), Cell::Null);
        }
        let body = &around.delivery.body;
        let (hash, key) = (held(audit, "sha256"), held(audit, "key"));
        // Columns that have no role are known by their names in the one family that has them.
        let wrong: Option<(Option<&str>, Cell)> = [
            ("audit-names-other-actor", Some("actor"), Cell::Text("system".to_owned())),
            ("audit-names-other-role", Some("role"), Cell::Text("INTERNAL".to_owned())),
            ("audit-names-other-event", Some("event"), Cell::Text("callback".to_owned())),
            ("audit-with-approval", Some("appr_id"), Cell::Text("auto".to_owned())),
            ("audit-without-task", Some("task_id"), Cell::Null),
            ("audit-hash-in-upper-case", hash.as_deref(), Cell::Text(sha256_hex(body).to_uppercase())),
            ("audit-hash-of-reserialised-json", hash.as_deref(), Cell::Text(sha256_hex(&reserialised(body)))),
            ("audit-hash-of-nothing", hash.as_deref(), Cell::Text(sha256_hex(b""))),
            ("audit-without-key", key.as_deref(), Cell::Null),
            ("audit-key-altered", key.as_deref(), Cell::Text(around.key.to_uppercase())),
        ]
        .into_iter()
        .find(|(name, _, _)| self.is(name))
        .map(|(_, column, cell)| (column, cell));
        if let Some((column, cell)) = wrong {
            put(&mut acceptance.audit_row.columns, column, cell);
        }
    }
}

fn put(columns: &mut [(String, Cell)], column: Option<&str>, cell: Cell) {
    if let Some((_, place)) = columns.iter_mut().find(|(name, _)| Some(name.as_str()) == column) {
        *place = cell;
    }
}
