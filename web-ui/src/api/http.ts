// One JSON request to this node, with a deadline; every way it can fail is an `ApiProblem`. A write
// says with `ifMatch` what it is a change of; 412 means that somebody else was faster.
//
// Addresses are relative to the page, so the console works under any sub-path. Who is signed in is
// in a cookie that no script can read; the token that writes show besides it is in memory only.

import { computed, signal } from "@preact/signals";
import { fields, number, text } from "./model";

const BASE = "streamer/api/v3/";
const DEADLINE_MS = 5000;

/** What is wrong with a part of what was sent; `pointer` leads to it (RFC 6901). */
export interface Fault {
  pointer: string | null;
  title: string;
  /** What would be right, where the whole config was refused. */
  detail: string | null;
  /** Where in the config, if it is about that. */
  place?: Place | null;
}

/** A place in a config file. */
export interface Place {
  path: string | null;
  /** From 1. */
  line: number;
  /** From 1, in characters. */
  col: number;
}

/** A request that is more than a GET. */
export interface Send {
  method?: "GET" | "POST" | "PUT" | "DELETE";
  body?: unknown;
  /** Text is sent and wanted, not JSON. */
  isText?: boolean;
  ifMatch?: string | null;
  /** Refused (412) where the thing is there already. */
  isNew?: boolean;
  stop?: AbortSignal;
}

/** What a node answers: `null` without content; `etag` where the thing can be edited. */
export interface Reply {
  value: unknown;
  etag: string | null;
}

export type ProblemKind = "unreachable" | "unauthorized" | "forbidden" | "refused";

/** Why a request gave no answer that can be used. */
export class ApiProblem extends Error {
  readonly atMs = Date.now();

  constructor(
    readonly kind: ProblemKind,
    message: string,
    readonly path: string,
    readonly status: number | null = null,
    readonly code: string | null = null,
    readonly requestId: string | null = null,
    readonly faults: Fault[] = [],
  ) {
    super(message);
  }
}

/** Who the node takes this browser for. */
export interface Session {
  /** None where the node asks nobody. */
  user: string | null;
  mayWrite: boolean;
  /** None where nobody can sign out. */
  token: string | null;
}

/** None until the node has told, and after it has refused. */
export const session = signal<Session | null>(null);
/** Is it known that this login may change nothing? */
export const isReadOnly = computed(() => session.value?.mayWrite === false);

function readSession(value: unknown): Session {
  const { user, may_write, csrf_token } = (value ?? {}) as Record<string, unknown>;
  return {
    user: typeof user === "string" ? user : null,
    mayWrite: may_write === true,
    token: typeof csrf_token === "string" ? csrf_token : null,
  };
}

/** Asks who is signed in. Throws only `ApiProblem`. */
export async function learnSession(): Promise<void> {
  session.value = readSession((await exchange("session", {})).value);
}

/** How often this page has signed in. */
let signInCount = 0;

/** Signs in. Throws only `ApiProblem`. */
export async function openSession(user: string, password: string): Promise<void> {
  const reply = await exchange("session", { method: "POST", body: { user, password } });
  signInCount += 1;
  session.value = readSession(reply.value);
}

/** Signs out; a session that is over already is as good. Throws only `ApiProblem`. */
export async function closeSession(): Promise<void> {
  try {
    await send("session", { method: "DELETE" });
  } catch (error) {
    if (!(error instanceof ApiProblem) || error.kind !== "unauthorized") throw error;
  }
  session.value = null;
}

/** GETs `path` below the API's base. Throws only `ApiProblem`. */
export async function getJson(path: string, stop: AbortSignal): Promise<unknown> {
  return (await send(path, { stop })).value;
}

/** The whole address of `path` below the API's base. */
export function addressOf(path: string): string {
  return new URL(BASE + path, document.baseURI).href;
}

/** Sends a request to `path` below the API's base. Throws only `ApiProblem`. */
export async function send(path: string, request: Send): Promise<Reply> {
  if (request.method && request.method !== "GET" && !session.peek()) await learnSession();
  try {
    return await exchange(path, request);
  } catch (error) {
    // Another tab has signed in since: the cookie is one for all tabs, the token is not.
    if (!(error instanceof ApiProblem) || error.code !== "token_needed") throw error;
    await learnSession();
    return exchange(path, request);
  }
}

async function exchange(path: string, request: Send): Promise<Reply> {
  const { method = "GET", body, isText, ifMatch, isNew, stop } = request;
  const type = isText ? "text/plain" : "application/json";
  const token = method === "GET" ? null : session.peek()?.token;
  const signals = [AbortSignal.timeout(DEADLINE_MS), ...(stop ? [stop] : [])];
  const response = await answer(path, {
    method,
    signal: AbortSignal.any(signals),
    headers: {
      Accept: type,
      ...(body !== undefined && { "Content-Type": type }),
      ...(ifMatch && { "If-Match": ifMatch }),
      ...(isNew && { "If-None-Match": "*" }),
      ...(token && { "X-CSRF-Token": token }),
    },
    ...(body !== undefined && { body: isText ? String(body) : JSON.stringify(body) }),
  });
  const etag = response.headers.get("etag");
  if (response.status === 204) return { value: null, etag };
  // What is wrong with a text is told as JSON.
  const isAnsweredSo = isText && response.headers.get("content-type")?.startsWith(type);
  try {
    return { value: await (isAnsweredSo ? response.text() : response.json()), etag };
  } catch {
    throw new ApiProblem(
      "refused",
      "the answer is not JSON",
      path,
      response.status,
      null,
      requestId(response),
    );
  }
}

/** Opens an event stream; `stop` is its only deadline. Throws only `ApiProblem`. */
export async function openStream(
  path: string,
  stop: AbortSignal,
): Promise<ReadableStream<Uint8Array<ArrayBuffer>>> {
  const accepted = "text/event-stream";
  const response = await answer(path, { signal: stop, headers: { Accept: accepted } });
  const { body, headers, status } = response;
  if (body && headers.get("content-type")?.startsWith(accepted)) return body;
  const reason = "the answer is no event stream";
  throw new ApiProblem("refused", reason, path, status, null, requestId(response));
}

/** The answer to a request as all are made here, if it is a good one. */
async function answer(
  path: string,
  request: RequestInit & { headers: Record<string, string> },
): Promise<Response> {
  const signInsBefore = signInCount;
  let response: Response;
  try {
    response = await fetch(BASE + path, {
      ...request,
      cache: "no-store",
      redirect: "error",
      // Says that a script asks, of which the browser must not open its own password window.
      headers: { ...request.headers, "X-Requested-With": "XMLHttpRequest" },
      credentials: "same-origin",
    });
  } catch (error) {
    const timedOut = error instanceof DOMException && error.name === "TimeoutError";
    throw new ApiProblem(
      "unreachable",
      timedOut ? `no answer for ${DEADLINE_MS / 1000} s` : "no connection",
      path,
    );
  }
  if (response.status === 401) {
    // It was on its way while the page signed in, and says nothing of who is signed in now.
    if (signInCount !== signInsBefore) return answer(path, request);
    session.value = null;
  }
  if (!response.ok) throw await refusal(response, path);
  return response;
}

function requestId(response: Response): string | null {
  return response.headers.get("x-request-id");
}

/** One cause of a refusal, or a warning, read with distrust. */
export function readFault(value: unknown): Fault {
  const raw = fields(value);
  const { pointer } = fields(raw["source"]);
  const line = number(raw["line"]);
  return {
    pointer: typeof pointer === "string" ? pointer : null,
    title: text(raw["title"]) ?? "",
    detail: text(raw["detail"]),
    place: line === null ? null : { path: text(raw["path"]), line, col: number(raw["col"]) ?? 1 },
  };
}

async function refusal(response: Response, path: string): Promise<ApiProblem> {
  const body = fields(await response.json().catch(() => null));
  const errors: unknown[] = Array.isArray(body["errors"]) ? body["errors"] : [];
  const first = fields(errors[0]);
  const kind = { 401: "unauthorized", 403: "forbidden" }[response.status] as
    ProblemKind | undefined;
  return new ApiProblem(
    kind ?? "refused",
    text(first["title"]) ?? (response.statusText || "no reason given"),
    path,
    response.status,
    text(first["code"]) ?? text(body["error"]),
    requestId(response),
    errors.map(readFault),
  );
}
