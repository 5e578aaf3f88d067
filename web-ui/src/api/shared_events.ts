// One connection to the node for all tabs of this browser that are in sight.
//
//   visible tabs queue for one lock; who has it leads:
//     leader ═ event source ─ told ─▶ channel ─▶ the other tabs
//     other  ─ hello: what it wants ─▶ leader ─ all that is known ─▶ it
//   the leader is hidden or closed ▸ the lock goes on to the next tab
//
// A browser has six connections to a node, and each open stream takes one for good: the seventh tab
// would never load. Locks are only where the page came by https or from this machine; elsewhere
// each visible tab has a connection of its own.

import { effect, signal } from "@preact/signals";
import type { Collection, Told } from "./collections";
import { openEvents, type EventListener } from "./event_source";
import { ApiProblem } from "./http";

/** The tabs of one node's console; consoles behind one proxy differ in their paths. */
const NAME = `watershed.events ${new URL(".", document.baseURI).pathname}`;
/** Tabs that come at once make for one new connection. */
const GATHER_MS = 100;

type Message =
  | { kind: "hello"; tab: string; wanted: Collection[] }
  | { kind: "bye"; tab: string }
  | { kind: "lead" }
  | { kind: "told"; told: Told; to?: string }
  | { kind: "problem"; problem: Problem; to?: string };

/** An `ApiProblem` as it survives the way to another tab. */
type Problem = Pick<
  ApiProblem,
  "kind" | "message" | "path" | "status" | "code" | "requestId" | "faults"
>;

const packed = (problem: ApiProblem): Problem => ({ ...problem, message: problem.message });
const unpacked = ({ kind, message, path, status, code, requestId, faults }: Problem): ApiProblem =>
  new ApiProblem(kind, message, path, status, code, requestId, faults);

/** What a tab gives to be told. */
export interface Tab extends EventListener {
  /** Read as a signal: what its pages want. */
  wanted(): Collection[];
  /** All that it knows. */
  whole(): Told[];
  problem(): ApiProblem | null;
}

const id = Math.random().toString(36).slice(2);

/** Takes part until `left`; with `steal` this tab leads at once. */
export function takePart(tab: Tab, left: AbortSignal, steal: boolean): void {
  if (!globalThis.navigator.locks) {
    void lead(tab, tab, () => [], left);
    return;
  }
  const channel = new BroadcastChannel(NAME);
  const post = (message: Message): void => {
    if (!left.aborted) channel.postMessage(message);
  };
  const others = signal<ReadonlyMap<string, Collection[]>>(new Map());
  let isLeader = false;

  channel.onmessage = ({ data }: MessageEvent<Message>) => {
    if (data.kind === "hello" && isLeader) {
      others.value = new Map(others.peek()).set(data.tab, data.wanted);
      tab.whole().forEach((told) => post({ kind: "told", told, to: data.tab }));
      const problem = tab.problem();
      if (problem) post({ kind: "problem", problem: packed(problem), to: data.tab });
    } else if (data.kind === "bye") {
      others.value = new Map([...others.peek()].filter(([other]) => other !== data.tab));
    } else if (data.kind === "lead") {
      post({ kind: "hello", tab: id, wanted: tab.wanted() });
    } else if (data.kind !== "hello" && !isLeader && (data.to ?? id) === id) {
      if (data.kind === "told") tab.onTold(data.told);
      else tab.onProblem(unpacked(data.problem));
    }
  };
  const stopAsking = effect(() => {
    const wanted = tab.wanted();
    if (!isLeader) post({ kind: "hello", tab: id, wanted });
  });
  const toAll: EventListener = {
    onTold: (told) => {
      tab.onTold(told);
      post({ kind: "told", told });
    },
    onProblem: (problem) => {
      tab.onProblem(problem);
      post({ kind: "problem", problem: packed(problem) });
    },
  };

  async function queue(options: LockOptions): Promise<void> {
    const robbed = new AbortController();
    const over = AbortSignal.any([left, robbed.signal]);
    try {
      await navigator.locks.request(NAME, options, async () => {
        isLeader = true;
        post({ kind: "lead" });
        await lead(tab, toAll, () => [...others.value.values()].flat(), over);
      });
    } catch (error) {
      if (left.aborted) return;
      if (!(error instanceof DOMException && error.name === "AbortError")) throw error;
      // Another tab leads: somebody has signed in there.
      isLeader = false;
      robbed.abort();
      void queue({ signal: left });
    }
  }
  void queue(steal ? { steal: true } : { signal: left });
  left.addEventListener("abort", () => {
    channel.postMessage({ kind: "bye", tab: id } satisfies Message);
    channel.close();
    stopAsking();
  });
}

/** Holds the connection until `over`. */
function lead(
  tab: Tab,
  listener: EventListener,
  others: () => Collection[],
  over: AbortSignal,
): Promise<void> {
  let stop: (() => void) | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let asked = "";
  const stopWatching = effect(() => {
    const wanted = [...new Set([...tab.wanted(), ...others()])].sort();
    if (wanted.join() === asked) return;
    const open = (): void => {
      stop?.();
      stop = openEvents(wanted, listener);
    };
    clearTimeout(timer);
    if (asked === "") open();
    else timer = setTimeout(open, GATHER_MS);
    asked = wanted.join();
  });
  return new Promise((resolve) => {
    const end = (): void => {
      stopWatching();
      clearTimeout(timer);
      stop?.();
      resolve();
    };
    if (over.aborted) end();
    else over.addEventListener("abort", end);
  });
}
