//! Signers: a scheme with its keys, and the header lines that it makes.
//!
//! Takes a delivery, the id and the moment, gives header lines. The key is
//! hashed once for many deliveries. While a secret is rotated a signer has two
//! keys: it signs by the first and verifies by either.

use std::borrow::Cow;
use std::sync::Arc;

use super::mac::Keyed;
use super::{BadSecret, Scheme, SignatureHeader};
use crate::clock::UnixMicros;
use crate::delivery::{Delivery, HeaderLine};
use crate::sign::sha256_hex;
use crate::template::{Part, Template};

/// A scheme with its key: signs and verifies.
#[derive(Clone)]
pub struct Signer {
    pub(super) scheme: Scheme,
    pub(super) key: Key,
    pub(super) previous: Option<Arc<Key>>,
    retired: Option<Arc<Key>>,
}

/// Key bytes, and the HMAC that has taken them.
#[derive(Clone)]
pub(super) struct Key {
    pub(super) mac: Keyed,
    bytes: Vec<u8>,
}

impl Key {
    fn new(scheme: &Scheme, bytes: Vec<u8>) -> Self {
        Self { mac: Keyed::new(scheme.digest, &bytes), bytes }
    }
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Signer").field("scheme", &self.scheme).field("key", &"***").finish()
    }
}

/// What is signed beside the delivery itself.
#[derive(Clone, Copy, Debug)]
pub struct Envelope<'a> {
    /// The signed time as it is written.
    pub time: &'a str,
    /// The id of the delivery, byte for byte as it travels: its key, or the id header's value without white space around it.
    pub id: &'a [u8],
    /// The receiver's address without the path, for schemes that sign the URL.
    pub origin: &'a str,
}

impl Signer {
    pub(super) fn new(scheme: Scheme, key: Vec<u8>) -> Self {
        Self { key: Key::new(&scheme, key), scheme, previous: None, retired: None }
    }

    /// The scheme.
    #[must_use]
    pub fn scheme(&self) -> &Scheme {
        &self.scheme
    }

    /// The key's bytes, for those who show what must not be done with them.
    pub(crate) fn key_bytes(&self) -> &[u8] {
        &self.key.bytes
    }

    /// The same scheme with other key bytes, and no other key beside them.
    #[must_use]
    pub fn with_key(&self, key: &[u8]) -> Self {
        Self::new(self.scheme.clone(), key.to_vec())
    }

    /// The same signer while the secret is rotated: what `previous` signed passes too.
    ///
    /// `previous` is the text of the secret that was shared before, in the scheme's own form.
    ///
    /// # Errors
    /// [`BadSecret`], as [`Scheme::keyed`].
    pub fn with_previous(&self, previous: &[u8]) -> Result<Self, BadSecret> {
        let key = Key::new(&self.scheme, self.scheme.key.key_bytes(previous)?);
        Ok(Self { previous: Some(Arc::new(key)), ..self.clone() })
    }

    /// The same signer, which knows a secret that no longer counts: nothing that it signed passes.
    ///
    /// # Errors
    /// [`BadSecret`], as [`Scheme::keyed`].
    pub fn with_retired(&self, retired: &[u8]) -> Result<Self, BadSecret> {
        let key = Key::new(&self.scheme, self.scheme.key.key_bytes(retired)?);
        Ok(Self { retired: Some(Arc::new(key)), ..self.clone() })
    }

    /// A signer by the previous secret alone, when there is one.
    #[must_use]
    pub fn by_previous(&self) -> Option<Self> {
        self.previous.as_ref().map(|key| self.with_key(&key.bytes))
    }

    /// A signer by the retired secret alone, when there is one.
    #[must_use]
    pub fn by_retired(&self) -> Option<Self> {
        self.retired.as_ref().map(|key| self.with_key(&key.bytes))
    }

    /// The signature of a delivery, as text in the scheme's encoding.
    ///
    /// Cannot fail: HMAC is defined for messages and keys of every length.
    #[must_use]
    pub fn signature(&self, delivery: &Delivery, envelope: Envelope<'_>) -> String {
        self.scheme.encoding.write(&self.fed(&self.key, delivery, envelope).finish())
    }

    /// The header lines that an honest sender adds to `delivery` at `sent_at`.
    ///
    /// * `id`: what `{id}` stands for, byte for byte: the key as it travels. Where it travels in a header,
    ///   HTTP takes the white space around it away, and so does the caller before it gives it here.
    /// * `origin`: `http://host:port`, for schemes that sign the URL.
    ///
    /// A header line that is the key's own is not among them: the delivery has it already.
    #[must_use]
    pub fn header_lines(&self, delivery: &Delivery, id: impl AsRef<[u8]>, origin: &str, sent_at: UnixMicros) -> Vec<HeaderLine> {
        let (time, id) = (self.scheme.unit().write(sent_at), id.as_ref());
        let signature = self.signature(delivery, Envelope { time: &time, id, origin });
        self.lines_with(&signature, &time, id)
    }

    /// The same while the secret is rotated: the list holds the current signature and the previous one.
    ///
    /// Without a list or a previous secret these are [`Signer::header_lines`].
    #[must_use]
    pub fn header_lines_by_both(&self, delivery: &Delivery, id: impl AsRef<[u8]>, origin: &str, sent_at: UnixMicros) -> Vec<HeaderLine> {
        let id = id.as_ref();
        let (Some(previous), Some(_)) = (self.by_previous(), &self.scheme.several) else {
            return self.header_lines(delivery, id, origin, sent_at);
        };
        let time = self.scheme.unit().write(sent_at);
        let envelope = Envelope { time: &time, id, origin };
        let signatures = [self.signature(delivery, envelope), previous.signature(delivery, envelope)];
        let entries: Vec<Entry> = signatures.into_iter().map(Entry::known).collect();
        self.lines_with_list(&entries, &time, id)
    }

    pub(super) fn lines_with(&self, signature: &str, time: &str, id: &[u8]) -> Vec<HeaderLine> {
        let line = |header: &SignatureHeader| HeaderLine::new(header.name.clone(), filled(&header.value, signature, time, id));
        self.scheme.headers.iter().filter(|header| !header.is_the_keys).map(line).collect()
    }

    /// Header lines whose list holds these entries where it has its one signature otherwise.
    pub(super) fn lines_with_list(&self, entries: &[Entry], time: &str, id: &[u8]) -> Vec<HeaderLine> {
        let mut lines = self.lines_with("", time, id);
        for header in &self.scheme.headers {
            let Some(separator) = self.scheme.separator_of(header) else { continue };
            let mut items: Vec<Vec<u8>> = Vec::new();
            for item in header.value.split(separator) {
                if item.placeholders().any(|name| name == "sig") {
                    items.extend(entries.iter().map(|entry| entry.written(&item, time, id)));
                } else {
                    items.push(filled(&item, "", time, id));
                }
            }
            let value = items.join(separator.as_bytes());
            lines.iter_mut().filter(|line| line.name == header.name).for_each(|line| line.value = value.clone().into());
        }
        lines
    }

    /// Feeds the message part by part, so that a long body is never copied.
    pub(super) fn fed(&self, key: &Key, delivery: &Delivery, envelope: Envelope<'_>) -> Keyed {
        let mut mac = key.mac.clone();
        each_part(&self.scheme.message, delivery, envelope, &mut |bytes| mac.update(bytes));
        mac
    }
}

/// One entry of a list of signatures.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) signature: String,
    /// A digit of a version that the scheme does not have, in place of its own.
    pub(super) version: Option<char>,
}

impl Entry {
    /// An entry of the scheme's own version.
    pub(super) fn known(signature: String) -> Self {
        Self { signature, version: None }
    }

    /// The entry as an item's template writes it.
    pub(super) fn written(&self, item: &Template, time: &str, id: &[u8]) -> Vec<u8> {
        let own = filled(item, &self.signature, time, id);
        match (self.version, item.parts().first()) {
            (Some(version), Some(Part::Literal(mark))) => {
                let other = match mark.rfind(|c: char| c.is_ascii_digit()) {
                    Some(at) => format!("{}{version}{}", &mark[..at], &mark[at + 1..]),
                    None => format!("x{version}{mark}"),
                };
                [other.as_bytes(), own.get(mark.len()..).unwrap_or_default()].concat()
            }
            (Some(_) | None, _) => own,
        }
    }
}

/// A header's value with its placeholders filled.
pub(super) fn filled(value: &Template, signature: &str, time: &str, id: &[u8]) -> Vec<u8> {
    value.fill_bytes(&|name| {
        Some(Cow::Borrowed(match name {
            "sig" => signature.as_bytes(),
            "t" => time.as_bytes(),
            "id" => id,
            _ => return None,
        }))
    })
}

/// Gives the parts of a message in order.
pub(super) fn each_part(message: &Template, delivery: &Delivery, envelope: Envelope<'_>, take: &mut dyn FnMut(&[u8])) {
    for part in message.parts() {
        match part {
            Part::Literal(text) => take(text.as_bytes()),
            Part::Placeholder(name) => match name.as_str() {
                "body" => take(&delivery.body),
                "t" => take(envelope.time.as_bytes()),
                "id" => take(envelope.id),
                "method" => take(delivery.method.as_bytes()),
                "path" => take(delivery.path.as_bytes()),
                "url" => {
                    take(envelope.origin.as_bytes());
                    take(delivery.path.as_bytes());
                }
                "sha256hex(body)" => take(sha256_hex(&delivery.body).as_bytes()),
                other => {
                    if let Some(value) = other.strip_prefix("header:").and_then(|header| delivery.header(header)) {
                        take(value);
                    }
                }
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMicros = UnixMicros::from_secs(1_759_694_703);

    fn scheme(yaml: &str) -> Scheme {
        serde_saphyr::from_str(yaml).expect("the test writes a whole scheme")
    }

    fn delivery() -> Delivery {
        Delivery { method: "POST".into(), path: "/".into(), body: "{}".into(), ..Delivery::default() }
    }

    fn values(lines: &[HeaderLine]) -> Vec<&[u8]> {
        lines.iter().map(|line| line.value.as_ref()).collect()
    }

    /// The id travels and is signed as bytes; `openssl dgst -sha256 -hmac k` of FF FE 2E gives these digits.
    #[test]
    fn an_id_outside_utf8_is_signed_as_it_travels() {
        let mut scheme = scheme(
            "{digest: sha256, encoding: hex, message: '{id}.', headers: [{name: webhook-id, value: '{id}'}, {name: X-S, value: '{sig}'}]}",
        );
        let signer = scheme.keyed(b"k").expect("any text is a key");
        let lines = signer.header_lines(&delivery(), [0xff, 0xfe], "", NOW);
        let wanted = crate::sign::hmac_sha256_hex(b"k", &[0xff, 0xfe, b'.']);
        assert_eq!(values(&lines), [&[0xff, 0xfe][..], wanted.as_bytes()]);
        // The key's own line stands in the delivery already.
        scheme.share_key_header(Some("Webhook-ID"));
        let lines = scheme.keyed(b"k").expect("any text is a key").header_lines(&delivery(), [0xff, 0xfe], "", NOW);
        assert_eq!(values(&lines), [wanted.as_bytes()]);
        scheme.share_key_header(Some("Idempotency-Key"));
        assert!(!scheme.headers[0].is_the_keys);
    }

    /// While a secret is rotated the list holds both signatures, the current one first.
    #[test]
    fn a_rotating_sender_signs_with_both() {
        let list =
            "{digest: sha256, encoding: hex, message: '{body}', several: {separator: ' '}, headers: [{name: X-S, value: 'v1,{sig}'}]}";
        let signer = scheme(list).keyed(b"new").and_then(|signer| signer.with_previous(b"old")).expect("any text is a key");
        let [new, old] = [&b"new"[..], b"old"].map(|key| crate::sign::hmac_sha256_hex(key, b"{}"));
        assert_eq!(values(&signer.header_lines_by_both(&delivery(), "", "", NOW)), [format!("v1,{new} v1,{old}").as_bytes()]);
        assert_eq!(values(&signer.header_lines(&delivery(), "", "", NOW)), [format!("v1,{new}").as_bytes()]);
        let alone = signer.by_previous().expect("it has a previous secret");
        assert_eq!(values(&alone.header_lines_by_both(&delivery(), "", "", NOW)), [format!("v1,{old}").as_bytes()]);
        assert!(alone.by_previous().is_none() && signer.by_retired().is_none());
    }

    /// The time is written in the scheme's form, in header and message alike.
    #[test]
    fn the_time_is_written_in_the_schemes_form() {
        for (unit, text) in [("s", "1759694703"), ("ms", "1759694703000"), ("rfc3339", "2025-10-05T20:05:03Z")] {
            let yaml = format!(
                "{{digest: sha256, encoding: base64url, message: '{{t}}', time: {{past: 5m, unit: {unit}}}, headers: [{{name: X-T, value: '{{t}}'}}, {{name: X-S, value: '{{sig}}'}}]}}"
            );
            let lines = scheme(&yaml).keyed(b"k").expect("any text is a key").header_lines(&delivery(), "", "", NOW);
            let mac = crate::sign::unhex(crate::sign::hmac_sha256_hex(b"k", text.as_bytes()).as_bytes()).expect("hex digits");
            assert_eq!(values(&lines), [text.as_bytes(), crate::sign::Encoding::Base64url.write(&mac).as_bytes()]);
        }
    }
}
