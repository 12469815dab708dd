//! The axes of the space of contracts, and its points: for the law, which plays them in memory, and for loads, over sockets.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use hookgate::contract::Contract;
use hookgate::contract::reading::read_contract;
use hookgate::files;
use hookgate::scenario::expand::{self, Loaded};
use hookgate::scenario::lint::Known;
use hookgate::scenario::requirement::Catalogue;

/// The axes of the space: a name, and its values, each a piece of YAML that is laid over the usual contract. The first is the usual one.
pub(crate) const AXES: &[(&str, &[(&str, &str)])] = &[
    ("other_body", &[("duplicate", ""), ("refused", "other_body: refused"), ("new", "other_body: new")]),
    ("fingerprint", &[("none", ""), ("raw", "fingerprint: raw"), ("json", "fingerprint: json")]),
    (
        "key",
        &[
            ("header", "key: {header: Idempotency-Key}"),
            ("quoted", "key: {header: Idempotency-Key, form: quoted}"),
            ("either", "key: {header: Idempotency-Key, form: either}"),
            ("uuid", "key: {header: Idempotency-Key, form: uuid}"),
            ("short", "key: {header: Idempotency-Key, longest: 48}"),
            ("alphabet", "key: {header: Idempotency-Key, alphabet: A-Za-z0-9_-}"),
            ("member", "key: {body_member: delivery_id}"),
            ("nested", "key: {body_member: data.id, text_only: true}"),
            ("field", "key: {form_field: id}"),
            ("scope-receiver", "key: {header: Idempotency-Key, scope: receiver}"),
            ("scope-query", "key: {header: Idempotency-Key, scope: path-and-query}"),
            ("scope-caller", "key: {header: Idempotency-Key, scope: caller, caller: X-Account}"),
            ("scope-path", "key: {header: Idempotency-Key, scope: path}"),
        ],
    ),
    (
        "told",
        &[
            ("member", "duplicate: {status: 200, body: [{member: ok, is: true}, {member: seen, is: true}]}"),
            ("status", "duplicate: {status: 208, body: [{member: ok, is: true}]}"),
            (
                "reference",
                "duplicate: {status: 200, body: [{member: ok, is: true}, {member: at, is: '{first.ts}'}, {member: hash, is: '{first.sha256}'}]}",
            ),
            ("marker", "duplicate: {status: 200, same_body_as_first: true, headers: {Idempotent-Replayed: 'true'}}"),
            ("like-first", "duplicate: {status: 200, same_body_as_first: true}"),
            ("constant", "duplicate: {status: 200, body: [{member: ok, is: true}]}"),
        ],
    ),
    ("in_flight", &[("waits", ""), ("conflict", "in_flight: {lease: 2 s}")]),
    (
        "failures",
        &[
            ("none", ""),
            ("retried", "failures: {then: retried, provoke: {header: X-Fail, status: 503}}"),
            ("replayed", "failures: {then: replayed, provoke: {header: X-Fail, status: 503}}"),
        ],
    ),
    ("refusals", &[("forgotten", ""), ("kept", "refusals: kept")]),
    (
        "ttl",
        &[
            ("day", "ttl: {default: 86400 s}"),
            ("minute", "ttl: {default: 60 s}"),
            ("own", "ttl: {default: 1h, header: X-TTL}"),
            ("none", ""),
        ],
    ),
    ("limits", &[("usual", ""), ("small", "limits: {body_bytes: 102400}"), ("mebibyte", "limits: {body_bytes: 1048576}")]),
    (
        "state",
        &[
            ("both", "state: {keys: KEYS, audit: AUDIT}"),
            ("keys", "state: {keys: KEYS}"),
            ("audit", "state: {audit: AUDIT}"),
            ("none", ""),
            ("renamed", "state: {keys: RENAMED, audit: AUDIT}"),
        ],
    ),
    (
        "effects",
        &[
            ("none", ""),
            ("page", "effects: {path: '/__effects?key={key}', count: '/by_key/{key}'}"),
            ("log", "effects: {log: effects.log, pattern: 'did {key}$'}"),
        ],
    ),
    ("idempotency", &[("by-key", ""), ("none", "idempotency: none")]),
    ("body", &[("the suite's", ""), ("own", "body: '{\"type\": \"paid\", \"status\": \"ok\", \"amount\": 5, \"note\": \"{unique}\"}'")]),
    (
        "signature",
        &[
            ("body", "signature: {digest: sha256, encoding: hex, message: '{body}', headers: [{name: X-Signature, value: '{sig}'}]}"),
            (
                "list",
                "signature: {digest: sha256, encoding: hex, message: '{t}.{body}', several: {separator: ','}, time: {past: 2 m, future: 2 m}, headers: [{name: X-Signature, value: 't={t},v1={sig}'}]}",
            ),
            (
                "ms",
                "signature: {digest: sha512, encoding: base64url, message: '{t}.{body}', time: {unit: ms, past: 2 m}, headers: [{name: X-Time, value: '{t}'}, {name: X-Mac, value: 'v1={sig}'}]}",
            ),
            (
                "id",
                "signature: {digest: sha256, encoding: base64, message: '{id}.{t}.{body}', several: {separator: ' ', lines: joined}, time: {unit: rfc3339, past: 2 m, future: 2 m}, headers: [{name: X-Time, value: '{t}'}, {name: X-Mac, value: 'v1,{sig}'}]}",
            ),
            ("token", "signature: {by: token, headers: [{name: X-Token, value: 'Bearer {sig}'}]}"),
            ("none", "signature: none"),
            (
                "digest",
                "signature: {encoding: base64, message: '{method} {header:digest}', headers: [{name: Digest, value: 'sha-256=:{sha256base64(body)}:'}, {name: X-Mac, value: '{sig}'}]}",
            ),
            (
                "query",
                "signature: {digest: sha1, encoding: base64, message: '{url}', query: [{name: d, value: '{sha256hex(body)}'}], headers: [{name: X-Mac, value: '{sig}'}]}",
            ),
            ("form", "signature: {message: '{url}{form_sorted}', headers: [{name: X-Mac, value: '{sig}'}]}"),
            (
                "members",
                "signature: {encoding: base64, message: '{member:status}', members: [{member: proof.sig, value: '{sig}'}], bodies: utf8}",
            ),
        ],
    ),
    (
        "stream",
        &[
            ("none", ""),
            (
                "reset",
                "stream: {path: '/s/{stream}/events', of: '{body:job_id}', event: told, data: {key: '{key}', at: '{ts}'}, heartbeat: 15 s, retry: 2 s, keeps: 128}",
            ),
            (
                "replay",
                "stream: {path: '/s/{stream}', of: '{body:job_id|task_id}', event: told, data: {hash: '{sha256}', key: '{key}'}, ids: opaque, keeps: 128, unknown: {then: replay}}",
            ),
            (
                "over",
                "stream: {path: '/s/{stream}', of: '{body:job_id}', event: told, data: {key: '{key}', status: '{body:status}'}, keeps: 128, unknown: {then: no-content}, finished: {member: status, is: [done]}}",
            ),
            (
                "repeats",
                "stream: {path: '/s/{stream}', of: '{body:job_id}', event: told, data: {key: '{key}'}, keeps: 128, unknown: {then: refused, status: 410}, finished: {member: status, is: [done], then: repeats-last}}",
            ),
            (
                "news",
                "stream: {path: '/s/{stream}', of: '{body:job_id}', event: told, data: {key: '{key}'}, keeps: 128, begins: now, finished: {member: status, is: [done]}}",
            ),
            ("one", "stream: {path: /s, event: told, data: {key: '{key}'}}"),
        ],
    ),
];

pub(crate) const KEYS: &str = "{table: keys, columns: [{name: key, type: TEXT, primary_key: 1, holds: '{key}'}, {name: ts, type: TEXT, not_null: true, holds: '{ts}'}, {name: ttl, type: INTEGER, holds: '{ttl}'}]}";
pub(crate) const RENAMED: &str = "{table: seen, columns: [{name: at, type: TEXT, not_null: true, holds: '{ts}'}, {name: life, type: INTEGER, holds: '{ttl}'}, {name: word, type: TEXT, primary_key: 1, holds: '{key}'}]}";
pub(crate) const AUDIT: &str = "{table: log, columns: [{name: at, type: TEXT, not_null: true, primary_key: 1, holds: '{ts}'}, {name: hash, type: TEXT, holds: '{sha256}'}, {name: word, type: TEXT, holds: '{key}'}]}";

/// A point of the space: the place of the chosen value on each axis.
pub(crate) type Point = Vec<usize>;

pub(crate) fn name(point: &Point) -> String {
    let told = AXES.iter().zip(point).filter(|(_, at)| **at > 0).map(|((axis, values), at)| format!("{axis}={}", values[*at].0));
    let told: Vec<String> = told.collect();
    if told.is_empty() { "usual".to_owned() } else { told.join(" ") }
}

pub(crate) fn at(point: &Point, axis: &str) -> &'static str {
    let place = AXES.iter().position(|(name, _)| *name == axis).expect("an axis");
    AXES[place].1[point[place]].0
}

/// The contract at a point; `None` where its values cannot stand together, as `check` says, too.
pub(crate) fn contract(point: &Point) -> Option<Arc<Contract>> {
    let by_key = at(point, "idempotency") == "by-key";
    let (mut members, mut outcomes) =
        (Vec::new(), vec!["accepted: {status: 200, body: [{member: ok, is: true}], without: [seen, at]}".to_owned()]);
    for ((axis, values), at) in AXES.iter().zip(point) {
        match *axis {
            "told" if by_key => outcomes.push(values[*at].1.to_owned()),
            "told" | "body" => {}
            _ => members.push(values[*at].1.replace("KEYS", KEYS).replace("RENAMED", RENAMED).replace("AUDIT", AUDIT)),
        }
    }
    if at(point, "in_flight") == "conflict" {
        outcomes.push("in-flight: {status: 409}".to_owned());
    }
    let form = at(point, "key") == "field";
    let form = form || at(point, "signature") == "form";
    let content_type = if form { "application/x-www-form-urlencoded" } else { "application/json" };
    let body = AXES.iter().zip(point).find(|((axis, _), _)| *axis == "body").map_or("", |((_, values), at)| values[*at].1);
    let text = format!(
        "contract: space\ntitle: t\nabout: a\nsource: s\nsuite: core\n\
         endpoint: {{method: POST, path: /in, others: [/other], content_type: {content_type}, {body}}}\n\
         health: {{path: /alive, status: 204}}\nsecret: {{env: S, for_tests: a-secret-of-this-test, previous: {{env: P, for_tests: the-one-before}}, retired: {{env: R, for_tests: a-retired-one}}}}\n{}\n\
         outcomes: {{{}, refused: {{signature: {{status: 401}}, missing-signature: {{status: 403}}, malformed-signature: {{status: 400}}, \
         stale-signature: {{status: 401}}, missing-key: {{status: 400}}, empty-key: {{status: 400}}, unusable-key: {{status: 400}}, \
         other-body: {{status: 422}}, method: {{status: 405}}, body: {{status: 400}}, too-large: {{status: 413}}}}}}\n",
        members.join("\n"),
        outcomes.join(", ")
    );
    read_contract("space.yaml", &text, &|_| None).ok().map(Arc::new)
}

/// The suite `core`: its catalogue, its scenarios, its bodies.
pub(crate) struct Suite {
    pub(crate) catalogue: Arc<Catalogue>,
    pub(crate) scenarios: Vec<Loaded>,
    pub(crate) bodies: Arc<BTreeMap<String, Bytes>>,
}

/// What is slow in memory, and shows nothing that a smaller one does not.
pub(crate) const LEFT_OUT: [&str; 6] = [
    "duplicate/found-after-a-thousand-other-keys",
    "http/body-over-the-limit",
    "http/body-up-to-the-limit",
    "signature/forgery-of-any-length",
    "audit/no-row-is-lost-under-load",
    "stream/slow-reader-delays-nobody",
];

pub(crate) static SUITE: LazyLock<Suite> = LazyLock::new(|| {
    let files = files::shipped_suite("core");
    let file = files.catalogue.expect("a catalogue");
    let catalogue = Catalogue::read(&file.path, &file.text).unwrap_or_else(|wrong| panic!("{wrong}"));
    let known = Known::new(&catalogue, files.bodies.keys().cloned());
    let scenarios = files.scenarios.iter().filter(|(id, _)| !LEFT_OUT.iter().any(|out| id.starts_with(out)));
    let scenarios =
        scenarios.flat_map(|(id, file)| expand::load(id, &file.path, &file.text, &known).unwrap_or_else(|wrong| panic!("{wrong}")));
    Suite { scenarios: scenarios.collect(), catalogue: Arc::new(catalogue), bodies: Arc::new(files.bodies) }
});

/// Every value once beside the usual ones.
pub(crate) fn single_values() -> Vec<Point> {
    let usual: Point = vec![0; AXES.len()];
    let others = AXES.iter().enumerate().flat_map(|(axis, (_, values))| (1..values.len()).map(move |value| (axis, value)));
    let changed = others.map(|(axis, value)| {
        let mut point: Point = vec![0; AXES.len()];
        point[axis] = value;
        point
    });
    std::iter::once(usual).chain(changed).collect()
}

/// So many points with two or more unusual values, the same each time.
pub(crate) fn mixed(count: usize) -> Vec<Point> {
    // What was drawn before there was an axis more is drawn as it was.
    let (mut others, mut streams, mut bodies) = (0x9e37_79b9_7f4a_7c15_u64, 0x2545_f491_4f6c_dd1d_u64, 0xd6e8_feb8_6659_fd93_u64);
    let mut random = |axis: &str, below: usize| {
        let state = match axis {
            "stream" => &mut streams,
            "body" => &mut bodies,
            _ => &mut others,
        };
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        usize::try_from(*state % below as u64).expect("a small number")
    };
    let mut value = |axis: &str, values: usize| if random(axis, 2) == 0 { 0 } else { random(axis, values) };
    (0..count).map(|_| AXES.iter().map(|(axis, values)| value(axis, values.len())).collect()).collect()
}

/// Values that were once wrong together.
pub(crate) fn corners() -> Vec<Point> {
    let corner = |chosen: &[(&str, &str)]| {
        let of_axis = |(axis, values): &(&str, &[(&str, &str)])| {
            let wanted = chosen.iter().find(|(name, _)| name == axis).map(|(_, value)| *value);
            wanted.map_or(0, |wanted| values.iter().position(|(value, _)| *value == wanted).expect("a value of the axis"))
        };
        AXES.iter().map(of_axis).collect()
    };
    vec![
        // A key in the body takes room there, and the limit is the longest body of the suite.
        corner(&[("key", "member"), ("limits", "mebibyte")]),
        corner(&[("key", "field"), ("limits", "mebibyte")]),
        // One table is evidence, too, where answers are alike.
        corner(&[("told", "constant"), ("state", "audit")]),
        corner(&[("told", "like-first"), ("state", "audit")]),
        corner(&[("told", "like-first"), ("state", "keys")]),
        // The body of one's own beside a key in it, and where another body is refused or new.
        corner(&[("body", "own"), ("key", "member")]),
        corner(&[("body", "own"), ("other_body", "refused")]),
        corner(&[("body", "own"), ("other_body", "new")]),
        // A failure that is a key's result is given again, not undecided.
        corner(&[("failures", "replayed"), ("other_body", "new")]),
    ]
}

pub(crate) fn points() -> Vec<Point> {
    [single_values(), corners(), mixed(10)].concat()
}
