#!/usr/bin/env python3
"""The right receiver of orch_phase3.py with one thing changed, for the contract `orch-phase3`.

Forms whose name begins with `right` are right receivers of another make; the others are wrong in one way.
KNOB=NAME in the environment chooses; `--knobs` lists them.

usage: KNOB=... ORCH_WEBHOOK_SECRET=... python3 orch_changed.py [--port 0] [--db orch.db] [--ttl 86400]
"""
import gzip
import os
import sys
import threading
import time
from urllib.parse import urlsplit

sys.dont_write_bytecode = True
import orch_phase3 as right

Receiver, Ledger = right.Receiver, right.Ledger
FORMS = {"right": lambda: None}


def form(change):
    """A form, named as its function is."""
    FORMS[change.__name__.replace("_", "-")] = change
    return change


def signed_unless(is_exempt):
    """The signature is checked, unless `is_exempt` says of the receiver that the check does not see it."""
    checks = Receiver.is_signed
    Receiver.is_signed = lambda self, body: is_exempt(self) or checks(self, body)


@form
def other_spelling_of_path_is_not_verified():
    """The check hangs on the exact path; the route is found with a slash at its end, and in other capitals."""
    signed_unless(lambda self: urlsplit(self.path).path != right.ENDPOINT)

    def do_POST(self):
        body = self.whole(self.read_body)
        if body is None:
            return
        if urlsplit(self.path).path.rstrip("/").lower() != right.ENDPOINT:
            return self.answer(404, {"error": "no such path"})
        self.deliver(body)

    Receiver.do_POST = do_POST


@form
def method_override_is_not_verified():
    """GET with X-HTTP-Method-Override: POST is handed on behind the check."""
    signed_unless(lambda self: self.command == "GET")
    plain = Receiver.do_GET

    def do_GET(self):
        if self.headers.get("X-HTTP-Method-Override", "").upper() != "POST":
            return plain(self)
        body = self.whole(self.read_body)
        if body is not None:
            self.deliver(body)

    Receiver.do_GET = do_GET


def keys_on_two_lines(chosen):
    reads = Receiver.header_bytes

    def header_bytes(self, name):
        lines = reads(self, name)
        return [chosen(lines)] if name == "Idempotency-Key" and len(lines) > 1 else lines

    Receiver.header_bytes = header_bytes


@form
def two_key_lines_joined():
    """The same key on two lines is another key than on one."""
    keys_on_two_lines(lambda lines: b",".join(lines))


@form
def right_first_of_two_key_lines():
    keys_on_two_lines(lambda lines: lines[0])


@form
def right_last_of_two_key_lines():
    keys_on_two_lines(lambda lines: lines[-1])


@form
def gzip_inflated_before_the_check():
    """A framework inflates bodies before anybody can hash what travelled."""
    reads = Receiver.read_body

    def read_body(self):
        body = reads(self)
        if self.headers.get("Content-Encoding", "").lower() != "gzip":
            return body
        try:
            return gzip.decompress(body)
        except (OSError, EOFError):
            raise right.Unreadable from None

    Receiver.read_body = read_body


def any_key_is_read(as_text):
    """Every key but none is taken, whatever bytes it has."""

    def deliver(self, body):
        keys = self.header_bytes("Idempotency-Key")
        if not keys or not keys[0]:
            return self.answer(400, {"error": "Idempotency-Key header required"})
        if len(keys) > 1 or len(keys[0]) > right.LONGEST_KEY:
            return self.answer(400, {"error": "Idempotency-Key cannot be used"})
        if not self.is_signed(body):
            return self.answer(401, {"error": "invalid signature"})
        sha256 = right.hashlib.sha256(body).hexdigest()
        first = self.ledger.take(as_text(keys[0]), sha256, right.task_of(body))
        if first is None:
            return self.answer(202, {"accepted": True, "payload_sha256": sha256})
        self.answer(202, {"accepted": True, "payload_sha256": first[1], "reference": {"timestamp": first[0], "type": "duplicate"}})

    Receiver.deliver = deliver


@form
def right_keys_of_any_bytes():
    any_key_is_read(lambda key: key.decode("latin-1"))


@form
def odd_keys_read_with_replacement():
    """Keys that are not UTF-8 become one: every odd byte is U+FFFD."""
    any_key_is_read(lambda key: key.decode("utf-8", "replace"))


def opened_with(*pragmas):
    opens = Ledger.__init__

    def init(self, path, ttl):
        opens(self, path, ttl)
        for pragma in pragmas:
            self.db.execute(pragma)

    Ledger.__init__ = init


@form
def right_exclusive():
    """Its database is its own: nobody else can look into it."""
    opened_with("PRAGMA journal_mode = DELETE", "PRAGMA locking_mode = EXCLUSIVE", "BEGIN EXCLUSIVE", "COMMIT")


@form
def right_rollback_journal_no_timeout():
    """Alone on its file it never fails; a reader's lock would make it answer 503."""
    opened_with("PRAGMA journal_mode = DELETE", "PRAGMA busy_timeout = 0")


@form
def right_wal_no_timeout():
    opened_with("PRAGMA busy_timeout = 0")


@form
def right_slow():
    """Answers a good second after it has committed; the contract allows two."""
    says = Receiver.answer

    def answer(self, status, value, headers=None):
        if self.command == "POST":
            time.sleep(1.2)
        says(self, status, value, headers)

    Receiver.answer = answer


@form
def right_one_at_a_time():
    """Ten milliseconds for each delivery, one after the other."""
    lock, delivers = threading.Lock(), Receiver.deliver

    def deliver(self, body):
        with lock:
            time.sleep(0.01)
            delivers(self, body)

    Receiver.deliver = deliver


@form
def right_problem_json():
    """Refusals are application/problem+json."""
    says = Receiver.send

    def send(self, status, content_type, body, headers=None):
        says(self, status, "application/problem+json" if status >= 400 else content_type, body, headers)

    Receiver.send = send


@form
def right_chunked():
    """Answers in chunks, with an extension and a trailer."""

    def send(self, status, content_type, body, headers=None):
        self.send_response(status)
        for name, value in {"Content-Type": content_type, "Transfer-Encoding": "chunked", "Trailer": "X-Sum", **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(b"%x;a=b\r\n%s\r\n0\r\nX-Sum: 1\r\n\r\n" % (len(body), body))
        self.wfile.flush()

    Receiver.send = send


@form
def right_few_a_connection():
    """Closes after ten answers, unannounced."""
    handles = Receiver.handle_one_request

    def handle_one_request(self):
        handles(self)
        self.answered = getattr(self, "answered", 0) + 1
        self.close_connection = self.close_connection or self.answered >= 10

    Receiver.handle_one_request = handle_one_request


@form
def right_z():
    """Instants end in Z."""
    writes = right.text_of
    right.text_of = lambda micros: writes(micros) + "Z"
    right.EXPIRED = "julianday(substr(ts, 1, 26)) + coalesce(ttl, 86400) / 86400.0 < julianday('now')"


@form
def local_time_instants():
    """Instants are local time, without an offset."""

    def text_of(micros):
        local = right.datetime.fromtimestamp(micros // 1_000_000)
        return local.strftime("%Y-%m-%dT%H:%M:%S") + f".{micros % 1_000_000:06}"

    right.text_of = text_of
    right.EXPIRED = right.EXPIRED.replace("datetime('now')", "datetime('now', 'localtime')")


@form
def right_behind_a_gateway():
    """A gateway lets 150 deliveries a second through, and says when to come again."""
    lock, second, count, delivers = threading.Lock(), [0], [0], Receiver.deliver

    def deliver(self, body):
        with lock:
            now = int(time.time())
            count[0] = count[0] + 1 if second[0] == now else 1
            second[0] = now
            is_over = count[0] > 150
        if is_over:
            return self.send(429, "application/json", b'{"error":"slow down"}', {"Retry-After": "1"})
        delivers(self, body)

    Receiver.deliver = deliver


if __name__ == "__main__":
    if "--knobs" in sys.argv:
        print("\n".join(FORMS))
        sys.exit()
    FORMS[os.environ.get("KNOB") or "right"]()
    right.main()
