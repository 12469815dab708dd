//! Tracebacks: what a target wrote while a delivery was under way, with every stack of frames folded into one line.
//!
//! In: lines. Out: fewer lines, and the last exception among them, by its type
//! and the place in the code that raised it: what two findings have in common
//! whose messages name different keys. Python's, Node's, Java's and Rust's
//! forms are known; whatever else is there stays as it is.

/// So many lines are kept of one delivery.
const MOST_LINES: usize = 8;
/// So long a line may be, in characters.
const LONGEST_LINE: usize = 240;

/// What was folded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Folded {
    /// The lines, the last ones where there are many.
    pub lines: Vec<String>,
    /// The last exception: its type and its place.
    pub exception: Option<String>,
}

/// One stack of frames.
struct Stack {
    /// The exception with its message.
    told: String,
    /// Its type.
    kind: String,
    /// The place that raised it; empty where no frame tells.
    place: String,
    /// How many lines it took.
    lines: usize,
}

/// Folds the stacks of frames in some output.
#[must_use]
pub fn fold(text: &str) -> Folded {
    let all: Vec<&str> = text.lines().map(str::trim_end).filter(|line| !line.is_empty()).collect();
    let mut folded = Folded::default();
    let mut at = 0;
    while let Some(line) = all.get(at) {
        let rest = &all[at..];
        if let Some(stack) = python(rest).or_else(|| rust(rest)).or_else(|| frames(rest)) {
            let place = if stack.place.is_empty() { String::new() } else { format!(" ({})", stack.place) };
            folded.lines.push(cut(&format!("{}{place} [{} lines]", stack.told, stack.lines)));
            folded.exception = Some(if stack.place.is_empty() { stack.kind } else { format!("{} at {}", stack.kind, stack.place) });
            at += stack.lines.max(1);
        } else {
            folded.lines.push(cut(line));
            at += 1;
        }
    }
    folded.lines.drain(..folded.lines.len().saturating_sub(MOST_LINES));
    folded
}

/// `Traceback (most recent call last):`, frames, and the exception; one that was raised while another was handled is the last.
fn python(lines: &[&str]) -> Option<Stack> {
    const BEGINS: &str = "Traceback (most recent call last):";
    if !lines.first()?.trim_start().starts_with(BEGINS) {
        return None;
    }
    let mut end = 0;
    let mut place = String::new();
    let told = loop {
        let frame = |line: &str| line.starts_with([' ', '\t']) || line.trim_start().starts_with(BEGINS);
        let ends = end + lines.get(end..)?.iter().position(|line| !frame(line))?;
        let file = lines[end..ends].iter().rev().find_map(|line| python_place(line));
        place = file.unwrap_or(place);
        let told = lines[ends];
        end = ends + 1;
        // Its message may go on; the next stack is told by a sentence between.
        let next = lines.get(end..).unwrap_or_default();
        let chained = next.first().is_some_and(|line| {
            line.starts_with("During handling of the above exception") || line.starts_with("The above exception was the direct cause")
        });
        if !chained || !next.get(1).is_some_and(|line| line.starts_with(BEGINS)) {
            break told;
        }
        end += 1;
    };
    Some(Stack { told: told.to_owned(), kind: kind_of(told), place, lines: end })
}

/// `  File "/srv/app.py", line 12, in handle` as `app.py:12 in handle`.
fn python_place(line: &str) -> Option<String> {
    let rest = line.trim_start().strip_prefix("File \"")?;
    let (file, rest) = rest.split_once("\", line ")?;
    let (number, function) = rest.split_once(", in ").unwrap_or((rest, ""));
    let within = if function.is_empty() { String::new() } else { format!(" in {function}") };
    Some(format!("{}:{number}{within}", base(file)))
}

/// `thread 'main' panicked at src/main.rs:10:5:` and its message.
fn rust(lines: &[&str]) -> Option<Stack> {
    let first = lines.first()?;
    let (_, at) = first.strip_prefix("thread ").and_then(|rest| rest.split_once(" panicked at "))?;
    let ends = |line: &&&str| line.starts_with("note: ") || line.starts_with("stack backtrace:");
    let (message, place, told_by) = match at.strip_prefix('\'').and_then(|rest| rest.rsplit_once("', ")) {
        // As it was told before Rust 1.73.
        Some((message, place)) => (message.to_owned(), place.to_owned(), 1),
        None => (
            lines.get(1).filter(|line| !ends(line)).map_or_else(String::new, |line| (*line).to_owned()),
            at.trim_end_matches(':').to_owned(),
            2,
        ),
    };
    let is_backtrace = |line: &&&str| {
        let text = line.trim_start();
        ends(line)
            || text.starts_with("at ")
            || text.split(':').next().is_some_and(|number| !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()))
    };
    let more = lines.get(told_by..).unwrap_or_default().iter().take_while(is_backtrace).count();
    Some(Stack { told: format!("panicked: {message}"), kind: "panic".to_owned(), place, lines: told_by + more })
}

/// Node's and Java's: a line that names an exception, and lines below it that begin with `at`.
fn frames(lines: &[&str]) -> Option<Stack> {
    let is_frame = |line: &str| {
        let text = line.trim_start();
        line.starts_with([' ', '\t']) && (text.starts_with("at ") || (text.starts_with("... ") && text.ends_with("more")))
    };
    let first = lines.first().filter(|line| !line.starts_with([' ', '\t']))?;
    if !lines.get(1).is_some_and(|line| is_frame(line)) {
        return None;
    }
    let mut end = 1;
    let (mut told, mut from) = (*first, 1);
    while let Some(line) = lines.get(end) {
        if let Some(cause) = line.strip_prefix("Caused by: ") {
            (told, from) = (cause, end + 1);
        } else if !is_frame(line) {
            break;
        }
        end += 1;
    }
    let told = told.strip_prefix("Exception in thread ").and_then(|rest| rest.split_once("\" ")).map_or(told, |(_, told)| told);
    let told = told.trim_start_matches("Uncaught ");
    let place = lines.get(from).map(|line| frame_place(line)).unwrap_or_default();
    Some(Stack { told: told.to_owned(), kind: kind_of(told), place, lines: end })
}

/// `at deliver (/srv/app.js:12:7)`, `at com.shop.Hooks.deliver(Hooks.java:12)`, as `app.js:12`, `Hooks.java:12`.
fn frame_place(line: &str) -> String {
    let text = line.trim().trim_start_matches("at ");
    let inside = text.rsplit_once('(').map_or(text, |(_, inside)| inside).trim_end_matches(')');
    let parts: Vec<&str> = inside.split(':').collect();
    match parts.as_slice() {
        [.., file, line, column] if [line, column].iter().all(|number| number.bytes().all(|b| b.is_ascii_digit())) => {
            format!("{}:{line}", base(file))
        }
        _ => base(inside).to_owned(),
    }
}

/// The type of an exception, without its message.
fn kind_of(told: &str) -> String {
    told.split([':', ' ']).next().unwrap_or(told).to_owned()
}

/// A file's name without its folders.
fn base(path: &str) -> &str {
    path.rsplit(['/', '\\']).next().unwrap_or(path)
}

fn cut(line: &str) -> String {
    if line.chars().count() <= LONGEST_LINE { line.to_owned() } else { line.chars().take(LONGEST_LINE).chain(['…']).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> (Vec<String>, Option<String>) {
        let Folded { lines, exception } = fold(text);
        (lines, exception)
    }

    /// As `CPython` 3.11, Node 22, `OpenJDK` 21 and Rust 1.89 print them.
    #[test]
    fn stacks_become_one_line_each() {
        let python = "POST /hooks\nTraceback (most recent call last):\n  File \"/srv/door.py\", line 3, in do\n    self.take()\n    ^^^^^\n  File \"/srv/app.py\", line 12, in take\n    return self.keys[key]\nKeyError: 'hg1-7'\nnext line\n";
        assert_eq!(
            told(python),
            (
                vec!["POST /hooks".to_owned(), "KeyError: 'hg1-7' (app.py:12 in take) [7 lines]".to_owned(), "next line".to_owned()],
                Some("KeyError at app.py:12 in take".to_owned())
            )
        );
        let chained = "Traceback (most recent call last):\n  File \"a.py\", line 1, in f\nKeyError: 1\n\nDuring handling of the above exception, another exception occurred:\n\nTraceback (most recent call last):\n  File \"b.py\", line 2, in g\nsqlite3.OperationalError: database is locked\n";
        assert_eq!(
            told(chained),
            (
                vec!["sqlite3.OperationalError: database is locked (b.py:2 in g) [7 lines]".to_owned()],
                Some("sqlite3.OperationalError at b.py:2 in g".to_owned())
            )
        );
        let node = "TypeError: Cannot read properties of undefined (reading 'id')\n    at deliver (/srv/app.js:12:7)\n    at process.processTicksAndRejections (node:internal/process/task_queues:95:5)\n";
        assert_eq!(told(node).1.as_deref(), Some("TypeError at app.js:12"));
        let java = "Exception in thread \"main\" java.lang.RuntimeException: no\n\tat com.shop.Main.run(Main.java:7)\nCaused by: java.sql.SQLException: locked\n\tat com.shop.Store.put(Store.java:31)\n\t... 3 more\nafter\n";
        assert_eq!(
            told(java),
            (
                vec!["java.sql.SQLException: locked (Store.java:31) [5 lines]".to_owned(), "after".to_owned()],
                Some("java.sql.SQLException at Store.java:31".to_owned())
            )
        );
        let rust = "thread 'tokio-runtime-worker' (4711) panicked at src/store.rs:10:5:\ncalled `Option::unwrap()` on a `None` value\nnote: run with `RUST_BACKTRACE=1` environment variable to display a backtrace\n";
        assert_eq!(
            told(rust),
            (
                vec!["panicked: called `Option::unwrap()` on a `None` value (src/store.rs:10:5) [3 lines]".to_owned()],
                Some("panic at src/store.rs:10:5".to_owned())
            )
        );
    }

    /// What is no stack stays, an unfinished one too; of many lines the last ones.
    #[test]
    fn other_lines_stay_as_they_are() {
        assert_eq!(told("GET / 200\n\n  indented\n"), (vec!["GET / 200".to_owned(), "  indented".to_owned()], None));
        assert_eq!(told("Traceback (most recent call last):\n  File \"a.py\", line 1, in f\n").1, None);
        let many: String = (0..20).map(|at| format!("line {at}\n")).collect();
        assert_eq!(told(&many).0.first().map(String::as_str), Some("line 12"));
    }
}
