#!/usr/bin/env bash
# Generates the test media in target/media: a moving test pattern with a running clock (drawn by the
# pattern itself, no fonts needed) and a beeping tone. Made again only when this script changes.
set -euo pipefail
cd "$(dirname "$0")/.."

folder=target/media
stamp="$folder/stamp"
hash="$(sha256sum scripts/make-media.sh | cut -d ' ' -f 1)"
if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$hash" ]; then
  exit 0
fi
echo "making the test media in $folder"
mkdir -p "$folder"
rm -f "$stamp"

make() { ffmpeg -hide_banner -loglevel error -nostdin -y "$@"; }

# pattern SIZE RATE SECONDS and tone RATE SECONDS are lavfi sources.
pattern() { echo "testsrc2=size=$1:rate=$2:duration=$3"; }
tone() { echo "sine=frequency=440:beep_factor=4:sample_rate=$1:duration=$2"; }

# The same input gives the same bytes: fixed thread count, no encoder names and dates in the files.
exact=(-threads 2 -fflags +bitexact -flags:v +bitexact -flags:a +bitexact -map_metadata -1)
h264=(-c:v libx264 -preset veryfast -profile:v main -pix_fmt yuv420p -sc_threshold 0)
aac=(-c:a aac -b:a 64k)

# 25 fps, B-frames, a keyframe every 2 s, AAC 48 kHz stereo.
make -f lavfi -i "$(pattern 640x360 25 10)" -f lavfi -i "$(tone 48000 10)" \
  "${exact[@]}" "${h264[@]}" -bf 2 -g 50 -b:v 240k -maxrate 300k -bufsize 300k \
  "${aac[@]}" -ac 2 -movflags +faststart "$folder/bars.mp4"
make -i "$folder/bars.mp4" -c copy -fflags +bitexact -f mpegts "$folder/bars.ts"

# 29.97 fps: frame times that are no whole milliseconds.
make -f lavfi -i "$(pattern 640x360 30000/1001 10)" -f lavfi -i "$(tone 48000 10)" \
  "${exact[@]}" "${h264[@]}" -bf 2 -g 60 -b:v 240k "${aac[@]}" -ac 2 "$folder/film.mp4"

# Mono sound at 44.1 kHz, no B-frames.
make -f lavfi -i "$(pattern 320x180 25 10)" -f lavfi -i "$(tone 44100 10)" \
  "${exact[@]}" "${h264[@]}" -bf 0 -g 50 -b:v 150k "${aac[@]}" -ac 1 "$folder/mono.mp4"

make -f lavfi -i "$(tone 48000 10)" "${exact[@]}" "${aac[@]}" -ac 2 "$folder/audio-only.mp4"
make -i "$folder/bars.mp4" -c copy -an -fflags +bitexact "$folder/video-only.mp4"

# The picture's size changes in the middle: two halves one after the other in one TS.
for half in "640x360 0 large" "320x180 5 small"; do
  read -r size offset name <<<"$half"
  make -f lavfi -i "$(pattern "$size" 25 5)" -f lavfi -i "$(tone 48000 5)" \
    "${exact[@]}" "${h264[@]}" -bf 0 -g 50 -b:v 200k "${aac[@]}" -ac 2 \
    -output_ts_offset "$offset" -f mpegts "$folder/$name.part.ts"
done
make -i "concat:$folder/large.part.ts|$folder/small.part.ts" -c copy -fflags +bitexact \
  -f mpegts "$folder/size-change.ts"
rm -f "$folder"/*.part.ts

make -f lavfi -i "$(pattern 640x360 25 10)" -f lavfi -i "$(tone 48000 10)" \
  "${exact[@]}" -c:v libx265 -preset veryfast -pix_fmt yuv420p -tag:v hvc1 -b:v 240k \
  -x265-params "log-level=error:keyint=50:min-keyint=50:scenecut=0:pools=2:info=0" \
  "${aac[@]}" -ac 2 "$folder/hevc.mp4"

# 1 Mbit/s, the load of the fault scenarios.
make -f lavfi -i "$(pattern 640x360 25 10),noise=alls=12:allf=t" -f lavfi -i "$(tone 48000 10)" \
  "${exact[@]}" "${h264[@]}" -bf 0 -g 50 -b:v 900k -minrate 900k -maxrate 900k -bufsize 900k \
  "${aac[@]}" -ac 2 -f mpegts -muxrate 1000k "$folder/load.ts"

echo "$hash" >"$stamp"
