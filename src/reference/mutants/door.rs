//! What defects understand of deliveries that come in another way: by another path, method, coding or line.

use bytes::Bytes;
use miniz_oxide::inflate::decompress_to_vec_with_limit;

use super::Mutant;
use crate::delivery::Delivery;
use crate::message::form_field;

/// The header that says which method is meant.
const OVERRIDE: &str = "x-http-method-override";
/// Longer bodies are not verified, with one defect.
const VERIFIED: usize = 2 << 20;
/// More is not inflated.
const MOST_INFLATED: usize = 16 << 20;
/// The head of gzip without any of its optional members (RFC 1952, section 2.3): deflated, no flags.
const GZIP: [u8; 4] = [0x1f, 0x8b, 8, 0];
/// How long that head is.
const GZIP_HEAD: usize = 10;

impl Mutant {
    /// Whether a defect finds its endpoint at another spelling of its path, as routers do that mean well.
    pub(super) fn finds(&self, path: &str, endpoint: &str) -> bool {
        let plain = |path: &str| path.trim_matches('/').to_ascii_lowercase();
        let without_parameter = path.split(';').next().unwrap_or_default();
        let decoded = form_field(format!("path={}", without_parameter.replace('+', "%2B")).as_bytes(), "path").unwrap_or_default();
        let decoded = String::from_utf8_lossy(&decoded).replace("/./", "/");
        self.is("other-spelling-of-path-is-not-verified") && plain(&decoded) == plain(endpoint)
    }

    /// What is understood of a delivery, put into `read`; what came another way may then pass without a check.
    pub(super) fn read_by_another_way(&mut self, delivery: &Delivery, read: &mut Delivery) {
        let says_json = delivery.header("content-type").is_some_and(|kind| String::from_utf8_lossy(kind).contains("json"));
        self.unverified = (self.is("other-spelling-of-path-is-not-verified") && !self.endpoint.is_at(&delivery.path))
            || (self.is("only-json-is-verified") && !says_json)
            || (self.is("body-over-two-mebibytes-is-not-signed") && delivery.body.len() > VERIFIED);
        let is_question = delivery.method == "GET" && delivery.body.is_empty() && delivery.header("idempotency-key").is_some();
        if self.is("signed-question-is-taken") && is_question {
            read.method = "POST".to_owned();
        }
        if self.is("method-override-is-not-verified")
            && delivery.method != "POST"
            && overriding(delivery).is_some_and(|method| method.eq_ignore_ascii_case(b"POST"))
        {
            read.method = "POST".to_owned();
            self.unverified = true;
        }
        if self.is("compressed-body-is-inflated-before-the-check")
            && delivery.header("content-encoding").is_some_and(|coding| coding.eq_ignore_ascii_case(b"gzip"))
            && let Some(body) = inflated(&delivery.body)
        {
            read.body = body;
        }
    }

    /// The key of a delivery whose key a right receiver does not use, where a defect does.
    pub(super) fn odd_key(&self, delivery: &Delivery) -> Option<String> {
        let lines: Vec<&Bytes> = delivery.header_values("idempotency-key").collect();
        match lines.as_slice() {
            [_, _, ..] if self.is("two-key-lines-are-joined") => {
                Some(lines.iter().map(|line| String::from_utf8_lossy(line)).collect::<Vec<_>>().join(", "))
            }
            [first, second] if self.is("unlike-key-lines-make-a-new-key") && first != second => {
                Some(format!("{} {}", String::from_utf8_lossy(first), self.answered))
            }
            [line] if self.is("odd-keys-are-read-with-replacement") && !line.is_ascii() => Some(String::from_utf8_lossy(line).into_owned()),
            _ => None,
        }
    }
}

/// A key as a defect takes it that reads numbers: two texts of one number are one key.
pub(super) fn number_in(key: &str) -> Option<String> {
    key.parse::<f64>().ok().filter(|number| number.is_finite()).map(|number| number.to_string())
}

/// The method that is meant, from a header, the query or a form.
fn overriding(delivery: &Delivery) -> Option<Vec<u8>> {
    let query = delivery.path.split_once('?').map(|(_, query)| query).unwrap_or_default();
    let header = delivery.header(OVERRIDE).map(|method| method.to_vec());
    header.or_else(|| form_field(query.as_bytes(), "_method")).or_else(|| form_field(&delivery.body, "_method"))
}

fn inflated(body: &[u8]) -> Option<Bytes> {
    let deflated = body.get(GZIP_HEAD..).filter(|_| body.starts_with(&GZIP))?;
    decompress_to_vec_with_limit(deflated, MOST_INFLATED).ok().map(Bytes::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `printf hello | gzip -n` writes is read; what is no gzip is not.
    #[test]
    fn gzip_is_inflated() {
        let hello = crate::sign::unhex(b"1f8b0800000000000003cb48cdc9c9070086a6103605000000").unwrap();
        assert_eq!(inflated(&hello).as_deref(), Some(&b"hello"[..]));
        assert_eq!(inflated(b"{\"job_id\":1}"), None);
        assert_eq!(inflated(b""), None);
    }
}
