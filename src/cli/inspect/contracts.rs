//! The contracts that are shipped: a line each, with where it comes from.

use serde_json::json;

use crate::cli::args::ListFormat;
use crate::cli::exit::Exit;
use crate::cli::{Console, Failure, load_suite};
use crate::contract::Contract;
use crate::files;

/// `hookgate list --contracts`
pub(super) fn list(format: ListFormat, console: &mut Console) -> Result<Exit, Failure> {
    let all = files::shipped_contracts().iter().map(|name| load_suite::contract(name)).collect::<Result<Vec<Contract>, Failure>>()?;
    match format {
        ListFormat::Json => {
            let said =
                |one: &Contract| json!({"contract": one.contract, "title": one.title, "suite": one.suite, "source": one.source.trim()});
            console.print(&format!("{:#}\n", serde_json::Value::Array(all.iter().map(said).collect())));
        }
        ListFormat::Human => {
            let width = all.iter().map(|one| one.contract.len()).max().unwrap_or(0);
            let titles = all.iter().map(|one| one.title.chars().count()).max().unwrap_or(0);
            for one in &all {
                console.print(&format!("{:<width$}  {:<titles$}  {}\n", one.contract, one.title, origin(&one.source)));
            }
            console.print(&format!("{} contracts\n", all.len()));
        }
    }
    Ok(Exit::Conforms)
}

/// The first address of a source, or its first words.
fn origin(source: &str) -> String {
    let address = source.split_whitespace().find(|word| word.starts_with("https://"));
    let first = || source.split([':', '(', '.', ',']).next().unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ");
    address.map_or_else(first, |address| address.trim_end_matches([',', ';', ')']).to_owned())
}
