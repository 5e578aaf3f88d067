// The last hour of a peer, as this node saw it: charts, and how its state has changed.

import type { PeerHistory, PeerSample, StateChange } from "../api/history";
import { Chart } from "../chart/chart";
import type { Sample } from "../chart/samples";
import { nodeNowMs } from "../cluster/store";
import { MISSING, formatBitrate, formatCount, formatInstant, formatPercent } from "../format";
import { Waiting, describe } from "../frame/notices";
import type { Watched } from "../frame/watched";
import { strings } from "../strings";
import { badge, missing } from "../table/cells";
import { Table, type Column } from "../table/table";
import { Ago } from "./ago";
import { peerStrings } from "./strings";

const HOUR_MS = 3_600_000;

export const formatMs = (ms: number | null): string =>
  ms === null ? MISSING : peerStrings.milliseconds(formatCount(ms));

interface Figure {
  title: string;
  lines: Record<string, (sample: PeerSample) => number | null>;
  format: (value: number | null) => string;
  max?: number;
}

const FIGURES: readonly Figure[] = [
  {
    title: peerStrings.loads,
    lines: {
      [peerStrings.cpu]: ({ cpuPercent }) => cpuPercent,
      [peerStrings.memory]: ({ memoryPercent }) => memoryPercent,
    },
    format: formatPercent,
    max: 100,
  },
  {
    title: peerStrings.output,
    lines: { [peerStrings.output]: ({ outputKbit }) => outputKbit },
    format: formatBitrate,
  },
  {
    title: peerStrings.clients,
    lines: { [peerStrings.clients]: ({ clients }) => clients },
    format: formatCount,
  },
  {
    title: peerStrings.fetch,
    lines: { [peerStrings.fetch]: ({ fetchMs }) => fetchMs },
    format: formatMs,
  },
];

function Charts({ history: { samples, stepMs } }: { history: PeerHistory }) {
  const toMs = Math.max(samples.at(-1)?.atMs ?? 0, nodeNowMs.peek());
  return (
    <div class="charts">
      {FIGURES.map(({ lines, ...figure }) => (
        <Chart
          key={figure.title}
          {...figure}
          lines={Object.keys(lines)}
          samples={samples.map((sample): Sample => ({
            atMs: sample.atMs,
            values: Object.values(lines).map((pick) => pick(sample)),
          }))}
          gapMs={1.5 * stepMs}
          fromMs={toMs - HOUR_MS}
          toMs={toMs}
        />
      ))}
    </div>
  );
}

const COLUMNS: readonly Column<StateChange>[] = [
  {
    key: "at",
    label: peerStrings.changeColumns.at,
    cell: ({ atMs }) => (
      <span class="number">
        {formatInstant(atMs)} <Ago atMs={atMs} />
      </span>
    ),
  },
  {
    key: "state",
    label: peerStrings.changeColumns.state,
    cell: ({ state }) => badge(state, strings.states[state]),
  },
  {
    key: "reason",
    label: peerStrings.changeColumns.reason,
    cell: ({ reason }) => reason ?? missing,
  },
];

function Changes({ changes }: PeerHistory) {
  return (
    <section>
      <h2>{peerStrings.changes}</h2>
      {changes.length === 0 ? (
        <p class="note">{peerStrings.noChanges}</p>
      ) : (
        <Table
          name="changes"
          caption={peerStrings.changes}
          columns={COLUMNS}
          rows={changes}
          keyOf={({ atMs, state }) => `${atMs} ${state}`}
        />
      )}
    </section>
  );
}

/** Why there is nothing to draw, if so. */
function Missing({ watched: { value, problem } }: { watched: Watched<PeerHistory> }) {
  if (value) return <p class="note">{peerStrings.noSamples}</p>;
  if (!problem) return <Waiting />;
  const isNone = problem.status === 404;
  return (
    <p class="note">
      {isNone ? peerStrings.noHistory : peerStrings.historyFailed(describe(problem))}
    </p>
  );
}

export function History({ watched }: { watched: Watched<PeerHistory> }) {
  const { value } = watched;
  const isEmpty = !value || value.samples.length === 0;
  return (
    <>
      <section>
        <h2>{peerStrings.history}</h2>
        {isEmpty ? <Missing watched={watched} /> : <Charts history={value} />}
      </section>
      {value && <Changes {...value} />}
    </>
  );
}
