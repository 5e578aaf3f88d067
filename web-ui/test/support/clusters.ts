// Clusters in the shape of the API's answers: healthy, broken in one way each, large, hostile.

import type { Answer, Script } from "./mock_node";

type Fields = Record<string, unknown>;

export function stats(over: Fields = {}): Fields {
  return {
    server_version: "0.1.0",
    hostname: "north",
    id: "6f1c9a52",
    streamer_status: "running",
    now: Date.now(),
    started_at: Math.floor(Date.now() / 1000) - 277_320,
    uptime: 277_320,
    cpu_usage: 23.4,
    memory_usage: 41,
    scheduler_load: 12,
    bandwidth_usage: 18.2,
    total_clients: 412,
    clients_by_protocol: { hls: 390, rtmp: 22, later: "x" },
    total_streams: 38,
    online_streams: 36,
    input_kbit: 152_000,
    output_kbit: 1_840_000,
    transcoder_devices: [],
    ...over,
  };
}

export function peer(hostname: string, over: Fields = {}, config: Fields = {}): Fields {
  return {
    hostname,
    api_url: `http://${hostname.replace(/:\d+$/, "")}:8081`,
    public_payload_url: `https://${hostname}.example.com`,
    fetch_timeout: 1000,
    stale_timeout: 10_000,
    channel_limit: null,
    cpu_limit: null,
    ...config,
    stats: {
      state: "up",
      error: null,
      age: 320,
      clock_offset: 4,
      fetch_ms: 3,
      ...stats({ hostname }),
      ...over,
    },
  };
}

/** What is known of a peer that has never answered. */
export const SILENT: Fields = Object.fromEntries(Object.keys(stats()).map((name) => [name, null]));

export const down = (hostname: string): Fields =>
  peer(hostname, { state: "down", error: "connection refused", age: 14_300 });

export const wrongKey = (hostname: string): Fields =>
  peer(hostname, { ...SILENT, state: "unauthorized", error: "401 wrong key", age: null });

export const neverAnswered = (hostname: string): Fields => ({
  hostname,
  api_url: `http://${hostname}`,
  stats: { state: "unknown", error: null, age: null },
});

export const HEALTHY = [
  peer(
    "south",
    {
      cpu_usage: 74,
      memory_usage: 83,
      total_clients: 1208,
      total_streams: 60,
      output_kbit: 5_420_000,
      bandwidth_usage: 54,
    },
    { channel_limit: 60 },
  ),
  peer("east", {
    cpu_usage: 8,
    total_clients: 31,
    total_streams: 4,
    output_kbit: 118_400,
    bandwidth_usage: null,
    uptime: 42,
  }),
  peer(
    "west-relay.example.com:8081",
    { cpu_usage: 92.4, memory_usage: 96, bandwidth_usage: 91 },
    { cpu_limit: 85 },
  ),
];

/** Every state at once: what an operator sees on a bad day. */
export const BAD_DAY = [
  ...HEALTHY,
  down("node10"),
  peer("node2", { state: "late", error: "timed out after 1 s", age: 2400 }),
  wrongKey("node3"),
  neverAnswered("node4"),
  peer("node5", { state: "draining", total_clients: 12 }),
  peer("node6", {
    ...SILENT,
    state: "incompatible",
    error: "speaks protocol 3, this node 1",
    server_version: "0.9.0",
    age: 900,
  }),
  peer("node7", { ...SILENT, state: "self", error: null }),
  peer("node8", { ...SILENT, state: "duplicate", error: "already known as south" }),
  peer("node9", { server_version: "0.2.0-rc.1", clock_offset: 47_000 }),
];

/** Another `turn` gives each another load. */
export function many(count: number, turn = 0): Fields[] {
  return Array.from({ length: count }, (_, index) => {
    const over = {
      cpu_usage: ((index + turn) * 37) % 100,
      output_kbit: Math.round(Math.random() * 9e6),
    };
    return index % 23 === 7 ? down(`edge${index}`) : peer(`edge${index}`, over);
  });
}

const list = (peers: unknown[]): Fields => ({
  peers,
  estimated_count: peers.length,
  next: null,
  prev: null,
  timing: {},
});

const SESSION = { user: "admin", may_write: true, csrf_token: "5e1f" };

/** Answers the requests of the overview; the node's figures move a little, as live ones do. */
export function cluster(peers: unknown[], node: Fields = {}): Script {
  return (path) => {
    if (path === "config/stats") {
      const output = 1_840_000 + Math.round(Math.sin(Date.now() / 900) * 200_000);
      return { body: stats({ output_kbit: output, ...node }) };
    }
    if (path === "session") return { body: SESSION };
    return path === "cluster/peers" ? { body: list(peers) } : { status: 404 };
  };
}

/** `api` as a login sees it that may only read. */
export const viewing =
  (api: Script): Script =>
  (path, request, body) => {
    if (path === "session") return { body: { ...SESSION, user: "viewer", may_write: false } };
    if (request.method !== "GET")
      return refusal(403, "read_only_user", "this login may not change anything");
    return api(path, request, body);
  };

export const always =
  (answer: Answer): Script =>
  () =>
    answer;

export const refusal = (status: number, code: string, title: string): Answer => ({
  status,
  body: { error: code, errors: [{ status: String(status), code, title }] },
  ...(status === 401 && { headers: { "www-authenticate": 'Basic realm="watershed"' } }),
});
