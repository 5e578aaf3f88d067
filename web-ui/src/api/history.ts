// What this node remembers of a peer: samples of its last hour, and how its state has changed.

import { fields, number, readPeerState, text, type PeerState } from "./model";

/** What is not known of a moment is null. */
export interface PeerSample {
  atMs: number;
  cpuPercent: number | null;
  memoryPercent: number | null;
  outputKbit: number | null;
  clients: number | null;
  /** How long the peer took to answer. */
  fetchMs: number | null;
}

export interface StateChange {
  atMs: number;
  state: PeerState;
  reason: string | null;
}

export interface PeerHistory {
  /** Between two samples. */
  stepMs: number;
  /** By time. */
  samples: PeerSample[];
  /** The newest first. */
  changes: StateChange[];
}

const STEP_MS = 10_000;
const SAMPLES_MAX = 1000;
const CHANGES_MAX = 20;

const newestFirst = (one: { atMs: number }, other: { atMs: number }): number =>
  other.atMs - one.atMs;

/** The newest `max` items that have a time, that first. */
function dated(list: unknown, max: number): { atMs: number; raw: ReturnType<typeof fields> }[] {
  const items = Array.isArray(list) ? list : [];
  return items
    .flatMap((item) => {
      const raw = fields(item);
      const atMs = number(raw["at"]);
      return atMs === null ? [] : [{ atMs, raw }];
    })
    .sort(newestFirst)
    .slice(0, max);
}

export function readHistory(value: unknown): PeerHistory {
  const { step_ms: step, samples, changes } = fields(value);
  return {
    stepMs: number(step) || STEP_MS,
    samples: dated(samples, SAMPLES_MAX)
      .map(({ atMs, raw }) => ({
        atMs,
        cpuPercent: number(raw["cpu_usage"]),
        memoryPercent: number(raw["memory_usage"]),
        outputKbit: number(raw["output_kbit"]),
        clients: number(raw["total_clients"]),
        fetchMs: number(raw["fetch_ms"]),
      }))
      .reverse(),
    changes: dated(changes, CHANGES_MAX).map(({ atMs, raw }) => ({
      atMs,
      state: readPeerState(raw["state"]),
      reason: text(raw["reason"]),
    })),
  };
}
