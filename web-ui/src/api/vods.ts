// Collections of files and what is in their folders, as the API tells them.

import { fields, number, text } from "./model";
import { readItems, type Page } from "./streams";

export interface Vod {
  prefix: string;
  /** Folders; the first that has a file gives it. */
  storages: string[];
  clients: number | null;
}

export interface FolderEntry {
  name: string;
  isFolder: boolean;
  bytes: number | null;
  changedAtMs: number | null;
  /** What the file is played as; null where no address can name it. */
  stream: string | null;
}

export function readVod(value: unknown): Vod {
  const raw = fields(value);
  const storages = Array.isArray(raw["storages"]) ? raw["storages"] : [];
  return {
    prefix: text(raw["prefix"]) ?? "?",
    storages: storages.map((storage) => text(fields(storage)["url"]) ?? "?"),
    clients: number(fields(raw["stats"])["online_clients"]),
  };
}

function readEntry(value: unknown): FolderEntry {
  const raw = fields(value);
  const changedAtSeconds = number(raw["mtime"]);
  return {
    name: text(raw["name"]) ?? "?",
    isFolder: raw["kind"] === "directory",
    bytes: number(raw["bytes"]),
    changedAtMs: changedAtSeconds === null ? null : changedAtSeconds * 1000,
    stream: text(raw["stream"]),
  };
}

export const readVods = (value: unknown): Page<Vod> => readItems(value, "vods", readVod);

export const readFiles = (value: unknown): Page<FolderEntry> =>
  readItems(value, "files", readEntry);

export function vodPath(prefix: string): string {
  return `vods/${encodeURIComponent(prefix)}`;
}
