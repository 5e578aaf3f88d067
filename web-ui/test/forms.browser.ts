// What all forms have in common: a refusal that can be handed on, and what they do as a command.

import type { Page } from "playwright-core";
import { expect, it } from "vitest";
import { peer, refusal } from "./support/clusters";
import { CONFIG, ConfigApi } from "./support/config_api";
import { FilesNode } from "./support/files";
import { MediaNode } from "./support/media";
import type { Answer, Script } from "./support/mock_node";
import { PeerConfig } from "./support/peer_config";
import { click, context, expectSound, node, open, page, startNode, openTab } from "./support/stage";

interface Form {
  name: string;
  hash: string;
  api: () => Script;
  /** What a person types to have something to save. */
  fill: (page: Page) => Promise<void>;
  save?: string;
}

const FORMS: Form[] = [
  {
    name: "settings",
    hash: "settings",
    api: () => new PeerConfig([peer("south")]).api,
    fill: (page) => page.getByLabel("New peer hostname").fill("east"),
  },
  {
    name: "peer",
    hash: "peers/south",
    api: () => new PeerConfig([peer("south")]).api,
    fill: (page) => page.getByLabel("CPU limit, %").fill("85"),
  },
  {
    name: "stream",
    hash: "streams/live%2Fcam/edit",
    api: () => new MediaNode().answer,
    fill: (page) => page.getByLabel("Title").fill("Side stage"),
  },
  {
    name: "vod",
    hash: "files/movies/edit",
    api: () => new FilesNode().answer,
    fill: (page) => page.getByLabel("Segment duration, s").fill("6"),
  },
  {
    name: "config",
    hash: "config",
    api: () => new ConfigApi().api,
    fill: (page) => page.getByLabel("Text of the config file").fill(CONFIG.replace("8081", "8082")),
    save: "Check and apply",
  },
];

const REFUSED = "the config file is read-only";

const refusing =
  (api: Script, answer: Answer): Script =>
  (path, request, body) =>
    request.method === "PUT" ? answer : api(path, request, body);

it.each(FORMS)("$name: a refusal can be handed on", async ({ name, hash, api, fill, save }) => {
  await startNode({ api: refusing(api(), refusal(403, "config_read_only", REFUSED)) });
  await context.grantPermissions(["clipboard-read", "clipboard-write"], { origin: node.base });
  await openTab(`${node.url}#/${hash}`);
  await fill(page);
  await click(save ?? "Save");
  const summary = page.locator(".summary");
  await summary.getByText(REFUSED).waitFor();
  await summary.getByText("request req-7f3a").waitFor();
  const refusedBefore = Date.now();
  await expectSound(`refused-${name}`);
  await summary.getByRole("button", { name: "Copy details" }).click();
  await summary.getByRole("button", { name: "Copied" }).waitFor();
  const copied = JSON.parse(await page.evaluate(() => navigator.clipboard.readText()));
  expect(copied).toMatchObject({
    status: 403,
    code: "config_read_only",
    message: REFUSED,
    requestId: "req-7f3a",
  });
  expect(Date.parse(copied.at.replace(" UTC", "Z"))).toBeLessThanOrEqual(refusedBefore);
});

interface Commanded extends Pick<Form, "hash" | "api" | "fill"> {
  /** Of the command, in this order. */
  parts: string[];
}

const COMMANDED: Commanded[] = [
  {
    hash: "settings",
    api: () => new PeerConfig([]).api,
    fill: (page) => page.getByLabel("New peer hostname").fill(" east "),
    parts: ["curl -X PUT", "-d '{}'", "/streamer/api/v3/cluster/peers/east"],
  },
  {
    hash: "settings",
    api: () => new PeerConfig([], null).api,
    fill: async (page) => {
      await page.getByLabel("Cluster key").fill("a-secret-canary");
      await page.getByLabel("New peer hostname").fill("east");
    },
    parts: ['{"cluster_key":"***","peers":[{"hostname":"east"}]}', "/streamer/api/v3/config"],
  },
  {
    hash: "streams/live%2Fcam/edit",
    api: () => new MediaNode().answer,
    fill: async (page) => {
      await page.getByLabel("Title").fill("Side stage");
      await page.getByLabel("Password", { exact: true }).fill("a-secret-canary");
    },
    parts: ['{"title":"Side stage","password":"***"}', "/streamer/api/v3/streams/live%2Fcam"],
  },
  {
    hash: "streams/-",
    api: () => new MediaNode().answer,
    fill: async (page) => {
      await page.getByLabel("Input 1", { exact: true }).fill("rtsp://me:a-secret-canary@cam/1");
      expect(await page.locator(".curl").count()).toBe(0);
      await page.getByLabel("Name", { exact: true }).fill("door");
    },
    parts: ["If-None-Match: *", "rtsp://me:***@cam/1", "/streamer/api/v3/streams/door"],
  },
  {
    hash: "files/movies/edit",
    api: () => new FilesNode().answer,
    fill: (page) => page.getByLabel("Segment duration, s").fill("6"),
    parts: ['{"segment_duration":6}', "/streamer/api/v3/vods/movies"],
  },
  {
    hash: "files/-",
    api: () => new FilesNode().answer,
    fill: async (page) => {
      await page.getByLabel("Storage 1").fill("films");
      await page.getByLabel("Prefix").fill("clips");
    },
    parts: ["If-None-Match: *", '{"storages":[{"url":"films"}]}', "/streamer/api/v3/vods/clips"],
  },
];

it.each(COMMANDED)("tells what saving $hash would do as a command", async (form) => {
  await open({ api: form.api() }, `#/${form.hash}`);
  await page.getByRole("button", { name: "Save" }).waitFor();
  expect(await page.getByText("The same as a command").count()).toBe(0);
  await form.fill(page);
  await page.getByText("The same as a command").click();
  const command = (await page.locator(".curl pre").textContent()) ?? "";
  const places = form.parts.map((part) => command.indexOf(part));
  expect(places, command).not.toContain(-1);
  expect(places).toEqual([...places].sort((one, other) => one - other));
  expect(command).not.toContain("canary");
  expect(await page.locator(".curl").count()).toBe(1);
  await expectSound(`command-${form.hash.replace(/\W+/g, "-")}`);
});

it("tells of no request where none was made", async () => {
  await open({ api: new PeerConfig([peer("south")]).api }, "#/peers/south");
  await page.getByLabel("CPU limit, %").fill("many");
  await click("Save");
  await page.locator(".summary").getByText("a whole number").waitFor();
  expect(await page.locator(".refusal").count()).toBe(0);
});

it("a refused removal can be handed on, too", async () => {
  const { api } = new PeerConfig([peer("south")]);
  await open(
    {
      api: (path, request, body) =>
        request.method === "DELETE" ? refusal(403, "no", REFUSED) : api(path, request, body),
    },
    "#/peers/south",
  );
  await click("Remove");
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("button", { name: "Remove" }).click();
  await dialog.getByText("request req-7f3a").waitFor();
  await dialog.getByRole("button", { name: "Copy details" }).waitFor();
  await expectSound("refused-removal");
});

it.each([
  ["streams", () => new MediaNode().answer, "A stream needs a name.", "Name"],
  ["files", () => new FilesNode().answer, "A collection needs a prefix.", "Prefix"],
] as const)("says that a new thing of %s needs a name", async (list, api, words, label) => {
  await open({ api: api() }, `#/${list}/-`);
  const before = node.requests.length;
  await page.getByRole("button", { name: "Save" }).click();
  await page.locator(".summary").getByText(words).waitFor();
  expect(await page.getByLabel(label, { exact: true }).getAttribute("aria-invalid")).toBe("true");
  expect(node.requests.slice(before).filter((url) => /(streams|vods)\/$/.test(url))).toEqual([]);
});
