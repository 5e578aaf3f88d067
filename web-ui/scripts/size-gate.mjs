// Fails when a page's first load outgrows its budget (gzip). Lazy chunks are listed, not limited.

import { readFileSync, readdirSync } from "node:fs";
import { gzipSync } from "node:zlib";

const BUDGETS = [
  { page: "index.html", bytesMax: 30_000 },
  { page: "embed.html", bytesMax: 5_000 },
];

const dist = new URL("../dist/", import.meta.url);
const gzipSize = (path) => gzipSync(readFileSync(new URL(path, dist)), { level: 9 }).length;
const kilobytes = (bytes) => `${(bytes / 1000).toFixed(1)} kB`;

/** `path` and the chunks that it cannot begin without. */
function withImports(path, found = new Set()) {
  if (found.has(path)) return found;
  found.add(path);
  const code = readFileSync(new URL(path, dist), "utf8");
  const imports = code.matchAll(
    /(?:^|[;}\s])import(?:[\w\s{},$*]+from)?\s*["']\.\/([^"']+\.js)["']/g,
  );
  for (const [, name] of imports) withImports(`assets/${name}`, found);
  return found;
}

let isOver = false;
const counted = new Set();
for (const { page, bytesMax } of BUDGETS) {
  const html = readFileSync(new URL(page, dist), "utf8");
  const named = [...html.matchAll(/assets\/[^"]+\.js/g)].map(([path]) => path);
  if (named.length === 0) throw new Error(`${page} names no script`);
  const scripts = [...new Set(named.flatMap((path) => [...withImports(path)]))];
  scripts.forEach((path) => counted.add(path));
  const bytes = scripts.reduce((sum, path) => sum + gzipSize(path), 0);
  isOver ||= bytes > bytesMax;
  const verdict = bytes > bytesMax ? "TOO LARGE" : "ok";
  console.log(`${page}: ${kilobytes(bytes)} of script, limit ${kilobytes(bytesMax)}: ${verdict}`);
}
for (const name of readdirSync(new URL("assets/", dist))) {
  const path = `assets/${name}`;
  if (!counted.has(path)) console.log(`${path}: ${kilobytes(gzipSize(path))}`);
}
process.exit(isOver ? 1 : 0);
