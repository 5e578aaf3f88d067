// The settings of a stream as the form holds them: text by field, and the change that it means.
// Pure.

import { ApiProblem } from "../api/http";
import { fields as fieldsOf, number, text } from "../api/model";
import type { Difference } from "../form/conflict";
import type { Shape } from "../form/editing";
import { faultsOf, type Faults } from "../form/faults";
import { asSentence } from "../form/sentence";
import { strings } from "../strings";
import { streamStrings } from "./strings";

/** In the order of the form. */
export const TEXTS = ["title", "password", "clients_timeout", "max_sessions"] as const;
export type TextField = (typeof TEXTS)[number];

/** How the API shows that a secret is set. */
export const KEPT = "***";

export interface InputDraft {
  url: string;
  priority: string;
  /** Settings of the input that the form does not show; they stay as they are. */
  others: Record<string, unknown>;
}

/** Text is empty where nothing is set. */
export interface Draft extends Record<TextField, string> {
  inputs: InputDraft[];
  isStatic: boolean;
}

type Patch = Record<string, unknown>;

export const urlField = (index: number): string => `inputs-${index}-url`;
export const priorityField = (index: number): string => `inputs-${index}-priority`;

const shown = (value: unknown): string => text(value) ?? number(value)?.toString() ?? "";

/** Numbers travel as such; what is none is sent as it is, for the node to say what it expects. */
const typed = (value: string): string | number => (/^\d+$/.test(value) ? Number(value) : value);

function readInput(value: unknown): InputDraft {
  const { url, priority, stats: _known, ...others } = fieldsOf(value);
  return { url: shown(url), priority: shown(priority), others };
}

function read(value: unknown): Draft {
  const raw = fieldsOf(value);
  const texts = TEXTS.map((name) => [name, shown(raw[name])] as const);
  const inputs = Array.isArray(raw["inputs"]) ? raw["inputs"].map(readInput) : [];
  return {
    ...(Object.fromEntries(texts) as Record<TextField, string>),
    inputs,
    isStatic: raw["static"] !== false,
  };
}

function written({ url, priority, others }: InputDraft): Patch {
  return { ...others, url, ...(priority !== "" && { priority: typed(priority) }) };
}

const inputsText = ({ inputs }: Draft): string => JSON.stringify(inputs.map(written));

/** A password or title of digits is text all the same. */
const isNumber = (name: TextField): boolean =>
  name === "clients_timeout" || name === "max_sessions";

function patchOf(before: Draft, after: Draft): Patch {
  const patch: Patch = {};
  for (const name of TEXTS) {
    const value = after[name];
    if (before[name] === value) continue;
    patch[name] = value === "" ? null : isNumber(name) ? typed(value) : value;
  }
  if (inputsText(before) !== inputsText(after)) patch["inputs"] = after.inputs.map(written);
  if (before.isStatic !== after.isStatic) patch["static"] = after.isStatic;
  return patch;
}

function rebased(base: Draft, mine: Draft, theirs: Draft): Draft {
  const kept: Partial<Draft> = {};
  for (const name of TEXTS) if (base[name] !== mine[name]) kept[name] = mine[name];
  if (inputsText(base) !== inputsText(mine)) kept.inputs = mine.inputs;
  if (base.isStatic !== mine.isStatic) kept.isStatic = mine.isStatic;
  return { ...theirs, ...kept };
}

/** Labels of all fields of `draft`, by what names them in the page. */
export function labelsOf({ inputs }: Draft): Faults {
  const labels: Faults = { name: strings.streamFields.name.label };
  inputs.forEach((_, index) => {
    labels[urlField(index)] = strings.inputUrl(index + 1);
    labels[priorityField(index)] = strings.inputPriority(index + 1);
  });
  for (const name of TEXTS) labels[name] = strings.streamFields[name].label;
  return labels;
}

/** `/inputs/0/url` and `/streams/3/inputs/0/url` lead to `inputs-0-url`. */
function flat(pointer: string | null): string | null {
  return (
    pointer &&
    `/${pointer
      .replace(/^\/streams\/\d+/, "")
      .slice(1)
      .replaceAll("/", "-")}`
  );
}

/** What a refusal says, at the fields of a form with as many inputs as a stream may have. */
export function streamFaults(problem: ApiProblem): Faults {
  const { kind, message, path, status, code, requestId } = problem;
  if (status === 412) return { name: strings.nameTaken };
  if (code === "invalid_stream_name") return { name: asSentence(message) };
  const faults = problem.faults.map((fault) => ({ ...fault, pointer: flat(fault.pointer) }));
  const pointed = faults.flatMap(({ pointer }) => (pointer ? [pointer.slice(1)] : []));
  const inputs = pointed.filter((id) => /^inputs-\d+-(url|priority)$/.test(id));
  return faultsOf(new ApiProblem(kind, message, path, status, code, requestId, faults), [
    ...inputs,
    ...TEXTS,
  ]);
}

/** What either side has made of the fields that at least one has changed. */
export function differences(base: Draft, mine: Draft, theirs: Draft): Difference[] {
  const rows: [string, (draft: Draft) => string][] = [
    [strings.inputs, ({ inputs }) => inputs.map(({ url }) => url).join(" ")],
    [strings.capture, ({ isStatic }) => strings.captures[isStatic ? "always" : "ondemand"]],
    ...TEXTS.map((name): [string, (draft: Draft) => string] => [
      strings.streamFields[name].label,
      (draft) => (name === "password" && draft.password !== "" ? KEPT : draft[name]),
    ]),
  ];
  const changed = ([mine, theirs]: Patch[]): Set<string> =>
    new Set([...Object.keys(mine ?? {}), ...Object.keys(theirs ?? {})]);
  const touched = changed([patchOf(base, mine), patchOf(base, theirs)]);
  const names = ["inputs", "static", ...TEXTS];
  return rows
    .filter((_, index) => touched.has(names[index] ?? ""))
    .map(([label, show]) => ({
      label,
      mine: show(mine) || strings.removed,
      theirs: show(theirs) || strings.removed,
    }));
}

export const SHAPE: Shape<Draft> = {
  read,
  patchOf,
  rebased,
  unnamed: { name: streamStrings.nameWanted },
  faultsOf: streamFaults,
};
