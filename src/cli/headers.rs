//! Header lines of one's own: from the command line and the environment to lines that can be sent.

use secrecy::ExposeSecret as _;

use super::Failure;
use super::args::HeaderArgs;
use super::secrets::secret_from;
use crate::api::headers::Headers;
use crate::contract::Contract;

/// Reads them.
///
/// # Errors
/// One sentence about the first that cannot be sent under this contract.
pub(crate) fn headers(args: &HeaderArgs, contract: &Contract) -> Result<Headers, Failure> {
    let mut headers = Headers::default();
    for text in &args.header {
        let (name, value) =
            text.split_once(':').ok_or_else(|| Failure::usage(format!("-H `{text}` has no colon; write -H 'Name: value'")))?;
        headers.add(contract, name.trim(), value.trim()).map_err(|why| Failure::usage(format!("-H: {why}")))?;
    }
    for text in &args.header_env {
        let (name, variable) = text
            .split_once('=')
            .ok_or_else(|| Failure::usage(format!("--header-env `{text}` names no variable; write --header-env Name=VARIABLE")))?;
        let unset = || Failure::usage(format!("--header-env {text}: the environment variable {variable} is not set"));
        let value = secret_from(variable)?.ok_or_else(unset)?;
        let added = headers.add_secret(contract, (name.trim(), value.expose_secret().trim()), variable);
        added.map_err(|why| Failure::usage(format!("--header-env: {why}")))?;
    }
    Ok(headers)
}
