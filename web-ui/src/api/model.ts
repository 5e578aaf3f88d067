// What the node tells, read with distrust: every field may be missing, null or of another type.
//
// A page that is opened because a node is down must not break on that node's missing numbers,
// so everything passes through here once and is nullable from then on.

/** The states of a peer, as the API names them. */
export const PEER_STATES = [
  "unknown",
  "up",
  "late",
  "down",
  "unauthorized",
  "incompatible",
  "draining",
  "self",
  "duplicate",
] as const;

export type PeerState = (typeof PEER_STATES)[number];

/** What a node measures about itself. Percentages are 0 to 100, times as the names say. */
export interface NodeStats {
  hostname: string | null;
  version: string | null;
  status: string | null;
  /** Its clock when it told the rest. */
  nowMs: number | null;
  startedAtSeconds: number | null;
  uptimeSeconds: number | null;
  cpuPercent: number | null;
  memoryPercent: number | null;
  networkPercent: number | null;
  clients: number | null;
  /** By the API's names of protocols; empty where it is not told. */
  clientsByProtocol: Readonly<Record<string, number>>;
  streams: number | null;
  /** Streams captured by this node or its peers, each once; only this node tells it. */
  clusterStreams: number | null;
  streamsOnline: number | null;
  inputKbit: number | null;
  outputKbit: number | null;
}

export interface Peer {
  hostname: string;
  apiUrl: string | null;
  publicPayloadUrl: string | null;
  channelLimit: number | null;
  cpuLimit: number | null;
  state: PeerState;
  error: string | null;
  /** What becomes of clients that should be sent there, and cannot. */
  warning: string | null;
  /** Which of this node's cluster keys it shows: the one that is set, or an older one. */
  clusterKey: "current" | "accepted" | null;
  /** Milliseconds since its last answer, at the time of ours; null if it never answered. */
  ageMs: number | null;
  clockOffsetMs: number | null;
  /** How long its last answer took. */
  fetchMs: number | null;
  stats: NodeStats;
}

/** All that the overview shows, as of one moment. */
export interface ClusterSnapshot {
  node: NodeStats;
  peers: Peer[];
  /** This browser's clock when the answers came, in ms. */
  receivedAtMs: number;
}

const KEYS = ["current", "accepted"] as const;

export type Fields = Record<string, unknown>;

export function fields(value: unknown): Fields {
  return typeof value === "object" && value !== null ? (value as Fields) : {};
}

export function number(value: unknown): number | null {
  return typeof value === "number" && Number.isFinite(value) ? value : null;
}

function numbers(value: unknown): Record<string, number> {
  const known = Object.entries(fields(value)).filter(([, count]) => number(count) !== null);
  return Object.fromEntries(known) as Record<string, number>;
}

export function text(value: unknown): string | null {
  return typeof value === "string" && value !== "" ? value : null;
}

export function readPeerState(value: unknown): PeerState {
  return PEER_STATES.find((known) => known === value) ?? "unknown";
}

export function readNodeStats(value: unknown): NodeStats {
  const raw = fields(value);
  return {
    hostname: text(raw["hostname"]),
    version: text(raw["server_version"]),
    status: text(raw["streamer_status"]),
    nowMs: number(raw["now"]),
    startedAtSeconds: number(raw["started_at"]),
    uptimeSeconds: number(raw["uptime"]),
    cpuPercent: number(raw["cpu_usage"]),
    memoryPercent: number(raw["memory_usage"]),
    networkPercent: number(raw["bandwidth_usage"]),
    clients: number(raw["total_clients"]),
    clientsByProtocol: numbers(raw["clients_by_protocol"]),
    streams: number(raw["total_streams"]),
    clusterStreams: number(raw["cluster_streams"]),
    streamsOnline: number(raw["online_streams"]),
    inputKbit: number(raw["input_kbit"]),
    outputKbit: number(raw["output_kbit"]),
  };
}

export function readPeer(value: unknown): Peer {
  const raw = fields(value);
  const stats = fields(raw["stats"]);
  return {
    hostname: text(raw["hostname"]) ?? "?",
    apiUrl: text(raw["api_url"]),
    publicPayloadUrl: text(raw["public_payload_url"]),
    channelLimit: number(raw["channel_limit"]),
    cpuLimit: number(raw["cpu_limit"]),
    state: readPeerState(stats["state"]),
    error: text(stats["error"]),
    warning: text(stats["warning"]),
    clusterKey: KEYS.find((known) => known === stats["key"]) ?? null,
    ageMs: number(stats["age"]),
    clockOffsetMs: number(stats["clock_offset"]),
    fetchMs: number(stats["fetch_ms"]),
    stats: readNodeStats(stats),
  };
}

/** One page of a list answer: its items, and the cursor of the next page if there is one. */
export function readPage(
  value: unknown,
  collection: string,
): { items: unknown[]; next: string | null } {
  const raw = fields(value);
  const items = raw[collection];
  return { items: Array.isArray(items) ? items : [], next: text(raw["next"]) };
}
