// The symbol of each state, drawn: fonts differ in which characters they have.

import type { ComponentChild } from "preact";
import type { PeerState } from "../api/model";

/** Named after the states of peers; other things borrow them. */
export type SymbolName = PeerState;

/** Strokes in a box of 16 by 16. */
const STROKES: Record<SymbolName, string> = {
  up: "M3 8.5 6.5 12 13 4.5",
  down: "M4 4l8 8M12 4l-8 8",
  late: "M8 2a6 6 0 1 0 0 12A6 6 0 1 0 8 2M8 5v3.2l2.2 1.6",
  unknown: "M3 8h.01M8 8h.01M13 8h.01",
  draining: "M8 2v9M4.5 7.5 8 11l3.5-3.5M3 14h10",
  unauthorized: "M5.5 7a3 3 0 1 0 0 6 3 3 0 1 0 0-6M7.6 7.9 13 2.5M10.5 5l2 2",
  incompatible: "M3 6h10M3 10h10M10.5 2.5l-5 11",
  self: "M4 4.5A5.2 5.2 0 1 1 2.8 8M4 1.5v3h3",
  duplicate: "M2.5 2.5h8v8h-8zM5.5 10.5v3h8v-8h-3",
};

export function stateSymbol(name: SymbolName): ComponentChild {
  return (
    <svg class="symbol" viewBox="0 0 16 16" width="14" height="14" aria-hidden="true">
      <path d={STROKES[name]} />
    </svg>
  );
}
