#!/usr/bin/env python3
"""A quick receiver over PostgreSQL for one bench: 200,000 rows that are judged after a load (RESULTS.md).

Takes deliveries of tests/contracts/over-any-store.yaml over asyncio; all that came meanwhile goes into one
transaction, and is answered once that is committed. Keys are known from memory, so that rows are only added.

usage: JOBS_SECRET=... PGPASSWORD=... python3 over_postgres.py --port 8080 --dsn 'host=127.0.0.1 user=owner dbname=postgres'
"""
import argparse
import asyncio
import hashlib
import hmac
import os
from datetime import datetime, timezone

import psycopg2
from psycopg2.extras import execute_values

TABLES = """
CREATE TABLE IF NOT EXISTS remembered (life bigint, digest bytea, token text PRIMARY KEY, seen_at timestamptz);
CREATE TABLE IF NOT EXISTS trail (n bigserial PRIMARY KEY, body_hash text, happened timestamp, who text);
CREATE TABLE IF NOT EXISTS done (n bigserial PRIMARY KEY, token text);
CREATE INDEX IF NOT EXISTS trail_who ON trail (who);
CREATE INDEX IF NOT EXISTS done_token ON done (token);
"""
REFUSED = {400: b"HTTP/1.1 400 Bad Request\r\nContent-Length: 2\r\n\r\n{}", 401: b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\n{}",
           422: b"HTTP/1.1 422 Unprocessable Content\r\nContent-Length: 2\r\n\r\n{}"}
TAKEN = b"HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: 14\r\n\r\n{\"taken\":true}"
AGAIN = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-Job-Replayed: yes\r\nContent-Length: 14\r\n\r\n{\"taken\":true}"
WELL = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 15\r\n\r\n{\"status\":\"ok\"}"


class Jobs:
    def __init__(self, dsn, secret):
        self.db, self.secret = psycopg2.connect(dsn), secret
        with self.db, self.db.cursor() as cursor:
            cursor.execute(TABLES)
        self.known, self.waiting, self.woken = {}, [], asyncio.Event()

    def write(self, batch):
        with self.db, self.db.cursor() as cursor:
            execute_values(cursor, "INSERT INTO remembered VALUES %s", [(86400, bytes.fromhex(d), k, t) for k, d, t, _ in batch])
            execute_values(cursor, "INSERT INTO trail (body_hash, happened, who) VALUES %s", [(d, t.replace(tzinfo=None), k) for k, d, t, _ in batch])
            execute_values(cursor, "INSERT INTO done (token) VALUES %s", [(k,) for k, _, _, _ in batch])

    async def commits(self):
        loop = asyncio.get_running_loop()
        while True:
            await self.woken.wait()
            self.woken.clear()
            batch, self.waiting = self.waiting, []
            if batch:
                await loop.run_in_executor(None, self.write, batch)
                for *_, done in batch:
                    done.set_result(None)

    async def answer(self, head, body):
        lines = head.split(b"\r\n")
        if lines[0].startswith(b"GET /up"):
            return WELL
        fields = dict(line.split(b": ", 1) for line in lines[1:] if b": " in line)
        fields = {name.lower(): value for name, value in fields.items()}
        key, signed = fields.get(b"x-job-key", b""), fields.get(b"x-job-signature", b"")
        if not key:
            return REFUSED[400]
        if not hmac.compare_digest(hmac.new(self.secret, body, hashlib.sha256).hexdigest().encode(), signed):
            return REFUSED[401]
        key, digest = key.decode(), hashlib.sha256(body).hexdigest()
        first, done = self.known.get(key, (None, None))
        if first:
            await asyncio.shield(done)
            return AGAIN if first == digest else REFUSED[422]
        done = asyncio.get_running_loop().create_future()
        self.known[key] = (digest, done)
        self.waiting.append((key, digest, datetime.now(timezone.utc), done))
        self.woken.set()
        await asyncio.shield(done)
        return TAKEN

    async def connection(self, reader, writer):
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = next((int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0)
                body = await reader.readexactly(length) if length else b""
                writer.write(await self.answer(head, body))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()


async def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=8080)
    parser.add_argument("--dsn", required=True)
    options = parser.parse_args()
    jobs = Jobs(options.dsn, os.environ["JOBS_SECRET"].encode())
    server = await asyncio.start_server(jobs.connection, "127.0.0.1", options.port)
    await asyncio.gather(server.serve_forever(), jobs.commits())


asyncio.run(main())
