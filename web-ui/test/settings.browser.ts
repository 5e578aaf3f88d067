// What a person does with Cluster > Settings: add a peer by its hostname, go to edit it, remove it.

import { expect, it } from "vitest";
import { HEALTHY, SILENT, down, peer, refusal, stats } from "./support/clusters";
import { MediaNode, remote, session, stream } from "./support/media";
import type { Script } from "./support/mock_node";
import { PeerConfig } from "./support/peer_config";
import { expectSound, node, open, page } from "./support/stage";

const start = (api: Script): Promise<void> => open({ api }, "#/settings");
const names = (): Promise<string[]> => page.locator(".peers .name-text").allTextContents();

async function add(hostname: string): Promise<void> {
  await page.getByLabel("New peer hostname").fill(hostname);
  await page.keyboard.press("Enter");
}

it("adds a peer by its hostname and shows what comes of it", async () => {
  const config = new PeerConfig([peer("node10"), peer("node2")]);
  await start(config.api);
  await page.getByText("node10", { exact: true }).waitFor();
  await add(" south ");
  const outcome = page.getByRole("status").filter({ hasText: "south is saved and asked" });
  await outcome.getByText("Connecting").waitFor();
  expect(config.writes).toEqual([["PUT", "south", {}, undefined]]);
  expect(await names()).toEqual(["node2", "node10", "south"]);
  config.change("south", { stats: { state: "down", error: "connection refused", age: null } });
  await outcome.getByText("connection refused").waitFor();
  expect(await page.getByText("answers in").count()).toBe(0);
  await outcome.getByRole("link", { name: "Set its API URL" }).click();
  await page.getByRole("heading", { name: "Peer south" }).waitFor();
  await page.getByLabel("API URL").fill("http://10.0.0.2:8081");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("Saved.").waitFor();
  expect(config.writes[1]?.slice(0, 3)).toEqual([
    "PUT",
    "south",
    { api_url: "http://10.0.0.2:8081" },
  ]);
  config.change("south", { stats: { state: "up", error: null, age: 20, ...stats() } });
  await page.locator(".facts").getByText("Up", { exact: true }).waitFor();
});

it.each([
  [
    { key: "current", clock_offset: -1400, fetch_ms: 12 },
    "key ok · version 0.1.0 · clock 1,400 ms behind · answers in 12 ms",
  ],
  [
    { key: "accepted", server_version: "0.2.0", clock_offset: null, fetch_ms: 3 },
    "older key · version 0.2.0, another than this node's · answers in 3 ms",
  ],
  [{ ...SILENT, key: null, state: "down", error: "connection refused" }, null],
])("tells how a new peer answered", async (told, text) => {
  const config = new PeerConfig([]);
  await start(config.api);
  await page.getByText("This node has no peers yet.").waitFor();
  await add("south");
  await page.getByText("south is saved and asked").waitFor();
  config.change("south", { stats: { ...stats(), state: "up", age: 20, ...told } });
  const outcome = page.locator("form .outcome");
  await outcome.getByText(text === null ? "connection refused" : "Up").waitFor();
  const facts = page.locator("form .outcome + .note");
  if (text === null) expect(await facts.count()).toBe(0);
  else expect(await facts.textContent()).toBe(text);
  await expectSound(`settings-answered-${told.key}`);
});

it("says what is wrong with a hostname, at the field and on top", async () => {
  const config = new PeerConfig([peer("south")]);
  await start(config.api);
  const field = page.getByLabel("New peer hostname");
  for (const [typed, wrong] of [
    ["", "Wanted: the name of another node."],
    ["east:8081", "set the port in API URL"],
    ["http://east", "set the port in API URL"],
    ["ea st", "Wanted: letters, digits"],
    ["south", "There is a peer of this name already."],
  ] as const) {
    await field.fill(typed);
    await page.getByRole("button", { name: "Save" }).click();
    await page.locator("#hostname-error").getByText(wrong).waitFor();
    expect(await field.getAttribute("aria-invalid")).toBe("true");
    expect(await page.locator(".summary").evaluate((box) => box === document.activeElement)).toBe(
      true,
    );
  }
  expect(config.writes).toEqual([]);
  await page.locator(".summary").getByRole("link", { name: "New peer hostname" }).click();
  await expect.poll(() => field.evaluate((input) => input === document.activeElement)).toBe(true);
  expect(page.url()).toContain("#/settings");
});

it("sets a key with the first peer at once, and never shows it again", async () => {
  const config = new PeerConfig([], null);
  await start(config.api);
  const key = page.getByLabel("Cluster key");
  await key.waitFor();
  expect(await key.getAttribute("placeholder")).toBe("not set");
  await add("south");
  await page.locator(".summary").getByText("without a cluster key").waitFor();
  await page.getByRole("button", { name: "Make one up" }).click();
  const secret = await key.inputValue();
  expect(secret).toMatch(/^[\w-]{32}$/);
  expect(await key.getAttribute("type")).toBe("text");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("The key is saved").waitFor();
  await page.getByRole("status").getByText("south is saved and asked").waitFor();
  const patch = { cluster_key: secret, peers: [{ hostname: "south" }] };
  expect(config.writes.at(-1)).toEqual(["PUT", "config", patch]);
  await expect.poll(() => key.getAttribute("placeholder")).toBe("set; type to replace it");
  expect(await key.inputValue()).toBe("");
  expect(await key.getAttribute("type")).toBe("password");
  expect(await page.content()).not.toContain(secret);
});

it("warns of a key that is short or the example", async () => {
  const config = new PeerConfig([]);
  await start(config.api);
  await page.getByLabel("Cluster key").fill("abcd");
  await page.getByText("Short: 16 characters or more").waitFor();
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("the cluster key is the example `abcd`").waitFor();
  expect(config.writes).toEqual([["PUT", "config", { cluster_key: "abcd" }]]);
});

it("leaves the key out where the node does not tell of it", async () => {
  const config = new PeerConfig([peer("south")]);
  await start((path, request, body) =>
    path === "config" ? { status: 403 } : config.api(path, request, body),
  );
  await page.getByText("south", { exact: true }).waitFor();
  await expect.poll(() => node.requests.some((url) => url.endsWith("/v3/config"))).toBe(true);
  expect(await page.getByLabel("Cluster key").count()).toBe(0);
});

it("says how far a change of the key has come, and which peers are left", async () => {
  const using = (hostname: string, key: unknown) => peer(hostname, { key });
  const config = new PeerConfig(
    [using("south", "current"), using("east", "accepted"), using("west", null)],
    undefined,
    true,
  );
  await start(config.api);
  await page
    .getByText("1 of 3 peers use the new key. Still with an older one: east. Not known of west.")
    .waitFor();
  const marks = page.locator(".peers .tag");
  expect(await marks.allInnerTexts()).toEqual(["⚠ older key"]);
  config.change("east", using("east", "current"));
  config.change("west", using("west", "current"));
  await page.getByText("3 of 3 peers use the new key. The older keys can be taken out").waitFor();
  expect(await marks.count()).toBe(0);
});

it("says nothing of keys where none changes, or nobody tells", async () => {
  await start(new PeerConfig([peer("south", { key: "current" })]).api);
  await page.getByText("south", { exact: true }).waitFor();
  await page.getByLabel("Cluster key").waitFor();
  expect(await page.getByText("the new key").count()).toBe(0);
  await page.close();
  await node.kill();
  await start(new PeerConfig([peer("south")], undefined, true).api);
  await page.getByText("south", { exact: true }).waitFor();
  await page.getByLabel("Cluster key").waitFor();
  expect(await page.getByText("the new key").count()).toBe(0);
});

it("shows why the node refused a peer", async () => {
  const config = new PeerConfig([]);
  const title = "the config file is read-only";
  await start((path, request, body) =>
    request.method === "PUT"
      ? refusal(403, "config_read_only", title)
      : config.api(path, request, body),
  );
  await page.getByText("This node has no peers yet.").waitFor();
  await add("south");
  await page.locator(".summary").getByText(title).waitFor();
  expect(await page.getByLabel("New peer hostname").inputValue()).toBe("south");
});

it("removes a peer after saying what is there", async () => {
  const config = new PeerConfig([
    peer("south", { total_streams: 38, total_clients: 1208 }),
    down("east"),
  ]);
  await start(config.api);
  await page.getByRole("button", { name: "Remove south" }).click();
  const dialog = page.getByRole("dialog", { name: "Remove south?" });
  await dialog.getByText("Streams captured there: 38; clients: 1,208.").waitFor();
  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "hidden" });
  expect(config.writes).toEqual([]);
  await page.getByRole("button", { name: "Remove east" }).click();
  await page.getByText("is not known now").waitFor();
  await page.getByRole("dialog").getByRole("button", { name: "Cancel" }).click();
  await page.getByRole("button", { name: "Remove south" }).click();
  await dialog.getByRole("button", { name: "Remove" }).click();
  await page.getByText("south is removed.").waitFor({ state: "attached" });
  await expect.poll(names).toEqual(["east"]);
  expect(await page.locator("#content").evaluate((main) => main === document.activeElement)).toBe(
    true,
  );
  expect(config.writes).toEqual([["DELETE", "south", null, undefined]]);
});

it.each([
  [3, "3 viewers to whom this node relays its streams lose them."],
  [1, "One viewer to whom this node relays a stream of it loses that."],
  [0, null],
  [null, "Viewers to whom this node relays its streams lose them."],
])("says what %s relayed viewers lose by a removal", async (viewers, text) => {
  const config = new PeerConfig([peer("south"), peer("east")]);
  const sessions = [
    ...["film", "film", "cam"].slice(0, viewers ?? 3),
    // Of a stream that another node has, too; of one of this node; and who brings one.
    ...["both", "own"],
  ].map((name, index) => session(`s${index}`, { name }));
  const media = new MediaNode(
    [
      remote("film", { running_on: ["south"] }),
      remote("cam", { running_on: ["south"] }),
      remote("both", { running_on: ["east", "south"] }),
      remote("other", { running_on: ["east"] }),
      stream("own", {}, { running_on: ["north", "south"] }),
    ],
    [...sessions, session("p", { type: "publish", name: "film" })],
  );
  await start((path, request, body) => {
    if (path !== "streams" && path !== "sessions") return config.api(path, request, body);
    return viewers === null ? { status: 500 } : media.answer(path, request, body);
  });
  const told = ["streams", "sessions"].map((path) =>
    page.waitForResponse((response) => response.url().includes(`/v3/${path}?`)),
  );
  await page.getByRole("button", { name: "Remove south" }).click();
  const dialog = page.getByRole("dialog");
  for (const response of await Promise.all(told)) await response.finished();
  await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => setTimeout(done))));
  if (text) await dialog.getByText(text, { exact: true }).waitFor();
  else expect(await dialog.getByRole("status").textContent()).toBe("");
});

it("leaves the question open where a removal is refused", async () => {
  const config = new PeerConfig([peer("south")]);
  await start((path, request, body) =>
    request.method === "DELETE"
      ? refusal(400, "invalid_config", "balancer `lb` names no peer `south`")
      : config.api(path, request, body),
  );
  await page.getByRole("button", { name: "Remove south" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Remove" }).click();
  await page.getByText("balancer `lb` names no peer `south`").waitFor();
  expect(await names()).toEqual(["south"]);
});

it("is reached by keys, by the top bar and from an overview without peers", async () => {
  await start(new PeerConfig(HEALTHY).api);
  await page.getByRole("link", { name: "Edit south" }).waitFor();
  expect(await page.getByRole("link", { name: "Settings" }).getAttribute("aria-current")).toBe(
    "page",
  );
  expect(await page.title()).toContain("Cluster settings");
  await page.keyboard.press("g");
  await page.keyboard.press("o");
  await page.locator("tbody").getByRole("link", { name: "south" }).click();
  await page.getByRole("heading", { name: "Peer south" }).waitFor();
  await page.getByLabel("API URL").waitFor();
  await page.keyboard.press("g");
  await page.keyboard.press("s");
  await page.getByRole("heading", { name: "Cluster settings" }).waitFor();
});
