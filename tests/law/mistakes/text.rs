//! Text that is no YAML, or not one document with members.

use super::scenario;

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
      | ^ known members: title, titles, about, shows, needs, alone, stands, steps
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
      | ^ known members: title, titles, about, shows, needs, alone, stands, steps
    ");
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
