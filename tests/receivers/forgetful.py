#!/usr/bin/env python3
"""A receiver for the contract of tests/contracts/forgetful.yaml, in Python's standard library only.

With KNOB=right it keeps its keys and what it did in files. With KNOB=counts-in-memory the page counts since the start, which is right,
too; with KNOB=keys-in-memory the keys are forgotten as well. With KNOB=keeps-its-lease a delivery that failed keeps its key in flight for
a second and a half, which is less than the lease.

usage: FORGETFUL_TOKEN=... python3 forgetful.py PORT FOLDER
"""
import json
import os
import signal
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

sys.dont_write_bytecode = True
KNOB = os.environ.get("KNOB") or "right"
UNDER_WAY = 1.5  # seconds


class Receiver(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def do_POST(self):
        body = self.body()
        if body is None:
            return
        if self.headers.get_all("X-Token", []) != [TOKEN]:
            return self.say(401)
        keys = self.headers.get_all("X-Event", [])
        if len(keys) != 1 or not keys[0].strip():
            return self.say(400)
        key = keys[0]
        with LOCK:
            if key in KEYS:
                return self.say(200)
            if STUCK.get(key, 0) > time.monotonic():
                return self.say(409)
            if "X-Fail" in self.headers:
                if KNOB == "keeps-its-lease":
                    STUCK[key] = time.monotonic() + UNDER_WAY
                return self.say(503)
            KEYS.add(key)
            DONE[key] = DONE.get(key, 0) + 1
            if KNOB != "keys-in-memory":
                FILE.write(json.dumps(key) + "\n")
                FILE.flush()
        self.say(200)

    def do_GET(self):
        address = urlsplit(self.path)
        if address.path != "/done":
            return self.other()
        key = parse_qs(address.query, keep_blank_values=True, encoding="latin-1").get("key", [""])[0]
        self.say(200, json.dumps({"count": DONE.get(key, 0)}).encode())

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
            self.say(405)

    do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = other

    def say(self, status, body=b""):
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
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


TOKEN = os.environ["FORGETFUL_TOKEN"]
LOCK, KEYS, DONE, STUCK = threading.Lock(), set(), {}, {}
FILE = open(Path(sys.argv[2]) / "kept.jsonl", "a+", encoding="utf-8")
FILE.seek(0)
for line in FILE:
    kept = json.loads(line)
    KEYS.add(kept)
    if KNOB != "counts-in-memory":
        DONE[kept] = DONE.get(kept, 0) + 1
signal.signal(signal.SIGTERM, lambda *_: sys.exit())
Server(("127.0.0.1", int(sys.argv[1])), Receiver).serve_forever()
