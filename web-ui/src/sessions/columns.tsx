// What stands in each column of a list of sessions.

import type { ComponentChild } from "preact";
import type { Session } from "../api/streams";
import { nowMs } from "../cluster/store";
import { formatBytes, formatDuration, formatInstant } from "../format";
import { folderLink, mayBeFile } from "../files/place";
import { Deed } from "../frame/deed";
import { linkTo } from "../router";
import { strings } from "../strings";
import { breakable, missing, numberCell } from "../table/cells";
import { firstsOf, type SortFields } from "../table/list_view";
import type { Column } from "../table/table";

/** What each column sorts by. */
export const SORTS = {
  address: ["ip", "asc"],
  stream: ["name", "asc"],
  protocol: ["proto", "asc"],
  bytes: ["bytes", "desc"],
  duration: ["-opened_at", "desc"],
  agent: ["user_agent", "asc"],
} satisfies SortFields<string>;

type Key = keyof typeof SORTS;

/** A component: it alone is drawn anew when the clock ticks. */
function Duration({ openedAtMs }: { openedAtMs: number }) {
  return (
    <span class="number" title={strings.startedAt(formatInstant(openedAtMs))}>
      {formatDuration((nowMs.value - openedAtMs) / 1000)}
    </span>
  );
}

const CELLS: Record<Exclude<Key, "stream">, (session: Session) => ComponentChild> = {
  address: ({ address }) => <span class="name-text">{address ?? missing}</span>,
  protocol: ({ protocol, type }) => (
    <>
      {strings.protocols[protocol ?? ""] ?? protocol ?? missing}
      {type === "publish" && <span class="tag">{strings.publishes}</span>}
    </>
  ),
  bytes: ({ bytes }) => numberCell(bytes, formatBytes),
  duration: ({ openedAtMs }) =>
    openedAtMs === null ? missing : <Duration openedAtMs={openedAtMs} />,
  agent: ({ userAgent }) =>
    userAgent === null ? (
      missing
    ) : (
      <span class="cut" title={userAgent}>
        {userAgent}
      </span>
    ),
};

const firsts = firstsOf(SORTS);

/** What is played: a stream, or a file of a collection; without a link while that is not known. */
function streamCell(stream: string | null, prefixes: readonly string[] | null): ComponentChild {
  if (stream === null) return missing;
  const text = breakable(stream);
  const isFile = mayBeFile(stream);
  if (isFile && !prefixes) return text;
  const folder = isFile && prefixes ? folderLink(stream, prefixes) : null;
  return <a href={folder ?? linkTo("streams", stream)}>{text}</a>;
}

/**
 * All columns, and the one with the button that ends a session. `prefixes` are those of the
 * collections of files, where they are known.
 */
export function columns(
  onEnd: (session: Session) => void,
  prefixes: readonly string[] | null = null,
): readonly Column<Session>[] {
  const keys = Object.keys(SORTS) as Key[];
  const cells = { ...CELLS, stream: ({ stream }: Session) => streamCell(stream, prefixes) };
  return [
    ...keys.map((key) => ({
      key,
      label: strings.sessionColumns[key],
      first: firsts[key],
      cell: cells[key],
    })),
    {
      key: "end",
      label: strings.sessionColumns.end,
      cell: (session) => (
        <Deed
          label={strings.endSessionOf(session.address ?? session.id)}
          onClick={() => onEnd(session)}
        >
          {strings.end}
        </Deed>
      ),
    },
  ];
}
