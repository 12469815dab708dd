//! Lines of Markdown, in the one spelling that rules are written in.
//!
//! In: a line. Out: the same with `- ` for whatever bullet it has, `[x]` for a box however it is ticked, and signs without the selector
//! of their colour; the cells of a table's row; the fence that a line opens or closes. Nothing here knows what is claimed.

/// A line as rules have it, without blanks at its ends.
pub(super) fn plain(line: &str) -> String {
    let line: String = line.trim().chars().filter(|one| *one != '\u{fe0f}').collect();
    let Some(item) = item(&line) else { return line };
    let boxed = item.strip_prefix("[X]").map(|rest| format!("[x]{rest}"));
    format!("- {}", boxed.as_deref().unwrap_or(item))
}

/// What stands behind a bullet.
fn item(line: &str) -> Option<&str> {
    let rest = line.strip_prefix(['-', '*', '+', '•', '‐', '–'])?;
    rest.starts_with([' ', '\t', '\u{3000}']).then(|| rest.trim_start())
}

/// A numbered item as if it had a bullet.
pub(super) fn unnumbered(line: &str) -> Option<String> {
    let rest = line.trim_start_matches(|one: char| one.is_ascii_digit());
    let item = rest.strip_prefix(['.', ')']).filter(|_| rest.len() < line.len())?;
    item.starts_with([' ', '\t']).then(|| plain(&format!("- {}", item.trim_start())))
}

/// The cells of a row, without emphasis; nothing where the line has no bars.
pub(super) fn cells(line: &str) -> Option<Vec<String>> {
    let line = line.trim();
    if !line.contains('|') {
        return None;
    }
    let inner = line.strip_prefix('|').unwrap_or(line);
    let inner = if inner.ends_with("\\|") { inner } else { inner.strip_suffix('|').unwrap_or(inner) };
    let (mut cells, mut cell) = (Vec::new(), String::new());
    let mut characters = inner.chars().peekable();
    while let Some(one) = characters.next() {
        match one {
            '\\' if characters.peek() == Some(&'|') => cell.extend(characters.next()),
            '|' => cells.push(std::mem::take(&mut cell)),
            '\u{fe0f}' => {}
            one => cell.push(one),
        }
    }
    cells.push(cell);
    let bare = |cell: &String| cell.trim().trim_matches(['*', '`']).trim().to_owned();
    Some(cells.iter().map(bare).map(|cell| if cell == "[X]" { "[x]".to_owned() } else { cell }).collect())
}

/// Whether a line parts the head of a table from its rows, and how many columns it has.
pub(super) fn is_rule(line: &str) -> Option<usize> {
    let cells = cells(line)?;
    let is_part = |cell: &String| cell.contains('-') && cell.trim_matches(':').chars().all(|one| one == '-');
    cells.iter().all(is_part).then_some(cells.len())
}

/// A fence of code: its sign, how long it is, and the language behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fence {
    sign: char,
    length: usize,
    pub(super) language: String,
}

/// The fence that a line is.
pub(super) fn fence(line: &str) -> Option<Fence> {
    let line = line.trim_start();
    let sign = line.chars().next().filter(|one| matches!(one, '`' | '~'))?;
    let rest = line.trim_start_matches(sign);
    let length = line.len() - rest.len();
    // Code within a line may begin with as many ticks.
    let is_fence = length >= 3 && !(sign == '`' && rest.contains('`'));
    let language = || rest.split_whitespace().next().unwrap_or_default().to_ascii_lowercase();
    is_fence.then(|| Fence { sign, length, language: language() })
}

impl Fence {
    /// Whether another one closes it.
    pub(super) fn is_closed_by(&self, other: &Self) -> bool {
        other.sign == self.sign && other.length >= self.length && other.language.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_are_one_however_they_are_written() {
        for line in ["- [x] it is", "* [X] it is", "  + [x] it is", "•  [X] it is"] {
            assert_eq!(plain(line), "- [x] it is");
        }
        assert_eq!(plain("✔\u{fe0f} done "), "✔ done");
        assert_eq!(plain("**bold**: text"), "**bold**: text");
        assert_eq!([unnumbered("1. a"), unnumbered("12) [X] a")], [Some("- a".to_owned()), Some("- [x] a".to_owned())]);
        assert_eq!([unnumbered("1.5 s"), unnumbered(". a"), unnumbered("a")], [None, None, None]);
    }

    #[test]
    fn rows_have_cells() {
        assert_eq!(cells("| **a** | `b` \\| c | ✔\u{fe0f} |").unwrap(), ["a", "b` | c", "✔"]);
        assert_eq!((cells("plain"), is_rule("|---|:-:|"), is_rule("| a | - |"), is_rule("---")), (None, Some(2), None, None));
    }

    #[test]
    fn a_fence_is_closed_by_its_like() {
        let open = fence("````SQL x").unwrap();
        assert_eq!(open.language, "sql");
        let closes = |line: &str| fence(line).is_some_and(|one| open.is_closed_by(&one));
        assert!(closes("````") && closes("  `````") && !closes("```") && !closes("~~~~") && !closes("````sql") && !closes("```` a`"));
    }
}
