// Streams and sessions in the shape of the API's answers, and a node that lists, sorts, filters,
// changes and ends them as the real one does.

import type { IncomingMessage } from "node:http";
import { cluster, peer, refusal } from "./clusters";
import type { Answer, Script } from "./mock_node";
import { Writes } from "./writes";

export type Fields = Record<string, unknown>;

const HOUR_MS = 3_600_000;

const TRACKS = [
  { track_id: "v1", content: "video", codec: "h264", width: 1920, height: 1080, fps: 25 },
  { track_id: "a1", content: "audio", codec: "aac", channels: 2, sample_rate: 48_000 },
];

const IDLE: Fields = {
  status: "waiting",
  alive: false,
  bitrate: 0,
  online_clients: 0,
  running_on: [],
  held_by: ["north"],
  lifetime: null,
  opened_at: null,
  source_error: null,
  media_info: { tracks: [] },
};

/** An input of which the node knows that much. */
export const input = (url: string, status: string, stats: Fields = {}): Fields => ({
  url,
  stats: {
    active: true,
    status,
    error: null,
    retry_count: 0,
    last_frame_at: Date.now(),
    bitrate: 2480,
    ...stats,
  },
});

/** One of this node's own that runs. */
export function stream(name: string, over: Fields = {}, stats: Fields = {}): Fields {
  return {
    name,
    named_by: "config",
    static: true,
    clients_timeout: 60,
    inputs: [{ url: `rtsp://admin:***@10.0.0.9/${name}` }],
    ...over,
    stats: {
      id: "95bdfa1a",
      status: "running",
      alive: true,
      bitrate: 2480,
      input_bitrate: 2480,
      output_bitrate: 29_760,
      online_clients: 12,
      client_count: 340,
      relays: 2,
      lifetime: 3 * HOUR_MS,
      opened_at: Date.now() - 3 * HOUR_MS,
      retry_count: 1,
      bytes_in: 3_348_000_000,
      bytes_out: 40_176_000_000,
      last_dts: 1_795_356_033_868,
      ts_delay: 23,
      running_on: ["north"],
      held_by: ["north"],
      media_info: { tracks: TRACKS },
      source_error: null,
      ...stats,
    },
  };
}

/** One of a peer, of which this node knows little. */
export const remote = (name: string, stats: Fields = {}): Fields => ({
  name,
  named_by: "remote",
  stats: {
    ...Object.fromEntries(Object.keys(IDLE).map((field) => [field, null])),
    status: "running",
    alive: true,
    bitrate: 4100,
    online_clients: 3,
    running_on: ["south"],
    held_by: stats["running_on"] ?? ["south"],
    media_info: { tracks: TRACKS },
    ...stats,
  },
});

export const onDemand = (name: string, over: Fields = {}): Fields =>
  stream(name, { static: false, ...over }, IDLE);

export const broken = (name: string, error: string): Fields =>
  stream(name, {}, { ...IDLE, status: "error", source_error: error });

export const dead = (name: string): Fields =>
  stream(name, {}, { alive: false, bitrate: 0, ts_delay: 47_000 });

/** A stream in every state. */
export const STREAMS: Fields[] = [
  stream("live/cam", {
    title: "Main stage",
    inputs: [
      input("rtsp://admin:***@10.0.0.9/ch1", "failed", {
        active: false,
        error: "rtsp://10.0.0.9/ch1: connection refused",
        retry_count: 1204,
        last_frame_at: Date.now() - HOUR_MS,
        bitrate: 0,
      }),
      { ...input("file://fallback.mp4", "running"), priority: 5 },
      input("publish://", "standby", {
        active: false,
        error: "no frame for 10 s",
        retry_count: 3,
        last_frame_at: null,
        bitrate: 0,
      }),
    ],
  }),
  broken("north-door", "rtsp://10.0.0.9/north-door: connection refused"),
  dead("north-yard"),
  onDemand("film", { title: "A film on demand", inputs: [{ url: "file://media/film.mp4" }] }),
  stream("studio/anna", { named_by: "user", inputs: [] }, { bitrate: 6200 }),
  remote("south-cam"),
  remote("east/hall-with-a-rather-long-name", { running_on: ["east", "south"], bitrate: null }),
  remote("south-film", { ...IDLE, held_by: ["south"], online_clients: null }),
];

export function session(id: string, over: Fields = {}): Fields {
  return {
    id,
    type: "play",
    name: "live/cam",
    proto: "hls",
    ip: "192.0.2.17",
    user_agent: "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156",
    bytes: 48_211_004,
    opened_at: Date.now() - 754_000,
    token: null,
    country: null,
    ...over,
  };
}

export const SESSIONS: Fields[] = [
  session("s1"),
  session("s2", { proto: "rtsp", ip: "2001:db8::7:1", user_agent: "LibVLC/3.0.20", bytes: 812 }),
  session("s3", {
    type: "publish",
    name: "studio/anna",
    proto: "rtmp",
    ip: "198.51.100.4",
    user_agent: "FMLE/3.0 (compatible; FMSc/1.0)",
    bytes: 9_100_000_000,
    opened_at: Date.now() - 30 * HOUR_MS,
  }),
  session("s4", { proto: "tshttp", user_agent: null, bytes: null, opened_at: null }),
];

/** The value at a dotted path. */
const at = (item: unknown, path: string): unknown =>
  path.split(".").reduce<unknown>((value, part) => (value as Fields | null)?.[part], item);

function compare(a: unknown, b: unknown): number {
  if (typeof a === "number" && typeof b === "number") return a - b;
  return String(a) < String(b) ? -1 : Number(String(a) > String(b));
}

export function list(collection: string, items: Fields[], query: URLSearchParams): Answer {
  let found = items;
  for (const [name, wanted] of query) {
    if (["limit", "cursor", "select", "sort", "q"].includes(name)) continue;
    found = found.filter((item) => [at(item, name)].flat().map(String).includes(wanted));
  }
  const search = query.get("q")?.toLowerCase() ?? "";
  found = found.filter((item) => JSON.stringify(item).toLowerCase().includes(search));
  const sort = query.get("sort") ?? "name";
  const field = sort.replace(/^-/, "");
  const sign = sort.startsWith("-") ? -1 : 1;
  found = [...found].sort((one, other) => {
    const [a, b] = [at(one, field) ?? null, at(other, field) ?? null];
    if (a === null || b === null) return Number(a === null) - Number(b === null);
    return sign * compare(a, b) || compare(one["name"], other["name"]);
  });
  const start = Number(query.get("cursor") ?? 0);
  if (Number.isNaN(start)) return refusal(400, "invalid_cursor", "not a cursor of this list");
  const limit = Number(query.get("limit"));
  const body = {
    [collection]: found.slice(start, start + limit),
    estimated_count: found.length,
    next: start + limit < found.length ? `${start + limit}` : null,
    prev: start > 0 ? `${Math.max(0, start - limit)}` : null,
    timing: {},
  };
  return { body };
}

/** A node that has these; what is changed stays changed. */
export class MediaNode extends Writes {
  /** Grows with each change, whoever makes it. */
  version = 1;
  listeners: Fields = { http: [{ port: 8081 }], rtsp: [{ port: 8554 }], rtmp: [{ port: 1935 }] };
  private readonly rest: Script;

  constructor(
    public streams: Fields[] = structuredClone(STREAMS),
    public sessions: Fields[] = structuredClone(SESSIONS),
    peers: Fields[] = [peer("south"), peer("east")],
  ) {
    super();
    this.rest = cluster(peers);
  }

  /** Why the streams that are not there are missing, where the node knows. */
  loss = "";

  readonly answer: Script = (path, request, body) => {
    const query = new URL(request.url ?? "", "http://node").searchParams;
    if (path === "streams") return list("streams", this.streams, query);
    if (path === "sessions") return list("sessions", this.sessions, query);
    if (path === "config") return { body: { listeners: this.listeners } };
    const [, collection, name = ""] = /^(streams|sessions)\/(.+)$/.exec(path) ?? [];
    if (!collection) return this.rest(path, request, body);
    const refused = this.refused(request, path, body);
    if (refused) return refused;
    return collection === "sessions"
      ? this.answerSession(name, request)
      : this.answerStream(name, request, body);
  };

  private answerSession(id: string, { method }: IncomingMessage): Answer {
    const found = this.sessions.find((one) => one["id"] === id);
    if (!found) return refusal(404, "session_not_found", "no such session");
    if (method !== "DELETE") return { body: found };
    this.sessions = this.sessions.filter((one) => one !== found);
    return { status: 204 };
  }

  private answerStream(path: string, request: IncomingMessage, body: unknown): Answer {
    if (request.method === "POST") return { status: 204 };
    const found = this.streams.find((one) => one["name"] === path);
    const etag = `"v${this.version}"`;
    const { "if-match": wanted, "if-none-match": none } = request.headers;
    const isStale = (wanted && wanted !== etag) || (none === "*" && found);
    if (isStale) return refusal(412, "precondition_failed", "changed meanwhile");
    if (request.method === "PUT") {
      const changed = { ...(found ?? onDemand(path, { inputs: [] })), ...(body as Fields) };
      this.streams = [...this.streams.filter((one) => one !== found), changed];
      this.version += 1;
      return { body: changed, headers: { etag: `"v${this.version}"` } };
    }
    if (!found && this.loss) return refusal(404, "stream_lost", this.loss);
    if (!found) return refusal(404, "stream_not_found", `no node has a stream ${path}`);
    if (request.method !== "DELETE") return { body: found, headers: { etag } };
    this.streams = this.streams.filter((one) => one !== found);
    return { status: 204 };
  }
}

export const many = (count: number): Fields[] =>
  Array.from({ length: count }, (_, index) =>
    stream(`cam-${String(index).padStart(5, "0")}`, {}, { bitrate: (index * 37) % 9000 }),
  );

export const manySessions = (count: number): Fields[] =>
  Array.from({ length: count }, (_, index) =>
    session(`s${index}`, {
      ip: `10.0.${Math.floor(index / 256)}.${index % 256}`,
      bytes: (index * 7919) % 1_000_003,
      opened_at: Date.now() - HOUR_MS + index,
    }),
  );
