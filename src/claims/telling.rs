//! Claims in words: for a terminal, and as Markdown.

use std::fmt::Write as _;

use super::{Claims, Part, Weighed, Worth};

/// So many scenarios are named; the rest is a number.
const NAMED: usize = 2;

impl Claims {
    /// The last line.
    #[must_use]
    pub fn summary(&self) -> String {
        let itself = match self.inconsistencies.len() {
            0 => "the report agrees with itself".to_owned(),
            1 => "in one place the report does not agree with itself".to_owned(),
            many => format!("in {many} places the report does not agree with itself"),
        };
        let Self { shown, contradicted, not_shown, .. } = self;
        format!("{} claims: {shown} shown, {contradicted} contradicted, {not_shown} not shown; {itself}", self.claims.len())
    }

    /// For a terminal.
    #[must_use]
    pub fn human(&self) -> String {
        let mut text = format!("{} ({})\nbeside {}\n", self.report, self.form, self.evidence);
        if let Some(damage) = &self.damage {
            let _ = writeln!(text, "broken encoding: {damage}");
        }
        let _ = writeln!(text);
        for (name, value) in &self.facts {
            let _ = writeln!(text, "{name:<12}  {value}");
        }
        for claim in &self.claims {
            let _ = writeln!(text, "\n{:<12}  line {:<9}  {}", claim.worth.words(), lines(claim), claim.text);
            for line in parts(claim) {
                let _ = writeln!(text, "              {line}");
            }
        }
        for one in &self.inconsistencies {
            let lines: Vec<String> = one.lines.iter().map(usize::to_string).collect();
            let _ = writeln!(text, "\ninconsistent  line {:<9}  {}", lines.join(", "), one.what);
        }
        text + "\n" + &self.summary() + "\n"
    }

    /// As Markdown.
    #[must_use]
    pub fn markdown(&self) -> String {
        let cell = |text: &str| text.replace('|', "\\|").replace('<', "&lt;");
        let mut text = format!("# Claims of `{}`\n\n**{}**\n\nBeside {}.\n", self.report, self.summary(), cell(&self.evidence));
        if let Some(damage) = &self.damage {
            let _ = writeln!(text, "\n> Broken encoding: {}", cell(damage));
        }
        text.push_str("\n| | line | claim | evidence |\n|---|---|---|---|\n");
        for claim in &self.claims {
            let parts: Vec<String> = parts(claim).iter().map(|line| cell(line)).collect();
            let _ = writeln!(text, "| {} | {} | {} | {} |", claim.worth.words(), lines(claim), cell(&claim.text), parts.join("<br>"));
        }
        if !self.inconsistencies.is_empty() {
            text.push_str("\n## Inconsistent in itself\n\n");
        }
        for one in &self.inconsistencies {
            let lines: Vec<String> = one.lines.iter().map(usize::to_string).collect();
            let _ = writeln!(text, "- line {}: {}", lines.join(", "), cell(&one.what));
        }
        text
    }
}

fn lines(claim: &Weighed) -> String {
    claim.listed_at.map_or_else(|| claim.line.to_string(), |listed| format!("{}, {listed}", claim.line))
}

/// A line a part; a claim of one part needs no verdict of its own there.
fn parts(claim: &Weighed) -> Vec<String> {
    let alone = claim.parts.len() == 1 && !claim.denied;
    let mut lines: Vec<String> = claim.parts.iter().map(|part| told(part, alone)).collect();
    if claim.denied {
        lines.insert(0, "the report says that it does not hold".to_owned());
    }
    if claim.untested {
        lines.push("none of the report's own tests touches it".to_owned());
    }
    lines
}

fn told(part: &Part, alone: bool) -> String {
    let mut words = Vec::new();
    if !alone {
        words.push(format!("{}:", part.worth.words()));
    }
    words.extend((!part.what.is_empty()).then(|| part.what.clone()));
    words.extend(
        (part.worth != Worth::Contradicted && !part.requirements.is_empty()).then(|| format!("({})", part.requirements.join(", "))),
    );
    words.extend((!part.why.is_empty()).then(|| if part.what.is_empty() { part.why.clone() } else { format!("– {}", part.why) }));
    if part.worth == Worth::Shown && !part.scenarios.is_empty() {
        let more = part.scenarios.len().saturating_sub(NAMED);
        let named = part.scenarios.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
        words.push(if more == 0 { format!("by {named}") } else { format!("by {named} and {more} more") });
    }
    words.join(" ")
}
