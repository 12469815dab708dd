//! Vetting: whether contract, suite and reference agree with a sequence before any receiver sees it.
//!
//! In: steps. Out: a scenario that the language allows, that applies here, and
//! in which the right reference has no finding; what does not fit is taken
//! out. So whatever a receiver fails in an exploration, it is held to.

use std::sync::Arc;

use super::coverage::{Coverage, Pair};
use super::edits;
use super::retold::retold;
use crate::judge::Setting;
use crate::reference::memory::MemoryStore;
use crate::reference::{Receiver, store::StoreError};
use crate::run::context::RunContext;
use crate::run::rehearsal::{Means, rehearse};
use crate::run::suite::reason_not_under;
use crate::scenario::deliver::Deliver;
use crate::scenario::expand::Loaded;
use crate::scenario::expect::Expect;
use crate::scenario::lint::{Known, lint};
use crate::scenario::{Scenario, Step};
use crate::session::supplies::Supplies;

/// More steps than so many are not taken out of one sequence; it is given up then.
const MOST_TAKEN_OUT: usize = 10;

/// Who is asked before a sequence is played.
pub struct Vetting {
    setting: Setting,
    supplies: Supplies,
    means: Means,
    known: Known,
}

impl Vetting {
    /// Vets for a context.
    #[must_use]
    pub fn on(context: &RunContext) -> Self {
        Self::new(context.setting.clone(), context.supplies.for_rehearsal(), context.means())
    }

    /// Vets for whoever sees so much.
    #[must_use]
    pub fn new(setting: Setting, supplies: Supplies, means: Means) -> Self {
        let known = Known::new(&setting.catalogue, supplies.bodies.keys().cloned());
        Self { setting, supplies, means, known }
    }

    /// What scenarios may refer to.
    #[must_use]
    pub fn known(&self) -> &Known {
        &self.known
    }

    /// Takes out of a sequence whatever no receiver can be held to, and tells coverage which pairs that were.
    ///
    /// Returns nothing where nothing is left, or too much is wrong.
    pub fn settle(&self, mut steps: Vec<Step>, mut kinds: Vec<Pair>, coverage: &mut Coverage) -> Option<(Vec<Step>, Vec<Pair>)> {
        for _ in 0..MOST_TAKEN_OUT {
            edits::cut_what_expects_nothing(&mut steps);
            kinds.truncate(steps.len());
            if steps.is_empty() {
                return None;
            }
            if self.agrees(&steps) {
                return Some((steps, kinds));
            }
            // The shortest beginning that does not fit ends with the step that is to blame.
            let (mut fits, mut fails) = (0, steps.len());
            while fails - fits > 1 {
                let middle = usize::midpoint(fits, fails);
                if self.agrees_so_far(&steps[..middle]) { fits = middle } else { fails = middle }
            }
            let wrong = fails.saturating_sub(1);
            coverage.refuse(&kinds[wrong]);
            let gone = edits::with_dependents(&steps, &[wrong]);
            let before = steps.clone();
            edits::remove(&mut steps, &gone);
            retold(&before, &mut steps);
            edits::remove(&mut kinds, &gone);
        }
        None
    }

    /// The same of a sequence whose kinds nobody asks for.
    #[must_use]
    pub fn settled(&self, steps: Vec<Step>) -> Option<Vec<Step>> {
        let kinds = steps.iter().map(super::generator::pair_in).collect();
        self.settle(steps, kinds, &mut Coverage::default()).map(|(steps, _)| steps)
    }

    fn agrees_so_far(&self, steps: &[Step]) -> bool {
        let mut steps = steps.to_vec();
        edits::cut_what_expects_nothing(&mut steps);
        steps.is_empty() || self.agrees(&steps)
    }

    /// Whether the language allows these steps, they apply, and the reference does as they say.
    #[must_use]
    pub fn agrees(&self, steps: &[Step]) -> bool {
        self.agrees_with(&loaded("explore/vetted", scenario_of(steps)))
    }

    /// The same of a whole scenario.
    #[must_use]
    pub fn agrees_with(&self, loaded: &Loaded) -> bool {
        self.why_not(loaded).is_none()
    }

    /// Why a scenario does not fit, in words.
    #[must_use]
    pub fn why_not(&self, loaded: &Loaded) -> Option<String> {
        if let Some(slip) = lint(&loaded.scenario, &self.known).first() {
            return Some(format!("{slip:?}"));
        }
        if let Some(reason) = reason_not_under(&self.setting, &self.supplies, loaded, self.means) {
            return Some(reason.text);
        }
        let played = self.reference().ok().and_then(|one| rehearse(&self.setting, &self.supplies.for_rehearsal(), loaded, one, self.means));
        let Some(played) = played else { return Some("it cannot be rehearsed".to_owned()) };
        let found = played.report.findings.first().map(|one| format!("step {}: {} where {} was due", one.step, one.observed, one.expected));
        found.or_else(|| played.end.map(|end| format!("{end:?}")))
    }

    fn reference(&self) -> Result<Receiver<MemoryStore>, StoreError> {
        crate::judge::scenario::reference(&self.setting, &self.supplies.signer)
    }

    /// The setting.
    #[must_use]
    pub fn setting(&self) -> &Setting {
        &self.setting
    }

    /// What rehearsals are made from.
    #[must_use]
    pub fn supplies(&self) -> Supplies {
        self.supplies.for_rehearsal()
    }

    /// What can be seen.
    #[must_use]
    pub fn means(&self) -> Means {
        self.means
    }

    /// Whether a scenario with such needs and steps can be played here, beside what the contract says.
    #[must_use]
    pub fn applies_on(context: &Arc<RunContext>, needs: &[&str], steps: &[Step]) -> bool {
        let shows = context.catalogue.requirements.iter().map(|one| one.id.clone()).find(|id| context.contract.promises(id));
        let scenario = Scenario {
            needs: needs.iter().map(|need| (*need).to_owned()).collect(),
            shows: shows.into_iter().collect(),
            ..scenario_of(steps)
        };
        context.reason_not_to_play(&loaded("explore/asked", scenario)).is_none()
    }
}

/// A scenario that is ready to be played.
#[must_use]
pub fn loaded(id: &str, scenario: Scenario) -> Loaded {
    Loaded { id: id.to_owned(), file: format!("{id}.yaml"), variant: None, scenario }
}

/// The scenario of some steps: what they show, and what they need.
#[must_use]
pub fn scenario_of(steps: &[Step]) -> Scenario {
    let mut shows: Vec<String> = Vec::new();
    for id in steps.iter().flat_map(all_shows) {
        if !shows.contains(&id) {
            shows.push(id);
        }
    }
    let mut needs: Vec<String> = Vec::new();
    for need in steps.iter().flat_map(needs_of) {
        if !needs.iter().any(|known| known == need) {
            needs.push(need.to_owned());
        }
    }
    needs.sort();
    Scenario {
        title: "A sequence that was explored".to_owned(),
        titles: std::collections::BTreeMap::new(),
        about: None,
        shows,
        needs,
        alone: steps.iter().any(|step| step.get.is_some()),
        stands: None,
        steps: steps.to_vec(),
    }
}

fn all_shows(step: &Step) -> Vec<String> {
    let inner = step.repeat.iter().flat_map(|block| block.steps.iter().flat_map(all_shows));
    step.shows.iter().cloned().chain(inner).collect()
}

/// What a step needs of a contract and its surroundings.
fn needs_of(step: &Step) -> Vec<&'static str> {
    let mut needs = Vec::new();
    if let Some(deliver) = &step.deliver {
        needs.extend(needs_of_delivery(deliver));
    }
    if let Some(expect) = &step.expect {
        needs.extend(needs_of_outcome(expect));
    }
    if let Some(burst) = &step.burst {
        needs.extend(needs_of_delivery(&burst.deliver));
        needs.extend((burst.each > 1).then_some("by-key"));
    }
    if let Some(state) = &step.state {
        let both = state.every_key_has_evidence;
        let grown = |member: fn(&crate::scenario::expect::Grown) -> Option<i64>| state.grown.as_ref().and_then(member).is_some();
        let keys = !state.keys.is_empty() || state.every_life_can_be_told || both || grown(|grown| grown.keys);
        let audit = !state.audit.is_empty() || both || grown(|grown| grown.audit) || !state.instants_never_go_back.is_empty();
        needs.extend(keys.then_some("keys"));
        needs.extend(audit.then_some("audit"));
        needs.extend((!state.schema.is_empty()).then_some("state"));
        needs.extend((!keys && !audit && state.schema.is_empty()).then_some("rows"));
    }
    if let Some(stream) = &step.stream {
        let ends = stream.expect.iter().any(|one| one.ends || one.finished);
        let beats = stream.expect.iter().any(|one| one.heartbeat) || stream.until.as_ref().is_some_and(|until| until.heartbeat);
        needs.extend(["stream", "streams"]);
        needs.extend(ends.then_some("stream-end"));
        needs.extend(beats.then_some("stream-heartbeat"));
    }
    needs.extend(step.effects.is_some().then_some("effects"));
    needs.extend(step.advance.is_some().then_some("time"));
    needs.extend(step.restart.is_some().then_some("restart"));
    if let Some(get) = &step.get {
        let is_audit = get.what == crate::scenario::deliver::Asked::Audit;
        needs.extend(is_audit.then_some("audit-url"));
        needs.extend(is_audit.then_some("state"));
    }
    needs.extend(step.repeat.iter().flat_map(|block| block.steps.iter().flat_map(needs_of)));
    needs
}

fn needs_of_delivery(deliver: &Deliver) -> Vec<&'static str> {
    let header = deliver.second_key_line.is_some();
    let spelled =
        deliver.key.as_ref().is_some_and(|key| !key.trim().is_empty()) || deliver.key_length.is_some() || deliver.key_up_to.is_some();
    [
        (deliver.signature.is_some(), "signed"),
        (deliver.no_key || deliver.key.is_some(), "key"),
        (header, "key-in-header"),
        (spelled || deliver.key_hex.is_some(), "free-keys"),
        (deliver.key_as_number, "any-json-key"),
        (deliver.elsewhere, "scope"),
        (deliver.provoke_failure, "failures"),
        (deliver.respell_of.is_some(), "fingerprint"),
        (deliver.ttl.is_some(), "ttl-per-delivery"),
        (deliver.stream.is_some() || deliver.stream_of.is_some(), "stream"),
        (deliver.stream.is_some() || deliver.stream_of.is_some(), "streams"),
        (deliver.ends_stream, "stream-end"),
        (deliver.event_bytes.is_some() || deliver.event_text.is_some() || deliver.event_lacks, "long-events"),
        (deliver.row_when_told.is_some(), "audit"),
        (deliver.signed_over_raw.is_some() || deliver.signed_over.is_some(), "signed-body"),
    ]
    .into_iter()
    .filter_map(|(needs, word)| needs.then_some(word))
    .collect()
}

fn needs_of_outcome(expect: &Expect) -> Vec<&'static str> {
    match expect {
        Expect::DuplicateOf(_) | Expect::OnceWith(_) | Expect::ReuseOf(_) | Expect::ElsewhereOf(_) | Expect::Respelled(_) => vec!["by-key"],
        Expect::AgainAfter(_) | Expect::Failed => vec!["by-key", "failures"],
        Expect::KeptRefusalOf(_) => vec!["by-key", "refusals-kept"],
        Expect::AnyOf(any) | Expect::Rather(any) => any.iter().flat_map(needs_of_outcome).collect(),
        Expect::Accepted | Expect::NotTaken | Expect::Refused(_) | Expect::NoAnswer | Expect::Rejected => Vec::new(),
    }
}
