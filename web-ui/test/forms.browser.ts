// What all forms have in common: a refusal that can be handed on.

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
