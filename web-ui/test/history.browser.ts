// What the page of a peer tells of the last hour: charts, figures, changes of state; and what
// stands there where the node knows less.

import { expect, it } from "vitest";
import { overflowsSideways, screenshot } from "./support/browser";
import { down, neverAnswered, peer, refusal, wrongKey } from "./support/clusters";
import { history, remembering } from "./support/histories";
import type { Script } from "./support/mock_node";
import { PeerConfig } from "./support/peer_config";
import { node, open as openPage, page, sees } from "./support/stage";

const open = (hostname: string, api: Script): Promise<void> =>
  openPage({ api }, `#/peers/${hostname}`);

const south = (): Script => new PeerConfig([peer("south")]).api;
const asked = (): number => node.requests.filter((path) => path.endsWith("/history")).length;
const rowOf = (label: string): Promise<string> =>
  page.locator(".chart tr", { hasText: label }).last().innerText();

/** How many pixels of the chart have been drawn on. */
const inked = (title: string): Promise<number> =>
  page
    .locator(".chart", { hasText: title })
    .first()
    .locator("canvas")
    .evaluate((element) => {
      const canvas = element as HTMLCanvasElement;
      const { data } = canvas.getContext("2d")!.getImageData(0, 0, canvas.width, canvas.height);
      return data.filter((value, index) => index % 4 === 3 && value > 0).length;
    });

it("draws the last hour and says it in figures", async () => {
  await open("south", remembering(south()));
  await sees("Last hour");
  await expect.poll(() => page.locator(".chart canvas").count()).toBe(4);
  await expect.poll(() => inked("CPU and memory")).toBeGreaterThan(1000);
  expect(await rowOf("Memory")).toMatch(/50 %\s+41 %\s+50 %/);
  expect(await rowOf("Output")).toMatch(/Gbit\/s\s+90\d Mbit\/s\s+2\.7 Gbit\/s/);
  expect(await rowOf("Time to answer")).toMatch(/\d ms\s+3 ms\s+180 ms/);
});

it("tells the figures of the moment under the pointer, in all charts", async () => {
  await open("south", remembering(south()));
  const over = page.locator(".chart .u-over").first();
  await over.waitFor();
  await over.hover();
  const heads = page.locator(".chart thead th:nth-child(2)");
  await expect
    .poll(async () => new Set(await heads.allTextContents()))
    .toEqual(new Set([expect.stringMatching(/^\d\d:\d\d:\d\d UTC$/)]));
  await page.locator("h1").hover();
  await expect.poll(async () => new Set(await heads.allTextContents())).toEqual(new Set(["Now"]));
});

it("lists the changes of state, the newest first, and the last error among the facts", async () => {
  await open("south", remembering(south()));
  const rows = page.locator("table.changes tbody tr");
  await rows.first().waitFor();
  expect(await rows.count()).toBe(5);
  const [newest, before] = await rows.allInnerTexts();
  expect(newest).toMatch(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC\s+1[89]m \d+s ago\s+Up/);
  expect(before).toMatch(/Down\s+connection refused/);
  await page.locator(".facts").getByText("connection refused (").waitFor();
  await page
    .locator(".facts")
    .getByText(/^\d ms$/)
    .waitFor();
});

it("keeps the ages of changes going, and long reasons within a narrow page", async () => {
  const reason = `not HTTP: invalid HTTP version specified ${"x".repeat(60)}`;
  const changes = [{ at: Date.now() - 5000, state: "down", reason }];
  const told = { ...history(), changes };
  await open(
    "south",
    remembering(south(), () => told),
  );
  await page.setViewportSize({ width: 360, height: 800 });
  const age = page.locator("table.changes .below");
  const before = await age.innerText();
  await expect.poll(() => age.innerText(), { timeout: 5000 }).not.toBe(before);
  await screenshot(page, "peer-long-reason");
  expect(await overflowsSideways(page)).toBe(false);
});

it("compares times with the node's clock, not with the browser's", async () => {
  const ahead = 3 * 3_600_000;
  const api = remembering(south(), () => history(Date.now() + ahead));
  await open("south", (path, request, body) => {
    const answer = api(path, request, body);
    if (path !== "config/stats") return answer;
    return { body: { ...(answer.body as object), now: Date.now() + ahead } };
  });
  const newest = page.locator("table.changes tbody tr").first();
  await expect.poll(() => newest.innerText()).toMatch(/1[89]m \d+s ago/);
});

it("leaves gaps where nothing is known, of all numbers or of some", async () => {
  const samples = [
    { at: Date.now() - 20_000, cpu_usage: 12 },
    { at: Date.now() - 10_000, cpu_usage: null, memory_usage: "?" },
  ];
  await open(
    "south",
    remembering(south(), () => ({ samples: [...samples, null, 7] })),
  );
  await expect.poll(() => page.locator(".chart canvas").count()).toBe(4);
  expect(await rowOf("CPU")).toMatch(/–\s+12 %\s+12 %/);
  expect(await rowOf("Memory")).toMatch(/–\s+–\s+–/);
  await sees("Its state has not changed");
});

it("is no worse without a history, and does not press for one", async () => {
  await open("south", south());
  await sees("This node keeps no history of it.");
  await page.getByLabel("API URL").waitFor();
  await page.locator(".facts").getByText("412").waitFor();
  await page.waitForTimeout(4000);
  expect(asked()).toBe(1);
  expect(await page.locator(".chart").count()).toBe(0);
});

it("says why a history could not be read, and shows it when it can", async () => {
  let isBroken = true;
  const api = remembering(south());
  await open("south", (path, request, body) =>
    isBroken && path.endsWith("/history")
      ? refusal(500, "internal_error", "it broke")
      : api(path, request, body),
  );
  await sees("Its history could not be read: 500 it broke, request req-7f3a.");
  isBroken = false;
  await page.locator(".chart").first().waitFor({ timeout: 15_000 });
});

it("says that nothing was heard of a peer that is down, refused or silent", async () => {
  const peers = [down("east"), wrongKey("west"), neverAnswered("new")];
  const changes = [{ at: Date.now() - 60_000, state: "unauthorized", reason: "401 wrong key" }];
  const api = remembering(new PeerConfig(peers).api, () => ({ step_ms: 10_000, changes }));
  await open("east", api);
  for (const hostname of ["east", "west", "new"]) {
    await page.goto(`${node.url}#/peers/${hostname}`);
    await page.getByRole("heading", { name: `Peer ${hostname}` }).waitFor();
    await sees("It was not heard in the last hour.");
    await page.locator("table.changes").getByText("Key refused").waitFor();
  }
});

it("follows the colours of the theme and the width of the window", async () => {
  await open("south", remembering(south()));
  await expect.poll(() => page.locator(".chart canvas").count()).toBe(4);
  /** The colour of most of what is drawn: it moves on with each answer, and keeps its colours. */
  const colour = (): Promise<string> =>
    page
      .locator(".chart canvas")
      .first()
      .evaluate((canvas) => {
        const { width, height } = canvas as HTMLCanvasElement;
        const image = (canvas as HTMLCanvasElement)
          .getContext("2d")
          ?.getImageData(0, 0, width, height);
        const counts = new Map<number, number>();
        for (const pixel of new Uint32Array(image?.data.buffer ?? new ArrayBuffer()))
          if (pixel !== 0) counts.set(pixel, (counts.get(pixel) ?? 0) + 1);
        const most = [...counts].reduce((one, other) => (other[1] > one[1] ? other : one), [0, 0]);
        return most[0].toString(16);
      });
  const width = (): Promise<number> =>
    page
      .locator(".chart canvas")
      .first()
      .evaluate((canvas) => canvas.clientWidth);
  const [light, wide] = [await colour(), await width()];
  await page.emulateMedia({ colorScheme: "dark" });
  await expect.poll(colour).not.toBe(light);
  await page.getByRole("button", { name: "Theme: system" }).click();
  await expect.poll(colour).toBe(light);
  await page.setViewportSize({ width: 360, height: 800 });
  await expect.poll(width).toBeLessThan(wide);
  await page.setViewportSize({ width: 1280, height: 800 });
  await expect.poll(width).toBe(wide);
});
