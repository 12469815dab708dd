//! Causes, as the terminal shows them: right behind the verdict, with one example each.
//!
//! The first ones in full, the rest a line each: whoever reads ten lines knows
//! what to look at.

use super::findings::{LONGEST_CURL, label, labelled};
use super::{BOLD, Voice, copyable, hanging, one_line, style_of, visible};
use crate::contract::Level;
use crate::report::causes::{Cause, sentences};
use crate::report::{Report, Verdict};

/// So many causes are told with their example.
const MOST_IN_FULL: usize = 3;
/// So many are told at all.
const MOST: usize = 12;

/// What explains the findings, the most first; nothing where nothing was found.
pub(super) fn write(report: &Report, voice: Voice) -> String {
    let mut text = String::new();
    for (at, cause) in report.causes.iter().take(MOST).enumerate() {
        text.push_str(&title(at + 1, cause, voice));
        if at < MOST_IN_FULL {
            text.push_str(&example(report, cause, voice));
        }
        if at + 1 == report.causes.len().min(MOST_IN_FULL) || (at >= MOST_IN_FULL && at + 1 == report.causes.len().min(MOST)) {
            text.push('\n');
        }
    }
    if report.causes.len() > MOST {
        let more = voice.say("causes-more", &[("count", (report.causes.len() - MOST).into())]);
        text.push_str(&format!("{more}\n\n"));
    }
    text
}

fn title(number: usize, cause: &Cause, voice: Voice) -> String {
    let verdict = if cause.level == Level::Must { Verdict::Fail } else { Verdict::Warn };
    let label = format!("{number}  ");
    let told = format!(
        "{}  {}: {}",
        cause.requirement,
        one_line(&sentences::sentence(cause, voice.language)),
        sentences::explains(cause, voice.language)
    );
    // Styled after it was measured: the requirement stands out.
    let text = hanging(&label, &told, usize::MAX, voice.width, |label| voice.with(BOLD, label));
    format!("{}\n", text.replacen(&cause.requirement, &voice.with(style_of(verdict), &cause.requirement), 1))
}

fn example(report: &Report, cause: &Cause, voice: Voice) -> String {
    let one = &cause.example;
    let mut text = String::new();
    if let Some(advice) = sentences::advice(cause, voice.language) {
        text.push_str(&labelled("visit-try", &advice, voice));
    }
    let sentence = report.sentence_of(&cause.requirement, voice.language);
    if !sentence.is_empty() {
        text.push_str(&labelled("label-requirement", &one_line(sentence), voice));
    }
    for (label, value) in [("label-expected", &one.expected), ("label-reference", &one.reference), ("label-observed", &one.observed)] {
        if !value.is_empty() {
            let first = value.lines().next().unwrap_or_default();
            text.push_str(&labelled(label, &visible(&voice.language.retold(first)), voice));
        }
    }
    for line in &one.output {
        text.push_str(&labelled("label-output", &visible(line), voice));
    }
    if one.output_shared {
        text.push_str(&labelled("label-output", &voice.say("output-shared", &[]), voice));
    }
    if !one.curl.is_empty() && one.curl.chars().count() <= LONGEST_CURL {
        text.push_str(&format!("{}{}\n", label("label-curl", voice), copyable(&one.curl)));
    }
    text + &format!("{}{}\n", label("label-again", voice), one.again)
}
