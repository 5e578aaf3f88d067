// The last five minutes of some numbers, kept by this page for the sparklines.

export const POINTS_MAX = 60;
export const STEP_MS = 5000;

/** One series a key; a gap in the data is a null point. */
export class History {
  private readonly series = new Map<string, (number | null)[]>();
  private lastStep: number | null = null;

  /** Adds one point a step and key; keys that are gone are forgotten. */
  record(values: ReadonlyMap<string, number | null>, nowMs: number): void {
    const step = Math.floor(nowMs / STEP_MS);
    if (this.lastStep !== null && step <= this.lastStep) return;
    // Time during which the page was hidden shows as a gap, not as a straight line.
    const missed = this.lastStep === null ? 0 : Math.min(step - this.lastStep - 1, POINTS_MAX);
    this.lastStep = step;

    for (const key of this.series.keys()) if (!values.has(key)) this.series.delete(key);
    for (const [key, value] of values) {
      const points = this.series.get(key) ?? [];
      if (points.length > 0) for (let gap = 0; gap < missed; gap++) points.push(null);
      points.push(value);
      points.splice(0, points.length - POINTS_MAX);
      this.series.set(key, points);
    }
  }

  of(key: string): readonly (number | null)[] {
    return this.series.get(key) ?? [];
  }
}

/** An SVG path through `points` in a box of `width` by `height`; empty for less than two points. */
export function sparkline(
  points: readonly (number | null)[],
  width: number,
  height: number,
): string {
  if (points.filter((point) => point !== null).length < 2) return "";
  const top = Math.max(1, ...points.map((point) => point ?? 0));
  const stepX = width / (POINTS_MAX - 1);
  const startX = width - stepX * (points.length - 1);
  let path = "";
  let isDrawing = false;
  points.forEach((point, index) => {
    if (point === null) {
      isDrawing = false;
      return;
    }
    const x = (startX + index * stepX).toFixed(1);
    const y = (height - 1 - (point / top) * (height - 2)).toFixed(1);
    path += `${isDrawing ? "L" : "M"}${x} ${y}`;
    isDrawing = true;
  });
  return path;
}
