#!/usr/bin/env bash
# make fuzz: every target of fuzz/ for a minute (FUZZ_SECONDS), on the stable toolchain and without
# sanitizers: our code has no unsafe, so a panic, a hang or too much memory is what can be found.
# Prints a line a target. Fails on any crash, hang, or more than 64 MiB taken: the input lies in
# fuzz/artifacts/TARGET then, and belongs into fuzz/corpus-broken/TARGET once it is fixed.
#   scripts/fuzz.sh [TARGET...]
set -euo pipefail
cd "$(dirname "$0")/.."

seconds="${FUZZ_SECONDS:-60}"
# Above what a target needs to start.
memory_mib=64
# One input may not take longer, in seconds; the slowest seeds take milliseconds.
timeout=5
version=0.13.2

install_cargo_fuzz() {
  ! cargo fuzz --version >/dev/null 2>&1 || return 0
  echo "installing cargo-fuzz $version"
  cargo install --quiet --locked "cargo-fuzz@$version"
}

# put TARGET FILE...: files as seeds; FILE:SKIP leaves out that many bytes at the beginning.
put() {
  local target="$1" file
  shift
  for file in "$@"; do
    mkdir -p "fuzz/corpus/$target"
    tail -c +"$((${file#*:} + 1))" "${file%:*}" >"fuzz/corpus/$target/seed-$(basename "${file%:*}")"
  done
}

# Recorded clients and files, and the configurations that are shipped.
plant_seeds() {
  local file
  for file in media/testdata/rtmp/*.bin; do
    put rtmp "$file:3073" # behind the handshake
    put rtmp_handshake "$file:0"
  done
  for file in media/testdata/*.ts; do put mpegts "$file:0"; done
  for file in media/testdata/*.mp4; do put mp4 "$file:0"; done
  for file in media/testdata/rtp/*.rtp; do put rtp "$file:0"; done
  for file in media/testdata/rtp/*.sdp; do put sdp "$file:0"; done
  for file in config/watershed.conf config/demo/*.conf tests/golden/every-word.conf; do
    put config "$file:0"
  done
  # Each commented word of the manual as a line of its own is what the grammar can do.
  sed -E 's/^# ?//' config/watershed.conf | put config /dev/stdin:0
  for file in fuzz/seeds/*/*; do
    put "$(basename "$(dirname "$file")")" "$file:0"
  done
}

# field LOG NAME: a number of libFuzzer's final statistics.
field() { sed -n "s/^stat::$2: *//p" "$1" | tail -n 1; }

# peak LOG: megabytes.
peak() { field "$1" peak_rss_mb; }

# fuzz_one TARGET: prints its line; fails if anything was found.
fuzz_one() {
  local target="$1" result=0 base coverage
  local corpus="fuzz/corpus/$target" broken="fuzz/corpus-broken/$target"
  local program="$binaries/$target" log="$logs/$target.log" found="fuzz/artifacts/$target"
  mkdir -p "$corpus" "$found" "$broken"
  # What the fuzzer itself takes is not the parser's doing.
  "$program" -runs=1 -print_final_stats=1 >"$log.base" 2>&1
  base="$(peak "$log.base")"
  "$program" -max_total_time="$seconds" -print_final_stats=1 -timeout="$timeout" \
    -rss_limit_mb="$((base + memory_mib))" -artifact_prefix="$found/" \
    "$corpus" "$broken" >"$log" 2>&1 || result=$?
  coverage="$(grep -oE 'cov: [0-9]+' "$log" | tail -n 1 | cut -d ' ' -f 2)"
  printf '%-16s %10s runs %8s/s  cov %6s  peak %4s MiB (%s at start)  %s\n' "$target" \
    "$(field "$log" number_of_executed_units)" "$(field "$log" average_exec_per_sec)" \
    "${coverage:-?}" "$(peak "$log")" "${base:-?}" \
    "$([ "$result" -eq 0 ] && echo ok || echo "FOUND, see $log and $found")"
  return "$result"
}

install_cargo_fuzz
targets=("$@")
[ "$#" -gt 0 ] || mapfile -t targets < <(cargo fuzz list)
plant_seeds
logs=target/fuzz-logs
mkdir -p "$logs"
echo "building ${#targets[@]} fuzz targets"
cargo fuzz build --sanitizer none 2>"$logs/build.log" || { cat "$logs/build.log" >&2; exit 1; }
host="$(rustc -vV | sed -n 's/^host: //p')"
binaries="${CARGO_TARGET_DIR:-fuzz/target}/$host/release"
failed=0
for target in "${targets[@]}"; do
  fuzz_one "$target" || failed=1
done
exit "$failed"
