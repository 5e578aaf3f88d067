#!/usr/bin/env bash
# Installs what a make target needs and is not there yet. Safe to run again: what is found stays.
#   install.sh run     what the demo needs: ffmpeg for the test media, curl, a C compiler
#   install.sh test    that, and the clients that the scenarios play with
#   install.sh bench   that of run, and what the benchmark compares with
# As root the missing Debian packages are installed by apt; otherwise they are named, exit code 1.
set -euo pipefail
cd "$(dirname "$0")/.."

mode="${1:-run}"
case "$mode" in
run | test | bench) ;;
*) echo "usage: scripts/install.sh run|test|bench" >&2; exit 2 ;;
esac

missing=()

# need COMMAND PACKAGE...: the packages are wanted if the command is not there.
need() {
  local command="$1"
  shift
  command -v "$command" >/dev/null 2>&1 || missing+=("$@")
}

# need_element ELEMENT PACKAGE: the same for a GStreamer element.
need_element() {
  gst-inspect-1.0 --exists "$1" >/dev/null 2>&1 || missing+=("$2")
}

# Rust and Node come with their own installers; a distribution's are often too old.
check_toolchains() {
  local failed=0
  if ! command -v cargo >/dev/null 2>&1; then
    echo "cargo is missing: install Rust from https://rustup.rs" >&2
    failed=1
  fi
  if ! command -v node >/dev/null 2>&1 || ! command -v npm >/dev/null 2>&1; then
    echo "node and npm are missing: install Node 20.19 or newer from https://nodejs.org" >&2
    failed=1
  elif ! node -e 'const [a, b] = process.versions.node.split(".").map(Number);
      process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)'; then
    echo "node $(node -v) is too old: 20.19 or newer is needed" >&2
    failed=1
  fi
  return "$failed"
}

find_missing() {
  missing=()
  need ffmpeg ffmpeg
  need ffprobe ffmpeg
  need curl curl ca-certificates
  need cc build-essential
  if [ "$mode" = test ]; then
    need chromium chromium
    need rtmpdump rtmpdump
    need python3 python3
    python3 -c 'import ensurepip, venv' >/dev/null 2>&1 || missing+=(python3-venv)
    need gst-launch-1.0 gstreamer1.0-tools
    need_element videoconvert gstreamer1.0-plugins-base
    need_element souphttpsrc gstreamer1.0-plugins-good
    need_element hlsdemux gstreamer1.0-plugins-bad
    need_element rtmp2sink gstreamer1.0-plugins-bad
    need_element rtspclientsink gstreamer1.0-rtsp
    need_element avdec_h264 gstreamer1.0-libav
    /usr/bin/python3 -c 'import gi; gi.require_version("GstRtspServer", "1.0")' 2>/dev/null ||
      missing+=(python3-gi gir1.2-gst-rtsp-server-1.0)
    need_element rtspclientsink gstreamer1.0-rtsp
  fi
  if [ "$mode" = bench ]; then
    need nginx nginx-light
    find /usr/lib/nginx/modules -name ngx_rtmp_module.so 2>/dev/null | grep -q . ||
      missing+=(libnginx-mod-rtmp)
    need wrk wrk
  fi
}

install_missing() {
  find_missing
  [ "${#missing[@]}" -gt 0 ] || return 0
  mapfile -t missing < <(printf '%s\n' "${missing[@]}" | sort -u)
  if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null 2>&1; then
    echo "missing packages (Debian names): ${missing[*]}" >&2
    echo "install them, as root: apt-get install ${missing[*]}" >&2
    exit 1
  fi
  echo "installing: ${missing[*]}"
  export DEBIAN_FRONTEND=noninteractive
  # RUNLEVEL=1 keeps the packages' services from starting; only their programs are wanted.
  RUNLEVEL=1 apt-get update -qq
  RUNLEVEL=1 apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

# Debian 12 has ffmpeg 5.1, which cannot send H.265 by RTMP (enhanced RTMP came with 6.1).
# PyPI's imageio-ffmpeg carries a current static build.
install_current_ffmpeg() {
  [ ! -x target/tools/ffmpeg ] || return 0
  echo "installing a current ffmpeg into target/tools"
  mkdir -p target/tools
  python3 -m venv target/tools/venv
  target/tools/venv/bin/pip install --quiet --disable-pip-version-check imageio-ffmpeg==0.8.1
  local program find='import imageio_ffmpeg as f; print(f.get_ffmpeg_exe())'
  program="$(target/tools/venv/bin/python -c "$find")"
  ln -sf "$program" target/tools/ffmpeg
}

# Makes up requests from the API's own document; Debian has none.
install_schemathesis() {
  local venv=target/tools/schemathesis version=4.32.5
  [ ! -x "$venv/bin/schemathesis" ] || return 0
  echo "installing schemathesis $version into $venv"
  python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check "schemathesis==$version"
}

check_toolchains || exit 1
install_missing
if [ "$mode" = test ]; then
  install_current_ffmpeg
  install_schemathesis
fi
