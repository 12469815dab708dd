//! One of several loads: which it is, what it leaves for whoever joins them, and how a report leaves the command.
//!
//! Arguments and a plan in; [`Which`] and [`Facts`] out. [`Leaving`] writes and prints what a load has come to, once or, under
//! Locust's master, for one load after the other.

use std::path::PathBuf;
use std::sync::OnceLock;

use sha2::{Digest as _, Sha256};

use super::super::args::{LoadArgs, LoadFormat};
use super::super::evidence::Sealing;
use super::super::exit::Exit;
use super::super::{Console, Failure};
use super::Ended;
use super::forms::in_format;
use crate::api::load_folder::write_folder;
use crate::clock::{Clock as _, SystemClock};
use crate::files::ReportFolder;
use crate::load::Plan;
use crate::load::measure::Measurement;
use crate::load::part::word_of;
use crate::load::rate_profile::Model;
use crate::load::report::LoadReport;
use crate::load::worker::{FACTS, FOLDER, Facts, Keeper, SCHEMA, Which};
use crate::report::language::Language;
use crate::report::{Overall, ProjectFacts};
use crate::secret::{Redacted, Redactor};

/// Which of several a load was asked to be.
pub(super) fn which(args: &LoadArgs) -> Option<Which> {
    let shard = args.worker?;
    let number = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    let run_word = args.run_word.clone().unwrap_or_default();
    let keys = word_of(&run_word, number(shard.number), 1);
    Some(Which { run_word, number: number(shard.number), of: Some(number(shard.of)), keys, master: None })
}

/// A name that no other process has: the machine's, and a digest of moment and process.
pub(super) fn own_name() -> &'static str {
    static NAME: OnceLock<String> = OnceLock::new();
    NAME.get_or_init(|| {
        let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        let digest = Sha256::digest(format!("{host}{}{}", SystemClock.now().0, std::process::id()));
        let digest: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        let host = host.trim();
        format!("{}_{digest}", if host.is_empty() { "hookgate" } else { host })
    })
}

/// What whoever joins workers must know of one.
pub(super) fn facts(which: &Which, plan: &Plan, sealing: &Sealing) -> Facts {
    Facts {
        schema: SCHEMA.to_owned(),
        which: which.clone(),
        contract: plan.contract.contract.clone(),
        contract_sha256: sealing.made_from().contract_sha256,
        target: plan.target.to_string(),
        model: match plan.model {
            Model::Closed => "closed",
            Model::Open => "open",
        }
        .to_owned(),
        began_at: None,
        life_us: plan.life(),
        gates: plan.gates.iter().map(|gate| gate.text.clone()).collect(),
        mix: plan.mix.in_order(),
        users: plan.users,
        seed: plan.seed,
        from_s: None,
        files: std::collections::BTreeMap::new(),
        is_judged: false,
    }
}

/// Begins to keep what a worker learns; what an earlier load has left in its folder is no part of it.
pub(super) fn keeper(
    folder: Option<&ReportFolder>,
    path: Option<&PathBuf>,
    facts: Facts,
    on_lot: crate::load::worker::OnLot,
) -> Result<Keeper, crate::files::FileError> {
    for name in ["load.json", crate::report::manifest::FILE] {
        folder.map_or(Ok(()), |folder| folder.forget(name))?;
    }
    Keeper::start(path.map(PathBuf::as_path), facts, on_lot)
}

/// How a report leaves the command.
pub(super) struct Leaving<'a> {
    pub(super) sealing: &'a Sealing,
    pub(super) redactor: &'a Redactor,
    pub(super) warnings: Vec<String>,
    pub(super) language: Language,
    pub(super) format: LoadFormat,
    pub(super) quiet: bool,
    /// The project file that was in force.
    pub(super) project: Option<ProjectFacts>,
}

impl Leaving<'_> {
    /// What a load has come to, as it is written and told.
    pub(super) fn told(&self, mut report: LoadReport) -> Redacted<LoadReport> {
        report.notes.extend(self.warnings.iter().cloned());
        self.redactor.redacted(LoadReport { made_from: self.sealing.made_from(), project: self.project.clone(), ..report })
    }

    /// Writes what one of several loads has come to.
    ///
    /// * `is_worker`: its folder has what a worker leaves.
    pub(super) fn write(
        &self,
        report: &Redacted<LoadReport>,
        measurement: Option<&Measurement>,
        folder: &ReportFolder,
        is_worker: bool,
    ) -> Result<(), Failure> {
        if !is_worker {
            // What a worker has left there would be joined as if it were of this load.
            folder.forget(&format!("{FOLDER}/{FACTS}")).map_err(Failure::harness)?;
        }
        let names = write_folder(folder, report, measurement, None, self.language).map_err(Failure::harness)?;
        self.sealing.write(folder, &names, &report.tool)
    }

    /// Writes and prints what a load has come to.
    ///
    /// * `is_worker`: its folder has what a worker leaves.
    pub(super) fn leave(
        &self,
        ended: Ended,
        folder: Option<&ReportFolder>,
        is_worker: bool,
        console: &mut Console,
    ) -> Result<Exit, Failure> {
        let (report, measurement, failed, output) = ended;
        let report = report.map(|report| self.told(report));
        let mut unwritten = None;
        if let (Some(folder), Some(report)) = (folder, &report) {
            let output = output.map(|output| self.redactor.text(&output).into_owned());
            // What a worker has left there would be joined as if it were of this load.
            let forgotten = if is_worker { Ok(()) } else { folder.forget(&format!("{FOLDER}/{FACTS}")).map_err(Failure::harness) };
            let written = forgotten.and_then(|()| {
                write_folder(folder, report, measurement.as_ref(), output.as_deref(), self.language).map_err(Failure::harness)
            });
            unwritten = written.and_then(|names| self.sealing.write(folder, &names, &report.tool)).err();
        }
        if let Some(failed) = failed {
            return Err(failed);
        }
        let Some(report) = report else { return Err(Failure::harness("the load has no report")) };
        let text = in_format(&report, self.format, self.quiet, self.language, console.width)?;
        console.print(&text);
        if let Some(unwritten) = unwritten {
            return Err(unwritten);
        }
        Ok(exit_of(report.verdict))
    }
}

/// The exit code of a verdict.
pub(super) fn exit_of(verdict: Overall) -> Exit {
    match verdict {
        Overall::Conforms => Exit::Conforms,
        Overall::DoesNotConform => Exit::DoesNotConform,
        Overall::Undecided => Exit::Undecided,
        Overall::Interrupted => Exit::Interrupted,
        Overall::Incomplete => Exit::Harness,
    }
}
