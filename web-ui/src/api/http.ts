// One JSON request to this node, with a deadline; every way it can fail is an `ApiProblem`. A write
// says with `ifMatch` what it is a change of; 412 means that somebody else was faster.
//
// Addresses are relative to the page, so the console works under any sub-path. Who is signed in is
// in a cookie that no script can read; the token that writes show besides it is in memory only.

import { signal } from "@preact/signals";

const BASE = "streamer/api/v3/";
const DEADLINE_MS = 5000;

/** What is wrong with a part of what was sent; `pointer` leads to it (RFC 6901). */
export interface Fault {
  pointer: string | null;
  title: string;
  /** What would be right, where the whole config was refused. */
  detail: string | null;
}

/** A request that is more than a GET. */
export interface Send {
  method?: "GET" | "POST" | "PUT" | "DELETE";
  body?: unknown;
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

/** Signs in. Throws only `ApiProblem`. */
export async function openSession(user: string, password: string): Promise<void> {
  const reply = await exchange("session", { method: "POST", body: { user, password } });
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
  const { method = "GET", body, ifMatch, isNew, stop } = request;
  const token = method === "GET" ? null : session.peek()?.token;
  const signals = [AbortSignal.timeout(DEADLINE_MS), ...(stop ? [stop] : [])];
  const response = await answer(path, {
    method,
    signal: AbortSignal.any(signals),
    headers: {
      Accept: "application/json",
      ...(body !== undefined && { "Content-Type": "application/json" }),
      ...(ifMatch && { "If-Match": ifMatch }),
      ...(isNew && { "If-None-Match": "*" }),
      ...(token && { "X-CSRF-Token": token }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const etag = response.headers.get("etag");
  if (response.status === 204) return { value: null, etag };
  try {
    return { value: await response.json(), etag };
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
  if (response.status === 401) session.value = null;
  if (!response.ok) throw await refusal(response, path);
  return response;
}

function requestId(response: Response): string | null {
  return response.headers.get("x-request-id");
}

async function refusal(response: Response, path: string): Promise<ApiProblem> {
  const body = (await response.json().catch(() => null)) as {
    error?: unknown;
    errors?: {
      code?: unknown;
      title?: unknown;
      detail?: unknown;
      source?: { pointer?: unknown };
    }[];
  } | null;
  const errors = Array.isArray(body?.errors) ? body.errors : [];
  const first = errors[0];
  const code = [first?.code, body?.error].find((value) => typeof value === "string") as
    string | undefined;
  const title = typeof first?.title === "string" ? first.title : response.statusText;
  const kind = { 401: "unauthorized", 403: "forbidden" }[response.status] as
    ProblemKind | undefined;
  return new ApiProblem(
    kind ?? "refused",
    title || "no reason given",
    path,
    response.status,
    code ?? null,
    requestId(response),
    errors.map(({ title, detail, source }) => ({
      pointer: typeof source?.pointer === "string" ? source.pointer : null,
      title: typeof title === "string" ? title : "",
      detail: typeof detail === "string" ? detail : null,
    })),
  );
}
