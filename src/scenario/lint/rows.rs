//! What a schema cannot say of looks at the database.

use super::{DELIVERIES, Lint, Named};
use crate::scenario::expect::{EffectsCheck, Grown, RowCheck, StateCheck};

impl Lint<'_> {
    pub(super) fn state(&mut self, path: &str, state: &StateCheck) {
        self.tables_needed(path, state);
        for (member, rows) in [("keys", &state.keys), ("audit", &state.audit)] {
            for (at, row) in rows.iter().enumerate() {
                self.row(&format!("{path}.{member}[{at}]"), row);
            }
        }
        if let Some(grown) = &state.grown {
            self.refers(format!("{path}.grown.since"), &grown.since, &[Named::Look]);
        }
        if let Some(unchanged) = &state.unchanged {
            self.refers(format!("{path}.unchanged.since"), &unchanged.since, &[Named::Look]);
            self.rows_of(&format!("{path}.unchanged.rows_for"), &unchanged.rows_for);
        }
        self.rows_of(&format!("{path}.instants_never_go_back"), &state.instants_never_go_back);
    }

    /// A scenario says that it needs a database, or which of its tables.
    fn tables_needed(&mut self, path: &str, state: &StateCheck) {
        if self.says_it_needs("state") {
            return;
        }
        let grown = |member: fn(&Grown) -> Option<i64>| state.grown.as_ref().is_some_and(|grown| member(grown).is_some());
        let counts_keys = !state.keys.is_empty() || grown(|grown| grown.keys);
        let counts_audit = !state.audit.is_empty() || grown(|grown| grown.audit);
        let [rows, has_keys, has_audit] = ["rows", "keys", "audit"].map(|word| self.says_it_needs(word));
        if !rows && !has_keys && !has_audit {
            self.need("state", "looks at the database", path);
            return;
        }
        // Where rows of both tables are counted, those of the one that is there are.
        let of_both = state.every_key_has_evidence;
        let keys = state.every_life_can_be_told || of_both || (counts_keys && !(rows || (counts_audit && has_audit)));
        let audit = !state.instants_never_go_back.is_empty() || of_both || (counts_audit && !(rows || (counts_keys && has_keys)));
        if keys {
            self.need("keys", "looks at key rows", path);
        }
        if audit {
            self.need("audit", "looks at audit rows", path);
        }
    }

    pub(super) fn effects(&mut self, path: &str, check: &EffectsCheck) {
        self.need("effects", "counts effects", path);
        if check.of.is_empty() {
            self.say_if_whole(path, "this does not say whose effects are counted", Some("name deliveries with `of`".to_owned()));
        }
        self.rows_of(&format!("{path}.of"), &check.of);
        if check.each.is_some() && check.at_most.is_some() {
            self.say_at_key(format!("{path}.at_most"), "`each` says how many there are", Some("leave one of them out".to_owned()));
        }
    }

    fn row(&mut self, path: &str, row: &RowCheck) {
        if row.rows_for.is_empty() {
            self.say_if_whole(path, "this does not say whose rows are meant", Some("name the delivery with `rows_for`".to_owned()));
        } else {
            self.refers(format!("{path}.rows_for"), &row.rows_for, DELIVERIES);
        }
        let held = row.holds.iter().flat_map(|holds| [("key", &holds.key), ("sha256", &holds.sha256)]);
        for (role, name) in held.filter_map(|(role, name)| Some((role, name.as_ref()?))) {
            self.refers(format!("{path}.holds.{role}"), name, DELIVERIES);
        }
        for (member, name) in [("referred_to_by", &row.referred_to_by), ("written_at", &row.written_at)] {
            if let Some(name) = name {
                self.refers(format!("{path}.{member}"), name, DELIVERIES);
            }
        }
        for (column, value) in &row.columns {
            if let Some(text) = value.as_str() {
                self.refers_in(&format!("{path}.columns.{column}"), text);
            }
        }
    }

    pub(super) fn rows_of(&mut self, path: &str, names: &[String]) {
        for (at, name) in names.iter().enumerate() {
            self.refers(format!("{path}[{at}]"), name, DELIVERIES);
        }
    }
}
