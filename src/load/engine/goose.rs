//! Engines: goose starts the users, ramps them up, and waits for their end.
//!
//! goose is used for what it is good at, and for nothing else: every user is
//! one transaction that delivers until the load ends. It prints nothing, writes
//! no file, opens no port, and is never left to end the process. Where somebody
//! else says how many users there are, and they come and go, they are started
//! without it; and where the process is not ours (`Engine::Own`), whose Ctrl-C
//! goose would take for good.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use goose::GooseAttack;
use goose::client::GooseClientBuilder;
use goose::config::GooseConfiguration;
use goose::goose::{Scenario, Transaction, TransactionFunction};
use tokio::task::JoinSet;

use super::super::engine::runtime::Runtimes;
use super::super::part::Steering;
use super::super::shared::{LOOK_AGAIN as LOOK_WHO_IS_CALLED, Shared};
use super::super::user::deliver;

/// goose ends its users after a run time, and waits for those whose transaction still runs: theirs is the whole load.
const AFTER_THE_LAST_HAS_BEGUN: &str = "1";
/// A user that has ended looks so often whether goose has seen it.
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// Who starts the users of a load.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Engine {
    /// goose, which takes the process's Ctrl-C.
    #[default]
    Goose,
    /// We ourselves, in a process that belongs to somebody else.
    Own,
}

/// Runs `users` users, so many started a second, until all have come to their end; no signal is taken.
///
/// # Errors
/// When there are no threads for them, as a sentence.
pub async fn run_own(shared: Arc<Shared>, users: usize, hatch_rate: f64) -> Result<(), String> {
    let threads = Arc::new(Runtimes::start().map_err(|cause| format!("no threads for the load: {cause}"))?);
    let mut begun = JoinSet::new();
    for number in 0..users {
        let due = Duration::from_secs_f64(number as f64 / hatch_rate);
        tokio::time::sleep(due.saturating_sub(shared.began.elapsed())).await;
        if shared.is_stopped() {
            break;
        }
        shared.next_user.fetch_add(1, Ordering::AcqRel);
        let (shared, threads) = (Arc::clone(&shared), Arc::clone(&threads));
        begun.spawn(async move { threads.run(number, async move { deliver(&shared, number).await }).await });
    }
    while begun.join_next().await.is_some() {}
    Ok(())
}

/// Runs as many users as are called for, at most `users`: those who are not called any more wait, and keep their connections.
///
/// # Errors
/// When there are no threads for them, as a sentence.
pub async fn run_steered(shared: Arc<Shared>, steering: Arc<Steering>, users: usize) -> Result<(), String> {
    let threads = Arc::new(Runtimes::start().map_err(|cause| format!("no threads for the load: {cause}"))?);
    let mut begun = JoinSet::new();
    while !shared.is_stopped() && !steering.is_over() {
        for number in begun.len()..steering.users().min(users) {
            shared.next_user.fetch_add(1, Ordering::AcqRel);
            let (shared, threads) = (Arc::clone(&shared), Arc::clone(&threads));
            begun.spawn(async move { threads.run(number, async move { deliver(&shared, number).await }).await });
        }
        tokio::time::sleep(LOOK_WHO_IS_CALLED).await;
    }
    while begun.join_next().await.is_some() {}
    Ok(())
}

/// Runs `users` users, so many started a second, until all have come to their end.
///
/// # Errors
/// What goose says, as a sentence.
pub async fn run(shared: Arc<Shared>, users: usize, hatch_rate: f64) -> Result<(), String> {
    let said = |cause: goose::GooseError| format!("the load could not be started: {cause}");
    let mut configuration = GooseConfiguration::default();
    configuration.host = Some(shared.target.url(""));
    configuration.users = Some(users);
    configuration.increase_rate = Some(hatch_rate.to_string());
    // Not --iterations 1: that prints how many users there are.
    configuration.run_time = Some(AFTER_THE_LAST_HAS_BEGUN.to_owned());
    configuration.quiet = 3;
    configuration.no_print_metrics = true;
    configuration.no_error_summary = true;
    configuration.no_transaction_metrics = true;
    configuration.no_scenario_metrics = true;
    configuration.no_telnet = true;
    let threads = Arc::new(Runtimes::start().map_err(|cause| format!("no threads for the load: {cause}"))?);
    let function: TransactionFunction = Arc::new(move |_user| {
        let (shared, threads) = (Arc::clone(&shared), Arc::clone(&threads));
        Box::pin(async move {
            let number = shared.next_user.fetch_add(1, Ordering::Relaxed) as usize;
            if number < users {
                threads.run(number, async move { deliver(&shared, number).await }).await;
            } else {
                // goose calls a transaction again and again; the load has one for each user.
                tokio::time::sleep(LOOK_AGAIN).await;
            }
            Ok(())
        })
    });
    let scenario = Scenario::new("load").register_transaction(Transaction::new(function));
    let attack = GooseAttack::initialize_with_config(configuration).map_err(said)?;
    // One client for all: nobody uses it, and each would read every certificate of the machine.
    let attack = attack.set_client_builder_without_cookies(GooseClientBuilder::new().without_cookies()).map_err(said)?;
    Box::pin(attack.register_scenario(scenario).execute()).await.map(drop).map_err(said)
}
