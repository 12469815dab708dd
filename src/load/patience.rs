//! Patience: how long an answer is waited for under load.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use tokio::task::coop::unconstrained;
use tokio::time::{Sleep, sleep};

/// One timer for all deliveries of a connection, moved on when it rings too early: one for each would
/// be put into the scheduler's wheel, and taken out again, with every delivery.
pub(super) struct Patience {
    limit: Duration,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Patience {
    /// So long each delivery may take.
    pub(super) fn new(limit: Duration) -> Self {
        Self { limit, timer: None }
    }

    /// The limit.
    pub(super) fn limit(&self) -> Duration {
        self.limit
    }

    /// Waits for `wanted` as long as the limit allows; nothing when it took longer.
    ///
    /// * `waited`: how long it has been waited for already; asked only when the timer rings.
    pub(super) async fn within<T>(&mut self, waited: impl Fn() -> Duration, wanted: impl Future<Output = T>) -> Option<T> {
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep(self.limit)));
        let mut wanted = pin!(wanted);
        poll_fn(|context| {
            if let Poll::Ready(done) = wanted.as_mut().poll(context) {
                return Poll::Ready(Some(done));
            }
            // Whoever is answered without end has used up what a task may do at once, and the timer is looked at all the same.
            while pin!(unconstrained(timer.as_mut())).poll(context).is_ready() {
                let rest = self.limit.saturating_sub(waited());
                if rest.is_zero() {
                    return Poll::Ready(None);
                }
                timer.set(sleep(rest));
            }
            Poll::Pending
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    /// What has gone by since now, on the clock of the test.
    fn since_now() -> impl Fn() -> Duration {
        let begun = Instant::now();
        move || begun.elapsed()
    }

    /// The timer of an earlier delivery neither ends a later one too early, nor lets it wait for ever.
    #[tokio::test(start_paused = true)]
    async fn every_delivery_has_the_whole_limit() {
        let mut patience = Patience { limit: Duration::from_secs(10), timer: None };
        for _ in 0..3 {
            assert_eq!(patience.within(since_now(), sleep(Duration::from_secs(9))).await, Some(()));
        }
        let waited = since_now();
        assert_eq!(patience.within(since_now(), std::future::pending::<()>()).await, None);
        assert_eq!(waited().as_secs(), 10);
    }

    /// Whoever is answered without end is given up all the same: what a task may do at once is used up, and the timer still rings.
    #[tokio::test(start_paused = true)]
    async fn answers_without_end_do_not_hide_the_timer() {
        let mut patience = Patience::new(Duration::from_secs(1));
        let endless = async {
            loop {
                tokio::time::advance(Duration::from_millis(10)).await;
                tokio::task::consume_budget().await;
            }
        };
        assert_eq!(patience.within(since_now(), endless).await, None::<()>);
    }
}
