#!/usr/bin/env python3
"""The right receiver beside this file, in trouble: TROUBLE says in which.

dies-of-chunks   its process ends at a body that comes in chunks
dies-of-all      its process ends at every delivery
dies-once        its process ends once, at the first delivery of its life in a folder
dies-when-asked  its process ends at the second health check in a row, once ten deliveries came, and in its next life again at the second
slow-health      its health page takes longer than a second
flapping-health  its first health checks after a start are answered 200, 503, 503, 200
gateway          something before it wants header lines of its own, and turns away what has none
impatient        something before it turns the second delivery away, and names the date at which it may come again
hangs-up         every third delivery over a connection that was used before is taken, and the connection closed without an answer
redirects        every delivery is sent elsewhere (308, with Location)
mute             it answers its health check, and no delivery
few-keys         it remembers the eight keys alone that were asked for last
"""

import io
import os
import sys
import threading
import time
from email.utils import formatdate

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import orch_phase3 as right  # noqa: E402

TROUBLE = os.environ["TROUBLE"]
FLAPPING = [200, 503, 503, 200]
asked = 0
looks = []
delivered = 0
deliver, ask = right.Receiver.do_POST, right.Receiver.do_GET
take, kept, FEW = right.Ledger.take, {}, threading.Lock()


def is_turned_away(self):
    if TROUBLE != "gateway":
        return False
    if self.headers.get("X-Tenant") == "seven" and self.headers.get("Authorization") == "Bearer a-token-of-the-tests":
        return False
    self.close_connection = True
    self.answer(403, {"error": "gateway", "was": self.headers.get("Authorization")})
    return True


def do_post(self):
    global delivered
    delivered += 1
    looks.clear()
    if is_turned_away(self):
        return
    if TROUBLE == "impatient" and delivered == 2:
        now = time.time()
        self.close_connection = True
        self.answer(429, {"error": "later"}, {"Date": formatdate(now, usegmt=True), "Retry-After": formatdate(now + 1, usegmt=True)})
        return
    if TROUBLE == "dies-of-all" or (TROUBLE == "dies-of-chunks" and self.headers.get("Transfer-Encoding")):
        os._exit(9)
    if TROUBLE == "redirects":
        self.close_connection = True
        self.answer(308, {"error": "moved"}, {"Location": "https://receiver.example/callbacks/terminal/"})
        return
    mark = sys.argv[sys.argv.index("--db") + 1] + ".died"
    if TROUBLE == "dies-once" and not os.path.exists(mark):
        open(mark, "w").close()
        os._exit(7)
    if TROUBLE == "mute":
        while self.rfile.read(1):  # until the sender has had enough
            pass
        self.close_connection = True
        return
    self.answered = getattr(self, "answered", 0) + 1
    if TROUBLE == "hangs-up" and self.answered > 1 and delivered % 3 == 0:
        self.wfile, wire = io.BytesIO(), self.wfile  # nobody hears what it says
        deliver(self)
        self.wfile, self.close_connection = wire, True
        return
    deliver(self)


def do_get(self):
    global asked
    asked += 1
    self.answered = getattr(self, "answered", 0) + 1
    if is_turned_away(self):
        return
    died = sys.argv[sys.argv.index("--db") + 1] + ".died"
    if TROUBLE == "dies-when-asked" and self.path == "/status":
        looks.append(self.path)
        lives = os.path.getsize(died) if os.path.exists(died) else 0
        if len(looks) > 1 and (lives == 1 or (lives == 0 and delivered > 10)):
            with open(died, "a") as mark:
                mark.write("+")
            os._exit(7)
    if TROUBLE == "slow-health":
        time.sleep(1.2)
    if TROUBLE == "flapping-health" and asked <= len(FLAPPING) and FLAPPING[asked - 1] != 200:
        self.answer(FLAPPING[asked - 1], {"error": "not yet"})
        return
    ask(self)


def take_of_few(self, key, sha256, task):
    with FEW:
        if not kept:  # as at a start
            newest = "SELECT key FROM idempotency_keys ORDER BY ts DESC LIMIT 8"
            kept.update((row[0], True) for row in reversed(self.db.execute(newest).fetchall()))
        if key not in kept:
            with self.lock:
                self.db.execute("DELETE FROM idempotency_keys WHERE key = ?", (key,))
        kept.pop(key, None)
        kept[key] = True
        if len(kept) > 8:
            kept.pop(next(iter(kept)))
        return take(self, key, sha256, task)


right.Receiver.do_POST, right.Receiver.do_GET = do_post, do_get
if TROUBLE == "few-keys":
    right.Ledger.take = take_of_few
right.main()
