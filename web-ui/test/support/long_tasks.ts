// How long a page keeps its thread to itself: the longest task of each step, by a trace of all.
//
// Counted is the thread's own time. What else the machine does must not count, and tasks are not
// added up: between two of them the page answers to its reader.

import type { CDPSession, Page } from "playwright-core";

/** What of Chromium's trace events is used here; times in microseconds. */
interface TraceEvent {
  name: string;
  pid: number;
  tid: number;
  ts: number;
  dur?: number;
  /** Of `dur`, what the thread was running. */
  tdur?: number;
}

const TASK = "ThreadControllerImpl::RunTask";
/** Ends a step, and tells which thread is the page's. */
const markOf = (step: string): string => `end of ${step}`;

/** Lets what a step has caused be drawn, then ends it. */
const endStep = (page: Page, step: string): Promise<void> =>
  page.evaluate(
    (mark) =>
      new Promise<void>((done) =>
        requestAnimationFrame(() =>
          requestAnimationFrame(() =>
            setTimeout(() => {
              performance.mark(mark);
              done();
            }),
          ),
        ),
      ),
    markOf(step),
  );

async function traced(debug: CDPSession, act: () => Promise<void>): Promise<TraceEvent[]> {
  const events: TraceEvent[] = [];
  debug.on("Tracing.dataCollected", ({ value }) =>
    events.push(...(value as unknown as TraceEvent[])),
  );
  const isComplete = new Promise((done) => debug.once("Tracing.tracingComplete", done));
  await debug.send("Tracing.start", {
    transferMode: "ReportEvents",
    traceConfig: {
      includedCategories: ["toplevel", "blink.user_timing"],
      excludedCategories: ["*"],
    },
  });
  await act();
  await debug.send("Tracing.end");
  await isComplete;
  return events;
}

function longestOf(step: string, sinceUs: number, events: TraceEvent[]): [ms: number, ts: number] {
  const mark = events.find(({ name }) => name === markOf(step));
  if (!mark) throw new Error(`the trace has no end of the step ${step}`);
  const times = events
    .filter(({ name, pid, tid }) => name === TASK && pid === mark.pid && tid === mark.tid)
    .filter(({ ts, dur = 0 }) => ts < mark.ts && ts + dur > sinceUs)
    // The trace's start and end cut a task each, which is then without a duration.
    .flatMap(({ tdur, dur }) => tdur ?? dur ?? []);
  if (times.length === 0) throw new Error(`the trace has no task of the step ${step}`);
  return [Math.max(...times) / 1000, mark.ts];
}

/**
 * Does one step after the other; the milliseconds of the longest task in each. The first may open
 * the page.
 */
export async function longestTasks(
  page: Page,
  steps: Record<string, () => Promise<unknown>>,
): Promise<Record<string, number>> {
  const debug = await page.context().newCDPSession(page);
  const events = await traced(debug, async () => {
    for (const [step, act] of Object.entries(steps)) {
      await act();
      await endStep(page, step);
    }
  });
  const found: Record<string, number> = {};
  let sinceUs = 0;
  for (const step of Object.keys(steps)) [found[step], sinceUs] = longestOf(step, sinceUs, events);
  return found;
}
