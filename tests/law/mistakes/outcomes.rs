//! Outcomes that cannot come of what is sent, and places that nobody fills.

use super::{catalogue, scenario, steps};

/// A live key with another body is a duplicate only where the scenario says that the key alone counts.
#[test]
fn a_duplicate_has_the_body_of_its_first() {
    insta::assert_snapshot!(steps(r"  - deliver: {as: first}
    expect: accepted
  - deliver: {key_of: first}
    expect: {duplicate_of: first}
  - deliver: {key_of: first, body: terminal-done.json}
    expect: {any_of: [accepted, {duplicate_of: first}]}
  - deliver: {as: again, key_of: first, body_of: first}
    expect: {duplicate_of: first}
  - deliver: {key_of: first, body_of: again}
    expect: {reuse_of: first}
  - deliver: {as: text, raw: done}
    expect: accepted
  - deliver: {key_of: text, raw: done}
    expect: {duplicate_of: text}
  - deliver: {key_of: text, raw: undone}
    expect: {reuse_of: text}
  - deliver: {key_of: first, body_of: text}
    expect: {elsewhere_of: firts}
"), @r#"
    error: the key alone does not say which body, and this one is not that of `first`
     --> mine.yaml:6:23
      |
    6 |   - deliver: {key_of: first}
      |                       ^^^^^
      |
      = help: give `body_of`, or expect `reuse_of`; where only the key counts, the scenario needs `key-alone`

    error: the key alone does not say which body, and this one is not that of `first`
     --> mine.yaml:8:23
      |
    8 |   - deliver: {key_of: first, body: terminal-done.json}
      |                       ^^^^^
      |
      = help: give `body_of`, or expect `reuse_of`; where only the key counts, the scenario needs `key-alone`

    error: this is the same body: nothing is used for another
      --> mine.yaml:12:39
       |
    12 |   - deliver: {key_of: first, body_of: again}
       |                                       ^^^^^ expect `duplicate_of`

    error: no earlier step is called `firts`
      --> mine.yaml:21:28
       |
    21 |     expect: {elsewhere_of: firts}
       |                            ^^^^^ did you mean `first`?

    4 mistakes in mine.yaml
    "#);
    assert_eq!(
        scenario(
            "title: Alone\nshows: [DUP-1]\nneeds: [key-alone]\nsteps:\n  - deliver: {as: first}\n    expect: accepted\n  - deliver: {key_of: first}\n    expect: {duplicate_of: first}\n"
        ),
        "no mistake"
    );
}

/// Columns hold what is in their list; what else is asked of them is told with the list.
#[test]
fn columns_hold_what_is_known() {
    insta::assert_snapshot!(steps(
        "  - deliver: {as: first}\n  - state: {audit: [{rows_for: first, holds: {hash: first}}]}\n"
    ), @"
    error: unknown member `hash` of `holds`
     --> mine.yaml:5:47
      |
    5 |   - state: {audit: [{rows_for: first, holds: {hash: first}}]}
      |                                               ^^^^ known members: key, sha256, ttl
    ");
}

/// What makes a receiver fail, or leaves the scope, must be asked for; a look says which table it needs.
#[test]
fn what_only_some_contracts_have_must_be_asked_for() {
    insta::assert_snapshot!(scenario(r#"title: Needs
shows: [DUP-1]
needs: [keys]
steps:
  - deliver: {as: first, provoke_failure: true, fill: {text: a}}
    expect: failed
  - deliver: {key_of: first, body_of: first, elsewhere: true}
    expect: {elsewhere_of: first}
  - deliver: {key_of: first, respell_of: first, body_of: first}
    expect: {respelled: first}
  - deliver: {fill: {text: a, bytes: 1, over_limit: 1}}
    expect: {again_after: first}
    answer: {says_nothing_of: frist}
  - state: {audit: [{rows_for: first, holds: {sha256: frist}}]}
"#), @"
    error: this step makes the receiver fail, and the scenario does not say that it needs `failures`
     --> mine.yaml:5:26
      |
    5 |   - deliver: {as: first, provoke_failure: true, fill: {text: a}}
      |                          ^^^^^^^^^^^^^^^ add `failures` to the scenario's `needs`

    error: this does not say how long the body is
     --> mine.yaml:5:49
      |
    5 |   - deliver: {as: first, provoke_failure: true, fill: {text: a}}
      |                                                 ^^^^ give `bytes`, or `over_limit` or `under_limit` for more or fewer than the contract's limit

    error: this step delivers in another scope, and the scenario does not say that it needs `scope`
     --> mine.yaml:7:46
      |
    7 |   - deliver: {key_of: first, body_of: first, elsewhere: true}
      |                                              ^^^^^^^^^ add `scope` to the scenario's `needs`

    error: a delivery has one body, this one has `body_of` and `respell_of`
     --> mine.yaml:9:30
      |
    9 |   - deliver: {key_of: first, respell_of: first, body_of: first}
      |                              ^^^^^^^^^^

    error: this step writes a body in another spelling, and the scenario does not say that it needs `fingerprint`
     --> mine.yaml:9:30
      |
    9 |   - deliver: {key_of: first, respell_of: first, body_of: first}
      |                              ^^^^^^^^^^ add `fingerprint` to the scenario's `needs`

    error: this does not say how long the body is
      --> mine.yaml:11:15
       |
    11 |   - deliver: {fill: {text: a, bytes: 1, over_limit: 1}}
       |               ^^^^ give `bytes`, or `over_limit` or `under_limit` for more or fewer than the contract's limit

    error: no earlier step is called `frist`
      --> mine.yaml:13:31
       |
    13 |     answer: {says_nothing_of: frist}
       |                               ^^^^^ did you mean `first`?

    error: this step looks at audit rows, and the scenario does not say that it needs `audit`
      --> mine.yaml:14:5
       |
    14 |   - state: {audit: [{rows_for: first, holds: {sha256: frist}}]}
       |     ^^^^^ add `audit` to the scenario's `needs`

    error: no earlier step is called `frist`
      --> mine.yaml:14:55
       |
    14 |   - state: {audit: [{rows_for: first, holds: {sha256: frist}}]}
       |                                                       ^^^^^ did you mean `first`?

    9 mistakes in mine.yaml
    ");
}

/// A sentence leaves to the contract only what contracts say.
#[test]
fn places_of_sentences_are_known() {
    insta::assert_snapshot!(catalogue(r#"suite: orch
ordinary_body: terminal-done.json
requirements:
  - {id: DUP-1, level: must, sentence: "It is answered {refused.signature}", source: here}
  - {id: DUP-2, level: must, sentence: "It is answered {refused.signatur}", source: here}
translations:
  ja: {sentences: {DUP-1: "{statuss} と {"}}
"#), @r#"
    error: unknown place `{refused.signatur}`
     --> requirements.yaml:5:40
      |
    5 |   - {id: DUP-2, level: must, sentence: "It is answered {refused.signatur}", source: here}
      |                                        ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      |
      = help: places: accepted, duplicate, in-flight, failure, key.header, limits.answer, limits.body, ttl, lease, tolerance, health.path, health.status, refused.signature, refused.missing-signature, refused.malformed-signature, refused.stale-signature, refused.missing-key, refused.empty-key, refused.unusable-key, refused.other-body, refused.method, refused.body, refused.too-large

    error: `{statuss} と {` has a brace without its partner; write `{{` for a brace that is meant
     --> requirements.yaml:7:27
      |
    7 |   ja: {sentences: {DUP-1: "{statuss} と {"}}
      |                           ^^^^^^^^^^^^^^^^
      |
      = help: places: accepted, duplicate, in-flight, failure, key.header, limits.answer, limits.body, ttl, lease, tolerance, health.path, health.status, refused.signature, refused.missing-signature, refused.malformed-signature, refused.stale-signature, refused.missing-key, refused.empty-key, refused.unusable-key, refused.other-body, refused.method, refused.body, refused.too-large

    2 mistakes in requirements.yaml
    "#);
}
