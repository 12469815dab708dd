//! Templates: text with `{placeholders}`, in messages, headers, answers and rows.
//!
//! Takes text once, gives its parts; filling and matching work on the parts.
//! `{{` and `}}` stand for braces.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One part of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// Text that stands for itself.
    Literal(String),
    /// The name between braces.
    Placeholder(String),
}

/// Text with placeholders, taken apart.
#[derive(Clone, Debug, Default, PartialEq, Eq, JsonSchema)]
#[schemars(with = "String")]
pub struct Template {
    parts: Vec<Part>,
}

/// A brace without its partner.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{found}` has a brace without its partner; write `{{{{` for a brace that is meant")]
pub struct LoneBrace {
    /// The text.
    pub found: String,
}

impl Template {
    /// Takes `text` apart.
    ///
    /// # Errors
    /// [`LoneBrace`] when a placeholder is not closed, or a `}` closes nothing.
    pub fn read(text: &str) -> Result<Self, LoneBrace> {
        let lone = || LoneBrace { found: text.to_owned() };
        let (mut parts, mut literal, mut rest) = (Vec::new(), String::new(), text);
        while let Some(at) = rest.find(['{', '}']) {
            literal.push_str(&rest[..at]);
            let brace = &rest[at..=at];
            rest = &rest[at + 1..];
            if let Some(after) = rest.strip_prefix(brace) {
                literal.push_str(brace);
                rest = after;
            } else if brace == "{" {
                let end = rest.find('}').ok_or_else(lone)?;
                if !literal.is_empty() {
                    parts.push(Part::Literal(std::mem::take(&mut literal)));
                }
                parts.push(Part::Placeholder(rest[..end].to_owned()));
                rest = &rest[end + 1..];
            } else {
                return Err(lone());
            }
        }
        literal.push_str(rest);
        if !literal.is_empty() {
            parts.push(Part::Literal(literal));
        }
        Ok(Self { parts })
    }

    /// The parts, in order.
    #[must_use]
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// The same template with other text in place of what stands for itself.
    #[must_use]
    pub fn with_literals(&self, other: impl Fn(&str) -> String) -> Self {
        let part = |part: &Part| match part {
            Part::Literal(text) => Part::Literal(other(text)),
            Part::Placeholder(name) => Part::Placeholder(name.clone()),
        };
        Self { parts: self.parts.iter().map(part).collect() }
    }

    /// The names of its placeholders, in order.
    pub fn placeholders(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            Part::Placeholder(name) => Some(name.as_str()),
            Part::Literal(_) => None,
        })
    }

    /// Whether it is the one placeholder `name` and nothing else.
    #[must_use]
    pub fn is_only(&self, name: &str) -> bool {
        matches!(self.parts.as_slice(), [Part::Placeholder(only)] if only == name)
    }

    /// Fills in text; `None` when a placeholder has no value.
    #[must_use]
    pub fn fill(&self, value_of: &dyn Fn(&str) -> Option<String>) -> Option<String> {
        let mut filled = String::new();
        for part in &self.parts {
            match part {
                Part::Literal(text) => filled.push_str(text),
                Part::Placeholder(name) => filled.push_str(&value_of(name)?),
            }
        }
        Some(filled)
    }

    /// Fills in bytes; a placeholder without a value gives nothing.
    #[must_use]
    pub fn fill_bytes<'a>(&self, value_of: &dyn Fn(&str) -> Option<Cow<'a, [u8]>>) -> Vec<u8> {
        let mut filled = Vec::new();
        for part in &self.parts {
            match part {
                Part::Literal(text) => filled.extend_from_slice(text.as_bytes()),
                Part::Placeholder(name) => filled.extend_from_slice(&value_of(name).unwrap_or_default()),
            }
        }
        filled
    }

    /// Reads `text` back, byte for byte: the value of each placeholder; `None` when it does not fit.
    ///
    /// A placeholder takes as little as it can, the last one all that is left.
    #[must_use]
    pub fn matches<'t>(&self, text: &'t [u8]) -> Option<Vec<(&str, &'t [u8])>> {
        let (mut found, mut rest) = (Vec::new(), text);
        let mut parts = self.parts.iter().peekable();
        while let Some(part) = parts.next() {
            match part {
                Part::Literal(literal) => rest = rest.strip_prefix(literal.as_bytes())?,
                Part::Placeholder(name) => {
                    let end = match parts.peek() {
                        Some(Part::Literal(next)) => rest.windows(next.len()).position(|here| here == next.as_bytes())?,
                        Some(Part::Placeholder(_)) => 0,
                        None => rest.len(),
                    };
                    found.push((name.as_str(), &rest[..end]));
                    rest = &rest[end..];
                }
            }
        }
        rest.is_empty().then_some(found)
    }

    /// The same template cut at every `separator` that stands in its literal text.
    #[must_use]
    pub fn split(&self, separator: &str) -> Vec<Self> {
        let (mut all, mut parts) = (Vec::new(), Vec::new());
        for part in &self.parts {
            match part {
                Part::Placeholder(_) => parts.push(part.clone()),
                Part::Literal(text) => {
                    for (at, piece) in text.split(separator).enumerate() {
                        if at > 0 {
                            all.push(Self { parts: std::mem::take(&mut parts) });
                        }
                        if !piece.is_empty() {
                            parts.push(Part::Literal(piece.to_owned()));
                        }
                    }
                }
            }
        }
        all.push(Self { parts });
        all
    }
}

impl std::fmt::Display for Template {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for part in &self.parts {
            match part {
                Part::Literal(text) => f.write_str(&text.replace('{', "{{").replace('}', "}}"))?,
                Part::Placeholder(name) => write!(f, "{{{name}}}")?,
            }
        }
        Ok(())
    }
}

impl<'de> Deserialize<'de> for Template {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Self::read(&String::deserialize(from)?).map_err(serde::de::Error::custom)
    }
}

impl Serialize for Template {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn template(text: &str) -> Template {
        Template::read(text).expect("the test writes whole braces")
    }

    /// Filling and reading back are each other's inverse.
    #[test]
    fn what_was_filled_in_is_read_back() {
        let signature = template("t={t},v1={sig}");
        let filled = signature.fill(&|name| Some(if name == "t" { "17" } else { "ab" }.to_owned()));
        assert_eq!(filled.as_deref(), Some("t=17,v1=ab"));
        assert_eq!(signature.matches(b"t=17,v1=ab"), Some(vec![("t", &b"17"[..]), ("sig", b"ab")]));
        assert_eq!(signature.matches(b"t=17,v1=\xff"), Some(vec![("t", &b"17"[..]), ("sig", b"\xff")]));
        assert_eq!(signature.matches(b"v1=ab,t=17"), None);
    }

    /// A list is cut at its separator, braces and all.
    #[test]
    fn a_list_template_is_cut_into_its_items() {
        let items = template("t={t},v1={sig}").split(",");
        assert_eq!(items.iter().map(ToString::to_string).collect::<Vec<_>>(), ["t={t}", "v1={sig}"]);
    }

    /// Braces that are meant are doubled; a lone one is refused.
    #[test]
    fn braces_come_in_pairs() {
        assert_eq!(template("a{{b}}c{d}").to_string(), "a{{b}}c{d}");
        assert!(Template::read("a{b").is_err());
        assert!(Template::read("a}b").is_err());
    }
}
