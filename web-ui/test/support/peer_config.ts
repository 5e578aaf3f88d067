// Cluster key and peers of a node as its API keeps them: read, changed under conditions, refused,
// removed.

import { cluster, refusal } from "./clusters";
import type { Answer, Script } from "./mock_node";

type Fields = Record<string, unknown>;

const PREFIX = "cluster/peers/";
const DEFAULTS = { fetch_timeout: 1000, stale_timeout: 10_000 };
/** How a peer is doing right after it was added. */
const ASKED = { state: "unknown", error: null, age: null };

const WEAK_KEY = "the cluster key is the example `abcd`";

/** A refusal as the node gives it where the settings that would result are wrong. */
const invalid = (title: string, detail: string): Answer => ({
  status: 400,
  body: {
    error: "bad_request",
    errors: [
      { status: "400", code: "invalid_config", title, detail, path: "a.conf", line: 4, col: 14 },
    ],
  },
});

export class PeerConfig {
  /** Every write that arrived: method, hostname, body, condition. */
  readonly writes: unknown[][] = [];
  private readonly peers = new Map<string, Fields>();
  private revision = 0;

  constructor(
    peers: Fields[],
    private key: string | null = "a-key-of-the-whole-cluster",
    /** Accepts older keys, too. */
    private readonly acceptsOlder = false,
  ) {
    for (const peer of peers) this.peers.set(String(peer["hostname"]), peer);
  }

  readonly api: Script = (path, request, body) => {
    if (path === "config") return this.config(request.method, body as Fields);
    if (!path.startsWith(PREFIX)) return cluster([...this.peers.values()])(path, request, body);
    const hostname = path.slice(PREFIX.length);
    const condition = request.headers["if-match"];
    if (request.method !== "GET") this.writes.push([request.method, hostname, body, condition]);
    if (condition !== undefined && condition !== this.tagOf(hostname))
      return refusal(412, "item_changed", "the item was changed meanwhile: read it again");
    if (request.method === "PUT") return this.put(hostname, body as Fields);
    if (request.method === "DELETE") {
      this.peers.delete(hostname);
      return { status: 204 };
    }
    return this.show(hostname);
  };

  /** As another operator does it, or as the peer itself does. */
  change(hostname: string, changes: Fields): void {
    this.revision++;
    this.peers.set(hostname, { ...this.peers.get(hostname), ...changes });
  }

  private config(method: string | undefined, patch: Fields): Answer {
    if (method === "POST")
      return { body: { warnings: this.key === "abcd" ? [{ title: WEAK_KEY }] : [] } };
    if (method === "PUT") {
      this.writes.push([method, "config", patch]);
      this.key = String(patch["cluster_key"]);
      for (const { hostname } of (patch["peers"] ?? []) as { hostname: string }[])
        this.put(hostname, {});
    }
    const older = this.acceptsOlder && { cluster_key_accept: ["***"] };
    return { body: { hostname: "north", ...(this.key && { cluster_key: "***" }), ...older } };
  }

  private tagOf(hostname: string): string {
    return `"${hostname}-${this.revision}"`;
  }

  private show(hostname: string): Answer {
    const body = this.peers.get(hostname);
    if (!body) return refusal(404, "peer_not_found", `there is no peer \`${hostname}\``);
    return { body, headers: { etag: this.tagOf(hostname) } };
  }

  private put(hostname: string, patch: Fields): Answer {
    if (!this.key)
      return invalid(
        `peer \`${hostname}\` without a cluster key`,
        "`cluster_key SECRET;`, the same on all nodes",
      );
    const apiUrl = patch["api_url"];
    if (typeof apiUrl === "string" && apiUrl.includes("@"))
      return invalid("`api_url` holds a user or password", "none: nodes sign with the cluster key");
    const shown = "cluster_key" in patch && { cluster_key: patch["cluster_key"] && "***" };
    const fresh = { hostname, api_url: `http://${hostname}`, ...DEFAULTS, stats: ASKED };
    this.change(hostname, { ...(!this.peers.has(hostname) && fresh), ...patch, ...shown });
    return this.show(hostname);
  }
}
