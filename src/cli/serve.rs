//! `hookgate serve`: the reference receiver on a port.

use std::net::SocketAddr;
use std::sync::Arc;

use secrecy::{ExposeSecret as _, SecretString};

use super::args::{ServeArgs, ServeClock};
use super::exit::Exit;
use super::load_suite::{self, secret_from};
use super::{Console, Failure};
use crate::clock::{Clock, SystemClock, VirtualClock};
use crate::contract::Contract;
use crate::reference::Receiver;
use crate::reference::memory::MemoryStore;
use crate::reference::store::Store;
use crate::serve::{Serving, control, serve as serve_receiver};
use crate::sign::Signer;
use crate::sqlite::SqliteStore;

/// Runs the command until it is told to stop.
pub(crate) fn serve(args: &ServeArgs, console: &mut Console) -> Result<Exit, Failure> {
    let contract = Arc::new(load_suite::contract(&args.contract)?);
    let variable = args.secret_env.clone().unwrap_or_else(|| contract.secret.env.clone());
    let from_environment = secret_from(&variable)?;
    let published = from_environment.is_none();
    let secret = from_environment.unwrap_or_else(|| SecretString::from(contract.secret.for_tests.clone()));
    let signer = contract.signature.keyed(secret.expose_secret().as_bytes()).map_err(Failure::usage)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(Failure::harness)?;
    runtime.block_on(async {
        match &args.db {
            Some(path) => {
                let store = SqliteStore::open(Arc::clone(&contract), path).map_err(Failure::harness)?;
                until_stopped(args, &contract, signer, store, console, published.then_some(&variable)).await
            }
            None => {
                let store = MemoryStore::new(Arc::clone(&contract));
                until_stopped(args, &contract, signer, store, console, published.then_some(&variable)).await
            }
        }
    })
}

async fn until_stopped<S: Store + 'static>(
    args: &ServeArgs,
    contract: &Arc<Contract>,
    signer: Signer,
    store: S,
    console: &mut Console,
    published_for: Option<&String>,
) -> Result<Exit, Failure> {
    let ttl = args.ttl.map(|ttl| ttl.as_secs());
    let receiver = Receiver::new(Arc::clone(contract), Some(signer), store, ttl).map_err(Failure::harness)?;
    let moved = Arc::new(VirtualClock::default());
    let clock: Arc<dyn Clock> = match args.clock {
        ServeClock::System => Arc::new(SystemClock),
        ServeClock::Virtual => Arc::<VirtualClock>::clone(&moved),
    };
    let cannot = |cause: std::io::Error| Failure::harness(format!("cannot listen on {}: {cause}", args.addr));
    let serving = serve_receiver(receiver, clock, args.addr).await.map_err(cannot)?;
    let control = match args.clock {
        ServeClock::System => None,
        ServeClock::Virtual => Some(control::serve(moved, SocketAddr::new(args.addr.ip(), 0)).await.map_err(cannot)?),
    };
    console.print(&format!("listening on http://{} ({})\n", serving.address, contract.contract));
    if let Some(control) = &control {
        console.print(&format!("control on http://{}\n", control.address));
    }
    if let Some(variable) = published_for {
        console
            .tell(&format!("{variable} is not set: using the published test secret (export {variable}={})\n", contract.secret.for_tests));
    }
    wait_for_stop().await;
    drain(serving, control).await;
    Ok(Exit::Conforms)
}

async fn drain(serving: Serving, control: Option<Serving>) {
    serving.stop().await;
    if let Some(control) = control {
        control.stop().await;
    }
}

async fn wait_for_stop() {
    use tokio::signal::unix::{SignalKind, signal};
    match (signal(SignalKind::interrupt()), signal(SignalKind::terminate())) {
        (Ok(mut interrupt), Ok(mut terminate)) => {
            tokio::select! { _ = interrupt.recv() => {}, _ = terminate.recv() => {} }
        }
        (_, _) => std::future::pending().await,
    }
}
