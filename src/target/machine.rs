//! The machine: how much of it is idle.
//!
//! Linux tells it in `/proc/stat`; elsewhere it is not known.

/// Ticks of all processors since the machine was started: idle ones, and all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticks {
    idle: u64,
    all: u64,
}

impl Ticks {
    /// As they stand now; `None` where the system does not tell.
    #[must_use]
    pub fn now() -> Option<Self> {
        Self::read(&std::fs::read_to_string("/proc/stat").ok()?)
    }

    fn read(stat: &str) -> Option<Self> {
        let ticks: Vec<u64> = stat.lines().next()?.strip_prefix("cpu ")?.split_whitespace().map_while(|word| word.parse().ok()).collect();
        // user nice system idle iowait irq softirq steal; what guests take is counted in user already.
        let all = ticks.iter().take(8).sum();
        // Whoever is nice gives way, and who waits for a disk does nothing.
        let idle = [1, 3, 4].into_iter().filter_map(|at| ticks.get(at)).sum();
        (ticks.len() > 3).then_some(Self { idle, all })
    }

    /// Which part of the machine was idle since `earlier`, from 0 to 1; `None` when no tick has passed.
    #[must_use]
    pub fn idle_since(self, earlier: Self) -> Option<f64> {
        let all = self.all.checked_sub(earlier.all).filter(|all| *all > 0)?;
        Some(self.idle.saturating_sub(earlier.idle) as f64 / all as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first line counts, all fields to steal; waiting for a disk and giving way are idle.
    #[test]
    fn idle_is_the_part_of_ticks_in_which_nobody_worked() {
        let of = |line: &str| Ticks::read(line).unwrap();
        let before = of("cpu  100 5 50 800 50 0 0 0 7 0\ncpu0 1 1 1 1 1 1 1 1 1 1\n");
        let after = of("cpu  120 15 60 850 60 0 0 0 99 0\n");
        assert_eq!(after.idle_since(before), Some(0.7));
        assert_eq!(after.idle_since(after), None);
        assert_eq!(Ticks::read("intr 1 2 3"), None);
    }
}
