// A node with collections of files: lists, changes and removes them, and walks their folders.

import { cluster, refusal } from "./clusters";
import { list, type Fields } from "./media";
import type { Answer, Script } from "./mock_node";
import { Writes } from "./writes";

export const vod = (prefix: string, ...storages: string[]): Fields => ({
  prefix,
  storages: storages.map((url) => ({ url })),
  segment_duration: 4,
  stats: { online_clients: 3 },
});

const CHANGED_AT_S = 1_795_300_000;

/** A file of the folder `movies`, or of one in it. */
export const file = (name: string, bytes: number, folder = "movies"): Fields => ({
  name,
  kind: "file",
  bytes,
  mtime: CHANGED_AT_S,
  stream: /^[\w.-]+$/.test(name) ? `${folder}/${name}` : null,
});

export const folder = (name: string): Fields => ({
  name,
  kind: "directory",
  bytes: null,
  mtime: CHANGED_AT_S,
  stream: null,
});

export const VODS = [
  vod("movies", "/var/lib/watershed/movies", "/mnt/archive/films"),
  vod("live/recordings", "recordings"),
];

/** What is in each folder, by prefix and path. */
export const FOLDERS: Record<string, Fields[]> = {
  movies: [
    folder("2026"),
    file("big-buck-bunny.mp4", 276_134_947),
    file("a rather long name with blanks in it.mp4", 12_000_000),
  ],
  "movies/2026": [folder("empty"), file("holiday.mp4", 1_400_000_000, "movies/2026")],
  "movies/2026/empty": [],
  "live/recordings": [],
};

export class FilesNode extends Writes {
  version = 1;
  private readonly rest = cluster([]);

  constructor(
    public vods: Fields[] = structuredClone(VODS),
    public folders: Record<string, Fields[]> = structuredClone(FOLDERS),
  ) {
    super();
  }

  readonly answer: Script = (path, request, body) => {
    const query = new URL(request.url ?? "", "http://node").searchParams;
    if (path === "vods") return list("vods", this.vods, query);
    const [, inside] = /^vods\/(.+)\/files$/.exec(path) ?? [];
    if (inside) return this.answerFolder(inside, query);
    const [, prefix] = /^vods\/(.+)$/.exec(path) ?? [];
    if (!prefix) return this.rest(path, request, body);
    const refused = this.refused(request, path, body);
    if (refused) return refused;
    const found = this.vods.find((one) => one["prefix"] === prefix);
    const etag = `"v${this.version}"`;
    const { "if-match": wanted, "if-none-match": none } = request.headers;
    if ((wanted && wanted !== etag) || (none === "*" && found))
      return refusal(412, "precondition_failed", "changed meanwhile");
    if (request.method === "PUT") {
      const changed = { ...(found ?? vod(prefix)), ...(body as Fields) };
      this.vods = [...this.vods.filter((one) => one !== found), changed];
      this.folders[prefix] ??= [];
      this.version += 1;
      return { body: changed, headers: { etag: `"v${this.version}"` } };
    }
    if (!found) return refusal(404, "vod_not_found", `there is no vod ${prefix}`);
    if (request.method !== "DELETE") return { body: found, headers: { etag } };
    this.vods = this.vods.filter((one) => one !== found);
    return { status: 204 };
  };

  private answerFolder(prefix: string, query: URLSearchParams): Answer {
    const path = query.get("path") ?? "";
    query.delete("path");
    const found = this.folders[[prefix, path].filter(Boolean).join("/")];
    if (!found) return refusal(404, "folder_not_found", "there is no such folder");
    return list("files", found, query);
  }
}
