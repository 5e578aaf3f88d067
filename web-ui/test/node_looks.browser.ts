// Every state of Config, API and About, in both schemes and at 360 px: no fault, no overflow, no
// violation.

import type { Page } from "playwright-core";
import { expect, it } from "vitest";
import { DOCUMENT, documented } from "./support/api_document";
import { overflowsSideways, screenshot } from "./support/browser";
import { always, cluster, refusal } from "./support/clusters";
import { CONFIG, ConfigApi, changedOnDisk, readOnly } from "./support/config_api";
import type { Script } from "./support/mock_node";
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

const editor = (page: Page) => page.getByLabel("Text of the config file");

const typed =
  (text: string) =>
  async (page: Page): Promise<void> => {
    await editor(page).fill(text);
    await page.getByRole("button", { name: "Check and apply" }).click();
  };

const GOOD = CONFIG.replace("http 8081;", "http 8082;");
const BROKEN = CONFIG.replace("peer south", "pear south").replace("  public", "  publik");

function kept(changes: Partial<ConfigApi> = {}): () => Script {
  return () => Object.assign(new ConfigApi(), changes).api;
}

/** Somebody else is faster, each time. */
function contested(): Script {
  const config = new ConfigApi();
  return (path, request, body) => {
    if (request.method === "PUT")
      config.change(CONFIG.replace("Main stage", "Theirs").replace("hostname north", "hostname n"));
    return config.api(path, request, body);
  };
}

async function openOperation(page: Page): Promise<void> {
  await page.getByText("Creates or changes").click();
  await page.getByText("application/json Stream").first().click();
  await page.getByText("inputs array of Input").first().click();
  await page.getByText("priority").waitFor();
  await page.getByText("The same as a command").click();
}

const STATES: State[] = [
  { name: "config", hash: "config", api: kept(), shows: "Not changed." },
  {
    name: "config-includes",
    hash: "config",
    api: kept({ text: `${CONFIG}include conf.d/*.conf;\n` }),
    shows: "conf.d/*.conf",
  },
  {
    name: "config-broken",
    hash: "config",
    api: kept(),
    act: typed(BROKEN),
    shows: "Line 9, column 3",
  },
  {
    name: "config-quote",
    hash: "config",
    api: kept(),
    act: typed(CONFIG.replace('stage";', "stage;")),
    shows: "May follow",
  },
  {
    name: "config-warned",
    hash: "config",
    api: kept({ isKeyWeak: true }),
    act: typed(GOOD),
    shows: "Applied and written",
  },
  {
    name: "config-waiting",
    hash: "config",
    api: kept({ isKeyWeak: true, listensAsStarted: true }),
    act: typed(GOOD),
    shows: "In force, but for",
  },
  { name: "config-applied", hash: "config", api: kept(), act: typed(GOOD), shows: "Applied and" },
  {
    name: "config-conflict",
    hash: "config",
    api: contested,
    act: typed(GOOD.replace("Main stage", "Mine")),
    shows: "Somebody else has changed this meanwhile",
  },
  {
    name: "config-on-disk",
    hash: "config",
    api: kept({ refuses: changedOnDisk }),
    act: async (page) => {
      await typed(GOOD)(page);
      await page.locator(".summary summary").click();
    },
    shows: "/flussonic/api/reload",
  },
  {
    name: "config-read-only",
    hash: "config",
    api: kept({ refuses: readOnly }),
    act: typed(GOOD),
    shows: "may not write the file",
  },
  {
    name: "config-viewer",
    hash: "config",
    api: kept({ mayWrite: false }),
    shows: "This login may read",
  },
  {
    name: "config-leaving",
    hash: "config",
    api: kept(),
    act: async (page) => {
      await editor(page).fill(GOOD);
      await page.getByRole("link", { name: "About" }).click();
    },
    shows: "Leave the config file?",
  },
  {
    name: "config-command",
    hash: "config",
    api: kept(),
    act: (page) => page.getByText("The same as a command").click(),
    shows: "--data-binary",
  },
  {
    name: "config-failing",
    hash: "config",
    api: () => (path, request, body) =>
      path === "config"
        ? refusal(500, "internal_error", "it broke")
        : cluster([])(path, request, body),
    shows: "req-7f3a",
  },
  { name: "api", hash: "api", api: () => documented(DOCUMENT), shows: "6 operations" },
  {
    name: "api-open",
    hash: "api",
    api: () => documented(DOCUMENT),
    act: openOperation,
    shows: "curl -X PUT",
  },
  {
    name: "api-no-match",
    hash: "api?q=nothing",
    api: () => documented(DOCUMENT),
    shows: "No operation matches",
  },
  {
    name: "api-none",
    hash: "api",
    api: () => (path, request, body) =>
      path === "openapi.json"
        ? refusal(404, "no_such_resource", "the API has no such address")
        : cluster([])(path, request, body),
    shows: "This node has no OpenAPI document",
  },
  { name: "about", hash: "about", api: () => cluster([]), shows: "@preact/signals" },
  {
    name: "about-open",
    hash: "about",
    api: () => cluster([], { streamer_status: "draining", hostname: null }),
    act: (page) => page.getByText(/^hls\.js /).click(),
    shows: "Dailymotion",
  },
];

const COMMON: State[] = ["config", "api", "about"].flatMap((hash) => [
  {
    name: `${hash}-loading`,
    hash,
    api: () => always({ never: true }),
    shows: "Still waiting for this node.",
  },
  {
    name: `${hash}-down`,
    hash,
    api: () => always(refusal(500, "internal_error", "it broke")),
    shows: "500 it broke, request req-7f3a",
  },
  {
    name: `${hash}-signed-out`,
    hash,
    api: () => always(refusal(401, "unauthorized", "who are you")),
    shows: "This node asks for a user",
  },
  {
    name: `${hash}-forbidden`,
    hash,
    api: () => always(refusal(403, "auth_not_configured", "set edit_auth")),
    shows: "edit_auth",
  },
]);

it.each([...STATES, ...COMMON])("$name is sound", async ({ name, hash, api, act, shows }) => {
  await open({ api: api() }, `#/${hash}`);
  await act?.(page);
  await sees(shows);
  await expectSound(name);
});

it("keeps an edit without connection, and is sound", async () => {
  await open({ api: new ConfigApi().api }, "#/config");
  await editor(page).fill(GOOD);
  await node.kill();
  await sees("Connection to this node lost");
  await page.getByRole("button", { name: "Check and apply" }).click();
  await page.locator(".summary").getByText("no connection").waitFor();
  expect(await editor(page).inputValue()).toBe(GOOD);
  await expectSound("config-lost");
});

it.each(["api", "about"])("%s stays readable without connection", async (hash) => {
  await open({ api: documented(DOCUMENT) }, `#/${hash}`);
  const text = hash === "api" ? "6 operations" : "3d 5h";
  await sees(text);
  await node.kill();
  await sees("Connection to this node lost");
  await expectSound(`${hash}-lost`);
  expect(await page.getByText(text).first().isVisible()).toBe(true);
});

/** Between a phone and a desktop the top bar is the first to run out of room. */
it.each([700, 820, 1024, 1280, 1361])("the top bar fits into %i px", async (width) => {
  await open({ api: cluster([]) }, "#/about", { width });
  await sees("@preact/signals");
  const bar = await page.locator(".bar").boundingBox();
  if (width >= 1280) expect(bar?.height).toBeLessThan(60);
  expect(await page.getByText("Cluster", { exact: true }).isVisible()).toBe(width > 830);
  await screenshot(page, `bar-${width}`);
  expect(await overflowsSideways(page)).toBe(false);
});
