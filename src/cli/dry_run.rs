//! `--dry-run`: what a run would do to a target, told before anything is sent, read or written.

use super::{Console, Failure};
use crate::evidence::Origin;
use crate::run::Plan;
use crate::session::TargetChoice;
use crate::session::clocks::ClockChoice;
use crate::session::target_under_test::origin;

/// Tells what a plan would send, read and write; nothing of it is done.
pub(crate) fn tell(plan: &Plan, console: &mut Console) -> Result<(), Failure> {
    let (reached, who) = match &plan.target {
        TargetChoice::BuiltIn { .. } => (Origin::default(), "the built-in reference".to_owned()),
        TargetChoice::Foreign { url } => (origin(url), url.to_string()),
        TargetChoice::Launched(choice) => {
            (Origin { url: choice.url.clone(), ..Origin::default() }, format!("{} (started with `{}`)", choice.url, choice.command))
        }
    };
    let sources = plan.evidence.open(&plan.contract, &reached, &str::to_owned).map_err(Failure::usage)?;
    let mut text = format!("would judge  {who}, by {}\n", plan.contract.contract);
    text.push_str(&format!("would play   {} scenarios\n", plan.scenarios.len()));
    let read = sources.rows.iter().map(|source| format!("rows in {}", source.name()));
    let counted = sources.effects.iter().map(|source| format!("effects by {}", source.name()));
    let all: Vec<String> = read.chain(counted).collect();
    text.push_str(&format!("would read   {}\n", if all.is_empty() { "answers alone".to_owned() } else { all.join("; ") }));
    let statement = match (&plan.clock, &sources.rows) {
        (ClockChoice::Rewind, Some(source)) => source.would_rewind(),
        (
            ClockChoice::Rewind
            | ClockChoice::Virtual(_)
            | ClockChoice::Moved(_)
            | ClockChoice::Faketime
            | ClockChoice::Wait(_)
            | ClockChoice::None,
            _,
        ) => None,
    };
    text.push_str(&match statement {
        Some(statement) => format!("would write  {statement}\n             (--clock rewind, in scenarios that let time pass, for keys that they have made themselves)\n"),
        None => "would write  nothing\n".to_owned(),
    });
    console.print(&text);
    Ok(())
}
