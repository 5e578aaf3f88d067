// How long ago something was by the clock of the node that tells of it.

import { nodeNowMs } from "../cluster/store";
import { formatDuration } from "../format";
import { strings } from "../strings";

export function ago(atMs: number): string {
  return strings.ago(formatDuration((nodeNowMs.value - atMs) / 1000));
}

/** The same in a cell of a table, which is drawn once a row: on its own it keeps up. */
export function Ago({ atMs }: { atMs: number }) {
  return <span class="below">{ago(atMs)}</span>;
}
