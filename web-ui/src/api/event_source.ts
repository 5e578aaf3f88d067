// One connection to this node's events, kept up; where it cannot be had, the lists are asked for.
//
//   stream ─ fails ─▶ lists, every 5 s ─ a minute ─▶ stream …
//              refused, or the lists fail too ─▶ problem ▸ wait ─▶ stream …
//
// A proxy that buffers and an older node look like a stream that fails; nothing is wrong then.

import { Changes, LISTS, type Collection, type Told } from "./collections";
import { EventParser } from "./event_parser";
import { ApiProblem, getJson, openStream } from "./http";
import { fields, number, readPage } from "./model";
import { delay, delayAfter } from "./retry";

const POLL_MS = 5000;
/** So long the lists are asked for before the stream is tried again. */
const POLLING_MS = 60_000;
/** The stats change every second: a stream that says nothing is a dead one. */
const SILENCE_MS = 4000;
const PAGES_MAX = 10;

export interface EventListener {
  onTold(told: Told): void;
  onProblem(problem: ApiProblem): void;
}

/** Follows `wanted`, and the stats; the returned function stops it. */
export function openEvents(wanted: Collection[], listener: EventListener): () => void {
  const stopped = new AbortController();
  const collections = [...new Set<Collection>([...wanted, "stats"])];
  void keepUp(collections, listener, stopped.signal);
  return () => stopped.abort();
}

async function keepUp(
  wanted: Collection[],
  listener: EventListener,
  stop: AbortSignal,
): Promise<void> {
  while (!stop.aborted) {
    let wait: number | null = delay();
    try {
      if (!(await stream(wanted, listener, stop))) {
        await askLists(wanted, listener, stop);
        wait = 0;
      }
    } catch (error) {
      if (stop.aborted) return;
      if (!(error instanceof ApiProblem)) throw error;
      listener.onProblem(error);
      wait = delayAfter(error);
      if (wait === null) return;
    }
    await pause(wait, stop);
  }
}

/** Tells what the stream tells; true when the node ended it, false when it cannot be had. */
async function stream(
  wanted: Collection[],
  listener: EventListener,
  stop: AbortSignal,
): Promise<boolean> {
  const silence = new AbortController();
  let timer = setTimeout(() => silence.abort(), SILENCE_MS);
  try {
    const signal = AbortSignal.any([stop, silence.signal]);
    const body = await openStream(`events?of=${wanted.join(",")}`, signal);
    const reader = body.pipeThrough(new TextDecoderStream()).getReader();
    const parser = new EventParser();
    const changes = new Changes();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return true;
      for (const { name, data } of parser.push(value)) {
        clearTimeout(timer);
        timer = setTimeout(() => silence.abort(), SILENCE_MS);
        const told = changes.add(name, JSON.parse(data));
        if (told && !stop.aborted) listener.onTold(told);
      }
    }
  } catch (error) {
    const isRefused = error instanceof ApiProblem && /unauthorized|forbidden/.test(error.kind);
    if (stop.aborted || isRefused) throw error;
    return false;
  } finally {
    clearTimeout(timer);
    silence.abort();
  }
}

/** Tells what the lists say, for a while. Throws the problem when they cannot be had either. */
async function askLists(
  wanted: Collection[],
  listener: EventListener,
  stop: AbortSignal,
): Promise<void> {
  const until = performance.now() + POLLING_MS;
  while (performance.now() < until && !stop.aborted) {
    const all = await Promise.all(wanted.map((collection) => listed(collection, stop)));
    if (!stop.aborted) all.forEach((told) => listener.onTold(told));
    await pause(POLL_MS, stop);
  }
}

async function listed(collection: Collection, stop: AbortSignal): Promise<Told> {
  const { path } = LISTS[collection];
  const told: Told = { collection, isFull: true, items: [], gone: [], estimatedCount: 1 };
  if (collection === "stats") return { ...told, items: [await getJson(path, stop)] };
  let cursor = "";
  for (let page = 0; page < PAGES_MAX; page++) {
    const list = await getJson(`${path}?limit=1000${cursor}`, stop);
    const answer = readPage(list, collection);
    told.items.push(...answer.items);
    told.estimatedCount = number(fields(list)["estimated_count"]) ?? told.items.length;
    if (!answer.next) break;
    cursor = `&cursor=${encodeURIComponent(answer.next)}`;
  }
  return told;
}

/** Waits; shorter where the browser finds its network again. */
function pause(ms: number, stop: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      removeEventListener("online", end);
      stop.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, stop.aborted ? 0 : ms);
    addEventListener("online", end);
    stop.addEventListener("abort", end);
  });
}
