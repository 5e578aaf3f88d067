// The words of the page that tells what this node is.

import type { StateLabel } from "../strings";

const nodeStates: Record<string, StateLabel> = {
  running: { word: "Running", tone: "good", meaning: "Takes streams and clients." },
  starting: { word: "Starting", tone: "caution", meaning: "Has not heard from its peers yet." },
  draining: {
    word: "Draining",
    tone: "caution",
    meaning: "Finishes what it has; takes nothing new.",
  },
  broken_config: {
    word: "Config file broken",
    tone: "bad",
    meaning: "Its config file has errors; the last good one is in use.",
  },
};

export const strings = {
  title: "About",
  product: "A clustered media streamer: any node leads to every stream.",
  nodeStates,
  facts: {
    version: "Version",
    state: "Status",
    hostname: "Hostname",
    id: "Id of this run",
    started: "Started",
    uptime: "Uptime",
  },
  links: "At this node",
  api: "API",
  apiText: "every operation, from the node's OpenAPI document",
  metrics: "Metrics",
  metricsText: "for Prometheus; asks for user and password itself",
  player: "Player page of a stream",
  manual: "Manual",
  manualText:
    "README.md, docs/config.md (every word of the config file) and docs/glossary.md come with " +
    "the source; “watershed --help” and “watershed check” with the program.",
  licence: "Licence",
  licenceText: "Watershed is free software under MIT or Apache-2.0, as you like.",
  libraries: "Libraries in these pages",
  librariesText: "Those of the program itself are in its Cargo.lock.",
  librariesLost: "Their list could not be loaded.",
};
