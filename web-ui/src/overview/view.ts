// Which rows are shown, and how: order and filter, as the address holds them.

import { filterRows, readOrder, sortRows, type Order } from "../cluster/order";
import { rows } from "../cluster/store";
import type { Row } from "../cluster/rows";
import { route, setParams } from "../router";
import { strings } from "../strings";

export interface View {
  order: Order;
  query: string;
  all: number;
  shown: Row[];
}

/** Reads signals: a component that calls it is drawn again when rows or address change. */
export function readView(): View {
  const all = rows.value ?? [];
  const { params } = route.value;
  const order = readOrder(params);
  const query = params.get("q") ?? "";
  const matching = filterRows(all, query, (state) => strings.states[state].word, strings.thisNode);
  return { order, query, all: all.length, shown: sortRows(matching, order) };
}

export function setOrder({ key, direction }: Order): void {
  setParams({ sort: key, dir: direction });
}

export function setQuery(query: string): void {
  setParams({ q: query });
}
