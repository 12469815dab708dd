//! A comparison in words: for a terminal, and as Markdown.

use std::fmt::Write as _;

use super::{Change, Comparison, NumberChange, RequirementChange, Side};

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
            parts.push((format!("{} ({})", change.words(), of.len()), lines));
        }
        let mut push = |name: &str, lines: Vec<String>| {
            if !lines.is_empty() {
                parts.push((name.to_owned(), lines));
            }
        };
        push("tables", self.tables.clone());
        push("numbers", self.numbers.iter().map(NumberChange::line).collect());
        push("answers", self.answers.clone());
        push("made differently", self.environment.clone());
        push("worse", self.worse.clone());
        parts
    }

    /// The last line: which is worse.
    #[must_use]
    pub fn summary(&self) -> String {
        match self.worse.len() {
            0 => "the second report is not worse".to_owned(),
            1 => format!("the second report is worse: {}", self.worse[0]),
            many => format!("the second report is worse, for {many} reasons"),
        }
    }

    /// For a terminal.
    #[must_use]
    pub fn human(&self) -> String {
        let side = |side: &Side| format!("{} ({} of {}: {})", side.path, side.kind, side.contract, side.verdict);
        let mut text = format!("{}\n{}\n\n", side(&self.before), side(&self.after));
        for (name, lines) in self.parts() {
            if let [only] = lines.as_slice() {
                let _ = writeln!(text, "{name:<20} {only}");
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
        let side = |side: &Side| format!("`{}` ({} of {}: {})", side.path, side.kind, side.contract, side.verdict);
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

    fn line(&self) -> String {
        let noise =
            self.noise.map_or_else(|| "too few seconds to tell the noise".to_owned(), |noise| format!("noise {}", self.shown(noise)));
        format!(
            "{}: {} → {} ({:+.1}%, {noise}): {}",
            self.name,
            self.shown(self.before),
            self.shown(self.after),
            self.percent(),
            self.change
        )
    }
}
