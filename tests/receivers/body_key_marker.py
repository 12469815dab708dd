#!/usr/bin/env python3
"""A right receiver for the contract `body-key-marker`, in Python's standard library only.

POST /v1/events: the key is `data.id` in the JSON body, and identifies alone. First deliveries
and duplicates get the same answer; a duplicate's bears `Idempotent-Replayed: true`. Order of
checks: signature, JSON, key. Keys are kept in memory, and with `--keys` in a file, too, one a
line: without it a restart forgets them.
With KNOB=NAME in the environment it is wrong in one way; `--knobs` lists them.

usage: EVENTS_SECRET=... python3 body_key_marker.py [--port 0] [--keys FILE]

Writes `listening on http://127.0.0.1:PORT` to stderr when it is ready; SIGTERM stops it.
"""
import hmac
import json
import os
import re
import sys
import threading
import time
import unicodedata

sys.dont_write_bytecode = True  # the module beside this file leaves no folder behind
import http_door
from http_door import as_json

TOLERANCE = 300  # seconds, either way
LONGEST_KEY = 255  # bytes in UTF-8; requirement KEY-6
PAUSE = 0.2  # seconds between check and mark in `checks-then-marks`

KNOBS = {
    "no-memory": ("DUP-1 ONCE-1", "no key is remembered; every delivery is a first one"),
    "no-marker": ("DUP-1 ONCE-1", "duplicates are recognised, but do not say so"),
    "marker-on-both": ("AUTH-1 DUP-6", "first deliveries bear the marker too"),
    "only-first-duplicate": ("DUP-5", "the second duplicate of a key is taken for a first delivery"),
    "key-trimmed": ("KEY-3", "white space around a key is cut off"),
    "key-folded": ("KEY-3", "keys that differ in case are one key"),
    "key-normalised": ("KEY-10", "keys are compared in the Unicode form NFKC"),
    "numbers-as-text": ("KEY-10", "a whole number is a key, and the same one as its text"),
    "other-member-counts": ("KEY-1", "without `data.id`, an `id` beside `data` is the key"),
    "empty-key-passes": ("KEY-2", "an empty key is a key"),
    "body-identifies": ("OTHER-1", "the same key with another body is a first delivery"),
    "checks-then-marks": ("ONCE-1 ONCE-3", "a key is looked up, and marked a little later"),
    "forgets-after-many": ("DUP-8", "only the newest 100 keys are remembered"),
    "looks-up-before-signature": ("AUTH-7", "a duplicate is answered before the signature is checked"),
    "poisoned": ("KEY-7 SIGT-5", "a key is marked before the signature is checked"),
    "no-time-check": ("SIGT-1 SIGT-2", "any signed time passes"),
    "time-not-signed": ("SIGT-3", "a signature over any time near now passes, whatever the header says"),
    "retry-needs-same-time": ("SIGT-5", "key and signed time together identify"),
    "non-utf8-gives-500": ("HTTP-4", "a signed body that is not UTF-8 gives 500"),
}


class Events(http_door.Receiver):
    """The endpoint."""

    endpoint = "/v1/events"
    health = "/healthz"
    longest_body = 1024 * 1024

    def __init__(self, secret, knob, keys):
        self.secret, self.knob = secret, knob
        self.lock = threading.Lock()
        self.seen = {}  # keys in the order of their first delivery, with the number of duplicates
        self.file = open(keys, "a+", encoding="ascii") if keys else None
        if self.file:
            self.file.seek(0)
            self.seen = {json.loads(line): 0 for line in self.file if line.endswith("\n")}

    def deliver(self, request):
        """The whole promise: signature, JSON, key, memory."""
        if self.knob in ("looks-up-before-signature", "poisoned"):
            early = self.key_of(parsed(request.body))
            if early is not None and self.knob == "poisoned" and not self.is_signed(request):
                self.is_known(early)
            elif early in self.seen and self.knob == "looks-up-before-signature":
                return self.taken(is_duplicate=True)
        if not self.is_signed(request):
            return self.refuse(401, "signature does not match")
        if self.knob == "non-utf8-gives-500":
            try:
                request.body.decode("utf-8")
            except UnicodeDecodeError as cause:
                return self.refuse(500, str(cause))
        payload = parsed(request.body, parse_int=Digits if self.knob == "numbers-as-text" else float)
        if payload is NOT_JSON:
            return self.refuse(400, "body is not JSON")
        key = self.key_of(payload)
        if key is None:
            return self.refuse(400, "data.id is missing or cannot be used")
        if self.knob == "body-identifies":
            key = (key, request.body)
        elif self.knob == "retry-needs-same-time":
            key = (key, request.header("X-Request-Timestamp")[0])
        return self.taken(self.is_known(key))

    def taken(self, is_duplicate):
        is_marked = (is_duplicate or self.knob == "marker-on-both") and self.knob != "no-marker"
        return as_json(200, {"ok": True}, headers={"Idempotent-Replayed": "true"} if is_marked else {})

    def is_known(self, key):
        """Looks a key up and marks it, in one step."""
        if self.knob == "no-memory":
            return False
        if self.knob == "checks-then-marks":
            is_known = key in self.seen
            time.sleep(PAUSE)
            self.seen.setdefault(key, 0)
            self.keep(key)
            return is_known
        with self.lock:
            if key in self.seen:
                self.seen[key] += 1
                return self.knob != "only-first-duplicate" or self.seen[key] == 1
            self.seen[key] = 0
            self.keep(key)
            if self.knob == "forgets-after-many" and len(self.seen) > 100:
                del self.seen[next(iter(self.seen))]
            return False

    def keep(self, key):
        """Writes a new key down, before its delivery is answered."""
        if self.file:
            self.file.write(json.dumps(str(key)) + "\n")
            self.file.flush()

    def key_of(self, payload):
        """`data.id`: text of 1 to 255 bytes, not only white space; or None."""
        data = payload.get("data") if isinstance(payload, dict) else None
        key = data.get("id") if isinstance(data, dict) else None
        if self.knob == "other-member-counts" and key is None and isinstance(payload, dict):
            key = payload.get("id")
        if self.knob == "empty-key-passes" and key == "":
            return key
        if not isinstance(key, str) or not key.strip() or len(key.encode("utf-8", "surrogatepass")) > LONGEST_KEY:
            return None
        if self.knob == "key-trimmed":
            return key.strip()
        if self.knob == "key-folded":
            return key.casefold()
        return unicodedata.normalize("NFKC", key) if self.knob == "key-normalised" else key

    def is_signed(self, request):
        """One time line near now, one signature line that is right. Without a secret nothing is signed."""
        times, given = request.header("X-Request-Timestamp"), request.header("X-Request-Signature")
        if len(times) != 1 or len(given) != 1 or not self.secret or not self.is_timely(times[0]):
            return False
        if self.knob == "time-not-signed":
            now = int(time.time())
            near = (str(second).encode() for second in range(now - TOLERANCE, now + TOLERANCE + 1))
            return any(self.is_right(second, request.body, given[0]) for second in near)
        return self.is_right(times[0], request.body, given[0])

    def is_right(self, second, body, given):
        expected = hmac.digest(self.secret, b"v0:" + second + b":" + body, "sha256").hex()
        return hmac.compare_digest(b"v0=" + expected.encode("ascii"), given)

    def is_timely(self, text):
        """Whole unix seconds, not further from now than the tolerance."""
        if not re.fullmatch(rb"[1-9][0-9]{0,14}", text):
            return False
        return self.knob == "no-time-check" or abs(int(time.time()) - int(text)) <= TOLERANCE


class Digits(str):
    """A whole number of a body as its text, for `numbers-as-text`."""


NOT_JSON = object()


def parsed(body, parse_int=float):
    """What a body says, or NOT_JSON. Whole numbers are read as floats: none is too long then."""
    try:
        return json.loads(body.decode("utf-8"), parse_int=parse_int, parse_constant=no_number)
    except (ValueError, RecursionError):
        return NOT_JSON


def no_number(name):
    raise ValueError(f"{name} is not JSON")


def main():
    def add(parser):
        parser.add_argument("--keys", help="the file that keys are kept in over a restart")

    options, knob = http_door.arguments("A right receiver for the contract body-key-marker.", KNOBS, add)
    events = Events(os.environ.get("EVENTS_SECRET", "").encode(), knob, options.keys)
    http_door.serve(events, options.port)


if __name__ == "__main__":
    main()
