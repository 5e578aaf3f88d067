// Where the overview's facts come from: the node's events, its own numbers and those of its peers.

import { effect } from "@preact/signals";
import { follow, problem, retryEvents, rows, toldAtMs } from "./events";
import type { ApiProblem } from "./http";
import { readNodeStats, readPeer, type ClusterSnapshot } from "./model";

/** Peers and stats are told one after the other, and shown together. */
const GATHER_MS = 30;

export interface ClusterListener {
  onSnapshot(snapshot: ClusterSnapshot): void;
  onProblem(problem: ApiProblem): void;
}

/** Starts to deliver; the returned function stops it. */
export type ClusterSource = (listener: ClusterListener) => () => void;

function snapshot(): ClusterSnapshot | null {
  const peers = rows.peers.value;
  const [node] = rows.stats.value?.items.values() ?? [];
  const receivedAtMs = toldAtMs.value;
  if (!peers || !node || receivedAtMs === null) return null;
  return {
    node: readNodeStats(node),
    peers: [...peers.items.values()].map(readPeer),
    receivedAtMs,
  };
}

export const followCluster: ClusterSource = ({ onSnapshot, onProblem }) => {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const isRetry = problem.peek() !== null;
  let shownAtMs = isRetry ? toldAtMs.peek() : null;
  const unfollow = follow("peers", "stats");
  if (isRetry) retryEvents();
  const stopTelling = effect(() => {
    clearTimeout(timer);
    if (problem.value) return onProblem(problem.value);
    const next = snapshot();
    if (!next || next.receivedAtMs === shownAtMs) return;
    timer = setTimeout(() => {
      shownAtMs = next.receivedAtMs;
      onSnapshot(next);
    }, GATHER_MS);
  });
  return () => {
    clearTimeout(timer);
    stopTelling();
    unfollow();
  };
};
