#!/usr/bin/env bash
# Memory of a soak (`load --rotate`): resident memory of the load once a second, its slope, and what was delivered.
#
#   benches/soak.sh [HOOKGATE] [SECONDS] [RATE] [ROTATE]        (target/release/hookgate, 600, 5000, 10s)
#
# The receiver is `hookgate serve` on a database of its own; every key and row is judged. The slope is that of a straight line through all readings
# after 17 rotations, in which memory fills: each has threads of its own, and the C library keeps what they free in up to eight places a core. Prints a table; needs python3, and room for the database (about 1 GB in ten minutes).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
hookgate=$(realpath "${1:-target/release/hookgate}")
seconds=${2:-600} rate=${3:-5000} rotate=${4:-10s}
scratch=$(mktemp -d)
export ORCH_WEBHOOK_SECRET="a secret of the benches"
"$hookgate" serve --db "$scratch/receiver.db" >"$scratch/address" 2>/dev/null &
receiver=$!
trap 'kill $receiver 2>/dev/null || true; rm -rf "$scratch"' EXIT
until grep -q http "$scratch/address"; do sleep 0.1; done
target=$(grep -oE 'http://[0-9.]+:[0-9]+' "$scratch/address" | head -n 1)
"$hookgate" load --target "$target" --db "$scratch/receiver.db" --rate "$rate/s" --run-time "${seconds}s" --rotate "$rotate" --users 16 \
  --mix fresh=80,duplicate=20 --report "$scratch/soak" --quiet >"$scratch/told" 2>/dev/null &
load=$!
while kill -0 $load 2>/dev/null; do
  awk '/VmRSS/ {print $2}' "/proc/$load/status" >>"$scratch/rss" 2>/dev/null || true
  sleep 1
done
wait $load || true
python3 - "$scratch" "$seconds" "$rotate" <<'PY'
import json, sys
scratch, seconds, rotate = sys.argv[1], int(sys.argv[2]), sys.argv[3]
rss = [int(line) / 1024 for line in open(f"{scratch}/rss") if line.strip()]
rss = rss[:seconds]
report = json.load(open(f"{scratch}/soak/load.json"))
print(f"{report['operations']:,} deliveries in {len(report['workers'])} rotations of {rotate}, {report['rate_per_s']:,.0f}/s of {report['wanted_per_s']:,.0f}/s, "
      f"{report['dropped']:,} dropped: {report['verdict']}")
print("\n| after | memory |\n|---|---|")
for share in (0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0):
    at = max(1, min(len(rss), round(len(rss) * share)))
    print(f"| {at} s | {rss[at - 1]:.1f} MB |")
span = int(rotate.rstrip("sm")) * (60 if rotate.endswith("m") else 1)
first = min(17 * span, len(rss) // 2)
points = list(enumerate(rss))[first:]
mean_x = sum(x for x, _ in points) / len(points)
mean_y = sum(y for _, y in points) / len(points)
slope = sum((x - mean_x) * (y - mean_y) for x, y in points) / sum((x - mean_x) ** 2 for x, _ in points)
rate = report["operations"] / seconds
print(f"\nFrom {first} s on: {min(y for _, y in points):.1f} to {max(y for _, y in points):.1f} MB, slope {slope * 1024:.2f} KB a second "
      f"({slope * 1024 * 1024 / rate:.2f} bytes a delivery), {slope * 3600:.1f} MB in an hour.")
PY
