// Everything that is wrong with a form, on top of it; takes the focus when it appears.

import { useEffect, useRef } from "preact/hooks";
import { strings } from "../strings";
import type { Faults, Finding } from "./faults";
import { Refusal } from "./refusal";

/** Moves the focus without touching the hash, which belongs to the router. */
function leadTo(event: Event, field: string): void {
  event.preventDefault();
  document.getElementById(field)?.focus();
}

interface FaultSummaryProps extends Finding {
  labels: Faults;
}

export function FaultSummary({ faults, labels, problem }: FaultSummaryProps) {
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => box.current?.focus(), [faults]);
  const found = Object.entries(faults);
  if (found.length === 0) return null;
  return (
    <div
      class="banner bad summary"
      role="group"
      aria-label={strings.notSaved}
      tabIndex={-1}
      ref={box}
    >
      <p>
        <span aria-hidden="true">✕</span> {strings.notSaved}
      </p>
      <ul>
        {found.map(([field, what]) => (
          <li key={field}>
            {field && (
              <a href={location.hash} onClick={(event) => leadTo(event, field)}>
                {labels[field]}
              </a>
            )}{" "}
            {what}
          </li>
        ))}
      </ul>
      {problem && <Refusal problem={problem} />}
    </div>
  );
}
