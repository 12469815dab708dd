//! `--require`: which requirements must have been judged, looked at before anything is sent.

use super::Failure;
use super::load_suite::{Suite, nearest};
use crate::report::required::is_asked;

/// Sees that each pattern means a requirement.
pub(crate) fn known(patterns: &[String], suite: &Suite) -> Result<(), Failure> {
    let ids = || suite.catalogue.requirements.iter().map(|one| one.id.as_str());
    let unknown = patterns.iter().map(|pattern| pattern.trim()).find(|pattern| !ids().any(|id| is_asked(pattern, id)));
    match unknown {
        None => Ok(()),
        Some(pattern) => {
            let hint = nearest(pattern, ids()).map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
            Err(Failure::usage(format!("--require {pattern}: no requirement fits{hint} (`hookgate coverage` lists them)")))
        }
    }
}
