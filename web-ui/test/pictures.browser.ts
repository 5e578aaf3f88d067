// The small pictures in the list of streams: where they come from, how often they are asked for.

import { expect, it } from "vitest";
import { MediaNode, STREAMS, many } from "./support/media";
import { MockNode, type MockNodeOptions } from "./support/mock_node";
import { picture } from "./support/picture";
import { node, openTab, page, startNode } from "./support/stage";

async function open(
  pictureOf: MockNode["pictureOf"],
  streams = STREAMS,
  options: MockNodeOptions = {},
  peer: string | null = null,
): Promise<void> {
  await startNode({ api: new MediaNode(streams).answer, ...options });
  node.pictureOf = pictureOf;
  node.redirectTo = peer;
  node.reachable = peer === null ? [] : [peer];
  await openTab("about:blank");
  await page.clock.install();
  await page.goto(`${node.url}#/streams`);
  await page.getByText(/\d+ streams/).waitFor();
}

const asked = (): string[] =>
  node.requests.filter((url) => url.includes("preview.jpg")).map((url) => url.split("?")[0] ?? "");
const shown = (): Promise<string[]> =>
  page
    .locator(".picture img:visible")
    .evaluateAll((all) => all.map((one) => (one as HTMLImageElement).alt));
const RUNNING = ["east/hall-with-a-rather-long-name", "live/cam", "south-cam", "studio/anna"];
const ALL = RUNNING.map((name) => `Picture of ${name}`);

it("shows them of streams that run, below a sub-path too", async () => {
  await open(picture, STREAMS, { prefix: "/media/console" });
  await expect.poll(shown, { timeout: 20_000 }).toEqual(ALL);
  expect(asked().sort()).toEqual(RUNNING.map((name) => `/media/console/${name}/preview.jpg`));
});

it("shows those of peers from where they are, if the page was let in there", async () => {
  const south = await MockNode.start();
  south.pictureOf = (name) => (name === "south-cam" ? picture() : null);
  const own = (name: string): Buffer | null => (name === "live/cam" ? picture() : null);
  await open(own, STREAMS, {}, south.base);
  await expect
    .poll(shown, { timeout: 20_000 })
    .toEqual(["Picture of live/cam", "Picture of south-cam"]);
  await south.kill();
});

it("asks again after half a minute, and takes away what is no more", async () => {
  let hasStage = true;
  await open((name) => (name === "live/cam" && !hasStage ? null : picture()));
  await expect.poll(shown, { timeout: 20_000 }).toEqual(ALL);
  await page.clock.runFor(25_000);
  expect(asked()).toHaveLength(4);
  hasStage = false;
  await page.clock.runFor(10_000);
  await expect.poll(shown).toEqual(ALL.filter((one) => one !== "Picture of live/cam"));
  expect(asked()).toHaveLength(8);
  hasStage = true;
  await page.clock.runFor(35_000);
  await expect.poll(shown).toEqual(ALL);
});

it("asks a node without any for few of them, and shows nothing", async () => {
  await open(() => null, many(60));
  await expect.poll(() => asked().length).toBe(3);
  await page.clock.runFor(25_000);
  expect(asked()).toHaveLength(3);
  await page.clock.runFor(10_000);
  await expect.poll(() => asked().length).toBeGreaterThan(3);
  expect(asked().length).toBeLessThanOrEqual(6);
  expect(await page.locator("img:visible").count()).toBe(0);
  expect(
    await page
      .locator(".picture")
      .first()
      .evaluate((box) => box.clientWidth),
  ).toBe(0);
});

it("asks only for rows that are in sight", async () => {
  await open(picture, many(100));
  await expect.poll(async () => (await shown()).length, { timeout: 20_000 }).toBeGreaterThan(5);
  await page.clock.runFor(5000);
  expect(asked().length).toBeLessThan(30);
  expect(asked()).not.toContain("/cam-00099/preview.jpg");
  await page.getByRole("link", { name: "cam-00099" }).scrollIntoViewIfNeeded();
  await expect.poll(asked, { timeout: 20_000 }).toContain("/cam-00099/preview.jpg");
});
