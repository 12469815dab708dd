//! Latin words that are left in a text of another language. Programs of tests take it in with `#[path]`.
#![expect(clippy::expect_used, reason = "the patterns stand here")]

use std::collections::BTreeSet;

use regex_lite::Regex;

/// Words that are the same in every language: names of ours, of files and units, of requirements.
const SAME: &str = r"(?x)
    hookgate\ run\ [^\n`]* | [A-Z]+\d*-\d+ | \b[A-Z]{2,4}\b | hookgate | orch-phase\d(-ttl)? | [a-z]+\.(json|md|yaml|html) | https?://\S+ | curl | UTC | TTL | HMAC | SHA-?\d* | JSON | HTTP | SQL
    | ASCII | UTF-8 | ISO | MiB | NULL | NOT\ NULL | DEFAULT | PRIMARY\ KEY | GET\ /\S+ | Expect:\ 100-continue | p50|p90|p95|p99 | µs|ms | `[^`]*` | (snapshots\ review)
    | true | actor | role | event | appr_id | task_id";

/// Words of three Latin letters or more that are left when what is the same everywhere is gone.
pub(crate) fn latin(text: &str) -> BTreeSet<String> {
    let same = Regex::new(SAME).expect("a pattern");
    let words = Regex::new("[A-Za-z]{3,}").expect("a pattern");
    let rest = same.replace_all(text, " ").into_owned();
    words.find_iter(&rest).map(|word| word.as_str().to_owned()).collect()
}

/// What a page shows and what is read aloud of it.
pub(crate) fn seen(page: &str) -> String {
    let hidden = Regex::new("(?s)<style>.*?</style>|<script>.*?</script>").expect("a pattern");
    let page = hidden.replace_all(page, " ").into_owned();
    let attributes = Regex::new("(?:aria-label|data-done|title)=\"([^\"]*)\"").expect("a pattern");
    let spoken: Vec<&str> = attributes.captures_iter(&page).filter_map(|found| found.get(1)).map(|found| found.as_str()).collect();
    let tags = Regex::new("(?s)<[^>]*>").expect("a pattern");
    format!("{} {}", tags.replace_all(&page, " "), spoken.join(" ")).replace("&#x2f;", "/")
}
