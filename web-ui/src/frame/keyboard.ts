// Single-key shortcuts. Off while a person types, with a modifier, in a dialog, or by preference.

import { shortcutsOn } from "../preferences";
import { openKeys } from "./keys_dialog";
import { GROUPS } from "./navigation";

/** The filter box of whichever page is shown. */
export const FILTER_ID = "filter";
/** Its pause button, where it has one. */
export const PAUSE_ID = "pause";
/** How long `g` waits for the second key. */
const SEQUENCE_MS = 1500;

function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement && target.matches("input, select, textarea, [contenteditable]")
  );
}

export function listenForKeys(): void {
  let prefixAt = -Infinity;

  const actions: Record<string, () => void> = {
    "/": () => document.getElementById(FILTER_ID)?.focus(),
    "?": openKeys,
    p: () => document.getElementById(PAUSE_ID)?.click(),
  };
  for (const { path, key } of GROUPS.flatMap(({ links }) => links)) {
    actions[`g ${key}`] = () => (location.hash = `#${path}`);
  }

  document.addEventListener("keydown", (event) => {
    if (!shortcutsOn.value || event.ctrlKey || event.metaKey || event.altKey) return;
    if (isTyping(event.target) || document.querySelector("dialog[open]")) return;
    const isSecond = event.timeStamp - prefixAt < SEQUENCE_MS;
    prefixAt = event.key === "g" ? event.timeStamp : -Infinity;
    const action = actions[isSecond ? `g ${event.key}` : event.key];
    if (!action) return;
    event.preventDefault();
    action();
  });
}
