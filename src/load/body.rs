//! Bodies of a load: one text, a word of its own in each, filled up to its size.

use bytes::Bytes;

const UNIQUE: &str = "{unique}";
const PADDING: &str = "{padding}";
/// What a body may have places for; the last only where deliveries are told on streams.
const PLACES: [&str; 3] = [UNIQUE, PADDING, super::streams::STREAM];

/// A text in which `{unique}` stands for the delivery's own word, and `{padding}` for what fills it up to one of several sizes.
#[derive(Clone, Debug)]
pub struct BodyTemplate {
    parts: Vec<Part>,
    sizes: Vec<(usize, u32)>,
}

/// A part of a body.
#[derive(Clone, Debug)]
enum Part {
    Text(Bytes),
    Unique,
    Padding,
    Stream,
}

impl BodyTemplate {
    /// Reads a text; bytes that are none are taken as they are.
    ///
    /// * `sizes`: in bytes, with their weights.
    #[must_use]
    pub fn new(text: &[u8], sizes: &[(usize, u32)]) -> Self {
        Self::naming(text, sizes, false)
    }

    /// The same; where deliveries are told on streams, `{stream}` stands for the name of theirs.
    #[must_use]
    pub fn naming(text: &[u8], sizes: &[(usize, u32)], streams: bool) -> Self {
        let places = if streams { &PLACES[..] } else { &PLACES[..2] };
        Self { parts: parts(text, places), sizes: sizes.to_vec() }
    }

    /// The size that a random number means; none where bodies are as long as their text.
    #[must_use]
    pub fn size(&self, random: u64) -> Option<usize> {
        let total: u64 = self.sizes.iter().map(|(_, weight)| u64::from(*weight)).sum();
        let mut left = random.checked_rem(total)?;
        self.sizes.iter().find_map(|(size, weight)| match left.checked_sub(u64::from(*weight)) {
            Some(rest) => {
                left = rest;
                None
            }
            None => Some(*size),
        })
    }

    /// The body of the delivery whose word is `word`; a text without a place for it is shared, not copied.
    #[must_use]
    pub fn body(&self, word: &str, size: Option<usize>) -> Bytes {
        self.body_on(word, word, size)
    }

    /// The same, with the name of the stream on which the delivery is told.
    #[must_use]
    pub fn body_on(&self, word: &str, stream: &str, size: Option<usize>) -> Bytes {
        if let [Part::Text(whole)] = self.parts.as_slice() {
            return whole.clone();
        }
        let long = |part: &Part| match part {
            Part::Text(text) => text.len(),
            Part::Unique => word.len(),
            Part::Padding => 0,
            Part::Stream => stream.len(),
        };
        let without = self.parts.iter().map(long).sum::<usize>();
        let padding = size.unwrap_or(0).saturating_sub(without);
        let mut body = Vec::with_capacity(without + padding);
        for part in &self.parts {
            match part {
                Part::Text(text) => body.extend_from_slice(text),
                Part::Unique => body.extend_from_slice(word.as_bytes()),
                Part::Padding => body.resize(body.len() + padding, b'x'),
                Part::Stream => body.extend_from_slice(stream.as_bytes()),
            }
        }
        body.into()
    }
}

fn parts(body: &[u8], places: &[&'static str]) -> Vec<Part> {
    let Ok(text) = std::str::from_utf8(body) else { return vec![Part::Text(Bytes::copy_from_slice(body))] };
    let text_part = |text: &str| Part::Text(Bytes::copy_from_slice(text.as_bytes()));
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some((at, name)) = places.iter().filter_map(|name| Some((rest.find(name)?, *name))).min() {
        parts.push(text_part(&rest[..at]));
        parts.push(match name {
            UNIQUE => Part::Unique,
            PADDING => Part::Padding,
            _ => Part::Stream,
        });
        rest = &rest[at + name.len()..];
    }
    parts.push(text_part(rest));
    parts.retain(|part| !matches!(part, Part::Text(text) if text.is_empty()));
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Words and padding stand where they are wanted; a text without either is shared.
    #[test]
    fn bodies_have_their_word_and_their_size() {
        let body =
            |text: &str, word: &str, size| String::from_utf8(BodyTemplate::new(text.as_bytes(), &[]).body(word, size).to_vec()).unwrap();
        assert_eq!(body("a{unique}b{unique}", "12", None), "a12b12");
        assert_eq!(body("{padding}|{unique}", "w", Some(6)), "xxxx|w");
        assert_eq!(body("{padding}|{unique}", "longer", Some(6)), "|longer");
        assert_eq!(BodyTemplate::new(b"\xff{unique}", &[]).body("w", None), &b"\xff{unique}"[..]);
    }

    /// The name of a stream has a place only where there are streams, and counts into the size.
    #[test]
    fn bodies_name_their_stream() {
        let text = b"{stream}|{unique}|{padding}";
        let named = BodyTemplate::naming(text, &[], true).body_on("w", "job", Some(8));
        assert_eq!(named, &b"job|w|xx"[..]);
        assert_eq!(BodyTemplate::new(text, &[]).body("w", None), &b"{stream}|w|"[..]);
    }

    /// Sizes come as often as they weigh.
    #[test]
    fn sizes_are_weighed() {
        let bodies = BodyTemplate::new(b"", &[(10, 1), (20, 3)]);
        assert_eq!((0..4).map(|random| bodies.size(random)).collect::<Vec<_>>(), [Some(10), Some(20), Some(20), Some(20)]);
        assert_eq!(BodyTemplate::new(b"", &[]).size(7), None);
    }
}
