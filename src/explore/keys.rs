//! Keys of a sequence: what is known of each, as far as its scenario has come.
//!
//! No receiver is asked: what a right one does follows from the contract. Time
//! is counted in seconds from the sequence's beginning, and moves with its
//! `advance` steps alone.

/// So near to the end of a life either answer is right (two whole seconds, and what a sequence takes).
const NEAR: u64 = 2;

/// What a right receiver knows of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// Never seen.
    Unknown,
    /// Accepted, and remembered.
    Live,
    /// Accepted, and forgotten since.
    Expired,
    /// Its deliveries were refused.
    Refused,
    /// Its delivery broke off, or failed.
    InFlight,
    /// Nobody knows: it may have been taken or refused.
    Open,
}

impl Standing {
    /// Every one of them.
    pub const ALL: [Self; 6] = [Self::Unknown, Self::Live, Self::Expired, Self::Refused, Self::InFlight, Self::Open];

    /// Its name in coverage.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Live => "live",
            Self::Expired => "expired",
            Self::Refused => "refused",
            Self::InFlight => "in-flight",
            Self::Open => "open",
        }
    }
}

/// How a key came to stand as it does, where that is neither accepted nor refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Since {
    /// By an ordinary delivery.
    Delivered,
    /// By one that broke off.
    Cut,
    /// By one that failed on purpose.
    Failed,
    /// By one that may be refused for its body.
    OddBody,
    /// By one that may be refused for its key.
    OddKey,
    /// By one that may be refused for the life that it brings.
    OddLife,
    /// By one that may be refused for its way.
    OddWay,
}

/// A moment of a sequence.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Now {
    /// Seconds since its beginning.
    pub at: u64,
    /// So many fewer may have passed: a step that ends within a life leaves what a slow receiver takes.
    pub slack: u64,
}

/// A key of a sequence.
#[derive(Clone, Debug)]
pub struct Key {
    /// The delivery that brought it.
    pub brought_by: String,
    /// The delivery that was accepted last, or whose fate is open.
    pub last: String,
    /// The delivery whose body belongs to that.
    pub body_of: String,
    /// The duplicate that was answered last in this life.
    pub duplicate: Option<String>,
    /// How it stands, whatever the time.
    pub standing: Standing,
    /// How it came to.
    pub since: Since,
    /// How often it was accepted.
    pub acceptances: usize,
    /// When it was accepted last.
    pub born: u64,
    /// How much less time may have passed by then than was counted.
    pub born_slack: u64,
    /// How long it lives; `None` where keys are never forgotten.
    pub life: Option<u64>,
    /// Whether its rows can be told: only one delivery at a time is known by it.
    pub is_plain: bool,
    /// Whether an event stream of the sequence tells of it.
    pub is_told: bool,
}

impl Key {
    /// How it stands at a moment; `None` where either may be.
    ///
    /// * `slack`: so many seconds less may have passed in all.
    #[must_use]
    pub fn standing_at(&self, Now { at, slack }: Now) -> Option<Standing> {
        let (Standing::Live, Some(life)) = (self.standing, self.life) else { return Some(self.standing) };
        let (age, slack) = (at.saturating_sub(self.born), slack.saturating_sub(self.born_slack));
        if age.saturating_add(NEAR) <= life {
            Some(Standing::Live)
        } else if age >= life.saturating_add(NEAR + slack) {
            Some(Standing::Expired)
        } else {
            None
        }
    }

    /// It was accepted, anew or for the first time.
    pub fn accepted(&mut self, by: &str, body_of: &str, (now, life): (Now, Option<u64>)) {
        by.clone_into(&mut self.last);
        body_of.clone_into(&mut self.body_of);
        (self.standing, self.since, self.life) = (Standing::Live, Since::Delivered, life);
        (self.born, self.born_slack) = (now.at, now.slack);
        self.acceptances += 1;
        self.duplicate = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A key is live until shortly before its end, and forgotten from shortly after it.
    #[test]
    fn lives_end_in_their_time() {
        let name = || "first".to_owned();
        let mut key = Key {
            brought_by: name(),
            last: name(),
            body_of: name(),
            duplicate: None,
            standing: Standing::Refused,
            since: Since::Delivered,
            acceptances: 0,
            born: 0,
            born_slack: 0,
            life: None,
            is_plain: true,
            is_told: false,
        };
        let now = |at, slack| Now { at, slack };
        assert_eq!(key.standing_at(now(1_000, 0)), Some(Standing::Refused));
        key.accepted("again", "again", (now(100, 0), Some(60)));
        for (at, standing) in
            [(100, Some(Standing::Live)), (158, Some(Standing::Live)), (159, None), (161, None), (162, Some(Standing::Expired))]
        {
            assert_eq!(key.standing_at(now(at, 0)), standing, "{at}");
        }
        assert_eq!(key.standing_at(now(162, 6)), None, "six seconds of it may not have passed");
    }
}
