// The drawing of a chart, by uPlot. Fetched when the first chart is shown.

import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { formatTime } from "../format";
import type { Columns } from "./samples";

const HEIGHT_PX = 150;
const LINE_PX = 1.6;
/** Of a time at the axis, which stands below its middle: the last one stands below the edge. */
const LABEL_HALF_PX = 26;
/** What tells the lines apart beside their colours. */
const DASHES = [[], [5, 4]];
/** Whole numbers only: no half clients. */
const STEPS = Array.from({ length: 12 }, (_, zeros) => 10 ** zeros).flatMap((step) => [
  step,
  2 * step,
  5 * step,
]);
const MINUTE_MS = 60_000;

export interface PlotOptions {
  /** The names of the lines. */
  labels: readonly string[];
  /** Of values at the axis. */
  format: (value: number) => string;
  /** The top of the axis, where it is not what is needed. */
  max: number | undefined;
  /** The colour of a line as it is now. */
  colorOf: (line: number) => string;
  /** The pointer is at this sample, or at none. */
  onPoint: (index: number | null) => void;
}

/** One drawing in `box`: its axes are in the colour of the box's text, its grid in its border's. */
export class Plot {
  private readonly chart: uPlot;
  private range: uPlot.Range.MinMax = [0, 1];
  private readonly scheme = matchMedia("(prefers-color-scheme: dark)");
  private readonly sizes: ResizeObserver;

  constructor(
    private readonly box: HTMLElement,
    options: PlotOptions,
  ) {
    this.chart = new uPlot(this.options(options), [[]], box);
    this.sizes = new ResizeObserver(() =>
      this.chart.setSize({ width: box.clientWidth, height: HEIGHT_PX }),
    );
    this.sizes.observe(box);
    this.scheme.addEventListener("change", this.redraw);
  }

  /** Draws `columns` from `fromMs` to `toMs`, in the colours of now. */
  show(columns: Columns, fromMs: number, toMs: number): void {
    this.range = [fromMs, toMs];
    this.chart.setData(columns);
  }

  destroy(): void {
    this.sizes.disconnect();
    this.scheme.removeEventListener("change", this.redraw);
    this.chart.destroy();
  }

  private readonly redraw = (): void => this.chart.redraw();

  private options({ labels, format, max, colorOf, onPoint }: PlotOptions): uPlot.Options {
    const style = getComputedStyle(this.box);
    const stroke = (): string => style.color;
    const font = `11.5px ${style.fontFamily}`;
    const grid = { stroke: () => style.borderTopColor, width: 1 };
    const axis: uPlot.Axis = { stroke, font, grid, ticks: { show: false }, gap: 6 };
    return {
      width: this.box.clientWidth,
      height: HEIGHT_PX,
      ms: 1,
      padding: [8, LABEL_HALF_PX, 0, 0],
      legend: { show: false },
      // A pointer shows the same moment in all charts of the page.
      cursor: { y: false, drag: { x: false, y: false }, sync: { key: "page" } },
      scales: {
        x: { range: () => this.range },
        y: { range: (_, _least, most) => [0, max ?? ((most ?? 0) * 1.1 || 1)] },
      },
      axes: [
        { ...axis, size: 26, space: 70, values: (_, times) => times.map(timeOf(this.range)) },
        {
          ...axis,
          incrs: STEPS,
          space: 32,
          size: (chart, texts) => widthOf(chart, font, texts) + 10,
          values: (_, values) => values.map(format),
        },
      ],
      series: [
        {},
        ...labels.map((label, line): uPlot.Series => {
          const [dash = []] = DASHES.slice(line);
          const color = (): string => colorOf(line);
          return {
            label,
            dash,
            width: LINE_PX,
            pxAlign: 0,
            stroke: color,
            points: { filter: lonely },
          };
        }),
      ],
      hooks: { setCursor: [({ cursor }) => onPoint(cursor.idx ?? null)] },
    };
  }
}

/** Seconds are told where they make a difference. */
function timeOf([fromMs, toMs]: uPlot.Range.MinMax): (ms: number) => string {
  const isShort = (toMs ?? 0) - (fromMs ?? 0) < 5 * MINUTE_MS;
  return (ms) => formatTime(ms).slice(0, isShort ? 8 : 5);
}

function widthOf({ ctx }: uPlot, font: string, texts: string[] | null): number {
  ctx.save();
  ctx.font = font;
  const widths = (texts ?? []).map((text) => ctx.measureText(text).width);
  ctx.restore();
  return Math.ceil(Math.max(0, ...widths));
}

/** Values between two gaps, of which no line would be seen. */
function lonely(chart: uPlot, line: number, showsAll: boolean): number[] | null {
  if (showsAll) return null;
  const values = chart.data[line] ?? [];
  const isKnown = (index: number): boolean => (values[index] ?? null) !== null;
  return [...values.keys()].filter(
    (index) => isKnown(index) && !isKnown(index - 1) && !isKnown(index + 1),
  );
}
