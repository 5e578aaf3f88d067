// What one path of the API says, kept up to date while its page is shown.

import { useEffect, useState } from "preact/hooks";
import { getJson, type ApiProblem } from "../api/http";
import { poll } from "../api/poll";
import { attempt } from "../cluster/store";

const INTERVAL_MS = 2000;
/** While a person types, only the last of many paths is asked for. */
const SETTLE_MS = 150;

/** The newest value, and why no newer one comes. */
export interface Watched<Value> {
  value: Value | null;
  fromMs: number | null;
  problem: ApiProblem | null;
}

/** Another path keeps what the old one said until its own answer is here. */
export function useWatched<Value>(path: string, read: (value: unknown) => Value): Watched<Value> {
  const [watched, setWatched] = useState<Watched<Value>>({
    value: null,
    fromMs: null,
    problem: null,
  });
  const again = attempt.value;
  useEffect(() => {
    let stop = (): void => undefined;
    const start = (): void => {
      stop = poll((signal) => getJson(path, signal), INTERVAL_MS, {
        onValue: (value) => setWatched({ value: read(value), fromMs: Date.now(), problem: null }),
        onProblem: (problem) => setWatched((before) => ({ ...before, problem })),
      });
    };
    const timer = setTimeout(start, watched.fromMs === null ? 0 : SETTLE_MS);
    return () => {
      clearTimeout(timer);
      stop();
    };
  }, [path, read, again]);
  return watched;
}
