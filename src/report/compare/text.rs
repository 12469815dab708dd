//! A comparison in words: for a terminal, and as Markdown.

use std::fmt::Write as _;

use super::{Change, Comparison, NumberChange, RequirementChange, Side};
use crate::report::language::Language;
use crate::report::words::padded;

impl Comparison {
    /// The lines that every form shares: a heading, and what stands under it.
    fn parts(&self) -> Vec<(String, Vec<String>)> {
        let mut parts = Vec::new();
        for change in Change::ALL {
            let of: Vec<&RequirementChange> = self.requirements.iter().filter(|one| one.change == change).collect();
            if of.is_empty() {
                continue;
            }
            let lines = match change {
                // What is as it was, or shown for the first time, is a list of names; the rest is told one by one.
                Change::StillKept | Change::NewlyShown | Change::NeverJudged => {
                    vec![of.iter().map(|one| one.id.as_str()).collect::<Vec<_>>().join(" ")]
                }
                Change::NewlyBroken | Change::NoLongerJudged | Change::StillBroken | Change::NewlyKept => {
                    let told = |one: &&RequirementChange| match &one.reason {
                        Some(reason) => format!("{}  {reason}", one.id),
                        None => format!("{}  {}", one.id, one.sentence),
                    };
                    of.iter().map(told).collect()
                }
            };
            parts.push((format!("{} ({})", change.words(self.language), of.len()), lines));
        }
        let mut push = |key: &str, lines: Vec<String>| {
            if !lines.is_empty() {
                parts.push((self.language.say(key), lines));
            }
        };
        push("part-tables", self.tables.clone());
        push("part-numbers", self.numbers.iter().map(|one| one.line(self.language)).collect());
        push("part-answers", self.answers.clone());
        push("part-environment", self.environment.clone());
        push("part-worse", self.worse.clone());
        parts
    }

    /// The last line: which is worse.
    #[must_use]
    pub fn summary(&self) -> String {
        let open: Vec<&str> = self.numbers.iter().filter(|one| one.change == "unknown").map(|one| one.name.as_str()).collect();
        match self.worse.as_slice() {
            [] if !open.is_empty() => {
                let between = self.language.say("between");
                let too_short = self.language.with("compare-too-short", &[("names", open.join(&between).into())]);
                self.language.say("compare-not-worse") + &between + &too_short
            }
            [] => self.language.say("compare-not-worse"),
            [only] => self.language.with("compare-worse-one", &[("why", only.as_str().into())]),
            many => self.language.with("compare-worse-many", &[("count", many.len().into())]),
        }
    }

    /// What a report is of, and what it came to.
    fn side(&self, side: &Side, path: &str) -> String {
        let (kind, verdict) = self.words_of(side);
        let facts =
            [("path", path.into()), ("kind", kind.into()), ("contract", side.contract.as_str().into()), ("verdict", verdict.into())];
        self.language.with("compare-side", &facts)
    }

    /// The kind and the verdict of a report, in words.
    pub(super) fn words_of(&self, side: &Side) -> (String, String) {
        (self.language.say(&format!("kind-{}", side.kind)), self.language.say(&format!("overall-{}", side.verdict.replace(' ', "-"))))
    }

    /// For a terminal.
    #[must_use]
    pub fn human(&self) -> String {
        let mut text = format!("{}\n{}\n\n", self.side(&self.before, &self.before.path), self.side(&self.after, &self.after.path));
        for (name, lines) in self.parts() {
            if let [only] = lines.as_slice() {
                let _ = writeln!(text, "{} {only}", padded(&name, 20));
            } else {
                let _ = writeln!(text, "{name}");
                for line in lines {
                    let _ = writeln!(text, "  {line}");
                }
            }
        }
        text + "\n" + &self.summary() + "\n"
    }

    /// As Markdown.
    #[must_use]
    pub fn markdown(&self) -> String {
        let side = |side: &Side| self.side(side, &format!("`{}`", side.path));
        let mut text = format!("# {} → {}\n\n**{}**\n", side(&self.before), side(&self.after), self.summary());
        for (name, lines) in self.parts() {
            let _ = writeln!(text, "\n## {name}\n");
            for line in lines {
                let _ = writeln!(text, "- {}", line.replace('<', "&lt;"));
            }
        }
        text
    }
}

impl NumberChange {
    pub(super) fn shown(&self, value: f64) -> String {
        if self.unit == "us" { crate::report::words::duration(value as u64) } else { format!("{value:.0}{}", self.unit) }
    }

    /// By how much it varies by itself, in words.
    pub(super) fn noise_in(&self, language: Language) -> String {
        let told = |noise| language.with("compare-with-noise", &[("noise", self.shown(noise).into())]);
        self.noise.map_or_else(|| language.say("compare-few-seconds"), told)
    }

    /// The value in one report, and between what it lies there.
    pub(super) fn spread(&self, value: f64, spread: Option<[f64; 2]>) -> String {
        let between = spread.map_or_else(String::new, |[low, high]| format!(" ({}–{})", self.shown(low), self.shown(high)));
        format!("{}{between}", self.shown(value))
    }

    fn line(&self, language: Language) -> String {
        format!(
            "{}: {} → {} ({:+.1}%, {}): {}",
            self.name,
            self.spread(self.before, self.before_spread),
            self.spread(self.after, self.after_spread),
            self.percent(),
            self.noise_in(language),
            language.say(&format!("number-{}", self.change))
        )
    }
}
