// What one path of the API says, kept up to date while its page is shown.
//
// Asked for, not followed: the events tell a collection whole, and then each second every row that
// has changed, which is every stream that runs, some 700 bytes each. A list shows a hundred rows at
// most, which the node has found and sorted, and a stream's page one. What the events tell to every
// page anyway says when to ask for a list sooner (`pulse`); where they fail, it comes by polling.

import { useEffect, useState } from "preact/hooks";
import { getJson, type ApiProblem } from "../api/http";
import { poll, type Pace } from "../api/poll";
import { attempt, pulse } from "../cluster/store";

/** Of one thing, of which few bytes come. */
const DETAIL: Pace = { intervalMs: 2000 };
/** Of lists: asked for as seldom as the changing bitrates allow, and at once when much changes. */
export const LIST: Pace = { intervalMs: 4000, hint: pulse };
/** While a person types, only the last of many paths is asked for. */
const SETTLE_MS = 150;

/** The newest value, and why no newer one comes. */
export interface Watched<Value> {
  value: Value | null;
  fromMs: number | null;
  problem: ApiProblem | null;
}

/** Another path keeps what the old one said until its own answer is here. */
export function useWatched<Value>(
  path: string,
  read: (value: unknown) => Value,
  pace: Pace = DETAIL,
): Watched<Value> {
  const [watched, setWatched] = useState<Watched<Value>>({
    value: null,
    fromMs: null,
    problem: null,
  });
  const again = attempt.value;
  useEffect(() => {
    let stop = (): void => undefined;
    const start = (): void => {
      stop = poll((signal) => getJson(path, signal), pace, {
        onValue: (value) => setWatched({ value: read(value), fromMs: Date.now(), problem: null }),
        onProblem: (problem) => setWatched((before) => ({ ...before, problem })),
      });
    };
    const timer = setTimeout(start, watched.fromMs === null ? 0 : SETTLE_MS);
    return () => {
      clearTimeout(timer);
      stop();
    };
  }, [path, read, pace, again]);
  return watched;
}
