//! `hookgate config`: what is in force, and from where each value comes; never a secret.

use serde_json::{Map, Value, json};

use super::args::{Cli, ConfigArgs, ListFormat};
use super::exit::Exit;
use super::project::{InForce, report_flag};
use super::secrets::secret_from;
use super::{Console, Failure, load_suite};
use crate::project::layers::{Origin, Setting};
use crate::project::members::{Form, MEMBERS, Member};

/// The version of what `--format json` prints.
const SCHEMA: &str = "hookgate.config/1";
/// What stands in the place of what is hidden.
const HIDDEN: &str = "***";
/// Words in the name of a header or a variable whose value is not for everybody.
const PRIVATE: [&str; 8] = ["auth", "cookie", "token", "secret", "password", "passwd", "key", "signature"];

/// Runs the command.
pub(crate) fn config(args: &ConfigArgs, in_force: &InForce, console: &mut Console) -> Result<Exit, Failure> {
    let mut settings: Vec<Setting> = in_force.settings.clone();
    let missing = MEMBERS.iter().filter(|member| !in_force.settings.iter().any(|one| one.member.path == member.path));
    settings.extend(missing.filter_map(default));
    settings.sort_by_key(|one| MEMBERS.iter().position(|member| member.path == one.member.path));
    let secrets = secrets(&settings);
    let shown = |one: &Setting| one.texts.iter().map(|text| shown(one.member, text, &secrets)).collect::<Vec<String>>();
    match args.format {
        ListFormat::Human => {
            let head = in_force.line().unwrap_or_else(|| "no hookgate.toml, in this folder or above it".to_owned());
            let lines: Vec<(&str, String, String)> =
                settings.iter().map(|one| (one.member.path, shown(one).join(", "), in_force.place(&one.origin))).collect();
            let width = |of: fn(&(&str, String, String)) -> usize| lines.iter().map(of).max().unwrap_or(0).min(60);
            let (first, second) = (width(|line| line.0.chars().count()), width(|line| line.1.chars().count()));
            let mut text = format!("{head}\n\n");
            for (path, value, place) in &lines {
                text.push_str(&format!("{path:<first$}  {value:<second$}  {place}\n"));
            }
            console.print(&text);
        }
        ListFormat::Json => {
            let mut members = Map::new();
            for one in &settings {
                let values = shown(one);
                let value = match (&values[..], one.member.is_many()) {
                    ([only], false) => json!(only),
                    (all, _) => json!(all),
                };
                let told = json!({
                    "value": value,
                    "from": one.origin.word(),
                    "place": in_force.place(&one.origin),
                    "flag": report_flag(one.member.path),
                    "variable": one.member.variable(),
                });
                // Header lines of several levels are one member.
                match members.get_mut(one.member.path) {
                    Some(earlier) => join(earlier, &told),
                    None => drop(members.insert(one.member.path.to_owned(), told)),
                }
            }
            let file = in_force.file.as_ref().map(|file| file.display().to_string());
            let told = json!({"schema": SCHEMA, "file": file, "profile": in_force.profile, "members": members});
            console.print(&format!("{told:#}\n"));
        }
    }
    Ok(Exit::Conforms)
}

/// More values of the same member from a lower level, each level told.
fn join(earlier: &mut Value, more: &Value) {
    let lower = more["value"].as_array().cloned().unwrap_or_default();
    if let Some(values) = earlier["value"].as_array_mut() {
        values.extend(lower);
    }
    let both = format!("{}, {}", earlier["place"].as_str().unwrap_or_default(), more["place"].as_str().unwrap_or_default());
    earlier["place"] = both.into();
}

/// What holds where nobody says anything, as the flag's reader has it.
fn default(member: &'static Member) -> Option<Setting> {
    let command = <Cli as clap::CommandFactory>::command();
    let (flag, commands) = member.flags.first()?;
    let own = commands.first()?.split(' ').try_fold(&command, |command, name| command.find_subcommand(name))?;
    let arg = own.get_arguments().find(|arg| arg.get_long() == Some(flag))?;
    let texts: Vec<String> = arg.get_default_values().iter().map(|text| text.to_string_lossy().into_owned()).collect();
    let said = member.form != Form::Switch && !texts.is_empty() && member.path != "target.address";
    said.then_some(Setting { member, texts, origin: Origin::Default })
}

/// The values of every variable that is known to hold a secret.
fn secrets(settings: &[Setting]) -> Vec<String> {
    let of = |path: &'static str| settings.iter().filter(move |one| one.member.path == path).flat_map(|one| one.texts.iter().cloned());
    let mut names: Vec<String> = of("secret_env").chain(of("evidence.db_password_env")).chain(of("report.seal_env")).collect();
    names.extend(of("target.header_env").filter_map(|text| Some(text.split_once('=')?.1.to_owned())));
    names.extend(["PGPASSWORD", "MYSQL_PWD", "REDISCLI_AUTH"].map(str::to_owned));
    if let Some(contract) = of("contract").next().and_then(|named| load_suite::contract(&named).ok()) {
        let other = [&contract.secret.previous, &contract.secret.retired].into_iter().flatten().map(|other| other.env.clone());
        names.extend(std::iter::once(contract.secret.env.clone()).chain(other));
    }
    let value = |name: &String| secret_from(name).ok().flatten().map(|secret| secrecy::ExposeSecret::expose_secret(&secret).to_owned());
    // A secret of two letters hides half of what is told.
    names.iter().filter_map(value).filter(|value| value.chars().count() > 3).collect()
}

/// A value as it may be seen.
fn shown(member: &Member, text: &str, secrets: &[String]) -> String {
    let mut text = match member.form {
        Form::Lines(':') => header(text),
        Form::Command => assignments(text),
        Form::Text | Form::Switch | Form::Path | Form::PathOrName | Form::Place | Form::Lines(_) => address(text),
    };
    for secret in secrets {
        text = text.replace(secret.as_str(), HIDDEN);
    }
    text
}

fn is_private(name: &str) -> bool {
    let name = name.to_lowercase();
    PRIVATE.iter().any(|word| name.contains(word))
}

/// A header line; the value of one that lets somebody in is hidden.
fn header(line: &str) -> String {
    match line.split_once(':') {
        Some((name, _)) if is_private(name) => format!("{name}: {HIDDEN}"),
        Some(_) | None => line.to_owned(),
    }
}

/// An address without the password of its user, and without what is private in its query.
fn address(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else { return text.to_owned() };
    let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    let authority = match authority.rsplit_once('@') {
        Some((user, host)) => format!("{}:{HIDDEN}@{host}", user.split(':').next().unwrap_or_default()),
        None => authority.to_owned(),
    };
    let path = match path.split_once('?') {
        Some((path, query)) => format!("{path}?{}", query.split('&').map(assignment).collect::<Vec<_>>().join("&")),
        None => path.to_owned(),
    };
    format!("{scheme}://{authority}{path}")
}

/// A command line in which what is assigned to private names is hidden.
fn assignments(command: &str) -> String {
    command.split(' ').map(|word| if word.contains("://") { address(word) } else { assignment(word) }).collect::<Vec<_>>().join(" ")
}

fn assignment(word: &str) -> String {
    match word.split_once('=') {
        Some((name, _)) if is_private(name) => format!("{name}={HIDDEN}"),
        Some(_) | None => word.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::project::members::member;

    /// Whatever lets somebody in is hidden, wherever it stands.
    #[test]
    fn no_secret_is_shown() {
        let shown = |path: &str, text: &str| shown(member(path).expect("a member"), text, &["hunter22".to_owned()]);
        assert_eq!(shown("target.headers", "Authorization: Bearer abc"), "Authorization: ***");
        assert_eq!(shown("target.headers", "X-Env: ci"), "X-Env: ci");
        assert_eq!(shown("evidence.db", "postgres://me:abc@db/app?sslmode=require"), "postgres://me:***@db/app?sslmode=require");
        assert_eq!(shown("target.url", "http://host/a?token=abc&b=c"), "http://host/a?token=***&b=c");
        assert_eq!(shown("target.exec", "API_TOKEN=abc python3 app.py --port {port}"), "API_TOKEN=*** python3 app.py --port {port}");
        assert_eq!(shown("target.exec", "python3 app.py hunter22"), "python3 app.py ***");
    }
}
