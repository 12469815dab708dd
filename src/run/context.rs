//! `RunContext`: what all scenarios of a run share beside their session: who may deliver when, what is known of the receiver's life, and
//! what was sent.

use std::ops::Deref;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::OnceCell;

use super::Plan;
use super::beside::Beside;
use super::gate::Gate;
use super::lateness::Lateness;
use super::liveness::Liveness;
use super::traffic::Traffic;
use crate::clock::Moment;
use crate::contract::{Level, own_headers};
use crate::files::turn::Turn;
use crate::history::Operation;
use crate::judge::Setting;
use crate::outcome::reader::Reader;
use crate::scenario::requirement::Catalogue;
use crate::secret::Redactor;
use crate::session::Session;
use crate::session::error::SessionError;
use crate::session::places::Places;
use crate::snapshot::Snapshot;
use crate::visit::{Code, Visit};

/// What all scenarios of a run share.
pub struct RunContext {
    /// The receiver.
    pub session: Session,
    /// The requirements.
    pub catalogue: Arc<Catalogue>,
    /// The level that is judged.
    pub level: Level,
    /// What scenarios are judged by.
    pub setting: Setting,
    /// Hides the secrets in what is kept.
    pub redactor: Redactor,
    /// Whether the target lives.
    pub liveness: Liveness,
    /// What may be under way at the same time.
    pub gate: Gate,
    /// How long answers take.
    pub traffic: Traffic,
    /// Which streams are open.
    pub places: Places,
    /// How late we are ourselves.
    pub lateness: Lateness,
    visited: Visit,
    /// What a key did whose row was moved past its end, once that was tried; nothing where it showed nothing.
    pub(super) moved_row: OnceCell<Option<Moved>>,
    history: Mutex<Vec<Operation>>,
    /// When something was answered last.
    answered: Mutex<Moment>,
    /// What the target has written beside deliveries.
    pub(super) beside: Mutex<Beside>,
    pub(super) snapshots: Option<Mutex<Vec<Snapshot>>>,
}

/// What a key does whose row was moved past its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Moved {
    /// It ends.
    Ends,
    /// It lives on, also when nothing but its row is left.
    LivesOn,
    /// It lives on until the receiver is started again: from memory.
    LivesInMemory,
    /// It lives on, and the receiver cannot be started again.
    LivesForWhateverReason,
}

/// What is done to the receiver is the session's.
impl Deref for RunContext {
    type Target = Session;

    fn deref(&self) -> &Session {
        &self.session
    }
}

impl RunContext {
    /// Sets the context: serves the built-in reference, or sees that the target lives and its database can be read.
    ///
    /// # Errors
    /// [`SessionError`]: what is missing, and the way out.
    pub async fn set(plan: &Plan) -> Result<Self, SessionError> {
        let mut context = Self::over(plan, Session::begin(&plan.session()).await?);
        let patience = context.managed.lock().await.patience();
        match context.check_ready(plan, patience).await {
            Ok(visited) => context.visited = visited,
            Err(failed) => {
                context.shutdown().await;
                return Err(failed);
            }
        }
        context.session.check_clock().await;
        Ok(context)
    }

    fn over(plan: &Plan, session: Session) -> Self {
        let setting = Setting {
            reader: Reader::new(Arc::clone(&plan.contract)),
            catalogue: Arc::clone(&plan.catalogue),
            ttl: session.ttl,
            level: plan.level,
            origin: session.url.url(""),
            curl: session.url.curl().bearing(own_headers::joined(&plan.contract, &plan.headers), plan.secret_headers.clone()),
            forbidden: plan.secrets.forbidden(),
        };
        Self {
            lateness: Lateness::watch(session.is_right_reference()),
            session,
            catalogue: Arc::clone(&plan.catalogue),
            level: plan.level,
            setting,
            redactor: plan.secrets.redactor(),
            liveness: Liveness::default(),
            gate: Gate::default(),
            traffic: Traffic::default(),
            places: Places::of(plan.contract.stream.as_ref()),
            visited: Visit::default(),
            moved_row: OnceCell::new(),
            history: Mutex::new(Vec::new()),
            answered: Mutex::new(Moment::now()),
            beside: Mutex::default(),
            snapshots: plan.takes_snapshots.then(Mutex::default),
        }
    }

    /// Sees that it lives and that its evidence can be read, and visits it meanwhile.
    async fn check_ready(&self, plan: &Plan, patience: Duration) -> Result<Visit, SessionError> {
        let lives = self.check_health(patience).await;
        let is_well = lives.is_ok();
        // One that answers, though not well, may tell why when it is visited.
        let unwell = match lives {
            Ok(()) => None,
            // Without a page of its own an honest delivery was the question, and what it got is a verdict: the visit tells it.
            Err(SessionError::NotWell { .. }) if self.contract.health.is_none() => None,
            Err(unwell @ SessionError::NotWell { .. }) => Some(unwell),
            Err(failed) => return Err(failed),
        };
        // What is wrong with a database is told before anything is written to it.
        match self.sources.check_available().await {
            Err(wrong) if unwell.is_none() && !wrong.is_not_there_yet() => return Err(wrong.into()),
            Ok(()) | Err(_) => {}
        }
        // Other runs may be counting the rows of this database.
        let turn = Turn::at(plan.evidence.file().as_deref());
        turn.with_others().await;
        let visited = Box::pin(self.visit(plan, is_well)).await;
        turn.over().await;
        match unwell {
            Some(unwell) if visited.refused.as_ref().is_none_or(|refused| matches!(refused.code, Code::Failure | Code::Credentials)) => {
                return Err(unwell);
            }
            // Nothing more is judged, whatever its evidence is.
            _ if visited.refused.is_some() => return Ok(visited),
            Some(_) | None => {}
        }
        self.sources.wait_to_be_there().await?;
        Ok(visited)
    }

    /// What a few deliveries showed before anything was judged.
    #[must_use]
    pub fn visited(&self) -> &Visit {
        &self.visited
    }

    /// What a reader of the report should know.
    #[must_use]
    pub fn notes(&self) -> Vec<String> {
        let refused = self.visited.refused.as_ref();
        let refused =
            refused.map(|refused| format!("An honestly signed delivery is refused, and nothing else was judged: {}", refused.observed));
        refused.into_iter().chain(self.doubts()).chain(self.session.notes()).collect()
    }

    /// Keeps deliveries for the history.
    pub fn append_history(&self, operations: Vec<Operation>) {
        self.history.lock().unwrap_or_else(PoisonError::into_inner).extend(operations);
    }

    /// Something was answered, or given up.
    pub fn note_answer(&self) {
        *self.answered.lock().unwrap_or_else(PoisonError::into_inner) = Moment::now();
    }

    /// How long nothing has been answered.
    #[must_use]
    pub fn quiet_for(&self) -> Duration {
        self.answered.lock().unwrap_or_else(PoisonError::into_inner).elapsed()
    }

    /// Everything that was kept, in order of sending.
    #[must_use]
    pub fn take_history(&self) -> Vec<Operation> {
        let mut all = std::mem::take(&mut *self.history.lock().unwrap_or_else(PoisonError::into_inner));
        all.sort_by(|a, b| a.sent_at.cmp(&b.sent_at));
        all
    }
}
