//! How long it takes to read what is long, and how that grows: `cargo bench --bench readers`.
//!
//! Each shape is one that took time that grows with its square once, or could: a line, a name, many entries, many mistakes, all on one
//! line. Three sizes, each four times the one before; where time grows with size, the exponent is about 1.
#![expect(clippy::print_stdout, reason = "a bench prints what it measured")]

use hookgate::clock::Moment;

#[expect(dead_code, reason = "what fuzzing begins with is not timed")]
#[path = "../tests/shared/readers.rs"]
mod readers;

use readers::READERS;

const SIZES: [usize; 3] = [80_000, 320_000, 1_280_000]; // bytes
const ROUNDS: usize = 3;

/// Something long: who reads it, what it is, and one of about so many bytes.
struct Shape {
    reader: &'static str,
    what: &'static str,
    made: fn(usize) -> String,
}

const fn shape(reader: &'static str, what: &'static str, made: fn(usize) -> String) -> Shape {
    Shape { reader, what, made }
}

/// A line with its number, as often as there is room.
fn lines(bytes: usize, head: &str, line: impl Fn(usize) -> String) -> String {
    let mut text = head.to_owned();
    for at in 0.. {
        if text.len() >= bytes {
            break;
        }
        text.push_str(&line(at));
    }
    text
}

const PHASE: &str = "# Phase 3\nPhase: 3\n";
const SCENARIO: &str = "title: x\nshows: [DUP-1]\nsteps:\n";

const SHAPES: [Shape; 20] = [
    shape("claims", "one line that nearly fits", |n| format!("{PHASE}- {}x\n- ✅ all tests passed\n", "x: 2 ".repeat(n / 5))),
    shape("claims", "lines that nearly fit", |n| lines(n, PHASE, |_| format!("- {}\n", "x: 2 (".repeat(160)))),
    shape("claims", "answers and sums", |n| {
        lines(n, PHASE, |_| "- duplicate detection: 202 (expected: 202) ✅\n- ✅ all tests passed\n".to_owned())
    }),
    shape("claims", "headings under a long one", |n| {
        lines(n, &format!("{PHASE}## What was built\n### {}\n", "h".repeat(n / 4)), |at| format!("#### variable TTL {at}\n"))
    }),
    shape("claims", "columns", |n| {
        let declared = lines(n / 2, &format!("{PHASE}```\nCREATE TABLE t (\n"), |at| format!(" c{at} TEXT NOT NULL,\n"));
        lines(n, &format!("{declared});\n```\nColumns of t:\n"), |at| format!("- c{at} TEXT\n"))
    }),
    shape("baseline", "one long name", |n| format!("known:\n  - scenario: {}\n    reason: x\n", "a".repeat(n))),
    shape("baseline", "one name of stars", |n| format!("known:\n  - scenario: '{}b'\n    reason: x\n", "*a".repeat(n / 2))),
    shape("baseline", "entries", |n| lines(n, "known:\n", |_| "  - scenario: seed/duplicate-is-answered-202\n    reason: x\n".to_owned())),
    shape("baseline", "unknown names", |n| lines(n, "known:\n", |at| format!("  - scenario: nope{at}\n    reason: x\n"))),
    shape("baseline", "mistakes on one line", |n| lines(n, "known: [", |at| format!("{{scenari: nope{at}, reason: x}}, ")) + "]\n"),
    shape("snapshots", "every line another", |n| {
        lines(n / 2, "", |at| format!("old {at}\n")) + "\n===\n" + &lines(n / 2, "", |at| format!("new {at}\n"))
    }),
    shape("snapshots", "one line", |n| format!("{}\n===\n{}", "a <k1> ".repeat(n / 14), "b <k1> ".repeat(n / 14))),
    shape("scenario", "steps", |n| {
        lines(n, SCENARIO, |at| format!("  - deliver: {{as: a{at}, body: minimal.json}}\n    expect: accepted\n"))
    }),
    shape("scenario", "words that it does not know", |n| {
        lines(n, SCENARIO, |at| format!("  - deliver: {{as: a{at}, body: minimal.json}}\n    expect: acceptd\n"))
    }),
    shape("scenario", "mistakes on one line", |n| lines(n, "title: x\nshows: [DUP-1]\nsteps: [", |_| "{delivr: {}}, ".to_owned()) + "]\n"),
    shape("scenario", "references in a text", |n| {
        format!("{SCENARIO}  - deliver: {{as: a, key: '{}'}}\n    expect: accepted\n", "{key:".repeat(n / 5))
    }),
    shape("scenario", "rows", |n| {
        let rows = lines(n, &format!("{SCENARIO}  - for_each:\n      variants:\n"), |at| format!("        v{at}: {{word: one}}\n"));
        rows + "      steps:\n        - deliver: {as: $word, body: minimal.json}\n          expect: accepted\n"
    }),
    shape("settings", "members that it does not know", |n| lines(n, "", |at| format!("a{at} = 1\n"))),
    shape("history", "deliveries of one key", |n| {
        let line = include_str!("../tests/shared/readers/history.jsonl").lines().next().unwrap_or_default();
        lines(n, "", |_| format!("{line}\n"))
    }),
    shape("body", "instants", |n| {
        lines(n, "[\"hg12-1\"", |at| format!(",\"2025-10-05T20:05:03.{:06}Z\",\"hg12-{at}\"", at % 1_000_000)) + "]"
    }),
];

fn main() {
    println!("| reader | what | {} | exponent |", SIZES.map(|size| format!("{} kB", size / 1000)).join(" | "));
    println!("|---|---|---|---|---|---|");
    for shape in SHAPES {
        let Some(reader) = READERS.iter().find(|one| one.name == shape.reader) else { continue };
        let mut took = Vec::new();
        for size in SIZES {
            let input = (shape.made)(size).into_bytes();
            let seconds = (0..ROUNDS).map(|_| {
                let begun = Moment::now();
                (reader.read)(&input);
                begun.elapsed().as_secs_f64()
            });
            took.push(seconds.fold(f64::INFINITY, f64::min));
        }
        let exponent = match took.as_slice() {
            [_, middle, last] => (last / middle).log(4.0),
            _ => f64::NAN,
        };
        let shown: Vec<String> = took.iter().map(|seconds| format!("{:.1} ms", seconds * 1e3)).collect();
        println!("| {} | {} | {} | {exponent:.2} |", shape.reader, shape.what, shown.join(" | "));
    }
}
