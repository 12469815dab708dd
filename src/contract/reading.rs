//! From a contract's text to a contract: what it inherits, and what a schema cannot say of it.
//!
//! Takes text and a way to find other contracts by name, gives the contract
//! or every mistake at once. No file is opened here.
//!
//! Start at [`read_contract`].

use std::path::{Component, Path, PathBuf};
use std::sync::LazyLock;

use serde_json::Value;

use crate::contract::facts::{is_computed, meaning_of};
use crate::contract::key::KeyScope;
use crate::contract::outcome::{AnswerForm, MemberValue, Refusal};
use crate::contract::{Contract, Idempotency, OtherBody, alternatives, own_body, own_headers, signing, wire};
use crate::sign::{MESSAGE_PLACEHOLDERS, PREPARED_PLACEHOLDERS, Proof};
use crate::template::Template;
use crate::yaml::diagnostic::{Diagnostic, Diagnostics, hint, listed, nearest};
use crate::yaml::name::word_mistake;
use crate::yaml::tree::{Key, Kind, Node, Tree};
use crate::yaml::{self, Decoded};

static SCHEMA: LazyLock<Value> = LazyLock::new(yaml::schema_of::<Contract>);

/// A chain of contracts longer than this goes in a ring.
const LONGEST_CHAIN: usize = 8;
const IN_HEADERS: [&str; 6] = ["sig", "t", "id", "sha256hex(body)", "sha256base64(body)", "sha512base64(body)"];
const IN_EFFECTS: [&str; 1] = ["key"];
const IN_OUTCOMES: [&str; 6] = ["sha256", "key", "ts", "first.sha256", "first.ts", "body:NAME"];
const IN_EVENTS: [&str; 4] = ["key", "ts", "sha256", "body:NAME"];
const IN_ROWS: [&str; 6] = ["key", "ts", "ttl", "sha256", "answer", "body:NAME"];
/// Refusals that every suite asks for; others may fall back to them.
const NEEDED: [Refusal; 2] = [Refusal::Signature, Refusal::MissingKey];

/// Reads a contract.
///
/// * `name`: the file's name, as people should see it.
/// * `base`: the text of the contract that bears a name, for `extends`.
///
/// # Errors
/// Every mistake of the file, or of the contract that it extends when that has any.
pub fn read_contract(name: &str, text: &str, base: &dyn Fn(&str) -> Option<String>) -> Result<Contract, Diagnostics> {
    read_contract_among(name, text, base, &[])
}

/// Reads a contract, as [`read_contract`] does, and knows the names that `extends` may bear.
///
/// # Errors
/// As [`read_contract`].
pub fn read_contract_among(
    name: &str,
    text: &str,
    base: &dyn Fn(&str) -> Option<String>,
    names: &[String],
) -> Result<Contract, Diagnostics> {
    let (tree, contract) = read_whole(name, text, base, names, LONGEST_CHAIN)?;
    drop(tree);
    Ok(contract)
}

fn read_whole(
    name: &str,
    text: &str,
    base: &dyn Fn(&str) -> Option<String>,
    names: &[String],
    chain: usize,
) -> Result<(Tree, Contract), Diagnostics> {
    let mut tree = Tree::read(name, text)?;
    spell_out_no_signature(&mut tree.root);
    if let Some((key, extends)) = tree.root.entry("extends").cloned()
        && let Kind::Text(wanted) = &extends.kind
    {
        let refuse = |message: String, hint: Option<String>| {
            Diagnostics::new(name, text, vec![Diagnostic { span: extends.span.clone(), message, hint }])
        };
        if chain == 0 {
            return Err(refuse("contracts extend each other in a ring".to_owned(), None));
        }
        let wanted = &reached_from(name, wanted);
        let found = base(wanted).ok_or_else(|| {
            let known: Vec<&str> = names.iter().map(String::as_str).collect();
            refuse(format!("there is no contract `{wanted}` to extend"), hint(wanted, "there are", &known))
        })?;
        let (mut below, _) = read_whole(wanted, &found, base, names, chain - 1)?;
        // What is inherited has no place in this file but the word that inherits it.
        below.root.move_to(&extends.span);
        alternatives::give_way(&mut below.root, &tree.root);
        below.root.lay_over(&tree.root);
        below.root.span = key.span.clone();
        tree.root = below.root;
    }
    let Decoded { value, mut diagnostics, rest } = yaml::decode::<Contract>(&SCHEMA, &tree);
    if let Some(contract) = &value {
        let mut reading = Reading { tree: &rest, diagnostics: Vec::new() };
        reading.all(contract);
        yaml::add_diagnostics(&mut diagnostics, reading.diagnostics);
    }
    match value {
        Some(mut contract) if diagnostics.is_empty() => {
            contract.signature.settle(contract.key.header.as_deref());
            Ok((tree, contract))
        }
        Some(_) | None => Err(Diagnostics::new(name, text, diagnostics)),
    }
}

/// The name of the contract that a file extends: a file is named from the folder of the one that names it.
fn reached_from(name: &str, wanted: &str) -> String {
    let is_file = wanted.contains('/') || wanted.ends_with(".yaml") || wanted.ends_with(".yml");
    match Path::new(name).parent().filter(|folder| is_file && !folder.as_os_str().is_empty()) {
        Some(folder) => straight(&folder.join(wanted)),
        None => wanted.to_owned(),
    }
}

/// A path without `name/..`, which is right also where no folder of that name is there yet.
fn straight(path: &Path) -> String {
    let mut all = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if matches!(all.components().next_back(), Some(Component::Normal(_))) => {
                all.pop();
            }
            Component::Prefix(_) | Component::RootDir | Component::ParentDir | Component::Normal(_) => all.push(part),
        }
    }
    all.display().to_string()
}

/// `signature: none` is short for `signature: {by: none}`.
fn spell_out_no_signature(root: &mut Node) {
    let Kind::Map(members) = &mut root.kind else { return };
    for (key, node) in members.iter_mut().filter(|(key, _)| key.text == "signature") {
        if matches!(&node.kind, Kind::Text(word) if word == "none") {
            let by = Key { text: "by".to_owned(), ..key.clone() };
            let none = Node { span: node.span.clone(), kind: Kind::Text("none".to_owned()) };
            node.kind = Kind::Map(vec![(by, none)]);
        }
    }
}

/// What a contract names of its suite, and the suite does not have.
///
/// A contract that cannot be read is told by [`read_contract`]; what stands in it all the same is looked at here.
///
/// * `can`: whether the contract offers a word that follows from its members.
#[must_use]
pub fn unknown_words(
    (name, text): (&str, &str),
    requirements: &[&str],
    capabilities: &[&str],
    can: &dyn Fn(&str) -> bool,
) -> Option<Diagnostics> {
    let tree = Tree::read(name, text).ok()?;
    let mut diagnostics = Vec::new();
    for word in tree.root.member("capabilities").map_or(&[][..], Node::items) {
        let Kind::Text(found) = &word.kind else { continue };
        if !is_computed(found) && !capabilities.contains(&found.as_str()) {
            let hint = hint(found, "the suite knows", capabilities);
            diagnostics.push(Diagnostic { span: word.span.clone(), message: format!("unknown capability `{found}`"), hint });
        } else if is_computed(found) && !can(found) {
            let message = format!("`{found}` follows from the contract, and this one does not say so");
            let hint = Some(format!("it is true where {}", meaning_of(found).unwrap_or_default()));
            diagnostics.push(Diagnostic { span: word.span.clone(), message, hint });
        }
    }
    for (id, _) in tree.root.member("not_promised").map_or(&[][..], Node::members) {
        if !requirements.contains(&id.text.as_str()) {
            let hint = hint(&id.text, "the suite has", requirements);
            diagnostics.push(Diagnostic { span: id.span.clone(), message: format!("unknown requirement `{}`", id.text), hint });
        }
    }
    (!diagnostics.is_empty()).then(|| Diagnostics::new(name, text, diagnostics))
}

struct Reading<'t> {
    tree: &'t Node,
    diagnostics: Vec<Diagnostic>,
}

impl Reading<'_> {
    fn say(&mut self, path: &str, message: impl Into<String>, hint: Option<String>) {
        self.diagnostics.push(Diagnostic { span: self.tree.span_at(path), message: message.into(), hint });
    }

    fn all(&mut self, contract: &Contract) {
        self.key(contract);
        for (path, template) in contract.templates() {
            self.placeholders(&path, template);
        }
        for (place, name) in [("contract", &contract.contract), ("suite", &contract.suite)] {
            if let Some(wrong) = word_mistake(name) {
                self.say(place, wrong, None);
            }
        }
        for (path, message, way_out) in signing::diagnostics(contract).into_iter().chain(wire::diagnostics(contract)) {
            self.say(&path, message, way_out);
        }
        if let Some(state) = &contract.state {
            state.diagnostics(contract).into_iter().for_each(|(path, message, way_out)| self.say(&path, message, way_out));
        }
        if let Some(effects) = &contract.effects {
            effects.diagnostics(contract).into_iter().for_each(|(path, message, way_out)| self.say(&path, message, way_out));
        }
        if let Some(stream) = &contract.stream {
            stream.diagnostics(contract).into_iter().for_each(|(path, message, way_out)| self.say(&path, message, way_out));
        }
        let is_needed = |why: &Refusal| match why {
            Refusal::MissingKey => contract.is_by_key(),
            Refusal::Signature => contract.signature.by != Proof::None,
            _ => true,
        };
        let needed = NEEDED.into_iter().filter(is_needed);
        for needed in needed.filter(|why| contract.outcomes.refusal(*why).is_none()) {
            let path = if self.tree.find("outcomes.refused").is_some() { "outcomes.refused" } else { "outcomes" };
            let way_out = Some(format!("add {}: {{status: …}}", needed.name()));
            self.say(path, format!("every suite needs the refusal `{}`", needed.name()), way_out);
        }
        if let Some(health) = &contract.health {
            self.statuses("health.status", &[health.status]);
        }
        for (name, form) in contract.outcomes.all() {
            self.outcome(&format!("outcomes.{name}"), form);
        }
        self.promises(contract);
        self.own_headers(contract);
        self.usual_members(contract);
        own_body::diagnostics(contract).into_iter().for_each(|(path, message, way_out)| self.say(&path, message, way_out));
    }

    /// Members that every body bears.
    fn usual_members(&mut self, contract: &Contract) {
        let mut seen: Vec<&str> = Vec::new();
        for one in &contract.endpoint.members {
            let member = one.member.as_str();
            let is_key = [&contract.key.body_member, &contract.key.form_field].into_iter().flatten().any(|key| key == member);
            if is_key {
                self.say("endpoint.members", format!("`{member}` is the key's own place"), Some("leave it out".to_owned()));
            }
            if member.is_empty() || member.split('.').any(str::is_empty) {
                let way_out = Some("write its dotted path, as `data.amount`".to_owned());
                self.say("endpoint.members", format!("`{member}` is no place in a body"), way_out);
            }
            if seen.contains(&member) {
                self.say("endpoint.members", format!("the member `{member}` is named twice"), Some("write it once".to_owned()));
            }
            seen.push(member);
        }
    }

    /// Header lines beside those that the contract says.
    fn own_headers(&mut self, contract: &Contract) {
        let mut seen: Vec<String> = Vec::new();
        for (name, value) in &contract.endpoint.headers {
            let place = format!("endpoint.headers.{name}");
            if let Some(why) = own_headers::refusal(contract, name, value) {
                self.say(&place, why, Some("leave it out".to_owned()));
            }
            let lower = name.to_ascii_lowercase();
            if seen.contains(&lower) {
                self.say(&place, format!("the header `{name}` is named twice"), Some("write it once, in any case".to_owned()));
            }
            seen.push(lower);
        }
    }

    fn key(&mut self, contract: &Contract) {
        let key = &contract.key;
        let places =
            [("header", key.header.is_some()), ("body_member", key.body_member.is_some()), ("form_field", key.form_field.is_some())];
        let given: Vec<&str> = places.into_iter().filter(|(_, given)| *given).map(|(name, _)| name).collect();
        match given.as_slice() {
            [] if contract.idempotency == Idempotency::None => {}
            [] => {
                let (path, way_out) = match self.tree.find("key") {
                    Some(_) => ("key", "give `header`, `body_member` or `form_field`"),
                    None => ("contract", "add key: {header: …}, or say `idempotency: none`"),
                };
                self.say(path, "this does not say where the key travels", Some(way_out.to_owned()));
            }
            [_] => {}
            [first, second, ..] => {
                let way_out = Some(format!("write `{first}: ~` if this is the place"));
                self.say(&format!("key.{second}"), format!("the key travels in one place, and `{first}` is given, too"), way_out);
            }
        }
        let kind = &contract.endpoint.content_type;
        if let (Some(member), true) = (&key.body_member, contract.sends_forms()) {
            let way_out = Some(format!("write `form_field: {member}`"));
            self.say("key.body_member", format!("bodies are forms (`{kind}`), and this is a member of a JSON object"), way_out);
        }
        match (key.scope, &key.caller) {
            (Some(KeyScope::Caller), None) => {
                self.say("key.scope", "this does not say which header names the caller", Some("give `caller`".to_owned()));
            }
            (Some(KeyScope::Path), _) if contract.endpoint.others.is_empty() => {
                let way_out = Some("name another path that takes deliveries under `endpoint.others`".to_owned());
                self.say("key.scope", "on one path there is only one scope", way_out);
            }
            (Some(KeyScope::Caller | KeyScope::Path | KeyScope::PathAndQuery | KeyScope::Receiver) | None, _) => {}
        }
    }

    /// What members promise of each other.
    fn promises(&mut self, contract: &Contract) {
        let by_key = contract.idempotency == Idempotency::ByKey;
        if by_key && contract.outcomes.duplicate.is_none() {
            let way_out = Some("add duplicate: {…}, or say `idempotency: none`".to_owned());
            self.say("outcomes", "this does not say what a duplicate gets", way_out);
        }
        if !by_key && self.tree.find("outcomes.duplicate").is_some() && contract.outcomes.duplicate.is_some() {
            self.say(
                "outcomes.duplicate",
                "without idempotency there are no duplicates",
                Some("leave it out; what `extends` brings goes by `duplicate: null`".to_owned()),
            );
        }
        if contract.other_body == OtherBody::Refused && contract.outcomes.refusal(Refusal::OtherBody).is_none() {
            let way_out = Some("add outcomes.refused.other-body: {status: 422}".to_owned());
            self.say("other_body", "this does not say what the refusal of another body looks like", way_out);
        }
        if contract.outcomes.accepted.same_body_as_first {
            self.say("outcomes.accepted.same_body_as_first", "a first delivery has no first before it", None);
        }
        if let Some(provoke) = contract.provoke()
            && !(500..=599).contains(&provoke.status)
        {
            self.say("failures.provoke.status", format!("a failure is a status from 500 to 599, this is {}", provoke.status), None);
        }
        if contract.in_flight.is_some() && contract.outcomes.in_flight.is_none() {
            let way_out = Some("add outcomes.in-flight: {status: 409}".to_owned());
            self.say("in_flight", "this does not say what a rival of a delivery under way gets", way_out);
        }
    }

    fn outcome(&mut self, path: &str, outcome: &AnswerForm) {
        self.statuses(&format!("{path}.status"), &[outcome.status]);
        for (at, status) in outcome.also.iter().enumerate() {
            self.statuses(&format!("{path}.also[{at}]"), &[*status]);
        }
        for (at, member) in outcome.body.iter().enumerate() {
            // Text that is no template was read as a constant.
            if let MemberValue::Constant(Value::String(text)) = &member.is
                && let Err(wrong) = Template::read(text)
            {
                self.say(&format!("{path}.body[{at}].is"), wrong.to_string(), None);
            }
        }
    }

    fn statuses(&mut self, path: &str, statuses: &[u16]) {
        for status in statuses.iter().filter(|status| !(100..=599).contains(*status)) {
            self.say(path, format!("an HTTP status is a number from 100 to 599, this is {status}"), None);
        }
    }

    fn placeholders(&mut self, path: &str, template: &Template) {
        let (known, open): (&[&str], &[&str]) = if path.starts_with("signature.") && path.ends_with(".message") {
            (&MESSAGE_PLACEHOLDERS, &["header:", "member:"])
        } else if path.starts_with("signature.query") {
            (&PREPARED_PLACEHOLDERS, &[])
        } else if path.starts_with("effects.") {
            (&IN_EFFECTS, &[])
        } else if path == "stream.path" {
            (&["stream"], &[])
        } else if path.starts_with("stream.") {
            (&IN_EVENTS, &["body:"])
        } else if path.starts_with("signature.") {
            (&IN_HEADERS, &[])
        } else if path.starts_with("outcomes.") {
            (&IN_OUTCOMES, &["body:"])
        } else {
            (&IN_ROWS, &["body:"])
        };
        for name in template.placeholders() {
            let fits = match open.iter().find_map(|open| name.strip_prefix(open)) {
                Some(rest) => rest.split('|').all(|one| !one.is_empty()),
                None => known.contains(&name),
            };
            if !fits {
                let all: Vec<String> = known.iter().map(|one| format!("{{{one}}}")).collect();
                let way_out = match nearest(name, known.iter().copied()) {
                    Some(near) => format!("did you mean {{{near}}}?"),
                    None => format!("known here: {}", listed(all)),
                };
                self.say(path, format!("unknown placeholder `{{{name}}}`"), Some(way_out));
            }
        }
    }
}
