// Takes the README's pictures of the overview of the demo, light and dark, with some viewers.
//   node web-ui/scripts/picture.mjs FOLDER [OVERVIEW...]
// The first overview is shown; viewers come to all of them. Needs Chromium and ffmpeg.

import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { chromium } from "playwright-core";

const [folder, ...given] = process.argv.slice(2);
const overviews =
  given.length > 0 ? given : [8081, 8082, 8083].map((port) => `http://127.0.0.1:${port}/`);
/** What they play; the same one more than once is liked more. */
const STREAMS = [
  "north-cam",
  "south-cam",
  "east-film",
  "south-cam",
  "east-cam",
  "south-film",
  "south-cam",
];
const VIEWERS_MAX = 45;
/** A viewer comes or goes this often, so that the lines have a shape. */
const STEP_MS = 1200;
/** Points of the sparklines, one each five seconds. */
const POINTS_WANTED = 30;
const DEADLINE_MS = 300_000;

/** Plays until stopped; a node sends it to the holder of the stream. */
function startViewer(overview, stream) {
  const stopped = new AbortController();
  const play = async () => {
    const { body } = await fetch(new URL(`${stream}/mpegts`, overview), { signal: stopped.signal });
    for await (const chunk of body) void chunk;
  };
  play().catch(() => undefined); // Who is lost, as on a busy machine, is just not there.
  return () => stopped.abort();
}

/** Comes and goes like people do, until `isOver`. */
async function crowd(isOver) {
  const leave = [];
  for (let step = 0; !isOver(); step++) {
    const wanted = VIEWERS_MAX * (0.55 + 0.45 * Math.sin(step / 13)) * Math.min(1, step / 20);
    while (leave.length > wanted) leave.shift()();
    for (let come = 0; come < 3 && leave.length < wanted; come++) {
      const index = 3 * step + come;
      const stream = STREAMS[index % STREAMS.length];
      leave.push(startViewer(overviews[index % overviews.length], stream));
    }
    await sleep(STEP_MS);
  }
  for (const one of leave) one();
}

/** 256 colours are all that the page has. */
function shrink(from, to) {
  const filter = "split[a][b];[a]palettegen=stats_mode=single[p];[b][p]paletteuse=dither=none";
  execFileSync("ffmpeg", ["-v", "error", "-y", "-i", from, "-vf", filter, to]);
}

const scratch = mkdtempSync(join(tmpdir(), "watershed-picture-"));
const browser = await chromium.launch({
  executablePath: process.env["CHROMIUM"] ?? "/usr/bin/chromium",
  chromiumSandbox: false,
  args: ["--disable-gpu"],
});
let isOver = false;
const crowded = crowd(() => isOver);
try {
  const page = await browser.newPage({
    viewport: { width: 1280, height: 420 },
    deviceScaleFactor: 1.5,
  });
  await page.goto(overviews[0]);
  await page.waitForFunction(
    (wanted) => {
      const lines = [...document.querySelectorAll(".spark .line")];
      const points = lines.map((line) => (line.getAttribute("d") ?? "").split("L").length);
      return points.length > 1 && Math.min(...points) >= wanted;
    },
    POINTS_WANTED,
    { timeout: DEADLINE_MS, polling: 1000 },
  );
  for (const [scheme, name] of [
    ["light", "overview"],
    ["dark", "overview-dark"],
  ]) {
    await page.emulateMedia({ colorScheme: scheme });
    const whole = join(scratch, `${name}.png`);
    await page.screenshot({ path: whole, fullPage: true });
    shrink(whole, join(folder, `${name}.png`));
  }
} finally {
  isOver = true;
  await crowded;
  await browser.close();
  rmSync(scratch, { recursive: true });
}
