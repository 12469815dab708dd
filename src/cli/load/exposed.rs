//! Exposed: a load that runs, for programs that look on: a page for Prometheus (`--metrics`), and a collector that is told (`--otlp`).
//!
//! In: who else is told every second. Out: one who tells them all.

use std::io::{Write as _, stderr};
use std::sync::{Arc, PoisonError};

use secrecy::ExposeSecret as _;

use super::super::args::{LoadArgs, LoadFormat};
use super::super::secrets::secret_from;
use super::super::{Console, Failure};
use super::several::own_name;
use crate::delivery::HeaderLine;
use crate::load::otlp::{Exported, Exporter};
use crate::load::progress::Progress;
use crate::load::worker::Which;
use crate::load::{OnSecond, exposition};
use crate::secret::{Redactor, Secrets};
use crate::serve::Serving;
use crate::serve::text::{Page, serve_text};
use crate::transport::collector::{Collector, address};

/// What is told of a load beside its numbers.
pub(super) struct Told<'a> {
    pub(super) contract: String,
    pub(super) target: String,
    pub(super) which: Option<Which>,
    pub(super) redactor: &'a Redactor,
}

/// Programs that look on, as long as loads run.
pub(super) struct Exposed {
    on_second: OnSecond,
    page: Option<Serving>,
    exporter: Option<Arc<Exporter>>,
    /// Trouble is told when it comes, where no picture of the load is in its way.
    is_told: bool,
}

/// Whom `--otlp` names; the values of its headers are hidden.
pub(super) fn collector(args: &LoadArgs, secrets: &mut Secrets) -> Result<Option<Collector>, Failure> {
    let Some(url) = &args.otlp else { return Ok(None) };
    let url = address(url).map_err(Failure::usage)?;
    let mut lines = Vec::new();
    for text in &args.otlp_header_env {
        let named = text.split_once('=').filter(|(name, variable)| !name.trim().is_empty() && !variable.is_empty());
        let (name, variable) = named.ok_or_else(|| {
            Failure::usage(format!("--otlp-header-env `{text}` names no variable; write --otlp-header-env Authorization=VARIABLE"))
        })?;
        let unset = || Failure::usage(format!("--otlp-header-env {text}: the environment variable {variable} is not set"));
        let value = secret_from(variable)?.ok_or_else(unset)?;
        let value = value.expose_secret().trim();
        secrets.push_header(variable, value);
        lines.push(HeaderLine::new(name.trim(), value.to_owned()));
    }
    let tls = (url.scheme() == "https").then(|| args.reach.tls_of_others()).transpose()?;
    Collector::new(url, tls.as_ref(), &lines).map(Some).map_err(Failure::usage)
}

impl Exposed {
    /// Begins to tell whoever the command line names, beside `on_second`.
    pub(super) async fn begin(
        args: &LoadArgs,
        collector: Option<Collector>,
        told: Told<'_>,
        on_second: OnSecond,
        console: &mut Console,
    ) -> Result<Self, Failure> {
        let has_picture = console.live && !args.quiet && args.format == LoadFormat::Human;
        let mut exposed = Self { on_second, page: None, exporter: None, is_told: !has_picture };
        if let Some(listen) = args.metrics {
            let page = Page::default();
            let serving = serve_text(listen, "/metrics", exposition::CONTENT_TYPE, Arc::clone(&page)).await;
            let serving =
                serving.map_err(|cause| Failure::usage(format!("cannot serve metrics on {listen}: {cause}; give another --metrics")))?;
            console.tell(&format!("metrics: http://{}/metrics\n", serving.address));
            exposed.page = Some(serving);
            exposed.also(move |progress| *page.lock().unwrap_or_else(PoisonError::into_inner) = exposition::text(progress));
        }
        if let Some(collector) = collector {
            let redactor = told.redactor.clone();
            let is_told = exposed.is_told;
            let on_trouble = move |why: &str| {
                if is_told {
                    drop(stderr().write_all(sentence(&redactor.text(why)).as_bytes()));
                }
            };
            let exporter = Arc::new(Exporter::start(collector, &resource(&told), Box::new(on_trouble)));
            exposed.exporter = Some(Arc::clone(&exporter));
            exposed.also(move |progress| exporter.hear(progress));
        }
        Ok(exposed)
    }

    /// Tells somebody else, too.
    fn also(&mut self, somebody: impl Fn(&Progress<'_>) + Send + Sync + 'static) {
        let others = Arc::clone(&self.on_second);
        self.on_second = Arc::new(move |progress| {
            somebody(progress);
            others(progress);
        });
    }

    /// Tells them all.
    pub(super) fn on_second(&self) -> OnSecond {
        Arc::clone(&self.on_second)
    }

    /// Waits until what was to be told is told.
    pub(super) async fn end(self, redactor: &Redactor, console: &mut Console) {
        let Self { on_second, page, exporter, is_told } = self;
        drop(on_second);
        if let Some(page) = page {
            page.kill().await;
        }
        if let Some(exporter) = exporter {
            let Exported { why, .. } = exporter.end().await;
            if let Some(why) = why.filter(|_| !is_told) {
                console.tell(&sentence(&redactor.text(&why)));
            }
        }
    }
}

fn sentence(why: &str) -> String {
    format!("warning: {why}; the load goes on without them\n")
}

/// Who tells, by the names that OpenTelemetry has for it.
fn resource(told: &Told<'_>) -> Vec<(&'static str, String)> {
    let text = |text: &str| told.redactor.text(text).into_owned();
    let mut resource = vec![
        ("service.name", env!("CARGO_PKG_NAME").to_owned()),
        ("service.version", env!("CARGO_PKG_VERSION").to_owned()),
        ("service.instance.id", own_name().to_owned()),
        ("process.pid", std::process::id().to_string()),
        ("hookgate.contract", told.contract.clone()),
        ("hookgate.target", text(&told.target)),
    ];
    if let Some(which) = &told.which {
        resource.push(("hookgate.run_word", text(&which.run_word)));
        resource.push(("hookgate.worker", which.number.to_string()));
    }
    resource
}
