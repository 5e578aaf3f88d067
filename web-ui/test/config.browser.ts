// What a person does with the page of the config file: apply a broken and a good one, meet somebody
// who edits the same file, and leave it.

import { expect, it } from "vitest";
import { refusal } from "./support/clusters";
import { CONFIG, ConfigApi, changedOnDisk, readOnly } from "./support/config_api";
import type { Script } from "./support/mock_node";
import { open as openAt, page, sees } from "./support/stage";

const BROKEN = CONFIG.replace("peer south", "pear south");
const GOOD = CONFIG.replace("http 8081;", "http 8082;");

const open = (api: Script): Promise<void> => openAt({ api }, "#/config");

const editor = () => page.getByLabel("Text of the config file");
const apply = (): Promise<void> => page.getByRole("button", { name: "Check and apply" }).click();
const hasFocus = (selector: string): Promise<boolean> =>
  page.locator(selector).evaluate((element) => element === document.activeElement);
/** What is selected in the editor. */
const selected = (): Promise<string> =>
  editor().evaluate((area: HTMLTextAreaElement) =>
    area.value.slice(area.selectionStart, area.selectionEnd),
  );

it("checks before it applies, and shows errors at their lines", async () => {
  const config = new ConfigApi();
  await open(config.api);
  expect(await editor().inputValue()).toBe(CONFIG);
  await editor().fill(`bogus;\n${BROKEN}`);
  await sees("Changed: 2 lines added, 1 removed.");
  await apply();
  await sees("Not applied");
  expect(await hasFocus(".summary")).toBe(true);
  expect(await page.locator(".summary li").allTextContents()).toEqual([
    "Line 1, column 1: unknown word `bogus`; did you mean `peer`?",
    "Line 8, column 1: unknown word `pear`; did you mean `peer`?",
  ]);
  expect(await page.locator(".line-mark .message").allTextContents()).toEqual([
    "unknown word `bogus`; did you mean `peer`?",
    "unknown word `pear`; did you mean `peer`?",
  ]);
  expect(await editor().getAttribute("aria-invalid")).toBe("true");
  await page.getByRole("link", { name: "Line 8" }).click();
  await expect.poll(() => hasFocus("#config-text")).toBe(true);
  expect(await selected()).toBe("pear");
  const [mark, line] = await Promise.all([
    page.locator(".symbol-mark").nth(1).boundingBox(),
    page.locator(".word-mark").nth(1).boundingBox(),
  ]);
  expect(Math.abs((mark?.y ?? 0) - (line?.y ?? 99))).toBeLessThan(2);
  expect(config.writes.map(([method]) => method)).toEqual(["POST"]);

  await editor().fill(BROKEN);
  await page.getByRole("link", { name: "Line 7, column 1" }).waitFor();
  await sees("Line 1, column 1 (changed since)");
  await editor().fill(GOOD);
  await apply();
  await sees("Applied and written to the file: 1 line added, 1 removed.");
  expect(await page.locator(".summary").count()).toBe(0);
  expect(config.writes.slice(1)).toEqual([
    ["POST", GOOD, undefined],
    ["PUT", GOOD, '"config-0"'],
  ]);
  await apply();
  await sees("There is nothing to apply.");
  expect(config.text).toBe(GOOD);
});

it("sets what may follow from an unclosed quote apart from it", async () => {
  await open(new ConfigApi().api);
  await editor().fill(`bogus;\n${CONFIG.replace("Main stage", 'Main "stage')}`);
  await apply();
  await sees("May follow from the quote that is never closed:");
  expect(await page.locator(".summary ul").allInnerTexts()).toEqual([
    "Line 1, column 1: unknown word `bogus`; did you mean `peer`?\n" +
      'Line 13, column 70: the quote is never closed; a `"` on the same line',
    "Line 13, column 74: `;` is missing; `;`",
  ]);
  const onTop = page.locator(".line-mark .message").last();
  expect(await onTop.textContent()).toContain("the quote is never closed");
});

it("checks by Ctrl+S, says so, and changes nothing", async () => {
  const config = new ConfigApi();
  config.isKeyWeak = true;
  await open(config.api);
  await editor().fill(GOOD);
  await page.keyboard.press("Control+s");
  await sees("Valid. Nothing is applied yet.");
  await page.locator(".summary").getByText("1 warning").waitFor();
  await page.getByRole("link", { name: "Line 4, column 1" }).waitFor();
  expect(await hasFocus("#config-text")).toBe(true);
  expect(config.text).toBe(CONFIG);
  expect(config.writes).toEqual([["POST", GOOD, undefined]]);
});

it("shows at once what deserves a look in what is in force, but to who may only read", async () => {
  const config = new ConfigApi();
  config.isKeyWeak = true;
  await open(config.api);
  await page.locator(".summary").getByText("1 warning").waitFor();
  await page.getByRole("link", { name: "Line 4, column 1" }).waitFor();
  expect(await hasFocus(".summary")).toBe(false);
  await editor().fill(`# typed meanwhile\n${CONFIG}`);
  await page.getByRole("link", { name: "Line 5, column 1" }).waitFor();

  config.mayWrite = false;
  await open(config.api);
  await editor().waitFor();
  expect(await page.locator(".summary").count()).toBe(0);
});

it("says as one what is in force and what waits for the next start", async () => {
  const config = new ConfigApi();
  config.listensAsStarted = true;
  await open(config.api);
  await editor().fill(GOOD);
  await page.keyboard.press("Control+s");
  await sees("Valid. Nothing is applied yet.");
  const told = async (): Promise<string> =>
    (await page.locator(".summary").innerText()).replace(/\s+/g, " ");
  const waiting = "Line 2, column 1: the change of `http` waits";
  expect(await told()).toBe(`⚠ Takes effect at the next start of this node ${waiting}`);
  await apply();
  await sees("1 line added, 1 removed. In force, but for what takes effect at the next start.");
  expect(await page.getByText("Applied").count()).toBe(0);
  expect(await told()).toBe(`⚠ Takes effect at the next start of this node ${waiting}`);
  config.isKeyWeak = true;
  await page.keyboard.press("Control+s");
  await page.locator(".summary").getByText("1 warning").waitFor();
  expect(await told()).toContain(
    `the cluster key is the example \`abcd\`; a secret of 16 characters or more ` +
      `Takes effect at the next start of this node: ${waiting}`,
  );
});

it("lists the first hundred errors and counts the others", async () => {
  await open(new ConfigApi().api);
  await editor().fill("bogus;\n".repeat(130));
  await apply();
  await sees("and 30 more");
  expect(await page.locator(".summary a").count()).toBe(100);
  expect(await page.locator(".line-mark").count()).toBe(100);
});

it("hides a secret that was typed as soon as it is applied", async () => {
  await open(new ConfigApi().api);
  await editor().fill(CONFIG.replace("cluster_key ***", "cluster_key a-secret-canary"));
  await apply();
  await sees("Applied and written");
  expect(await editor().inputValue()).toBe(CONFIG);
  await page.getByText("The same as a command").click();
  const commands = await page.locator(".curl pre").textContent();
  expect(commands).toContain("'Content-Type: text/plain' --data-binary @watershed.conf");
  expect(commands).toContain(`If-Match: "config-1"`);
  expect(await page.content()).not.toContain("a-secret-canary");
});

it("keeps the file's line ends", async () => {
  const config = new ConfigApi("http 8081;\r\nrtsp 8554;\r\n");
  await open(config.api);
  await editor().fill("http 8082;\nrtsp 8554;\n");
  await apply();
  await sees("Applied and written to the file: 1 line added, 1 removed.");
  expect(config.text).toBe("http 8082;\r\nrtsp 8554;\r\n");
});

it("tells what is included, and errors there from those here", async () => {
  const config = new ConfigApi(`${CONFIG}include conf.d/*.conf;\n`);
  config.isIncludeBroken = true;
  await open(config.api);
  await sees("which are in force and not shown here: conf.d/*.conf");
  await editor().fill(`bogus;\n${config.text}`);
  await apply();
  await sees("/etc/watershed/conf.d/b.conf, line 2, column 9:");
  expect(await page.locator(".summary a").allTextContents()).toEqual(["Line 1, column 1:"]);
  expect(await page.locator(".line-mark").count()).toBe(1);
});

/** Types a change while somebody else makes others. */
async function collide(config: ConfigApi): Promise<void> {
  await open(config.api);
  await editor().fill(GOOD.replace("Main stage", "Mine"));
  config.change(CONFIG.replace("Main stage", "Theirs").replace("hostname north", "hostname n"));
  await apply();
  await sees("Somebody else has changed this meanwhile");
  expect(await hasFocus(".conflict")).toBe(true);
  const shown = await page.locator(".conflict dl > div").allTextContents();
  const cam = 'stream cam1 { input rtsp://admin:***@10.0.0.9/ch1; title "';
  expect(shown).toEqual([
    "Line 1Yours: not changedTheirs: hostname n;",
    "Line 2Yours: http 8082;  rtsp 8554;  rtmp 1935;Theirs: not changed",
    `Line 12Yours: ${cam}Mine"; }Theirs: ${cam}Theirs"; }`,
  ]);
}

it("saves mine over theirs, and keeps of theirs what I left alone", async () => {
  const config = new ConfigApi();
  await collide(config);
  expect(await editor().inputValue()).toContain("Mine");
  await page.getByRole("button", { name: "Save yours over it" }).click();
  await sees("Applied and written");
  const wanted = GOOD.replace("Main stage", "Mine").replace("hostname north", "hostname n");
  expect(config.text).toBe(wanted);
  expect(config.writes.at(-1)).toEqual(["PUT", wanted, '"config-1"']);
  expect(await editor().inputValue()).toBe(wanted);
});

it("takes what somebody else has made of it", async () => {
  const config = new ConfigApi();
  await collide(config);
  await page.getByRole("button", { name: "Take theirs" }).click();
  await expect.poll(() => editor().inputValue()).toBe(config.text);
  await apply();
  await sees("There is nothing to apply.");
});

it("needs no choice where only an included file was changed", async () => {
  const config = new ConfigApi();
  await open(config.api);
  await editor().fill(GOOD);
  config.change(CONFIG);
  await apply();
  await sees("Only an included file was changed meanwhile.");
  await apply();
  await sees("Applied and written");
  expect(config.text).toBe(GOOD);
});

it.each([
  [changedOnDisk, "Make it read the file"],
  [readOnly, "may not write the file or its folder"],
  [refusal(507, "disk_full", "no space is left"), "no space is left"],
])("says why the file was not written, and keeps what was typed", async (answer, text) => {
  const config = new ConfigApi();
  config.refuses = answer;
  await open(config.api);
  await editor().fill(GOOD);
  await apply();
  await sees(text);
  await sees("Not applied");
  expect(await editor().inputValue()).toBe(GOOD);
  config.refuses = null;
  await apply();
  await sees("Applied and written");
});

it("keeps what was typed while a session ends and a new one begins", async () => {
  const config = new ConfigApi();
  let isSignedIn = true;
  await open((path, request, body) => {
    if (path === "session" && request.method === "POST") isSignedIn = true;
    return isSignedIn ? config.api(path, request, body) : refusal(401, "credentials_needed", "no");
  });
  await editor().fill(GOOD);
  isSignedIn = false;
  await apply();
  await page.getByLabel("User").fill("admin");
  await page.getByLabel("Password").fill("secret");
  await page.keyboard.press("Enter");
  await editor().waitFor();
  expect(await editor().inputValue()).toBe(GOOD);
  await apply();
  await sees("Applied and written");
});

it("asks before what was typed is lost", async () => {
  await open(new ConfigApi().api);
  await editor().fill(GOOD);
  await page.getByRole("link", { name: "Overview" }).click();
  await sees("Leave the config file?");
  await page.getByRole("button", { name: "Cancel" }).click();
  expect(page.url()).toContain("#/config");
  expect(await editor().inputValue()).toBe(GOOD);
  const asked = page.waitForEvent("dialog");
  void page.reload().catch(() => undefined);
  const dialog = await asked;
  expect(dialog.type()).toBe("beforeunload");
  await dialog.dismiss();
  expect(await editor().inputValue()).toBe(GOOD);
  await page.getByRole("link", { name: "Overview" }).click();
  await page.getByRole("button", { name: "Leave", exact: true }).click();
  await page.getByRole("heading", { name: "Cluster overview" }).waitFor();
  await page.goBack();
  await editor().waitFor();
  expect(await editor().inputValue()).toBe(CONFIG);
  await page.getByRole("link", { name: "Overview" }).click();
  await page.getByRole("heading", { name: "Cluster overview" }).waitFor();
});

it("keeps lines, numbers and caret in step in a long file", async () => {
  const text = Array.from({ length: 10_000 }, (_, at) => `stream s${at} { input publish://; }\n`);
  const config = new ConfigApi(text.join(""));
  await open(config.api);
  await editor().focus();
  await page.keyboard.press("Control+End");
  await page.keyboard.type("bogus;");
  const box = page.locator(".editor");
  const isAtEnd = (): Promise<boolean> =>
    box.evaluate(
      (one) => one.scrollTop > 0 && one.scrollTop + one.clientHeight > one.scrollHeight - 60,
    );
  await expect.poll(isAtEnd).toBe(true);
  await page.keyboard.press("Control+Home");
  await expect.poll(() => box.evaluate((one) => one.scrollTop)).toBeLessThan(20);
  await apply();
  await page
    .getByRole("link", { name: "Line 10,001" })
    .or(page.getByRole("link", { name: "Line 10001" }))
    .click();
  await expect.poll(isAtEnd).toBe(true);
  const [gutter, area] = await Promise.all([
    page.locator(".gutter").boundingBox(),
    editor().boundingBox(),
  ]);
  expect([gutter?.y, gutter?.height]).toEqual([area?.y, area?.height]);
});
