// Asks again and again while the page is visible; says what came, or why nothing did.
//
// Pages know `Listener` only: where facts come from, and how often, is decided behind it.

import type { ReadonlySignal } from "@preact/signals";
import { ApiProblem } from "./http";
import { delayAfter } from "./retry";

export interface Listener<Value> {
  onValue(value: Value): void;
  onProblem(problem: ApiProblem): void;
}

/** How often to ask: every `intervalMs`, and sooner when `hint` changes. */
export interface Pace {
  intervalMs: number;
  hint?: ReadonlySignal<unknown>;
}

/** However many hints come, no question follows another sooner than this. */
const HINTED_MS = 2000;

/** Starts to call `fetchValue` at that pace; the returned function stops it. */
export function poll<Value>(
  fetchValue: (stop: AbortSignal) => Promise<Value>,
  { intervalMs, hint }: Pace,
  { onValue, onProblem }: Listener<Value>,
): () => void {
  const stopped = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let startedAt = -Infinity;
  let isAsking = false;
  let isHinted = false;
  let isHalted = false;

  async function ask(): Promise<void> {
    if (isAsking || isHalted || document.hidden || stopped.signal.aborted) return;
    isAsking = true;
    isHinted = false;
    startedAt = performance.now();
    let delay: number | null = null;
    try {
      const value = await fetchValue(stopped.signal);
      if (stopped.signal.aborted) return;
      onValue(value);
    } catch (error) {
      if (stopped.signal.aborted) return;
      if (!(error instanceof ApiProblem)) throw error;
      delay = delayAfter(error);
      isHalted = delay === null;
      // A node that refuses is not asked more often than one that answers.
      if (delay !== null && error.status !== null) delay = Math.max(delay, intervalMs);
      onProblem(error);
    } finally {
      isAsking = false;
    }
    if (!isHalted) schedule(delay);
  }

  /** Without a `delay`, as the pace says. */
  function schedule(delay: number | null = null): void {
    const due = startedAt + (isHinted ? HINTED_MS : intervalMs) - performance.now();
    clearTimeout(timer);
    timer = setTimeout(ask, Math.max(0, delay ?? due));
  }

  const wake = (): void => {
    clearTimeout(timer);
    void ask();
  };
  document.addEventListener("visibilitychange", wake);
  addEventListener("online", wake);
  void ask();
  let isFollowing = false;
  const ignoreHints = hint?.subscribe(() => {
    isHinted = isFollowing; // The first call tells what holds already.
    isFollowing = true;
    if (isHinted && !isAsking) schedule();
  });
  return () => {
    stopped.abort();
    ignoreHints?.();
    clearTimeout(timer);
    document.removeEventListener("visibilitychange", wake);
    removeEventListener("online", wake);
  };
}
