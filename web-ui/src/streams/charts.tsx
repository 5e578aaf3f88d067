// A stream's numbers over time, for as long as its page has been open: no node keeps them.

import { useRef } from "preact/hooks";
import type { Stream } from "../api/streams";
import { Chart } from "../chart/chart";
import { recorded, type Sample } from "../chart/samples";
import { formatBitrate, formatCount } from "../format";
import { strings } from "../strings";

const MINUTE_MS = 60_000;
/** A page that was just opened shows so much, most of it empty. */
const SHOWN_MS_MIN = 2 * MINUTE_MS;
const SHOWN_MS_MAX = 30 * MINUTE_MS;
/** At one every two seconds. */
const SAMPLES_MAX = 900;
/** Answers may be late; a page that was hidden, or a lost connection, is a gap. */
const GAP_MS = 10_000;

interface Figure {
  title: string;
  pick: (stream: Stream) => number | null;
  format: (value: number | null) => string;
}

const { chartTitles } = strings;
const FIGURES: readonly Figure[] = [
  {
    title: chartTitles.bitrate,
    pick: ({ state, bitrateKbit }) => (state === "running" ? bitrateKbit : null),
    format: formatBitrate,
  },
  { title: chartTitles.output, pick: ({ outputKbit }) => outputKbit, format: formatBitrate },
  { title: chartTitles.clients, pick: ({ clients }) => clients, format: formatCount },
];

export function Charts({ stream, fromMs }: { stream: Stream; fromMs: number }) {
  const all = useRef<readonly Sample[]>([]);
  const values = FIGURES.map(({ pick }) => pick(stream));
  // However often the page is drawn, one sample an answer.
  all.current = recorded(all.current, { atMs: fromMs, values }, SAMPLES_MAX);
  const samples = all.current;
  const openMs = fromMs - (samples[0]?.atMs ?? fromMs);
  const shownMs = Math.min(SHOWN_MS_MAX, Math.max(SHOWN_MS_MIN, openMs));
  return (
    <div class="charts">
      {FIGURES.map(({ title, format }, figure) => {
        // A peer's stream has numbers that only the peer knows.
        const isKnown = samples.some(({ values }) => values[figure] !== null);
        return (
          (isKnown || figure === 0) && (
            <Chart
              key={title}
              title={title}
              lines={[title]}
              samples={samples.map(({ atMs, values }) => ({
                atMs,
                values: [values[figure] ?? null],
              }))}
              gapMs={GAP_MS}
              fromMs={fromMs - shownMs}
              toMs={fromMs}
              format={format}
            />
          )
        );
      })}
    </div>
  );
}
