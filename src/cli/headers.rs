//! Header lines of one's own: from the command line and the environment to lines that can be sent.

use secrecy::ExposeSecret as _;

use super::Failure;
use super::args::HeaderArgs;
use super::secrets::secret_from;
use crate::contract::{Contract, own_headers};
use crate::delivery::HeaderLine;

/// The lines that a user wants to be sent.
#[derive(Clone, Default)]
pub(crate) struct Headers {
    plain: Vec<HeaderLine>,
    /// Lines whose values are secret, and the variables that hold them.
    pub(crate) secret: Vec<(HeaderLine, String)>,
}

impl Headers {
    /// Reads them.
    ///
    /// # Errors
    /// One sentence about the first that cannot be sent under this contract.
    pub(crate) fn read(args: &HeaderArgs, contract: &Contract) -> Result<Self, Failure> {
        let mut headers = Self::default();
        for text in &args.header {
            let (name, value) =
                text.split_once(':').ok_or_else(|| Failure::usage(format!("-H `{text}` has no colon; write -H 'Name: value'")))?;
            headers.plain.push(headers.checked("-H", contract, name.trim(), value.trim())?);
        }
        for text in &args.header_env {
            let (name, variable) = text
                .split_once('=')
                .ok_or_else(|| Failure::usage(format!("--header-env `{text}` names no variable; write --header-env Name=VARIABLE")))?;
            let unset = || Failure::usage(format!("--header-env {text}: the environment variable {variable} is not set"));
            let value = secret_from(variable)?.ok_or_else(unset)?;
            let line = headers.checked("--header-env", contract, name.trim(), value.expose_secret().trim())?;
            headers.secret.push((line, variable.to_owned()));
        }
        Ok(headers)
    }

    fn checked(&self, flag: &str, contract: &Contract, name: &str, value: &str) -> Result<HeaderLine, Failure> {
        let why = own_headers::refusal(contract, name, value);
        let twice = || self.all().iter().any(|line| line.name.eq_ignore_ascii_case(name)).then(|| format!("`{name}` is given twice"));
        match why.or_else(twice) {
            Some(why) => Err(Failure::usage(format!("{flag}: {why}"))),
            None => Ok(HeaderLine::new(name, value.to_owned())),
        }
    }

    /// All of them, in the order in which they travel.
    pub(crate) fn all(&self) -> Vec<HeaderLine> {
        self.plain.iter().chain(self.secret.iter().map(|(line, _)| line)).cloned().collect()
    }
}
