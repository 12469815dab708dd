//! Requirements: the catalogue of what a suite's receivers promise, as data.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::contract::Level;

/// `requirements.yaml` of a suite.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Catalogue {
    /// The suite: the name of the folder it stands in.
    pub suite: String,
    /// The body file of deliveries that do not say which.
    pub ordinary_body: String,
    /// Words that scenarios may name under `needs`, each with what it means.
    pub capabilities: BTreeMap<String, String>,
    /// Topics by the letters that requirement ids begin with.
    pub topics: BTreeMap<String, String>,
    /// Requirements that every delivery of every scenario is held to.
    #[serde(default)]
    pub always: Always,
    /// Every requirement, in the order of reports.
    pub requirements: Vec<Requirement>,
}

/// Requirements that are watched all the time, whatever a scenario is about.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Always {
    /// Every delivery is answered within the contract's limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answers_in_time: Option<String>,
    /// An honestly signed delivery is accepted: without it, nothing else can be judged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub honest_is_accepted: Option<String>,
    /// For every key, some order of events explains all that was answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub some_order_explains: Option<String>,
    /// Every acceptance that was answered has its audit row.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acceptances_are_audited: Option<String>,
    /// Every key row has its audit row, and every acceptance one of each.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keys_have_evidence: Option<String>,
    /// A delivery that was refused leaves nothing behind.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refusals_leave_no_trace: Option<String>,
    /// Every cell of an audit row is as the contract says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rows_are_as_promised: Option<String>,
    /// The hash in an audit row is that of the body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hashes_are_of_the_body: Option<String>,
    /// No audit row says that it came before one that was there already.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instants_never_go_back: Option<String>,
    /// A refusal writes no audit row.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refusals_are_not_audited: Option<String>,
    /// The audit trail over HTTP shows the rows that were written last; held against it after a load.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub page_shows_the_rows: Option<String>,
    /// The receiver answers its health check before and after every scenario.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lives: Option<String>,
}

/// One requirement.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Requirement {
    /// Its name: `DUP-2`.
    pub id: String,
    /// How much it weighs: `must` or `should`.
    pub level: Level,
    /// What is required, as a sentence.
    pub sentence: String,
    /// Where it comes from.
    pub source: String,
    /// Why no scenario shows it, when none does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub excluded: Option<String>,
}

impl Catalogue {
    /// The requirement called `id`.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&Requirement> {
        self.requirements.iter().find(|one| one.id == id)
    }

    /// The topic of a requirement: the letters before its dash, in words.
    #[must_use]
    pub fn topic_of(&self, id: &str) -> String {
        let letters = id.split('-').next().unwrap_or(id);
        self.topics.get(letters).cloned().unwrap_or_else(|| letters.to_owned())
    }
}
