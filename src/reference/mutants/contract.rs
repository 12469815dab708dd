//! The contract as a receiver with a defect has read it.

use std::sync::Arc;

use crate::contract::key::{KeyForm, KeyScope};
use crate::contract::{AfterFailure, Contract, Fingerprint, OtherBody, Refusals};
use crate::reference::defect::Defect;

/// The contract that a receiver with a defect keeps, where it is the contract itself that it has wrong.
#[must_use]
pub fn misread_contract(contract: &Arc<Contract>, defect: Defect) -> Arc<Contract> {
    let mut read = Contract::clone(contract);
    let outcomes = &mut read.outcomes;
    if defect.name == "duplicate-answered-as-accepted" {
        outcomes.duplicate = Some(outcomes.accepted.clone());
    }
    match defect.name {
        "other-body-is-a-duplicate" | "key-alone-identifies" => read.other_body = OtherBody::Duplicate,
        "other-body-is-accepted" => read.other_body = OtherBody::New,
        "spelling-makes-another-body" => read.fingerprint = Some(Fingerprint::Raw),
        "spelling-makes-no-other-body" => read.fingerprint = Some(Fingerprint::Json),
        "failure-is-given-again" => fails(&mut read, AfterFailure::Replayed),
        "failure-is-forgotten" => fails(&mut read, AfterFailure::Retried),
        "kept-refusal-is-forgotten" => read.refusals = Refusals::Forgotten,
        "key-counts-on-every-path" | "key-counts-for-every-caller" => read.key.scope = Some(KeyScope::Receiver),
        "bare-key-passes" => read.key.form = KeyForm::Either,
        "query-makes-no-scope" => read.key.scope = Some(KeyScope::Path),
        "query-makes-a-scope" => read.key.scope = Some(KeyScope::PathAndQuery),
        _ => {}
    }
    if let Some(tables) = &mut read.state {
        for column in tables.keys.iter_mut().flat_map(|table| &mut table.columns) {
            match defect.name {
                "ttl-without-default" => column.default = None,
                "ttl-column-is-text" if column.holds_only("ttl") => "TEXT".clone_into(&mut column.kind),
                "keys-without-primary-key" => column.primary_key = 0,
                _ => {}
            }
        }
        if let Some(table) = &mut tables.audit {
            match defect.name {
                "audit-without-primary-key" => table.columns.iter_mut().for_each(|column| column.primary_key = 0),
                // One that holds nothing: what its absence breaks is the schema alone.
                "column-missing" => table.columns.retain(|column| column.holds.is_some() || column.free),
                _ => {}
            }
        }
    }
    Arc::new(read)
}

fn fails(contract: &mut Contract, then: AfterFailure) {
    contract.failures.iter_mut().for_each(|failures| failures.then = then);
}
