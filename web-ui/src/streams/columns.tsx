// What stands in each column of the list of streams.

import type { ComponentChild } from "preact";
import type { Stream, StreamState } from "../api/streams";
import { formatBitrate, formatDuration, formatInstant } from "../format";
import { linkTo } from "../router";
import { strings } from "../strings";
import { badge, breakable, countCell, missing, numberCell } from "../table/cells";
import { firstsOf, type SortFields } from "../table/list_view";
import type { SymbolName } from "../table/symbol";
import type { Column } from "../table/table";
import { Picture } from "./picture";
import { isLetIn } from "./previews";
import { streamStrings } from "./strings";

const SYMBOLS: Record<StreamState, SymbolName> = {
  running: "up",
  silent: "late",
  waiting: "unknown",
  error: "down",
  unknown: "unknown",
};

/** What each column sorts by. */
export const SORTS = {
  name: ["name", "asc"],
  state: ["stats.status", "asc"],
  where: ["stats.held_by", "asc"],
  clients: ["stats.online_clients", "desc"],
  bitrate: ["stats.bitrate", "desc"],
  input: ["inputs", "asc"],
  lifetime: ["stats.lifetime", "desc"],
} satisfies SortFields<string>;

type Key = keyof typeof SORTS;

export const stateBadge = (state: StreamState): ComponentChild =>
  badge(SYMBOLS[state], strings.streamStates[state]);

/** Where it runs; of one that does not, whose it is. */
export function places({ runningOn, heldBy, state }: Stream): ComponentChild {
  if (runningOn.length > 0) return breakable(runningOn.join(", "));
  if (heldBy.length === 0) return missing;
  const words = state === "error" ? streamStrings.failsOn : streamStrings.canStartOn;
  return <span class="note">{breakable(words(heldBy.join(", ")))}</span>;
}

export function lifetime({ lifetimeMs, openedAtMs }: Stream): ComponentChild {
  if (lifetimeMs === null) return missing;
  const title = openedAtMs === null ? undefined : strings.startedAt(formatInstant(openedAtMs));
  return (
    <span class="number" title={title}>
      {formatDuration(lifetimeMs / 1000)}
    </span>
  );
}

const isPictured = ({ state, runningOn }: Stream): boolean =>
  state === "running" && isLetIn(runningOn);

function nameCell(stream: Stream): ComponentChild {
  const { name, title } = stream;
  return (
    <span class="name">
      {isPictured(stream) ? <Picture name={name} /> : <span class="picture" />}
      <span>
        <a class="name-text" href={linkTo("streams", name)}>
          {breakable(name)}
        </a>
        {title && <span class="below cut">{title}</span>}
      </span>
    </span>
  );
}

function stateCell({ state, error, namedBy }: Stream): ComponentChild {
  return (
    <span class="state">
      {stateBadge(state)}
      {error && state !== "running" && (
        <span class="details">
          <span class="reason" title={error}>
            {error}
          </span>
        </span>
      )}
      {namedBy === "user" && <span class="tag">{strings.published}</span>}
    </span>
  );
}

function inputCell({ inputs, namedBy }: Stream): ComponentChild {
  const [first, ...others] = inputs;
  if (!first) {
    return namedBy === "remote" ? <span class="missing">{strings.remoteInput}</span> : missing;
  }
  return (
    <span class="cut" title={inputs.map(({ url }) => url).join("\n")}>
      {first.url}
      {others.length > 0 && ` ${strings.moreInputs(others.length)}`}
    </span>
  );
}

const CELLS: Record<Key, (stream: Stream) => ComponentChild> = {
  name: nameCell,
  state: stateCell,
  where: places,
  clients: ({ clients }) => countCell(clients),
  bitrate: ({ bitrateKbit, state }) =>
    state === "running" ? numberCell(bitrateKbit, formatBitrate) : missing,
  input: inputCell,
  lifetime,
};

const firsts = firstsOf(SORTS);

export const COLUMNS: readonly Column<Stream, Key>[] = (Object.keys(SORTS) as Key[]).map((key) => ({
  key,
  label: strings.streamColumns[key],
  help: strings.streamColumnHelp[key],
  first: firsts[key],
  cell: CELLS[key],
}));
