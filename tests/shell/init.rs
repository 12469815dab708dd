//! `hookgate init` from outside: what it writes, what it asks, what it recognises, and what it leaves alone.
#![expect(clippy::expect_used, reason = "a test ends where something is not as it should be")]

use std::path::Path;
use std::process::{Output, Stdio};

use crate::command_line::{Running, among_others, binary, command};
use crate::surroundings::Folder;

/// Runs the command in a folder; what it answers questions with is `typed`.
fn init(folder: &Folder, env: &[(&str, &str)], args: &[&str], typed: &str) -> Output {
    let file = folder.write(".typed", typed);
    let typed = std::fs::File::open(file).expect("a file");
    among_others(command().envs(env.iter().copied()).current_dir(folder.path("")).arg("init").args(args).stdin(Stdio::from(typed)))
}

fn both(output: &Output) -> String {
    format!(
        "exit {}\n{}{}",
        output.status.code().unwrap_or(-1),
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

fn read(folder: &Folder, name: &str) -> String {
    std::fs::read_to_string(folder.path(name)).unwrap_or_default()
}

/// Whether `hookgate check` takes the contract that was written.
fn is_sound(folder: &Folder) -> bool {
    among_others(command().current_dir(folder.path("")).args(["check", "hookgate/contract.yaml"])).status.success()
}

/// Files that are there, without what the tests themselves put there.
fn there(folder: &Folder) -> Vec<String> {
    let mut found = Vec::new();
    let mut left = vec![folder.path("")];
    while let Some(dir) = left.pop() {
        for entry in std::fs::read_dir(dir).expect("a folder") {
            let path = entry.expect("an entry").path();
            let name = path.strip_prefix(folder.path("")).expect("inside").display().to_string();
            if path.is_dir() {
                left.push(path);
            } else if !name.starts_with(".typed") {
                found.push(name);
            }
        }
    }
    found.sort();
    found
}

const QUIET: [&str; 5] = ["--target", "http://127.0.0.1:9", "--visit", "none", "--yes"];

fn with<'a>(args: &[&'a str]) -> Vec<&'a str> {
    args.iter().copied().chain(QUIET).collect()
}

#[test]
fn flags_alone_write_everything_that_a_run_needs() {
    let folder = Folder::new();
    let told =
        both(&init(&folder, &[], &with(&["--contract", "svix", "--secret-env", "MY_SVIX", "--ci", "github,gitlab", "--compose"]), ""));
    assert!(told.starts_with("exit 0\n"), "{told}");
    let files = [".github/workflows/hookgate.yml", ".gitlab-ci.hookgate.yml", "compose.yaml", "hookgate.toml", "hookgate/contract.yaml"];
    assert_eq!(there(&folder), files);
    assert!(
        told.contains("export MY_SVIX=…") && told.contains("whsec_") && told.ends_with("hookgate explain hookgate/contract.yaml\n"),
        "{told}"
    );
    let settings = read(&folder, "hookgate.toml");
    for line in
        ["contract = \"hookgate/contract.yaml\"", "secret_env = \"MY_SVIX\"", "url = \"http://127.0.0.1:9\"", "dir = \"hookgate-report\""]
    {
        assert!(settings.lines().any(|one| one == line), "{line}: {settings}");
    }
    assert!(read(&folder, "hookgate/contract.yaml").contains("\nextends: svix\n") && is_sound(&folder));
    for file in &files[..3] {
        let text = read(&folder, file);
        assert!(text.contains("MY_SVIX") && hookgate::yaml::tree::Tree::read(file, &text).is_ok(), "{text}");
    }
}

#[test]
fn nothing_is_overwritten_unasked_and_nothing_is_written_in_part() {
    let folder = Folder::new();
    folder.write("compose.yaml", "mine");
    let args = with(&["--contract", "svix", "--compose"]);
    let told = both(&init(&folder, &[], &args, ""));
    assert!(told.starts_with("exit 2\n") && told.contains("compose.yaml is there already") && told.contains("--force"), "{told}");
    assert_eq!((there(&folder), read(&folder, "compose.yaml")), (vec!["compose.yaml".to_owned()], "mine".to_owned()));
    let forced = [args.as_slice(), &["--force"]].concat();
    assert!(both(&init(&folder, &[], &forced, "")).starts_with("exit 0\n"));
    assert!(read(&folder, "compose.yaml").contains("hookgate"));
}

#[test]
fn what_has_no_usual_answer_is_named() {
    let folder = Folder::new();
    for (args, wanted) in [
        (vec!["--yes"], "give --contract ID ("),
        (vec!["--yes", "--contract", "svix"], "give --target URL, or --exec CMD"),
        (with(&["--contract", "svix", "--db", "app.sqlite"]), "--effects table:NAME.COLUMN"),
        (with(&["--contract", "svix", "--effects", "table:done.event"]), "give its database, too, with --db"),
        (with(&["--contract", "svix", "--secret-env", "whsec_not-a-name"]), "never the secret"),
        (vec!["--contract", "svix"], "standard input ended"),
    ] {
        let told = both(&init(&folder, &[], &args, ""));
        assert!(told.starts_with("exit 2\n") && told.contains(wanted), "{args:?}: {told}");
        assert!(!told.contains("not-a-name"), "{told}");
        assert_eq!(there(&folder), Vec::<String>::new(), "{args:?}");
    }
}

/// Each question has its usual answer, and `q` leaves without a file.
#[test]
fn questions_come_one_at_a_time_and_may_be_left() {
    let folder = Folder::new();
    let left = both(&init(&folder, &[], &[], "stripe-webhook\nq\n"));
    assert!(left.starts_with("exit 0\n") && left.ends_with("nothing was written\n") && there(&folder).is_empty(), "{left}");
    let no = both(&init(&folder, &[], &[], "stripe-webhook\nhttp://127.0.0.1:9\n\n\n\n\nnone\n\nn\n"));
    assert!(no.ends_with("nothing was written\n") && there(&folder).is_empty(), "{no}");
    let asked = both(&init(&folder, &[], &[], "no-such\nstripe-webhook\nhttp://127.0.0.1:9\n/in\nMINE\n\n\nnone\ngithub\n\n"));
    assert!(asked.starts_with("exit 0\n") && asked.contains("there is no contract `no-such`"), "{asked}");
    assert_eq!(there(&folder), [".github/workflows/hookgate.yml", "hookgate.toml", "hookgate/contract.yaml"]);
    let contract = read(&folder, "hookgate/contract.yaml");
    assert!(contract.contains("endpoint: {path: /in}") && contract.contains("secret: {env: MINE,"), "{contract}");
}

/// Families are known by the lines that their own contracts sign with: what `hookgate sign` writes is recognised.
#[test]
fn captured_deliveries_of_many_families_are_recognised() {
    let body = r#"{"id":"evt_1","event_id":"evt_1","n":1}"#;
    for (family, variable, secret) in [
        ("stripe-webhook", "STRIPE_WEBHOOK_SECRET", "whsec_of_this_test"),
        ("github-webhook", "GITHUB_WEBHOOK_SECRET", "a secret of this test"),
        ("standard-webhooks", "STANDARD_WEBHOOKS_SECRET", "whsec_plJ3nmyCDGBKInavdOK15jsl"),
        ("slack-events", "SLACK_SIGNING_SECRET", "8f742231b10e8888abcd99yyyzzz85a5"),
        ("shopify-webhook", "SHOPIFY_CLIENT_SECRET", "shpss_of_this_test"),
        ("gitlab-webhook", "GITLAB_WEBHOOK_TOKEN", "a-token-of-this-test"),
    ] {
        let folder = Folder::new();
        let file = folder.write("../x.body", body);
        let signed = among_others(command().env(variable, secret).args(["sign", "--contract", family, "--at", "1759694703", &file]));
        let lines = String::from_utf8(signed.stdout).expect("header lines");
        std::fs::remove_file(&file).expect("it was there");
        let headers: Vec<String> = lines.lines().map(|line| format!("-H '{line}'")).collect();
        let curl =
            format!("curl -sS \\\n  {} \\\n  --data-raw '{body}' 'https://hooks.example.com/in/here?a=1'\n", headers.join(" \\\n  "));
        folder.write("captured.txt", &curl);
        // By its lines alone, and with the secret, under another variable's name, too.
        for (env, proof) in [(vec![], "is not set"), (vec![("MINE", secret)], "computed anew with MINE, and holds")] {
            let mut args = with(&["--from", "captured.txt", "--force"]);
            args.extend(if env.is_empty() { vec![] } else { vec!["--secret-env", "MINE"] });
            let told = both(&init(&folder, &env, &args, ""));
            assert!(
                told.starts_with("exit 0\n") && told.contains(&format!("Recognised as `{family}`")) && told.contains(proof),
                "{family}: {told}"
            );
            let contract = read(&folder, "hookgate/contract.yaml");
            assert!(contract.contains(&format!("extends: {family}\n")) && contract.contains("/in/here"), "{family}: {contract}");
            assert!(!contract.contains(secret) && !told.contains(secret) && !read(&folder, "hookgate.toml").contains(secret), "{family}");
        }
        assert!(is_sound(&folder), "{family}");
    }
}

/// `printf '{"id":"e1"}' | openssl dgst -sha256 -hmac "$SECRET"`, and the same over `1759694703.{"id":"e1"}`.
const SECRET: &str = "a secret of acme";
const OVER_BODY: &str = "ed0724210f2bf7228ca8c1b4af179a3c5300b7b7ea2efb71d3b90e1d4af2537d";
const OVER_TIME_AND_BODY: &str = "1336e13605f9fbabd6f109875427be13a2621256e4b5c0416b9c2b556b325979";

#[test]
fn a_signature_that_no_family_has_is_proven_with_the_secret() {
    for (lines, wanted) in [
        (
            vec![format!("X-Acme-Sig: sha256={OVER_BODY}")],
            "message: \"{body}\"\n  headers:\n    - {name: X-Acme-Sig, value: \"sha256={sig}\"}",
        ),
        (
            vec!["X-Acme-Time: 1759694703".to_owned(), format!("X-Acme-Sig: {OVER_TIME_AND_BODY}")],
            "message: \"{t}.{body}\"\n  headers:\n    - {name: X-Acme-Time, value: \"{t}\"}\n    - {name: X-Acme-Sig, value: \"{sig}\"}",
        ),
    ] {
        let folder = Folder::new();
        let dump =
            format!("POST /in HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n{}\r\n\r\n{{\"id\":\"e1\"}}", lines.join("\r\n"));
        folder.write("dump.txt", &dump);
        let args = with(&["--from", "dump.txt", "--secret-env", "ACME"]);
        let unset = both(&init(&folder, &[], &args, ""));
        assert!(unset.starts_with("exit 2\n") && unset.contains("ACME is not set"), "{unset}");
        let other = both(&init(&folder, &[("ACME", "another secret")], &args, ""));
        assert!(
            other.starts_with("exit 2\n") && other.contains("X-Acme-Sig") && !there(&folder).contains(&"hookgate.toml".to_owned()),
            "{other}"
        );
        let told = both(&init(&folder, &[("ACME", SECRET)], &args, ""));
        let contract = read(&folder, "hookgate/contract.yaml");
        assert!(
            told.starts_with("exit 0\n") && contract.contains(wanted) && contract.contains("key: {body_member: id}"),
            "{told}{contract}"
        );
        assert!(!contract.contains(SECRET) && is_sound(&folder));
    }
}

/// Where no key shows, that is told with what could be one; a key is named by its member, of JSON or of a form, that is there.
#[test]
fn a_key_that_does_not_show_is_told_and_named() {
    let json = "{\"uid\":\"e1\"}";
    let (json_sig, form, form_sig) = (
        "b212f7d6027d0a9fda9fbeac400dcc84af22da93740f64a7714f41944e9207c5",
        "amount=3&id=e1",
        "880c526fb2a1814c47412d3f0f3ea73ccd87053d2cddafb8918defd4d8f939cf",
    );
    let run = |kind: &str, body: &str, sig: &str, more: &[&str]| {
        let folder = Folder::new();
        folder.write("dump.txt", &format!("POST /in HTTP/1.1\r\nHost: h\r\nContent-Type: {kind}\r\nX-Acme-Sig: {sig}\r\n\r\n{body}"));
        let args = [&with(&["--from", "dump.txt", "--secret-env", "ACME"])[..], more].concat();
        let told = both(&init(&folder, &[("ACME", SECRET)], &args, ""));
        let contract = if told.starts_with("exit 0\n") { read(&folder, "hookgate/contract.yaml") } else { String::new() };
        assert!(contract.is_empty() || is_sound(&folder), "{contract}");
        (told, contract)
    };
    let (told, contract) = run("application/json", json, json_sig, &[]);
    assert!(contract.contains("idempotency: none"), "{told}{contract}");
    assert!(told.contains("No key was found in it") && told.contains("--key-member PATH (its body has uid)"), "{told}");
    let (told, contract) = run("application/json", json, json_sig, &["--key-member", "uid"]);
    assert!(contract.contains("key: {body_member: uid}") && !told.contains("No key was found"), "{told}{contract}");
    let (told, _) = run("application/json", json, json_sig, &["--key-member", "nix.da"]);
    assert!(
        told.starts_with("exit 2\n") && told.contains("--key-member nix.da: no key stands there") && told.contains("its body has uid"),
        "{told}"
    );
    for more in [&[][..], &["--key-member", "id"]] {
        let (told, contract) = run("application/x-www-form-urlencoded", form, form_sig, more);
        assert!(contract.contains("key: {form_field: id}"), "{told}{contract}");
    }
}

/// A family's signature in a capture without the family's key is told as that; and where it holds, it is that family.
#[test]
fn a_familys_signature_without_its_key_is_named() {
    let secret = ("ZOOM_WEBHOOK_SECRET_TOKEN", "a-token-of-this-test");
    let folder = Folder::new();
    let file = folder.write("x.body", r#"{"event":"meeting.started"}"#);
    let signed = among_others(command().env(secret.0, secret.1).args(["sign", "--contract", "zoom-webhook", "--at", "1759694703", &file]));
    let lines = String::from_utf8(signed.stdout).expect("header lines");
    let lines: Vec<&str> = lines.lines().filter(|line| !line.to_ascii_lowercase().starts_with("x-zm-trackingid")).collect();
    folder.write("dump.txt", &format!("POST /in HTTP/1.1\r\nHost: h\r\n{}\r\n\r\n{{\"event\":\"meeting.started\"}}", lines.join("\r\n")));
    let args = with(&["--from", "dump.txt"]);
    let told = both(&init(&folder, &[], &args, ""));
    assert!(told.starts_with("exit 2\n") && told.contains("the signature of `zoom-webhook`"), "{told}");
    assert!(told.contains("its key, the header x-zm-trackingid, is not there"), "{told}");
    let told = both(&init(&folder, &[secret], &args, ""));
    assert!(told.starts_with("exit 0\n") && told.contains("Recognised as `zoom-webhook`"), "{told}");
    assert!(told.contains("Its key, the header x-zm-trackingid, is not in the capture"), "{told}");
}

/// A HAR tells what was answered, too: the status is narrowed, and a mark of duplicates is found.
#[test]
fn a_har_tells_what_was_answered() {
    let folder = Folder::new();
    let entry = |answer: &str| {
        format!(
            r#"{{"startedDateTime":"2025-10-05T20:05:03.000Z","request":{{"method":"POST","url":"https://h/in","headers":[
            {{"name":"Content-Type","value":"application/json"}},{{"name":"X-GitHub-Delivery","value":"0192b1c4-98f1-7a64-8c1d-0123456789ab"}},
            {{"name":"X-Hub-Signature-256","value":"sha256={}"}}],"postData":{{"text":"{{}}"}}}},
            "response":{{"status":202,"headers":[],"content":{{"text":"{answer}"}}}}}}"#,
            "0".repeat(64)
        )
    };
    let har = format!(r#"{{"log":{{"entries":[{},{}]}}}}"#, entry(r#"{\"ok\":true}"#), entry(r#"{\"ok\":true,\"seen\":true}"#));
    folder.write("traffic.har", &har);
    let told = both(&init(&folder, &[], &with(&["--from", "traffic.har"]), ""));
    let contract = read(&folder, "hookgate/contract.yaml");
    assert!(
        told.contains("Recognised as `github-webhook`") && contract.contains("accepted: {status: 202, also: [], without: [seen]}"),
        "{told}{contract}"
    );
    assert!(contract.contains("body: [{member: seen, is: true}]") && is_sound(&folder), "{contract}");
}

/// A contract of one's own is extended by its file, wherever it lies.
#[test]
fn a_contract_of_ones_own_is_extended_by_its_file() {
    let folder = Folder::new();
    folder.write("contracts/mine.yaml", "contract: mine\nextends: svix\ntitle: Mine\nendpoint: {path: /mine}\n");
    let told = both(&init(&folder, &[], &with(&["--contract", "contracts/mine.yaml"]), ""));
    assert!(
        told.starts_with("exit 0\n") && read(&folder, "hookgate/contract.yaml").contains("\nextends: \"../contracts/mine.yaml\"\n"),
        "{told}"
    );
    assert!(is_sound(&folder));
    std::fs::remove_file(folder.path("contracts/mine.yaml")).expect("it was there");
    assert!(!is_sound(&folder));
}

/// What a receiver does wrong is warned of, and is not in its contract.
#[test]
fn what_a_receiver_does_wrong_does_not_become_its_contract() {
    let folder = Folder::new();
    let exec = format!("exec {} serve --contract stripe-webhook --defect any-signature-passes --addr 127.0.0.1:{{port}}", binary());
    let told = both(&init(&folder, &[], &["--contract", "stripe-webhook", "--exec", &exec, "--visit", "full", "--yes"], ""));
    assert!(told.starts_with("exit 0\n") && told.contains("ACCEPTED"), "{told}");
    let contract = read(&folder, "hookgate/contract.yaml");
    assert!(
        contract.contains("# - a delivery that is signed with another secret was ACCEPTED") && !contract.contains("    signature:"),
        "{contract}"
    );
    assert!(Path::new(&folder.path("hookgate.toml")).is_file());
}

/// The whole address of deliveries is one, a certificate of one's own is kept, and a command is read as it was pasted.
#[test]
fn what_an_outsider_gives_is_understood() {
    let secret = [("STRIPE_WEBHOOK_SECRET", "whsec_hookgate_stripe_webhook_for_tests")];
    let serving = Running::start(command().envs(secret).args(["serve", "--contract", "stripe-webhook", "--addr", "127.0.0.1:0"]), 1);
    let folder = Folder::new();
    let url = format!("{}/webhooks/stripe", serving.url);
    let told = both(&init(&folder, &secret, &["--contract", "stripe-webhook", "--target", &url, "--visit", "full", "--yes"], ""));
    assert!(told.starts_with("exit 0\nDeliveries go to /webhooks/stripe") && !told.contains("warning"), "{told}");
    assert!(read(&folder, "hookgate.toml").contains(&format!("url = \"{}\"\n", serving.url)), "{}", read(&folder, "hookgate.toml"));
    let folder = Folder::new();
    folder.write("ca.pem", "no certificate");
    let args = ["--contract", "svix", "--target", "https://localhost:9", "--ca-cert", "ca.pem", "--visit", "none", "--yes"];
    let told = both(&init(&folder, &[], &args, ""));
    assert!(told.starts_with("exit 2\n") && told.contains("ca.pem"), "{told}");
    let mut args = args.to_vec();
    args.splice(4..6, ["--insecure", "--host", "shop.test"]);
    assert!(both(&init(&folder, &[], &args, "")).starts_with("exit 0\n"));
    let settings = read(&folder, "hookgate.toml");
    assert!(settings.contains("insecure = true\nhost = \"shop.test\"\n"), "{settings}");
    let folder = Folder::new();
    let pasted = "$ curl -sSX POST 'https://hooks.test/in/stripe' --connect-timeout 5 -H 'Stripe-Signature: t=1,v1=00' \\\n  -d '{\"id\":\"evt_1\"}' | jq .\n";
    folder.write("pasted.txt", pasted);
    let told = both(&init(&folder, &[], &with(&["--from", "pasted.txt"]), ""));
    assert!(told.contains("Recognised as `stripe-webhook`"), "{told}");
    assert!(read(&folder, "hookgate/contract.yaml").contains("endpoint: {path: /in/stripe"), "{}", read(&folder, "hookgate/contract.yaml"));
}

/// Where one of the files cannot be written, none is left.
#[test]
fn what_is_in_the_way_leaves_nothing_half_written() {
    let folder = Folder::new();
    folder.write("hookgate", "a file where the folder should be");
    let told = both(&init(&folder, &[], &with(&["--contract", "svix"]), ""));
    assert!(told.starts_with("exit 3\n") && told.contains("nothing was written"), "{told}");
    assert_eq!(there(&folder), ["hookgate"]);
    let folder = Folder::new();
    std::fs::create_dir_all(folder.path("hookgate.toml/x")).expect("a folder");
    let told = both(&init(&folder, &[], &with(&["--contract", "svix", "--force"]), ""));
    assert!(told.starts_with("exit 3\n") && told.contains("is a folder"), "{told}");
    assert_eq!(there(&folder), Vec::<String>::new());
}
