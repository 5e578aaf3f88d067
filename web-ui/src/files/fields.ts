// The settings of a collection as the form holds them, and the change that it means. Pure.

import { ApiProblem } from "../api/http";
import { fields, number, text } from "../api/model";
import { readVod } from "../api/vods";
import type { Difference } from "../form/conflict";
import type { Shape } from "../form/editing";
import { faultsOf, type Faults } from "../form/faults";
import { strings } from "./strings";

/** Text is empty where nothing is set. */
export interface Draft {
  storages: string[];
  duration: string;
}

type Patch = Record<string, unknown>;

export const DURATION = "segment_duration";

export const storageField = (index: number): string => `storages-${index}-url`;

function read(value: unknown): Draft {
  const duration = fields(value)[DURATION];
  return {
    storages: readVod(value).storages,
    duration: text(duration) ?? number(duration)?.toString() ?? "",
  };
}

const isGiven = (url: string): boolean => url.trim() !== "";

/** Rows of the form may be empty. */
const given = ({ storages }: Draft): string[] => storages.filter(isGiven);

const storagesText = (draft: Draft): string => given(draft).join("\n");

function patchOf(before: Draft, after: Draft): Patch {
  const patch: Patch = {};
  if (storagesText(before) !== storagesText(after))
    patch["storages"] = given(after).map((url) => ({ url }));
  if (before.duration !== after.duration) {
    const { duration } = after;
    // What is no number is sent as it is, for the node to say what it expects.
    patch[DURATION] = duration === "" ? null : /^\d+$/.test(duration) ? Number(duration) : duration;
  }
  return patch;
}

function rebased(base: Draft, mine: Draft, theirs: Draft): Draft {
  return {
    storages: storagesText(base) === storagesText(mine) ? theirs.storages : mine.storages,
    duration: base.duration === mine.duration ? theirs.duration : mine.duration,
  };
}

/** A URL would be taken for the name of a folder. */
function check(draft: Draft): Faults {
  const faults: Faults = {};
  if (given(draft).length === 0) faults[storageField(0)] = strings.storageWanted;
  for (const [index, storage] of draft.storages.entries())
    if (/^[a-z]+:\/\//i.test(storage)) faults[storageField(index)] = strings.storageWanted;
  return faults;
}

/** Labels of all fields of `draft`, by what names them in the page. */
export function labelsOf({ storages }: Draft): Faults {
  const labels: Faults = { prefix: strings.prefix.label, [DURATION]: strings.duration.label };
  for (const index of [...storages, ""].keys())
    labels[storageField(index)] = strings.storage(index + 1);
  return labels;
}

/** What the node means by refusing a storage, in the words of the page. */
const STORAGE_REFUSALS: Record<string, string> = {
  storage_not_allowed: strings.storageNotAllowed,
  wrong_type: strings.storageWanted,
};

/** What a refusal says, at the fields of the form. */
export function vodFaults(problem: ApiProblem, draft: Draft): Faults {
  const { kind, message, path, status, code, requestId } = problem;
  if (status === 412) return { prefix: strings.prefixTaken };
  const rows = draft.storages.flatMap((url, row) => (isGiven(url) ? [row] : []));
  // `/storages/0/url` and `/vods/3/storages/0/url` lead to the first row that is not empty.
  const faults = problem.faults.map((fault) => {
    const index = fault.pointer?.match(/\/storages\/(\d+)/)?.[1];
    if (index === undefined) return fault;
    const words = STORAGE_REFUSALS[code ?? ""];
    const pointer = `/${storageField(rows[Number(index)] ?? Number(index))}`;
    return { ...fault, pointer, ...(words && { title: words, detail: null }) };
  });
  const pointed = faults.flatMap(({ pointer }) => (pointer ? [pointer.slice(1)] : []));
  const storages = pointed.filter((id) => id.startsWith("storages-"));
  const flat = new ApiProblem(kind, message, path, status, code, requestId, faults);
  return faultsOf(flat, ["prefix", ...storages, DURATION]);
}

/** What either side has made of the fields that at least one has changed. */
export function differences(base: Draft, mine: Draft, theirs: Draft): Difference[] {
  const rows: Difference[] = [
    {
      label: strings.storages,
      mine: mine.storages.join(", "),
      theirs: theirs.storages.join(", "),
    },
    { label: strings.duration.label, mine: mine.duration, theirs: theirs.duration },
  ];
  const touched = { ...patchOf(base, mine), ...patchOf(base, theirs) };
  return rows.filter((_, index) => (index === 0 ? "storages" : DURATION) in touched);
}

export const SHAPE = {
  read,
  patchOf,
  rebased,
  unnamed: { prefix: strings.prefixWanted },
  check,
  faultsOf: vodFaults,
} satisfies Shape<Draft>;
