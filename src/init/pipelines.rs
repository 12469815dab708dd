//! Pipelines: a workflow for GitHub, a job for GitLab, and services for Compose that run `hookgate run`.
//!
//! In: what is known of a receiver. Out: texts with their paths. Where
//! hookgate itself comes from is a variable of the pipeline, for no host is
//! known in here. Secrets are named, never written.

use super::{Known, REPORT_FOLDER, Whereabouts, Written};

/// Whose pipeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pipeline {
    /// GitHub Actions.
    Github,
    /// GitLab CI.
    Gitlab,
    /// Docker Compose, and what reads its files.
    Compose,
}

/// The file of a pipeline.
#[must_use]
pub fn pipeline(kind: Pipeline, known: &Known) -> Written {
    let (path, text) = match kind {
        Pipeline::Github => (".github/workflows/hookgate.yml", github(known)),
        Pipeline::Gitlab => (".gitlab-ci.hookgate.yml", gitlab(known)),
        Pipeline::Compose => ("compose.yaml", compose(known)),
    };
    Written { path: path.to_owned(), text }
}

/// What starts the receiver in a pipeline, where hookgate does not.
fn start(known: &Known, indent: &str) -> String {
    match &known.at {
        Whereabouts::Exec(_) => {
            format!("{indent}# hookgate starts the receiver itself, by the command in hookgate.toml: install here what that needs.\n")
        }
        Whereabouts::Url(url) => format!(
            "{indent}# Start the receiver here, with {} in its environment, so that it answers at\n{indent}# {url}, as hookgate.toml says; or name the command that \
             starts it there (exec).\n",
            known.secret_env
        ),
    }
}

fn github(known: &Known) -> String {
    let variable = &known.secret_env;
    format!(
        r#"# Judges the receiver on every change. HOOKGATE_SOURCE is a variable of the repository: the address of a git repository of hookgate.
name: hookgate
on: [push, pull_request]
permissions:
  contents: read
jobs:
  hookgate:
    runs-on: ubuntu-latest
    timeout-minutes: 30
    steps:
      - uses: actions/checkout@v4
      - id: kept
        uses: actions/cache@v4
        with:
          path: ~/.hookgate
          key: hookgate-${{{{ runner.os }}}}-${{{{ vars.HOOKGATE_SOURCE }}}}
      - name: Install hookgate
        if: steps.kept.outputs.cache-hit != 'true'
        env:
          SOURCE: ${{{{ vars.HOOKGATE_SOURCE }}}}
        run: cargo install --locked --git "$SOURCE" --root ~/.hookgate hookgate
{start}      - name: Judge the receiver
        env:
          {variable}: ${{{{ secrets.{variable} }}}}
        run: ~/.hookgate/bin/hookgate run
      - name: Keep the report
        if: always()
        uses: actions/upload-artifact@v4
        with:
          name: hookgate
          path: {REPORT_FOLDER}
"#,
        start = start(known, "      "),
    )
}

fn gitlab(known: &Known) -> String {
    format!(
        r#"# A job for `.gitlab-ci.yml`: include it there with
#   include: [{{local: .gitlab-ci.hookgate.yml}}]
# {variable} and HOOKGATE_SOURCE (the address of a git repository of hookgate) are variables of the project; mask the secret.
hookgate:
  image: rust:1
  cache:
    key: hookgate
    paths: [.hookgate]
  script:
    - test -x .hookgate/bin/hookgate || cargo install --locked --git "$HOOKGATE_SOURCE" --root .hookgate hookgate
{start}    - .hookgate/bin/hookgate run
  artifacts:
    when: always
    paths: [{REPORT_FOLDER}]
    reports:
      junit: {REPORT_FOLDER}/junit.xml
"#,
        variable = known.secret_env,
        start = start(known, "    "),
    )
}

fn compose(known: &Known) -> String {
    let variable = &known.secret_env;
    let receiver = match &known.at {
        Whereabouts::Exec(_) => String::new(),
        Whereabouts::Url(_) => format!(
            "  receiver:\n    build: .\n    environment: {{{variable}: \"${{{variable}:?the secret}}\"}}\n    expose: [\"{}\"]\n",
            port(known)
        ),
    };
    let (command, after) = match &known.at {
        Whereabouts::Exec(_) => ("[run]".to_owned(), ""),
        Whereabouts::Url(_) => (format!("[run, --target, \"http://receiver:{}\"]", port(known)), "    depends_on: [receiver]\n"),
    };
    format!(
        r#"# `docker compose run --rm hookgate` judges the receiver. HOOKGATE_IMAGE is an image of hookgate, as its Dockerfile builds it.
services:
{receiver}  hookgate:
    image: "${{HOOKGATE_IMAGE:-hookgate}}"
    command: {command}
    environment: {{{variable}: "${{{variable}:?the secret}}"}}
    working_dir: /work
    volumes: [".:/work"]
{after}    profiles: [judge]
"#
    )
}

/// The port of an address; what its scheme has, where it names none.
fn port(known: &Known) -> String {
    let Whereabouts::Url(url) = &known.at else { return "8080".to_owned() };
    let rest = url.split_once("://").map_or(url.as_str(), |(_, rest)| rest);
    let authority = rest.split(['/', '?']).next().unwrap_or(rest);
    let port = authority.rsplit_once(':').map(|(_, port)| port).filter(|port| !port.is_empty() && port.chars().all(|c| c.is_ascii_digit()));
    port.unwrap_or(if url.starts_with("https") { "443" } else { "80" }).to_owned()
}
