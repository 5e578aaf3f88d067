// What a person does with the streams: find one, add, edit, stop and delete it, watch it.

import { expect, it } from "vitest";
import { screenshot } from "./support/browser";
import { cluster, down, neverAnswered, peer, refusal, wrongKey } from "./support/clusters";
import { startLiveHls } from "./support/live_hls";
import { MediaNode, STREAMS, many, remote, stream } from "./support/media";
import { MockNode } from "./support/mock_node";
import { context, node, open, page, sees } from "./support/stage";

let media: MediaNode;

async function start(hash: string, streams = STREAMS): Promise<void> {
  media = new MediaNode(structuredClone(streams));
  await open({ api: media.answer }, hash);
}

/** Until a few more answers have come. */
const WHILE = { timeout: 15_000 };
const names = (): Promise<string[]> => page.locator(".streams tbody .name-text").allTextContents();

it("lists the cluster's streams with state, place, clients and bitrate", async () => {
  await start("#/streams");
  await sees("8 streams");
  const row = page.locator("tr", { hasText: "live/cam" });
  expect(await row.innerText()).toMatch(/Main stage\s+Running\s+north\s+12\s+2\.5 Mbit\/s/);
  await expect.poll(() => row.innerText()).toContain("rtsp://admin:***@10.0.0.9/ch1 + 2 more");
  expect(await page.locator("tr", { hasText: "north-yard" }).innerText()).toContain("No frames");
  expect(await page.locator("tr", { hasText: "north-door" }).innerText()).toContain("refused");
  expect(await page.locator("tr", { hasText: "south-film" }).innerText()).toMatch(
    /Waiting\s+can start on south\s+–/,
  );
  expect(await page.locator("tr", { hasText: "north-door" }).innerText()).toContain(
    "fails on north",
  );
  await expect.poll(() => page.title()).toBe("Streams");
});

it.each([901, 1000, 1280])("has room for all columns at %i px", async (width) => {
  media = new MediaNode(structuredClone(STREAMS));
  await open({ api: media.answer }, "#/streams", { width });
  await sees("8 streams");
  await screenshot(page, `streams-${width}`);
  const wide = (): Promise<number[]> =>
    page
      .locator(".scroll")
      .evaluateAll((boxes) => boxes.map((box) => box.scrollWidth - box.clientWidth));
  await expect.poll(wide).toEqual([0]);
});

it("has the node sort and filter, and keeps both in the address", async () => {
  await start("#/streams");
  await page.getByRole("button", { name: "Bitrate" }).click();
  await expect.poll(async () => (await names())[0]).toBe("studio/anna");
  expect(page.url()).toContain("#/streams?sort=bitrate&dir=desc");
  await page.getByRole("combobox", { name: "Runs on" }).selectOption("south");
  const souths = ["south-cam", "south-film", "east/hall-with-a-rather-long-name"];
  await expect.poll(async () => (await names()).sort()).toEqual(souths.sort());
  await page.getByRole("combobox", { name: "Status" }).selectOption("waiting");
  await expect.poll(names).toEqual(["south-film"]);
  await page.getByRole("combobox", { name: "Runs on" }).selectOption("east");
  await sees("No stream matches the filter.");
  await page.getByRole("button", { name: "Clear the filter" }).click();
  await sees("8 streams");
  await page.keyboard.press("/");
  await page.keyboard.type("main stage");
  await expect.poll(names).toEqual(["live/cam"]);
  expect(page.url()).toContain("q=main+stage");
});

it("names a node in the filter as the streams do: as its peer is configured here", async () => {
  media = new MediaNode(structuredClone(STREAMS));
  const renamed = cluster([peer("south", { hostname: "sud.example.com" })]);
  const api: typeof renamed = (path, request, body) =>
    path === "cluster/peers" ? renamed(path, request, body) : media.answer(path, request, body);
  await open({ api }, "#/streams");
  await sees("8 streams");
  const nodes = page.getByRole("combobox", { name: "Runs on" }).getByRole("option");
  await expect.poll(() => nodes.allTextContents()).toEqual(["All nodes", "north", "south"]);
});

it("says whose streams the list lacks, and nothing while all answer", async () => {
  await start("#/streams");
  await sees("8 streams");
  const absent = page.getByRole("group", { name: "not in the list" });
  expect(await absent.count()).toBe(0);
  const dead = [
    down("east"),
    wrongKey("node3"),
    neverAnswered("node4"),
    peer("node5", { state: "draining" }),
  ];
  const broken = cluster([peer("south"), peer("late", { state: "late", age: 2400 }), ...dead]);
  node.api = (path, request, body) =>
    path === "cluster/peers" ? broken(path, request, body) : media.answer(path, request, body);
  await absent.getByText("The streams of 4 nodes are not in the list").waitFor();
  const rows = await absent.getByRole("listitem").allInnerTexts();
  expect(rows.map((row) => row.replace(/\s+/g, " "))).toEqual([
    expect.stringMatching(/^east Down connection refused last seen \d+s ago$/),
    "node3 Key refused 401 wrong key",
    "node4 Connecting",
    "node5 Draining",
  ]);
  await screenshot(page, "streams-absent");
  await absent.getByRole("link", { name: "east" }).click();
  await page.locator("h1", { hasText: "Peer east" }).waitFor();
});

it("names a few of many nodes that do not answer, and leads to the others", async () => {
  const dead = Array.from({ length: 7 }, (_, index) => down(`edge${index}`));
  await open({ api: new MediaNode([], [], dead).answer }, "#/streams");
  await sees("The streams of 7 nodes are not in the list");
  expect(await page.getByText("last seen").count()).toBe(5);
  await page.getByRole("link", { name: "and 2 more" }).click();
  await page.locator("h1", { hasText: "Cluster overview" }).waitFor();
});

it("opens a linked view", async () => {
  await start("#/streams?state=silent&sort=clients");
  await expect.poll(names).toEqual(["north-yard"]);
  expect(await page.locator("th[aria-sort]").innerText()).toContain("Clients");
});

it("goes back to the start where its place in the list is no more", async () => {
  await start("#/streams?cursor=stale", many(150));
  await sees("100 of 150 streams");
  expect(page.url()).not.toContain("cursor");
});

it("shows a hostile title, name, input and error as the text they are", async () => {
  const evil = "<script>document.title='x'</script>";
  const image = "<img src=x onerror=alert(1)>";
  await start("#/streams", [
    stream("cam", { title: evil, inputs: [{ url: image }] }, { source_error: image }),
    remote(`a"><b>/../${evil}`),
  ]);
  await sees(evil);
  await page.locator("a", { hasText: 'a"><b>' }).click();
  await page.locator("h1", { hasText: evil }).waitFor();
  await page.goBack();
  await page.getByRole("link", { name: "cam", exact: true }).click();
  await sees("Inputs");
  expect(await page.locator(".subtitle").innerText()).toBe(evil);
  expect(await page.locator("main script, main img").count()).toBe(0);
});

it("says of each input how it fares, and why it failed", async () => {
  await start("#/streams/live%2Fcam");
  const inputs = page.getByRole("table", { name: "Inputs" });
  const row = (url: string): Promise<string> => inputs.locator("tr", { hasText: url }).innerText();
  await sees("Inputs");
  expect(await row("10.0.0.9")).toMatch(/Failed\s+rtsp:.*connection refused[^]*1,204/);
  expect(await row("fallback")).toMatch(/On air[^]*2.5 Mbit/);
  expect(await row("publish")).toMatch(/Standby\s+Last error: no frame for 10 s[^]*3/);
  expect(await inputs.locator(".badge svg").count()).toBe(3);
});

it("plays a stream of a peer that came after the page", async () => {
  const live = await startLiveHls();
  const holder = await MockNode.start({ media: live.folder });
  await start("#/streams", [remote("live/cam", { running_on: ["newcomer"] })]);
  node.reachable = [holder.base]; // The policy of the console came before, with the page.
  node.redirectTo = holder.base;
  await page.getByRole("link", { name: "live/cam" }).click();
  const player = page.frameLocator("iframe.player");
  await player.getByRole("button", { name: "Play" }).click();
  const frames = (): Promise<number> =>
    player
      .locator("video")
      .evaluate((video) => (video as HTMLVideoElement).getVideoPlaybackQuality().totalVideoFrames);
  await expect.poll(frames, { timeout: 20_000 }).toBeGreaterThan(25);
  await sees("A stream of newcomer");
  expect(await page.getByRole("link", { name: "Edit" }).count()).toBe(0);
  await screenshot(page, "stream-playing-remote");
  await holder.kill();
  live.stop();
});

it("is loaded anew when peers have come since, and only then", async () => {
  await start("#/");
  const isMarked = (): Promise<boolean> => page.evaluate(() => "mark" in globalThis);
  const visit = async (): Promise<void> => {
    await page.evaluate(() => Object.assign(globalThis, { mark: true }));
    await page.getByRole("link", { name: "Streams" }).click();
    await sees("8 streams");
  };
  await visit();
  expect(await isMarked()).toBe(true);
  await page.getByRole("link", { name: "Overview" }).click();
  const { streams, sessions } = media;
  node.api = new MediaNode(
    streams,
    sessions,
    ["south", "east", "west"].map((name) => peer(name)),
  ).answer;
  await page.locator("tr", { hasText: "west" }).waitFor();
  await visit();
  expect(await isMarked()).toBe(false);
});

const copies = (label: string) => page.locator(".addresses > div", { hasText: label });

it("has the stream's addresses copied", async () => {
  await start("#/streams/live%2Fcam");
  await context.grantPermissions(["clipboard-read", "clipboard-write"], { origin: node.base });
  await page.getByRole("button", { name: "Copy RTSP" }).click();
  await page.getByRole("button", { name: "Copied RTSP" }).waitFor();
  const copied = (): Promise<string> => page.evaluate(() => navigator.clipboard.readText());
  expect(await copied()).toBe("rtsp://127.0.0.1:8554/live/cam");
  await page.getByRole("button", { name: "Copy HLS" }).click();
  await expect.poll(copied).toBe(`${node.base}/live/cam/index.m3u8`);
  await context.clearPermissions();
});

it("selects an address where the browser lets no page copy", async () => {
  await start("#/streams");
  await page.addInitScript(() =>
    Object.defineProperty(navigator, "clipboard", { value: undefined }),
  );
  media.listeners = {};
  await page.goto(`${node.url}#/streams/south-cam`);
  await page.reload();
  await page.getByRole("button", { name: "Copy HTTP-FLV" }).click();
  await page.getByRole("button", { name: "Press Ctrl+C HTTP-FLV" }).waitFor();
  const selected = await page.evaluate(() => getSelection()?.toString());
  expect(selected).toBe(`${node.base}/south-cam/live.flv`);
  expect(await copies("RTSP").or(copies("RTMP")).count()).toBe(0);
});

it("asks before it stops or deletes, and says what is lost", async () => {
  await start("#/streams/live%2Fcam");
  await page.getByRole("button", { name: "Stop" }).click();
  await sees("starts anew at once");
  await screenshot(page, "stream-stop");
  await page.keyboard.press("Escape");
  expect(media.log).toEqual([]);
  await page.getByRole("button", { name: "Stop" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Stop" }).click();
  await expect.poll(() => media.log).toEqual(["POST streams/live/cam/stop"]);
  await page.getByRole("dialog").waitFor({ state: "detached" });
  media.nextRefusal = refusal(403, "config_read_only", "the config file is read-only");
  await page.getByRole("button", { name: "Delete" }).click();
  await sees("Clients now: 12.");
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("button", { name: "Delete" }).click();
  await sees("the config file is read-only");
  await dialog.getByRole("button", { name: "Delete" }).click();
  await sees("7 streams");
  expect(media.log.at(-1)).toBe("DELETE streams/live/cam");
});

it("adds a stream, with the node's refusals at their fields", async () => {
  await start("#/streams");
  await page.getByRole("link", { name: "Add a stream" }).click();
  await page.getByLabel("Name").fill("live/cam");
  await page.getByLabel("Input 1", { exact: true }).fill("file:///etc/passwd");
  await page.getByRole("button", { name: "Save" }).click();
  await sees("There is a stream of this name already.");
  expect(await page.getByLabel("Name").getAttribute("aria-invalid")).toBe("true");
  await page.getByLabel("Name").fill("live/new");
  media.nextRefusal = {
    status: 403,
    body: {
      error: "forbidden",
      errors: [
        {
          status: "403",
          code: "file_not_allowed",
          title: "files may be read only below the config's folder",
          source: { pointer: "/inputs/0/url" },
        },
      ],
    },
  };
  await page.getByRole("button", { name: "Save" }).click();
  await sees("files may be read only");
  await screenshot(page, "stream-refused");
  await page
    .getByRole("group", { name: "Not saved" })
    .getByRole("link", { name: "Input 1" })
    .click();
  await expect.poll(() => page.evaluate(() => document.activeElement?.id)).toBe("inputs-0-url");
  await page.getByLabel("Input 1", { exact: true }).fill("publish://");
  await page.getByLabel("Input 2", { exact: true }).fill("file://fallback.mp4");
  await page.getByLabel("Priority of input 2").fill("2");
  await page.getByLabel("Captured").selectOption("ondemand");
  await page.getByRole("button", { name: "Save" }).click();
  await page.locator("h1", { hasText: "live/new" }).waitFor();
  expect(JSON.parse(media.log.at(-1)?.split(" ").slice(2).join(" ") ?? "")).toEqual({
    inputs: [{ url: "publish://" }, { url: "file://fallback.mp4", priority: 2 }],
    static: false,
  });
});

it("edits only what was changed, and shows both sides when somebody else was faster", async () => {
  await start("#/streams/live%2Fcam");
  await page.getByRole("link", { name: "Edit" }).click();
  await page.getByLabel("Title").fill("My stage");
  await page.getByLabel("Most clients").fill("many");
  const cam = media.streams.find(({ name }) => name === "live/cam") ?? {};
  cam["title"] = "Their stage";
  media.version += 1;
  await page.getByRole("button", { name: "Save" }).click();
  await sees("Somebody else has changed this meanwhile");
  expect(await page.locator(".conflict").innerText()).toMatch(/My stage[\s\S]*Their stage/);
  await screenshot(page, "stream-conflict");
  media.nextRefusal = {
    status: 400,
    body: {
      error: "bad_request",
      errors: [
        { code: "wrong_type", title: "expected a count", source: { pointer: "/max_sessions" } },
      ],
    },
  };
  await page.getByRole("button", { name: "Save yours over it" }).click();
  await sees("expected a count");
  await page.getByLabel("Most clients").fill("40");
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await page.locator(".subtitle", { hasText: "My stage" }).waitFor();
  expect(media.log.at(-1)).toBe('PUT streams/live/cam {"title":"My stage","max_sessions":40}');
});

it("keeps what was typed while the session is over", async () => {
  await start("#/streams/live%2Fcam/edit");
  await page.getByLabel("Title").fill("Half typed");
  node.api = () => refusal(401, "unauthorized", "who are you");
  await page.getByRole("button", { name: "Sign in" }).waitFor();
  node.api = media.answer;
  await page.getByLabel("User").fill("admin");
  await page.getByLabel("Password").last().fill("secret");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByLabel("Title").waitFor();
  expect(await page.getByLabel("Title").inputValue()).toBe("Half typed");
});

it("keeps what it showed of a stream that is gone, and goes on when that is back", async () => {
  await start("#/streams/south-cam");
  await sees("4.1 Mbit/s");
  const all = media.streams;
  const gone = page.getByText("south, where it ran, does not answer or has it no more.");
  media.streams = [];
  await gone.waitFor();
  media.loss = "south, which had it, was lost 4 s ago";
  await sees(media.loss);
  await screenshot(page, "stream-lost");
  expect(await page.locator("iframe.player").count()).toBe(1);
  await sees("4.1 Mbit/s");
  media.streams = all;
  await page.getByText(media.loss).waitFor({ state: "detached" });
});

it("says of a stream that it never saw that there is none", async () => {
  await start("#/streams/live%2Fcam", []);
  await sees("There is no such stream.");
  expect(await page.locator("iframe").count()).toBe(0);
});

it("says with which node a stream went that it never saw", async () => {
  media = new MediaNode([]);
  media.loss = "south, which had it, is draining";
  await open({ api: media.answer }, "#/streams/live%2Fcam");
  await sees(media.loss);
  await screenshot(page, "stream-lost-unseen");
  media.loss = "";
  await sees("There is no such stream.");
});

it("shows what a peer tells of its stream: its title, and since when it runs", async () => {
  const hour = { lifetime: 3_600_000, opened_at: Date.now() - 3_600_000 };
  await start("#/streams", [{ ...remote("south-cam", hour), title: "Yard" }]);
  await sees("Yard");
  const row = page.locator("tr", { hasText: "south-cam" });
  await expect.poll(() => row.innerText()).toMatch(/1h/);
  await page.getByRole("link", { name: "south-cam" }).click();
  await expect.poll(() => page.locator(".subtitle").innerText()).toBe("Yard");
  expect((await page.locator(".facts dl > div").allInnerTexts()).join()).toContain("Running for");
});

it("draws bitrate, output and clients while it is open, and says them in figures", async () => {
  await start("#/streams/live%2Fcam");
  const rows = page.locator(".chart tbody tr");
  await expect.poll(() => page.locator(".chart canvas").count()).toBe(3);
  const now = "2.5 Mbit/s";
  expect((await rows.first().innerText()).trim().split(/\s*\t\s*/)).toEqual([
    "Bitrate",
    now,
    now,
    now,
  ]);
  const cam = media.streams.find(({ name }) => name === "live/cam") ?? {};
  cam["stats"] = { ...(cam["stats"] as object), bitrate: 940, online_clients: 40 };
  await expect.poll(() => rows.first().innerText(), WHILE).toMatch(/940 kbit\/s\s+940.*2\.5 M/);
  expect(await rows.last().innerText()).toMatch(/Clients\s+40\s+12\s+40/);
  cam["stats"] = { ...(cam["stats"] as object), alive: false };
  await expect.poll(() => rows.first().innerText(), WHILE).toMatch(/–\s+940.*2\.5 M/);
});

it("counts nodes that relay a stream apart from its clients, where that is known", async () => {
  await start("#/streams/live%2Fcam");
  const facts = page.locator(".facts dl > div");
  await expect.poll(() => facts.allInnerTexts()).toContain("Relaying nodes\n2");
  expect(await facts.allInnerTexts()).toContain("Clients now\n12");
  await page.goto(`${node.url}#/streams/south-cam`);
  await sees("Its inputs are known to its own node");
  expect((await facts.allInnerTexts()).join()).not.toContain("Relaying");
});

it("draws of a peer's stream what is known of it", async () => {
  await start("#/streams/south-cam");
  const captions = page.locator(".chart figcaption");
  await expect.poll(() => captions.allInnerTexts()).toEqual(["Bitrate", "Clients"]);
  await page.goto(`${node.url}#/streams/south-film`);
  await sees("A stream of south: it is edited");
  await expect.poll(() => captions.allInnerTexts()).toEqual(["Bitrate"]);
  expect(await page.locator(".chart tbody td").allInnerTexts()).toEqual(["–", "–", "–"]);
});
