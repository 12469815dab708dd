//! `--require`: which requirements must have been judged, looked at before anything is sent.

use super::Failure;
use super::load_suite::Suite;
use super::run::wrong_flags;
use crate::api::options::check_names_are_known;

/// Sees that each pattern means a requirement.
pub(crate) fn known(patterns: &[String], suite: &Suite) -> Result<(), Failure> {
    check_names_are_known(patterns, suite).map_err(|wrong| wrong_flags(&wrong))
}
