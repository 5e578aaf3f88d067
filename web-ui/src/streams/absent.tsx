// The nodes whose streams are not in the list, above it: what they had leaves it with them.

import { sortRows } from "../cluster/order";
import { isAlias, type Row } from "../cluster/rows";
import { liveRows } from "../cluster/store";
import { CELLS } from "../overview/cells";
import { linkTo } from "../router";
import { streamStrings } from "./strings";

const SHOWN_MAX = 5;

/** A node that drains still tells its numbers, but takes nobody any more. */
const isAbsent = (row: Row): boolean =>
  !row.isThisNode && !isAlias(row) && (row.freshness === "blank" || row.state === "draining");

/** Nothing while all are heard. */
export function Absent() {
  const absent = (liveRows.value ?? []).filter(isAbsent);
  if (absent.length === 0) return null;
  const shown = sortRows(absent, { key: "name", direction: "asc" }).slice(0, SHOWN_MAX);
  const rest = absent.length - shown.length;
  return (
    <div class="banner caution absent" role="group" aria-labelledby="absent">
      <p id="absent">
        <span aria-hidden="true">⚠</span> {streamStrings.absent(absent.length)}
      </p>
      <ul>
        {shown.map((row) => (
          <li key={row.key}>
            {CELLS.name(row)}
            {CELLS.state(row)}
          </li>
        ))}
        {rest > 0 && (
          <li>
            <a href={linkTo("")}>{streamStrings.moreAbsent(rest)}</a>
          </li>
        )}
      </ul>
    </div>
  );
}
