// Turns a snapshot into the overview's rows: one a node, this one first. Pure.

import type { ClusterSnapshot, NodeStats, Peer, PeerState } from "../api/model";

/** How far a row's numbers can be believed: as they are, greyed, or not shown at all. */
export type Freshness = "fresh" | "dimmed" | "blank";

export interface Row {
  key: string;
  name: string;
  isThisNode: boolean;
  state: PeerState;
  /** The exact cause in words, as the node gave it, or what it warns of. */
  reason: string | null;
  clusterKey: Peer["clusterKey"];
  ageMs: number | null;
  clockOffsetMs: number | null;
  fetchMs: number | null;
  freshness: Freshness;
  /** The latest numbers; all null where `freshness` is `blank`. */
  stats: NodeStats;
  channelLimit: number | null;
  cpuLimit: number | null;
  apiUrl: string | null;
  /** Does the version differ from this node's? */
  versionDiffers: boolean;
}

const FRESHNESS: Record<PeerState, Freshness> = {
  up: "fresh",
  draining: "fresh",
  late: "dimmed",
  unknown: "blank",
  down: "blank",
  unauthorized: "blank",
  incompatible: "blank",
  self: "blank",
  duplicate: "blank",
};

/** Entries of the config that name no node of their own; they are neither up nor in trouble. */
export function isAlias(row: Pick<Row, "state">): boolean {
  return row.state === "self" || row.state === "duplicate";
}

const BLANK: NodeStats = {
  hostname: null,
  version: null,
  status: null,
  nowMs: null,
  startedAtSeconds: null,
  uptimeSeconds: null,
  cpuPercent: null,
  memoryPercent: null,
  networkPercent: null,
  clients: null,
  clientsByProtocol: {},
  streams: null,
  clusterStreams: null,
  streamsOnline: null,
  inputKbit: null,
  outputKbit: null,
};

function ownRow(node: NodeStats, brokenConfig: string): Row {
  return {
    key: "this",
    name: node.hostname ?? "this node",
    isThisNode: true,
    state: node.status === "draining" ? "draining" : "up",
    reason: node.status === "broken_config" ? brokenConfig : null,
    clusterKey: null,
    ageMs: 0,
    clockOffsetMs: null,
    fetchMs: null,
    freshness: "fresh",
    stats: node,
    channelLimit: null,
    cpuLimit: null,
    apiUrl: null,
    versionDiffers: false,
  };
}

function peerRow(peer: Peer, ownVersion: string | null): Row {
  const freshness = FRESHNESS[peer.state];
  const { version } = peer.stats;
  return {
    key: `peer ${peer.hostname}`,
    name: peer.hostname,
    isThisNode: false,
    state: peer.state,
    reason: peer.error ?? peer.warning,
    clusterKey: peer.clusterKey,
    ageMs: peer.ageMs,
    clockOffsetMs: peer.clockOffsetMs,
    fetchMs: peer.fetchMs,
    freshness,
    // The version is no live number: it is worth showing of a node that is down, too.
    stats: freshness === "blank" ? { ...BLANK, version } : peer.stats,
    channelLimit: peer.channelLimit,
    cpuLimit: peer.cpuLimit,
    apiUrl: peer.apiUrl,
    versionDiffers: version !== null && ownVersion !== null && version !== ownVersion,
  };
}

/** All rows, unsorted but for this node in front. */
export function buildRows(snapshot: ClusterSnapshot, brokenConfig: string): Row[] {
  const peers = snapshot.peers.map((peer) => peerRow(peer, snapshot.node.version));
  return [ownRow(snapshot.node, brokenConfig), ...peers];
}

export interface Totals {
  peersUp: number;
  peers: number;
  clients: number | null;
  streams: number | null;
  outputKbit: number | null;
  inputKbit: number | null;
  /** Peers whose numbers are too old to be counted. */
  excluded: number;
}

/** Null only where no row knows the number. */
function sum(rows: Row[], pick: (stats: NodeStats) => number | null): number | null {
  const known = rows.map((row) => pick(row.stats)).filter((value) => value !== null);
  return known.length === 0 ? null : known.reduce((total, value) => total + value, 0);
}

/** Sums over rows with fresh numbers only. */
export function sumRows(rows: Row[]): Totals {
  const real = rows.filter((row) => !isAlias(row));
  const peers = real.filter((row) => !row.isThisNode);
  const fresh = real.filter((row) => row.freshness === "fresh");
  const own = real.find((row) => row.isThisNode);
  return {
    peersUp: peers.filter((row) => row.state === "up").length,
    peers: peers.length,
    clients: sum(fresh, (stats) => stats.clients),
    // What several nodes capture is one stream of the cluster.
    streams: own?.stats.clusterStreams ?? sum(fresh, (stats) => stats.streams),
    outputKbit: sum(fresh, (stats) => stats.outputKbit),
    inputKbit: sum(fresh, (stats) => stats.inputKbit),
    excluded: real.length - fresh.length,
  };
}
