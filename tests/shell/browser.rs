//! The pages in a real browser: headless Chromium, with axe-core for accessibility.
//!
//! Needs Chromium, Node.js and `npm ci` in `tests/npm`, which `.ci/run` installs; without them it is skipped aloud.
//! `HOOKGATE_SCREENSHOTS=DIR cargo test --test shell browser` keeps a picture of every look.
#![expect(clippy::disallowed_methods, reason = "whoever wants pictures says where, in the environment")]

use std::process::Command;

use crate::command_line::{Running, hookgate, hookgate_with, stdout};
use crate::surroundings::{Folder, npm, project, tool};

const SECRET: (&str, &str) = ("ORCH_WEBHOOK_SECRET", "a secret of the tests in a browser");

#[test]
fn pages_are_good_in_a_browser() {
    let (Some(node), Some(chromium)) = (tool("node"), tool("chromium")) else { return };
    let (Some(_), Some(_)) = (npm("playwright-core"), npm("axe-core")) else { return };
    let folder = Folder::new();
    let pages = folder.path("pages");
    std::fs::create_dir(&pages).expect("a folder");
    let keep = |from: &str, name: &str, to: &str| {
        std::fs::copy(folder.path(from).join(name), pages.join(to)).expect("a page of the report");
    };
    let out = |name: &str| folder.path(name).display().to_string();
    // A run that passes, one that fails in many ways, a load that breaks a promise, and comparisons.
    assert!(hookgate(&["run", "duplicate", "key", "audit", "--report", &out("right")]).starts_with("exit 0"));
    keep("right", "report.html", "passing.html");
    let database = out("orch.db");
    let receiver = Running::serve(SECRET.1, &["--db", &database, "--defect", "checks-then-marks"]);
    let target = ["--target", &receiver.url, "--db", &database];
    let told = hookgate_with(
        &[SECRET],
        &[&["run", "concurrency", "duplicate", "http", "key", "seed", "--clock", "none", "--report", &out("broken")][..], &target].concat(),
    );
    assert!(told.starts_with("exit 1"), "{told}");
    keep("broken", "report.html", "failing.html");
    let in_japanese = stdout(&["report", &out("broken"), "--format", "html", "--lang", "ja"]);
    std::fs::write(pages.join("failing-ja.html"), in_japanese).expect("written");
    let load = ["load", "--deliveries", "3000", "--mix", "impatient", "--gate", "p99<1us", "--report", &out("load")];
    assert!(hookgate_with(&[SECRET], &[&load[..], &target].concat()).starts_with("exit 1"));
    keep("load", "load.html", "load.html");
    let snapshots = ["--snapshots", "snapshots/orch-phase2", "snapshots/orch-phase3"];
    let phases = ["compare", "reports/orch-phase2", "reports/orch-phase3", "--format", "html"];
    std::fs::write(pages.join("comparison.html"), stdout(&[&phases[..], &snapshots].concat())).expect("written");
    let worse = stdout(&["compare", &out("right"), &out("broken"), "--format", "html"]);
    std::fs::write(pages.join("worse.html"), worse).expect("written");
    let mut look = Command::new(node);
    look.arg(project("tests/npm/look.mjs")).arg(&pages).arg(chromium);
    look.args(std::env::var_os("HOOKGATE_SCREENSHOTS"));
    let looked = look.output().expect("node starts");
    let told = String::from_utf8_lossy(&looked.stdout);
    assert!(looked.status.success(), "{told}{}", String::from_utf8_lossy(&looked.stderr));
    assert!(told.contains("24 looks, 0 things wrong"), "{told}");
    let largest = std::fs::metadata(pages.join("failing.html")).expect("the page").len();
    assert!(largest < 1 << 20, "{largest} bytes");
}
