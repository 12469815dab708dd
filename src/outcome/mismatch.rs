//! Mismatches: what kind of thing is not as promised, as codes and not as text.
//!
//! A judge finds that an answer or a row is wrong; what is wrong with it, on
//! what kind of delivery, and what came instead is told here in words of a
//! closed catalogue. Reports group findings by them (`report::causes`), and a
//! suite's catalogue says which requirement speaks of which ([`MismatchCode::codes`]).
//! Sentences are made of them last, in the reader's language.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::contract::outcome::Refusal;

/// What kind of thing is not as promised.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// An honest delivery that was to be accepted was turned away.
    HonestRefused,
    /// An honest delivery that was to be accepted got a failure.
    HonestFailed,
    /// It was taken, but the answer is not that of an acceptance.
    AcceptedOtherwise,
    /// A delivery that was to be new was told as a duplicate.
    NewToldAsDuplicate,
    /// A delivery that was to be a duplicate was accepted as new.
    RepeatTakenAsNew,
    /// A delivery that was to be a duplicate was turned away.
    RepeatRefused,
    /// A delivery that was to be a duplicate got a failure.
    RepeatFailed,
    /// A duplicate's answer is not that of a duplicate.
    DuplicateOtherwise,
    /// A delivery that was to be refused was taken.
    RefusalTaken,
    /// A delivery that was to be refused got the answer of a duplicate of the one whose key it bears.
    RefusalToldAsDuplicate,
    /// It was refused, but not as the contract says.
    RefusedOtherwise,
    /// A delivery that was to be refused got a failure.
    RefusalFailed,
    /// A delivery that could be accepted or refused got a failure.
    OddFailed,
    /// A delivery that could be accepted or refused got neither.
    OddOtherwise,
    /// A delivery was told that its key is under way, although no other was.
    StillInFlight,
    /// A provoked failure did not come.
    NoFailure,
    /// Answers do not say that they are what they are.
    MediaType,
    /// A header of an answer.
    Header,
    /// A body that is no JSON.
    NoJson,
    /// A member of an answer's body.
    Member,
    /// An answer's whole body.
    Body,
    /// An answer reveals the secret, or the signature that it expected.
    SecretTold,
    /// A refusal tells something of the first delivery.
    FirstTold,
    /// Duplicates refer to several deliveries.
    References,
    /// Rows are missing.
    RowMissing,
    /// There are more rows than there should be.
    RowSurplus,
    /// Work that an answer says was done was not.
    EffectMissing,
    /// Work was done more often than once.
    EffectSurplus,
    /// Work was done for what was refused.
    EffectUndue,
    /// A cell of a row.
    Cell,
    /// Rows that were to stay as they were.
    RowsChanged,
    /// A table's declaration.
    Schema,
    /// A key row without its audit row.
    NoEvidence,
    /// A key row whose life cannot be told.
    NoLife,
    /// Instants of rows go back.
    InstantsGoBack,
    /// A page does not show the rows.
    Page,
    /// A counter did not rise.
    Counter,
    /// An answer came too late.
    Late,
    /// No answer came.
    Silent,
    /// The health check.
    Unwell,
    /// A part of an event stream; which, `table` says.
    Stream,
    /// A history that no order of events explains.
    Unexplained,
    /// Anything else.
    #[default]
    Other,
}

impl Kind {
    /// Its name, as in `report.json` and `requirements.yaml`.
    #[must_use]
    pub fn name(self) -> String {
        serde_json::to_value(self).ok().and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_default()
    }
}

/// Under which circumstances: what tells a delivery from the plainest one of its kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum When {
    /// After the receiver was started again.
    Restarted,
    /// Several at once.
    AtOnce,
    /// Another of its key is under way, and the contract says what is told then.
    UnderWay,
    /// Time has passed, and meanwhile its key came again, or was turned away: that may have given it a longer life.
    Prolonged,
    /// Time has passed.
    Aged,
    /// Its key came with another body before.
    OtherBody,
    /// Its key was refused before.
    AfterRefusal,
    /// It was signed anew, at another time than the first of its key.
    Resigned,
    /// Its key is an unusual one.
    OddKey,
    /// Its body is an unusual one.
    OddBody,
    /// It came in an unusual way: another method, path, framing, header, or over a broken network.
    OddWay,
    /// While a client of an event stream does not read.
    SlowReader,
    /// After many others, or after something else.
    #[default]
    Later,
}

impl When {
    /// Its name in codes.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Restarted => "restarted",
            Self::AtOnce => "at-once",
            Self::UnderWay => "under-way",
            Self::Prolonged => "prolonged",
            Self::Aged => "aged",
            Self::OtherBody => "other-body",
            Self::AfterRefusal => "after-refusal",
            Self::Resigned => "resigned",
            Self::OddKey => "odd-key",
            Self::OddBody => "odd-body",
            Self::OddWay => "odd-way",
            Self::SlowReader => "slow-reader",
            Self::Later => "later",
        }
    }
}

/// What is not as promised, in codes.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct MismatchCode {
    /// What kind of thing it is.
    pub kind: Kind,
    /// Why the delivery was to be refused, where it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<Refusal>,
    /// How its signature was spoiled, where it was; of an honest delivery that was refused, in which unusual way it was signed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tamper: Option<String>,
    /// The table, `keys` or `audit`; of an event stream, the part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<String>,
    /// The header, the member, the column; `again` of a failure that came, and is not given again; `duplicate` or `either` of
    /// what came where another body was to be refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What the column holds, where that is one value of the delivery: `key`, `sha256`, `ts`, `ttl`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// The statuses that were due, as the contract says them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<String>,
    /// The status that came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Under which circumstances; nothing where it was the plainest delivery of its kind.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub when: Vec<When>,
    /// The requirements that speak of it where nothing is special, the more general ones last; others cannot be judged while those
    /// are broken.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub under: Vec<String>,
    /// Whether it is one of the failures that come and go, whatever is delivered.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub now_and_then: bool,
    /// The requirement that speaks of the answers of acceptances, of a new delivery that was told as a duplicate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by_form: Option<String>,
    /// Whether no delivery of the run was answered with the status that was due: then it is the answer that is another.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub never_as_due: bool,
}

impl MismatchCode {
    /// A mismatch of a kind, and nothing more known of it.
    #[must_use]
    pub fn of(kind: Kind) -> Self {
        Self { kind, ..Self::default() }
    }

    /// One of a table.
    #[must_use]
    pub fn of_table(kind: Kind, table: &str) -> Self {
        Self { kind, table: Some(table.to_owned()), ..Self::default() }
    }

    /// One of something that has a name: a header, a member.
    #[must_use]
    pub fn named(kind: Kind, name: &str) -> Self {
        Self { kind, name: Some(name.to_owned()), ..Self::default() }
    }

    /// Whether nothing is known of it but that the outcome is another.
    #[must_use]
    pub fn is_of_outcome(&self) -> bool {
        self.kind == Kind::Other && self.name.is_none() && self.table.is_none()
    }

    /// Its codes in a catalogue (`speaks`, `underlies`), the most special first.
    #[must_use]
    pub fn codes(&self) -> Vec<String> {
        let kind = self.kind.name();
        let mut codes = Vec::new();
        if self.when.len() > 1 {
            let all: Vec<&str> = self.when.iter().map(|when| when.name()).collect();
            codes.push(format!("{kind}@{}", all.join(",")));
        }
        for when in &self.when {
            codes.extend(self.why.map(|why| format!("{kind}.{}@{}", why.name(), when.name())));
            codes.push(format!("{kind}@{}", when.name()));
        }
        if let Some(tamper) = &self.tamper {
            codes.push(format!("{kind}.{tamper}"));
        }
        if let Some(why) = self.why {
            codes.push(format!("{kind}.{}", why.name()));
        }
        if let Some(table) = &self.table {
            codes.extend(self.role.iter().chain(&self.name).map(|one| format!("{kind}.{table}.{one}")));
            codes.push(format!("{kind}.{table}"));
        }
        codes.push(kind);
        codes
    }

    /// Whether two are the same thing, as far as one cause explains both; what is wrong with the form of an answer is
    /// the same whatever the delivery was like.
    #[must_use]
    pub fn is_alike(&self, other: &Self) -> bool {
        // Whose time is over and who is known all the same is one thing, whatever came meanwhile.
        let special = |about: &Self| about.special().into_iter().filter(|when| *when != When::Prolonged).collect::<Vec<When>>();
        let same_when = special(self) == special(other) || !self.hangs_on_circumstances();
        // Signatures are refused alike whatever is wrong with them, where the answers are alike.
        let family = |about: &Self| about.why.map(|why| if about.kind == Kind::RefusedOtherwise { why.plainer() } else { why });
        let same_why = family(self) == family(other);
        let same_status = self.status == other.status || !self.hangs_on_status();
        self.kind == other.kind
            && same_why
            && same_when
            && same_status
            && (&self.table, &self.name, &self.role) == (&other.table, &other.name, &other.role)
    }

    /// Whether the plainest delivery of its kind failed so.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        self.when.is_empty()
    }

    /// What was special, beside that it did not come first.
    #[must_use]
    pub fn special(&self) -> Vec<When> {
        self.when.iter().copied().filter(|when| *when != When::Later).collect()
    }

    fn hangs_on_circumstances(&self) -> bool {
        match self.kind {
            Kind::HonestRefused
            | Kind::HonestFailed
            | Kind::NewToldAsDuplicate
            | Kind::RepeatTakenAsNew
            | Kind::RepeatRefused
            | Kind::RepeatFailed
            | Kind::OddFailed
            | Kind::OddOtherwise
            | Kind::RowMissing
            | Kind::RowSurplus
            | Kind::EffectMissing
            | Kind::EffectSurplus
            | Kind::RowsChanged => true,
            Kind::AcceptedOtherwise
            | Kind::DuplicateOtherwise
            | Kind::RefusalTaken
            | Kind::RefusalToldAsDuplicate
            | Kind::RefusedOtherwise
            | Kind::RefusalFailed
            | Kind::StillInFlight
            | Kind::NoFailure
            | Kind::EffectUndue
            | Kind::MediaType
            | Kind::Header
            | Kind::NoJson
            | Kind::Member
            | Kind::Body
            | Kind::SecretTold
            | Kind::FirstTold
            | Kind::References
            | Kind::Cell
            | Kind::Schema
            | Kind::NoEvidence
            | Kind::NoLife
            | Kind::InstantsGoBack
            | Kind::Page
            | Kind::Counter
            | Kind::Late
            | Kind::Silent
            | Kind::Unwell
            | Kind::Stream
            | Kind::Unexplained
            | Kind::Other => false,
        }
    }

    fn hangs_on_status(&self) -> bool {
        matches!(
            self.kind,
            Kind::HonestRefused | Kind::AcceptedOtherwise | Kind::RepeatRefused | Kind::DuplicateOtherwise | Kind::RefusedOtherwise
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Kinds are written by their names.
    #[test]
    fn kinds_are_written_by_their_names() {
        assert_eq!(Kind::RefusalToldAsDuplicate.name(), "refusal-told-as-duplicate");
        assert_eq!(Kind::default().name(), "other");
    }

    /// What is special comes first, and what is general last.
    #[test]
    fn codes_go_from_special_to_general() {
        let cell = MismatchCode { role: Some("sha256".to_owned()), ..MismatchCode::named(Kind::Cell, "payload_sha256") };
        let cell = MismatchCode { table: Some("audit".to_owned()), ..cell };
        assert_eq!(cell.codes(), ["cell.audit.sha256", "cell.audit.payload_sha256", "cell.audit", "cell"]);
        let forged =
            MismatchCode { why: Some(Refusal::Signature), tamper: Some("half".to_owned()), ..MismatchCode::of(Kind::RefusalTaken) };
        assert_eq!(forged.codes(), ["refusal-taken.half", "refusal-taken.signature", "refusal-taken"]);
        let raced = MismatchCode { when: vec![When::AtOnce, When::Aged], ..MismatchCode::of(Kind::Member) };
        assert_eq!(raced.codes(), ["member@at-once,aged", "member@at-once", "member@aged", "member"]);
    }

    /// The form of an answer is the same mismatch under all circumstances; what is remembered is not.
    #[test]
    fn circumstances_tell_what_is_remembered() {
        let of = |kind, when| MismatchCode { when: vec![when], ..MismatchCode::of(kind) };
        assert!(of(Kind::RefusedOtherwise, When::OddKey).is_alike(&of(Kind::RefusedOtherwise, When::Aged)));
        assert!(!of(Kind::RepeatTakenAsNew, When::Later).is_alike(&of(Kind::RepeatTakenAsNew, When::Aged)));
    }
}
