// The table of nodes. Below 640 px the style sheet shows each row as a card; the roles are
// written out because a table that is laid out otherwise loses its own.

import { useEffect, useState } from "preact/hooks";
import { SORT_KEYS, firstDirection, type Order, type SortKey } from "../cluster/order";
import type { Row } from "../cluster/rows";
import { strings } from "../strings";
import { CELLS } from "./cells";
import { setOrder, setQuery, type View } from "./view";

function nextOrder(order: Order, key: SortKey): Order {
  if (order.key !== key) return { key, direction: firstDirection(key) };
  return { key, direction: order.direction === "asc" ? "desc" : "asc" };
}

/** The head while there is nothing to sort yet. */
export function InertHead() {
  return (
    <thead>
      <tr>
        {SORT_KEYS.map((column) => (
          <th key={column} class={`col-${column}`}>
            {strings.columns[column]}
          </th>
        ))}
      </tr>
    </thead>
  );
}

function HeadCell({ column, order }: { column: SortKey; order: Order }) {
  const isSorted = order.key === column;
  const ariaSort = order.direction === "asc" ? ("ascending" as const) : ("descending" as const);
  return (
    <th
      scope="col"
      role="columnheader"
      class={`col-${column}`}
      {...(isSorted ? { "aria-sort": ariaSort } : {})}
    >
      <button
        type="button"
        title={strings.columnHelp[column]}
        onClick={() => setOrder(nextOrder(order, column))}
      >
        {strings.columns[column]}
        <span class="arrow" aria-hidden="true">
          {isSorted ? (order.direction === "asc" ? "▲" : "▼") : ""}
        </span>
      </button>
    </th>
  );
}

function TableHead({ order }: { order: Order }) {
  return (
    <thead role="rowgroup">
      <tr role="row">
        {SORT_KEYS.map((column) => (
          <HeadCell key={column} column={column} order={order} />
        ))}
      </tr>
    </thead>
  );
}

function NodeRow({ row }: { row: Row }) {
  return (
    <tr role="row" class={`${row.freshness}${row.isThisNode ? " own" : ""}`}>
      {SORT_KEYS.map((column) =>
        column === "name" ? (
          <th key={column} scope="row" role="rowheader" class="col-name">
            {CELLS[column](row)}
          </th>
        ) : (
          <td key={column} role="cell" class={`col-${column}`} data-label={strings.columns[column]}>
            {CELLS[column](row)}
          </td>
        ),
      )}
    </tr>
  );
}

function NoMatch({ query }: { query: string }) {
  return (
    <div class="panel">
      <p>{strings.noMatch(query)}</p>
      <button type="button" onClick={() => setQuery("")}>
        {strings.clearFilter}
      </button>
    </div>
  );
}

/** Rows drawn in one go when the table appears; hundreds at once would block the page. */
const ROWS_A_FRAME = 40;

/** How many rows to draw now: a batch more each frame until it is all of them. */
function useRowBudget(wanted: number): number {
  const [budget, setBudget] = useState(ROWS_A_FRAME);
  useEffect(() => {
    if (budget >= wanted) return;
    const frame = requestAnimationFrame(() => setBudget(budget + ROWS_A_FRAME));
    return () => cancelAnimationFrame(frame);
  }, [budget, wanted]);
  return budget;
}

export function NodeTable({ view }: { view: View }) {
  const budget = useRowBudget(view.shown.length);
  if (view.shown.length === 0) return <NoMatch query={view.query} />;
  return (
    <div class="scroll" role="region" tabIndex={0} aria-label={strings.tableCaption}>
      <table role="table">
        <caption class="hidden">{strings.tableCaption}</caption>
        <TableHead order={view.order} />
        <tbody role="rowgroup">
          {view.shown.slice(0, budget).map((row) => (
            <NodeRow key={row.key} row={row} />
          ))}
        </tbody>
      </table>
    </div>
  );
}
