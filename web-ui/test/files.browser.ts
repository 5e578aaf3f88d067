// What a person does with files: walk the folders, play one, add, edit and remove a collection; and
// every state of the pages in both schemes and at 360 px.

import { expect, it } from "vitest";
import { screenshot } from "./support/browser";
import { always, refusal } from "./support/clusters";
import { FilesNode, file, vod } from "./support/files";
import { startLiveHls } from "./support/live_hls";
import type { MockNodeOptions, Script } from "./support/mock_node";
import { expectSound, node, open as openAt, page, sees } from "./support/stage";

let files: FilesNode;

function open(hash: string, options: MockNodeOptions = {}): Promise<void> {
  files = new FilesNode();
  return openAt({ api: files.answer, ...options }, hash);
}

const names = (): Promise<string[]> => page.locator(".files tbody .name-text").allTextContents();

it("walks down the folders and back up", async () => {
  await open("");
  await page.getByRole("link", { name: "Files" }).click();
  await sees("2 collections");
  const row = page.locator("tr", { hasText: "movies" });
  expect(await row.innerText()).toMatch(/\/mnt\/archive\/films[\s\S]*3/);
  await page.getByRole("link", { name: "movies", exact: true }).click();
  await sees("3 entries");
  expect(await page.locator("tr", { hasText: "bunny" }).innerText()).toMatch(/276 MB/);
  expect(await page.locator("tr", { hasText: "blanks" }).innerText()).toContain("not playable");
  await page.getByRole("link", { name: "2026" }).click();
  await sees("2 entries");
  await page.getByRole("link", { name: "empty" }).click();
  await sees("No files here yet.");
  await sees("/mnt/archive/films/2026/empty");
  await page.getByRole("group", { name: "Where you are" }).getByText("2026").click();
  await sees("holiday.mp4");
  await page.goBack();
  await sees("No files here yet.");
  await page.getByRole("group", { name: "Where you are" }).getByText("movies").click();
  await sees("3 entries");
});

it("has the node sort and filter a folder, and keeps both in the address", async () => {
  await open("#/files/movies");
  await page.getByRole("button", { name: "Size" }).click();
  await expect.poll(async () => (await names())[0]).toBe("big-buck-bunny.mp4");
  expect(page.url()).toContain("sort=size&dir=desc");
  await page.keyboard.press("/");
  await page.keyboard.type("BUNNY");
  await expect.poll(names).toEqual(["big-buck-bunny.mp4"]);
  await page.getByLabel("Filter").fill("xyzzy");
  await sees("Nothing in this folder matches");
  await page.getByRole("button", { name: "Clear the filter" }).click();
  await sees("3 entries");
});

it("plays a file in the page, and closes it again", async () => {
  const media = await startLiveHls();
  await open("#/files/live", { media: media.folder });
  files.vods = [vod("live", "films")];
  files.folders = { live: [file("cam", 1000, "live")] };
  await page.getByRole("link", { name: "Play cam" }).click();
  const frames = (): Promise<number> =>
    page
      .frameLocator("iframe.player")
      .locator("video")
      .evaluate((one) => (one as HTMLVideoElement).getVideoPlaybackQuality().totalVideoFrames);
  await expect.poll(frames, { timeout: 20_000 }).toBeGreaterThan(25);
  expect(page.url()).toContain("play=cam");
  await screenshot(page, "files-playing");
  await page.getByRole("link", { name: "Close the player" }).click();
  await page.locator("iframe.player").waitFor({ state: "detached" });
  media.stop();
});

it("adds a collection, with the node's refusals at their fields", async () => {
  await open("#/files");
  await page.getByRole("link", { name: "Add a collection" }).click();
  await page.getByLabel("Prefix").fill("movies");
  await page.getByRole("button", { name: "Save" }).click();
  await page.locator(".summary").getByRole("link", { name: "Storage 1" }).waitFor();
  await page.locator("#storages-0-url-error").getByText("Wanted: a folder of this node").waitFor();
  expect(files.log).toEqual([]);
  await page.getByLabel("Storage 1").fill("films");
  await page.getByLabel("Storage 2").fill("/etc");
  await page.getByRole("button", { name: "Save" }).click();
  await sees("There is a collection of this prefix already.");
  await page.getByLabel("Prefix").fill("clips");
  files.nextRefusal = {
    status: 403,
    body: {
      error: "forbidden",
      errors: [
        {
          code: "storage_not_allowed",
          title: "a storage may be only below the config's folder or another storage",
          source: { pointer: "/storages/1/url" },
        },
      ],
    },
  };
  await page.getByRole("button", { name: "Save" }).click();
  await page.locator("#storages-1-url-error").getByText("only the file itself").waitFor();
  expect(await page.getByLabel("Storage 2").getAttribute("aria-invalid")).toBe("true");
  expect(await page.getByLabel("Storage 1").getAttribute("aria-invalid")).toBe("false");
  await screenshot(page, "files-refused");
  await page.getByLabel("Storage 2").fill("");
  await page.getByLabel("Segment duration, s").fill("6");
  await page.getByRole("button", { name: "Save" }).click();
  await page.locator("h1", { hasText: "clips" }).waitFor();
  expect(files.log.at(-1)).toBe(
    'PUT vods/clips {"storages":[{"url":"films"}],"segment_duration":6}',
  );
});

it("edits what was changed, and shows both sides when somebody else was faster", async () => {
  await open("#/files/movies");
  await page.getByRole("link", { name: "Edit" }).click();
  await page.getByLabel("Storage 3").fill("/mnt/archive/more");
  const movies = files.vods[0] ?? {};
  movies["segment_duration"] = 8;
  files.version += 1;
  await page.getByRole("button", { name: "Save" }).click();
  await sees("Somebody else has changed this meanwhile");
  expect(await page.locator(".conflict").innerText()).toMatch(/archive\/more[\s\S]*8/);
  await page.getByRole("button", { name: "Save yours over it" }).click();
  await page.locator("h1", { hasText: "movies" }).waitFor();
  const storages = ["/var/lib/watershed/movies", "/mnt/archive/films", "/mnt/archive/more"];
  const body = JSON.stringify({ storages: storages.map((url) => ({ url })) });
  await expect.poll(() => files.log.at(-1)).toBe(`PUT vods/movies ${body}`);
});

it("asks before it removes a collection, and says that the files stay", async () => {
  await open("#/files/movies");
  await page.getByRole("button", { name: "Remove" }).click();
  await sees("The files stay where they are.");
  await sees("Clients now: 3.");
  await page.getByRole("dialog").getByRole("button", { name: "Remove" }).click();
  await sees("1 collection");
  expect(files.log).toEqual(["DELETE vods/movies"]);
});

it("shows hostile names of folders and files as the text they are", async () => {
  const evil = "<img src=x onerror=alert(1)>";
  await open("#/files/movies");
  files.folders["movies"] = [{ ...file("x", 1), name: evil, kind: "directory" }];
  files.folders[`movies/${evil}`] = [{ ...file("x", 1), name: `b${evil}` }];
  await page.getByRole("link", { name: evil }).click();
  await sees(`b${evil}`);
  expect(await page.locator("main img").count()).toBe(0);
});

it("says so when a folder or a collection is gone", async () => {
  await open("#/files/movies?path=nowhere");
  await sees("There is no such folder.");
  await page.getByRole("link", { name: "All files" }).click();
  await sees("3 entries");
  files.vods = [];
  files.folders = {};
  await sees("There is no such folder.");
});

interface State {
  name: string;
  hash: string;
  /** Text that tells that the state is on the screen. */
  shows: string;
  api?: Script;
}

const signedOut = always(refusal(401, "unauthorized", "who are you"));
const failing = always(refusal(500, "internal", "it broke"));
const silent = always({ never: true });
const empty = new FilesNode([], {}).answer;

const STATES: State[] = [
  { name: "files", hash: "#/files", shows: "2 collections" },
  { name: "files-empty", hash: "#/files", shows: "There are no files yet", api: empty },
  { name: "files-none-match", hash: "#/files?q=xyzzy", shows: "No collection matches" },
  { name: "files-loading", hash: "#/files", shows: "Still waiting", api: silent },
  { name: "files-failing", hash: "#/files", shows: "req-7f3a", api: failing },
  { name: "files-signed-out", hash: "#/files", shows: "Sign in", api: signedOut },
  { name: "folder", hash: "#/files/movies", shows: "3 entries" },
  { name: "folder-deep", hash: "#/files/movies?path=2026", shows: "holiday" },
  { name: "folder-empty", hash: "#/files/live%2Frecordings", shows: "No files here yet" },
  { name: "folder-gone", hash: "#/files/nothing", shows: "There is no such folder" },
  { name: "folder-loading", hash: "#/files/movies", shows: "Still waiting", api: silent },
  { name: "folder-failing", hash: "#/files/movies", shows: "req-7f3a", api: failing },
  { name: "folder-signed-out", hash: "#/files/movies", shows: "Sign in", api: signedOut },
  { name: "files-edit", hash: "#/files/movies/edit", shows: "Storage 3" },
  { name: "files-new", hash: "#/files/-", shows: "Storage 1" },
];

it.each(STATES)("$name is sound", async ({ name, hash, shows, api = new FilesNode().answer }) => {
  await openAt({ api }, hash);
  await sees(shows);
  await expectSound(name);
});

it.each([
  { name: "files", hash: "#/files", keeps: "/mnt/archive/films" },
  { name: "folder", hash: "#/files/movies", keeps: "big-buck-bunny.mp4" },
])("$name with a lost connection keeps what it knows", async ({ name, hash, keeps }) => {
  await open(hash);
  await sees(keeps);
  await node.kill();
  await sees("Connection to this node lost");
  await expectSound(`${name}-lost`);
  expect(await page.getByText(keeps).first().isVisible()).toBe(true);
});
