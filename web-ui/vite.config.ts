// Builds the two pages of the web UI: `index.html` (the console) and `embed.html` (the player).
//
// The console refers to its assets relatively, so that it works under a sub-path. The player
// page is served at `/NAME/embed.html`, where NAME may hold slashes: it names `/assets/…`, which
// the node replaces by the way from there.

import { defineConfig } from "vitest/config";

export default defineConfig({
  base: "./",
  build: {
    target: "es2022",
    // The strict content security policy allows no `data:` but for images, and no inline script.
    assetsInlineLimit: 0,
    modulePreload: false,
    // What the About page shows: each bundled library with its licence.
    license: { fileName: "assets/licences.json" },
    // The lazy HLS player is the one large chunk; `scripts/size-gate.mjs` guards the others.
    chunkSizeWarningLimit: 400,
    rollupOptions: {
      input: { index: "index.html", embed: "embed.html" },
      // One script for what the console begins with, however many lazy pages share parts of it.
      output: {
        codeSplitting: {
          groups: [
            { name: "preload", test: /preload-helper/, priority: 1 },
            { name: "console", test: /\/src\/main\.tsx$/ },
          ],
        },
      },
    },
  },
  experimental: {
    renderBuiltUrl: (filename, { hostId, hostType }) =>
      hostType === "html" && hostId.endsWith("embed.html") ? `/${filename}` : { relative: true },
  },
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  test: { include: ["src/**/*.test.ts"], environment: "node" },
});
