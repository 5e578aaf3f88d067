// The words of what befalls one stream's page: fetched with that page.

import { formatNames } from "../format";

export const streamStrings = {
  playerBlocked: "This page was loaded before that node was a peer.",
  reloadPage: "Reload the page",
  lostAt: (nodes: readonly string[]) =>
    `${formatNames(nodes)}, where it ran, does not answer or has it no more.`,
};
