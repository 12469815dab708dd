#!/usr/bin/env python3
"""Receivers for `slack-events`, `shopify-webhook` and `twilio-webhook`, as the vendors' own pages write them, in Python's standard library only.

FAMILY in the environment says which; what is verified is answered 200, a repeat alike. With KNOB=NAME it is wrong in one way; `--knobs`
lists them. Twilio signs the address: PUBLIC_URL is the one that is configured; without it, the one that `Host` tells.

usage: FAMILY=slack SLACK_SIGNING_SECRET=... python3 vendors_pages.py [--port 0]
"""
import base64
import hashlib
import hmac
import json
import os
import sys
import threading
import time
from urllib.parse import parse_qs

sys.dont_write_bytecode = True  # the module beside this file leaves no folder behind
import http_door
from http_door import Answer

KNOBS = {
    "no-tolerance": ("SIGT-1", "slack: the time is not looked at"),
    "hash-in-hex": ("AUTH-1", "shopify: the signature is held against hex digits"),
    "body-written-anew": ("AUTH-4", "shopify: the body is parsed and written again before it is verified"),
    "form-not-signed": ("AUTH-1", "twilio: the address alone is verified"),
    "fields-as-they-came": ("AUTH-1", "twilio: fields are not sorted"),
}
TOLERANCE = 60 * 5  # seconds


class Family(http_door.Receiver):
    """What the three have in common."""

    longest_body = 1024 * 1024

    def __init__(self, knob):
        self.knob = knob
        self.lock, self.seen = threading.Lock(), set()

    def deliver(self, request):
        lines = {name: request.header(name) for name in self.read}
        if any(len(values) != 1 for values in lines.values()) or not self.is_signed(request, *(lines[name][0] for name in self.read)):
            return self.refuse(self.refusal, "not verified")
        try:
            known = self.known(request)
        except (ValueError, LookupError, TypeError, RecursionError):
            return self.refuse(400, "no event")
        with self.lock:
            self.seen.add(str(known))  # an event that was seen is passed over, and answered alike
        return Answer(200, b"", "text/plain")


class Slack(Family):
    """https://docs.slack.dev/authentication/verifying-requests-from-slack/, read on 28 November 2026."""

    endpoint, refusal = "/slack/events", 401
    read = ("X-Slack-Request-Timestamp", "X-Slack-Signature")
    secret = os.environ.get("SLACK_SIGNING_SECRET", "").encode()

    def is_signed(self, request, timestamp, signature):
        try:
            is_old = abs(time.time() - int(timestamp)) > TOLERANCE
        except ValueError:
            return False
        mine = "v0=" + hmac.new(self.secret, b"v0:" + timestamp + b":" + request.body, hashlib.sha256).hexdigest()
        return hmac.compare_digest(mine.encode(), signature) and (self.knob == "no-tolerance" or not is_old)

    def known(self, request):
        return json.loads(request.body)["event_id"]


class Shopify(Family):
    """https://shopify.dev/docs/apps/build/webhooks/subscribe/https, read on 28 November 2026."""

    endpoint, refusal = "/webhooks/shopify", 401
    read = ("X-Shopify-Hmac-SHA256",)
    secret = os.environ.get("SHOPIFY_CLIENT_SECRET", "").encode()

    def is_signed(self, request, signature):
        body = request.body
        if self.knob == "body-written-anew":
            try:
                body = json.dumps(json.loads(body), separators=(",", ":"), ensure_ascii=False).encode()
            except (ValueError, RecursionError):
                return False
        mac = hmac.new(self.secret, body, hashlib.sha256)
        mine = mac.hexdigest().encode() if self.knob == "hash-in-hex" else base64.b64encode(mac.digest())
        return hmac.compare_digest(mine, signature)

    def known(self, request):
        return (request.header("X-Shopify-Event-Id") or [b""])[0]


class Twilio(Family):
    """https://www.twilio.com/docs/usage/security#validating-requests, read on 28 November 2026."""

    endpoint, refusal = "/webhooks/twilio", 403
    read = ("X-Twilio-Signature",)
    secret = os.environ.get("TWILIO_AUTH_TOKEN", "").encode()

    def is_signed(self, request, signature):
        host = b"".join(request.header("Host")[:1]).decode("latin-1")
        query = "?" + request.query if request.query else ""
        message = os.environ.get("PUBLIC_URL") or f"http://{host}{request.path}{query}"
        try:
            fields = parse_qs(request.body.decode(), keep_blank_values=True, errors="strict")
        except ValueError:
            return False
        names = list(fields) if self.knob == "fields-as-they-came" else sorted(fields)
        if self.knob != "form-not-signed":
            message += "".join(name + value for name in names for value in sorted(set(fields[name])))
        mine = base64.b64encode(hmac.new(self.secret, message.encode(), hashlib.sha1).digest())
        return hmac.compare_digest(mine, signature)

    def known(self, request):
        return (request.header("I-Twilio-Idempotency-Token") or [b""])[0]


def main():
    options, knob = http_door.arguments("A receiver after its vendor's page.", KNOBS)
    families = {"slack": Slack, "shopify": Shopify, "twilio": Twilio}
    http_door.serve(families[os.environ["FAMILY"]](knob), options.port)


if __name__ == "__main__":
    main()
