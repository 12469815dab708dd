//! The version: what `hookgate --version` says of this build, ready to be pasted into a report of a mistake.
//!
//! In: what build.rs has found. Out: four lines; the first of them is all that `-V` says.

use std::sync::LazyLock;

/// What stands where nobody knew the commit.
const NOBODY_KNOWS: &str = "unknown (not built in its repository; the variable HOOKGATE_COMMIT names it at build time)";
/// What stands for a build without any feature.
const NO_FEATURES: &str = "none";

static LONG: LazyLock<String> = LazyLock::new(|| {
    lines(env!("CARGO_PKG_VERSION"), env!("HOOKGATE_BUILD_COMMIT"), env!("HOOKGATE_BUILD_FEATURES"), env!("HOOKGATE_BUILD_TARGET"))
});

/// Version, commit, features and target, as `--version` says them behind the name.
pub(crate) fn long() -> &'static str {
    &LONG
}

fn lines(version: &str, commit: &str, features: &str, target: &str) -> String {
    let or = |told: &str, otherwise: &str| if told.is_empty() { otherwise.to_owned() } else { told.to_owned() };
    let (commit, features) = (or(commit, NOBODY_KNOWS), or(features, NO_FEATURES));
    format!("{version}\ncommit: {commit}\nfeatures: {features}\ntarget: {target}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_says_what_was_built_and_what_is_not_known() {
        assert_eq!(
            lines("1.2.3", "0123abcd", "load, redis", "x86_64-unknown-linux-musl"),
            "1.2.3\ncommit: 0123abcd\nfeatures: load, redis\ntarget: x86_64-unknown-linux-musl"
        );
        assert_eq!(
            lines("1.2.3", "", "", "t"),
            "1.2.3\ncommit: unknown (not built in its repository; the variable HOOKGATE_COMMIT names it at build time)\nfeatures: none\ntarget: t"
        );
    }

    /// What is compiled in is what cargo was asked for.
    #[test]
    fn features_are_those_of_this_build() {
        let told: Vec<&str> = env!("HOOKGATE_BUILD_FEATURES").split(", ").filter(|name| !name.is_empty()).collect();
        for (name, is_on) in [
            ("load", cfg!(feature = "load")),
            ("mysql", cfg!(feature = "mysql")),
            ("postgres", cfg!(feature = "postgres")),
            ("redis", cfg!(feature = "redis")),
        ] {
            assert_eq!(told.contains(&name), is_on, "{name} in {told:?}");
        }
        assert!(!told.contains(&"default"));
    }
}
