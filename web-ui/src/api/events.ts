// What changes at the node, as signals: a page follows the collections that it shows.
//
//   const stop = follow("streams");
//   rows.streams.value?.items.get("cam1");
//
// All pages and all tabs share one connection, which is closed while none of them is in sight.

import { batch, computed, signal, type Signal } from "@preact/signals";
import { applied, COLLECTIONS, toldWhole, type Collection, type Rows } from "./collections";
import type { ApiProblem } from "./http";
import { takePart, type Tab } from "./shared_events";

/** The rows of each collection; null until they have been told. They stay while nobody follows. */
export const rows: Record<Collection, Signal<Rows | null>> = {
  peers: signal(null),
  streams: signal(null),
  sessions: signal(null),
  stats: signal(null),
};
/** What keeps new data away; null while all is well. */
export const problem = signal<ApiProblem | null>(null);
/** By this browser's clock, when something was told last. */
export const toldAtMs = signal<number | null>(null);

const followed = signal<readonly (readonly Collection[])[]>([]);
const wanted = computed(() => [...new Set(followed.value.flat())].sort());

const tab: Tab = {
  wanted: () => wanted.value,
  whole: () =>
    COLLECTIONS.flatMap((collection) => {
      const known = rows[collection].peek();
      return known ? toldWhole(collection, known) : [];
    }),
  problem: () => problem.peek(),
  onTold: (told) =>
    batch(() => {
      rows[told.collection].value = applied(rows[told.collection].peek(), told);
      problem.value = null;
      toldAtMs.value = Date.now();
    }),
  onProblem: (reason) => (problem.value = reason),
};

let left: AbortController | null = null;

/** Takes part while somebody looks at a page that follows something. */
function update(): void {
  const isWanted = followed.peek().length > 0 && !document.hidden;
  if (isWanted && !left) join(false);
  else if (!isWanted && left) leave();
}

function join(steal: boolean): void {
  left = new AbortController();
  takePart(tab, left.signal, steal);
}

function leave(): void {
  left?.abort();
  left = null;
}

/** Keeps `collections` up to date until the returned function is called. */
export function follow(...collections: Collection[]): () => void {
  if (followed.peek().length === 0) {
    document.addEventListener("visibilitychange", update);
    addEventListener("pagehide", leave);
    addEventListener("pageshow", update);
  }
  followed.value = [...followed.peek(), collections];
  update();
  return () => {
    followed.value = followed.peek().filter((other) => other !== collections);
    update();
  };
}

/** Tries again at once, with what this tab has to show for itself. */
export function retryEvents(): void {
  problem.value = null;
  leave();
  if (followed.peek().length > 0 && !document.hidden) join(true);
}
