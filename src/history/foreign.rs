//! Foreign text of a history: what was sent and what came back.
//!
//! A body in which something is hidden says so, for it is not the body any
//! more that its hash is of. Scenario, step and its name are ours.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::stream::{KeptReading, StreamEnd};
use super::{AnswerBytes, BodyBytes, Operation};
use crate::secret::{Foreign, Redactor};

impl Foreign for Operation {
    fn hide(&mut self, redactor: &Redactor) {
        let Self {
            scenario: _,
            step: _,
            name: _,
            key,
            identity,
            sent_at: _,
            answered_at: _,
            took_us: _,
            own_delay_us: _,
            goes_again: _,
            outcome: _,
            refers_to,
            moved_us: _,
            own_ttl: _,
            method: _,
            path,
            headers,
            body,
            answer,
            no_answer,
            stream,
        } = self;
        key.hide(redactor);
        identity.hide(redactor);
        refers_to.hide(redactor);
        path.hide(redactor);
        headers.hide(redactor);
        body.hide(redactor);
        answer.hide(redactor);
        no_answer.hide(redactor);
        if let Some(stream) = stream {
            let was_lost = stream.lost;
            stream.hide(redactor);
            // It counts among the answers in which something is hidden.
            if let (true, Some(answer)) = (stream.lost && !was_lost, answer) {
                answer.body.hidden = true;
            }
        }
    }
}

impl Foreign for KeptReading {
    fn hide(&mut self, redactor: &Redactor) {
        let Self { opened: _, last_event_id, times: _, blocks, end, unfinished, lost } = self;
        last_event_id.hide(redactor);
        if let StreamEnd::Broken(cause) = end {
            cause.hide(redactor);
        }
        for base64 in blocks.iter_mut().filter_map(|block| block.base64.as_mut()).chain(unfinished) {
            let Some(raw) = STANDARD.decode(&*base64).ok() else { continue };
            if let std::borrow::Cow::Owned(rest) = redactor.bytes(&raw) {
                *lost = true;
                *base64 = STANDARD.encode(rest);
            }
        }
        for text in blocks.iter_mut().filter_map(|block| block.text.as_mut()) {
            *lost |= redactor.finds(text.as_bytes());
            text.hide(redactor);
        }
    }
}

impl Foreign for AnswerBytes {
    fn hide(&mut self, redactor: &Redactor) {
        let Self { status: _, headers, body } = self;
        headers.hide(redactor);
        body.hide(redactor);
    }
}

/// A header line: a receiver may write anything for its name as well.
impl Foreign for (String, String) {
    fn hide(&mut self, redactor: &Redactor) {
        self.0.hide(redactor);
        self.1.hide(redactor);
    }
}

impl Foreign for BodyBytes {
    fn hide(&mut self, redactor: &Redactor) {
        let Self { bytes: _, sha256, text, base64, hidden } = self;
        let holds = |text: &Option<String>| text.as_ref().is_some_and(|text| redactor.finds(text.as_bytes()));
        *hidden |= holds(text) || redactor.finds(sha256.as_bytes());
        text.hide(redactor);
        sha256.hide(redactor);
        let Some(raw) = base64.as_ref().and_then(|text| STANDARD.decode(text).ok()) else { return };
        if let std::borrow::Cow::Owned(rest) = redactor.bytes(&raw) {
            *hidden = true;
            *base64 = Some(STANDARD.encode(rest));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is hidden is told, also among bytes that are no text, and cannot be judged again.
    #[test]
    fn body_says_that_something_is_hidden() {
        let redactor = Redactor::new(&[b"correct horse"]);
        let of = |body: &[u8]| {
            let mut kept = BodyBytes::of(body);
            kept.hide(&redactor);
            kept
        };
        let text = of(b"a correct horse!");
        assert_eq!((text.text.as_deref(), text.hidden, text.whole()), (Some("a ***!"), true, None));
        let odd = of(b"\xff correct horse \xfe");
        assert_eq!((odd.base64.as_deref(), odd.hidden), (Some(STANDARD.encode(b"\xff *** \xfe").as_str()), true));
        let stars = of(b"*** is what it said");
        assert_eq!((stars.hidden, stars.whole().is_some()), (false, true));
    }
}
