// What stands in place of a page's content, or above it, while there is none or no access.

import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { ApiProblem } from "../api/http";
import { pageTitle, retry } from "../cluster/store";
import { formatInstant, formatTime } from "../format";
import { strings } from "../strings";

const SLOW_AFTER_MS = 2000;

/** Says that something is on its way, and when it takes long. */
export function Waiting() {
  const [isSlow, setSlow] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setSlow(true), SLOW_AFTER_MS);
    return () => clearTimeout(timer);
  }, []);
  return (
    <p class="note waiting" role="status">
      {isSlow ? strings.stillWaiting : strings.loading}
    </p>
  );
}

export function Panel({ title, children }: { title: string; children: ComponentChildren }) {
  return (
    <section class="panel" aria-labelledby="panel-title">
      <h2 id="panel-title">{title}</h2>
      {children}
    </section>
  );
}

export function describe(problem: ApiProblem): string {
  const status = problem.status === null ? "" : `${problem.status} `;
  const id = problem.requestId ? `, ${strings.requestId(problem.requestId)}` : "";
  return `${status}${problem.message}${id}`;
}

interface ProblemProps {
  problem: ApiProblem;
  onRetry?: () => void;
}

/** The clipboard exists only on https and on loopback. */
export function CopyDetails({ problem }: { problem: ApiProblem }) {
  const [copied, setCopied] = useState<ApiProblem | null>(null);
  if (!navigator.clipboard) return null;
  const copy = async (): Promise<void> => {
    const { atMs, path, status, code, message, requestId, faults } = problem;
    const at = formatInstant(atMs);
    const details = { at, path, status, code, message, requestId, faults };
    await navigator.clipboard.writeText(JSON.stringify(details, null, 1)).catch(() => undefined);
    setCopied(problem);
  };
  return (
    <button type="button" onClick={copy}>
      {copied === problem ? strings.copied : strings.copyDetails}
    </button>
  );
}

function ProblemActions({ problem, onRetry = retry }: ProblemProps) {
  return (
    <p class="actions">
      <button type="button" onClick={onRetry}>
        {strings.retry}
      </button>
      <CopyDetails problem={problem} />
    </p>
  );
}

/** Nothing was ever received. */
export function Failing({ problem, onRetry }: ProblemProps) {
  const isSilent = problem.kind === "unreachable";
  return (
    <div role="alert">
      <Panel title={isSilent ? strings.failingTitle : strings.refusedTitle}>
        <p>{strings.failing(describe(problem))}</p>
        <ProblemActions problem={problem} {...(onRetry && { onRetry })} />
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

/** The numbers stay, greyed; this says from when they are. */
export function LostBanner({ problem, fromMs }: { problem: ApiProblem; fromMs: number }) {
  return (
    <div class="banner bad" role="alert">
      <p>
        <span aria-hidden="true">✕</span> {strings.lost(describe(problem))}{" "}
        {strings.lastData(formatTime(fromMs))}
      </p>
      <ProblemActions problem={problem} />
    </div>
  );
}

/** The heading of a page, with the time of its newest data while they come. */
export function Title({ text, liveMs }: { text: string; liveMs: number | null }) {
  useEffect(() => void (pageTitle.value = text), [text]);
  return (
    <div class="title">
      <h1>{text}</h1>
      {liveMs !== null && <p class="live">{strings.live(formatTime(liveMs))}</p>}
    </div>
  );
}
