//! Commands that are hostile: what `--exec` starts, and what a run must make of it.

use super::{TIME_LIMIT, Wanted};

/// A command, and what a run must make of it.
pub(super) struct Row {
    pub(super) name: &'static str,
    /// For `sh`; `{serve}` is the reference on the port that is its own.
    script: &'static str,
    pub(super) time_limit: &'static str,
    pub(super) ready_within: &'static str,
    pub(super) wanted: Wanted,
}

/// A receiver that lives, and does this with itself at its first delivery.
const AT_A_DELIVERY: &str = r#"python3 -c '
import http.server, json, os, signal
class Receiver(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(dict(status="ok")).encode())
    def do_POST(self):
        DOES
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Receiver).serve_forever()
'"#;

/// The command line of a row: `{serve}` is the reference, `{WORDS}` a receiver that does so at its first delivery.
pub(super) fn script(row: &Row) -> String {
    let receivers = [("{stops}", "os.kill(os.getpid(), signal.SIGSTOP)"), ("{dies}", "os._exit(1)")];
    let serve = format!("{} serve --addr 127.0.0.1:{{port}}", env!("CARGO_BIN_EXE_hookgate"));
    receivers
        .iter()
        .fold(row.script.replace("{serve}", &serve), |script, (name, does)| script.replace(name, &AT_A_DELIVERY.replace("DOES", does)))
}

const fn row(name: &'static str, script: &'static str, code: i32, verdict: &'static str, says: &'static str) -> Row {
    Row { name, script, time_limit: TIME_LIMIT, ready_within: "6s", wanted: Wanted { code, verdict, says } }
}

const fn impatient(mut row: Row) -> Row {
    row.ready_within = "1500ms";
    row
}

pub(super) const ROWS: &[Row] = &[
    row("ignores TERM", "trap '' TERM HUP INT; {serve} & while :; do sleep 0.2; done", 0, "conforms", ""),
    row("forks into a session of its own", "setsid sleep 600 & {serve}", 0, "conforms", ""),
    row("has two hundred children", "for i in $(seq 200); do sleep 600 & done; exec {serve}", 0, "conforms", ""),
    row("floods its log with lines", "yes 'a line of a log that nobody reads' & {serve}", 0, "conforms", ""),
    row("floods its log without a line", "cat /dev/zero & {serve}", 0, "conforms", ""),
    row("closes its streams", "exec {serve} >&- 2>&-", 0, "conforms", ""),
    row("ends at once", "echo last words >&2; exit 7", 3, "incomplete", "last words"),
    row("is not there", "/no/such/receiver --port {port}", 3, "incomplete", "not found"),
    impatient(row("is never ready", "sleep 600", 3, "incomplete", "the target was not ready within 1500 ms")),
    impatient(row("says nothing but noise", "cat /dev/urandom", 3, "incomplete", "the target was not ready within 1500 ms")),
    Row { time_limit: "3s", ..row("stops itself", "exec {stops}", 4, "undecided", "the time limit of the run was over") },
    row("dies at every delivery", "exec {dies}", 1, "does-not-conform", ""),
    row("dies and comes back", "while :; do {dies}; done", 1, "does-not-conform", ""),
];
