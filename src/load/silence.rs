//! Silence: how long a target has not answered. Counts go in, a time comes out.

use std::time::Duration;

/// How long a target has not answered, looked at now and then.
#[derive(Default)]
pub struct Silence {
    answered: u64,
    /// How many had been sent when the last answer was seen.
    sent: u64,
    since: Duration,
}

impl Silence {
    /// The silence at a time of the load. There is none while nobody owes an answer: before the first delivery, and in a pause of the
    /// sender's own (a stage of 0, a long think time, a gap in a recording), however long it is.
    #[must_use]
    pub fn at(&mut self, elapsed: Duration, sent: u64, answered: u64) -> Duration {
        if answered > self.answered {
            *self = Self { answered, sent, since: elapsed };
        } else if sent <= self.sent {
            self.since = elapsed;
        }
        elapsed.saturating_sub(self.since)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Silence begins with the last answer, and not before the first delivery.
    #[test]
    fn silence_is_counted_from_the_last_answer() {
        let mut silence = Silence::default();
        let looks = [
            (1, 0, 0),
            (5, 0, 0),
            (6, 10, 0),
            (9, 20, 0),
            (10, 30, 5),
            (11, 40, 5),
            (21, 900, 5),
            (22, 901, 6),
            (60, 901, 6),
            (61, 902, 6),
            (75, 903, 6),
        ];
        let told: Vec<u64> = looks.map(|(secs, sent, answered)| silence.at(Duration::from_secs(secs), sent, answered).as_secs()).to_vec();
        assert_eq!(told, [0, 0, 1, 4, 0, 1, 11, 0, 0, 1, 15]);
    }
}
