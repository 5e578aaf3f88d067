// The words of the page that edits the config file.

import { formatCount } from "../format";

const counted = (count: number, one: string, many: string): string =>
  `${formatCount(count)} ${count === 1 ? one : many}`;

const lines = (from: number, to: number): string =>
  to - from <= 1 ? `Line ${from + 1}` : `Lines ${from + 1} to ${to}`;

export const strings = {
  title: "Config file",
  about: "The main file of this node. Secrets read ***: left so, they stay as they are.",
  includes: (names: readonly string[]) =>
    `It includes other files, which are in force and not shown here: ${names.join(", ")}.`,
  readOnly: "This login may read the file and not change it.",
  broken:
    "The file on disk has errors, so the last good one is in use, and shown here. The node's log " +
    "and “watershed check” tell the errors. Mend it on disk, and make the node read it (SIGHUP).",
  editor: "Text of the config file",

  check: "Check",
  checkKey: "Ctrl+S",
  apply: "Check and apply",
  notChanged: "Not changed.",
  changed: (added: number, removed: number) => `Changed: ${differences(added, removed)}.`,
  checking: "Checking …",
  applying: "Applying …",
  valid: "Valid. Nothing is applied yet.",
  validAsIs: "Valid. It is what the file says.",
  nothingToApply: "There is nothing to apply.",
  /** `waits`: not all of it is in force. */
  applied: (added: number, removed: number, waits: boolean) =>
    waits
      ? `Written to the file: ${differences(added, removed)}. ` +
        "In force, but for what takes effect at the next start."
      : `Applied and written to the file: ${differences(added, removed)}.`,

  /** Comments of a shell. */
  byHand: { read: "# read", check: "# check", apply: "# check and apply" },

  notValid: "Not valid; nothing is applied",
  notChecked: "Not checked",
  notApplied: "Not applied",
  atStart: "Takes effect at the next start of this node",
  warnings: (count: number) => counted(count, "warning", "warnings"),
  place: (line: number, col: number) => `Line ${line}, column ${col}`,
  otherPlace: (path: string, line: number, col: number) => `${path}, line ${line}, column ${col}`,
  since: "changed since",
  moreFaults: (count: number) => `and ${formatCount(count)} more`,
  mayFollow: "May follow from the quote that is never closed:",
  onDisk:
    "Somebody has changed it on disk, and this node has not read that yet. Make it read the " +
    "file (SIGHUP, or the command below), then apply again: you will see theirs beside yours. " +
    "What you typed stays here.",
  readOnlyFile:
    "This node may not write the file or its folder. Change the file where it comes from, and " +
    "make the node read it (SIGHUP).",
  onlyOthers: "Only an included file was changed meanwhile. Look at your text and apply again.",

  leaveTitle: "Leave the config file?",
  leave: "Leave",
  leaveText: "What you changed is not applied and would be lost.",

  region: lines,
  added: (before: number) => (before === 0 ? "Before line 1" : `After line ${before}`),
  nothing: "(removed)",
  moreLines: (count: number) => `… and ${counted(count, "more line", "more lines")}`,
};

function differences(added: number, removed: number): string {
  return `${counted(added, "line", "lines")} added, ${formatCount(removed)} removed`;
}
