// GETs one thing for a form that edits it: once, and anew only while there is no answer.

import type { ComponentChild } from "preact";
import { useEffect, useState } from "preact/hooks";
import { send, type ApiProblem, type Reply, type Send } from "../api/http";
import { Failing, Panel, Waiting } from "../frame/notices";
import { strings } from "../strings";
import { asSentence } from "./sentence";

const RETRY_MS = 2000;

interface LoadedProps {
  path: string;
  request?: Send;
  /** What it means that there is none; the node says something itself. */
  lack?: string;
  children: (reply: Reply) => ComponentChild;
}

export function Loaded({ path, request = {}, lack, children }: LoadedProps) {
  const [reply, setReply] = useState<Reply | null>(null);
  const [problem, setProblem] = useState<ApiProblem | null>(null);
  const load = (): void => void send(path, request).then(setReply, setProblem);
  const isMissing = problem?.status === 404;
  useEffect(() => {
    if (reply || isMissing) return;
    const timer = setTimeout(load, problem ? RETRY_MS : 0);
    return () => clearTimeout(timer);
  }, [problem, reply]);
  if (reply) return children(reply);
  if (!problem) return <Waiting />;
  if (!isMissing) return <Failing problem={problem} onRetry={load} />;
  return (
    <Panel title={strings.notThere}>
      <p>{lack ?? asSentence(problem.message)}</p>
    </Panel>
  );
}
