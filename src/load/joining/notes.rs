//! Notes: what a reader should know of the parts of a load that were joined.

use super::{History, Worker};
use crate::files::operations::OperationsFile;
use crate::load::worker::{State, WorkerReport};

/// Which there are, which are missing, and what each of them says.
pub(super) fn notes(workers: &[Worker], missing: &[WorkerReport]) -> Vec<String> {
    let are_rotations = workers.iter().all(|worker| worker.facts.is_rotation());
    let (part, name) = if are_rotations { ("rotation", "Rotation") } else { ("worker", "Worker") };
    let of = workers.iter().filter_map(|worker| worker.which().of).max().map_or_else(String::new, |of| format!(" of {of}"));
    let how = if are_rotations {
        "one after the other, and no key was delivered in two of them"
    } else {
        "their seconds are laid side by side by the clocks of their own machines, and no key was delivered by two of them"
    };
    let (count, plural) = (workers.len(), if workers.len() == 1 { "" } else { "s" });
    let between = if are_rotations { "," } else { ";" };
    let mut notes = vec![format!("Joined from {count} {part}{plural}{of}{between} {how}.")];
    for one in missing {
        notes.push(format!("{name} {} is missing: nothing of it was given.", one.which.number));
    }
    for worker in workers {
        let number = worker.which().number;
        match worker.state() {
            State::CutShort => {
                let measured = worker.carried.as_ref().map_or_else(
                    || "nothing that it measured".to_owned(),
                    |carried| format!("what it had measured after {:.0} s ({} deliveries)", carried.window.planned_end_s, carried.sent()),
                );
                let kept = worker.operations.as_ref().map_or(0, OperationsFile::count);
                notes.push(format!(
                    "{name} {number} was cut short ({}): it left no report; {measured} is in here, and {kept} deliveries that it had written down are judged by their answers.",
                    worker.folder
                ));
            }
            State::Interrupted => notes.push(format!("{name} {number} was interrupted.")),
            State::Complete | State::Missing => {}
        }
        match worker.history() {
            History::Lost => notes.push(format!(
                "The operations of {part} {number} are not there any more ({}/worker/operations): what they would have told is open.",
                worker.folder
            )),
            History::Damaged => notes.push(format!(
                "The operations of {part} {number} are not as they were written ({}/worker/operations): they are not judged, and what they would have told is open.",
                worker.folder
            )),
            History::Cut if worker.report.is_some() => notes.push(format!(
                "The history in {} lacks deliveries that its report counts: what they would have told is open.",
                worker.folder
            )),
            History::Cut | History::Whole | History::TakenAway => {}
        }
        for note in worker.report.iter().flat_map(|report| &report.notes).filter(|note| !note.starts_with("Interrupted after")) {
            if !notes.contains(note) {
                notes.push(note.clone());
            }
        }
    }
    notes
}
