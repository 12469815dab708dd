//! Example: the body of a captured delivery, as the written contract's own.
//!
//! In: a captured delivery, the place of its key and its signature, and what
//! must stand in no file. Out: `endpoint.body`, or `endpoint.members` where
//! deliveries are forms, without key, signature and secrets; and which members
//! were hidden.
//!
//! **Invariant:** what a name or its own form makes a secret is not written.

use serde_json::Value;

use super::recognition::content_type;
use crate::contract::own_body::UNIQUE;
use crate::delivery::Delivery;
use crate::message::form_pairs;
use crate::message::spelling::with_member_at;
use crate::secret::Redactor;

/// The longest body that is written into a contract: a file that people read.
const LONGEST: usize = 16 * 1024;
/// The member in which a delivery's own word stands.
const MARK: &str = "hookgate";
/// What stands in the place of a secret.
const HIDDEN: &str = "redacted";
/// Names of members that are secrets, without what stands between their words.
const SECRET_NAMES: [&str; 14] = [
    "password",
    "passwd",
    "passphrase",
    "secret",
    "token",
    "apikey",
    "accesskey",
    "privatekey",
    "authorization",
    "credential",
    "cookie",
    "signature",
    "cardnumber",
    "sessionid",
];
/// Words of such names, which stand in longer words, too, and then mean nothing.
const SECRET_WORDS: [&str; 9] = ["pwd", "cvc", "cvv", "iban", "ssn", "otp", "pan", "pin", "auth"];
/// How secrets of well-known services begin.
const SECRET_BEGINNINGS: [&str; 24] = [
    "sk_",
    "rk_",
    "whsec_",
    "xoxb-",
    "xoxp-",
    "xoxa-",
    "xapp-",
    "ghp_",
    "gho_",
    "ghs_",
    "ghu_",
    "github_pat_",
    "glpat-",
    "AKIA",
    "ASIA",
    "AIza",
    "SG.",
    "shpat_",
    "shpss_",
    "Bearer ",
    "bearer ",
    "Basic ",
    "npm_",
    "-----BEGIN",
];
/// What in an address lets whoever has it in.
const SECRET_PARAMETERS: [&str; 7] = ["token=", "signature=", "sig=", "key=", "secret=", "password=", "credential="];
/// Digits of a payment card's number.
const CARD: std::ops::RangeInclusive<usize> = 13..=19;

/// What a captured body comes to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Example {
    /// The text of `endpoint.body`.
    pub body: Option<String>,
    /// `endpoint.members` of forms: names and values.
    pub members: Vec<(String, String)>,
    /// The paths of what was hidden.
    pub hidden: Vec<String>,
}

impl Example {
    /// Takes the body of a captured delivery.
    ///
    /// * `filled`: dotted paths, or fields, that every delivery fills anew: its key, its signature.
    /// * `secrets`: what must stand in no file.
    ///
    /// # Errors
    /// Why it is not taken, as the rest of a sentence.
    pub fn of(delivery: &Delivery, filled: &[&str], secrets: &Redactor) -> Result<Self, &'static str> {
        let body = delivery.body.as_ref();
        if body.trim_ascii().is_empty() {
            return Err("it is empty");
        }
        if body.len() > LONGEST {
            return Err("it is longer than 16 KiB");
        }
        let mut example = Self::default();
        if content_type(delivery).is_some_and(|kind| kind == "application/x-www-form-urlencoded") {
            example.form(body, filled, secrets);
            return Ok(example);
        }
        let text = std::str::from_utf8(body).map_err(|_| "it is no text")?;
        let mut value: Value = serde_json::from_str(text).map_err(|_| "it is no JSON and no form")?;
        let before = value.clone();
        filled.iter().for_each(|path| take_out(&mut value, path));
        if value.as_object().is_some_and(serde_json::Map::is_empty) {
            return Err("it has nothing beside what every delivery fills anew");
        }
        hide(&mut value, &Place { path: String::new(), is_secret: false }, secrets, &mut example.hidden);
        // What need not be changed stays as the sender wrote it.
        let kept = if value == before { text.trim().to_owned() } else { value.to_string() };
        example.body = Some(marked(&kept).ok_or("it is no JSON object, and no list of them")?);
        Ok(example)
    }

    fn form(&mut self, body: &[u8], filled: &[&str], secrets: &Redactor) {
        for (name, value) in form_pairs(body) {
            let (name, value) = (String::from_utf8_lossy(&name).into_owned(), String::from_utf8_lossy(&value).into_owned());
            if filled.contains(&name.as_str())
                || name.is_empty()
                || name.split('.').any(str::is_empty)
                || self.members.iter().any(|(one, _)| *one == name)
            {
                continue;
            }
            let value = if is_secret_name(&name) || is_secret(&value, secrets) {
                self.hidden.push(name.clone());
                HIDDEN.to_owned()
            } else {
                value
            };
            self.members.push((name, value));
        }
    }

    /// Whether nothing was taken.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.body.is_none() && self.members.is_empty()
    }

    /// What was hidden, as a sentence for the contract's comments; none where nothing was.
    #[must_use]
    pub fn told(&self) -> Option<String> {
        (!self.hidden.is_empty()).then(|| {
            format!("Hidden in the captured body, since they seem to be secrets: {}. Where your receiver looks at them, write values for tests there.", self.hidden.join(", "))
        })
    }
}

/// The text with a place for a delivery's own word: a member of the object, or of the first object of a list.
fn marked(text: &str) -> Option<String> {
    if text.contains(UNIQUE) {
        return Some(text.to_owned());
    }
    let path = if text.starts_with('[') { format!("0.{MARK}") } else { MARK.to_owned() };
    let marked = with_member_at(text.as_bytes(), &path, &format!("\"{UNIQUE}\""))?;
    String::from_utf8(marked).ok()
}

/// Takes a member out, by its dotted path.
fn take_out(value: &mut Value, path: &str) {
    let (name, rest) = path.split_once('.').map_or((path, None), |(name, rest)| (name, Some(rest)));
    match (value, rest) {
        (Value::Object(members), None) => drop(members.shift_remove(name)),
        (Value::Object(members), Some(rest)) => {
            if let Some(inner) = members.get_mut(name) {
                take_out(inner, rest);
            }
        }
        (Value::Array(items), Some(rest)) => {
            if let Some(inner) = name.parse::<usize>().ok().and_then(|at| items.get_mut(at)) {
                take_out(inner, rest);
            }
        }
        (Value::Array(_) | Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_), _) => {}
    }
}

/// Where a value stands.
struct Place {
    path: String,
    /// Whether a name on the way is that of a secret.
    is_secret: bool,
}

impl Place {
    fn at(&self, name: &str, is_secret: bool) -> Self {
        let path = if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) };
        Self { path, is_secret: self.is_secret || is_secret }
    }
}

/// Hides what is a secret by its name or its form.
fn hide(value: &mut Value, place: &Place, secrets: &Redactor, hidden: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (name, inner) in members.iter_mut() {
                hide(inner, &place.at(name, is_secret_name(name)), secrets, hidden);
            }
        }
        Value::Array(items) => {
            for (at, inner) in items.iter_mut().enumerate() {
                hide(inner, &place.at(&at.to_string(), false), secrets, hidden);
            }
        }
        Value::String(text) => {
            if !text.is_empty() && (place.is_secret || is_secret(text, secrets)) {
                HIDDEN.clone_into(text);
                hidden.push(place.path.clone());
            }
        }
        Value::Number(number) => {
            let is_secret = place.is_secret || is_card(&number.to_string());
            if is_secret {
                *value = Value::from(0);
                hidden.push(place.path.clone());
            }
        }
        Value::Null | Value::Bool(_) => {}
    }
}

fn is_secret_name(name: &str) -> bool {
    let plain: String = name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    let mut words = name.split(|c: char| !c.is_alphanumeric());
    SECRET_NAMES.iter().any(|one| plain.contains(one)) || words.any(|word| SECRET_WORDS.iter().any(|one| word.eq_ignore_ascii_case(one)))
}

fn is_secret(text: &str, secrets: &Redactor) -> bool {
    secrets.finds(text.as_bytes())
        || SECRET_BEGINNINGS.iter().any(|begin| text.starts_with(begin) && text.len() >= begin.len() + 8)
        || is_token_of_json(text)
        || is_card(text)
        || is_address_that_lets_in(text)
}

/// A JSON web token: two parts of base64url that begin as `{"` does, and a third.
fn is_token_of_json(text: &str) -> bool {
    let parts: Vec<&str> = text.split('.').collect();
    parts.len() == 3 && parts[0].len() > 10 && parts.iter().take(2).all(|part| part.starts_with("eyJ"))
}

/// The digits of a payment card, whose last one tells that they are one (Luhn).
fn is_card(text: &str) -> bool {
    let digits: Vec<u32> = text.chars().filter(|c| !matches!(c, ' ' | '-')).map_while(|c| c.to_digit(10)).collect();
    let is_whole = digits.len() == text.chars().filter(|c| !matches!(c, ' ' | '-')).count();
    // 4 to 6 are Visa's, Mastercard's and those of most others; identifiers of as many digits seldom keep all of this.
    let begins = digits.first().is_some_and(|digit| (3..=6).contains(digit));
    let doubled = |(at, digit): (usize, &u32)| match (at % 2 == 1, digit * 2) {
        (true, two) if two > 9 => two - 9,
        (true, two) => two,
        (false, _) => *digit,
    };
    is_whole && begins && CARD.contains(&digits.len()) && digits.iter().rev().enumerate().map(doubled).sum::<u32>() % 10 == 0
}

/// Whether a query has a parameter that lets in whoever has it.
#[must_use]
pub fn lets_in(query: &str) -> bool {
    let query = query.to_ascii_lowercase();
    SECRET_PARAMETERS.iter().any(|one| query.contains(one))
}

/// An address with a password or a signature in it.
fn is_address_that_lets_in(text: &str) -> bool {
    let Some((_, rest)) = text.split_once("://") else { return false };
    let (authority, query) = (rest.split('/').next().unwrap_or_default(), rest.split_once('?').map_or("", |(_, query)| query));
    authority.split_once('@').is_some_and(|(user, _)| user.contains(':')) || lets_in(query)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::HeaderLine;

    fn taken(kind: &str, body: &str, filled: &[&str]) -> Result<Example, &'static str> {
        let headers = vec![HeaderLine::new("Content-Type", kind.to_owned())];
        let delivery = Delivery { method: "POST".into(), path: "/in".into(), headers, body: body.to_owned().into() };
        Example::of(&delivery, filled, &Redactor::new(&[b"the shared secret of this test"]))
    }

    fn json(body: &str, filled: &[&str]) -> (String, String) {
        let example = taken("application/json; charset=utf-8", body, filled).expect("a body");
        (example.body.unwrap_or_default(), example.hidden.join(" "))
    }

    /// A body stays as its sender wrote it, but for a place for the delivery's own word.
    #[test]
    fn captured_body_is_the_contracts_own() {
        let (body, hidden) = json("{\n  \"type\": \"paid\",\n  \"amount\": 1.50\n}\n", &["id"]);
        assert_eq!((body.as_str(), hidden.as_str()), ("{\"hookgate\":\"{unique}\",\n  \"type\": \"paid\",\n  \"amount\": 1.50\n}", ""));
        assert_eq!(json(r#"[{"a":1},{"a":2}]"#, &[]).0, r#"[{"hookgate":"{unique}","a":1},{"a":2}]"#);
        // What every delivery fills anew is taken out.
        assert_eq!(json(r#"{"id":"e","data":{"sig":"00","n":1}}"#, &["id", "data.sig"]).0, r#"{"hookgate":"{unique}","data":{"n":1}}"#);
        for (body, why) in [
            ("", "empty"),
            ("{}", "nothing beside"),
            (r#"{"id":"e"}"#, "nothing beside"),
            ("<a/>", "no JSON"),
            ("7", "no JSON object"),
            ("[1]", "no JSON object"),
        ] {
            assert!(taken("application/json", body, &["id"]).is_err_and(|told| told.contains(why)), "{body}");
        }
        assert!(taken("application/json", &format!("{{\"a\":\"{}\"}}", "x".repeat(LONGEST)), &[]).is_err());
    }

    /// Secrets by name, by their form, and the shared one in any encoding; what only looks alike stays.
    #[test]
    fn secrets_are_hidden() {
        let shared = "dGhlIHNoYXJlZCBzZWNyZXQgb2YgdGhpcyB0ZXN0";
        let body = format!(
            r#"{{"client_secret":"pi_1_s","accessToken":"a","user":{{"Password":"p","pin":1234}},"note":"{shared}","n":"sk_live_0123456789",
            "card":"4242 4242 4242 4242","pan":4242424242424242,"jwt":"eyJhbGciOiJI.eyJzdWIiOiIx.c2ln","file":"https://h/f?X-Amz-Signature=00",
            "db":"postgres://u:p@h/d","credentials":{{"a":["b"]}},"auth":"x"}}"#
        );
        let (written, hidden) = json(&body, &[]);
        assert_eq!(hidden, "client_secret accessToken user.Password user.pin note n card pan jwt file db credentials.a.0 auth");
        for secret in ["pi_1_s", shared, "sk_live", "4242", "1234", "eyJ", "X-Amz", "u:p"] {
            assert!(!written.contains(secret), "{secret}: {written}");
        }
        let plain = r#"{"footprint":"a","author":"b","id":"evt_4242424242424242","url":"https://h/p?a=1","n":1759694703,"keyboard":"c","s":"sk_1"}"#;
        assert_eq!(json(plain, &[]).1, "");
    }

    /// A form's fields, each once, without its key and with secrets hidden.
    #[test]
    fn fields_of_a_form_are_usual_members() {
        let example =
            taken("application/x-www-form-urlencoded", "MessageSid=SM1&Body=two+words&AuthToken=t&a.=1&Body=again", &["MessageSid"]);
        let example = example.expect("a form");
        let members: Vec<(&str, &str)> = example.members.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(members, [("Body", "two words"), ("AuthToken", HIDDEN)]);
        assert!(example.body.is_none() && example.told().is_some_and(|told| told.contains("AuthToken")));
    }
}
