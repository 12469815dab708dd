//! Names and words that nobody knows.

use super::{scenario, steps};

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
       |             ^^^
       |
       = help: expected one of: accepted, duplicate_of, once_with, reuse_of, elsewhere_of, respelled, failed, again_after, kept_refusal_of, not_taken, refused, any_of, rather, no-answer, rejected

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
