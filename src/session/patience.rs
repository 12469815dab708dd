//! Patience with what stands before a receiver: a 429 or a 503 that asks to be tried again.
//!
//! In: an answer, and the contract. Out: how long it asks to be waited for,
//! when it is no answer of the contract. That it was so is told once; so is
//! that the user waits for less than the contract allows.

use std::sync::atomic::Ordering;
use std::time::{Duration, UNIX_EPOCH};

use super::Session;
use crate::clock::{Clock as _, SystemClock, span};
use crate::contract::Contract;
use crate::delivery::{Answer, NoAnswer};

/// What is waited where a gateway names no time that can be read.
const A_WHILE: Duration = Duration::from_secs(1);
/// Less is not waited: a gateway that counts by the second would be asked without end.
const LEAST: Duration = Duration::from_millis(100);

/// How long an answer asks to be waited for, when it is no answer of the contract.
pub(crate) fn asks_to_wait(contract: &Contract, result: &Result<Answer, NoAnswer>) -> Option<Duration> {
    let answer = result.as_ref().ok()?;
    let after = answer.header("Retry-After").filter(|_| matches!(answer.status, 429 | 503))?;
    let outcomes = &contract.outcomes;
    let forms = std::iter::once(&outcomes.accepted).chain(contract.duplicate()).chain(&outcomes.in_flight).chain(outcomes.refused.values());
    let is_provoked = contract.provoke().is_some_and(|provoke| provoke.status == answer.status);
    let is_of_the_contract = is_provoked || forms.into_iter().any(|form| form.allows_status(answer.status));
    (!is_of_the_contract).then(|| span_until(after.trim(), answer).unwrap_or(A_WHILE).max(LEAST))
}

/// The time that `Retry-After` means: seconds, or a date, which counts from the date of the answer itself, or else from now.
fn span_until(after: &str, answer: &Answer) -> Option<Duration> {
    if let Ok(seconds) = after.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let until = httpdate::parse_http_date(after).ok()?;
    let sent = answer.header("Date").and_then(|date| httpdate::parse_http_date(date.trim()).ok());
    let now = UNIX_EPOCH + Duration::from_micros(SystemClock.now().0.unsigned_abs());
    // A date has whole seconds: what it names may be most of one later.
    Some(until.duration_since(sent.unwrap_or(now)).unwrap_or_default())
}

impl Session {
    /// What the report says where answers are given up before the contract's time is over; nothing where they are waited for long enough.
    pub(crate) fn given_up_note(&self) -> Option<String> {
        let (timeout, limit) = (self.timeout, self.contract.limits.answer.0);
        (timeout < limit).then(|| {
            format!(
                "The contract allows {} for an answer, and {} were waited for (--timeout): what had not been answered by then is undecided.",
                span::write(limit),
                span::write(timeout)
            )
        })
    }

    /// What the report says of deliveries that were held up; nothing when none was.
    pub(crate) fn held_up_note(&self) -> Option<String> {
        let times = self.held_up.load(Ordering::Relaxed);
        (times > 0).then(|| {
            format!(
                "Something before the target, or the target itself, answered 429 or 503 with Retry-After, which is no answer of the contract: {times} time(s) it was waited for, and what it had turned away was sent again."
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::reading::read_contract;
    use crate::delivery::HeaderLine;

    /// Only what is no answer of the contract's is waited for, as long as it asks; a date is a while.
    #[test]
    fn gateways_are_waited_for_and_receivers_are_not() {
        let contract = |refused: u16| {
            let text = format!(
                "{{contract: c, title: t, about: a, source: s, suite: x, endpoint: {{method: POST, path: /, content_type: a/b}},
                  secret: {{env: S, for_tests: s}}, key: {{header: K}},
                  signature: {{digest: sha256, encoding: hex, message: '{{body}}', headers: [{{name: X, value: '{{sig}}'}}]}},
                  outcomes: {{accepted: {{status: 200}}, duplicate: {{status: 208}},
                    refused: {{signature: {{status: 401}}, missing-signature: {{status: 401}}, missing-key: {{status: {refused}}}}}}}}}"
            );
            read_contract("c.yaml", &text, &|_| None).unwrap_or_else(|wrong| panic!("{wrong}"))
        };
        let date = Some("Fri, 27 Nov 2026 16:59:57 GMT");
        for (refused, status, date, after, wanted) in [
            (400, 429, None, Some("2"), Some(Duration::from_secs(2))),
            (400, 503, None, Some("soon"), Some(A_WHILE)),
            (400, 503, date, Some("Fri, 27 Nov 2026 17:00:00 GMT"), Some(Duration::from_secs(3))),
            (400, 503, None, Some("Sun, 06 Nov 1994 08:49:37 GMT"), Some(LEAST)),
            (400, 429, None, Some("0"), Some(LEAST)),
            (400, 429, None, None, None),
            (400, 500, None, Some("1"), None),
            (429, 429, None, Some("1"), None),
        ] {
            let lines = [("retry-after", after), ("date", date)];
            let headers = lines.into_iter().filter_map(|(name, value)| Some(HeaderLine::new(name, value?))).collect();
            let answer = Answer { status, headers, body: bytes::Bytes::new() };
            assert_eq!(asks_to_wait(&contract(refused), &Ok(answer)), wanted, "{status} {after:?}");
        }
        assert_eq!(asks_to_wait(&contract(400), &Err(NoAnswer::Unreachable { cause: String::new() })), None);
    }
}
