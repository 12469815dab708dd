//! `hookgate selftest`: what the suite catches, and what it stays silent about.

mod exploring;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::args::{MatrixFormat, SelftestArgs, SuiteArgs};
use super::exit::Exit;
use super::load_suite::{self, Suite};
use super::signals::Ends;
use super::{Console, Failure};
use crate::api::headers::Headers;
use crate::api::options::{Options, RunOptions};
use crate::contract::{Level, OtherSecret};
use crate::evidence;
use crate::files;
use crate::reference::defect::{CATALOGUE, Defect};
use crate::run::Plan;
use crate::scenario::expand::Loaded;
use crate::selftest::reach::{Bench, Counted, Reach};
use crate::selftest::{self, Share, Standing, Trial, Trials, report};
use crate::session::TargetChoice;
use crate::session::clocks::ClockChoice;
use crate::suites::selection::fits;

/// Streams of the reference are silent no longer than this.
const HEARTBEAT: Duration = Duration::from_secs(4);
/// Bodies of this length, in bytes, are as long as those that any defect treats otherwise; each run would send four of 16 MiB.
const LONGEST_BODY: usize = 3 << 20;
/// How long an answer is waited for: longer than any defect holds one back, and than a busy machine does.
const TIMEOUT: Duration = Duration::from_secs(60);
/// How many scenarios of a run go side by side.
const JOBS: usize = 8;
/// No run of the matrix takes as long.
const TIME_LIMIT: Duration = Duration::from_secs(600);
/// The seed of what is random: the same matrix every time.
const SEED: u64 = 1;

/// Runs the command.
pub(crate) fn selftest(args: &SelftestArgs, console: &mut Console) -> Result<Exit, Failure> {
    let (ends, unread) = Ends::listen_while_read()?;
    let pattern = args.defect.as_deref().unwrap_or("*");
    let defects: Vec<Defect> = CATALOGUE.iter().copied().filter(|defect| fits(pattern, defect.name)).collect();
    if defects.is_empty() {
        let near = load_suite::nearest(pattern, CATALOGUE.iter().map(|one| one.name));
        let hint = near.map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
        return Err(Failure::usage(format!("no defect fits `{pattern}`{hint} (`hookgate serve --list-defects` shows them)")));
    }
    if args.explore {
        return exploring::explored(args, defects, (ends, &unread), console);
    }
    let asked = if args.all { files::shipped_contracts() } else { args.contract.clone() };
    let whole = asked.is_empty() && defects.len() == CATALOGUE.len() && !args.until_caught;
    let mut contracts: Vec<&'static str> = match asked.as_slice() {
        [] => defects.iter().map(|defect| defect.under).collect(),
        // As long as the process: a matrix names its contracts by such names.
        names => names.iter().map(|name| &*name.clone().leak()).collect(),
    };
    contracts.sort_unstable();
    contracts.dedup();
    let suites = contracts.iter().map(|name| Ok((*name, suite(name)?))).collect::<Result<BTreeMap<_, _>, Failure>>()?;
    let until_caught = match (args.until_caught, args.all) {
        (true, _) => UntilCaught::All,
        (false, true) => UntilCaught::Foreign,
        (false, false) => UntilCaught::None,
    };
    let (defects, under) = match asked.as_slice() {
        [] => (defects.iter().map(|defect| Trial { defect: *defect, share: until_caught.share_of_own() }).collect(), Vec::new()),
        [_, ..] => reaching(&suites, &defects, until_caught)?,
    };
    if defects.is_empty() {
        return Err(Failure::usage(format!("no defect that fits `{pattern}` applies under {}", contracts.join(", "))));
    }
    // Families differ in what they promise, not in what its parts are called.
    let catalogue = Arc::clone(&suites[contracts[0]].catalogue);
    let trials = Trials {
        standing: standing(&suites),
        under,
        plan: Box::new(move |contract, trial| plan(&suites[contract], trial)),
        defects,
        whole,
        contracts,
        right: usize::from(args.right.get()),
        jobs: usize::from(args.jobs.get()),
    };
    let live = console.live;
    let Ends { runtime, wanted } = ends;
    let matrix = runtime.block_on(async {
        let (told, hear) = std::sync::mpsc::channel();
        let reporter = live.then(|| {
            std::thread::spawn(move || {
                let bar = indicatif::ProgressBar::new(0);
                for (done, total) in hear {
                    bar.set_length(total);
                    bar.set_position(done);
                }
                bar.finish_and_clear();
            })
        });
        let matrix =
            selftest::selftest(trials, move |done, total| told.send((done as u64, total as u64)).unwrap_or_default(), wanted).await;
        if let Some(reporter) = reporter {
            drop(reporter.join());
        }
        matrix
    });
    let Some(matrix) = matrix else {
        if *unread.borrow() {
            return Ok(Exit::Interrupted);
        }
        return Err(Failure {
            exit: Exit::Interrupted,
            message: "interrupted: half a matrix proves nothing, so none is printed".to_owned(),
        });
    };
    let text = match args.format {
        MatrixFormat::Human => report::human(&matrix),
        MatrixFormat::Markdown => report::markdown(&matrix, |id| catalogue.topic_of(id)),
        MatrixFormat::Json => serde_json::to_string_pretty(&matrix).map_err(Failure::harness)? + "\n",
    };
    console.print(&text);
    Ok(if matrix.is_good() { Exit::Conforms } else { Exit::DoesNotConform })
}

/// Which defects are tried with no more of a suite than catches them.
#[derive(Clone, Copy, PartialEq, Eq)]
enum UntilCaught {
    None,
    /// Those that were made for another contract.
    Foreign,
    All,
}

impl UntilCaught {
    /// How much is played of a defect's own contract.
    fn share_of_own(self) -> Share {
        if self == Self::All { Share::Showing } else { Share::Whole }
    }
}

/// The defects that apply under each contract, as defects of that contract; those that were made for it always do.
fn reaching(
    suites: &BTreeMap<&'static str, Suite>,
    defects: &[Defect],
    until_caught: UntilCaught,
) -> Result<(Vec<Trial>, Vec<Counted>), Failure> {
    let mut benches = Vec::new();
    for (name, suite) in suites {
        benches.push((*name, Bench::new(&suite.contract, &suite.catalogue, &suite.bodies, &suite.scenarios).map_err(Failure::usage)?));
    }
    // In memory nothing waits: one thread a processor is as fast as it goes.
    let workers = std::thread::available_parallelism().map_or(1, std::num::NonZero::get).min(benches.len().max(1));
    let queue = std::sync::Mutex::new(benches.into_iter().enumerate().collect::<Vec<_>>());
    let work = || {
        let mut done = Vec::new();
        while let Some((at, (name, mut bench))) = queue.lock().ok().and_then(|mut queue| queue.pop()) {
            done.push((at, under_one(name, &mut bench, defects, until_caught)));
        }
        done
    };
    let mut found = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        threads.into_iter().map(std::thread::ScopedJoinHandle::join).collect::<Result<Vec<_>, _>>()
    })
    .map_err(|_| Failure::harness("a defect could not be tried in memory"))?
    .concat();
    found.sort_by_key(|(at, _)| *at);
    let (trials, counted): (Vec<Vec<Trial>>, Vec<Counted>) = found.into_iter().map(|(_, one)| one).unzip();
    Ok((trials.concat(), counted))
}

/// What applies under one contract.
fn under_one(name: &'static str, bench: &mut Bench, defects: &[Defect], until_caught: UntilCaught) -> (Vec<Trial>, Counted) {
    let (mut trials, mut here) = (Vec::new(), Counted { contract: name, defects: defects.len(), ..Counted::default() });
    for defect in defects {
        let own = defect.under == name;
        let reach = if own { Reach::Applies(String::new()) } else { bench.reach(*defect) };
        match reach {
            Reach::Applies(by) => {
                here.apply += 1;
                let share = match until_caught {
                    _ if own => until_caught.share_of_own(),
                    UntilCaught::None => Share::Whole,
                    UntilCaught::Foreign | UntilCaught::All => Share::One(by),
                };
                trials.push(Trial { defect: Defect { under: name, ..*defect }, share });
            }
            Reach::Allowed => here.allowed += 1,
            Reach::Nothing => {}
        }
    }
    (trials, here)
}

/// The suite of a shipped contract. The reference pings as often as its contract says, and one that does not is found out by a short silence
/// as by a long one, which every defect under the contract would wait for; and what goes wrong with long bodies does so at this length.
pub(super) fn suite(contract: &str) -> Result<Suite, Failure> {
    let mut suite = load_suite::suite(&SuiteArgs::of(contract))?;
    let contract = Arc::make_mut(&mut suite.contract);
    contract.limits.body_bytes = contract.limits.body_bytes.map(|bytes| bytes.min(LONGEST_BODY));
    if let Some(beat) = contract.stream.as_mut().and_then(|stream| stream.heartbeat.as_mut()) {
        beat.0 = beat.0.min(HEARTBEAT);
    }
    Ok(suite)
}

/// Why scenario files stand that may catch nothing alone.
fn standing(suites: &BTreeMap<&'static str, Suite>) -> Standing {
    let said = suites.values().flat_map(|suite| &suite.scenarios).filter_map(|loaded| {
        let why = loaded.scenario.stands.clone()?;
        Some((loaded.id.split('[').next().unwrap_or_default().trim_end().to_owned(), why))
    });
    said.collect()
}

pub(super) fn plan(suite: &Suite, trial: Option<&Trial>) -> Plan {
    let defect = trial.map(|one| one.defect);
    let breaks: &[&str] = defect.map_or(&[], |one| one.breaks);
    let share = trial.map_or(&Share::Whole, |one| &one.share);
    let is_played = |one: &&Loaded| match share {
        Share::Whole => true,
        Share::One(id) => one.id == *id,
        Share::Showing => one.scenario.shows.iter().any(|id| breaks.contains(&id.as_str())),
    };
    let scenarios: Vec<Loaded> = suite.scenarios.iter().filter(is_played).cloned().collect();
    let published = |other: &Option<OtherSecret>| other.as_ref().map(|other| other.for_tests.clone().into());
    let options = Options {
        target: TargetChoice::BuiltIn { defect },
        secret: None,
        variable: None,
        others: (published(&suite.contract.secret.previous), published(&suite.contract.secret.retired)),
        evidence: evidence::Choice::default(),
        headers: Headers::default(),
        timeout: Some(TIMEOUT),
        ttl: None,
        seed: Some(SEED),
        baseline: None,
    };
    let how = RunOptions {
        clock: ClockChoice::None,
        jobs: Some(JOBS),
        time_limit: TIME_LIMIT,
        max_rate: None,
        max_wait: TIME_LIMIT,
        level: Level::Should,
        fail_fast: *share != Share::Whole,
        takes_snapshots: false,
        shard: None,
        arguments: String::new(),
        visiting: String::new(),
        contract_file: None,
    };
    let secrets = options.secrets(suite, scenarios.iter().map(|one| one.id.as_str()));
    how.unchecked(&options, suite, scenarios, secrets, None)
}
