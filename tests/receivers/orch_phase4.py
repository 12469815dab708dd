#!/usr/bin/env python3
"""A right receiver for the contract `orch-phase4`, in Python's standard library only: signed times, and event streams.

It is the phase 3 receiver beside this file with another proof, and with `GET /jobs/{id}/events`: every acceptance is told there
by an event, from a log that is written in the acceptance's own transaction. A subscriber is a thread that reads the log from its
place. With KNOB=NAME in the environment it is wrong in one way; `--knobs` lists them. With `--odd` it is as right, and does what few do.

usage: ORCH_WEBHOOK_SECRET=... python3 orch_phase4.py [--port 0] [--db orch.db] [--ttl 86400] [--heartbeat 10]
       [--places 500] [--odd]
"""
import argparse
import hashlib
import hmac
import json
import os
import re
import select
import signal
import socket
import sqlite3
import sys
import threading
import time
from urllib.parse import unquote, urlsplit

sys.dont_write_bytecode = True  # the module beside this file leaves no folder behind
import orch_phase3
from orch_phase3 import EVENT, EXPIRED, Counters, Server, micros_of, task_of

KNOBS = {
    "gap": ("SSE-5", "a client that comes back misses an event"),
    "twice": ("SSE-5", "a client that comes back gets its last event once more"),
    "silent-gap": ("SSE-6", "a client whose id is not kept goes on with what comes next"),
    "any-number": ("SSE-6", "an id that is a number is taken for a place, whether anything stands there or not"),
    "evicted-gap": ("SSE-6", "a client whose id was evicted goes on with what is kept, and is not told of the gap"),
    "memory-only": ("SSE-9", "events are forgotten when the receiver stops, and counted anew"),
    "no-end": ("SSE-11", "a finished stream goes on, and says nothing"),
    "no-id": ("SSE-4", "events have no ids"),
    "other-jobs": ("SSE-15", "a stream tells of every job"),
    "retry-in-words": ("SSE-10", "`retry` has a unit"),
    "flood": ("SSE-12", "a stream tells ids and comments as long as any may be, and never stops"),
    "plain-text": ("SSE-1", "a stream says that it is text"),
}
TOLERANCE = 120  # seconds
KEEPS = 256  # events of a stream
AT_ONCE = 500  # streams
OVER = ("done", "failed", "cancelled")
LOOK = 0.2  # seconds between two looks whether a client has gone
STREAM = re.compile(r"/jobs/([^/]+)/events")
LOG = """
CREATE TABLE IF NOT EXISTS job_events (
    job TEXT NOT NULL, id INTEGER NOT NULL, data TEXT NOT NULL, is_last INTEGER NOT NULL, PRIMARY KEY (job, id));
"""


def member_of(body, name):
    """A member of a JSON body as text, or None."""
    try:
        value = json.loads(body.decode("utf-8")).get(name)
    except (ValueError, RecursionError, AttributeError):
        return None
    return value if isinstance(value, str) else None


class Ledger(orch_phase3.Ledger):
    """The phase 3 ledger with a log of events beside it."""

    def __init__(self, path, ttl, knob):
        super().__init__(path, ttl)
        self.db.executescript(LOG)
        self.knob = knob
        self.news = threading.Condition()
        if knob == "memory-only":
            self.db.execute("DELETE FROM job_events")

    def take(self, key, sha256, task, body):
        """As in phase 3; an acceptance is logged in its own transaction, and its subscribers are woken behind it."""
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
                    if task is not None:
                        self.log(task, ts, key, sha256, member_of(body, "status"))
                self.db.execute("COMMIT")
            except BaseException:
                if self.db.in_transaction:
                    self.db.execute("ROLLBACK")
                raise
        with self.news:
            self.news.notify_all()
        return first

    def log(self, job, ts, key, sha256, status):
        number = micros_of(ts)
        if self.knob == "memory-only":
            number = 1 + self.db.execute("SELECT coalesce(max(id), 0) FROM job_events WHERE job = ?", (job,)).fetchone()[0]
        data = json.dumps({"key": key, "ts": ts, "payload_sha256": sha256, "status": status})
        self.db.execute("INSERT INTO job_events VALUES (?, ?, ?, ?)", (job, number, data, status in OVER))
        old = "SELECT id FROM job_events WHERE job = ? ORDER BY id DESC LIMIT 1 OFFSET ?"
        self.db.execute(f"DELETE FROM job_events WHERE job = ? AND id <= ({old})", (job, job, KEEPS))

    def behind(self, job, place):
        """The events of a job behind a place, in order: `(id, data, is_last)`."""
        of = "1 OR job = ?" if self.knob == "other-jobs" else "job = ?"
        with self.lock:
            found = self.db.execute(f"SELECT id, data, is_last FROM job_events WHERE ({of}) AND id > ? ORDER BY id", (job, place))
            return found.fetchall()

    def has(self, job, place):
        with self.lock:
            return self.db.execute("SELECT 1 FROM job_events WHERE job = ? AND id = ?", (job, place)).fetchone() is not None


class Receiver(orch_phase3.Receiver):
    """One connection."""

    knob = "right"
    odd = False
    heartbeat = 10.0
    secrets = ()
    places = threading.Semaphore(AT_ONCE)
    # No more of a stream waits for a client than the system holds.
    stopping = threading.Event()

    def deliver(self, body):
        keys = self.header_bytes("Idempotency-Key")
        if not keys or not keys[0]:
            return self.answer(400, {"error": "Idempotency-Key header required"})
        if len(keys) > 1 or len(keys[0]) > orch_phase3.LONGEST_KEY or not re.fullmatch(rb"[!-~]+", keys[0]):
            return self.answer(400, {"error": "Idempotency-Key cannot be used"})
        if not self.is_signed(body):
            self.counters.count("refused")
            return self.answer(401, {"error": "invalid signature"})
        self.counters.count("passed")
        sha256 = hashlib.sha256(body).hexdigest()
        try:
            first = self.ledger.take(keys[0].decode("ascii"), sha256, task_of(body), body)
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
        """One line, `t=…` and one or more `v1=…`: a time near enough, and one that is right over it and the body."""
        given = self.header_bytes("X-Signature")
        if len(given) != 1:
            return False
        parts = [part.strip(b" \t") for part in given[0].split(b",")]
        times = [part[2:] for part in parts if part.startswith(b"t=")]
        if len(times) != 1 or not re.fullmatch(rb"[0-9]{1,12}", times[0]) or abs(time.time() - int(times[0])) > TOLERANCE:
            return False
        proofs = [part[3:] for part in parts if part.startswith(b"v1=")]
        for secret in self.secrets:
            expected = hmac.new(secret, times[0] + b"." + body, hashlib.sha256).hexdigest().encode("ascii")
            if any(hmac.compare_digest(expected, proof) for proof in proofs):
                return True
        return False

    def do_GET(self):
        job = STREAM.fullmatch(urlsplit(self.path).path)
        if job is None:
            return super().do_GET()
        if self.whole(self.read_body) is None:
            return
        if not self.places.acquire(blocking=False):
            return self.answer(503, {"error": "no more streams"})
        try:
            self.stream(unquote(job[1]))
        finally:
            self.places.release()

    def stream(self, job):
        """Tells a job's events, from where the client left off."""
        last = self.header_bytes("Last-Event-ID")
        place, reset, log = 0, False, self.ledger.behind(job, 0)
        if last and last[0]:
            is_ours = re.fullmatch(rb"0|[1-9][0-9]{0,17}", last[0]) is not None and self.ledger.has(job, int(last[0]))
            place, reset = (int(last[0]), False) if is_ours else (0, True)
        if reset and self.knob == "any-number" and re.fullmatch(rb"[1-9][0-9]{0,17}", last[0]):
            place, reset = int(last[0]), False
        if place and log and log[-1][2] and log[-1][0] == place and self.knob != "no-end":
            self.send_response(204)
            return self.end_headers()
        if reset and self.knob == "evicted-gap" and log and last[0].isdigit() and int(last[0]) < log[0][0]:
            reset = False
        if reset and self.knob == "silent-gap":
            place, reset = (log[-1][0] if log else 0), False
        if place and self.knob == "gap":
            place = next((number for number, _, _ in log if number > place), place)
        if place and self.knob == "twice":
            place -= 1
        self.is_chunked = self.request_version == "HTTP/1.1"
        self.close_connection = True
        self.send_response(200)
        self.send_header("Content-Type", "text/plain" if self.knob == "plain-text" else "text/event-stream")
        self.send_header("Cache-Control", "no-cache")
        self.send_header("Connection", "close")
        if self.is_chunked:
            self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        retry = "3 seconds" if self.knob == "retry-in-words" else "3000"
        # What is said of the connection may stand in the block of its first event, or behind it.
        first, self.before, self.behind = f"retry: {retry}\n\n", "", ""
        if self.odd:
            first, self.before, self.behind = "event: hello\ndata\n\n", *((f"retry: {retry}\n", "") if place else ("", f"retry: {retry}\n\n"))
        if reset:
            oldest = str(log[0][0]) if log else None
            first += f"event: reset\ndata: {json.dumps({'oldest': oldest})}\n\n"
        self.tell(first)
        while self.knob == "flood":
            self.tell(f"id: {'9' * 60_000}\n: {'x' * 60_000}\n\n")
        self.follow(job, place)
        if self.is_chunked:
            self.wfile.write(b"0\r\n\r\n")
        self.wfile.flush()

    def follow(self, job, place):
        """Tells what is behind a place, now and later, until the job is over or the client has gone."""
        told_at = time.monotonic()
        while not self.stopping.is_set():
            with self.ledger.news:
                # Looked at under the lock of the news: what is logged now is heard of.
                events = self.ledger.behind(job, place)
                if not events:
                    self.ledger.news.wait(LOOK)
            if events and place and self.knob in ("right", "evicted-gap") and not self.ledger.has(job, place):
                return  # too slow: what should follow is gone, and whoever comes back is told so
            for number, data, is_last in events:
                line = "" if self.knob == "no-id" else f"id: {number}\n"
                self.tell(f"{self.before}{line}event: status\ndata: {data}\n\n{self.behind}")
                self.before = f": {id(self)}\n" if self.odd else ""
                self.behind = ""
                place, told_at = number, time.monotonic()
                if is_last and self.knob != "no-end":
                    return
            if self.is_gone():
                return
            if time.monotonic() - told_at > self.heartbeat:
                self.tell(":\n" if self.odd else ": ping\n\n")
                told_at = time.monotonic()

    def tell(self, text):
        data = text.encode()
        if self.is_chunked:
            data = f"{len(data):x}\r\n".encode() + data + b"\r\n"
        self.wfile.write(data)
        self.wfile.flush()

    def is_gone(self):
        """Whether the client has closed its end; whoever is odd finds it out when it writes."""
        if self.odd:
            return False
        waiting = select.poll()
        waiting.register(self.connection, select.POLLIN)
        try:
            return bool(waiting.poll(0)) and self.connection.recv(1, socket.MSG_PEEK) == b""
        except OSError:
            return True


def main():
    parser = argparse.ArgumentParser(description="A right receiver for the contract orch-phase4.")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--db", default="orch.db", help="the SQLite file, made when it is not there")
    parser.add_argument("--ttl", type=int, default=86_400, help="seconds that a key lives")
    parser.add_argument("--heartbeat", type=float, default=10.0, help="seconds of silence after which a comment is sent")
    parser.add_argument("--places", type=int, default=AT_ONCE, help="streams that can be open at once")
    parser.add_argument("--odd", action="store_true", help="as right, in ways that few receivers have")
    parser.add_argument("--knobs", action="store_true", help="list the wrong forms (environment variable KNOB) and leave")
    options = parser.parse_args()
    if options.knobs:
        for name, (broken, sentence) in KNOBS.items():
            print(name, broken, sentence, sep="\t")
        return
    knob = os.environ.get("KNOB") or "right"
    if knob != "right" and knob not in KNOBS:
        parser.error(f"KNOB={knob} is not known; there are: right, {', '.join(KNOBS)}")

    names = ("ORCH_WEBHOOK_SECRET", "ORCH_WEBHOOK_PREVIOUS_SECRET")
    Receiver.secrets = tuple(os.environ[name].encode() for name in names if os.environ.get(name))
    Receiver.knob, Receiver.heartbeat, Receiver.odd = knob, options.heartbeat, options.odd
    Receiver.places = threading.Semaphore(options.places)
    Receiver.counters = Counters()
    Receiver.ledger = Ledger(options.db, options.ttl, knob)
    server = Server(("127.0.0.1", options.port), Receiver)

    def stop(*_):
        # `shutdown` waits for the loop that this thread is in, so another thread has to call it.
        Receiver.stopping.set()
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
