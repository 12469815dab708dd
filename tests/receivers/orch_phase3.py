#!/usr/bin/env python3
"""A right receiver for the contract `orch-phase3`, in Python's standard library only.

It shares no code with hookgate: what both get wrong in the same way would have to be
misread twice. It is threaded, speaks HTTP/1.1 with keep-alive, keeps its state in a
SQLite file, and makes each delivery one transaction: key, signature, duplicate, acceptance.

usage: ORCH_WEBHOOK_SECRET=... python3 orch_phase3.py [--port 0] [--db orch.db] [--ttl 86400]

Prints `listening on http://127.0.0.1:PORT` when it is ready; SIGTERM stops it.
"""
import argparse
import hashlib
import hmac
import json
import os
import re
import signal
import socket
import sqlite3
import sys
import threading
import time
from datetime import datetime, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

ENDPOINT = "/callbacks/terminal"
EVENT = "terminal_callback"
LONGEST_KEY = 255  # bytes; requirement KEY-6
LONGEST_BODY = 16 * 1024 * 1024  # bytes; requirement HTTP-6
LONGEST_CHUNK_LINE = 1024  # bytes of a chunk's size line, extensions and all
LONGEST_LINGER = 64 * 1024 * 1024  # bytes of a refused body that are still read
LONGEST_TTL = 315_360_000  # ten years, in seconds

SCHEMA = """
CREATE TABLE IF NOT EXISTS idempotency_keys (key TEXT PRIMARY KEY, ts TEXT NOT NULL, ttl INTEGER DEFAULT 86400);
CREATE TABLE IF NOT EXISTS audit_events (
    ts TEXT NOT NULL, actor TEXT NOT NULL, role TEXT NOT NULL, event TEXT NOT NULL,
    task_id TEXT, appr_id TEXT, payload_sha256 TEXT, idem_key TEXT, PRIMARY KEY (ts, event));
"""
# What a phase 2 database lacks.
ADDED = (("idempotency_keys", "ttl", "INTEGER DEFAULT 86400"), ("audit_events", "idem_key", "TEXT"))
# The phase 3 report's own expression, with the default in the place of NULL.
EXPIRED = "datetime(ts, '+' || coalesce(ttl, 86400) || ' seconds') < datetime('now')"


class Unreadable(Exception):
    """A request that cannot be read to its end; the connection has to close."""


class TooLarge(Exception):
    """A body over the limit."""


class Ledger:
    """Keys and audit rows in one SQLite file, behind one lock."""

    def __init__(self, path, ttl):
        self.ttl = ttl
        self.lock = threading.Lock()
        self.db = sqlite3.connect(path, timeout=10, check_same_thread=False, isolation_level=None)
        self.db.execute("PRAGMA journal_mode = WAL")
        self.db.execute("PRAGMA synchronous = NORMAL")
        self.db.executescript(SCHEMA)
        for table, column, declared in ADDED:
            if column not in [row[1] for row in self.db.execute(f"PRAGMA table_info({table})")]:
                self.db.execute(f"ALTER TABLE {table} ADD COLUMN {column} {declared}")
        self.db.execute("CREATE INDEX IF NOT EXISTS audit_events_by_key ON audit_events (idem_key, ts)")
        newest = self.db.execute("SELECT max(ts) FROM audit_events").fetchone()[0]
        self.newest = micros_of(newest) if newest else 0

    def take(self, key, sha256, task):
        """Accepts a delivery (and returns None), or finds the first one of its key.

        Returns then (ts, payload_sha256) of the newest audit row
        of the key; a key from phase 2 has none, and then its own time and this hash stand in.
        Everything happens in one transaction: both rows, or none.
        """
        with self.lock:
            self.db.execute("BEGIN IMMEDIATE")
            try:
                self.db.execute(f"DELETE FROM idempotency_keys WHERE {EXPIRED}")
                first = None
                live = self.db.execute("SELECT ts FROM idempotency_keys WHERE key = ?", (key,)).fetchone()
                if live:
                    newest = "SELECT ts, payload_sha256 FROM audit_events WHERE idem_key = ? ORDER BY ts DESC LIMIT 1"
                    first = self.db.execute(newest, (key,)).fetchone() or (live[0], sha256)
                else:
                    ts = self.next_instant()
                    self.db.execute("INSERT INTO idempotency_keys (key, ts, ttl) VALUES (?, ?, ?)", (key, ts, self.ttl))
                    row = (ts, "webhook", "EXTERNAL", EVENT, task, None, sha256, key)
                    self.db.execute("INSERT INTO audit_events VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
                self.db.execute("COMMIT")
                return first
            except BaseException:
                if self.db.in_transaction:
                    self.db.execute("ROLLBACK")
                raise

    def next_instant(self):
        """The present instant, or the first microsecond after the newest row's: no two rows may bear one instant."""
        self.newest = max(time.time_ns() // 1000, self.newest + 1)
        return text_of(self.newest)

    def events(self, limit, event):
        """Audit rows as objects, newest first, of one event when it is named."""
        where, values = ("WHERE event = ?", (event,)) if event else ("", ())
        with self.lock:
            found = self.db.execute(f"SELECT * FROM audit_events {where} ORDER BY ts DESC LIMIT ?", (*values, limit))
            names = [column[0] for column in found.description]
            return [dict(zip(names, row)) for row in found]


def text_of(micros):
    """Microseconds since 1970 as `2025-10-05T20:05:03.123456`, always with six digits."""
    whole, part = divmod(micros, 1_000_000)
    return datetime.fromtimestamp(whole, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S") + f".{part:06}"


def micros_of(text):
    """The other way round; a trailing Z and a missing fraction are read too."""
    moment = datetime.fromisoformat(text.removesuffix("Z")).replace(tzinfo=timezone.utc)
    return int(moment.replace(microsecond=0).timestamp()) * 1_000_000 + moment.microsecond


def task_of(body):
    """The task that a body names, or None; a body that is not JSON is taken too."""
    try:
        payload = json.loads(body.decode("utf-8"))
    except (ValueError, RecursionError):
        return None
    if not isinstance(payload, dict):
        return None
    for name in ("task_id", "job_id"):
        task = payload.get(name)
        if isinstance(task, str):
            return task.encode("utf-8", "replace").decode("utf-8")  # a lone surrogate fits into no database
        if isinstance(task, int) and not isinstance(task, bool) and abs(task) < 2**63:
            return str(task)
    return None


class Counters:
    """What is shown under /metrics."""

    NAMES = {
        "passed": 'orch_webhook_signatures_verified_total{status="success"}',
        "refused": 'orch_webhook_signatures_verified_total{status="failure"}',
        "accepted": "orch_webhook_deliveries_accepted_total",
        "duplicates": "orch_webhook_duplicates_total",
    }

    def __init__(self):
        self.lock = threading.Lock()
        self.values = dict.fromkeys(self.NAMES, 0)

    def count(self, what):
        with self.lock:
            self.values[what] += 1

    def text(self):
        """Prometheus text: a TYPE line before the first line of each counter."""
        lines = {}  # in order, each once
        for what, name in self.NAMES.items():
            lines[f"# TYPE {name.split('{')[0]} counter"] = lines[f"{name} {self.values[what]}"] = None
        return "\n".join(lines) + "\n"


class Receiver(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # head and body of an answer leave together
    timeout = 60  # seconds of silence after which a connection is given up

    ledger = None
    counters = None
    secret = b""

    def do_POST(self):
        body = self.whole(self.read_body)
        if body is None:
            return
        if urlsplit(self.path).path != ENDPOINT:
            return self.answer(404, {"error": "no such path"})
        self.deliver(body)

    def whole(self, read):
        """What `read` gives, or None when it could not; then the refusal is sent and the connection over."""
        try:
            return read()
        except TooLarge:
            self.refuse_and_close(413, "body too large")
        except Unreadable:
            self.refuse_and_close(400, "request cannot be read")

    def deliver(self, body):
        """The whole promise: key, signature, duplicate, acceptance."""
        keys = self.header_bytes("Idempotency-Key")
        if not keys or not keys[0]:
            return self.answer(400, {"error": "Idempotency-Key header required"})
        if len(keys) > 1 or len(keys[0]) > LONGEST_KEY or not re.fullmatch(rb"[!-~]+", keys[0]):
            return self.answer(400, {"error": "Idempotency-Key cannot be used"})
        if not self.is_signed(body):
            self.counters.count("refused")
            return self.answer(401, {"error": "invalid signature"})
        self.counters.count("passed")
        sha256 = hashlib.sha256(body).hexdigest()
        try:
            first = self.ledger.take(keys[0].decode("ascii"), sha256, task_of(body))
        except sqlite3.Error as cause:
            # Nothing was written, so the sender may come again.
            print(f"not stored: {cause}", file=sys.stderr, flush=True)
            return self.answer(503, {"error": "try again later"})
        if first is None:
            self.counters.count("accepted")
            return self.answer(202, {"accepted": True, "payload_sha256": sha256})
        self.counters.count("duplicates")
        told = {"timestamp": first[0], "type": "duplicate"}
        self.answer(202, {"accepted": True, "payload_sha256": first[1], "reference": told})

    def is_signed(self, body):
        """One header line, equal to the HMAC of the raw bytes. Without a secret nothing is signed."""
        given = self.header_bytes("X-Signature")
        if len(given) != 1 or not self.secret:
            return False
        expected = hmac.new(self.secret, body, hashlib.sha256).hexdigest().encode("ascii")
        return hmac.compare_digest(expected, given[0])

    def do_GET(self):
        url = urlsplit(self.path)
        if self.whole(self.read_body) is None:
            return
        if url.path == "/status":
            self.answer(200, {"status": "ok"})
        elif url.path == "/audit/events":
            self.audit_events(parse_qs(url.query))
        elif url.path == "/metrics":
            self.send(200, "text/plain; version=0.0.4; charset=utf-8", self.counters.text().encode())
        elif url.path == ENDPOINT:
            self.answer(405, {"error": "method not allowed"}, {"Allow": "POST"})
        else:
            self.answer(404, {"error": "no such path"})

    def audit_events(self, query):
        limit = query.get("limit", ["100"])[0]
        if not re.fullmatch(r"[1-9][0-9]{0,5}", limit):
            return self.answer(400, {"error": "limit must be a whole number from 1 to 999999"})
        self.answer(200, self.ledger.events(int(limit), query.get("type", [None])[0]))

    def other_method(self):
        if self.whole(self.read_body) is not None:
            allowed = "POST" if urlsplit(self.path).path == ENDPOINT else "GET"
            self.answer(405, {"error": "method not allowed"}, {"Allow": allowed})

    do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = other_method

    def header_bytes(self, name):
        """The values of every line of a header, as the bytes that travelled, without white space around."""
        return [value.encode("latin-1", "replace").strip(b" \t") for value in self.headers.get_all(name, [])]

    def handle_expect_100(self):
        # Before a body is asked for, its announced length is looked at.
        if self.whole(lambda: self.announced_length() or 0) is None:
            return False
        self.send_response_only(100)
        self.end_headers()
        self.wfile.flush()
        return True

    def read_body(self):
        """The body's bytes, however it is framed."""
        length = self.announced_length()
        codings = [one.strip().lower() for one in self.headers.get_all("Transfer-Encoding", [])]
        if not codings:
            return self.read_exactly(length or 0)
        # Both framings at once is how requests are smuggled (RFC 9112, section 6.1).
        if length is not None or codings != ["chunked"]:
            raise Unreadable
        return self.read_chunks()

    def announced_length(self):
        """What Content-Length says, or None without it."""
        lengths = set(self.headers.get_all("Content-Length", []))
        if not lengths:
            return None
        length = lengths.pop().strip()
        if lengths or not re.fullmatch(r"[0-9]{1,18}", length):
            raise Unreadable
        if int(length) > LONGEST_BODY:
            raise TooLarge
        return int(length)

    def read_chunks(self):
        pieces, total = [], 0
        while True:
            size = self.read_line().split(b";")[0].strip()
            if not re.fullmatch(rb"[0-9A-Fa-f]{1,8}", size):
                raise Unreadable
            size = int(size, 16)
            if size == 0:
                break
            total += size
            if total > LONGEST_BODY:
                raise TooLarge
            pieces.append(self.read_exactly(size))
            if self.read_line() != b"":
                raise Unreadable
        while self.read_line() != b"":
            pass  # trailer fields say nothing that is asked for here
        return b"".join(pieces)

    def read_line(self):
        line = self.rfile.readline(LONGEST_CHUNK_LINE)
        if not line.endswith(b"\r\n"):
            raise Unreadable
        return line[:-2]

    def read_exactly(self, size):
        data = self.rfile.read(size)
        if len(data) != size:
            raise Unreadable
        return data

    def refuse_and_close(self, status, why):
        """Refuses, then reads on for a while: closing over unread bytes would take the answer away again."""
        self.close_connection = True
        self.answer(status, {"error": why}, {"Connection": "close"})
        try:
            self.wfile.flush()
            self.connection.shutdown(socket.SHUT_WR)
            self.connection.settimeout(2)
            left = LONGEST_LINGER
            while left > 0 and (piece := self.rfile.read1(65536)):
                left -= len(piece)
        except OSError:
            pass

    def answer(self, status, value, headers=None):
        self.send(status, "application/json", json.dumps(value).encode(), headers)

    def send(self, status, content_type, body, headers=None):
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
        self.wfile.flush()

    def log_message(self, format, *args):
        pass


class Server(ThreadingHTTPServer):
    """A thread a connection; many may be opened at once."""

    daemon_threads = True
    request_queue_size = 1024

    def handle_error(self, request, client_address):
        # A sender that goes away is no error of this receiver.
        if not isinstance(sys.exc_info()[1], (ConnectionError, TimeoutError)):
            super().handle_error(request, client_address)


def main():
    parser = argparse.ArgumentParser(description="A right receiver for the contract orch-phase3.")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--db", default="orch.db", help="the SQLite file")
    parser.add_argument("--ttl", type=int, default=86400, help="seconds that a key lives")
    options = parser.parse_args()
    if not 1 <= options.ttl <= LONGEST_TTL:
        parser.error(f"--ttl must be from 1 to {LONGEST_TTL}")

    Receiver.secret = os.environ.get("ORCH_WEBHOOK_SECRET", "").encode()
    Receiver.counters = Counters()
    Receiver.ledger = Ledger(options.db, options.ttl)
    server = Server(("127.0.0.1", options.port), Receiver)

    def stop(*_):
        # `shutdown` waits for the loop that this thread is in, so another thread has to call it.
        threading.Thread(target=server.shutdown).start()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    print(f"listening on http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever(poll_interval=0.05)
    server.server_close()
    with Receiver.ledger.lock:
        Receiver.ledger.db.close()


if __name__ == "__main__":
    main()
