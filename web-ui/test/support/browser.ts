// Starts the installed Chromium, opens pages, and judges them by axe-core.

import { mkdirSync, mkdtempSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium, type BrowserContext, type Page } from "playwright-core";

const EXECUTABLE = process.env["CHROMIUM"] ?? "/usr/bin/chromium";
/** Set to a folder to keep a picture of each state. */
const SCREENSHOTS = process.env["SCREENSHOTS"];

const ARGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--autoplay-policy=no-user-gesture-required",
];

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const AXE_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

export function launchBrowser(): Promise<BrowserContext> {
  const profile = mkdtempSync(join(tmpdir(), "watershed-chromium-"));
  return chromium.launchPersistentContext(profile, {
    executablePath: EXECUTABLE,
    chromiumSandbox: false,
    headless: true,
    args: ARGS,
    viewport: { width: 1280, height: 800 },
  });
}

export interface Watched {
  page: Page;
  /** Uncaught errors and refusals by the content security policy. */
  faults: string[];
}

export interface Look {
  width?: number;
  scheme?: "light" | "dark";
}

/** What every page is looked at in. */
export const LOOKS: (Required<Look> & { name: string })[] = [
  { name: "light", width: 1280, scheme: "light" },
  { name: "dark", width: 1280, scheme: "dark" },
  { name: "narrow", width: 360, scheme: "light" },
  { name: "narrow-dark", width: 360, scheme: "dark" },
];

export async function openPage(
  context: BrowserContext,
  url: string,
  { width = 1280, scheme = "light" }: Look = {},
): Promise<Watched> {
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  const faults: string[] = [];
  page.on("pageerror", (error) => faults.push(String(error)));
  page.on("console", (message) => {
    if (/Content Security Policy|Uncaught/.test(message.text())) faults.push(message.text());
  });
  await page.setViewportSize({ width, height: 800 });
  await page.emulateMedia({ colorScheme: scheme });
  await page.goto(url);
  return { page, faults };
}

/** The rules that the page breaks, each with the elements; empty is good. */
export async function axeViolations(page: Page): Promise<string[]> {
  await page.evaluate(AXE); // By the debugger: the content security policy stays in force.
  return page.evaluate(async (tags) => {
    const axe = (globalThis as unknown as { axe: typeof import("axe-core") }).axe;
    const { violations } = await axe.run(document, { runOnly: tags });
    return violations.map(
      ({ id, nodes }) =>
        `${id}: ${nodes.map((node) => `${node.html} ${node.failureSummary}`).join(" | ")}`,
    );
  }, AXE_TAGS);
}

export async function screenshot(page: Page, name: string): Promise<void> {
  if (!SCREENSHOTS) return;
  mkdirSync(SCREENSHOTS, { recursive: true });
  await page.screenshot({ path: join(SCREENSHOTS, `${name}.png`), fullPage: true });
}

/** Does the page scroll sideways? It must not, at any width. */
export function overflowsSideways(page: Page): Promise<boolean> {
  return page.evaluate(
    () => document.documentElement.scrollWidth > document.documentElement.clientWidth,
  );
}
