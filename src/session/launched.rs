//! Launched: a receiver that hookgate starts by a command line, as it is before it is started, and how it is ended.
//!
//! In: a [`LaunchChoice`], whose `{port}` and `{dir}` are filled in. Out: a
//! [`Launched`]; when it is ready is `readiness`'s affair.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};

use super::error::SessionError;
use super::target_under_test::{LaunchChoice, Launched, Ready};
use crate::clock::Moment;
use crate::contract::Contract;
use crate::files::Scratch;
use crate::sign::Proof;
use crate::target::{Launch, Output, Running, free_port, shell, time_zone};
use crate::transport;

/// How long a connection is tried.
const LOOK: Duration = Duration::from_secs(1);
/// So long a port that somebody else holds is waited for.
const PORT_IS_HELD: Duration = Duration::from_secs(3);
/// A moment between two looks at it.
const LOOK_AT_PORT: Duration = Duration::from_millis(50);

/// Whether somebody holds a port of the loopback.
fn is_held(port: u16) -> bool {
    std::net::TcpListener::bind(("127.0.0.1", port)).is_err_and(|cause| cause.kind() == std::io::ErrorKind::AddrInUse)
}

/// A text in which `{port}` and `{dir}` stand for what they are.
fn filled(text: &str, port: u16, dir: &Path) -> String {
    text.replace("{port}", &port.to_string()).replace("{dir}", &dir.display().to_string())
}

/// What it is handed to check signatures by: the shared secret, and the one before it that is still good, where there is one; of a key
/// pair the public half, where the contract says who reads it. A retired secret is no business of a receiver's.
fn handed(
    choice: &LaunchChoice,
    contract: &Contract,
    (secret, previous): (&SecretString, Option<&SecretString>),
) -> Vec<(String, SecretString)> {
    if contract.signature.by != Proof::Ed25519 {
        let previous = contract.secret.previous.as_ref().zip(previous).map(|(named, previous)| (named.env.clone(), previous.clone()));
        return std::iter::once((choice.secret_env.clone(), secret.clone())).chain(previous).collect();
    }
    let public = || {
        let public = contract.secret.public.as_ref()?;
        let signer = contract.signature.keyed(secret.expose_secret().as_bytes()).ok()?;
        Some((public.env.clone(), signer.public_key_like(&public.for_tests)?.into()))
    };
    public().into_iter().collect()
}

impl Launched {
    /// A receiver that is not started yet.
    ///
    /// * `secrets`: the shared one, and the one before it, while that is still good.
    ///
    /// # Errors
    /// What this machine does not have for it: a folder, a port.
    pub fn prepared(
        choice: &LaunchChoice,
        contract: &Contract,
        secrets: (&SecretString, Option<&SecretString>),
    ) -> Result<Self, SessionError> {
        let failed = |cause: &dyn std::fmt::Display| SessionError::Launch(format!("the target could not be started: {cause}"));
        let scratch = Scratch::new().map_err(|cause| failed(&cause))?;
        let dir = scratch.path().join("target");
        std::fs::create_dir(&dir).map_err(|cause| failed(&cause))?;
        let port = free_port().map_err(|cause| failed(&cause))?;
        let fill = |text: &str| filled(text, port, &dir);
        let url = choice.reached.at(&fill(&choice.url)).map_err(|cause| failed(&cause))?;
        let mut settings = vec![("PORT".to_owned(), port.to_string())];
        let zone = time_zone(choice.zone.as_deref());
        settings.push(("TZ".to_owned(), zone.clone()));
        let launch = Launch {
            command: shell::filled(&choice.command, &[("port", &port.to_string()), ("dir", &dir.display().to_string())]),
            stop_signal: choice.stop_signal.clone(),
            settings,
            secrets: handed(choice, contract, secrets),
            withheld: choice.withheld.clone(),
        };
        let ready = match &choice.ready {
            Ready::Url(text) => Ready::Url(fill(text)),
            Ready::Text(text) => Ready::Text(fill(text)),
            Ready::Health => Ready::Health,
        };
        let health = contract.health.as_ref().map(|health| (health.path.clone(), health.status));
        let (patience, output) = (choice.patience, Arc::default());
        Ok(Self { launch, zone, ready, url, health, patience, output, running: None, port, dir, scratch })
    }

    /// Sees that nobody listens at an address that was given for it: who is there already is not what will be started.
    ///
    /// # Errors
    /// When somebody does.
    pub async fn check_port_is_free(&self) -> Result<(), SessionError> {
        if self.url.port() == self.port {
            return Ok(());
        }
        let connect = tokio::net::TcpStream::connect((self.url.host(), self.url.port()));
        if tokio::time::timeout(LOOK, connect).await.is_ok_and(|connected| connected.is_ok()) {
            return Err(SessionError::Launch(format!(
                "something listens at {} before the command is started: --exec starts the receiver and --target says where it will be; stop \
                 the other, or leave --target out and let the command listen on {{port}}",
                self.url
            )));
        }
        Ok(())
    }

    /// Starts it as before, once nobody holds its port: while it was down, any connection that goes out may have been given it. A start that
    /// fails is not tried again: that a receiver cannot be started again is to be told.
    ///
    /// # Errors
    /// As of a first start.
    pub async fn begin_again(&mut self) -> Result<(), SessionError> {
        let began = Moment::now();
        while is_held(self.port) && began.elapsed() < PORT_IS_HELD {
            tokio::time::sleep(LOOK_AT_PORT).await;
        }
        self.begin().await
    }

    /// A text with its port and its folder in it.
    #[must_use]
    pub fn filled(&self, text: &str) -> String {
        filled(text, self.port, &self.dir)
    }

    /// Its address.
    #[must_use]
    pub fn url(&self) -> &transport::Target {
        &self.url
    }

    /// The process whose children it is, while it runs.
    #[must_use]
    pub fn guard_id(&self) -> Option<u32> {
        self.running.as_ref().and_then(Running::guard_id)
    }

    /// What it has written.
    #[must_use]
    pub fn output(&self) -> Arc<Output> {
        Arc::clone(&self.output)
    }

    /// Ends it with all its children, when it runs.
    pub async fn end(&mut self, gently: bool) {
        if let Some(running) = self.running.take() {
            running.stop(gently).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A port is held by whoever listens there; port 0 stands for one that nobody holds.
    #[test]
    fn port_is_held_by_who_listens() {
        let listens = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a port");
        let port = listens.local_addr().expect("its address").port();
        assert!(is_held(port) && !is_held(0));
    }
}
