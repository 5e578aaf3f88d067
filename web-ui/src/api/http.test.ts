import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { ApiProblem, closeSession, openSession, send, session } from "./http";

const SIGNED_IN = { user: "admin", may_write: true, csrf_token: "t1" };

/** What was sent, and the answers to it in their order. */
let sent: string[];
let answers: [status: number, body: unknown][];

beforeEach(() => {
  sent = [];
  session.value = null;
  vi.stubGlobal("fetch", (url: string, { method, headers }: RequestInit) => {
    const token = (headers as Record<string, string>)["X-CSRF-Token"] ?? "none";
    sent.push(`${method} ${url.replace("streamer/api/v3/", "")} ${token}`);
    const [status, body] = answers.shift() ?? [500, {}];
    const text = status === 204 ? null : JSON.stringify(body);
    return Promise.resolve(new Response(text, { status }));
  });
});
afterEach(() => vi.unstubAllGlobals());

const refused = (status: number, code: string): [number, unknown] => [
  status,
  { error: "e", errors: [{ code, title: "t" }] },
];

it("asks for the token before the first write, and shows it on each", async () => {
  answers = [
    [200, SIGNED_IN],
    [204, null],
    [204, null],
    [200, {}],
  ];
  await send("streams/a", { method: "DELETE" });
  await send("streams/b", { method: "DELETE" });
  await send("streams", {});
  const asked = ["GET session none", "DELETE streams/a t1", "DELETE streams/b t1"];
  expect(sent).toEqual([...asked, "GET streams none"]);
});

it("asks again when another tab has signed in since", async () => {
  answers = [
    [200, SIGNED_IN],
    refused(403, "token_needed"),
    [200, { ...SIGNED_IN, csrf_token: "t2" }],
    [204, null],
  ];
  await openSession("admin", "secret");
  await send("streams/a", { method: "DELETE" });
  expect(sent.slice(1)).toEqual(["DELETE streams/a t1", "GET session none", "DELETE streams/a t2"]);
});

it("forgets who was signed in when the node does, and takes that for signed out", async () => {
  answers = [
    [200, SIGNED_IN],
    refused(401, "credentials_needed"),
    [200, SIGNED_IN],
    refused(401, "credentials_needed"),
  ];
  await openSession("admin", "secret");
  await expect(send("streams", {})).rejects.toBeInstanceOf(ApiProblem);
  expect(session.value).toBeNull();
  await closeSession();
  expect(session.value).toBeNull();
  expect(sent.at(-1)).toBe("DELETE session t1");
});
