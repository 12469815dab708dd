//! Names with `*` and `?` in them, and which scenarios they mean.

/// Whether `text` fits `pattern`, in which `*` stands for any text and `?` for one character.
#[must_use]
pub fn fits(pattern: &str, text: &str) -> bool {
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

/// Whether a pattern means the scenario with this id: the id, the id without its variant, or its topic.
#[must_use]
pub fn means(pattern: &str, id: &str) -> bool {
    let plain = id.split('[').next().unwrap_or(id);
    let topic = plain.split('/').next().unwrap_or(plain);
    [id, plain, topic].iter().any(|name| fits(pattern, name))
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
