// The player page with real video: it plays, survives its entry node, and says what is wrong.

import { afterAll, beforeAll, expect, it } from "vitest";
import { screenshot } from "./support/browser";
import { startLiveHls, type LiveHls } from "./support/live_hls";
import type { MockNode } from "./support/mock_node";
import { expectSound, openTab, page, startNode } from "./support/stage";

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
  await expect.poll(frames, { timeout: 10_000 }).toBeGreaterThan(before + 50);
  const playlists = nodes[0]?.requests.filter((url) => url.includes("index.m3u8")) ?? [];
  expect(new Set(playlists)).toEqual(new Set(["/live/cam/index.m3u8?token=a%2Fb"]));
  expect(await page.evaluate(() => document.querySelector("video")?.muted)).toBe(true);
  await expectSound("embed-playing");
});

it("goes on through the second entry when the first is killed", async () => {
  await open(2);
  await reaches("playing");
  await expect.poll(frames, { timeout: 10_000 }).toBeGreaterThan(50);
  await watchGaps();
  await nodes[0]?.kill();
  await expect
    .poll(() => page.evaluate(() => document.documentElement.dataset["entry"]), { timeout: 20_000 })
    .toBe("1");
  await reaches("playing");
  const before = await frames();
  await expect.poll(frames, { timeout: 10_000 }).toBeGreaterThan(before + 50);
  const gap = await longestGap();
  console.log(`gap after the death of the entry: ${Math.round(gap)} ms`);
  expect(gap).toBeLessThan(1000);
});

it("goes on at the new holder when the one it was redirected to is killed", async () => {
  await open(3, "", (all) => {
    const [entry, holder, other] = all;
    if (!entry || !holder || !other) return;
    entry.entries = [entry.base];
    entry.reachable = [holder.base, other.base];
    entry.redirectTo = holder.base;
  });
  await reaches("playing");
  await expect.poll(frames, { timeout: 10_000 }).toBeGreaterThan(50);
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
  await expect.poll(frames, { timeout: 10_000 }).toBeGreaterThan(before + 50);
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
  await screenshot(page, "embed-denied");
});

it("fetches nothing before the click when told not to start by itself", async () => {
  await open(1, "?autoplay=false");
  await reaches("waiting");
  expect(nodes[0]?.requests.some((url) => /m3u8|hls/.test(url))).toBe(false);
  await screenshot(page, "embed-ready");
  await page.getByRole("button", { name: "Play" }).click();
  await reaches("playing");
});
