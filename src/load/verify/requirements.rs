//! Requirements of a load: those that every load under a contract tells stand in its report, as the catalogue has them.
//!
//! A report, its contract and the catalogue in; what does not agree out, a sentence each.

use crate::contract::Contract;
use crate::load::judging::{Judged, of_every_history};
use crate::load::report::LoadReport;
use crate::load::worker::State;
use crate::report::Verdict;
use crate::scenario::requirement::Catalogue;

/// What lacks, or is told otherwise. A load of several contracts names each beside its requirements, and is not looked at here.
pub(super) fn wrong(report: &LoadReport, contract: &Contract, catalogue: &Catalogue) -> Vec<String> {
    if !report.contracts.is_empty() {
        return Vec::new();
    }
    let mut wrong = Vec::new();
    // A worker that was cut short has left no report that would tell.
    let is_whole = report.workers.iter().all(|one| matches!(one.state, State::Complete | State::Interrupted));
    if report.judged && is_whole {
        let is_told = |id: &&String| report.requirements.iter().any(|one| one.id == **id);
        let lacking = of_every_history(catalogue, contract).filter(|id| !is_told(id));
        wrong.extend(lacking.map(|id| format!("it is judged, and does not tell {id}, which every load under its contract tells")));
    }
    for one in &report.requirements {
        let told = || report.requirements.iter().filter(|other| other.id == one.id).count();
        match catalogue.get(&one.id) {
            None => wrong.push(format!("it tells {}, which the contract's catalogue does not have", one.id)),
            Some(known) if known.level != one.level => wrong.push(format!("{} is told with another level than the catalogue has", one.id)),
            Some(_) if told() > 1 => wrong.push(format!("{} is told more than once", one.id)),
            Some(_) => wrong.extend(weaker(one)),
        }
    }
    wrong.dedup();
    wrong
}

/// What must be so is never only warned of.
fn weaker(one: &Judged) -> Option<String> {
    let is_must = one.level == crate::contract::Level::Must;
    (is_must && one.verdict == Verdict::Warn).then(|| format!("{} is said to be `warn`, and is one that must be kept", one.id))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Level;
    use crate::contract::reading::read_contract;
    use crate::files;
    use crate::load::judging::Checked;

    /// A requirement that is taken out, made lighter or told twice is seen.
    #[test]
    fn requirements_that_every_load_tells_are_missed() {
        let file = files::shipped_contract("orch-phase3").unwrap();
        let contract = read_contract(&file.path, &file.text, &|name| files::shipped_contract(name).map(|file| file.text)).unwrap();
        let text = files::shipped_suite("core").catalogue.unwrap();
        let catalogue = Catalogue::read(&text.path, &text.text).unwrap();
        let all: Vec<Judged> = of_every_history(&catalogue, &contract)
            .map(|id| Judged::of(&catalogue, id, Verdict::Pass, 9, 0).counting(Checked::Keys))
            .collect();
        assert!(all.len() > 1);
        let right = LoadReport { requirements: all, ..crate::load::verify::tests::report() };
        assert_eq!(wrong(&right, &contract, &catalogue), Vec::<String>::new());
        let told = |change: &dyn Fn(&mut Vec<Judged>)| {
            let mut other = right.clone();
            change(&mut other.requirements);
            wrong(&other, &contract, &catalogue).join("; ")
        };
        let must = right.requirements.iter().position(|one| one.level == Level::Must).unwrap();
        assert!(told(&|all| drop(all.remove(0))).contains(&format!("does not tell {}", right.requirements[0].id)));
        assert!(told(&|all| all[must].level = Level::Should).contains("another level"));
        assert!(told(&|all| all[must].verdict = Verdict::Warn).contains("one that must be kept"));
        assert!(told(&|all| all.push(all[0].clone())).contains("more than once"));
        assert!(told(&|all| all[0].id = "NOPE-1".to_owned()).contains("does not have"));
        let unjudged = LoadReport { judged: false, requirements: Vec::new(), ..right.clone() };
        assert_eq!(wrong(&unjudged, &contract, &catalogue), Vec::<String>::new());
    }
}
