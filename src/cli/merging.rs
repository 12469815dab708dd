//! `hookgate report merge`: the report folders of shards, joined into one.

use secrecy::ExposeSecret as _;

use super::args::{FormatArg, MergeArgs};
use super::evidence::{Sealing, key as seal_key};
use super::exit::Exit;
use super::forms::in_format;
use super::launching::folder_of_its_own;
use super::run::exit_of;
use super::{Console, Failure, stored};
use crate::api::folder::{FILES, write_forms};
use crate::files::{self, ReportFolder};
use crate::report::manifest::{FILE, Manifest};
use crate::report::merge::joined;
use crate::secret::Redacted;
use crate::snapshot::kept::{self, Kept};

/// Runs the command; the exit code is that of the joined report.
pub(crate) fn merge(args: &MergeArgs, console: &mut Console) -> Result<Exit, Failure> {
    let language = args.language.chosen();
    let mut shards = Vec::new();
    let (mut history, mut first): (String, Option<Manifest>) = (String::new(), None);
    let mut all = Kept::of([]);
    for path in &args.shards {
        let report = stored::read_run(path, "a merge")?;
        let read = |name: &str| files::read_text("read the shard's", &path.join(name)).map_err(Failure::usage);
        history.push_str(&read("history.jsonl")?.text);
        let file = read(kept::FILE)?;
        let kept: Kept =
            serde_json::from_str(&file.text).map_err(|cause| Failure::usage(format!("{} has no snapshots: {cause}", file.path)))?;
        all.compared |= kept.compared;
        all.snapshots.extend(kept.snapshots);
        let file = read(FILE)?;
        let manifest: Manifest =
            serde_json::from_str(&file.text).map_err(|cause| Failure::usage(format!("{} is no manifest: {cause}", file.path)))?;
        let files = ReportFolder::at(path).and_then(|folder| folder.read_all()).map_err(Failure::usage)?;
        if let Some(wrong) = manifest.disagreements(&files).first() {
            return Err(Failure::usage(format!("{}: {wrong}; `hookgate report verify` tells all", path.display())));
        }
        if let (Some(variable), Some(_)) = (&args.seal_env, &manifest.seal)
            && !manifest.is_sealed_by(seal_key(variable)?.expose_secret().as_bytes())
        {
            return Err(Failure::usage(format!("{}: its seal is not that of the key in {variable}", path.display())));
        }
        let first = first.get_or_insert_with(|| manifest.clone());
        if (&first.contract_sha256, &first.scenarios_sha256) != (&manifest.contract_sha256, &manifest.scenarios_sha256) {
            let one = args.shards.first().map(|path| path.display().to_string()).unwrap_or_default();
            return Err(Failure::usage(format!("{} and {one} were not made from the same contract and scenarios", path.display())));
        }
        shards.push((path.display().to_string(), report));
    }
    let report = joined(&shards).map_err(Failure::usage)?;
    let folder = folder_of_its_own(&args.report, "load.json", "load")?;
    // What the shards have written is redacted already, and nobody here knows the secret.
    let report = Redacted::as_stored(report);
    write_forms(&folder, &report, history, &Redacted::as_stored(all), language).map_err(Failure::harness)?;
    if let Some(manifest) = &first {
        Sealing::from(manifest, args.seal_env.as_deref())?.write(&folder, &FILES, &report.tool)?;
    }
    console.print(&in_format(&report, FormatArg::Human, console.text_style(), language)?);
    console.tell(&format!("report: {}\n", args.report.display()));
    Ok(exit_of(&report))
}
