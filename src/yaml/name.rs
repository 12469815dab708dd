//! Names: what becomes a part of a file's name may not lead anywhere.
//!
//! In: a name from a file. Out: what is wrong with it, and the way out.

/// So many bytes at the most: with what stands around it, it must still be a file's name.
const LONGEST: usize = 100;
/// Room in a file's name for a scenario's name and its variant.
const LONGEST_TOGETHER: usize = 200;

/// What is wrong with a name that is one word: letters, digits, `-`, `_` and `.`, not at its beginning.
#[must_use]
pub fn word_mistake(name: &str) -> Option<String> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if name.is_empty() || !name.chars().all(is_plain) || name.starts_with('.') {
        return Some("a name is one word of letters, digits, `-`, `_` and `.`: files are called by it".to_owned());
    }
    too_long(name)
}

/// What is wrong with a variant's name, which may have blanks and brackets in it.
///
/// * `scenario`: the name of the scenario, without its topic.
#[must_use]
pub fn variant_mistake(name: &str, scenario: &str) -> Option<String> {
    if name.trim().is_empty() || name.contains(['/', '\\']) || name.chars().any(char::is_control) || name.starts_with('.') {
        return Some("a variant has a name, not a path: snapshots are called by it".to_owned());
    }
    if name.len() + scenario.len() > LONGEST_TOGETHER {
        return Some(format!(
            "the scenario's name and this one have more than {LONGEST_TOGETHER} bytes together: snapshots are called by them"
        ));
    }
    too_long(name)
}

fn too_long(name: &str) -> Option<String> {
    (name.len() > LONGEST).then(|| format!("the name has {} bytes, and files are called by it: {LONGEST} at the most", name.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_nowhere_and_fit() {
        for good in ["orch-phase3", "a", "v1.2_b"] {
            assert_eq!(word_mistake(good), None);
        }
        for bad in ["", "..", ".hidden", "../../x", "a/b", "a b", "a\\b", &"x".repeat(101)] {
            assert!(word_mistake(bad).is_some(), "{bad}");
        }
        for good in ["300 bytes", "t-300s", "ü", "a.b"] {
            assert_eq!(variant_mistake(good, "scenario"), None);
        }
        for bad in ["", " ", "../../../x", "a/b", "a\\b", "a\nb", "..", &"x".repeat(300)] {
            assert!(variant_mistake(bad, "scenario").is_some(), "{bad}");
        }
        assert!(variant_mistake(&"x".repeat(90), &"y".repeat(120)).is_some());
    }
}
