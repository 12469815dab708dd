//! `hookgate init`: from flags, questions or a capture to files by which `hookgate run` needs no flag.
//!
//! What is known is gathered here ([`recognised`], [`questions`]); what it means
//! is `init`'s. Files are written when everything is known and none is in the
//! way, and not before.

mod address;
mod body;
mod questions;
mod recognised;
mod sound;
mod visited;

use std::path::{Path, PathBuf};

use clap::ValueEnum as _;

use self::address::{apart, reached_by, without_query};
use self::body::example;
use self::questions::Questions;
use self::recognised::{Recognised, recognise};
use self::sound::{sound, without_body};
use self::visited::visited;
use super::args::{CiArg, InitArgs, VisitArg};
use super::exit::Exit;
use super::secrets::secret_from;
use super::{Console, Failure, load_suite};
use crate::contract::reading::read_contract_among;
use crate::contract::{Contract, Health};
use crate::files;
use crate::init::contract_text::{contract_text, secret_form};
use crate::init::example::Example;
use crate::init::pipelines::{Pipeline, pipeline};
use crate::init::settings_text::settings_text;
use crate::init::sightings::{Findings, findings};
use crate::init::visiting::Extent;
use crate::init::{self, Base, CONTRACT_FILE, Known, SETTINGS_FILE, Whereabouts, Written};
use crate::sign::Proof;

/// Everything that was chosen.
struct Chosen {
    known: Known,
    extent: Extent,
    pipelines: Vec<Pipeline>,
    recognised: Option<Recognised>,
}

/// Runs the command.
pub(crate) fn init(args: &InitArgs, console: &mut Console) -> Result<Exit, Failure> {
    let mut questions = Questions::new(args.yes);
    let Some(chosen) = chosen(args, &mut questions, console)? else {
        console.print("nothing was written\n");
        return Ok(Exit::Conforms);
    };
    let Chosen { mut known, extent, pipelines, recognised } = chosen;
    let paths = paths(&pipelines);
    check_none_exists(args, &paths)?;
    if !questions.may_write(&args.dir, &paths, console)? {
        console.print("nothing was written\n");
        return Ok(Exit::Conforms);
    }
    let secret = secret_from(&known.secret_env)?;
    let mut said = Vec::new();
    if let Some(one) = &recognised {
        let (taken, told) = example(&known.base, &one.delivery, secret.as_ref());
        known.example = taken;
        told.iter().for_each(|told| console.print(&format!("{told}\n")));
        if let Some(failure) = read(args, &known, &Findings::default()).err().filter(|_| !known.example.is_empty()) {
            known.example = Example::default();
            said.push(without_body(&failure));
        }
    }
    let mut contract = read(args, &known, &Findings::default())?;
    let mut seen = recognised.map(|one| one.sightings).unwrap_or_default();
    let (visited, health) = visited(&known, &args.reach, &contract, (secret.as_ref(), extent))?;
    seen.extend(visited);
    if known.health.is_none() && health.is_some() {
        known.health = health;
        contract = read(args, &known, &Findings::default())?;
    }
    let mut found = findings(&contract, &seen);
    found.warnings.extend(said);
    let found = sound(args, &mut known, found, secret.as_ref());
    let mut written = vec![
        Written { path: SETTINGS_FILE.to_owned(), text: settings_text(&known) },
        Written { path: CONTRACT_FILE.to_owned(), text: contract_text(&known, &found) },
    ];
    written.extend(pipelines.into_iter().map(|kind| pipeline(kind, &known)));
    write(&args.dir, &written)?;
    tell(args, &known, &contract, &written, &found, secret.is_some(), console);
    Ok(Exit::Conforms)
}

/// The files that are to be written.
fn paths(pipelines: &[Pipeline]) -> Vec<&'static str> {
    let of = |kind: &Pipeline| match kind {
        Pipeline::Github => ".github/workflows/hookgate.yml",
        Pipeline::Gitlab => ".gitlab-ci.hookgate.yml",
        Pipeline::Compose => "compose.yaml",
    };
    [SETTINGS_FILE, CONTRACT_FILE].into_iter().chain(pipelines.iter().map(of)).collect()
}

/// All or nothing: where one file is there already, none is written.
fn check_none_exists(args: &InitArgs, paths: &[&str]) -> Result<(), Failure> {
    let there: Vec<String> = paths
        .iter()
        .map(|path| args.dir.join(path))
        .filter(|path| path.symlink_metadata().is_ok())
        .map(|path| path.display().to_string())
        .collect();
    if there.is_empty() || args.force {
        return Ok(());
    }
    let is = if there.len() == 1 { "is" } else { "are" };
    Err(Failure::usage(format!(
        "{} {is} there already, and nothing was written: --force writes over, --dir names another folder",
        there.join(" and ")
    )))
}

/// Writes all files; where one cannot be written, those that were made before it are taken away again.
fn write(dir: &Path, written: &[Written]) -> Result<(), Failure> {
    let paths: Vec<PathBuf> = written.iter().map(|one| dir.join(&one.path)).collect();
    for path in &paths {
        if path.is_dir() {
            return Err(Failure::harness(format!("{} is a folder, and nothing was written: --dir names another place", path.display())));
        }
        files::make_folder_of(path).map_err(|cause| Failure::harness(format!("{cause}; nothing was written")))?;
    }
    let mut made: Vec<&PathBuf> = Vec::new();
    for (one, path) in written.iter().zip(&paths) {
        let is_new = path.symlink_metadata().is_err();
        if let Err(cause) = files::write_text(path, &one.text) {
            made.iter().for_each(|path| drop(std::fs::remove_file(path)));
            return Err(Failure::harness(cause));
        }
        made.extend(is_new.then_some(path));
    }
    Ok(())
}

/// The contract as it would be written.
fn read(args: &InitArgs, known: &Known, found: &Findings) -> Result<Contract, Failure> {
    let (name, text) = (args.dir.join(CONTRACT_FILE).display().to_string(), contract_text(known, found));
    let own = |name: &str| load_suite::looks_like_a_file(name).then(|| files::read_text("read contract", Path::new(name)).ok()).flatten();
    let base = |name: &str| files::shipped_contract(name).or_else(|| own(name)).map(|file| file.text);
    read_contract_among(&name, &text, &base, &files::shipped_contracts())
        .map_err(|wrong| Failure::usage(format!("a contract cannot be made of what was given:\n{wrong}")))
}

/// What the flags say, and what is asked for; nothing, when the user leaves.
fn chosen(args: &InitArgs, questions: &mut Questions, console: &mut Console) -> Result<Option<Chosen>, Failure> {
    let recognised = args.from.as_ref().map(|file| recognise(args, file)).transpose()?;
    let Some((base, told)) = based(args, recognised.as_ref(), questions, console)? else { return Ok(None) };
    let extended = match &base {
        Base::Extended { contract, .. } => Some(contract.as_ref().clone()),
        Base::Own { .. } => None,
    };
    let has_signature = match &base {
        Base::Extended { contract, .. } => contract.signature.by != Proof::None,
        Base::Own { scheme, .. } => scheme.by != Proof::None,
    };
    let Some((at, query)) = whereabouts(args, questions, console)? else { return Ok(None) };
    let captured = recognised.as_ref().and_then(|one| one.path.clone());
    let named = args.path.as_deref().map(|path| without_query(path).0);
    let (at, addressed) = apart(at, named.as_deref(), captured.as_deref());
    if let (Some(path), None) = (&addressed, &args.path) {
        console.print(&format!("Deliveries go to {path}, as the address says; --path names another path.\n"));
    }
    let usual = captured.clone().or_else(|| extended.as_ref().map(|one| one.endpoint.path.clone())).unwrap_or_else(|| "/".to_owned());
    let given = args.path.as_deref().or(addressed.as_deref());
    let Some(path) = questions.text("Which path takes deliveries?", "--path", given, Some(&usual), console)? else {
        return Ok(None);
    };
    let (path, own_query) = without_query(&path);
    let query = own_query.or(query).or_else(|| recognised.as_ref().and_then(|one| one.query.clone()));
    let usual = extended.as_ref().map(|one| one.secret.env.clone()).filter(|env| !env.is_empty());
    let usual = usual.unwrap_or_else(|| "WEBHOOK_SECRET".to_owned());
    let given = args.secret_env.as_deref();
    let secret_env = if has_signature {
        questions.text("Which environment variable holds the secret?", "--secret-env", given, Some(&usual), console)?
    } else {
        Some(given.unwrap_or(&usual).to_owned())
    };
    let Some(secret_env) = secret_env else { return Ok(None) };
    if !is_variable(&secret_env) {
        return Err(Failure::usage(format!(
            "--secret-env takes the name of a variable that holds the secret, and never the secret: letters, digits and `_`{}",
            if given.is_some() { "" } else { "; what was answered is none" }
        )));
    }
    let nothing = "none";
    // Who remembers nothing has neither.
    let given = |flag: &Option<String>| flag.clone().or_else(|| args.signatures_only.then(|| nothing.to_owned()));
    let asks = "Where does it remember? A SQLite file, or a database's URL";
    let Some(db) = questions.text(asks, "--db", given(&args.db).as_deref(), Some(nothing), console)? else { return Ok(None) };
    let asks = "Where can it be counted how often work was done? /page?key={key}#/count, table:NAME.COLUMN or log:FILE:PATTERN";
    let Some(effects) = questions.text(asks, "--effects", given(&args.effects).as_deref(), Some(nothing), console)? else {
        return Ok(None);
    };
    let db = Some(db).filter(|db| db != nothing);
    let effects = Some(effects).filter(|text| text != nothing).map(|text| init::effects(&text)).transpose();
    let effects = effects.map_err(|wrong| Failure::usage(format!("--effects: {wrong}")))?;
    let reads_rows =
        extended.as_ref().is_some_and(|one| one.state.is_some() || one.effects.as_ref().is_some_and(|effects| effects.table.is_some()));
    if db.is_some() && !reads_rows && effects.as_ref().is_none_or(|effects| effects.table.is_none()) {
        return Err(Failure::usage(
            "--db is given, and neither the contract nor --effects says what is read there: name the table that gets a row each time work is \
             done, with --effects table:NAME.COLUMN (the column holds the key)",
        ));
    }
    if effects.as_ref().is_some_and(|effects| effects.table.is_some()) && db.is_none() {
        return Err(Failure::usage("--effects names a table: give its database, too, with --db"));
    }
    let Some(extent) = extent(args, questions, console)? else { return Ok(None) };
    let Some(pipelines) = pipelines(args, questions, console)? else { return Ok(None) };
    let name = args.name.clone().unwrap_or_else(|| match &extended {
        Some(one) if one.contract.starts_with("my-") => format!("{}-here", one.contract),
        Some(one) => format!("my-{}", one.contract),
        None => "my-receiver".to_owned(),
    });
    let known = Known {
        base,
        name,
        secret_env,
        at,
        reached: reached_by(args),
        ready: args.ready.clone(),
        path: Some(path),
        query,
        signatures_only: args.signatures_only,
        content_type: recognised.as_ref().and_then(|one| one.content_type.clone()),
        example: Example::default(),
        health: args.health.clone().map(|path| Health { path, status: 200, body: serde_json::Value::Null }),
        db,
        db_password_env: args.db_password_env.clone(),
        effects,
        clock: args.clock.and_then(|clock| clock.to_possible_value()).map(|value| value.get_name().to_owned()),
        told,
    };
    Ok(Some(Chosen { known, extent, pipelines, recognised }))
}

fn is_variable(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// What the contract is built on: what was named, what the capture keeps, or what is chosen from those that are shipped.
fn based(
    args: &InitArgs,
    recognised: Option<&Recognised>,
    questions: &mut Questions,
    console: &mut Console,
) -> Result<Option<(Base, Vec<String>)>, Failure> {
    let told = recognised.map(|one| one.told.clone()).unwrap_or_default();
    let named = match (&args.contract, recognised) {
        (Some(named), _) => named.clone(),
        (None, Some(one)) => {
            console.print(&one.told.iter().map(|told| format!("{told}\n")).collect::<String>());
            return Ok(Some((one.base.clone(), told)));
        }
        (None, None) => match questions.family(console)? {
            Some(named) => named,
            None => return Ok(None),
        },
    };
    let contract = load_suite::contract(&named)?;
    let extends = if files::shipped_contract(&named).is_some() { named } else { reached(&args.dir, Path::new(&named))? };
    Ok(Some((Base::Extended { extends, contract: Box::new(contract) }, told)))
}

/// A contract's file as the written contract reaches it.
fn reached(dir: &Path, file: &Path) -> Result<String, Failure> {
    let failed = |cause: std::io::Error| Failure::usage(format!("cannot read {}: {cause}", file.display()));
    let file = std::fs::canonicalize(file).map_err(failed)?;
    let inside = std::fs::canonicalize(dir).ok().and_then(|dir| file.strip_prefix(dir).map(PathBuf::from).ok());
    Ok(inside.map_or_else(|| file.display().to_string(), |inside| format!("../{}", inside.display())))
}

fn whereabouts(
    args: &InitArgs,
    questions: &mut Questions,
    console: &mut Console,
) -> Result<Option<(Whereabouts, Option<String>)>, Failure> {
    if let Some(command) = &args.exec {
        return Ok(Some((Whereabouts::Exec(command.clone()), None)));
    }
    let asks = "Where does the receiver answer? An address, or the command that starts it ({port} stands for a free port)";
    let given = args.target.as_deref();
    let Some(answer) = questions.text(asks, "--target URL, or --exec CMD", given, None, console)? else { return Ok(None) };
    let is_url = ["http://", "https://", "unix:"].iter().any(|scheme| answer.starts_with(scheme));
    if is_url || given.is_some() {
        let (answer, query) = without_query(&answer);
        args.reach.target(&answer)?;
        return Ok(Some((Whereabouts::Url(answer), query)));
    }
    Ok(Some((Whereabouts::Exec(answer), None)))
}

fn extent(args: &InitArgs, questions: &mut Questions, console: &mut Console) -> Result<Option<Extent>, Failure> {
    let given = args.visit.and_then(|one| one.to_possible_value()).map(|value| value.get_name().to_owned());
    let asks = "May it be visited? harmless: questions, and deliveries that are to be refused; full: one honest delivery, too, twice; none";
    let Some(answer) = questions.text(asks, "--visit", given.as_deref(), Some("harmless"), console)? else { return Ok(None) };
    match VisitArg::from_str(&answer, true)
        .map_err(|_| Failure::usage(format!("`{answer}` is none of none, harmless and full (--visit)")))?
    {
        VisitArg::None => Ok(Some(Extent::Nothing)),
        VisitArg::Harmless => Ok(Some(Extent::Harmless)),
        VisitArg::Full => Ok(Some(Extent::Full)),
    }
}

fn pipelines(args: &InitArgs, questions: &mut Questions, console: &mut Console) -> Result<Option<Vec<Pipeline>>, Failure> {
    let mut all: Vec<Pipeline> = Vec::new();
    for one in &args.ci {
        all.push(match one {
            CiArg::Github => Pipeline::Github,
            CiArg::Gitlab => Pipeline::Gitlab,
        });
    }
    all.extend(args.compose.then_some(Pipeline::Compose));
    if all.is_empty() {
        let asks = "A pipeline, too? github, gitlab, compose, or several with commas between them";
        let Some(answer) = questions.text(asks, "--ci", None, Some("none"), console)? else { return Ok(None) };
        for word in answer.split(',').map(str::trim).filter(|word| !word.is_empty() && *word != "none") {
            all.push(match word {
                "github" => Pipeline::Github,
                "gitlab" => Pipeline::Gitlab,
                "compose" => Pipeline::Compose,
                other => return Err(Failure::usage(format!("`{other}` is none of github, gitlab and compose"))),
            });
        }
    }
    Ok(Some(all))
}

/// What was written, what is not as it should be, and how it goes on.
fn tell(
    args: &InitArgs,
    known: &Known,
    contract: &Contract,
    written: &[Written],
    found: &Findings,
    has_secret: bool,
    console: &mut Console,
) {
    for one in written {
        console.print(&format!("wrote {}\n", args.dir.join(&one.path).display()));
    }
    for warning in &found.warnings {
        console.print(&format!("warning: {warning}\n"));
    }
    let mut text = String::from("\nnext:\n");
    if args.dir != Path::new(".") {
        text.push_str(&format!("  cd {}\n", crate::report::again::in_shell(&args.dir.display().to_string())));
    }
    if !has_secret && contract.signature.by != Proof::None {
        text.push_str(&format!("  export {}=…   # the secret.{}\n", known.secret_env, secret_form(&contract.signature.key)));
    }
    text.push_str(&format!("  hookgate check {CONTRACT_FILE}\n  hookgate run\n  hookgate explain {CONTRACT_FILE}\n"));
    console.print(&text);
}
