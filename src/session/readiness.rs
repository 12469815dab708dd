//! Readiness: when a receiver that hookgate has started is ready to be judged.
//!
//! In: a [`Launched`] command. Out: it runs and is ready, or why it never was.
//! It is listened for as long as the user gives it: a health page may answer
//! slowly, a first connection may hang for ever, and health may flap at first.

use std::time::Duration;

use tokio::task::JoinSet;

use super::error::SessionError;
use super::target_under_test::{Launched, Ready};
use crate::clock::{Moment, span};
use crate::delivery::Delivery;
use crate::scenario::deliver::ConnectionUse;
use crate::target::Running;
use crate::transport::{Sender, Transmission};

/// A moment between two looks whether a target is ready.
const LOOK_AGAIN: Duration = Duration::from_millis(10);
/// After this a look that has got no answer yet is not waited for alone: another begins beside it.
const LOOK: Duration = Duration::from_secs(1);
/// So many looks are under way at the most.
const MOST_LOOKS: usize = 64;
/// So many lines of a target's output are told with an error.
const LINES_TOLD: usize = 12;

impl Launched {
    /// Starts the command, and waits until it is ready.
    ///
    /// # Errors
    /// Why it cannot be started, or never became ready; it is stopped then.
    pub async fn begin(&mut self) -> Result<(), SessionError> {
        let said_before = self.times_said();
        let running = Running::start(&self.launch, &self.output);
        let mut running = running.map_err(|cause| SessionError::Launch(format!("the target could not be started: {cause}")))?;
        let began = Moment::now();
        // A look may take as long as there is patience: health may be slow, and a first connection may hang for ever.
        let (mut looks, mut looked) = (JoinSet::new(), None::<Moment>);
        loop {
            if let Some(how) = running.ended().await {
                return Err(SessionError::Launch(format!("the target ended before it was ready ({how}){}", self.last_words())));
            }
            let left = self.patience.saturating_sub(began.elapsed());
            if looks.is_empty() || (looks.len() < MOST_LOOKS && looked.is_none_or(|looked| looked.elapsed() >= LOOK)) {
                looked = Some(Moment::now());
                looks.spawn(self.look(left));
            }
            let seen = matches!(looks.try_join_next(), Some(Ok(true)));
            if seen || (matches!(self.ready, Ready::Text(_)) && self.times_said() > said_before) {
                self.running = Some(running);
                return Ok(());
            }
            if left.is_zero() {
                running.stop(false).await;
                let (within, wanted) = (span::write(self.patience), self.wanted());
                return Err(SessionError::Launch(format!(
                    "the target was not ready within {within}: {wanted}; give it longer with --ready-within{}",
                    self.last_words()
                )));
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    fn times_said(&self) -> usize {
        match &self.ready {
            Ready::Text(text) => self.output.count(text),
            Ready::Health | Ready::Url(_) => 0,
        }
    }

    /// Looks once, for so long, whether it is ready; what it writes is looked at elsewhere.
    fn look(&self, within: Duration) -> impl Future<Output = bool> + Send + 'static {
        let question = match &self.ready {
            Ready::Text(_) => None,
            Ready::Health => {
                // Without a page of its own, whoever answers at all is there.
                let (path, status) = self.health.as_ref().map_or(("/", None), |(path, status)| (path.as_str(), Some(*status)));
                Some((self.url.clone(), path.to_owned(), status.map_or(0..=u16::MAX, |status| status..=status)))
            }
            Ready::Url(url) => self.url.page(url).ok().map(|(target, path)| (target, path, 200..=299)),
        };
        async move {
            let Some((target, path, wanted)) = question else { return false };
            let question = Delivery { method: "GET".to_owned(), path, ..Delivery::default() };
            let transmission = Transmission { connection: ConnectionUse::New, ..Transmission::plain(question) };
            let answer = Sender::new(target, within).send(transmission).await.result;
            answer.is_ok_and(|answer| wanted.contains(&answer.status))
        }
    }

    fn wanted(&self) -> String {
        match &self.ready {
            Ready::Health => match &self.health {
                Some((path, status)) => format!("no status {status} from {}", self.url.url(path)),
                None => format!("no answer from {}", self.url.url("/")),
            },
            Ready::Url(url) => format!("no status from 200 to 299 from {url}"),
            Ready::Text(text) => format!("it did not write `{text}`"),
        }
    }

    fn last_words(&self) -> String {
        let tail = self.output.tail(LINES_TOLD);
        if tail.is_empty() { "; it wrote nothing".to_owned() } else { format!("; it wrote:\n  {}", tail.join("\n  ")) }
    }
}
