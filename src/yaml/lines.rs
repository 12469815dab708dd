//! Lines of a text: on which one a place stands.
//!
//! In: a text, once. Out: the number of a line for any place in it, without
//! looking through the text again.

use std::ops::Range;

/// Where the lines of a text end.
#[derive(Clone, Debug)]
pub struct Lines(Vec<usize>);

impl Lines {
    /// The lines of this text.
    #[must_use]
    pub fn of(text: &str) -> Self {
        Self(text.match_indices('\n').map(|(at, _)| at).collect())
    }

    /// The line on which a place begins, from 1.
    #[must_use]
    pub fn line_of(&self, span: &Range<usize>) -> u32 {
        let breaks = self.0.partition_point(|end| *end < span.start);
        u32::try_from(breaks + 1).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_ends_belong_to_their_line() {
        let lines = Lines::of("a\n\nb");
        let told: Vec<u32> = (0..5).map(|at| lines.line_of(&(at..at))).collect();
        assert_eq!(told, [1, 1, 2, 3, 3]);
    }
}
