//! Tracebacks: what a target wrote while a delivery was under way, with every stack of frames folded into one line.
//!
//! In: lines. Out: fewer lines, and the exceptions among them, by their type
//! and the place in the code that raised them: what two findings have in common
//! whose messages name different keys. Python's, Node's, Java's and Rust's
//! forms are known; whatever else is there stays as it is. Threads that write at
//! once weave their stacks into each other (Python writes a frame at a time):
//! those are told apart where they are copies of one, and else their places are
//! left open.

use std::collections::BTreeSet;

/// How a stack of Python's begins.
const BEGINS: &str = "Traceback (most recent call last):";
/// So many lines are kept of one delivery.
const MOST_LINES: usize = 8;
/// So long a line may be, in characters.
const LONGEST_LINE: usize = 240;

/// What was folded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Folded {
    /// The lines, the last ones where there are many.
    pub lines: Vec<String>,
    /// The exceptions in their order.
    pub exceptions: Vec<Exception>,
    /// Whether a stack has no end.
    pub unfinished: bool,
}

/// An exception, without its message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exception {
    /// Its type.
    pub kind: String,
    /// The place that raised it; `None` where it cannot be told from that of another.
    pub place: Option<String>,
}

impl Exception {
    /// It by name, where its place is known, or where no frame tells one.
    #[must_use]
    pub fn name(&self) -> Option<String> {
        let place = self.place.as_ref()?;
        Some(if place.is_empty() { self.kind.clone() } else { format!("{} at {place}", self.kind) })
    }
}

impl Folded {
    /// The exceptions that stand whole.
    pub fn whole(&self) -> impl Iterator<Item = String> {
        self.exceptions.iter().filter_map(Exception::name)
    }

    /// The exceptions by name, in their order.
    ///
    /// * `known`: those that stand whole somewhere: one whose place is open is the only known one of its type, or known by its type alone.
    #[must_use]
    pub fn candidates(&self, known: &BTreeSet<String>) -> Vec<String> {
        let by_type = |kind: &str| {
            let mut of_it = known.iter().filter(|one| one.split(" at ").next() == Some(kind));
            let first = of_it.next().filter(|_| of_it.next().is_none());
            first.cloned().unwrap_or_else(|| kind.to_owned())
        };
        self.exceptions.iter().map(|one| one.name().unwrap_or_else(|| by_type(&one.kind))).collect()
    }
}

/// One stack of frames, or several that are woven into each other.
struct Stack {
    /// The exceptions with their messages.
    told: Vec<(String, Exception)>,
    /// Lines of somebody else that stand between.
    between: Vec<String>,
    /// How many lines it took.
    lines: usize,
}

impl Stack {
    fn one(told: &str, kind: &str, place: String, lines: usize) -> Self {
        let exception = Exception { kind: kind.to_owned(), place: Some(place) };
        Self { told: vec![(told.to_owned(), exception)], between: Vec::new(), lines }
    }
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
            for (told, exception) in stack.told {
                let place =
                    exception.place.as_deref().filter(|place| !place.is_empty()).map_or_else(String::new, |place| format!(" ({place})"));
                folded.lines.push(cut(&format!("{told}{place} [{} lines]", stack.lines)));
                folded.exceptions.push(exception);
            }
            folded.lines.extend(stack.between.iter().map(|line| cut(line)));
            at += stack.lines.max(1);
        } else {
            folded.unfinished |= line.trim_start().starts_with(BEGINS);
            folded.lines.push(cut(line));
            at += 1;
        }
    }
    folded.lines.drain(..folded.lines.len().saturating_sub(MOST_LINES));
    folded
}

/// `Traceback (most recent call last):`, frames, and the exception; one that was raised while another was handled is the last.
///
/// What begins before the first has ended is woven into it: all end together, and lines of others stand between.
fn python(lines: &[&str]) -> Option<Stack> {
    let begins = |line: &str| line.trim_start().starts_with(BEGINS);
    if !begins(lines.first()?) {
        return None;
    }
    let (mut end, mut open, mut begun) = (0, 0, 0);
    let (mut told, mut places, mut between): (Vec<String>, Vec<String>, Vec<String>) = (Vec::new(), Vec::new(), Vec::new());
    loop {
        let line = *lines.get(end)?;
        end += 1;
        if begins(line) {
            (open, begun) = (open + 1, begun + 1);
        } else if line.starts_with([' ', '\t']) {
            places.extend(python_place(line));
        } else if is_chain(line) {
            // The next stack is told by a sentence between: it is that of the last that ended.
            told.pop();
            begun -= usize::from(begun > 0);
            if begun == 0 {
                places.clear();
            }
        } else if is_exception(line) {
            told.push(line.to_owned());
            open -= 1;
        } else {
            between.push(line.to_owned());
        }
        let goes_on = lines.get(end).is_some_and(|next| is_chain(next)) && lines.get(end + 1).is_some_and(|next| begins(next));
        if open == 0 && !goes_on && !told.is_empty() {
            break;
        }
    }
    let place = common_place(&places, begun);
    let kinds: BTreeSet<String> = told.iter().map(|one| kind_of(one)).collect();
    let place = place.filter(|_| kinds.len() == 1);
    let told = told.into_iter().map(|told| {
        let exception = Exception { kind: kind_of(&told), place: place.clone() };
        (told, exception)
    });
    Some(Stack { told: told.collect(), between, lines: end })
}

/// The place that raised so many stacks, where they are copies of one; the last frame of one.
fn common_place(places: &[String], copies: usize) -> Option<String> {
    if copies <= 1 {
        return Some(places.last().cloned().unwrap_or_default());
    }
    let mut each: Vec<(&String, usize)> = Vec::new();
    for place in places {
        match each.iter_mut().find(|(known, _)| *known == place) {
            Some((_, times)) => *times += 1,
            None => each.push((place, 1)),
        }
    }
    each.last().filter(|_| each.iter().all(|(_, times)| times % copies == 0)).map(|(place, _)| (*place).clone())
}

/// The sentence between two stacks of which one was raised while the other was handled.
fn is_chain(line: &str) -> bool {
    line.starts_with("During handling of the above exception") || line.starts_with("The above exception was the direct cause")
}

/// `KeyError: 'a'`, `sqlite3.OperationalError: database is locked`, `StopIteration`.
fn is_exception(line: &str) -> bool {
    let name = line.split(": ").next().unwrap_or(line).trim_end_matches(':');
    let part = |part: &str| {
        let begins = part.starts_with(|first: char| first.is_alphabetic() || first == '_');
        begins && part.chars().all(|one| one.is_alphanumeric() || matches!(one, '_' | '<' | '>'))
    };
    // `INFO: …` is a line of a log.
    let is_level = name.len() > 2 && name.chars().all(|one| one.is_ascii_uppercase());
    !name.is_empty() && !is_level && name.split('.').all(part)
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
    Some(Stack::one(&format!("panicked: {message}"), "panic", place, told_by + more))
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
    Some(Stack::one(told, &kind_of(told), place, end))
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
        let Folded { lines, exceptions, .. } = fold(text);
        (lines, exceptions.last().and_then(Exception::name))
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

    /// What threads write at once is told apart where it is the same, and left open where it is not; nobody else's line is lost.
    #[test]
    fn stacks_that_are_woven_into_each_other_make_no_new_exception() {
        const FRAMES: [&str; 2] =
            ["  File \"/srv/door.py\", line 3, in do\n    self.take()\n", "  File \"/srv/app.py\", line 12, in take\n    x\n"];
        let [door, app] = FRAMES;
        let same = format!(
            "{BEGINS}\n{door}{BEGINS}\n{door}{app}KeyError: 'hg1-7'\n127.0.0.1 - - \"POST / HTTP/1.1\" 500 -\n{app}KeyError: 'hg1-8'\n"
        );
        let folded = fold(&same);
        let names: Vec<_> = folded.whole().collect();
        assert_eq!(names, ["KeyError at app.py:12 in take", "KeyError at app.py:12 in take"], "{folded:?}");
        assert!(folded.lines.iter().any(|line| line.starts_with("127.0.0.1")), "{folded:?}");
        let two = format!("{BEGINS}\n{BEGINS}\n{door}{app}KeyError: 'hg1-7'\nValueError: no\n");
        let folded = fold(&two);
        assert_eq!((folded.whole().count(), folded.exceptions.len()), (0, 2), "{folded:?}");
        let known = ["KeyError at app.py:12 in take".to_owned(), "OSError at a.py:1 in f".to_owned()].into();
        assert_eq!(folded.candidates(&known), ["KeyError at app.py:12 in take", "ValueError"]);
        assert!(fold(&format!("{BEGINS}\n{door}")).unfinished && !folded.unfinished);
    }
}
