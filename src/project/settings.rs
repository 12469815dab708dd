//! Settings: the members of a project file, as Rust and JSON Schema have them.
//!
//! A member is named as its flag is, with `_` for `-`; `hookgate run --help`
//! and `hookgate load --help` say of each what it does. Values are judged by
//! the flag's own reader, where a command line is made of them.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a project file says; a profile says the same again, but for profiles.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(title = "project file")]
pub struct Settings {
    /// The contract: the name of a shipped one, or a file (`--contract`).
    pub contract: Option<String>,
    /// The environment variable that holds the shared secret; never the secret itself (`--secret-env`).
    pub secret_env: Option<String>,
    /// How time passes for the receiver: virtual, rewind, faketime, wait, none (`--clock`).
    pub clock: Option<String>,
    /// With `clock = "virtual"`: the control address that `hookgate serve` prints (`--control`).
    pub control: Option<String>,
    /// The receiver's TTL, when it is not the contract's: `"60 s"`, or a number of seconds (`--ttl`).
    #[schemars(schema_with = "text_or_whole")]
    pub ttl: Option<TextOrWhole>,
    /// Folders of scenarios that are played, too (`--scenarios`).
    pub scenarios: Option<Vec<String>>,
    /// A folder of scenarios that are played instead of the shipped ones (`--only-scenarios`).
    pub only_scenarios: Option<String>,
    /// Failures that are known: a file (`--baseline`).
    pub baseline: Option<String>,
    /// Requirements that must have been judged: `["DUP-*", "AUTH-*"]` (`--require`).
    pub require: Option<Vec<String>>,
    /// Only what shows these requirements or has these ids: `"TTL-*"`, `"AUTH-*,!AUTH-8"` (`--select`).
    pub select: Option<String>,
    /// Judge only what a receiver must do, or also what it should do: must, should (`--level`).
    pub level: Option<String>,
    /// How many scenarios run side by side (`--jobs`).
    pub jobs: Option<u64>,
    /// The seed of everything random (`--seed`).
    pub seed: Option<u64>,
    /// How long to wait for an answer (`--timeout`).
    pub timeout: Option<String>,
    /// How long the whole run may take (`--time-limit`).
    pub time_limit: Option<String>,
    /// Send so much at the most: `"50/s"` (`--max-rate`).
    pub max_rate: Option<String>,
    /// The longest that one scenario waits (`--max-wait`).
    pub max_wait: Option<String>,
    /// Stop at the first failure (`--fail-fast`).
    pub fail_fast: Option<bool>,
    /// Run everything so often (`--repeat`).
    pub repeat: Option<u64>,
    /// Play only one of several equal parts: `"2/3"` (`--shard`).
    pub shard: Option<String>,
    /// The receiver, and how it is reached.
    pub target: Option<TargetSettings>,
    /// What the receiver remembers and has done, and where that is seen.
    pub evidence: Option<EvidenceSettings>,
    /// What is written, and where.
    pub report: Option<ReportSettings>,
    /// What a load must keep to.
    pub gates: Option<GateSettings>,
    /// How a receiver is loaded.
    pub load: Option<LoadSettings>,
    /// Members that hold where the profile of this name is chosen (`--profile`, `HOOKGATE_PROFILE`).
    pub profile: Option<BTreeMap<String, Settings>>,
}

/// The receiver, and how it is reached.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TargetSettings {
    /// Its address, where it runs already: `http://host:port`, `https://…`, `unix:/path/to.sock` (`--target`).
    pub url: Option<String>,
    /// The command line that starts it, in this file's folder; `{port}` is a free port, `{dir}` a new folder (`--exec`).
    pub exec: Option<String>,
    /// With `exec`: the address where it listens; without it, `http://127.0.0.1:{port}` (`--target` beside `--exec`).
    pub address: Option<String>,
    /// It is ready when this address or path answers 2xx; with `exec`, also when it writes this text (`--ready`).
    pub ready: Option<String>,
    /// How long that may take (`--ready-within`).
    pub ready_within: Option<String>,
    /// With `exec`: the signal that stops it gently (`--stop-signal`).
    pub stop_signal: Option<String>,
    /// With `exec`: its time zone (`--tz`).
    pub tz: Option<String>,
    /// With `clock = "faketime"`: the library (`--faketime-lib`).
    pub faketime_lib: Option<String>,
    /// Address the receiver by this name (`--host`).
    pub host: Option<String>,
    /// Sign for this address, where the receiver knows itself by another one than it is called by (`--signed-url`).
    pub signed_url: Option<String>,
    /// Believe certificates of this CA: a file (`--ca-cert`).
    pub ca_cert: Option<String>,
    /// Show this certificate: a file (`--client-cert`).
    pub client_cert: Option<String>,
    /// The key of `client_cert`: a file (`--client-key`).
    pub client_key: Option<String>,
    /// Do not look at the certificate; every report says so (`--insecure`).
    pub insecure: Option<bool>,
    /// Header lines of one's own: `{ X-Env = "ci" }` (`--header`).
    pub headers: Option<BTreeMap<String, String>>,
    /// The same, with values from environment variables: `{ Authorization = "TOKEN" }` (`--header-env`).
    pub header_env: Option<BTreeMap<String, String>>,
}

/// What the receiver remembers and has done, and where that is seen.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct EvidenceSettings {
    /// Where the receiver remembers (read only): a SQLite file, or sqlite:PATH, postgres://…, mysql://…, redis://…, without a password (`--db`).
    pub db: Option<String>,
    /// The environment variable that holds the database's password (`--db-password-env`).
    pub db_password_env: Option<String>,
    /// The command line that counts the effects of `{key}`, in this file's folder (`--evidence-cmd`).
    pub cmd: Option<String>,
}

/// What is written, and where.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ReportSettings {
    /// The folder of a run's report (`run --report`); a load's goes to the folder of this name with `-load` behind it, if `[load]` names none.
    pub dir: Option<String>,
    /// The environment variable with the key that seals it (`--seal-env`).
    pub seal_env: Option<String>,
    /// What a run prints: human, json, junit, markdown, html, tap, sarif, github (`run --format`).
    pub format: Option<String>,
    /// The language of what people read: en, ja (`--lang`).
    pub lang: Option<String>,
    /// The folder of reviewed snapshots (`--snapshots`).
    pub snapshots: Option<String>,
    /// What becomes of new and changed ones: no, new, always (`--update`).
    pub update: Option<String>,
}

/// What a load must keep to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct GateSettings {
    /// `["p95<100ms", "errors<0.1%"]` (`--gate`).
    pub rules: Option<Vec<String>>,
    /// Files of gates, or shipped ones (`--gates`).
    pub files: Option<Vec<String>>,
    /// End early, and fail, as soon as one of these is true (`--abort-on`).
    pub abort_on: Option<Vec<String>>,
}

/// How a receiver is loaded.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LoadSettings {
    /// How many users deliver (`--users`).
    pub users: Option<u64>,
    /// How many users are started a second (`--hatch-rate`).
    pub hatch_rate: Option<f64>,
    /// Deliver so often, whether answers come or not: `"200/s"` (`--rate`).
    pub rate: Option<String>,
    /// Evenly or at random: constant, poisson (`--arrivals`).
    pub arrivals: Option<String>,
    /// From level to level: `"30s:100,1m:500"` (`--stages`).
    pub stages: Option<String>,
    /// How long (`--run-time`).
    pub run_time: Option<String>,
    /// End after so many deliveries (`--deliveries`).
    pub deliveries: Option<u64>,
    /// So long deliveries are not measured (`--warm-up`).
    pub warm_up: Option<String>,
    /// What is delivered: weights, a shipped mix, or a file (`--mix`).
    pub mix: Option<String>,
    /// What is delivered, from a file of JSON lines or CSV (`--feed`).
    pub feed: Option<String>,
    /// How the feed is gone through: once, loop, random (`--feed-order`).
    pub feed_order: Option<String>,
    /// Which keys of the feed travel: written, fresh (`--feed-keys`).
    pub feed_keys: Option<String>,
    /// Recorded deliveries that are sent again at their own times (`--replay`).
    pub replay: Option<String>,
    /// With `replay`: how many times as fast (`--speed`).
    pub speed: Option<f64>,
    /// A report of its own every so often: `"10m"` (`--rotate`).
    pub rotate: Option<String>,
    /// How long a user waits before its next delivery: `"500ms"`, `"200ms..2s"`, `"~1s"` (`--think`).
    pub think: Option<String>,
    /// Look for the highest rate at which all of this holds (`--find-max`).
    pub find_max: Option<String>,
    /// With `find_max`: fail when it is less (`--at-least`).
    pub at_least: Option<String>,
    /// With `find_max`: how long a step is measured (`--step`).
    pub step: Option<String>,
    /// Do not judge the history afterwards (`--no-verify`).
    pub no_verify: Option<bool>,
    /// How long answers are waited for when the time is over (`--drain`).
    pub drain: Option<String>,
    /// How long to wait for an answer, where it is not the `timeout` of runs (`load --timeout`).
    pub timeout: Option<String>,
    /// The address under which Prometheus reads, or a port (`--metrics`).
    #[schemars(schema_with = "text_or_whole")]
    pub metrics: Option<TextOrWhole>,
    /// The collector of OpenTelemetry that is told the same (`--otlp`).
    pub otlp: Option<String>,
    /// Headers of these exports, with values from environment variables: `{ Authorization = "TOKEN" }` (`--otlp-header-env`).
    pub otlp_header_env: Option<BTreeMap<String, String>>,
    /// The folder of a load's report (`load --report`).
    pub report: Option<String>,
    /// What a load prints: human, json, markdown, junit (`load --format`).
    pub format: Option<String>,
    /// Print only the summary line (`--quiet`).
    pub quiet: Option<bool>,
    /// A target that is not on this machine is ours, and may go down (`--i-own-this-target`).
    pub i_own_this_target: Option<bool>,
}

/// Text, or a whole number that stands for it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(untagged)]
pub enum TextOrWhole {
    /// A number.
    Whole(u64),
    /// Text.
    Text(String),
}

fn text_or_whole(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({"type": ["string", "integer", "null"]})
}
