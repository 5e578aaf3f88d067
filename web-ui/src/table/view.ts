// What a person chose for a table, kept in the address: order, filters, place in the list.

import { setParams } from "../router";
import type { Order } from "./order";

export function setOrder({ key, direction }: Order): void {
  setParams({ sort: key, dir: direction, cursor: "" });
}

/** Sets a filter (`q`, `state`, …); the list then begins at its start again. */
export function setFilter(name: string, value: string): void {
  setParams({ [name]: value, cursor: "" });
}
