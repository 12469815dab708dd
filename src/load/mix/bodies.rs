//! Bodies of a mix: what is sent, and how long it is.
//!
//! In: the member `body` of a mix file. Out: a [`BodyPlan`].

use schemars::JsonSchema;
use serde::Deserialize;

/// Larger bodies are not sent by the thousand.
const MOST_BODY_BYTES: usize = 16 << 20;

/// What bodies are made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BodyPlan {
    /// A body's text or its file's name.
    pub from: BodyFrom,
    /// Sizes in bytes with their weights; none when all are as long as their text.
    pub sizes: Vec<(usize, u32)>,
}

/// Where the text of a body comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BodyFrom {
    /// A body of the suite, by its name.
    File(String),
    /// Text with `{unique}` and `{padding}` in it.
    Template(String),
}

/// A body as it stands in a mix: one of `file` and `template`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BodyFile {
    /// A body of the suite, by its name.
    pub file: Option<String>,
    /// Text, in which `{unique}` becomes the delivery's own word and `{padding}` fills it up to its size.
    pub template: Option<String>,
    /// Sizes, each with its weight; needs `{padding}` in the template.
    #[serde(default)]
    pub sizes: Vec<SizeFile>,
}

/// A size with its weight.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SizeFile {
    /// How long the body is.
    pub bytes: usize,
    /// How often, compared with the others.
    pub weight: u32,
}

impl BodyPlan {
    pub(super) fn of(file: BodyFile) -> Result<Self, String> {
        let from = match (file.file, file.template) {
            (Some(name), None) => BodyFrom::File(name),
            (None, Some(text)) => BodyFrom::Template(text),
            (_, _) => return Err("a body has one of `file` and `template`".to_owned()),
        };
        let can_fill = matches!(&from, BodyFrom::Template(text) if text.contains("{padding}"));
        if !file.sizes.is_empty() && !can_fill {
            return Err("a body of several sizes needs `{padding}` in its `template`, to be filled up with".to_owned());
        }
        for size in &file.sizes {
            if size.bytes > MOST_BODY_BYTES || size.weight == 0 {
                return Err(format!("a size has at most {MOST_BODY_BYTES} bytes and a weight of 1 or more"));
            }
        }
        Ok(Self { from, sizes: file.sizes.iter().map(|size| (size.bytes, size.weight)).collect() })
    }
}
