// What a person does with the overview: sort, filter, pause, come back after a fault.

import { expect, it } from "vitest";
import { screenshot } from "./support/browser";
import { BAD_DAY, HEALTHY, cluster, down, neverAnswered, peer, wrongKey } from "./support/clusters";
import { context, node, open, page, restartNode } from "./support/stage";

const names = (): Promise<string[]> => page.locator("tbody .name-text").allTextContents();
const sortedColumns = (): Promise<string[]> => page.locator("th[aria-sort]").allTextContents();

it("shows a dead, a refused and a silent peer, and counts them in the title", async () => {
  await open({ api: cluster([down("south"), wrongKey("east"), neverAnswered("west")]) });
  await page.getByText("last seen 14s ago").waitFor();
  expect(await names()).toEqual(["north", "south", "east", "west"]);
  expect(await page.title()).toBe("(3) Cluster overview");
  expect(await page.getByText("401 wrong key").isVisible()).toBe(true);
  expect(await page.getByText("Connecting").isVisible()).toBe(true);
  expect(await page.locator("tr.blank .number").count()).toBe(0);
});

it.each([901, 1000, 1100])("has room for all columns at %i px", async (width) => {
  await open({ api: cluster(BAD_DAY) }, "", { width });
  await page.getByText("last seen 14s ago").waitFor();
  await screenshot(page, `overview-${width}`);
  const wide = await page
    .locator(".scroll, .nodes :is(th, td)")
    .evaluateAll((boxes) =>
      boxes.filter((box) => box.scrollWidth > box.clientWidth).map((box) => box.textContent),
    );
  expect(wide).toEqual([]);
});

it("says which protocols the clients speak, where told, and counts streams once", async () => {
  const older = peer("south", { clients_by_protocol: null });
  await open({ api: cluster([older, peer("east")], { cluster_streams: 61 }) });
  const clients = page.locator("td.col-clients > span");
  const titles = (): Promise<string[]> =>
    clients.evaluateAll((cells) => cells.map((cell) => cell.getAttribute("title") ?? ""));
  await expect.poll(titles).toEqual(["HLS 390, RTMP 22", "HLS 390, RTMP 22", ""]);
  expect(await page.locator(".figure", { hasText: "Streams" }).innerText()).toContain("61");
});

it("sorts by any column, this node first, and keeps the order in the address", async () => {
  await open({ api: cluster([peer("node104"), peer("node14"), peer("node2"), down("node1")]) });
  await page.getByRole("button", { name: "Peer" }).click();
  await expect.poll(() => names()).toEqual(["north", "node1", "node2", "node14", "node104"]);
  await page.getByRole("button", { name: "Peer" }).click();
  await expect.poll(() => names()).toEqual(["north", "node104", "node14", "node2", "node1"]);
  expect(await sortedColumns()).toEqual([expect.stringContaining("Peer")]);
  expect(page.url()).toContain("#/?sort=name&dir=desc");
  await page.getByRole("button", { name: "CPU" }).click();
  expect((await names()).at(-1)).toBe("node1"); // It is down: its CPU is not known.
});

it("filters by name and state from the keyboard, and opens a linked view", async () => {
  await open({ api: cluster(BAD_DAY) }, "#/?q=down");
  await page.getByText("1 of 13 nodes").waitFor();
  expect(await names()).toEqual(["node10"]);
  await page.keyboard.press("/");
  await page.keyboard.press("Control+A");
  await page.keyboard.type("no such");
  await page.getByText("No peer matches “no such”.").waitFor();
  await page.keyboard.press("Escape");
  await page.getByText("13 nodes").waitFor();
  await page.keyboard.press("?");
  await page.getByRole("dialog").waitFor();
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "hidden" });
});

it("freezes the table while paused, though data keep arriving", async () => {
  let clients = 100;
  const api = cluster([]);
  await open({
    api: (path, request) =>
      path === "config/stats"
        ? cluster([], { total_clients: clients++ })(path, request)
        : api(path, request),
  });
  const cell = page.locator("tr:not(.skeleton) td.col-clients");
  await cell.waitFor();
  await page.keyboard.press("p");
  const frozen = await cell.textContent();
  const told = clients;
  await expect.poll(() => clients, { timeout: 8000 }).toBeGreaterThan(told + 3);
  expect(await cell.textContent()).toBe(frozen);
  await page.getByRole("button", { name: "Pause", pressed: true }).click();
  await expect.poll(() => cell.textContent()).not.toBe(frozen);
});

it("shows a hostile hostname and error as the text they are", async () => {
  const hostname = "<script>document.title='x'</script>";
  await open({
    api: cluster([
      peer(hostname, { state: "down", error: "<img src=x onerror=alert(1)>", age: 9000 }),
    ]),
  });
  await page.locator("tbody .name-text").nth(1).waitFor();
  expect((await names())[1]).toBe(hostname);
  expect(await page.locator("tbody script, tbody img").count()).toBe(0);
});

it("works under a sub-path and asks nobody but its own node", async () => {
  const origins = new Set<string>();
  context.on("request", (request) => origins.add(new URL(request.url()).origin));
  await open({ api: cluster(HEALTHY), prefix: "/ops/one" });
  await page.getByText("all up").waitFor();
  expect([...origins].filter((origin) => origin !== "null")).toEqual([node.base]);
  context.removeAllListeners("request");
});

it("keeps the last numbers while the node is away, and goes on by itself", async () => {
  await open({ api: cluster(HEALTHY) });
  await page.getByText("all up").waitFor();
  await node.kill();
  await page.getByText("Numbers below are from").waitFor();
  expect(await names()).toContain("south");
  await restartNode();
  await page.getByText("Live, updated").waitFor();
});

it("draws the last minutes of the output as a line", async () => {
  await open({ api: cluster(HEALTHY) });
  await expect
    .poll(() => page.locator(".spark .line").first().getAttribute("d"), { timeout: 15_000 })
    .toMatch(/^M.*L/);
});

const PROMISED_MS = 200;
/** What a busy machine is forgiven. */
const SLACK_MS = 500;

it("is painted when that is promised", async () => {
  await open({ api: cluster(HEALTHY) });
  const paints: number[] = [];
  for (let load = 0; load < 9; load++) {
    await page.reload();
    await page.getByText("all up").waitFor();
    const ms = await page.evaluate(
      () => performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? NaN,
    );
    paints.push(Math.round(ms));
  }
  const median = [...paints].sort((one, other) => one - other)[4] ?? NaN;
  console.log(
    `first paint of the overview: ${paints.join(", ")} ms; median ${median} ms, ` +
      `promised ${PROMISED_MS} ms, failing above ${PROMISED_MS + SLACK_MS} ms`,
  );
  expect(median).toBeLessThanOrEqual(PROMISED_MS + SLACK_MS);
});
