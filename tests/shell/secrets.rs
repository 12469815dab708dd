//! Secrets of every kind: each form of a report stays what it is, agrees with its history, and shows none that can be hidden.
#![expect(clippy::expect_used, reason = "a test ends where something is not as it should be")]

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use crate::command_line::{Running, among_others, command, stdout};
use crate::surroundings::{Folder, tool};

/// Words of everyday, words of ours, one that every format has to escape, and a long one.
fn secrets() -> Vec<String> {
    let words = ["test", "key", "e", "true", "secret", "x", "other", "123", "duplicate", "terminal_callback"];
    let odd = "say \"hi\" & <b>'go'</b>\r\nover two lines\n";
    let long: String = (0..1024).map(|at| format!("{:04x}", (at * 40_503_u32) & 0xffff)).collect();
    words.into_iter().map(str::to_owned).chain([odd.to_owned(), long]).collect()
}

/// The tags of a page or of XML that are not closed, or closed and never opened; scripts, styles and comments are passed over.
fn unbalanced(markup: &str) -> Vec<String> {
    const VOID: [&str; 8] = ["meta", "link", "br", "hr", "img", "input", "col", "!doctype"];
    let (mut open, mut wrong): (Vec<String>, Vec<String>) = (Vec::new(), Vec::new());
    let mut rest = markup;
    while let Some(at) = rest.find('<') {
        rest = &rest[at..];
        if let Some(after) = rest.strip_prefix("<!--") {
            rest = after.split_once("-->").map_or("", |(_, after)| after);
            continue;
        }
        let end = rest.find('>').unwrap_or(rest.len() - 1);
        let tag = &rest[1..end];
        let name: String =
            tag.trim_start_matches('/').chars().take_while(|c| !c.is_whitespace() && *c != '/').collect::<String>().to_lowercase();
        rest = &rest[end + 1..];
        if tag.starts_with('/') {
            if open.last() == Some(&name) {
                open.pop();
            } else {
                wrong.push(format!("</{name}> inside {open:?}"));
            }
        } else if !tag.ends_with('/') && !tag.starts_with('?') && !VOID.contains(&name.as_str()) {
            if name == "script" || name == "style" {
                rest = rest.split_once(&format!("</{name}>")).map_or("", |(_, after)| after);
            } else {
                open.push(name);
            }
        }
    }
    wrong.into_iter().chain(open.into_iter().map(|name| format!("<{name}>"))).collect()
}

/// What is wrong with a text that should have a format.
fn ill_formed(format: &str, text: &str) -> Option<String> {
    let json = |text: &str| serde_json::from_str::<Value>(text).err().map(|wrong| wrong.to_string());
    match format {
        "json" => json(text),
        "sarif" => json(text).or_else(|| (!text.contains("\"version\": \"2.1.0\"")).then(|| "no version".to_owned())),
        "junit" => quick_junit::Report::deserialize_from_str(text).err().map(|wrong| format!("{wrong:?}")),
        "html" => unbalanced(text).into_iter().next().or_else(|| (!text.contains("</html>")).then(|| "no end".to_owned())),
        "markdown" => (!text.starts_with("# ") || text.matches("\n```").count() % 2 == 1).then(|| "an open fence".to_owned()),
        "tap" => {
            let points = text.lines().filter(|line| line.starts_with("ok ") || line.starts_with("not ok ")).count();
            (!text.starts_with("TAP version 14\n") || !text.contains(&format!("1..{points}\n"))).then(|| format!("{points} points"))
        }
        "github" => text
            .lines()
            .find(|line| !["::error ", "::warning ", "::notice "].iter().any(|begin| line.starts_with(begin)))
            .map(str::to_owned),
        _ => None,
    }
}

fn read(folder: &str, name: &str) -> String {
    std::fs::read_to_string(Path::new(folder).join(name)).expect("a file of the report")
}

/// Whatever the secret is: a run that fails and one that passes leave reports that can be read, whose ids are ours, and that verify.
#[test]
fn every_form_stays_what_it_is_whatever_the_secret_is() {
    let listed = stdout(&["list", "--format", "json"]);
    let listed: Value = serde_json::from_str(&listed).expect("JSON");
    let ids: BTreeSet<&str> =
        listed.as_array().or_else(|| listed["scenarios"].as_array()).expect("a list").iter().filter_map(|one| one["id"].as_str()).collect();
    for secret in secrets() {
        let folder = Folder::new();
        let out = folder.path("out").display().to_string();
        let wrong = Running::serve(&secret, &["--defect", "bad-signature-answered-403"]);
        let about = &secret[..secret.len().min(24)];
        let some = [
            "signature/refusal-reveals-nothing*",
            "signature/no-answer-reveals*",
            "signature/wrong-signature*",
            "duplicate/duplicate-is*",
            "key/keys-that*",
        ];
        let run = |target: &[&str], format: &str| {
            let mut run = command();
            run.env("ORCH_WEBHOOK_SECRET", &secret).arg("run").args(some).args(["--seed", "1", "--format", format]).args(target);
            let output = among_others(&mut run);
            (
                output.status.code(),
                String::from_utf8_lossy(&output.stdout).into_owned(),
                String::from_utf8_lossy(&output.stderr).into_owned(),
            )
        };
        let (exit, _, told) = run(&["--report", &out, "--target", &wrong.url], "human");
        assert_eq!(exit, Some(1), "{about}: {told}");
        assert_eq!(told.contains("warning: the secret in ORCH_WEBHOOK_SECRET"), secret.len() < 30, "{about}: {told}");
        for (format, name) in [("json", "report.json"), ("junit", "junit.xml"), ("html", "report.html"), ("markdown", "report.md")] {
            assert_eq!(ill_formed(format, &read(&out, name)), None, "{about}: {name}");
        }
        let verified = among_others(command().args(["report", "verify", &out]));
        assert_eq!(verified.status.code(), Some(0), "{about}: {}", String::from_utf8_lossy(&verified.stdout));
        let report: Value = serde_json::from_str(&read(&out, "report.json")).expect("JSON");
        for one in report["scenarios"].as_array().expect("a list") {
            assert!(one["id"].as_str().is_some_and(|id| ids.contains(id)), "{about}: {}", one["id"]);
        }
        // No answer reveals anything: it is not said of any.
        let findings = report["scenarios"].as_array().expect("a list").iter().flat_map(|one| one["findings"].as_array().expect("a list"));
        let accused = findings.filter(|one| one["observed"].as_str().is_some_and(|text| text.contains("it does reveal"))).count();
        assert_eq!(accused, 0, "{about}");
        for format in ["json", "junit", "html", "markdown", "sarif", "tap", "github"] {
            let (exit, text, told) = run(&[], format);
            assert_eq!((exit, ill_formed(format, &text)), (Some(0), None), "{about}: {format}: {told}");
        }
        for format in ["sarif", "tap", "github"] {
            assert_eq!(ill_formed(format, &stdout(&["report", &out, "--format", format])), None, "{about}: {format}");
        }
        if secret.len() > 30 {
            let all =
                ["report.json", "report.html", "report.md", "junit.xml", "history.jsonl", "snapshots.json"].map(|name| read(&out, name));
            let piece = secret.lines().next().expect("a line").get(..20).expect("20 characters");
            assert!(all.iter().all(|text| !text.contains(piece)), "{about}");
        }
    }
}

/// The receiver tells the key in its refusals, in a header, in its log and in pieces; that is found, and nobody else is told.
#[test]
fn what_a_receiver_reveals_is_a_finding_and_stays_in() {
    if tool("python3").is_none() {
        return;
    }
    const SECRET: &str = "whsec_bWFkZSB1cCBmb3IgdGhlIHRlc3Rz";
    const FORMS: [&str; 9] = ["whole", "stripped", "raw", "hex", "hex-in-capitals", "base64url-in-lines", "percent", "in-a-header", "json"];
    for form in FORMS {
        let folder = Folder::new();
        let out = folder.path("out").display().to_string();
        let exec = "exec python3 tests/receivers/standard_webhooks.py --port {port}";
        let mut run = command();
        run.env("WEBHOOK_SECRET", SECRET).env("KNOB", format!("reveals-{form}")).args(["run", "signature/*", "duplicate/*", "key/*"]);
        run.args(["--contract", "tests/contracts/standard-webhooks-only.yaml", "--exec", exec, "--report", &out, "--seed", "1"]);
        let output = among_others(&mut run);
        let mut texts = vec![output.stdout, output.stderr];
        assert_eq!(output.status.code(), Some(1), "{form}: {}", String::from_utf8_lossy(&texts[0]));
        let report: Value = serde_json::from_str(&read(&out, "report.json")).expect("JSON");
        let broken: Vec<&Value> = report["requirements"]
            .as_array()
            .expect("a list")
            .iter()
            .filter(|one| one["verdict"] == "fail")
            .map(|one| &one["id"])
            .collect();
        // One cause explains both: the second may be not judged then, and nothing else is broken.
        assert!(!broken.is_empty() && broken.iter().all(|id| *id == "AUTH-8" || *id == "AUTH-11"), "{form}: {broken:?}");
        texts.extend(std::fs::read_dir(&out).expect("a folder").flatten().map(|one| std::fs::read(one.path()).expect("a file")));
        for told in [
            "bWFkZSB1cCBmb3IgdGhlIHRlc3Rz",
            "made up for the tests",
            "6d61646520757020666f72",
            "6D61646520757020666F72",
            "for%20the%20tests",
            "YyIGZvciB0aGUg",
            "for the tests",
        ] {
            let shown = texts.iter().find(|text| String::from_utf8_lossy(text).contains(told));
            assert!(shown.is_none(), "{form}: {told} in {}", String::from_utf8_lossy(shown.map_or(&[], Vec::as_slice)));
        }
        let verified =
            among_others(command().args(["report", "verify", &out, "--contract", "tests/contracts/standard-webhooks-only.yaml"]));
        assert_eq!(verified.status.code(), Some(0), "{form}: {}", String::from_utf8_lossy(&verified.stdout));
        assert_eq!(String::from_utf8_lossy(&verified.stdout).contains("hidden"), form != "in-a-header", "{form}");
    }
}
