// Every word of the pages about files. Apart from the others', which every page loads.

import { formatCount } from "../format";

const counted = (shown: number, all: number, one: string, many: string): string =>
  shown === all
    ? `${formatCount(all)} ${all === 1 ? one : many}`
    : `${formatCount(shown)} of ${formatCount(all)} ${many}`;

export const strings = {
  title: "Files",
  note: "Folders of this node whose files can be played from any place in them, at any node.",
  caption: "Collections of files",
  columns: { prefix: "Prefix", storages: "Storages", clients: "Clients" },
  hint: "Prefix, folder",
  count: (shown: number, all: number) => counted(shown, all, "collection", "collections"),
  noMatch: "No collection matches the filter.",
  none: "There are no files yet.",
  noneText: "Add a collection with the button above, or in the config file:",
  example: "vod movies { storage /var/lib/watershed/movies; }",
  add: "Add a collection",

  folderCaption: "What is in the folder",
  fileColumns: { name: "Name", size: "Size", changed: "Changed" },
  fileHint: "Name",
  fileCount: (shown: number, all: number) => counted(shown, all, "entry", "entries"),
  noFileMatch: "Nothing in this folder matches the filter.",
  noFiles: "No files here yet.",
  noFilesText: "Files that end in .mp4, .m4v or .mov are played. Copy some into:",
  path: "Where you are",
  folder: "folder",
  unplayable: "not playable: rename it to letters, digits, dots, hyphens and underscores",
  play: (name: string) => `Play ${name}`,
  player: (name: string) => `Player of ${name}`,
  close: "Close the player",
  gone: "There is no such folder.",
  goneText: "It was removed or renamed, or it never was.",
  toAll: "All files",

  prefix: {
    label: "Prefix",
    help: "What addresses of its files begin with: letters, digits, dots, hyphens, underscores.",
  },
  storages: "Storages",
  storagesHelp:
    "Folders of this node; the first that has a file gives it. Here they can be below the config " +
    "file's folder, or below another storage; the file itself may name any folder.",
  storage: (number: number) => `Storage ${number}`,
  storageExample: "films",
  storageWanted: "Wanted: a folder of this node, such as films.",
  storageNotAllowed:
    "It is neither below the config file's folder nor below another storage: only the file " +
    "itself may name it.",
  duration: {
    label: "Segment duration, s",
    help: "About how long a piece of a film is that a player asks for at a time.",
  },
  prefixWanted: "A collection needs a prefix.",
  prefixTaken: "There is a collection of this prefix already.",
  saved: (prefix: string) => `${prefix} is saved.`,
  removed: (prefix: string) => `${prefix} is removed.`,
  removeTitle: (prefix: string) => `Remove ${prefix}?`,
  removeMeans: "It is taken out of this node's config file. The files stay where they are.",
};
