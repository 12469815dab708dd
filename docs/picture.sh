#!/usr/bin/env bash
# The picture of the README, docs/failure.svg: what a run really prints of a receiver that looks a key up and marks it in two transactions.
#   docs/picture.sh target/release/hookgate
set -euo pipefail
hookgate=$(realpath "${1:?the built command}")
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
scratch=$(mktemp -d)
cd "$scratch"
export ORCH_WEBHOOK_SECRET=the-secret-that-your-receiver-has
"$hookgate" serve --db orch.db --defect checks-then-marks >served 2>/dev/null &
trap 'kill %1; rm -rf "$scratch"' EXIT
until grep -q listening served; do sleep 0.1; done
url=$(grep -o 'http://[^ ]*' served)
CLICOLOR_FORCE=1 "$hookgate" run --select 'DUP-*,ONCE-*' --target "$url" --db orch.db --clock rewind --seed 41 >printed || test $? -eq 1
python3 "$here/picture.py" "hookgate run --target $url --db orch.db --clock rewind --select 'DUP-*,ONCE-*'" <printed >"$here/failure.svg"
