// Where the overview's facts come from. Today: two GETs each second while the page is visible.
//
// The page knows `ClusterSource` only; server-sent events replace `pollCluster` behind it.

import { ApiProblem, getJson } from "./http";
import { readNodeStats, readPage, readPeer, type ClusterSnapshot, type Peer } from "./model";

const INTERVAL_MS = 1000;
const RETRY_MIN_MS = 1000;
const RETRY_SPREAD_MS = 2000;
/** A refusal changes only when a person does something at the node. */
const REFUSED_RETRY_MS = 5000;
const PAGES_MAX = 10;

export interface ClusterListener {
  onSnapshot(snapshot: ClusterSnapshot): void;
  onProblem(problem: ApiProblem): void;
}

/** Starts to deliver; the returned function stops it. */
export type ClusterSource = (listener: ClusterListener) => () => void;

async function fetchPeers(stop: AbortSignal): Promise<Peer[]> {
  const peers: Peer[] = [];
  let cursor = "";
  for (let page = 0; page < PAGES_MAX; page++) {
    const answer = readPage(await getJson(`cluster/peers?limit=1000${cursor}`, stop), "peers");
    peers.push(...answer.items.map(readPeer));
    if (!answer.next) break;
    cursor = `&cursor=${encodeURIComponent(answer.next)}`;
  }
  return peers;
}

async function fetchSnapshot(stop: AbortSignal): Promise<ClusterSnapshot> {
  const [node, peers] = await Promise.all([getJson("config/stats", stop), fetchPeers(stop)]);
  return { node: readNodeStats(node), peers, receivedAtMs: Date.now() };
}

/** How long to wait after `problem`; null: until a person signs in. */
function delayAfter(problem: ApiProblem): number | null {
  if (problem.kind === "unauthorized") return null;
  if (problem.kind === "forbidden") return REFUSED_RETRY_MS;
  return RETRY_MIN_MS + Math.random() * RETRY_SPREAD_MS;
}

export const pollCluster: ClusterSource = ({ onSnapshot, onProblem }) => {
  const stopped = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isAsking = false;
  let isHalted = false;

  async function ask(): Promise<void> {
    if (isAsking || isHalted || document.hidden || stopped.signal.aborted) return;
    isAsking = true;
    const startedAt = performance.now();
    let delay: number | null = INTERVAL_MS;
    try {
      onSnapshot(await fetchSnapshot(stopped.signal));
      delay = Math.max(0, INTERVAL_MS - (performance.now() - startedAt));
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
};
