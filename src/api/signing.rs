//! Signing one delivery as an honest sender does, for unit tests of a handler.

use bytes::Bytes;
use secrecy::{ExposeSecret as _, SecretString};

use super::error::Error;
use crate::clock::{Clock as _, SystemClock, UnixMicros};
use crate::delivery::Delivery;
use crate::suites;

/// The start of every key that is made here.
const MADE_HERE: &str = "hg-by-hand";

/// A delivery that is to be signed. Made by [`sign`](crate::sign).
#[derive(Clone, Debug)]
#[must_use = "nothing is signed before a body is given"]
pub struct Sign {
    contract: String,
    secret: Option<SecretString>,
    key: Option<String>,
    at: Option<i64>,
    url: Option<String>,
}

/// A delivery as it travels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedDelivery(Delivery);

impl Sign {
    pub(super) fn of(contract: String) -> Self {
        Self { contract, secret: None, key: None, at: None, url: None }
    }

    /// The secret to sign with; without it, the published test secret of the contract.
    pub fn secret(self, secret: impl Into<String>) -> Self {
        Self { secret: Some(secret.into().into()), ..self }
    }

    /// The idempotency key: the id of an event, a message or a request. Without it, one that nobody else has.
    pub fn key(self, key: impl Into<String>) -> Self {
        Self { key: Some(key.into()), ..self }
    }

    /// When it is signed, in seconds since 1970; without it, now.
    pub fn at(self, unix_seconds: i64) -> Self {
        Self { at: Some(unix_seconds), ..self }
    }

    /// The address that it is delivered to, for schemes that sign it.
    pub fn url(self, url: impl Into<String>) -> Self {
        Self { url: Some(url.into()), ..self }
    }

    /// Signs this body. A key that travels in the body is put there; every other byte travels as it is.
    ///
    /// # Errors
    /// When contract or secret cannot be used, when the body cannot bear the key, or when the scheme signs an address and none
    /// is given.
    pub fn body(self, body: impl AsRef<[u8]>) -> Result<SignedDelivery, Error> {
        let contract = suites::contract(&self.contract)?;
        let secret = self.secret.unwrap_or_else(|| contract.secret.for_tests.clone().into());
        let signer = contract.signature.keyed(secret.expose_secret().as_bytes()).map_err(|wrong| Error::Secret(wrong.to_string()))?;
        let (origin, path) = match &self.url {
            Some(url) => address(url).ok_or_else(|| Error::Asked(format!("`{url}` is no address: it begins with http:// or https://")))?,
            None => Default::default(),
        };
        let scheme = signer.scheme();
        if self.url.is_none() && scheme.address.is_none() && (scheme.signs("url") || scheme.signs("authority")) {
            return Err(Error::Asked(format!("{} signs the address: give it with `url`", contract.contract)));
        }
        let path = if path.is_empty() { contract.endpoint.addressed(&contract.endpoint.path) } else { path };
        let at = self.at.map_or_else(|| SystemClock.now(), UnixMicros::from_secs);
        let given = Delivery { body: Bytes::copy_from_slice(body.as_ref()), ..Delivery::default() };
        let there = contract.key.read(&given).ok().filter(|_| contract.has_key_in_body());
        let made = || contract.key.unique_key(&format!("{MADE_HERE}-{:x}", SystemClock.now().0), 1);
        let key = match (self.key, there) {
            (Some(key), _) | (None, Some(key)) => key,
            (None, None) if contract.key.is_somewhere() => made(),
            (None, None) => String::new(),
        };
        let body = contract.body_by_hand(&given.body, &key).map_err(Error::asked)?;
        let unsigned = contract.unsigned_by_hand(&signer, path, body, &key).map_err(Error::Asked)?;
        Ok(SignedDelivery(signer.signed(unsigned, contract.key.signed_id(key.as_bytes()), &origin, at)))
    }
}

/// Scheme and authority of an address, and its path with the query; the path may be empty.
fn address(url: &str) -> Option<(String, String)> {
    let (scheme, rest) = url.split('#').next()?.split_once("://")?;
    let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    let is_one = ["http", "https"].contains(&scheme) && !authority.is_empty();
    let slash = if path.starts_with('?') { "/" } else { "" };
    is_one.then(|| (format!("{scheme}://{authority}"), format!("{slash}{path}")))
}

impl SignedDelivery {
    /// The method: `POST` as a rule.
    #[must_use]
    pub fn method(&self) -> &str {
        &self.0.method
    }

    /// Path and query, with what a scheme adds to them.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.0.path
    }

    /// Every header line, in the order in which they travel.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.0.headers.iter().map(|line| (line.name.as_str(), &line.value[..]))
    }

    /// The first value of a header, by its name in any case; `None` also where that is not UTF-8.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let (_, value) = self.headers().find(|(known, _)| known.eq_ignore_ascii_case(name))?;
        std::str::from_utf8(value).ok()
    }

    /// The body's exact bytes.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        &self.0.body
    }
}
