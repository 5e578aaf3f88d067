#!/usr/bin/env bash
# make picture: the README's pictures of the overview, of the demo with some viewers.
set -euo pipefail
cd "$(dirname "$0")/.."

log=target/picture.log
mkdir -p target
: >"$log"
scripts/run-demo.sh >"$log" 2>&1 &
demo=$!

stop_demo() {
  kill -TERM "$demo" 2>/dev/null || true
  wait "$demo" 2>/dev/null || true
}
trap stop_demo EXIT

echo "== waiting for the demo, see $log"
until grep -q '^ready$' "$log"; do
  kill -0 "$demo" 2>/dev/null || { tail -n 20 "$log" >&2; exit 1; }
  sleep 1
done
echo "== watching it for some minutes"
node web-ui/scripts/picture.mjs docs
ls -l docs/*.png
