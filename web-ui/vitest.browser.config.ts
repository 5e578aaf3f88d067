// Runs the browser tests: the built pages in a real headless Chromium, against scripted servers.

import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.browser.ts"],
    environment: "node",
    // Each file has a browser of its own; most of a test is waiting for it.
    maxWorkers: 2,
    // How fast the machine is decides nothing.
    expect: { poll: { timeout: 20_000 } },
    testTimeout: 90_000,
    hookTimeout: 60_000,
  },
});
