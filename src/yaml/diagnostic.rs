//! Diagnostics of a file: what is wrong, where, and the way out.
//!
//! Takes places as byte ranges of a text, gives what a person reads: the line
//! of the file with a caret under the place. All mistakes of a file travel
//! together, in the order of the file.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};

/// Hints up to this length stand beside the caret, longer ones below.
const LABEL_CHARS: usize = 90;
/// Wide enough that no line of a hint is cut.
const WIDTH: usize = 400;
/// Of a longer line only what stands around the caret is shown.
const LONGEST_LINE: usize = 1_000; // bytes
/// So much of it on either side.
const AROUND: usize = 150; // bytes
/// So much of a name stands in a message.
const LONGEST_NAME: usize = 200; // bytes
/// A message that is longer has something in it that nobody reads to its end.
const LONGEST_MESSAGE: usize = 2_000; // bytes
/// So many mistakes of a file are shown; of the rest the number is told.
const MOST_SHOWN: usize = 1_000;
/// So many words are listed, and compared with one that is not known.
const MOST_WORDS: usize = 500;

/// One mistake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Its place in the text, in bytes.
    pub span: Range<usize>,
    /// What is wrong: lower case, no full stop.
    pub message: String,
    /// The way out: `did you mean …?`, `expected one of: …`.
    pub hint: Option<String>,
}

impl Diagnostic {
    /// A mistake without a hint.
    #[must_use]
    pub fn new(span: Range<usize>, message: impl Into<String>) -> Self {
        Self { span, message: message.into(), hint: None }
    }

    /// The same mistake with the way out.
    #[must_use]
    pub fn with_hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }
}

/// Every mistake of one file, in the order of the file. Never empty.
#[derive(Clone, Debug, thiserror::Error)]
pub struct Diagnostics {
    source_name: String,
    text: String,
    all: Vec<Diagnostic>,
}

impl Diagnostics {
    /// The mistakes `all` of the file `name`, which holds `text`.
    #[must_use]
    pub fn new(name: &str, text: &str, mut all: Vec<Diagnostic>) -> Self {
        for diagnostic in &mut all {
            diagnostic.span = tight(text, &diagnostic.span);
            if diagnostic.message.len() > LONGEST_MESSAGE {
                diagnostic.message = beginning(&diagnostic.message, LONGEST_MESSAGE).into_owned();
            }
        }
        all.sort_by_key(|one| (one.span.start, one.span.end));
        all.dedup();
        Self { source_name: name.to_owned(), text: text.to_owned(), all }
    }

    /// The mistakes, in order.
    #[must_use]
    pub fn all(&self) -> &[Diagnostic] {
        &self.all
    }

    /// The file's name, as it was given.
    #[must_use]
    pub fn source_name(&self) -> &str {
        &self.source_name
    }

    /// The mistakes as a person reads them, in colour or plain.
    #[must_use]
    pub fn render(&self, colour: bool) -> String {
        let renderer = if colour { Renderer::styled() } else { Renderer::plain() }.term_width(WIDTH);
        let starts: Vec<usize> = std::iter::once(0).chain(self.text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        // Where the last caret stood: columns of one line are counted on from there.
        let mut last = Column { line: 0, at: 0, column: 1 };
        let shown = self.all.iter().take(MOST_SHOWN);
        let mut rendered = shown.map(|diagnostic| self.one(&renderer, &starts, diagnostic, &mut last)).collect::<Vec<_>>().join("\n\n");
        if self.all.len() > 1 {
            rendered.push_str(&format!("\n\n{} mistakes in {}", self.all.len(), self.source_name));
        }
        if self.all.len() > MOST_SHOWN {
            rendered.push_str(&format!("; the first {MOST_SHOWN} are shown"));
        }
        rendered
    }

    /// One mistake with its line: of a file with thousands of them, each shows its line and nobody reads the file anew.
    ///
    /// * `starts`: where each line of the text begins.
    /// * `last`: a place before this one, and becomes this one.
    fn one(&self, renderer: &Renderer, starts: &[usize], diagnostic: &Diagnostic, last: &mut Column) -> String {
        let (beside, below) = match &diagnostic.hint {
            Some(hint) if hint.chars().count() <= LABEL_CHARS => (Some(hint.as_str()), None),
            Some(hint) => (None, Some(hint.as_str())),
            None => (None, None),
        };
        let number = starts.partition_point(|start| *start <= diagnostic.span.start).max(1);
        let begin = starts[number - 1];
        let line = &self.text[begin..starts.get(number).copied().unwrap_or(self.text.len())];
        let (line, caret, cut_to) = around(line, diagnostic.span.start - begin..diagnostic.span.end - begin);
        let caret = AnnotationKind::Primary.span(caret).label(beside);
        let snippet = Snippet::source(line).line_start(number).path(self.source_name.as_str()).annotation(caret);
        let mut group = Level::ERROR.primary_title(diagnostic.message.as_str()).element(snippet);
        if let Some(hint) = below {
            group = group.element(Level::HELP.message(hint));
        }
        let rendered = renderer.render(&[group]).lines().map(str::trim_end).collect::<Vec<_>>().join("\n");
        let Some(shown) = cut_to else { return rendered };
        // The renderer knows the columns of what it was given.
        last.move_to(&self.text, begin, diagnostic.span.start);
        let place = |column: usize| format!("{}:{number}:{column}", self.source_name);
        rendered.replacen(&place(shown), &place(last.column), 1)
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

/// The column of a place, in characters from 1.
struct Column {
    line: usize,
    at: usize,
    column: usize,
}

impl Column {
    fn move_to(&mut self, text: &str, line: usize, at: usize) {
        if self.line != line || self.at > at || self.at < line {
            *self = Self { line, at: line, column: 1 };
        }
        self.column += text.get(self.at..at).map_or(0, |between| between.chars().count());
        self.at = at;
    }
}

/// A line and the caret in it; of a line that is long, what stands around the caret, and the caret's column there.
fn around(line: &str, caret: Range<usize>) -> (Cow<'_, str>, Range<usize>, Option<usize>) {
    const CUT: &str = "…";
    if line.len() <= LONGEST_LINE {
        return (Cow::Borrowed(line), caret, None);
    }
    let start = whole(line, caret.start.saturating_sub(AROUND));
    let caret_end = whole(line, caret.end.min(caret.start + AROUND));
    let end = whole(line, (caret_end + AROUND).min(line.len()));
    let before = if start > 0 { CUT } else { "" };
    let behind = if end < line.len() { CUT } else { "" };
    let text = format!("{before}{}{behind}", &line[start..end]);
    let moved = |at: usize| at - start + before.len();
    let column = text[..moved(caret.start)].chars().count() + 1;
    (Cow::Owned(text), moved(caret.start)..moved(caret_end), Some(column))
}

/// The last place up to `at` that is inside of no character.
fn whole(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

/// A text of at most so many bytes, and a sign where it was longer.
fn beginning(text: &str, most: usize) -> Cow<'_, str> {
    if text.len() <= most { Cow::Borrowed(text) } else { Cow::Owned(format!("{}…", &text[..whole(text, most)])) }
}

/// A name from a file as a message tells it: not more of it than somebody reads.
pub(crate) fn shown(name: &str) -> Cow<'_, str> {
    beginning(name, LONGEST_NAME)
}

/// A range inside the text, on whole characters, that ends with its first line.
fn tight(text: &str, span: &Range<usize>) -> Range<usize> {
    let start = whole(text, span.start);
    let end = whole(text, span.end).max(start);
    let end = text[start..end].find('\n').map_or(end, |at| start + at);
    // Space after a scalar is no part of it.
    start..(start + text[start..end].trim_end().len())
}

/// Words with commas between.
pub(crate) fn listed<W: AsRef<str>>(words: impl IntoIterator<Item = W>) -> String {
    let mut words = words.into_iter();
    let mut listed = words.by_ref().take(MOST_WORDS).map(|word| shown(word.as_ref()).into_owned()).collect::<Vec<_>>().join(", ");
    if words.next().is_some() {
        listed.push_str(", …");
    }
    listed
}

/// The one of `known` that is meant by `word`, where a slip of the fingers or a name that was left half written explains it.
///
/// Nothing is better than nonsense: words that merely share letters, and ids that differ in nothing but their number, are not near.
pub(crate) fn nearest<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    /// A longer word is none that somebody mistyped; comparing takes time that grows with its square.
    const LONGEST: usize = 100;
    /// Every word that is not known is compared with so many, whatever a file has of them.
    const MOST_COMPARED: usize = 2_000;
    /// What is shorter begins too many names.
    const HALF: usize = 3;
    /// What is as long begins no name by chance, wherever it was cut.
    const TOLD_APART: usize = 5;
    // Dashes before a flag are not what it is called.
    let bare = |text: &str| text.trim_start_matches('-').to_lowercase();
    let low = bare(word);
    let length = low.chars().count();
    if word.len() > LONGEST || length < HALF {
        return None;
    }
    let known: Vec<&'k str> = known.into_iter().take(MOST_COMPARED).filter(|one| *one != word && one.len() <= 2 * LONGEST).collect();
    let near = known.iter().filter_map(|one| {
        let other = bare(one);
        // A changed order of letters counts once; short words must not be near to everything.
        let slips = strsim::damerau_levenshtein(&low, &other);
        (slips <= slips_allowed(length.max(other.chars().count())) && !differ_by_number(&low, &other, slips)).then_some((slips, *one))
    });
    if let Some((_, one)) = near.min_by_key(|(slips, _)| *slips) {
        return Some(one);
    }
    let mut whole = known.iter().filter(|one| {
        let rest = bare(one).strip_prefix(&low).and_then(|rest| rest.chars().next());
        rest.is_some_and(|next| length >= TOLD_APART || !next.is_alphanumeric() || !low.ends_with(char::is_alphanumeric))
    });
    // A name that was left half written, when it can be no other.
    whole.next().copied().filter(|_| whole.next().is_none())
}

/// How many slips are likely in a word of so many characters.
fn slips_allowed(length: usize) -> usize {
    match length {
        0..=5 => 1,
        6..=9 => 2,
        more => more / 8 + 1,
    }
}

/// Whether two names are the same but for their number: another number is no slip, a digit too many or too few may be.
fn differ_by_number(one: &str, other: &str, slips: usize) -> bool {
    let words = |name: &str| name.chars().filter(|c| !c.is_ascii_digit()).collect::<String>();
    words(one) == words(other) && (slips > 1 || one.len() == other.len())
}

/// What to say to a word that is not known: the one that is meant, or all of them.
pub(crate) fn hint(word: &str, what: &str, known: &[&str]) -> Option<String> {
    match nearest(word, known.iter().copied()) {
        Some(near) => Some(format!("did you mean `{near}`?")),
        None if known.is_empty() => None,
        None => Some(format!("{what}: {}", listed(known.iter().copied()))),
    }
}

#[cfg(test)]
mod tests {
    use super::{Diagnostic, Diagnostics, MOST_SHOWN, nearest};

    /// Of a long line what stands around each caret is shown, with the column that it has in the file.
    #[test]
    fn long_lines_are_shown_in_part() {
        let text = format!("first\n{}é!{}\nlast\n", "a".repeat(5_000), "b".repeat(5_000));
        let diagnostics = [5_008, 5_006].map(|at| Diagnostic::new(at..at + 3, "no").with_hint("yes"));
        let told = Diagnostics::new("long.yaml", &text, diagnostics.to_vec()).to_string();
        for wanted in ["long.yaml:2:5001\n", "long.yaml:2:5002\n", "aé!b", "yes", "2 mistakes in long.yaml"] {
            assert!(told.contains(wanted) && told.len() < 2_000, "{wanted}: {told}");
        }
        let many = (0..MOST_SHOWN + 5).map(|at| Diagnostic::new(at..at + 1, "x".repeat(10_000))).collect();
        let told = Diagnostics::new("long.yaml", &text, many).to_string();
        assert!(told.ends_with("1005 mistakes in long.yaml; the first 1000 are shown") && told.len() < 4_000_000, "{}", told.len());
    }

    /// A slip is explained, a half name that can be no other is, and nothing else.
    #[test]
    fn only_what_is_meant_is_near() {
        let known = ["run", "report", "--ttl", "--target", "stripe-webhook", "stripe-api", "github-webhook", "DUP-1", "DUP-2", "ONCE-*"];
        for (word, wanted) in [
            ("rnu", Some("run")),
            ("reprot", Some("report")),
            ("--tagret", Some("--target")),
            ("STRIPE-WEBHOK", Some("stripe-webhook")),
            ("github", Some("github-webhook")),
            ("ONEC-*", Some("ONCE-*")),
            ("DUP-11", Some("DUP-1")),
            // Two begin so; another number is no slip; letters alone make nothing near.
            ("stripe", None),
            ("DUP-9", None),
            ("DUP-99", None),
            ("--url", None),
            ("gitea-webhook", None),
            ("judge", None),
            ("ru", None),
            ("xyzzy", None),
            (&"n".repeat(1000), None),
        ] {
            assert_eq!(nearest(word, known), wanted, "{word}");
        }
    }
}
