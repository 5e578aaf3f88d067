// A small live HLS stream (H.264 and AAC, segments of one second), made by ffmpeg at test time.

import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** Looks for a new segment this often. */
const LOOK_MS = 50;

/** The stream as one endless MPEG-TS, from the newest whole segment on. */
export async function* followTs(folder: string): AsyncGenerator<Buffer> {
  const numbers = readdirSync(folder).map((name) => Number(/^(\d+)\.ts$/.exec(name)?.[1] ?? -1));
  // The last one is being written.
  for (let number = Math.max(...numbers) - 1; ; number++) {
    while (!existsSync(join(folder, `${number + 1}.ts`))) {
      if (!existsSync(folder)) return;
      await sleep(LOOK_MS);
    }
    yield readFileSync(join(folder, `${number}.ts`));
  }
}

const START_TIMEOUT_MS = 30_000;

export interface LiveHls {
  folder: string;
  stop(): void;
}

export async function startLiveHls(): Promise<LiveHls> {
  const folder = mkdtempSync(join(tmpdir(), "watershed-hls-"));
  const ffmpeg = spawn(
    "ffmpeg",
    [
      "-v",
      "error",
      "-re",
      "-f",
      "lavfi",
      "-i",
      "testsrc2=size=320x180:rate=25",
      "-f",
      "lavfi",
      "-i",
      "sine=frequency=440:sample_rate=44100",
      "-c:v",
      "libx264",
      "-preset",
      "ultrafast",
      "-tune",
      "zerolatency",
      "-g",
      "25",
      "-pix_fmt",
      "yuv420p",
      "-c:a",
      "aac",
      "-b:a",
      "64k",
      "-f",
      "hls",
      "-hls_time",
      "1",
      "-hls_list_size",
      "6",
      "-hls_flags",
      "delete_segments",
      "-hls_segment_filename",
      join(folder, "%d.ts"),
      join(folder, "index.m3u8"),
    ],
    { stdio: ["ignore", "inherit", "inherit"] },
  );
  const stop = (): void => {
    ffmpeg.kill("SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  };
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (!existsSync(join(folder, "3.ts"))) {
    if (Date.now() > deadline || ffmpeg.exitCode !== null) {
      stop();
      throw new Error("ffmpeg made no live stream");
    }
    await sleep(100);
  }
  return { folder, stop };
}
