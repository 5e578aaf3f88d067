// Every word of the console, in one place.

import type { PeerState } from "./api/model";
import type { InputState, Session, StreamState } from "./api/streams";
import type { SortKey } from "./cluster/order";
import type { Finding } from "./cluster/findings";
import { formatCount, formatNames } from "./format";

/** How a state is told, beside its symbol (`table/symbol.tsx`): never by colour alone. */
export interface StateLabel {
  word: string;
  tone: "good" | "caution" | "bad" | "neutral";
  meaning: string;
}

const states: Record<PeerState, StateLabel> = {
  up: { word: "Up", tone: "good", meaning: "Answers in time; clients are sent here." },
  draining: {
    word: "Draining",
    tone: "caution",
    meaning: "Finishes what it has; takes nothing new.",
  },
  late: {
    word: "Late",
    tone: "caution",
    meaning: "The last poll failed or is overdue; numbers are the last known.",
  },
  unknown: { word: "Connecting", tone: "caution", meaning: "Has not answered yet." },
  down: { word: "Down", tone: "bad", meaning: "Does not answer; no client is sent here." },
  unauthorized: {
    word: "Key refused",
    tone: "bad",
    meaning: "The cluster keys of the two nodes do not match.",
  },
  incompatible: {
    word: "Incompatible",
    tone: "bad",
    meaning: "Speaks another version, or a hostname is used twice.",
  },
  self: {
    word: "This node",
    tone: "neutral",
    meaning: "This entry points to this node itself; it is not asked.",
  },
  duplicate: {
    word: "Duplicate",
    tone: "neutral",
    meaning: "Another entry already names this node; it is not asked.",
  },
};

const streamStates: Record<StreamState, StateLabel> = {
  running: { word: "Running", tone: "good", meaning: "Frames arrive." },
  silent: { word: "No frames", tone: "bad", meaning: "Started, but no frame for 12 s or more." },
  waiting: {
    word: "Waiting",
    tone: "neutral",
    meaning: "Starts with its first client, or with its publisher.",
  },
  error: { word: "Error", tone: "bad", meaning: "Its input does not deliver." },
  unknown: { word: "Not known", tone: "caution", meaning: "The node gives no state." },
};

const inputStates: Record<InputState, StateLabel> = {
  running: { word: "On air", tone: "good", meaning: "Its frames are the stream." },
  connecting: { word: "Connecting", tone: "caution", meaning: "Started; no frame has come yet." },
  waiting: {
    word: "Waiting",
    tone: "neutral",
    meaning: "Nobody publishes or watches, or its frames have stopped.",
  },
  failed: { word: "Failed", tone: "bad", meaning: "It is tried again after a while." },
  standby: { word: "Standby", tone: "neutral", meaning: "Another input is on air." },
  unknown: { word: "Not known", tone: "caution", meaning: "The node gives no state." },
};

const streamColumns = {
  name: "Stream",
  state: "Status",
  where: "Runs on",
  clients: "Clients",
  bitrate: "Bitrate",
  input: "Input",
  lifetime: "Running for",
};

const streamColumnHelp = {
  name: "The stream's name and title",
  state: "Does it have frames, and if not, why",
  where: "The nodes that capture it now",
  clients: "Clients of all nodes, also by relay",
  bitrate: "What arrives from the input",
  input: "The first of its inputs; a stream of another node keeps them to itself",
  lifetime: "Time since the capture began",
};

/** The settings of a stream, in the words of the config file. */
const streamFields = {
  name: { label: "Name", help: "Letters, digits, dots, hyphens, underscores; / between parts." },
  title: { label: "Title", help: "For people." },
  password: { label: "Password", help: "What publishers must give. It is never shown again." },
  clients_timeout: {
    label: "Clients timeout, s",
    help: "How long an on-demand stream outlives its last client.",
  },
  max_sessions: { label: "Most clients", help: "Most clients at once; empty: no limit." },
};

const protocols: Record<string, string> = {
  hls: "HLS",
  tshttp: "HTTP-TS",
  flv: "HTTP-FLV",
  rtsp: "RTSP",
  rtmp: "RTMP",
};

const columns: Record<SortKey, string> = {
  name: "Peer",
  state: "Status",
  cpu: "CPU",
  memory: "Memory",
  clients: "Clients",
  streams: "Streams",
  output: "Output",
  network: "NIC load",
  uptime: "Uptime",
  version: "Version",
};

const columnHelp: Record<SortKey, string> = {
  name: "The node's name; hover for its API address",
  state: "As this node sees it, with the cause and the age of the last answer",
  cpu: "Share of all cores of the machine",
  memory: "Share of RAM, or of the container's limit",
  clients: "Connected clients, all protocols",
  streams: "Streams captured by the node, and its channel limit",
  output: "What the node sends; the line shows the last five minutes",
  network: "Busiest interface's busier direction against its link speed",
  uptime: "Time since the node started",
  version: "Version of the node's software",
};

/** The settings of a peer, in the words of the config file. */
const peerFields = {
  api_url: {
    label: "API URL",
    help: "Where this node asks the peer, and where media between nodes runs; with its port.",
  },
  public_payload_url: {
    label: "Public payload URL",
    help: "Where clients are sent: a host, host:port or URL.",
  },
  public_rtsp_url: {
    label: "Public RTSP URL",
    help: "Where RTSP clients are sent, if it is not the public host with the port the peer names.",
  },
  public_rtmp_url: {
    label: "Public RTMP URL",
    help: "The same for RTMP clients.",
  },
  private_payload_url: {
    label: "Private payload URL",
    help: "Media address inside the cluster. Clients see it only where there is no public one.",
  },
  fetch_timeout: {
    label: "Fetch timeout, ms",
    help: "How often the peer is asked.",
  },
  stale_timeout: {
    label: "Stale timeout, ms",
    help: "How long a lost stream still counts as captured there.",
  },
  channel_limit: {
    label: "Channel limit",
    help: "Most streams that cluster_ingest gives this peer.",
  },
  cpu_limit: {
    label: "CPU limit, %",
    help: "Above it, the peer gets nothing new.",
  },
  cluster_key: {
    label: "Cluster key",
    help: "For this peer only, if it differs from the node's. It is never shown again.",
  },
};

const plural = (count: number, one: string, many: string): string =>
  `${count} ${count === 1 ? one : many}`;

const offset = (duration: string, isAhead: boolean): string =>
  `${duration} ${isAhead ? "ahead" : "behind"}`;

function finding(found: Finding): string {
  const names = "names" in found ? formatNames(found.names) : "";
  switch (found.kind) {
    case "partition":
      return (
        `Partition suspected: ${found.unreachable} of ${found.peers} peers do not answer ` +
        "this node. Compare with another node's overview."
      );
    case "key":
      return `Cluster key mismatch with ${names}: set the same cluster_key on both sides.`;
    case "clock":
      return `Clocks differ by more than 30 s: ${names}. Check the time synchronisation.`;
    case "version":
      return `Other versions than this node's: ${names}.`;
  }
}

export const strings = {
  product: "Watershed",
  skipLink: "Skip to the table",
  navigation: "Pages",
  groups: { cluster: "Cluster", media: "Media", node: "Node" },
  overview: "Overview",
  overviewTitle: "Cluster overview",
  settings: "Settings",
  settingsTitle: "Cluster settings",
  config: "Config",
  api: "API",
  about: "About",
  notFound: "There is no such page.",
  toOverview: "Go to the overview",
  documentTitle: (notUp: number, page: string) => (notUp > 0 ? `(${notUp}) ${page}` : page),
  brokenConfig: "its config file has errors; the last good one is in use",

  states,
  columns,
  columnHelp,
  finding,
  stateChanged: (name: string, word: string) => `${name}: ${word}.`,
  thisNode: "this node",
  ofLimit: (limit: number) => `/ ${limit}`,
  lastSeen: (ago: string) => `last seen ${ago} ago`,
  neverSeen: "never seen",
  clockOff: (duration: string, isAhead: boolean) => `clock ${offset(duration, isAhead)}`,
  justStarted: "just started",
  startedAt: (instant: string) => `Started ${instant}`,
  notKnown: "not known",
  noLinkSpeed: "n/a",
  noLinkSpeedHint: "The link names no speed; set total_bandwidth in the node's config.",
  cpuLimit: (percent: number) => `cpu_limit ${percent} %`,
  atLimit: "At its channel limit",
  outputDetail: (output: string, input: string) => `Sends ${output}, receives ${input}`,
  onlineDetail: (online: string) => `${online} with frames`,
  differs: "differs",
  levels: { ok: "", warn: "high", crit: "very high" },

  totals: { peers: "Peers up", clients: "Clients", streams: "Streams", output: "Output" },
  totalsLabel: "Totals",
  totalsNone: "no peers yet",
  excludes: (count: number) => `excludes ${plural(count, "peer", "peers")}`,
  excludesHint: "Peers without fresh data are left out.",
  inputTotal: (input: string) => `${input} in`,
  allUp: "all up",
  notUp: (count: number) => `${plural(count, "peer is", "peers are")} not up`,

  tableCaption: "Nodes of the cluster, this node first",
  filterLabel: "Filter",
  filterHint: "Name, state, version",
  filterCount: (shown: number, all: number) =>
    shown === all ? plural(all, "node", "nodes") : `${shown} of ${all} nodes`,
  noMatch: (query: string) => `No peer matches “${query}”.`,
  clearFilter: "Clear the filter",
  pause: "Pause",
  pausedSince: (time: string) => `Paused at ${time}; data keep arriving.`,
  sortLabel: "Sort by",
  ascending: "rising",
  descending: "falling",
  live: (time: string) => `Live, updated ${time}`,

  loading: "Loading",
  pageLost: "This page could not be loaded",
  pageLostText: "This node does not answer, or was updated since the console was opened.",
  reload: "Reload the console",
  stillWaiting: "Still waiting for this node.",
  emptyTitle: "This node has no peers yet.",
  addFirstPeer: "Add the first peer",
  emptyText: "Or name it in the config file and reload that (SIGHUP):",
  emptyExample: "peer south { api_url http://south:8081; }",

  streams: "Streams",
  streamsCaption: "Streams of the cluster",
  streamStates,
  streamColumns,
  streamColumnHelp,
  streamHint: "Name, title, node, input",
  streamCount: (shown: number, all: number) =>
    shown === all
      ? plural(all, "stream", "streams")
      : `${formatCount(shown)} of ${formatCount(all)} streams`,
  allStates: "All states",
  allNodes: "All nodes",
  noStreamMatch: "No stream matches the filter.",
  noStreams: "This cluster has no streams yet.",
  noStreamsText: "Add one with the button above, or in the config file:",
  noStreamsExample: "stream cam1 { input rtsp://10.0.0.9/ch1; }",
  published: "published",
  pictureOf: (name: string) => `Picture of ${name}`,
  remoteInput: "at its node",
  moreInputs: (count: number) => `+ ${count} more`,
  pages: "Pages of the list",
  previousPage: "Previous page",
  nextPage: "Next page",

  playerTitle: (name: string) => `Player of ${name}`,
  facts: {
    bitrate: "Bitrate",
    state: "Status",
    where: "Runs on",
    clients: "Clients now",
    clientsSoFar: "Clients so far",
    lifetime: "Running for",
    lastFrame: "Last frame",
    output: "Sent to clients",
    retries: "Input restarted",
    bytesIn: "Received",
    bytesOut: "Sent",
  },
  ago: (duration: string) => `${duration} ago`,
  chartTitles: { bitrate: "Bitrate", output: "Sent to clients", clients: "Clients" },
  inputs: "Inputs",
  inputStates,
  inputColumns: {
    url: "Address",
    bitrate: "Bitrate",
    lastFrame: "Last frame",
    retries: "Restarted",
    priority: "Priority",
  },
  lastError: (error: string) => `Last error: ${error}`,
  noInputs: "No inputs are configured: it was published to this node.",
  remoteInputs: "Its inputs are known to its own node only.",
  tracks: "Tracks",
  trackColumns: { track: "Track", codec: "Codec", form: "Format" },
  noTracks: "Not known before its first frames.",
  fps: (fps: number) => `${fps} fps`,
  channels: (count: number) =>
    count === 1 ? "mono" : count === 2 ? "stereo" : `${count} channels`,
  sampleRate: (hertz: number) => `${hertz / 1000} kHz`,
  streamGone: "There is no such stream.",
  streamGoneText: "No node of the cluster has it now.",
  toStreams: "All streams",
  remoteStream: (nodes: readonly string[]) =>
    nodes.length > 0
      ? `A stream of ${formatNames(nodes)}: it is edited, stopped and deleted there.`
      : "A stream of another node: it is edited, stopped and deleted there.",
  publishedStream: "Published here, not configured: it goes with its publisher.",

  edit: "Edit",
  verbs: { stop: "Stop", delete: "Delete" },
  askTitle: {
    stop: (name: string) => `Stop ${name}?`,
    delete: (name: string) => `Delete ${name}?`,
  },
  stopMeans: (restarts: boolean) =>
    restarts
      ? "Its capture ends and starts anew at once, as it is captured always."
      : "Its capture ends; it starts anew with its next client or publisher.",
  deleteMeans: "It is taken out of this node's config file, and its capture ends.",
  clientsThere: (clients: number | null) =>
    clients === null
      ? "How many clients it has is not known."
      : `Clients now: ${formatCount(clients)}.`,
  streamStopped: (name: string) => `${name} is stopped.`,
  streamDeleted: (name: string) => `${name} is deleted.`,
  streamSaved: (name: string) => `${name} is saved.`,
  addStream: "Add a stream",
  editTitle: (name: string) => `Edit ${name}`,
  streamFields,
  inputsHelp:
    "The best first; the next one takes over where it fails. publish:// waits for a publisher.",
  inputExample: "rtsp://10.0.0.9/ch1",
  inputUrl: (count: number) => `Input ${count}`,
  inputPriority: (count: number) => `Priority of input ${count}`,
  capture: "Captured",
  captures: { always: "always", ondemand: "while somebody watches" },
  nameTaken: "There is a stream of this name already.",
  save: "Save",
  cancel: "Cancel",
  notSaved: "Not saved",
  readsOnly: "This login may read and not change anything.",
  nothingChanged: "There is nothing to save.",
  conflictTitle: "Somebody else has changed this meanwhile",
  yours: "Yours:",
  theirs: "Theirs:",
  removed: "removed",
  saveMine: "Save yours over it",
  takeTheirs: "Take theirs",

  files: "Files",
  sessions: "Sessions",
  sessionsCaption: "Sessions of this node",
  sessionColumns: {
    address: "Address",
    stream: "Stream",
    protocol: "Protocol",
    bytes: "Bytes",
    duration: "Duration",
    agent: "User agent",
    end: "End",
  },
  protocols,
  allProtocols: "All protocols",
  publishes: "publishes",
  sessionHint: "Address, stream, player",
  sessionCount: (shown: number, all: number) =>
    shown === all
      ? plural(all, "session", "sessions")
      : `${formatCount(shown)} of ${formatCount(all)} sessions`,
  sessionsOfThisNode: "Of this node; each other node lists its own.",
  noSessionMatch: "No session matches the filter.",
  noSessions: "This node has no sessions now.",
  noStreamSessions: "Nobody plays or publishes it at this node.",
  noSessionsText:
    "Nobody plays or publishes here; a player that was sent to another node is listed there.",
  allSessions: (count: number) => `All ${formatCount(count)} sessions`,
  end: "End",
  endSessionOf: (address: string) => `End the session of ${address}`,
  endTitle: "End this session?",
  endText: ({ address, stream, type }: Session) => {
    const does = type === "publish" ? "publishes" : "plays";
    return `${address ?? "Somebody"} ${does} ${stream ?? "a stream"}.`;
  },
  endNote: "Most players come back by themselves.",
  sessionEnded: "The session is ended.",

  lost: (problem: string) => `Connection to this node lost (${problem}). Trying again.`,
  lastData: (time: string) => `Numbers below are from ${time}.`,
  failingTitle: "This node does not answer",
  failing: (problem: string) =>
    `The page is loaded, but the node gives no data: ${problem}. Trying again.`,
  refusedTitle: "This node answers with an error",
  retry: "Try again now",
  copyDetails: "Copy details",
  copied: "Copied",
  requestId: (id: string) => `request ${id}`,

  forbiddenTitle: "No access from here yet",
  forbidden: "As long as no password is set, this node answers only browsers on its own machine.",
  forbiddenAdvice: "Set one in the config file, reload it (SIGHUP), and sign in:",
  forbiddenExample: "edit_auth admin …;\nview_auth viewer …;",
  forbiddenOther: (title: string) => `This user may not read the cluster's state: ${title}.`,

  remove: "Remove",
  copy: "Copy",
  notThere: "Not there",
  asCurl: "The same as a command",
  saved: "Saved.",
  wholeNumber: (min: number, max: number) => `Wanted: a whole number from ${min} to ${max}.`,
  httpUrl: "Wanted: a URL such as http://10.0.0.2:8081",
  staleTooShort: (min: number) => `More than twice the fetch timeout: ${min} or more.`,

  clusterKey: "Cluster key",
  clusterKeyHelp: "The same on all nodes. It is never shown again.",
  keyIsNotSet: "not set",
  shortKey: (characters: number) => `Short: ${characters} characters or more are hard to guess.`,
  showKey: "Show what is typed",
  generateKey: "Make one up",
  keySaved: "The key is saved; set the same on the other nodes.",
  newPeer: "New peer hostname",
  newPeerHelp: "Its name without a port. Both nodes must have the same cluster key.",
  hostnameFaults: {
    missing: "Wanted: the name of another node.",
    port: "Give the name only; set the port in API URL, on the page that edits the peer.",
    form: "Wanted: letters, digits, dots, hyphens and underscores.",
    known: "There is a peer of this name already.",
  },
  peerSaved: (name: string) => `${name} is saved and asked:`,
  setApiUrl: "Set its API URL",
  peers: "Peers",
  editPeer: (name: string) => `Edit ${name}`,
  removePeer: (name: string) => `Remove ${name}`,
  removeTitle: (name: string) => `Remove ${name}?`,
  removeLoss: (streams: string, clients: string) =>
    `Streams captured there: ${streams}; clients: ${clients}.`,
  removeUnknown: "How many streams and clients are there is not known now.",
  removeMeans:
    "This node forgets the peer and sends no more clients there. The peer itself goes on.",
  peerRemoved: (name: string) => `${name} is removed.`,

  peerTitle: (name: string) => `Peer ${name}`,
  peerFields,
  noLimit: "none",
  nodesKey: "the node's",
  isSet: "set",
  keyIsSet: "set; type to replace it",
  dropKey: "Remove this key and use the node's",
  unchanged: "not changed",
  factsTitle: "Last heard from it",
  lastAnswer: "Last answer",
  never: "never",
  clock: "Clock",
  offset,

  signInTitle: "Sign in",
  signInText: "This node asks for a user of its edit_auth or view_auth.",
  signInRefused: "User or password is wrong.",
  signInFailed: (problem: string) => `Not signed in: ${problem}.`,
  signInLost: "Signed in, but this browser keeps no cookie of this node.",
  user: "User",
  password: "Password",
  signIn: "Sign in",
  signOut: "Sign out",
  readOnly: "read-only",
  signedInAs: (user: string) => `Signed in as ${user}`,

  theme: "Theme:",
  themes: { auto: "system", light: "light", dark: "dark" },
  keys: "Keys",
  keysTitle: "Keyboard shortcuts",
  keysOn: "Single-key shortcuts on",
  close: "Close",
  keyList: [
    ["/", "focus the filter"],
    ["Esc", "clear the filter"],
    ["p", "pause or resume the table"],
    ["?", "show this list"],
  ] as const,
  goTo: (page: string) => `go to ${page}`,
};
