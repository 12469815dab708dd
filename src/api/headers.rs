//! Header lines of one's own: checked against the contract, and against each other, before one of them is sent.
//!
//! In: names and values, as a builder or a command line gives them. Out: lines in
//! the order in which they travel; those whose values are hidden know the
//! variable that a command line reads them from.

use crate::contract::{Contract, own_headers};
use crate::delivery::HeaderLine;

/// The lines that a user wants to be sent with every delivery and every question.
#[derive(Clone, Debug, Default)]
pub(crate) struct Headers {
    plain: Vec<HeaderLine>,
    secret: Vec<(HeaderLine, String)>,
}

impl Headers {
    /// Adds a line.
    ///
    /// # Errors
    /// One sentence: why it cannot be sent under this contract, or that there is one of that name already.
    pub(crate) fn add(&mut self, contract: &Contract, name: &str, value: &str) -> Result<(), String> {
        let line = self.checked(contract, name, value)?;
        self.plain.push(line);
        Ok(())
    }

    /// Adds a line whose value is hidden in all that is told and written.
    ///
    /// * `variable`: where a command line finds the value.
    ///
    /// # Errors
    /// As [`Headers::add`].
    pub(crate) fn add_secret(&mut self, contract: &Contract, (name, value): (&str, &str), variable: &str) -> Result<(), String> {
        let line = self.checked(contract, name, value)?;
        self.secret.push((line, variable.to_owned()));
        Ok(())
    }

    /// All of them, in the order in which they travel.
    pub(crate) fn all(&self) -> Vec<HeaderLine> {
        self.plain.iter().chain(self.secret.iter().map(|(line, _)| line)).cloned().collect()
    }

    /// Those whose values are hidden, and the variables that hold them.
    pub(crate) fn secret(&self) -> &[(HeaderLine, String)] {
        &self.secret
    }

    fn checked(&self, contract: &Contract, name: &str, value: &str) -> Result<HeaderLine, String> {
        let twice = || self.all().iter().any(|line| line.name.eq_ignore_ascii_case(name)).then(|| format!("`{name}` is given twice"));
        match own_headers::refusal(contract, name, value).or_else(twice) {
            Some(why) => Err(why),
            None => Ok(HeaderLine::new(name, value.to_owned())),
        }
    }
}
