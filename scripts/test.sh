#!/usr/bin/env bash
# make test: all that CI runs, what fails soonest first. Ends with the runners' closing lines.
# The scenarios run the dev-profile binary: it is built anyway for the unit tests, and overflow
# checks and debug assertions are on. Speed is measured by make bench, in the release profile.
set -euo pipefail
cd "$(dirname "$0")/.."

# One run from start to end gains nothing from the incremental cache, which is large.
export CARGO_INCREMENTAL="${CARGO_INCREMENTAL:-0}"

log=target/test-output.log
mkdir -p target
: >"$log"

step() { echo "== $*"; }

# logged COMMAND...: its output is shown and kept for the closing lines.
logged() { "$@" 2>&1 | tee -a "$log"; }

closing_lines() {
  local result=$?
  echo
  step "promises, measured and allowed"
  grep -E '( allowed$|^REDUCED )' "$log" | sort -u || true
  step "closing lines of the test runners"
  local closing='^(test result:|error: test failed|test .* FAILED|[[:space:]]*(Test Files|Tests) )'
  grep -E "$closing" "$log" || true
  if [ "$result" -eq 0 ]; then step "make test passed"; else step "make test FAILED"; fi
  exit "$result"
}
trap closing_lines EXIT

step "tools and test media"
scripts/install.sh test
scripts/make-media.sh

# The daemon embeds the built pages, so they come before the first compiler run.
step "web UI"
(cd web-ui && npm ci --ignore-scripts --no-audit --no-fund)
logged npm --prefix web-ui test # type check, unit tests, build, size gate
logged npm --prefix web-ui run --if-present browser

step "lint"
scripts/lint.sh

step "Rust tests"
logged cargo test --workspace --bins --lib --test tidy --test broken_inputs
logged cargo test --workspace --doc

# Most of a scenario is waiting; four at once, of which tests/support lets two hold clusters.
step "scenarios"
logged cargo test --test scenarios -- --test-threads=4 --show-output
