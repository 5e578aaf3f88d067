// Words of the pages about streams that are fetched with them.

import { formatNames } from "../format";

export const streamStrings = {
  absent: (count: number) =>
    `The streams of ${count === 1 ? "one node" : `${count} nodes`} are not in the list:`,
  canStartOn: (nodes: string) => `can start on ${nodes}`,
  failsOn: (nodes: string) => `fails on ${nodes}`,
  moreAbsent: (count: number) => `and ${count} more`,
  play: "Play",
  playNote: "At this node, or at any other: players are led to where it runs.",
  playerPage: "Player page",
  selected: "Press Ctrl+C",
  nameWanted: "A stream needs a name.",
  relays: "Relaying nodes",
  lost: "The stream went with its node.",
  lostAt: (nodes: readonly string[]) =>
    `${formatNames(nodes)}, where it ran, does not answer or has it no more.`,
};
