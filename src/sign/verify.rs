//! Verifying: reading a signature back, and why it does not hold.
//!
//! Works for every scheme that [`super::Scheme`] can describe: the header
//! templates that the sender fills in are the ones that are matched here, on
//! bytes. [`Signer::verify`] is three steps that can be taken one by one:
//! [`Signer::claim`], [`Signer::within_tolerance`], [`Signer::mac_holds`].

use super::parts::prepared;
use super::{Envelope, ListLines, Proof, SignatureHeader, Signer};
use crate::clock::UnixMicros;
use crate::delivery::{Delivery, HeaderLine};

/// Why a signature does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadSignature {
    /// No header, or an empty one.
    Missing,
    /// A header that stands twice, or cannot be read; a time that is none.
    Malformed,
    /// The signed time lies too far from now.
    Stale,
    /// Another signature than the secret gives.
    Wrong,
}

/// What the scheme's header lines of one delivery say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Claim<'d> {
    /// The signatures as they are written, in their order; never none. Entries of unknown versions are not among them.
    pub signatures: Vec<&'d [u8]>,
    /// The signed time, where a header line carries one.
    pub time: Option<&'d str>,
    /// The id, where a header line carries one.
    pub id: Option<&'d [u8]>,
}

impl Signer {
    /// Whether `delivery` bears a signature that holds at `now`.
    ///
    /// * `key`: the delivery's idempotency key, byte for byte as it travels, which
    ///   `{id}` stands for where no header line carries an id.
    /// * `origin`: `http://host:port` as the sender knows it, for schemes that sign the URL.
    ///
    /// # Errors
    /// [`BadSignature`], the first reason that was found.
    pub fn verify(&self, delivery: &Delivery, key: impl AsRef<[u8]>, origin: &str, now: UnixMicros) -> Result<(), BadSignature> {
        if self.scheme.by == Proof::None {
            return Ok(());
        }
        let expanded = self.expanded(delivery);
        let delivery = expanded.as_ref();
        let claim = self.claim(delivery)?;
        let time = claim.time.unwrap_or_default();
        self.within_tolerance(time, now)?;
        let envelope = Envelope { time, id: claim.id.unwrap_or(key.as_ref()), origin };
        self.mac_holds(delivery, envelope, &claim.signatures)
    }

    /// Reads what the header lines of `delivery` say; nothing is checked yet but their form.
    ///
    /// # Errors
    /// [`BadSignature::Missing`] without a signature's header, [`BadSignature::Malformed`] when a line stands twice
    /// (requirement AUTH-10), has another form, or is left out.
    pub fn claim<'d>(&self, delivery: &'d Delivery) -> Result<Claim<'d>, BadSignature> {
        let is_there = |header: &SignatureHeader| delivery.header_values(&header.name).any(|line| !line.trim_ascii().is_empty());
        if !self.scheme.headers.iter().filter(|header| header.carries("sig")).all(is_there) {
            return Err(BadSignature::Missing);
        }
        let mut claim = Claim::default();
        for header in self.scheme.headers.iter().filter(|header| !header.is_prepared()) {
            self.read_header(header, delivery, &mut claim)?;
        }
        self.prepared_holds(delivery)?;
        // A time that a list has lost is no time: see `within_tolerance`.
        if claim.signatures.is_empty() { Err(BadSignature::Malformed) } else { Ok(claim) }
    }

    /// Every entry of the list of signatures as it stands, whatever its version; without a list, the whole value.
    #[must_use]
    pub fn entries<'d>(&self, delivery: &'d Delivery) -> Vec<&'d [u8]> {
        let Some(carrier) = self.scheme.carrier() else { return Vec::new() };
        let lines = delivery.headers.iter().filter(|line| line.name.eq_ignore_ascii_case(&carrier.name));
        let separator = self.scheme.separator_of(carrier).unwrap_or_default();
        lines.flat_map(|line| items(line.value.trim_ascii(), separator)).collect()
    }

    /// Whether the signed time is one, in the scheme's form, and lies near enough to `now`.
    ///
    /// Where no header line carries a time, there is nothing to be held against.
    ///
    /// # Errors
    /// [`BadSignature::Malformed`] or [`BadSignature::Stale`].
    pub fn within_tolerance(&self, time: &str, now: UnixMicros) -> Result<(), BadSignature> {
        if !self.scheme.carries_time() && self.scheme.time.is_none() {
            return Ok(());
        }
        let signed_at = self.scheme.unit().read(time).ok_or(BadSignature::Malformed)?;
        match self.scheme.time {
            Some(tolerance) if !tolerance.allows(signed_at, now) => Err(BadSignature::Stale),
            Some(_) | None => Ok(()),
        }
    }

    /// Whether one of `signatures` is the MAC of the delivery, by the current secret or the previous one.
    ///
    /// The MACs are computed once, so the work grows with the length of the list alone.
    ///
    /// # Errors
    /// [`BadSignature::Malformed`] when none is text of the scheme's encoding, else [`BadSignature::Wrong`].
    pub fn mac_holds(&self, delivery: &Delivery, envelope: Envelope<'_>, signatures: &[&[u8]]) -> Result<(), BadSignature> {
        let decoded: Vec<Vec<u8>> =
            signatures.iter().filter_map(|text| self.scheme.encoding.read(text)).filter(|mac| !mac.is_empty()).collect();
        if decoded.is_empty() {
            return Err(BadSignature::Malformed);
        }
        let holds = [Some(&self.key), self.previous.as_deref()].into_iter().flatten().any(|key| {
            let mac = self.fed(key, delivery, envelope);
            decoded.iter().any(|bytes| mac.clone().holds(bytes))
        });
        if holds { Ok(()) } else { Err(BadSignature::Wrong) }
    }

    /// Whether what was there before anything was signed fits the body.
    fn prepared_holds(&self, delivery: &Delivery) -> Result<(), BadSignature> {
        // A constant says nothing of a delivery, and is not looked at.
        let digests = |value: &crate::template::Template| value.placeholders().next().is_some();
        for header in self.scheme.headers.iter().filter(|header| header.is_prepared() && digests(&header.value)) {
            let mut lines = delivery.header_values(&header.name);
            match (lines.next(), lines.next()) {
                (Some(line), None) if line.trim_ascii() == prepared(&header.value, &delivery.body) => {}
                (Some(_), None) => return Err(BadSignature::Wrong),
                (None | Some(_), _) => return Err(BadSignature::Malformed),
            }
        }
        let query = delivery.path_and_query().split_once('?').map_or("", |(_, query)| query);
        for one in self.scheme.query.iter().filter(|one| digests(&one.value)) {
            let mut found = query.split('&').filter_map(|pair| pair.split_once('=')).filter(|(name, _)| *name == one.name);
            let wanted = prepared(&one.value, &delivery.body);
            if !matches!((found.next(), found.next()), (Some((_, value)), None) if value.as_bytes() == wanted) {
                return Err(BadSignature::Wrong);
            }
        }
        Ok(())
    }

    fn read_header<'d>(&self, header: &SignatureHeader, delivery: &'d Delivery, claim: &mut Claim<'d>) -> Result<(), BadSignature> {
        let mut lines = delivery.headers.iter().filter(|line| line.name.eq_ignore_ascii_case(&header.name));
        let line = lines.next().ok_or(BadSignature::Malformed)?;
        let further: Vec<&HeaderLine> = lines.collect();
        let several = self.scheme.several.as_ref().filter(|_| self.scheme.separator_of(header).is_some());
        if !further.is_empty() && several.is_none_or(|several| several.lines != Some(ListLines::Joined)) {
            return Err(BadSignature::Malformed); // requirement AUTH-10
        }
        let value = line.value.trim_ascii();
        if value.is_empty() {
            return Err(BadSignature::Malformed);
        }
        let Some(separator) = self.scheme.separator_of(header) else {
            return take(header.value.matches(value).ok_or(BadSignature::Malformed)?, claim);
        };
        let blanks = several.is_some_and(|several| several.blanks);
        let values = std::iter::once(value).chain(further.iter().map(|line| line.value.trim_ascii()));
        let all = values.flat_map(|value| items(value, separator)).map(|item| if blanks { item.trim_ascii() } else { item });
        let templates = header.value.split(separator);
        let (mut has_time, mut has_id) = (false, false);
        for item in all {
            // An item that no template fits is another version's: not ours to judge.
            let Some(found) = templates.iter().find_map(|template| template.matches(item)) else { continue };
            // Entries may be many; what they have in common stands once (requirement SIGT-4).
            let says = |name: &str| found.iter().any(|(one, _)| *one == name);
            let (time, id) = (says("t") && !says("sig"), says("id") && !says("sig"));
            if (time && has_time) || (id && has_id) {
                return Err(BadSignature::Malformed);
            }
            (has_time, has_id) = (has_time || time, has_id || id);
            take(found, claim)?;
        }
        Ok(())
    }
}

/// What stands between separators; without a separator, all of it.
fn items<'d>(value: &'d [u8], separator: &str) -> Vec<&'d [u8]> {
    let (separator, mut rest, mut all) = (separator.as_bytes(), value, Vec::new());
    while let Some(at) = (!separator.is_empty()).then(|| rest.windows(separator.len()).position(|here| here == separator)).flatten() {
        all.push(&rest[..at]);
        rest = &rest[at + separator.len()..];
    }
    all.push(rest);
    all
}

/// Keeps what was found; a time or an id that is said twice must be the same both times.
fn take<'d>(found: Vec<(&str, &'d [u8])>, claim: &mut Claim<'d>) -> Result<(), BadSignature> {
    for (name, value) in found {
        match name {
            "sig" => claim.signatures.push(value),
            "t" => {
                let text = std::str::from_utf8(value).map_err(|_| BadSignature::Malformed)?;
                if *claim.time.get_or_insert(text) != text {
                    return Err(BadSignature::Malformed);
                }
            }
            "id" if *claim.id.get_or_insert(value) != value => return Err(BadSignature::Malformed),
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sign::{Scheme, hmac_sha256_hex};

    const NOW: UnixMicros = UnixMicros::from_secs(1_759_694_703);
    const STRIPE: &str = "{digest: sha256, encoding: hex, message: '{t}.{body}', several: {separator: ','}, time: {past: 5m, future: 5m},
         headers: [{name: X-S, value: 't={t},v1={sig}'}]}";
    const SVIX: &str =
        "{digest: sha256, encoding: hex, message: '{id}.{t}.{body}', several: {separator: ' '}, time: {past: 5m, future: 5m},
         headers: [{name: X-Id, value: '{id}'}, {name: X-T, value: '{t}'}, {name: X-S, value: 'v1,{sig}'}]}";

    fn signer(yaml: &str) -> Signer {
        let scheme: Scheme = serde_saphyr::from_str(yaml).expect("the test writes a whole scheme");
        scheme.keyed(b"k").expect("any text is a key")
    }

    /// What `lines` (`Name: value`, with `RIGHT` and `OLD` for MACs over `message`) say of a delivery with the body `{}`.
    fn verdict(signer: &Signer, message: &[u8], lines: &[&str]) -> Result<(), BadSignature> {
        let [right, old] = [&b"k"[..], b"old"].map(|key| hmac_sha256_hex(key, message));
        let headers = lines.iter().map(|line| {
            let (name, value) = line.split_once(": ").expect("a test's line has a name");
            HeaderLine::new(name, value.replace("RIGHT", &right).replace("OLD", &old))
        });
        let delivery = Delivery { headers: headers.collect(), body: "{}".into(), ..Delivery::default() };
        signer.verify(&delivery, "key", "", NOW)
    }

    /// Requirements SIGL-1 and AUTH-10: one right entry is enough wherever it stands, two lines are not a list.
    #[test]
    fn a_list_is_read_to_its_end() {
        use BadSignature::{Malformed, Missing, Stale, Wrong};
        let (zeros, message) = ("0".repeat(64), b"1759694703.{}");
        let told = |lines: &[&str]| {
            let lines: Vec<String> = lines.iter().map(|line| line.replace("ZEROS", &zeros)).collect();
            verdict(&signer(STRIPE), message, &lines.iter().map(String::as_str).collect::<Vec<_>>())
        };
        for (lines, wanted) in [
            (&["X-S: t=1759694703,v1=RIGHT"][..], Ok(())),
            (&["X-S: t=1759694703,v1=ZEROS,v1=RIGHT"], Ok(())),
            (&["X-S: v1=RIGHT,v1=no hex,t=1759694703"], Ok(())),
            (&["X-S: v0=ZEROS,t=1759694703,v1=RIGHT,whatever"], Ok(())),
            (&["X-S: t=1759694703,v1=ZEROS,v1=ZEROS"], Err(Wrong)),
            (&["X-S: t=1759694703,v0=RIGHT"], Err(Malformed)),
            (&["X-S: t=1759694703,v1=no hex,v1="], Err(Malformed)),
            (&["X-S: t=1759694703,t=1759694703,v1=RIGHT"], Err(Malformed)),
            (&["X-S: t=1759694703,t=1759694702,v1=RIGHT"], Err(Malformed)),
            (&["X-S: v1=RIGHT"], Err(Malformed)),
            (&["X-S: t=,v1=RIGHT"], Err(Malformed)),
            (&["X-S: t=1759694402,v1=RIGHT"], Err(Stale)),
            (&["X-S: t=1759694403,v1=RIGHT"], Err(Wrong)),
            (&["X-S: t=1759694703,v1=ZEROS", "x-s: t=1759694703,v1=RIGHT"], Err(Malformed)),
            (&["X-S:  "], Err(Missing)),
            (&["X-Other: t=1759694703,v1=RIGHT"], Err(Missing)),
        ] {
            assert_eq!(told(lines), wanted, "{lines:?}");
        }
    }

    /// What is left out is told: the signature as missing, whatever else as malformed; the id is read as it came.
    #[test]
    fn a_line_that_is_left_out_is_told() {
        let (id, time, sig) = ("X-Id: msg 1", "X-T: 1759694703", "X-S: v1,RIGHT");
        for (lines, wanted) in [
            (&[id, time, sig][..], Ok(())),
            (&["X-Id:  msg 1 ", time, sig], Ok(())),
            (&["X-Id: msg 2", time, sig], Err(BadSignature::Wrong)),
            (&[time, sig], Err(BadSignature::Malformed)),
            (&[id, sig], Err(BadSignature::Malformed)),
            (&[id, "X-T:  ", sig], Err(BadSignature::Malformed)),
            (&[id, "X-T: 1759694703 1759694703", sig], Err(BadSignature::Malformed)),
            (&[id, time, "X-T: 1759694703", sig], Err(BadSignature::Malformed)),
            (&[id, id, time, sig], Err(BadSignature::Malformed)),
            (&[id, time], Err(BadSignature::Missing)),
            (&[][..], Err(BadSignature::Missing)),
        ] {
            assert_eq!(verdict(&signer(SVIX), b"msg 1.1759694703.{}", lines), wanted, "{lines:?}");
        }
    }

    /// Requirement SIGL-3: both secrets pass while one is rotated, a retired one does not.
    #[test]
    fn the_previous_secret_passes_while_it_counts() {
        let plain = signer("{digest: sha256, encoding: hex, message: '{id}{body}', headers: [{name: X-S, value: '{sig}'}]}");
        let rotating = plain.with_previous(b"old").expect("any text is a key");
        let retired = plain.with_retired(b"old").expect("any text is a key");
        for (signer, line, wanted) in [
            (&rotating, "X-S: RIGHT", Ok(())),
            (&rotating, "X-S: OLD", Ok(())),
            (&plain, "X-S: OLD", Err(BadSignature::Wrong)),
            (&retired, "X-S: OLD", Err(BadSignature::Wrong)),
        ] {
            assert_eq!(verdict(signer, b"key{}", &[line]), wanted, "{line}");
        }
        assert_eq!(verdict(&retired.by_retired().expect("it knows one"), b"key{}", &["X-S: OLD"]), Ok(()));
    }
}
