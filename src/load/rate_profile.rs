//! The pace: how many users there are, or how many deliveries are due, at each moment of a load.
//!
//! In: a level, or stages as text (`30s:100,1m:500,30s:0`). Out: a [`RateProfile`],
//! straight from one point to the next, and from it the moment at which the
//! n-th delivery is due. There is no clock in here.

use std::time::Duration;

use crate::clock::span;
use crate::random::Rng;

/// What the profile counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Model {
    /// Users, each of whom delivers when its last answer has come.
    Closed,
    /// Deliveries a second, whether answers come or not.
    Open,
}

/// How deliveries of an open model are spread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrivals {
    /// Evenly.
    Constant,
    /// At random, with the same mean.
    Poisson,
}

/// A level over time, straight between its points.
#[derive(Clone, Debug, PartialEq)]
pub struct RateProfile {
    /// Seconds since the beginning, and the level there; in order of time.
    points: Vec<(f64, f64)>,
}

impl RateProfile {
    /// One level all the time.
    #[must_use]
    pub fn level(level: f64, length: Duration) -> Self {
        Self { points: vec![(0.0, level), (length.as_secs_f64(), level)] }
    }

    /// So many in each second, evenly within it; the last second ends with the profile.
    #[must_use]
    pub fn counted(counts: &[u64], length: Duration) -> Self {
        /// A profile has some length, and each of its steps.
        const SHORTEST: f64 = 0.001;
        let mut points = Vec::with_capacity(counts.len() * 2);
        for (second, count) in counts.iter().enumerate() {
            let begin = second as f64;
            let end = if second + 1 < counts.len() { begin + 1.0 } else { length.as_secs_f64().max(begin + SHORTEST) };
            let level = *count as f64 / (end - begin);
            points.extend([(begin, level), (end, level)]);
        }
        Self { points }
    }

    /// Reads stages: `30s:100,1m:500,30s:0` goes from 0 to 100 in 30 s, to 500 in a minute, and back in 30 s.
    ///
    /// # Errors
    /// One sentence: what is wrong, and how stages are written.
    pub fn stages(text: &str) -> Result<Self, String> {
        let wrong = |part: &str, what: &str| format!("stage `{part}`: {what}; write `30s:100,1m:500,30s:0`, how long and which level then");
        let mut points = vec![(0.0, 0.0)];
        for part in text.split(',').map(str::trim) {
            let (length, level) = part.split_once(':').ok_or_else(|| wrong(part, "there is no `:`"))?;
            let length = span::read(length).map_err(|cause| wrong(part, &cause.to_string()))?;
            let level = level.trim().trim_end_matches("/s");
            let level: f64 = level.parse().map_err(|_| wrong(part, &format!("`{level}` is no number")))?;
            if !(level.is_finite() && level >= 0.0) {
                return Err(wrong(part, "the level is 0 or more"));
            }
            if length.is_zero() {
                return Err(wrong(part, "it has no length"));
            }
            let before = points.last().map_or(0.0, |(at, _)| *at);
            points.push((before + length.as_secs_f64(), level));
        }
        let profile = Self { points };
        if profile.highest() <= 0.0 { Err(format!("stages `{text}`: the level is 0 all the time")) } else { Ok(profile) }
    }

    /// The same profile with every level so many times as high.
    #[must_use]
    pub fn scaled(&self, by: f64) -> Self {
        Self { points: self.points.iter().map(|(at, level)| (*at, level * by)).collect() }
    }

    /// What lies between two times of it, as a profile of its own.
    #[must_use]
    pub fn part(&self, from: Duration, to: Duration) -> Self {
        let (from, to) = (from.as_secs_f64(), to.as_secs_f64());
        let mut points = Vec::new();
        for pair in self.points.windows(2) {
            let [(begin, low), (end, high)] = [pair[0], pair[1]];
            let (first, last) = (begin.max(from), end.min(to));
            if first < last {
                let at = |moment: f64| low + (high - low) * (moment - begin) / (end - begin);
                points.extend([(first - from, at(first)), (last - from, at(last))]);
            }
        }
        Self { points }
    }

    /// How long it takes.
    #[must_use]
    pub fn length(&self) -> Duration {
        Duration::from_secs_f64(self.points.last().map_or(0.0, |(at, _)| *at))
    }

    /// The highest level.
    #[must_use]
    pub fn highest(&self) -> f64 {
        self.points.iter().map(|(_, level)| *level).fold(0.0, f64::max)
    }

    /// The level at a moment; nothing after its end.
    #[must_use]
    pub fn level_at(&self, seconds: f64) -> f64 {
        let inside = self.points.windows(2).find(|pair| (pair[0].0..pair[1].0).contains(&seconds));
        inside.map_or(0.0, |pair| {
            let [(begin, low), (end, high)] = [pair[0], pair[1]];
            low + (high - low) * (seconds - begin) / (end - begin)
        })
    }

    /// The first moment, not before `from` seconds, at which the level is above `level`; none when it never is again.
    #[must_use]
    pub fn above(&self, level: f64, from: f64) -> Option<f64> {
        self.points.windows(2).filter(|pair| pair[1].0 > from).find_map(|pair| {
            let [(begin, low), (end, high)] = [pair[0], pair[1]];
            let start = from.max(begin);
            let here = low + (high - low) * (start - begin) / (end - begin);
            match (here > level, high > level) {
                (true, _) => Some(start),
                // It is reached on the way, and passed a moment later.
                (false, true) => Some((begin + (level - low) / (high - low) * (end - begin)).max(start)),
                (false, false) => None,
            }
        })
    }

    /// The area under the profile from its beginning until `until` seconds: how many are due by then.
    #[must_use]
    pub fn area(&self, until: f64) -> f64 {
        let part = |pair: &[(f64, f64)]| {
            let [(begin, low), (end, high)] = [pair[0], pair[1]];
            let length = (until.min(end) - begin).max(0.0);
            // From one second to the next there is a step.
            if length <= 0.0 {
                return 0.0;
            }
            let here = low + (high - low) * length / (end - begin);
            (low + here) / 2.0 * length
        };
        self.points.windows(2).map(part).sum()
    }

    /// How many deliveries of an open model are due by `until`, of `most`.
    ///
    /// * `seed`: of the arrivals, as [`Gaps::new`] takes it.
    #[must_use]
    pub fn due_by(&self, until: Duration, most: u64, arrivals: Arrivals, seed: u64) -> u64 {
        let until = until.as_secs_f64();
        let is_due = |count: f64| self.due(count).is_some_and(|at| at <= until);
        match arrivals {
            Arrivals::Constant => {
                // The area is off by a rounding at the most; its neighbours decide.
                let near = self.area(until).floor() as u64;
                let count = (near.saturating_sub(1)..=near + 2).find(|number| !is_due(*number as f64)).unwrap_or(near);
                count.min(most)
            }
            Arrivals::Poisson => {
                let mut gaps = Gaps::new(seed);
                (0..most).find(|_| !is_due(gaps.next_count())).unwrap_or(most)
            }
        }
    }

    /// When so many have become due: where the area under the profile is `count`; none when it ends before.
    #[must_use]
    pub fn due(&self, count: f64) -> Option<f64> {
        let mut left = count;
        for pair in self.points.windows(2) {
            let [(begin, low), (end, high)] = [pair[0], pair[1]];
            let length = end - begin;
            let area = (low + high) / 2.0 * length;
            if left >= area {
                left -= area;
                continue;
            }
            // low·t + slope/2·t² = left, in the form that is exact for a flat profile too.
            let slope = (high - low) / length;
            let root = (low * low + 2.0 * slope * left).max(0.0).sqrt();
            let after = if low + root > 0.0 { 2.0 * left / (low + root) } else { 0.0 };
            return Some(begin + after.min(length));
        }
        None
    }
}

/// Random gaps between the deliveries of an open model; the same for the same seed.
#[derive(Clone, Copy, Debug)]
pub struct Gaps {
    count: f64,
    rng: Rng,
}

impl Gaps {
    /// Gaps from a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { count: 0.0, rng: Rng::new(seed, u64::MAX >> 1) }
    }

    /// How much of the profile is over when the next is due.
    #[must_use]
    pub fn next_count(&mut self) -> f64 {
        self.count += self.rng.gap();
        self.count
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Arrivals, Gaps, RateProfile};

    /// Counted by their moments, as many are due as the area says.
    #[test]
    fn what_is_due_is_counted_as_it_is_sent() {
        for profile in ["2s:400", "1s:7,1s:7", "500ms:333,1s:0", "3s:1000"] {
            let profile = RateProfile::stages(profile).unwrap_or_else(|wrong| unreachable!("{wrong}"));
            for until in [0, 1, 499, 750, 1_000, 2_999, 3_000, 9_000].map(Duration::from_millis) {
                let sent = (0..).take_while(|number| profile.due(f64::from(*number)).is_some_and(|at| at <= until.as_secs_f64())).count();
                assert_eq!(profile.due_by(until, u64::MAX, Arrivals::Constant, 0), sent as u64, "{profile:?} by {until:?}");
                let mut gaps = Gaps::new(7);
                let drawn = std::iter::from_fn(|| Some(gaps.next_count()));
                let random = drawn.take_while(|count| profile.due(*count).is_some_and(|at| at <= until.as_secs_f64())).count();
                assert_eq!(profile.due_by(until, u64::MAX, Arrivals::Poisson, 7), random as u64, "{profile:?} by {until:?}");
            }
        }
        let level = RateProfile::level(400.0, Duration::from_secs(3));
        assert_eq!(level.due_by(Duration::from_secs(3), u64::MAX, Arrivals::Constant, 0), 1_200);
        assert_eq!(level.due_by(Duration::from_secs(3), 5, Arrivals::Constant, 0), 5);
        assert_eq!((level.area(1.5), level.area(9.0), level.level_at(2.9), level.level_at(3.0)), (600.0, 1_200.0, 400.0, 0.0));
    }

    #[test]
    fn flat_course_has_even_gaps() {
        let profile = RateProfile::level(200.0, Duration::from_secs(2));
        let due: Vec<Option<f64>> = [0.0, 1.0, 200.0, 399.0, 400.0].into_iter().map(|count| profile.due(count)).collect();
        assert_eq!(due, [Some(0.0), Some(0.005), Some(1.0), Some(1.995), None]);
    }

    /// What was counted by seconds is due as it was counted.
    #[test]
    fn counts_make_a_course() {
        let profile = RateProfile::counted(&[3, 0, 5], Duration::from_millis(2_500));
        assert_eq!(
            (profile.length(), profile.area(1.0), profile.area(2.0), profile.area(9.0)),
            (Duration::from_millis(2_500), 3.0, 3.0, 8.0)
        );
        assert_eq!((profile.level_at(0.5), profile.level_at(1.5), profile.level_at(2.1)), (3.0, 0.0, 10.0));
        assert_eq!(profile.due_by(Duration::from_secs(3), u64::MAX, Arrivals::Constant, 0), 8);
        let ramp = RateProfile::stages("10s:100,10s:0").unwrap_or_else(|wrong| unreachable!("{wrong}"));
        let part = ramp.part(Duration::from_secs(5), Duration::from_secs(15));
        assert_eq!(
            (part.length(), part.area(99.0), part.level_at(5.0)),
            (Duration::from_secs(10), ramp.area(15.0) - ramp.area(5.0), 100.0)
        );
        let level = RateProfile::level(7.0, Duration::from_secs(9)).part(Duration::from_secs(4), Duration::from_secs(6));
        assert_eq!((level.length(), level.area(9.0)), (Duration::from_secs(2), 14.0));
        let one = RateProfile::counted(&[1], Duration::ZERO);
        assert_eq!(one.due_by(one.length(), u64::MAX, Arrivals::Constant, 0), 1);
    }

    /// From 0 to 100 a second in 10 s there are 500 deliveries: half of them after 7.07 s.
    #[test]
    fn stages_go_straight_from_level_to_level() {
        let profile = RateProfile::stages("10s:100,5 s:100,10s:0").unwrap_or_else(|wrong| unreachable!("{wrong}"));
        let due = |count| profile.due(count).map(|at| (at * 100.0).round() / 100.0);
        assert_eq!((due(250.0), due(500.0), due(1_000.0), due(1_500.0)), (Some(7.07), Some(10.0), Some(15.0), None));
        assert_eq!((profile.length(), profile.highest()), (Duration::from_secs(25), 100.0));
        assert_eq!((profile.above(50.0, 0.0), profile.above(50.0, 19.0), profile.above(50.0, 21.0)), (Some(5.0), Some(19.0), None));
    }

    #[test]
    fn stages_that_cannot_be_meant_are_told() {
        for (text, told) in [
            ("", "no `:`"),
            ("30:100", "not a span of time"),
            ("30s:many", "no number"),
            ("30s:-1", "0 or more"),
            ("0s:10", "no length"),
            ("30s:0", "0 all the time"),
        ] {
            assert!(RateProfile::stages(text).is_err_and(|wrong| wrong.contains(told)), "{text}: {:?}", RateProfile::stages(text));
        }
    }
}
