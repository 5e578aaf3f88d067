// Every state of the overview in both schemes and at 360 px: no fault, no overflow, no violation.

import { expect, it } from "vitest";
import { BAD_DAY, HEALTHY, always, cluster, refusal } from "./support/clusters";
import type { Script } from "./support/mock_node";
import { expectSound, node, open, page, sees } from "./support/stage";

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

it.each(STATES)("overview, $name, is sound", async ({ name, api, shows }) => {
  await open({ api });
  await sees(shows);
  await expectSound(`overview-${name}`);
});

it("overview with a lost connection is sound, and keeps its numbers", async () => {
  await open({ api: cluster(BAD_DAY) });
  await sees("node10");
  await node.kill();
  await sees("Connection to this node lost");
  await expectSound("overview-lost");
  expect(await page.getByText("node10").isVisible()).toBe(true);
});
