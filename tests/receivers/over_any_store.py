#!/usr/bin/env python3
"""A receiver for the contract `over-any-store`, over whichever store it is told: SQLite, PostgreSQL, MySQL, Redis.

POST /jobs with `X-Job-Key`, signed over its body. A first delivery gets 201, a duplicate 200 with a marker,
another body under a live key 422. A key lives for a day. Each first delivery has one effect: a line of a log,
a row of the table `done`, and a count on the page `/__effects?key=…`.
With KNOB=NAME in the environment it is wrong in one way; `--knobs` lists them.

usage: JOBS_SECRET=... python3 over_any_store.py --store URL [--port 0] [--effects FILE] [--ttl 86400]

`--store` is sqlite:FILE, postgres://user@/db?host=DIR&port=N, mysql://user@/db?socket=FILE, or
redis://host:port/0?as=string|hash|json; passwords come from PGPASSWORD, MYSQL_PWD and REDISCLI_AUTH.
"""
import hashlib
import hmac
import json
import os
import re
import sys
import threading
import time
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from urllib.parse import parse_qs, unquote, urlsplit

sys.dont_write_bytecode = True  # the module beside this file leaves no folder behind
import http_door
from http_door import Answer, as_json

KNOBS = {
    "looks-up-then-inserts": ("ONCE-1", "a key is looked up, and marked a moment later"),
    "never-expires": ("TTL-3", "keys live for ever"),
    "effect-twice": ("EFF-1", "the work is done twice"),
    "effect-for-duplicates": ("EFF-2", "the work is done for duplicates, too"),
    "races-like-first": ("EFF-1", "every delivery that comes while one is under way does the work, and gets the first's answer"),
}
GAP = 0.03  # seconds between looking up and inserting, for the knobs that race
PATIENCE = 30  # seconds for which a server is waited for


def now():
    return datetime.now(timezone.utc)


class Sql:
    """Rows in a database, over one connection that whoever has the lock may use."""

    tables = ()
    mark = "%s"

    def __init__(self, where):
        self.where = where
        self.connection = None
        self.lock = threading.Lock()
        # With LATE in the environment the database is made with the first delivery.
        self.is_late = bool(os.environ.get("LATE"))
        if self.is_late:
            return
        until = time.monotonic() + PATIENCE
        while True:
            try:
                with self.lock:
                    for table in self.tables:
                        self.run(table)
                return
            except Exception as cause:
                if time.monotonic() > until:
                    sys.exit(f"no database: {cause}")
                time.sleep(0.1)

    def cursor(self):
        if self.connection is None:
            self.connection = self.connect()
        return self.connection.cursor()

    def run(self, sql, *values):
        if self.is_late:
            self.is_late = False
            for table in self.tables:
                self.run(table)
        cursor = self.cursor()
        cursor.execute(sql.replace("?", self.mark), values)
        return cursor

    def find(self, key):
        row = self.run(f"SELECT seen_at, life, digest FROM {self.keys} WHERE token = ?", key).fetchone()
        return row and (self.read(row[0]), int(row[1]), self.digest(row[2]))

    @contextmanager
    def atomically(self):
        """All that is written in here is there together, or not at all."""
        self.run("BEGIN")
        try:
            yield
        except BaseException:
            self.run("ROLLBACK")
            raise
        self.run("COMMIT")

    def clean(self):
        """Rows whose life is over go away with the next delivery."""
        self.run(f"DELETE FROM {self.keys} WHERE {self.ended}")

    def forget(self, key):
        self.run(f"DELETE FROM {self.keys} WHERE token = ?", key)

    def mark_key(self, key, at, ttl, digest):
        self.run(f"INSERT INTO {self.keys} (life, digest, token, seen_at) VALUES (?, ?, ?, ?)", ttl, self.kept(digest), key, self.write(at))

    def remark(self, key, at, ttl, digest):
        self.forget(key)
        self.mark_key(key, at, ttl, digest)

    def audit(self, key, at, digest):
        self.run(f"INSERT INTO {self.trail} (body_hash, happened, who) VALUES (?, ?, ?)", digest, self.happened(at), key)

    def effect(self, key):
        self.run("INSERT INTO done (token) VALUES (?)", key)

    def effects(self, key):
        return self.run("SELECT count(*) FROM done WHERE token = ?", key).fetchone()[0]

    def digest(self, value):
        return value

    def kept(self, digest):
        return digest


class Sqlite(Sql):
    """Instants as milliseconds since the epoch, and as text."""

    keys, trail, mark = "remembered", "trail", "?"
    ended = "seen_at / 1000 + life + 1 < CAST(strftime('%s', 'now') AS INTEGER)"
    tables = (
        "CREATE TABLE IF NOT EXISTS remembered (life INTEGER, digest TEXT, token TEXT PRIMARY KEY, seen_at INTEGER)",
        "CREATE TABLE IF NOT EXISTS trail (n INTEGER PRIMARY KEY, body_hash TEXT, happened TEXT, who TEXT)",
        "CREATE TABLE IF NOT EXISTS done (n INTEGER PRIMARY KEY, token TEXT)",
    )

    def connect(self):
        import sqlite3

        connection = sqlite3.connect(self.where, timeout=10, isolation_level=None, check_same_thread=False)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        return connection

    def write(self, at):
        return int(at.timestamp() * 1000)

    def read(self, value):
        return datetime.fromtimestamp(value / 1000, timezone.utc)

    def happened(self, at):
        return at.strftime("%Y-%m-%dT%H:%M:%S.%f")


class Postgres(Sql):
    """Instants as timestamps with a zone and without; tables in a schema; a hash as bytes."""

    keys, trail = "app.remembered", "app.trail"
    ended = "seen_at + (life + 1) * interval '1 second' < now()"
    tables = (
        "CREATE SCHEMA IF NOT EXISTS app",
        "CREATE TABLE IF NOT EXISTS app.remembered (life bigint, digest bytea, token varchar(300) PRIMARY KEY, seen_at timestamptz)",
        "CREATE TABLE IF NOT EXISTS app.trail (n bigserial PRIMARY KEY, body_hash text, happened timestamp, who text)",
        "CREATE INDEX IF NOT EXISTS trail_who ON app.trail (who)",
        "CREATE TABLE IF NOT EXISTS done (n bigserial PRIMARY KEY, token text)",
        "CREATE INDEX IF NOT EXISTS done_token ON done (token)",
    )

    def connect(self):
        import psycopg2

        url = urlsplit(self.where)
        more = {name: values[0] for name, values in parse_qs(url.query).items()}
        connection = psycopg2.connect(
            host=more.get("host") or unquote(url.hostname or "localhost"), port=int(more.get("port") or url.port or 5432),
            user=url.username, dbname=url.path.strip("/"), connect_timeout=5)
        connection.autocommit = True
        return connection

    def write(self, at):
        return at

    def read(self, value):
        return value

    def happened(self, at):
        return at.replace(tzinfo=None)

    def digest(self, value):
        return bytes(value).hex()

    def kept(self, digest):
        return bytes.fromhex(digest)


class Mysql(Sql):
    """Instants as DATETIME(6), and as a float since the epoch."""

    keys, trail = "remembered", "trail"
    ended = "seen_at + INTERVAL (life + 1) SECOND < UTC_TIMESTAMP(6)"
    tables = (
        "CREATE TABLE IF NOT EXISTS remembered (life BIGINT, digest VARCHAR(64), token VARBINARY(300) PRIMARY KEY, seen_at DATETIME(6))",
        "CREATE TABLE IF NOT EXISTS trail (n BIGINT AUTO_INCREMENT PRIMARY KEY, body_hash CHAR(64), happened DOUBLE, "
        "who VARCHAR(300) COLLATE utf8mb4_bin, KEY (who))",
        "CREATE TABLE IF NOT EXISTS done (n BIGINT AUTO_INCREMENT PRIMARY KEY, token VARCHAR(300) COLLATE utf8mb4_bin, KEY (token))",
    )

    def connect(self):
        import pymysql

        url = urlsplit(self.where)
        more = {name: values[0] for name, values in parse_qs(url.query).items()}
        return pymysql.connect(
            host=url.hostname or "localhost", port=url.port or 3306, unix_socket=more.get("socket"), user=url.username,
            password=os.environ.get("MYSQL_PWD", ""), database=url.path.strip("/"), charset="utf8mb4", autocommit=True)

    def write(self, at):
        return at.replace(tzinfo=None)

    def read(self, value):
        return value.replace(tzinfo=timezone.utc)

    def happened(self, at):
        return at.timestamp()


class Redis:
    """Keys that expire: a string, a hash or JSON; effects in a counter."""

    def __init__(self, where):
        import redis

        url = urlsplit(where)
        self.kind = parse_qs(url.query).get("as", ["hash"])[0]
        self.pipe = None
        self.db = redis.Redis(
            host=url.hostname or "localhost", port=url.port or 6379, db=int(url.path.strip("/") or 0),
            password=os.environ.get("REDISCLI_AUTH") or None, decode_responses=True)
        self.lock = threading.Lock()
        until = time.monotonic() + PATIENCE
        while True:
            try:
                self.db.ping()
                return
            except redis.ConnectionError as cause:
                if time.monotonic() > until:
                    sys.exit(f"no server: {cause}")
                time.sleep(0.1)

    def find(self, key):
        name = f"idem:{key}"
        if self.kind == "hash":
            digest = self.db.hget(name, "digest")
        else:
            text = self.db.get(name)
            digest = text and (json.loads(text)["digest"] if self.kind == "json" else text)
        # What is there has not expired.
        return digest and (now(), 10**9, digest)

    def forget(self, key):
        self.db.delete(f"idem:{key}")

    def mark_key(self, key, at, ttl, digest):
        name = f"idem:{key}"
        if self.kind == "hash":
            self.pipe.hset(name, mapping={"digest": digest, "token": key})
            if ttl:
                self.pipe.expire(name, ttl)
        else:
            self.pipe.set(name, json.dumps({"digest": digest, "token": key}) if self.kind == "json" else digest, ex=ttl or None)

    remark = mark_key

    def audit(self, key, at, digest):
        pass

    @contextmanager
    def atomically(self):
        with self.db.pipeline(transaction=True) as self.pipe:
            yield
            self.pipe.execute()
        self.pipe = None

    def clean(self):
        pass

    def effect(self, key):
        (self.pipe or self.db).incr(f"done:{key}")

    def effects(self, key):
        return int(self.db.get(f"done:{key}") or 0)


def store_at(where):
    scheme = where.split(":")[0]
    if scheme == "sqlite":
        return Sqlite(where.removeprefix("sqlite:"))
    return {"postgres": Postgres, "mysql": Mysql, "redis": Redis}[scheme](where)


class Jobs(http_door.Receiver):
    """The endpoint."""

    endpoint = "/jobs"
    health = "/up"

    def __init__(self, secret, store, log, ttl, knob):
        self.secret, self.store, self.ttl, self.knob = secret, store, ttl, knob
        self.log = open(log, "ab", buffering=0) if log else None

    def answer(self, request):
        if request.path == "/__effects" and request.method == "GET":
            keys = parse_qs(request.query).get("key", [])
            with self.store.lock:
                return as_json(200, {"by_key": {key: self.store.effects(key) for key in keys}})
        return super().answer(request)

    def deliver(self, request):
        """The whole promise: key, signature, look-up, work, under one lock."""
        given = request.header("X-Job-Key")
        if len(given) != 1 or len(given[0]) > 255 or not re.fullmatch(rb"[!-~]+", given[0]):
            return self.refuse(400, "X-Job-Key is missing or cannot be used")
        key = given[0].decode("ascii")
        digest = hmac.new(self.secret, request.body, hashlib.sha256).hexdigest()
        signed = request.header("X-Job-Signature")
        if len(signed) != 1 or not hmac.compare_digest(digest.encode(), signed[0]):
            return self.refuse(401, "signature does not match")
        digest = hashlib.sha256(request.body).hexdigest()
        if self.knob in ("looks-up-then-inserts", "races-like-first"):
            with self.store.lock:
                first = self.known(key)
            time.sleep(GAP)
            with self.store.lock:
                return self.once(key, digest, first)
        with self.store.lock:
            return self.once(key, digest, self.known(key))

    def known(self, key):
        """What is known of a live key."""
        if self.knob != "never-expires":
            self.store.clean()
        first = self.store.find(key)
        if first and self.knob != "never-expires" and first[0] + timedelta(seconds=first[1] + 1) <= now():
            return None
        return first

    def once(self, key, digest, first):
        if first:
            if self.knob == "effect-for-duplicates":
                self.work(key)
            if first[2] != digest:
                return self.refuse(422, "this key was used with another body")
            return as_json(200, {"taken": True}, headers={"X-Job-Replayed": "yes"})
        at = now()
        ttl = None if self.knob == "never-expires" and isinstance(self.store, Redis) else self.ttl
        with self.store.atomically():
            self.store.remark(key, at, ttl, digest)
            self.store.audit(key, at, digest)
            self.work(key)
        return as_json(201, {"taken": True})

    def work(self, key):
        for _ in range(2 if self.knob == "effect-twice" else 1):
            self.store.effect(key)
            if self.log:
                self.log.write(f"{now().isoformat()} did {key}\n".encode())


def main():
    def add(parser):
        parser.add_argument("--store", required=True, help="where keys are kept")
        parser.add_argument("--effects", help="a log that gets a line an effect")
        parser.add_argument("--ttl", type=int, default=86400, help="seconds that a key lives")

    options, knob = http_door.arguments("A receiver for the contract over-any-store.", KNOBS, add)
    jobs = Jobs(os.environ.get("JOBS_SECRET", "").encode(), store_at(options.store), options.effects, options.ttl, knob)
    http_door.serve(jobs, options.port)


if __name__ == "__main__":
    main()
