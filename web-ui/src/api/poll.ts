// Asks again and again while the page is visible; says what came, or why nothing did.
//
// Pages know `Listener` only: where facts come from, and how often, is decided behind it.

import { ApiProblem } from "./http";
import { delayAfter } from "./retry";

export interface Listener<Value> {
  onValue(value: Value): void;
  onProblem(problem: ApiProblem): void;
}

/** Starts to call `fetchValue` every `intervalMs`; the returned function stops it. */
export function poll<Value>(
  fetchValue: (stop: AbortSignal) => Promise<Value>,
  intervalMs: number,
  { onValue, onProblem }: Listener<Value>,
): () => void {
  const stopped = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isAsking = false;
  let isHalted = false;

  async function ask(): Promise<void> {
    if (isAsking || isHalted || document.hidden || stopped.signal.aborted) return;
    isAsking = true;
    const startedAt = performance.now();
    let delay: number | null = intervalMs;
    try {
      const value = await fetchValue(stopped.signal);
      if (stopped.signal.aborted) return;
      onValue(value);
      delay = Math.max(0, intervalMs - (performance.now() - startedAt));
    } catch (error) {
      if (stopped.signal.aborted) return;
      if (!(error instanceof ApiProblem)) throw error;
      delay = delayAfter(error);
      isHalted = delay === null;
      onProblem(error);
    } finally {
      isAsking = false;
    }
    clearTimeout(timer);
    if (delay !== null) timer = setTimeout(ask, delay);
  }

  const wake = (): void => {
    clearTimeout(timer);
    void ask();
  };
  document.addEventListener("visibilitychange", wake);
  addEventListener("online", wake);
  void ask();
  return () => {
    stopped.abort();
    clearTimeout(timer);
    document.removeEventListener("visibilitychange", wake);
    removeEventListener("online", wake);
  };
}
