#!/usr/bin/env python3
"""A right receiver for the contract `draft-like-first`, in Python's standard library only.

POST /payments after draft-ietf-httpapi-idempotency-key-header-07, with a bare key: a repeat
gets the first's answer byte for byte, another body under a live key 422, a rival of a delivery
under way 409. Order of checks: key's form, signature, key. A refusal keeps nothing.
With KNOB=NAME in the environment it is wrong in one way; `--knobs` lists them.

usage: PAYMENTS_SECRET=... python3 draft_like_first.py [--port 0] [--db payments.db] [--effects FILE] [--ttl 86400] [--work 0.03]

Writes `listening on http://127.0.0.1:PORT` to stderr when it is ready; SIGTERM stops it.
"""
import hashlib
import hmac
import json
import os
import re
import sqlite3
import sys
import threading
import time
from datetime import datetime, timezone
from urllib.parse import parse_qs

sys.dont_write_bytecode = True  # the module beside this file leaves no folder behind
import http_door
from http_door import Answer, as_json

LONGEST_KEY = 255  # bytes; requirement KEY-6
LONGEST_TTL = 315_360_000  # ten years, in seconds
DONE = '{"received":true}'  # the whole answer of every first delivery

SCHEMA = """
CREATE TABLE IF NOT EXISTS requests (
    idempotency_key TEXT PRIMARY KEY, created_at TEXT, expires_in INTEGER, fingerprint TEXT, answer TEXT);
"""
# The instant at which a row ends, in whole seconds; an index on it keeps the cleanup short.
END = "datetime(created_at, '+' || coalesce(expires_in, 86400) || ' seconds')"

KNOBS = {
    "no-memory": ("EFF-1 DUP-4 OTHER-1 FLY-1", "no key is looked up; every delivery is worked on"),
    "looks-up-before-signature": ("AUTH-7", "a known key is answered before the signature is checked"),
    "no-conflict-check": ("OTHER-1", "another body under a live key gets the first's answer"),
    "conflict-overwrites": ("OTHER-2", "another body is refused, and its fingerprint stored over the first's"),
    "races": ("ONCE-1 EFF-1 FLY-1", "looks up, works, then stores: rivals are all worked on"),
    "works-each-time": ("EFF-2 EFF-1", "answers are right, but the work is done before the key is looked up"),
    "in-flight-gives-500": ("FLY-1", "a rival of a delivery under way gets 500"),
    "in-flight-forever-after-cut": ("FLY-2", "the key is claimed with the head, and stays claimed when the sender goes away"),
    "poisoned-by-refusal": ("KEY-7", "a badly signed delivery's refusal is stored, and is what its key gets from then on"),
    "repeat-differs": ("DUP-1 DUP-5", "a repeat gets 200 and another body than the first"),
    "key-folded": ("KEY-3 AUD-4", "keys that differ in case are one key"),
    "key-cut": ("KEY-3", "keys are cut after 64 characters"),
    "never-expires": ("TTL-3 TTL-5 TTL-6 TTL-8", "keys live for ever"),
    "prolongs": ("TTL-4 DUP-4", "each repeat gives the key a new life"),
    "fingerprint-of-json": ("AUTH-4 OTHER-3", "bodies are fingerprinted as re-serialised JSON"),
}


class Claim:
    """A delivery under way."""

    def __init__(self, fingerprint):
        self.fingerprint = fingerprint


class Ledger:
    """Done requests in a SQLite file, deliveries under way in memory, effects in a log; all behind one lock."""

    def __init__(self, path, effects, ttl, knob):
        self.ttl, self.knob = ttl, knob
        self.lock = threading.Lock()
        self.claims = {}
        self.log = open(effects, "ab", buffering=0) if effects else None
        self.effects = {}  # how often the work of a key was done, for the page that tells it
        self.db = sqlite3.connect(path, timeout=10, check_same_thread=False, isolation_level=None)
        self.db.execute("PRAGMA journal_mode = WAL")
        self.db.execute("PRAGMA synchronous = NORMAL")
        self.db.executescript(SCHEMA)
        self.db.execute(f"CREATE INDEX IF NOT EXISTS requests_by_end ON requests ({END})")

    def known(self, key):
        """The fingerprint and the answer of a live key, or None."""
        if self.knob != "never-expires":
            self.db.execute(f"DELETE FROM requests WHERE {END} < datetime('now')")
        return self.db.execute("SELECT fingerprint, answer FROM requests WHERE idempotency_key = ?", (key,)).fetchone()

    def begin(self, key, fingerprint):
        """Claims a key: `("begun", Claim)`, or how it is known: `repeat` with its answer, `other-body`, `in-flight`."""
        with self.lock:
            row = self.known(key) if self.knob != "no-memory" else None
            if row:
                return self.compare(key, fingerprint, *row)
            rival = self.claims.get(key)
            if rival and self.knob not in ("races", "no-memory"):
                return ("in-flight" if rival.fingerprint in (None, fingerprint) else "other-body"), None
            claim = self.claims[key] = Claim(fingerprint)
            return "begun", claim

    def compare(self, key, fingerprint, first, answer):
        if self.knob == "prolongs":
            self.db.execute("UPDATE requests SET created_at = ? WHERE idempotency_key = ?", (instant(), key))
        if fingerprint == first or self.knob == "no-conflict-check":
            return "repeat", answer
        if self.knob == "conflict-overwrites":
            self.db.execute("UPDATE requests SET fingerprint = ? WHERE idempotency_key = ?", (fingerprint, key))
        return "other-body", None

    def finish(self, key, claim):
        """Stores the answer and notes the effect: the row is written when the line is, or neither."""
        with self.lock:
            self.db.execute("BEGIN IMMEDIATE")
            try:
                row = (key, instant(), self.ttl, claim.fingerprint, DONE)
                self.db.execute("INSERT OR REPLACE INTO requests VALUES (?, ?, ?, ?, ?)", row)
                self.note_effect(key)
                self.db.execute("COMMIT")
            except BaseException:
                if self.db.in_transaction:
                    self.db.execute("ROLLBACK")
                raise
            self.drop(key, claim)

    def free(self, key, claim):
        """Gives a claim up; one that has finished, or is another's, stays as it is."""
        with self.lock:
            self.drop(key, claim)

    def drop(self, key, claim):
        if self.claims.get(key) is claim:
            del self.claims[key]

    def note_effect(self, key):
        if self.knob != "works-each-time":
            self.work(key)

    def work(self, key):
        """Does the work of a key: it is counted, and has its line in the log."""
        self.effects[key] = self.effects.get(key, 0) + 1
        if self.log:
            self.log.write(key.encode() + b"\n")

    def claim_early(self, key):
        """What `in-flight-forever-after-cut` does with a head: a claim, when the key is free."""
        with self.lock:
            if self.known(key) or key in self.claims:
                return None
            claim = self.claims[key] = Claim(None)
            return claim


def instant():
    """Now as `2025-10-05T20:05:03.123456`, always with six digits."""
    return datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%f")


class Payments(http_door.Receiver):
    """The endpoint."""

    endpoint = "/payments"
    health = "/healthz"

    def __init__(self, secret, ledger, work, knob):
        self.secret, self.ledger, self.work, self.knob = secret, ledger, work, knob
        self.poisoned = {}

    def answer(self, request):
        if request.path == "/__effects" and request.method == "GET":
            keys = parse_qs(request.query).get("key", [])
            with self.ledger.lock:
                return as_json(200, {"by_key": {key: self.ledger.effects[key] for key in keys if key in self.ledger.effects}})
        return super().answer(request)

    def refuse(self, status, why):
        value = {"type": "about:blank", "title": why, "status": status}
        return as_json(status, value, "application/problem+json")

    def deliver(self, request):
        """The whole promise: key's form, signature, key, work."""
        key = self.key_of(request)
        if key is None:
            return self.refuse(400, "Idempotency-Key is missing or cannot be used")
        if self.knob == "looks-up-before-signature" and (early := self.looked_up_early(key, request)):
            return early
        if not self.is_signed(request):
            return self.not_signed(key, request)
        if key in self.poisoned:
            return self.poisoned[key]
        try:
            return self.once(key, self.fingerprint(request.body), request)
        except sqlite3.Error as cause:
            # Nothing was stored, so the sender may come again.
            print(f"not stored: {cause}", file=sys.stderr, flush=True)
            return self.refuse(503, "try again later")

    def once(self, key, fingerprint, request):
        """Works under a claim, or says what is known of the key."""
        if self.knob == "works-each-time":
            with self.ledger.lock:
                self.ledger.work(key)
        if request.note:
            found, claim = "begun", request.note
            claim.fingerprint = fingerprint
        else:
            found, claim = self.ledger.begin(key, fingerprint)
        if found != "begun":
            return self.known(found, claim)
        is_freed = True
        try:
            time.sleep(self.work)
            if self.knob == "in-flight-forever-after-cut" and request.sender_is_gone():
                is_freed = False
            else:
                self.ledger.finish(key, claim)
        finally:
            if is_freed:
                self.ledger.free(key, claim)
        return Answer(201, DONE.encode())

    def known(self, found, answer):
        """What a key that is not free gets."""
        if found == "repeat":
            if self.knob == "repeat-differs":
                return as_json(200, {"received": True, "repeated": True})
            return Answer(201, answer.encode())
        if found == "in-flight":
            if self.knob == "in-flight-gives-500":
                return self.refuse(500, "UNIQUE constraint failed: requests.idempotency_key")
            return self.refuse(409, "a request with this Idempotency-Key is being worked on")
        return self.refuse(422, "this Idempotency-Key was used with another body")

    def key_of(self, request):
        """One header line of 1 to 255 visible ASCII characters, or None."""
        given = request.header("Idempotency-Key")
        if len(given) != 1 or len(given[0]) > LONGEST_KEY or not re.fullmatch(rb"[!-~]+", given[0]):
            return None
        key = given[0].decode("ascii")
        if self.knob == "key-folded":
            return key.lower()
        return key[:64] if self.knob == "key-cut" else key

    def is_signed(self, request):
        """One header line, equal to the HMAC of the raw bytes. Without a secret nothing is signed."""
        given = request.header("X-Signature")
        if len(given) != 1 or not self.secret:
            return False
        expected = hmac.new(self.secret, request.body, hashlib.sha256).hexdigest().encode("ascii")
        return hmac.compare_digest(expected, given[0])

    def not_signed(self, key, request):
        refusal = self.refuse(401, "signature does not match")
        if request.note:
            self.ledger.free(key, request.note)
        if self.knob == "poisoned-by-refusal":
            with self.ledger.lock:
                if not self.ledger.known(key):
                    self.poisoned[key] = refusal
        return refusal

    def fingerprint(self, body):
        """Lower-case hex SHA-256 of the body's bytes."""
        if self.knob == "fingerprint-of-json":
            try:
                body = json.dumps(json.loads(body), sort_keys=True).encode()
            except (ValueError, RecursionError):
                pass
        return hashlib.sha256(body).hexdigest()

    def looked_up_early(self, key, request):
        with self.ledger.lock:
            row = self.ledger.known(key)
            return self.known(*self.ledger.compare(key, self.fingerprint(request.body), *row)) if row else None

    def head_was_read(self, request):
        if self.knob == "in-flight-forever-after-cut" and request.method == "POST" and request.path == self.endpoint:
            key = self.key_of(request)
            request.note = self.ledger.claim_early(key) if key else None


def main():
    def add(parser):
        parser.add_argument("--db", default="payments.db", help="the SQLite file")
        parser.add_argument("--effects", help="a log that gets the key of each delivery that was worked on, a line each")
        parser.add_argument("--ttl", type=int, default=86400, help="seconds that a key lives")
        parser.add_argument("--work", type=float, default=0.03, help="seconds that the work takes")

    options, knob = http_door.arguments("A right receiver for the contract draft-like-first.", KNOBS, add)
    if not 1 <= options.ttl <= LONGEST_TTL or not 0 <= options.work <= 60:
        sys.exit(f"--ttl must be from 1 to {LONGEST_TTL}, --work from 0 to 60")
    ledger = Ledger(options.db, options.effects, options.ttl, knob)
    secret = os.environ.get("PAYMENTS_SECRET", "").encode()
    http_door.serve(Payments(secret, ledger, options.work, knob), options.port)
    with ledger.lock:
        ledger.db.close()


if __name__ == "__main__":
    main()
