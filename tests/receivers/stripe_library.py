#!/usr/bin/env python3
"""A receiver for the contract `stripe-webhook`, with Stripe's own library (PyPI: stripe).

POST /webhooks/stripe: what the library verifies is answered 200, an event that comes again too; what it does not verify is
answered 400. With KNOB=NAME in the environment it is wrong in one way; `--knobs` lists them.

usage: STRIPE_WEBHOOK_SECRET=whsec_... python3 stripe_library.py [--port 0]
"""
import json
import os
import sys
import threading

import stripe

sys.dont_write_bytecode = True  # the module beside this file leaves no folder behind
import http_door
from http_door import as_json

KNOBS = {
    "no-tolerance": ("SIGT-1", "the library is told not to look at the time"),
    "body-written-anew": ("AUTH-4", "the body is parsed and written again before it is verified"),
}


class Stripe(http_door.Receiver):
    """The endpoint."""

    endpoint = "/webhooks/stripe"
    longest_body = 1024 * 1024

    def __init__(self, secret, knob):
        self.secret, self.knob = secret, knob
        self.lock, self.seen = threading.Lock(), set()

    def deliver(self, request):
        lines = request.header("Stripe-Signature")
        body = request.body
        try:
            if self.knob == "body-written-anew":
                body = json.dumps(json.loads(body), separators=(",", ":"), ensure_ascii=False).encode()
            header = lines[0].decode() if len(lines) == 1 else None
            stripe.WebhookSignature.verify_header(body, header, self.secret, None if self.knob == "no-tolerance" else 300)
            event = json.loads(body)
            known = event["id"]
        except (stripe.SignatureVerificationError, ValueError, LookupError, TypeError, RecursionError):
            return self.refuse(400, "not verified")
        with self.lock:
            self.seen.add(str(known))  # an event that was seen is passed over, and answered alike
        return as_json(200, {"received": True})


def main():
    options, knob = http_door.arguments("A receiver with Stripe's own library.", KNOBS)
    http_door.serve(Stripe(os.environ.get("STRIPE_WEBHOOK_SECRET"), knob), options.port)


if __name__ == "__main__":
    main()
