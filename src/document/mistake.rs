//! Mistakes in a file: what is wrong, where, and the way out.
//!
//! Takes places as byte ranges of a text, gives what a person reads: the line
//! of the file with a caret under the place. All mistakes of a file travel
//! together, in the order of the file.

use std::fmt;
use std::ops::Range;

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};

/// Hints up to this length stand beside the caret, longer ones below.
const LABEL_CHARS: usize = 90;
/// Wide enough that no line of a hint is cut.
const WIDTH: usize = 400;

/// One mistake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// Its place in the text, in bytes.
    pub span: Range<usize>,
    /// What is wrong: lower case, no full stop.
    pub message: String,
    /// The way out: `did you mean …?`, `expected one of: …`.
    pub hint: Option<String>,
}

impl Mistake {
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
pub struct Mistakes {
    source_name: String,
    text: String,
    all: Vec<Mistake>,
}

impl Mistakes {
    /// The mistakes `all` of the file `name`, which holds `text`.
    #[must_use]
    pub fn new(name: &str, text: &str, mut all: Vec<Mistake>) -> Self {
        for mistake in &mut all {
            mistake.span = tight(text, &mistake.span);
        }
        all.sort_by_key(|one| (one.span.start, one.span.end));
        all.dedup();
        Self { source_name: name.to_owned(), text: text.to_owned(), all }
    }

    /// The mistakes, in order.
    #[must_use]
    pub fn all(&self) -> &[Mistake] {
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
        let mut rendered = self.all.iter().map(|mistake| self.one(&renderer, &starts, mistake)).collect::<Vec<_>>().join("\n\n");
        if self.all.len() > 1 {
            rendered.push_str(&format!("\n\n{} mistakes in {}", self.all.len(), self.source_name));
        }
        rendered
    }

    /// One mistake with its line: of a file with thousands of them, each shows its line and nobody reads the file anew.
    ///
    /// * `starts`: where each line of the text begins.
    fn one(&self, renderer: &Renderer, starts: &[usize], mistake: &Mistake) -> String {
        let (beside, below) = match &mistake.hint {
            Some(hint) if hint.chars().count() <= LABEL_CHARS => (Some(hint.as_str()), None),
            Some(hint) => (None, Some(hint.as_str())),
            None => (None, None),
        };
        let number = starts.partition_point(|start| *start <= mistake.span.start).max(1);
        let begin = starts[number - 1];
        let line = self.text[begin..].split_inclusive('\n').next().unwrap_or_default();
        let caret = AnnotationKind::Primary.span(mistake.span.start - begin..mistake.span.end - begin).label(beside);
        let snippet = Snippet::source(line).line_start(number).path(self.source_name.as_str()).annotation(caret);
        let mut group = Level::ERROR.primary_title(mistake.message.as_str()).element(snippet);
        if let Some(hint) = below {
            group = group.element(Level::HELP.message(hint));
        }
        renderer.render(&[group]).lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
    }
}

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

/// A range inside the text, on whole characters, that ends with its first line.
fn tight(text: &str, span: &Range<usize>) -> Range<usize> {
    let whole = |mut at: usize| {
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        at
    };
    let start = whole(span.start.min(text.len()));
    let end = whole(span.end.min(text.len())).max(start);
    let line = text[start..].find('\n').map_or(text.len(), |at| start + at);
    let end = end.min(line);
    // Space after a scalar is no part of it.
    start..(start + text[start..end].trim_end().len())
}

/// Words with commas between.
pub(crate) fn listed<W: AsRef<str>>(words: impl IntoIterator<Item = W>) -> String {
    words.into_iter().map(|word| word.as_ref().to_owned()).collect::<Vec<_>>().join(", ")
}

/// The one of `known` that is meant by `word`, where a slip of the fingers or a name that was left half written explains it.
///
/// Nothing is better than nonsense: words that merely share letters, and ids that differ in nothing but their number, are not near.
pub(crate) fn nearest<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    /// A longer word is none that somebody mistyped; comparing takes time that grows with its square.
    const LONGEST: usize = 100;
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
    let known: Vec<&'k str> = known.into_iter().filter(|one| *one != word).collect();
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
    use super::nearest;

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
