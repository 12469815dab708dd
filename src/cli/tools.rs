//! `schema`, `completions`, `man`: small tools around the main job.

use super::args::{CompletionsArgs, SchemaArgs, SchemaOf};
use super::exit::Exit;
use super::{Console, Failure};
use crate::contract::Contract;
use crate::report::Report;
use crate::scenario::Scenario;
use crate::scenario::requirement::Catalogue;

/// `hookgate schema`
pub(crate) fn schema(args: &SchemaArgs, console: &mut Console) -> Result<Exit, Failure> {
    let schema = match args.of {
        SchemaOf::Scenario => schemars::schema_for!(Scenario),
        SchemaOf::Contract => with_no_signature(schemars::schema_for!(Contract)),
        SchemaOf::Config => crate::project::schema().try_into().map_err(Failure::harness)?,
        SchemaOf::Requirements => schemars::schema_for!(Catalogue),
        SchemaOf::Baseline => schemars::schema_for!(crate::report::baseline::File),
        SchemaOf::Snapshots => schemars::schema_for!(crate::snapshot::kept::Kept),
        SchemaOf::Manifest => schemars::schema_for!(crate::report::manifest::Manifest),
        SchemaOf::Compare => schemars::schema_for!(crate::report::compare::Comparison),
        SchemaOf::Claims => schemars::schema_for!(crate::claims::Claims),
        SchemaOf::ClaimRules => schemars::schema_for!(crate::claims::form::Form),
        SchemaOf::Report => schemars::schema_for!(Report),
        #[cfg(feature = "load")]
        SchemaOf::Load => schemars::schema_for!(crate::load::report::LoadReport),
        #[cfg(feature = "load")]
        SchemaOf::Mix => schemars::schema_for!(crate::load::mix::MixFile),
        #[cfg(feature = "load")]
        SchemaOf::Gates => schemars::schema_for!(crate::load::gate::GatesFile),
    };
    let text = serde_json::to_string_pretty(&schema).map_err(Failure::harness)?;
    console.print(&(text + "\n"));
    Ok(Exit::Conforms)
}

/// `signature: none` is short for a scheme, and is read before the schema is asked.
fn with_no_signature(mut schema: schemars::Schema) -> schemars::Schema {
    if let Some(signature) = schema.pointer_mut("/properties/signature") {
        let scheme = signature.take();
        *signature = serde_json::json!({"anyOf": [{"const": "none"}, scheme]});
    }
    schema
}

/// `hookgate completions`
pub(crate) fn completions(args: &CompletionsArgs, mut command: clap::Command, console: &mut Console) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command, "hookgate", &mut script);
    console.print(&String::from_utf8_lossy(&script));
    Ok(Exit::Conforms)
}

/// `hookgate man`
pub(crate) fn man(command: clap::Command, console: &mut Console) -> Result<Exit, Failure> {
    let mut page = Vec::new();
    clap_mangen::Man::new(command).render(&mut page).map_err(Failure::harness)?;
    console.print(&String::from_utf8_lossy(&page));
    Ok(Exit::Conforms)
}
