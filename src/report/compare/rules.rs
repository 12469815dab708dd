//! When the second of two reports counts as worse: the rules that a caller may name.
//!
//! Text in, a [`FailOn`] out; then a [`Comparison`] in, its reasons out.

use super::{Change, Comparison, RequirementChange, Side};
use crate::contract::Level;
use crate::report::Overall;

/// When the second report counts as worse.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum FailOn {
    /// A requirement is newly broken or has vanished, a *must* is no longer judged, or what conformed does not.
    NewlyBroken,
    /// A requirement is newly broken, and nothing else counts.
    OnlyBroken,
    /// A number is worse, by more than the noise.
    Slower,
    /// A requirement is newly broken or no longer judged, or a number is worse.
    Any,
    /// A latency has grown by more than so many percent, and by more than the noise.
    Latency(f64),
    /// A rate has fallen by more than so many percent, and by more than the noise.
    Rate(f64),
}

impl FailOn {
    /// Reads `newly-broken`, `only-broken`, `slower`, `any`, `latency:10%` or `rate:10%`.
    ///
    /// # Errors
    /// One sentence: what is wrong, and what there is.
    pub fn read(text: &str) -> Result<Self, String> {
        let percent = |text: &str| text.strip_suffix('%').and_then(|number| number.parse::<f64>().ok()).filter(|number| *number >= 0.0);
        match text.split_once(':') {
            None if text == "newly-broken" => Ok(Self::NewlyBroken),
            None if text == "only-broken" => Ok(Self::OnlyBroken),
            None if text == "slower" => Ok(Self::Slower),
            None if text == "any" => Ok(Self::Any),
            Some(("latency", rest)) if percent(rest).is_some() => Ok(Self::Latency(percent(rest).unwrap_or_default())),
            Some(("rate", rest)) if percent(rest).is_some() => Ok(Self::Rate(percent(rest).unwrap_or_default())),
            _ => Err(format!("`{text}` is no rule: newly-broken, only-broken, slower, any, latency:10% or rate:10%")),
        }
    }
}

impl Comparison {
    /// Says why the second is worse, by these rules.
    pub fn judge(&mut self, rules: &[FailOn]) {
        let (mut worse, language) = (Vec::new(), self.language);
        let has = |any: &[FailOn]| any.iter().any(|rule| rules.contains(rule));
        let mut of = |change: Change, least: Level| {
            let told = |id: &str| language.with("worse-requirement", &[("id", id.into()), ("change", change.words(language).into())]);
            // The heaviest level comes first; what the second does not even know has vanished, whatever it weighed.
            let counts = |one: &&RequirementChange| one.change == change && (one.level <= least || one.after.is_none());
            worse.extend(self.requirements.iter().filter(counts).map(|one| told(&one.id)));
        };
        if has(&[FailOn::NewlyBroken, FailOn::OnlyBroken, FailOn::Any]) {
            of(Change::NewlyBroken, Level::Free);
        }
        if has(&[FailOn::Any]) {
            of(Change::NoLongerJudged, Level::Free);
        } else if has(&[FailOn::NewlyBroken]) {
            of(Change::NoLongerJudged, Level::Must);
        }
        let conforms = |side: &Side| side.verdict == Overall::Conforms.words();
        let fell = conforms(&self.before) && self.after.verdict == Overall::DoesNotConform.words();
        if fell && has(&[FailOn::NewlyBroken, FailOn::Any]) {
            worse.push(language.say("worse-verdict"));
        }
        for number in self.numbers.iter().filter(|number| number.change == "worse") {
            // What is not there any more has grown, or fallen, by more than any bound.
            let is_gone = number.after == 0.0;
            let percent = number.percent();
            let is_rate = number.unit == "/s";
            let breaks = rules.iter().any(|rule| match rule {
                FailOn::Any | FailOn::Slower => true,
                FailOn::Latency(most) => !is_rate && (is_gone || percent > *most),
                FailOn::Rate(most) => is_rate && -percent > *most,
                FailOn::NewlyBroken | FailOn::OnlyBroken => false,
            });
            if breaks {
                let (before, after) = (number.shown(number.before), number.shown(number.after));
                let percent = format!("{percent:+.1}%");
                let facts = [
                    ("name", number.name.as_str().into()),
                    ("before", before.into()),
                    ("after", after.into()),
                    ("percent", percent.into()),
                ];
                worse.push(language.with("worse-number", &facts));
            }
        }
        self.worse = worse;
    }
}

#[cfg(test)]
mod tests {
    use super::FailOn;

    #[test]
    fn rules_are_read() {
        assert_eq!(FailOn::read("latency:10%"), Ok(FailOn::Latency(10.0)));
        assert_eq!(FailOn::read("any"), Ok(FailOn::Any));
        for wrong in ["latency", "latency:10", "latency:-1%", "worse", ""] {
            assert!(FailOn::read(wrong).is_err(), "{wrong}");
        }
    }
}
