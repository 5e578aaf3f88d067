// What a person does with the pages that tell what the API can do and what this node is.

import { expect, it } from "vitest";
import { DOCUMENT, documented, large } from "./support/api_document";
import { cluster, refusal } from "./support/clusters";
import type { MockNodeOptions, Script } from "./support/mock_node";
import { node, open as openAt, page, sees } from "./support/stage";

const open = (hash: string, api: Script, options: MockNodeOptions = {}): Promise<void> =>
  openAt({ api, ...options }, hash);

const operation = (summary: string) => page.locator(".operation", { hasText: summary });
const methods = (): Promise<string[]> => page.locator(".method").allTextContents();

it("groups operations by tag, and tells all about one", async () => {
  await open("#/api", documented(DOCUMENT));
  await sees("6 operations");
  await sees("Base of the paths: /streamer/api/v3.");
  expect(await page.locator("h2").allTextContents()).toEqual([
    "streams",
    "config",
    "Others",
    "Keyboard shortcuts",
  ]);
  expect(await methods()).toEqual(["GET", "GET", "PUT", "DELETE", "PUT", "POST"]);
  await operation("Creates or changes").locator("summary").first().click();
  const opened = operation("Creates or changes");
  await expect
    .poll(() => opened.innerText())
    .toMatch(/name string required length ≤ 255\s+in the path\. A/);
  await opened.getByText("application/json Stream").first().click();
  await expect
    .poll(() => opened.locator(".lines .lines").first().innerText())
    .toMatch(/name string required\s+Its name[^]+inputs array of Input required[^]+null \| Stream/);
  await opened.getByText("The same as a command").click();
  const command = await opened.locator(".curl pre").textContent();
  expect(command).toContain(`curl -X PUT -u USER -d '{"name":"","inputs":[]}'`);
  expect(command).toContain(`${node.base}/streamer/api/v3/streams/NAME`);
});

it("opens a schema that holds itself as often as one likes", async () => {
  await open("#/api", documented(DOCUMENT));
  await operation("Shows a stream").locator("summary").first().click();
  const lines = operation("Shows a stream").locator(".answers");
  await lines.getByText("application/json Stream").click();
  for (let depth = 0; depth < 5; depth++) {
    await lines.getByText("fallback null | Stream").last().click();
    await expect.poll(() => lines.getByText("fallback null | Stream").count()).toBe(depth + 2);
  }
});

it("tells what holds for all operations, and answers with their headers", async () => {
  await open("#/api", documented(DOCUMENT));
  await page.getByText("What holds for all operations").click();
  await expect.poll(() => page.locator(".told b").allTextContents()).toEqual(["Lists", "Errors"]);
  expect(await page.locator(".told code").allTextContents()).toEqual(["limit"]);
  await operation("Shows a stream").locator("summary").first().click();
  await expect
    .poll(() => operation("Shows a stream").innerText())
    .toMatch(/ETag string\s+a header\. Of its/);
  await operation("Reads the files").locator("summary").first().click();
  await operation("Reads the files").getByText("The same as a command").click();
  const command = await operation("Reads the files").locator(".curl pre").textContent();
  expect(command).toBe(`curl -X POST -u USER \\\n  '${node.base}/older/reload'`);
});

it("finds operations by words, and keeps them in the address", async () => {
  await open("#/api", documented(DOCUMENT));
  await page.getByLabel("Filter").fill("put config");
  await sees("1 of 6 operations");
  expect(page.url()).toContain("?q=put+config");
  await page.getByLabel("Filter").fill("nothing");
  await sees("No operation matches “nothing”.");
  await page.getByRole("button", { name: "Clear the filter" }).click();
  await sees("6 operations");
});

it("leads to the document, below the path of a proxy too", async () => {
  await open("#/api", documented(DOCUMENT), { prefix: "/media" });
  const link = page.getByRole("link", { name: "The document itself" });
  const address = `${node.base}/media/streamer/api/v3/openapi.json`;
  expect(await link.getAttribute("href")).toBe(address);
  await operation("Removes").locator("summary").first().click();
  await operation("Removes").getByText("The same as a command").click();
  const command = await operation("Removes").locator(".curl pre").textContent();
  expect(command).toContain(`'${node.base}/media/streamer/api/v3/streams/NAME'`);
});

it("draws a document of thousands of operations at once", async () => {
  await open("#/about", documented(large(5000)));
  await page.getByRole("heading", { name: "About" }).waitFor();
  await page.getByRole("link", { name: "API", exact: true }).first().click();
  await sees("5,006 operations");
  await page.getByLabel("Filter").fill("/things/4999");
  await sees("1 of 5,006 operations");
  await operation("Shows thing 4999").locator("summary").first().click();
  await sees("The same as a command");
});

it("says that there is no document, and what kept it away", async () => {
  await open("#/api", (path, request, body) =>
    path === "openapi.json"
      ? refusal(404, "no_such_resource", "the API has no such address")
      : cluster([])(path, request, body),
  );
  await sees("This node has no OpenAPI document");
  let isBroken = true;
  node.api = (path, request, body) =>
    isBroken && path === "openapi.json"
      ? refusal(500, "internal_error", "it broke")
      : documented(DOCUMENT)(path, request, body);
  await page.reload();
  await sees("500 it broke, request req-7f3a");
  isBroken = false;
  await page.getByRole("button", { name: "Try again now" }).click();
  await sees("6 operations");
  node.api = documented({ openapi: "3.1.0", paths: "none" });
  await page.reload();
  await sees("The node's document names no operation.");
});

it("tells what this node is, and whose work its pages contain", async () => {
  await open("#/about", cluster([], { id: "6f1c9a52", streamer_status: "broken_config" }));
  for (const text of ["Config file broken", "0.1.0", "north", "6f1c9a52", "3d 5h"])
    await page.locator(".facts").getByText(text).first().waitFor();
  await sees(`${node.base}/NAME/embed.html`);
  await expect
    .poll(() => page.locator(".library summary").allTextContents())
    .toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^@preact\/signals-core [\d.]+, MIT$/),
        expect.stringMatching(/^hls\.js [\d.]+, Apache-2\.0$/),
        expect.stringMatching(/^preact [\d.]+, MIT$/),
      ]),
    );
  await page.getByText(/^preact /).click();
  await sees("Copyright (c) 2015-present Jason Miller");
});

it("leads to the three pages by keys", async () => {
  await open("#/about", documented(DOCUMENT));
  await page.getByRole("heading", { name: "About" }).waitFor();
  for (const [key, heading] of [
    ["c", "Config file"],
    ["a", "API"],
    ["b", "About"],
  ] as const) {
    await page.keyboard.press("g");
    await page.keyboard.press(key);
    await page.getByRole("heading", { name: heading, exact: true }).waitFor();
  }
});
