// Sorting and filtering of rows. Pure.
//
// This node stays first whatever the order; what is not known comes last in both directions.

import type { PeerState } from "../api/model";
import type { Direction, Order } from "../table/order";
import type { Row } from "./rows";

export const SORT_KEYS = [
  "name",
  "state",
  "cpu",
  "memory",
  "clients",
  "streams",
  "output",
  "network",
  "uptime",
  "version",
] as const;

export type SortKey = (typeof SORT_KEYS)[number];
const WORST_FIRST: readonly PeerState[] = [
  "down",
  "unauthorized",
  "incompatible",
  "late",
  "unknown",
  "draining",
  "up",
  "duplicate",
  "self",
];

/** `node2` before `node10`. */
const natural = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" });

const VALUES: Record<SortKey, (row: Row) => string | number | null> = {
  name: (row) => row.name,
  state: (row) => WORST_FIRST.indexOf(row.state),
  cpu: (row) => row.stats.cpuPercent,
  memory: (row) => row.stats.memoryPercent,
  clients: (row) => row.stats.clients,
  streams: (row) => row.stats.streams,
  output: (row) => row.stats.outputKbit,
  network: (row) => row.stats.networkPercent,
  uptime: (row) => row.stats.uptimeSeconds,
  version: (row) => row.stats.version,
};

/** Words rise, numbers fall; the worst state comes first. */
export const FIRST_DIRECTIONS: Record<SortKey, Direction> = {
  name: "asc",
  state: "asc",
  cpu: "desc",
  memory: "desc",
  clients: "desc",
  streams: "desc",
  output: "desc",
  network: "desc",
  uptime: "desc",
  version: "asc",
};

function compareValues(a: string | number, b: string | number): number {
  return typeof a === "number" && typeof b === "number"
    ? a - b
    : natural.compare(String(a), String(b));
}

/** A sorted copy. */
export function sortRows(rows: readonly Row[], { key, direction }: Order<SortKey>): Row[] {
  const sign = direction === "asc" ? 1 : -1;
  const value = VALUES[key];
  return [...rows].sort((a, b) => {
    if (a.isThisNode !== b.isThisNode) return a.isThisNode ? -1 : 1;
    const [left, right] = [value(a), value(b)];
    if (left === null || right === null) {
      if (left !== right) return left === null ? 1 : -1;
    } else {
      const compared = sign * compareValues(left, right);
      if (compared !== 0) return compared;
    }
    return natural.compare(a.name, b.name);
  });
}

/** Rows whose name, state, version or reason holds every word of `query`. */
export function filterRows(
  rows: readonly Row[],
  query: string,
  stateWord: (state: PeerState) => string,
  ownTag: string,
): Row[] {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  return rows.filter((row) => {
    const tag = row.isThisNode ? ownTag : "";
    const parts = [row.name, row.state, stateWord(row.state), row.stats.version, row.reason, tag];
    const text = parts.filter(Boolean).join(" ").toLowerCase();
    return words.every((word) => text.includes(word));
  });
}
