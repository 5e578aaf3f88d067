// An OpenAPI document, read with distrust: what it says of each operation, and how its references
// are followed. Pure.
//
// Source: OpenAPI Specification 3.1.0, https://spec.openapis.org/oas/v3.1.0

import { fields, text, type Fields } from "../api/model";

/** A reference may lead to another; so many are followed, and one that leads to itself is not. */
const HOPS_MAX = 16;
const METHODS = ["get", "put", "post", "delete", "patch", "head", "options", "trace"];

export interface Parameter {
  name: string;
  /** Where it stands: path, query, header or cookie. */
  place: string;
  isRequired: boolean;
  schema: unknown;
  description: string | null;
}

export interface Media {
  type: string;
  schema: unknown;
  example: unknown;
}

export interface Answer {
  status: string;
  description: string | null;
  media: Media[];
  headers: Parameter[];
}

export interface Operation {
  /** Unlike that of any other. */
  key: string;
  method: string;
  /** A server of its own is part of it. */
  path: string;
  /** What stands before the path. */
  server: string;
  summary: string | null;
  description: string | null;
  isDeprecated: boolean;
  parameters: Parameter[];
  body: Answer | null;
  answers: Answer[];
}

export interface Group {
  tag: string;
  description: string | null;
  operations: Operation[];
}

export interface Reference {
  title: string | null;
  version: string | null;
  format: string | null;
  description: string | null;
  /** What stands before the paths that have no server of their own. */
  server: string | null;
  groups: Group[];
  count: number;
  /** What a value means: itself, or what its `$ref` leads to. */
  resolve: (value: unknown) => Fields;
}

const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);

/** The first server that is named, without the slash at its end; null if none is. */
function serverOf(raw: Fields): string | null {
  return text(fields(list(raw["servers"])[0])["url"])?.replace(/\/$/, "") ?? null;
}

/** What a pointer of RFC 6901 leads to in `root`; only own fields, or a name could lead astray. */
function pointedAt(root: unknown, pointer: string): unknown {
  let at = root;
  for (const part of pointer.split("/").slice(1)) {
    const name = part.replaceAll("~1", "/").replaceAll("~0", "~");
    if (typeof at !== "object" || at === null || !Object.hasOwn(at, name)) return undefined;
    at = (at as Fields)[name];
  }
  return at;
}

/** The name at the end of a reference. */
export function referredName(value: unknown): string | null {
  const reference = text(fields(value)["$ref"]);
  return reference === null ? null : (decoded(reference).split("/").at(-1) ?? reference);
}

function decoded(reference: string): string {
  try {
    return decodeURIComponent(reference);
  } catch {
    return reference;
  }
}

function resolver(root: unknown): (value: unknown) => Fields {
  return (value) => {
    let at = fields(value);
    for (let hop = 0; hop < HOPS_MAX; hop++) {
      const reference = text(at["$ref"]);
      if (reference === null) return at;
      if (!reference.startsWith("#/")) return {};
      at = fields(pointedAt(root, decoded(reference)));
    }
    return {};
  };
}

function readMedia(content: unknown): Media[] {
  return Object.entries(fields(content)).map(([type, value]) => {
    const { schema, example } = fields(value);
    return { type, schema, example };
  });
}

type Resolve = Reference["resolve"];

function readParameter(value: unknown, resolve: Resolve): Parameter {
  const raw = resolve(value);
  return {
    name: text(raw["name"]) ?? "?",
    place: text(raw["in"]) ?? "?",
    isRequired: raw["required"] === true,
    schema: raw["schema"],
    description: text(raw["description"]),
  };
}

function readAnswer(status: string, value: unknown, resolve: Resolve): Answer {
  const raw = resolve(value);
  return {
    status,
    description: text(raw["description"]),
    media: readMedia(raw["content"]),
    headers: Object.entries(fields(raw["headers"])).map(([name, header]) =>
      readParameter({ ...resolve(header), name, in: "header" }, resolve),
    ),
  };
}

/** An operation without what only its place says: method, path and server. */
function readOperation(
  item: Fields,
  raw: Fields,
  resolve: Resolve,
): Omit<Operation, "key" | "method" | "path" | "server"> {
  const parameters = new Map<string, Parameter>();
  // Those of the operation replace those of its path.
  for (const value of [...list(item["parameters"]), ...list(raw["parameters"])]) {
    const one = readParameter(value, resolve);
    parameters.set(`${one.place} ${one.name}`, one);
  }
  const body = raw["requestBody"];
  return {
    summary: text(raw["summary"]) ?? text(item["summary"]),
    description: text(raw["description"]),
    isDeprecated: raw["deprecated"] === true,
    parameters: [...parameters.values()],
    body: body === undefined ? null : readAnswer("", body, resolve),
    answers: Object.entries(fields(raw["responses"])).map(([status, value]) =>
      readAnswer(status, value, resolve),
    ),
  };
}

export function readReference(document: unknown): Reference {
  const root = fields(document);
  const resolve = resolver(root);
  const groups = new Map<string, Group>();
  const groupOf = (tag: string): Group => {
    const known = groups.get(tag) ?? { tag, description: null, operations: [] };
    groups.set(tag, known);
    return known;
  };
  for (const value of list(root["tags"])) {
    const { name, description } = fields(value);
    groupOf(text(name) ?? "").description = text(description);
  }
  const server = serverOf(root);
  let count = 0;
  for (const [path, value] of Object.entries(fields(root["paths"]))) {
    const item = resolve(value);
    for (const method of METHODS) {
      if (typeof item[method] !== "object" || item[method] === null) continue;
      if (method === "head" && item["get"]) continue; // It answers as GET does.
      const raw = fields(item[method]);
      const ownServer = serverOf(raw) ?? serverOf(item);
      groupOf(text(list(raw["tags"])[0]) ?? "").operations.push({
        ...readOperation(item, raw, resolve),
        key: `${method} ${path}`,
        method: method.toUpperCase(),
        path: `${ownServer ?? ""}${path}`,
        server: ownServer === null ? (server ?? "") : "",
      });
      count++;
    }
  }
  const info = fields(root["info"]);
  return {
    title: text(info["title"]),
    version: text(info["version"]),
    format: text(root["openapi"]),
    description: text(info["description"]),
    server,
    groups: [...groups.values()].filter(({ operations }) => operations.length > 0),
    count,
    resolve,
  };
}

/** The groups with those operations only that have every word of `query` in them. */
export function filtered(groups: readonly Group[], query: string): Group[] {
  const words = query.toLowerCase().split(/\s+/);
  return groups
    .map((group) => ({
      ...group,
      operations: group.operations.filter(({ method, path, summary }) => {
        const told = `${method} ${path} ${summary ?? ""} ${group.tag}`.toLowerCase();
        return words.every((word) => told.includes(word));
      }),
    }))
    .filter(({ operations }) => operations.length > 0);
}
