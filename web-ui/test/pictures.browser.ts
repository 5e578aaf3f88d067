// The small pictures in the list of streams: where they come from, how often they are asked for.

import { expect, it } from "vitest";
import { MediaNode, STREAMS, many } from "./support/media";
import type { MockNode, MockNodeOptions } from "./support/mock_node";
import { picture } from "./support/picture";
import { node, openTab, page, startNode } from "./support/stage";

async function open(
  pictureOf: MockNode["pictureOf"],
  streams = STREAMS,
  options: MockNodeOptions = {},
): Promise<void> {
  await startNode({ api: new MediaNode(streams).answer, ...options });
  node.pictureOf = pictureOf;
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
const OWN = ["Picture of live/cam", "Picture of studio/anna"];

it("shows them of the node's own streams that run, below a sub-path too", async () => {
  await open(picture, STREAMS, { prefix: "/media/console" });
  await expect.poll(shown, { timeout: 20_000 }).toEqual(OWN);
  expect(asked().sort()).toEqual([
    "/media/console/live/cam/preview.jpg",
    "/media/console/studio/anna/preview.jpg",
  ]);
});

it("asks again after half a minute, and takes away what is no more", async () => {
  let hasStage = true;
  await open((name) => (name === "live/cam" && !hasStage ? null : picture()));
  await expect.poll(shown, { timeout: 20_000 }).toEqual(OWN);
  await page.clock.runFor(25_000);
  expect(asked()).toHaveLength(2);
  hasStage = false;
  await page.clock.runFor(10_000);
  await expect.poll(shown).toEqual(["Picture of studio/anna"]);
  expect(asked()).toHaveLength(4);
  hasStage = true;
  await page.clock.runFor(35_000);
  await expect.poll(shown).toEqual(OWN);
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
