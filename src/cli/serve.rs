//! `hookgate serve`: the reference receiver on a port.

use std::sync::Arc;
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};

use super::args::{ServeArgs, ServeClock};
use super::exit::Exit;
use super::load_suite;
use super::secrets::{other_secrets, secret_from, signer};
use super::{Console, Failure};
use crate::clock::span::Span;
use crate::clock::{Clock, SystemClock, VirtualClock};
use crate::files;
use crate::reference::Receiver;
use crate::reference::defect::{CATALOGUE, Defect};
use crate::reference::memory::MemoryStore;
use crate::reference::store::Store;
use crate::serve::{Serving, TlsFiles, control, serve_over};
use crate::sqlite::{SqliteStore, mutants};

/// Runs the command until it is told to stop.
pub(crate) fn serve(args: &ServeArgs, console: &mut Console) -> Result<Exit, Failure> {
    if args.list_defects {
        console.print(&defect_list());
        return Ok(Exit::Conforms);
    }
    let mut contract = load_suite::contract(&args.contract.name)?;
    if let Some(heartbeat) = args.heartbeat {
        let name = &contract.contract;
        let none = || Failure::usage(format!("{name} has no event streams (`stream`): leave --heartbeat out, or take another contract"));
        contract.stream.as_mut().ok_or_else(none)?.heartbeat = Some(Span(heartbeat));
    }
    let contract = Arc::new(contract);
    let defect = args.defect.as_deref().map(defect_named).transpose()?;
    let variable = args.secret.env.clone().unwrap_or_else(|| contract.secret.env.clone());
    let from_environment = secret_from(&variable)?;
    // Whoever verifies needs the public half of a key pair only.
    let public = contract.secret.public.as_ref().filter(|_| from_environment.is_none());
    let public = public.map(|public| secret_from(&public.env)).transpose()?.flatten();
    let published = from_environment.is_none() && public.is_none();
    let secret = from_environment.unwrap_or_else(|| SecretString::from(contract.secret.for_tests.clone()));
    let signer = match public {
        Some(public) => contract.signature.keyed_by_public(public.expose_secret().as_bytes()).map_err(Failure::usage)?,
        None => signer(&contract, &secret, &other_secrets(&contract, published)?)?,
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(Failure::harness)?;
    runtime.block_on(async {
        let published_for = published.then_some(&variable);
        let ttl = args.life.ttl.map(|ttl| ttl.as_secs());
        match (defect, &args.db) {
            (Some(defect), path) => {
                console.tell(&format!("wrong on purpose: {}\n", defect.sentence));
                let receiver = mutants::receiver(&contract, Some(signer), path.as_deref(), ttl, defect).map_err(Failure::harness)?;
                until_stopped(args, receiver, console, published_for).await
            }
            (None, Some(path)) => {
                files::make_folder_of(path).map_err(Failure::harness)?;
                let store = SqliteStore::open(Arc::clone(&contract), path).map_err(Failure::harness)?;
                let receiver = Receiver::new(contract, Some(signer), store, ttl).map_err(Failure::harness)?;
                until_stopped(args, receiver, console, published_for).await
            }
            (None, None) => {
                let store = MemoryStore::new(Arc::clone(&contract));
                let receiver = Receiver::new(contract, Some(signer), store, ttl).map_err(Failure::harness)?;
                until_stopped(args, receiver, console, published_for).await
            }
        }
    })
}

/// The catalogue of defects, a line each.
fn defect_list() -> String {
    let width = CATALOGUE.iter().map(|one| one.name.len()).max().unwrap_or(0);
    CATALOGUE.iter().map(|one| format!("{:width$}  {} ({})\n", one.name, one.sentence, one.breaks.join(", "))).collect()
}

/// The defect that is called so.
pub(crate) fn defect_named(name: &str) -> Result<Defect, Failure> {
    Defect::named(name).ok_or_else(|| {
        let near = load_suite::nearest(name, CATALOGUE.iter().map(|one| one.name));
        let hint = near.map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
        Failure::usage(format!("there is no defect `{name}`{hint} (`hookgate serve --list-defects` shows them)"))
    })
}

async fn until_stopped<S: Store + 'static>(
    args: &ServeArgs,
    receiver: Receiver<S>,
    console: &mut Console,
    published_for: Option<&String>,
) -> Result<Exit, Failure> {
    let contract = Arc::clone(receiver.contract());
    let moved = Arc::new(VirtualClock::default());
    let clock: Arc<dyn Clock> = match args.clock {
        ServeClock::System => Arc::new(SystemClock),
        ServeClock::Virtual => Arc::<VirtualClock>::clone(&moved),
    };
    let cannot = |cause: std::io::Error| Failure::harness(format!("cannot listen on {}: {cause}", args.addr));
    let files = args.tls_cert.clone().zip(args.tls_key.clone());
    let tls = files.map(|(certificate, key)| TlsFiles { certificate, key, client_ca: args.tls_client_ca.clone() }.read());
    let tls = tls.transpose().map_err(Failure::usage)?;
    let scheme = if tls.is_some() { "https" } else { "http" };
    let serving = serve_over(receiver, clock, args.addr, Duration::ZERO, tls).await.map_err(cannot)?;
    let token = control::token().map_err(cannot)?;
    let control = match args.clock {
        ServeClock::System => None,
        ServeClock::Virtual => Some(control::serve(moved, &token).await.map_err(cannot)?),
    };
    let stopped = wait_for_stop();
    console.print(&format!("listening on {scheme}://{} ({})\n", serving.address, contract.contract));
    if let Some(control) = &control {
        console.print(&format!("control on http://{}/{}\n", control.address, token));
    }
    // Nobody would know where it listens.
    console.was_printed()?;
    if let Some(variable) = published_for {
        console
            .tell(&format!("{variable} is not set: using the published test secret (export {variable}={})\n", contract.secret.for_tests));
    }
    stopped.await;
    drain(serving, control).await;
    Ok(Exit::Conforms)
}

async fn drain(serving: Serving, control: Option<Serving>) {
    serving.stop().await;
    if let Some(control) = control {
        control.stop().await;
    }
}

/// Ends when somebody wants the receiver to stop. Signals are heard from the call on, not only once this is waited for: whoever has
/// read the address may send one at once.
#[cfg(unix)]
fn wait_for_stop() -> impl Future<Output = ()> {
    use tokio::signal::unix::{SignalKind, signal};
    let heard = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()));
    async move {
        match heard {
            (Ok(mut interrupt), Ok(mut terminate)) => {
                tokio::select! { _ = interrupt.recv() => {}, _ = terminate.recv() => {} }
            }
            (_, _) => std::future::pending().await,
        }
    }
}

#[cfg(not(unix))]
async fn wait_for_stop() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending().await
    }
}
