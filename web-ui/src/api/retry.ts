// How long to wait before the node is asked again.

import type { ApiProblem } from "./http";

const MIN_MS = 1000;
const SPREAD_MS = 2000;
/** A refusal changes only when a person does something at the node. */
const REFUSED_MS = 5000;

/** After an end that says nothing; spread, so that not all browsers come back at once. */
export function delay(): number {
  return MIN_MS + Math.random() * SPREAD_MS;
}

/** After `problem`; null: until a person signs in. */
export function delayAfter(problem: ApiProblem): number | null {
  if (problem.kind === "unauthorized") return null;
  return problem.kind === "forbidden" ? REFUSED_MS : delay();
}
