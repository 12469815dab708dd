#!/usr/bin/env python3
"""Breaks each rule of the client of event streams in turn, and says which test saw it: a table for RESULTS.md.

The room `event_stream` needs nothing of its house, so it is copied into a crate of its own, in a scratch folder, where each break is a
matter of seconds. Exits 1 when a break was seen by no test. usage: python3 benches/client_rules.py [cargo …]
"""
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

HOUSE = pathlib.Path(__file__).resolve().parent.parent
DECODER, CLIENT = "event_stream.rs", "event_stream/client.rs"
# The rule; the file; what stands there; what is put in its place.
BREAKS = [
    ("CR ends a line", DECODER, "matches!(byte, b'\\r' | b'\\n')", "*byte == b'\\n'"),
    ("LF ends a line", DECODER, "matches!(byte, b'\\r' | b'\\n')", "*byte == b'\\r'"),
    ("CRLF is one end, also over two reads", DECODER, "self.is_after_cr = bytes[end] == b'\\r';", "self.is_after_cr = bytes[end] == b'\\r' && end + 1 < bytes.len();"),
    ("CRLF is one end", DECODER, "self.is_after_cr = bytes[end] == b'\\r';", "self.is_after_cr = false;"),
    ("a byte order mark is taken away", DECODER, "line.starts_with(BOM)", "line.is_empty()"),
    ("only the first one", DECODER, "!std::mem::replace(&mut self.is_begun, true) &&", ""),
    ("one space behind the colon is taken away", DECODER, "value.strip_prefix(' ').unwrap_or(value)", "value"),
    ("exactly one", DECODER, "value.strip_prefix(' ').unwrap_or(value)", "value.trim_start_matches(' ')"),
    ("no tab", DECODER, "value.strip_prefix(' ')", "value.strip_prefix([' ', '\\t'])"),
    ("a line without a colon is a field", DECODER, 'None => self.field(&text, ""),', "None => {}"),
    ("a line that begins with a colon is a comment", DECODER, 'Some(("", comment)) => self.block.comments.push(comment.to_owned()),', ""),
    ("names of fields are told by case", DECODER, "match field {", "match field.to_ascii_lowercase().as_str() {"),
    ("only the first colon parts", DECODER, "text.split_once(':')", "text.rsplit_once(':')"),
    ("data is joined by LF", DECODER, "self.data.push('\\n');", ""),
    ("the last LF is taken away", DECODER, "if data.pop().is_some() {", "if !data.is_empty() {"),
    ("without data there is no event", DECODER, "if data.pop().is_some() {", "if data.pop().is_some() || !name.is_empty() {"),
    ("an empty name is message", DECODER, 'if name.is_empty() { "message".to_owned() } else { name }', "name"),
    ("a name does not outlive its block", DECODER, "std::mem::take(&mut self.name)", "self.name.clone()"),
    ("the last name counts", DECODER, '"event" => value.clone_into(&mut self.name),', '"event" => if self.name.is_empty() { value.clone_into(&mut self.name) },'),
    ("an id is kept from an event without data", DECODER, "self.next_id.clone_into(&mut self.last_event_id);", "if !self.data.is_empty() { self.next_id.clone_into(&mut self.last_event_id); }"),
    ("an id outlives its block", DECODER, "self.next_id.clone_into(&mut self.last_event_id);", "self.last_event_id = std::mem::take(&mut self.next_id);"),
    ("an id of an event that was cut is none", DECODER, "value.clone_into(&mut self.next_id);", "value.clone_into(&mut self.next_id); value.clone_into(&mut self.last_event_id);"),
    ("an id with NUL is ignored", DECODER, "if value.contains('\\0')", "if value.contains('\\u{1}')"),
    ("an empty id takes the id away", DECODER, "value.clone_into(&mut self.next_id);", "if !value.is_empty() { value.clone_into(&mut self.next_id); }"),
    ("retry is digits only", DECODER, "!value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit())", "value.trim().parse::<f64>().is_ok()"),
    ("retry without digits is none", DECODER, "!value.is_empty() && value.bytes()", "value.bytes()"),
    ("an unfinished event is dropped", CLIENT, "std::mem::replace(&mut self.decoder, next).unfinished()", "{ drop(next); self.decoder.clone().unfinished() }"),
    ("bytes that are no UTF-8 are replaced", DECODER, "let text = String::from_utf8_lossy(&line);", "let text = String::from_utf8(line).unwrap_or_default();"),
    ("what is no UTF-8 is told", DECODER, "self.block.is_utf8 &= std::str::from_utf8(&line).is_ok();", ""),
    ("a block has an end", DECODER, "return Err(TooLong);", "return Ok(());"),
    ("its lines count together", DECODER, "self.block.bytes.len() + self.line.len() + bytes.len()", "self.line.len() + bytes.len()"),
    ("blank lines alone are nothing", DECODER, "std::mem::take(&mut self.has_lines).then_some(block)", "Some(block)"),
    ("an empty id is not sent", CLIENT, ".filter(|id| !id.is_empty())", ""),
    ("204 ends it for good", CLIENT, "return Err(Stop::NoContent);", "return Ok(());"),
    ("another status ends it for good", CLIENT, "return Err(Stop::Status(status));", "return Ok(());"),
    ("another type ends it for good", CLIENT, "return Err(Stop::Type(kind.to_owned()));", "return Ok(());"),
    ("the type is told without parameters", CLIENT, "kind.split(';').next().unwrap_or_default().trim()", "kind"),
    ("a type is told by any case", CLIENT, 'essence.eq_ignore_ascii_case("text/event-stream")', '(essence == "text/event-stream")'),
    ("the id stays over a break", CLIENT, "let next = Decoder::resumed(self.decoder.last_event_id());", "let next = Decoder::default();"),
    ("every stream may begin with a byte order mark", CLIENT, "self.decoder = Decoder::resumed(self.decoder.last_event_id());", ""),
    ("retry sets the time", CLIENT, "self.reconnection_time = Duration::from_millis(*millis).min(LONGEST_WAIT);", ""),
    ("and not for ever", CLIENT, ".min(LONGEST_WAIT)", ""),
    ("from its line on", CLIENT, ".chain([&self.decoder.block.retry])", ""),
]


def dependencies():
    """The lines of the house's own Cargo.toml that the room needs."""
    lines = (HOUSE / "Cargo.toml").read_text().splitlines()
    wanted = ("thiserror", "eventsource-stream", "futures-util", "proptest")
    return "\n".join(line for line in lines if line.split(" ")[0] in wanted)


def main():
    cargo = sys.argv[1:] or ["cargo"]
    with tempfile.TemporaryDirectory() as scratch:
        crate = pathlib.Path(scratch)
        (crate / "src").mkdir()
        manifest = f'[package]\nname = "room"\nversion = "0.0.0"\nedition = "2024"\n\n[dependencies]\n{dependencies()}\n'
        (crate / "Cargo.toml").write_text(manifest)
        shutil.copy(HOUSE / "Cargo.lock", crate / "Cargo.lock")
        (crate / "src/lib.rs").write_text("//! A room of its own.\npub mod event_stream;\n")
        shutil.copytree(HOUSE / "src/event_stream", crate / "src/event_stream")
        shutil.copy(HOUSE / "src/event_stream.rs", crate / "src/event_stream.rs")

        def tried():
            """Which tests fail; None where it does not build."""
            run = subprocess.run([*cargo, "test", "--quiet", "--lib", "--", "--test-threads=2"], cwd=crate, capture_output=True, text=True)
            told = run.stdout + run.stderr
            failed = re.findall(r"^---- (\S+) stdout ----", told, re.M)
            return [] if run.returncode == 0 else (failed or None)

        if (right := tried()) != []:
            sys.exit(f"the room as it stands fails: {right}")
        unseen = 0
        print("| rule that was broken | seen by |\n|---|---|")
        for rule, name, was, put in BREAKS:
            path = crate / "src" / name
            whole = path.read_text()
            if whole.count(was) < 1:
                sys.exit(f"{rule}: {name} has no `{was}`")
            path.write_text(whole.replace(was, put, 1))
            failed = tried()
            path.write_text(whole)
            told = "does not build" if failed is None else ", ".join(f"`{one.rsplit('::', 1)[1]}`" for one in failed) or "**nobody**"
            unseen += not failed
            print(f"| {rule} | {told} |", flush=True)
    print(f"\n{len(BREAKS) - unseen} of {len(BREAKS)} breaks were seen")
    sys.exit(unseen > 0)


if __name__ == "__main__":
    main()
