// A chart of numbers over time, and the same in words: a table that is its legend, too.

import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { formatTime } from "../format";
import { theme } from "../preferences";
import type { Plot } from "./plot";
import { columns, summary, type Sample } from "./samples";
import { chartStrings } from "./strings";

interface ChartProps {
  title: string;
  /** The name of each line, in the order of the samples' values. */
  lines: readonly string[];
  samples: readonly Sample[];
  /** More than this between two samples is a gap. */
  gapMs: number;
  fromMs: number;
  toMs: number;
  format: (value: number | null) => string;
  max?: number;
}

const load = () => import("./plot");

/** The drawing; null until its script is there, or if that cannot be had. */
function usePlot({ lines, format, max }: ChartProps) {
  const box = useRef<HTMLDivElement>(null);
  const legend = useRef<HTMLTableElement>(null);
  const [plot, setPlot] = useState<Plot | null>(null);
  const [isLost, setLost] = useState(false);
  const [pointed, setPointed] = useState<number | null>(null);
  useEffect(() => {
    let drawn: Plot | null = null;
    let isGone = false;
    const colorOf = (line: number): string => {
      const swatch = legend.current?.querySelector(`.line-${line}`);
      return swatch ? getComputedStyle(swatch).color : "";
    };
    const options = { labels: lines, format, max, colorOf, onPoint: setPointed };
    load().then(
      ({ Plot }) => {
        if (isGone || !box.current) return;
        drawn = new Plot(box.current, options);
        setPlot(drawn);
      },
      () => setLost(true),
    );
    return () => {
      isGone = true;
      drawn?.destroy();
    };
  }, []);
  return { box, legend, plot, isLost, pointed };
}

export function Chart(props: ChartProps) {
  const { title, lines, samples, gapMs, fromMs, toMs, format } = props;
  const { box, legend, plot, isLost, pointed } = usePlot(props);
  const drawn = useMemo(
    () => columns(samples, lines.length, gapMs),
    [samples, lines.length, gapMs],
  );
  useEffect(() => plot?.show(drawn, fromMs, toMs), [plot, drawn, fromMs, toMs, theme.value]);
  const [times, ...values] = drawn;
  const pointedMs = pointed === null ? undefined : times[pointed];
  return (
    <figure class="panel chart">
      <figcaption>{title}</figcaption>
      {isLost ? (
        <p class="note">{chartStrings.lost}</p>
      ) : (
        <div class="plot" ref={box} aria-hidden="true" />
      )}
      <table ref={legend} aria-label={title}>
        <thead>
          <tr>
            <th scope="col">
              <span class="hidden">{chartStrings.line}</span>
            </th>
            <th scope="col">
              {pointedMs === undefined ? chartStrings.now : formatTime(pointedMs)}
            </th>
            <th scope="col">{chartStrings.least}</th>
            <th scope="col">{chartStrings.most}</th>
          </tr>
        </thead>
        <tbody>
          {lines.map((label, line) => {
            const known = values[line] ?? [];
            const { last, least, most } = summary(known);
            const shown = pointedMs === undefined ? last : (known[pointed ?? 0] ?? null);
            return (
              <tr key={label}>
                <th scope="row">
                  <span class={`swatch line-${line}`} aria-hidden="true" /> {label}
                </th>
                <td>{format(shown)}</td>
                <td>{format(least)}</td>
                <td>{format(most)}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </figure>
  );
}
