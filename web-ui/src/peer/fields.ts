// The settings of a peer as the form holds them: text by field, what is wrong with it, and the
// change that it means. Pure.

import { fields as fieldsOf, number, text } from "../api/model";
import type { Difference } from "../form/conflict";
import type { Shape } from "../form/editing";
import { faultsOf, type Faults } from "../form/faults";
import { strings } from "../strings";

interface Field {
  name: PeerField;
  /** Of a whole number. */
  range?: readonly [number, number];
  isSecret?: true;
}

export type PeerField = keyof typeof strings.peerFields;

/** In the order of the form, with the ranges of the settings' schema. */
export const FIELDS: readonly Field[] = [
  { name: "api_url" },
  { name: "public_payload_url" },
  { name: "private_payload_url" },
  { name: "public_rtsp_url" },
  { name: "public_rtmp_url" },
  { name: "fetch_timeout", range: [10, 3_600_000] },
  { name: "stale_timeout", range: [20, 86_400_000] },
  { name: "channel_limit", range: [0, 4_294_967_295] },
  { name: "cpu_limit", range: [0, 100] },
  { name: "cluster_key", isSecret: true },
];

/** What holds where nothing is set. */
export const DEFAULTS = { fetch_timeout: "1000", stale_timeout: "10000" };

/** How the API shows that a secret is set. */
export const KEPT = "***";

/** Text by field; empty where nothing is set. */
export type Draft = Record<PeerField, string>;

const NAMES = FIELDS.map(({ name }) => name);

const draftOf = (valueOf: (name: PeerField) => string): Draft =>
  Object.fromEntries(NAMES.map((name) => [name, valueOf(name)] as const)) as Draft;

function read(value: unknown): Draft {
  const raw = fieldsOf(value);
  return draftOf((name) => text(raw[name]) ?? number(raw[name])?.toString() ?? "");
}

/** What was emptied gets its default back. */
function patchOf(before: Draft, after: Draft): Record<string, unknown> {
  const patch: Record<string, unknown> = {};
  for (const { name, range } of FIELDS) {
    const value = after[name];
    if (before[name] !== value) patch[name] = value === "" ? null : range ? Number(value) : value;
  }
  return patch;
}

function rebased(base: Draft, mine: Draft, theirs: Draft): Draft {
  return draftOf((name) => (base[name] === mine[name] ? theirs : mine)[name]);
}

/** What either side has made of the fields that at least one has changed. */
export function differences(base: Draft, mine: Draft, theirs: Draft): Difference[] {
  const shown = (name: PeerField, after: Draft): string => {
    if (after[name] === base[name]) return strings.unchanged;
    return (name === "cluster_key" && after[name] && KEPT) || after[name] || strings.removed;
  };
  return NAMES.filter((name) => mine[name] !== base[name] || theirs[name] !== base[name]).map(
    (name) => ({
      label: strings.peerFields[name].label,
      mine: shown(name, mine),
      theirs: shown(name, theirs),
    }),
  );
}

function isHttpUrl(value: string): boolean {
  return /^https?:\/\//.test(value) && URL.canParse(value);
}

function check(draft: Draft): Faults {
  const faults: Faults = {};
  for (const { name, range } of FIELDS) {
    const value = draft[name];
    if (value === "" || !range) continue;
    const [min, max] = range;
    if (!/^\d+$/.test(value) || Number(value) < min || Number(value) > max)
      faults[name] = strings.wholeNumber(min, max);
  }
  for (const name of ["api_url", "private_payload_url"] as const)
    if (draft[name] !== "" && !isHttpUrl(draft[name])) faults[name] = strings.httpUrl;
  const [fetchMs, staleMs] = (["fetch_timeout", "stale_timeout"] as const).map((name) =>
    Number(draft[name] || DEFAULTS[name]),
  ) as [number, number];
  if (staleMs <= 2 * fetchMs) faults["stale_timeout"] ??= strings.staleTooShort(2 * fetchMs + 1);
  return faults;
}

export const SHAPE = {
  read,
  patchOf,
  rebased,
  check,
  faultsOf: (problem) => faultsOf(problem, NAMES),
} satisfies Shape<Draft>;
