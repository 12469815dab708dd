//! Settings text: `hookgate.toml`, by which `hookgate run` needs no flag.
//!
//! In: what is known of a receiver. Out: TOML, in which every member that is
//! not chosen stands as a comment where it can be found.

use super::{CONTRACT_FILE, Known, REPORT_FOLDER, Whereabouts, toml};

/// The settings' text.
#[must_use]
pub fn settings_text(known: &Known) -> String {
    let mut text = String::new();
    let mut line = |words: &str| {
        text.push_str(words);
        text.push('\n');
    };
    line("# Settings of hookgate: `hookgate run` in this folder, or below it, needs no flag. A flag goes before what stands here.");
    line(&format!("contract = {}", toml(CONTRACT_FILE)));
    line("# The name of the variable that holds the secret; the secret itself stands in no file.");
    line(&format!("secret_env = {}", toml(&known.secret_env)));
    match &known.clock {
        Some(clock) => line(&format!("clock = {}", toml(clock))),
        None => line("# clock = \"wait\"                        # how time passes for the receiver; `hookgate run --help` has the ways"),
    }
    line("# scenarios = [\"hookgate/scenarios\"]     # checks of your own, beside the suite");
    line("# baseline = \"hookgate-baseline.yaml\"   # failures that are known; `hookgate baseline update` writes it");
    line("# require = [\"AUTH-*\", \"DUP-*\"]          # what must have been judged, so that nothing is passed over unseen");
    line("");
    line("[target]");
    match &known.at {
        Whereabouts::Url(url) => line(&format!("url = {}", toml(url))),
        Whereabouts::Exec(command) => {
            line("# It is started by `hookgate run`, on a free port, and stopped afterwards.");
            line(&format!("exec = {}", toml(command)));
        }
    }
    for (member, value) in &known.reached {
        line(&format!("{member} = {value}"));
    }
    if let Some(ready) = &known.ready {
        line(&format!("ready = {}", toml(ready)));
    }
    line("");
    line("[evidence]");
    match (&known.db, &known.db_password_env) {
        (None, _) => line("# db = \"app.sqlite\"                     # where the receiver remembers; it is only read"),
        (Some(db), None) => line(&format!("db = {}", toml(db))),
        (Some(db), Some(variable)) => {
            line(&format!("db = {}", toml(db)));
            line(&format!("db_password_env = {}", toml(variable)));
        }
    }
    line("");
    line("[report]");
    line(&format!("dir = {}", toml(REPORT_FOLDER)));
    text
}
