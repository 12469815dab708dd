//! Noise: whether two loads differ by more than such loads differ by themselves.
//!
//! In: a number of each side, once or for several loads, and what each second
//! had of it. Out: `better`, `worse`, `same` or `unknown`, with what was taken for
//! noise. Loads that were repeated are held against each other by Student's t.
//! One load a side knows nothing of what differs from load to load: there the
//! seconds must differ by rank (Mann and Whitney), and the number itself by more
//! than a machine with other work makes of one and the same load.
//!
//! Source: Mann and Whitney, "On a test of whether one of two random variables is
//! stochastically larger than the other" (1947).

use statrs::distribution::{ContinuousCDF as _, StudentsT};
use statrs::stats_tests::{Alternative, mannwhitneyu, mannwhitneyu::MannWhitneyUMethod};

/// With fewer seconds nothing can be said of how they are ranked: the rarest order of four and four comes once in 35 times.
const FEWEST_SECONDS: usize = 5;
/// What comes more rarely than once in a hundred times by itself is no accident.
const ACCIDENT: f64 = 0.01;
/// Seconds that deviate by so much of their mean show a machine with other work.
const UNSTEADY: f64 = 0.1;
/// Steady seconds need so many to say that it had none.
const FEW: f64 = 2.5;
/// Two steady loads of the same receiver differ by less than this.
const LEAST_SHARE: f64 = 0.08;
/// A quantile lies so many of its own deviations about what was measured, once in a hundred times not.
const DEVIATIONS: f64 = 2.58;
/// A histogram of three significant figures shows no smaller part of a number.
const SMALLEST: f64 = 0.002;
/// So few seconds a side can tell what is several times as much or as little, where they lie apart.
const FEWEST_APART: usize = 3;
/// And so many times it must be.
const SEVERAL_TIMES: f64 = 2.0;
/// With too few seconds to be ranked, only what grew by half or more is told from noise.
const COARSE: f64 = 0.5;

/// A number of every load of a side, and what is known of it inside one load.
#[derive(Clone, Debug, Default)]
pub struct Measured {
    /// Of every load.
    pub each: Vec<f64>,
    /// Second by second in the first of them.
    pub seconds: Vec<f64>,
    /// Between what it lies in the first of them, by how many there were.
    pub counted: Option<[f64; 2]>,
}

/// What two loads of the same receiver may differ by when each was made once: measured, on a machine with other work
/// (`benches/RESULTS.md`).
#[derive(Clone, Copy, Debug)]
pub struct Margin {
    /// As a share of the number before.
    pub share: f64,
    /// And never less than this, in the number's unit.
    pub least: f64,
    /// Whether its seconds must differ by rank; else what the histograms know is enough.
    pub by_rank: bool,
}

/// How two sides compare.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Compared {
    /// How far apart two equal loads may lie; nothing where it cannot be told.
    pub noise: Option<f64>,
    /// Whether they differ by more.
    pub differ: Option<bool>,
}

impl Measured {
    /// The mean over all loads; nothing without any.
    #[must_use]
    pub fn mean(&self) -> Option<f64> {
        mean(&self.each)
    }

    /// Between what it lay: over repetitions where there are any, else over seconds; and never beside the number itself.
    #[must_use]
    pub fn spread(&self) -> Option<[f64; 2]> {
        let varying = if self.each.len() > 1 { &self.each } else { &self.seconds };
        let mean = self.mean()?;
        let low = varying.iter().copied().reduce(f64::min)?;
        let high = varying.iter().copied().reduce(f64::max)?;
        Some([low.min(mean), high.max(mean)])
    }
}

/// Compares a number of two sides.
#[must_use]
pub fn compared(before: &Measured, after: &Measured, margin: Margin) -> Compared {
    let (Some(was), Some(is)) = (before.mean(), after.mean()) else { return Compared { noise: None, differ: None } };
    let apart = (is - was).abs();
    if let Some(noise) = between_repetitions(before, after) {
        let noise = noise.max(was * SMALLEST).max(1.0);
        return Compared { noise: Some(noise), differ: Some(apart > noise) };
    }
    let by_margin = |part: f64| (was * (margin.share * part).max(margin.share.min(LEAST_SHARE))).max(margin.least * part);
    let noise = by_margin(1.0);
    if !margin.by_rank {
        let apart = before.counted.zip(after.counted).map(|(one, other)| apart > noise && lie_apart(one, other));
        return Compared { noise: apart.map(|_| noise), differ: apart };
    }
    if before.seconds.len() >= FEWEST_SECONDS && after.seconds.len() >= FEWEST_SECONDS {
        let noise = by_margin(unsteady(&before.seconds).max(unsteady(&after.seconds)));
        let by_rank = differs_by_rank(&before.seconds, &after.seconds);
        // A few seconds can hold all of a difference that is no noise: whose they are, one load does not tell.
        let is_open = !by_rank && apart > noise && is_several_times(was, is);
        return Compared { noise: Some(noise), differ: (!is_open).then_some(apart > noise && by_rank) };
    }
    // Too few seconds to be ranked: some know enough all the same, and so may the histograms.
    if apart > noise && is_several_times(was, is) && all_lie_apart(&before.seconds, &after.seconds) {
        return Compared { noise: Some(noise), differ: Some(true) };
    }
    let noise = noise.max(was * COARSE);
    match (before.counted, after.counted) {
        (Some(one), Some(other)) if apart > noise && lie_apart(one, other) => Compared { noise: Some(noise), differ: Some(true) },
        (Some(_), Some(_)) if apart <= noise => Compared { noise: Some(noise), differ: None },
        (_, _) => Compared { noise: None, differ: None },
    }
}

fn is_several_times(was: f64, is: f64) -> bool {
    was.max(is) >= was.min(is) * SEVERAL_TIMES
}

/// How much of the margin the seconds of a load ask for: all of it where the machine did other work, which they show, and
/// the less the longer they were alike.
fn unsteady(seconds: &[f64]) -> f64 {
    let varies = deviation(seconds) / mean(seconds).unwrap_or_default().max(f64::MIN_POSITIVE);
    (varies / UNSTEADY).max(FEW / seconds.len() as f64).min(1.0)
}

/// Whether the seconds of two sides, of which each has some, have no value between each other.
fn all_lie_apart(before: &[f64], after: &[f64]) -> bool {
    let ends = |seconds: &[f64]| Some([seconds.iter().copied().reduce(f64::min)?, seconds.iter().copied().reduce(f64::max)?]);
    let is_enough = before.len() >= FEWEST_APART && after.len() >= FEWEST_APART;
    is_enough && ends(before).zip(ends(after)).is_some_and(|(one, other)| lie_apart(one, other))
}

fn lie_apart([low, high]: [f64; 2], [later_low, later_high]: [f64; 2]) -> bool {
    later_low > high || later_high < low
}

/// Whether the values of one side lie above those of the other more often than by accident.
fn differs_by_rank(before: &[f64], after: &[f64]) -> bool {
    // All alike on both sides have no order, and a test of their ranks nothing to say.
    let first = before.first().copied().unwrap_or_default();
    if before.iter().chain(after).all(|value| (value - first).abs() < f64::EPSILON) {
        return false;
    }
    let is_apart = |low: &[f64], high: &[f64]| {
        let (top, bottom) = (low.iter().copied().fold(f64::MIN, f64::max), high.iter().copied().fold(f64::MAX, f64::min));
        top < bottom
    };
    // Where nothing overlaps, five and five come so once in 126 times, and more seconds more rarely.
    if is_apart(before, after) || is_apart(after, before) {
        return true;
    }
    let method = MannWhitneyUMethod::AsymptoticInclContinuityCorrection;
    let tested = mannwhitneyu::mannwhitneyu(before, after, method, Alternative::TwoSided);
    tested.is_ok_and(|(_, accident)| accident < ACCIDENT)
}

/// How far apart the means may lie when nothing differs, by what varies from load to load; nothing without repetitions.
fn between_repetitions(before: &Measured, after: &Measured) -> Option<f64> {
    let (one, other) = (before.each.len(), after.each.len());
    if one < 2 && other < 2 {
        return None;
    }
    // A side that was made once is taken to vary as the other does.
    let sides = [(one, &before.each), (other, &after.each)];
    let freedom: usize = sides.iter().filter(|(count, _)| *count > 1).map(|(count, _)| count - 1).sum();
    let squares: f64 =
        sides.iter().filter(|(count, _)| *count > 1).map(|(count, each)| deviation(each).powi(2) * (*count - 1) as f64).sum();
    let pooled = (squares / freedom as f64).sqrt();
    let student = StudentsT::new(0.0, 1.0, freedom as f64).ok()?.inverse_cdf(1.0 - ACCIDENT / 2.0);
    Some(student * pooled * (1.0 / one as f64 + 1.0 / other as f64).sqrt())
}

/// The mean of some values.
#[must_use]
pub fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// The standard deviation of two values or more.
fn deviation(values: &[f64]) -> f64 {
    let mean = mean(values).unwrap_or_default();
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (squares / (values.len() as f64 - 1.0).max(1.0)).sqrt()
}

/// Between which quantiles one of `count` values lies, 99 times in a hundred: the normal form of the binomial.
#[must_use]
pub fn quantiles_about(quantile: f64, count: u64) -> [f64; 2] {
    let deviation = (quantile * (1.0 - quantile) / (count.max(1) as f64)).sqrt() * DEVIATIONS;
    [(quantile - deviation).max(0.0), (quantile + deviation).min(1.0)]
}

#[cfg(test)]
mod tests {
    use super::*;

    const MARGIN: Margin = Margin { share: 0.2, least: 1.0, by_rank: true };

    fn measured(each: &[f64], seconds: &[f64]) -> Measured {
        Measured { each: each.to_vec(), seconds: seconds.to_vec(), counted: None }
    }

    /// Two samples of three, by hand: both deviations are 1, t for 4 degrees of freedom is 4.604 (NIST/SEMATECH, table of t).
    #[test]
    fn noise_of_repetitions_is_what_student_says() {
        let compared = compared(&measured(&[9.0, 10.0, 11.0], &[]), &measured(&[19.0, 20.0, 21.0], &[]), MARGIN);
        let noise = compared.noise.unwrap();
        assert!((noise - 4.604 * (2.0_f64 / 3.0).sqrt()).abs() < 1e-3, "{noise}");
        assert_eq!(compared.differ, Some(true));
    }

    /// One load a side: seconds that lie apart, and by more than the margin.
    #[test]
    fn single_loads_differ_by_rank_and_by_more_than_the_margin() {
        let seconds = |from: f64| (0..5).map(|at| from + f64::from(at)).collect::<Vec<f64>>();
        let of = |from: f64| measured(&[from + 2.0], &seconds(from));
        let differ = |before, after| compared(&of(before), &of(after), MARGIN).differ;
        assert_eq!(differ(100.0, 150.0), Some(true));
        assert_eq!(differ(100.0, 50.0), Some(true));
        assert_eq!(differ(100.0, 106.0), Some(false), "apart, and within the margin");
        let steady = |from: f64| measured(&[from], &[from; 10].map(|value| value * 1.001));
        assert_eq!(compared(&steady(100.0), &steady(109.0), MARGIN).differ, Some(true), "ten steady seconds need less of it");
        assert_eq!(compared(&steady(100.0), &steady(107.0), MARGIN).differ, Some(false), "but some");
        let unsteady = measured(&[150.0], &[90.0, 210.0, 101.0, 240.0, 103.0]);
        assert_eq!(compared(&of(100.0), &unsteady, MARGIN).differ, Some(false), "more than the margin, and not apart");
        let stalled = measured(&[1_500.0], &[101.0, 102.0, 4_000.0, 103.0, 104.0, 105.0]);
        assert_eq!(compared(&of(100.0), &stalled, MARGIN).differ, None, "one second of it holds all: not alike, and nobody knows why");
        let alike = measured(&[5.0], &[5.0; 9]);
        assert_eq!(compared(&alike, &alike, MARGIN).differ, Some(false));
    }

    /// By hand: U is 35 of 36, its mean 18 and its deviation √39, so that the normal form says (17 − ½)/6.245, which comes 8 times in 1000.
    #[test]
    fn ranks_that_overlap_a_little_differ() {
        assert!(differs_by_rank(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], &[5.5, 7.0, 8.0, 9.0, 10.0, 11.0]));
        assert!(!differs_by_rank(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], &[3.5, 2.5, 7.0, 8.0, 1.5, 9.0]));
    }

    /// Too few seconds: half as much again and histograms that do not meet, or nothing is said.
    #[test]
    fn short_loads_are_told_apart_by_their_histograms() {
        let short = |value: f64, counted: [f64; 2]| Measured { counted: Some(counted), ..measured(&[value], &[value]) };
        let slow = compared(&short(4_000.0, [3_900.0, 4_100.0]), &short(8e6, [7e6, 9e6]), MARGIN);
        assert_eq!(slow.differ, Some(true));
        let near = compared(&short(4_000.0, [3_900.0, 4_100.0]), &short(5_000.0, [4_900.0, 5_100.0]), MARGIN);
        assert_eq!(near.differ, None);
        assert_eq!(compared(&measured(&[1.0], &[1.0]), &measured(&[9.0], &[9.0]), MARGIN), Compared { noise: None, differ: None });
    }

    /// Three seconds a side can never be ranked; a receiver that became 13 times slower is worse all the same.
    #[test]
    fn short_loads_that_lie_far_apart_differ() {
        let seconds = |value: f64, each: &[f64]| measured(&[value], each);
        let differ = |one: &Measured, other: &Measured| compared(one, other, MARGIN).differ;
        let (before, slow) = (seconds(3_222.0, &[2_241.0, 3_300.0, 4_230.0]), seconds(243.0, &[228.0, 243.0, 258.0]));
        assert_eq!((differ(&before, &slow), differ(&slow, &before)), (Some(true), Some(true)));
        assert_eq!(differ(&before, &seconds(1_500.0, &[900.0, 1_500.0, 2_300.0])), None, "they touch");
        assert_eq!(differ(&before, &seconds(1_900.0, &[1_800.0, 1_900.0, 2_000.0])), None, "not half");
        assert_eq!(differ(&before, &seconds(243.0, &[228.0, 258.0])), None, "two seconds");
    }

    /// The fastest deliveries of an unsteady machine are as fast as those of a steady one: their histograms are enough.
    #[test]
    fn floor_is_told_apart_by_histograms_alone() {
        let of = |value: f64, counted: [f64; 2]| Measured { counted: Some(counted), ..measured(&[value], &[]) };
        let floor = Margin { share: 0.5, least: 2_000.0, by_rank: false };
        let differ = |after, counted| compared(&of(600.0, [580.0, 650.0]), &of(after, counted), floor).differ;
        assert_eq!(differ(5_600.0, [5_400.0, 5_700.0]), Some(true));
        assert_eq!(differ(2_500.0, [2_400.0, 2_600.0]), Some(false));
        assert_eq!(differ(5_600.0, [400.0, 9_000.0]), Some(false));
    }

    #[test]
    fn number_lies_in_its_spread() {
        assert_eq!(measured(&[12.0], &[1.0, 9.0]).spread(), Some([1.0, 12.0]));
        assert_eq!(measured(&[2.0, 4.0], &[]).spread(), Some([2.0, 4.0]));
        assert_eq!(measured(&[2.0], &[]).spread(), None);
    }

    #[test]
    fn quantile_of_few_lies_anywhere() {
        let [low, high] = quantiles_about(0.5, 10_000);
        assert!((low - 0.487).abs() < 1e-3 && (high - 0.513).abs() < 1e-3);
        assert!((quantiles_about(0.99, 4)[1] - 1.0).abs() < 1e-9);
    }
}
