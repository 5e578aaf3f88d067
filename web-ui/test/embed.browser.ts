// The player page with real video: it plays, survives its entry node, and says what is wrong.

import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Request } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { screenshot } from "./support/browser";
import { startLiveHls, type LiveHls } from "./support/live_hls";
import type { MockNode } from "./support/mock_node";
import { context, expectSound, openTab, page, startNode } from "./support/stage";

let live: LiveHls;
let nodes: MockNode[];

beforeAll(async () => {
  live = await startLiveHls();
});
afterAll(() => live?.stop());

/** Opens the page at the first of `count` entry nodes that all hold the stream. */
async function open(
  count: number,
  query = "",
  prepare = (_nodes: MockNode[]): void => undefined,
): Promise<void> {
  nodes = await Promise.all(Array.from({ length: count }, () => startNode({ media: live.folder })));
  for (const node of nodes) node.entries = nodes.map(({ base }) => base);
  prepare(nodes);
  await openTab(`${nodes[0]?.base}/live/cam/embed.html${query}`);
}

const state = (): Promise<string | undefined> =>
  page.evaluate(() => document.documentElement.dataset["state"]);
const reaches = (wanted: string, timeout = 20_000): Promise<void> =>
  expect.poll(state, { timeout, interval: 50 }).toBe(wanted);

/** Frames decoded by the current player. */
async function frames(): Promise<number> {
  return page.evaluate(
    () => document.querySelector("video")?.getVideoPlaybackQuality().totalVideoFrames ?? 0,
  );
}

/** The longest time between two samples in which the picture did not move. */
async function watchGaps(): Promise<void> {
  await page.evaluate(() => {
    const found = { longestMs: 0 };
    Object.assign(globalThis, { gaps: found });
    const video = document.querySelector("video");
    let lastTime = -1;
    let movedAt = performance.now();
    setInterval(() => {
      const now = performance.now();
      if (video && video.currentTime !== lastTime) movedAt = now;
      lastTime = video?.currentTime ?? -1;
      found.longestMs = Math.max(found.longestMs, now - movedAt);
    }, 20);
  });
}

const longestGap = (): Promise<number> =>
  page.evaluate(() => (globalThis as unknown as { gaps: { longestMs: number } }).gaps.longestMs);

it("plays H.264 and AAC, and passes the token but not its own parameters", async () => {
  await open(1, "?token=a%2Fb&mute=1&_via=12345678.1");
  await reaches("playing");
  const before = await frames();
  await expect.poll(frames, { timeout: 20_000 }).toBeGreaterThan(before + 50);
  const playlists = nodes[0]?.requests.filter((url) => url.includes("index.m3u8")) ?? [];
  expect(new Set(playlists)).toEqual(new Set(["/live/cam/index.m3u8?token=a%2Fb"]));
  expect(await page.evaluate(() => document.querySelector("video")?.muted)).toBe(true);
  await expectSound("embed-playing");
});

it("goes on through the second entry when the first is killed", async () => {
  await open(2);
  await reaches("playing");
  await expect.poll(frames, { timeout: 20_000 }).toBeGreaterThan(50);
  await watchGaps();
  await nodes[0]?.kill();
  await expect
    .poll(() => page.evaluate(() => document.documentElement.dataset["entry"]), { timeout: 20_000 })
    .toBe("1");
  await reaches("playing");
  const before = await frames();
  await expect.poll(frames, { timeout: 20_000 }).toBeGreaterThan(before + 50);
  const gap = await longestGap();
  console.log(`gap after the death of the entry: ${Math.round(gap)} ms`);
  expect(gap).toBeLessThan(1000);
});

it("goes on at the new holder when the one it was redirected to is killed", async () => {
  await open(3, "?redirect=false", (all) => {
    const [entry, holder, other] = all;
    if (!entry || !holder || !other) return;
    entry.entries = [entry.base];
    entry.reachable = [holder.base, other.base];
    entry.redirectTo = holder.base;
  });
  await reaches("playing");
  await expect.poll(frames, { timeout: 20_000 }).toBeGreaterThan(50);
  const [entry, holder, other] = nodes;
  await holder?.kill();
  // The entry takes its time to notice.
  const asked = entry?.requests.length ?? 0;
  await expect.poll(() => entry?.requests.length, { timeout: 20_000 }).toBeGreaterThan(asked);
  if (entry && other) entry.redirectTo = other.base;
  await expect
    .poll(() => other?.requests.filter((url) => url.includes(".ts")).length, { timeout: 20_000 })
    .toBeGreaterThan(0);
  await reaches("playing");
  const before = await frames();
  await expect.poll(frames, { timeout: 20_000 }).toBeGreaterThan(before + 50);
});

it("waits in words for a stream that is not live, and plays it once it is", async () => {
  await open(1, "", ([node]) => void (node && (node.mediaStatus = 404)));
  await reaches("waiting");
  await page.getByText("This stream is not live right now.").waitFor();
  await expectSound("embed-waiting");
  for (const node of nodes) node.mediaStatus = null;
  await reaches("playing");
  expect(await page.locator("#notice").isHidden()).toBe(true);
});

it("gives up where every entry says no", async () => {
  await open(2, "", (all) => all.forEach((node) => (node.mediaStatus = 403)));
  await reaches("failed");
  await page.getByText("You may not watch this stream.").waitFor();
  expect(await page.getByRole("button", { name: "Try again" }).isVisible()).toBe(true);
  await expectSound("embed-denied");
});

it("fetches nothing before the click when told not to start by itself", async () => {
  await open(1, "?autoplay=false");
  await reaches("waiting");
  expect(nodes[0]?.requests.some((url) => /m3u8|assets\/hls/.test(url))).toBe(false);
  await expectSound("embed-ready");
  await page.getByRole("button", { name: "Play" }).click();
  await reaches("playing");
});

it("plays MPEG-TS where asked to, and goes on through the second entry", async () => {
  await open(2, "?player=mpegts&token=x");
  await reaches("playing");
  await expect.poll(frames, { timeout: 20_000 }).toBeGreaterThan(50);
  const asked = nodes.flatMap(({ requests }) => requests);
  expect(asked).toContain("/live/cam/mpegts?token=x");
  expect(asked.filter((url) => /m3u8/.test(url))).toEqual([]);
  await screenshot(page, "embed-mpegts");
  await nodes[0]?.kill();
  await expect
    .poll(() => page.evaluate(() => document.documentElement.dataset["entry"]), { timeout: 20_000 })
    .toBe("1");
  await reaches("playing");
  const before = await frames();
  await expect.poll(frames, { timeout: 20_000 }).toBeGreaterThan(before + 50);
});

it("shows the last picture or one of its origin before it plays, and no other", async () => {
  const others: string[] = [];
  const note = (request: Request): void => void others.push(new URL(request.url()).origin);
  context.on("request", note);
  await open(1, "?autoplay=0&token=x");
  const [{ base = "", requests = [] } = {}] = nodes;
  await expect.poll(() => requests).toContain("/live/cam/preview.jpg?token=x");
  await page.goto(`${base}/live/cam/embed.html?autoplay=0&poster=/pictures/cam.jpg`);
  await expect.poll(() => requests).toContain("/pictures/cam.jpg");
  await page.goto(`${base}/live/cam/embed.html?autoplay=0&poster=http://127.0.0.1:1/spy.jpg`);
  await page.getByRole("button", { name: "Play" }).waitFor();
  context.off("request", note);
  expect(new Set(others.filter((origin) => origin !== "null"))).toEqual(new Set([base]));
});

it("offers a button where the browser lets nothing start by itself", async () => {
  await openTab("about:blank");
  await page.addInitScript(() => {
    const { play } = HTMLMediaElement.prototype;
    HTMLMediaElement.prototype.play = function () {
      return navigator.userActivation.hasBeenActive
        ? play.call(this)
        : Promise.reject(new DOMException("not now", "NotAllowedError"));
    };
  });
  nodes = [await startNode({ media: live.folder })];
  await page.goto(`${nodes[0]?.base}/live/cam/embed.html`);
  await page.getByText("Press play to watch.").waitFor();
  await page.getByRole("button", { name: "Play" }).click();
  await reaches("playing");
});

it("plays below the prefix of a proxy", async () => {
  nodes = [await startNode({ media: live.folder, prefix: "/ops/one" })];
  await openTab(`${nodes[0]?.url}live/cam/embed.html?mute=1`);
  await reaches("playing");
});

it("says that the network is gone, and that the picture and sound cannot be decoded", async () => {
  await open(1);
  await reaches("playing");
  await nodes[0]?.kill();
  await page.getByText("The server cannot be reached.").waitFor({ timeout: 30_000 });
  expect(await page.getByText("Playback starts by itself").isVisible()).toBe(true);
  const media = mkdtempSync(join(tmpdir(), "watershed-noise-"));
  const lines = ["#EXTM3U", "#EXT-X-TARGETDURATION:1", "#EXTINF:1,", "0.ts", "#EXT-X-ENDLIST"];
  writeFileSync(join(media, "index.m3u8"), lines.join("\n"));
  writeFileSync(join(media, "0.ts"), randomBytes(188 * 100));
  nodes = [await startNode({ media })];
  await page.goto(`${nodes[0]?.base}/live/cam/embed.html`);
  await page.getByText("This browser cannot play this stream's").waitFor({ timeout: 30_000 });
  await expectSound("embed-undecodable");
  rmSync(media, { recursive: true });
});
