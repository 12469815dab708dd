//! Claims in words: for a terminal, and as Markdown.

use std::fmt::Write as _;

use super::evaluate::fact_in;
use super::{Claims, Part, Weighed, Worth};
use crate::report::language::Language;
use crate::report::words::padded;

/// So many scenarios are named; the rest is a number.
const NAMED: usize = 2;

impl Claims {
    /// The last line.
    #[must_use]
    pub fn summary(&self) -> String {
        let itself = self.language.with("claims-itself", &[("count", self.inconsistencies.len().into())]);
        let facts = [
            ("all", self.claims.len().into()),
            ("shown", self.shown.into()),
            ("contradicted", self.contradicted.into()),
            ("not_shown", self.not_shown.into()),
            ("itself", itself.into()),
        ];
        let summary = self.language.with("claims-summary", &facts);
        match self.unread.len() {
            0 => summary,
            count => format!(
                "{summary}{}{}",
                self.language.say("between"),
                self.language.with("claims-unread-count", &[("count", count.into())])
            ),
        }
    }

    /// For a terminal.
    #[must_use]
    pub fn human(&self) -> String {
        let language = self.language;
        let mut text = format!("{} ({})\n{}\n", self.report, self.form, self.beside(&self.evidence));
        if let Some(damage) = &self.damage {
            let _ = writeln!(text, "{}", language.with("claims-damage", &[("damage", damage.as_str().into())]));
        }
        let _ = writeln!(text);
        for (name, value) in &self.facts {
            let _ = writeln!(text, "{}  {value}", padded(&fact_in(name, language), 12));
        }
        let head = |word: &str, lines: &str, what: &str| {
            let lines = language.with("claims-line", &[("lines", lines.into())]);
            format!("\n{}  {}  {what}\n", padded(word, 12), padded(&lines, 14))
        };
        for claim in &self.claims {
            text.push_str(&head(&claim.worth.words(language), &lines(claim), &claim.text));
            for line in parts(claim, language) {
                let _ = writeln!(text, "              {line}");
            }
        }
        for one in &self.inconsistencies {
            let lines: Vec<String> = one.lines.iter().map(usize::to_string).collect();
            text.push_str(&head(&language.say("claims-inconsistent"), &lines.join(", "), &one.what));
        }
        for one in &self.unread {
            text.push_str(&head(&language.say("claims-unread"), &one.line.to_string(), &one.text));
        }
        text + "\n" + &self.summary() + "\n"
    }

    /// As Markdown.
    #[must_use]
    pub fn markdown(&self) -> String {
        let cell = |text: &str| text.replace('|', "\\|").replace('<', "&lt;");
        let language = self.language;
        let title = language.with("claims-title", &[("report", format!("`{}`", self.report).into())]);
        let mut text = format!("# {title}\n\n**{}**\n\n{}\n", self.summary(), self.beside(&cell(&self.evidence)));
        if let Some(damage) = &self.damage {
            let _ = writeln!(text, "\n> {}", language.with("claims-damage", &[("damage", cell(damage).into())]));
        }
        let heads = ["claims-line-head", "claims-claim", "claims-evidence"].map(|key| language.say(key));
        let _ = write!(text, "\n| | {} |\n|---|---|---|---|\n", heads.join(" | "));
        for claim in &self.claims {
            let parts: Vec<String> = parts(claim, language).iter().map(|line| cell(line)).collect();
            let _ =
                writeln!(text, "| {} | {} | {} | {} |", claim.worth.words(language), lines(claim), cell(&claim.text), parts.join("<br>"));
        }
        if !self.inconsistencies.is_empty() {
            let _ = writeln!(text, "\n## {}\n", language.say("claims-inconsistent-heading"));
        }
        for one in &self.inconsistencies {
            let lines: Vec<String> = one.lines.iter().map(usize::to_string).collect();
            let _ = writeln!(text, "- {}: {}", language.with("claims-line", &[("lines", lines.join(", ").into())]), cell(&one.what));
        }
        if !self.unread.is_empty() {
            let _ = writeln!(text, "\n## {}\n", language.say("claims-unread-heading"));
        }
        for one in &self.unread {
            let _ = writeln!(text, "- {}: {}", language.with("claims-line", &[("lines", one.line.to_string().into())]), cell(&one.text));
        }
        text
    }

    fn beside(&self, evidence: &str) -> String {
        self.language.with("claims-beside", &[("evidence", evidence.into())])
    }
}

fn lines(claim: &Weighed) -> String {
    claim.listed_at.map_or_else(|| claim.line.to_string(), |listed| format!("{}, {listed}", claim.line))
}

/// A line a part; a claim of one part needs no verdict of its own there.
fn parts(claim: &Weighed, language: Language) -> Vec<String> {
    let alone = claim.parts.len() == 1 && !claim.denied;
    let mut lines: Vec<String> = claim.parts.iter().map(|part| told(part, alone, language)).collect();
    if claim.denied {
        lines.insert(0, language.say("claims-denied"));
    }
    if claim.untested {
        lines.push(language.say("claims-untested"));
    }
    lines
}

fn told(part: &Part, alone: bool, language: Language) -> String {
    let mut words = Vec::new();
    if !alone {
        words.push(format!("{}:", part.worth.words(language)));
    }
    words.extend((!part.what.is_empty()).then(|| part.what.clone()));
    words.extend(
        (part.worth != Worth::Contradicted && !part.requirements.is_empty()).then(|| format!("({})", part.requirements.join(", "))),
    );
    words.extend((!part.why.is_empty()).then(|| if part.what.is_empty() { part.why.clone() } else { format!("– {}", part.why) }));
    if part.worth == Worth::Shown && !part.scenarios.is_empty() {
        let more = part.scenarios.len().saturating_sub(NAMED);
        let named = part.scenarios.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
        let named = if more == 0 { named } else { language.with("claims-more", &[("scenarios", named.into()), ("count", more.into())]) };
        words.push(language.with("claims-by", &[("scenarios", named.into())]));
    }
    words.join(" ")
}
