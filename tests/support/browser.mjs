// Opens a page in headless Chromium and prints, four times a second, what its <video> does, one JSON
// object a line: {ms, currentTime, frames, errors}. A second argument is a place in seconds that the
// video is sent to once it has played a second. Ends when its standard input does.
import { launch } from "./chromium.mjs";

const [url, place] = process.argv.slice(2);
const browser = await launch();
process.stdin.resume();
process.stdin.on("end", () => void browser.close().finally(() => process.exit(0)));

const page = await browser.newPage();
const errors = [];
page.on("pageerror", (error) => errors.push(String(error)));
await page.goto(url, { waitUntil: "domcontentloaded" });
const opened = Date.now();
let isSent = place === undefined;
setInterval(async () => {
  const seen = await page.evaluate(() => {
    const video = document.querySelector("video");
    const frames = video?.getVideoPlaybackQuality().totalVideoFrames ?? 0;
    return { currentTime: video?.currentTime ?? -1, frames, address: location.href };
  });
  if (!isSent && seen.currentTime > 1) {
    isSent = true;
    await page.evaluate((at) => (document.querySelector("video").currentTime = at), Number(place));
  }
  console.log(JSON.stringify({ ms: Date.now() - opened, errors, ...seen }));
}, 250);
