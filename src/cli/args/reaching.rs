//! Arguments of how a receiver is reached: TLS, and the name by which it is addressed.

use std::path::PathBuf;

use clap::Args;

use crate::cli::Failure;
use crate::contract::Contract;
use crate::evidence::TlsSettings;
use crate::sign::address::is_whole;
use crate::transport::{BadTarget, Target, Tls, TlsChoice};

/// How the receiver is reached.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct ReachArgs {
    /// With https, or a database by TLS: believe certificates of this CA (PEM) instead of the platform's.
    #[arg(long, value_name = "FILE", conflicts_with = "insecure")]
    pub(crate) ca_cert: Option<PathBuf>,
    /// With https, or a database by TLS: show this certificate (PEM, with those between it and its root).
    #[arg(long, value_name = "FILE", requires = "client_key")]
    pub(crate) client_cert: Option<PathBuf>,
    /// With https, or a database by TLS: the key of --client-cert (PEM).
    #[arg(long, value_name = "FILE", requires = "client_cert")]
    pub(crate) client_key: Option<PathBuf>,
    /// With https, or a database by TLS: do not look at the certificate; every report says so.
    #[arg(long)]
    pub(crate) insecure: bool,
    /// Address the receiver by this name, in `Host` and in TLS's SNI.
    #[arg(long, value_name = "NAME", requires = "target")]
    pub(crate) host: Option<String>,
    /// Sign for this address, where the receiver knows itself by another one than it is called by: `https://shop.example/hooks`.
    #[arg(long, value_name = "URL")]
    pub(crate) signed_url: Option<String>,
}

impl ReachArgs {
    /// What was chosen of TLS, when anything was.
    fn tls(&self) -> Option<TlsChoice> {
        let client = self.client_cert.clone().zip(self.client_key.clone());
        let choice = TlsChoice { ca_cert: self.ca_cert.clone(), client, insecure: self.insecure };
        (choice != TlsChoice::default()).then_some(choice)
    }

    /// Settings of TLS for sources of evidence.
    ///
    /// * `target`: the receiver's address; * `wanted`: whether a source is reached by TLS.
    ///
    /// # Errors
    /// What is wrong with a file, or that nothing is reached by TLS, as a usage error.
    pub(crate) fn settings(&self, target: Option<&str>, wanted: bool) -> Result<Option<TlsSettings>, Failure> {
        let secured = target.is_some_and(|target| target.starts_with("https://"));
        match self.tls() {
            Some(_) if !wanted && !secured => {
                let found = target.unwrap_or("the receiver").to_owned();
                Err(Failure::usage(BadTarget::NoTls { found }))
            }
            choice if wanted => {
                let choice = choice.unwrap_or_default();
                let config = Tls::new(choice.clone()).map_err(Failure::usage)?.config();
                let TlsChoice { ca_cert, client, insecure } = choice;
                Ok(Some(TlsSettings { config, ca_cert, client, insecure }))
            }
            Some(_) | None => Ok(None),
        }
    }

    /// How TLS is spoken to others than the receiver.
    ///
    /// # Errors
    /// What is wrong with a file, as a usage error.
    #[cfg(feature = "load")]
    pub(crate) fn tls_of_others(&self) -> Result<Tls, Failure> {
        Tls::new(self.tls().unwrap_or_default()).map_err(Failure::usage)
    }

    /// The target at an address, reached so.
    ///
    /// # Errors
    /// What is wrong with the address, or with a file, as a usage error.
    pub(crate) fn target(&self, address: &str) -> Result<Target, Failure> {
        let mut target = Target::parse(address).map_err(Failure::usage)?;
        if let Some(choice) = self.tls().filter(|_| target.is_secured()) {
            target = target.secured(Tls::new(choice).map_err(Failure::usage)?).map_err(Failure::usage)?;
        }
        match &self.host {
            Some(name) => target.named(name).map_err(Failure::usage),
            None => Ok(target),
        }
    }

    /// The contract as it is meant for this receiver: with the address that is signed.
    ///
    /// # Errors
    /// That it is no address, or that no signature covers one, as a usage error.
    pub(crate) fn meant(&self, mut contract: Contract) -> Result<Contract, Failure> {
        if let Some(url) = &self.signed_url {
            if !is_whole(url) {
                return Err(Failure::usage(format!("--signed-url {url} is no whole address: write https://shop.example/hooks")));
            }
            if !contract.signature.signs_the_address() {
                let name = &contract.contract;
                return Err(Failure::usage(format!("signatures of {name} cover no address: leave --signed-url out")));
            }
            contract.signature.address = Some(url.clone());
        }
        Ok(contract)
    }

    /// What of the command line says so.
    pub(crate) fn arguments(&self) -> Vec<(&'static str, Option<String>)> {
        let path = |path: &PathBuf| path.display().to_string();
        let with = |flag, value: Option<String>| value.map(|value| (flag, Some(value)));
        [
            with("--ca-cert", self.ca_cert.as_ref().map(path)),
            with("--client-cert", self.client_cert.as_ref().map(path)),
            with("--client-key", self.client_key.as_ref().map(path)),
            self.insecure.then_some(("--insecure", None)),
            with("--host", self.host.clone()),
            with("--signed-url", self.signed_url.clone()),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}
