// Which rows to draw now where many are new or have moved: a batch a frame, so that no task is
// long. Rows that are drawn stay until their turn comes, with their newest numbers. Pure.

/**
 * The rows of `wanted` to draw next after those with the keys `drawn`: in order from the top as
 * far as `changesMax` rows that appear or move allow, then what is drawn already.
 */
export function nextRows<Row>(
  drawn: readonly string[],
  wanted: readonly Row[],
  keyOf: (row: Row) => string,
  changesMax: number,
): Row[] {
  const left = new Map(wanted.map((row) => [keyOf(row), row]));
  const waiting = drawn.filter((key) => left.has(key));
  const next: Row[] = [];
  let place = 0;
  let changes = 0;
  for (const row of wanted) {
    const key = keyOf(row);
    while (place < waiting.length && !left.has(waiting[place] ?? "")) place++;
    if (waiting[place] !== key && ++changes > changesMax) break;
    left.delete(key);
    next.push(row);
  }
  for (const key of waiting) {
    const row = left.get(key);
    if (row !== undefined) next.push(row);
  }
  return next;
}
