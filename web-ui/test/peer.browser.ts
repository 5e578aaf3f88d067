// What a person does with the page of one peer: edit its fields, be told what is wrong, and meet
// somebody who edits the same peer.

import { expect, it } from "vitest";
import { down, neverAnswered, peer, refusal, wrongKey } from "./support/clusters";
import type { Script } from "./support/mock_node";
import { PeerConfig } from "./support/peer_config";
import { node, open, page } from "./support/stage";

const SOUTH = peer("south", { clock_offset: -1400 }, { channel_limit: 60, cluster_key: "***" });

const show = (hostname: string, api: Script): Promise<void> =>
  open({ api }, `#/peers/${encodeURIComponent(hostname)}`);
const save = (): Promise<void> => page.getByRole("button", { name: "Save", exact: true }).click();
const hasFocus = (selector: string): Promise<boolean> =>
  page.locator(selector).evaluate((element) => element === document.activeElement);

it("sends only what was changed, as a change of what was read", async () => {
  const config = new PeerConfig([SOUTH]);
  await show("south", config.api);
  expect(await page.getByLabel("Fetch timeout, ms").inputValue()).toBe("1000");
  await save();
  await page.getByText("There is nothing to save.").waitFor();
  expect(await page.getByText("The same as a command").count()).toBe(0);
  await page.getByLabel("API URL").fill("http://10.0.0.2:8082");
  await page.getByLabel("Channel limit").fill("");
  await page.getByLabel("CPU limit, %").fill("85");
  await page.getByText("The same as a command").click();
  const command = await page.locator(".curl pre").textContent();
  expect(command).toContain('"cpu_limit":85');
  expect(command).toContain(`${node.base}/streamer/api/v3/cluster/peers/south`);
  await save();
  await page.getByText("Saved.").waitFor();
  const patch = { api_url: "http://10.0.0.2:8082", channel_limit: null, cpu_limit: 85 };
  expect(config.writes).toEqual([["PUT", "south", patch, '"south-0"']]);
  await page.getByLabel("CPU limit, %").fill("80");
  expect(await page.getByText("Saved.").count()).toBe(0);
  await save();
  await expect
    .poll(() => config.writes[1])
    .toEqual(["PUT", "south", { cpu_limit: 80 }, '"south-1"']);
});

it("tells wrong values at their fields, and leads there from the top", async () => {
  const config = new PeerConfig([SOUTH]);
  await show("south", config.api);
  for (const [label, typed] of [
    ["API URL", "south:8081"],
    ["Fetch timeout, ms", "6000"],
    ["Channel limit", "-1"],
    ["CPU limit, %", "101"],
  ] as const)
    await page.getByLabel(label, { exact: true }).fill(typed);
  await save();
  const wrong = page.locator('[aria-invalid="true"]');
  expect(await wrong.evaluateAll((all) => all.map(({ id }) => id))).toEqual([
    "api_url",
    "stale_timeout",
    "channel_limit",
    "cpu_limit",
  ]);
  expect(await hasFocus(".summary")).toBe(true);
  await page.locator("#stale_timeout-error").getByText("12001 or more").waitFor();
  expect(config.writes).toEqual([]);
  await page.locator(".summary").getByRole("link", { name: "CPU limit, %" }).click();
  await expect.poll(() => hasFocus("#cpu_limit")).toBe(true);
});

it("puts what only the node can tell at the field that it names", async () => {
  await show("south", new PeerConfig([SOUTH]).api);
  await page.getByLabel("API URL", { exact: true }).fill("http://me:secret@south");
  await save();
  await page.locator("#api_url-error").getByText("holds a user or password").waitFor();
  expect(await hasFocus(".summary")).toBe(true);
  expect(await page.locator("#api_url").getAttribute("aria-invalid")).toBe("true");
});

it("never shows a key: it is set, replaced or removed", async () => {
  const config = new PeerConfig([SOUTH]);
  await show("south", config.api);
  const field = page.getByLabel("Cluster key", { exact: true });
  expect(await field.inputValue()).toBe("");
  expect(await field.getAttribute("placeholder")).toBe("set; type to replace it");
  await field.fill("a-secret-canary");
  await page.getByText("The same as a command").click();
  expect(await page.locator(".curl pre").textContent()).toContain('{"cluster_key":"***"}');
  expect(await page.content()).not.toContain("a-secret-canary");
  await save();
  await page.getByText("Saved.").waitFor();
  expect(await field.inputValue()).toBe("");
  await page.getByLabel("Remove this key and use the node's").check();
  await save();
  await expect
    .poll(() => config.writes.map((write) => write[2]))
    .toEqual([{ cluster_key: "a-secret-canary" }, { cluster_key: null }]);
  await expect.poll(() => field.getAttribute("placeholder")).toBe("the node's");
});

async function collide(config: PeerConfig): Promise<void> {
  await show("south", config.api);
  await page.getByLabel("CPU limit, %").fill("85");
  await page.getByLabel("Channel limit").fill("70");
  config.change("south", { cpu_limit: 50, public_payload_url: "https://cdn.example.com" });
  await save();
  await page.getByText("Somebody else has changed this meanwhile").waitFor();
  expect(await hasFocus(".conflict")).toBe(true);
  const shown = await page.locator(".conflict dl > div").allTextContents();
  expect(shown.map((text) => text.replace(/\s+/g, " "))).toEqual([
    "Public payload URLYours: not changedTheirs: https://cdn.example.com",
    "Channel limitYours: 70Theirs: not changed",
    "CPU limit, %Yours: 85Theirs: 50",
  ]);
}

it("shows both sides of a concurrent edit and saves mine over theirs", async () => {
  const config = new PeerConfig([SOUTH]);
  await collide(config);
  await page.getByRole("button", { name: "Save yours over it" }).click();
  await page.getByText("Saved.").waitFor();
  expect(config.writes.at(-1)).toEqual([
    "PUT",
    "south",
    { channel_limit: 70, cpu_limit: 85 },
    '"south-1"',
  ]);
  expect(await page.getByLabel("Public payload URL").inputValue()).toBe("https://cdn.example.com");
});

it("takes what somebody else has made of it", async () => {
  const config = new PeerConfig([SOUTH]);
  await collide(config);
  await page.getByRole("button", { name: "Take theirs" }).click();
  await expect.poll(() => page.getByLabel("CPU limit, %").inputValue()).toBe("50");
  expect(await page.getByLabel("Channel limit").inputValue()).toBe("60");
  await save();
  await page.getByText("There is nothing to save.").waitFor();
  expect(config.writes).toHaveLength(1);
});

it("shows what was last heard, of silent peers too", async () => {
  const config = new PeerConfig([SOUTH, down("east"), wrongKey("west"), neverAnswered("new:81")]);
  await show("south", config.api);
  const facts = page.locator(".facts");
  for (const text of ["Up", "412", "1,400 ms behind", "0s ago", "3d 5h"])
    await facts.getByText(text).first().waitFor();
  for (const [hostname, text] of [
    ["east", "connection refused"],
    ["west", "401 wrong key"],
    ["new:81", "Connecting"],
  ] as const) {
    await page.goto(`${node.url}#/peers/${encodeURIComponent(hostname)}`);
    await page.getByRole("heading", { name: `Peer ${hostname}` }).waitFor();
    await facts.getByText(text).waitFor();
    expect(await facts.locator(".number").count()).toBe(0);
  }
});

it("tells how the peer is doing before its settings", async () => {
  await show("south", new PeerConfig([SOUTH]).api);
  const tops = ["Last heard from it", "Peer south", "Last hour, times in UTC"].map((name) =>
    page.locator(`section:has(h2:text-is("${name}")), form[aria-label="${name}"]`).boundingBox(),
  );
  const [facts, form, history] = (await Promise.all(tops)).map((box) => box?.y ?? 0);
  expect(facts).toBeLessThan(form ?? 0);
  expect(form).toBeLessThan(history ?? 0);
});

it("removes the peer after saying what is there, and goes back to the others", async () => {
  const config = new PeerConfig([SOUTH, peer("east")]);
  await show("south", config.api);
  await page.getByRole("button", { name: "Remove" }).click();
  const dialog = page.getByRole("dialog", { name: "Remove south?" });
  await dialog.getByText("Streams captured there: 38; clients: 412.").waitFor();
  await dialog.getByRole("button", { name: "Cancel" }).click();
  expect(config.writes).toEqual([]);
  await page.getByRole("button", { name: "Remove" }).click();
  await dialog.getByRole("button", { name: "Remove" }).click();
  await page.getByRole("heading", { name: "Cluster settings" }).waitFor();
  await page.getByText("south is removed.").waitFor({ state: "attached" });
  await expect.poll(() => page.locator(".peers .name-text").allTextContents()).toEqual(["east"]);
  await expect.poll(() => hasFocus("#content")).toBe(true);
  expect(config.writes).toEqual([["DELETE", "south", null, undefined]]);
});

it("says that there is no such peer", async () => {
  await show("<b>", new PeerConfig([]).api);
  await page.getByText("There is no peer `<b>`.", { exact: true }).waitFor();
  expect(await page.getByRole("button", { name: "Remove" }).count()).toBe(0);
  await page.getByRole("link", { name: "Cluster settings" }).waitFor();
});

it("keeps what was typed while a session ends and a new one begins", async () => {
  const config = new PeerConfig([SOUTH]);
  let isSignedIn = true;
  await show("south", (path, request, body) => {
    if (path === "session") {
      if (request.method === "POST") isSignedIn = true;
      if (isSignedIn) return { body: { user: "admin", may_write: true, csrf_token: "5ecret" } };
    }
    return isSignedIn ? config.api(path, request, body) : refusal(401, "credentials_needed", "no");
  });
  await page.getByLabel("CPU limit, %").fill("85");
  isSignedIn = false;
  await save();
  await page.getByLabel("User").fill("admin");
  await page.getByLabel("Password").fill("secret");
  await page.keyboard.press("Enter");
  await page.getByLabel("CPU limit, %").waitFor();
  expect(await page.getByLabel("CPU limit, %").inputValue()).toBe("85");
  await save();
  await page.getByText("Saved.").waitFor();
});

it("tells an API error and lets the reader try again", async () => {
  const config = new PeerConfig([SOUTH]);
  let isBroken = true;
  await show("south", (path, request, body) =>
    isBroken && path.includes("peers/")
      ? refusal(500, "internal_error", "it broke")
      : config.api(path, request, body),
  );
  await page.getByText("500 it broke, request req-7f3a").first().waitFor();
  isBroken = false;
  await page.getByRole("button", { name: "Try again now" }).click();
  await page.getByLabel("CPU limit, %").waitFor();
});
