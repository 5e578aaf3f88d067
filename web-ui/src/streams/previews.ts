// When to ask for the pictures of streams: each costs the node the decoding of a keyframe.
//
//   row in sight ─▶ picture ─ 30 s or more ─▶ the next one …
//
// A node may make none, of no stream, and does not say so beforehand: until it has shown one, only
// few rows ask, chance decides which.

import { signal } from "@preact/signals";
import { firstNames } from "../cluster/store";
import { outputPath } from "./addresses";

/** A picture that is younger is not asked for anew. */
export const PICTURE_MS = 30_000;
const UNPROVEN_MAX = 3;

/** Whether this node has shown a picture since the page was opened. */
export const hasPictures = signal(false);

/** Can a picture of a stream be shown that runs there? Not if a peer has come since the page. */
export function isLetIn(runningOn: readonly string[]): boolean {
  return runningOn.every((hostname) => firstNames.value.includes(hostname));
}

let unprovenAt: number[] = [];

/** May one more row ask? Counts it. */
export function mayAsk(nowMs: number): boolean {
  if (hasPictures.peek()) return true;
  unprovenAt = unprovenAt.filter((atMs) => nowMs - atMs < PICTURE_MS);
  if (unprovenAt.length >= UNPROVEN_MAX) return false;
  unprovenAt.push(nowMs);
  return true;
}

/** The picture of this node's stream; with the time, or the browser would show what it has. */
export function picturePath(name: string, nowMs: number): string {
  return outputPath(name, `preview.jpg?at=${Math.floor(nowMs / 1000)}`);
}
