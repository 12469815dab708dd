//! Snapshots over every store: rows read the same in each, hold from run to run, and tell what changed.

use super::{Judged, MYSQL, POSTGRES, REDIS, sqlite};
use crate::servers::{mysql, postgres, redis};
use crate::surroundings::{Folder, tool};

/// A scenario that looks at rows when a key's life is over, and one that looks at answers.
const SCENARIOS: [&str; 2] = ["ttl/key-is-new-again-past*", "key/blank-key-is-refused*"];

/// The snapshot of rows, in the order of its lines: which column stands first is the store's own business.
fn rows(judged: &Judged<'_>) -> Vec<String> {
    let folder = Folder::new();
    let dir = folder.path("snapshots").display().to_string();
    let with = |knob: &str, update: &str, jobs: &str| {
        let more = ["--snapshots", &dir, "--update", update, "--jobs", jobs].map(str::to_owned).to_vec();
        Judged { more: [judged.more.clone(), more].concat(), ..judged.clone() }.run(knob, &SCENARIOS)
    };
    let store = judged.store.as_str();
    let (exit, report, told) = with("right", "always", "1");
    assert_eq!((exit, report["snapshots"]["new"].as_array().map(Vec::len)), (Some(0), Some(3)), "{store}: {told}{}", report["snapshots"]);
    // Other keys, other instants, other numbers of rows, and other company.
    for jobs in ["2", "8"] {
        let (exit, report, told) = with("right", "no", jobs);
        assert_eq!((exit, report["snapshots"]["matched"].as_u64()), (Some(0), Some(3)), "{store}: {told}{}", report["snapshots"]);
    }
    let kept = folder.path("snapshots/over-any-store/ttl/key-is-new-again-past-its-ttl.snap");
    let text = std::fs::read_to_string(&kept).expect("the snapshot");
    // What was reviewed is another life: that is told, with the line.
    let other = text.replace("86400", "3600");
    assert_ne!(other, text, "{store}: {text}");
    std::fs::write(&kept, other).expect("it is changed");
    let (exit, report, told) = with("right", "no", "4");
    assert_eq!((exit, report["snapshots"]["changed"].as_array().map(Vec::len)), (Some(1), Some(1)), "{store}: {told}");
    let mut cells: Vec<String> =
        text.lines().skip_while(|line| !line.starts_with("remembered") && !line.starts_with("idem:")).map(sorted).collect();
    cells.retain(|line| !line.is_empty());
    cells
}

/// The cells of a line by name, without what a store numbers for itself.
fn sorted(line: &str) -> String {
    let mut cells: Vec<&str> = line.split_whitespace().collect();
    cells.sort_unstable();
    cells.join(" ")
}

#[test]
fn rows_are_reviewed_alike_over_every_store() {
    if tool("python3").is_none() {
        return;
    }
    // SQLite's receiver keeps milliseconds in one table, and microseconds in the other: its two instants may differ.
    let own = rows(&sqlite());
    assert_eq!(own.first().map(String::as_str), Some("1 remembered: row"));
    assert_eq!(own.iter().filter(|line| line.contains("n=<any>")).count(), 2, "{own:?}");
    for (server, state) in [(postgres(), POSTGRES), (mysql(), MYSQL), (redis(), REDIS)] {
        let Some(server) = server else { continue };
        let found = rows(&Judged::over(&server, state));
        let row = "digest=\"<h1>\" life=86400 seen_at=\"<t0>\" token=\"<k1>\"";
        if state == REDIS {
            // It has no audit rows, and an expiry in place of the instant.
            assert_eq!(found, ["1 idem:{key}: row", "(expires)=\"<t0>\" digest=\"<h1>\" expiry=86400 token=\"<k1>\""]);
        } else {
            assert_eq!(found[1], row, "{}", server.store);
            assert_eq!(found[3..], ["1", "0"].map(|at| format!("body_hash=\"<h1>\" happened=\"<t{at}>\" n=<any> who=\"<k1>\"")));
        }
    }
}
