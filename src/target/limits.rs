//! What the operating system allows this process.

#[cfg(unix)]
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Sees that so many files may be open at once, and raises the soft limit for it.
///
/// # Errors
/// How many may be open at the most.
#[cfg(unix)]
pub fn allow_open_files(needed: u64) -> Result<(), u64> {
    let limit = getrlimit(Resource::Nofile);
    // None is no limit.
    if limit.current.is_none_or(|current| current >= needed) {
        return Ok(());
    }
    if limit.maximum.is_some_and(|maximum| maximum < needed) {
        return Err(limit.maximum.unwrap_or(u64::MAX));
    }
    let raised = setrlimit(Resource::Nofile, Rlimit { current: Some(needed), maximum: limit.maximum });
    raised.map_err(|_| limit.current.unwrap_or(u64::MAX))
}

/// Sees that so many files may be open at once; where there is no such limit, they may.
///
/// # Errors
/// Never.
#[cfg(not(unix))]
pub fn allow_open_files(_needed: u64) -> Result<(), u64> {
    Ok(())
}
