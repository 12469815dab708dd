//! Documents: YAML or TOML text in, values in which every mistake has its place out.
//!
//! Text becomes a [`tree`] that knows its places ([`toml`] does it for TOML); the tree is held against
//! the JSON Schema of the Rust type ([`schema`]) and decoded with serde. Every
//! [`diagnostic`] is told at once. Nothing is read from files here.
//!
//! Start at [`read`]. A room that checks more than shapes uses [`decode`] and
//! adds its own mistakes to those it gives.

pub mod lines;
pub mod diagnostic;
pub mod name;
pub mod schema;
pub mod toml;
pub mod tree;

use std::collections::HashSet;
use std::fmt;
use std::ops::Range;

use schemars::JsonSchema;
use serde::de::value::StrDeserializer;
use serde::de::{
    self, DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, Expected, MapAccess, SeqAccess, Unexpected, VariantAccess, Visitor,
};
use serde::forward_to_deserialize_any;

use crate::yaml::diagnostic::{Diagnostic, Diagnostics, hint};
use crate::yaml::lines::Lines;
use crate::yaml::tree::{Key, Kind, Node, Tree};

/// The hidden member of every step that holds its line.
const LINE: &str = "@line";
/// Each text that a type does not take is told, and takes another look at the whole: so many are told.
const MOST_LOOKS: usize = 100;

/// Reads a document of type `T`.
///
/// * `name`: the file's name, as people should see it.
///
/// # Errors
/// Every mistake of the file.
pub fn read<T: DeserializeOwned + JsonSchema>(name: &str, text: &str) -> Result<(T, Tree), Diagnostics> {
    let tree = Tree::read(name, text)?;
    let decoded = decode::<T>(&schema_of::<T>(), &tree);
    match decoded.value {
        Some(value) if decoded.diagnostics.is_empty() => Ok((value, tree)),
        Some(_) | None => Err(Diagnostics::new(name, text, decoded.diagnostics)),
    }
}

/// Adds mistakes of meaning to those of shape; where the shape is wrong already, nothing more is said.
pub fn add_diagnostics(diagnostics: &mut Vec<Diagnostic>, more: impl IntoIterator<Item = Diagnostic>) {
    let taken: HashSet<Range<usize>> = diagnostics.iter().map(|diagnostic| diagnostic.span.clone()).collect();
    diagnostics.extend(more.into_iter().filter(|diagnostic| !taken.contains(&diagnostic.span)));
}

/// What could be read of a tree.
#[derive(Clone, Debug)]
pub struct Decoded<T> {
    /// The value. With mistakes, members that are wrong are left out or replaced by something harmless.
    pub value: Option<T>,
    /// Every mistake of shape. When there is no value there is at least one.
    pub diagnostics: Vec<Diagnostic>,
    /// The tree that the value was made of: paths into the value lead to places here.
    pub rest: Node,
}

/// The JSON Schema of a type; whoever reads many documents of a type keeps it.
#[must_use]
pub fn schema_of<T: JsonSchema>() -> serde_json::Value {
    schemars::schema_for!(T).to_value()
}

/// Turns a tree into a value of type `T`, as far as its mistakes allow.
///
/// * `schema`: that of `T`, from [`schema_of`].
#[must_use]
pub fn decode<T: DeserializeOwned>(schema: &serde_json::Value, tree: &Tree) -> Decoded<T> {
    let (mut diagnostics, mut rest) = schema::check(schema, &tree.root);
    add_lines(&tree.lines(), &mut rest, false);
    for looks in 1.. {
        let wrong = match T::deserialize(At(&rest)) {
            Ok(value) => return Decoded { value: Some(value), diagnostics, rest },
            Err(wrong) => wrong,
        };
        let span = wrong.span.clone().unwrap_or_else(|| rest.span.clone());
        // What has the wrong kind or is missing was told with the shape.
        if !wrong.of_shape || diagnostics.is_empty() {
            diagnostics.push(Diagnostic { span: span.clone(), message: wrong.message, hint: wrong.hint });
        }
        // What else is wrong is seen once this text is out of the way.
        if wrong.span.is_none() || looks >= MOST_LOOKS || !put_stand_in(&mut rest, &span) {
            break;
        }
    }
    Decoded { value: None, diagnostics, rest }
}

/// Gives every step the line it begins on.
fn add_lines(lines: &Lines, node: &mut Node, steps: bool) {
    match &mut node.kind {
        Kind::List(items) => {
            for item in items {
                add_lines(lines, item, false);
                if let (true, Kind::Map(members)) = (steps, &mut item.kind) {
                    let line = lines.line_of(&item.span);
                    let span = item.span.clone();
                    members.push((Key { text: LINE.to_owned(), span: span.clone() }, Node { span, kind: Kind::Number(line.into()) }));
                }
            }
        }
        Kind::Map(members) => members.iter_mut().for_each(|(key, value)| add_lines(lines, value, key.text == "steps")),
        Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::Text(_) => {}
    }
}

/// Replaces the text at `span` by one that every form of text accepts.
///
/// Returns whether there was such a text, and it was another.
fn put_stand_in(node: &mut Node, span: &Range<usize>) -> bool {
    match &mut node.kind {
        Kind::Text(text) if node.span == *span && text != schema::STAND_IN_TEXT => {
            schema::STAND_IN_TEXT.clone_into(text);
            true
        }
        Kind::List(items) => items.iter_mut().any(|item| put_stand_in(item, span)),
        Kind::Map(members) => members.iter_mut().any(|(_, value)| put_stand_in(value, span)),
        Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::Text(_) => false,
    }
}

/// What a type says to a value that has the right shape all the same; with its place.
#[derive(Debug)]
struct Wrong {
    message: String,
    hint: Option<String>,
    span: Option<Range<usize>>,
    of_shape: bool,
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Wrong {}

impl de::Error for Wrong {
    fn custom<M: fmt::Display>(message: M) -> Self {
        Self { message: message.to_string(), hint: None, span: None, of_shape: false }
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self { of_shape: true, ..Self::custom(format_args!("this is {found}, expected {expected}")) }
    }

    fn missing_field(name: &'static str) -> Self {
        Self { of_shape: true, ..Self::custom(format_args!("there is no member `{name}`")) }
    }

    fn unknown_variant(word: &str, known: &'static [&'static str]) -> Self {
        Self { message: format!("unknown word `{word}`"), hint: hint(word, "expected one of", known), span: None, of_shape: false }
    }
}

impl Wrong {
    /// The innermost place is the one that is told.
    fn at(self, span: &Range<usize>) -> Self {
        Self { span: self.span.or_else(|| Some(span.clone())), ..self }
    }
}

/// A node that is being decoded.
struct At<'de>(&'de Node);

impl<'de> Deserializer<'de> for At<'de> {
    type Error = Wrong;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        let told = match &self.0.kind {
            Kind::Null => visitor.visit_unit(),
            Kind::Bool(value) => visitor.visit_bool(*value),
            Kind::Number(number) => match (number.as_u64(), number.as_i64()) {
                (Some(value), _) => visitor.visit_u64(value),
                (None, Some(value)) => visitor.visit_i64(value),
                (None, None) => visitor.visit_f64(number.as_f64().unwrap_or(f64::NAN)),
            },
            Kind::Text(text) => visitor.visit_str(text),
            Kind::List(items) => visitor.visit_seq(Items(items.iter())),
            Kind::Map(members) => visitor.visit_map(Members { rest: members.iter(), value: None }),
        };
        told.map_err(|wrong| wrong.at(&self.0.span))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        if self.0.kind == Kind::Null { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Wrong> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(self, _: &'static str, _: &'static [&'static str], visitor: V) -> Result<V::Value, Wrong> {
        let told = match &self.0.kind {
            Kind::Text(word) => visitor.visit_enum(StrDeserializer::new(word)),
            Kind::Map(members) if members.len() == 1 => visitor.visit_enum(Tagged(&members[0])),
            Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::List(_) | Kind::Map(_) => {
                Err(de::Error::custom("this is not one of its words"))
            }
        };
        told.map_err(|wrong| wrong.at(&self.0.span))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct
        seq tuple tuple_struct map struct identifier ignored_any
    }
}

struct Items<'de>(std::slice::Iter<'de, Node>);

impl<'de> SeqAccess<'de> for Items<'de> {
    type Error = Wrong;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Wrong> {
        self.0.next().map(|item| seed.deserialize(At(item))).transpose()
    }
}

struct Members<'de> {
    rest: std::slice::Iter<'de, (Key, Node)>,
    value: Option<&'de Node>,
}

impl<'de> MapAccess<'de> for Members<'de> {
    type Error = Wrong;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Wrong> {
        let Some((key, value)) = self.rest.next() else { return Ok(None) };
        self.value = Some(value);
        seed.deserialize(StrDeserializer::new(&key.text)).map(Some).map_err(|wrong: Wrong| wrong.at(&key.span))
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Wrong> {
        match self.value.take() {
            Some(value) => seed.deserialize(At(value)),
            None => Err(de::Error::custom("a value was asked for before its name")),
        }
    }
}

/// A map of one member: the name of a variant, and its value.
struct Tagged<'de>(&'de (Key, Node));

impl<'de> EnumAccess<'de> for Tagged<'de> {
    type Error = Wrong;
    type Variant = Self;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self), Wrong> {
        let name = seed.deserialize(StrDeserializer::new(&self.0.0.text)).map_err(|wrong: Wrong| wrong.at(&self.0.0.span))?;
        Ok((name, self))
    }
}

impl<'de> VariantAccess<'de> for Tagged<'de> {
    type Error = Wrong;

    fn unit_variant(self) -> Result<(), Wrong> {
        Err(de::Error::custom(format!("`{}` is a word without a value", self.0.0.text)))
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Wrong> {
        seed.deserialize(At(&self.0.1))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Wrong> {
        At(&self.0.1).deserialize_any(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(self, _: &'static [&'static str], visitor: V) -> Result<V::Value, Wrong> {
        At(&self.0.1).deserialize_any(visitor)
    }
}
