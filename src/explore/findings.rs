//! Findings of an exploration: which of them are new, and the scenario file of each.
//!
//! In: a sequence that failed. Out: its shortest form as a scenario that was
//! read again from its own text, with a title that says what it shows, and how
//! often it failed.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::shrinking::{Shrinker, Sign};
use super::vetting::{Vetting, scenario_of};
use super::writing;
use crate::clock::Moment;
use crate::history::Operation;
use crate::report::{Finding, RunFacts, ScenarioReport, Target};
use crate::run::assemble;
use crate::run::batches::Batches;
use crate::scenario::Scenario;
use crate::scenario::expand::Loaded;

/// More findings than so many say nothing more.
const MOST: usize = 12;
/// What was late once and did not come again is tried again so often when it comes in another sequence.
const MOST_UNSURE: usize = 3;

/// A finding, as a scenario.
#[derive(Clone, Debug)]
pub struct Found {
    /// Its id in the report.
    pub id: String,
    /// Its file's name.
    pub name: String,
    /// The file's text.
    pub text: String,
    /// What it shows.
    pub title: String,
    /// The requirement that is broken.
    pub requirement: String,
    /// How many steps it has.
    pub steps: usize,
    /// How often it failed.
    pub failed: usize,
    /// Of so many times that it was played.
    pub played: usize,
    /// How long after the beginning it was found.
    pub after: Duration,
}

/// What came of shrinking.
pub struct Told {
    /// The scenario's id in the report.
    pub id: String,
    /// What it shows.
    pub title: String,
    /// Its file, as reports say it.
    pub file: String,
    /// The report and the deliveries of the last time that it failed.
    pub seen: Option<(ScenarioReport, Vec<Operation>)>,
    /// How many tries were played.
    pub tries: usize,
}

/// What failed once, and not again as often as it takes: that is no finding. What is late may be a busy machine's doing.
#[derive(Clone, Debug)]
pub struct Once {
    /// What was expected.
    pub finding: String,
    /// How many tries were played.
    pub tries: usize,
    /// Whether a busy machine may have been it.
    pub is_of_time: bool,
}

impl Once {
    /// In a sentence.
    #[must_use]
    pub fn sentence(&self) -> String {
        let Self { finding, tries, is_of_time } = self;
        let why = if *is_of_time { "it was not in time once" } else { "it failed once" };
        let perhaps = if *is_of_time { ": the machine may have been busy" } else { "" };
        format!("{finding}; {why}, and seldom or never in {tries} repetitions{perhaps}")
    }
}

/// What was found so far.
pub struct Findings {
    folder: String,
    origin: String,
    began: Moment,
    signs: BTreeSet<Sign>,
    /// What was late and never again, how often each.
    unsure: BTreeMap<Sign, usize>,
    found: Vec<Found>,
}

impl Findings {
    /// Nothing yet.
    ///
    /// * `folder`: where files will be, as reports say it.
    /// * `origin`: where they come from, as the files say it.
    #[must_use]
    pub fn new(folder: String, origin: String) -> Self {
        Self { folder, origin, began: Moment::now(), signs: BTreeSet::new(), unsure: BTreeMap::new(), found: Vec::new() }
    }

    /// What was found.
    #[must_use]
    pub fn found(&self) -> &[Found] {
        &self.found
    }

    /// What was found, in the order in which it was.
    #[must_use]
    pub fn into_found(self) -> Vec<Found> {
        self.found
    }

    /// Whether nothing like it was found before.
    #[must_use]
    pub fn is_new(&self, finding: &Finding) -> bool {
        self.found.len() < MOST && !self.signs.contains(&Sign::of(finding)) && !self.signs.iter().any(|sign| sign.is_of(finding))
    }

    /// Shrinks a sequence, and makes a scenario of it.
    ///
    /// # Errors
    /// [`Once`], where it says nothing of the receiver.
    pub async fn shrink(
        &mut self,
        (batches, vetting): (&mut Batches, &Vetting),
        (one, finding): (&Loaded, &Finding),
        (time, whole): (Duration, Duration),
    ) -> Result<Told, Once> {
        let sign = Sign::of(finding);
        let as_found = sign.clone();
        self.signs.insert(sign.clone());
        let after = self.began.elapsed();
        let mut shrinker = Shrinker { batches, vetting, sign, began: Moment::now(), time, whole, tries: 0, seen: None };
        let shrunk = shrinker.shrink(&one.scenario.steps, finding.step).await;
        let is_of_time = Sign::is_of_time(finding, vetting.setting().catalogue.always.answers_in_time.as_deref());
        let Some(steps) = shrunk else {
            let tries = shrinker.tries;
            return Err(self.once(&as_found, finding, (tries, is_of_time)));
        };
        let told = shrinker.seen.as_ref().and_then(|(report, _)| sentence_of(vetting, report));
        let title = told.unwrap_or_else(|| sentence_of_finding(finding));
        let name = self.name(&title);
        let id = format!("explore/{}", name.trim_end_matches(".yaml"));
        let file = if self.folder.is_empty() { name.clone() } else { format!("{}/{name}", self.folder) };
        let about = |how: &str| format!("Found by {}: {} is broken. {how}", self.origin, finding.requirement);
        let written = |how: &str| writing::write(&Scenario { title: title.clone(), about: Some(about(how)), ..scenario_of(&steps) });
        // What is played last is what stands in the file, with its lines.
        let read = writing::read_again(&id, &file, &written("-"), vetting.known());
        let (failed, played) = match &read {
            Some(read) => shrinker.measure(read).await,
            None => (0, shrinker.tries),
        };
        let how = match (failed, played) {
            (0, played) => format!("It failed once, and none of {played} times after that."),
            (failed, played) => format!("It failed {failed} of {played} times that it was played."),
        };
        let (tries, seen) = (shrinker.tries, shrinker.seen.take());
        // One that is late now and then is late by itself only where its repetitions show it.
        if is_of_time && !is_late_again(failed, played) {
            return Err(self.once(&as_found, finding, (tries, is_of_time)));
        }
        // What is plain is filed under the requirement that speaks of it.
        let plainest =
            seen.as_ref().and_then(|(report, _)| report.findings.iter().find(|one| as_found.is_of(one)).map(|one| one.requirement.clone()));
        let requirement = plainest.unwrap_or_else(|| finding.requirement.clone());
        self.found.push(Found {
            id: id.clone(),
            name,
            title: title.clone(),
            requirement,
            steps: steps.len(),
            text: written(&how),
            failed,
            played,
            after,
        });
        Ok(Told { id, title, file, seen, tries })
    }

    /// What was late once; it may be tried again when it comes in another sequence.
    fn once(&mut self, sign: &Sign, finding: &Finding, (tries, is_of_time): (usize, bool)) -> Once {
        let times = self.unsure.entry(sign.clone()).or_default();
        *times += 1;
        if *times < MOST_UNSURE {
            self.signs.remove(sign);
        }
        Once { finding: sentence_of_finding(finding), tries, is_of_time }
    }

    /// A name for a file that no other has.
    fn name(&self, title: &str) -> String {
        let plain = writing::file_name(title);
        let taken = |name: &str| self.found.iter().any(|one| one.name == name);
        let numbered = (2..).map(|number| format!("{plain}-{number}.yaml"));
        std::iter::once(format!("{plain}.yaml")).chain(numbered).find(|name| !taken(name)).unwrap_or(plain)
    }
}

/// Whether what is late was late again so often that no busy machine is by chance.
fn is_late_again(failed: usize, played: usize) -> bool {
    failed >= 2 && failed * 4 >= played
}

/// What a report says of its scenario in a sentence: that of its first cause.
fn sentence_of(vetting: &Vetting, report: &ScenarioReport) -> Option<String> {
    let setting = vetting.setting();
    let facts = RunFacts::default();
    let one = assemble(setting.contract(), &setting.catalogue, setting.level, facts, Target::default(), vec![report.clone()]);
    one.causes.first().map(|cause| capital(&cause.sentence))
}

fn sentence_of_finding(finding: &Finding) -> String {
    let line = |text: &str| text.lines().next().unwrap_or_default().to_owned();
    capital(&format!("{}: expected {}", finding.requirement, line(&finding.expected)))
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().collect::<String>() + letters.as_str())
}

#[cfg(test)]
mod tests {
    use super::{Once, Sign, is_late_again};
    use crate::outcome::mismatch::{Kind, MismatchCode};
    use crate::report::Finding;

    /// What was not in time may be the machine's doing; that something else came, or nothing at all for another reason, is not.
    #[test]
    fn what_is_about_time_is_told_from_the_rest() {
        let table = |table: &str, role: Option<&str>| {
            let (table, role) = (Some(table.to_owned()), role.map(str::to_owned));
            MismatchCode { table, role, ..MismatchCode::of(Kind::Stream) }
        };
        let rows = [
            ("HTTP-7", MismatchCode::of(Kind::Late), true),
            ("HTTP-7", MismatchCode::of(Kind::Silent), true),
            ("AUTH-1", MismatchCode::of(Kind::Silent), false),
            ("AUTH-1", MismatchCode::of(Kind::HonestFailed), false),
            ("SSE-12", table("silence", None), true),
            ("SSE-13", table("stuck", Some("lost")), true),
            ("SSE-7", table("lost", Some("stuck")), true),
            ("SSE-7", table("lost", None), false),
        ];
        for (requirement, mismatch, is_of_time) in rows {
            let finding = Finding { requirement: requirement.to_owned(), mismatch, ..Finding::default() };
            assert_eq!(Sign::is_of_time(&finding, Some("HTTP-7")), is_of_time, "{finding:?}");
        }
        let once = Once { finding: "HTTP-7: expected an answer within 2 s".to_owned(), tries: 10, is_of_time: true }.sentence();
        assert!(
            once.starts_with("HTTP-7: expected an answer within 2 s; it was not in time once, and seldom or never in 10 repetitions"),
            "{once}"
        );
    }

    /// Late once in twenty times is no finding; late in a quarter of them is one.
    #[test]
    fn late_now_and_then_is_no_finding() {
        assert!(!is_late_again(0, 10) && !is_late_again(1, 20) && !is_late_again(1, 3) && !is_late_again(4, 20));
        assert!(is_late_again(3, 3) && is_late_again(5, 20));
    }
}
