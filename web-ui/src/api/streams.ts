// Streams and sessions as the API tells them, and the paths that ask for them.
//
// Lists are sorted, searched and cut into pages by the node: a browser that held the 10,000 streams
// of a cluster would fetch megabytes every few seconds to show a hundred of them.

import { fields, number, readPage, text } from "./model";

export const STREAM_STATES = ["running", "silent", "waiting", "error"] as const;
/** `silent` says that it should run, but has had no frame for a while. */
export type StreamState = (typeof STREAM_STATES)[number] | "unknown";

export const INPUT_STATES = ["running", "connecting", "waiting", "failed", "standby"] as const;
export type InputState = (typeof INPUT_STATES)[number] | "unknown";

export interface Input {
  url: string;
  priority: number | null;
  state: InputState;
  /** Why it last failed; also when it has come back since. */
  error: string | null;
  retries: number | null;
  lastFrameAtMs: number | null;
  bitrateKbit: number | null;
}

export interface Track {
  id: string | null;
  content: string | null;
  codec: string | null;
  bitrateKbit: number | null;
  width: number | null;
  height: number | null;
  fps: number | null;
  channels: number | null;
  sampleRate: number | null;
  language: string | null;
}

export interface Stream {
  name: string;
  title: string | null;
  /** `config`: an item of this node's file; `user`: a publisher's; `remote`: of other nodes. */
  namedBy: "config" | "user" | "remote";
  /** Captured always, not only while somebody watches. */
  isStatic: boolean;
  state: StreamState;
  /** Why an input does not deliver. */
  error: string | null;
  runningOn: string[];
  /** All nodes that have it: that capture it, can start it, or fail to capture it. */
  heldBy: string[];
  inputs: Input[];
  tracks: Track[];
  clients: number | null;
  clientsSoFar: number | null;
  /** Nodes that relay it from this one. */
  relays: number | null;
  bitrateKbit: number | null;
  outputKbit: number | null;
  lifetimeMs: number | null;
  openedAtMs: number | null;
  delayMs: number | null;
  retries: number | null;
  bytesIn: number | null;
  bytesOut: number | null;
}

export interface Session {
  id: string;
  /** `play` or `publish`. */
  type: string | null;
  stream: string | null;
  protocol: string | null;
  address: string | null;
  userAgent: string | null;
  bytes: number | null;
  openedAtMs: number | null;
}

export interface Page<Item> {
  items: Item[];
  /** How many there are on all pages. */
  count: number;
  next: string | null;
  previous: string | null;
}

const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);
const names = (value: unknown): string[] => list(value).filter((name) => typeof name === "string");

function streamState(status: unknown, isAlive: unknown): StreamState {
  if (status === "running") return isAlive === false ? "silent" : "running";
  return STREAM_STATES.find((known) => known === status) ?? "unknown";
}

function readInput(value: unknown): Input {
  const raw = fields(value);
  const stats = fields(raw["stats"]);
  return {
    url: text(raw["url"]) ?? "?",
    priority: number(raw["priority"]),
    state: INPUT_STATES.find((known) => known === stats["status"]) ?? "unknown",
    error: text(stats["error"]),
    retries: number(stats["retry_count"]),
    lastFrameAtMs: number(stats["last_frame_at"]),
    bitrateKbit: number(stats["bitrate"]),
  };
}

function readTrack(value: unknown): Track {
  const raw = fields(value);
  return {
    id: text(raw["track_id"]),
    content: text(raw["content"]),
    codec: text(raw["codec"]),
    bitrateKbit: number(raw["bitrate"]),
    width: number(raw["width"]),
    height: number(raw["height"]),
    fps: number(raw["fps"]),
    channels: number(raw["channels"]),
    sampleRate: number(raw["sample_rate"]),
    language: text(raw["language"]),
  };
}

export function readStream(value: unknown): Stream {
  const raw = fields(value);
  const stats = fields(raw["stats"]);
  const namedBy = raw["named_by"];
  return {
    name: text(raw["name"]) ?? "?",
    title: text(raw["title"]),
    namedBy: namedBy === "config" || namedBy === "user" ? namedBy : "remote",
    isStatic: raw["static"] !== false,
    state: streamState(stats["status"], stats["alive"]),
    error: text(stats["source_error"]),
    runningOn: names(stats["running_on"]),
    heldBy: names(stats["held_by"]),
    inputs: list(raw["inputs"]).map(readInput),
    tracks: list(fields(stats["media_info"])["tracks"]).map(readTrack),
    clients: number(stats["online_clients"]),
    clientsSoFar: number(stats["client_count"]),
    relays: number(stats["relays"]),
    bitrateKbit: number(stats["bitrate"]),
    outputKbit: number(stats["output_bitrate"]),
    lifetimeMs: number(stats["lifetime"]),
    openedAtMs: number(stats["opened_at"]),
    delayMs: number(stats["ts_delay"]),
    retries: number(stats["retry_count"]),
    bytesIn: number(stats["bytes_in"]),
    bytesOut: number(stats["bytes_out"]),
  };
}

export function readSession(value: unknown): Session {
  const raw = fields(value);
  return {
    id: text(raw["id"]) ?? "?",
    type: text(raw["type"]),
    stream: text(raw["name"]),
    protocol: text(raw["proto"]),
    address: text(raw["ip"]),
    userAgent: text(raw["user_agent"]),
    bytes: number(raw["bytes"]),
    openedAtMs: number(raw["opened_at"]),
  };
}

export function readItems<Item>(
  value: unknown,
  collection: string,
  read: (value: unknown) => Item,
): Page<Item> {
  const { items, next } = readPage(value, collection);
  const raw = fields(value);
  return {
    items: items.map(read),
    count: Math.max(items.length, number(raw["estimated_count"]) ?? 0),
    next,
    previous: text(raw["prev"]),
  };
}

export const readStreams = (value: unknown): Page<Stream> =>
  readItems(value, "streams", readStream);

export const readSessions = (value: unknown): Page<Session> =>
  readItems(value, "sessions", readSession);

export function streamPath(name: string): string {
  return `streams/${encodeURIComponent(name)}`;
}

export function sessionPath(id: string): string {
  return `sessions/${encodeURIComponent(id)}`;
}

/** What is wanted of a list; `sort` and the filters are fields of the API. */
export interface ListQuery {
  sort: string;
  isDescending: boolean;
  query: string;
  cursor: string;
  filters: Record<string, string>;
}

const PAGE_ITEMS = 100;

/** The path of one page; what is empty is left out. */
export function listPath(collection: string, wanted: ListQuery): string {
  const { sort, isDescending, query, cursor, filters } = wanted;
  const parameters = {
    limit: `${PAGE_ITEMS}`,
    sort: `${isDescending ? "-" : ""}${sort}`,
    q: query,
    ...filters,
    cursor,
  };
  const given = Object.entries(parameters).filter(([, value]) => value !== "");
  return `${collection}?${new URLSearchParams(given)}`;
}
