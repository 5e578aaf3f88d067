// How long to wait before the next entry, and what an entry's answer means. Pure.

const BASE_S = 0.3;
const MAX_S = 5;

/** 0.3 · 2^n seconds, at most 5, ± 25 % so that viewers do not come back all at once. */
export function backoffMs(failures: number, random: number): number {
  const seconds = Math.min(MAX_S, BASE_S * 2 ** Math.min(failures, 10));
  return seconds * 1000 * (0.75 + random / 2);
}

/** Why nothing plays from an entry just now. */
export type Cause =
  "not_live" | "starting" | "denied" | "unreachable" | "interrupted" | "ended" | "bad_media";

/** Reads the HTTP status of a playlist; null when there was no answer at all. */
export function causeOfStatus(status: number | null): Cause {
  if (status === null) return "unreachable";
  if (status === 401 || status === 403) return "denied";
  if (status === 404 || status === 410) return "not_live";
  if (status === 503) return "starting";
  return "unreachable";
}
