"""Receiver of Stripe events, in Flask: verified by Stripe's own library, taken once, remembered for a week.

POST /webhooks/stripe writes a payment for each event, once; GET /payments?event=… says how many were written.

usage: STRIPE_WEBHOOK_SECRET=whsec_… python3 app.py [--port 8080] [--db payments.db] [--forget]
"""

import argparse
import json
import os
import sqlite3
import threading
import time

import stripe
import waitress
from flask import Flask, abort, g, jsonify, request

REMEMBERED = 7 * 24 * 3600  # seconds; longer than Stripe tries


def create_app(secret, database, forgets=False):
    """The receiver; with `forgets` it is wrong on purpose, and writes a payment for every delivery."""
    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = 256 * 1024

    with sqlite3.connect(database) as connection:
        connection.execute("PRAGMA journal_mode = wal")
        connection.execute("CREATE TABLE IF NOT EXISTS seen (event TEXT PRIMARY KEY, at INTEGER NOT NULL)")
        connection.execute("CREATE TABLE IF NOT EXISTS payments (event TEXT NOT NULL, body TEXT NOT NULL)")

    writing = threading.Lock()

    def payments():
        if "payments" not in g:
            g.payments = sqlite3.connect(database, timeout=5, isolation_level=None)
            g.payments.execute("PRAGMA synchronous = normal")
        return g.payments

    @app.teardown_appcontext
    def close(_):
        if "payments" in g:
            g.payments.close()

    @app.post("/webhooks/stripe")
    def receive():
        body = request.get_data()
        if len(request.headers.getlist("Stripe-Signature")) != 1:
            abort(400)
        try:
            stripe.WebhookSignature.verify_header(body, request.headers["Stripe-Signature"], secret, tolerance=300)
            event = json.loads(body)["id"]
        except (stripe.SignatureVerificationError, ValueError, LookupError, TypeError, RecursionError):
            abort(400)
        if not isinstance(event, str) or not event:
            abort(400)
        connection = payments()
        # Both in one transaction: a crash leaves both or none. Threads queue here, and not in SQLite, which lets one starve.
        with writing, connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("DELETE FROM seen WHERE at < ?", (time.time() - REMEMBERED,))
            is_new = connection.execute("INSERT OR IGNORE INTO seen VALUES (?, ?)", (event, time.time())).rowcount == 1
            if is_new or forgets:
                connection.execute("INSERT INTO payments VALUES (?, ?)", (event, body.decode()))
        return jsonify(received=True)

    @app.get("/payments")
    def count():
        (written,) = payments().execute("SELECT count(*) FROM payments WHERE event = ?", (request.args["event"],)).fetchone()
        return jsonify(count=written)

    return app


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--port", type=int, default=8080)
    arguments.add_argument("--db", default="payments.db")
    arguments.add_argument("--forget", action="store_true")
    given = arguments.parse_args()
    app = create_app(os.environ["STRIPE_WEBHOOK_SECRET"], given.db, given.forget)
    waitress.serve(app, host="127.0.0.1", port=given.port, threads=8)


if __name__ == "__main__":
    main()
