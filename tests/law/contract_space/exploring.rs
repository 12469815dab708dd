//! What exploring makes of event streams: sequences that the right reference keeps under every contract, and that wrong ones do not.
//!
//! In memory, so that nobody waits for an event that does not come: the same sequences, the same judge.

use std::collections::BTreeSet;
use std::sync::Arc;

use hookgate::contract::Contract;
use hookgate::explore::alphabet::alphabet;
use hookgate::explore::coverage::Coverage;
use hookgate::explore::edits;
use hookgate::explore::generator::Generator;
use hookgate::explore::letters::{Form, Letter};
use hookgate::explore::promises::Promises;
use hookgate::explore::vetting::{Vetting, loaded, scenario_of};
use hookgate::reference::defect::CATALOGUE;
use hookgate::scenario::Step;
use hookgate::scenario::expand::Loaded;

use super::axes::{SUITE, contract, name, points};
use super::{Stage, rehearse};

/// A stage, and what sequences are made from there.
struct Explorer {
    stage: Stage,
    contract: Arc<Contract>,
    promises: Promises,
    letters: Vec<Letter>,
}

impl Explorer {
    fn of(contract: &Arc<Contract>) -> Self {
        let stage = Stage::of(contract);
        let suite: Vec<&Loaded> = stage.applicable().collect();
        let promises = Promises::of(&suite, |id| contract.promises(id));
        let bodies: Vec<String> = SUITE.bodies.keys().cloned().collect();
        let letters = alphabet(contract, &stage.supplies.signer, &promises, &bodies);
        Self { stage, contract: Arc::clone(contract), promises, letters }
    }

    /// Sequences that are mostly about streams, restarts among them.
    fn sequences(&self, count: u64) -> Vec<(Vec<Step>, Vec<String>)> {
        let ttl = self.stage.setting.ttl;
        let generator = Generator { contract: &self.contract, promises: &self.promises, letters: &self.letters, ttl };
        let share = |letter: &Letter| match &letter.form {
            Form::Stream(_) => 8.0,
            Form::Honest(_) if self.contract.can("by-key") => 0.1,
            Form::Restart(_) if self.contract.can("by-key") => 1.0,
            _ => 0.0,
        };
        let mut coverage = Coverage::default();
        let mut make = |number| {
            let (mut steps, kinds) = generator.sequence(&mut hookgate::random::Rng::new(7, number), 25, &coverage, &share);
            kinds.iter().for_each(|pair| coverage.made(pair));
            edits::cut_what_expects_nothing(&mut steps);
            (steps, kinds.into_iter().map(|(kind, _)| kind).collect())
        };
        (0..count).map(&mut make).collect()
    }

    fn vetting(&self) -> Vetting {
        Vetting::new(self.stage.setting.clone(), self.stage.supplies.for_rehearsal(), self.stage.means)
    }
}

/// At most one of so many sequences may expect what the reference does not do; vetting takes it out.
const MOST_ODD: usize = 40;

/// Whatever a contract says of streams, what exploring expects of them is what the reference does; a few odd combinations apart, which are
/// taken out before anybody is judged by them.
#[test]
fn sequences_of_streams_are_kept_by_the_reference() {
    let (mut wrong, mut made, mut kinds) = (Vec::new(), 0_usize, BTreeSet::new());
    for point in points() {
        let Some(contract) = contract(&point).filter(|contract| contract.can("streams")) else { continue };
        let explorer = Explorer::of(&contract);
        let vetting = explorer.vetting();
        for (steps, of) in explorer.sequences(16) {
            made += 1;
            kinds.extend(of.into_iter().filter(|kind| kind.starts_with("stream:")));
            let why = vetting.why_not(&loaded("explore/sequence", scenario_of(&steps)));
            // Under some contracts no body has room for the name of a stream.
            if let Some(why) = why.filter(|why| !why.contains("is told on no stream")) {
                wrong.push(format!("{}: {why}", name(&point)));
            }
        }
    }
    assert!(made >= 30, "{made} sequences only");
    assert!(wrong.len() * MOST_ODD <= made, "{} of {made}:\n{}", wrong.len(), wrong.join("\n"));
    for kind in ["begin", "publish", "crowd", "open", "read", "away", "back", "resume", "unknown", "cut", "meanwhile", "end", "heartbeat"] {
        assert!(kinds.contains(&format!("stream:{kind}")), "{kind}: {kinds:?}");
    }
}

/// The defects of streams that show in memory are found by such sequences, without a scenario of the suite.
#[test]
fn sequences_of_streams_find_what_is_wrong_with_them() {
    // What hangs on sockets, or on time that passes between two of them; on more events than any sequence has; or on what no letter says.
    const NOT_IN_MEMORY: [&str; 13] = [
        "evicted-id-is-a-silent-gap",
        "ids-start-anew",
        "stream-is-buffered-to-its-end",
        "gzip-is-buffered",
        "place-is-never-free-again",
        "slow-reader-blocks-all",
        "subscribers-share-one-queue",
        "slow-reader-blocks-answers",
        "event-before-its-audit-row",
        "event-before-row-and-answer",
        "jobs-in-another-case-share-a-stream",
        "event-data-is-not-escaped",
        "what-lacks-is-told-empty",
    ];
    let contract = Arc::new(hookgate::suites::contract("orch-phase4").expect("it is shipped"));
    let explorer = Explorer::of(&contract);
    // A heartbeat is seldom waited for: it takes its time.
    let sequences = explorer.sequences(200);
    let (setting, signer) = (&explorer.stage.setting, &explorer.stage.supplies.signer);
    let mut missed = Vec::new();
    for defect in CATALOGUE.iter().filter(|defect| {
        defect.under == "orch-phase4" && defect.breaks.iter().any(|id| id.starts_with("SSE")) && !NOT_IN_MEMORY.contains(&defect.name)
    }) {
        let fails = |steps: &Vec<Step>| {
            let wrong = hookgate::sqlite::mutants::receiver(setting.contract(), Some(signer.clone()), None, setting.ttl, *defect);
            let mut wrong = wrong.expect("memory does not fail");
            wrong.set_origin(setting.origin.clone());
            let one = loaded("explore/sequence", scenario_of(steps));
            let supplies = explorer.stage.supplies.for_rehearsal();
            rehearse(setting, &supplies, &one, wrong, explorer.stage.means).is_some_and(|played| !played.report.findings.is_empty())
        };
        if !sequences.iter().any(|(steps, _)| fails(steps)) {
            missed.push(defect.name);
        }
    }
    assert!(missed.is_empty(), "{missed:?}");
}
