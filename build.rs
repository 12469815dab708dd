//! The build: which commit it is of, and with which features, for `hookgate --version`.
//!
//! In, the first that is there: the variable `HOOKGATE_COMMIT`, the file that
//! `cargo package` puts into its tarball, the repository that this folder is
//! the root of. Out: `HOOKGATE_BUILD_COMMIT`, empty where none of them tells,
//! `HOOKGATE_BUILD_FEATURES` and `HOOKGATE_BUILD_TARGET`. It runs again when
//! one of them may say something else, and never fails a build.
#![expect(clippy::disallowed_methods, reason = "a build script speaks to cargo so, and is told by the environment")]

use std::path::{Path, PathBuf};
use std::process::Command;

/// What `cargo package` knows of the commit.
const OF_THE_PACKAGE: &str = ".cargo_vcs_info.json";
/// So much of a commit's name is told.
const LONGEST: usize = 64;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-env-changed=HOOKGATE_COMMIT");
    println!("cargo:rustc-env=HOOKGATE_BUILD_COMMIT={}", commit().unwrap_or_default());
    println!("cargo:rustc-env=HOOKGATE_BUILD_FEATURES={}", features().join(", "));
    println!("cargo:rustc-env=HOOKGATE_BUILD_TARGET={}", std::env::var("TARGET").unwrap_or_default());
}

/// The commit, where somebody knows it.
fn commit() -> Option<String> {
    let given = std::env::var("HOOKGATE_COMMIT").ok();
    given.as_deref().and_then(name).or_else(of_the_package).or_else(of_the_repository)
}

/// A commit's name: one word without anything that a terminal or cargo would read as something else.
fn name(text: &str) -> Option<String> {
    let word = text.trim();
    let is_plain = word.len() <= LONGEST && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.+/".contains(&byte));
    (is_plain && !word.is_empty()).then(|| word.to_owned())
}

/// `{"git": {"sha1": "…"}, …}`, written by cargo, a member a line.
fn of_the_package() -> Option<String> {
    let text = std::fs::read_to_string(OF_THE_PACKAGE).ok()?;
    println!("cargo:rerun-if-changed={OF_THE_PACKAGE}");
    let (_, after) = text.split_once("\"sha1\"")?;
    name(after.split('"').nth(1)?)
}

/// `HEAD`, where this folder is a repository and no folder within somebody else's.
fn of_the_repository() -> Option<String> {
    let root = PathBuf::from(git(&["rev-parse", "--show-toplevel"])?);
    let here = std::env::current_dir().ok()?;
    if root.canonicalize().ok()? != here.canonicalize().ok()? {
        return None;
    }
    // The log of HEAD grows with every commit and checkout; where none is kept, HEAD and what it points to are looked at.
    let branch = git(&["symbolic-ref", "--quiet", "HEAD"]);
    for file in ["logs/HEAD", "HEAD", "packed-refs"].into_iter().chain(branch.as_deref()) {
        let path = git(&["rev-parse", "--git-path", file]);
        // A file that is not there would make every build run this again.
        if let Some(path) = path.filter(|path| Path::new(path).is_file()) {
            println!("cargo:rerun-if-changed={path}");
        }
    }
    name(&git(&["rev-parse", "HEAD"])?)
}

/// What git says, in one line.
fn git(words: &[&str]) -> Option<String> {
    let said = Command::new("git").args(words).output().ok().filter(|said| said.status.success())?;
    let text = String::from_utf8(said.stdout).ok()?;
    Some(text.trim_end_matches(['\r', '\n']).to_owned()).filter(|line| !line.is_empty())
}

/// The features that this build has.
fn features() -> Vec<String> {
    let mut names: Vec<String> = std::env::vars()
        .filter_map(|(name, _)| name.strip_prefix("CARGO_FEATURE_").map(|feature| feature.to_ascii_lowercase().replace('_', "-")))
        .filter(|feature| feature != "default")
        .collect();
    names.sort();
    names
}
