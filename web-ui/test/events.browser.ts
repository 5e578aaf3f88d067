// How the numbers get to the page: one connection for all tabs, and none where it is not to be had.

import type { Page } from "playwright-core";
import { expect, it } from "vitest";
import { HEALTHY, cluster, peer, refusal, stats } from "./support/clusters";
import type { Script } from "./support/mock_node";
import { node, open, openTab, page, restartNode, sees, startNode } from "./support/stage";

/** Opens that many tabs of the node. */
async function openTabs(count: number, shows = "all up"): Promise<Page[]> {
  const tabs: Page[] = [];
  while (tabs.length < count) {
    tabs.push(await openTab());
    await sees(shows);
  }
  return tabs;
}

/** Each answer has more clients than the one before. */
function counting(): Script {
  let clients = 1000;
  const api = cluster(HEALTHY);
  return (path, request) =>
    path === "config/stats" ? { body: stats({ total_clients: clients++ }) } : api(path, request);
}

const clients = (page: Page): Promise<string | null> =>
  page.locator("tr", { hasText: "this node" }).locator("td.col-clients").textContent();
const asked = (path: string): number =>
  node.requests.filter((request) => request.includes(`/v3/${path}`)).length;

async function expectLive(page: Page, timeout = 5000): Promise<void> {
  const before = await clients(page);
  await expect.poll(() => clients(page), { timeout }).not.toBe(before);
}

it("has one connection for twelve tabs, all of them live", async () => {
  await startNode({ api: counting() });
  const pages = await openTabs(12);
  expect(node.listeners).toBe(1);
  for (const page of pages) await expectLive(page);
  expect(asked("config/stats")).toBe(0);
  expect(asked("events")).toBe(1);
});

it("goes on in another tab when the one with the connection is closed", async () => {
  await startNode({ api: counting() });
  const [first, second, third] = (await openTabs(3)) as [Page, Page, Page];
  await first.close();
  await expectLive(second);
  await expectLive(third);
  expect(node.listeners).toBe(1);
  expect(await second.getByText("Numbers below are from").count()).toBe(0);
});

it("closes the connection while no tab is in sight, and opens it again", async () => {
  await open({ api: counting() });
  await sees("all up");
  const show = (state: "hidden" | "visible"): Promise<void> =>
    page.evaluate((to) => {
      Object.defineProperty(document, "hidden", { value: to === "hidden", configurable: true });
      document.dispatchEvent(new Event("visibilitychange"));
    }, state);
  await show("hidden");
  await expect.poll(() => node.listeners).toBe(0);
  await show("visible");
  await expectLive(page);
  expect(node.listeners).toBe(1);
});

it("says in all tabs that the node is away, and goes on when it is back", async () => {
  await startNode({ api: counting() });
  const pages = await openTabs(2);
  await node.kill();
  for (const page of pages) await page.getByText("Numbers below are from").waitFor();
  await restartNode();
  for (const page of pages) await page.getByText("Live, updated").waitFor();
  for (const page of pages) await expectLive(page);
  expect(node.listeners).toBe(1);
});

it("asks an older node every few seconds, and says nothing of it", async () => {
  await open({ api: counting(), hasEvents: false });
  await sees("all up");
  await expectLive(page, 8000);
  expect(await page.getByRole("alert").count()).toBe(0);
  expect(asked("events")).toBe(1);
});

it("does the same behind a proxy that lets no event through", async () => {
  await startNode({ api: counting() });
  node.holdsEvents = true;
  await openTab();
  await sees("all up");
  await expectLive(page, 8000);
  expect(await page.getByRole("alert").count()).toBe(0);
  expect(node.listeners).toBe(0);
});

it("is signed in everywhere by the tab in which a person signs in", async () => {
  const cookie = "watershed-6f1c9a52=5ecret-cookie";
  const signedIn = {
    body: { user: "viewer", may_write: false, csrf_token: "5ecret" },
    headers: { "set-cookie": `${cookie}; HttpOnly; SameSite=Strict` },
  };
  const api = counting();
  await startNode({
    api: (path, request) => {
      if (request.method === "POST") return signedIn;
      if (request.headers.cookie === cookie) return api(path, request);
      return refusal(401, "credentials_needed", "no");
    },
  });
  const [first, second] = (await openTabs(2, "User")) as [Page, Page];
  await second.getByLabel("User").fill("viewer");
  await second.getByLabel("Password").fill("look");
  await second.getByRole("button", { name: "Sign in" }).click();
  for (const page of [second, first]) await page.getByText("all up").waitFor();
  expect(node.listeners).toBe(1);
});

it("is silent for no longer than a few seconds where the node is", async () => {
  let isStuck = false;
  const api = cluster([peer("south")]);
  await open({ api: (path, request) => (isStuck ? { never: true } : api(path, request)) });
  await sees("all up");
  isStuck = true;
  await page.getByText("Numbers below are from").waitFor({ timeout: 12_000 });
});
