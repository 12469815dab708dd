//! Event streams: `text/event-stream`, read as browsers read it. Bytes in, blocks and events out.
//!
//! The rules are those of the WHATWG's HTML standard, section 9.2.6 ("Interpreting an event stream"), in its order. A browser shows
//! its events only; whoever judges a stream wants to see what it ignores, too: comments, ids that cannot be used, `retry` that is no
//! number, bytes that are no UTF-8, an event that was cut. So a [`Block`] tells all of it, and holds the [`Event`] that a browser would
//! dispatch. No socket is touched here; what a client does between streams is in [`client`].
//!
//! Start at [`Decoder`].

pub mod client;

/// How many bytes a line, and all lines of one block, may have.
pub const MOST_OF_A_BLOCK: usize = 1 << 20;
const BOM: &[u8] = b"\xEF\xBB\xBF";

/// What a browser dispatches.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Event {
    /// Its type: `message` unless an `event` field says otherwise.
    pub name: String,
    /// Its data: the values of all `data` fields, joined by LF.
    pub data: String,
    /// The id in force when it is dispatched: its own, or the last one before it.
    pub last_event_id: String,
}

/// What an `id` field says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Id {
    /// It is taken over; the empty one takes the id away.
    Given(String),
    /// It contains NUL, and is ignored.
    WithNul(String),
}

/// What a `retry` field says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Retry {
    /// So many milliseconds.
    Millis(u64),
    /// It is not made of ASCII digits alone, and is ignored.
    NoNumber(String),
}

/// Lines up to a blank one, and what they say. A comment in front of other lines is a block of its own: it has come when its line ends,
/// whatever follows it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Block {
    /// Its lines as they came, joined by LF.
    pub bytes: Vec<u8>,
    /// What a browser dispatches; `None` without a `data` field.
    pub event: Option<Event>,
    /// The last `id` field.
    pub id: Option<Id>,
    /// The last `retry` field.
    pub retry: Option<Retry>,
    /// Comments, without their colon.
    pub comments: Vec<String>,
    /// Names of fields that nobody knows.
    pub unknown: Vec<String>,
    /// Whether all of its bytes are UTF-8; those that are not are read as U+FFFD.
    pub is_utf8: bool,
}

impl Block {
    /// The lines of its event, joined by LF: those of the fields `event`, `data` and `id`. What else stands in the block, a comment or
    /// `retry`, is no part of the event, and may be there or not when the event comes again.
    #[must_use]
    pub fn event_lines(&self) -> Vec<u8> {
        let field = |line: &[u8]| line.iter().position(|byte| *byte == b':').map_or(line.len(), |at| at);
        let is_own = |line: &&[u8]| matches!(&line[..field(line)], b"event" | b"data" | b"id");
        self.bytes.split(|byte| *byte == b'\n').filter(is_own).collect::<Vec<_>>().join(&b'\n')
    }

    /// Whether it says two ids that differ: the last one counts.
    #[must_use]
    pub fn says_two_ids(&self) -> bool {
        let value = |line: &'_ [u8]| line.strip_prefix(b"id:").map(<[u8]>::trim_ascii_start).map(<[u8]>::to_vec);
        let mut ids = self.bytes.split(|byte| *byte == b'\n').filter_map(value);
        ids.next().is_some_and(|first| ids.any(|id| id != first))
    }

    /// How many bytes of memory it takes, roughly: a block of many short lines takes more than they have bytes.
    #[must_use]
    pub fn weight(&self) -> usize {
        let texts = self.event.iter().map(|event| event.name.len() + event.data.len() + event.last_event_id.len());
        let own = self.id.iter().map(|(Id::Given(id) | Id::WithNul(id))| id.len());
        let lists = self.comments.iter().chain(&self.unknown).map(|text| size_of::<String>() + text.len());
        size_of::<Self>() + self.bytes.len() + texts.chain(own).chain(lists).sum::<usize>()
    }
}

/// A stream holds a line or a block that is longer than anybody needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an event of the stream is longer than {MOST_OF_A_BLOCK} bytes, or never ends: it is read no further")]
pub struct TooLong;

/// Reads a stream as it comes, whatever its pieces are.
#[derive(Clone, Debug, Default)]
pub struct Decoder {
    /// The line that has not ended yet.
    line: Vec<u8>,
    /// The block that has not ended yet, and whether it has any line.
    block: Block,
    has_lines: bool,
    /// What the fields of the block have gathered: `data` with an LF behind each value.
    data: String,
    name: String,
    /// The id that the next blank line brings into force.
    next_id: String,
    last_event_id: String,
    /// The last byte was CR: an LF behind it belongs to it.
    is_after_cr: bool,
    /// The first line has been read, so no byte order mark can follow.
    is_begun: bool,
}

impl Decoder {
    /// A decoder for a stream that is opened anew, with the id that is in force.
    #[must_use]
    pub fn resumed(last_event_id: &str) -> Self {
        let (next_id, last_event_id) = (last_event_id.to_owned(), last_event_id.to_owned());
        Self { next_id, last_event_id, ..Self::default() }
    }

    /// The id in force: of the last block that ended.
    #[must_use]
    pub fn last_event_id(&self) -> &str {
        &self.last_event_id
    }

    /// The blocks that end within these bytes, each comment that stands in front of other lines among them.
    ///
    /// # Errors
    /// [`TooLong`] when a block does not end within [`MOST_OF_A_BLOCK`] bytes.
    pub fn push(&mut self, mut bytes: &[u8]) -> Result<Vec<Block>, TooLong> {
        let mut ended = Vec::new();
        while !bytes.is_empty() {
            if std::mem::take(&mut self.is_after_cr) && bytes[0] == b'\n' {
                bytes = &bytes[1..];
                continue;
            }
            let Some(end) = bytes.iter().position(|byte| matches!(byte, b'\r' | b'\n')) else {
                self.keep(bytes)?;
                break;
            };
            self.keep(&bytes[..end])?;
            self.is_after_cr = bytes[end] == b'\r';
            bytes = &bytes[end + 1..];
            ended.extend(self.end_line());
        }
        Ok(ended)
    }

    /// What was left of a block when the stream ended; a browser drops it.
    #[must_use]
    pub fn unfinished(mut self) -> Option<Vec<u8>> {
        let line = std::mem::take(&mut self.line);
        let mut left = self.block.bytes;
        if self.has_lines && !line.is_empty() {
            left.push(b'\n');
        }
        left.extend(line);
        (self.has_lines || !left.is_empty()).then_some(left)
    }

    fn keep(&mut self, bytes: &[u8]) -> Result<(), TooLong> {
        if self.block.bytes.len() + self.line.len() + bytes.len() > MOST_OF_A_BLOCK {
            return Err(TooLong);
        }
        self.line.extend_from_slice(bytes);
        Ok(())
    }

    fn end_line(&mut self) -> Option<Block> {
        let mut line = std::mem::take(&mut self.line);
        if !std::mem::replace(&mut self.is_begun, true) && line.starts_with(BOM) {
            line.drain(..BOM.len());
        }
        if line.is_empty() {
            return self.end_block();
        }
        if line[0] == b':' && !self.has_lines {
            let is_utf8 = std::str::from_utf8(&line).is_ok();
            let comments = vec![String::from_utf8_lossy(&line[1..]).into_owned()];
            return Some(Block { bytes: line, comments, is_utf8, ..Block::default() });
        }
        if std::mem::replace(&mut self.has_lines, true) {
            self.block.bytes.push(b'\n');
        } else {
            self.block.is_utf8 = true;
        }
        self.block.is_utf8 &= std::str::from_utf8(&line).is_ok();
        self.block.bytes.extend_from_slice(&line);
        let text = String::from_utf8_lossy(&line);
        match text.split_once(':') {
            Some(("", comment)) => self.block.comments.push(comment.to_owned()),
            Some((field, value)) => self.field(field, value.strip_prefix(' ').unwrap_or(value)),
            None => self.field(&text, ""),
        }
        None
    }

    fn field(&mut self, field: &str, value: &str) {
        match field {
            "event" => value.clone_into(&mut self.name),
            "data" => {
                self.data.push_str(value);
                self.data.push('\n');
            }
            "id" if value.contains('\0') => self.block.id = Some(Id::WithNul(value.to_owned())),
            "id" => {
                value.clone_into(&mut self.next_id);
                self.block.id = Some(Id::Given(value.to_owned()));
            }
            "retry" => {
                let is_number = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
                let millis = is_number.then(|| Retry::Millis(value.parse().unwrap_or(u64::MAX)));
                self.block.retry = Some(millis.unwrap_or_else(|| Retry::NoNumber(value.to_owned())));
            }
            unknown => self.block.unknown.push(unknown.to_owned()),
        }
    }

    /// A blank line: the id comes into force, also without data; with data there is an event.
    fn end_block(&mut self) -> Option<Block> {
        self.next_id.clone_into(&mut self.last_event_id);
        let (mut data, name) = (std::mem::take(&mut self.data), std::mem::take(&mut self.name));
        let mut block = std::mem::take(&mut self.block);
        if data.pop().is_some() {
            let name = if name.is_empty() { "message".to_owned() } else { name };
            block.event = Some(Event { name, data, last_event_id: self.last_event_id.clone() });
        }
        std::mem::take(&mut self.has_lines).then_some(block)
    }
}

#[cfg(test)]
mod tests;
