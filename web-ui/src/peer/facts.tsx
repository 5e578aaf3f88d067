// What this node last heard from a peer, as the overview knows it.

import type { ComponentChild } from "preact";
import type { PeerHistory } from "../api/history";
import type { SortKey } from "../cluster/order";
import { peerRow } from "../cluster/store";
import { formatCount, formatDuration } from "../format";
import { CELLS, currentAgeMs } from "../overview/cells";
import { strings } from "../strings";
import { ago } from "./ago";
import { formatMs } from "./history";
import { peerStrings } from "./strings";

const NUMBERS: readonly SortKey[] = [
  "cpu",
  "memory",
  "clients",
  "streams",
  "output",
  "network",
  "uptime",
  "version",
];

function Fact({ label, children }: { label: string; children: ComponentChild }) {
  return (
    <div>
      <dt>{label}</dt>
      <dd>{children}</dd>
    </div>
  );
}

/** The newest reason for a change; what keeps the peer from being up now stands with its state. */
function lastError({ changes }: PeerHistory): string {
  const failed = changes.find(({ reason }) => reason !== null);
  return failed?.reason ? peerStrings.errorAt(failed.reason, ago(failed.atMs)) : peerStrings.none;
}

interface FactsProps {
  hostname: string;
  history: PeerHistory | null;
}

export function PeerFacts({ hostname, history }: FactsProps) {
  const row = peerRow(hostname);
  if (!row) return null;
  const age = currentAgeMs(row);
  const offset = row.clockOffsetMs;
  return (
    <section class={`panel facts ${row.freshness}`} aria-labelledby="facts">
      <h2 id="facts">{strings.factsTitle}</h2>
      <dl>
        <Fact label={strings.columns.state}>{CELLS.state(row)}</Fact>
        <Fact label={strings.lastAnswer}>
          {age === null ? strings.never : strings.ago(formatDuration(age / 1000))}
        </Fact>
        <Fact label={strings.clock}>
          {offset === null
            ? strings.notKnown
            : strings.offset(`${formatCount(Math.abs(offset))} ms`, offset >= 0)}
        </Fact>
        {history && (
          <>
            <Fact label={peerStrings.fetch}>
              {formatMs(history.samples.at(-1)?.fetchMs ?? null)}
            </Fact>
            <Fact label={peerStrings.lastError}>{lastError(history)}</Fact>
          </>
        )}
        {NUMBERS.map((column) => (
          <Fact key={column} label={strings.columns[column]}>
            {CELLS[column](row)}
          </Fact>
        ))}
      </dl>
    </section>
  );
}
