//! Inclusion: one suite on top of another.
//!
//! Takes two catalogues, gives the one that a suite which includes the other
//! speaks by. What the upper one says wins; what it does not say is the lower
//! one's. Reading files is not done here.
//!
//! Start at [`Catalogue::on`].

use std::collections::BTreeMap;

use super::requirement::{Always, Catalogue, Requirement, Translation, letters};

impl Catalogue {
    /// This catalogue on top of `base`.
    ///
    /// A requirement that both have is this one's, in its place among those of
    /// the base; a translation of the base's sentence goes with the sentence.
    /// One that the base lacks stands after the last of its topic with a lower
    /// number.
    #[must_use]
    pub fn on(self, base: &Self) -> Self {
        let mut requirements = base.requirements.clone();
        for own in &self.requirements {
            place(&mut requirements, own);
        }
        Self {
            capabilities: laid_over(&base.capabilities, self.capabilities),
            topics: laid_over(&base.topics, self.topics),
            always: self.always.on(&base.always),
            speaks: laid_over(&base.speaks, self.speaks),
            underlies: laid_over(&base.underlies, self.underlies),
            translations: translated(&base.translations, self.translations, &self.requirements),
            requirements,
            suite: self.suite,
            includes: self.includes,
            ordinary_body: self.ordinary_body,
        }
    }
}

fn laid_over<T: Clone>(base: &BTreeMap<String, T>, own: BTreeMap<String, T>) -> BTreeMap<String, T> {
    base.clone().into_iter().chain(own).collect()
}

/// Puts a requirement in the place of its namesake, or else in order among those of its topic.
fn place(requirements: &mut Vec<Requirement>, own: &Requirement) {
    if let Some(namesake) = requirements.iter_mut().find(|one| one.id == own.id) {
        let memory = own.memory || namesake.memory;
        *namesake = Requirement { memory, ..own.clone() };
        return;
    }
    let of_topic = |one: &Requirement| letters(&one.id) == letters(&own.id);
    let lower = requirements.iter().rposition(|one| of_topic(one) && number(&one.id) < number(&own.id));
    let at = lower.map(|at| at + 1).or_else(|| requirements.iter().position(of_topic)).unwrap_or(requirements.len());
    requirements.insert(at, own.clone());
}

/// The number of a requirement in its topic.
fn number(id: &str) -> u32 {
    id.rsplit('-').next().and_then(|digits| digits.parse().ok()).unwrap_or(u32::MAX)
}

fn translated(
    base: &BTreeMap<String, Translation>,
    own: BTreeMap<String, Translation>,
    said_anew: &[Requirement],
) -> BTreeMap<String, Translation> {
    let mut all = base.clone();
    for words in all.values_mut() {
        words.sentences.retain(|id, _| said_anew.iter().all(|one| one.id != *id));
    }
    for (language, words) in own {
        let all = all.entry(language).or_default();
        all.topics.extend(words.topics);
        all.sentences.extend(words.sentences);
    }
    all
}

impl Always {
    /// This on top of `base`, member by member.
    fn on(self, base: &Self) -> Self {
        let or = |own: Option<String>, base: &Option<String>| own.or_else(|| base.clone());
        Self {
            answers_in_time: or(self.answers_in_time, &base.answers_in_time),
            honest_is_accepted: or(self.honest_is_accepted, &base.honest_is_accepted),
            some_order_explains: or(self.some_order_explains, &base.some_order_explains),
            acceptances_are_audited: or(self.acceptances_are_audited, &base.acceptances_are_audited),
            keys_have_evidence: or(self.keys_have_evidence, &base.keys_have_evidence),
            refusals_leave_no_trace: or(self.refusals_leave_no_trace, &base.refusals_leave_no_trace),
            rows_are_as_promised: or(self.rows_are_as_promised, &base.rows_are_as_promised),
            hashes_are_of_the_body: or(self.hashes_are_of_the_body, &base.hashes_are_of_the_body),
            instants_never_go_back: or(self.instants_never_go_back, &base.instants_never_go_back),
            refusals_are_not_audited: or(self.refusals_are_not_audited, &base.refusals_are_not_audited),
            page_shows_the_rows: or(self.page_shows_the_rows, &base.page_shows_the_rows),
            nothing_follows: or(self.nothing_follows, &base.nothing_follows),
            acceptances_are_streamed_once: or(self.acceptances_are_streamed_once, &base.acceptances_are_streamed_once),
            streams_tell_their_own: or(self.streams_tell_their_own, &base.streams_tell_their_own),
            streams_keep_their_order: or(self.streams_keep_their_order, &base.streams_keep_their_order),
            work_is_done_once: or(self.work_is_done_once, &base.work_is_done_once),
            nothing_else_is_done: or(self.nothing_else_is_done, &base.nothing_else_is_done),
            keys_outlive_restarts: or(self.keys_outlive_restarts, &base.keys_outlive_restarts),
            ids_outlive_restarts: or(self.ids_outlive_restarts, &base.ids_outlive_restarts),
            lives: or(self.lives, &base.lives),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn catalogue(text: &str) -> Catalogue {
        Catalogue::read("requirements.yaml", text).expect("it has no mistake")
    }

    fn base() -> Catalogue {
        catalogue(
            "{suite: base, ordinary_body: b, capabilities: {state: rows}, topics: {A: letters, B: base's},
              always: {lives: A-1, answers_in_time: A-3}, requirements: [
                {id: A-1, level: must, sentence: base 1, source: s, memory: true}, {id: A-3, level: must, sentence: base 3, source: s},
                {id: B-1, level: must, sentence: base B, source: s}],
              translations: {ja: {topics: {A: 字}, sentences: {A-1: 一, A-3: 三}}}}",
        )
    }

    /// Own sentences win in the base's place; new ones stand in order of their numbers; topics that are new come last.
    #[test]
    fn requirements_stand_in_order() {
        let own = "{suite: own, includes: [base], ordinary_body: o, topics: {B: own, C: new}, always: {lives: C-1}, requirements: [
            {id: C-1, level: must, sentence: own C, source: s}, {id: A-10, level: must, sentence: own 10, source: s},
            {id: A-1, level: should, sentence: own 1, source: s}, {id: A-2, level: must, sentence: own 2, source: s},
            {id: B-0, level: must, sentence: own B, source: s}],
            translations: {ja: {sentences: {A-2: 二}}}}";
        let merged = catalogue(own).on(&base());
        let told: Vec<String> = merged.requirements.iter().map(|one| format!("{} {}", one.id, one.sentence)).collect();
        assert_eq!(told, ["A-1 own 1", "A-2 own 2", "A-3 base 3", "A-10 own 10", "B-0 own B", "B-1 base B", "C-1 own C"]);
        assert!(merged.requirements[0].memory, "what a requirement is about stays");
        assert_eq!((merged.suite.as_str(), merged.ordinary_body.as_str()), ("own", "o"));
        assert_eq!((merged.topic_of("A-1"), merged.topic_of("B-1")), ("letters".to_owned(), "own".to_owned()));
        assert_eq!((merged.always.lives.as_deref(), merged.always.answers_in_time.as_deref()), (Some("C-1"), Some("A-3")));
        assert_eq!(merged.meaning_of("state"), Some("rows"));
        let japanese = |id: &str| merged.translations_of(id).get("ja").map(|words| words.sentence.clone());
        assert_eq!((japanese("A-1"), japanese("A-2"), japanese("A-3")), (None, Some("二".to_owned()), Some("三".to_owned())));
    }
}
