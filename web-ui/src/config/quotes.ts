// Which errors may be no errors of their own: a quote that is never closed swallows the rest of its
// line, so that what is around it reads wrong, too. Pure.

import type { Fault } from "../api/http";

/** In the node's words. */
const UNCLOSED = "the quote is never closed";

/** Whether `fault` is on the line of such a quote, or below it in the same file. */
export function mayFollow({ title, place }: Fault, faults: readonly Fault[]): boolean {
  if (title === UNCLOSED || !place) return false;
  return faults.some(
    ({ title: cause, place: at }) =>
      cause === UNCLOSED && at && at.path === place.path && at.line <= place.line,
  );
}
