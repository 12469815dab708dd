#!/bin/sh
# Runs the suite again and again beside two busy loops, and counts verdicts that differ from the first run's.
#
#   benches/busy.sh [RUNS] [HOOKGATE] [ARGUMENTS OF `run`…]
#
# Prints one line a run that differs, and the count at the end; exits 1 when there is any.
set -eu
runs=${1:-20}
hookgate=${2:-target/release/hookgate}
[ $# -le 2 ] && set -- || shift 2
folder=$(mktemp -d)
sh -c 'while :; do :; done' & first=$!
sh -c 'while :; do :; done' & second=$!
trap 'kill $first $second 2>/dev/null; rm -rf "$folder"' EXIT INT TERM

verdicts() {
  "$hookgate" run --format json --seed 1 "$@" 2>/dev/null |
    python3 -c 'import json, sys; [print(one["id"], one["verdict"], one.get("reason") or "") for one in json.load(sys.stdin)["scenarios"]]'
}

verdicts "$@" | cut -d' ' -f1,2 >"$folder/wanted"
differing=0
run=1
while [ "$run" -le "$runs" ]; do
  verdicts "$@" >"$folder/seen"
  cut -d' ' -f1,2 "$folder/seen" >"$folder/short"
  if ! diff "$folder/wanted" "$folder/short" >"$folder/diff"; then
    count=$(grep -c '^>' "$folder/diff" || true)
    differing=$((differing + count))
    echo "run $run: $(grep '^>' "$folder/diff" | tr '\n' ' ')"
  fi
  run=$((run + 1))
done
echo "$differing differing verdicts in $runs runs beside two busy loops"
[ "$differing" -eq 0 ]
