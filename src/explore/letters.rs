//! Letters: the kinds of steps that sequences are made of.
//!
//! A letter has a name, what it does, and under which requirements its steps
//! are filed. What it means for a key, and what must come of it, is the
//! generator's business; which letters there are is that of `alphabet`.

use super::streams::StreamMove;
use crate::scenario::deliver::{Burst, Deliver};
use crate::scenario::expect::Expect;

/// A kind of step.
#[derive(Clone, Debug)]
pub struct Letter {
    /// Its name: `signature:half`.
    pub kind: String,
    /// The requirements under which its steps are filed.
    pub shows: Vec<String>,
    /// What it does.
    pub form: Form,
    /// How often it is taken beside the others; what is dear is taken seldom.
    pub weight: f64,
}

/// What a letter does.
#[derive(Clone, Debug)]
pub enum Form {
    /// A delivery that is honest, in a way of its own.
    Honest(Deliver),
    /// The same, and the body is a part of it: under a live key it is another body.
    Body(Deliver),
    /// A delivery whose key is a part of it.
    Key(Deliver),
    /// One that is refused, whatever its key; with `elsewhere` what is refused has no key that could be used up.
    Refused(Deliver, Expect),
    /// One that may be refused, too, and how: under which circumstances its key is used nobody knows.
    Odd(Deliver, Vec<Expect>),
    /// The same, and the statuses that the suite names for it.
    OddWith(Deliver, Vec<Expect>, Vec<u16>),
    /// The same, and its key is the odd part.
    OddKey(Deliver, Vec<Expect>),
    /// One whose answer is lost.
    Lost(Deliver, Expect),
    /// One that breaks off.
    Cut(Deliver, Expect),
    /// One that fails, as it was provoked to.
    Failing,
    /// A live key with another body.
    OtherBody(Deliver),
    /// A live key with the same JSON in another spelling.
    Respelled,
    /// A live key in another scope.
    Elsewhere,
    /// Keys that look alike, each a spelling over that of a base; what may come of each beside its acceptance.
    Alike {
        /// The delivery whose key is spelled otherwise.
        base: Deliver,
        /// Those that spell it; `base` stands for the base's name.
        each: Vec<(Deliver, Vec<Expect>)>,
    },
    /// One that brings a life that is none; where refusals are kept, so is this one.
    OddLife(Deliver, Vec<Expect>),
    /// A delivery that gives its key a life of its own, in seconds.
    OwnLife(u64),
    /// A duplicate, so many times in a row.
    Again(u32),
    /// Many deliveries at once.
    Burst(Burst),
    /// So many other keys, one hundred at once.
    Crowd(u32),
    /// Time passes.
    Advance(String),
    /// The receiver is ended, killed or not, and started again.
    Restart(bool),
    /// The same in the midst of deliveries.
    BreakIn,
    /// A look at what is remembered.
    Look(Look),
    /// An event stream is begun, opened, read on, left, cut, come back to, or ended.
    Stream(StreamMove),
}

/// What is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// How many rows a key has.
    Rows,
    /// What the rows of an accepted delivery hold.
    Held,
    /// Every column.
    Promised,
    /// That a repetition or a refusal changes nothing.
    Unchanged,
    /// That the newest row is the one that a duplicate's answer refers to.
    Referred,
    /// That instants do not go back.
    Order,
    /// That a key that has expired is cleaned up when others come.
    Gone,
    /// How tables are declared.
    Schema,
    /// That every key row has evidence and a life that can be told.
    Whole,
    /// The page of the audit trail.
    Page,
}
