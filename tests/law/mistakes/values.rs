//! Members that are missing, of the wrong kind, or out of bounds.

use super::{scenario, steps};

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
      = help: known members: as, body, raw, hex, json, fill, random_bytes, body_of, respell_of, stream, stream_of, ends_stream, event_bytes, in_other_case, event_text, event_lacks, row_when_told, key, key_of, near_uuid, key_last, key_length, key_up_to, over_longest, key_hex, key_outside, no_key, key_as_number, second_key_line, elsewhere, signature, which, signed_over, signed_over_raw, method, door, method_override, provoke_failure, content_type, headers, header_case, framing, connection, fault, ttl

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
       = help: known members: name, shows, deliver, burst, advance, restart, snapshot, state, effects, get, stream, repeat, for_each, expect, answer, counts

    14 mistakes in mine.yaml
    "#);
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
