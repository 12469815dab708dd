//! Window: the time in which a load was measured, and the only source of its rates.
//!
//! In: when it was warm, when sending was to end, when the last answer came; all
//! since it opened. Out: how long was measured, and how many a second that makes.
//! *Achieved* are answers, over the time in which they came; *wanted* is what the
//! plan asked for in that time. There is no clock in here.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::rate_profile::RateProfile;
use crate::number;

/// Sending may end so much later than planned, as a share of the planned time, and the rate counts as kept.
const KEPT_SHARE: f64 = 0.02;
/// And in a short load so much later: a moment in which a busy machine did not run us.
const KEPT_AT_LEAST: Duration = Duration::from_millis(50);
/// So large a share of what was wanted must have been answered.
pub(super) const ANSWERED_SHARE: f64 = 0.99;

/// The times of a load, since it opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Window {
    /// What was sent before is not measured.
    pub warm_until: Duration,
    /// When sending ended by plan, or was cut short.
    pub planned_end: Duration,
    /// When the last measured answer came; zero without one.
    pub last_answer: Duration,
    /// When the last delivery was sent.
    pub last_sent: Duration,
}

/// The same in a report, in seconds since the load opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Told {
    /// What was sent before is not measured.
    #[serde(deserialize_with = "number::seconds")]
    pub warm_until_s: f64,
    /// When sending ended by plan, or was cut short.
    #[serde(deserialize_with = "number::seconds")]
    pub planned_end_s: f64,
    /// When the last measured answer came; 0 without one.
    #[serde(deserialize_with = "number::seconds")]
    pub last_answer_s: f64,
}

impl Window {
    /// When measuring ended: with the last answer, and not before sending did.
    #[must_use]
    pub fn closed(&self) -> Duration {
        self.planned_end.max(self.last_answer)
    }

    /// How long was measured, in seconds.
    #[must_use]
    pub fn seconds(&self) -> f64 {
        self.closed().saturating_sub(self.warm_until).as_secs_f64()
    }

    /// So many in the time that was measured make so many a second.
    #[must_use]
    pub fn rate(&self, count: u64) -> f64 {
        let seconds = self.seconds();
        if seconds > 0.0 { count as f64 / seconds } else { 0.0 }
    }

    /// How many a second the profile of an open model asked for, from when it was warm until sending ended.
    #[must_use]
    pub fn wanted(&self, profile: &RateProfile) -> f64 {
        let (from, to) = (self.warm_until.as_secs_f64(), self.planned_end.as_secs_f64());
        if to > from { (profile.area(to) - profile.area(from)) / (to - from) } else { 0.0 }
    }

    /// Whether what was wanted was sent in time, and answered.
    ///
    /// * `wanted`: deliveries a second.
    /// * `dropped`: how many were due and never sent.
    #[must_use]
    pub fn kept(&self, wanted: f64, answered: u64, dropped: u64) -> bool {
        let planned = self.planned_end.saturating_sub(self.warm_until);
        let late_by = self.last_sent.saturating_sub(self.planned_end);
        let all = wanted * planned.as_secs_f64();
        // The first and the last of an even profile may lie on either side of its end.
        dropped == 0 && late_by <= planned.mul_f64(KEPT_SHARE).max(KEPT_AT_LEAST) && answered as f64 + 1.0 >= all * ANSWERED_SHARE
    }

    /// In the form of a report.
    #[must_use]
    pub fn told(&self) -> Told {
        let [warm_until_s, planned_end_s, last_answer_s] =
            [self.warm_until, self.planned_end, self.last_answer].map(|time| time.as_secs_f64());
        Told { warm_until_s, planned_end_s, last_answer_s }
    }
}

impl Told {
    /// How long was measured: as [`Window::seconds`].
    #[must_use]
    pub fn seconds(&self) -> f64 {
        (self.planned_end_s.max(self.last_answer_s) - self.warm_until_s).max(0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(times: [u64; 4]) -> Window {
        let [warm_until, planned_end, last_answer, last_sent] = times.map(Duration::from_millis);
        Window { warm_until, planned_end, last_answer, last_sent }
    }

    /// A receiver that takes 100 a second was asked for 400 a second: what it took until its last answer is its rate.
    #[test]
    fn answers_are_counted_over_the_time_in_which_they_came() {
        let slow = window([0, 3_000, 12_000, 11_900]);
        assert_eq!((slow.seconds(), slow.rate(1_200)), (12.0, 100.0));
        // One that was answered early is measured as long as it was sent to.
        let early = window([1_000, 3_000, 2_500, 2_400]);
        assert_eq!((early.seconds(), early.rate(10)), (2.0, 5.0));
        let nothing = window([1_000, 500, 0, 0]);
        assert_eq!((nothing.seconds(), nothing.rate(7)), (0.0, 0.0));
    }

    #[test]
    fn wanted_is_what_the_course_asks_for_once_warm() {
        let level = RateProfile::level(400.0, Duration::from_secs(3));
        let rising = RateProfile::stages("2s:400/s").unwrap_or_else(|wrong| unreachable!("{wrong}"));
        for (times, profile, wanted) in [
            ([1_000, 3_000], &level, "400"),
            ([0, 2_000], &rising, "200"),
            ([1_000, 2_000], &rising, "300"),
            ([2_000, 2_000], &rising, "0"),
        ] {
            let [warm_until, planned_end] = times;
            assert_eq!(format!("{}", window([warm_until, planned_end, planned_end, 0]).wanted(profile)), wanted);
        }
    }

    #[test]
    fn a_rate_is_kept_in_time_and_with_answers_or_not_at_all() {
        let kept = |times, answered, dropped| window(times).kept(400.0, answered, dropped);
        assert!(kept([0, 3_000, 3_100, 3_000], 1_200, 0));
        assert!(kept([0, 3_000, 3_100, 3_060], 1_188, 0));
        assert!(!kept([0, 3_000, 3_100, 3_000], 1_200, 1), "dropped");
        assert!(!kept([0, 3_000, 3_100, 3_061], 1_200, 0), "sent too late");
        assert!(!kept([0, 3_000, 3_100, 3_000], 1_186, 0), "not answered");
    }
}
