// The forms of streams and of collections of files, new and there, in the states that have nothing
// to do with what is typed; in both schemes and at 360 px: no fault, no overflow, no violation.

import { expect, it } from "vitest";
import { always, refusal } from "./support/clusters";
import { FilesNode } from "./support/files";
import { MediaNode } from "./support/media";
import type { Script } from "./support/mock_node";
import { expectSound, node, open, page, sees } from "./support/stage";

interface Form {
  name: string;
  hash: string;
  api: () => Script;
  /** A field, and what is typed into it. */
  field: string;
  /** The field of its name, which has to be typed, too. */
  named?: string;
}

const media = (): Script => new MediaNode().answer;
const files = (): Script => new FilesNode().answer;

const FORMS: Form[] = [
  { name: "stream-new", hash: "streams/-", api: media, field: "Name" },
  { name: "stream-edit", hash: "streams/live%2Fcam/edit", api: media, field: "Title" },
  { name: "files-new", hash: "files/-", api: files, field: "Storage 1", named: "Prefix" },
  { name: "files-edit", hash: "files/movies/edit", api: files, field: "Storage 3" },
];

const STATES: [state: string, api: Script, shows: string][] = [
  ["loading", always({ never: true }), "Still waiting for this node."],
  ["failing", always(refusal(500, "internal", "it broke")), "500 it broke, request req-7f3a"],
  ["signed-out", always(refusal(401, "unauthorized", "who are you")), "This node asks for a user"],
];

const CASES = FORMS.flatMap(({ name, hash }) =>
  STATES.map(([state, api, shows]) => ({ name, hash, state, api, shows })),
);

it.each(CASES)("$name, $state, is sound", async ({ name, hash, state, api, shows }) => {
  await open({ api }, `#/${hash}`);
  await sees(shows);
  expect(await page.locator("form.form").count()).toBe(0);
  await expectSound(`${name}-${state}`);
});

it.each(FORMS)("$name with a lost connection keeps what was typed", async (form) => {
  await open({ api: form.api() }, `#/${form.hash}`);
  await page.getByLabel(form.field, { exact: true }).fill("typed");
  if (form.named) await page.getByLabel(form.named, { exact: true }).fill("named");
  await node.kill();
  await sees("Connection to this node lost");
  await page.getByRole("button", { name: "Save" }).click();
  await page.locator(".summary").getByText("no connection").waitFor();
  expect(await page.getByLabel(form.field, { exact: true }).inputValue()).toBe("typed");
  await expectSound(`${form.name}-lost`);
});

it.each(FORMS.filter(({ name }) => name.endsWith("edit")))(
  "$name where the thing alone cannot be read is sound, and tries again",
  async ({ name, hash, api, field }) => {
    const rest = api();
    let isBroken = true;
    await open(
      {
        api: (path, request, body) =>
          isBroken && /^(streams|vods)\//.test(path)
            ? refusal(500, "internal", "it broke")
            : rest(path, request, body),
      },
      `#/${hash}`,
    );
    await sees("500 it broke, request req-7f3a");
    await expectSound(`${name}-unread`);
    isBroken = false;
    await page.getByLabel(field, { exact: true }).waitFor();
  },
);
