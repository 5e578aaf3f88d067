// The words of a change of the cluster key: fetched with the page.

import { formatNames } from "../format";

export const rotationStrings = {
  olderKey: "older key",
  olderKeyMeans: "It shows a key of cluster_key_accept.",
  using: (count: number, all: number) =>
    `${count} of ${all} ${all === 1 ? "peer uses" : "peers use"} the new key.`,
  older: (names: readonly string[]) => `Still with an older one: ${formatNames(names)}.`,
  notKnown: (names: readonly string[]) => `Not known of ${formatNames(names)}.`,
  isOver: "The older keys can be taken out of cluster_key_accept.",
};
