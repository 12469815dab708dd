//! What a receiver with a defect answers, where the answer is what it gets wrong.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use bytes::Bytes;
use serde_json::{Value, json};

use super::claim::Claim;
use super::{HALF_A_MEBIBYTE, Mutant};
use crate::clock::iso;
use crate::contract::outcome::Refusal;
use crate::delivery::{Answer, HeaderLine};
use crate::reference::hooks::Around;
use crate::sign::{hex, sha256_hex};

impl Mutant {
    /// Whether the defect shows only among deliveries that arrive together.
    ///
    /// The receiver then answers a first delivery a moment after it has marked
    /// its key: who comes within that moment races, and whoever has seen the
    /// answer does not.
    pub(super) fn is_a_race(&self) -> bool {
        self.defect.breaks.iter().any(|id| id.starts_with("ONCE-")) || self.is("loser-waits") || self.is("losers-do-the-work-too")
    }

    pub(super) fn accepted_answer(&self, mut answer: Answer, around: Around<'_>) -> Answer {
        if self.is("accepted-answered-200") {
            answer.status = 200;
        }
        if self.is("answers-are-no-json") {
            answer.body = Bytes::from_static(b"accepted");
        }
        if self.is("answers-do-not-say-json") {
            answer.headers = vec![HeaderLine::new("Content-Type", "text/plain")];
        }
        let body = &around.delivery.body;
        let breaks = (self.is("body-that-is-no-json-gives-500") && serde_json::from_slice::<Value>(body).is_err())
            || (self.is("long-body-gives-500") && body.len() > HALF_A_MEBIBYTE)
            || (self.is("sql-by-concatenation") && around.key.contains('\''))
            || (self.is("deep-json-gives-500") && body.iter().filter(|byte| **byte == b'[').count() > 500);
        if self.is("expect-refused") && around.delivery.header("expect").is_some() {
            answer.status = 417;
        }
        if let (true, Some(signer)) = (self.is("acceptance-reveals-key"), around.signer) {
            answer.headers.push(HeaderLine::new("X-Debug-Key", hex(signer.key_bytes()).to_uppercase()));
        }
        if breaks { failure() } else { answer }
    }

    pub(super) fn in_flight_answer(&self, answer: Answer) -> Answer {
        match self.defect.name {
            "rival-gets-500" => failure(),
            "rival-is-asked-to-wait" => Answer { status: 503, headers: vec![HeaderLine::new("Retry-After", "1")], body: Bytes::new() },
            _ => answer,
        }
    }

    pub(super) fn duplicate_answer(&self, mut answer: Answer, around: Around<'_>) -> Answer {
        if self.is("duplicate-answered-200") {
            answer.status = 200;
        }
        if self.is("duplicate-answered-409") {
            answer.status = 409;
        }
        match (self.races, self.defect.name) {
            (true, "loser-gets-409") => answer.status = 409,
            (true, "loser-gets-500") => return failure(),
            _ => {}
        }
        let count = self.duplicates.get(around.key).copied().unwrap_or(0);
        if self.is("tenth-duplicate-gives-429") && count >= 10 {
            answer.status = 429;
        }
        let edits = [
            ("duplicate-says-not-accepted", "/accepted", json!(false)),
            ("duplicate-refers-to-itself", "/reference/timestamp", json!(iso::write(around.now))),
            ("duplicate-names-another-type", "/reference/type", json!("original")),
            ("duplicate-bears-its-own-hash", "/payload_sha256", json!(sha256_hex(&around.delivery.body))),
        ];
        if let Some(mut page) = answer.json() {
            for (name, place, value) in edits {
                let is = self.is(name) || (self.races && self.is("racer-refers-to-itself") && place == "/reference/timestamp");
                if is && let Some(member) = page.pointer_mut(place) {
                    *member = value;
                }
            }
            if self.is("duplicate-without-reference")
                && let Some(page) = page.as_object_mut()
            {
                page.remove("reference");
            }
            answer.body = Bytes::from(page.to_string());
        }
        answer
    }

    pub(super) fn refused_answer(&self, why: Refusal, mut answer: Answer, around: Around<'_>) -> Answer {
        let signature = matches!(why, Refusal::Signature | Refusal::MalformedSignature | Refusal::MissingSignature);
        if self.is("bad-signature-answered-403") && signature {
            answer.status = 403;
        }
        if self.is("missing-key-answered-422") && why == Refusal::MissingKey {
            answer.status = 422;
        }
        if self.is("stale-signature-answered-400") && why == Refusal::StaleSignature {
            answer.status = 400;
        }
        let long = around.delivery.header("idempotency-key").is_some_and(|key| key.len() > 255);
        let breaks = (self.is("too-large-body-gives-500") && why == Refusal::TooLarge)
            || (self.is("malformed-signature-gives-500") && why == Refusal::MalformedSignature && self.has_unreadable_signature(around))
            || (self.is("long-key-gives-500") && why == Refusal::UnusableKey && long)
            || (self.is("odd-key-gives-500") && why == Refusal::UnusableKey && !long)
            || self.breaks_at_header(why, around);
        if breaks {
            return failure();
        }
        let Some(signer) = around.signer.filter(|_| signature) else { return answer };
        let told = if self.is("refusal-reveals-signature") {
            Claim::of(around, signer).right
        } else if self.is("refusal-reveals-hash-of-secret") {
            sha256_hex(signer.key_bytes())
        } else if self.is("refusal-reveals-decoded-key") {
            hex(signer.key_bytes())
        } else if self.is("refusal-reveals-secret-without-prefix") {
            STANDARD.encode(signer.key_bytes())
        } else if self.is("refusal-reveals-key-in-base64url") {
            URL_SAFE_NO_PAD.encode(signer.key_bytes())
        } else {
            return answer;
        };
        answer.body = Bytes::from(json!({"error": "invalid signature", "expected": told}).to_string());
        answer
    }
}

/// The answer of a receiver that broke.
pub(super) fn failure() -> Answer {
    let headers = vec![HeaderLine::new("Content-Type", "application/json")];
    Answer { status: 500, headers, body: Bytes::from_static(b"{\"error\":\"internal error\"}") }
}
