//! Steps that do too much, too little, or what the scenario did not ask for.

use super::{scenario, steps};

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
      = help: a step has one of: deliver, burst, advance, restart, snapshot, state, effects, get, stream, repeat, for_each

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
       |                                 ^^^^^^^ say what must come of it: `expect`, `answer`, `counts`, a `state` or an `effects` step

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

    error: `2 weeks` does not say how far time goes; write a span (`2 s`), `ttl`, `ttl + 2 s`, `ttl - 2 s`, `ttl / 2` or `lease + 1 s`
     --> mine.yaml:6:14
      |
    6 |   - advance: 2 weeks
      |              ^^^^^^^

    error: `ttl * 2` does not say how far time goes; write a span (`2 s`), `ttl`, `ttl + 2 s`, `ttl - 2 s`, `ttl / 2` or `lease + 1 s`
     --> mine.yaml:7:14
      |
    7 |   - advance: ttl * 2
      |              ^^^^^^^

    error: `ttl + 2` does not say how far time goes; write a span (`2 s`), `ttl`, `ttl + 2 s`, `ttl - 2 s`, `ttl / 2` or `lease + 1 s`
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
      |           ^^^^^^^ say what must come of it: `expect`, `answer`, `counts`, a `state` or an `effects` step
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
      |                                                       ^^^^^^^^^^^^^^^^^ did you mean `how`?

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
