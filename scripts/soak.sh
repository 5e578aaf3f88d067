#!/usr/bin/env bash
# make soak: one node plays a looped file to a viewer of every protocol for an hour (SOAK_SECONDS).
# Prints every minute how far each viewer's media time is from the clock, the node's memory and the
# warnings so far; at the end a verdict, which is also the exit code. Files are in target/soak.
# WATERSHED names another binary. Protocols that the node refuses are listed and not judged.
#
# Drift is what a viewer has got of the stream since the first minute, less the time that has gone
# by. By HLS a player's own rhythm would hide it: there it is the playlist's end that is timed.
set -euo pipefail
cd "$(dirname "$0")/.."

seconds="${SOAK_SECONDS:-3600}"
drift_ms_max=100
growth_kib_max=1024
# What a warm-up takes: buffers, pools and the first loop of the file.
settle=20
http=8081 rtsp=8551 rtmp=1941 stream=north-cam
folder=target/soak
binary="${WATERSHED:-${CARGO_TARGET_DIR:-target}/release/watershed}"
declare -A url=(
  [rtmp]="rtmp://127.0.0.1:$rtmp/static/$stream"
  [rtsp]="rtsp://127.0.0.1:$rtsp/$stream"
  [ts]="http://127.0.0.1:$http/$stream/mpegts"
  [flv]="http://127.0.0.1:$http/$stream/live.flv"
  [hls]="http://127.0.0.1:$http/$stream/index.m3u8"
)
protocols=(rtmp rtsp ts flv hls)
playing=()
pids=()
node=

say() { echo "$(date +%H:%M:%S) $*"; }

# now_ms: the clock.
now_ms() { echo "$((${EPOCHREALTIME/./} / 1000))"; }

stop_all() {
  trap - EXIT INT TERM
  [ "${#pids[@]}" -eq 0 ] || kill "${pids[@]}" 2>/dev/null || true
  [ -z "$node" ] || { kill "$node" && sleep 1 && kill "$node"; } 2>/dev/null || true
  wait 2>/dev/null || true
}

start_node() {
  [ -n "${WATERSHED:-}" ] || cargo build --quiet --release --bin watershed
  rm -rf "$folder"
  mkdir -p "$folder/demo"
  ln -s ../media "$folder/media"
  # Alone: peers that do not run would be warned about.
  sed '/^peer /d' config/demo/north.conf >"$folder/demo/node.conf"
  # Fewer than there are descriptors, which would be warned about too.
  echo 'limits { connections 1000; }' >>"$folder/demo/node.conf"
  "$binary" run --config "$folder/demo/node.conf" >"$folder/node.log" 2>&1 &
  node="$!"
  local ready="http://127.0.0.1:$http/streamer/api/v3/monitoring/readiness" i
  for i in $(seq 1 100); do
    curl -sf -o /dev/null "$ready" && return
    kill -0 "$node" 2>/dev/null || break
    sleep 0.1
  done
  cat "$folder/node.log" >&2
  exit 1
}

options() { [ "$1" != rtsp ] || echo "-rtsp_transport tcp"; }

# offered PROTOCOL: whether it plays; what ffmpeg says if not goes to its log.
offered() {
  # shellcheck disable=SC2046 # two words
  timeout 30 ffmpeg -hide_banner -loglevel error -nostdin $(options "$1") -i "${url[$1]}" \
    -t 1 -c copy -f null - >"$folder/$1.probe" 2>&1
}

start_viewer() {
  # shellcheck disable=SC2046 # two words
  ffmpeg -hide_banner -loglevel warning -nostdin -nostats -stats_period 1 \
    -progress "$folder/$1.progress" $(options "$1") -i "${url[$1]}" -map 0 -c copy -f null - \
    >/dev/null 2>"$folder/viewer-$1.log" &
  pids+=("$!")
}

# time_playlist FILE: a line `MEDIA_MS CLOCK_MS` whenever the media playlist gets longer. It looks
# often only when the next segment is due.
time_playlist() {
  local file="$1" media_us=0 last="" text entry
  while :; do
    text="$(curl -sf "http://127.0.0.1:$http/$stream/video.m3u8" || true)"
    # `DURATION_US NAME` of each segment.
    entry="$(awk -F'[:,]' '
      /^#EXTINF/ { us = $2 * 1000000 } /^[^#]/ { printf "%.0f %s\n", us, $0 }' <<<"$text")"
    if [ -n "$entry" ] && [ "${entry##* }" != "$last" ]; then
      media_us="$(awk -v last="$last" -v sum="$media_us" '
        seen || last == "" { sum += $1 } $2 == last { seen = 1 }
        END { printf "%.0f", (seen || last == "") ? sum : -1 }' <<<"$entry")"
      [ "$media_us" -ge 0 ] || { echo "a segment was missed" >&2; return 1; }
      last="${entry##* }"
      echo "$((media_us / 1000)) $(now_ms)" >>"$file"
      sleep 1.5
    fi
    sleep 0.02
  done
}

# ahead PROTOCOL: media time less the clock, in ms, at what came last; nothing if nothing came.
ahead() {
  local file="$folder/$1.progress" media clock
  if [ "$1" = hls ]; then
    tail -n 1 "$folder/hls.playlist" 2>/dev/null | awk '{ printf "%.0f\n", $1 - $2 }'
    return
  fi
  media="$(tail -n 40 "$file" 2>/dev/null | sed -nE 's/^out_time_us=([0-9]+)$/\1/p' | tail -n 1)"
  clock="$(stat -c %.3Y "$file" 2>/dev/null || true)"
  [ -z "$media" ] || echo "$((media / 1000 - ${clock/./}))"
}

median() { sort -n | awk '{ v[NR] = $1 } END { if (NR) print v[int((NR + 1) / 2)] }'; }

rss_kib() { awk '/^VmRSS/ { print $2 }' "/proc/$node/status"; }

# warnings: what the node and the viewers complained about.
warnings() {
  grep -hE 'WARN|ERROR|panicked' "$folder/node.log" || true
  cat "$folder"/viewer-*.log
}

# watch_minute SECONDS: samples every second; adds the medians to FILES of the folder.
watch_minute() {
  local end="$((SECONDS + $1))" protocol value
  rm -f "$folder"/*.samples
  while [ "$SECONDS" -lt "$end" ]; do
    kill -0 "$node" 2>/dev/null || { say "the node has died"; exit 1; }
    for protocol in "${playing[@]}"; do
      value="$(ahead "$protocol")"
      [ -z "$value" ] || echo "$value" >>"$folder/$protocol.samples"
    done
    sleep 1
  done
  rss_kib >>"$folder/rss"
  for protocol in "${playing[@]}"; do
    median <"$folder/$protocol.samples" >>"$folder/$protocol.ahead"
  done
}

# drift PROTOCOL: of the last minute against the first, in ms.
drift() { awk 'NR == 1 { first = $1 } END { print $1 - first }' "$folder/$1.ahead"; }

# growth: KiB from the mean of the first half of the minutes to that of the second half.
growth() {
  awk '{ v[NR] = $1 } END {
    half = int(NR / 2)
    for (i = 1; i <= half; i++) grown += v[NR - half + i] - v[i]
    print half ? int(grown / half) : 0
  }' "$folder/rss"
}

report_minute() {
  local line="" protocol
  for protocol in "${playing[@]}"; do line+="$protocol $(drift "$protocol") ms, "; done
  say "drift ${line%, } | memory $(rss_kib) KiB | warnings $(warnings | wc -l)"
}

judge() {
  local failed=0 protocol value
  for protocol in "${playing[@]}"; do
    value="$(drift "$protocol")"
    if [ "${value#-}" -gt "$drift_ms_max" ]; then
      echo "FAILED: $protocol has drifted by $value ms, $drift_ms_max allowed"
      failed=1
    fi
  done
  value="$(growth)"
  if [ "$value" -gt "$growth_kib_max" ]; then
    echo "FAILED: memory has grown by $value KiB, $growth_kib_max allowed"
    failed=1
  fi
  if [ "$(warnings | wc -l)" -gt 0 ]; then
    echo "FAILED: warnings:"
    warnings | head -n 20
    failed=1
  fi
  [ "$failed" -ne 0 ] || say "soak passed: ${playing[*]}; memory $value KiB from half to half"
  [ "$seconds" -ge 3600 ] || echo "REDUCED: $seconds s instead of an hour"
  return "$failed"
}

scripts/install.sh run
scripts/make-media.sh
trap stop_all EXIT
trap 'exit 1' INT TERM
start_node
for protocol in "${protocols[@]}"; do
  if offered "$protocol"; then
    playing+=("$protocol")
  else
    say "skipped: $protocol: $(head -n 1 "$folder/$protocol.probe")"
  fi
done
[ "${#playing[@]}" -gt 0 ] || { say "nothing can be played"; exit 1; }
for protocol in "${playing[@]}"; do start_viewer "$protocol"; done
time_playlist "$folder/hls.playlist" 2>"$folder/viewer-playlist.log" &
pids+=("$!")
sleep "$settle"
begin="$SECONDS"
while [ "$((SECONDS - begin))" -lt "$seconds" ]; do
  left="$((seconds - SECONDS + begin))"
  watch_minute "$((left < 60 ? left : 60))"
  report_minute
done
for pid in "${pids[@]}"; do
  kill -0 "$pid" 2>/dev/null || { echo "FAILED: a viewer has ended; see $folder"; exit 1; }
done
judge
