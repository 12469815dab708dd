//! Contract text: `hookgate/contract.yaml`, with a comment for every line that says where it comes from.
//!
//! In: what is known of a receiver, and what follows from what it was seen to
//! do. Out: YAML that `hookgate check` takes. What an extended contract says
//! already is not written again.

use super::sightings::{Adopted, Findings};
use super::{Base, Known, toml, yaml, yaml_text};
use crate::contract::Contract;
use crate::contract::effects::EffectsPlace;
use crate::contract::key::{KeyForm, KeyPlace};
use crate::sign::{Encoding, Proof, Scheme, SecretEncoding, SecretForm};

/// Usual answers of receivers of webhooks.
const USUAL: &str = include_str!("usual.yaml");

/// The columns that a comment may take.
const WIDTH: usize = 110;

/// The contract's text.
#[must_use]
pub fn contract_text(known: &Known, findings: &Findings) -> String {
    let mut text = Text::default();
    match &known.base {
        Base::Extended { extends, contract } => extended(&mut text, known, (extends, contract), findings),
        Base::Own { scheme, key } => own(&mut text, known, (scheme, key), findings),
    }
    text.0
}

#[derive(Default)]
struct Text(String);

impl Text {
    fn line(&mut self, line: impl AsRef<str>) {
        self.0.push_str(line.as_ref().trim_end());
        self.0.push('\n');
    }

    fn comment(&mut self, indent: &str, words: &str) {
        let options = textwrap::Options::new(WIDTH).break_words(false);
        for line in textwrap::wrap(words, options) {
            self.line(format!("{indent}# {line}"));
        }
    }
}

fn extended(text: &mut Text, known: &Known, (extends, contract): (&str, &Contract), findings: &Findings) {
    text.comment("", &format!("What this receiver promises: all that `{extends}` says (`hookgate explain` and `hookgate show` print it), and what stands here."));
    known.told.iter().for_each(|told| text.comment("", told));
    text.line(format!("contract: {}", yaml(&known.name)));
    text.line(format!("extends: {}", yaml(extends)));
    text.line(format!("title: {}", yaml(&format!("My receiver of {}", contract.title))));
    text.line("");
    endpoint(text, known, Some(contract));
    health(text, known);
    if known.signatures_only {
        text.comment("", "Only signatures are checked: every rightly signed delivery is taken, and none is a repeat.");
        text.line("idempotency: none");
        text.line("other_body: null");
    }
    secret(text, known, &contract.secret.for_tests, &contract.signature);
    effects(text, known, Some(contract));
    outcomes(text, findings, known.signatures_only);
    warnings(text, findings);
}

fn own(text: &mut Text, known: &Known, (scheme, key): (&Scheme, &KeyPlace), findings: &Findings) {
    let carrier = scheme.carrier().map_or("no signature", |carrier| carrier.name.as_str());
    text.comment(
        "",
        "What this receiver promises. No contract that hookgate brings along fits what was captured, so it stands here in full.",
    );
    known.told.iter().for_each(|told| text.comment("", told));
    text.line(format!("contract: {}", yaml(&known.name)));
    text.line(format!("title: {}", yaml(&format!("My receiver of deliveries with {carrier}"))));
    text.line("about: Written by `hookgate init` from a captured delivery.");
    text.line("source: the captured delivery, and what usual receivers of webhooks answer");
    text.line("suite: core");
    text.line("");
    endpoint(text, known, None);
    health(text, known);
    secret(text, known, for_tests(scheme), scheme);
    key_place(text, key);
    signature(text, scheme);
    effects(text, known, None);
    let usual = if key.is_somewhere() && !known.signatures_only { USUAL.to_owned() } else { without_keys(USUAL, known.signatures_only) };
    let usual = if scheme.carries_time() { usual } else { without_lines(&usual, &["stale-signature"]) };
    let usual = if scheme.by == Proof::None {
        without_lines(&usual, &["signature:", "missing-signature", "malformed-signature", "stale-signature"])
    } else {
        usual
    };
    text.line("");
    text.0.push_str(&with_adopted(&usual, findings));
    warnings(text, findings);
}

/// The usual answers of who knows no keys.
fn without_keys(usual: &str, by_choice: bool) -> String {
    let rest = without_lines(
        usual,
        &["other_body:", "duplicate:", "missing-key", "empty-key", "unusable-key", "not_promised:", "KEY-1", "KEY-2", "KEY-9"],
    );
    let why = if by_choice { "only signatures are checked" } else { "no key was found" };
    format!("idempotency: none   # {why}: every rightly signed delivery is taken\n{rest}")
}

fn without_lines(text: &str, begins: &[&str]) -> String {
    text.lines().filter(|line| !begins.iter().any(|begin| line.trim_start().starts_with(begin))).map(|line| format!("{line}\n")).collect()
}

/// The usual answers, with those in place of them that were seen.
fn with_adopted(usual: &str, findings: &Findings) -> String {
    let place = |line: &str| {
        let name = line.trim_start().split(':').next().unwrap_or_default();
        if line.starts_with("    ") { format!("refused.{name}") } else { name.to_owned() }
    };
    let one = |line: &str| match findings.adopted.get(&place(line)).filter(|_| line.starts_with("  ") && line.contains('{')) {
        Some(adopted) => {
            let name = line.split(':').next().unwrap_or_default();
            let status = |member: &str| line.contains(member);
            let like_first = status("same_body_as_first") && adopted.members.iter().all(|(member, _)| *member != "same_body_as_first");
            format!("{name}: {}\n", form(adopted, like_first))
        }
        None => format!("{line}\n"),
    };
    usual.lines().map(one).collect()
}

/// An outcome as it was seen, on one line.
fn form(adopted: &Adopted, like_first: bool) -> String {
    let mut members: Vec<String> = Vec::new();
    if let Some(status) = adopted.status {
        members.extend([format!("status: {status}"), "also: []".to_owned()]);
    }
    members.extend(like_first.then(|| "same_body_as_first: true".to_owned()));
    members.extend(adopted.members.iter().map(|(name, value)| format!("{name}: {value}")));
    format!("{{{}}}   # {}", members.join(", "), adopted.seen)
}

fn outcomes(text: &mut Text, findings: &Findings, knows_no_repeat: bool) {
    let says = |adopted: &Adopted| adopted.status.is_some() || !adopted.members.is_empty();
    if findings.adopted.is_empty() {
        if knows_no_repeat {
            text.line("outcomes: {duplicate: null}");
        }
        return;
    }
    text.line("");
    text.comment(
        "",
        "What the contract above leaves open and was seen on a visit. Take a line out, and everything that it allows conforms again.",
    );
    if !knows_no_repeat && !findings.adopted.values().any(says) {
        findings.adopted.iter().for_each(|(place, one)| text.comment("", &format!("{place}: {}", one.seen)));
        return;
    }
    text.line("outcomes:");
    if knows_no_repeat {
        text.line("  duplicate: null");
    }
    let (refused, plain): (Vec<_>, Vec<_>) = findings.adopted.iter().partition(|(place, _)| place.starts_with("refused."));
    for (place, one) in plain {
        outcome(text, "  ", place, one, says(one));
    }
    if refused.iter().any(|(_, one)| says(one)) {
        text.line("  refused:");
    }
    for (place, one) in refused {
        outcome(text, "    ", place.trim_start_matches("refused."), one, says(one));
    }
}

fn outcome(text: &mut Text, indent: &str, name: &str, one: &Adopted, says: bool) {
    if says {
        text.line(format!("{indent}{name}: {}", form(one, false)));
    } else {
        text.comment(indent, &format!("{name}: {}", one.seen));
    }
}

fn warnings(text: &mut Text, findings: &Findings) {
    if findings.warnings.is_empty() {
        return;
    }
    text.line("");
    text.comment("", "Not as it should be, or not seen, when this was written; none of it is in the contract:");
    findings.warnings.iter().for_each(|warning| text.comment("", &format!("- {warning}")));
}

fn endpoint(text: &mut Text, known: &Known, base: Option<&Contract>) {
    let (path, content_type) = (known.path.as_deref(), known.content_type.as_deref());
    let mut members: Vec<String> = Vec::new();
    match base {
        Some(base) => {
            members.extend(path.filter(|path| *path != base.endpoint.path).map(|path| format!("path: {}", yaml(path))));
            let content_type = content_type.filter(|kind| *kind != base.endpoint.content_type);
            members.extend(content_type.map(|kind| format!("content_type: {}", yaml(kind))));
        }
        None => {
            let kind = content_type.unwrap_or("application/json");
            members.extend([
                "method: POST".to_owned(),
                format!("path: {}", yaml(path.unwrap_or("/"))),
                format!("content_type: {}", yaml(kind)),
            ]);
        }
    }
    members.extend(known.query.iter().map(|query| format!("query: {}", yaml(query))));
    let example = &known.example;
    if let (Some(base), true, None, true) = (base, members.is_empty(), &example.body, example.members.is_empty()) {
        text.line(format!("# endpoint: {{path: {}}}   # where deliveries go; another path is written here", yaml(&base.endpoint.path)));
        return;
    }
    if example.body.is_none() && example.members.is_empty() {
        text.line(format!("endpoint: {{{}}}", members.join(", ")));
        return;
    }
    text.line("endpoint:");
    members.iter().for_each(|member| text.line(format!("  {member}")));
    let words =
        "The captured body, so that a receiver that looks into bodies takes what is sent; all bodies of the suite bear its members.";
    text.comment("  ", words);
    if let Some(told) = example.told() {
        text.comment("  ", &told);
    }
    if let Some(body) = &example.body {
        text.comment("  ", "In the place of {unique} stands a word of each delivery's own: it may stand wherever any text may.");
        text.line(format!("  body: {}", yaml_text(body)));
        return;
    }
    text.line("  members:");
    for (name, value) in &example.members {
        text.line(format!("    - {{member: {}, value: {}}}", yaml(name), toml(value)));
    }
}

fn health(text: &mut Text, known: &Known) {
    if let Some(health) = &known.health {
        text.line(format!("health: {{path: {}, status: {}}}", yaml(&health.path), health.status));
    }
}

fn secret(text: &mut Text, known: &Known, for_tests: &str, scheme: &Scheme) {
    if scheme.by == Proof::None {
        return;
    }
    text.comment("", &format!("The secret itself stands in no file: {} holds it.{}", known.secret_env, secret_form(&scheme.key)));
    text.line(format!("secret: {{env: {}, for_tests: {}}}", yaml(&known.secret_env), yaml(for_tests)));
}

/// In which form a secret is expected, where it is not taken as it is.
#[must_use]
pub fn secret_form(form: &SecretForm) -> String {
    let encoding = match form.encoding {
        SecretEncoding::Utf8 => None,
        SecretEncoding::Base64 => Some("base64"),
        SecretEncoding::Base64url => Some("base64url"),
        SecretEncoding::Hex => Some("hex digits"),
    };
    match (encoding, form.strip_prefix.as_str()) {
        (None, "") => " Its text is the key, as it is.".to_owned(),
        (None, prefix) => format!(" Its text behind `{prefix}` is the key."),
        (Some(encoding), "") => format!(" It is written in {encoding}, and decoded before it is used."),
        (Some(encoding), prefix) => {
            format!(" Give it whole, with its prefix `{prefix}`: what stands behind it is {encoding}, and decoded before it is used.")
        }
    }
}

/// A published secret in the form of a scheme's.
fn for_tests(scheme: &Scheme) -> &'static str {
    match scheme.key.encoding {
        SecretEncoding::Utf8 => "hookgate-secret-for-tests",
        // `printf hookgate-for-tests | base64`
        SecretEncoding::Base64 | SecretEncoding::Base64url => "aG9va2dhdGUtZm9yLXRlc3Rz",
        SecretEncoding::Hex => "686f6f6b676174652d666f722d7465737473",
    }
}

fn key_place(text: &mut Text, key: &KeyPlace) {
    let place = [("header", &key.header), ("body_member", &key.body_member), ("form_field", &key.form_field)];
    let Some((kind, name)) = place.into_iter().find_map(|(kind, name)| Some((kind, name.as_deref()?))) else { return };
    let form = match key.form {
        KeyForm::Bare => "",
        KeyForm::Quoted => ", form: quoted",
        KeyForm::Either => ", form: either",
        KeyForm::Uuid => ", form: uuid",
    };
    text.comment("", "What makes a repeat a repeat; taken from the captured delivery.");
    text.line(format!("key: {{{kind}: {}{form}}}", yaml(name)));
}

fn signature(text: &mut Text, scheme: &Scheme) {
    text.line("");
    if scheme.by == Proof::None {
        text.line("signature: none");
        return;
    }
    text.comment("", "Proven: computed anew with the secret, it is what the captured delivery bears.");
    text.line("signature:");
    match scheme.by {
        Proof::Token => text.line("  by: token"),
        Proof::Hmac | Proof::Ed25519 | Proof::None => {
            let encoding = match scheme.encoding {
                Encoding::Hex => "hex",
                Encoding::HexUpper => "hex-upper",
                Encoding::Base64 => "base64",
                Encoding::Base64url => "base64url",
                Encoding::Text => "text",
            };
            let key = match scheme.key.encoding {
                SecretEncoding::Utf8 => None,
                SecretEncoding::Base64 => Some("base64"),
                SecretEncoding::Base64url => Some("base64url"),
                SecretEncoding::Hex => Some("hex"),
            };
            let prefix = &scheme.key.strip_prefix;
            let members: Vec<String> = key
                .map(|encoding| format!("encoding: {encoding}"))
                .into_iter()
                .chain((!prefix.is_empty()).then(|| format!("strip_prefix: {}", yaml(prefix))))
                .collect();
            if !members.is_empty() {
                text.line(format!("  key: {{{}}}", members.join(", ")));
            }
            let digest = serde_json::to_value(scheme.digest).ok().and_then(|digest| digest.as_str().map(str::to_owned));
            text.line(format!("  digest: {}", digest.unwrap_or_default()));
            text.line(format!("  encoding: {encoding}"));
            text.line(format!("  message: {}", yaml(&scheme.message.to_string())));
        }
    }
    text.line("  headers:");
    for header in &scheme.headers {
        text.line(format!("    - {{name: {}, value: {}}}", yaml(&header.name), yaml(&header.value.to_string())));
    }
    if let Some(time) = scheme.time {
        let unit = serde_json::to_value(time.unit).ok().and_then(|unit| unit.as_str().map(str::to_owned)).unwrap_or_default();
        text.comment("  ", "Five minutes are usual, and were not seen: say what your receiver allows.");
        text.line(format!("  time: {{past: 5 m, future: 5 m, unit: {unit}}}"));
    }
    text.line("  bodies: utf8");
}

fn effects(text: &mut Text, known: &Known, base: Option<&Contract>) {
    let by_key = !known.signatures_only
        && match &known.base {
            Base::Extended { contract, .. } => contract.is_by_key(),
            Base::Own { key, .. } => key.is_somewhere(),
        };
    text.line("");
    if let Some(place) = &known.effects {
        text.comment("", "Where it is counted how often the work of a key was done.");
        text.line(format!("effects: {{{}}}", effects_members(place).join(", ")));
    } else if by_key && base.is_none_or(|base| base.effects.is_none()) {
        text.comment(
            "",
            "Answers do not tell whether the work of a delivery was done twice. Say where that can be counted, and it is judged:",
        );
        text.line("# effects: {table: done, key: event}                  # rows of the database in `[evidence] db`, one each time");
        text.line("# effects: {path: \"/effects?key={key}\", count: /count}  # a page of the receiver, and the count's JSON pointer");
        text.line("# effects: {log: app.log, pattern: \"done {key}$\"}      # lines of a log; `$` is the end of the line");
    }
}

fn effects_members(place: &EffectsPlace) -> Vec<String> {
    let members = [
        ("path", place.path.as_ref().map(ToString::to_string)),
        ("count", place.count.as_ref().map(ToString::to_string)),
        ("log", place.log.clone()),
        ("pattern", place.pattern.clone()),
        ("table", place.table.clone()),
        ("key", place.key.clone()),
    ];
    members.into_iter().filter_map(|(name, value)| Some(format!("{name}: {}", yaml(&value?)))).collect()
}
