//! Tampers with the place of a signature: right, and not in its header (requirement AUTH-9).

use super::making::Making;
use crate::delivery::{Delivery, HeaderLine};
use crate::sign::spoiling::{USUAL_NAMES, in_query, with_member};

/// Header lines in which receivers were seen to look for a signature; the mark is what stands in front of it there.
const USUAL_HEADERS: [(&str, Option<&str>); 8] = [
    ("Authorization", None),
    ("X-Hub-Signature", Some("sha1=")),
    ("X-Hub-Signature-256", Some("sha256=")),
    ("Signature", None),
    ("X-Webhook-Signature", None),
    ("X-Signature-256", None),
    ("Digest", None),
    ("X-Hmac", None),
];

impl Making<'_> {
    fn carrier_name(&self) -> &str {
        self.carrier().filter(|carrier| carrier.member().is_none()).map_or("", |carrier| carrier.name.as_str())
    }

    /// The usual names and the carrier's own, each once; the first of two stands in front last.
    fn names(&self) -> Vec<String> {
        let own = self.carrier_name();
        let usual = USUAL_NAMES.iter().filter(|name| !name.eq_ignore_ascii_case(own)).map(|name| (*name).to_owned());
        usual.chain((!own.is_empty()).then(|| own.to_owned())).collect()
    }

    /// In the query, under every usual name.
    pub(super) fn in_query(mut self) -> Delivery {
        let value = in_query(&self.right);
        let mark = if self.delivery.path.contains('?') { '&' } else { '?' };
        let query: Vec<String> = self.names().iter().map(|name| format!("{name}={value}")).collect();
        let lines = self.lines_without_carrier();
        self.delivery.path = format!("{}{mark}{}", self.delivery.path, query.join("&"));
        self.with_lines(lines)
    }

    /// In members of the body, under every usual name that the body does not have yet.
    pub(super) fn in_body(mut self) -> Delivery {
        let lines = self.lines_without_carrier();
        let body = self.delivery.body.clone();
        let is_new = |name: &String| {
            let member = format!("\"{name}\"");
            !body.windows(member.len()).any(|here| here == member.as_bytes())
        };
        // The last that is put in front stands first.
        for name in self.names().iter().rev().filter(|name| is_new(name)) {
            self.delivery.body = with_member(&self.delivery.body, name, &self.right).into();
        }
        self.with_lines(lines)
    }

    /// In other header lines than its own.
    pub(super) fn in_other_headers(self) -> Delivery {
        let mut lines = self.lines_without_carrier();
        let whole = self.carrier_value(&self.right);
        let own = format!("{}-256", self.carrier_name());
        let own = (!self.carrier_name().is_empty()).then_some((own.as_str(), None));
        let usual = USUAL_HEADERS.iter().map(|(name, mark)| (*name, *mark)).chain(own);
        for (name, mark) in usual {
            let is_taken = |taken: &str| taken.eq_ignore_ascii_case(name);
            let in_scheme = self.signer.scheme().headers.iter().any(|header| is_taken(&header.name));
            if in_scheme || self.delivery.headers.iter().chain(&lines).any(|line| is_taken(&line.name)) {
                continue;
            }
            let value = mark.map_or_else(|| whole.clone(), |mark| format!("{mark}{}", self.right).into_bytes());
            lines.push(HeaderLine::new(name, value));
        }
        self.with_lines(lines)
    }
}
