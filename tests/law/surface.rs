//! The public surface: what the library promises stands in `snapshots/public-surface.snap` and nowhere else.
//!
//! A reader of the façade's own files (`src/api`), in which everything `pub` is public: rustc's `unreachable_pub` warns of what
//! the root does not give out. A change of it is seen in review, as a change of that file.
#![expect(clippy::expect_used, reason = "a surface that cannot be read fails the test")]

use std::fs;
use std::path::Path;

/// The lines of a source that are public: items with their signatures, under the `impl` or item they stand in.
fn surface(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut derived = Vec::new();
    // The headers of the blocks that a line stands in, with their depth in spaces.
    let mut inside: Vec<(usize, String)> = Vec::new();
    let mut hidden = false;
    let mut lines = text.lines().take_while(|line| *line != "#[cfg(test)]");
    while let Some(line) = lines.next() {
        let code = line.trim_start();
        let depth = line.len() - code.len();
        if code.is_empty() || code.starts_with("//") {
            continue;
        }
        inside.retain(|(above, _)| *above < depth);
        if code.starts_with("#[") {
            hidden |= code == "#[doc(hidden)]";
            if code.starts_with("#[derive") || code == "#[non_exhaustive]" {
                derived.push(code.to_owned());
            }
            continue;
        }
        // A signature may go on over the next lines, until its block begins or it ends.
        let mut whole = code.to_owned();
        let is_item = ["pub ", "impl", "fn ", "async fn ", "enum ", "struct ", "trait ", "type "].iter().any(|word| code.starts_with(word));
        let is_open = |text: &str| text.matches('(').count() > text.matches(')').count();
        while is_item && (is_open(&whole) || !(whole.contains('{') || whole.ends_with([';', ',']))) {
            let Some(next) = lines.next() else { break };
            whole = format!("{whole} {}", next.trim());
        }
        let head = whole.split(" {").next().unwrap_or_default().trim_end_matches(';').trim_end_matches(',').to_owned();
        let (above, attributes) = (inside.last().map(|(_, head)| head.clone()).unwrap_or_default(), std::mem::take(&mut derived));
        let in_public_enum = above.starts_with("pub enum");
        let is_public = head.starts_with("pub ") || (head.starts_with("impl") && head.contains(" for ")) || (in_public_enum && depth == 4);
        if is_public && !hidden {
            let told = attributes.iter().map(|one| format!("{one} ")).collect::<String>() + &head;
            let told = told.replace("( ", "(").replace(", )", ")");
            found.push(if above.is_empty() { told } else { format!("{above} :: {told}") });
        }
        hidden = false;
        if whole.ends_with('{') {
            inside.push((depth, head));
        }
    }
    // What is implemented for a type that is not given out is nobody's business.
    let is_given_out = |name: &str| ["struct", "enum"].iter().any(|kind| text.contains(&format!("\npub {kind} {name}")));
    let implements = |line: &str| line.starts_with("impl").then(|| line.split(" for ").nth(1).map(str::to_owned)).flatten();
    let name_of = |text: String| text.split('<').next().unwrap_or_default().to_owned();
    found.retain(|line| !line.contains("pub(") && !line.starts_with("impl From<"));
    found.retain(|line| implements(line).map(name_of).is_none_or(|name| is_given_out(&name)));
    found
}

/// Every public line of the façade, file by file, and what the root gives out.
fn of_the_library() -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let read = |path: &Path| fs::read_to_string(path).expect("a source of the library");
    let mut files: Vec<_> = fs::read_dir(root.join("api")).expect("the façade").map(|entry| entry.expect("a file").path()).collect();
    files.push(root.join("api.rs"));
    files.sort();
    let mut text = String::from(
        "# What the library promises. Written by tests/law/surface.rs: look at what changed, and take it with `cargo insta accept`.\n",
    );
    for path in files {
        let lines = surface(&read(&path));
        let name = path.strip_prefix(&root).expect("it is a source").display().to_string();
        // What is given out is told by the file that has it.
        let own: Vec<&String> = lines.iter().filter(|line| !line.starts_with("pub use self::")).collect();
        if !own.is_empty() {
            text.push_str(&format!("\n## {name}\n"));
            own.iter().for_each(|line| text.push_str(&format!("{line}\n")));
        }
    }
    text.push_str("\n## lib.rs\n");
    surface(&read(&root.join("lib.rs")))
        .iter()
        .filter(|line| !line.starts_with("pub mod "))
        .for_each(|line| text.push_str(&format!("{line}\n")));
    text
}

#[test]
fn public_surface_is_what_was_reviewed() {
    insta::with_settings!({prepend_module_to_snapshot => false, omit_expression => true}, {
        insta::assert_snapshot!("public-surface", of_the_library());
    });
}

/// Every room of the house is hidden from the documentation, and none of them is private: tests and benches look into them.
#[test]
fn rooms_are_hidden_at_the_root() {
    let lib = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lib.rs")).expect("the root");
    let lines: Vec<&str> = lib.lines().collect();
    let shown: Vec<&str> = (1..lines.len())
        .filter(|at| lines[*at].starts_with("pub mod "))
        .filter(|at| !lines[..*at].iter().rev().take_while(|line| line.starts_with("#[")).any(|line| line.contains("doc(hidden)")))
        .map(|at| lines[at])
        .collect();
    assert!(shown.is_empty(), "these rooms are shown as if they were promised: {shown:?}");
}

#[test]
fn what_is_public_is_seen_and_what_is_not_is_left_out() {
    let text = "\n\
pub struct Judge {\n    pub(super) url: String,\n    pub open: u8,\n}\n\n#[derive(Clone)]\n#[non_exhaustive]\npub enum Judged {\n    /// It is.\n    Pass,\n}\n\n\
impl Judge {\n    pub fn only<T: Into<String>>(\n        self,\n        patterns: T,\n    ) -> Self {\n        todo()\n    }\n\n    fn private(&self) {}\n\n    \
#[doc(hidden)]\n    pub fn hidden(&self) {}\n\n    pub fn shown(&self) {}\n}\n\nimpl fmt::Display for Judge {\n    fn fmt(&self) {}\n}\n\nfn helper() {}\n\
pub(crate) fn inside() {}\n\n#[cfg(test)]\nmod tests {\n    pub fn no() {}\n}\n";
    let wanted = [
        "pub struct Judge",
        "pub struct Judge :: pub open: u8",
        "#[derive(Clone)] #[non_exhaustive] pub enum Judged",
        "pub enum Judged :: Pass",
        "impl Judge :: pub fn only<T: Into<String>>(self, patterns: T) -> Self",
        "impl Judge :: pub fn shown(&self)",
        "impl fmt::Display for Judge",
    ];
    assert_eq!(surface(text), wanted);
}
