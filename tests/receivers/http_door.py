"""HTTP/1.1 as a careful webhook receiver speaks it, in Python's standard library only.

Takes connections, gives whole requests to a `Receiver` and one segment for each answer:
a thread a connection, keep-alive, chunked bodies, `Expect: 100-continue`. What cannot be
framed is refused and the connection closed; nothing that a sender writes gives a 5xx.
It shares no code with hookgate, and none with Python's own `http.server`, which answers
unknown methods with 501 and stops reading headers at an odd name.

Start at `Receiver`; `serve` runs one. What a delivery means is never decided here.
"""
import argparse
import json
import os
import re
import select
import signal
import socket
import socketserver
import sys
import threading
import time
import traceback
from email.utils import formatdate
from http import HTTPStatus

LONGEST_LINE = 128 * 1024  # bytes of a request's or a header's line; a list of 1,000 signatures is 48 KB
LONGEST_HEAD = 512 * 1024  # bytes of all header lines
MOST_LINES = 200  # header lines
LONGEST_CHUNK_LINE = 1024  # bytes of a chunk's size line, extensions and all
LONGEST_LINGER = 64 * 1024 * 1024  # bytes of a refused body that are still read
LINGER = 2  # seconds for which they are
SILENCE = 60  # seconds after which a silent connection is given up

TOKEN = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
ABSOLUTE = re.compile(r"https?://[^/?#]*", re.IGNORECASE)


class Unreadable(Exception):
    """A request that cannot be read to its end: it is refused with `status`, and the connection closes."""

    def __init__(self, status=400, why="request cannot be read"):
        super().__init__(why)
        self.status = status


class Gone(Exception):
    """The sender went away, or fell silent, in the middle of a request."""


class Request:
    """A request: its head at first, its body once that is read."""

    def __init__(self, method, target, version, lines, peer):
        self.method = method
        self.version = version
        # `http://host/path` is `/path` (RFC 9112, section 3.2.2); nothing else is another spelling of a path.
        self.path, _, self.query = (ABSOLUTE.sub("", target, count=1) if ABSOLUTE.match(target) else target).partition("?")
        self.lines = lines
        self.body = b""
        self.note = None  # whatever a receiver wants to remember between head and body
        self._peer = peer

    def header(self, name):
        """The values of every line of a header, as the bytes that travelled, without white space around."""
        wanted = name.lower().encode()
        return [value for given, value in self.lines if given == wanted]

    def tokens(self, name):
        """A comma-separated header as lower-case words."""
        return [word.strip().lower() for value in self.header(name) for word in value.split(b",") if word.strip()]

    def sender_is_gone(self):
        """Whether the sender has closed its end."""
        waiting = select.poll()
        waiting.register(self._peer, select.POLLIN)
        try:
            return bool(waiting.poll(0)) and self._peer.recv(1, socket.MSG_PEEK) == b""
        except OSError:
            return True


class Answer:
    """What goes back."""

    def __init__(self, status, body=b"", content_type="application/json", headers=None):
        self.status = status
        self.body = body
        self.content_type = content_type
        self.headers = headers or {}


def as_json(status, value, content_type="application/json", headers=None):
    """An answer of compact JSON."""
    return Answer(status, json.dumps(value, separators=(",", ":")).encode(), content_type, headers)


class Gateway:
    """What may stand before a receiver: it lets so many requests a second through (GATEWAY in the environment), or all."""

    def __init__(self, most):
        self.most, self.second, self.count = most, 0, 0
        self.lock = threading.Lock()

    def is_over(self):
        """Counts a request; gives whether it is one too many."""
        with self.lock:
            now = int(time.time())
            self.second, self.count = now, self.count + 1 if now == self.second else 1
            return self.most is not None and self.count > self.most


GATEWAY = Gateway(int(os.environ["GATEWAY"]) if "GATEWAY" in os.environ else None)


class Receiver:
    """What one kind of receiver does with requests: the doors are kept here, deliveries by those who inherit."""

    endpoint = "/"
    health = None  # a path that is answered 200, or none
    longest_body = 16 * 1024 * 1024  # bytes

    def answer(self, request):
        """The answer to a whole request."""
        if GATEWAY.is_over():
            return Answer(429, b"slow down", "text/plain", {"Retry-After": "1"})
        if request.path == self.endpoint:
            if request.method == "POST":
                return self.deliver(request)
            return self.other_method("POST")
        if self.health is not None and request.path == self.health:
            return as_json(200, {"status": "ok"}) if request.method in ("GET", "HEAD") else self.other_method("GET, HEAD")
        return self.refuse(404, "no such path")

    def other_method(self, allowed):
        refusal = self.refuse(405, "method not allowed")
        refusal.headers["Allow"] = allowed
        return refusal

    def refuse(self, status, why):
        """How every refusal looks."""
        return as_json(status, {"error": why})

    def deliver(self, request):
        """The answer to a POST to the endpoint."""
        raise NotImplementedError

    def head_was_read(self, request):
        """A request's head has come, its body has not."""


class Connection(socketserver.StreamRequestHandler):
    """One connection: request after request, until one side closes."""

    disable_nagle_algorithm = True
    rbufsize = 64 * 1024
    timeout = SILENCE
    receiver = None

    def handle(self):
        try:
            while self.one_request():
                pass
        except (Gone, OSError):
            pass  # a sender that goes away is no error of this receiver

    def one_request(self):
        """Reads and answers one request; gives whether another may follow."""
        request = None
        try:
            request = self.read_head()
            if request is None:
                return False
            self.receiver.head_was_read(request)
            self.read_body(request)
        except Unreadable as cause:
            self.send(request, self.receiver.refuse(cause.status, str(cause)), is_last=True)
            self.linger()
            return False
        is_last = self.is_last(request)
        try:
            answer = self.receiver.answer(request)
        except Exception:  # a mistake of this receiver: said here, and answered as what it is
            traceback.print_exc()
            answer, is_last = self.receiver.refuse(500, "internal error"), True
        self.send(request, answer, is_last)
        return not is_last

    def read_head(self):
        """A request's head, or None at the end of the connection."""
        line = self.read_line(LONGEST_LINE, 414)
        while line == b"":  # a blank line before a request is passed over (RFC 9112, section 2.2)
            line = self.read_line(LONGEST_LINE, 414)
        if line is None:
            return None
        words = line.split(b" ")
        if len(words) != 3 or not TOKEN.fullmatch(words[0]) or not words[1] or words[2] not in (b"HTTP/1.1", b"HTTP/1.0"):
            raise Unreadable
        method, target = words[0].decode("ascii"), words[1].decode("latin-1")
        return Request(method, target, words[2], self.read_header_lines(), self.connection)

    def read_header_lines(self):
        lines, total = [], 0
        while line := self.read_line(LONGEST_LINE, 431):
            total += len(line)
            if total > LONGEST_HEAD or len(lines) == MOST_LINES:
                raise Unreadable(431, "too many headers")
            name, colon, value = line.partition(b":")
            # Folded lines begin with white space, which is no token either.
            if not colon or not TOKEN.fullmatch(name) or b"\r" in value or b"\0" in value:
                raise Unreadable
            lines.append((name.lower(), value.strip(b" \t")))
        if line is None:
            raise Gone
        return lines

    def read_line(self, longest, status):
        """A line without its end, or None when the connection ends before it begins."""
        line = self.rfile.readline(longest)
        if line.endswith(b"\n"):
            return line[:-1].removesuffix(b"\r")
        if len(line) == longest:
            raise Unreadable(status, "line too long")
        if line:
            raise Gone
        return None

    def read_body(self, request):
        """Reads the body, however it is framed, once the sender may send it."""
        length = self.announced_length(request)
        codings = request.tokens("Transfer-Encoding")
        # Both framings at once is how requests are smuggled (RFC 9112, section 6.1).
        if codings and (length is not None or codings != [b"chunked"] or request.version == b"HTTP/1.0"):
            raise Unreadable
        if request.tokens("Expect") == [b"100-continue"] and request.version == b"HTTP/1.1" and (codings or length):
            self.connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.body = self.read_chunks() if codings else self.read_exactly(length or 0)

    def announced_length(self, request):
        """What Content-Length says, or None without it."""
        lengths = set(request.header("Content-Length"))
        if not lengths:
            return None
        length = lengths.pop()
        if lengths or not re.fullmatch(rb"[0-9]{1,18}", length):
            raise Unreadable
        self.hold_to_limit(int(length))
        return int(length)

    def hold_to_limit(self, size):
        if size > self.receiver.longest_body:
            raise Unreadable(413, "body too large")

    def read_chunks(self):
        pieces, total = [], 0
        while True:
            size = self.read_chunk_line().split(b";")[0].strip(b" \t")
            if not re.fullmatch(rb"[0-9A-Fa-f]{1,8}", size):
                raise Unreadable
            size = int(size, 16)
            if size == 0:
                break
            total += size
            self.hold_to_limit(total)
            pieces.append(self.read_exactly(size))
            if self.read_chunk_line() != b"":
                raise Unreadable
        self.read_header_lines()  # trailer fields say nothing that is asked for here
        return b"".join(pieces)

    def read_chunk_line(self):
        line = self.read_line(LONGEST_CHUNK_LINE, 400)
        if line is None:
            raise Gone
        return line

    def read_exactly(self, size):
        data = self.rfile.read(size)
        if len(data) != size:
            raise Gone
        return data

    @staticmethod
    def is_last(request):
        options = request.tokens("Connection")
        return b"close" in options or (request.version == b"HTTP/1.0" and b"keep-alive" not in options)

    def send(self, request, answer, is_last):
        """Sends an answer in one piece."""
        has_body = answer.status != 204
        fields = {"Date": formatdate(usegmt=True)}
        if has_body:
            fields |= {"Content-Type": answer.content_type, "Content-Length": str(len(answer.body))}
        fields |= answer.headers
        if is_last:
            fields["Connection"] = "close"
        elif request.version == b"HTTP/1.0":
            fields["Connection"] = "keep-alive"
        head = [f"HTTP/1.1 {answer.status} {HTTPStatus(answer.status).phrase}"]
        head += [f"{name}: {value}" for name, value in fields.items()]
        data = "\r\n".join(head).encode("latin-1") + b"\r\n\r\n"
        if has_body and not (request and request.method == "HEAD"):
            data += answer.body
        self.connection.sendall(data)

    def linger(self):
        """Reads on for a while: closing over unread bytes would take the refusal away again."""
        self.connection.shutdown(socket.SHUT_WR)
        self.connection.settimeout(LINGER)
        left = LONGEST_LINGER
        while left > 0 and (piece := self.rfile.read1(65536)):
            left -= len(piece)


class Server(socketserver.ThreadingTCPServer):
    """A thread a connection; many may be opened at once."""

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 1024


def arguments(about, knobs, add=None):
    """Reads the command line and the knob: `(options, knob)`.

    `knobs` are the ways to be wrong: a name, the requirements that it breaks, a sentence.
    """
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--knobs", action="store_true", help="list the wrong forms (environment variable KNOB) and leave")
    if add:
        add(parser)
    options = parser.parse_args()
    if options.knobs:
        for name, (broken, sentence) in knobs.items():
            print(name, broken, sentence, sep="\t")
        sys.exit(0)
    knob = os.environ.get("KNOB") or "right"
    if knob != "right" and knob not in knobs:
        parser.error(f"KNOB={knob} is not known; there are: right, {', '.join(knobs)}")
    return options, knob


def serve(receiver, port):
    """Serves on 127.0.0.1 until SIGTERM or SIGINT; says on stderr when it is ready."""
    try:
        server = Server(("127.0.0.1", port), type("Connection", (Connection,), {"receiver": receiver}))
    except OSError as cause:
        sys.exit(f"cannot listen on 127.0.0.1:{port}: {cause.strerror}")

    def stop(*_):
        # `shutdown` waits for the loop that this thread is in, so another thread has to call it.
        threading.Thread(target=server.shutdown).start()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    print(f"listening on http://127.0.0.1:{server.server_address[1]}", file=sys.stderr, flush=True)
    server.serve_forever(poll_interval=0.05)
    server.server_close()
