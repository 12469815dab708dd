//! Feeds on a command line: from `--feed` and `--replay` to a feed that was read through.

use std::path::Path;
use std::sync::Arc;

use super::super::Failure;
use super::super::args::{FeedKeysArg, FeedOrderArg, LoadArgs};
use crate::contract::Contract;
use crate::load::feed::survey::{Keeping, survey};
use crate::load::feed::{Feed, FeedError, Keys, Order};

/// The feed that was asked for, if any; every mistake of its lines is told.
pub(super) fn feed(args: &LoadArgs, contract: &Contract) -> Result<Option<Arc<Feed>>, Failure> {
    let asked = &args.feeding;
    let (path, order, keys) = match (&asked.feed, &asked.replay) {
        (None, None) => return Ok(None),
        (_, Some(path)) => (path, Order::Recorded, Keys::Fresh),
        (Some(path), None) => {
            let order = match asked.feed_order {
                None | Some(FeedOrderArg::Once) => Order::Once,
                Some(FeedOrderArg::Loop) => Order::Loop,
                Some(FeedOrderArg::Random) => Order::Random,
            };
            let keys = match asked.feed_keys {
                None | Some(FeedKeysArg::Written) => Keys::Written,
                Some(FeedKeysArg::Fresh) => Keys::Fresh,
            };
            (path, order, keys)
        }
    };
    let share = args.worker.map(|shard| (shard.number as u64, shard.of as u64));
    if share.is_some() && keys == Keys::Written {
        return Err(Failure::usage(
            "the keys of several workers begin with a word of their run: give --feed-keys fresh, and each delivers those keys of the feed that fall to it",
        ));
    }
    let signer = contract.signer(contract.secret.for_tests.as_bytes(), None, None).ok();
    let keeping =
        Keeping { contract, signer: signer.as_ref(), as_written: keys == Keys::Written, is_recorded: order == Order::Recorded, share };
    let survey = survey(path, keeping).map_err(told)?;
    Ok(Some(Arc::new(Feed { path: path.clone(), survey, order, keys, speed: asked.speed.unwrap_or(1.0), share })))
}

/// Checks a file of deliveries: a feed, or recorded ones.
pub(crate) fn check_feed(path: &Path, contract: &Contract) -> Result<(), Failure> {
    let signer = contract.signer(contract.secret.for_tests.as_bytes(), None, None).ok();
    let is_history = path.file_name().is_some_and(|name| name == "history.jsonl");
    let keeping = Keeping { contract, signer: signer.as_ref(), as_written: !is_history, is_recorded: is_history, share: None };
    survey(path, keeping).map(drop).map_err(told)
}

pub(super) fn told(wrong: FeedError) -> Failure {
    match wrong {
        FeedError::Mistakes(_) | FeedError::Empty(_) | FeedError::File(_) => Failure::usage(wrong),
    }
}
