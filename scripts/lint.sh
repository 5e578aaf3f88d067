#!/usr/bin/env bash
# make lint: everything a machine can say about the sources without running them.
# The repository's own rules (sizes, layers, names) are tests: tests/tidy.rs.
set -euo pipefail
cd "$(dirname "$0")/.."

echo "== shell"
for script in scripts/*.sh .ci/run; do bash -n "$script"; done
! command -v shellcheck >/dev/null 2>&1 || shellcheck scripts/*.sh .ci/run

echo "== format"
cargo fmt --all --check

echo "== clippy"
cargo clippy --workspace --all-targets --quiet -- -D warnings

echo "== rustdoc"
RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --document-private-items --quiet

if command -v cargo-deny >/dev/null 2>&1; then
  echo "== licences and sources of dependencies"
  cargo deny --offline check bans licenses sources
fi
