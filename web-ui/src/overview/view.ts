// Which rows are shown, and how: order and filter, as the address holds them.

import { FIRST_DIRECTIONS, filterRows, sortRows, type SortKey } from "../cluster/order";
import { rows } from "../cluster/store";
import type { Row } from "../cluster/rows";
import { route } from "../router";
import { strings } from "../strings";
import { readOrder, type Order } from "../table/order";

export interface View {
  order: Order<SortKey>;
  query: string;
  all: number;
  shown: Row[];
}

/** Reads signals: a component that calls it is drawn again when rows or address change. */
export function readView(): View {
  const all = rows.value ?? [];
  const { params } = route.value;
  const order = readOrder(params, FIRST_DIRECTIONS, "state");
  const query = params.get("q") ?? "";
  const matching = filterRows(all, query, (state) => strings.states[state].word, strings.thisNode);
  return { order, query, all: all.length, shown: sortRows(matching, order) };
}
