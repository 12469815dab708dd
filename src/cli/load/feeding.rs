//! Feeds on a command line: from `--feed` and `--replay` to a feed that was read through.

use std::path::Path;
use std::sync::Arc;

use super::super::Failure;
use super::super::args::{FeedKeysArg, FeedOrderArg, LoadArgs};
use super::super::run::wrong_flags;
use super::asked::is_under_a_master;
use crate::api::load_options::mix;
use crate::contract::Contract;
use crate::load::feed::survey::{Keeping, survey};
use crate::load::feed::{Feed, FeedError, Keys, Order};
use crate::load::mix::{Kind, Mix};

/// The feed that was asked for, if any; every mistake of its lines is told.
pub(super) fn feed(args: &LoadArgs, contract: &Contract) -> Result<Option<Arc<Feed>>, Failure> {
    let asked = &args.feeding;
    if let Some(why) = misfit(args) {
        return Err(Failure::usage(why));
    }
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
    let mixed = args.mix.as_deref().map(|named| mixed(named, order, contract)).transpose()?;
    let signer = contract.signer(contract.secret.for_tests.as_bytes(), None, None).ok();
    let keeping =
        Keeping { contract, signer: signer.as_ref(), as_written: keys == Keys::Written, is_recorded: order == Order::Recorded, share };
    let survey = survey(path, keeping).map_err(told)?;
    Ok(Some(Arc::new(Feed { path: path.clone(), survey, order, keys, speed: asked.speed.unwrap_or(1.0), share, mixed, ongoing: None })))
}

/// Why a feed cannot go with what else was asked for; a sentence.
fn misfit(args: &LoadArgs) -> Option<&'static str> {
    let asked = &args.feeding;
    let is_endless = matches!(asked.feed_order, Some(FeedOrderArg::Loop | FeedOrderArg::Random));
    let is_fresh = asked.feed_keys == Some(FeedKeysArg::Fresh);
    if asked.replay.is_some() {
        let refused = [
            (args.mix.is_some(), "--replay sends what was recorded, and a mix makes it up: leave one of them out"),
            (
                args.find_max.is_some(),
                "--replay sends at recorded times, and --find-max looks for a rate of its own: give the same file with --feed, --feed-order loop and --feed-keys fresh",
            ),
            (args.rotate.is_some(), "--replay is as long as its recording, and is one load: --rotate goes with --feed"),
            (
                is_under_a_master(args),
                "--replay sends at recorded times, and Locust's master says how many users there are: give the same file with --feed, --feed-order loop and --feed-keys fresh",
            ),
            (
                args.streams.is_some(),
                "--streams tells which delivery each event is of by the bodies that it makes up, and a recording brings its own",
            ),
        ];
        return refused.into_iter().find(|(is_asked, _)| *is_asked).map(|(_, why)| why);
    }
    let refused = [
        (
            args.streams.is_some(),
            "--streams tells which delivery each event is of by the bodies that it makes up, and a feed brings its own",
        ),
        (
            args.rotate.is_some() && !is_fresh,
            "--rotate forgets the keys of a rotation when it is over, and keys as they are written may come again: give --feed-keys fresh",
        ),
        (
            args.find_max.is_some() && !is_endless,
            "every step of --find-max is a load of its own, and a feed may be over before it: give --feed-order loop or random",
        ),
        (args.find_max.is_some() && !is_fresh, "every step of --find-max would deliver the same keys again: give --feed-keys fresh"),
        (
            is_under_a_master(args) && !is_endless,
            "Locust's master says when a load is over, and a feed may be over before it: give --feed-order loop or random",
        ),
        (
            is_under_a_master(args) && !is_fresh,
            "every worker of Locust's master delivers the whole feed, and a key belongs to one worker: give --feed-keys fresh",
        ),
        (
            args.mix.is_some() && !is_endless,
            "with --mix some deliveries are of lines that were there, so that a feed cannot be over after its last: give --feed-order loop or random",
        ),
    ];
    refused.into_iter().find(|(is_asked, _)| *is_asked && asked.feed.is_some()).map(|(_, why)| why)
}

/// What a mix says of a feed: which of its lines are delivered once more, and which are spoiled.
fn mixed(named: &str, order: Order, contract: &Contract) -> Result<Mix, Failure> {
    let mix = mix(Some(named)).map_err(|wrong| wrong_flags(&wrong))?;
    let told = |why: &str| Err(Failure::usage(format!("--mix {named} with --feed: {why}")));
    if mix.has(Kind::Burst) {
        return told(
            "`burst` is one key that several users deliver at once, and a feed has a line for each delivery: write the line several times",
        );
    }
    if mix.has(Kind::ConflictingBody) {
        return told(
            "`conflicting-body` needs another body for a key, and a feed says which there are: write a second line with the key and that body",
        );
    }
    if mix.has(Kind::MissingKey) && contract.key.header.is_none() {
        return told(
            "`missing-key` leaves out a header line, and under this contract the key stands in the body: write a line without it, with `kind`",
        );
    }
    if order == Order::Recorded {
        return told("what was recorded is sent as it was");
    }
    Ok(mix)
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
