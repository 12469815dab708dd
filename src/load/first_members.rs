//! First members: what a duplicate's answer tells of the first delivery, held against what the load knows of it.
//!
//! In: a contract and a mix, once; then a duplicate's answer, and the bodies of which one was first. Out: whether it tells one of them.
//! The reader of outcomes takes any text there, because one answer alone does not show which delivery was first. A load does know its
//! bodies: a key has one, and another one where the mix delivers that. Compared are texts that are there anyway, so that it costs
//! nothing that could be measured.
//!
//! Not judged, because nobody knows what was first: what a feed delivers (its lines have bodies of their own), and bodies that bear their
//! own signature.

use serde_json::Value;

use super::Plan;
use super::mix::Kind;
use crate::clock::iso;
use crate::contract::outcome::MemberValue;
use crate::contract::{Level, OtherBody};
use crate::message::member_at;
use crate::outcome::members::Values;
use crate::template::Template;

/// The members of a duplicate's answer that hang on the first delivery, and what is known of that.
#[derive(Clone, Debug, Default)]
pub struct FirstMembers {
    /// Those that hang on its body.
    of_body: Vec<(String, Template)>,
    /// Those that are its instant: which one is judged over the whole history.
    instants: Vec<String>,
    /// Whether another body of the same key may be the first.
    others: bool,
    /// Whether keys may end while the load goes on, so that nobody knows which life a duplicate is of.
    may_end: bool,
}

/// Which bodies of a key a duplicate may tell of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candidates {
    /// The one that was sent in the delivery that was answered.
    pub own: bool,
    /// The other one of the key.
    pub other: bool,
}

impl FirstMembers {
    /// Those of a plan's contract; none where nobody knows what was first.
    pub(super) fn of(plan: &Plan) -> Self {
        let contract = &plan.contract;
        let Some(form) = contract.duplicate().filter(|_| plan.feed.is_none() && !contract.signature.stands_in_body()) else {
            return Self::default();
        };
        let texts = || {
            form.body.iter().filter(|member| member.level == Level::Must).filter_map(|member| match &member.is {
                MemberValue::Text(text) => Some((member.member.clone(), text.clone())),
                MemberValue::Constant(_) => None,
            })
        };
        let hangs_on_body = |text: &Template| {
            text.placeholders().any(|name| name == "first.sha256")
                && !text.placeholders().any(|name| matches!(name, "ts" | "ttl" | "first.ts"))
        };
        let life = plan.life().map(|life| u128::from(life.unsigned_abs()));
        Self {
            of_body: texts().filter(|(_, text)| hangs_on_body(text)).collect(),
            instants: texts().filter(|(_, text)| text.is_only("first.ts")).map(|(member, _)| member).collect(),
            others: plan.mix.has(Kind::ConflictingBody) && contract.other_body == OtherBody::Duplicate,
            may_end: life.is_some_and(|life| life <= plan.profile.length().saturating_add(plan.drain).as_micros()),
        }
    }

    /// Which bodies may have been the first of a duplicate's key.
    ///
    /// * `is_own`: whether this user's own delivery of the key's usual body was accepted before.
    #[must_use]
    pub fn candidates(&self, kind: Kind, is_own: bool) -> Candidates {
        let is_known = is_own && !self.may_end;
        match kind {
            Kind::ConflictingBody if self.others => Candidates { own: !is_known, other: true },
            // Where another body is another delivery, or refused, a duplicate is one of the same body.
            Kind::Fresh | Kind::Duplicate | Kind::Burst | Kind::ConflictingBody | Kind::MissingKey | Kind::Spoiled(_) => {
                Candidates { own: true, other: self.others && !is_known }
            }
        }
    }

    /// Whether an answer tells of a body with this hash, and an instant where it is to tell one.
    #[must_use]
    pub fn tell(&self, json: Option<&Value>, sent: &Values<'_>, sha256: &str) -> bool {
        let text = |path: &str| json.and_then(|body| member_at(body, path)).and_then(Value::as_str);
        let is_of_it = |(path, wanted): &(String, Template)| {
            let found = text(path);
            let is_hash = wanted.is_only("first.sha256") && found == Some(sha256);
            let filled = || wanted.fill(&|name| if name == "first.sha256" { Some(sha256.to_owned()) } else { sent.get(name) });
            is_hash || filled().map_or(found.is_some(), |wanted| found == Some(wanted.as_str()))
        };
        self.of_body.iter().all(is_of_it) && self.instants.iter().all(|path| text(path).and_then(iso::read).is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn members(others: bool, may_end: bool) -> FirstMembers {
        let of_body = vec![("hash".to_owned(), Template::read("{first.sha256}").unwrap())];
        FirstMembers { of_body, instants: vec!["at".to_owned()], others, may_end }
    }

    /// A hash of another body, and an instant that is none, are not told of the first delivery.
    #[test]
    fn duplicate_tells_of_the_first_body_and_an_instant() {
        let tells = |json: &str| {
            let sent = Values { key: "k", sha256: "ab", ..Values::default() };
            members(false, false).tell(serde_json::from_str(json).ok().as_ref(), &sent, "ab")
        };
        assert!(tells(r#"{"hash":"ab","at":"2026-01-01T00:00:00Z"}"#));
        for wrong in [
            r#"{"hash":"cd","at":"2026-01-01T00:00:00Z"}"#,
            r#"{"hash":"AB","at":"2026-01-01T00:00:00Z"}"#,
            r#"{"hash":"ab","at":"yesterday"}"#,
            r#"{"hash":"ab"}"#,
            r#"{"at":"2026-01-01T00:00:00Z"}"#,
            "ab",
        ] {
            assert!(!tells(wrong), "{wrong}");
        }
    }

    /// Whoever has the key's acceptance knows its body, as long as the key lives; else a rival with another body may have been first.
    #[test]
    fn first_body_is_known_where_nobody_can_have_come_before() {
        let of = |others, may_end, kind, is_own| {
            let Candidates { own, other } = members(others, may_end).candidates(kind, is_own);
            (own, other)
        };
        assert_eq!(of(false, false, Kind::Duplicate, false), (true, false));
        assert_eq!(of(true, false, Kind::Duplicate, true), (true, false));
        assert_eq!(of(true, false, Kind::Duplicate, false), (true, true));
        assert_eq!(of(true, true, Kind::Duplicate, true), (true, true));
        assert_eq!(of(true, false, Kind::ConflictingBody, true), (false, true));
        assert_eq!(of(true, false, Kind::ConflictingBody, false), (true, true));
        assert_eq!(of(false, false, Kind::ConflictingBody, true), (true, false));
    }
}
