//! Findings of an exploration: which of them are new, and the scenario file of each.
//!
//! In: a sequence that failed. Out: its shortest form as a scenario that was
//! read again from its own text, with a title that says what it shows, and how
//! often it failed.

use std::collections::BTreeSet;
use std::time::Duration;

use super::company::Company;
use super::doubts::{Doubts, Witness};
use super::edits;
use super::promises::Promises;
use super::shrinking::{Shrinker, named, over_one_connection};
use super::sign::Sign;
use super::vetting::{Vetting, loaded, scenario_of};
use super::writing;
use crate::clock::Moment;
use crate::history::Operation;
use crate::report::{Finding, RunFacts, ScenarioReport, Target};
use crate::run::assemble;
use crate::run::batches::Batches;
use crate::scenario::deliver::{Burst, BurstBodies, Deliver};
use crate::scenario::expand::Loaded;
use crate::scenario::{Counts, Scenario, Step};

/// More findings than so many say nothing more.
const MOST: usize = 12;
/// So much of the time is for shortening what fails in company alone.
const IN_COMPANY: f64 = 0.8;

/// A finding, as a scenario.
#[derive(Clone, Debug)]
pub struct Found {
    /// Its id in the report.
    pub id: String,
    /// Its file's name.
    pub name: String,
    /// The file's text.
    pub text: String,
    /// Files of what is to be played beside it, where it does not fail alone: their names and texts.
    pub beside: Vec<(String, String)>,
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
    promises: Promises,
    began: Moment,
    signs: BTreeSet<Sign>,
    doubts: Doubts,
    found: Vec<Found>,
}

/// A scenario as it is written.
struct Text<'a> {
    title: &'a str,
    requirement: &'a str,
    steps: &'a [Step],
}

impl Findings {
    /// Nothing yet.
    ///
    /// * `folder`: where files will be, as reports say it.
    /// * `origin`: where they come from, as the files say it.
    /// * `promises`: under which requirement what is left is filed.
    #[must_use]
    pub fn new(folder: String, origin: String, promises: Promises) -> Self {
        let (signs, doubts, found) = (BTreeSet::new(), Doubts::default(), Vec::new());
        Self { folder, origin, promises, began: Moment::now(), signs, doubts, found }
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
        self.found.len() < MOST && !self.signs.iter().any(|sign| sign.is_of(finding))
    }

    /// Takes note of what a sequence shows that was not found before, and says what of it is worth a try: what a busy machine has
    /// no share in comes first.
    pub fn worth_a_try(&mut self, new: &[Finding], vetting: &Vetting) -> Option<Finding> {
        let in_time = vetting.setting().catalogue.always.answers_in_time.as_deref();
        let (late, wrong): (Vec<&Finding>, Vec<&Finding>) = new.iter().partition(|one| Sign::is_of_time(one, in_time));
        self.doubts.see(wrong.iter().map(|one| Sign::of(one).what()));
        let is_worth = |one: &&Finding, is_of_time| self.doubts.is_worth_a_try(&Sign::of(one).what(), is_of_time);
        let first = wrong.into_iter().find(|one| is_worth(one, false));
        first.or_else(|| late.into_iter().find(|one| is_worth(one, true))).cloned()
    }

    /// Shrinks a sequence, and makes a scenario of it.
    ///
    /// * `company`: what it was played beside: it may not fail alone.
    ///
    /// # Errors
    /// [`Once`], where it says nothing of the receiver.
    pub async fn shrink(
        &mut self,
        (batches, vetting): (&mut Batches, &Vetting),
        (one, finding, company): (&Loaded, &Finding, &Company),
        (time, whole): (Duration, Duration),
    ) -> Result<Told, Once> {
        let after = self.began.elapsed();
        let is_of_time = Sign::is_of_time(finding, vetting.setting().catalogue.always.answers_in_time.as_deref());
        let sign = Sign::of(finding);
        let (began, beside) = (Moment::now(), Vec::new());
        let mut shrinker = Shrinker { batches, vetting, sign: sign.clone(), beside, began, time, whole, tries: 0, seen: None };
        let mut shrunk = shrinker.shrink(&one.scenario.steps, finding.step).await;
        if shrunk.is_none() && !is_of_time && !company.others.is_empty() {
            shrunk = self.in_company(&mut shrinker, (one, finding, company)).await;
        }
        let once = |tries: usize| Once { finding: sentence_of_finding(finding), tries, is_of_time };
        let Some(mut steps) = shrunk else { return Err(once(shrinker.tries)) };
        self.promises.retell(&mut steps);
        let told = shrinker.seen.as_ref().and_then(|(report, _)| sentence_of(vetting, report));
        let title = told.unwrap_or_else(|| sentence_of_finding(finding));
        let (name, id, file) = self.names(&title);
        // What a run plays has connections of its own: what hangs on one is played over one.
        let over_one = over_one_connection(&steps);
        let (mut failed, mut played) = (0, 0);
        for way in [steps.clone(), over_one] {
            if failed > 0 || !vetting.agrees(&way) {
                continue;
            }
            // What is played last is what stands in the file, with its lines.
            let text = self.written(&Text { title: &title, requirement: &finding.requirement, steps: &way }, "-");
            let read = writing::read_again(&id, &file, &text, vetting.known());
            let read = read.unwrap_or_else(|| Loaded { file: file.clone(), ..loaded(&id, scenario_of(&way)) });
            (failed, played) = shrinker.measure(&read).await;
            steps = way;
        }
        // One that is late now and then is late by itself only where its repetitions show it.
        if failed == 0 || (is_of_time && !is_late_again(failed, played)) {
            return Err(once(shrinker.tries));
        }
        let (tries, seen, others) = (shrinker.tries, shrinker.seen.take(), std::mem::take(&mut shrinker.beside));
        // What is plain is filed under the requirement that speaks of it.
        let plainest = seen.as_ref().and_then(|(report, _)| report.findings.iter().find(|one| sign.is_of(one)));
        let requirement = plainest.map_or_else(|| finding.requirement.clone(), |one| one.requirement.clone());
        let how = format!("It failed {failed} of {played} times that it was played{}.", beside_it(others.len()));
        let text = self.written(&Text { title: &title, requirement: &requirement, steps: &steps }, &how);
        let beside = self.beside(&name, &title, &others);
        self.signs.insert(sign);
        let steps = steps.len();
        self.found.push(Found { id: id.clone(), name, text, beside, title: title.clone(), requirement, steps, failed, played, after });
        Ok(Told { id, title, file, seen, tries })
    }

    /// The same, where a sequence fails in company alone: many of one kind at once, or what others sent in between, or others at the
    /// same time.
    async fn in_company(&self, shrinker: &mut Shrinker<'_>, (one, finding, company): (&Loaded, &Finding, &Company)) -> Option<Vec<Step>> {
        shrinker.time = shrinker.whole.mul_f64(IN_COMPANY);
        let merged = shrinker.vetting.settled(company.merged(one, finding.step));
        for steps in [self.crowd(), merged.unwrap_or_default()] {
            if !steps.is_empty() && shrinker.vetting.agrees(&steps) {
                let shrunk = shrinker.shrink(&steps, 0).await;
                if shrunk.is_some() {
                    return shrunk;
                }
            }
        }
        shrinker.beside.clone_from(&company.others);
        shrinker.shrink(&one.scenario.steps, finding.step).await
    }

    /// Several senders of several keys at once.
    fn crowd(&self) -> Vec<Step> {
        const SENDERS: usize = 4;
        let burst = Burst { name: None, keys: 8, each: SENDERS, keys_of: None, deliver: Deliver::default(), bodies: BurstBodies::Alike };
        let counts = Counts { accepted: Some(1), repeated: Some(SENDERS - 1), other: Some(0), ..Counts::default() };
        let shows = self.promises.shows(&["burst"]);
        if shows.is_empty() { Vec::new() } else { vec![Step { burst: Some(burst), counts: Some(counts), shows, ..Step::default() }] }
    }

    /// A sequence failed once, and not again.
    pub fn in_vain(&mut self, once: &Once, witness: Witness) {
        let what = Sign::of(&witness.finding).what();
        self.doubts.in_vain(what, Some(witness).filter(|_| !once.is_of_time));
    }

    /// Where nothing was found: what so many sequences showed that it is certain, although none of them failed again.
    pub fn certain(&mut self, vetting: &Vetting, sequences: usize) -> Option<Told> {
        let (Witness { one, finding, others, seen }, times) = std::mem::take(&mut self.doubts).certain(sequences)?;
        let mut steps = one.scenario.steps;
        steps.truncate(if finding.step == 0 { steps.len() } else { finding.step });
        edits::cut_what_expects_nothing(&mut steps);
        let steps = named(&steps);
        let title = sentence_of(vetting, &seen.0).unwrap_or_else(|| sentence_of_finding(&finding));
        let (name, id, file) = self.names(&title);
        let how =
            format!("{times} of {sequences} sequences failed so, and none of those that were played again{}.", beside_it(others.len()));
        let requirement = finding.requirement.clone();
        let text = self.written(&Text { title: &title, requirement: &requirement, steps: &steps }, &how);
        let beside = self.beside(&name, &title, &others);
        let (failed, played, after, steps) = (times, sequences, self.began.elapsed(), steps.len());
        self.found.push(Found { id: id.clone(), name, text, beside, title: title.clone(), requirement, steps, failed, played, after });
        Some(Told { id, title, file, seen: Some(seen), tries: 0 })
    }

    /// The text of a scenario.
    fn written(&self, Text { title, requirement, steps }: &Text<'_>, how: &str) -> String {
        let about = Some(format!("Found by {}: {requirement} is broken. {how}", self.origin));
        writing::write(&Scenario { title: (*title).to_owned(), about, ..scenario_of(steps) })
    }

    /// The files of what is played beside it.
    fn beside(&self, name: &str, title: &str, others: &[Loaded]) -> Vec<(String, String)> {
        let stem = name.trim_end_matches(".yaml");
        let text = |other: &Loaded| {
            let about = Some(format!("Found by {}: what is played beside `{stem}`.", self.origin));
            let title = format!("Beside it: {title}");
            writing::write(&Scenario { title, about, ..scenario_of(&named(&other.scenario.steps)) })
        };
        others.iter().zip(1..).map(|(other, number)| (format!("{stem}-beside-{number}.yaml"), text(other))).collect()
    }

    /// The name, the id and the file of a finding.
    fn names(&self, title: &str) -> (String, String, String) {
        let name = self.name(title);
        let id = format!("explore/{}", name.trim_end_matches(".yaml"));
        let file = if self.folder.is_empty() { name.clone() } else { format!("{}/{name}", self.folder) };
        (name, id, file)
    }

    /// A name for a file that no other has.
    fn name(&self, title: &str) -> String {
        let plain = writing::file_name(title);
        let taken = |name: &str| self.found.iter().any(|one| one.name == name);
        let numbered = (2..).map(|number| format!("{plain}-{number}.yaml"));
        std::iter::once(format!("{plain}.yaml")).chain(numbered).find(|name| !taken(name)).unwrap_or(plain)
    }
}

/// How it is said that others are played beside it.
fn beside_it(others: usize) -> String {
    match others {
        0 => String::new(),
        1 => " beside the scenario that stands in a file of its own".to_owned(),
        _ => format!(" beside the {others} scenarios that stand in files of their own"),
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
