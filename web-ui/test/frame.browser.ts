// What a person prefers, and the keys that work on every page.

import { expect, it } from "vitest";
import { HEALTHY, always, cluster } from "./support/clusters";
import { open, openTab, page } from "./support/stage";

const heading = (name: string): Promise<void> =>
  page.getByRole("heading", { name, exact: true }).waitFor();
const filter = () => page.getByLabel("Filter");
const hasFocus = (): Promise<boolean> => filter().evaluate((one) => one === document.activeElement);
const dialog = () => page.getByRole("dialog");

async function start(): Promise<void> {
  await open({ api: cluster(HEALTHY) });
  await page.getByText("all up").waitFor();
}

it("goes by keys to the filter and back, to pages, and to the list of keys", async () => {
  await start();
  await page.keyboard.press("/");
  expect(await hasFocus()).toBe(true);
  await page.keyboard.type("g so?/"); // Typed, not obeyed.
  expect(await filter().inputValue()).toBe("g so?/");
  await page.keyboard.press("Escape");
  await expect.poll(() => filter().inputValue()).toBe("");
  expect(await hasFocus()).toBe(false);
  await page.keyboard.press("g");
  await page.keyboard.press("s");
  await heading("Cluster settings");
  await page.keyboard.press("g");
  await page.keyboard.press("o");
  await heading("Cluster overview");
  await page.keyboard.press("?");
  await dialog().waitFor();
  await page.keyboard.press("g"); // Not behind a dialog.
  await page.keyboard.press("s");
  await page.keyboard.press("Escape");
  await dialog().waitFor({ state: "hidden" });
  expect(page.url()).not.toContain("settings");
});

it("obeys no key with a modifier, nor a second one on its own", async () => {
  await start();
  for (const key of ["Control+/", "Alt+/", "Meta+/", "s"]) await page.keyboard.press(key);
  expect(await hasFocus()).toBe(false);
  expect(page.url()).not.toContain("settings");
});

it("obeys no single key once they are switched off, also after a reload", async () => {
  await start();
  await page.keyboard.press("?");
  await page.getByLabel("Single-key shortcuts on").uncheck();
  await page.keyboard.press("Escape");
  const pressAll = async (): Promise<void> => {
    for (const key of ["/", "?", "p", "g", "s"]) await page.keyboard.press(key);
    expect(await hasFocus()).toBe(false);
    expect(await dialog().count()).toBe(0);
    expect(await page.getByRole("button", { name: "Pause", pressed: true }).count()).toBe(0);
    expect(page.url()).not.toContain("settings");
  };
  await pressAll();
  await page.reload();
  await page.getByText("all up").waitFor();
  await pressAll();
  await page.getByRole("button", { name: /^Keys/ }).click();
  await page.getByLabel("Single-key shortcuts on").check();
  await page.keyboard.press("Escape");
  await page.keyboard.press("/");
  expect(await hasFocus()).toBe(true);
});

it("shows the colours that were chosen over the system's, also after a reload", async () => {
  await start();
  const ground = (): Promise<string> =>
    page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const choose = (from: string): Promise<void> =>
    page.getByRole("button", { name: `Theme: ${from}` }).click();
  await page.emulateMedia({ colorScheme: "light" });
  const light = await ground();
  await page.emulateMedia({ colorScheme: "dark" });
  const dark = await ground();
  expect(dark).not.toBe(light);
  await choose("system");
  expect(await ground()).toBe(light);
  await page.reload();
  await page.getByText("all up").waitFor();
  expect(await ground()).toBe(light);
  await choose("light");
  await page.emulateMedia({ colorScheme: "light" });
  expect(await ground()).toBe(dark);
  await openTab(page.url(), { scheme: "light" });
  await page.getByText("all up").waitFor();
  expect(await ground()).toBe(dark);
  await choose("dark");
  expect(await ground()).toBe(light);
});

it("moves nothing where the system asks for that", async () => {
  await open({ api: always({ never: true }) });
  const skeleton = page.locator(".skeleton span").first();
  await skeleton.waitFor();
  const moving = (): Promise<number> =>
    page.evaluate(
      () => document.getAnimations().filter((one) => one.playState === "running").length,
    );
  await page.emulateMedia({ reducedMotion: "no-preference" });
  expect(await moving()).toBeGreaterThan(0);
  await page.emulateMedia({ reducedMotion: "reduce" });
  expect(await moving()).toBe(0);
  expect(await skeleton.isVisible()).toBe(true);
});
