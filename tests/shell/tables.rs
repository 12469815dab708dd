//! Contracts whose tables have other names, other columns, or are not there: the reference conforms, and what cannot be seen is not judged.

use crate::command_line::hookgate;
use crate::surroundings::Folder;

const NAMED: &str = r#"
  keys:
    table: seen
    found_by: ~
    instant: ~
    columns:
      - {name: lives, type: INTEGER, default: "86400", holds: "{ttl}"}
      - {name: born, type: TEXT, not_null: true, holds: "{ts}"}
      - {name: word, type: TEXT, primary_key: 1, holds: "{key}"}
      - {name: note, type: TEXT, not_null: true, free: true}
      - {name: said, type: TEXT, holds: "{answer}"}
  audit:
    table: trail
    found_by: ~
    instant: ~
    only: {column: kind, is: terminal_callback}
    columns:
      - {name: of, type: TEXT, holds: "{key}"}
      - {name: digest, type: TEXT, holds: "{sha256}"}
      - {name: at, type: TEXT, not_null: true, primary_key: 1, holds: "{ts}"}
      - {name: kind, type: TEXT, not_null: true, primary_key: 2, holds: terminal_callback}
"#;
const UNDATED: &str = r#"
  keys: {table: seen, found_by: ~, instant: ~, columns: [{name: word, type: TEXT, primary_key: 1, holds: "{key}"}]}
  audit:
    table: trail
    found_by: ~
    instant: ~
    only: ~
    columns: [{name: id, type: INTEGER, primary_key: 1, free: true}, {name: of, type: TEXT, holds: "{key}"}]
"#;

#[test]
fn reference_conforms_whichever_tables_there_are() {
    let folder = Folder::new();
    for (name, state, why) in [
        ("named", NAMED, "the contract's `state.audit` has no column `actor`"),
        ("undated", UNDATED, "no column of the contract's `state.audit` holds {ts}"),
        ("keys", "{audit: ~}", "the contract names no table under `state.audit`"),
        ("audit", "{keys: ~}", "the contract names no table under `state.keys`"),
        ("none", "~", "the contract does not say where state can be seen"),
    ] {
        let contract = folder.write(&format!("{name}.yaml"), &format!("contract: {name}\nextends: orch-phase3\nstate: {state}\n"));
        let told = hookgate(&["run", "audit", "database", "ttl", "duplicate", "--contract", &contract]);
        assert!(told.starts_with("exit 0"), "{name}: {told}");
        let one_line = told.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(one_line.contains(why), "{name}: {told}");
    }
}
