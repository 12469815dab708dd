#!/usr/bin/env python3
"""A receiver for the contract `standard-webhooks`, with the specification's own library (PyPI: standardwebhooks).

POST /webhooks: what the library verifies is answered 200, a message that comes again too; what it does not verify is answered 401.
With KNOB=NAME in the environment it is wrong in one way; `--knobs` lists them.

usage: STANDARD_WEBHOOKS_SECRET=whsec_... python3 standard_webhooks_library.py [--port 0]
"""
import json
import os
import sys
import threading

from standardwebhooks import Webhook, WebhookVerificationError

sys.dont_write_bytecode = True  # the module beside this file leaves no folder behind
import http_door
from http_door import as_json

KNOBS = {
    "malformed-gives-500": ("AUTH-5", "only the library's own exception is caught: what it cannot read falls through"),
    "body-written-anew": ("AUTH-4", "the body is parsed and written again before it is verified"),
}


class Hooks(http_door.Receiver):
    """The endpoint."""

    endpoint = "/webhooks"
    longest_body = 1024 * 1024

    def __init__(self, secret, knob):
        self.webhook, self.knob = Webhook(secret), knob
        self.lock, self.seen = threading.Lock(), set()

    def deliver(self, request):
        caught = WebhookVerificationError if self.knob == "malformed-gives-500" else Exception
        body = request.body
        try:
            if self.knob == "body-written-anew":
                body = json.dumps(json.loads(body), separators=(",", ":"), ensure_ascii=False).encode()
            names = ("webhook-id", "webhook-timestamp", "webhook-signature")
            headers = {name: b",".join(request.header(name)).decode() for name in names}
            self.webhook.verify(body, headers, json_parse=False)
        except caught:
            return self.refuse(401, "not verified")
        with self.lock:
            self.seen.add(headers["webhook-id"])  # a message that was seen is passed over, and answered alike
        return as_json(200, {"received": True})


def main():
    options, knob = http_door.arguments("A receiver with the library of Standard Webhooks.", KNOBS)
    http_door.serve(Hooks(os.environ.get("STANDARD_WEBHOOKS_SECRET", ""), knob), options.port)


if __name__ == "__main__":
    main()
