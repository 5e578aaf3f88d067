// Every state of the overview in both schemes and at 360 px: no fault, no overflow, no violation.

import type { BrowserContext } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import {
  LOOKS,
  axeViolations,
  launchBrowser,
  openPage,
  overflowsSideways,
  screenshot,
} from "./support/browser";
import { BAD_DAY, HEALTHY, always, cluster, refusal } from "./support/clusters";
import { MockNode, type Script } from "./support/mock_node";

interface State {
  name: string;
  api: Script;
  /** Text that tells that the state is on the screen. */
  shows: string;
}

const STATES: State[] = [
  { name: "healthy", api: cluster(HEALTHY), shows: "all up" },
  { name: "bad-day", api: cluster(BAD_DAY), shows: "connection refused" },
  { name: "empty", api: cluster([]), shows: "This node has no peers yet." },
  { name: "loading", api: always({ never: true }), shows: "Still waiting for this node." },
  { name: "failing", api: always(refusal(500, "internal", "it broke")), shows: "req-7f3a" },
  {
    name: "signed-out",
    api: always(refusal(401, "unauthorized", "who are you")),
    shows: "Sign in",
  },
  {
    name: "forbidden",
    api: always(refusal(403, "auth_not_configured", "set edit_auth")),
    shows: "edit_auth",
  },
];

let context: BrowserContext;
let node: MockNode;
beforeAll(async () => void (context = await launchBrowser()));
afterAll(() => context?.close());
afterEach(() => node.kill());

describe.each(STATES)("overview, $name", ({ name, api, shows }) => {
  it.each(LOOKS)("is sound in $name", async (look) => {
    node = await MockNode.start({ api });
    const { page, faults } = await openPage(context, node.url, look);
    await page.getByText(shows).first().waitFor();
    await screenshot(page, `overview-${name}-${look.name}`);
    expect(await axeViolations(page)).toEqual([]);
    expect(await overflowsSideways(page)).toBe(false);
    expect(faults).toEqual([]);
    await page.close();
  });
});

it.each(LOOKS)("overview with a lost connection is sound in $name", async (look) => {
  node = await MockNode.start({ api: cluster(BAD_DAY) });
  const { page } = await openPage(context, node.url, look);
  await page.getByText("node10").waitFor();
  await node.kill();
  await page.getByText("Connection to this node lost").waitFor();
  await screenshot(page, `overview-lost-${look.name}`);
  expect(await axeViolations(page)).toEqual([]);
  expect(await page.getByText("node10").isVisible()).toBe(true);
  await page.close();
  node = await MockNode.start();
});
