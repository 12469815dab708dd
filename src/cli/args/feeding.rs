//! Arguments of a load that a file feeds.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// What is delivered, where a file says it.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct FeedArgs {
    /// Deliver what stands in this file, read as it is needed: a JSON object a line (key, body or `body_base64`, id, headers, kind), or CSV
    /// with these columns. With --mix, duplicates of lines that were there and spoiled signatures are mixed in.
    #[arg(long, value_name = "FILE", conflicts_with = "replay")]
    pub(crate) feed: Option<PathBuf>,
    /// With --feed: to its end, again and again (keys of later rounds are other ones), or any line any number of times [default: once].
    #[arg(long, value_enum, value_name = "ORDER", requires = "feed")]
    pub(crate) feed_order: Option<FeedOrderArg>,
    /// With --feed: keys travel as they are written, or each is given one that nobody has had [default: written].
    #[arg(long, value_enum, value_name = "KEYS", requires = "feed")]
    pub(crate) feed_keys: Option<FeedKeysArg>,
    /// Send recorded deliveries again, at their own times: a report folder's history.jsonl, or a feed whose lines have `at`. Keys are made
    /// fresh and signatures anew; what was one key stays one key.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["rate", "stages", "run_time", "arrivals", "think"])]
    pub(crate) replay: Option<PathBuf>,
    /// With --replay: so many times as fast as it was recorded [default: 1].
    #[arg(long, value_name = "N", value_parser = speed, requires = "replay")]
    pub(crate) speed: Option<f64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum FeedOrderArg {
    /// From its first line to its last, and then the load is over.
    Once,
    /// From the first line again after the last.
    Loop,
    /// Any line, and any number of times.
    Random,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum FeedKeysArg {
    /// Those that are written.
    Written,
    /// One of its own for each that is written.
    Fresh,
}

/// `2`, `2x`, `0.5`.
fn speed(text: &str) -> Result<f64, String> {
    /// Nobody reads faster than this, or waits so long.
    const MOST: f64 = 1e6;
    let number = text.trim().trim_end_matches('x').parse().ok().filter(|number: &f64| *number >= 1.0 / MOST && *number <= MOST);
    number.ok_or_else(|| format!("`{text}` is no speed: a number above 0, where 2 is twice as fast"))
}
