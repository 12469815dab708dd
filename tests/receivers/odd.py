#!/usr/bin/env python3
"""Receivers of senders that nobody ships a contract for, each odd in one way: KIND says in which.

base64       the secret is base64, and so is the signature
member       the key stands in the body, under `event.uid`
alike        first deliveries and duplicates get the same 200; /effects counts the work
latin        the same, and header bytes are read as Latin-1, as PEP 3333 has it
signatures   signatures are all that is checked
query        deliveries come to /hooks?tenant=7, without that query nothing is there
picky        a body is refused that is not what the sender's own bodies are
tls          it speaks TLS, with the certificate in CERT and its key in CERT_KEY

With WRONG in the environment the work of a duplicate is done again; where only signatures are
checked, the beginning of one is enough.

Keys are kept in `odd.keys` of the folder that it is started in, so that a restart forgets none.

usage: ODD_SECRET=... KIND=... python3 odd.py PORT
       ODD_SECRET=... KIND=... python3 odd.py capture    writes what the sender sends, as a curl command
"""
import base64
import hmac
import json
import os
import ssl
import sys
import threading
from urllib.parse import parse_qs

sys.dont_write_bytecode = True
import http_door
from http_door import as_json

KIND, WRONG = os.environ["KIND"], "WRONG" in os.environ
SECRET = os.environ["ODD_SECRET"].encode()
KEY = base64.b64decode(SECRET) if KIND == "base64" else SECRET
BODY = {
    "type": "order.paid",
    "event": {"uid": "7f3a9c", "attempt": 1},
    "order": {"amount": 1250, "currency": "EUR", "customer": {"name": "Ada", "access_token": "tok-of-a-customer"}},
}


def signature(body):
    digest = hmac.digest(KEY, body, "sha256")
    return base64.b64encode(digest).decode() if KIND == "base64" else "sha256=" + digest.hex()


def is_an_order(event):
    """Whether a body is what the sender's own bodies are."""
    order = event.get("order") if isinstance(event, dict) else None
    return (
        isinstance(order, dict)
        and event.get("type") == "order.paid"
        and isinstance(order.get("amount"), int)
        and isinstance(order.get("customer"), dict)
    )


class Odd(http_door.Receiver):
    endpoint = "/hooks"
    health = "/health"

    def __init__(self):
        self.done, self.lock = {}, threading.Lock()
        self.file = open("odd.keys", "a+", encoding="utf-8")
        self.file.seek(0)
        for key in map(json.loads, self.file):
            self.done[key] = self.done.get(key, 0) + 1

    def answer(self, request):
        if request.path == "/effects":
            key = parse_qs(request.query).get("key", [""])[0]
            return as_json(200, {"count": self.done.get(key, 0)})
        if KIND == "query" and request.path == self.endpoint and "tenant=7" not in request.query.split("&"):
            return self.refuse(404, "no such tenant")
        return super().answer(request)

    def deliver(self, request):
        given = request.header("X-Odd-Signature")
        wanted = signature(request.body).encode()
        if len(given) != 1 or not hmac.compare_digest(given[0], wanted):
            if not (WRONG and KIND == "signatures" and len(given) == 1 and given[0][:20] == wanted[:20]):
                return self.refuse(401, "not signed")
        try:
            event = json.loads(request.body.decode())
        except (ValueError, RecursionError):
            event = None
        if KIND == "picky" and not is_an_order(event):
            return self.refuse(422, "no order")
        if KIND == "signatures":
            return as_json(200, {"ok": True})
        return self.once(request, event)

    def once(self, request, event):
        if KIND == "member":
            inner = event.get("event") if isinstance(event, dict) else None
            key = inner.get("uid") if isinstance(inner, dict) else None
            if not isinstance(key, str) or not key.strip():
                return self.refuse(400, "no uid")
        else:
            keys = request.header("X-Odd-Event-Id")
            try:
                (key,) = [value.decode("latin-1" if KIND == "latin" else "utf-8") for value in keys]
            except ValueError:
                key = ""
            if not key:
                return self.refuse(400, "no event id")
        with self.lock:
            is_new = key not in self.done
            if is_new or WRONG:
                self.done[key] = self.done.get(key, 0) + 1
                self.file.write(json.dumps(key) + "\n")
                self.file.flush()
        if KIND in ("alike", "latin") or is_new:
            return as_json(200, {"ok": True})
        return as_json(200, {"ok": True, "duplicate": True})


def capture():
    body = json.dumps(BODY, indent=1)
    scheme = "https" if KIND == "tls" else "http"
    query = "?tenant=7" if KIND == "query" else ""
    lines = ["Content-Type: application/json", f"X-Odd-Signature: {signature(body.encode())}"]
    if KIND not in ("member", "signatures"):
        lines.append("X-Odd-Event-Id: evt-0001")
    headers = " \\\n  ".join(f"-H '{line}'" for line in lines)
    print(f"curl -X POST \\\n  {headers} \\\n  --data-binary '{body}' '{scheme}://hooks.example/hooks{query}'")


def main():
    if sys.argv[1] == "capture":
        return capture()
    connection = type("Connection", (http_door.Connection,), {"receiver": Odd()})
    server = http_door.Server(("127.0.0.1", int(sys.argv[1])), connection)
    if KIND == "tls":
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(os.environ["CERT"], os.environ["CERT_KEY"])
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    print(f"listening on http://127.0.0.1:{server.server_address[1]}", file=sys.stderr, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
