//! `schema`, `sign`, `completions`, `man`: small tools around the main job.

use std::io::Read as _;
use std::path::Path;

use secrecy::ExposeSecret as _;

use super::args::{CompletionsArgs, SchemaArgs, SchemaOf, SignArgs};
use super::exit::Exit;
use super::load_suite;
use super::secrets::secret_from;
use super::{Console, Failure};
use crate::clock::{Clock as _, SystemClock};
use crate::contract::Contract;
use crate::delivery::Delivery;
use crate::report::Report;
use crate::scenario::Scenario;
use crate::scenario::requirement::Catalogue;

/// `hookgate schema`
pub(crate) fn schema(args: &SchemaArgs, console: &mut Console) -> Result<Exit, Failure> {
    let schema = match args.of {
        SchemaOf::Scenario => schemars::schema_for!(Scenario),
        SchemaOf::Contract => schemars::schema_for!(Contract),
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

/// `hookgate sign`
pub(crate) fn sign(args: &SignArgs, console: &mut Console) -> Result<Exit, Failure> {
    let contract = load_suite::contract(&args.contract)?;
    let variable = args.secret_env.clone().unwrap_or_else(|| contract.secret.env.clone());
    let secret = secret_from(&variable)?
        .ok_or_else(|| Failure::usage(format!("the environment variable {variable} is not set: it holds the secret to sign with")))?;
    let body = read_body(&args.file)?;
    let signer = contract.signature.keyed(secret.expose_secret().as_bytes()).map_err(Failure::usage)?;
    let delivery =
        Delivery { method: contract.endpoint.method.clone(), path: contract.endpoint.path.clone(), headers: Vec::new(), body: body.into() };
    let mut text = String::new();
    for line in signer.header_lines(&delivery, &args.key, "", SystemClock.now()) {
        text.push_str(&format!("{}: {}\n", line.name, String::from_utf8_lossy(&line.value)));
    }
    console.print(&text);
    Ok(Exit::Conforms)
}

fn read_body(file: &Path) -> Result<Vec<u8>, Failure> {
    let mut body = Vec::new();
    let read = if file == Path::new("-") {
        std::io::stdin().read_to_end(&mut body)
    } else {
        std::fs::File::open(file).and_then(|mut open| open.read_to_end(&mut body))
    };
    read.map_err(|cause| Failure::usage(format!("cannot read the body {}: {cause}", file.display())))?;
    Ok(body)
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
