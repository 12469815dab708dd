#!/usr/bin/env python3
"""Kills hookgate at random moments, and looks at what is left: benches/kills.py HOOKGATE [COUNT] [SEED].

Each time one of its commands is started with folders of its own, and gets a signal at a moment that is drawn: a whole report where one can
be, never a broken one; no process of it; no folder of its own (after KILL: none once the next command has started); the right exit code.
Prints a table and every complaint; ends with 1 where there is one.
"""

import collections
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

SIGNALS = ["INT", "TERM", "HUP", "KILL", "PIPE"]
GENTLE = 130  # the exit code of whoever is interrupted
LONG_ENOUGH = 120.0  # seconds that a command may take to end on a busy machine, which after PIPE is its own end
RECEIVER = "{hookgate} serve --addr 127.0.0.1:{{port}}"


def commands(hookgate):
    """The command lines, and until when a signal may come (seconds)."""
    receiver = RECEIVER.format(hookgate=hookgate)
    all_of_them = {
        "run --exec": (["run", "--exec", receiver, "seed", "signature", "duplicate", "--report", "OUT"], 2.0),
        "run": (["run", "--report", "OUT"], 2.5),
        "load": (["load", "--users", "4", "--run-time", "2s", "--report", "OUT"], 3.5),
        "selftest": (["selftest", "--defect", "missing-signature-passes"], 2.5),
    }
    if subprocess.run([hookgate, "explore", "--help"], capture_output=True, check=False).returncode == 0:
        all_of_them["explore"] = (["explore", "--for", "2s", "--report", "OUT"], 3.0)
    return all_of_them


def alive(mark):
    """Processes whose folder for what passes is that of the command."""
    found = []
    for process in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{process}/environ", "rb") as environ:
                if mark in environ.read().split(b"\0"):
                    with open(f"/proc/{process}/cmdline", "rb") as line:
                        words = line.read().replace(b"\0", b" ").decode(errors="replace").strip()
                    if words:
                        found.append(words)
        except OSError:
            continue
    return found


def broken_files(out):
    """Files of a report that are no JSON."""
    for folder, _, names in os.walk(out):
        for name in names:
            path = os.path.join(folder, name)
            with open(path, encoding="utf-8") as file:
                text = file.read()
            try:
                if name.endswith(".json"):
                    json.loads(text)
                elif name.endswith(".jsonl"):
                    for line in text.splitlines():
                        json.loads(line)
            except ValueError as wrong:
                yield f"{name} is broken: {wrong}"


def killed(hookgate, name, words, latest, by, dice):
    """Runs a command and kills it; what is wrong afterwards, and how it ended."""
    folder = tempfile.mkdtemp(prefix="kills-")
    out, temp = os.path.join(folder, "out"), os.path.join(folder, "temp")
    os.mkdir(temp)
    environment = {**os.environ, "TMPDIR": temp, "ORCH_WEBHOOK_SECRET": "a secret of the kills, shared with nobody"}
    environment.pop("CI", None)
    words = [out if word == "OUT" else word for word in words]
    moment = dice.uniform(0.0, latest)
    wrong = []
    with open(os.path.join(folder, "told"), "w+b") as told:
        child = subprocess.Popen([hookgate, *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=told, env=environment)
        time.sleep(moment)
        was_over = child.poll() is not None
        child.send_signal(getattr(signal, f"SIG{by}"))
        if by == "PIPE":
            child.stdout.close()
        try:
            if by == "PIPE":
                child.wait(LONG_ENOUGH)
            else:
                child.communicate(timeout=LONG_ENOUGH)
        except subprocess.TimeoutExpired:
            wrong.append(f"has not ended {LONG_ENOUGH:.0f} s after its signal")
            child.kill()
            child.wait()
        told.seek(0)
        said = told.read().decode(errors="replace")
    code = child.returncode
    has_report = os.path.exists(os.path.join(out, "report.json")) or os.path.exists(os.path.join(out, "load.json"))
    ended = "over" if was_over or code in (0, 1, 4) else str(code)
    if by == "KILL":
        allowed = code == -signal.SIGKILL or code in (0, 1, 4)
    elif by == "PIPE":
        # What only prints ends when nobody reads it; whatever leaves a report goes on to its end.
        allowed = code in (0, 1, 4) or (code == GENTLE and "--report" not in words)
    else:
        # A process that has just begun has no handler yet, and nothing to report.
        begun = has_report or os.listdir(temp)
        allowed = code in (0, 1, 4, GENTLE) or (code == -getattr(signal, f"SIG{by}") and not begun)
    if not allowed:
        wrong.append(f"exit {code}")
    if code == GENTLE and "--report" in words and not has_report:
        wrong.append("no report")
    wrong.extend(broken_files(out))
    if has_report and by != "KILL":
        verified = subprocess.run([hookgate, "report", "verify", out], capture_output=True, text=True, check=False)
        if verified.returncode != 0:
            wrong.append(f"its report does not agree: {verified.stdout}{verified.stderr}")
    mark = f"TMPDIR={temp}".encode()
    deadline = time.monotonic() + 8.0  # a receiver that is asked to go has five seconds
    while alive(mark) and time.monotonic() < deadline:
        time.sleep(0.05)
    wrong.extend(f"left the process {one}" for one in alive(mark))
    if by == "KILL":
        subprocess.run([hookgate, "run", "key/missing*"], capture_output=True, env=environment, check=False)
    left = os.listdir(temp)
    if left:
        wrong.append(f"left {left}")
    if wrong:
        wrong = [f"{name}, {by} after {moment:.3f} s: {one}" for one in wrong] + [f"    {line}" for line in said.splitlines()[:12]]
    shutil.rmtree(folder, ignore_errors=True)
    return wrong, ended


def main():
    hookgate = os.path.abspath(sys.argv[1])
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 200
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else random.randrange(1 << 32)
    print(f"{count} kills, seed {seed}")
    dice = random.Random(seed)
    all_of_them = commands(hookgate)
    pairs = [(name, by) for name in all_of_them for by in SIGNALS]
    dice.shuffle(pairs)
    ends, complaints = collections.Counter(), []
    for at in range(count):
        name, by = pairs[at % len(pairs)]
        words, latest = all_of_them[name]
        wrong, ended = killed(hookgate, name, words, latest, by, dice)
        ends[name, by, ended] += 1
        for line in wrong:
            print(line, flush=True)
        complaints.extend(wrong)
    print("\n| command | signal | how it ended | times |\n|---|---|---|---|")
    for (name, by, ended), times in sorted(ends.items()):
        print(f"| {name} | {by} | {ended} | {times} |")
    print(f"\n{count} kills, {len([one for one in complaints if not one.startswith(' ')])} complaints")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
