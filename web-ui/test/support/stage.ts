// What stands around every browser test of a file: one browser; for each test nodes and pages of
// its own, closed after it. A test fails where its pages had faults, whatever else it found.
//
// Importing this sets it up; `node` and `page` are those of the test that runs.

import type { BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect } from "vitest";
import {
  LOOKS,
  axeViolations,
  launchBrowser,
  openPage,
  overflowsSideways,
  screenshot,
  type Look,
} from "./browser";
import { MockNode, type MockNodeOptions } from "./mock_node";

export let context: BrowserContext;
/** The node that was started last. */
export let node: MockNode;
/** The page that was opened last. */
export let page: Page;

let options: MockNodeOptions;
let nodes: MockNode[] = [];
let tabs: { page: Page; faults: string[] }[] = [];

beforeAll(async () => {
  context = await launchBrowser();
});
afterAll(() => context?.close());
afterEach(async () => {
  const faults = tabs.flatMap((tab) => tab.faults);
  await Promise.all(tabs.map((tab) => tab.page.close()));
  await Promise.all(nodes.map((one) => one.kill()));
  await context.clearCookies();
  [tabs, nodes] = [[], []];
  expect(faults).toEqual([]);
});

export async function startNode(given: MockNodeOptions = {}): Promise<MockNode> {
  options = given;
  node = await MockNode.start(given);
  nodes.push(node);
  return node;
}

/** The faults so far, of a test that wants them; they fail it no more. */
export function takeFaults(): string[] {
  return tabs.flatMap((tab) => tab.faults.splice(0));
}

/** The node that was killed is back, where it was and as it was. */
export async function restartNode(): Promise<void> {
  await startNode({ ...options, port: node.port });
}

/** Opens one more page, of the node without another address. */
export async function openTab(url = node.url, look: Look = {}): Promise<Page> {
  const tab = await openPage(context, url, look);
  tabs.push(tab);
  page = tab.page;
  return page;
}

/** Starts a node and opens its page. */
export async function open(given: MockNodeOptions, hash = "", look: Look = {}): Promise<void> {
  await startNode(given);
  await openTab(node.url + hash, look);
}

/** Waits until the page shows the text. */
export const sees = (text: string): Promise<void> => page.getByText(text).first().waitFor();

export const click = (name: string): Promise<void> =>
  page.getByRole("button", { name, exact: true }).click();

/** Looks at the page in both schemes, wide and at 360 px: no violation, nothing sticks out. */
export async function expectSound(name: string): Promise<void> {
  for (const look of LOOKS) {
    await page.setViewportSize({ width: look.width, height: 800 });
    await page.emulateMedia({ colorScheme: look.scheme });
    await screenshot(page, `${name}-${look.name}`);
    expect(await axeViolations(page), look.name).toEqual([]);
    expect(await overflowsSideways(page), look.name).toBe(false);
  }
}
