#!/usr/bin/env bash
# make matrix: every live input by every live output, a minute each; a line for each cell.
#   MATRIX_SECONDS=10 scripts/matrix.sh   as long as make test does it
set -euo pipefail
cd "$(dirname "$0")/.."

export CARGO_INCREMENTAL="${CARGO_INCREMENTAL:-0}"
export MATRIX_SECONDS="${MATRIX_SECONDS:-60}"

scripts/install.sh test
scripts/make-media.sh
cargo test --test scenarios -- --exact --nocapture matrix::every_input_plays_through_every_output
