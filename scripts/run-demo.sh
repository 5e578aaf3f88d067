#!/usr/bin/env bash
# make run: three nodes with live video on 127.0.0.1, from nothing to addresses that can be opened.
# Ctrl-C stops all of it.
set -euo pipefail
cd "$(dirname "$0")/.."

nodes=(north south east)
http_ports=(8081 8082 8083)
rtsp_ports=(8551 8552 8553)
rtmp_ports=(1941 1942 1943)
demo=target/demo
binary="${CARGO_TARGET_DIR:-target}/release/watershed"
pids=()

step() { echo "== $*"; }

stop_all() {
  trap - EXIT INT TERM
  [ "${#pids[@]}" -eq 0 ] || {
    echo
    step "stopping"
    # The first SIGTERM drains; the second stops what still waits for its last viewer.
    kill -TERM "${pids[@]}" 2>/dev/null || true
    sleep 1
    kill -TERM "${pids[@]}" 2>/dev/null || true
    wait "${pids[@]}" 2>/dev/null || true
  }
}

# A port in use is said at once, not after a build of minutes.
check_ports() {
  local port
  for port in "${http_ports[@]}" "${rtsp_ports[@]}" "${rtmp_ports[@]}"; do
    if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
      echo "port $port on 127.0.0.1 is taken: stop what listens there, then try again" >&2
      exit 1
    fi
  done
}

build() {
  step "building the web UI"
  (cd web-ui && npm ci --ignore-scripts --no-audit --no-fund && npm run build)
  step "building the daemon (some minutes the first time)"
  cargo build --release --bin watershed
}

start_nodes() {
  local i
  mkdir -p "$demo"
  cp config/demo/*.conf "$demo/"
  for i in "${!nodes[@]}"; do
    # In a session of its own, so that Ctrl-C reaches the nodes through stop_all only.
    setsid "$binary" run --config "$demo/${nodes[i]}.conf" >"$demo/${nodes[i]}.log" 2>&1 &
    pids+=("$!")
  done
}

# status URL: the HTTP status, 000 if nobody answers.
status() { curl -s -o /dev/null -m 5 -w '%{http_code}' "$1" || true; }

# wait_for STATUS URL: up to a minute; ends with the logs if a node has died meanwhile.
wait_for() {
  local i n
  for _ in $(seq 1 300); do
    [ "$(status "$2")" != "$1" ] || return 0
    for i in "${!pids[@]}"; do
      kill -0 "${pids[i]}" 2>/dev/null || {
        echo "node ${nodes[i]} has stopped; the end of $demo/${nodes[i]}.log:" >&2
        tail -n 20 "$demo/${nodes[i]}.log" >&2
        exit 1
      }
    done
    sleep 0.2
  done
  echo "$2 did not answer $1 within a minute; see the logs:" >&2
  for n in "${nodes[@]}"; do echo "  $demo/$n.log" >&2; done
  exit 1
}

wait_until_ready() {
  local i j
  step "waiting for the nodes to know each other's streams"
  for i in "${!nodes[@]}"; do
    wait_for 200 "http://127.0.0.1:${http_ports[i]}/streamer/api/v3/monitoring/readiness"
  done
  for i in "${!nodes[@]}"; do
    for j in "${!nodes[@]}"; do
      [ "$i" -ne "$j" ] || continue
      wait_for 302 "http://127.0.0.1:${http_ports[i]}/${nodes[j]}-cam/index.m3u8"
      wait_for 302 "http://127.0.0.1:${http_ports[i]}/${nodes[j]}-film/index.m3u8"
    done
  done
}

# Each address asks a node for a stream that another one has.
print_addresses() {
  cat <<TEXT
overview http://127.0.0.1:8081/
hls http://127.0.0.1:8081/south-cam/index.m3u8
ts http://127.0.0.1:8082/east-cam/mpegts
rtsp rtsp://127.0.0.1:8553/north-cam
rtmp rtmp://127.0.0.1:1941/east-cam
embed http://127.0.0.1:8081/south-cam/embed.html
ready
TEXT
}

scripts/install.sh run
check_ports
scripts/make-media.sh
build
trap stop_all EXIT
trap 'exit 0' INT TERM
start_nodes
wait_until_ready
print_addresses
wait -n "${pids[@]}" || true
echo "a node has ended; see $demo/*.log" >&2
exit 1
