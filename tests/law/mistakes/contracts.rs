//! Contracts that are not whole, and catalogues.

use super::{catalogue, contract};

/// With what is meant, also deep inside.
#[test]
fn an_unknown_member_of_a_contract_is_told() {
    insta::assert_snapshot!(contract(r#"contract: mine
extends: whole
endpoints: {}
outcomes:
  accepted: {statsu: 201}
  refused:
    signatur: {status: 401}
signature: {several: {seperator: ","}}
"#), @r#"
    error: unknown member `endpoints` of the contract
     --> mine.yaml:3:1
      |
    3 | endpoints: {}
      | ^^^^^^^^^ did you mean `endpoint`?

    error: unknown member `statsu` of `accepted`
     --> mine.yaml:5:14
      |
    5 |   accepted: {statsu: 201}
      |              ^^^^^^ did you mean `status`?

    error: unknown word `signatur`
     --> mine.yaml:7:5
      |
    7 |     signatur: {status: 401}
      |     ^^^^^^^^ did you mean `signature`?

    error: unknown member `seperator` of `several`
     --> mine.yaml:8:23
      |
    8 | signature: {several: {seperator: ","}}
      |                       ^^^^^^^^^ did you mean `separator`?

    4 mistakes in mine.yaml
    "#);
}

/// Placeholders, columns, statuses and the place of the key.
#[test]
fn a_contract_must_be_whole_in_itself() {
    insta::assert_snapshot!(contract(r#"contract: mine
extends: whole
key: {header: Id, body_member: id}
health: {status: 999}
signature:
  message: "{t}.{bdy}.{header:}"
  headers: [{name: X-Time, value: "{time}"}]
outcomes:
  accepted: {also: [20]}
  duplicate: {body: [{member: a, is: "{first.sha}"}, {member: b, is: "{lone"}]}
  refused: {missing-key: ~}
ttl: {default: 5}
state:
  keys: {found_by: keyy}
  audit: {instant: when, only: {column: kind, is: x}, columns: [{name: ts, type: TEXT, holds: "{tss}"}, {name: ts, type: TEXT}]}
"#), @r#"
    error: the key travels in one place, and `header` is given, too
     --> mine.yaml:3:32
      |
    3 | key: {header: Id, body_member: id}
      |                                ^^ write `header: ~` if this is the place

    error: an HTTP status is a number from 100 to 599, this is 999
     --> mine.yaml:4:18
      |
    4 | health: {status: 999}
      |                  ^^^

    error: unknown placeholder `{bdy}`
     --> mine.yaml:6:12
      |
    6 |   message: "{t}.{bdy}.{header:}"
      |            ^^^^^^^^^^^^^^^^^^^^^ did you mean {body}?

    error: unknown placeholder `{header:}`
     --> mine.yaml:6:12
      |
    6 |   message: "{t}.{bdy}.{header:}"
      |            ^^^^^^^^^^^^^^^^^^^^^ did you mean {header:NAME}?

    error: no header carries the signature
     --> mine.yaml:7:3
      |
    7 |   headers: [{name: X-Time, value: "{time}"}]
      |   ^^^^^^^ write {sig} into a value

    error: unknown placeholder `{time}`
     --> mine.yaml:7:35
      |
    7 |   headers: [{name: X-Time, value: "{time}"}]
      |                                   ^^^^^^^^
      |
      = help: known here: {sig}, {t}, {id}, {sha256hex(body)}, {sha256base64(body)}, {sha512base64(body)}

    error: an HTTP status is a number from 100 to 599, this is 20
     --> mine.yaml:9:21
      |
    9 |   accepted: {also: [20]}
      |                     ^^

    error: unknown placeholder `{first.sha}`
      --> mine.yaml:10:38
       |
    10 |   duplicate: {body: [{member: a, is: "{first.sha}"}, {member: b, is: "{lone"}]}
       |                                      ^^^^^^^^^^^^^ did you mean {first.sha256}?

    error: `{lone` has a brace without its partner; write `{{` for a brace that is meant
      --> mine.yaml:10:70
       |
    10 |   duplicate: {body: [{member: a, is: "{first.sha}"}, {member: b, is: "{lone"}]}
       |                                                                      ^^^^^^^

    error: every suite needs the refusal `missing-key`
      --> mine.yaml:11:3
       |
    11 |   refused: {missing-key: ~}
       |   ^^^^^^^ add missing-key: {status: …}

    error: `default` takes text, this is a number
      --> mine.yaml:12:16
       |
    12 | ttl: {default: 5}
       |                ^ a span of time has a unit: 5 s

    error: the table `k` has no column `keyy`
      --> mine.yaml:14:20
       |
    14 |   keys: {found_by: keyy}
       |                    ^^^^ did you mean `key`?

    error: the table `a` has no column `when`
      --> mine.yaml:15:20
       |
    15 |   audit: {instant: when, only: {column: kind, is: x}, columns: [{name: ts, type: TEXT, holds: "{tss}"}, {name: ts, type: TEXT}]}
       |                    ^^^^ its columns: ts, ts

    error: the table `a` has no column `kind`
      --> mine.yaml:15:41
       |
    15 |   audit: {instant: when, only: {column: kind, is: x}, columns: [{name: ts, type: TEXT, holds: "{tss}"}, {name: ts, type: TEXT}]}
       |                                         ^^^^ its columns: ts, ts

    error: unknown placeholder `{tss}`
      --> mine.yaml:15:95
       |
    15 |   audit: {instant: when, only: {column: kind, is: x}, columns: [{name: ts, type: TEXT, holds: "{tss}"}, {name: ts, type: TEXT}]}
       |                                                                                               ^^^^^^^ did you mean {ts}?

    error: the table `a` has two columns `ts`
      --> mine.yaml:15:112
       |
    15 |   audit: {instant: when, only: {column: kind, is: x}, columns: [{name: ts, type: TEXT, holds: "{tss}"}, {name: ts, type: TEXT}]}
       |                                                                                                                ^^

    16 mistakes in mine.yaml
    "#);
}

/// Taken away from what is inherited.
#[test]
fn a_contract_says_where_its_key_travels() {
    insta::assert_snapshot!(contract(r"contract: mine
extends: whole
key: {header: ~}
"), @"
    error: this does not say where the key travels
     --> mine.yaml:3:1
      |
    3 | key: {header: ~}
      | ^^^ give `header`, `body_member` or `form_field`
    ");
}

/// A form has no members.
#[test]
fn a_key_travels_in_what_bodies_are() {
    insta::assert_snapshot!(contract(r"contract: mine
extends: whole
endpoint: {content_type: application/x-www-form-urlencoded}
key: {header: ~, body_member: id}
"), @"
    error: bodies are forms (`application/x-www-form-urlencoded`), and this is a member of a JSON object
     --> mine.yaml:4:31
      |
    4 | key: {header: ~, body_member: id}
      |                               ^^ write `form_field: id`
    ");
}

/// With the nearest of those that are.
#[test]
fn a_contract_that_is_extended_must_be_there() {
    insta::assert_snapshot!(contract(r"contract: mine
extends: whol
"), @r"
    error: there is no contract `whol` to extend
     --> mine.yaml:2:10
      |
    2 | extends: whol
      |          ^^^^ did you mean `whole`?
    ");
}

/// A ring of contracts has no bottom.
#[test]
fn a_contract_cannot_extend_itself() {
    insta::assert_snapshot!(contract(r"contract: ring
extends: ring
"), @r"
    error: contracts extend each other in a ring
     --> ring:2:10
      |
    2 | extends: ring
      |          ^^^^
    ");
}

/// Every member that is missing is told.
#[test]
fn a_contract_from_nothing_lacks_everything_at_once() {
    insta::assert_snapshot!(contract(r"contract: mine
title: Mine
suite: orch
"), @"
    error: the contract lacks the members `endpoint`, `signature`, `outcomes`
     --> mine.yaml:1:1
      |
    1 | contract: mine
      | ^^^^^^^^

    error: this does not say where the key travels
     --> mine.yaml:1:11
      |
    1 | contract: mine
      |           ^^^^ add key: {header: …}, or say `idempotency: none`

    2 mistakes in mine.yaml
    ");
}

/// Levels are words, requirements are maps.
#[test]
fn mistakes_in_a_catalogue_are_told_too() {
    insta::assert_snapshot!(catalogue(r"suite: orch
ordinary_body: terminal-done.json
capabilities: {state: 1}
topics: {}
requirements:
  - {id: DUP-1, level: mast, sentence: A duplicate is told as one, source: here}
  - {id: DUP-2, levl: should, sentence: It refers to the first, source: here}
  - DUP-3
"), @r#"
    error: `state` takes text, this is a number
     --> requirements.yaml:3:23
      |
    3 | capabilities: {state: 1}
      |                       ^ text that looks like a number goes in quotes: "1"

    error: unknown word `mast` for `level`
     --> requirements.yaml:6:24
      |
    6 |   - {id: DUP-1, level: mast, sentence: A duplicate is told as one, source: here}
      |                        ^^^^ did you mean `must`?

    error: unknown member `levl` of a requirement
     --> requirements.yaml:7:17
      |
    7 |   - {id: DUP-2, levl: should, sentence: It refers to the first, source: here}
      |                 ^^^^ did you mean `level`?

    error: a requirement takes members, this is text
     --> requirements.yaml:8:5
      |
    8 |   - DUP-3
      |     ^^^^^ known members: id, level, sentence, source, memory, excluded

    4 mistakes in requirements.yaml
    "#);
}

/// A topic and a requirement that the catalogue does not have.
#[test]
fn translations_are_of_what_is_there() {
    insta::assert_snapshot!(catalogue("
suite: orch
ordinary_body: terminal-done.json
capabilities: {}
topics: {DUP: Duplicates}
requirements:
  - {id: DUP-1, level: must, sentence: A duplicate is told as one, source: here}
translations:
  ja:
    topics: {DUP: 重複検出, KEY: 冪等性キー}
    sentences:
      DUP-1: 重複は重複として扱われる。
      DUP-11: 重複は参照を返す。
"), @"
    error: there is no topic `KEY` to translate
      --> requirements.yaml:10:25
       |
    10 |     topics: {DUP: 重複検出, KEY: 冪等性キー}
       |                             ^^^

    error: there is no requirement `DUP-11` to translate
      --> requirements.yaml:13:7
       |
    13 |       DUP-11: 重複は参照を返す。
       |       ^^^^^^

    2 mistakes in requirements.yaml
    ");
}

/// A narrower form of a scheme is one that can be made, and leaves something out.
#[test]
fn a_narrower_form_covers_less() {
    let told = |form: &str| {
        let scheme = "message: '{t}.{body}', headers: [{name: X-S, value: 't={t},v1={sig}'}]";
        contract(&format!("contract: mine\nextends: whole\nsignature: {{{scheme}, narrower: [{form}]}}\n"))
    };
    for (form, wanted) in [
        ("{message: '{t}', headers: [{name: X-S, value: 't={t},v1={sig}'}]}", "no mistake"),
        ("{message: '{body}{t}', headers: [{name: X-S, value: 't={t},v1={sig}'}]}", "this covers all that is signed"),
        ("{message: '{t}', headers: [{name: X-S, value: '{sig}'}]}", "the time is signed, and no header carries it"),
        ("{message: '{body}', headers: [{name: X-S, value: 'none'}]}", "no header carries the signature"),
        ("{message: '{bdy}', headers: [{name: X-S, value: '{sig}'}]}", "unknown placeholder `{bdy}`"),
        ("{message: '{body}', headers: [{name: X-S, value: '{sgi}'}]}", "unknown placeholder `{sgi}`"),
    ] {
        let said = told(form);
        assert!(said.contains(wanted), "{form}: {said}");
    }
}

/// What a scheme says must be readable again, and every header line stands once.
#[test]
fn a_signature_scheme_must_be_readable_again() {
    let scheme = |key: &str, signature: &str| contract(&format!("contract: mine\nextends: whole\nkey: {key}\nsignature: {signature}\n"));
    let webhook = "{header: webhook-id}";
    let told = [
        scheme(webhook, "{headers: [{name: Webhook-Id, value: '{id}'}, {name: X-S, value: '{sig}'}]}"),
        scheme(webhook, "{headers: [{name: Webhook-Id, value: 'id={id}'}, {name: X-S, value: '{sig}'}]}"),
        scheme("{header: webhook-id, form: quoted}", "{headers: [{name: Webhook-Id, value: '{id}'}, {name: X-S, value: '{sig}'}]}"),
        scheme("{}", "{headers: [{name: X-S, value: 'v1={sig}'}, {name: x-s, value: 'v2={sig}'}]}"),
        scheme("{}", "{headers: [{name: X-S, value: '{id}.{sig}'}, {name: X-T, value: '{t}{sig}'}]}"),
        scheme("{}", "{several: {separator: ','}, headers: [{name: X-S, value: 'v1={sig},{id}'}]}"),
        scheme("{}", "{several: {separator: ','}, message: '{t}', headers: [{name: X-S, value: '{t},{sig}'}]}"),
        scheme("{}", "{several: {separator: ''}}"),
        scheme("{}", "{several: {separator: '0'}}"),
        scheme("{}", "{message: '{t}.{body}'}"),
        scheme("{}", "{time: {past: 5m}, headers: [{name: X-S, value: 't={t},v1={sig}'}]}"),
        scheme("{}", "{message: '{t}', time: {unit: us, past: 5m}, headers: [{name: X-S, value: 't={t},v1={sig}'}]}"),
    ];
    insta::assert_snapshot!(told.join("\n-----\n"), @r#"
    no mistake
    -----
    error: `Webhook-Id` carries the key, and this value is another
     --> mine.yaml:4:30
      |
    4 | signature: {headers: [{name: Webhook-Id, value: 'id={id}'}, {name: X-S, value: '{sig}'}]}
      |                              ^^^^^^^^^^ the key's line may only hold the id: value: "{id}"
    -----
    error: `Webhook-Id` carries the key in quotation marks, and the signed id bears none
     --> mine.yaml:4:30
      |
    4 | signature: {headers: [{name: Webhook-Id, value: '{id}'}, {name: X-S, value: '{sig}'}]}
      |                              ^^^^^^^^^^ leave this line out, or write the key bare
    -----
    error: two header lines of the signature are called `x-s`
     --> mine.yaml:4:62
      |
    4 | signature: {headers: [{name: X-S, value: 'v1={sig}'}, {name: x-s, value: 'v2={sig}'}]}
      |                                                              ^^^
    -----
    error: an id may hold `.`, and then nobody can tell where it ends
     --> mine.yaml:4:42
      |
    4 | signature: {headers: [{name: X-S, value: '{id}.{sig}'}, {name: X-T, value: '{t}{sig}'}]}
      |                                          ^^^^^^^^^^^^ put {id} last, or into a header of its own

    error: nothing stands between {t} and {sig}: nobody can tell them apart
     --> mine.yaml:4:76
      |
    4 | signature: {headers: [{name: X-S, value: '{id}.{sig}'}, {name: X-T, value: '{t}{sig}'}]}
      |                                                                            ^^^^^^^^^^

    2 mistakes in mine.yaml
    -----
    error: an id may hold `,`, which separates the items of this list
     --> mine.yaml:4:69
      |
    4 | signature: {several: {separator: ','}, headers: [{name: X-S, value: 'v1={sig},{id}'}]}
      |                                                                     ^^^^^^^^^^^^^^^ give {id} a header of its own
    -----
    error: an item of this list begins with what is filled in, so that every other item looks like it
     --> mine.yaml:4:85
      |
    4 | signature: {several: {separator: ','}, message: '{t}', headers: [{name: X-S, value: '{t},{sig}'}]}
      |                                                                                     ^^^^^^^^^^^ give each item a mark: t={t},v1={sig}
    -----
    error: nothing separates nothing
     --> mine.yaml:4:34
      |
    4 | signature: {several: {separator: ''}}
      |                                  ^^ a comma, or a space
    -----
    error: `0` may stand in a signature or a time as well
     --> mine.yaml:4:34
      |
    4 | signature: {several: {separator: '0'}}
      |                                  ^^^ a comma, or a space
    -----
    error: the time is signed, and no header carries it
     --> mine.yaml:4:22
      |
    4 | signature: {message: '{t}.{body}'}
      |                      ^^^^^^^^^^^^ write {t} into a header's value
    -----
    error: the time has a tolerance, and is not signed
     --> mine.yaml:4:13
      |
    4 | signature: {time: {past: 5m}, headers: [{name: X-S, value: 't={t},v1={sig}'}]}
      |             ^^^^ write {t} into `message`, or leave `time` out
    -----
    error: unknown word `us` for `unit`
     --> mine.yaml:4:42
      |
    4 | signature: {message: '{t}', time: {unit: us, past: 5m}, headers: [{name: X-S, value: 't={t},v1={sig}'}]}
      |                                          ^^ expected one of: s, ms, rfc3339
    "#);
}
