// Somebody else has changed the same thing: what they made of it beside what stands in the form.

import { useEffect, useRef } from "preact/hooks";
import { strings } from "../strings";

export interface Difference {
  label: string;
  mine: string;
  theirs: string;
}

interface ConflictProps {
  differences: readonly Difference[];
  onMine: () => void;
  onTheirs: () => void;
}

export function Conflict({ differences, onMine, onTheirs }: ConflictProps) {
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => box.current?.focus(), []);
  return (
    <div class="conflict" role="group" aria-labelledby="conflict" tabIndex={-1} ref={box}>
      <h2 id="conflict">{strings.conflictTitle}</h2>
      <dl>
        {differences.map(({ label, mine, theirs }) => (
          <div key={label}>
            <dt>{label}</dt>
            <dd>
              <b>{strings.yours}</b> <span>{mine}</span>
            </dd>
            <dd>
              <b>{strings.theirs}</b> <span>{theirs}</span>
            </dd>
          </div>
        ))}
      </dl>
      <p class="actions">
        <button type="button" onClick={onMine}>
          {strings.saveMine}
        </button>
        <button type="button" onClick={onTheirs}>
          {strings.takeTheirs}
        </button>
      </p>
    </div>
  );
}
