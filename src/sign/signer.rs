//! Signers: a scheme with its keys, and the header lines that it makes.
//!
//! Takes a delivery, the id and the moment, gives header lines. The key is
//! hashed once for many deliveries. While a secret is rotated a signer has two
//! keys: it signs by the first and verifies by either.

use std::borrow::Cow;
use std::sync::Arc;

use super::mac::Keyed;
use super::pair::Pair;
use super::parts::{each_part, placed};
use super::{BadSecret, Proof, Scheme, SignatureHeader};
use crate::clock::UnixMicros;
use crate::delivery::{Delivery, HeaderLine};
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
        Self { mac: Keyed::of(scheme, &bytes), bytes }
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

    /// A signer by a public key alone, which signs nothing; `None` where the scheme has no key pair, or the text is no public key.
    pub(super) fn verifying(scheme: Scheme, public: &[u8]) -> Option<Self> {
        let pair = (scheme.by == Proof::Ed25519).then(|| Pair::of_public_text(public)).flatten()?;
        let key = Key { mac: Keyed::Pair(Arc::new(pair), Vec::new()), bytes: Vec::new() };
        Some(Self { scheme, key, previous: None, retired: None })
    }

    /// The same signer for a receiver that its sender knows by another address than it is called by.
    #[must_use]
    pub fn addressed(&self, address: &str) -> Self {
        self.with_scheme(Scheme { address: Some(address.to_owned()), ..self.scheme.clone() })
    }

    /// The same key under another scheme.
    pub(super) fn with_scheme(&self, scheme: Scheme) -> Self {
        Self { scheme, ..self.clone() }
    }

    /// The signature of a body alone, by the same key and in the same writing: the older form of many schemes.
    #[must_use]
    pub(crate) fn over_body_alone(&self, delivery: &Delivery) -> String {
        let message = Template::read("{body}").unwrap_or_default();
        let older = self.with_scheme(Scheme { message, ..self.scheme.clone() });
        older.signature(delivery, Envelope { time: "", id: b"", origin: "" })
    }

    /// The key pair, where the scheme has one.
    pub(super) fn pair(&self) -> Option<&Pair> {
        match &self.key.mac {
            Keyed::Pair(pair, _) => Some(pair),
            Keyed::Sha1(_) | Keyed::Sha256(_) | Keyed::Sha512(_) | Keyed::Token(_) | Keyed::Nothing => None,
        }
    }

    /// The bytes of the public key, where the scheme has one.
    #[must_use]
    pub fn public_key(&self) -> Option<[u8; 32]> {
        self.pair().map(Pair::public)
    }

    /// The scheme.
    #[must_use]
    pub fn scheme(&self) -> &Scheme {
        &self.scheme
    }

    /// The public key as text, in the form that `like` has (prefix; hex digits or base64); `None` without a key pair.
    #[must_use]
    pub fn public_key_like(&self, like: &str) -> Option<String> {
        self.pair().map(|pair| pair.public_like(like))
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
        let key = Key::new(&self.scheme, self.scheme.key_bytes(previous)?);
        Ok(Self { previous: Some(Arc::new(key)), ..self.clone() })
    }

    /// The same signer, which knows a secret that no longer counts: nothing that it signed passes.
    ///
    /// # Errors
    /// [`BadSecret`], as [`Scheme::keyed`].
    pub fn with_retired(&self, retired: &[u8]) -> Result<Self, BadSecret> {
        let key = Key::new(&self.scheme, self.scheme.key_bytes(retired)?);
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
    /// Cannot fail: HMAC is defined for messages and keys of every length. Empty where nothing is signed.
    #[must_use]
    pub fn signature(&self, delivery: &Delivery, envelope: Envelope<'_>) -> String {
        self.scheme.encoding.write(&self.mac_of(delivery, envelope))
    }

    /// The same as bytes.
    pub(super) fn mac_of(&self, delivery: &Delivery, envelope: Envelope<'_>) -> Vec<u8> {
        self.fed(&self.key, delivery, envelope).finish()
    }

    /// The delivery as an honest sender sends it at `sent_at`: with all that the scheme puts into its query, its header and its body.
    ///
    /// * `id`, `origin`: as for [`Signer::header_lines`].
    #[must_use]
    pub fn signed(&self, delivery: Delivery, id: impl AsRef<[u8]>, origin: &str, sent_at: UnixMicros) -> Delivery {
        let ready = self.ready(delivery);
        let lines = self.header_lines(&ready, id, origin, sent_at);
        placed(ready, lines)
    }

    /// The header lines that an honest sender adds to `delivery` at `sent_at`.
    ///
    /// Those that stand there before anything is signed are not among them: see [`Signer::ready`].
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
        self.scheme.headers.iter().filter(|header| !header.is_the_keys && !header.is_prepared()).map(line).collect()
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
        let whole = self.whole_address(&delivery.body);
        each_part(&self.scheme.message, (delivery, whole.as_deref()), envelope, &mut |bytes| mac.update(bytes));
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
