// What a person does with the sessions: find one, and end it.

import { expect, it } from "vitest";
import { screenshot } from "./support/browser";
import { refusal } from "./support/clusters";
import { FilesNode } from "./support/files";
import { MediaNode, SESSIONS, session } from "./support/media";
import type { Script } from "./support/mock_node";
import { open, page, sees } from "./support/stage";

let media: MediaNode;

async function start(hash: string, sessions = SESSIONS): Promise<void> {
  media = new MediaNode(undefined, structuredClone(sessions));
  await open({ api: media.answer }, hash);
}

const addresses = (): Promise<string[]> => page.locator("tbody th .name-text").allTextContents();

it("lists who plays and who publishes, the longest first", async () => {
  await start("#/sessions");
  await sees("4 sessions");
  expect((await addresses())[0]).toBe("198.51.100.4");
  const publisher = page.locator("tr", { hasText: "198.51.100.4" });
  expect(await publisher.innerText()).toMatch(/studio\/anna\s+RTMP\s*publishes\s+9\.1 GB\s+1d 6h/);
  expect(await page.locator("tr", { hasText: "HTTP-TS" }).innerText()).toMatch(/–\s+–\s+–/);
});

it("sorts and filters by protocol and words, and keeps that in the address", async () => {
  await start("#/sessions");
  await page.getByRole("button", { name: "Bytes" }).click();
  await expect.poll(async () => (await addresses())[1]).toBe("192.0.2.17");
  await page.getByRole("combobox", { name: "Protocol" }).selectOption("rtsp");
  await expect.poll(addresses).toEqual(["2001:db8::7:1"]);
  expect(page.url()).toContain("sort=bytes&dir=desc&proto=rtsp");
  await page.getByLabel("Filter").fill("no such");
  await sees("No session matches the filter.");
});

it("leads from the session of a file to its folder, once it knows the collections", async () => {
  media = new MediaNode(undefined, [
    session("s1", { name: "movies/2026/holiday.mp4" }),
    session("s2", { name: "live/odd.mp4" }),
    session("s3"),
  ]);
  const files = new FilesNode();
  let knowsFiles = false;
  const api: Script = (path, request, body) => {
    if (!path.startsWith("vods")) return media.answer(path, request, body);
    return knowsFiles ? files.answer(path, request, body) : { never: true };
  };
  await open({ api }, "#/sessions");
  const links = (): Promise<string[]> => page.locator("td.col-stream a").allTextContents();
  await sees("3 sessions");
  expect(await links()).toEqual(["live/cam"]);
  knowsFiles = true;
  await page.reload();
  await expect.poll(links).toHaveLength(3);
  await page.getByRole("link", { name: "live/odd.mp4" }).click();
  await sees("There is no such stream.");
  await page.goBack();
  await page.getByRole("link", { name: "movies/2026/holiday.mp4" }).click();
  await page.getByRole("link", { name: "Play holiday.mp4" }).waitFor();
});

it("ends a session after asking, and shows why it could not", async () => {
  await start("#/sessions");
  await page.getByRole("button", { name: "End the session of 2001:db8::7:1" }).click();
  await sees("2001:db8::7:1 plays live/cam.");
  await screenshot(page, "sessions-end");
  await page.getByRole("button", { name: "Cancel" }).click();
  expect(media.log).toEqual([]);
  await page.getByRole("button", { name: "End the session of 2001:db8::7:1" }).click();
  media.nextRefusal = refusal(403, "read_only", "this user may only read");
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("button", { name: "End" }).click();
  await sees("this user may only read");
  await dialog.getByRole("button", { name: "End" }).click();
  await sees("3 sessions");
  expect(media.log).toEqual(["DELETE sessions/s2", "DELETE sessions/s2"]);
});

it("takes a session that has ended by itself for ended", async () => {
  await start("#/sessions");
  await page.getByRole("button", { name: "End the session of 198.51.100.4" }).click();
  media.sessions = [];
  await page.getByRole("dialog").getByRole("button", { name: "End" }).click();
  await sees("This node has no sessions now.");
});

it("lists a stream's own sessions on its page, and ends them there", async () => {
  await start("#/streams/live%2Fcam", [...SESSIONS, session("s9", { name: "other", ip: "::9" })]);
  await page.getByRole("button", { name: "End the session of 2001:db8::7:1" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "End" }).click();
  await expect.poll(() => media.log).toEqual(["DELETE sessions/s2"]);
  expect(await page.getByText("::9").count()).toBe(0);
});
