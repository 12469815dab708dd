//! Languages as a command speaks them: by flag or environment, and never to programs.

use crate::command_line::{hookgate, hookgate_with};

#[test]
fn language_comes_from_the_flag_or_else_from_the_environment() {
    let first_line = |env: &[(&str, &str)], more: &[&str]| {
        let told = hookgate_with(env, &[&["report", "reports/orch-phase3"], more].concat());
        if told.contains("検証") { "ja" } else { "en" }
    };
    assert_eq!(first_line(&[("LANG", "ja_JP.UTF-8")], &[]), "ja");
    assert_eq!(first_line(&[("LANG", "ja_JP.UTF-8"), ("LC_ALL", "C")], &[]), "en");
    assert_eq!(first_line(&[("LANG", "de_DE.UTF-8"), ("LC_MESSAGES", "ja_JP.eucJP")], &[]), "ja");
    assert_eq!(first_line(&[("LANG", "ja_JP.UTF-8")], &["--lang", "en"]), "en");
    assert_eq!(first_line(&[], &["--lang", "ja"]), "ja");
    let told = hookgate(&["report", "reports/orch-phase3", "--lang", "de"]);
    assert!(told.starts_with("exit 2") && told.contains("there is no language `de`: en, ja"), "{told}");
}

/// What programs read is the same whoever asks.
#[test]
fn forms_for_programs_know_no_language() {
    let of = |format: &str, language: &str| {
        hookgate_with(&[("LANG", language)], &["compare", "reports/orch-phase2", "reports/orch-phase3", "--format", format])
    };
    assert_eq!(of("json", "ja_JP.UTF-8"), of("json", "C"));
    assert_ne!(of("human", "ja_JP.UTF-8"), of("human", "C"));
}
