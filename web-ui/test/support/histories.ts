// The last hour of a peer in the shape of the API's answer, with an outage and missing numbers.

import type { Script } from "./mock_node";

type Fields = Record<string, unknown>;

const STEP_MS = 10_000;
const SAMPLES = 360;
/** Samples of the outage. */
const OUTAGE = { from: 200, to: 245 };

/** Up but for a few minutes; memory is not told in the first quarter. */
export function history(nowMs = Date.now()): Fields {
  const samples = Array.from({ length: SAMPLES }, (_, index) => {
    const at = nowMs - (SAMPLES - 1 - index) * STEP_MS;
    if (index >= OUTAGE.from && index < OUTAGE.to) return { at, ...SILENT };
    return {
      at,
      cpu_usage: 30 + 25 * Math.sin(index / 17) + (index % 7),
      memory_usage: index < SAMPLES / 4 ? null : 38 + index / 30,
      output_kbit: Math.round(1_800_000 + 900_000 * Math.sin(index / 40)),
      total_clients: Math.round(400 + 90 * Math.sin(index / 40)),
      fetch_ms: index % 50 === 3 ? 180 : 3 + (index % 4),
    };
  });
  const at = (index: number): number => nowMs - (SAMPLES - 1 - index) * STEP_MS;
  const changes = [
    { at: at(-300), state: "unknown", reason: null },
    { at: at(-299), state: "up", reason: null },
    { at: at(OUTAGE.from), state: "late", reason: "timed out after 1 s" },
    { at: at(OUTAGE.from + 1), state: "down", reason: "connection refused" },
    { at: at(OUTAGE.to), state: "up", reason: null },
  ];
  return { step_ms: STEP_MS, samples, changes };
}

const SILENT: Fields = {
  cpu_usage: null,
  memory_usage: null,
  output_kbit: null,
  total_clients: null,
  fetch_ms: null,
};

/** `api`, and a history of each peer. */
export const remembering =
  (api: Script, told: () => Fields = history): Script =>
  (path, request, body) =>
    path.startsWith("cluster/peers/") && path.endsWith("/history")
      ? { body: told() }
      : api(path, request, body);
