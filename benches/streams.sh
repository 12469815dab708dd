#!/bin/sh
# 500 subscribers and 2,000 deliveries a second against `hookgate serve`: what is lost, what comes twice, how long events take, and the
# memory of both. Prints a table for RESULTS.md. usage: benches/streams.sh [SECONDS] (after cargo build --release)
set -eu
seconds=${1:-30}
hookgate=${HOOKGATE:-target/release/hookgate}
folder=$(mktemp -d)
trap 'rm -r "$folder"' EXIT
for part in 1 3; do
  "$hookgate" load --contract orch-phase4 --exec "$hookgate serve --contract orch-phase4 --addr 127.0.0.1:{port} --db {dir}/orch.db" \
    --db '{dir}/orch.db' --streams 500 --rate 2000/s --warm-up 2s --run-time "$((seconds * part / 3))s" --drain 60s --seed 7 \
    --gate 'stream_lost==0' --gate 'stream_doubled==0' --gate 'stream_out_of_order==0' --gate 'dropped==0' \
    --report "$folder/$part" --quiet || echo "(exit $?)"
  python3 - "$folder/$part/load.json" <<'END'
import json, sys
load = json.load(open(sys.argv[1]))
streams, effort = load["streams"], load["effort"]
latency = streams.get("latency_us", {})
ms = lambda name: f"{latency.get(name, 0) / 1000:.1f} ms"
mb = lambda name: f"{(effort.get(name) or 0) >> 20} MB"
print("| s | deliveries/s | events | lost | doubled | out of order | open | resumed | p50 | p99 | max | load | serve |")
print("|" + "---|" * 13)
print(f"| {load['seconds']:.0f} | {load['rate_per_s']:.0f} | {streams['events']} of {streams['due']} | {streams['lost']} | {streams['doubled']} | "
      f"{streams['out_of_order']} | {streams['open']} | {streams['resumed']} | {ms('p50')} | {ms('p99')} | {ms('max')} | "
      f"{mb('own_peak_bytes')} | {mb('receiver_peak_bytes')} |")
END
done
