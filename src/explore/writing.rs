//! Writing: a scenario as a file of the language, with a title that says what it shows.
//!
//! In: a scenario. Out: YAML as a person would write it, which the ordinary
//! reader reads again. Nothing is written to a disk here.

use super::pruned::{flow, pruned, scalar};
use crate::scenario::expand::{self, Loaded};
use crate::scenario::lint::Known;
use crate::scenario::{Scenario, Step};
use serde_json::Value;

/// The longest line.
const WIDTH: usize = 140;

/// The members of a step, in the order in which they are written.
const ORDER: [&str; 15] = [
    "name", "deliver", "burst", "stream", "advance", "restart", "snapshot", "state", "effects", "get", "repeat", "shows", "expect",
    "answer", "counts",
];

/// A scenario as text.
#[must_use]
pub fn write(scenario: &Scenario) -> String {
    let list = |items: &[String]| format!("[{}]", items.iter().map(|one| scalar(one)).collect::<Vec<_>>().join(", "));
    let mut text = format!("title: {}\n", prose(&scenario.title));
    if let Some(about) = &scenario.about {
        text.push_str(&format!("about: {}\n", prose(about)));
    }
    text.push_str(&format!("shows: {}\n", list(&scenario.shows)));
    if !scenario.needs.is_empty() {
        text.push_str(&format!("needs: {}\n", list(&scenario.needs)));
    }
    if scenario.alone {
        text.push_str("alone: true\n");
    }
    text.push_str("steps:\n");
    for step in &scenario.steps {
        write_step(&mut text, step, "  ", &scenario.shows);
    }
    text
}

/// A sentence in quotation marks: it may hold whatever YAML means something by.
fn prose(text: &str) -> String {
    Value::String(text.to_owned()).to_string()
}

fn write_step(text: &mut String, step: &Step, indent: &str, of_scenario: &[String]) {
    let Some(Value::Object(mut members)) = pruned(step) else { return };
    // What the scenario shows first need not be said again.
    if step.shows.len() == 1 && step.shows.first() == of_scenario.first() {
        members.remove("shows");
    }
    let mut mark = "- ";
    for name in ORDER {
        let Some(value) = members.get(name) else { continue };
        if name == "repeat" {
            if let Some(block) = &step.repeat {
                text.push_str(&format!("{indent}{mark}repeat:\n{indent}    times: {}\n{indent}    steps:\n", block.times));
                for inner in &block.steps {
                    write_step(text, inner, &format!("{indent}      "), of_scenario);
                }
            }
        } else {
            let line = format!("{indent}{mark}{name}: {}", flow(value));
            match value {
                // A long one is written member by member.
                Value::Object(parts) if line.len() > WIDTH && parts.len() > 1 => {
                    text.push_str(&format!("{indent}{mark}{name}:\n"));
                    for (part, value) in parts {
                        text.push_str(&format!("{indent}      {part}: {}\n", flow(value)));
                    }
                }
                _ => {
                    text.push_str(&line);
                    text.push('\n');
                }
            }
        }
        mark = "  ";
    }
}

/// What the ordinary reader makes of a text; nothing where it is not read as one scenario.
#[must_use]
pub fn read_again(id: &str, file: &str, text: &str, known: &Known) -> Option<Loaded> {
    let mut all = expand::load(id, file, text, known).ok()?;
    if all.len() == 1 { all.pop() } else { None }
}

/// A name for a file: the words of a sentence, as far as they are letters and digits.
#[must_use]
pub fn file_name(sentence: &str) -> String {
    /// Longer names help nobody.
    const WORDS: usize = 10;
    let kept: String = sentence.to_lowercase().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { ' ' }).collect();
    let words: Vec<&str> = kept.split_whitespace().take(WORDS).collect();
    if words.is_empty() { "finding".to_owned() } else { words.join("-") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explore::vetting::scenario_of;

    /// Whatever stands in a scenario stands in its text, and is read again from there.
    #[test]
    fn texts_are_read_again_as_they_were() {
        let steps = [
            r#"{"deliver": {"as": "first", "raw": "{\"a\": \"\\u0000: #\\t\"}", "key": "{unique}'--: yes"}, "expect": "accepted", "shows": ["A-1"]}"#,
            r#"{"repeat": {"times": 3, "steps": [{"burst": {"each": 8}, "counts": {"accepted": 1, "repeated": 7, "other": 0}}]}}"#,
            r#"{"deliver": {"key_of": "first", "fault": {"cut-request": {"bytes": 9}}}, "expect": {"any_of": ["no-answer", "rejected"]}, "shows": ["A-2"]}"#,
            r#"{"stream": {"open": "first", "last_event_id": "{id:s.first}", "as": "again", "until": {"events": 1, "quiet": "100 ms"}, "expect": [{"tells": []}, {"again": "s"}]}}"#,
            r#"{"state": {"keys": [{"rows_for": "first", "count": 0, "holds": {"ttl": "ttl"}}], "grown": {"since": "x", "keys": 1}}}"#,
        ];
        let steps: Vec<Step> = steps.iter().map(|text| serde_json::from_str(text).expect("it is a step")).collect();
        let scenario = Scenario { title: "A \"key\": of its own".to_owned(), ..scenario_of(&steps) };
        let text = write(&scenario);
        let tree = crate::yaml::tree::Tree::read("x.yaml", &text).expect("it is YAML");
        let read: Scenario = serde_json::from_value(tree.root.to_json()).expect("it is a scenario");
        assert_eq!(read.title, scenario.title);
        let said = |scenario: &Scenario| scenario.steps.iter().filter_map(pruned).collect::<Vec<_>>();
        let (mut again, mut before) = (said(&read), said(&scenario));
        for value in again.iter_mut().chain(&mut before) {
            value.as_object_mut().map(|members| members.remove("shows"));
        }
        assert_eq!(again, before, "{text}");
        assert_eq!(file_name("Of 8 deliveries \u{2026} at once: two!"), "of-8-deliveries-at-once-two");
    }
}
