// Every dialog in both schemes and at 360 px: no fault, no overflow, no violation; the focus goes
// in when it opens, and back when it closes.

import type { Page } from "playwright-core";
import { expect, it } from "vitest";
import { HEALTHY } from "./support/clusters";
import { FilesNode } from "./support/files";
import { MediaNode } from "./support/media";
import type { Script } from "./support/mock_node";
import { PeerConfig } from "./support/peer_config";
import { expectSound, open, page } from "./support/stage";

interface Dialog {
  title: string;
  hash: string;
  api: () => Script;
  /** The button that opens it. */
  button: (page: Page) => ReturnType<Page["getByRole"]>;
}

const named =
  (name: string | RegExp): Dialog["button"] =>
  (page) =>
    page.getByRole("button", { name, exact: true });
const media = (): Script => new MediaNode().answer;
const peers = (): Script => new PeerConfig(HEALTHY).api;

const DIALOGS: Dialog[] = [
  { title: "Keyboard shortcuts", hash: "", api: peers, button: named(/^Keys/) },
  { title: "Stop live/cam?", hash: "streams/live%2Fcam", api: media, button: named("Stop") },
  { title: "Delete live/cam?", hash: "streams/live%2Fcam", api: media, button: named("Delete") },
  {
    title: "End this session?",
    hash: "sessions",
    api: media,
    button: named("End the session of 2001:db8::7:1"),
  },
  { title: "Remove south?", hash: "settings", api: peers, button: named("Remove south") },
  { title: "Remove south?", hash: "peers/south", api: peers, button: named("Remove") },
  {
    title: "Remove movies?",
    hash: "files/movies",
    api: () => new FilesNode().answer,
    button: named("Remove"),
  },
];

it.each(DIALOGS)("$title at #/$hash is sound", async ({ title, hash, api, button }) => {
  await open({ api: api() }, `#/${hash}`);
  const opener = button(page);
  await opener.focus();
  await page.keyboard.press("Enter");
  const dialog = page.getByRole("dialog", { name: title });
  await dialog.waitFor();
  const focused = await dialog.locator(":focus").textContent();
  expect(focused).toBe(title === "Keyboard shortcuts" ? "" : "Cancel");
  await expectSound(`dialog-${title}-${hash}`.toLowerCase().replace(/\W+/g, "-"));
  await page.setViewportSize({ width: 1280, height: 800 });
  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "hidden" });
  expect(await opener.evaluate((one) => one === document.activeElement)).toBe(true);
});
