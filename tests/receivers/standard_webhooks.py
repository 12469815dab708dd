#!/usr/bin/env python3
"""A right receiver for the contract `standard-webhooks-only`, in Python's standard library only.

POST /hooks after the Standard Webhooks specification, signatures only: whatever is rightly
signed is answered 204, again and again; nothing is remembered. A missing or empty id is
answered 400, everything else that is wrong with id, time or signature 401. There is no
health page. With KNOB=NAME in the environment it is wrong in one way; `--knobs` lists them.

usage: WEBHOOK_SECRET=whsec_... [WEBHOOK_PREVIOUS_SECRET=whsec_...] python3 standard_webhooks.py [--port 0]

Writes `listening on http://127.0.0.1:PORT` to stderr when it is ready; SIGTERM stops it.
"""
import base64
import binascii
import hashlib
import hmac
import json
import os
import re
import sys
import threading
import time
import urllib.parse

sys.dont_write_bytecode = True  # the module beside this file leaves no folder behind
import http_door
from http_door import Answer

TOLERANCE = 300  # seconds, either way
SHORT = 8  # characters that `prefix-compare` looks at

KNOBS = {
    "no-time-check": ("SIGT-1 SIGT-2", "any signed time passes"),
    "future-unbounded": ("SIGT-2", "only the past is bounded"),
    "lenient-time": ("SIGT-4", "the time may be a fraction, bear a sign or white space inside"),
    "only-first-signature": ("SIGL-1", "only the first signature of the list is looked at"),
    "one-bad-spoils": ("SIGL-1", "a list with an unknown version, or with a wrong signature, is refused"),
    "unknown-version-passes": ("SIGL-1 SIGL-2", "the name of the version is not looked at"),
    "empty-signature-passes": ("AUTH-3 AUTH-5 SIGL-2", "compares as much as was sent: `v1,` passes"),
    "prefix-compare": ("AUTH-5", f"only the first {SHORT} characters of a signature are compared"),
    "signature-over-decoded-text": ("AUTH-4", "the body is decoded as UTF-8 with replacements before it is checked"),
    "signature-over-parsed-json": ("AUTH-4", "the body is parsed and written again before it is checked"),
    "non-utf8-gives-500": ("AUTH-4 HTTP-4", "a body that is not UTF-8 gives 500"),
    "malformed-gives-500": ("AUTH-5", "a signature that is no version, comma and base64 gives 500"),
    "verdict-cached": ("AUTH-2 SIGT-3", "a signature header that has passed once passes with any id, time and body"),
    "last-line-wins": ("AUTH-10", "of two signature lines the last is taken"),
    "missing-id-passes": ("KEY-1 KEY-2", "a missing or empty id is signed as an empty one"),
    "refuses-repeats": ("AUTH-1", "an id that has passed is answered 409 from then on"),
}

# Forms in which refusals, and the log, tell the key.
REVEALED = {
    "whole": lambda text, key: text,
    "stripped": lambda text, key: text.removeprefix("whsec_"),
    "raw": lambda text, key: key.decode("latin-1"),
    "hex": lambda text, key: key.hex(),
    "hex-in-capitals": lambda text, key: key.hex().upper(),
    "base64url-in-lines": lambda text, key: base64.urlsafe_b64encode(b"x" + key).decode()[:16] + "\n    " + base64.urlsafe_b64encode(b"x" + key).decode()[16:],
    "percent": lambda text, key: urllib.parse.quote(key),
    "in-a-header": lambda text, key: base64.b64encode(text.encode()).decode().rstrip("="),
    "json": lambda text, key: key.decode("latin-1"),
}
KNOBS |= {f"reveals-{form}": ("AUTH-8 AUTH-11", f"refusals and the log tell the key: {form}") for form in REVEALED}


class Hooks(http_door.Receiver):
    """The endpoint."""

    endpoint = "/hooks"
    longest_body = 256 * 1024

    def __init__(self, keys, knob):
        self.keys, self.knob = keys, knob
        form = knob.removeprefix("reveals-")
        self.told = REVEALED[form](os.environ["WEBHOOK_SECRET"], keys[0]) if form in REVEALED else None
        if self.told:
            print("using key", self.told, flush=True)
        self.lock = threading.Lock()
        self.seen = set()

    def deliver(self, request):
        ids = request.header("webhook-id")
        if len(ids) != 1 or not ids[0]:
            if self.knob != "missing-id-passes" or len(ids) > 1:
                return self.refuse(400, "webhook-id is missing or cannot be used")
            ids = [b""]
        if self.knob == "malformed-gives-500" and any(map(is_malformed, request.header("webhook-signature"))):
            return self.refuse(500, "Incorrect padding")
        if self.knob == "non-utf8-gives-500" and not is_utf8(request.body):
            return self.refuse(500, "'utf-8' codec can't decode byte")
        if not self.is_signed(ids[0], request):
            return self.refuse(401, "signature does not match")
        if self.knob == "refuses-repeats" and not self.is_first(ids[0]):
            return self.refuse(409, "this webhook-id was seen")
        return Answer(204)

    def refuse(self, status, why):
        if not self.told:
            return super().refuse(status, why)
        if self.knob == "reveals-in-a-header":
            return Answer(status, b"{}", "application/json", {"X-Debug": f"key={self.told}"})
        return super().refuse(status, f"{why} under key {self.told}")

    def is_signed(self, given_id, request):
        """One time line near now, one signature line of which one entry is right. Without a secret nothing is signed."""
        times, lists = request.header("webhook-timestamp"), request.header("webhook-signature")
        if self.knob == "last-line-wins":
            lists = lists[-1:]
        if len(times) != 1 or len(lists) != 1 or not self.is_timely(times[0]):
            return False
        if self.knob == "verdict-cached" and lists[0] in self.seen:
            return True
        message = b".".join((given_id, times[0], self.as_signed(request.body)))
        expected = [base64.b64encode(hmac.new(key, message, hashlib.sha256).digest()) for key in self.keys]
        is_right = self.one_is_right(lists[0], expected)
        if is_right and self.knob == "verdict-cached":
            self.seen.add(lists[0])
        return is_right

    def one_is_right(self, given, expected):
        """Whether one entry of a list separated by blanks is `v1` and right; other versions are passed over."""
        entries = [entry.partition(b",") for entry in given.split(b" ") if entry]
        if self.knob == "only-first-signature":
            entries = entries[:1]
        verdicts = []
        for version, _, signature in entries:
            is_known = version == b"v1" or self.knob == "unknown-version-passes"
            verdicts.append(is_known and any(self.is_equal(right, signature) for right in expected))
        return bool(verdicts) and (all(verdicts) if self.knob == "one-bad-spoils" else any(verdicts))

    def is_equal(self, right, given):
        if self.knob == "empty-signature-passes":
            right = right[: len(given)]
        elif self.knob == "prefix-compare":
            right, given = right[:SHORT], given[:SHORT]
        return hmac.compare_digest(right, given)

    def is_timely(self, text):
        """Whole unix seconds, not further from now than the tolerance."""
        if self.knob == "lenient-time":
            try:
                given = int(float(text))
            except (ValueError, OverflowError):
                return False
        elif re.fullmatch(rb"[1-9][0-9]{0,14}", text):
            given = int(text)
        else:
            return False
        late = int(time.time()) - given
        if self.knob == "no-time-check":
            return True
        return late <= TOLERANCE and (late >= -TOLERANCE or self.knob == "future-unbounded")

    def as_signed(self, body):
        """The body as it travelled; two knobs know better."""
        if self.knob == "signature-over-decoded-text":
            return body.decode("utf-8", "replace").encode()
        if self.knob == "signature-over-parsed-json":
            try:
                return json.dumps(json.loads(body), separators=(",", ":"), ensure_ascii=False).encode()
            except (ValueError, RecursionError):
                pass
        return body

    def is_first(self, given_id):
        with self.lock:
            is_first = given_id not in self.seen
            self.seen.add(given_id)
            return is_first


def is_malformed(given):
    """Whether an entry is not version, comma and base64."""
    for entry in given.split(b" "):
        _, comma, signature = entry.partition(b",")
        try:
            base64.b64decode(signature, validate=True)
        except binascii.Error:
            return True
        if not comma:
            return True
    return False


def is_utf8(body):
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def key_of(name):
    """The key bytes of a secret in the environment, in a list: empty when there is none."""
    text = os.environ.get(name, "")
    try:
        key = base64.b64decode(text.removeprefix("whsec_"), validate=True)
    except (binascii.Error, ValueError):
        sys.exit(f"{name} is not base64 after `whsec_`")
    return [key] if key else []


def main():
    options, knob = http_door.arguments("A right receiver for the contract standard-webhooks-only.", KNOBS)
    keys = key_of("WEBHOOK_SECRET")
    http_door.serve(Hooks(keys + key_of("WEBHOOK_PREVIOUS_SECRET") if keys else [], knob), options.port)


if __name__ == "__main__":
    main()
