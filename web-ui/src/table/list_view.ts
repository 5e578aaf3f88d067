// A list that the node sorts, filters and cuts into pages, as the address asks for it.

import { useEffect } from "preact/hooks";
import { listPath, type Page } from "../api/streams";
import { LIST, useWatched, type Watched } from "../frame/watched";
import { route, setParams } from "../router";
import { readOrder, type Direction, type Order } from "./order";

/**
 * What a column sorts by: a field of the API, with a `-` where the column falls as the field rises,
 * and the order that a first click gives.
 */
export type SortFields<Key extends string> = Record<Key, readonly [field: string, Direction]>;

export interface ListView<Item> extends Watched<Page<Item>> {
  order: Order;
  query: string;
}

interface ListOptions<Item, Key extends string> {
  collection: string;
  read: (value: unknown) => Page<Item>;
  sorts: SortFields<Key>;
  initial: NoInfer<Key>;
  filters: Record<string, string>;
}

export function firstsOf<Key extends string>(sorts: SortFields<Key>): Record<Key, Direction> {
  const firsts = Object.entries<readonly [string, Direction]>(sorts).map(
    ([key, [, first]]) => [key, first] as const,
  );
  return Object.fromEntries(firsts) as Record<Key, Direction>;
}

/** Reads the address and keeps the page that it asks for up to date. */
export function useList<Item, Key extends string>({
  collection,
  read,
  sorts,
  initial,
  filters,
}: ListOptions<Item, Key>): ListView<Item> {
  const { params } = route.value;
  const order = readOrder(params, firstsOf(sorts), initial);
  const query = params.get("q") ?? "";
  const cursor = params.get("cursor") ?? "";
  const [field] = sorts[order.key];
  const sort = field.replace("-", "");
  const isDescending = (order.direction === "desc") !== field.startsWith("-");
  const path = listPath(collection, { sort, isDescending, query, cursor, filters });
  const watched = useWatched(path, read, LIST);
  // A place in a list that is no more: back to the start of what is.
  const isLost = cursor !== "" && watched.problem?.status === 400;
  useEffect(() => {
    if (isLost) setParams({ cursor: "" });
  }, [isLost]);
  return { ...watched, order, query };
}
