//! The surroundings of tests: folders of their own, files of the project, and tools that are there or not. Every program of tests takes
//! it in with `#[path]`.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stderr,
    reason = "helpers of tests fail the test, or say what is skipped"
)]

use std::path::{Path, PathBuf};

/// A folder of a test, gone when the test is.
pub(crate) struct Folder(tempfile::TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> String {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).expect("a folder");
        std::fs::write(&path, text).expect("a file");
        path.to_str().unwrap().to_owned()
    }
}

/// A system tool, or `None` after saying aloud that the test is skipped.
pub(crate) fn tool(name: &str) -> Option<PathBuf> {
    let found = std::env::split_paths(&path_variable()).map(|dir| dir.join(name)).find(|path| path.is_file());
    if found.is_none() {
        assert!(!tools_are_required(), "{name} is not here, and HOOKGATE_REQUIRE_TOOLS is set");
        eprintln!("skipped: {name} is not here");
    }
    found
}

#[expect(clippy::disallowed_methods, reason = "a test asks which tools there are")]
pub(crate) fn path_variable() -> std::ffi::OsString {
    std::env::var_os("PATH").unwrap_or_default()
}

#[expect(clippy::disallowed_methods, reason = "a test asks whether a missing tool is a failure")]
fn tools_are_required() -> bool {
    std::env::var_os("HOOKGATE_REQUIRE_TOOLS").is_some_and(|value| value == "1")
}

/// A file that `npm ci` in tests/npm brings, or `None` after saying aloud that the test is skipped.
pub(crate) fn npm(path: &str) -> Option<PathBuf> {
    let file = project("tests/npm/node_modules").join(path);
    if !file.exists() {
        let why = format!("{path} is not here: npm ci --prefix tests/npm");
        assert!(!tools_are_required(), "{why}, and HOOKGATE_REQUIRE_TOOLS is set");
        say_skipped(&why);
        return None;
    }
    Some(file)
}

/// A file of the project.
pub(crate) fn project(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Says aloud that a test, or a part of it, is skipped.
pub(crate) fn say_skipped(why: &str) {
    eprintln!("skipped: {why}");
}

/// Python with the vendors' libraries, as .ci/run puts it into target/vendors, or `None` after saying aloud that the test is skipped.
pub(crate) fn python_with_vendors() -> Option<PathBuf> {
    let python = project("target/vendors/bin/python");
    if !python.exists() {
        let why = "target/vendors is not here: python3 -m venv target/vendors && target/vendors/bin/pip install -r tests/vendors/requirements.txt";
        assert!(!tools_are_required(), "{why}, and HOOKGATE_REQUIRE_TOOLS is set");
        say_skipped(why);
        return None;
    }
    Some(python)
}
