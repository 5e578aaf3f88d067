// Lines and columns of a text, as the node counts them: from 1, columns in characters. Pure.

/** Characters that end what an error is about. */
const WORD = /^[^\s;{}]+/;
const TAB_WIDTH = 4;

export function lineCount(text: string): number {
  let count = 1;
  for (let at = text.indexOf("\n"); at !== -1; at = text.indexOf("\n", at + 1)) count++;
  return count;
}

/** A place in a line: how far in, and how long its word is, in UTF-16 units. */
function wordAt(line: string, col: number): { start: number; length: number } {
  const start = [...line].slice(0, col - 1).join("").length;
  return { start, length: line.slice(start).match(WORD)?.[0].length ?? 0 };
}

/** Where the word at a place begins and ends in the text; at the text's end if it lies beyond. */
export function rangeOf(text: string, line: number, col: number): [start: number, end: number] {
  let begin = 0;
  for (let skipped = 1; skipped < line; skipped++) {
    const end = text.indexOf("\n", begin);
    if (end === -1) return [text.length, text.length];
    begin = end + 1;
  }
  const end = text.indexOf("\n", begin);
  const { start, length } = wordAt(text.slice(begin, end === -1 ? undefined : end), col);
  return [begin + start, begin + start + length];
}

/** How many columns wide a line is drawn. */
function widthOf(line: string): number {
  let width = 0;
  for (const character of line) width += character === "\t" ? TAB_WIDTH - (width % TAB_WIDTH) : 1;
  return width;
}

/** Where the word at a column is drawn, and where the line ends, in columns from 0. */
export function drawnAt(line: string, col: number): { left: number; width: number; end: number } {
  const { start, length } = wordAt(line, col);
  const left = widthOf(line.slice(0, start));
  const width = Math.max(1, widthOf(line.slice(0, start + length)) - left);
  return { left, width, end: Math.max(widthOf(line), left + width) };
}

/** Where a line of `before` is in `after`; null if between their first and last difference. */
export function lineMover(
  before: readonly string[],
  after: readonly string[],
): (line: number) => number | null {
  const shorter = Math.min(before.length, after.length);
  let head = 0;
  while (head < shorter && before[head] === after[head]) head++;
  let tail = 0;
  while (tail < shorter - head && before.at(-1 - tail) === after.at(-1 - tail)) tail++;
  return (line) => {
    if (line <= head) return line;
    return line > before.length - tail ? line + after.length - before.length : null;
  };
}

/** What the text includes of other files. */
export function includesOf(text: string): string[] {
  const bare = text.replaceAll(/(?<=^|\s)#.*$/gm, "");
  return [...bare.matchAll(/(?:^|[\s;{}])include\s+([^;{}]+);/g)].map(([, names = ""]) =>
    names.trim(),
  );
}
