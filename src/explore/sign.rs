//! Signs: what is wrong with a receiver, as far as two findings show the same thing.
//!
//! In: a finding. Out: what of it stays while steps are taken away, and whether
//! another finding shows it, too. Nothing is played here.

use crate::outcome::mismatch::Kind;
use crate::report::Finding;

/// What is wrong, under whichever requirement: its kind, the name of the member or the table, and the status that came.
pub type What = (Kind, Option<String>, Option<u16>);

/// What is wrong, as far as it must stay the same while steps go.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Sign {
    /// The requirement that is broken.
    pub requirement: String,
    /// What kind of thing is wrong.
    pub kind: Kind,
    /// How the signature was spoiled.
    pub tamper: Option<String>,
    /// The table, the member, the column.
    pub name: Option<String>,
    /// The status that came.
    pub status: Option<u16>,
}

impl Sign {
    /// That of a finding.
    #[must_use]
    pub fn of(finding: &Finding) -> Self {
        let about = &finding.mismatch;
        Self {
            requirement: finding.requirement.clone(),
            kind: about.kind,
            tamper: about.tamper.clone(),
            name: about.name.clone().or_else(|| about.table.clone()),
            status: about.status,
        }
    }

    /// Whether it is about time alone, of which a busy machine takes its share: what was due did not come in time.
    ///
    /// * `in_time`: the requirement by which answers come in time.
    #[must_use]
    pub fn is_of_time(finding: &Finding, in_time: Option<&str>) -> bool {
        let about = &finding.mismatch;
        let waits = || about.role.as_deref() == Some("stuck") || matches!(about.table.as_deref(), Some("stuck" | "silence" | "held-back"));
        let is_answer = matches!(about.kind, Kind::Late | Kind::Silent) && Some(finding.requirement.as_str()) == in_time;
        is_answer || (about.kind == Kind::Stream && waits())
    }

    /// Whether a finding shows the same thing: which requirement it is filed under may hang on what came before.
    #[must_use]
    pub fn is_of(&self, finding: &Finding) -> bool {
        Self::of(finding).what() == self.what()
    }

    /// What it shows, under whichever requirement.
    #[must_use]
    pub fn what(&self) -> What {
        // Whoever takes a forgery takes it with a used key, too.
        let plain = if self.kind == Kind::RefusalToldAsDuplicate { Kind::RefusalTaken } else { self.kind };
        (plain, self.name.clone(), self.status)
    }
}
