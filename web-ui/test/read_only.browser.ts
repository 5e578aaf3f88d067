// What a login finds that may only read: all that there is to see, nothing that would be refused,
// and at each place the reason.

import { expect, it } from "vitest";
import { screenshot } from "./support/browser";
import { peer, viewing } from "./support/clusters";
import { CONFIG, ConfigApi } from "./support/config_api";
import { FilesNode } from "./support/files";
import { MediaNode } from "./support/media";
import type { Script } from "./support/mock_node";
import { PeerConfig } from "./support/peer_config";
import { expectSound, node, open, page, sees } from "./support/stage";

const REASON = "This login may read and not change anything.";

/** Every request that is not a GET. */
let writes: string[];

async function view(hash: string, api: Script): Promise<void> {
  writes = [];
  const viewed = viewing(api);
  const noting: Script = (path, request, body) => {
    if (request.method !== "GET") writes.push(`${request.method} ${path}`);
    return viewed(path, request, body);
  };
  await open({ api: noting }, `#/${hash}`);
}

const SOUTH = peer("south", {}, { cluster_key: "***" });
const peers = (): Script => new PeerConfig([SOUTH]).api;
const media = (): Script => new MediaNode().answer;
const files = (): Script => new FilesNode().answer;

it.each([
  ["settings", peers, ["Edit south", "Remove south"]],
  ["peers/south", peers, ["Remove"]],
  ["streams", media, ["Add a stream"]],
  ["streams/live%2Fcam", media, ["Edit", "Stop", "Delete", "End the session of 2001:db8::7:1"]],
  ["sessions", media, ["End the session of 2001:db8::7:1"]],
  ["files", files, ["Add a collection"]],
  ["files/movies", files, ["Edit", "Remove"]],
])("at %s what changes something is off, and says why", async (hash, api, deeds) => {
  await view(hash, api());
  for (const name of deeds) {
    const deed = page.getByRole("button", { name: new RegExp(`^${name} ?. ${REASON}$`) });
    await deed.waitFor();
    expect(await deed.isDisabled()).toBe(true);
    expect(await deed.getAttribute("title")).toBe(REASON);
    await deed.focus();
    expect(await deed.evaluate((one) => one === document.activeElement)).toBe(true);
    await page.keyboard.press("Enter");
    await deed.click({ force: true });
    expect(await page.getByRole("link", { name, exact: true }).count()).toBe(0);
  }
  expect(page.url()).toBe(`${node.url}#/${hash}`);
  expect(await page.getByRole("dialog").count()).toBe(0);
  expect(writes).toEqual([]);
  await page.locator(".bar").getByText("read-only").waitFor();
  await expectSound(`viewer-${hash.replace(/\W+/g, "-")}`);
});

it.each([
  ["peers/south", peers, "CPU limit, %", ""],
  ["streams/live%2Fcam/edit", media, "Input 1", "rtsp://admin:***@10.0.0.9/ch1"],
  ["files/movies/edit", files, "Storage 1", "/var/lib/watershed/movies"],
])("the form at %s is there to be read", async (hash, api, label, value) => {
  await view(hash, api());
  const form = page.locator("form");
  await form.getByText(REASON).waitFor();
  const field = form.getByLabel(label, { exact: true });
  expect(await field.inputValue()).toBe(value);
  expect(await field.isEditable()).toBe(false);
  const fields = form.locator("input, select");
  const open = await fields.evaluateAll((all) =>
    all.filter((one) => !(one as HTMLSelectElement).disabled && !one.hasAttribute("readonly")),
  );
  expect(open).toEqual([]);
  expect(await form.getByRole("button").count()).toBe(0);
  await field.focus();
  await page.keyboard.press("Enter");
  expect(writes).toEqual([]);
  await expectSound(`viewer-form-${hash.replace(/\W+/g, "-")}`);
});

it.each([
  ["streams/-", media],
  ["files/-", files],
])("there is nothing to fill in at %s", async (hash, api) => {
  await view(hash, api());
  await sees(REASON);
  expect(await page.locator("main input").count()).toBe(0);
});

it("the settings say so, and ask for nothing that is not told", async () => {
  const told = [peer("south", { key: "current" }), peer("east", { key: null })];
  await view("settings", new PeerConfig(told, undefined, true).api);
  const panel = page.locator(".panel");
  await panel.getByText(REASON).waitFor();
  await panel.getByText("1 of 2 peers use the new key.").waitFor();
  await page.getByRole("link", { name: "Overview" }).click();
  await page.getByRole("link", { name: "Settings" }).click();
  await panel.getByText("1 of 2 peers use the new key.").waitFor();
  expect(await page.locator("main input").count()).toBe(0);
  expect(writes).toEqual([]);
});

it("the settings open up for a login that may change them", async () => {
  const { api } = new PeerConfig([SOUTH]);
  let mayWrite = false;
  let isSignedIn = true;
  await open(
    {
      api: (path, request, body) => {
        if (path === "session" && request.method === "POST") [isSignedIn, mayWrite] = [true, true];
        if (!isSignedIn) return { status: 401, body: { error: "unauthorized", errors: [] } };
        return (mayWrite ? api : viewing(api))(path, request, body);
      },
    },
    "#/settings",
  );
  await sees(REASON);
  isSignedIn = false;
  await page.getByLabel("User").fill("admin");
  await page.getByLabel("Password").fill("secret");
  await page.keyboard.press("Enter");
  await page.getByLabel("Cluster key").waitFor();
  await page.getByRole("link", { name: "Edit south" }).waitFor();
});

it.each([360, 641, 1280, 1361, 1441])("the top bar has room at %i px", async (width) => {
  await view("about", peers());
  await page.setViewportSize({ width, height: 800 });
  const tag = page.locator(".bar").getByText("read-only");
  await tag.waitFor();
  const bars = page.locator(".bar > :is(.brand, .bar-end)");
  const [brand, end] = await bars.evaluateAll((all) =>
    all.map((one) => one.getBoundingClientRect().top),
  );
  expect(Math.abs((brand ?? 0) - (end ?? 99))).toBeLessThan(10);
  await screenshot(page, `viewer-bar-${width}`);
});

it("the config file is shown, and nothing else", async () => {
  const config = new ConfigApi();
  await view("config", config.api);
  await sees("This login may read the file and not change it.");
  const editor = page.getByLabel("Text of the config file");
  expect(await editor.inputValue()).toBe(CONFIG);
  expect(await editor.isEditable()).toBe(false);
  expect(await page.getByRole("button", { name: /apply|Check/ }).count()).toBe(0);
  await page.keyboard.press("Control+s");
  expect(writes).toEqual([]);
});
