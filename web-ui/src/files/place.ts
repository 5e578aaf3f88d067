// Where a file is among the collections, and the address of that place in the console. Pure.

import { formatHash, linkTo } from "../router";

/** The address of a folder, and of a file that is played in it. */
export function placeLink(prefix: string, folder: string, play = ""): string {
  const page = linkTo("files", prefix).slice(1);
  return formatHash(page, new URLSearchParams({ path: folder, play }));
}

/** May `name` be a file's, as the node plays them? A stream can have such a name, too. */
export const mayBeFile = (name: string): boolean => /\.(mp4|m4v|mov)$/i.test(name);

/** The address of the folder with the file; null where `name` is below none of the prefixes. */
export function folderLink(name: string, prefixes: readonly string[]): string | null {
  const above = prefixes.filter((prefix) => name.startsWith(`${prefix}/`));
  if (above.length === 0) return null;
  const prefix = above.reduce((one, other) => (other.length > one.length ? other : one));
  const folders = name
    .slice(prefix.length + 1)
    .split("/")
    .slice(0, -1);
  return placeLink(prefix, folders.join("/"));
}
