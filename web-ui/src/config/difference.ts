// How two texts differ by lines, and how two changes of one text go together. Pure.

/** The lines `[from, to)` of a text become `lines`. */
export interface Change {
  from: number;
  to: number;
  lines: readonly string[];
}

/** What two people made of the lines `[from, to)`; null: left as they were. */
export interface Region {
  from: number;
  to: number;
  mine: readonly string[] | null;
  theirs: readonly string[] | null;
}

type Lines = readonly string[];

/** With more edits than this, all that lies between the first and the last is one change. */
const EDITS_MAX = 1000;

/**
 * The changes that turn `before` into `after`, in order, and few of them.
 *
 * Source: E. Myers, "An O(ND) Difference Algorithm and Its Variations" (1986), figure 2.
 */
export function changesOf(before: Lines, after: Lines): Change[] {
  const shorter = Math.min(before.length, after.length);
  let head = 0;
  while (head < shorter && before[head] === after[head]) head++;
  let tail = 0;
  while (tail < shorter - head && before.at(-1 - tail) === after.at(-1 - tail)) tail++;
  const a = before.slice(head, before.length - tail);
  const b = after.slice(head, after.length - tail);
  if (a.length === 0 && b.length === 0) return [];
  const steps = a.length > 0 && b.length > 0 ? edits(a, b) : null;
  const found = steps ? joined(steps, b) : [{ from: 0, to: a.length, lines: b }];
  return found.map(({ from, to, lines }) => ({ from: from + head, to: to + head, lines }));
}

/** A line of `a` that goes, or a line of `b` that comes before the line `x` of `a`. */
interface Step {
  x: number;
  y: number;
  isGone: boolean;
}

/** The least edits from `a` to `b`; null where that takes too many. */
function edits(a: Lines, b: Lines): Step[] | null {
  const max = Math.min(a.length + b.length, EDITS_MAX);
  const reach = new Int32Array(2 * max + 3);
  const at = (k: number): number => reach[max + 1 + k] ?? 0;
  const trail: Int32Array[] = [];
  for (let d = 0; d <= max; d++) {
    trail.push(reach.slice(max - d, max + d + 3));
    for (let k = -d; k <= d; k += 2) {
      let x = k === -d || (k !== d && at(k - 1) < at(k + 1)) ? at(k + 1) : at(k - 1) + 1;
      while (x < a.length && x - k < b.length && a[x] === b[x - k]) x++;
      reach[max + 1 + k] = x;
      if (x >= a.length && x - k >= b.length) return walkedBack(trail, a.length, b.length);
    }
  }
  return null;
}

/** `trail[d]` holds how far each diagonal from `-d - 1` to `d + 1` reached by `d - 1` edits. */
function walkedBack(trail: readonly Int32Array[], endX: number, endY: number): Step[] {
  const steps: Step[] = [];
  let k = endX - endY;
  for (let d = trail.length - 1; d > 0; d--) {
    const at = (diagonal: number): number => trail[d]?.[d + 1 + diagonal] ?? 0;
    const isGone = !(k === -d || (k !== d && at(k - 1) < at(k + 1)));
    k += isGone ? -1 : 1;
    steps.push({ x: at(k), y: at(k) - k, isGone });
  }
  return steps.reverse();
}

function joined(steps: readonly Step[], b: Lines): Change[] {
  const found: { from: number; to: number; lines: string[] }[] = [];
  for (const { x, y, isGone } of steps) {
    let last = found.at(-1);
    if (!last || last.to !== x) found.push((last = { from: x, to: x, lines: [] }));
    if (isGone) last.to = x + 1;
    else last.lines.push(b[y] ?? "");
  }
  return found;
}

type Span = Pick<Change, "from" | "to">;

const isEmpty = ({ from, to }: Span): boolean => from === to;

/** Do both touch the same lines? So do two at one place if one of them only adds there. */
function meet(a: Span, b: Span): boolean {
  if (a.from < b.to && b.from < a.to) return true;
  return a.from === b.from && (isEmpty(a) || isEmpty(b));
}

/** What `changes` make of the lines `[from, to)` of `base`; null without any. */
function madeOf(base: Lines, from: number, to: number, changes: readonly Change[]): Lines | null {
  if (changes.length === 0) return null;
  const made: Lines[] = [];
  let next = from;
  for (const change of changes) {
    made.push(base.slice(next, change.from), change.lines);
    next = change.to;
  }
  return [...made, base.slice(next, to)].flat();
}

/** All that either made of `base`, in order; what both changed alike is theirs alone. */
export function regionsOf(base: Lines, mine: Lines, theirs: Lines): Region[] {
  const all = [
    ...changesOf(base, mine).map((change) => ({ change, isMine: true })),
    ...changesOf(base, theirs).map((change) => ({ change, isMine: false })),
  ].sort((a, b) => a.change.from - b.change.from || a.change.to - b.change.to);
  const groups: { from: number; to: number; members: typeof all }[] = [];
  for (const one of all) {
    const { from, to } = one.change;
    const last = groups.at(-1);
    if (last && meet(last, one.change)) {
      last.to = Math.max(last.to, to);
      last.members.push(one);
    } else {
      groups.push({ from, to, members: [one] });
    }
  }
  return groups.map(({ from, to, members }) => {
    const of = (whose: boolean): Lines | null =>
      madeOf(
        base,
        from,
        to,
        members.filter(({ isMine }) => isMine === whose).map(({ change }) => change),
      );
    const [ours, others] = [of(true), of(false)];
    const isSame = ours !== null && others !== null && ours.join("\n") === others.join("\n");
    return { from, to, mine: isSame ? null : ours, theirs: others };
  });
}

/** Both together; where both changed the same lines, mine. */
export function merged(base: Lines, regions: readonly Region[]): string[] {
  const made: Lines[] = [];
  let next = 0;
  for (const { from, to, mine, theirs } of regions) {
    made.push(base.slice(next, from), mine ?? theirs ?? []);
    next = to;
  }
  return [...made, base.slice(next)].flat();
}
