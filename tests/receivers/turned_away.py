#!/usr/bin/env python3
"""Right receivers that turn honest deliveries away, each for one reason: CAUSE says for which.

other-secret      its secret is another
line-end          its secret has a line end that nobody else's has
moved             deliveries go to /hooks/terminal, everything else is 404
slash             the path has a slash at its end, and the one without redirects there
elsewhere         every delivery is redirected to another machine
put               deliveries come by PUT
limited           every delivery is answered 429
page              a proxy's page is answered 502 to every delivery
sign-in           a page to sign in is answered 200 to every delivery
broken            every delivery ends in a failure
clock             its clock is off by SECONDS (Standard Webhooks)
late-to-work      the first three deliveries are answered 503, and the first of them asks to come again in a second
other-body        ordinary bodies are refused, one with a log is accepted
raises            a job that failed raises an exception in it, which names the secret; it is answered 500
inverted          it accepts what is wrongly signed, and refuses what is rightly signed
"""

import hmac
import os
import sys
import time
import traceback

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

CAUSE = os.environ["CAUSE"]
PAGE = "<!DOCTYPE html>\n<html><head><title>{}</title></head><body><h1>{}</h1></body></html>\n"

if CAUSE == "clock":
    import standard_webhooks

    now = time.time
    time.time = lambda: now() + int(os.environ["SECONDS"])
    standard_webhooks.main()
    sys.exit()

import orch_phase3 as right  # noqa: E402

delivered = 0
deliver, is_signed, do_post = right.Receiver.deliver, right.Receiver.is_signed, right.Receiver.do_POST
ENDPOINT = right.ENDPOINT


def refused(self, body):
    """Whether the delivery was answered already."""
    global delivered
    delivered += 1
    if CAUSE == "limited":
        self.answer(429, {"error": "too many requests"})
    elif CAUSE == "page":
        self.send(502, "text/html", PAGE.format(*["502 Bad Gateway"] * 2).encode())
    elif CAUSE == "sign-in":
        self.send(200, "text/html; charset=utf-8", PAGE.format(*["Sign in"] * 2).encode())
    elif CAUSE == "broken":
        self.answer(500, {"error": "no such table: keys"})
    elif CAUSE == "elsewhere":
        self.send(301, "text/plain", b"", {"Location": "https://hooks.example/in"})
    elif CAUSE == "late-to-work" and delivered <= 3:
        self.answer(503, {"error": "starting"}, {"Retry-After": "1"} if delivered == 1 else {})
    elif CAUSE == "other-body" and len(body) < 300:
        self.answer(422, {"error": "a log is wanted"})
    elif CAUSE == "raises" and b'"failed"' in body:
        try:
            work(self.secret.decode())
        except KeyError:
            traceback.print_exc()
            sys.stderr.flush()
            self.answer(500, {"error": "internal"})
    else:
        return False
    return True


def work(key):
    return {}[key]


def delivered_to(self, body):
    if not refused(self, body):
        deliver(self, body)


def signed(self, body):
    return is_signed(self, body) != (CAUSE == "inverted")


def post(self):
    path = self.path
    if CAUSE == "moved":
        self.path = ENDPOINT if path == "/hooks/terminal" else "/nowhere"
    if CAUSE == "slash":
        if path == ENDPOINT:
            if self.whole(self.read_body) is not None:
                self.send(308, "text/plain", b"", {"Location": ENDPOINT + "/"})
            return
        self.path = ENDPOINT if path == ENDPOINT + "/" else "/nowhere"
    if CAUSE == "put":
        if self.command == "POST":
            if self.whole(self.read_body) is not None:
                self.answer(405, {"error": "method not allowed"}, {"Allow": "PUT"})
            return
    do_post(self)


if CAUSE == "other-secret":
    os.environ["ORCH_WEBHOOK_SECRET"] = "quite another secret"
if CAUSE == "line-end":
    os.environ["ORCH_WEBHOOK_SECRET"] += "\n"
right.Receiver.deliver, right.Receiver.is_signed, right.Receiver.do_POST = delivered_to, signed, post
if CAUSE == "put":
    right.Receiver.do_PUT = post
right.main()
