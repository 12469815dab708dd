//! Gunzip: a body that travels in gzip, made plain while it comes (RFC 1952).
//!
//! In: bytes in pieces of any size. Out: what they stand for so far. Streams are compressed by proxies, and one that is flushed behind
//! every event loses nothing by it; so whoever judges when an event came has to read it as it comes. The checksum at the end is not
//! looked at: a stream seldom has an end.

use miniz_oxide::inflate::stream::{InflateState, inflate};
use miniz_oxide::{DataFormat, MZError, MZFlush, MZStatus};

/// The longest head: a file's name and a comment may stand in it.
const MOST_HEAD_BYTES: usize = 64 << 10;
/// So much is made plain at once.
const ROOM: usize = 8 << 10;
const FLAG_CHECKSUM: u8 = 1 << 1;
const FLAG_EXTRA: u8 = 1 << 2;
const FLAG_NAME: u8 = 1 << 3;
const FLAG_COMMENT: u8 = 1 << 4;

/// What came is not gzip.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("its body says that it is gzip, and is not")]
pub struct NotGzip;

/// A body that is made plain.
#[derive(Default)]
pub struct Gunzip {
    head: Vec<u8>,
    inflating: Option<Box<InflateState>>,
    is_over: bool,
}

impl std::fmt::Debug for Gunzip {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gunzip").field("is_over", &self.is_over).finish_non_exhaustive()
    }
}

impl Gunzip {
    /// What these bytes stand for, behind those before them.
    ///
    /// # Errors
    /// [`NotGzip`].
    pub fn push(&mut self, bytes: &[u8]) -> Result<Vec<u8>, NotGzip> {
        let mut plain = Vec::new();
        if self.inflating.is_some() {
            self.inflate(bytes, &mut plain)?;
            return Ok(plain);
        }
        self.head.extend_from_slice(bytes);
        if let Some(length) = head_length(&self.head)? {
            self.inflating = Some(InflateState::new_boxed(DataFormat::Raw));
            let rest = std::mem::take(&mut self.head).split_off(length);
            self.inflate(&rest, &mut plain)?;
        } else if self.head.len() > MOST_HEAD_BYTES {
            return Err(NotGzip);
        }
        Ok(plain)
    }

    fn inflate(&mut self, mut bytes: &[u8], plain: &mut Vec<u8>) -> Result<(), NotGzip> {
        let Some(state) = &mut self.inflating else { return Ok(()) };
        let mut room = [0; ROOM];
        while !self.is_over {
            let done = inflate(state, bytes, &mut room, MZFlush::None);
            plain.extend_from_slice(&room[..done.bytes_written]);
            bytes = &bytes[done.bytes_consumed..];
            match done.status {
                Ok(MZStatus::StreamEnd) => self.is_over = true,
                Ok(_) | Err(MZError::Buf) if bytes.is_empty() && done.bytes_written < ROOM => break,
                Ok(_) => {}
                Err(_) => return Err(NotGzip),
            }
        }
        Ok(())
    }
}

/// How long the head is, when it is whole.
fn head_length(bytes: &[u8]) -> Result<Option<usize>, NotGzip> {
    let begins_right = bytes.iter().zip([0x1f, 0x8b, 8]).all(|(byte, due)| *byte == due);
    if !begins_right {
        return Err(NotGzip);
    }
    let Some(flags) = bytes.get(3).copied() else { return Ok(None) };
    let mut at = 10;
    if flags & FLAG_EXTRA != 0 {
        let (Some(low), Some(high)) = (bytes.get(at), bytes.get(at + 1)) else { return Ok(None) };
        at += 2 + usize::from(u16::from_le_bytes([*low, *high]));
    }
    for flag in [FLAG_NAME, FLAG_COMMENT] {
        if flags & flag != 0 {
            let Some(end) = bytes.get(at..).and_then(|rest| rest.iter().position(|byte| *byte == 0)) else { return Ok(None) };
            at += end + 1;
        }
    }
    if flags & FLAG_CHECKSUM != 0 {
        at += 2;
    }
    Ok((bytes.len() >= at).then_some(at))
}

#[cfg(test)]
mod tests {
    use super::{Gunzip, NotGzip};

    /// A head with a name in it, by RFC 1952.
    const HEAD: &[u8] = &[0x1f, 0x8b, 8, 8, 0, 0, 0, 0, 2, 0xff, b'n', 0];
    /// Two events, flushed behind each, by Python's zlib (`Z_SYNC_FLUSH`, then `Z_FINISH`).
    const FIRST: &[u8] = &[0x4a, 0x49, 0x2c, 0x49, 0xb4, 0x52, 0x48, 0xe4, 0xe2, 0x02, 0x00, 0x00, 0x00, 0xff, 0xff];
    const SECOND: &[u8] = &[0x4b, 0x01, 0x33, 0x92, 0xb8, 0xb8, 0x00];

    /// However it is cut, it is the same; and what is no gzip is told.
    #[test]
    fn gzip_is_made_plain_while_it_comes() {
        let made = [HEAD, FIRST, SECOND].concat();
        for size in 1..=made.len() {
            let mut gunzip = Gunzip::default();
            let plain: Vec<u8> = made.chunks(size).flat_map(|piece| gunzip.push(piece).expect("gzip")).collect();
            assert_eq!(plain, b"data: a\n\ndata: b\n\n", "in pieces of {size}");
        }
        // What was flushed is here before anything follows.
        let mut gunzip = Gunzip::default();
        assert_eq!(gunzip.push(&[HEAD, FIRST].concat()).as_deref(), Ok(&b"data: a\n\n"[..]));
        assert_eq!(gunzip.push(SECOND).as_deref(), Ok(&b"data: b\n\n"[..]));
        assert_eq!(Gunzip::default().push(b"data: a\n\n"), Err(NotGzip));
        assert_eq!(Gunzip::default().push(&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 0xff, 0xff]), Err(NotGzip));
    }
}
