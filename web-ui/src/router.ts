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

const hash = signal(globalThis.location?.hash ?? "");
globalThis.addEventListener?.("hashchange", () => (hash.value = location.hash));

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
