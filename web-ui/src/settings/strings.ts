// The words of the settings that are fetched with them.

import { formatCount, formatNames } from "../format";

/** Null: it is not known how many. */
export const relayedLoss = (viewers: number | null): string =>
  viewers === null
    ? "Viewers to whom this node relays its streams lose them."
    : viewers === 1
      ? "One viewer to whom this node relays a stream of it loses that."
      : `${formatCount(viewers)} viewers to whom this node relays its streams lose them.`;

/** What came of asking a peer that was just saved; each where the node tells it. */
export const outcomeStrings = {
  keys: { current: "key ok", accepted: "older key" },
  version: (version: string, differs: boolean) =>
    `version ${version}${differs ? ", another than this node's" : ""}`,
  clock: (offset: string) => `clock ${offset}`,
  answersIn: (duration: string) => `answers in ${duration}`,
};

/** Of a change of the cluster key. */
export const rotationStrings = {
  olderKey: "older key",
  olderKeyMeans: "It shows a key of cluster_key_accept.",
  using: (count: number, all: number) =>
    `${count} of ${all} ${all === 1 ? "peer uses" : "peers use"} the new key.`,
  older: (names: readonly string[]) => `Still with an older one: ${formatNames(names)}.`,
  notKnown: (names: readonly string[]) => `Not known of ${formatNames(names)}.`,
  isOver: "The older keys can be taken out of cluster_key_accept.",
};
