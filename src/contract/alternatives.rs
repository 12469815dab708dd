//! Alternatives: members of which only one way can be meant, in a contract that extends another.
//!
//! In: the inherited tree, and what is laid over it. Out: the inherited tree
//! without the ways that the own contract has left for another one. Whoever
//! says that keys travel in the body means that they travel nowhere else; so
//! nobody has to take away what the extended contract says.

use crate::yaml::tree::{Kind, Node};

/// Members at one place, way by way; the first of each way is the one by which it is chosen, the rest belongs to it.
struct Alternatives {
    /// Where they stand; `*` is any member.
    at: &'static [&'static str],
    ways: &'static [&'static [&'static str]],
}

/// How the body of an answer is told.
const BODY: &[&[&str]] = &[&["same_body_as_first"], &["body", "without"]];

const ALL: &[Alternatives] = &[
    Alternatives { at: &["key"], ways: &[&["header"], &["body_member"], &["form_field"]] },
    Alternatives { at: &["effects"], ways: &[&["path", "count", "rows", "key", "keys_a_page"], &["log", "pattern"], &["table", "key"]] },
    Alternatives { at: &["outcomes", "*"], ways: BODY },
    Alternatives { at: &["outcomes", "refused", "*"], ways: BODY },
];

/// Takes out of what is inherited the ways that `own` replaces by another one.
pub(super) fn give_way(inherited: &mut Node, own: &Node) {
    for one in ALL {
        at(inherited, own, one.at, one.ways);
    }
}

fn at(inherited: &mut Node, own: &Node, path: &[&str], ways: &[&[&str]]) {
    let (Kind::Map(below), Kind::Map(members)) = (&mut inherited.kind, &own.kind) else { return };
    let [step, rest @ ..] = path else {
        let chosen: Vec<&&[&str]> = ways.iter().filter(|way| way.first().is_some_and(|first| says(own, first))).collect();
        // Both in one file are a mistake of that file, or go together.
        below.retain(|(key, _)| {
            let belongs = |way: &&[&str]| way.contains(&key.text.as_str());
            chosen.is_empty() || !ways.iter().any(&belongs) || chosen.iter().any(|way| belongs(way))
        });
        return;
    };
    for (key, value) in members.iter().filter(|(key, _)| *step == "*" || key.text == *step) {
        if let Some((_, inherited)) = below.iter_mut().find(|(one, _)| one.text == key.text) {
            at(inherited, value, rest, ways);
        }
    }
}

/// Whether a member stands there and says something.
fn says(node: &Node, member: &str) -> bool {
    node.member(member).is_some_and(|value| !matches!(value.kind, Kind::Null | Kind::Bool(false)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::tree::Tree;

    /// What is left of an inherited contract when another one is laid over it.
    fn left(inherited: &str, own: &str) -> String {
        let read = |text: &str| Tree::read("c", text).unwrap().root;
        let mut below = read(inherited);
        give_way(&mut below, &read(own));
        below.to_json().to_string()
    }

    /// The own contract's way replaces the inherited one, with what belongs to it; nothing else goes.
    #[test]
    fn own_way_replaces_the_inherited_one() {
        let key = "{key: {header: K, longest: 9}}";
        assert_eq!(left(key, "{key: {body_member: id}}"), r#"{"key":{"longest":9}}"#);
        assert_eq!(left(key, "{key: {form: uuid}}"), r#"{"key":{"header":"K","longest":9}}"#);
        assert_eq!(left(key, "{key: {header: L}}"), r#"{"key":{"header":"K","longest":9}}"#);
        let page = "{effects: {path: /n, rows: /r, key: k, within: 1 s}}";
        assert_eq!(left(page, "{effects: {table: t}}"), r#"{"effects":{"key":"k","within":"1 s"}}"#);
        assert_eq!(left(page, "{effects: {log: l, pattern: p}}"), r#"{"effects":{"within":"1 s"}}"#);
        let told = "{outcomes: {duplicate: {status: 200, body: [1], without: [2]}, refused: {body: {same_body_as_first: true}}}}";
        let same = "{outcomes: {duplicate: {same_body_as_first: true}, refused: {body: {body: []}}}}";
        assert_eq!(left(told, same), r#"{"outcomes":{"duplicate":{"status":200},"refused":{"body":{}}}}"#);
        let both = "{outcomes: {duplicate: {same_body_as_first: true, body: [3]}}}";
        let not = "{outcomes: {duplicate: {same_body_as_first: false, status: 201}}}";
        for own in [both, not] {
            assert_eq!(left(told, own), left(told, "{}"));
        }
    }
}
