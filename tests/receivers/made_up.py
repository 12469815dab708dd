#!/usr/bin/env python3
"""A right receiver for the contract of tests/contracts/made-up.yaml, in Python's standard library only.

It looks at the signature before it looks at the key. With KNOB=no-time-check it takes deliveries of any age;
with KNOB=right-key-first it refuses a blank key before it looks at the signature, which is right, too.

usage: MADE_UP_SECRET=... python3 made_up.py [--port 0] [--kept FILE]
"""
import argparse
import base64
import hashlib
import hmac
import json
import os
import signal
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

sys.dont_write_bytecode = True
KNOB = os.environ.get("KNOB") or "right"
TOLERANCE, TTL = 300, 3600  # seconds


class Receiver(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def do_POST(self):
        body = self.body()
        if body is None:
            return
        try:
            key = json.loads(body)["delivery_id"]
        except (ValueError, TypeError, KeyError, RecursionError):
            key = None
        key = key if isinstance(key, str) else None
        is_blank = key is None or not key.strip()
        if KNOB == "right-key-first" and is_blank:
            return self.say(422)
        if not self.is_signed(key or "", body):
            return self.say(403)
        if is_blank:
            return self.say(422)
        with LOCK:
            at, first = KEPT.get(key, (0, None))
            if first is not None and time.time() - at < TTL:
                return self.say(208, first)
            answer = json.dumps({"id": key, "stored": True}).encode()
            KEPT[key] = (time.time(), answer)
            FILE.write(json.dumps([key, time.time(), answer.decode()]) + "\n")
            FILE.flush()
        self.say(201, answer)

    def is_signed(self, key, body):
        macs, times = self.headers.get_all("X-Mac", []), self.headers.get_all("X-Time", [])
        if len(macs) != 1 or len(times) != 1 or not (times[0].isascii() and times[0].isdigit()):
            return False
        message = times[0].encode() + b":" + key.encode("utf-8", "replace") + b":" + body
        right = "v1=" + base64.b64encode(hmac.new(SECRET, message, hashlib.sha512).digest()).decode()
        if not hmac.compare_digest(right.encode(), macs[0].encode("latin-1", "replace")):
            return False
        return KNOB == "no-time-check" or abs(time.time() - int(times[0])) <= TOLERANCE

    def body(self):
        """The body's bytes; None when they did not all come."""
        if "chunked" not in self.headers.get("Transfer-Encoding", "").lower():
            length = int(self.headers.get("Content-Length", 0))
            body = self.rfile.read(length)
            self.close_connection = self.close_connection or len(body) != length
            return body if len(body) == length else None
        pieces = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            pieces.append(self.rfile.read(size))
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass
        return b"".join(pieces)

    def other(self):
        if self.body() is not None:
            self.say(204 if (self.command, self.path) == ("GET", "/alive") else 405)

    do_GET = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = other

    def say(self, status, body=b""):
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def log_message(self, format, *args):
        pass


class Server(ThreadingHTTPServer):
    """A thread a connection."""

    daemon_threads = True
    request_queue_size = 1024

    def handle_error(self, request, client_address):
        pass  # a sender that goes away


parser = argparse.ArgumentParser()
parser.add_argument("--port", type=int, default=0)
parser.add_argument("--kept", default="kept.jsonl", help="what was accepted, a line each")
options = parser.parse_args()
SECRET = base64.b64decode(os.environ["MADE_UP_SECRET"])
LOCK, KEPT, FILE = threading.Lock(), {}, open(options.kept, "a+", encoding="utf-8")
FILE.seek(0)
for line in FILE:
    accepted, when, text = json.loads(line)
    KEPT[accepted] = (when, text.encode())
signal.signal(signal.SIGTERM, lambda *_: sys.exit())
server = Server(("127.0.0.1", options.port), Receiver)
print(f"listening on http://127.0.0.1:{server.server_port}", flush=True)
server.serve_forever()
