//! Narrower forms: signatures that hold, and cover less than a scheme's message.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Scheme, SignatureHeader};
use crate::template::Template;

/// A form of a scheme that covers less: all else is the scheme's.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NarrowerForm {
    /// What is signed.
    pub message: Template,
    /// The header lines that stand in place of the scheme's.
    pub headers: Vec<SignatureHeader>,
}

impl NarrowerForm {
    /// The scheme, covering less.
    #[must_use]
    pub fn of(&self, scheme: &Scheme) -> Scheme {
        let (message, headers) = (self.message.clone(), self.headers.clone());
        Scheme { message, headers, narrower: Vec::new(), ..scheme.clone() }
    }
}
