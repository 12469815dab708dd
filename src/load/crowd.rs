//! The crowd: goose starts the users, ramps them up, and waits for their end.
//!
//! goose is used for what it is good at, and for nothing else: every user is
//! one transaction that delivers until the load ends. It prints nothing, writes
//! no file, opens no port, and is never left to end the process.

use std::sync::Arc;

use goose::GooseAttack;
use goose::config::GooseConfiguration;
use goose::goose::{Scenario, Transaction, TransactionFunction};

use super::user::{Shared, deliver};

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
    configuration.iterations = Some(1);
    configuration.quiet = 3;
    configuration.no_print_metrics = true;
    configuration.no_error_summary = true;
    configuration.no_metrics = true;
    configuration.no_transaction_metrics = true;
    configuration.no_scenario_metrics = true;
    configuration.no_telnet = true;
    let function: TransactionFunction = Arc::new(move |_user| {
        let shared = Arc::clone(&shared);
        Box::pin(async move {
            deliver(&shared).await;
            Ok(())
        })
    });
    let scenario = Scenario::new("load").register_transaction(Transaction::new(function));
    let attack = GooseAttack::initialize_with_config(configuration).map_err(said)?;
    attack.register_scenario(scenario).execute().await.map(drop).map_err(said)
}
