//! Secrets: the forms in which they travel, and what is shown in their place.
//!
//! Takes secrets once, then values that came from outside, and gives these
//! back with `***` in the place of every form of every secret (`forms`), however
//! each character of it is written (`readings`). What hides and what accuses is one: a text that [`Redactor::finds`] something in
//! is the text that [`Redactor::text`] changes.
//!
//! Values are hidden *before* they are written down: what may hold foreign text
//! is [`Foreign`], and only [`Redactor::redacted`] makes a [`Redacted`] value of
//! it, which is what files and terminals take. Nothing here ever sees a
//! document, markup, or a word of our own.
//!
//! **Invariant:** a form of fewer than [`SHORTEST`] bytes, or one that is a word
//! of our own ([`Vocabulary`]), is not looked for as it is: it stands in texts by
//! chance. Written as escapes or as numbers for the most part, it is found.
//! Who has such a secret is told so ([`Secrets::warnings`]).

mod forms;
mod needles;
mod readings;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Deref;

use serde_json::Value;

pub use forms::forms;
use needles::{Needles, compact};

/// What stands in the place of a secret.
pub const HIDDEN: &str = "***";

/// Shorter forms stand in texts by chance.
pub const SHORTEST: usize = 8; // bytes

/// A value that may hold text from outside: of a receiver, of the user's files, of the environment.
pub trait Foreign {
    /// Hides every secret in it; words of our own, ids and numbers stay as they are.
    fn hide(&mut self, redactor: &Redactor);
}

/// A value in which every secret is hidden.
#[derive(Clone, Debug)]
pub struct Redacted<T>(T);

impl<T> Redacted<T> {
    /// A value that was read from what was written redacted: a report folder, a shard.
    #[must_use]
    pub fn as_stored(value: T) -> Self {
        Self(value)
    }
}

impl<T> Deref for Redacted<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

/// The words of our own and of the contract, which no secret can be told from.
#[derive(Clone, Debug, Default)]
pub struct Vocabulary(String);

impl Vocabulary {
    /// Adds a text whose words are ours.
    pub fn add(&mut self, text: &str) {
        self.0.push_str(&String::from_utf8_lossy(&compact(text.as_bytes()).0));
        // No form goes over from one text into the next.
        self.0.push('\0');
    }

    fn has(&self, form: &[u8]) -> bool {
        std::str::from_utf8(form).is_ok_and(|form| self.0.contains(form))
    }
}

/// One secret, what people call it, and what is to be hidden of it.
#[derive(Clone)]
struct Named {
    name: String,
    /// The secret as it was given, then what is made of it.
    texts: Vec<Vec<u8>>,
    /// Whether an answer that holds it breaks a promise: a signing secret, not a password of the way there.
    is_shared: bool,
}

/// Every secret that a command knows.
#[derive(Clone, Default)]
pub struct Secrets {
    all: Vec<Named>,
    vocabulary: Vocabulary,
}

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secrets(***)")
    }
}

impl Secrets {
    /// No secrets yet, and the words that none can be told from.
    #[must_use]
    pub fn beside(vocabulary: Vocabulary) -> Self {
        Self { all: Vec::new(), vocabulary }
    }

    /// Adds what others know, and the words that none can be told from.
    pub fn join(&mut self, other: Self) {
        self.all.extend(other.all);
        self.vocabulary.0.push_str(&other.vocabulary.0);
    }

    /// Adds a secret that signs.
    ///
    /// * `name`: the variable that it stands in.
    /// * `texts`: the secret as it was given first, then what a scheme makes of it; empty ones are no secrets.
    pub fn push_shared(&mut self, name: &str, texts: Vec<Vec<u8>>) {
        self.all.push(Named { name: format!("the secret in {name}"), texts, is_shared: true });
    }

    /// Adds a password that opens something else: a database.
    pub fn push_password(&mut self, name: &str, text: &str) {
        self.all.push(Named { name: name.to_owned(), texts: vec![text.as_bytes().to_vec()], is_shared: false });
    }

    /// Adds the value of a header that only opens the way to the receiver: a token, a user's name with a password.
    pub fn push_header(&mut self, name: &str, value: &str) {
        let mut texts = vec![value.as_bytes().to_vec()];
        // `Bearer TOKEN`, `Basic BASE64`: what comes after the scheme is the secret, and what it stands for.
        for word in value.split_whitespace().filter(|word| word.len() < value.len()) {
            texts.push(word.as_bytes().to_vec());
            texts.extend(forms::decoded(word).into_iter().flat_map(|pair| {
                let password = pair.iter().position(|byte| *byte == b':').map(|at| pair[at + 1..].to_vec());
                [Some(pair), password].into_iter().flatten()
            }));
        }
        self.all.push(Named { name: format!("the value in {name}"), texts, is_shared: false });
    }

    /// Hides all of them.
    #[must_use]
    pub fn redactor(&self) -> Redactor {
        self.redactor_of(|_| true)
    }

    /// What no answer may reveal: the secrets that sign, in the very forms that are hidden.
    #[must_use]
    pub fn forbidden(&self) -> Redactor {
        self.redactor_of(|one| one.is_shared)
    }

    fn redactor_of(&self, which: impl Fn(&Named) -> bool) -> Redactor {
        let texts = self.all.iter().filter(|one| which(one)).flat_map(|one| &one.texts);
        Redactor { needles: Needles::new(texts.flat_map(|text| forms(text)), |form| self.can_be_told(form)) }
    }

    fn can_be_told(&self, form: &[u8]) -> bool {
        form.len() >= SHORTEST && !self.vocabulary.has(&compact(form).0)
    }

    /// What cannot be hidden, a sentence a secret.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        let told = self.all.iter().filter_map(|one| {
            let text = one.texts.first().filter(|text| !text.is_empty())?;
            let name = &one.name;
            let others = "where it stands in hex, base64 or another form of at least 8 characters, it is hidden; take one that is longer, and a word of nobody";
            if text.len() < SHORTEST {
                Some(format!("{name} is shorter than {SHORTEST} characters, and such a text stands everywhere by chance: as it is, it is not hidden in reports ({others})"))
            } else if !self.can_be_told(text) {
                Some(format!("{name} is part of a word that hookgate or the contract uses itself: as it is, it is not hidden in reports ({others})"))
            } else {
                None
            }
        });
        told.collect()
    }
}

/// Hides secrets.
///
/// ```
/// # use hookgate::secret::Redactor;
/// let redactor = Redactor::new(&[b"Jefe's key"]);
/// assert_eq!(redactor.text("key=Jefe's%20key hex=4a6566652773206b6579"), "key=*** hex=***");
/// ```
#[derive(Clone, Default)]
pub struct Redactor {
    needles: Needles,
}

impl std::fmt::Debug for Redactor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Redactor(***)")
    }
}

impl Redactor {
    /// Hides each of `secrets`, given as raw bytes, wherever it can be told from other text.
    #[must_use]
    pub fn new(secrets: &[&[u8]]) -> Self {
        let mut all = Secrets::default();
        all.push_shared("", secrets.iter().map(|secret| secret.to_vec()).collect());
        all.redactor()
    }

    /// Hides nothing: there is no secret.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Whether a form of a secret stands in `bytes`.
    #[must_use]
    pub fn finds(&self, bytes: &[u8]) -> bool {
        !self.needles.places(bytes, false).is_empty()
    }

    /// `bytes` without any form of any secret.
    #[must_use]
    pub fn bytes<'a>(&self, bytes: &'a [u8]) -> Cow<'a, [u8]> {
        let mut hidden = Cow::Borrowed(bytes);
        // Stars beside stars may make a secret of stars again; as long as it helps, once more.
        loop {
            let places = self.needles.places(&hidden, true);
            if places.is_empty() {
                return hidden;
            }
            let mut once = Vec::with_capacity(hidden.len());
            let mut from = 0;
            for place in places {
                once.extend_from_slice(&hidden[from..place.start]);
                once.extend_from_slice(HIDDEN.as_bytes());
                from = place.end;
            }
            once.extend_from_slice(&hidden[from..]);
            let helped = once.len() < hidden.len();
            hidden = Cow::Owned(once);
            if !helped {
                return hidden;
            }
        }
    }

    /// `text` without any form of any secret.
    ///
    /// A secret of odd bytes may begin or end inside a character; what is left
    /// of that character becomes U+FFFD.
    #[must_use]
    pub fn text<'a>(&self, text: &'a str) -> Cow<'a, str> {
        match self.bytes(text.as_bytes()) {
            Cow::Borrowed(_) => Cow::Borrowed(text),
            Cow::Owned(hidden) => Cow::Owned(String::from_utf8_lossy(&hidden).into_owned()),
        }
    }

    /// A value in which every secret is hidden.
    #[must_use]
    pub fn redacted<T: Foreign>(&self, mut value: T) -> Redacted<T> {
        value.hide(self);
        Redacted(value)
    }
}

impl Foreign for String {
    fn hide(&mut self, redactor: &Redactor) {
        if let Cow::Owned(hidden) = redactor.text(self) {
            *self = hidden;
        }
    }
}

impl<T: Foreign> Foreign for Option<T> {
    fn hide(&mut self, redactor: &Redactor) {
        self.iter_mut().for_each(|one| one.hide(redactor));
    }
}

impl<T: Foreign> Foreign for Vec<T> {
    fn hide(&mut self, redactor: &Redactor) {
        self.iter_mut().for_each(|one| one.hide(redactor));
    }
}

/// Of a map the values are foreign; what they are called is ours.
impl<K: Ord, T: Foreign> Foreign for BTreeMap<K, T> {
    fn hide(&mut self, redactor: &Redactor) {
        self.values_mut().for_each(|one| one.hide(redactor));
    }
}

/// JSON of somebody else: names of members are foreign as well, and numbers may be a secret of digits, or its bytes.
impl Foreign for Value {
    fn hide(&mut self, redactor: &Redactor) {
        match self {
            Self::Null | Self::Bool(_) | Self::Number(_) => {}
            Self::String(text) => text.hide(redactor),
            Self::Array(items) => items.hide(redactor),
            Self::Object(members) => {
                *members = std::mem::take(members)
                    .into_iter()
                    .map(|(mut name, mut value)| {
                        name.hide(redactor);
                        value.hide(redactor);
                        (name, value)
                    })
                    .collect();
            }
        }
        let has_numbers = match self {
            Self::Number(_) => true,
            Self::Array(items) => items.iter().any(Self::is_number),
            Self::Object(members) => members.values().any(Self::is_number),
            Self::Null | Self::Bool(_) | Self::String(_) => false,
        };
        // Texts are hidden by now: what is found still is told by numbers.
        if has_numbers && redactor.finds(self.to_string().as_bytes()) {
            *self = Self::String(HIDDEN.to_owned());
        }
    }
}

#[cfg(test)]
mod tests;
