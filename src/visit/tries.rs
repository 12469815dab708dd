//! Tries: what is sent once more, a little otherwise, to find out why honest deliveries are turned away.
//!
//! In: a contract, and the answer that an honest delivery got. Out: what is
//! worth trying, the likeliest first. What is accepted says what was wrong.

use super::slips::{Slip, slips};
use crate::contract::Contract;
use crate::contract::outcome::Refusal;
use crate::delivery::Answer;
use crate::sign::Proof;
use crate::sign::address::{is_whole, spellings};

/// So far from now every moment is tried, half the tolerance's width after half its width.
const NEAR_SECS: i64 = 3 * 3600;
/// So many of those at the most, on each side.
const MOST_NEAR: i64 = 24;
/// Hours that are tried beyond: what another time zone, or a day, makes of a moment.
const HOURS: [i64; 13] = [4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 23, 24];

/// White space that gets into a secret at its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Space {
    /// A line feed: a secret from a file, or from `echo`.
    Line,
    /// A carriage return and a line feed: a file from Windows.
    WindowsLine,
    /// A blank.
    Blank,
}

impl Space {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Line, Self::WindowsLine, Self::Blank];

    /// Its bytes.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::Line => "\n",
            Self::WindowsLine => "\r\n",
            Self::Blank => " ",
        }
    }
}

/// An honest delivery that differs in one thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Try {
    /// Signed with the secret without the white space around it.
    Trimmed,
    /// Signed with the secret and white space behind it.
    Padded(Space),
    /// Signed as if it were sent so many seconds later.
    At(i64),
    /// Signed for another address than the one that it is sent to.
    SignedFor(String),
    /// Signed for a receiver that checks signatures otherwise.
    Otherwise(Slip),
    /// Sent to another path.
    To(String),
    /// Sent by another method.
    By(String),
    /// With another body of the suite.
    Body(String),
}

/// What is worth trying, the likeliest first.
///
/// * `secret`: the secret as it was given.
/// * `called`: the whole addresses by which the receiver is called, the one that is signed first.
/// * `date`: by how many seconds the answer's `Date` is ahead of this machine's clock.
/// * `bodies`: the names of the suite's other bodies.
#[must_use]
pub fn tries(contract: &Contract, answer: &Answer, (secret, called): (&str, &[String]), date: Option<i64>, bodies: &[String]) -> Vec<Try> {
    let mut all = Vec::new();
    let refused = |why| contract.outcomes.refusal(why).is_some_and(|form| form.allows_status(answer.status));
    let of_signature = refused(Refusal::Signature) || refused(Refusal::StaleSignature) || matches!(answer.status, 400 | 401 | 403);
    let half = contract.signature.time.map(|time| time.past.0.as_secs().max(1).cast_signed());
    let off = date.zip(half).filter(|(date, half)| date.abs() > *half).map(|(date, _)| date);
    if of_signature {
        all.extend(off.map(Try::At));
        if contract.signature.signs_the_address() {
            all.extend(addresses(answer, called).into_iter().map(Try::SignedFor));
        }
        if matches!(contract.signature.by, Proof::Hmac | Proof::Token) {
            all.extend((secret.trim() != secret).then_some(Try::Trimmed));
            all.extend(Space::ALL.map(Try::Padded));
        }
        all.extend(slips(&contract.signature).into_iter().map(Try::Otherwise));
        all.extend(half.into_iter().flat_map(moments).map(Try::At));
    }
    if matches!(answer.status, 300..=399 | 404 | 405 | 410 | 501) {
        all.extend(paths(contract, answer).into_iter().map(Try::To));
        all.extend(methods(contract, answer).into_iter().map(Try::By));
    }
    all.extend(bodies.iter().cloned().map(Try::Body));
    all
}

/// Addresses by which the receiver may know itself: those that its answer tells, the others by which it is called, and their spellings.
fn addresses(answer: &Answer, called: &[String]) -> Vec<String> {
    let Some((signed, others)) = called.split_first() else { return Vec::new() };
    let mut all = told_addresses(answer);
    all.extend(others.iter().cloned());
    all.extend(called.iter().flat_map(|one| spellings(one)).map(|(_, address)| address));
    let mut seen = vec![signed.clone()];
    all.retain(|one| {
        let is_new = !seen.contains(one);
        seen.push(one.clone());
        is_new
    });
    all
}

/// Whole addresses that stand in an answer: a receiver may say which one it expected.
fn told_addresses(answer: &Answer) -> Vec<String> {
    const MOST: usize = 4;
    let text = String::from_utf8_lossy(&answer.body);
    let ends = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '<' | '>' | '`' | ',' | ')' | ';' | '\\');
    let words = text.split(ends).map(|word| word.trim_end_matches(['.', ':']));
    words.filter(|word| is_whole(word)).map(str::to_owned).take(MOST).collect()
}

/// Moments that lie a tolerance's width apart, the nearest first, in seconds from now.
fn moments(half: i64) -> Vec<i64> {
    let step = half.saturating_mul(2);
    let near = (1..=MOST_NEAR).map(|times| times.saturating_mul(step)).take_while(|at| *at <= NEAR_SECS + step);
    let mut all: Vec<i64> = near.chain(HOURS.into_iter().map(|hours| hours * 3600)).collect();
    all.sort_unstable();
    all.dedup();
    all.into_iter().flat_map(|at| [at, -at]).collect()
}

/// Where the receiver may be instead.
fn paths(contract: &Contract, answer: &Answer) -> Vec<String> {
    let path = &contract.endpoint.path;
    let other = path.strip_suffix('/').map_or_else(|| format!("{path}/"), str::to_owned);
    let location = answer.header("Location").and_then(|place| path_of(&place));
    let mut all: Vec<String> = location.into_iter().chain([other, "/".to_owned()]).filter(|one| one != path && !one.is_empty()).collect();
    all.dedup();
    all
}

/// The path of a place, whether it is told whole or not.
fn path_of(place: &str) -> Option<String> {
    let place = place.trim();
    let path = match place.split_once("://") {
        Some((_, rest)) => rest.find('/').map_or("/", |at| &rest[at..]),
        None => place,
    };
    let is_plain = path.starts_with('/') && path.bytes().all(|byte| byte.is_ascii_graphic());
    is_plain.then(|| path.split('#').next().unwrap_or(path).to_owned())
}

/// The methods that may be meant: those that the receiver names, or the usual ones.
fn methods(contract: &Contract, answer: &Answer) -> Vec<String> {
    let named = answer.header("Allow").unwrap_or_default();
    let named: Vec<&str> = named.split(',').map(str::trim).filter(|one| !one.is_empty()).collect();
    let all = if named.is_empty() { vec!["POST", "PUT", "PATCH"] } else { named };
    let carries = |method: &&str| ["POST", "PUT", "PATCH"].iter().any(|one| one.eq_ignore_ascii_case(method));
    let other = |method: &&str| !method.eq_ignore_ascii_case(&contract.endpoint.method);
    all.into_iter().filter(carries).filter(other).map(str::to_ascii_uppercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every moment within three hours lies within the tolerance of one that is tried.
    #[test]
    fn no_clock_that_is_off_by_hours_is_missed() {
        let all = moments(300);
        for off in -11_000..=11_000_i64 {
            assert!(off.abs() <= 300 || all.iter().any(|at| (at - off).abs() <= 300), "{off} s");
        }
        assert!(all.iter().position(|at| *at == 600) < all.iter().position(|at| *at == 3600));
        assert!(all.contains(&(-9 * 3600)), "a time zone");
        assert!(all.len() < 100);
    }

    /// What the answer tells comes first, then the address without `--host`, then spellings; the signed one never.
    #[test]
    fn addresses_are_those_of_the_answer_and_other_spellings() {
        let answer = Answer { status: 403, headers: Vec::new(), body: r#"{"error": "not signed for https://shop.example/in."}"#.into() };
        let all = addresses(&answer, &["http://h/in".to_owned(), "http://127.0.0.1:8/in".to_owned()]);
        assert_eq!(all[..2], ["https://shop.example/in", "http://127.0.0.1:8/in"]);
        for wanted in ["https://h/in", "http://h/in/", "https://h/in/", "http://localhost:8/in"] {
            assert!(all.iter().any(|one| one == wanted), "{wanted}: {all:?}");
        }
        assert!(!all.iter().any(|one| one == "http://h/in"));
    }

    #[test]
    fn places_are_paths() {
        let paths = ["https://other.example/hooks/?a=b", "/hooks/", "hooks", "https://other.example", "//other.example/x y"].map(path_of);
        assert_eq!(paths, [Some("/hooks/?a=b".to_owned()), Some("/hooks/".to_owned()), None, Some("/".to_owned()), None]);
    }
}
