//! Bodies: from what a scenario says of one to the bytes that travel.
//!
//! In: a body without its key, and a contract. Out: what travels, which bears
//! the key, where keys travel in bodies, and the members that every body bears.

use std::borrow::Cow;

use bytes::Bytes;

use super::supplies::Supplies;
use crate::contract::Contract;
use crate::message::member_at;
use crate::scenario::deliver::Fill;

/// The body that travels with a key, or without one: the very bytes, unless it is made a form, the members that every body bears are
/// put into it, or the key is.
pub(super) fn travelling(contract: &Contract, plain_body: Bytes, key: Option<&[u8]>) -> Result<Bytes, &'static str> {
    let plain_body = match contract.with_usual_members(&plain_body) {
        Cow::Borrowed(_) => plain_body,
        Cow::Owned(dressed) => Bytes::from(dressed),
    };
    let changed = match contract.travelling_body(&plain_body, key)? {
        Cow::Borrowed(_) => None,
        Cow::Owned(changed) => Some(changed),
    };
    Ok(changed.map_or(plain_body, Bytes::from))
}

/// A body that is filled up to a size; where that is a little under the contract's limit, what travels beside it has its room.
///
/// # Errors
/// When nothing is left under the limit, as a sentence.
pub(super) fn filled(supplies: &Supplies, fill: &Fill) -> Result<Vec<u8>, String> {
    let contract = &supplies.contract;
    let size = fill.size(contract.limits.body_bytes());
    if fill.under_limit.is_none() {
        return Ok(fill.body(size));
    }
    let empty = fill.body(0);
    let dressed = travelling(contract, Bytes::from(empty.clone()), Some(supplies.unique_key().as_bytes()))?;
    let beside = dressed.len().saturating_sub(empty.len());
    size.checked_sub(beside).filter(|size| *size >= empty.len()).map(|size| fill.body(size)).ok_or_else(|| {
        format!("the contract limits bodies to {} bytes (`limits.body_bytes`), which leaves no room", contract.limits.body_bytes())
    })
}

/// Whether a body is JSON that has something at this path.
pub(super) fn has_member(body: &[u8], path: &str) -> bool {
    serde_json::from_slice(body).is_ok_and(|body: serde_json::Value| member_at(&body, path).is_some())
}
