//! Reports in every form: how they read, and that no form lets a secret out.
#![expect(clippy::expect_used, reason = "a test may expect")]

use hookgate::report::language::Language;
use hookgate::report::{Verdict, html, human, markdown, tally};

mod ci;
pub(crate) mod sample;
mod secrets;

use sample::sample;

#[test]
fn a_terminal_shows_table_failures_and_verdict() {
    insta::assert_snapshot!(human::write(&sample(), false, Language::En).trim_start(), @r#"
    orch-phase3 against http://127.0.0.1:5001
    clock none, seed 41, 214 deliveries, database data/orch.db

    does not conform  6 scenarios: 1 passed, 1 warned, 1 failed, 1 known, 1 undecided, 1 not applicable,
                      in 2.31 s, bursts released within 182 µs

    1  DUP-2  `reference.type` in answers is not as the contract says: explains 1 of 2 failures (1
       requirement)
      requirement A duplicate's answer has `reference.type` = `duplicate`.
      expected    reference.type = "duplicate"
      reference   202 {"accepted":true,"reference":{"type":"duplicate"}}
      observed    202 {"status":"duplicate","message":"Request already processed"}
      curl        curl -sS -X POST 'http://127.0.0.1:5001/callbacks/terminal' --data-binary '{"a":1}'
      again       hookgate run scenarios/orch/duplicate/refers-to-the-first.yaml --target http://127.0.0.1:5001 --seed 41
    2  KEY-6  Deliveries with an unusual key get a failure (500): explains 1 of 2 failures (1
       requirement)
      requirement A key over 255 bytes is accepted or refused with 400, never a 5xx, never cut off.
      expected    status 202 or 400
      reference   202 {"accepted":true,"reference":{"type":"duplicate"}}
      observed    500 Internal Server Error Internal Server Error Internal Server Error Internal Server
                  Error Internal Server Error Internal Server Error Internal Server Error Internal
                  Server Error Internal Server Error Internal Server Error Internal Server Error
                  Internal Server Error Internal Server Error Internal Server Error Internal Server…
      curl        curl -sS -X POST 'http://127.0.0.1:5001/callbacks/terminal' --data-binary '{"a":1}'
      again       hookgate run scenarios/orch/key/long.yaml --target http://127.0.0.1:5001 --seed 41

    requirements   pass   warn   fail   undecided    n/a   known
    Signatures        1      ·      ·           ·      ·       ·
    Keys              ·      1      ·           ·      ·       ·
    Duplicates        ·      ·      1           ·      ·       ·
    Concurrency       ·      ·      ·           1      ·       ·
    Life of keys      ·      ·      ·           ·      1       ·
    HTTP              ·      ·      ·           ·      ·       1
    all               1      1      1           1      1       1

    FAIL duplicate/refers-to-the-first
      A duplicate refers to the first delivery.
      requirement DUP-2  A duplicate's answer has `reference.type` = `duplicate`.
      expected    reference.type = "duplicate"
      reference   202 {"accepted":true,"reference":{"type":"duplicate"}}
      observed    202 {"status":"duplicate","message":"Request already processed"}
      at          scenarios/orch/duplicate/refers-to-the-first.yaml:9, step 2 "the same delivery again"
      curl        curl -sS -X POST 'http://127.0.0.1:5001/callbacks/terminal' --data-binary '{"a":1}'
      again       hookgate run scenarios/orch/duplicate/refers-to-the-first.yaml --target http://127.0.0.1:5001 --seed 41

    WARN key/long[300 bytes]
      A long key is kept whole
      requirement KEY-6  A key over 255 bytes is accepted or refused with 400, never a 5xx, never cut
                  off.
      expected    status 202 or 400
      reference   202 {"accepted":true,"reference":{"type":"duplicate"}}
      observed    500 Internal Server Error Internal Server Error Internal Server Error Internal Server
                  Error Internal Server Error Internal Server Error Internal Server Error Internal
                  Server Error Internal Server Error Internal Server Error Internal Server Error
                  Internal Server Error Internal Server Error Internal Server Error Internal Server…
      at          scenarios/orch/key/long.yaml:9, step 2 "the same delivery again"
      curl        curl -sS -X POST 'http://127.0.0.1:5001/callbacks/terminal' --data-binary '{"a":1}'
      again       hookgate run scenarios/orch/key/long.yaml --target http://127.0.0.1:5001 --seed 41

    KNOWN http/methods
      the proxy in front of it answers
    UNDECIDED concurrency/one-of-many
      step 1: 2 of 8 deliveries timed out

    Not applicable
      ttl/expires: time cannot be made to pass for the receiver (--clock)

    note  Time was not moved: whether keys expire was not judged (--clock).

    does not conform  6 scenarios: 1 passed, 1 warned, 1 failed, 1 known, 1 undecided, 1 not applicable,
                      in 2.31 s, bursts released within 182 µs
    "#);
}

#[test]
fn a_run_without_trouble_is_short() {
    let mut report = sample();
    report.scenarios.retain(|one| one.verdict == Verdict::Pass);
    report.requirements.retain(|one| one.verdict == Verdict::Pass);
    report.summary = tally::summary(&report.scenarios, None);
    report.run.notes.clear();
    report.causes.clear();
    insta::assert_snapshot!(human::write(&report, false, Language::En).trim_start(), @r#"
    orch-phase3 against http://127.0.0.1:5001
    clock none, seed 41, 214 deliveries, database data/orch.db

    requirements   pass   warn   fail   undecided    n/a
    Signatures        1      ·      ·           ·      ·

    conforms  1 scenario: 1 passed, in 2.31 s
    "#);
}

#[test]
fn colour_changes_nothing_but_colour() {
    let coloured = human::write(&sample(), true, Language::En);
    assert!(coloured.contains("\u{1b}["));
    assert_eq!(anstream::adapter::strip_str(&coloured).to_string(), human::write(&sample(), false, Language::En));
}

#[test]
fn a_terminal_line_fits_unless_it_is_there_to_be_copied() {
    let text = human::write(&sample(), false, Language::En);
    for line in text.lines().filter(|line| !line.contains("curl ") && !line.contains("hookgate run")) {
        assert!(line.chars().count() <= 100, "{line}");
    }
}

#[test]
fn a_markdown_report_has_the_sections_of_a_phase_report() {
    insta::assert_snapshot!(markdown::write(&sample(), Language::En).expect("the template is right"), @r#"
    # orch-phase3: report of a conformance run

    **State**: DOES NOT CONFORM ❌

    | pass | warn | fail | undecided | not applicable | known |
    |---:|---:|---:|---:|---:|---:|
    | 1 | 1 | 1 | 1 | 1 | 1 |

    > Time was not moved: whether keys expire was not judged (--clock).

    ## What explains it

    ### 1. ❌ DUP-2: \`reference.type\` in answers is not as the contract says

    explains 1 of 2 failures (1 requirement), `duplicate/refers-to-the-first`: A duplicate's answer has \`reference.type\` = \`duplicate\`.

    Expected: `reference.type = "duplicate"`  
    The reference answered: `202 {"accepted":true,"reference":{"type":"duplicate"}}`  
    Observed: `202 {"status":"duplicate","message":"Request already processed"}`

    ```sh
    curl -sS -X POST 'http://127.0.0.1:5001/callbacks/terminal' --data-binary '{"a":1}'
    hookgate run scenarios/orch/duplicate/refers-to-the-first.yaml --target http://127.0.0.1:5001 --seed 41
    ```

    ### 2. ⚠️ KEY-6: Deliveries with an unusual key get a failure (500)

    explains 1 of 2 failures (1 requirement), `key/long[300 bytes]`: A key over 255 bytes is accepted or refused with 400, never a 5xx, never cut off.

    Expected: `status 202 or 400`  
    The reference answered: `202 {"accepted":true,"reference":{"type":"duplicate"}}`  
    Observed: `` 500 Internal Server Error Internal Server Error Internal Server Error Internal Server Error Internal Server Error Internal Server Error Internal Server Error Internal Server Error Internal Server Error Internal Server Error Internal Server Error Internal Server Error Internal Server Error Internal Server Error Internal Server Error Internal Server Error Internal Server Error Internal Server Error Internal Server Error Internal Server Error Internal Server Error Internal Server Error Internal Server Error Internal Server Error Internal Server Error Internal Server Error Internal Server Error Internal Server Error Internal Server Error Internal Server Error \u{1b}[2J| `tail` ``

    ```sh
    curl -sS -X POST 'http://127.0.0.1:5001/callbacks/terminal' --data-binary '{"a":1}'
    hookgate run scenarios/orch/key/long.yaml --target http://127.0.0.1:5001 --seed 41
    ```

    ## Verdict per requirement

    | requirement | level | what is required | verdict |
    |---|---|---|---|
    | AUTH-1 | must | A rightly signed delivery is accepted. | ✅ pass |
    | KEY-6 | should | A key over 255 bytes is accepted or refused with 400, never a 5xx, never cut off. | ⚠️ warn |
    | DUP-2 | must | A duplicate's answer has \`reference.type\` = \`duplicate\`. | ❌ fail |
    | ONCE-1 | must | Of N concurrent deliveries with one key, exactly one is accepted as new. | ❔ undecided: step 1: 2 of 8 deliveries timed out |
    | TTL-3 | must | Past its TTL a key is accepted anew. | ➖ not applicable: time cannot be made to pass for the receiver (--clock) |
    | HTTP-2 | must | Other methods get 405 or 404. | ☑️ known |

    ## What was not as promised

    ### ❌ DUP-2: `duplicate/refers-to-the-first`

    A duplicate's answer has \`reference.type\` = \`duplicate\`.

    Step 2 (the same delivery again), `scenarios/orch/duplicate/refers-to-the-first.yaml:9`; again with `hookgate run scenarios/orch/duplicate/refers-to-the-first.yaml --target http://127.0.0.1:5001 --seed 41`

    Expected:

    ```text
    reference.type = "duplicate"
    ```

    The reference answered:

    ```text
    202 {"accepted":true,"reference":{"type":"duplicate"}}
    ```

    Observed:

    ```text
    202 {"status":"duplicate","message":"Request already processed"}
    ```

    The same delivery again:

    ```sh
    curl -sS -X POST 'http://127.0.0.1:5001/callbacks/terminal' --data-binary '{"a":1}'
    ```

    ### ☑️ HTTP-2: `http/methods`

    Other methods get 405 or 404.

    Step 2 (the same delivery again), `scenarios/orch/http/methods.yaml:9`; again with `hookgate run scenarios/orch/http/methods.yaml --target http://127.0.0.1:5001 --seed 41`

    Expected:

    ```text
    status 405 or 404
    ```

    The reference answered:

    ```text
    202 {"accepted":true,"reference":{"type":"duplicate"}}
    ```

    Observed:

    ```text
    200 {}
    ```

    The same delivery again:

    ```sh
    curl -sS -X POST 'http://127.0.0.1:5001/callbacks/terminal' --data-binary '{"a":1}'
    ```

    ### ⚠️ KEY-6: `key/long[300 bytes]`

    A key over 255 bytes is accepted or refused with 400, never a 5xx, never cut off.

    Step 2 (the same delivery again), `scenarios/orch/key/long.yaml:9`; again with `hookgate run scenarios/orch/key/long.yaml --target http://127.0.0.1:5001 --seed 41`

    Expected:

    ```text
    status 202 or 400
    ```

    The reference answered:

    ```text
    202 {"accepted":true,"reference":{"type":"duplicate"}}
    ```

    Observed:

    ```text
    500 Internal Server Error Internal Server Error Internal Server Error Internal Server Error Internal Server Error Internal Server Error Internal Server Error Internal Server Error Internal Server Error Internal Server Error Internal Server Error Internal Server Error Internal Server Error Internal Server Error Internal Server Error Internal Server Error Internal Server Error Internal Server Error Internal Server Error Internal Server Error Internal Server Error Internal Server Error Internal Server Error Internal Server Error Internal Server Error Internal Server Error Internal Server Error Internal Server Error Internal Server Error Internal Server Error \u{1b}[2J| `tail`
    ```

    The same delivery again:

    ```sh
    curl -sS -X POST 'http://127.0.0.1:5001/callbacks/terminal' --data-binary '{"a":1}'
    ```

    ## Results

    ### concurrency

    - One of many is accepted: undecided, step 1: 2 of 8 deliveries timed out ❔

    ### duplicate

    - A duplicate refers to the first delivery: `202 {"status":"duplicate","message":"Request already processed"}` (expected: `reference.type = "duplicate"`) ❌

    ### http

    - Other methods are refused: `200 {}` (expected: `status 405 or 404`) ☑️

    ### key

    - A long key is kept whole: `500 Internal Server Error Internal Server Error Internal Server Error Internal S…` (expected: `status 202 or 400`) ⚠️

    ### seed

    - 1回目処理: the first delivery is answered 202: as promised ✅

    ### Not applicable

    - 1 scenario: time cannot be made to pass for the receiver (--clock)

    ## Overview

    - **Contract**: orch-phase3
    - **Target**: http://127.0.0.1:5001
    - **Database**: `data/orch.db`
    - **Run at**: 2025-10-05T20:05:03.123456 UTC, in 2.31 s, 214 deliveries
    - **Clock**: none
    - **Seed**: 41
    - **Made by**: hookgate 0.1.0

    ## Database structure as found

    ### `idempotency_keys`

    - key TEXT (PK)
    - ttl INTEGER (DEFAULT 86400)
    "#);
}

/// The page stands alone, can be navigated, and shows every scenario and every requirement.
#[test]
fn page_stands_alone_and_shows_everything() {
    let report = sample();
    // The template engine escapes slashes too.
    let page = html::write(&report, Language::En).expect("the template is right").replace("&#x2f;", "/");
    for scenario in &report.scenarios {
        assert!(page.contains(&format!("<code>{}</code>", scenario.id)), "{}", scenario.id);
    }
    for requirement in &report.requirements {
        assert!(page.contains(&format!("id=\"requirement-{}\"", requirement.id)), "{}", requirement.id);
    }
    for wanted in [
        "<main",
        "<header",
        "lang=\"en\"",
        "class=\"skip\"",
        "<caption>",
        "<mark>",
        "data-copy=",
        "prefers-color-scheme:dark",
        "@media print",
    ] {
        assert!(page.contains(wanted), "{wanted}");
    }
    // Nothing is fetched: whatever names another address is text, not a link or a source.
    for refused in ["src=", "href=\"http", "@import", "url("] {
        assert!(!page.contains(refused), "{refused}");
    }
    let ids: Vec<&str> = page.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    let mut different = ids.clone();
    different.sort_unstable();
    different.dedup();
    assert_eq!(ids.len(), different.len(), "an id stands twice: {ids:?}");
}

/// What a target answers cannot change the page.
#[test]
fn page_escapes_what_comes_from_outside() {
    let mut report = sample();
    let with_findings = report.scenarios.iter_mut().find(|one| !one.findings.is_empty()).expect("a finding");
    with_findings.findings[0].observed = "</pre><script>alert(1)</script>".to_owned();
    with_findings.findings[0].curl = "curl '<img src=x onerror=alert(1)>'".to_owned();
    with_findings.title = "\"><script>alert(2)</script>".to_owned();
    let page = html::write(&report, Language::En).expect("the template is right");
    assert!(!page.contains("<script>alert") && !page.contains("<img"), "{page}");
}
