// How long ago something was by the clock of the node that tells of it.

import { nodeNowMs } from "../cluster/store";
import { formatDuration } from "../format";
import { strings } from "../strings";

export function ago(atMs: number): string {
  return strings.ago(formatDuration((nodeNowMs.value - atMs) / 1000));
}
