//! Selecting by name: `TTL-*`, `duplicate/*`, `AUTH-*,!AUTH-8`.

use crate::scenario::expand::Loaded;

/// Whether `text` fits `pattern`, in which `*` stands for any text and `?` for one character.
pub(crate) fn fits(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut p, mut t, mut star) = (0, 0, None);
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(c) if *c == '?' || *c == text[t] => {
                p += 1;
                t += 1;
            }
            Some(_) | None => match star {
                // The last star takes one character more.
                Some((at, from)) => {
                    star = Some((at, from + 1));
                    p = at + 1;
                    t = from + 1;
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

/// A selection: terms with commas between; `!` in front leaves out.
pub(crate) struct Selection<'a> {
    wanted: Vec<&'a str>,
    left_out: Vec<&'a str>,
}

impl<'a> Selection<'a> {
    /// Reads an expression.
    pub(crate) fn read(expression: &'a str) -> Self {
        let terms = expression.split(',').map(str::trim).filter(|term| !term.is_empty());
        let (left_out, wanted): (Vec<&str>, Vec<&str>) = terms.partition(|term| term.starts_with('!'));
        Self { wanted, left_out: left_out.into_iter().map(|term| term.trim_start_matches('!')).collect() }
    }

    /// Whether a scenario is selected: by its id, by the id without its variant, or by what it shows.
    pub(crate) fn takes(&self, loaded: &Loaded) -> bool {
        let is = |term: &&str| fits_scenario(term, loaded) || loaded.scenario.shows.iter().any(|id| fits(term, id));
        (self.wanted.is_empty() || self.wanted.iter().any(&is)) && !self.left_out.iter().any(is)
    }
}

/// Whether a pattern means a scenario: its id, its id without the variant, or its topic.
pub(crate) fn fits_scenario(pattern: &str, loaded: &Loaded) -> bool {
    let plain = loaded.id.split('[').next().unwrap_or(&loaded.id);
    let topic = plain.split('/').next().unwrap_or(plain);
    [loaded.id.as_str(), plain, topic].iter().any(|name| fits(pattern, name))
}

#[cfg(test)]
mod tests {
    use super::fits;

    /// Stars take as much as they must, and no more than is there.
    #[test]
    fn patterns_fit_what_they_mean() {
        for (pattern, text, wanted) in [
            ("TTL-*", "TTL-3", true),
            ("TTL-*", "DUP-3", false),
            ("*", "", true),
            ("a*b*c", "a--b--c", true),
            ("a*b", "a-b-", false),
            ("duplicate/?ne", "duplicate/one", true),
            ("x[1]", "x[1]", true),
        ] {
            assert_eq!(fits(pattern, text), wanted, "{pattern} {text}");
        }
    }
}
