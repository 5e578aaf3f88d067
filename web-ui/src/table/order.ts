// The order of a table, as the address holds it: `?sort=cpu&dir=desc`. Pure.

export type Direction = "asc" | "desc";

export interface Order<Key extends string = string> {
  key: Key;
  direction: Direction;
}

/** For each column that sorts, the order that a first click on it gives. */
export type FirstDirections<Key extends string = string> = Partial<Record<Key, Direction>>;

/** Reads `sort` and `dir`; what is not known is `initial`, or the column's first direction. */
export function readOrder<Key extends string>(
  params: URLSearchParams,
  firsts: FirstDirections<Key>,
  initial: NoInfer<Key>,
): Order<Key> {
  const asked = params.get("sort") ?? "";
  const key = Object.hasOwn(firsts, asked) ? (asked as Key) : initial;
  const direction = params.get("dir");
  const isKnown = direction === "asc" || direction === "desc";
  return { key, direction: isKnown ? direction : (firsts[key] ?? "asc") };
}

export function flipped(direction: Direction): Direction {
  return direction === "asc" ? "desc" : "asc";
}
