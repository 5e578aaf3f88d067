// One JSON request to this node, with a deadline; every way it can fail is an `ApiProblem`. A write
// says with `ifMatch` what it is a change of; 412 means that somebody else was faster.
//
// Addresses are relative to the page, so the console works under any sub-path. Credentials typed
// into the sign-in form live in this module's memory only. A session cookie can replace them here
// once the node leaves out the Basic challenge for requests of scripts (`Sec-Fetch-Dest: empty`).

const BASE = "streamer/api/v3/";
const DEADLINE_MS = 5000;

/** What is wrong with a part of what was sent; `pointer` leads to it (RFC 6901). */
export interface Fault {
  pointer: string | null;
  title: string;
}

/** A request that is more than a GET. */
export interface Send {
  method?: "GET" | "POST" | "PUT" | "DELETE";
  body?: unknown;
  ifMatch?: string | null;
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

let authorization: string | null = null;

/** Signs every request from now on. */
export function setCredentials(user: string, password: string): void {
  const bytes = new TextEncoder().encode(`${user}:${password}`);
  authorization = `Basic ${btoa(String.fromCharCode(...bytes))}`;
}

/** GETs `path` below the API's base. Throws only `ApiProblem`. */
export async function getJson(path: string, stop: AbortSignal): Promise<unknown> {
  return (await send(path, { stop })).value;
}

/** Sends a request to `path` below the API's base. Throws only `ApiProblem`. */
export async function send(path: string, request: Send): Promise<Reply> {
  const { method = "GET", body, ifMatch, stop } = request;
  const signals = [AbortSignal.timeout(DEADLINE_MS), ...(stop ? [stop] : [])];
  const response = await answer(path, {
    method,
    signal: AbortSignal.any(signals),
    headers: {
      Accept: "application/json",
      ...(body !== undefined && { "Content-Type": "application/json" }),
      ...(ifMatch && { "If-Match": ifMatch }),
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
      headers: { ...request.headers, ...(authorization && { Authorization: authorization }) },
      // Anything else makes the browser open its own password window on a 401 that names Basic,
      // and leaves the request hanging behind it.
      credentials: "omit",
    });
  } catch (error) {
    const timedOut = error instanceof DOMException && error.name === "TimeoutError";
    throw new ApiProblem(
      "unreachable",
      timedOut ? `no answer for ${DEADLINE_MS / 1000} s` : "no connection",
      path,
    );
  }
  if (!response.ok) throw await refusal(response, path);
  return response;
}

function requestId(response: Response): string | null {
  return response.headers.get("x-request-id");
}

async function refusal(response: Response, path: string): Promise<ApiProblem> {
  const body = (await response.json().catch(() => null)) as {
    error?: unknown;
    errors?: { code?: unknown; title?: unknown; source?: { pointer?: unknown } }[];
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
    errors.map(({ title, source }) => ({
      pointer: typeof source?.pointer === "string" ? source.pointer : null,
      title: typeof title === "string" ? title : "",
    })),
  );
}
