// Shows a page's content as soon as there are data; until then, or without access, stands why not.
// What was typed into a page outlives a lost session.

import type { ComponentChildren } from "preact";
import type { ApiProblem } from "../api/http";
import { lastDataMs, trouble } from "../cluster/store";
import { Failing, Forbidden, LostBanner, Waiting } from "./notices";
import { SignIn } from "./sign_in";

interface GateProps {
  /** Why nothing new comes, if so; without it, the cluster's data are meant. */
  problem?: ApiProblem | null;
  /** When the newest data came; null: never yet. */
  fromMs?: number | null;
  waiting?: ComponentChildren;
  children: ComponentChildren;
}

export function Gate({
  problem = trouble.value?.problem ?? null,
  fromMs = lastDataMs.value,
  waiting = <Waiting />,
  children,
}: GateProps) {
  const noAccess =
    problem?.kind === "unauthorized" ? (
      <SignIn problem={problem} />
    ) : problem?.kind === "forbidden" ? (
      <Forbidden problem={problem} />
    ) : null;
  if (fromMs === null) return noAccess ?? (problem ? <Failing problem={problem} /> : waiting);
  return (
    <>
      {noAccess ?? (problem && <LostBanner problem={problem} fromMs={fromMs} />)}
      <div hidden={noAccess !== null} class={problem ? "greyed" : undefined}>
        {children}
      </div>
    </>
  );
}
