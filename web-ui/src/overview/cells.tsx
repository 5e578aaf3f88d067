// What stands in each column of a row. A number that is missing is a dash, never a zero.

import type { ComponentChild } from "preact";
import { sparkline } from "../cluster/history";
import { FIRST_DIRECTIONS, SORT_KEYS, type SortKey } from "../cluster/order";
import { isAlias, type Row } from "../cluster/rows";
import { history, isPaused, lastDataMs, nowMs } from "../cluster/store";
import * as format from "../format";
import { linkTo } from "../router";
import { strings } from "../strings";
import { badge, breakable, countCell, missing } from "../table/cells";
import type { Column } from "../table/table";

/** Plain functions, not components: thousands of them are drawn each second. */
type Cell = (row: Row) => ComponentChild;

const nameCell: Cell = (row) => (
  <span class="name" title={row.apiUrl ?? undefined}>
    {row.isThisNode ? (
      <span class="name-text">{breakable(row.name)}</span>
    ) : (
      <a class="name-text" href={linkTo("peers", row.name)}>
        {breakable(row.name)}
      </a>
    )}
    {row.isThisNode && <span class="tag">{strings.thisNode}</span>}
  </span>
);

const AGE_WORTH_SHOWING_MS = 2000;

/** Time since its last answer, counted on between two of ours; null: it never answered. */
export function currentAgeMs(row: Row): number | null {
  if (row.ageMs === null) return null;
  const since = isPaused.value || lastDataMs.value === null ? 0 : nowMs.value - lastDataMs.value;
  return row.ageMs + Math.max(0, since);
}

/** `last seen 14s ago`. */
function ageText(row: Row): string | null {
  if (row.freshness === "fresh" || isAlias(row)) return null;
  const age = currentAgeMs(row);
  if (age === null) return row.state === "down" ? strings.neverSeen : null;
  return age < AGE_WORTH_SHOWING_MS ? null : strings.lastSeen(format.formatDuration(age / 1000));
}

const CLOCK_WORTH_SHOWING_MS = 1000;

function clockText(row: Row): string | null {
  const offset = row.clockOffsetMs;
  if (offset === null || Math.abs(offset) < CLOCK_WORTH_SHOWING_MS) return null;
  return strings.clockOff(format.formatDuration(Math.abs(offset) / 1000), offset > 0);
}

/** A component: it alone is drawn anew when the clock ticks. */
function Times({ row }: { row: Row }) {
  const times = [ageText(row), clockText(row)].filter(Boolean).join(" · ");
  return times ? <span class="times">{times}</span> : null;
}

const stateCell: Cell = (row) => (
  <span class="state">
    {badge(row.state, strings.states[row.state])}
    <span class="details">
      {row.reason && (
        <span class="reason" title={row.reason}>
          {row.reason}
        </span>
      )}
      <Times row={row} />
    </span>
  </span>
);

/**
 * A percentage with its bar; the level is also told in words. `limit` is set by the operator and
 * shown as a mark on the bar.
 */
function meter(
  value: number | null,
  thresholds: format.Thresholds,
  limit: number | null = null,
): ComponentChild {
  if (value === null) return missing;
  const level = format.levelOf(value, thresholds);
  const filled = Math.min(100, Math.max(0, value));
  return (
    <span class={`meter ${level}`} title={limit === null ? undefined : strings.cpuLimit(limit)}>
      <span class="number">
        {format.formatPercent(value)}
        {level !== "ok" && <span class="hidden"> {strings.levels[level]}</span>}
        {level !== "ok" && <span aria-hidden="true"> {level === "warn" ? "▴" : "▲"}</span>}
      </span>
      <span
        class={limit === null ? "track" : "track limited"}
        style={{ "--filled": `${filled}%`, ...(limit !== null && { "--limit": `${limit}%` }) }}
        aria-hidden="true"
      />
    </span>
  );
}

const cpuCell: Cell = (row) =>
  meter(row.stats.cpuPercent, format.cpuThresholds(row.cpuLimit), row.cpuLimit);

const memoryCell: Cell = (row) => meter(row.stats.memoryPercent, format.MEMORY_THRESHOLDS);

const networkCell: Cell = (row) =>
  row.stats.networkPercent === null && row.freshness !== "blank" ? (
    <abbr class="missing" title={strings.noLinkSpeedHint}>
      {strings.noLinkSpeed}
    </abbr>
  ) : (
    meter(row.stats.networkPercent, format.NETWORK_THRESHOLDS)
  );

/** `HLS 12, RTSP 3` */
const clientsCell: Cell = ({ stats: { clients, clientsByProtocol } }) => {
  const counts = Object.entries(clientsByProtocol).map(
    ([protocol, count]) =>
      `${strings.protocols[protocol] ?? protocol} ${format.formatCount(count)}`,
  );
  return <span title={counts.join(", ") || undefined}>{countCell(clients)}</span>;
};

const streamsCell: Cell = (row) => {
  const { streams, streamsOnline } = row.stats;
  const limit = row.channelLimit;
  const isFull = streams !== null && limit !== null && streams >= limit;
  const hints = [
    streamsOnline !== null && strings.onlineDetail(format.formatCount(streamsOnline)),
    isFull && strings.atLimit,
  ];
  return (
    <span
      class={isFull ? "captured warn" : "captured"}
      title={hints.filter(Boolean).join(". ") || undefined}
    >
      {countCell(streams)}
      {streams !== null && limit !== null && <span class="of"> {strings.ofLimit(limit)}</span>}
      {isFull && <span aria-hidden="true"> ▴</span>}
      {isFull && <span class="hidden"> {strings.atLimit}</span>}
    </span>
  );
};

const outputCell: Cell = (row) => {
  const { outputKbit, inputKbit } = row.stats;
  if (outputKbit === null) return missing;
  const output = format.formatBitrate(outputKbit);
  return (
    <span class="output" title={strings.outputDetail(output, format.formatBitrate(inputKbit))}>
      <svg class="spark" viewBox="0 0 60 18" aria-hidden="true">
        <path class="base" d="M0 17.5H60" />
        <path class="line" d={sparkline(history.of(row.key), 60, 17)} />
      </svg>
      <span class="number">{output}</span>
    </span>
  );
};

const JUST_STARTED_S = 60;

const uptimeCell: Cell = (row) => {
  const { uptimeSeconds, startedAtSeconds } = row.stats;
  if (uptimeSeconds === null) return missing;
  const started = startedAtSeconds === null ? null : format.formatInstant(startedAtSeconds * 1000);
  return (
    <span class="number" title={started === null ? undefined : strings.startedAt(started)}>
      {format.formatDuration(uptimeSeconds)}
      {uptimeSeconds < JUST_STARTED_S && <span class="below"> {strings.justStarted}</span>}
    </span>
  );
};

const versionCell: Cell = (row) => (
  <span class="version" title={row.stats.version ?? undefined}>
    {row.stats.version ?? missing}
    {row.versionDiffers && <span class="below caution"> ≠ {strings.differs}</span>}
  </span>
);

export const CELLS: Record<SortKey, Cell> = {
  name: nameCell,
  state: stateCell,
  cpu: cpuCell,
  memory: memoryCell,
  clients: clientsCell,
  streams: streamsCell,
  output: outputCell,
  network: networkCell,
  uptime: uptimeCell,
  version: versionCell,
};

export const COLUMNS: readonly Column<Row, SortKey>[] = SORT_KEYS.map((key) => ({
  key,
  label: strings.columns[key],
  help: strings.columnHelp[key],
  first: FIRST_DIRECTIONS[key],
  cell: CELLS[key],
}));
