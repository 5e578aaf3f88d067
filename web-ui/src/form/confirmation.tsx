// Asks before something is done that cannot be undone.

import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { ApiProblem } from "../api/http";
import { strings } from "../strings";
import { Refusal } from "./refusal";
import { asSentence } from "./sentence";

interface ConfirmationProps {
  title: string;
  /** What the button that does it says. */
  verb: string;
  /** What is lost by it. */
  children: ComponentChildren;
  /** Does it; an `ApiProblem` is shown and leaves the question open. */
  act: () => Promise<void>;
  onClose: () => void;
}

export function Confirmation({ title, verb, children, act, onClose }: ConfirmationProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [problem, setProblem] = useState<ApiProblem | null>(null);
  useEffect(() => dialog.current?.showModal(), []);
  const close = (): void => dialog.current?.close();
  const confirm = (): void => void act().then(close, setProblem);
  return (
    <dialog ref={dialog} aria-labelledby="confirmation" onClose={onClose}>
      <h2 id="confirmation">{title}</h2>
      {children}
      <p class="error" role="alert">
        {problem && asSentence(problem.message)}
      </p>
      {problem && <Refusal problem={problem} />}
      <p class="actions">
        <button type="button" class="danger" onClick={confirm}>
          {verb}
        </button>
        {/* An Enter too much does no harm. */}
        <button type="button" autofocus onClick={close}>
          {strings.cancel}
        </button>
      </p>
    </dialog>
  );
}
