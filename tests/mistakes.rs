//! What people read when their own file is wrong: every message, as it is shown.
//!
//! Each test writes a small file and holds everything that is told of it
//! against a snapshot: place, caret, and the way out.

#![expect(clippy::expect_used, reason = "a catalogue of the test's own that is wrong fails the test")]

use hookgate::contract::reading::read_contract_among;
use hookgate::document::mistake::Mistakes;
use hookgate::scenario::expand;
use hookgate::scenario::lint::Known;
use hookgate::scenario::requirement::Catalogue;

const CATALOGUE: &str = "
suite: orch
ordinary_body: terminal-done.json
capabilities: {state: rows can be seen, time: time can pass}
topics: {}
requirements:
  - {id: DUP-1, level: must, sentence: A duplicate is told as one, source: here}
  - {id: DUP-2, level: must, sentence: It refers to the first, source: here}
  - {id: ONCE-1, level: must, sentence: One is accepted, source: here}
";

/// A contract without a mistake, for others to extend.
const WHOLE: &str = r#"
contract: whole
title: Whole
about: A contract that has everything.
source: this test
suite: orch
endpoint: {method: POST, path: /, content_type: application/json}
health: {path: /, status: 200}
secret: {env: SECRET, for_tests: published}
key: {header: Idempotency-Key}
signature: {digest: sha256, encoding: hex, message: "{body}", headers: [{name: X-Signature, value: "{sig}"}]}
outcomes:
  accepted: {status: 202}
  duplicate: {status: 202}
  refused: {signature: {status: 401}, missing-key: {status: 400}}
state:
  keys: {table: k, found_by: key, instant: ts, columns: [{name: key, type: TEXT, holds: "{key}"}, {name: ts, type: TEXT, holds: "{ts}"}]}
  audit: {table: a, found_by: ts, instant: ts, columns: [{name: ts, type: TEXT, holds: "{ts}"}]}
"#;

fn told<T>(result: Result<T, Mistakes>) -> String {
    result.map_or_else(|mistakes| mistakes.to_string(), |_| "no mistake".to_owned())
}

fn catalogue(text: &str) -> String {
    told(Catalogue::read("requirements.yaml", text))
}

fn scenario(text: &str) -> String {
    let catalogue = Catalogue::read("requirements.yaml", CATALOGUE).expect("the catalogue has no mistake");
    let known = Known::new(&catalogue, ["terminal-done.json".to_owned(), "long-log.json".to_owned()]);
    told(expand::load("topic/name", "mine.yaml", text, &known))
}

/// A scenario of these steps.
fn steps(text: &str) -> String {
    scenario(&format!("title: Steps\nshows: [DUP-1]\nsteps:\n{text}"))
}

fn contract(text: &str) -> String {
    let base = |name: &str| match name {
        "whole" => Some(WHOLE.to_owned()),
        "ring" => Some("contract: ring\nextends: ring\n".to_owned()),
        _ => None,
    };
    told(read_contract_among("mine.yaml", text, &base, &["whole".to_owned(), "ring".to_owned()]))
}

/// A wrong name, an unknown requirement and a body file that is not there are told together.
#[test]
fn a_file_with_three_mistakes_tells_all_three() {
    insta::assert_snapshot!(scenario(r"title: A duplicate refers to the first delivery
shows: [DUP-1, DUP-99]
steps:
  - deliver: {as: first}
    expct: accepted
  - deliver: {key_of: first, body: terminal-dome.json}
    expect: {duplicate_of: first}
"), @r"
    error: unknown requirement `DUP-99`
     --> mine.yaml:2:16
      |
    2 | shows: [DUP-1, DUP-99]
      |                ^^^^^^ there are: DUP-1, DUP-2

    error: unknown member `expct` of a step
     --> mine.yaml:5:5
      |
    5 |     expct: accepted
      |     ^^^^^ did you mean `expect`?

    error: there is no body file `terminal-dome.json`
     --> mine.yaml:6:36
      |
    6 |   - deliver: {key_of: first, body: terminal-dome.json}
      |                                    ^^^^^^^^^^^^^^^^^^ did you mean `terminal-done.json`?

    3 mistakes in mine.yaml
    ");
}

/// Names that nobody bears, that come later, and that belong to something else.
#[test]
fn references_are_to_earlier_steps_of_the_right_kind() {
    insta::assert_snapshot!(scenario(r"title: References
shows: [DUP-1]
needs: [state]
steps:
  - deliver: {as: first}
    expect: accepted
  - state: {as: before}
  - deliver: {key_of: frist, body_of: later}
    expect: {duplicate_of: before}
  - deliver: {as: later}
    expect: {duplicate_of: later}
  - deliver: {as: first}
    expect: accepted
  - state: {grown: {since: first, keys: 1}, audit: [{rows_for: befor}, {count: 1}]}
"), @r"
    error: no earlier step is called `frist`
     --> mine.yaml:8:23
      |
    8 |   - deliver: {key_of: frist, body_of: later}
      |                       ^^^^^ did you mean `first`?

    error: no earlier step is called `later`
     --> mine.yaml:8:39
      |
    8 |   - deliver: {key_of: frist, body_of: later}
      |                                       ^^^^^ earlier names: first

    error: `before` is a look at the database, and this takes a delivery
     --> mine.yaml:9:28
      |
    9 |     expect: {duplicate_of: before}
      |                            ^^^^^^

    error: no earlier step is called `later`
      --> mine.yaml:11:28
       |
    11 |     expect: {duplicate_of: later}
       |                            ^^^^^ earlier names: first

    error: the name `first` is taken
      --> mine.yaml:12:19
       |
    12 |   - deliver: {as: first}
       |                   ^^^^^ give this one another

    error: `first` is a delivery, and this takes a look at the database
      --> mine.yaml:14:28
       |
    14 |   - state: {grown: {since: first, keys: 1}, audit: [{rows_for: befor}, {count: 1}]}
       |                            ^^^^^

    error: no earlier step is called `befor`
      --> mine.yaml:14:64
       |
    14 |   - state: {grown: {since: first, keys: 1}, audit: [{rows_for: befor}, {count: 1}]}
       |                                                                ^^^^^ earlier names: first, later

    error: this does not say whose rows are meant
      --> mine.yaml:14:73
       |
    14 |   - state: {grown: {since: first, keys: 1}, audit: [{rows_for: befor}, {count: 1}]}
       |                                                                         ^^^^^ name the delivery with `rows_for`

    8 mistakes in mine.yaml
    ");
}

/// A bracket that nobody closes.
#[test]
fn yaml_that_cannot_be_read_is_told_in_place() {
    insta::assert_snapshot!(scenario(r"title: Broken
shows: [DUP-1
steps: []
"), @r"
    error: this is not YAML: illegal placement of ':' indicator
     --> mine.yaml:3:6
      |
    3 | steps: []
      |      ^
    ");
}

/// A tab where spaces belong.
#[test]
fn indentation_that_does_not_fit_is_told_in_place() {
    insta::assert_snapshot!(scenario("title: Broken\nsteps:\n\t- deliver: {}\n"), @r"
    error: this is not YAML: tabs disallowed within this context (block indentation)
     --> mine.yaml:3:2
      |
    3 |     - deliver: {}
      |     ^
    ");
}

/// YAML would silently keep one of the two.
#[test]
fn a_member_that_stands_twice_is_told() {
    insta::assert_snapshot!(scenario(r"title: Twice
shows: [DUP-1]
steps:
  - deliver: {as: first, body: a, as: second}
    expect: accepted
"), @r"
    error: `as` stands here twice
     --> mine.yaml:4:35
      |
    4 |   - deliver: {as: first, body: a, as: second}
      |                                   ^^ keep one of them
    ");
}

/// One file is one scenario.
#[test]
fn a_second_document_is_refused() {
    insta::assert_snapshot!(scenario(r"title: One
shows: [DUP-1]
---
title: Two
"), @r"
    error: a second document begins here
     --> mine.yaml:4:1
      |
    4 | title: Two
      | ^ one file holds one document; take the `---` away
    ");
}

/// Nothing at all, and a list.
#[test]
fn an_empty_file_is_no_scenario() {
    insta::assert_snapshot!(scenario(""), @"
    error: the scenario takes members, this is nothing
     --> mine.yaml:1:1
      |
    1 |
      | ^ known members: title, about, shows, needs, alone, stands, steps
    ");
}

/// The file must begin with members.
#[test]
fn a_list_is_no_scenario() {
    insta::assert_snapshot!(scenario("- title: x\n"), @"
    error: the scenario takes members, this is a list
     --> mine.yaml:1:1
      |
    1 | - title: x
      | ^ known members: title, about, shows, needs, alone, stands, steps
    ");
}

/// A scenario without a title, a burst without a number, a question without its subject.
#[test]
fn missing_members_are_told_at_their_owner() {
    insta::assert_snapshot!(scenario(r"shows: [ONCE-1]
steps:
  - burst: {as: racers}
    counts: {accepted: 1}
  - get: {within: 1 s}
    answer: {status: [200]}
"), @r"
    error: the scenario lacks the member `title`
     --> mine.yaml:1:1
      |
    1 | shows: [ONCE-1]
      | ^^^^^

    error: `burst` lacks the member `each`
     --> mine.yaml:3:5
      |
    3 |   - burst: {as: racers}
      |     ^^^^^

    error: `get` lacks the member `what`
     --> mine.yaml:5:5
      |
    5 |   - get: {within: 1 s}
      |     ^^^

    3 mistakes in mine.yaml
    ");
}

/// Lists, text, numbers, booleans and maps that are something else.
#[test]
fn values_of_the_wrong_kind_are_told_with_the_way_out() {
    insta::assert_snapshot!(scenario(r#"title: 12
shows: DUP-1
needs: {state: true}
alone: yes
steps:
  - deliver: {key: 123, ttl: -1, random_bytes: 2.5, key_length: "7", no_key: on}
    expect: accepted
  - deliver: terminal-done.json
    answer: {status: 202, json: ~, headers: [a]}
  - [deliver]
"#), @r#"
    error: `title` takes text, this is a number
     --> mine.yaml:1:8
      |
    1 | title: 12
      |        ^^ text that looks like a number goes in quotes: "12"

    error: `shows` takes a list, this is text
     --> mine.yaml:2:8
      |
    2 | shows: DUP-1
      |        ^^^^^ write [DUP-1]

    error: `needs` takes a list, this is a map of members
     --> mine.yaml:3:1
      |
    3 | needs: {state: true}
      | ^^^^^

    error: `alone` takes true or false, this is text
     --> mine.yaml:4:8
      |
    4 | alone: yes
      |        ^^^ write true

    error: `key` takes text, this is a number
     --> mine.yaml:6:20
      |
    6 |   - deliver: {key: 123, ttl: -1, random_bytes: 2.5, key_length: "7", no_key: on}
      |                    ^^^ text that looks like a number goes in quotes: "123"

    error: `ttl` takes numbers from 0 up, this is -1
     --> mine.yaml:6:30
      |
    6 |   - deliver: {key: 123, ttl: -1, random_bytes: 2.5, key_length: "7", no_key: on}
      |                              ^^

    error: `random_bytes` takes a whole number, this is a number with a fraction
     --> mine.yaml:6:48
      |
    6 |   - deliver: {key: 123, ttl: -1, random_bytes: 2.5, key_length: "7", no_key: on}
      |                                                ^^^

    error: `key_length` takes a whole number, this is text
     --> mine.yaml:6:65
      |
    6 |   - deliver: {key: 123, ttl: -1, random_bytes: 2.5, key_length: "7", no_key: on}
      |                                                                 ^^^ write 7 without quotes

    error: `no_key` takes true or false, this is text
     --> mine.yaml:6:78
      |
    6 |   - deliver: {key: 123, ttl: -1, random_bytes: 2.5, key_length: "7", no_key: on}
      |                                                                              ^^ write true

    error: `deliver` takes members, this is text
     --> mine.yaml:8:14
      |
    8 |   - deliver: terminal-done.json
      |              ^^^^^^^^^^^^^^^^^^
      |
      = help: known members: as, body, raw, hex, json, fill, random_bytes, body_of, key, key_of, key_length, key_hex, no_key, signature, signed_over, signed_over_raw, method, content_type, headers, header_case, framing, connection, fault, ttl

    error: `status` takes a list, this is a number
     --> mine.yaml:9:22
      |
    9 |     answer: {status: 202, json: ~, headers: [a]}
      |                      ^^^ write [202]

    error: `json` takes true or false, this is nothing
     --> mine.yaml:9:33
      |
    9 |     answer: {status: 202, json: ~, headers: [a]}
      |                                 ^

    error: `headers` takes members, this is a list
     --> mine.yaml:9:36
      |
    9 |     answer: {status: 202, json: ~, headers: [a]}
      |                                    ^^^^^^^

    error: a step takes members, this is a list
      --> mine.yaml:10:5
       |
    10 |   - [deliver]
       |     ^
       |
       = help: known members: name, shows, deliver, burst, advance, restart, snapshot, state, get, repeat, for_each, expect, answer, counts

    14 mistakes in mine.yaml
    "#);
}

/// Signatures, outcomes, reasons of refusal and framings.
#[test]
fn words_are_held_against_their_lists() {
    insta::assert_snapshot!(steps(r"  - deliver: {signature: wrong-sercet, framing: pieces}
    expect: acepted
  - deliver: {as: first}
    expect: {refused: {signatur: true}}
  - deliver: {}
    expect: duplicate_of
  - deliver: {}
    expect: {accepted: true}
  - deliver: {}
    expect: {duplicate: first}
  - deliver: {}
    expect: {refused: signature, duplicate_of: first}
  - deliver: {}
    expect: 202
  - get: {what: {paht: /x}}
    answer: {json: true}
"), @"
    error: unknown word `wrong-sercet` for `signature`
     --> mine.yaml:4:26
      |
    4 |   - deliver: {signature: wrong-sercet, framing: pieces}
      |                          ^^^^^^^^^^^^ did you mean `wrong-secret`?

    error: unknown word `pieces` for `framing`
     --> mine.yaml:4:49
      |
    4 |   - deliver: {signature: wrong-sercet, framing: pieces}
      |                                                 ^^^^^^ expected one of: content-length, chunked, chunked-small, expect-continue

    error: unknown word `acepted` for `expect`
     --> mine.yaml:5:13
      |
    5 |     expect: acepted
      |             ^^^^^^^ did you mean `accepted`?

    error: unknown member `signatur` for `refused`
     --> mine.yaml:7:24
      |
    7 |     expect: {refused: {signatur: true}}
      |                        ^^^^^^^^ did you mean `signature`?

    error: `duplicate_of` takes a value
     --> mine.yaml:9:13
      |
    9 |     expect: duplicate_of
      |             ^^^^^^^^^^^^ write expect: {duplicate_of: …}

    error: `accepted` is a word without a value
      --> mine.yaml:11:14
       |
    11 |     expect: {accepted: true}
       |              ^^^^^^^^ write expect: accepted

    error: unknown member `duplicate` for `expect`
      --> mine.yaml:13:14
       |
    13 |     expect: {duplicate: first}
       |              ^^^^^^^^^ did you mean `duplicate_of`?

    error: `expect` takes one thing at a time, these are 2: refused, duplicate_of
      --> mine.yaml:15:34
       |
    15 |     expect: {refused: signature, duplicate_of: first}
       |                                  ^^^^^^^^^^^^ what may be one or the other goes into a list under `any_of`

    error: `expect` takes a word, this is a number
      --> mine.yaml:17:13
       |
    17 |     expect: 202
       |             ^^^ expected one of: accepted, duplicate_of, refused, any_of, rather, no-answer, rejected

    error: unknown member `paht` for `what`
      --> mine.yaml:18:18
       |
    18 |   - get: {what: {paht: /x}}
       |                  ^^^^ did you mean `path`?

    10 mistakes in mine.yaml
    ");
}

/// Typing mistakes in ids, twice the same, and what the scenario does not show.
#[test]
fn requirements_and_capabilities_must_be_known() {
    insta::assert_snapshot!(scenario(r"title: Ids
shows: [DUP-7, ONCE-1, ONCE-1, FOO-1]
needs: [stat]
steps:
  - deliver: {}
    shows: [DUP-1]
    expect: accepted
"), @r"
    error: unknown requirement `DUP-7`
     --> mine.yaml:2:9
      |
    2 | shows: [DUP-7, ONCE-1, ONCE-1, FOO-1]
      |         ^^^^^ there are: DUP-1, DUP-2

    error: `ONCE-1` stands here twice
     --> mine.yaml:2:24
      |
    2 | shows: [DUP-7, ONCE-1, ONCE-1, FOO-1]
      |                        ^^^^^^

    error: unknown requirement `FOO-1`
     --> mine.yaml:2:32
      |
    2 | shows: [DUP-7, ONCE-1, ONCE-1, FOO-1]
      |                                ^^^^^ ids begin with: DUP, ONCE

    error: unknown capability `stat`
     --> mine.yaml:3:9
      |
    3 | needs: [stat]
      |         ^^^^ did you mean `state`?

    error: `DUP-1` is not among what the scenario shows
     --> mine.yaml:6:13
      |
    6 |     shows: [DUP-1]
      |             ^^^^^ the scenario shows: DUP-7, ONCE-1, ONCE-1, FOO-1

    5 mistakes in mine.yaml
    ");
}

/// None, two, and expectations that belong elsewhere.
#[test]
fn a_step_does_exactly_one_thing() {
    insta::assert_snapshot!(steps(r"  - expect: accepted
  - deliver: {}
    burst: {each: 2}
    expect: accepted
  - burst: {each: 2}
    expect: accepted
  - get: {what: health}
    counts: {accepted: 1}
  - repeat: {times: 2, steps: [{deliver: {}}]}
    answer: {json: true}
  - deliver: {}
    expect: accepted
"), @"
    error: this step does nothing
     --> mine.yaml:4:5
      |
    4 |   - expect: accepted
      |     ^^^^^^
      |
      = help: a step has one of: deliver, burst, advance, restart, snapshot, state, get, repeat, for_each

    error: a step does one thing, this one has `deliver` and `burst`
     --> mine.yaml:6:5
      |
    6 |     burst: {each: 2}
      |     ^^^^^ make a step of each

    error: `expect` goes with `deliver`
     --> mine.yaml:9:5
      |
    9 |     expect: accepted
      |     ^^^^^^ a burst has `counts`

    error: `counts` goes with `burst`
      --> mine.yaml:11:5
       |
    11 |     counts: {accepted: 1}
       |     ^^^^^^

    error: nothing is expected of this step
      --> mine.yaml:12:33
       |
    12 |   - repeat: {times: 2, steps: [{deliver: {}}]}
       |                                 ^^^^^^^ say what must come of it: `expect`, `answer`, `counts`, or a `state` step

    error: `answer` goes with `deliver` or `get`
      --> mine.yaml:13:5
       |
    13 |     answer: {json: true}
       |     ^^^^^^

    6 mistakes in mine.yaml
    ");
}

/// Two of each are a contradiction.
#[test]
fn a_delivery_has_one_key_one_body_and_one_signature() {
    insta::assert_snapshot!(steps(r#"  - deliver: {as: first}
    expect: accepted
  - deliver: {key_of: first, no_key: true, raw: a, hex: "00", signature: absent, signed_over_raw: b}
    expect: rejected
"#), @r#"
    error: a delivery has one key, this one has `key_of` and `no_key`
     --> mine.yaml:6:30
      |
    6 |   - deliver: {key_of: first, no_key: true, raw: a, hex: "00", signature: absent, signed_over_raw: b}
      |                              ^^^^^^

    error: a delivery has one body, this one has `raw` and `hex`
     --> mine.yaml:6:52
      |
    6 |   - deliver: {key_of: first, no_key: true, raw: a, hex: "00", signature: absent, signed_over_raw: b}
      |                                                    ^^^

    error: a delivery has one signature, this one has `signature` and `signed_over_raw`
     --> mine.yaml:6:82
      |
    6 |   - deliver: {key_of: first, no_key: true, raw: a, hex: "00", signature: absent, signed_over_raw: b}
      |                                                                                  ^^^^^^^^^^^^^^^

    3 mistakes in mine.yaml
    "#);
}

/// A key that stays the same, hex that is none, JSON that is none.
#[test]
fn literal_keys_and_bodies_must_be_usable() {
    insta::assert_snapshot!(steps(r#"  - deliver: {key: always-the-same, json: "{'a': 1}"}
    expect: accepted
  - deliver: {key_hex: "c3 a", hex: "0g"}
    expect: accepted
  - deliver: {key: "", fill: {text: "", bytes: 3}}
    expect: accepted
"#), @r#"
    error: a key must differ from run to run
     --> mine.yaml:4:20
      |
    4 |   - deliver: {key: always-the-same, json: "{'a': 1}"}
      |                    ^^^^^^^^^^^^^^^ write {unique} into it: "always-the-same-{unique}"

    error: this is not JSON: key must be a string at line 1 column 2
     --> mine.yaml:4:43
      |
    4 |   - deliver: {key: always-the-same, json: "{'a': 1}"}
      |                                           ^^^^^^^^^^ a body that is no JSON on purpose is `raw`

    error: bytes are pairs of hex digits, and these are 3 digits
     --> mine.yaml:6:24
      |
    6 |   - deliver: {key_hex: "c3 a", hex: "0g"}
      |                        ^^^^^^

    error: `g` is no hex digit
     --> mine.yaml:6:37
      |
    6 |   - deliver: {key_hex: "c3 a", hex: "0g"}
      |                                     ^^^^

    error: empty text fills nothing
     --> mine.yaml:8:37
      |
    8 |   - deliver: {key: "", fill: {text: "", bytes: 3}}
      |                                     ^^

    5 mistakes in mine.yaml
    "#);
}

/// A scenario says what it needs, so that a target without it is told why.
#[test]
fn time_and_state_must_be_asked_for() {
    insta::assert_snapshot!(steps(r"  - deliver: {as: first}
    expect: accepted
  - advance: 2 weeks
  - advance: ttl * 2
  - advance: ttl + 2
  - state: {keys: [{rows_for: first, count: 1}]}
"), @r"
    error: this step lets time pass, and the scenario does not say that it needs `time`
     --> mine.yaml:6:5
      |
    6 |   - advance: 2 weeks
      |     ^^^^^^^ add `time` to the scenario's `needs`

    error: `2 weeks` does not say how far time goes; write a span (`2 s`), `ttl`, `ttl + 2 s`, `ttl - 2 s` or `ttl / 2`
     --> mine.yaml:6:14
      |
    6 |   - advance: 2 weeks
      |              ^^^^^^^

    error: `ttl * 2` does not say how far time goes; write a span (`2 s`), `ttl`, `ttl + 2 s`, `ttl - 2 s` or `ttl / 2`
     --> mine.yaml:7:14
      |
    7 |   - advance: ttl * 2
      |              ^^^^^^^

    error: `ttl + 2` does not say how far time goes; write a span (`2 s`), `ttl`, `ttl + 2 s`, `ttl - 2 s` or `ttl / 2`
     --> mine.yaml:8:14
      |
    8 |   - advance: ttl + 2
      |              ^^^^^^^

    error: this step looks at the database, and the scenario does not say that it needs `state`
     --> mine.yaml:9:5
      |
    9 |   - state: {keys: [{rows_for: first, count: 1}]}
      |     ^^^^^ add `state` to the scenario's `needs`

    5 mistakes in mine.yaml
    ");
}

/// Rounds, bursts, choices and statuses.
#[test]
fn numbers_have_their_bounds() {
    insta::assert_snapshot!(steps(r#"  - repeat: {times: 0, steps: []}
  - repeat: {times: 100001, steps: [{deliver: {}}]}
  - burst: {keys: 101, each: 100, deliver: {as: x, key: "{unique}"}}
    counts: {accepted: 1}
  - deliver: {}
    expect: {any_of: [accepted]}
    answer: {status: [70000], matches: {error: "(a"}, within: 5}
"#), @r#"
    error: a block is repeated from 1 to 100000 times, this is 0
     --> mine.yaml:4:21
      |
    4 |   - repeat: {times: 0, steps: []}
      |                     ^

    error: a block is repeated from 1 to 100000 times, this is 100001
     --> mine.yaml:5:21
      |
    5 |   - repeat: {times: 100001, steps: [{deliver: {}}]}
      |                     ^^^^^^

    error: 101 keys with 100 deliveries each are more than 10000 at once
     --> mine.yaml:6:24
      |
    6 |   - burst: {keys: 101, each: 100, deliver: {as: x, key: "{unique}"}}
      |                        ^^^^

    error: `as` is the burst's own business
     --> mine.yaml:6:45
      |
    6 |   - burst: {keys: 101, each: 100, deliver: {as: x, key: "{unique}"}}
      |                                             ^^ name the burst: {as: …, each: …}

    error: `key` is the burst's own business
     --> mine.yaml:6:52
      |
    6 |   - burst: {keys: 101, each: 100, deliver: {as: x, key: "{unique}"}}
      |                                                    ^^^ say how many keys there are with `keys`

    error: an item of `status` takes numbers from 0 to 65535, this is 70000
      --> mine.yaml:10:23
       |
    10 |     answer: {status: [70000], matches: {error: "(a"}, within: 5}
       |                       ^^^^^

    error: `(a` is not a regular expression: found open group without closing ')'
      --> mine.yaml:10:48
       |
    10 |     answer: {status: [70000], matches: {error: "(a"}, within: 5}
       |                                                ^^^^

    error: `within` takes text, this is a number
      --> mine.yaml:10:63
       |
    10 |     answer: {status: [70000], matches: {error: "(a"}, within: 5}
       |                                                               ^ a span of time has a unit: 5 s

    8 mistakes in mine.yaml
    "#);
}

/// What the last step did is seen by nobody.
#[test]
fn a_scenario_that_ends_without_an_expectation_is_told() {
    insta::assert_snapshot!(steps(r"  - deliver: {as: first}
    expect: accepted
  - repeat:
      times: 2
      steps:
        - deliver: {key_of: first}
"), @"
    error: nothing is expected of this step
     --> mine.yaml:9:11
      |
    9 |         - deliver: {key_of: first}
      |           ^^^^^^^ say what must come of it: `expect`, `answer`, `counts`, or a `state` step
    ");
}

/// Empty lists.
#[test]
fn a_scenario_without_steps_or_promises_is_told() {
    insta::assert_snapshot!(scenario(r"title: Nothing
shows: []
steps: []
"), @r"
    error: a scenario shows at least one requirement
     --> mine.yaml:2:1
      |
    2 | shows: []
      | ^^^^^

    error: a scenario has at least one step
     --> mine.yaml:3:1
      |
    3 | steps: []
      | ^^^^^

    2 mistakes in mine.yaml
    ");
}

/// A name that no row has, a value that no step uses, a word that only one row gets wrong.
#[test]
fn rows_of_a_table_must_fit_its_steps() {
    insta::assert_snapshot!(steps(r#"  - for_each:
      variants:
        absent: {how: absent, more: 1}
        half: {how: hafl, more: 1}
      steps:
        - deliver: {as: forged, signature: $how, raw: "costs $$5, $hwo"}
          expect: rejected
        - deliver: {key_of: forgd}
          expect: accepted
"#), @r#"
    error: no step uses `$more`
     --> mine.yaml:6:31
      |
    6 |         absent: {how: absent, more: 1}
      |                               ^^^^

    error: unknown word `hafl` for `signature` (variant `half`)
     --> mine.yaml:9:44
      |
    9 |         - deliver: {as: forged, signature: $how, raw: "costs $$5, $hwo"}
      |                                            ^^^^ did you mean `half`?

    error: `$hwo` stands for nothing in the row
     --> mine.yaml:9:55
      |
    9 |         - deliver: {as: forged, signature: $how, raw: "costs $$5, $hwo"}
      |                                                       ^^^^^^^^^^^^^^^^^ the row has: how, more

    error: no earlier step is called `forgd`
      --> mine.yaml:11:29
       |
    11 |         - deliver: {key_of: forgd}
       |                             ^^^^^ did you mean `forged`?

    4 mistakes in mine.yaml
    "#);
}

/// Its members, its neighbours, its place.
#[test]
fn a_table_has_rows_and_steps_and_stands_alone() {
    insta::assert_snapshot!(steps(r"  - for_each: {variant: {}, steps: []}
    shows: [DUP-1]
"), @r"
    error: `for_each` takes `variants`, rows by name, and `steps`, a list
     --> mine.yaml:4:5
      |
    4 |   - for_each: {variant: {}, steps: []}
      |     ^^^^^^^^ {variants: {one: {word: a}, other: {word: b}}, steps: […]}

    error: unknown member `variant` of `for_each`
     --> mine.yaml:4:16
      |
    4 |   - for_each: {variant: {}, steps: []}
      |                ^^^^^^^ did you mean `variants`?

    error: `shows` does not go with `for_each`
     --> mine.yaml:5:5
      |
    5 |     shows: [DUP-1]
      |     ^^^^^ put it into the steps inside

    3 mistakes in mine.yaml
    ");
}

/// Tables inside of blocks, and a second one.
#[test]
fn a_scenario_has_one_table_among_its_own_steps() {
    insta::assert_snapshot!(steps(r"  - for_each: {variants: {a: {x: 1}}, steps: [{deliver: {}}]}
  - for_each: {variants: {a: {x: 1}}, steps: [{deliver: {}}]}
  - repeat: {times: 2, steps: [{for_each: {variants: {a: {}}, steps: []}}]}
"), @r"
    error: a scenario has one `for_each`
     --> mine.yaml:5:5
      |
    5 |   - for_each: {variants: {a: {x: 1}}, steps: [{deliver: {}}]}
      |     ^^^^^^^^ make a scenario of each

    error: `for_each` stands among the scenario's own steps, not inside another block
     --> mine.yaml:6:33
      |
    6 |   - repeat: {times: 2, steps: [{for_each: {variants: {a: {}}, steps: []}}]}
      |                                 ^^^^^^^^

    2 mistakes in mine.yaml
    ");
}

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
key: {body_member: id}
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
    error: the key travels in a header or in the body, not in both
     --> mine.yaml:3:20
      |
    3 | key: {body_member: id}
      |                    ^^

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
      |                                   ^^^^^^^^ known here: {sig}, {t}, {id}

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
"), @r"
    error: this does not say where the key travels
     --> mine.yaml:3:1
      |
    3 | key: {header: ~}
      | ^^^ give `header`, or `body_member`
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
"), @r"
    error: the contract lacks the members `about`, `source`, `endpoint`, `health`, `secret`, `key`, `signature`, `outcomes`
     --> mine.yaml:1:1
      |
    1 | contract: mine
      | ^^^^^^^^
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
      |     ^^^^^ known members: id, level, sentence, source, excluded

    4 mistakes in requirements.yaml
    "#);
}

/// A star that was meant as a star.
#[test]
fn an_alias_to_nothing_is_told() {
    insta::assert_snapshot!(scenario("title: *important*\n"), @r"
    error: this alias refers to nothing
     --> mine.yaml:1:8
      |
    1 | title: *important*
      |        ^ text that begins with `*` goes in quotes
    ");
}

/// Reading must end, whatever the file.
#[test]
fn a_file_that_is_nested_too_deep_is_refused() {
    insta::assert_snapshot!(scenario("a: {a: {a: {a: {a: {a: {a: {a: {a: {a: {a: {a: {a: {a: {a: {a: {a: {a: {a: {a: {a: {a: {a: {a: {a: {a: {a: {a: {a: {a: {a: {a: {a: {a: {a: {a: {a: {a: {a: {a: {a: }}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}\n"), @r"
    error: this is nested too deep, or too long, to be read
     --> mine.yaml:1:128
      |
    1 | a: {a: {a: {a: {a: {a: {a: {a: {a: {a: {a: {a: {a: {a: {a: {a: {a: {a: {a: {a: {a: {a: {a: {a: {a: {a: {a: {a: {a: {a: {a: {a: {a: {a: {a: {a: {a: {a: {a: {a: {a: }}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}
      |                                                                                                                                ^
    ");
}
