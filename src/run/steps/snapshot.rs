//! Snapshots: taken while a scenario is played, compared when all have been.

use std::path::PathBuf;
use std::sync::PoisonError;

use super::super::context::RunContext;
use super::super::live::Live;
use crate::delivery::Answer;
use crate::files::FileError;
use crate::files::snapshots::SnapshotFolder;
use crate::judge::{At, ScenarioEnd};
use crate::report::SnapshotFacts;
use crate::scenario::expand::Loaded;
use crate::scenario::{Snap, Step};
use crate::snapshot::kept::Kept;
use crate::snapshot::{self, Snapshot};

/// What becomes of a snapshot that is new or changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Update {
    /// Nothing is written, and the run fails.
    No,
    /// It is written beside the reviewed one, and waits.
    New,
    /// It is taken over.
    Always,
}

/// Which snapshots to compare with.
#[derive(Clone, Debug)]
pub struct SnapshotChoice {
    /// The folder.
    pub folder: PathBuf,
    /// What becomes of differences.
    pub update: Update,
    /// Every snapshot that the suite can take; those that are there beside them are unreferenced. `None` when only a part is run.
    pub expected: Option<Vec<String>>,
}

impl Live<'_> {
    /// Takes a snapshot, when somebody wants any.
    pub(in crate::run) async fn snap(&mut self, at: At<'_>, snap: &Snap, answer: Option<&Answer>) -> Result<(), ScenarioEnd> {
        if !self.context.takes_snapshots() {
            return Ok(());
        }
        let mut contents = String::new();
        if snap.answer
            && let Some(answer) = answer
        {
            contents.push_str(&self.normaliser.answer(answer));
        }
        if let (true, Some(tables)) = (snap.state, self.context.contract.state.clone()) {
            let rows = self.rows_of_all(at).await.map_err(|wrong| ScenarioEnd::Undecided(format!("step {}: {wrong}", at.number)))?;
            if let Some(rows) = rows {
                contents.push_str(&self.normaliser.state(&rows, &tables));
            }
        }
        if let Some(name) = &snap.stream {
            let shown = at.bindings.shown.get(name);
            let shown = shown.ok_or_else(|| ScenarioEnd::Undecided(format!("step {}: the stream `{name}` is not open", at.number)))?;
            contents.push_str(&self.normaliser.stream(shown));
        }
        self.snaps += 1;
        let name = snapshot::name(&self.context.contract.contract, &self.loaded.id, self.snaps, count(&self.loaded.scenario.steps));
        let expression = format!("{}, step {}", self.loaded.id, at.number);
        self.context.keep_snapshot(Snapshot { name, source: self.loaded.file.clone(), expression, contents });
        Ok(())
    }
}

impl RunContext {
    /// Whether snapshots are wanted.
    #[must_use]
    pub fn takes_snapshots(&self) -> bool {
        self.snapshots.is_some()
    }

    fn keep_snapshot(&self, snapshot: Snapshot) {
        if let Some(snapshots) = &self.snapshots {
            let mut snapshots = snapshots.lock().unwrap_or_else(PoisonError::into_inner);
            // A scenario that is played again takes its snapshots again.
            snapshots.retain(|one| one.name != snapshot.name);
            snapshots.push(snapshot);
        }
    }

    /// Every snapshot that was taken, in the order of their names.
    #[must_use]
    pub fn take_snapshots(&self) -> Vec<Snapshot> {
        let mut all: Vec<Snapshot> =
            self.snapshots.as_ref().map(|all| std::mem::take(&mut *all.lock().unwrap_or_else(PoisonError::into_inner))).unwrap_or_default();
        all.sort_by(|a, b| a.name.cmp(&b.name));
        all
    }
}

/// How many snapshots a scenario takes.
fn count(steps: &[Step]) -> usize {
    steps.iter().filter(|step| step.snapshot.is_some()).count()
}

/// The names of every snapshot that scenarios can take under a contract.
#[must_use]
pub fn expected(contract: &str, scenarios: &[Loaded]) -> Vec<String> {
    let of = |loaded: &Loaded| {
        let all = count(&loaded.scenario.steps);
        (1..=all).map(|number| snapshot::name(contract, &loaded.id, number, all)).collect::<Vec<_>>()
    };
    scenarios.iter().flat_map(of).collect()
}

/// Compares what was taken with what was reviewed.
///
/// * `kept`: the same snapshots, as the report folder keeps them.
///
/// # Errors
/// When the folder cannot be read or written.
pub fn compare(taken: &[Snapshot], kept: &mut Kept, choice: &SnapshotChoice, contract: &str) -> Result<SnapshotFacts, FileError> {
    let folder = SnapshotFolder::new(&choice.folder);
    let mut facts = SnapshotFacts { folder: choice.folder.display().to_string(), ..SnapshotFacts::default() };
    for one in taken {
        let reviewed = folder.reviewed(&one.name)?;
        let was = reviewed.as_deref().and_then(snapshot::contents);
        kept.set_beside(&one.name, was);
        if was == Some(one.contents.as_str()) {
            folder.reject_if(choice.update != Update::No, &one.name)?;
            continue;
        }
        match choice.update {
            Update::No => {}
            Update::New => {
                folder.write_pending(&one.name, &one.file())?;
                facts.pending += 1;
            }
            Update::Always => folder.write(&one.name, &one.file())?,
        }
    }
    let compared = kept.compared();
    (facts.matched, facts.new, facts.changed) = (compared.matched, compared.new, compared.changed);
    if let Some(expected) = &choice.expected {
        let (reviewed, _) = folder.names()?;
        let ours = |name: &&String| name.split('/').next() == Some(contract) && !expected.contains(name);
        facts.unreferenced = reviewed.iter().filter(ours).cloned().collect();
    }
    facts.fails = match choice.update {
        Update::No => !facts.new.is_empty() || !facts.changed.is_empty() || !facts.unreferenced.is_empty(),
        Update::New => !facts.changed.is_empty(),
        Update::Always => false,
    };
    Ok(facts)
}
