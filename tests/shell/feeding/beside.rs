//! A feed beside what else a load can be: rotations that go on where the last one stopped, a mix, a search; and what cannot go together.

use super::*;

/// So many lines, each with a key and a body of its own.
fn lines(count: usize) -> String {
    (0..count).fold(String::new(), |text, at| format!("{text}{{\"key\":\"l{at}\",\"body\":{{\"n\":{at}}}}}\n"))
}

/// Requirement: a feed goes on where the last rotation stopped; each of its lines is delivered once, and with the last the load is over.
#[test]
fn rotations_go_on_with_the_feed() {
    let fed = Fed::start(&[]);
    let feed = fed.folder.write("deliveries.jsonl", &lines(300));
    let out = fed.folder.path("out").display().to_string();
    let all = ["--feed", &feed, "--feed-keys", "fresh", "--db", &fed.db, "--report", &out, "--rotate", "250ms"];
    let (code, report) = fed.load(&[&all[..], &["--users", "3", "--think", "5ms"]].concat());
    assert_eq!((code, &report["verdict"]), (Some(0), &"conforms".into()), "{report:#}");
    assert_eq!((report["operations"].as_u64(), &report["feed"]["distinct_keys"], sent(&report)), (Some(300), &300.into(), [300, 0, 0]));
    let workers = report["workers"].as_array().expect("rotations");
    assert!(workers.len() >= 2 && workers.iter().all(|one| one["operations"].as_u64() > Some(0)), "{workers:#?}");
    assert_eq!(bodies(&fed), 300, "no line came twice");
    // In the open model, what is due in a rotation and comes too late for it is the next one's.
    let (code, report) = fed.load(&[&all[..], &["--users", "8", "--rate", "400/s"]].concat());
    let (delivered, dropped) = (report["operations"].as_u64().expect("a number"), report["dropped"].as_u64().expect("a number"));
    assert_eq!((code, delivered + dropped), (Some(0), 300), "{report:#}");
}

/// How many different bodies the receiver has in its audit trail.
fn bodies(fed: &Fed) -> i64 {
    let database = rusqlite::Connection::open(&fed.db).expect("a database");
    let sql = "SELECT count(DISTINCT payload_sha256) FROM audit_events WHERE event = 'terminal_callback'";
    database.query_row(sql, [], |row| row.get(0)).expect("a number")
}

/// Requirement: with a mix, lines that were there are delivered once more, and signatures are spoiled, by weight; bodies are the feed's.
#[test]
fn a_mix_says_how_lines_are_delivered() {
    let fed = Fed::start(&[]);
    let feed = fed.folder.write("deliveries.jsonl", &lines(40));
    let mix = "fresh=60,duplicate=25,bad-signature=15";
    let all = ["--feed", &feed, "--mix", mix, "--users", "4", "--db", &fed.db, "--feed-order", "loop"];
    for keys in ["written", "fresh"] {
        let (code, report) = fed.load(&[&all[..], &["--feed-keys", keys, "--deliveries", "400"]].concat());
        assert_eq!((code, &report["verdict"]), (Some(0), &"conforms".into()), "{report:#}");
        let of = |kind: &str| report["kinds"][kind]["sent"].as_u64().expect(kind);
        let [fresh, duplicate, spoiled] = ["fresh", "duplicate", "bad-signature"].map(of);
        assert_eq!(fresh + duplicate + spoiled, 400);
        assert!((60..=140).contains(&duplicate) && (30..=90).contains(&spoiled), "{report:#}");
    }
    assert!(bodies(&fed) <= 40, "bodies are those of the feed");
    // A receiver that takes what repeats for something new is found.
    let wrong = Fed::start(&["--defect", "only-first-duplicate-is-known"]);
    let all = ["--feed", &feed, "--mix", mix, "--users", "4", "--db", &wrong.db, "--feed-order", "random", "--feed-keys", "fresh"];
    let (code, report) = wrong.load(&[&all[..], &["--deliveries", "200"]].concat());
    assert_eq!((code, &report["verdict"]), (Some(1), &"does-not-conform".into()), "{report:#}");
}

/// What cannot go with a feed is told with the reason.
#[test]
fn what_does_not_go_with_a_feed_is_told() {
    let folder = Folder::new();
    let feed = folder.write("deliveries.jsonl", "{\"key\":\"a\",\"at\":1}\n");
    let out = folder.path("out").display().to_string();
    let endless = ["--feed", &feed, "--feed-order", "loop"];
    for (args, told) in [
        (vec!["--feed", &feed, "--rotate", "1s", "--report", &out], "--rotate forgets the keys of a rotation"),
        (vec!["--replay", &feed, "--rotate", "1s", "--report", &out], "as long as its recording"),
        (vec!["--feed", &feed, "--find-max", "p99<1s"], "may be over before it"),
        ([&endless[..], &["--find-max", "p99<1s"]].concat(), "deliver the same keys again"),
        (vec!["--replay", &feed, "--find-max", "p99<1s"], "at recorded times"),
        (vec!["--feed", &feed, "--locust-master", "127.0.0.1:1"], "when a load is over"),
        ([&endless[..], &["--locust-master", "127.0.0.1:1"]].concat(), "a key belongs to one worker"),
        (vec!["--replay", &feed, "--mix", "ordinary"], "leave one of them out"),
        (vec!["--feed", &feed, "--streams", "2"], "a feed brings its own"),
        ([&endless[..], &["--mix", "fresh=1,burst=1"]].concat(), "a line for each delivery"),
        ([&endless[..], &["--mix", "fresh=1,conflicting-body=1"]].concat(), "write a second line"),
    ] {
        let output = hookgate(&[&["load"], &args[..]].concat());
        assert!(output.starts_with("exit 2") && output.contains(told), "{args:?}: {output}");
    }
}
