// A table whose columns sort. Up to 900 px the style sheet shows each row as a card; the roles are
// written out because a table that is laid out otherwise loses its own.

import type { ComponentChild } from "preact";
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { Waiting } from "../frame/notices";
import { strings } from "../strings";
import { nextRows } from "./batches";
import { flipped, type Direction, type Order } from "./order";
import { setOrder } from "./view";

/**
 * `cell` is a plain function, no component: thousands of them are drawn each second. It tells of
 * its row alone; what changes without the row is a component within.
 */
export interface Column<Row, Key extends string = string> {
  key: Key;
  label: string;
  help?: string;
  /** The order that a first click gives; a column without one does not sort. */
  first?: Direction;
  cell: (row: Row) => ComponentChild;
}

function nextOrder(order: Order, { key, first = "asc" }: Column<never>): Order {
  return { key, direction: order.key === key ? flipped(order.direction) : first };
}

function HeadCell({ column, order }: { column: Column<never>; order: Order | undefined }) {
  const { key, label, help } = column;
  const isSorted = order?.key === key;
  const ariaSort = order?.direction === "asc" ? ("ascending" as const) : ("descending" as const);
  return (
    <th
      scope="col"
      role="columnheader"
      class={`col-${key}`}
      {...(isSorted ? { "aria-sort": ariaSort } : {})}
    >
      {order && column.first ? (
        <button type="button" title={help} onClick={() => setOrder(nextOrder(order, column))}>
          {label}
          <span class="arrow" aria-hidden="true">
            {isSorted ? (order.direction === "asc" ? "▲" : "▼") : ""}
          </span>
        </button>
      ) : (
        <span title={help}>{label}</span>
      )}
    </th>
  );
}

interface HeadProps {
  columns: readonly Column<never>[];
  order?: Order | undefined;
}

function Head({ columns, order }: HeadProps) {
  return (
    <thead role="rowgroup">
      <tr role="row">
        {columns.map((column) => (
          <HeadCell key={column.key} column={column} order={order} />
        ))}
      </tr>
    </thead>
  );
}

const SKELETON_ROWS = [1, 2, 3];

/** The table's head with empty rows. */
export function Loading({ columns, name }: { columns: readonly Column<never>[]; name: string }) {
  return (
    <div class="scroll" aria-busy="true">
      <Waiting />
      <table class={name} aria-hidden="true">
        <Head columns={columns} />
        <tbody>
          {SKELETON_ROWS.map((row) => (
            <tr key={row} class="skeleton">
              {columns.map(({ key }) => (
                <td key={key} class={`col-${key}`}>
                  <span />
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** Rows that appear or move in one go; hundreds at once would block the page. */
const CHANGES_A_FRAME = 20;

/** The rows to draw now: a batch more of `wanted` each frame until they are all of them. */
function useBatches<Row>(wanted: readonly Row[], keyOf: (row: Row) => string): Row[] {
  const drawn = useRef<string[]>([]);
  const [, drawOn] = useState({});
  const rows = nextRows(drawn.current, wanted, keyOf, CHANGES_A_FRAME);
  useLayoutEffect(() => {
    drawn.current = rows.map(keyOf);
  });
  useEffect(() => {
    if (rows.length === wanted.length && rows.every((row, index) => row === wanted[index])) return;
    const frame = requestAnimationFrame(() => drawOn({}));
    return () => cancelAnimationFrame(frame);
  });
  return rows;
}

export interface TableProps<Row extends object> {
  /** Of the style sheet: the widths of the columns. */
  name: string;
  caption: string;
  /** The first is the header of its row. */
  columns: readonly Column<Row>[];
  rows: readonly Row[];
  keyOf: (row: Row) => string;
  classOf?: (row: Row) => string;
  /** Without one, no column sorts. */
  order?: Order;
}

/** Draws each row object once: in most frames of a change most rows are the same. */
function useDrawn<Row extends object>({ columns, keyOf, classOf }: TableProps<Row>) {
  const drawn = useMemo(() => new WeakMap<Row, ComponentChild>(), [columns]);
  return (row: Row): ComponentChild => {
    const known = drawn.get(row);
    if (known) return known;
    const fresh = (
      <tr key={keyOf(row)} role="row" class={classOf?.(row)}>
        {columns.map(({ key, label, cell }, index) =>
          index === 0 ? (
            <th key={key} scope="row" role="rowheader" class={`col-${key}`}>
              {cell(row)}
            </th>
          ) : (
            <td key={key} role="cell" class={`col-${key}`} data-label={label}>
              {cell(row)}
            </td>
          ),
        )}
      </tr>
    );
    drawn.set(row, fresh);
    return fresh;
  };
}

export function Table<Row extends object>(props: TableProps<Row>) {
  const { name, caption, columns, rows, keyOf, order } = props;
  const drawOnce = useDrawn(props);
  return (
    <div class="scroll" role="region" tabIndex={0} aria-label={caption}>
      <table role="table" class={name}>
        <caption class="hidden">{caption}</caption>
        <Head columns={columns} order={order} />
        <tbody role="rowgroup">{useBatches(rows, keyOf).map(drawOnce)}</tbody>
      </table>
    </div>
  );
}

/** In place of the rows where a filter leaves none. */
export function NoMatch({ text, onClear }: { text: string; onClear: () => void }) {
  return (
    <div class="panel">
      <p>{text}</p>
      <button type="button" onClick={onClear}>
        {strings.clearFilter}
      </button>
    </div>
  );
}
