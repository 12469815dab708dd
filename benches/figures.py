#!/usr/bin/env python3
"""The figures of RESULTS.md that whole processes make, in one go: comparisons, the highest rate, rows over PostgreSQL, key pairs, runs.

usage: python3 benches/figures.py [HOOKGATE] [-- SECTION…]      (sections: compare find-max postgres key-pair runs; all unless told)

Starts what it needs on 127.0.0.1 and stops it by its own handle. PostgreSQL is looked for in /usr/lib/postgresql, and told of where it is not.
"""
import asyncio
import glob
import json
import os
import re
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time

PROJECT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SECRETS = {"ORCH_WEBHOOK_SECRET": "a-secret-of-a-bench", "JOBS_SECRET": "a-secret-of-a-bench"}
STATE = """
state:
  keys: {table: remembered, columns: [{name: token, type: text, primary_key: 1, holds: "{key}"}, {name: seen_at, type: timestamptz, holds: "{ts}"},
    {name: life, type: bigint, holds: "{ttl}"}, {name: digest, type: bytea, holds: "{sha256}"}]}
  audit: {table: trail, columns: [{name: who, type: text, holds: "{key}"}, {name: happened, type: timestamp, holds: "{ts}"},
    {name: n, type: bigint, primary_key: 1, free: true}, {name: body_hash, type: text, holds: "{sha256}"}]}
effects: {table: done, key: token}
"""
ANSWER = b"HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\nContent-Length: 17\r\n\r\n{\"accepted\":true}"


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def wait_for(port, process=None):
    until = time.monotonic() + 30
    while time.monotonic() < until:
        if process and process.poll() is not None:
            raise SystemExit(f"a receiver ended with {process.returncode} before it listened")
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise SystemExit("a receiver did not listen within 30 s")


class Constant:
    """A receiver that always says 202: after so many seconds, or one delivery after the other, `every` seconds each."""

    def __init__(self, sleep=0.0, every=0.0):
        self.sleep, self.every, self.next = sleep, every, 0.0
        self.port = free_port()
        self.loop = asyncio.new_event_loop()
        ready = threading.Event()
        threading.Thread(target=self.serve, args=(ready,), daemon=True).start()
        ready.wait()

    def serve(self, ready):
        asyncio.set_event_loop(self.loop)
        self.loop.run_until_complete(asyncio.start_server(self.connection, "127.0.0.1", self.port))
        self.loop.call_soon(ready.set)
        self.loop.run_forever()

    async def connection(self, reader, writer):
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                lines = head.lower().split(b"\r\n")
                length = next((int(one[15:]) for one in lines if one.startswith(b"content-length:")), 0)
                if length:
                    await reader.readexactly(length)
                if self.every:
                    now = time.monotonic()
                    self.next = max(self.next, now) + self.every
                    await asyncio.sleep(self.next - now)
                if self.sleep:
                    await asyncio.sleep(self.sleep)
                writer.write(ANSWER)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def stop(self):
        self.loop.call_soon_threadsafe(self.loop.stop)


def hookgate(*args, **more):
    environment = {**os.environ, **SECRETS, **more.pop("env", {})}
    return subprocess.run([HOOKGATE, *args], cwd=PROJECT, env=environment, capture_output=True, text=True, **more)


def constant(folder):
    contract = os.path.join(folder, "constant.yaml")
    shutil.copy(os.path.join(PROJECT, "benches/constant.yaml"), contract)
    return contract


def compare(folder):
    contract, worse, alike = constant(folder), 0, 0
    right, slow = Constant(sleep=0.0005), Constant(sleep=0.0055)

    def load(target, name):
        out = os.path.join(folder, name)
        hookgate("load", "--contract", contract, "--target", target.url, "--rate", "100/s", "--users", "8", "--run-time", "5s",
                 "--no-verify", "--quiet", "--report", out, check=True)
        return out

    for pair in range(10):
        before, after, again = load(right, f"before{pair}"), load(slow, f"after{pair}"), load(right, f"again{pair}")
        worse += hookgate("compare", before, after).returncode == 1
        alike += hookgate("compare", before, again).returncode == 1
    right.stop(), slow.stop()
    print("| pair | called worse |\n|---|---|")
    print(f"| the receiver, and itself with 5 ms of sleep | {worse} of 10 |\n| the receiver, and itself | {alike} of 10 |", flush=True)


def find_max(folder):
    contract = constant(folder)
    print("| search | last that was kept | first that was not | tries |\n|---|---|---|---|")
    for search in range(1, 6):
        limited, out = Constant(every=0.005), os.path.join(folder, f"knee{search}")
        hookgate("load", "--contract", contract, "--target", limited.url, "--find-max", "p99<250ms,errors<0.1%", "--users", "16",
                 "--no-verify", "--quiet", "--report", out)
        limited.stop()
        with open(os.path.join(out, "load.json"), encoding="utf-8") as file:
            knee = json.load(file)["knee"]
        tries = ", ".join(f"{knee[one][0]} of {knee[one][1]}" for one in ("last_good_votes", "first_bad_votes"))
        print(f"| {search} | {knee['last_good_per_s']:.0f}/s | {knee['first_bad_per_s']:.0f}/s | {tries} |", flush=True)


def postgres(folder):
    binaries = sorted(glob.glob("/usr/lib/postgresql/*/bin"))
    if not binaries:
        print("SKIPPED: no PostgreSQL in /usr/lib/postgresql")
        return
    binary, data, port = binaries[-1], os.path.join(folder, "pg"), free_port()
    os.mkdir(data)
    user = []
    if os.geteuid() == 0:  # its server does not run as root
        shutil.chown(data, "nobody")
        os.chmod(folder, 0o755)
        user = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]
    subprocess.run([*user, f"{binary}/initdb", "-D", data, "-A", "trust", "-U", "owner", "-N"], check=True, capture_output=True, cwd=data)
    server = subprocess.Popen([*user, f"{binary}/postgres", "-D", data, "-p", str(port), "-k", data, "-c", "fsync=off", "-c", "listen_addresses=127.0.0.1"],
                              cwd=data, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    receiver = None
    try:
        wait_for(port, server)
        while subprocess.run([f"{binary}/psql", "-h", "127.0.0.1", "-p", str(port), "-U", "owner", "-c", "select 1", "postgres"], capture_output=True).returncode:
            time.sleep(0.1)
        http = free_port()
        python = "/usr/bin/python3" if os.path.exists("/usr/bin/python3") else "python3"
        receiver = subprocess.Popen([python, os.path.join(PROJECT, "benches/over_postgres.py"), "--port", str(http), "--dsn",
                                     f"host=127.0.0.1 port={port} user=owner dbname=postgres"], env={**os.environ, **SECRETS})
        wait_for(http, receiver)
        with open(os.path.join(PROJECT, "tests/contracts/over-any-store.yaml"), encoding="utf-8") as file:
            made = file.read()
        made += STATE
        contract = os.path.join(folder, "over-postgres.yaml")
        with open(contract, "w", encoding="utf-8") as file:
            file.write(made)
        print("| deliveries | seconds | deliveries/s | p99 | judged afterwards in | memory at the most |\n|---|---|---|---|---|---|")
        for count in (50_000, 200_000):
            out, begun = os.path.join(folder, f"rows{count}"), time.monotonic()
            child = subprocess.Popen([HOOKGATE, "load", "--contract", contract, "--target", f"http://127.0.0.1:{http}", "--db",
                                      f"postgres://owner@127.0.0.1:{port}/postgres", "--mix", "fresh=95,duplicate=5", "--deliveries", str(count),
                                      "--run-time", "5m", "--quiet", "--report", out], cwd=PROJECT, env={**os.environ, **SECRETS},
                                     stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            said = child.stdout.read()
            _, status, usage = os.wait4(child.pid, 0)
            whole = time.monotonic() - begun
            if os.waitstatus_to_exitcode(status):
                print(said)
            with open(os.path.join(out, "load.json"), encoding="utf-8") as file:
                report = json.load(file)
            measured, p99 = report["seconds"], report["latency_us"]["p99"] / 1000
            print(f"| {count:,} | {measured:.1f} | {report['rate_per_s']:,.0f} | {p99:.1f} ms | {whole - measured:.1f} s | {usage.ru_maxrss // 1024} MB |", flush=True)
    finally:
        if receiver:
            receiver.terminate()
            receiver.wait()
        server.terminate()
        server.wait()


def processor(pid):
    with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def secrets(contract):
    """What a shipped contract has for tests, by the names of its variables."""
    with open(os.path.join(PROJECT, "fixtures/contracts", contract + ".yaml"), encoding="utf-8") as file:
        made = file.read()
    return {name: value.strip('"') for name, value in re.findall(r'env: (\w+),?\s+for_tests: ("[^"]+"|[^\s,}]+)', made)}


def key_pair(folder):
    print("| contract | sender, µs a delivery | reference, µs a delivery |\n|---|---|---|")
    for contract in ("github-webhook", "standard-webhooks", "discord-interactions", "standard-webhooks-ed25519"):
        port, env = free_port(), {**os.environ, **secrets(contract)}
        serve = subprocess.Popen([HOOKGATE, "serve", "--contract", contract, "--addr", f"127.0.0.1:{port}"], env=env,
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for(port, serve)
        before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), processor(serve.pid)
        hookgate("load", "--contract", contract, "--target", f"http://127.0.0.1:{port}", "--mix", "fresh=1", "--users", "8", "--deliveries", "100000",
                 "--run-time", "60s", "--quiet", "--report", os.path.join(folder, contract), env=env, check=True)
        after, ended = resource.getrusage(resource.RUSAGE_CHILDREN), processor(serve.pid)
        serve.terminate()
        serve.wait()
        sent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        print(f"| `{contract}` | {sent * 10:.0f} | {(ended - begun) * 10:.0f} |", flush=True)


def runs(folder):
    right, troubled = "tests/receivers/orch_phase3.py", "tests/receivers/troubled.py"
    slow = os.path.join(folder, "slow.py")
    with open(slow, "w", encoding="utf-8") as file:
        file.write(f"""import os, sys, time
sys.path.insert(0, {os.path.join(PROJECT, "tests/receivers")!r})
import orch_phase3 as right
answer = right.Receiver.answer
def late(self, status, value, headers=None):
    of = os.environ["LATE"]
    if (of == "all" and self.command == "POST") or (of == "duplicates" and isinstance(value, dict) and "reference" in value):
        time.sleep(float(os.environ["SECONDS_LATE"]))
    return answer(self, status, value, headers)
right.Receiver.answer = late
right.main()
""")
    at = "--port {port} --db {dir}/orch.db"
    rows = [("the built-in reference", [], {}),
            ("right, Python's `http.server` as it comes", [f"exec python3 {right} {at}"], {}),
            ("right, every answer after 1.5 s, within the contract", [f"exec python3 {slow} {at}"], {"LATE": "all", "SECONDS_LATE": "1.5"}),
            ("every duplicate 4 s late", [f"exec python3 {slow} {at}"], {"LATE": "duplicates", "SECONDS_LATE": "4"}),
            ("never an answer to a delivery", [f"exec python3 {troubled} {at}"], {"TROUBLE": "mute"})]
    print("| receiver | seconds | exit code |\n|---|---|---|")
    for name, command, env in rows:
        args = ["--exec", command[0], "--db", "{dir}/orch.db", "--clock", "rewind"] if command else []
        begun = time.monotonic()
        ended = hookgate("run", "--seed", "1", *args, env=env)
        print(f"| {name} | {time.monotonic() - begun:.1f} | {ended.returncode} |", flush=True)
        if ended.returncode not in (0, 1):
            print(ended.stderr[-400:])


SECTIONS = {"compare": compare, "find-max": find_max, "postgres": postgres, "key-pair": key_pair, "runs": runs}
arguments = sys.argv[1:]
cut = arguments.index("--") if "--" in arguments else len(arguments)
HOOKGATE = os.path.abspath(arguments[0] if cut else os.path.join(PROJECT, "target/release/hookgate"))
for wanted in arguments[cut + 1:] or SECTIONS:
    print(f"\n## {wanted}\n", flush=True)
    with tempfile.TemporaryDirectory() as scratch:
        SECTIONS[wanted](scratch)
