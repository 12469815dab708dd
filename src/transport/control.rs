//! Control: moving the clock of a reference that is served elsewhere.
//!
//! Nothing of this is judged, so the HTTP library does it.

use std::time::Duration;

use super::url::Target;

/// Moves the clock through its control address.
///
/// # Errors
/// One sentence: what the control address answered, or why it did not.
pub async fn move_clock(control: &Target, by: Duration, timeout: Duration) -> Result<(), String> {
    let told = |cause: &dyn std::fmt::Display| format!("{control}: {cause}");
    let client = reqwest::Client::builder().no_proxy().timeout(timeout).build().map_err(|cause| told(&cause))?;
    let body = format!("{{\"seconds\": {}}}", by.as_secs_f64());
    let asked = client.post(control.url("/advance")).header("Content-Type", "application/json").body(body).send().await;
    let response = asked.map_err(|cause| told(&innermost(&cause)))?;
    let status = response.status().as_u16();
    if status == 200 {
        return Ok(());
    }
    let said = response.bytes().await.unwrap_or_default();
    Err(format!("{control} answered {status} {}", String::from_utf8_lossy(&said)))
}

/// The cause of all causes: the library's own words say only that something failed.
pub(super) fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    std::iter::successors(Some(error), |cause| cause.source()).last().map(ToString::to_string).unwrap_or_default()
}
