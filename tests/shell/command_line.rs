//! The command line of tests: runs the built command and living receivers; what is started here is stopped here.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a command that does not start fails the test")]

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::{LazyLock, PoisonError, RwLock};

use crate::surroundings::{Folder, project};

/// The machine. Most commands share it; one whose receiver must answer in time has it alone.
static MACHINE: RwLock<()> = RwLock::new(());

/// The command that is tried: the one that was built with the tests, or the one that `HOOKGATE_TEST_BINARY` names, such as a release build, which
/// plays a suite in a fifth of the time.
#[expect(clippy::disallowed_methods, reason = "the surroundings say which build is tried")]
pub(crate) fn binary() -> &'static str {
    static BINARY: LazyLock<String> =
        LazyLock::new(|| std::env::var("HOOKGATE_TEST_BINARY").unwrap_or_else(|_| env!("CARGO_BIN_EXE_hookgate").to_owned()));
    &BINARY
}

/// The command, without anything from the surroundings that could change what it says.
pub(crate) fn command() -> Command {
    let mut command = Command::new(binary());
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

/// Runs a command to its end, while others of its kind may run too.
pub(crate) fn among_others(command: &mut Command) -> Output {
    let _shared = MACHINE.read().unwrap_or_else(PoisonError::into_inner);
    command.output().expect("the command starts")
}

/// Runs a command to its end while nothing else runs that came through here: the machine is not busy with others.
pub(crate) fn alone(command: &mut Command) -> Output {
    let _whole = MACHINE.write().unwrap_or_else(PoisonError::into_inner);
    command.output().expect("the command starts")
}

/// Runs `run`, a command that judges, to its end while others run too, under a contract whose answers may be as late as a busy machine
/// makes them: where the time of an answer is not what is tested, no verdict hangs on it.
///
/// * `contract`: the name or the file of what is promised otherwise.
pub(crate) fn patiently(run: &mut Command, contract: &str) -> Output {
    let folder = Folder::new();
    let base = if contract.ends_with(".yaml") { project(contract).display().to_string() } else { contract.to_owned() };
    let patient = folder.write("patient.yaml", &format!("extends: {base}\nlimits: {{answer: 30 s}}\n"));
    among_others(run.args(["--contract", &patient, "--timeout", "60s"]))
}

/// Exit code and both streams as one text.
pub(crate) fn hookgate(args: &[&str]) -> String {
    hookgate_with(&[], args)
}

/// Standard output alone.
pub(crate) fn stdout(args: &[&str]) -> String {
    let output = among_others(command().args(args).stdin(Stdio::null()));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Exit code and both streams as one text, with environment variables.
pub(crate) fn hookgate_with(env: &[(&str, &str)], args: &[&str]) -> String {
    let output = among_others(command().envs(env.iter().copied()).args(args).stdin(Stdio::null()));
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

/// Waits until `is` holds; a condition of processes has no other sign.
#[expect(clippy::disallowed_methods, reason = "there is nothing else to wait for")]
pub(crate) fn until(what: &str, mut is: impl FnMut() -> bool) {
    let begun = std::time::Instant::now();
    while !is() {
        assert!(begun.elapsed() < std::time::Duration::from_secs(20), "{what}: not within 20 s");
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
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
            let address = line
                .split_whitespace()
                .find(|word| word.starts_with("http://") || word.starts_with("https://"))
                .unwrap_or_default()
                .to_owned();
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

/// An address on the loopback where nobody listens: the port was free a moment ago.
pub(crate) fn nobody() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    format!("http://{}", listener.local_addr().unwrap())
}
