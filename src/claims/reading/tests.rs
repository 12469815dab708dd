//! Reports of every spelling, and what is read of them.

use super::read;
use crate::claims::claim::ClaimKind;
use crate::claims::form::Form;
use crate::yaml;

/// Claims and what was not read, a line each.
fn told(text: &str) -> (Vec<String>, Vec<String>) {
    let rules = include_str!("../../../fixtures/claims/phase-report.yaml");
    let (form, _) = yaml::read::<Form>("rules", rules).expect("they are shipped");
    let reading = read(&form, text);
    let mark = |kept: Option<bool>| kept.map_or("", |kept| if kept { " kept" } else { " broken" });
    let claims = reading.claims.iter().map(|one| {
        let what = match &one.kind {
            ClaimKind::Answer { got, want } => format!("{got}/{}", want.unwrap_or_default()),
            ClaimKind::Column(column) => column.to_string(),
            ClaimKind::Statement => one.text.clone(),
        };
        format!("{} {what}{}", one.line, mark(one.kept))
    });
    (claims.collect(), reading.unread.iter().map(|(line, text)| format!("{line} {text}")).collect())
}

fn all_read(text: &str) -> Vec<String> {
    let (claims, unread) = told(text);
    assert_eq!(unread, Vec::<String>::new(), "{text}");
    claims
}

/// A list, a box and a sign are what they are, however Markdown is written.
#[test]
fn items_are_read_however_they_are_written() {
    for bullet in ["-", "*", "+", "1.", "2)"] {
        let text = format!(
            "{bullet} duplicate detection: 202 (expected: 202) ✅\n{bullet} [X] signatures are verified\n{bullet} ✔\u{fe0f} it is\n"
        );
        assert_eq!(all_read(&text), ["1 202/202 kept", "2 [x] signatures are verified kept", "3 ✔ it is kept"], "{bullet}");
    }
    assert_eq!(all_read("- a: 401 (expected: 401)\n- **b**: 500 (期待: 202) ❌"), ["1 401/401", "2 500/202 broken"]);
}

#[test]
fn rows_of_a_table_are_claims() {
    let text = "| check | got | expected | ok |\n|---|---|---|---|\n| first delivery | 500 | 202 | ✅ |\n| **b** | 202 | 202 | ❌ |\n\nwords\n\n\
                項目 | 判定\n--- | ---\n署名検証 | ✅\n\nColumns of t:\n\n| column | type | notes |\n|:--|--|--|\n| `key` | TEXT | PK |\n| n | integer | DEFAULT 5 |\n";
    let wanted = ["3 500/202 kept", "4 202/202 broken", "10 署名検証 | ✅ kept", "16 t.key TEXT (PK)", "17 t.n integer DEFAULT 5"];
    assert_eq!(all_read(text), wanted);
}

/// What looks like a claim is never dropped in silence; what does not is no claim.
#[test]
fn what_cannot_be_read_is_told() {
    let text = "# Phase 3\n\nAll of it works ✅ here\n- a : 202 (expected 202) ✅\n- a: 202, as it should be\n| x | y |\n|---|---|\n| a | ✅ |\n\
                | a | words |\n\n```sql\nCREATE TABLE t AS SELECT 1;\nCREATE TABLE u (a TEXT,\n```\n\nColumns of v:\n- a\n\n- words\n1. words\n";
    let (claims, unread) = told(text);
    assert_eq!(claims, ["13 u.a TEXT"]);
    let lines: Vec<&str> = unread.iter().filter_map(|one| one.split(' ').next()).collect();
    assert_eq!(lines, ["3", "4", "5", "8", "12", "13", "17"], "{unread:?}");
}

/// Several columns on a line, in any case, with quotes; what stands behind, too.
#[test]
fn declarations_are_claimed_as_sql_has_them() {
    let text = "```sql\ncreate table if not exists \"t\" (\n  \"key\" text primary key, ts text not null, -- when\n  n integer default null,\n  primary key (ts)\n);\n\
                CREATE TABLE u (a TEXT); CREATE TABLE v (b TEXT\n, c TEXT);\n```\nColumns of T:\n- KEY TEXT (PK)\n";
    let wanted = ["3 t.key text (PK)", "3 t.ts text (PK) NOT NULL", "4 t.n integer", "7 u.a TEXT", "7 v.b TEXT", "8 v.c TEXT"];
    assert_eq!(all_read(text), wanted);
}

/// The reports that are shipped have nothing that is not read.
#[test]
fn shipped_reports_are_read_whole() {
    for text in [include_str!("../../../fixtures/reports/phase3.md"), include_str!("../../../fixtures/reports/phase4-en.md")] {
        assert!(!all_read(text).is_empty());
    }
}
