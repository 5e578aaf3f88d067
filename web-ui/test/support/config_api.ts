// The config file of a node as its API keeps it: shown, checked, replaced under a condition.

import { cluster, refusal } from "./clusters";
import type { Answer, Script } from "./mock_node";

export const CONFIG = `hostname north;
http 8081;  rtsp 8554;  rtmp 1935;
edit_auth admin ***;          # the API and the web UI
cluster_key ***;

# South is asked by its inner address; clients are sent to its public one.
peer south {
  api_url http://10.0.0.2:8081;
  public https://south.example.com;
}

stream cam1 { input rtsp://admin:***@10.0.0.9/ch1; title "Main stage"; }
stream event { input publish://; password ***; }
`;

const MAIN_PATH = "/etc/watershed/watershed.conf";
const INCLUDED_PATH = "/etc/watershed/conf.d/b.conf";
const UNCLOSED = "the quote is never closed";
const KNOWN =
  /^(hostname|http|rtsp|rtmp|edit_auth|cluster_key|peer|stream|include|api_url|public)$/;
const TEXT = { "content-type": "text/plain; charset=utf-8" };

type Fault = Record<string, unknown>;

const refused = (errors: Fault[]): Answer => ({
  status: 400,
  body: {
    error: "bad_request",
    errors: errors.map((fault) => ({ status: "400", code: "invalid_config", ...fault })),
  },
});

export class ConfigApi {
  /** Every write that arrived: method, text, condition. */
  readonly writes: unknown[][] = [];
  /** Refuses to write. */
  refuses: Answer | null = null;
  /** Something is wrong in an included file. */
  isIncludeBroken = false;
  isKeyWeak = false;
  /** Another port waits for the next start. */
  listensAsStarted = false;
  mayWrite = true;
  private revision = 0;

  constructor(public text = CONFIG) {}

  readonly api: Script = (path, request, body) => {
    if (path === "session")
      return { body: { user: "admin", may_write: this.mayWrite, csrf_token: "5e1f" } };
    if (path !== "config") return cluster([])(path, request, body);
    const { method = "GET", headers } = request;
    // The page has what is in force looked at by itself.
    const isLook = method === "POST" && body === this.text;
    if (method !== "GET" && !isLook) this.writes.push([method, body, headers["if-match"]]);
    if (method !== "GET" && headers["content-type"] !== "text/plain")
      return refusal(400, "wrong_type", "text is expected");
    if (method === "POST") return this.judge(String(body)) ?? { body: this.warnings(String(body)) };
    if (method === "PUT") return this.put(String(body), headers["if-match"]);
    return this.show();
  };

  /** As another operator does it. */
  change(text: string): void {
    this.text = text;
    this.revision++;
  }

  private show(): Answer {
    return { body: this.text, headers: { ...TEXT, etag: `"config-${this.revision}"` } };
  }

  private put(text: string, condition: string | undefined): Answer {
    if (condition !== undefined && condition !== `"config-${this.revision}"`)
      return refusal(412, "item_changed", "the item was changed meanwhile: read it again");
    const refused = this.judge(text) ?? this.refuses;
    if (refused) return refused;
    this.change(text.replace(/(password|cluster_key) [^;]+;/g, "$1 ***;"));
    return this.show();
  }

  /** Unknown words at the begin of a line are wrong, as they are to the node. */
  private judge(text: string): Answer | null {
    const faults: Fault[] = text.split(/\r?\n/).flatMap((content, index) => {
      const [, indent = "", word = ""] = content.match(/^(\s*)([^\s#;{}]+)/) ?? [];
      if (word === "" || KNOWN.test(word)) return [];
      return {
        title: `unknown word \`${word}\``,
        detail: "did you mean `peer`?",
        path: MAIN_PATH,
        line: index + 1,
        col: indent.length + 1,
      };
    });
    for (const [index, content] of text.split(/\r?\n/).entries()) {
      if ((content.match(/"/g) ?? []).length % 2 === 0) continue;
      const at = { path: MAIN_PATH, line: index + 1 };
      const col = content.lastIndexOf('"') + 1;
      faults.push(
        { ...at, col, title: UNCLOSED, detail: 'a `"` on the same line' },
        { ...at, col: content.length + 1, title: "`;` is missing", detail: "`;`" },
      );
    }
    if (this.isIncludeBroken)
      faults.push({
        title: UNCLOSED,
        detail: 'a `"` on the same line',
        path: INCLUDED_PATH,
        line: 2,
        col: 9,
      });
    return faults.length > 0 ? refused(faults) : null;
  }

  private warnings(text: string): unknown {
    const at = (word: string): Fault => {
      const line = text.split("\n").findIndex((content) => content.startsWith(word));
      return { path: MAIN_PATH, line: line + 1, col: 1 };
    };
    const weak = {
      ...at("cluster_key"),
      title: "the cluster key is the example `abcd`",
      detail: "a secret of 16 characters or more",
    };
    const waiting = {
      ...at("http "),
      title: "the change of `http` waits",
      detail: "it takes effect at the next start",
    };
    const waits = this.listensAsStarted && !text.includes("http 8081;");
    return { warnings: [...(this.isKeyWeak ? [weak] : []), ...(waits ? [waiting] : [])] };
  }
}

export const changedOnDisk = refusal(
  409,
  "config_changed",
  `${MAIN_PATH} changed on disk since it was read`,
);
export const readOnly = refusal(
  403,
  "config_read_only",
  `${MAIN_PATH} is read-only: the file lacks its owner's write bit`,
);
