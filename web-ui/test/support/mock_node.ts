// A node as the pages see it: serves the built UI under the real content security policy, and
// answers the API as the test says. Never talks to anything but its clients.

import { readFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join, normalize } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { followTs } from "./live_hls";

const DIST = join(import.meta.dirname, "../../dist");
const API = "/streamer/api/v3/";

const consoleCsp = (peers: string): string =>
  "default-src 'none'; script-src 'self'; style-src 'self'; " +
  `img-src 'self' data:${peers}; connect-src 'self'; base-uri 'none'; form-action 'self'; ` +
  `frame-ancestors 'none'; frame-src 'self'`;

const embedCsp = (entries: string[]): string =>
  "default-src 'none'; script-src 'self'; style-src 'self'; " +
  `img-src 'self' data: ${entries.join(" ")}; media-src 'self' blob: ${entries.join(" ")}; ` +
  "worker-src 'self' blob:; " +
  `connect-src 'self' ${entries.join(" ")}; base-uri 'none'; form-action 'none'`;

const MEDIA_TYPES: Record<string, string> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".css": "text/css",
  ".m3u8": "application/vnd.apple.mpegurl",
  ".ts": "video/mp2t",
  ".jpg": "image/jpeg",
};

/** One scripted answer; `never` holds the request open without a word. */
export interface Answer {
  status?: number;
  body?: unknown;
  headers?: Record<string, string>;
  never?: boolean;
}

/** `body` is what a write brought: JSON, or text as its type says; null without. */
export type Script = (path: string, request: IncomingMessage, body?: unknown) => Answer;

export interface MockNodeOptions {
  api?: Script;
  /** The console is served below this path, as behind a proxy. */
  prefix?: string;
  /** Folder with `index.m3u8` and segments, served as the stream `live/cam`. */
  media?: string;
  port?: number;
  /** An older node has no events. */
  hasEvents?: boolean;
}

/** The collections of the events that are told here, and the answers that they are made of. */
const EVENTS = { peers: "cluster/peers", stats: "config/stats" };
const EVENTS_EVERY_MS = 1000;

const escapeHtml = (text: string): string =>
  text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);

export class MockNode {
  api: Script;
  entries: string[] = [];
  /** Origins that the player page may load from, beside the entries. */
  reachable: string[] = [];
  /** Media requests are redirected to this node, when set. */
  redirectTo: string | null = null;
  /** The picture of a stream, where there is one. */
  pictureOf: (name: string) => Buffer | null = () => null;
  /** Answers every media request with this status, when set. */
  mediaStatus: number | null = null;
  readonly requests: string[] = [];
  /** Stays what it was when the node is dead. */
  port = 0;
  /** Open event streams. */
  listeners = 0;
  /** Streams are accepted and nothing of them gets through, as by a proxy that buffers. */
  holdsEvents = false;
  private readonly server: Server;

  private constructor(private readonly options: MockNodeOptions) {
    this.api = options.api ?? (() => ({ status: 404 }));
    this.server = createServer((request, response) => {
      this.answer(request, response).catch((error) => {
        response.statusCode = error?.code === "ENOENT" ? 404 : 500;
        response.setHeader("access-control-allow-origin", "*");
        response.end();
      });
    });
  }

  static async start(options: MockNodeOptions = {}): Promise<MockNode> {
    const node = new MockNode(options);
    await new Promise<void>((done) => node.server.listen(options.port ?? 0, "127.0.0.1", done));
    node.port = (node.server.address() as AddressInfo).port;
    return node;
  }

  get base(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  get url(): string {
    return `${this.base}${this.options.prefix ?? ""}/`;
  }

  /** Dies as a killed process does: open connections are cut, new ones refused. */
  async kill(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((done) => this.server.close(done));
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { prefix = "", media } = this.options;
    const full = decodeURIComponent(new URL(request.url ?? "/", this.base).pathname);
    this.requests.push(request.url ?? "");
    if (!full.startsWith(`${prefix}/`)) return void response.writeHead(404).end();
    const path = full.slice(prefix.length);
    if (path.startsWith(API)) return this.answerApi(path.slice(API.length), request, response);
    if (path === "/") return this.send(response, join(DIST, "index.html"), this.consoleCsp());
    if (path.endsWith("/embed.html")) return this.sendEmbed(path, request, response);
    if (path.startsWith("/assets/")) return this.send(response, join(DIST, normalize(path)));
    if (path.endsWith("/preview.jpg")) return this.sendPicture(path, request, response);
    if (path.startsWith("/live/cam/") && this.redirectTo)
      return this.sendOn(this.redirectTo, request, response);
    if (media && path.startsWith("/live/cam/")) {
      response.setHeader("access-control-allow-origin", "*");
      if (this.mediaStatus === null && path === "/live/cam/mpegts") {
        response.writeHead(200, { "content-type": "video/mp2t", "cache-control": "no-store" });
        if (request.method === "HEAD") return void response.end();
        return pipeline(Readable.from(followTs(media)), response).catch(() => undefined);
      }
      if (this.mediaStatus === null)
        return this.send(response, join(media, normalize(path.slice(10))));
      response.statusCode = this.mediaStatus;
    } else {
      response.statusCode = 404;
    }
    response.end();
  }

  private async answerApi(
    path: string,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    const sent = (await request.toArray()).join("");
    const isText = request.headers["content-type"] === "text/plain";
    const given: unknown = isText ? sent : sent === "" ? null : JSON.parse(sent);
    const { status = 200, body, headers = {}, never = false } = this.api(path, request, given);
    if (never) return;
    if (path === "events" && status === 404 && this.options.hasEvents !== false)
      return this.tellEvents(request, response);
    // As the node does: a challenge would open the browser's own password window.
    if (request.headers["x-requested-with"]) delete headers["www-authenticate"];
    const always = { "content-type": "application/json", "x-request-id": "req-7f3a" };
    response.writeHead(status, { ...always, ...headers });
    const isPlain = headers["content-type"]?.startsWith("text/plain");
    response.end(body === undefined ? "" : isPlain ? String(body) : JSON.stringify(body));
  }

  /** Tells what the lists would answer, all of it each second, until they refuse. */
  private tellEvents(request: IncomingMessage, response: ServerResponse): void {
    const wanted = new URL(request.url ?? "", this.base).searchParams.get("of")?.split(",") ?? [];
    let revision = 0;
    const tell = (): void => {
      for (const [name, path] of Object.entries(EVENTS)) {
        if (!wanted.includes(name)) continue;
        const { status = 200, body, never } = this.api(path, request, null);
        if (never || status !== 200) return void response.destroy();
        const items = (body as Record<string, unknown[]>)[name] ?? [body];
        const data = { full: true, more: false, estimated_count: items.length, items, gone: [] };
        response.write(`event: ${name}\nid: ${++revision}\ndata: ${JSON.stringify(data)}\n\n`);
      }
    };
    this.listeners++;
    const timer = setInterval(tell, EVENTS_EVERY_MS);
    response.on("close", () => {
      clearInterval(timer);
      this.listeners--;
    });
    if (this.holdsEvents) return void clearInterval(timer);
    response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
    response.write("retry: 2000\n\n");
    tell();
  }

  /** The picture of a stream of a peer is there. */
  private consoleCsp(): string {
    return consoleCsp(this.reachable.map((origin) => ` ${origin}`).join(""));
  }

  private async sendEmbed(
    path: string,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    if (this.redirectTo && !request.url?.includes("redirect=false"))
      return this.sendOn(this.redirectTo, request, response);
    const template = await readFile(join(DIST, "embed.html"), "utf8");
    const stream = path.slice(1, -"/embed.html".length);
    response.setHeader("content-type", "text/html; charset=utf-8");
    response.setHeader("content-security-policy", embedCsp([...this.entries, ...this.reachable]));
    response.end(
      template
        .replaceAll('"/assets/', `"${"../".repeat(stream.split("/").length)}assets/`)
        .replace(
          'name="watershed-stream" content=""',
          `name="watershed-stream" content="${escapeHtml(stream)}"`,
        )
        .replace(
          'name="watershed-entries" content=""',
          `name="watershed-entries" content="${escapeHtml(JSON.stringify(this.entries))}"`,
        ),
    );
  }

  private sendOn(base: string, request: IncomingMessage, response: ServerResponse): void {
    response.writeHead(302, {
      location: `${base}${request.url}`,
      "cache-control": "no-store",
      "access-control-allow-origin": "*",
    });
    response.end();
  }

  private sendPicture(path: string, request: IncomingMessage, response: ServerResponse): void {
    const picture = this.pictureOf(path.slice(1, -"/preview.jpg".length));
    if (!picture && this.redirectTo) return this.sendOn(this.redirectTo, request, response);
    const type = picture ? "image/jpeg" : "application/json";
    response.writeHead(picture ? 200 : 404, { "content-type": type, "cache-control": "no-store" });
    response.end(picture ?? '{"error":"not_found","errors":[{"code":"no_preview"}]}');
  }

  private async send(response: ServerResponse, file: string, csp?: string): Promise<void> {
    const body = await readFile(file);
    response.setHeader("content-type", MEDIA_TYPES[extname(file)] ?? "application/octet-stream");
    response.setHeader("cache-control", "no-store");
    if (csp) response.setHeader("content-security-policy", csp);
    response.end(body);
  }
}
