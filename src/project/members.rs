//! Members of a project file: for which flag of which command each stands, and which cannot stand together.
//!
//! [`MEMBERS`] is the one list: `hookgate config` prints in its order, the
//! environment variable of a member is made from its path
//! (`target.url` is `HOOKGATE_TARGET_URL`).

use super::texts;
use crate::yaml::diagnostic::Diagnostic;
use crate::yaml::tree::{Kind, Node};

/// What the text of a member is, as far as folders matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Text that stays as it is.
    Text,
    /// `true`, or nothing.
    Switch,
    /// A file or a folder.
    Path,
    /// A file, where it looks like one; else the name of something that is shipped.
    PathOrName,
    /// Where a database is: a path, or an address.
    Place,
    /// A command line, which runs in the file's folder.
    Command,
    /// Header lines, each a name and a value.
    Lines(char),
}

/// A member, and what it stands for.
#[derive(Debug)]
pub struct Member {
    /// Its path in the file: `target.url`.
    pub path: &'static str,
    /// The long flag that it stands for, without dashes, and the commands that have it so.
    pub flags: &'static [(&'static str, &'static [&'static str])],
    /// What its text is.
    pub form: Form,
    /// The member without which it means nothing.
    pub needs: Option<&'static str>,
    /// Members that it cannot stand beside; either may name the other.
    pub against: &'static [&'static str],
}

impl Member {
    const fn new(path: &'static str, form: Form, flags: &'static [(&'static str, &'static [&'static str])]) -> Self {
        Self { path, flags, form, needs: None, against: &[] }
    }

    const fn needs(self, other: &'static str) -> Self {
        Self { needs: Some(other), ..self }
    }

    const fn against(self, others: &'static [&'static str]) -> Self {
        Self { against: others, ..self }
    }

    /// The environment variable that stands for it.
    #[must_use]
    pub fn variable(&self) -> String {
        format!("HOOKGATE_{}", self.path.replace('.', "_").to_uppercase())
    }

    /// The flag that it is of a command, without dashes.
    #[must_use]
    pub fn flag_of(&self, command: &str) -> Option<&'static str> {
        self.flags.iter().find(|(_, commands)| commands.contains(&command)).map(|(flag, _)| *flag)
    }

    /// Whether one of two members cannot stand beside the other.
    #[must_use]
    pub fn excludes(&self, other: &Self) -> bool {
        self.against.contains(&other.path) || other.against.contains(&self.path)
    }

    /// What a node of the file says, as texts for the flag.
    #[must_use]
    pub fn texts_of(&self, node: &Node) -> Vec<String> {
        match self.form {
            Form::Lines(':') => texts(node, ": "),
            Form::Lines(separator) => texts(node, &separator.to_string()),
            Form::Text | Form::Switch | Form::Path | Form::PathOrName | Form::Place | Form::Command => texts(node, ""),
        }
    }

    /// What a variable says, as texts for the flag: lists have commas, header lines are lines.
    #[must_use]
    pub fn texts_of_variable(&self, value: &str) -> Vec<String> {
        let pieces = |separator: char| value.split(separator).map(str::trim).filter(|piece| !piece.is_empty()).map(str::to_owned).collect();
        match (self.form, self.is_list()) {
            (Form::Lines(':'), _) => pieces('\n'),
            (Form::Lines(_), _) | (_, true) => pieces(','),
            (Form::Text | Form::Switch | Form::Path | Form::PathOrName | Form::Place | Form::Command, false) => vec![value.to_owned()],
        }
    }

    /// Whether it may have several values.
    #[must_use]
    pub fn is_many(&self) -> bool {
        matches!(self.form, Form::Lines(_)) || self.is_list()
    }

    fn is_list(&self) -> bool {
        ["scenarios", "require", "gates.rules", "gates.files", "gates.abort_on"].contains(&self.path)
    }
}

const RUN: &[&str] = &["run"];
const LOAD: &[&str] = &["load"];
const VISITS: &[&str] = &["run", "doctor", "explore", "shrink"];
const JUDGES: &[&str] = &["run", "explore", "shrink"];
const TARGETS: &[&str] = &["run", "doctor", "explore", "shrink", "load"];
const SUITES: &[&str] = &["run", "explore", "shrink", "list", "check", "explain", "show", "coverage", "baseline update"];
const CONTRACTS: &[&str] = &[
    "run",
    "doctor",
    "explore",
    "shrink",
    "load",
    "serve",
    "list",
    "check",
    "explain",
    "show",
    "coverage",
    "sign",
    "send",
    "verify",
    "history check",
    "baseline update",
];
const SECRETS: &[&str] = &["run", "doctor", "explore", "shrink", "load", "serve", "sign", "send", "verify"];
const TEXTS: &[&str] =
    &["run", "doctor", "explore", "shrink", "load", "report", "report merge", "load merge", "compare", "trend", "claims"];

const fn text(path: &'static str, flags: &'static [(&'static str, &'static [&'static str])]) -> Member {
    Member::new(path, Form::Text, flags)
}

/// Every member, in the order in which they are told.
pub static MEMBERS: &[Member] = &[
    Member::new("contract", Form::PathOrName, &[("contract", CONTRACTS)]),
    text("secret_env", &[("secret-env", SECRETS)]),
    text("clock", &[("clock", VISITS)]),
    text("control", &[("control", VISITS)]).needs("clock"),
    text("ttl", &[("ttl", &["run", "doctor", "explore", "shrink", "load", "serve", "history check"])]),
    Member::new("scenarios", Form::Path, &[("scenarios", SUITES)]).against(&["only_scenarios"]),
    Member::new("only_scenarios", Form::Path, &[("only-scenarios", SUITES)]),
    Member::new("baseline", Form::Path, &[("baseline", &["run", "load"])]),
    text("require", &[("require", RUN)]),
    text("select", &[("select", RUN)]),
    text("level", &[("level", JUDGES)]),
    text("jobs", &[("jobs", JUDGES)]),
    text("seed", &[("seed", &["run", "load"])]),
    text("timeout", &[("timeout", TARGETS)]),
    text("time_limit", &[("time-limit", RUN)]),
    text("max_rate", &[("max-rate", VISITS)]),
    text("max_wait", &[("max-wait", VISITS)]),
    Member::new("fail_fast", Form::Switch, &[("fail-fast", RUN)]),
    text("repeat", &[("repeat", RUN)]),
    text("shard", &[("shard", RUN)]),
    text("target.url", &[("target", &["run", "doctor", "explore", "shrink", "load", "send"])]).against(&["target.exec", "target.address"]),
    Member::new("target.exec", Form::Command, &[("exec", TARGETS)]),
    text("target.address", &[("target", TARGETS)]).needs("target.exec"),
    text("target.ready", &[("ready", TARGETS)]),
    text("target.ready_within", &[("ready-within", TARGETS)]),
    text("target.stop_signal", &[("stop-signal", TARGETS)]).needs("target.exec"),
    text("target.tz", &[("tz", TARGETS)]).needs("target.exec"),
    Member::new("target.faketime_lib", Form::Path, &[("faketime-lib", TARGETS)]),
    text("target.host", &[("host", TARGETS)]),
    text("target.signed_url", &[("signed-url", TARGETS)]),
    Member::new("target.ca_cert", Form::Path, &[("ca-cert", TARGETS)]),
    Member::new("target.client_cert", Form::Path, &[("client-cert", TARGETS)]).needs("target.client_key"),
    Member::new("target.client_key", Form::Path, &[("client-key", TARGETS)]).needs("target.client_cert"),
    Member::new("target.insecure", Form::Switch, &[("insecure", TARGETS)]).against(&["target.ca_cert"]),
    Member::new("target.headers", Form::Lines(':'), &[("header", TARGETS)]),
    Member::new("target.header_env", Form::Lines('='), &[("header-env", TARGETS)]),
    Member::new("evidence.db", Form::Place, &[("db", TARGETS)]),
    text("evidence.db_password_env", &[("db-password-env", TARGETS)]).needs("evidence.db"),
    Member::new("evidence.cmd", Form::Command, &[("evidence-cmd", TARGETS)]),
    Member::new("report.dir", Form::Path, &[("report", RUN)]),
    text("report.seal_env", &[("seal-env", RUN)]).needs("report.dir"),
    text("report.format", &[("format", RUN)]),
    text("report.lang", &[("lang", TEXTS)]),
    Member::new("report.snapshots", Form::Path, &[("snapshots", RUN), ("dir", &["snapshots"])]),
    text("report.update", &[("update", RUN)]).needs("report.snapshots"),
    text("gates.rules", &[("gate", LOAD)]),
    Member::new("gates.files", Form::PathOrName, &[("gates", LOAD)]),
    text("gates.abort_on", &[("abort-on", LOAD)]),
    text("load.users", &[("users", LOAD)]),
    text("load.hatch_rate", &[("hatch-rate", LOAD)]),
    text("load.rate", &[("rate", LOAD)]),
    text("load.arrivals", &[("arrivals", LOAD)]),
    text("load.stages", &[("stages", LOAD)]).against(&["load.rate", "load.run_time"]),
    text("load.run_time", &[("run-time", LOAD)]),
    text("load.deliveries", &[("deliveries", LOAD)]),
    text("load.warm_up", &[("warm-up", LOAD)]),
    Member::new("load.mix", Form::PathOrName, &[("mix", LOAD)]),
    Member::new("load.feed", Form::Path, &[("feed", LOAD)]).against(&["load.mix", "load.find_max"]),
    text("load.feed_order", &[("feed-order", LOAD)]).needs("load.feed"),
    text("load.feed_keys", &[("feed-keys", LOAD)]).needs("load.feed"),
    Member::new("load.replay", Form::Path, &[("replay", LOAD)]).against(&[
        "load.feed",
        "load.mix",
        "load.find_max",
        "load.rate",
        "load.stages",
        "load.run_time",
        "load.arrivals",
        "load.think",
    ]),
    text("load.speed", &[("speed", LOAD)]).needs("load.replay"),
    text("load.rotate", &[("rotate", LOAD)]).needs("load.report").against(&[
        "load.find_max",
        "load.deliveries",
        "load.feed",
        "load.replay",
    ]),
    text("load.think", &[("think", LOAD)]).against(&["load.rate"]),
    text("load.find_max", &[("find-max", LOAD)]).against(&[
        "load.rate",
        "load.run_time",
        "load.stages",
        "load.deliveries",
        "load.warm_up",
        "gates.rules",
        "gates.files",
        "gates.abort_on",
    ]),
    text("load.at_least", &[("at-least", LOAD)]).needs("load.find_max"),
    text("load.step", &[("step", LOAD)]).needs("load.find_max"),
    Member::new("load.no_verify", Form::Switch, &[("no-verify", LOAD)]),
    text("load.drain", &[("drain", LOAD)]),
    text("load.timeout", &[("timeout", LOAD)]),
    text("load.metrics", &[("metrics", LOAD)]),
    text("load.otlp", &[("otlp", LOAD)]),
    Member::new("load.otlp_header_env", Form::Lines('='), &[("otlp-header-env", LOAD)]).needs("load.otlp"),
    Member::new("load.report", Form::Path, &[("report", LOAD)]),
    text("load.format", &[("format", LOAD)]),
    Member::new("load.quiet", Form::Switch, &[("quiet", LOAD)]),
    Member::new("load.i_own_this_target", Form::Switch, &[("i-own-this-target", LOAD)]),
];

/// The member of a path.
#[must_use]
pub fn member(path: &str) -> Option<&'static Member> {
    MEMBERS.iter().find(|member| member.path == path)
}

/// The members that stand in a section (the file without its profiles, or a profile), with what they say.
pub fn found_in(section: &Node) -> impl Iterator<Item = (&'static Member, &Node)> {
    MEMBERS.iter().filter_map(|member| Some((member, section.find(member.path)?))).filter(|(_, node)| node.kind != Kind::Null)
}

/// Members of one section that cannot stand together, or mean nothing alone.
///
/// * `others`: whether a member stands in another section that may be in force with this one.
pub(super) fn contradictions(section: &Node, others: &dyn Fn(&str) -> bool) -> Vec<Diagnostic> {
    let found: Vec<(&Member, &Node)> =
        found_in(section).filter(|(member, node)| member.form != Form::Switch || node.kind == Kind::Bool(true)).collect();
    let mut diagnostics = Vec::new();
    for (at, (member, _)) in found.iter().enumerate() {
        let span = section.key_span_at(member.path);
        if let Some((earlier, _)) = found[..at].iter().find(|(earlier, _)| earlier.excludes(member)) {
            let (first, second) = (section.key_span_at(earlier.path), span.clone());
            let (span, one, other) = if first.start < second.start { (second, member, earlier) } else { (first, earlier, member) };
            let message = format!("`{}` cannot stand beside `{}`", one.path, other.path);
            diagnostics.push(Diagnostic::new(span, message).with_hint(way_out(one.path, other.path)));
        }
        if let Some(needed) = member.needs
            && section.find(needed).is_none()
            && !others(needed)
        {
            diagnostics.push(Diagnostic::new(span, format!("`{}` means nothing without `{needed}`", member.path)));
        }
    }
    diagnostics
}

fn way_out(one: &str, other: &str) -> &'static str {
    match (one, other) {
        ("target.url", "target.exec") | ("target.exec", "target.url") => {
            "keep one of them: url where it runs already, exec to start it (where that listens is `address`)"
        }
        _ => "keep one of them",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The list has every member of the form, and no other.
    #[test]
    fn every_member_stands_for_a_flag() {
        let schema = super::super::schema();
        let mut paths = Vec::new();
        for (name, of) in schema["properties"].as_object().expect("a map") {
            let reference = of.pointer("/anyOf/0/$ref").and_then(|to| to.as_str());
            match reference.and_then(|to| schema.pointer(to.trim_start_matches('#'))).and_then(|to| to["properties"].as_object()) {
                Some(inner) => paths.extend(inner.keys().map(|inner| format!("{name}.{inner}"))),
                None if name == super::super::PROFILE => {}
                None => paths.push(name.clone()),
            }
        }
        let mut listed: Vec<&str> = MEMBERS.iter().map(|member| member.path).collect();
        listed.sort_unstable();
        paths.sort_unstable();
        assert_eq!(paths, listed);
        for other in MEMBERS.iter().flat_map(|one| one.against.iter().copied().chain(one.needs)) {
            assert!(member(other).is_some(), "{other}");
        }
    }
}
