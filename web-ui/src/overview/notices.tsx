// What stands in place of the table, or above it, while there is nothing to show or no access.

import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { ApiProblem } from "../api/http";
import { SORT_KEYS } from "../cluster/order";
import { lastDataMs, retry, type Trouble } from "../cluster/store";
import { formatInstant, formatTime } from "../format";
import { strings } from "../strings";
import { InertHead } from "./table";

const SKELETON_ROWS = [1, 2, 3];
const SLOW_AFTER_MS = 2000;

/** The table's head with empty rows; says so when it takes long. */
export function Loading() {
  const [isSlow, setSlow] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setSlow(true), SLOW_AFTER_MS);
    return () => clearTimeout(timer);
  }, []);
  return (
    <div class="scroll" aria-busy="true">
      <p class="note waiting" role="status">
        {isSlow ? strings.stillWaiting : strings.loading}
      </p>
      <table aria-hidden="true">
        <InertHead />
        <tbody>
          {SKELETON_ROWS.map((row) => (
            <tr key={row} class="skeleton">
              {SORT_KEYS.map((column) => (
                <td key={column} class={`col-${column}`}>
                  <span />
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Panel({ title, children }: { title: string; children: ComponentChildren }) {
  return (
    <section class="panel" aria-labelledby="panel-title">
      <h2 id="panel-title">{title}</h2>
      {children}
    </section>
  );
}

export function EmptyCluster() {
  return (
    <Panel title={strings.emptyTitle}>
      <p>{strings.emptyText}</p>
      <pre tabIndex={0}>{strings.emptyExample}</pre>
      <pre tabIndex={0}>{strings.emptyCurl}</pre>
    </Panel>
  );
}

function describe(problem: ApiProblem): string {
  const status = problem.status === null ? "" : `${problem.status} `;
  const id = problem.requestId ? `, ${strings.requestId(problem.requestId)}` : "";
  return `${status}${problem.message}${id}`;
}

function ProblemActions({ problem }: { problem: ApiProblem }) {
  const [isCopied, setCopied] = useState(false);
  const copy = async (): Promise<void> => {
    const { path, status, code, message, requestId } = problem;
    const details = { at: formatInstant(Date.now()), path, status, code, message, requestId };
    await navigator.clipboard?.writeText(JSON.stringify(details, null, 1)).catch(() => undefined);
    setCopied(true);
  };
  return (
    <p class="actions">
      <button type="button" onClick={retry}>
        {strings.retry}
      </button>
      {/* The clipboard exists only on https and on loopback. */}
      {navigator.clipboard && (
        <button type="button" onClick={copy}>
          {isCopied ? strings.copied : strings.copyDetails}
        </button>
      )}
    </p>
  );
}

/** Nothing was ever received. */
export function Failing({ problem }: { problem: ApiProblem }) {
  const isSilent = problem.kind === "unreachable";
  return (
    <div role="alert">
      <Panel title={isSilent ? strings.failingTitle : strings.refusedTitle}>
        <p>{strings.failing(describe(problem))}</p>
        <ProblemActions problem={problem} />
      </Panel>
    </div>
  );
}

export function Forbidden({ problem }: { problem: ApiProblem }) {
  const isUnset = problem.code === "auth_not_configured";
  return (
    <Panel title={strings.forbiddenTitle}>
      <p>{isUnset ? strings.forbidden : strings.forbiddenOther(problem.message)}</p>
      {isUnset && <p>{strings.forbiddenAdvice}</p>}
      {isUnset && <pre tabIndex={0}>{strings.forbiddenExample}</pre>}
      <ProblemActions problem={problem} />
    </Panel>
  );
}

/** The table stays, greyed; this says from when it is. */
export function LostBanner({ trouble }: { trouble: Trouble }) {
  return (
    <div class="banner bad" role="alert">
      <p>
        <span aria-hidden="true">✕</span> {strings.lost(describe(trouble.problem))}{" "}
        {lastDataMs.value !== null && strings.lastData(formatTime(lastDataMs.value))}
      </p>
      <ProblemActions problem={trouble.problem} />
    </div>
  );
}
