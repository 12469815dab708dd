//! Questions: the path under which a contract has what a step asks for.

use super::super::live::Live;
use crate::scenario::deliver::Asked;

/// How many audit rows are asked for over HTTP.
const AUDIT_ROWS: usize = 500;

impl Live<'_> {
    /// The path of what is asked.
    ///
    /// # Errors
    /// Why the contract has none, as a sentence.
    pub(in crate::run) fn path_of(&self, what: &Asked) -> Result<String, String> {
        let contract = &self.context.contract;
        match what {
            Asked::Health => {
                contract.health.as_ref().map(|one| one.path.clone()).ok_or_else(|| "the contract names no health page".to_owned())
            }
            Asked::Endpoint => Ok(contract.endpoint.addressed(&contract.endpoint.path)),
            Asked::Path(path) => Ok(path.clone()),
            Asked::Metrics => {
                contract.metrics.as_ref().map(|one| one.path.clone()).ok_or_else(|| "the contract names no counters".to_owned())
            }
            Asked::Audit => {
                let url = contract.audit_url.as_ref().ok_or("the contract names no URL of the audit trail")?;
                let only = contract.state.as_ref().and_then(|tables| tables.audit.as_ref()?.only.as_ref());
                let event = only.map_or_else(String::new, |only| format!("&{}={}", url.event, only.is));
                Ok(format!("{}?{}={AUDIT_ROWS}{event}", url.path, url.limit))
            }
        }
    }
}
