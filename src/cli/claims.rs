//! `hookgate claims`: what a phase report says, beside what a run has shown.

use std::collections::BTreeMap;
use std::path::Path;

use super::args::{ClaimRule, ClaimsArgs, ClaimsFormat};
use super::exit::Exit;
use super::{Console, Failure, stored};
use crate::claims::evaluate::Evidence;
use crate::claims::form::Form;
use crate::claims::{Claims, examine};
use crate::history::Operation;
use crate::{files, yaml};

/// Runs the command.
pub(crate) fn claims(args: &ClaimsArgs, console: &mut Console) -> Result<Exit, Failure> {
    let report = files::read_text("read the report", &args.report).map_err(Failure::usage)?;
    let run = stored::read_run(&args.evidence, "the evidence of claims")?;
    let before = args.before.as_deref().map(|path| stored::read_run(path, "the phase before")).transpose()?;
    let (forms, statuses) = (forms(args)?, statuses(&args.evidence)?);
    // What other programs read does not depend on who asks.
    let language = if args.format == ClaimsFormat::Json { args.language.language.unwrap_or_default() } else { args.language.chosen() };
    let evidence = Evidence { report: &run, statuses: &statuses, before: before.as_ref(), language };
    let target = if run.target.built_in { language.say("the-reference") } else { run.target.url.clone() };
    let facts = [
        ("path", args.evidence.display().to_string().into()),
        ("contract", run.contract.as_str().into()),
        ("target", target.into()),
        ("at", run.run.started_at.as_str().into()),
        ("verdict", language.overall(run.summary.verdict).into()),
    ];
    let told = language.with("claims-run", &facts);
    let claims = examine(&report.path, &report.text, &forms, &told, &evidence).map_err(Failure::usage)?;
    let text = match args.format {
        ClaimsFormat::Human => claims.human(),
        ClaimsFormat::Markdown => claims.markdown(),
        ClaimsFormat::Json => serde_json::to_string_pretty(&claims).map_err(Failure::harness)? + "\n",
    };
    console.print(&text);
    Ok(if args.fail_on.iter().any(|rule| is_broken(*rule, &claims)) { Exit::DoesNotConform } else { Exit::Conforms })
}

fn is_broken(rule: ClaimRule, claims: &Claims) -> bool {
    match rule {
        ClaimRule::Contradicted => claims.contradicted > 0,
        ClaimRule::NotShown => claims.not_shown > 0,
        ClaimRule::Inconsistent => !claims.inconsistencies.is_empty(),
        ClaimRule::NotRead => !claims.unread.is_empty(),
        ClaimRule::Never => false,
    }
}

/// The rules that were given, before those that are shipped.
fn forms(args: &ClaimsArgs) -> Result<Vec<Form>, Failure> {
    let given = args.rules.iter().map(|path| files::read_text("read the rules", path).map_err(Failure::usage));
    let mut all = given.collect::<Result<Vec<_>, Failure>>()?;
    all.extend(files::shipped_claim_rules());
    all.iter().map(|file| yaml::read::<Form>(&file.path, &file.text).map(|(form, _)| form).map_err(Failure::usage)).collect()
}

/// The statuses of the answers in the history beside a report, by scenario and delivery; none without a history.
fn statuses(evidence: &Path) -> Result<BTreeMap<(String, String), u16>, Failure> {
    let folder = if evidence.is_dir() { evidence } else { evidence.parent().unwrap_or(evidence) };
    let path = folder.join("history.jsonl");
    if !path.is_file() {
        return Ok(BTreeMap::new());
    }
    let file = files::read_text("read the history", &path).map_err(Failure::usage)?;
    stored::is_as_written(&path, &file.text)?;
    let mut statuses = BTreeMap::new();
    for (at, line) in file.text.lines().enumerate() {
        let one: Operation = serde_json::from_str(line)
            .map_err(|cause| Failure::usage(format!("{} line {} is no operation of a history: {cause}", file.path, at + 1)))?;
        if let (Some(name), Some(answer)) = (one.name, one.answer) {
            statuses.insert((one.scenario, name), answer.status);
        }
    }
    Ok(statuses)
}
