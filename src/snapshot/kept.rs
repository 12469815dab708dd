//! Snapshots as a report folder keeps them: what was taken, beside what had been reviewed.
//!
//! Values in, values out; the file is `snapshots.json`. With it two folders tell
//! what became of answers and rows, and a report's counts can be made again.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Snapshot, difference};
use crate::secret::{Foreign, Redactor};

/// The name of the file.
pub const FILE: &str = "snapshots.json";
/// The version of its form.
pub const SCHEMA: &str = "hookgate.snapshots/1";

/// Every snapshot that a run has taken.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Kept {
    /// Always [`SCHEMA`].
    pub schema: String,
    /// Whether they were compared with reviewed ones.
    #[serde(default)]
    pub compared: bool,
    /// By name.
    pub snapshots: BTreeMap<String, One>,
}

/// Names are ours; of texts the one that was reviewed may be anything.
impl Foreign for Kept {
    fn hide(&mut self, redactor: &Redactor) {
        for one in self.snapshots.values_mut() {
            one.taken.hide(redactor);
            one.reviewed.hide(redactor);
        }
    }
}

/// One snapshot.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct One {
    /// What the run has taken.
    pub taken: String,
    /// What had been reviewed, when it was another text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reviewed: Option<String>,
    /// Nothing had been reviewed under this name.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_new: bool,
}

/// What comparing them with what was reviewed came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Compared {
    /// How many are as they were.
    pub matched: usize,
    /// Those that nobody has reviewed.
    pub new: Vec<String>,
    /// Those that differ: the name, and below it the lines that changed.
    pub changed: Vec<String>,
}

impl Kept {
    /// What a run has taken, compared with nothing.
    #[must_use]
    pub fn of(taken: impl IntoIterator<Item = Snapshot>) -> Self {
        let one = |snapshot: Snapshot| (snapshot.name, One { taken: snapshot.contents, ..One::default() });
        Self { schema: SCHEMA.to_owned(), compared: false, snapshots: taken.into_iter().map(one).collect() }
    }

    /// Sets what was reviewed beside one that was taken.
    pub fn set_beside(&mut self, name: &str, reviewed: Option<&str>) {
        self.compared = true;
        if let Some(one) = self.snapshots.get_mut(name) {
            one.is_new = reviewed.is_none();
            one.reviewed = reviewed.filter(|text| *text != one.taken).map(str::to_owned);
        }
    }

    /// What the comparison comes to; nothing where there was none.
    #[must_use]
    pub fn compared(&self) -> Compared {
        let mut compared = Compared::default();
        if !self.compared {
            return compared;
        }
        for (name, one) in &self.snapshots {
            match &one.reviewed {
                _ if one.is_new => compared.new.push(name.clone()),
                Some(was) => compared.changed.push(format!("{name}\n{}", difference(was, &one.taken))),
                None => compared.matched += 1,
            }
        }
        compared
    }

    /// What it says that cannot be.
    #[must_use]
    pub fn diagnostics(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        if self.schema != SCHEMA {
            wrong.push(format!("the snapshots have another form, `{}`", self.schema));
        }
        for (name, one) in &self.snapshots {
            if one.reviewed.as_deref() == Some(one.taken.as_str()) || (one.is_new && one.reviewed.is_some()) {
                wrong.push(format!("the snapshot {name} is said to differ from what was reviewed, and does not"));
            }
        }
        wrong
    }

    /// Texts by name, without the contract that begins each name.
    #[must_use]
    pub fn texts(&self) -> BTreeMap<String, String> {
        let plain = |name: &str| name.split_once('/').map_or(name, |(_, rest)| rest).to_owned();
        self.snapshots.iter().map(|(name, one)| (plain(name), one.taken.clone())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_reviewed_decides() {
        let snapshot =
            |name: &str, contents: &str| Snapshot { name: name.to_owned(), contents: contents.to_owned(), ..Snapshot::default() };
        let mut kept = Kept::of([snapshot("c/same", "202\n"), snapshot("c/other", "202\n"), snapshot("c/new", "202\n")]);
        assert_eq!(kept.compared(), Compared::default());
        kept.set_beside("c/same", Some("202\n"));
        kept.set_beside("c/other", Some("409\n"));
        kept.set_beside("c/new", None);
        let compared = kept.compared();
        assert_eq!((compared.matched, compared.new.as_slice(), compared.changed.len()), (1, &["c/new".to_owned()][..], 1));
        assert_eq!(kept.texts().keys().map(String::as_str).collect::<Vec<_>>(), ["new", "other", "same"]);
        assert!(kept.diagnostics().is_empty());
        if let Some(one) = kept.snapshots.get_mut("c/other") {
            one.taken = "409\n".to_owned();
        }
        assert_eq!(kept.diagnostics().len(), 1);
    }
}
