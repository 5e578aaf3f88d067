// Every state of Cluster > Settings and of Peer, in both schemes and at 360 px: no fault, no
// overflow, no violation.

import type { Page } from "playwright-core";
import { expect, it } from "vitest";
import {
  BAD_DAY,
  HEALTHY,
  always,
  down,
  neverAnswered,
  peer,
  refusal,
  wrongKey,
} from "./support/clusters";
import { history, remembering } from "./support/histories";
import type { Script } from "./support/mock_node";
import { PeerConfig } from "./support/peer_config";
import { expectSound, node, open, page, sees } from "./support/stage";

interface State {
  name: string;
  hash: string;
  api: () => Script;
  /** What a person does to get there. */
  act?: (page: Page) => Promise<void>;
  /** Text that tells that the state is on the screen. */
  shows: string;
}

const kept =
  (...peers: Record<string, unknown>[]) =>
  () =>
    new PeerConfig(peers).api;
const SOUTH = peer("south", { clock_offset: -1400 }, { channel_limit: 60, cluster_key: "***" });
const save = (page: Page): Promise<void> =>
  page.getByRole("button", { name: "Save", exact: true }).click();

async function collide(page: Page): Promise<void> {
  await page.getByLabel("CPU limit, %").fill("85");
  await save(page);
}

/** Somebody else is faster, each time. */
function contested(): Script {
  const config = new PeerConfig([SOUTH]);
  return (path, request, body) => {
    if (request.method === "PUT")
      config.change("south", { cpu_limit: 50, public_payload_url: "https://cdn.example.com" });
    return config.api(path, request, body);
  };
}

const drawn = (page: Page): Promise<void> => page.locator(".chart canvas").last().waitFor();
/** As if it had begun a moment ago. */
const young = (): Record<string, unknown> => {
  const { samples, ...rest } = history() as { samples: unknown[] };
  return { ...rest, samples: samples.slice(-2) };
};

const STATES: State[] = [
  { name: "settings", hash: "settings", api: kept(...HEALTHY), shows: "west-relay" },
  { name: "settings-bad-day", hash: "settings", api: kept(...BAD_DAY), shows: "401 wrong key" },
  { name: "settings-empty", hash: "settings", api: kept(), shows: "This node has no peers yet." },
  {
    name: "settings-wrong",
    hash: "settings",
    api: kept(...HEALTHY),
    act: async (page) => {
      await page.getByLabel("New peer hostname").fill("north:8081");
      await save(page);
    },
    shows: "Not saved",
  },
  {
    name: "settings-key",
    hash: "settings",
    api: () => new PeerConfig([], "abcd").api,
    act: async (page) => {
      await page.getByText("the cluster key is the example").waitFor();
      await page.getByLabel("Show what is typed").check();
      await page.getByLabel("Cluster key").fill("still short");
    },
    shows: "Short: 16",
  },
  {
    name: "settings-saved",
    hash: "settings",
    api: kept(...HEALTHY),
    act: async (page) => {
      await page.getByLabel("New peer hostname").fill("north");
      await save(page);
    },
    shows: "Set its API URL",
  },
  {
    name: "settings-removal",
    hash: "settings",
    api: kept(...HEALTHY),
    act: (page) => page.getByRole("button", { name: "Remove south" }).click(),
    shows: "Streams captured there",
  },
  {
    name: "settings-rotation",
    hash: "settings",
    api: () => {
      const keys = ["current", "accepted", "current", null];
      const peers = [...HEALTHY, neverAnswered("new")] as { stats: Record<string, unknown> }[];
      const told = peers.map((one, index) => ({
        ...one,
        stats: { ...one.stats, key: keys[index] },
      }));
      return new PeerConfig(told, undefined, true).api;
    },
    shows: "older key",
  },
  {
    name: "settings-loading",
    hash: "settings",
    api: () => always({ never: true }),
    shows: "Still waiting for this node.",
  },
  {
    name: "settings-signed-out",
    hash: "settings",
    api: () => always(refusal(401, "unauthorized", "who are you")),
    shows: "User",
  },
  {
    name: "settings-failing",
    hash: "settings",
    api: () => always(refusal(500, "internal_error", "it broke")),
    shows: "req-7f3a",
  },
  { name: "peer", hash: "peers/south", api: kept(SOUTH), shows: "1,400 ms behind" },
  {
    name: "peer-history",
    hash: "peers/south",
    api: () => remembering(new PeerConfig([SOUTH]).api),
    act: drawn,
    shows: "Changes of state",
  },
  {
    name: "peer-young",
    hash: "peers/south",
    api: () => remembering(new PeerConfig([SOUTH]).api, young),
    act: drawn,
    shows: "Changes of state",
  },
  {
    name: "peer-unheard",
    hash: "peers/east",
    api: () => remembering(new PeerConfig([down("east")]).api, () => ({ changes: [] })),
    shows: "It was not heard in the last hour.",
  },
  {
    name: "peer-down",
    hash: "peers/east",
    api: kept(down("east")),
    shows: "connection refused",
  },
  { name: "peer-key", hash: "peers/east", api: kept(wrongKey("east")), shows: "401 wrong key" },
  { name: "peer-new", hash: "peers/new", api: kept(neverAnswered("new")), shows: "Connecting" },
  { name: "peer-none", hash: "peers/none", api: kept(SOUTH), shows: "there is no peer" },
  {
    name: "peer-loading",
    hash: "peers/south",
    api: () => always({ never: true }),
    shows: "Still waiting for this node.",
  },
  {
    name: "peer-signed-out",
    hash: "peers/south",
    api: () => always(refusal(401, "unauthorized", "who are you")),
    shows: "User",
  },
  {
    name: "peer-failing",
    hash: "peers/south",
    api: () => always(refusal(500, "internal_error", "it broke")),
    shows: "req-7f3a",
  },
  {
    name: "peer-wrong",
    hash: "peers/south",
    api: kept(SOUTH),
    act: async (page) => {
      await page.getByLabel("API URL", { exact: true }).fill("south:8081");
      await page.getByLabel("Fetch timeout, ms").fill("6000");
      await save(page);
    },
    shows: "12001 or more",
  },
  {
    name: "peer-conflict",
    hash: "peers/south",
    api: contested,
    act: collide,
    shows: "Somebody else has changed this meanwhile",
  },
  {
    name: "peer-command",
    hash: "peers/south",
    api: kept(SOUTH),
    act: async (page) => {
      await page.getByLabel("API URL", { exact: true }).fill("http://10.0.0.2:8081");
      await page.getByText("The same as a command").click();
    },
    shows: "curl -X PUT",
  },
];

it.each(STATES)("$name is sound", async ({ name, hash, api, act, shows }) => {
  await open({ api: api() }, `#/${hash}`);
  await act?.(page);
  await sees(shows);
  await expectSound(name);
});

it("a form without connection is sound, and keeps what was typed", async () => {
  await open({ api: new PeerConfig([SOUTH]).api }, "#/peers/south");
  await page.getByLabel("CPU limit, %").fill("85");
  await node.kill();
  await sees("Connection to this node lost");
  await save(page);
  await page.locator(".summary").getByText("no connection").waitFor();
  expect(await page.getByLabel("CPU limit, %").inputValue()).toBe("85");
  await expectSound("peer-lost");
});

it("the settings without connection are sound, and keep the peers", async () => {
  await open({ api: new PeerConfig(BAD_DAY).api }, "#/settings");
  await sees("401 wrong key");
  await node.kill();
  await sees("Connection to this node lost");
  await expectSound("settings-lost");
  expect(await page.getByText("401 wrong key").isVisible()).toBe(true);
});
