// Which field of a form a refusal of the API belongs to. Pure.

import type { ApiProblem, Fault } from "../api/http";
import { asSentence } from "./sentence";

/** What is wrong, by field; under the empty name what belongs to none. */
export type Faults = Record<string, string>;

/** What came of the last try to save. */
export interface Finding {
  faults: Faults;
  /** The refusal that they come from; null: they were found before anything was sent. */
  problem: ApiProblem | null;
}

export const NOTHING: Finding = { faults: {}, problem: null };

/** The first word with an underscore: so the settings' own rules name the field they are about. */
const SETTING = /[a-z]+(_[a-z]+)+/;

function fieldOf({ pointer, title }: Fault): string | undefined {
  return pointer === null ? title.match(SETTING)?.[0] : pointer.split("/").at(-1);
}

export function faultsOf(problem: ApiProblem, fields: readonly string[]): Faults {
  const faults: Faults = {};
  for (const fault of problem.faults) {
    const field = fields.find((known) => known === fieldOf(fault)) ?? "";
    faults[field] ??= asSentence([fault.title, fault.detail].filter(Boolean).join("; "));
  }
  return problem.faults.length > 0 ? faults : { "": asSentence(problem.message) };
}
