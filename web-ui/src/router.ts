// The address after `#`: which page is shown, and its parameters (`#/?sort=cpu&dir=desc&q=down`).
//
// Hash routing needs nothing from the server and works under any sub-path. Parameters are
// written with `replaceState`: a view can be linked, but the back button leaves the page.

import { computed, signal } from "@preact/signals";

/** A parsed hash: `path` starts with `/`. */
export interface Route {
  path: string;
  params: URLSearchParams;
}

/** Splits `#/path?a=b`; anything else is the start page. */
export function parseHash(hash: string): Route {
  const [path = "", query = ""] = hash.replace(/^#/, "").split("?", 2);
  return { path: path.startsWith("/") ? path : "/", params: new URLSearchParams(query) };
}

/** Writes a hash, leaving out empty parameters. */
export function formatHash(path: string, params: URLSearchParams): string {
  const kept = new URLSearchParams([...params].filter(([, value]) => value !== ""));
  const query = kept.toString();
  return query ? `#${path}?${query}` : `#${path}`;
}

/** The address of the page at these parts, which may hold anything. */
export function linkTo(...parts: string[]): string {
  return `#/${parts.map(encodeURIComponent).join("/")}`;
}

/** The named parts of `path` if it has the form of `pattern` (`/streams/:name`), else null. */
export function matchPath(pattern: string, path: string): Record<string, string> | null {
  const wanted = pattern.split("/");
  const given = path.split("/");
  if (wanted.length !== given.length) return null;
  const parts: Record<string, string> = {};
  for (const [index, part] of wanted.entries()) {
    const value = given[index] ?? "";
    if (part.startsWith(":") && value !== "") parts[part.slice(1)] = decode(value);
    else if (part !== value) return null;
  }
  return parts;
}

/** Percent-decodes what may be typed by hand. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

const hash = signal(globalThis.location?.hash ?? "");
let mayLeave: ((target: string) => boolean) | null = null;

/** Asks `ask` before another page is shown; if it says no, this one stays. Null: asks nobody. */
export function guard(ask: typeof mayLeave): void {
  mayLeave = ask;
}

globalThis.addEventListener?.("hashchange", () => {
  if (mayLeave?.(location.hash) === false) history.replaceState(null, "", hash.peek() || "#/");
  else hash.value = location.hash;
});

/** The page that is shown now. */
export const route = computed(() => parseHash(hash.value));

/** Changes parameters of the current page; an empty value removes one. */
export function setParams(changes: Record<string, string>): void {
  const { path, params } = route.value;
  const next = new URLSearchParams(params);
  for (const [name, value] of Object.entries(changes)) next.set(name, value);
  const formatted = formatHash(path, next);
  history.replaceState(null, "", formatted);
  hash.value = formatted;
}
