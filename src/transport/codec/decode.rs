//! Decoder of HTTP/1.1 answers, by RFC 9112, to the byte: one for all that come.
//!
//! In: bytes as they come, in pieces of any size, and their end. Out: one
//! [`Answered`], or why there is none. It does not read, wait or know the
//! time: whoever has a connection hands over what came. What follows the
//! answer is left where it was.
//!
//! Start at [`Decoder::decode`].
//!
//! **Invariant:** whatever a receiver sends costs no more memory than the limits here say.
//! **Invariant:** how the bytes were cut into pieces changes nothing.

use std::mem::MaybeUninit;

use bytes::{Buf as _, Bytes, BytesMut};

use super::oddity::{beginning, broken, garbled, other_protocol};
use crate::delivery::{Answer, HeaderLine, NoAnswer};

pub use super::oddity::Surplus;

/// The largest head of an answer, an interim one or the last.
pub const MOST_HEAD_BYTES: usize = 64 << 10;
/// More header lines than this are not an answer.
pub const MOST_HEADER_LINES: usize = 256;
/// The largest body of an answer to a delivery.
pub const MOST_ANSWER_BYTES: usize = 1 << 20;
/// The largest page, which answers a question: an audit trail may be longer than any answer to a delivery.
pub const MOST_PAGE_BYTES: usize = 16 << 20;
/// The longest line that says how large a chunk is, its extensions included.
pub const MOST_CHUNK_LINE_BYTES: usize = 8 << 10;
/// All trailer lines behind the last chunk.
pub const MOST_TRAILER_BYTES: usize = 64 << 10;
/// So many interim answers (1xx) may come before the answer.
pub const MOST_INTERIM_ANSWERS: usize = 32;
/// Bodies up to this size are copied, so that the room they came in can be used again.
const WORTH_SHARING: usize = 4 << 10;
/// What every answer begins with.
const BEGINNING: &[u8] = b"HTTP/1.";

/// How an answer is read.
#[derive(Clone, Copy, Debug)]
pub struct Reading<'k> {
    /// It has a head only, whatever its header lines say (`HEAD`).
    pub bodiless: bool,
    /// The names of the only header lines that are kept; none for all.
    pub only: Option<&'k [String]>,
    /// The largest body.
    pub most_bytes: usize,
    /// It is not the first on its connection: what comes before it came after the one before.
    pub follows_another: bool,
}

impl Default for Reading<'_> {
    fn default() -> Self {
        Self { bodiless: false, only: None, most_bytes: MOST_ANSWER_BYTES, follows_another: false }
    }
}

/// An answer, and what may follow it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    /// The answer.
    pub answer: Answer,
    /// Whether another request may go over the connection.
    pub keep: bool,
}

/// How far an answer has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// More has to come.
    NeedsMore,
    /// `100 Continue` came: the body may leave.
    Continue,
    /// It is whole.
    Whole(Answered),
}

/// What follows the head of an answer.
enum Follows {
    Nothing,
    Sized(usize),
    Chunks,
    UntilClosed,
}

struct Head {
    answer: Answer,
    follows: Follows,
    keep: bool,
}

/// What is read next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Head,
    Sized(usize),
    ChunkLine,
    Chunk(usize),
    ChunkEnd,
    Trailers(usize),
    UntilClosed,
}

/// Reads one answer.
#[derive(Debug)]
pub struct Decoder<'k> {
    reading: Reading<'k>,
    state: State,
    answer: Answer,
    keep: bool,
    body: BytesMut,
    interim: usize,
    /// Up to here the inbox has been looked at, and no head ended.
    looked_at: usize,
    /// At this length a head that has not ended is looked at again.
    look_again_at: usize,
    before: Option<Surplus>,
}

impl<'k> Decoder<'k> {
    /// A decoder that has seen nothing.
    #[must_use]
    pub fn new(reading: Reading<'k>) -> Self {
        let answer = Answer { status: 0, headers: Vec::new(), body: Bytes::new() };
        let body = BytesMut::new();
        Self { reading, state: State::Head, answer, keep: false, body, interim: 0, looked_at: 0, look_again_at: 0, before: None }
    }

    /// Whether any byte of an answer has come, an interim one included.
    ///
    /// * `inbox`: what was not taken yet.
    #[must_use]
    pub fn has_begun(&self, inbox: &[u8]) -> bool {
        self.state != State::Head || self.interim > 0 || (!inbox.is_empty() && self.is_at_an_answer(inbox))
    }

    /// What came before the answer, and so after the one before it on the same connection.
    #[must_use]
    pub fn before(&self) -> Option<&Surplus> {
        self.before.as_ref()
    }

    /// The answer without its body, when its head has come and a body follows.
    #[must_use]
    pub fn begun(&self) -> Option<&Answer> {
        (self.state != State::Head).then_some(&self.answer)
    }

    /// What has come of the body and was not taken yet, for whoever reads it while it comes.
    pub fn take_body(&mut self, inbox: &mut BytesMut) -> Bytes {
        if let State::Sized(length) = self.state {
            let here = inbox.split_to(length.min(inbox.len()));
            self.state = State::Sized(length - here.len());
            return here.freeze();
        }
        self.body.split().freeze()
    }

    /// Takes from the front of `inbox` what belongs to the answer.
    ///
    /// # Errors
    /// [`NoAnswer`] when what came is no answer, or longer than any may be.
    pub fn decode(&mut self, inbox: &mut BytesMut) -> Result<Progress, NoAnswer> {
        loop {
            match self.state {
                State::Head => {
                    let Some((head, length)) = self.head(inbox)? else { return Ok(Progress::NeedsMore) };
                    inbox.advance(length);
                    (self.looked_at, self.look_again_at) = (0, 0);
                    match head.answer.status {
                        101 => return Err(garbled("101 Switching Protocols, which nobody asked for")),
                        status @ 100..=199 => {
                            self.interim += 1;
                            if self.interim > MOST_INTERIM_ANSWERS {
                                return Err(garbled(&format!("more than {MOST_INTERIM_ANSWERS} interim answers before the answer")));
                            }
                            if status == 100 {
                                return Ok(Progress::Continue);
                            }
                        }
                        _ => {
                            (self.answer, self.keep) = (head.answer, head.keep);
                            self.state = match head.follows {
                                Follows::Nothing => return Ok(Progress::Whole(self.whole(Bytes::new()))),
                                Follows::Sized(length) => State::Sized(length),
                                Follows::Chunks => State::ChunkLine,
                                Follows::UntilClosed => State::UntilClosed,
                            };
                        }
                    }
                }
                State::Sized(length) if inbox.len() < length => return Ok(Progress::NeedsMore),
                State::Sized(length) => {
                    let body = if length > WORTH_SHARING {
                        inbox.split_to(length).freeze()
                    } else {
                        let body = Bytes::copy_from_slice(&inbox[..length]);
                        inbox.advance(length);
                        body
                    };
                    return Ok(Progress::Whole(self.whole(body)));
                }
                State::ChunkLine => {
                    let Some(line) = line(inbox, MOST_CHUNK_LINE_BYTES, "a line of more than 8 KiB between chunks")? else {
                        return Ok(Progress::NeedsMore);
                    };
                    self.state = match chunk_size(&line)? {
                        0 => State::Trailers(0),
                        size if size > self.reading.most_bytes.saturating_sub(self.body.len()) => return Err(self.too_long()),
                        size => State::Chunk(size),
                    };
                }
                State::Chunk(0) => self.state = State::ChunkEnd,
                State::Chunk(_) if inbox.is_empty() => return Ok(Progress::NeedsMore),
                State::Chunk(left) => {
                    let here = left.min(inbox.len());
                    self.body.extend_from_slice(&inbox[..here]);
                    inbox.advance(here);
                    self.state = State::Chunk(left - here);
                }
                State::ChunkEnd => match inbox.as_ref() {
                    [] | [b'\r'] => return Ok(Progress::NeedsMore),
                    [b'\r', b'\n', ..] => {
                        inbox.advance(2);
                        self.state = State::ChunkLine;
                    }
                    _ => return Err(garbled("a chunk that is longer than it says")),
                },
                State::Trailers(before) => {
                    let too_many = "trailers of more than 64 KiB behind the last chunk";
                    let Some(line) = line(inbox, MOST_TRAILER_BYTES - before, too_many)? else { return Ok(Progress::NeedsMore) };
                    // Trailer lines are read by nobody, up to the blank one.
                    if line.as_ref() == b"\r\n" || line.as_ref() == b"\n" {
                        let body = std::mem::take(&mut self.body).freeze();
                        return Ok(Progress::Whole(self.whole(body)));
                    }
                    self.state = State::Trailers(before + line.len());
                }
                State::UntilClosed => {
                    if self.body.len() + inbox.len() > self.reading.most_bytes {
                        return Err(self.too_long());
                    }
                    if self.body.is_empty() {
                        self.body = inbox.split();
                    } else {
                        self.body.unsplit(inbox.split());
                    }
                    return Ok(Progress::NeedsMore);
                }
            }
        }
    }

    /// The connection has ended: the answer, if it ends so, or what it broke off in.
    ///
    /// # Errors
    /// [`NoAnswer`] when it was not whole.
    pub fn end(&mut self, inbox: &mut BytesMut) -> Result<Answered, NoAnswer> {
        let length_of = |of: usize| format!("it was closed after {} of {of} bytes of the body", inbox.len());
        match self.state {
            State::UntilClosed => {
                let body = std::mem::take(&mut self.body).freeze();
                Ok(self.whole(body))
            }
            State::Sized(length) => Err(broken(&length_of(length))),
            State::ChunkLine | State::Chunk(_) | State::ChunkEnd => Err(broken("it was closed between chunks of the body")),
            State::Trailers(_) => Err(broken("it was closed within the trailers behind the last chunk")),
            State::Head if inbox.is_empty() && self.interim > 0 => Err(broken("it was closed after an interim answer")),
            State::Head if inbox.is_empty() => Err(broken("it was closed without a word")),
            State::Head if !self.is_at_an_answer(inbox) => {
                self.before = Surplus::of(inbox);
                inbox.clear();
                Err(broken("it was closed without a word"))
            }
            State::Head => {
                parse_head(inbox, self.reading)?;
                Err(broken("it was closed within the head of the answer"))
            }
        }
    }

    fn whole(&mut self, body: Bytes) -> Answered {
        let empty = Answer { status: 0, headers: Vec::new(), body: Bytes::new() };
        let answer = Answer { body, ..std::mem::replace(&mut self.answer, empty) };
        Answered { answer, keep: self.keep }
    }

    fn too_long(&self) -> NoAnswer {
        broken(&format!("given up, the body of the answer is over {} MiB", self.reading.most_bytes >> 20))
    }

    /// Whether `inbox` may be the beginning of an answer; what comes first on a connection is read as one whatever it is.
    fn is_at_an_answer(&self, inbox: &[u8]) -> bool {
        let here = inbox.len().min(BEGINNING.len());
        !self.reading.follows_another || self.interim > 0 || inbox[..here] == BEGINNING[..here]
    }

    /// The next head and its length, when it is whole.
    fn head(&mut self, inbox: &mut BytesMut) -> Result<Option<(Head, usize)>, NoAnswer> {
        if !self.is_at_an_answer(inbox) {
            // It belongs to the answer before: this one begins where one can begin.
            let Some(at) = inbox.windows(BEGINNING.len()).position(|window| window == BEGINNING) else {
                return if inbox.len() > MOST_HEAD_BYTES { Err(garbled(&beginning(inbox))) } else { Ok(None) };
            };
            self.before = Surplus::of(&inbox[..at]);
            inbox.advance(at);
        }
        // Looked at when the first bytes are there (what is no answer shows at once), when it ends, and now and then.
        let is_due = inbox.len() >= self.look_again_at || ends_a_head(&inbox[self.looked_at.saturating_sub(3)..]);
        self.looked_at = inbox.len();
        if inbox.is_empty() || !is_due {
            return Ok(None);
        }
        self.look_again_at = inbox.len().saturating_mul(2);
        match parse_head(inbox, self.reading)? {
            Some((_, length)) if length > MOST_HEAD_BYTES => Err(garbled("a head of more than 64 KiB")),
            None if inbox.len() > MOST_HEAD_BYTES => Err(garbled("a head of more than 64 KiB")),
            found => Ok(found),
        }
    }
}

fn ends_a_head(bytes: &[u8]) -> bool {
    bytes.windows(2).any(|two| two == b"\n\n") || bytes.windows(3).any(|three| three == b"\n\r\n")
}

/// The head at the beginning of `inbox` and its length, when it is whole.
fn parse_head(inbox: &[u8], reading: Reading<'_>) -> Result<Option<(Head, usize)>, NoAnswer> {
    // Not filled beforehand: it is more than most answers.
    let mut lines = [const { MaybeUninit::uninit() }; MOST_HEADER_LINES];
    let mut response = httparse::Response::new(&mut []);
    let length = match httparse::ParserConfig::default().parse_response_with_uninit_headers(&mut response, inbox, &mut lines) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(error) => return Err(garbled(&other_protocol(inbox).unwrap_or_else(|| format!("{error}, in {}", beginning(inbox))))),
    };
    let (status, is_1_1) = (response.code.unwrap_or_default(), response.version == Some(1));
    let follows = what_follows(status, response.headers, reading)?;
    let says = |word: &str| tokens(response.headers, "Connection").any(|token| token.eq_ignore_ascii_case(word.as_bytes()));
    let keep = if is_1_1 { !says("close") } else { says("keep-alive") };
    // HTTP/1.0 knows no chunks: who sends them all the same is not asked again over that connection (RFC 9112 §6.1).
    let keep = keep && !matches!(follows, Follows::UntilClosed) && (is_1_1 || !matches!(follows, Follows::Chunks));
    let is_kept =
        |line: &httparse::Header<'_>| reading.only.is_none_or(|only| only.iter().any(|name| line.name.eq_ignore_ascii_case(name)));
    let headers = response.headers.iter().filter(|line| is_kept(line));
    let headers = headers.map(|line| HeaderLine::new(line.name, Bytes::copy_from_slice(line.value))).collect();
    Ok(Some((Head { answer: Answer { status, headers, body: Bytes::new() }, follows, keep }, length)))
}

/// RFC 9112 §6.3.
fn what_follows(status: u16, headers: &[httparse::Header<'_>], reading: Reading<'_>) -> Result<Follows, NoAnswer> {
    if reading.bodiless || matches!(status, 100..=199 | 204 | 304) {
        return Ok(Follows::Nothing);
    }
    if let Some(last) = tokens(headers, "Transfer-Encoding").last() {
        return Ok(if last.eq_ignore_ascii_case(b"chunked") { Follows::Chunks } else { Follows::UntilClosed });
    }
    let mut lengths = tokens(headers, "Content-Length");
    let Some(first) = lengths.next() else { return Ok(Follows::UntilClosed) };
    if lengths.any(|other| other != first) {
        return Err(garbled("two unlike lengths in Content-Length"));
    }
    let text = String::from_utf8_lossy(first);
    if first.is_empty() || !first.iter().all(u8::is_ascii_digit) {
        return Err(garbled(&format!("a Content-Length of `{text}`")));
    }
    match text.parse::<usize>() {
        Ok(length) if length <= reading.most_bytes => Ok(Follows::Sized(length)),
        Ok(_) | Err(_) => Err(broken(&format!("given up, the body of the answer is over {} MiB", reading.most_bytes >> 20))),
    }
}

/// What the header lines of this name list, in order, over all of them.
fn tokens<'h>(headers: &'h [httparse::Header<'_>], name: &str) -> impl Iterator<Item = &'h [u8]> {
    let values = headers.iter().filter(move |line| line.name.eq_ignore_ascii_case(name)).map(|line| line.value);
    values.flat_map(|value| value.split(|byte| *byte == b',')).map(<[u8]>::trim_ascii)
}

fn chunk_size(line: &[u8]) -> Result<usize, NoAnswer> {
    match httparse::parse_chunk_size(line) {
        Ok(httparse::Status::Complete((_, size))) => Ok(usize::try_from(size).unwrap_or(usize::MAX)),
        Ok(httparse::Status::Partial) | Err(_) => Err(garbled(&format!("a chunk size of {}", beginning(line)))),
    }
}

/// The next line with its end, when it is there.
fn line(inbox: &mut BytesMut, most: usize, too_long: &str) -> Result<Option<BytesMut>, NoAnswer> {
    match inbox.iter().take(most).position(|byte| *byte == b'\n') {
        Some(at) => Ok(Some(inbox.split_to(at + 1))),
        None if inbox.len() >= most => Err(garbled(too_long)),
        None => Ok(None),
    }
}
