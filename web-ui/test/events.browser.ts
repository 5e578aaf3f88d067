// How the numbers get to the page: one connection for all tabs, and none where it is not to be had.

import type { BrowserContext, Page } from "playwright-core";
import { afterEach, beforeEach, expect, it } from "vitest";
import { launchBrowser, openPage } from "./support/browser";
import { HEALTHY, cluster, peer, refusal, stats } from "./support/clusters";
import { MockNode, type MockNodeOptions, type Script } from "./support/mock_node";

let context: BrowserContext;
let node: MockNode;
let pages: Page[];
let faults: string[][];

beforeEach(async () => {
  context = await launchBrowser();
  [pages, faults] = [[], []];
});
afterEach(async () => {
  expect(faults.flat()).toEqual([]);
  await context.close();
  await node.kill();
});

async function start(options: MockNodeOptions): Promise<void> {
  node = await MockNode.start(options);
}

async function open(): Promise<Page> {
  const { page, faults: own } = await openPage(context, node.url);
  pages.push(page);
  faults.push(own);
  return page;
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
  await start({ api: counting() });
  for (let count = 0; count < 12; count++) await (await open()).getByText("all up").waitFor();
  expect(node.listeners).toBe(1);
  for (const page of pages) await expectLive(page);
  expect(asked("config/stats")).toBe(0);
  expect(asked("events")).toBe(1);
});

it("goes on in another tab when the one with the connection is closed", async () => {
  await start({ api: counting() });
  for (let count = 0; count < 3; count++) await (await open()).getByText("all up").waitFor();
  const [first, second, third] = pages as [Page, Page, Page];
  await first.close();
  await expectLive(second);
  await expectLive(third);
  expect(node.listeners).toBe(1);
  expect(await second.getByText("Numbers below are from").count()).toBe(0);
});

it("closes the connection while no tab is in sight, and opens it again", async () => {
  await start({ api: counting() });
  const page = await open();
  await page.getByText("all up").waitFor();
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
  await start({ api: counting() });
  for (let count = 0; count < 2; count++) await (await open()).getByText("all up").waitFor();
  const { port } = node;
  await node.kill();
  for (const page of pages) await page.getByText("Numbers below are from").waitFor();
  await start({ api: counting(), port });
  for (const page of pages) await page.getByText("Live, updated").waitFor();
  for (const page of pages) await expectLive(page);
  expect(node.listeners).toBe(1);
});

it("asks an older node every few seconds, and says nothing of it", async () => {
  await start({ api: counting(), hasEvents: false });
  const page = await open();
  await page.getByText("all up").waitFor();
  await expectLive(page, 8000);
  expect(await page.getByRole("alert").count()).toBe(0);
  expect(asked("events")).toBe(1);
});

it("does the same behind a proxy that lets no event through", async () => {
  await start({ api: counting() });
  node.holdsEvents = true;
  const page = await open();
  await page.getByText("all up").waitFor();
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
  await start({
    api: (path, request) => {
      if (request.method === "POST") return signedIn;
      if (request.headers.cookie === cookie) return api(path, request);
      return refusal(401, "credentials_needed", "no");
    },
  });
  for (let count = 0; count < 2; count++) await (await open()).getByLabel("User").waitFor();
  const [first, second] = pages as [Page, Page];
  await second.getByLabel("User").fill("viewer");
  await second.getByLabel("Password").fill("look");
  await second.getByRole("button", { name: "Sign in" }).click();
  for (const page of [second, first]) await page.getByText("all up").waitFor();
  expect(node.listeners).toBe(1);
});

it("is silent for no longer than a few seconds where the node is", async () => {
  let isStuck = false;
  const api = cluster([peer("south")]);
  await start({
    api: (path, request) => (isStuck ? { never: true } : api(path, request)),
  });
  const page = await open();
  await page.getByText("all up").waitFor();
  isStuck = true;
  await page.getByText("Numbers below are from").waitFor({ timeout: 12_000 });
});
