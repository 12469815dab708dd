//! What a cause explains, one example of it, and the exception that its findings have in common.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Found;

/// What a cause explains.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Explained {
    /// How many findings.
    pub findings: usize,
    /// How many there are in all.
    pub of: usize,
    /// The scenarios that have them.
    pub scenarios: Vec<String>,
    /// The requirements that are broken by it, or could not be judged because of it.
    pub requirements: Vec<String>,
}

/// One finding of a cause, ready to be tried again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Example {
    /// The scenario.
    pub scenario: String,
    /// The step, from 1.
    pub step: usize,
    /// What was due.
    pub expected: String,
    /// What the reference answered.
    pub reference: String,
    /// What came.
    pub observed: String,
    /// The command that sends the same delivery again.
    pub curl: String,
    /// The command that runs the scenario again.
    pub again: String,
    /// What the target wrote meanwhile.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub output: Vec<String>,
    /// Whether other deliveries were under way meanwhile.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub output_shared: bool,
}

/// The exception that all of some findings have.
pub(super) fn common(group: &[Found<'_>]) -> Option<String> {
    let first = group.first()?.1.exception.as_ref()?;
    group.iter().all(|(_, one)| one.exception.as_ref() == Some(first)).then(|| first.clone())
}
