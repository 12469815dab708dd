//! The reference receiver in the test's own process: to try a sender, or a test, against what is right, or wrong on purpose.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use secrecy::{ExposeSecret as _, SecretString};

use super::error::Error;
use crate::clock::SystemClock;
use crate::reference::Receiver;
use crate::reference::defect::{CATALOGUE, Defect};
use crate::reference::memory::MemoryStore;
use crate::serve::{Serving, serve};
use crate::sqlite::mutants;
use crate::suites::{self, nearest};

/// The reference of a contract, before it is served. Made by [`reference`](crate::reference).
#[derive(Clone, Debug)]
#[must_use = "nothing listens before it is served"]
pub struct Reference {
    contract: String,
    secret: Option<SecretString>,
    defect: Option<String>,
}

/// A reference that listens; it ends when this is dropped.
pub struct Served {
    url: String,
    _serving: Serving,
}

impl Reference {
    pub(super) fn of(contract: String) -> Self {
        Self { contract, secret: None, defect: None }
    }

    /// The secret that it shares; without it, the published test secret of the contract.
    pub fn secret(self, secret: impl Into<String>) -> Self {
        Self { secret: Some(secret.into().into()), ..self }
    }

    /// Makes it wrong on purpose, in one of the ways that `hookgate serve --list-defects` shows.
    pub fn defect(self, name: impl Into<String>) -> Self {
        Self { defect: Some(name.into()), ..self }
    }

    /// Serves it on a free port of this machine, in the runtime that this is called in.
    ///
    /// # Errors
    /// When the contract, the secret or the defect cannot be meant, or nothing can be listened on.
    pub async fn serve(self) -> Result<Served, Error> {
        let contract = Arc::new(suites::contract(&self.contract)?);
        let published = &contract.secret;
        let secret = self.secret.clone().unwrap_or_else(|| published.for_tests.clone().into());
        // Secrets of other times are published ones, where the shared one is.
        let others = [&published.previous, &published.retired]
            .map(|other| other.as_ref().filter(|_| self.secret.is_none()).map(|other| other.for_tests.clone()));
        let [previous, retired] = &others;
        let signer = contract.signer(secret.expose_secret().as_bytes(), previous.as_deref(), retired.as_deref());
        let signer = Some(signer.map_err(|wrong| Error::Secret(wrong.to_string()))?);
        let (clock, listen) = (Arc::new(SystemClock), SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
        let serving = match &self.defect {
            None => {
                let receiver = Receiver::new(Arc::clone(&contract), signer, MemoryStore::new(contract), None).map_err(Error::machine)?;
                serve(receiver, clock, listen).await
            }
            Some(name) => {
                let receiver = mutants::receiver(&contract, signer, None, None, defect(name)?).map_err(Error::machine)?;
                serve(receiver, clock, listen).await
            }
        };
        let serving = serving.map_err(Error::machine)?;
        Ok(Served { url: format!("http://{}", serving.address), _serving: serving })
    }
}

impl Served {
    /// Its address: `http://127.0.0.1:41234`.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }
}

fn defect(name: &str) -> Result<Defect, Error> {
    Defect::named(name).ok_or_else(|| {
        let near = nearest(name, CATALOGUE.iter().map(|one| one.name));
        let hint = near.map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
        Error::Asked(format!("there is no defect `{name}`{hint} (`hookgate serve --list-defects` shows them)"))
    })
}
