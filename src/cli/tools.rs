//! `schema`, `completions`, `man`: small tools around the main job.

use std::path::Path;

use super::args::{CompletionsArgs, ManArgs, SchemaArgs, SchemaOf};
use super::exit::{self, Exit};
use super::load_suite::nearest;
use super::{Console, Failure, completion, examples};
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
pub(crate) fn completions(args: &CompletionsArgs, console: &mut Console) -> Result<Exit, Failure> {
    let shell = args.shell.to_string();
    let script = completion::script(&shell, &program()).map_err(Failure::harness)?;
    console.print(&script);
    Ok(Exit::Conforms)
}

/// What a completion script runs: the command by its name where that is found, else the file that runs now.
#[expect(clippy::disallowed_methods, reason = "the roof is where the environment is read")]
fn program() -> String {
    const NAME: &str = "hookgate";
    let this = std::env::current_exe().ok();
    let found =
        std::env::var_os("PATH").and_then(|path| std::env::split_paths(&path).map(|dir| dir.join(NAME)).find(|file| file.is_file()));
    match (this, found) {
        (Some(this), Some(found)) if same_file(&this, &found) => NAME.to_owned(),
        (Some(this), _) => this.display().to_string(),
        (None, _) => NAME.to_owned(),
    }
}

fn same_file(one: &Path, other: &Path) -> bool {
    matches!((one.canonicalize(), other.canonicalize()), (Ok(one), Ok(other)) if one == other)
}

/// `hookgate man`
pub(crate) fn man(args: &ManArgs, command: clap::Command, console: &mut Console) -> Result<Exit, Failure> {
    let mut command = command.disable_help_subcommand(true);
    command.build();
    let mut pages = Vec::new();
    pages_of(&command, "", &mut pages)?;
    if let Some(dir) = &args.dir {
        let cannot = |path: &Path, cause: &std::io::Error| Failure::harness(format!("cannot write {}: {cause}", path.display()));
        std::fs::create_dir_all(dir).map_err(|cause| cannot(dir, &cause))?;
        for (name, page) in &pages {
            let file = dir.join(format!("hookgate{}{}.1", if name.is_empty() { "" } else { "-" }, name.replace(' ', "-")));
            std::fs::write(&file, page).map_err(|cause| cannot(&file, &cause))?;
        }
        console.tell(&format!("{} pages in {}\n", pages.len(), dir.display()));
        return Ok(Exit::Conforms);
    }
    let wanted = args.of.join(" ");
    match pages.iter().find(|(name, _)| *name == wanted) {
        Some((_, page)) => console.print(page),
        None => {
            let hint = nearest(&wanted, pages.iter().map(|(name, _)| name.as_str())).map(|near| format!("; did you mean `{near}`?"));
            return Err(Failure::usage(format!(
                "there is no command `{wanted}`{} (`hookgate --help` shows them)",
                hint.unwrap_or_default()
            )));
        }
    }
    Ok(Exit::Conforms)
}

/// The pages of a command and of all its commands, by their names.
fn pages_of(command: &clap::Command, path: &str, pages: &mut Vec<(String, String)>) -> Result<(), Failure> {
    pages.push((path.to_owned(), page(command, path).map_err(Failure::harness)?));
    for inner in command.get_subcommands().filter(|one| !one.is_hide_set()) {
        let name = if path.is_empty() { inner.get_name().to_owned() } else { format!("{path} {}", inner.get_name()) };
        pages_of(inner, &name, pages)?;
    }
    Ok(())
}

/// A manual page. Examples are lines of their own: a section that clap's writer makes of them would run together.
fn page(command: &clap::Command, path: &str) -> std::io::Result<String> {
    let said = examples::of(path).map(|two| examples::written(two));
    let page = clap_mangen::Man::new(command.clone());
    let mut text = Vec::new();
    page.render_title(&mut text)?;
    page.render_name_section(&mut text)?;
    page.render_synopsis_section(&mut text)?;
    page.render_description_section(&mut text)?;
    page.render_options_section(&mut text)?;
    if command.get_subcommands().any(|one| !one.is_hide_set()) {
        page.render_subcommands_section(&mut text)?;
    }
    let mut text = String::from_utf8_lossy(&text).into_owned();
    text.push_str(".SH \"EXIT STATUS\"\n");
    for (code, meaning) in exit::MEANINGS {
        text.push_str(&format!(".TP\n{code}\n{}\n", plain_roff(meaning)));
    }
    if let Some(said) = said {
        let lines = said.lines().skip(1).map(plain_roff).collect::<Vec<_>>().join("\n");
        text.push_str(&format!(".SH EXAMPLES\n.nf\n{lines}\n.fi\n"));
    }
    Ok(text)
}

/// Text that roff takes as it stands.
fn plain_roff(text: &str) -> String {
    let text = text.replace('\\', "\\e").replace('-', "\\-");
    if text.starts_with(['.', '\'']) { format!("\\&{text}") } else { text }
}
