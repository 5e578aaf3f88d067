// Numbers over time, as charts draw them and as words sum them up. Pure.

/** One moment: a value a line, null where it is not known. */
export interface Sample {
  atMs: number;
  values: readonly (number | null)[];
}

/** What is drawn: the times, then the values of each line. */
export type Columns = [number[], ...(number | null)[][]];

/** `samples`, by time, as columns; where more than `gapMs` lies between two, no line joins them. */
export function columns(samples: readonly Sample[], lines: number, gapMs: number): Columns {
  const times: number[] = [];
  const values: (number | null)[][] = Array.from({ length: lines }, () => []);
  const push = (atMs: number, at: (line: number) => number | null): void => {
    times.push(atMs);
    values.forEach((column, line) => column.push(at(line)));
  };
  let beforeMs = Infinity;
  for (const { atMs, values: known } of samples) {
    if (atMs - beforeMs > gapMs) push((beforeMs + atMs) / 2, () => null);
    push(atMs, (line) => known[line] ?? null);
    beforeMs = atMs;
  }
  return [times, ...values];
}

export interface Summary {
  last: number | null;
  least: number | null;
  most: number | null;
}

/** What one line comes to. `last` is not known where the last sample does not know it. */
export function summary(values: readonly (number | null)[]): Summary {
  const known = values.filter((value) => value !== null);
  return {
    last: values.at(-1) ?? null,
    least: known.length > 0 ? Math.min(...known) : null,
    most: known.length > 0 ? Math.max(...known) : null,
  };
}

/** `before` and the `sample`, if it is a new one; of the newest `max`. */
export function recorded(
  before: readonly Sample[],
  sample: Sample,
  max: number,
): readonly Sample[] {
  const lastMs = before.at(-1)?.atMs ?? -Infinity;
  return sample.atMs > lastMs ? [...before, sample].slice(-max) : before;
}
