//! One violation of each kind, which its rule must find, and what looks like one and is none.

use super::*;

const LIB: &str = "//! Lib.\n\npub mod clock;\npub mod delivery;\npub mod sign;\npub mod contract;\npub mod transport;\npub mod evidence;\npub mod run;\npub mod cli;\n";

fn house_with(path: &str, text: &str) -> Vec<File> {
    vec![("src/lib.rs".to_owned(), LIB.to_owned()), (path.to_owned(), text.to_owned())]
}

/// Which of `rule`'s findings the house with this one file has.
fn found(rule: fn(&[File]) -> Vec<String>, path: &str, text: &str) -> String {
    rule(&house_with(path, text)).join("\n")
}

#[test]
fn import_from_above_is_found() {
    for text in [
        "//! X.\nuse crate::transport::Sender;\n",
        "//! X.\nuse crate::{clock, transport::{Sender, Target}};\n",
        "//! X.\nuse crate::{\n    clock,\n    transport,\n};\n",
        "//! X.\nfn f() { crate::transport::send() }\n",
        "//! X.\npub(crate) use crate::transport;\n",
        "//! X.\nuse super::super::transport::Sender;\n",
    ] {
        let broken = found(floors_are_kept, "src/contract/outcome.rs", text);
        assert!(broken.contains("law may not name `transport`"), "{text}{broken}");
    }
    assert!(found(floors_are_kept, "src/contract.rs", "//! X.\nuse super::transport;\n").contains("`transport`"));
}

#[test]
fn import_from_later_on_the_same_floor_is_found() {
    assert_eq!(
        found(floors_are_kept, "src/sign.rs", "//! X.\nuse crate::contract::Contract;\n"),
        "src/sign.rs:2: `contract` comes after `sign` in src/lib.rs"
    );
    assert_eq!(found(floors_are_kept, "src/contract.rs", "//! X.\nuse crate::sign::Scheme;\nuse crate::clock;\n"), "");
}

#[test]
fn import_sideways_among_hands_is_found() {
    for (path, named) in [("src/transport/raw.rs", "evidence"), ("src/evidence.rs", "transport")] {
        let broken = found(floors_are_kept, path, &format!("//! X.\nuse crate::{named}::Thing;\n"));
        assert_eq!(broken, format!("{path}:2: hands never name each other, and `{named}` is one"));
    }
    assert_eq!(found(floors_are_kept, "src/transport/raw.rs", "//! X.\nuse crate::transport::wire;\nuse super::Sender;\n"), "");
}

#[test]
fn room_on_no_floor_is_found() {
    assert!(found(floors_are_kept, "src/attic.rs", "//! X.\n").contains("room `attic` is on no floor"));
    assert!(found(floors_are_kept, "src/run.rs", "//! X.\nuse crate::attic;\n").contains("`attic` is no room"));
    let upside_down = vec![("src/lib.rs".to_owned(), "//! L.\nmod transport;\nmod sign;\n".to_owned())];
    assert!(floors_are_kept(&upside_down).concat().contains("floor by floor"));
}

#[test]
fn io_in_law_is_found() {
    for line in [
        "use std::fs;",
        "use std::{fmt, fs};",
        "use std::{fmt, net::{TcpStream}};",
        "let x = std::env::var(\"A\");",
        "std::io::stdout()",
        "println!(\"x\");",
        "tokio::spawn(async {});",
        "let c = rusqlite::Connection::open(p);",
        "use reqwest::Client;",
        "    eprintln!();",
    ] {
        let broken = found(words_and_law_do_no_io, "src/sign.rs", &format!("//! X.\n{line}\n"));
        assert!(broken.starts_with("src/sign.rs:2: "), "{line}");
    }
    let harmless = "//! X: not std::fs.\n// std::net\nuse std::{fmt, sync};\nwrite!(f, \"\")?;\nmy_tokio::x();\n#[cfg(test)]\nmod tests {\n    use std::fs;\n}\n";
    assert_eq!(found(words_and_law_do_no_io, "src/sign.rs", harmless), "");
    assert_eq!(found(words_and_law_do_no_io, "src/transport.rs", "//! X.\nuse std::net::IpAddr;\n"), "");
}

#[test]
fn code_behind_a_test_item_is_still_read() {
    for test_item in
        ["#[cfg(test)]\nmod tests;\n", "#[cfg(test)]\nuse std::fs;\n", "#[cfg(test)]\nmod tests {\n    fn f() {\n        g();\n    }\n}\n"]
    {
        let broken = found(words_and_law_do_no_io, "src/sign.rs", &format!("//! X.\n{test_item}use std::net;\n"));
        assert_eq!(broken.lines().count(), 1, "{test_item}{broken}");
    }
}

#[test]
fn second_reader_of_the_time_is_found() {
    let text = "//! X.\nlet t = std::time::Instant::now();\nlet s = SystemTime::now();\n";
    assert_eq!(found(only_clock_reads_the_time, "src/transport.rs", text).lines().count(), 2);
    assert_eq!(found(only_clock_reads_the_time, "src/clock/iso.rs", text), "");
}

#[test]
fn missing_head_is_found() {
    assert!(found(files_have_heads_and_an_end, "src/sign.rs", "use std::fmt;\n").contains("src/sign.rs: begins without `//!`"));
}

#[test]
fn line_401_is_found() {
    let of_length = |lines: usize| format!("//! X.\n{}", "\n".repeat(lines - 1));
    assert_eq!(found(files_have_heads_and_an_end, "src/sign.rs", &of_length(400)), "");
    assert!(found(files_have_heads_and_an_end, "src/sign.rs", &of_length(401)).contains("401 lines"));
}

#[test]
fn what_is_left_for_later_is_found() {
    for line in ["    todo!()", "unimplemented!(\"x\")", "use super::*;"] {
        assert!(found(nothing_is_left_for_later, "src/sign.rs", &format!("//! X.\n{line}\n")).starts_with("src/sign.rs:2: "), "{line}");
    }
    assert_eq!(found(nothing_is_left_for_later, "src/sign.rs", "//! X.\n#[cfg(test)]\nmod tests {\n    use super::*;\n}\n"), "");
    assert!(found(no_test_is_ignored, "tests/a.rs", "#[test]\n    #[ignore = \"slow\"]\nfn f() {}\n").starts_with("tests/a.rs:2: "));
}

#[test]
fn scenario_out_of_shape_is_found() {
    let first = "# yaml-language-server: $schema=../../../schema/scenario.json\n";
    let with = |first: &str, lines: usize| vec![("scenarios/orch/key/x.yaml".to_owned(), format!("{first}{}", "a: 1\n".repeat(lines - 1)))];
    assert!(scenarios_are_one_behaviour_each(&with(first, 8)).is_empty() && scenarios_are_one_behaviour_each(&with(first, 60)).is_empty());
    assert_eq!(scenarios_are_one_behaviour_each(&with(first, 7)).len(), 1);
    assert_eq!(scenarios_are_one_behaviour_each(&with(first, 61)).len(), 1);
    assert_eq!(scenarios_are_one_behaviour_each(&with("title: x\n", 20)).len(), 1);
    assert_eq!(scenarios_are_one_behaviour_each(&with("# yaml-language-server: $schema=../../schema/scenario.json\n", 20)).len(), 1);
}
