// A person at the console of a node, in headless Chromium: each line of JSON on the standard input
// is one thing to do, each line of JSON on the standard output what came of it, with all that pages
// have complained of meanwhile: uncaught errors, and errors on the browser's console, among them
// refusals by a content security policy and answers of 400 and above.
//
//   {"do":"press","what":"Save"} ─▶ {"ms":1200,"asked":{…},"answer":null,"faults":[]}
//                                or {"ms":21200,"asked":{…},"failed":"…","sight":"…","faults":[]}
//
// `within` is a selector of the part of the page that is meant. Ends when its standard input does.
import { createServer } from "node:http";
import { createInterface } from "node:readline";
import { launch } from "./chromium.mjs";

const TIMEOUT_MS = 20_000;
const PLAYER = "iframe";

const browser = await launch();
const context = await browser.newContext({
  viewport: { width: 1280, height: 900 },
  ignoreHTTPSErrors: true,
});
context.setDefaultTimeout(TIMEOUT_MS);

const tabs = [];
let page;
let faults = [];

async function open(url) {
  page = await context.newPage();
  tabs.push(page);
  page.on("pageerror", (error) => faults.push(String(error)));
  page.on("console", (message) => {
    if (message.type() === "error") faults.push(`${message.text()} (${message.location().url})`);
  });
  await page.goto(url);
}

/** A page of another origin that shows `url` in a frame. */
async function openFraming(url) {
  const server = createServer((_, answer) => {
    answer.setHeader("Content-Type", "text/html");
    answer.end(`<!doctype html><link rel="icon" href="data:,"><iframe src="${url}"></iframe>`);
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  return open(`http://127.0.0.1:${server.address().port}/`);
}

const part = ({ within }) => (within ? page.locator(within) : page);
const named = (role, asked) => part(asked).getByRole(role, { name: asked.what, exact: true });
const field = ({ what }) => page.getByLabel(what, { exact: true });
const seen = (asked) => part(asked).getByText(asked.what).filter({ visible: true }).first();
const player = () => page.frameLocator(PLAYER);

const deeds = {
  open: ({ url }) => open(url),
  openFraming: ({ url }) => openFraming(url),
  look: ({ tab }) => (page = tabs[tab]).bringToFront(),
  reload: async () => void (await page.reload()),
  follow: (asked) => named("link", asked).click(),
  press: (asked) => named("button", asked).click(),
  fill: (asked) => field(asked).fill(asked.text),
  choose: async (asked) => void (await field(asked).selectOption(asked.text)),
  read: (asked) => field(asked).inputValue(),
  sees: (asked) => seen(asked).waitFor(),
  lacks: (asked) => seen(asked).waitFor({ state: "hidden" }),
  text: (asked) => part(asked).innerText(),
  address: () => page.url(),
  frame: () => page.frames()[1]?.url() ?? null,
  play: () => player().getByRole("button", { name: "Play" }).click(),
  seesInPlayer: ({ what }) => player().getByText(what).waitFor(),
  video: () =>
    player()
      .locator("video")
      .evaluate((video) => ({
        time: video.currentTime,
        frames: video.getVideoPlaybackQuality().totalVideoFrames,
      })),
};

async function result(asked) {
  try {
    return { answer: (await deeds[asked.do](asked)) ?? null };
  } catch (error) {
    const sight = await page?.locator("body").innerText({ timeout: 1000 }).catch(String);
    return { failed: error.message, sight };
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const asked = JSON.parse(line);
  const came = await result(asked);
  console.log(JSON.stringify({ ms: Math.round(performance.now()), asked, ...came, faults }));
  faults = [];
}
await browser.close();
process.exit(0);
