//! `hookgate doctor`: a visit alone. What a few deliveries show, what was found of evidence, and why honest deliveries are refused.

use std::sync::Arc;

use serde_json::json;

use super::args::{DoctorArgs, ListFormat};
use super::exit::Exit;
use super::project::InForce;
use super::run::{Asked, asked, exit_of_failure, say_in_force, wrong_flags};
use super::secrets::warn;
use super::signals::Ends;
use super::{Console, Failure, launching, load_suite};
use crate::api::judging::{Afterwards, Judged, judge};
use crate::report::human;
use crate::report::manifest::MadeFrom;
use crate::session::error::SessionError;

/// The version of what `--format json` prints.
const SCHEMA: &str = "hookgate.doctor/1";

/// Runs the command.
pub(crate) fn doctor(args: &DoctorArgs, console: &mut Console) -> Result<Exit, Failure> {
    let ends = Ends::listen()?;
    let language = args.language.chosen();
    let (format, args) = (args.format, args.as_run());
    let suite = load_suite::suite_for(&args.suite, &args.reach)?;
    let Asked { options, how, secrets } = asked(&args, &suite, &[])?;
    let redactor = secrets.redactor();
    let plans = vec![how.plan(&options, &suite, Vec::new(), secrets.clone()).map_err(|wrong| wrong_flags(&wrong))?];
    warn(&secrets, console);
    if format == ListFormat::Human {
        say_in_force(args.project.as_deref(), console);
    }
    let after = Afterwards {
        redactor: redactor.clone(),
        warnings: Vec::new(),
        made_from: MadeFrom::default(),
        project: None,
        required: Vec::new(),
        snapshots: None,
        is_own: Box::new(|_| false),
    };
    ends.runtime.block_on(launching::wait_until_ready(&args.launch, args.target.as_deref(), &args.reach))?;
    let visited = ends.runtime.block_on(judge(plans, Arc::new(|_| {}), ends.wanted, after));
    ends.runtime.shutdown_background();
    let Some(Judged { report, failed, .. }) = visited else { return Err(Failure::harness("nothing was visited")) };
    let failed = failed.map(|failed| (exit_of_failure(&failed), redactor.text(&failed.to_string()).into_owned(), is_reached(&failed)));
    let exit = match (&failed, &report.visit) {
        (Some((exit, _, _)), _) => *exit,
        (None, Some(visit)) if visit.finds_something() => Exit::DoesNotConform,
        (None, _) => Exit::Conforms,
    };
    match (format, failed) {
        (ListFormat::Json, failed) => {
            let verdict = match exit {
                Exit::Conforms => "ready",
                Exit::DoesNotConform if report.visit.as_ref().is_some_and(|visit| visit.refused.is_some()) => "refused",
                Exit::DoesNotConform => "differs",
                Exit::Interrupted => "interrupted",
                Exit::Usage | Exit::Harness | Exit::Undecided | Exit::Guarded(_) => "not-reached",
            };
            let told = json!({
                "schema": SCHEMA,
                "contract": report.contract,
                "target": report.target,
                "project": args.project.as_deref().and_then(InForce::facts),
                "clock": report.run.clock,
                "visit": report.visit,
                "notes": report.run.notes,
                "error": failed.as_ref().map(|(_, message, _)| message),
                "verdict": verdict,
            });
            console.print(&format!("{told:#}\n"));
            Ok(exit)
        }
        (ListFormat::Human, Some((exit, message, reached))) => {
            console.print(&human::visit::unreached(&report, &message, reached, (console.colour, console.width), language));
            Ok(exit)
        }
        (ListFormat::Human, None) => {
            console.print(&human::visit::alone(&report, (console.colour, console.width), language));
            Ok(exit)
        }
    }
}

/// Whether somebody answered before it went wrong.
fn is_reached(failed: &SessionError) -> bool {
    match failed {
        SessionError::NotWell { .. } | SessionError::Database(_) => true,
        SessionError::Unreachable { .. }
        | SessionError::Silent { .. }
        | SessionError::GivenUp { .. }
        | SessionError::Clock(_)
        | SessionError::Secret(_)
        | SessionError::Interrupted
        | SessionError::Launch(_)
        | SessionError::BuiltIn(_) => false,
    }
}
