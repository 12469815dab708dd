#!/usr/bin/env bash
# Rates of 1, 2 and 4 workers on this machine (`load --worker K/N`), against a receiver that costs nothing, and what all of them took of the cores.
#
#   benches/workers.sh [HOOKGATE] [SECONDS OF EACH LOAD]        (target/release/hookgate, 10)
#
# The receiver answers every delivery with the same 202 and reads none; it is benches/load.rs's own (`cargo bench --bench load` builds it), in a process of
# its own. Prints the table; takes about four loads and their judging, so some 50 seconds. Run it on a machine that does nothing else.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
hookgate=$(realpath "${1:-target/release/hookgate}")
seconds=${2:-10}
scratch=$(mktemp -d)
export ORCH_WEBHOOK_SECRET="a secret of the benches"
bench=$(cargo bench --bench load --no-run 2>&1 | sed -n 's/.*(\(.*\))$/\1/p' | tail -n 1)
"$bench" serve >"$scratch/address" &
receiver=$!
trap 'kill $receiver 2>/dev/null || true; rm -rf "$scratch"' EXIT
until [[ -s $scratch/address ]]; do sleep 0.1; done
target=http://$(grep -oE '[0-9.]+:[0-9]+' "$scratch/address")

echo "| workers | users in all | deliveries/s, joined | each | processor of all workers | of the receiver | lost |"
echo "|---|---|---|---|---|---|---|"
ticks() { awk '{print $14 + $15}' "/proc/$1/stat"; }
for workers in 1 2 4; do
  before=$(ticks $receiver)
  pids=()
  for ((number = 1; number <= workers; number++)); do
    "$hookgate" load --target "$target" --contract benches/constant.yaml --users $((64 / workers)) --mix fresh=1 --run-time "${seconds}s" --no-verify --quiet \
      --worker "$number/$workers" --run-word "bench$workers" --report "$scratch/$workers/w$number" >/dev/null 2>&1 &
    pids+=($!)
  done
  for pid in "${pids[@]}"; do wait "$pid" || true; done
  took=$(($(ticks $receiver) - before))
  python3 - "$scratch/$workers" "$workers" "$took" "$(getconf CLK_TCK)" "$seconds" <<'PY'
import glob, json, sys
folder, workers, took, hertz, seconds = sys.argv[1:]
reports = [json.load(open(f)) for f in sorted(glob.glob(f"{folder}/w*/load.json"))]
rates = [one["rate_per_s"] for one in reports]
own = sum(one["effort"].get("own_cpu_percent") or 0 for one in reports)
lost = sum(sum(one["errors"].values()) for one in reports)
each = " ".join(f"{rate:,.0f}" for rate in rates)
print(f"| {workers} | {sum(one['users'] for one in reports)} | {sum(rates):,.0f} | {each} | {own:.0f} % | {int(took) / int(hertz) / float(seconds) * 100:.0f} % | {lost} |")
PY
done
echo
echo "$(nproc) cores; percent of one."
