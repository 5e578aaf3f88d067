// Starts Debian's Chromium without a window, by the packages of the web UI.
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

const packages = fileURLToPath(new URL("../../web-ui/package.json", import.meta.url));
const { chromium } = createRequire(packages)("playwright-core");

export const launch = () =>
  chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    chromiumSandbox: false,
    args: ["--autoplay-policy=no-user-gesture-required", "--mute-audio", "--disable-gpu"],
  });
