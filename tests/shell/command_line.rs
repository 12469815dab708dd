//! Runs the command and living receivers for tests; what is started here is stopped here.
#![allow(
    clippy::allow_attributes,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stderr,
    dead_code,
    reason = "helpers of tests, not all used by every test file"
)]

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

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

/// The command, without anything from the surroundings that could change what it says.
pub(crate) fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hookgate"));
    command
        .env_remove("ORCH_WEBHOOK_SECRET")
        .env_remove("CI")
        .env_remove("GITHUB_ACTIONS")
        .env_remove("LC_ALL")
        .env_remove("LC_MESSAGES")
        .env_remove("LANG")
        .env("NO_COLOR", "1")
        .env("COLUMNS", "100")
        .current_dir(env!("CARGO_MANIFEST_DIR"));
    command
}

/// Exit code and both streams as one text.
pub(crate) fn hookgate(args: &[&str]) -> String {
    hookgate_with(&[], args)
}

/// Standard output alone.
pub(crate) fn stdout(args: &[&str]) -> String {
    let output = command().args(args).stdin(Stdio::null()).output().expect("the command starts");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Exit code and both streams as one text, with environment variables.
pub(crate) fn hookgate_with(env: &[(&str, &str)], args: &[&str]) -> String {
    let output = command().envs(env.iter().copied()).args(args).stdin(Stdio::null()).output().expect("the command starts");
    format!(
        "exit {}\n--- stdout\n{}--- stderr\n{}",
        output.status.code().map_or_else(|| "by a signal".to_owned(), |code| code.to_string()),
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

/// Writes a file of a folder anew; what it was.
pub(crate) fn changed(folder: &str, name: &str, change: impl Fn(&str) -> String) -> String {
    let path = Path::new(folder).join(name);
    let whole = std::fs::read_to_string(&path).expect("a file of the folder");
    std::fs::write(&path, change(&whole)).expect("written");
    whole
}

/// A receiver that a test has started.
pub(crate) struct Running {
    child: Child,
    /// `http://127.0.0.1:PORT`
    pub(crate) url: String,
    /// The control address, when it told one.
    pub(crate) control: Option<String>,
}

impl Running {
    /// Starts a command and waits until it says `listening on http://…`; with `lines`, reads so many lines.
    pub(crate) fn start(command: &mut Command, lines: usize) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).stdin(Stdio::null()).spawn().expect("it starts");
        let mut reader = BufReader::new(child.stdout.take().unwrap());
        let (mut url, mut control) = (String::new(), None);
        for _ in 0..lines {
            let mut line = String::new();
            reader.read_line(&mut line).expect("a line");
            let address = line.split_whitespace().find(|word| word.starts_with("http://")).unwrap_or_default().to_owned();
            if line.starts_with("control") { control = Some(address) } else { url = address }
        }
        assert!(!url.is_empty(), "it did not say where it listens");
        Self { child, url, control }
    }

    /// `hookgate serve` with arguments.
    pub(crate) fn serve(secret: &str, args: &[&str]) -> Self {
        let lines = if args.contains(&"virtual") { 2 } else { 1 };
        Self::start(command().env("ORCH_WEBHOOK_SECRET", secret).arg("serve").args(args), lines)
    }

    /// Waits until it has ended, and gives its exit code.
    pub(crate) fn ended(&mut self) -> Option<i32> {
        self.child.wait().expect("it can be waited for").code()
    }

    /// The process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
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
fn path_variable() -> std::ffi::OsString {
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

/// An address on the loopback where nobody listens: the port was free a moment ago.
pub(crate) fn nobody() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    format!("http://{}", listener.local_addr().unwrap())
}

/// A file of the project.
pub(crate) fn project(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Says aloud that a test, or a part of it, is skipped.
pub(crate) fn say_skipped(why: &str) {
    eprintln!("skipped: {why}");
}
