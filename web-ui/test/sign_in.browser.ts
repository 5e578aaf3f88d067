// Signing in and out: what the form says, and what stays in the browser.

import { expect, it } from "vitest";
import { screenshot } from "./support/browser";
import { HEALTHY, cluster, refusal } from "./support/clusters";
import type { Answer, Script } from "./support/mock_node";
import { context, expectSound, node, open, page } from "./support/stage";

const COOKIE = "watershed-6f1c9a52=5ecret-cookie";
const TOKEN = "5ecret-token";
const WRONG = refusal(401, "wrong_credentials", "wrong login or password");
const TOLD = { body: { user: "viewer", may_write: false, csrf_token: TOKEN } };
const RIGHT: Answer = {
  ...TOLD,
  headers: { "set-cookie": `${COOKIE}; HttpOnly; SameSite=Strict` },
};

/** A node that answers tries to sign in by `tries`, and all else by its cookie. */
function guarded(...tries: Answer[]): Script {
  const healthy = cluster(HEALTHY);
  const ended = { status: 204, headers: { "set-cookie": `${COOKIE}; Max-Age=0` } };
  return (path, request) => {
    if (request.method === "POST") return tries.shift() ?? WRONG;
    if (request.headers.cookie !== COOKIE) return refusal(401, "credentials_needed", "who?");
    if (request.method === "DELETE")
      return request.headers["x-csrf-token"] === TOKEN ? ended : refusal(403, "token_needed", "no");
    return path === "session" ? TOLD : healthy(path, request);
  };
}

async function signIn(): Promise<void> {
  await page.getByLabel("User").fill("viewer");
  await page.getByLabel("Password").fill("gehe\u00efm");
  await page.keyboard.press("Enter");
}

it("says when the password is wrong and when the next try has to wait, then lets in", async () => {
  const wait = refusal(429, "too_many_tries", "too many wrong passwords: try again in 8 s");
  await open({ api: guarded(WRONG, wait, RIGHT) });
  await signIn();
  await page.getByText("User or password is wrong.").waitFor();
  await expectSound("sign-in-wrong");
  await page.keyboard.press("Enter");
  await page.getByText("too many wrong passwords: try again in 8 s").waitFor();
  await screenshot(page, "sign-in-wait");
  await page.keyboard.press("Enter");
  await page.getByText("all up").waitFor();
  expect(node.requests.filter((request) => request.includes("gehe"))).toEqual([]);
});

it("stays signed in over a reload, and keeps nothing that a script could read", async () => {
  await open({ api: guarded(RIGHT), prefix: "/ops/north" });
  await signIn();
  await page.getByText("all up").waitFor();
  await page.reload();
  await page.getByText("all up").waitFor();
  await page.getByRole("button", { name: "Sign out" }).waitFor();
  const kept = await page.evaluate(() =>
    JSON.stringify([document.cookie, { ...localStorage }, { ...sessionStorage }, location.href]),
  );
  expect(kept).not.toMatch(/5ecret|gehe/);
});

it("signs out by the button in the header", async () => {
  await open({ api: guarded(RIGHT) });
  await signIn();
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByLabel("Password").waitFor();
  expect(await context.cookies()).toEqual([]);
  await page.getByRole("button", { name: "Sign out" }).waitFor({ state: "detached" });
});

it("says when the browser keeps no cookie, instead of asking again in silence", async () => {
  await open({ api: guarded({ ...TOLD }) });
  await signIn();
  await page.getByText("this browser keeps no cookie").waitFor();
});
