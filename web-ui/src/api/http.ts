// One JSON request to this node, with a deadline; every way it can fail is an `ApiProblem`.
//
// Addresses are relative to the page, so the console works under any sub-path. Credentials typed
// into the sign-in form live in this module's memory only. A session cookie can replace them here
// once the node leaves out the Basic challenge for requests of scripts (`Sec-Fetch-Dest: empty`).

const BASE = "streamer/api/v3/";
const DEADLINE_MS = 5000;

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
  let response: Response;
  try {
    response = await fetch(BASE + path, {
      cache: "no-store",
      redirect: "error",
      signal: AbortSignal.any([stop, AbortSignal.timeout(DEADLINE_MS)]),
      headers: {
        Accept: "application/json",
        ...(authorization && { Authorization: authorization }),
      },
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
  try {
    return await response.json();
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

function requestId(response: Response): string | null {
  return response.headers.get("x-request-id");
}

async function refusal(response: Response, path: string): Promise<ApiProblem> {
  const body = (await response.json().catch(() => null)) as {
    error?: unknown;
    errors?: { code?: unknown; title?: unknown }[];
  } | null;
  const first = body?.errors?.[0];
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
  );
}
