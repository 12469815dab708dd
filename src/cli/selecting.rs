//! Which scenarios a run plays.

use std::path::Path;

use super::Failure;
use super::args::RunArgs;
use super::load_suite::{Suite, looks_like_a_file, nearest};
use super::run::wrong_flags;
use crate::api::options::selected;
use crate::files;
use crate::scenario::expand::{self, Loaded};
use crate::scenario::lint::Known;
use crate::suites::selection::fits_scenario;

/// The scenarios that were asked for, in the order of their ids.
pub(crate) fn select(args: &RunArgs, suite: &Suite) -> Result<Vec<Loaded>, Failure> {
    let mut chosen: Vec<Loaded> = Vec::new();
    for one in &args.only {
        if looks_like_a_file(one) && (one.ends_with(".yaml") || one.ends_with(".yml")) {
            chosen.extend(from_file(one, suite)?);
            continue;
        }
        let fitting: Vec<Loaded> = suite.scenarios.iter().filter(|loaded| fits_scenario(one, loaded)).cloned().collect();
        if fitting.is_empty() {
            let near = nearest(one, suite.scenarios.iter().map(|loaded| loaded.id.as_str()));
            let hint = near.map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
            return Err(Failure::usage(format!("no scenario fits `{one}`{hint} (`hookgate list` shows them)")));
        }
        chosen.extend(fitting);
    }
    if args.only.is_empty() {
        chosen.clone_from(&suite.scenarios);
    }
    if let Some(expression) = &args.select {
        chosen = selected(chosen, expression, suite).map_err(|wrong| wrong_flags(&wrong))?;
    }
    if chosen.is_empty() {
        return Err(Failure::usage("there is no scenario to run"));
    }
    chosen.sort_by(|a, b| a.id.cmp(&b.id));
    chosen.dedup_by(|a, b| a.id == b.id);
    if let Some(shard) = args.shard {
        if chosen.len() < shard.of {
            return Err(Failure::usage(format!("--shard {shard}: there are only {} scenarios for {} shards", chosen.len(), shard.of)));
        }
        // In turn, so that each shard gets some of every topic.
        chosen = chosen.into_iter().enumerate().filter(|(at, _)| at % shard.of == shard.number - 1).map(|(_, one)| one).collect();
    }
    Ok(chosen)
}

fn from_file(path: &str, suite: &Suite) -> Result<Vec<Loaded>, Failure> {
    // A path that stands in the report is understood again, also without a checkout, and whichever suite the file stands in today.
    if let Some(id) = path.strip_prefix("scenarios/").and_then(|rest| rest.split_once('/')?.1.strip_suffix(".yaml"))
        && !Path::new(path).exists()
        && suite.scenarios.iter().any(|loaded| fits_scenario(id, loaded))
    {
        return Ok(suite.scenarios.iter().filter(|loaded| fits_scenario(id, loaded)).cloned().collect());
    }
    let file = files::read_text("read scenario", Path::new(path)).map_err(Failure::usage)?;
    let known = Known::new(&suite.catalogue, suite.bodies.keys().cloned());
    let name = Path::new(path).file_stem().and_then(|stem| stem.to_str()).unwrap_or(path);
    let topic = Path::new(path).parent().and_then(Path::file_name).and_then(|name| name.to_str());
    let id = topic.map_or_else(|| name.to_owned(), |topic| format!("{topic}/{name}"));
    expand::load(&id, &file.path, &file.text, &known).map_err(Failure::usage)
}
