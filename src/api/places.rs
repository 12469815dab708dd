//! Places of evidence: what of a contract can be seen there.

use std::sync::Arc;

use crate::contract::Contract;
use crate::contract::tables::StateTables;
use crate::evidence::Choice;
use crate::evidence::place::Place;

/// The contract as far as a place can show it: Redis keeps keys, and no audit rows.
pub(crate) fn as_seen(contract: &Arc<Contract>, choice: &Choice) -> Arc<Contract> {
    let is_redis = choice.db.as_deref().and_then(|db| Place::read(db).ok()).is_some_and(|place| matches!(place, Place::Redis(_)));
    match &contract.state {
        Some(state) if is_redis && state.audit.is_some() => {
            let state = state.keys.clone().map(|keys| StateTables { keys: Some(keys), audit: None });
            Arc::new(Contract { state, ..Contract::clone(contract) })
        }
        Some(_) | None => Arc::clone(contract),
    }
}
